"""Write pairs and other rows to files, whole or not at all."""

import contextlib
import errno
import itertools
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from srt_core.errors import ExportError
from srt_core.importing.files.conversations import user_content
from srt_core.records import Pair

if TYPE_CHECKING:
    import pyarrow

_PARQUET_BATCH_ROWS = 1024
_PARQUET_COLUMNS = ("instruction", "input", "output", "sample_id", "origin")
_HINTS = {
    errno.ENOSPC: "The disk is full: make room, or choose another folder.",
    errno.EDQUOT: "Your quota of this disk is used up: make room, or choose another folder.",
    errno.EFBIG: "The disk or a limit allows no file of this size: choose another folder.",
    errno.EROFS: "The disk is read-only: choose another folder.",
    errno.EACCES: "You may not write there: choose another folder.",
    errno.EPERM: "You may not write there: choose another folder.",
    errno.ENOENT: "There is no such folder: make it first, or choose another.",
    errno.ENOTDIR: "There is no such folder: make it first, or choose another.",
    errno.EISDIR: "There is a folder of that name: choose another name.",
}


@dataclass(frozen=True, slots=True)
class ExportRow:
    """A pair to write, with the sample and the origin of the candidate it comes from."""

    pair: Pair
    sample_id: str
    origin: str


def write_rows(path: Path | str, format: str, rows: Iterable[ExportRow]) -> int:
    """Write pairs to a file of one of WRITE_FORMATS, streaming, and return how many.

    alpaca: a JSON list of {instruction, input, output}; jsonl: the same, one a line; messages: one object a line with
    `messages`, and `instruction` and `input` beside them so that a re-import gives the same pair; parquet: the columns
    instruction, input, output, sample_id, origin. The file is there when it is complete, never half.

    Raises:
        ExportError: the format is unknown, the file cannot be written, or a text is not Unicode.
    """
    write = _WRITERS.get(format)
    if write is None:
        raise ExportError(f'"{format}" is no format to write.', f"Choose one of {', '.join(WRITE_FORMATS)}.")
    with _replacing(Path(path)) as file:
        return write(file, rows)


def write_jsonl(path: Path | str, objects: Iterable[Mapping[str, object]]) -> int:
    """Write objects one a line, streaming, and return how many. The file is there when it is complete, never half.

    Raises:
        ExportError: the file cannot be written, or an object holds NaN, infinity or text that is not Unicode.
    """
    with _replacing(Path(path)) as file:
        return _write_lines(file, objects)


@contextlib.contextmanager
def _replacing(path: Path) -> Iterator[BinaryIO]:
    """Open a neighbour of the path to write to, which takes the path's name when all went well."""
    part = path.with_name(f".{path.name}.part")
    try:
        with part.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        hint = _HINTS.get(error.errno or 0, "Choose another folder.")
        raise ExportError(f"{path} could not be written: {error.strerror or error}.", hint) from error
    finally:
        with contextlib.suppress(OSError):
            part.unlink()


def _write_alpaca(file: BinaryIO, rows: Iterable[ExportRow]) -> int:
    count = 0
    for count, row in enumerate(rows, start=1):
        file.write(b"[\n" if count == 1 else b",\n")
        file.write(_encode(_alpaca(row), indent=2))
    file.write(b"\n]\n" if count else b"[]\n")
    return count


def _write_jsonl(file: BinaryIO, rows: Iterable[ExportRow]) -> int:
    return _write_lines(file, map(_alpaca, rows))


def _write_messages(file: BinaryIO, rows: Iterable[ExportRow]) -> int:
    return _write_lines(file, map(_conversation, rows))


def _write_lines(file: BinaryIO, objects: Iterable[Mapping[str, object]]) -> int:
    count = 0
    for line in objects:
        file.write(_encode(line) + b"\n")
        count += 1
    return count


def _write_parquet(file: BinaryIO, rows: Iterable[ExportRow]) -> int:
    import pyarrow
    import pyarrow.parquet

    schema = pyarrow.schema([(name, pyarrow.string()) for name in _PARQUET_COLUMNS])
    records = (_alpaca(row) | {"sample_id": row.sample_id, "origin": str(row.origin)} for row in rows)
    count = 0
    with pyarrow.parquet.ParquetWriter(file, schema, compression="zstd") as writer:
        while batch := list(itertools.islice(records, _PARQUET_BATCH_ROWS)):
            writer.write_table(_table(batch, schema))
            count += len(batch)
    return count


def _table(batch: list[dict[str, str]], schema: "pyarrow.Schema") -> "pyarrow.Table":
    import pyarrow

    try:
        return pyarrow.Table.from_pylist(batch, schema=schema)
    except UnicodeEncodeError as error:
        raise _unwritable(error) from error


def _alpaca(row: ExportRow) -> dict[str, str]:
    return {"instruction": row.pair.instruction, "input": row.pair.input, "output": row.pair.response}


def _conversation(row: ExportRow) -> dict[str, object]:
    user = {"role": "user", "content": user_content(row.pair.instruction, row.pair.input)}
    assistant = {"role": "assistant", "content": row.pair.response}
    return {"messages": [user, assistant], "instruction": row.pair.instruction, "input": row.pair.input}


def _encode(value: Mapping[str, object], indent: int | None = None) -> bytes:
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False, indent=indent).encode("utf-8")
    except ValueError as error:
        raise _unwritable(error) from error


def _unwritable(error: ValueError) -> ExportError:
    if isinstance(error, UnicodeEncodeError):
        near = error.object[max(0, error.start - 40) : error.start + 40]
        return ExportError(f"A text holds half of a surrogate pair, near {near!r}.", "Edit that sample, then export.")
    return ExportError(f"A row cannot be written as JSON: {error}.", "Report this: scores are numbers or null.")


_WRITERS: Mapping[str, Callable[[BinaryIO, Iterable[ExportRow]], int]] = {
    "alpaca": _write_alpaca,
    "jsonl": _write_jsonl,
    "messages": _write_messages,
    "parquet": _write_parquet,
}
WRITE_FORMATS: tuple[str, ...] = tuple(_WRITERS)
