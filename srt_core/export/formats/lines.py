"""What a line of a file of pairs is made of: the pairs, their curator's own columns, and what all lines have in common.

Every line of a file has the same fields, so that whatever loads it finds one table.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Protocol

from srt_core.importing.files.shapes.names import HISTORY, PAIRS, SYSTEM, folded
from srt_core.records import Pair

TAKEN = frozenset({
    *PAIRS[0].inputs, *PAIRS[0].responses, *SYSTEM, *HISTORY, "instruction", "prompt", "completion", "chosen",
    "rejected", "messages", "conversations", "conversation", "text", "sample_id", "sample_ids", "origin", "label",
    "labels", "input_ids", "attention_mask", "completion_mask", "assistant_masks", "position_ids", "token_type_ids",
    "seq_lengths", "length", "tools", "chat_template_kwargs", "images", "image", "videos", "audios", "margin",
})  # fmt: skip
"""Names that a file, a trainer or an import takes for something else than a column of the curator's own, folded."""
PREFIX = "own_"
"""Stands before the name of an own column that is among TAKEN, as often as it needs to be told from every other."""

EDITED = "EDITED"
"""The version of a pair that a reviewer wrote."""


@dataclass(frozen=True, slots=True)
class ExportRow:
    """A pair to write, with its sample, the candidate or the edit that it comes from, and its own columns."""

    pair: Pair
    sample_id: str
    origin: str
    candidate_id: int | None = None
    edit_id: int | None = None
    """The event of an edit."""
    own: Mapping[str, object] = field(default_factory=dict)
    conversation: str | None = None
    """Shared by the exchanges of one conversation; None where the sample is alone."""

    @property
    def version(self) -> str:
        """The version that the pair is: its origin, or EDITED."""
        return self.origin if self.edit_id is None else EDITED


@dataclass(frozen=True, slots=True)
class Line:
    """One line: the exchanges of a conversation that it trains on, in their order. The last one has all before it."""

    rows: tuple[ExportRow, ...]

    @property
    def last(self) -> ExportRow:
        """The exchange that the line ends with."""
        return self.rows[-1]


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Why a line is not written, as the end of the sentence "N were left out: ..."."""

    reason: str


class Filling(Protocol):
    """Fills pairs into a template."""

    def prompt(self, pair: Pair) -> str:
        """Return what the response follows; NotCarriedError or ChatRefusedError where the template cannot carry it."""


class Kind(StrEnum):
    """What the values of an own column are."""

    TEXT = "text"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    NESTED = "nested"
    """Lists, or objects."""
    MIXED = "mixed"
    """Of several kinds: written as text, since whatever loads the file wants one type a column."""


_KINDS = {
    "VARCHAR": Kind.TEXT, "INTEGER": Kind.INTEGER, "BIGINT": Kind.INTEGER, "DOUBLE": Kind.NUMBER,
    "BOOLEAN": Kind.BOOLEAN, "ARRAY": Kind.NESTED, "OBJECT": Kind.NESTED,
}  # fmt: skip


def kind_of(types: Iterable[str]) -> Kind | None:
    """Return the kind of a column whose values have these types of JSON, as DuckDB names them; None where all are null.

    INTEGER is a whole number that a DOUBLE holds, BIGINT one of 64 bits, HUGEINT a larger one, which is MIXED.
    """
    held = set(types) - {"NULL"}
    kinds = {_KINDS.get(each, Kind.MIXED) for each in held}
    if held == {"INTEGER", "DOUBLE"}:
        return Kind.NUMBER
    if held == {"ARRAY", "OBJECT"} or len(kinds) > 1:
        return Kind.MIXED
    return next(iter(kinds), None)


@dataclass(frozen=True)
class Layout:
    """What all lines of a file have in common."""

    columns: Mapping[str, Kind] = field(default_factory=dict)
    """The own columns."""
    has_system: bool = False
    """Whether any pair has a system text."""
    has_turns: bool = False
    """Whether any pair has earlier turns."""
    has_parts: bool = False
    """Whether the content of any message is a list of parts, as of one with an image."""
    has_calls: bool = False
    """Whether there are messages without text between others, as of calls of tools."""
    is_joined: bool = False
    """Whether a line is a conversation."""
    first: tuple[str, ...] = ()
    """Samples whose lines come first, so that these have a value in every column: readers take a column's type from the
    first lines, and from null none."""
    prompts: "Filling | None" = None
    """Fills pairs into the template that was scored; None where no format asks for it."""

    def own(self, row: ExportRow, *, is_flat: bool = False) -> dict[str, object]:
        """Return the own columns of a row under the names that they have in a file; None where it has no value.

        `is_flat` writes lists and objects as text, for a format of plain columns.
        """
        return {
            name: _plain(row.own.get(column), self.columns[column], is_flat=is_flat)
            for column, name in self.names.items()
        }

    @cached_property
    def names(self) -> dict[str, str]:
        """The name of each own column in a file."""
        names: dict[str, str] = {}
        free = [column for column in self.columns if folded(column) not in TAKEN]
        for column in (*free, *(column for column in self.columns if folded(column) in TAKEN)):
            name = column
            while folded(name) in TAKEN or name in names.values():
                name = PREFIX + name
            names[column] = name
        return names


BARE = Layout()
"""The layout of a file of plain pairs."""


def _plain(value: object, kind: Kind, *, is_flat: bool) -> object:
    if kind is Kind.NUMBER and isinstance(value, int):
        return float(value)
    is_text = kind is Kind.MIXED or (is_flat and kind is Kind.NESTED)
    if value is None or not is_text or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)
