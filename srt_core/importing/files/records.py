"""The results of reading: records, and rejects where a record cannot be read."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

EXCERPT_CHARACTERS = 2000


@dataclass(frozen=True, slots=True)
class Record:
    """One record: its 0-based row in the file, the 1-based line where it begins if known, its fields by column."""

    row: int
    line: int | None
    fields: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Reject:
    """A record that cannot be read: row and line, the reason as a sentence, and at most its first 2,000 characters."""

    row: int
    line: int | None
    reason: str
    raw: str


def excerpt(raw: bytes | str | Mapping[str, object]) -> str:
    """Return the start of a record, at most 2,000 characters, as text that can be stored."""
    if isinstance(raw, Mapping):
        raw = json.dumps(raw, ensure_ascii=False, default=str)
    text = raw if isinstance(raw, str) else raw[: 4 * EXCERPT_CHARACTERS].decode("utf-8", "replace")
    return text[:EXCERPT_CHARACTERS].encode("utf-8", "replace").decode("utf-8")


def describe(value: object) -> str:
    """Return the type of a value in words: "a number", "a list", "an object", ..."""
    if value is None or isinstance(value, bool):
        return "null" if value is None else "true or false"
    if isinstance(value, int | float):
        return "a number"
    names: dict[type, str] = {str: "text", list: "a list", dict: "an object", bytes: "binary data"}
    return names.get(type(value), f"a {type(value).__name__}")
