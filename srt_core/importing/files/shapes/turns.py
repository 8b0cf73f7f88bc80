"""What was said in a conversation, one turn after another, from messages of any of the usual forms."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NoReturn

from srt_core.errors import DatasetError
from srt_core.importing.files.records import describe
from srt_core.importing.files.shapes.roles import CONTENT_KEYS, ROLE_KEYS, Roles, Speaker
from srt_core.importing.files.shapes.values import is_blank, keep, parse_json

_CALLS = ("tool_calls", "function_call")
_PAIR = 2
_OWN_KEYS = frozenset({*ROLE_KEYS, *CONTENT_KEYS, *_CALLS})
_TEXT_PARTS = ("text", "input_text", "output_text")
_PRINTED = re.compile(r"\s*[\[{]+\s*'")


@dataclass(frozen=True, slots=True)
class Said:
    """One turn: who speaks, the text, and what else its message carries."""

    speaker: Speaker
    text: str
    fields: Mapping[str, object] = field(default_factory=dict)

    def __add__(self, other: "Said") -> "Said":
        return Said(self.speaker, f"{self.text}\n\n{other.text}", {**self.fields, **other.fields})


def read_turns(value: object, roles: Roles, *, first_only: bool = False) -> list[Said]:
    """Return the turns of a list of messages; those of one speaker in a row are one, with a blank line between.

    `first_only`: nothing is read after the first answer.

    A message is an object with a role and a content, an object of speakers, a list of speaker and text or of question
    and answer, or a text (then the speakers take turns).

    Raises:
        DatasetError: it is no such list, or a message is no text that can be trained on.
    """
    messages = _messages(value)
    turns: list[Said] = []
    for number, message in enumerate(messages, start=1):
        is_enough = first_only and [each.speaker for each in turns[-2:]] == [Speaker.USER, Speaker.ASSISTANT]
        try:
            found = _read(message, number, roles)
        except DatasetError:
            if is_enough:
                break
            raise
        if is_enough and found[0].speaker is not Speaker.ASSISTANT:
            break
        for said in found:
            if turns and turns[-1].speaker is said.speaker:
                turns[-1] += said
            elif not (said.speaker is Speaker.SYSTEM and is_blank(said.text)):
                turns.append(said)
    return turns


def _messages(value: object) -> Sequence[object]:
    """Return the list of messages that a value is, or holds as JSON."""
    messages = parse_json(value)
    if isinstance(messages, Mapping):
        return [messages]
    if isinstance(messages, Sequence) and not isinstance(messages, str | bytes):
        return messages
    hint = "Where they are one text, map it as that, with separators: --map text=COLUMN --separator ..."
    if isinstance(messages, str) and _PRINTED.match(messages):
        hint = "They stand as Python prints a list: write them with json.dumps."
    raise DatasetError(f"The messages are {describe(messages)}, not a list.", hint if messages else "")


def _read(message: object, number: int, roles: Roles) -> list[Said]:
    if isinstance(message, dict):
        name = next((message[key] for key in ROLE_KEYS if message.get(key) is not None), None)
        return _read_speakers(message, number, roles) if name is None else [_read_message(message, name, number, roles)]
    if isinstance(message, str):
        return [_said(Speaker.USER if number % _PAIR else Speaker.ASSISTANT, message, number)]
    if isinstance(message, list) and len(message) == _PAIR and isinstance(message[0], str):
        speaker = roles.get(message[0].lower())
        if speaker is not None:
            return [_read_message({"content": message[1]}, message[0], number, roles)]
        return [_said(who, text, number) for who, text in zip((Speaker.USER, Speaker.ASSISTANT), message, strict=True)]
    raise DatasetError(f"Message {number} is {describe(message)}, not an object with a role and a content.")


def _read_message(message: Mapping[str, object], name: object, number: int, roles: Roles) -> Said:
    if isinstance(name, Mapping):
        name = name.get("role")
    speaker = roles.get(name.strip().lower()) if isinstance(name, str) else None
    if speaker is None:
        hint = f'Say what it is: --role "{name}=user" (or assistant, system).' if isinstance(name, str) else ""
        raise DatasetError(f'Message {number} has the unknown role "{name}".', hint)
    if speaker is Speaker.TOOL:
        _refuse_call(str(name))
    if any(message.get(key) for key in _CALLS):
        _refuse_call(None)
    content = next((message[key] for key in CONTENT_KEYS if message.get(key) is not None), None)
    fields = {
        key: kept for key, value in message.items() if key not in _OWN_KEYS and (kept := keep(value)) not in (None, [])
    }
    return _said(speaker, content, number, fields)


def _refuse_call(name: str | None) -> NoReturn:
    hint = f'To take such turns as text, say whose they are: --role "{name}=assistant".' if name else ""
    raise DatasetError("The conversation calls tools, which a pair of texts cannot hold.", hint)


def _read_speakers(message: Mapping[str, object], number: int, roles: Roles) -> list[Said]:
    """Read a message that is an object of speakers: {"human": ..., "assistant": ...}."""
    turns = [
        _said(speaker, text, number)
        for name, text in message.items()
        if (speaker := roles.get(name.lower())) is not None and text is not None
    ]
    if not turns:
        names = ", ".join(f'"{name}"' for name in message)
        raise DatasetError(f"Message {number} has no role; it has {names or 'nothing'}.")
    return turns


def _said(speaker: Speaker, content: object, number: int, fields: Mapping[str, object] | None = None) -> Said:
    text = _join_parts(speaker, content) if isinstance(content, list) else content
    if not isinstance(text, str):
        raise DatasetError(f"The {speaker} turn is {describe(text)}, not text (message {number}).")
    if speaker is not Speaker.SYSTEM and is_blank(text):
        raise DatasetError(f"The {speaker} turn is empty (message {number}).")
    return Said(speaker, text, fields or {})


def _join_parts(speaker: Speaker, parts: Sequence[object]) -> str:
    """Join the texts of a content that is a list of parts, with a blank line where neither side has a break."""
    joined = ""
    for part in parts:
        text = part if isinstance(part, str) else _part_text(speaker, part)
        is_apart = not joined or not text or joined[-1].isspace() or text[0].isspace()
        joined += text if is_apart else f"\n\n{text}"
    return joined


def _part_text(speaker: Speaker, part: object) -> str:
    if not isinstance(part, Mapping):
        raise DatasetError(f"The {speaker} turn has a part that is {describe(part)}, not text.")
    kind = part.get("type") or "text"
    text = part.get("text")
    if kind in _TEXT_PARTS and isinstance(text, str):
        return text
    if kind in _TEXT_PARTS:
        raise DatasetError(f"The {speaker} turn has a part whose text is {describe(text)}.")
    word = "an image" if "image" in str(kind) else f'a part of the type "{kind}"'
    raise DatasetError(f"The {speaker} turn holds {word}, which cannot be trained on as text.")
