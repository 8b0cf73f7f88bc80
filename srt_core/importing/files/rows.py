"""From the records of a file to rows: original pairs, each in its context, and the candidates beside them."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from srt_core.errors import DatasetError
from srt_core.importing.files.account import Account
from srt_core.importing.files.mapping import ColumnMap, by_group, complete_map
from srt_core.importing.files.mended import unwrap
from srt_core.importing.files.options import DEFAULTS, Options
from srt_core.importing.files.pairs import PairReader, UnmappedError
from srt_core.importing.files.readers.reading import read_records
from srt_core.importing.files.records import Record, Reject, text_of
from srt_core.importing.files.rewrites import read_rewrites
from srt_core.importing.files.shapes.asides import LEFT_ASIDE, say_left_aside
from srt_core.importing.files.shapes.names import MESSAGE_FIELDS
from srt_core.importing.files.sources.opening import Source
from srt_core.records import Origin, Pair

_LEFT_ASIDE = "Samples whose images, tool calls or the like were left aside, and that are marked"


@dataclass(frozen=True, slots=True)
class ImportRow:
    """A row to import: its original, its candidates, why others were refused, and the curator's own columns."""

    row: int
    line: int | None
    original: Pair
    candidates: dict[Origin, Pair] = field(default_factory=dict)
    refused: dict[Origin, str] = field(default_factory=dict)
    extra: Mapping[str, object] = field(default_factory=dict)
    is_exchange: bool = False
    """Whether it is one of several exchanges of a conversation; all of these have the same row, the last comes last."""
    mends: int | None = None
    """The number of the reject that this row is, mended."""
    parent: str | None = None
    """The sample that it was made of, in the project already."""


Progress = Callable[[float], None]


def read_rows(
    path: Path | str | Source,
    format: str | None = None,
    column_map: Mapping[str, str] | None = None,
    options: Options = DEFAULTS,
    *,
    progress: Progress | None = None,
    account: Account | None = None,
) -> Iterator[ImportRow | Reject]:
    """Yield the rows of a file; texts are taken as they are, never stripped.

    The format is detected where none is given. Of a mapped group whose instruction or input is not mapped: response.*
    and reflected.* take the original's, both.* the INSTRUCTION candidate's, and instruction.* has no input (METHOD,
    section 2: it stands alone). What came of the columns is counted in `account`. A record of several pairs gives
    several rows of the same number.

    Raises:
        DatasetError: the file cannot be read at all, or no record has the columns that are needed.
    """
    full = complete_map(column_map)
    _check_columns(path, format, full, options)
    reader = _RowReader(full, options, account if account is not None else Account())
    return _read(read_records(path, format, options, progress=progress, account=reader.account), reader)


def _read(records: Iterator[Record | Reject], reader: "_RowReader") -> Iterator[ImportRow | Reject]:
    for record in records:
        if isinstance(record, Reject):
            yield record
        else:
            yield from reader.read(record)


def _check_columns(path: Path | str | Source, format: str | None, column_map: ColumnMap, options: Options) -> None:
    """Read on until every mapped column was met, and a record in which it is clear what is what.

    That is the first record as a rule, and the whole file where one is never met.

    Raises:
        DatasetError: there are records, and none has a column that is mapped, or none is clear.
    """
    wanted = {column for column in column_map.values() if column}
    reader = _RowReader(column_map, options, Account())
    met: dict[str, None] = {}
    first: Reject | None = None
    is_clear = False
    for record in read_records(path, format, options):
        if isinstance(record, Reject):
            continue
        met.update(dict.fromkeys(record.fields))
        wanted -= met.keys()
        if not is_clear:
            found = reader.read(record)
            unmapped = [each for each in found if isinstance(each, Reject) and each.is_unmapped]
            is_clear = not unmapped
            first = first or next(iter(unmapped), None)
        if is_clear and not wanted:
            return
    if met and wanted:
        listed = ", ".join(f'"{column}"' for column in met)
        raise DatasetError(f'The file has no column "{min(wanted)}".', f"It has {listed}.")
    if first and not is_clear:
        raise DatasetError(first.reason, first.detail)


class _RowReader:
    """Makes rows of records."""

    def __init__(self, column_map: ColumnMap, options: Options, account: Account) -> None:
        groups = by_group(column_map)
        self._rewrites = {group: parts for group, parts in groups.items() if group != "original"}
        self._used = {column for parts in self._rewrites.values() for column in parts.values()}
        self._pairs = PairReader(groups.get("original", {}), options, account)
        self.account = account

    def read(self, record: Record) -> list[ImportRow | Reject]:
        """Return what a record holds: a row for each pair, a reject where it holds none."""
        account = self.account
        account.records += 1
        record, number = unwrap(record)
        try:
            found = self._pairs.read(record.fields, record.row)
        except DatasetError as error:
            raw = text_of(record.fields)
            if isinstance(error, UnmappedError):
                return [Reject(record.row, record.line, error.message, raw, error.hint, is_unmapped=True, mends=number)]
            return [Reject(record.row, record.line, str(error), raw, mends=number)]
        if self._used:
            account.used.update(("rewrites", column) for column in self._used)
        extra = self._pairs.extra(record.fields, {*found.used, *self._used} if self._used else found.used)
        beside = {name for _, message_fields in found.pairs for each in message_fields for name in each}
        account.kept.update(f"{name} of messages" for name in beside)
        rows: list[ImportRow | Reject] = []
        for pair, message_fields in found.pairs:
            more = {**extra, MESSAGE_FIELDS: message_fields} if message_fields else extra
            if (found.media or message_fields) and (aside := say_left_aside(found.media, message_fields)):
                more = {**more, LEFT_ASIDE: aside}
                account.notes[_LEFT_ASIDE] += 1
            row = ImportRow(record.row, record.line, pair, {}, {}, more, found.is_conversation, number)
            if self._rewrites:
                read_rewrites(record.fields, self._rewrites, pair, row.candidates, row.refused, self._pairs.clean_input)
            rows.append(row)
        return rows
