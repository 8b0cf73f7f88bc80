"""What the formats share: the row that they write, and files that are there whole or not at all."""

import contextlib
import errno
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, BinaryIO

from srt_core.errors import ExportError
from srt_core.records import Pair

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


class Lists(StrEnum):
    """What the rows of a file are."""

    PAIRS = "pairs"
    """What is trained on: a row a verdict. Such a file is read back, and its rows are remembered."""
    CANDIDATES = "candidates"
    """Every candidate of every sample, with its numbers."""


@dataclass(frozen=True, slots=True)
class Format:
    """One kind of file: `write` writes its rows (ExportRow, or for CANDIDATES mappings) and returns how many."""

    name: str
    label: str
    help: str
    file: str
    write: Callable[[BinaryIO, Iterable[Any]], int]
    lists: Lists = Lists.PAIRS


@dataclass(frozen=True, slots=True)
class ExportRow:
    """A pair to write, with its sample, and the candidate or the edit that it comes from."""

    pair: Pair
    sample_id: str
    origin: str
    candidate_id: int | None = None
    edit_id: int | None = None
    """The event of an edit."""


def write_file(path: Path, format: Format, rows: Iterable[Any]) -> int:
    """Write rows to a file, streaming, and return how many. The file is there when it is complete, never half.

    Raises:
        ExportError: the file cannot be written, or a row holds NaN, infinity or text that is not Unicode.
    """
    with _replacing(path) as file:
        return format.write(file, rows)


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


def write_lines(file: BinaryIO, objects: Iterable[Mapping[str, object]]) -> int:
    """Write objects one a line; returns how many."""
    count = 0
    for line in objects:
        file.write(encode(line) + b"\n")
        count += 1
    return count


def encode(value: Mapping[str, object], indent: int | None = None) -> bytes:
    """Return an object as JSON; ExportError where it holds what JSON or Unicode has not."""
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False, indent=indent).encode("utf-8")
    except ValueError as error:
        raise unwritable(error) from error


def unwritable(error: ValueError) -> ExportError:
    """Return the error that says why a row cannot be written."""
    if isinstance(error, UnicodeEncodeError):
        near = error.object[max(0, error.start - 40) : error.start + 40]
        return ExportError(f"A text holds half of a surrogate pair, near {near!r}.", "Edit that sample, then export.")
    return ExportError(f"A row cannot be written as JSON: {error}.", "Report this: scores are numbers or null.")
