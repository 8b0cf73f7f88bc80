"""What a conversation holds that is no text, such as images and calls of tools: refused, or left aside with a note."""

from collections import Counter
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import NoReturn

from srt_core.errors import DatasetError

Fields = Mapping[str, object]


class NotText(StrEnum):
    """A kind of what is no text, by the name that a person gives it."""

    MEDIA = "media"
    """Images, sounds, videos, and other parts of a message that are no text."""
    TOOL_CALLS = "tool-calls"
    """Calls of tools, and what the tools answered."""


LEFT_ASIDE = "left_aside"
"""The column in which a sample says what it has that is no text."""
CALLS = ("tool_calls", "function_call")
CONTENT = "content"
"""Among the fields of a message: its content as it was given, a list of parts."""
BEFORE, AFTER = "messages_before", "messages_after"
"""Among the fields of a message: those around it that have no text, as they were given."""

MEDIA_KEYS = frozenset({"bytes", "path"})
_MARKS = ("<image>", "<video>", "<audio>")
_CALL_PARTS = ("tool_use", "tool_result", "tool_call", "function_call", "server_tool_use")
_PARTS = {"image": "image", "audio": "sound", "video": "video"}
_ANSWER = "answer of a tool"
_PLURALS = {_ANSWER: "answers of tools"}
_TEXT_PARTS = ("text", "input_text", "output_text")


def parse_take(names: Iterable[str]) -> tuple[NotText, ...]:
    """Return the kinds of these names.

    Raises:
        DatasetError: there is no such kind.
    """
    found = {name.strip().lower() for name in names}
    unknown = sorted(found - {*NotText})
    if unknown:
        raise DatasetError(f'"{unknown[0]}" is nothing that can be left aside.', f"Choose of {', '.join(NotText)}.")
    return tuple(each for each in NotText if each in found)


def is_media(value: object) -> bool:
    """Whether a value is an image or a sound as `datasets` writes them, or a list of such."""
    if isinstance(value, list):
        return bool(value) and is_media(value[0])
    return (
        isinstance(value, Mapping) and value.keys() == MEDIA_KEYS and any(each is not None for each in value.values())
    )


def is_about(fields: Fields, column: str) -> bool:
    """Whether a record is about the image or the sound of a column: it holds one, or a text has its mark."""
    if is_media(fields[column]):
        return True
    others = (str(value) for name, value in fields.items() if name != column)
    return any(mark in text for text in others for mark in _MARKS)


def is_text_part(part: object) -> bool:
    """Whether a part of a message's content is text, or says so."""
    return isinstance(part, str) or (isinstance(part, Mapping) and (part.get("type") or "text") in _TEXT_PARTS)


def kind_of_part(part: object) -> NotText:
    """Return what a part is that is no text."""
    return NotText.TOOL_CALLS if isinstance(part, Mapping) and part.get("type") in _CALL_PARTS else NotText.MEDIA


def name_part(part: object) -> str:
    """Return what a part is, as a noun: image, sound, video, tool call, or by its type."""
    kind = str(part.get("type")) if isinstance(part, Mapping) else "part"
    if kind in _CALL_PARTS:
        return _ANSWER if kind == "tool_result" else "tool call"
    return next((name for word, name in _PARTS.items() if word in kind), f'part of the type "{kind}"')


def refuse(what: str, kind: NotText, hint: str = "") -> NoReturn:
    """Refuse what is no text, and say which option takes it."""
    option = f"To take the texts alone, with a mark: --take {kind}."
    raise DatasetError(what, f"{hint} {option}" if hint else option)


def say_left_aside(columns: Iterable[str], fields: Iterable[Fields]) -> str:
    """Say what a sample has beside text, in columns and in the fields of messages: "2 images, 1 tool call"."""
    counts = _count(fields) + Counter(f'image or sound (column "{column}")' for column in columns)
    return ", ".join(f"{count} {name}" if count == 1 else f"{count} {_PLURALS.get(name, name + 's')}"
                     for name, count in counts.most_common())  # fmt: skip


def join_fields(first: Fields, text: str, second: Fields, other_text: str) -> dict[str, object]:
    """Return the fields of two messages of one speaker that become one turn; the first's calls come before it."""
    joined = {**first, **second}
    if CONTENT in joined:
        one, other = (
            each if isinstance(each, list) else [{"type": "text", "text": said}]
            for each, said in ((first.get(CONTENT), text), (second.get(CONTENT), other_text))
        )
        joined[CONTENT] = [*one, {"type": "text", "text": "\n\n"}, *other]
    calls = {key: first[key] for key in CALLS if key in first}
    if calls and not calls.keys() & second.keys():
        joined = {name: value for name, value in joined.items() if name not in calls}
    called = [{"role": "assistant", "content": None, **calls}] if calls else []
    before = [*_listed(first.get(BEFORE)), *called, *_listed(second.get(BEFORE))]
    return {**joined, BEFORE: before} if before else joined


def _listed(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _count(fields: Iterable[Fields]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for each in fields:
        content = each.get(CONTENT)
        if isinstance(content, list):
            counts.update(name_part(part) for part in content if not is_text_part(part))
        for key in CALLS:
            calls = each.get(key)
            counts["tool call"] += len(calls) if isinstance(calls, list) else bool(calls)
        for key in (BEFORE, AFTER):
            for message in _listed(each.get(key)):
                if isinstance(message, Mapping):
                    called = "tool call" if "call" in str(message.get("role")) else _ANSWER
                    counts.update(_count([message]) or (called,))
    return +counts
