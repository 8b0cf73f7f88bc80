"""Records from tables: CSV with a header row, and Parquet."""

import codecs
import csv
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from srt_core.errors import DatasetError
from srt_core.importing.files.head import UTF8_HINT
from srt_core.importing.files.json_array import MAX_RECORD_BYTES
from srt_core.importing.files.records import Record, Reject, excerpt

if TYPE_CHECKING:
    import pyarrow
    import pyarrow.parquet

_DELIMITERS = ",;\t"
_PARQUET_BATCH_ROWS = 256


def csv_columns(path: Path) -> list[str]:
    """Return the header of a CSV file.

    Raises:
        DatasetError: it cannot be read, or names a column twice.
    """
    with path.open("rb") as file:
        return _read_header(path, _csv_rows(file))


def read_csv(path: Path, file: BinaryIO) -> Iterator[Record | Reject]:
    """Yield the records of a CSV file; the delimiter (comma, semicolon, tab) is the one that splits the header most.

    Raises:
        DatasetError: the header cannot be read, or names a column twice.
    """
    rows = _csv_rows(file)
    header = _read_header(path, rows)
    for row, (line, values, fault) in enumerate(rows):
        if fault:
            yield Reject(row, line, fault, excerpt(",".join(values)))
        else:
            yield _csv_record(row, line, header, values)


def _csv_rows(file: BinaryIO) -> Iterator[tuple[int, list[str], str]]:
    """Yield line, fields and fault ("" for none) of every row that is not blank, the header included."""
    csv.field_size_limit(MAX_RECORD_BYTES)
    first = file.readline().removeprefix(codecs.BOM_UTF8).decode("utf-8", "surrogateescape")
    text = (line.decode("utf-8", "surrogateescape") for line in file)
    delimiter = max(_DELIMITERS, key=lambda mark: len(next(csv.reader([first], delimiter=mark), [])))
    rows = csv.reader(itertools.chain([first], text), delimiter=delimiter, strict=True)
    while True:
        line = rows.line_num + 1
        try:
            values = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            yield line, [], f"The row is not valid CSV: {error}."
        else:
            if values:
                yield line, values, ""


def _read_header(path: Path, rows: Iterator[tuple[int, list[str], str]]) -> list[str]:
    _, header, fault = next(rows)
    if fault:
        raise DatasetError(f"The header of {path} cannot be read. {fault}", "Check its quotes.")
    doubles = sorted(name for name in set(header) if header.count(name) > 1)
    if doubles:
        raise DatasetError(f'{path} has two columns named "{doubles[0]}".', "Give every column a name of its own.")
    return header


def _csv_record(row: int, line: int, header: list[str], values: list[str]) -> Record | Reject:
    raw = ",".join(values)
    if len(values) != len(header):
        return Reject(row, line, f"The row has {len(values)} fields, the header {len(header)}.", excerpt(raw))
    try:
        raw.encode("utf-8")
    except UnicodeEncodeError:
        return Reject(row, line, f"The row has bytes that are not UTF-8. {UTF8_HINT}", excerpt(raw))
    return Record(row, line, dict(zip(header, values, strict=True)))


def parquet_columns(path: Path) -> list[str]:
    """Return the columns of a Parquet file.

    Raises:
        DatasetError: it is no Parquet file that can be read.
    """
    with path.open("rb") as file:
        return [str(name) for name in _open_parquet(path, file).schema_arrow.names]


def read_parquet(path: Path, file: BinaryIO) -> Iterator[Record | Reject]:
    """Yield the records of a Parquet file, which has no lines.

    Raises:
        DatasetError: it is no Parquet file that can be read.
    """
    import pyarrow

    batches = _open_parquet(path, file).iter_batches(batch_size=_PARQUET_BATCH_ROWS)
    row = 0
    try:
        for batch in batches:
            for index in range(batch.num_rows):
                yield _parquet_record(row, batch, index)
                row += 1
    except (pyarrow.ArrowException, OSError) as error:
        yield Reject(row, None, f"The Parquet file is damaged here; nothing after it is read: {error}", "")


def _open_parquet(path: Path, file: BinaryIO) -> "pyarrow.parquet.ParquetFile":
    import pyarrow
    import pyarrow.parquet

    try:
        return pyarrow.parquet.ParquetFile(file)
    except (pyarrow.ArrowException, OSError) as error:
        message = f"{path} is no Parquet file that can be read: {str(error).splitlines()[0]}"
        raise DatasetError(message, "Write it again, or choose another format.") from error


def _parquet_record(row: int, batch: "pyarrow.RecordBatch", index: int) -> Record | Reject:
    try:
        fields = {name: column[index].as_py() for name, column in zip(batch.schema.names, batch.columns, strict=True)}
    except ValueError as error:
        return Reject(row, None, f"The record has a value that cannot be read: {error}.", "")
    return Record(row, None, fields)
