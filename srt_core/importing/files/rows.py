"""From the records of a file to rows: original pairs and the candidates beside them."""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from pathlib import Path

from srt_core.errors import DatasetError
from srt_core.importing.files.conversations import KEYS, is_conversation, read_conversation
from srt_core.importing.files.detection import detect
from srt_core.importing.files.mapping import ColumnMap, by_group, complete_map, default_map
from srt_core.importing.files.reading import columns, read_records
from srt_core.importing.files.records import Record, Reject, describe, excerpt
from srt_core.records import Origin, Pair

_ORIGINS = {
    "reflected": Origin.RESPONSE,
    "instruction": Origin.INSTRUCTION,
    "response": Origin.RESPONSE,
    "both": Origin.BOTH,
}


@dataclass(frozen=True, slots=True)
class ImportRow:
    """A row to import: its original, its candidates, why others were refused, and its unmapped columns as text."""

    row: int
    line: int | None
    original: Pair
    candidates: dict[Origin, Pair]
    refused: dict[Origin, str]
    extra: dict[str, str]


def read_rows(
    path: Path | str,
    format: str | None = None,
    column_map: ColumnMap | None = None,
    first_turn_only: bool = False,
    progress: Callable[[float], None] | None = None,
) -> Iterator[ImportRow | Reject]:
    """Yield the rows of a file; texts are taken as they are, never stripped.

    The format is detected where none is given; a conversation's system text goes to `extra["system"]`. Of a mapped
    group whose instruction or input is not mapped: response.* and reflected.* take the original's, both.* the
    INSTRUCTION candidate's, and instruction.* has no input (METHOD, section 2: it stands alone).

    Raises:
        DatasetError: the file cannot be read at all, or the mapping does not fit it.
    """
    path = Path(path)
    format = format or detect(path)
    names = columns(path, format)
    if not column_map and _holds_conversations(format, names):
        build = partial(_conversation_row, first_turn_only=first_turn_only)
    else:
        build = partial(_mapped_row, groups=by_group(complete_map(column_map, names)))
    return _build_rows(read_records(path, format, progress), build)


def _holds_conversations(format: str, names: list[str]) -> bool:
    return format == "messages" or (default_map(names) is None and is_conversation(dict.fromkeys(names)))


def _build_rows(
    records: Iterator[Record | Reject], build: Callable[[Record], ImportRow]
) -> Iterator[ImportRow | Reject]:
    for record in records:
        if isinstance(record, Reject):
            yield record
            continue
        try:
            row = build(record)
        except DatasetError as error:
            yield Reject(record.row, record.line, str(error), excerpt(record.fields))
        else:
            yield row


def _conversation_row(record: Record, first_turn_only: bool) -> ImportRow:
    pair, system = read_conversation(record.fields, first_turn_only)
    taken = {part for part in ("instruction", "input") if record.fields.get(part) == getattr(pair, part)}
    extra = _extra(record.fields, {*KEYS, *taken})
    if system is not None:
        extra["system"] = system
    return ImportRow(record.row, record.line, pair, {}, {}, extra)


def _mapped_row(record: Record, groups: Mapping[str, Mapping[str, str]]) -> ImportRow:
    fields = record.fields
    instruction, input = _read_x(fields, "original", groups["original"], Pair("", ""))
    original = Pair(instruction, _read_response(fields, "original", groups["original"]), input)
    mapped = {column for parts in groups.values() for column in parts.values()}
    row = ImportRow(record.row, record.line, original, {}, {}, _extra(fields, mapped))
    for group, parts in groups.items():
        if group != "original":
            _add_candidate(row, fields, group, parts)
    return row


def _add_candidate(row: ImportRow, fields: Mapping[str, object], group: str, parts: Mapping[str, str]) -> None:
    """Add a group's candidate to the row, or the reason why it is refused; nothing where it equals its parent."""
    origin = _ORIGINS[group]
    parent = row.candidates.get(Origin.INSTRUCTION) if group == "both" else row.original
    if parent is None:
        row.refused[origin] = "There is no INSTRUCTION candidate that it could be made from."
        return
    try:
        x = _read_x(fields, group, parts, Pair("", "") if group == "instruction" else parent)
        same_x = x == (parent.instruction, parent.input)
        if group == "reflected" and not same_x:
            origin = Origin.INSTRUCTION
        pair = Pair(x[0], _read_response(fields, group, parts), x[1])
        if pair != parent:
            _check_derivation(group, same_x)
            row.candidates[origin] = pair
    except DatasetError as error:
        row.refused[origin] = error.message


def _check_derivation(group: str, same_x: bool) -> None:
    """Refuse a candidate that contradicts its stage: only instruction.* rewrites the instruction."""
    if group == "instruction" and same_x:
        raise DatasetError("instruction.* has the original's instruction and input, and another response.")
    if group in ("response", "both") and not same_x:
        raise DatasetError(f"{group}.* has another instruction or input than the candidate it is made from.")


def _read_x(fields: Mapping[str, object], group: str, parts: Mapping[str, str], default: Pair) -> tuple[str, str]:
    """Return instruction and input; an unmapped part is the default's, a missing one is empty."""
    instruction = _read_text(fields, group, "instruction", parts["instruction"]) if "instruction" in parts else None
    input = _read_text(fields, group, "input", parts["input"]) if "input" in parts else None
    x = (
        (instruction or "") if "instruction" in parts else default.instruction,
        (input or "") if "input" in parts else default.input,
    )
    if not any(text.strip() for text in x):
        raise DatasetError(f"{_label(group, 'instruction')} is missing or empty.")
    return x


def _read_response(fields: Mapping[str, object], group: str, parts: Mapping[str, str]) -> str:
    text = _read_text(fields, group, "response", parts["response"])
    if text is None or not text.strip():
        found = "missing" if text is None else "empty"
        raise DatasetError(f'{_label(group, "response")} is {found} (column "{parts["response"]}").')
    return text


def _read_text(fields: Mapping[str, object], group: str, part: str, column: str) -> str | None:
    """Return the text of a column; None where it is absent, null, or NaN, which data frames write for missing."""
    value = fields.get(column)
    if value is None or _is_nan(value):
        return None
    if not isinstance(value, str):
        raise DatasetError(f'{_label(group, part)} is {describe(value)}, not text (column "{column}").')
    return value


def _label(group: str, part: str) -> str:
    return part if group == "original" else f"{group}.{part}"


def _extra(fields: Mapping[str, object], used: set[str]) -> dict[str, str]:
    """Return the unmapped columns of a record that hold text, a number or a truth value, as text."""
    return {
        name: str(value).lower() if isinstance(value, bool) else str(value)
        for name, value in fields.items()
        if name not in used and isinstance(value, str | int | float | Decimal) and not _is_nan(value)
    }


def _is_nan(value: object) -> bool:
    return isinstance(value, float) and math.isnan(value)
