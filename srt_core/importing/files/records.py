"""The results of reading: records, and rejects where a record cannot be read."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

_HALF = re.compile("[\ud800-\udfff]")

RAW_CHARACTERS = 1_000_000
"""How much of a record that cannot be used is kept, so that it can be mended and given again."""


@dataclass(frozen=True, slots=True)
class Record:
    """One record: its row in the file and the line where it begins, both from 1, and its fields by column."""

    row: int
    line: int | None
    fields: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Reject:
    """A record that cannot be used: where it stands, the reason as a sentence, and its text."""

    row: int
    line: int | None
    reason: str
    raw: str
    detail: str = ""
    """What is true of this one alone, such as the place of the error in it."""
    lines: int = 1
    """How many lines were skipped with it."""
    is_unmapped: bool = False
    """Whether nothing is wrong with it, but nobody said which column is what."""
    mends: int | None = None
    """The number of the reject that it was, where it was given again."""


def text_of(raw: str | Mapping[str, object]) -> str:
    """Return the text of a record as it can be stored: at most a million characters, and no half characters."""
    if isinstance(raw, Mapping):
        raw = json.dumps(raw, ensure_ascii=False, default=str)
    return _HALF.sub("\ufffd", raw[:RAW_CHARACTERS])


def describe(value: object) -> str:
    """Return the type of a value in words: "a number", "a list of 2", "an object", ..."""
    if value is None or isinstance(value, bool):
        return "null" if value is None else "true or false"
    if isinstance(value, int | float):
        return "a number"
    if isinstance(value, list):
        return f"a list of {len(value)}"
    names: dict[type, str] = {str: "text", dict: "an object", bytes: "binary data"}
    return names.get(type(value), f"a {type(value).__name__}")
