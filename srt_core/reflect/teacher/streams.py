"""Read a streamed reply, server-sent events in one body, into the completion that it would have been in one piece."""

import json
import re
from collections.abc import Iterator
from typing import Any, Final

DONE: Final = "[DONE]"
_TEXTS: Final = ("content", "reasoning_content", "reasoning", "refusal")


def is_stream(text: str) -> bool:
    """Whether a body holds server-sent events. Some servers send them whatever they are asked for."""
    return text.lstrip("\ufeff\r\n ").startswith(("data:", "event:", "id:", ": "))


def joined_stream(text: str) -> object:
    """Return the chat completion that the events of a stream add up to.

    An event that holds no part of a completion, such as an error, is returned as it is. ValueError where the stream is
    not whole: it has neither a finish reason nor the mark of its end.
    """
    message: dict[str, Any] = {"role": "assistant", "content": None}
    whole: dict[str, Any] = {"usage": None}
    finish: object = None
    is_whole = False
    for event in _events(text):
        if event == DONE:
            is_whole = True
            break
        found: object = json.loads(event)
        if not isinstance(found, dict) or not isinstance(found.get("choices"), list):
            return found
        whole |= {name: found[name] for name in ("id", "model", "usage") if found.get(name)}
        for choice in found["choices"]:
            if isinstance(choice, dict) and choice.get("index", 0) == 0:
                _add(message, choice.get("delta") or choice.get("message") or {})
                finish = choice.get("finish_reason") or finish
    if not (is_whole or finish):
        raise ValueError("the stream broke off before its end")
    return whole | {"choices": [{"index": 0, "message": message, "finish_reason": finish}]}


def _events(text: str) -> Iterator[str]:
    """Yield the data of each event; the lines of one event's data are joined."""
    lines: list[str] = []
    for line in [*re.split(r"\r\n|\n|\r", text), ""]:
        if line.startswith("data:"):
            lines.append(line.removeprefix("data:").strip())
        elif not line.strip() and lines:
            yield "\n".join(lines)
            lines = []


def _add(message: dict[str, Any], delta: object) -> None:
    """Add one delta to the message so far."""
    if not isinstance(delta, dict):
        return
    for name in _TEXTS:
        before, part = message.get(name), delta.get(name)
        if isinstance(part, str) and isinstance(before, str | None):
            message[name] = (before or "") + part
        elif isinstance(part, str | list):
            message[name] = _parts(before) + _parts(part)
    for call in delta.get("tool_calls") or []:
        _add_call(message, call)


def _parts(content: object) -> list[object]:
    """Return a content, a text or a list of parts, as a list of parts."""
    if isinstance(content, list):
        return content
    return [{"type": "text", "text": content}] if content else []


def _add_call(message: dict[str, Any], call: object) -> None:
    """Add a part of a tool call, whose arguments come in pieces, to the call that it is of."""
    if not isinstance(call, dict) or not isinstance(call.get("function"), dict):
        return
    calls: list[dict[str, Any]] = message.setdefault("tool_calls", [])
    place = call.get("index", len(calls))
    while isinstance(place, int) and len(calls) <= place < 8:
        calls.append({"function": {"arguments": ""}})
    part = call["function"].get("arguments")
    if isinstance(place, int) and 0 <= place < len(calls) and isinstance(part, str):
        calls[place]["function"]["arguments"] += part
