"""The text of a chat message, whose content may be a text, parts of one, or stand in another field altogether."""

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

_TEXT_PARTS: Final = frozenset({"text", "output_text"})
_THOUGHT_PARTS: Final = frozenset(
    {"thinking", "redacted_thinking", "reasoning", "reasoning_content", "thought", "summary"}
)
_REFERENCES: Final = frozenset({"reference", "citation"})
"""Parts that say where a text is from, and hold none (Mistral)."""
_THOUGHTS: Final = ("reasoning_content", "reasoning", "thinking")
"""Fields in which servers send what a model thought before its answer."""


def message_text(message: object, *, is_cut: bool) -> str | None:
    """Return what a message says; None where that is no text.

    Text parts are joined and thoughts left aside. Where nothing else is there, an answer in the arguments of a tool
    call is taken, else the thoughts: between `<think>` and `</think>`, so that whoever reads the text sees what it is.
    `is_cut`: the reply was cut at its limit; then the thoughts have no end, and there may be none at all.
    """
    if not isinstance(message, Mapping):
        return None
    content = message.get("content")
    text = _joined(content)
    if text is None and content is not None:
        return None
    if not (text or "").strip():
        text = _argument(message) or _refused(message) or _thoughts(message, content, is_cut=is_cut) or text
    return "" if text is None and is_cut else text


def _joined(content: object) -> str | None:
    """Return a content as text: a text, parts of which the texts are joined, or an object as its JSON."""
    if isinstance(content, str):
        return content
    if isinstance(content, Mapping) and "type" not in content:
        return json.dumps(content, ensure_ascii=False) if content else None
    parts = content if isinstance(content, list) else [content]
    texts = [part if isinstance(part, str) else _part(part, _TEXT_PARTS) for part in parts if not _is_aside(part)]
    return None if None in texts or content in (None, []) else "".join(filter(None, texts))


def _part(part: object, kinds: Iterable[str]) -> str | None:
    """Return the text of a part of one of these kinds; None of any other."""
    if not isinstance(part, Mapping) or part.get("type", "text") not in kinds:
        return None
    text = part.get("text")
    return text if isinstance(text, str) else None


def _is_aside(part: object) -> bool:
    return _is_thought(part) or (isinstance(part, Mapping) and part.get("type") in _REFERENCES)


def _is_thought(part: object) -> bool:
    return isinstance(part, Mapping) and part.get("type") in _THOUGHT_PARTS


def _argument(message: Mapping[str, Any]) -> str | None:
    """Return the arguments of the only tool call of a message; None where there is none, or several."""
    calls = message.get("tool_calls") or [{"function": message.get("function_call")}]
    only = calls[0] if isinstance(calls, list) and len(calls) == 1 else None
    function = only.get("function") if isinstance(only, Mapping) else None
    found = function.get("arguments") if isinstance(function, Mapping) else None
    if isinstance(found, Mapping):
        return json.dumps(found, ensure_ascii=False)
    return found if isinstance(found, str) else None


def _refused(message: Mapping[str, Any]) -> str | None:
    said = message.get("refusal")
    return said if isinstance(said, str) else None


def _thoughts(message: Mapping[str, Any], content: object, *, is_cut: bool) -> str | None:
    """Return the thoughts of a message between their tags; None where it has none."""
    fields = [message.get(name) for name in _THOUGHTS]
    parts = [part for part in content if _is_thought(part)] if isinstance(content, list) else []
    found = next((text for text in map(_text_in, [*fields, parts]) if text.strip()), "")
    return f"<think>\n{found}" + ("" if is_cut else "\n</think>") if found else None


def _text_in(found: object) -> str:
    """Return all texts of a thought, however deep it holds them."""
    if isinstance(found, str):
        return found
    if isinstance(found, Mapping):
        found = [found[name] for name in ("text", "thinking", "reasoning", "summary") if name in found]
    return "".join(map(_text_in, found)) if isinstance(found, list) else ""
