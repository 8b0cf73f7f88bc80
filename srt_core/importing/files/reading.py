"""Read a file of any format as records: fields by name, with the row and line they come from."""

import codecs
import io
import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from srt_core.errors import DatasetError
from srt_core.importing.files.head import array_start, check_text, check_utf8, read_head
from srt_core.importing.files.json_array import CHUNK_BYTES, ArrayScanner
from srt_core.importing.files.json_records import read_array, read_lines
from srt_core.importing.files.records import Record, Reject
from srt_core.importing.files.tables import csv_columns, parquet_columns, read_csv, read_parquet

FORMATS: tuple[str, ...] = ("alpaca", "jsonl", "messages", "csv", "parquet")

_PROGRESS_EVERY_ROWS = 500

RecordReader = Callable[[BinaryIO], Iterator[Record | Reject]]


def read_records(
    path: Path | str, format: str, progress: Callable[[float], None] | None = None
) -> Iterator[Record | Reject]:
    """Yield the records of a file, in memory that does not grow with the file.

    Rows number every record, rejected ones too, but not blank lines. `progress` is called now and then with the share
    of the file read so far, from 0 to 1.

    Raises:
        DatasetError: the file cannot be opened, is empty, binary, or of another encoding or format.
    """
    path = Path(path)
    head = read_head(path)
    return _stream(path, _reader(path, format, head), progress)


def columns(path: Path | str, format: str, limit: int = 20) -> list[str]:
    """Return the columns in order: from the header, or from the first `limit` records where a file has none.

    Raises:
        DatasetError: as `read_records`.
    """
    path = Path(path)
    _reader(path, format, read_head(path))
    if format == "csv":
        return csv_columns(path)
    if format == "parquet":
        return parquet_columns(path)
    return list(dict.fromkeys(name for record in preview(path, format, limit) for name in record.fields))


def preview(path: Path | str, format: str, limit: int = 5) -> list[Record]:
    """Return the first `limit` records that can be read.

    Raises:
        DatasetError: as `read_records`.
    """
    records = (record for record in read_records(path, format) if isinstance(record, Record))
    return list(itertools.islice(records, limit))


def _stream(path: Path, reader: RecordReader, progress: Callable[[float], None] | None) -> Iterator[Record | Reject]:
    try:
        with path.open("rb", buffering=0) as raw, io.BufferedReader(raw, CHUNK_BYTES) as file:
            size = path.stat().st_size
            for count, item in enumerate(reader(file)):
                if progress and count % _PROGRESS_EVERY_ROWS == 0:
                    progress(min(1.0, raw.tell() / size))
                yield item
    except OSError as error:
        raise DatasetError(f"{path} cannot be read to its end: {error}.", "Check the disk, import again.") from error
    if progress:
        progress(1.0)


def _reader(path: Path, format: str, head: bytes) -> RecordReader:
    if format not in FORMATS:
        raise DatasetError(f'"{format}" is no format.', f"Choose one of {', '.join(FORMATS)}.")
    if format == "parquet":
        return lambda file: read_parquet(path, file)
    check_text(path, head)
    if format == "csv":
        check_utf8(path, head)
        return lambda file: read_csv(path, file)
    start = array_start(head)
    if start is None or format == "jsonl":
        _check_lines(path, format, head)
        return read_lines
    check_utf8(path, head)
    whole = head[:start].removeprefix(codecs.BOM_UTF8).strip() == b"["
    return lambda file: read_array(ArrayScanner(file, start, is_whole_file=whole))


def _check_lines(path: Path, format: str, head: bytes) -> None:
    if format == "alpaca":
        message = f'{path} is no JSON list of records, nor an object with one under "data".'
        raise DatasetError(message, "Put the records in a list, or choose the format jsonl for one object a line.")
    first = head.removeprefix(codecs.BOM_UTF8).lstrip().split(b"\n", 1)[0].rstrip()
    if first.startswith(b"[") and not first.endswith(b"]"):
        raise DatasetError(f"{path} is one JSON list, not an object a line.", "Choose the format alpaca or messages.")
