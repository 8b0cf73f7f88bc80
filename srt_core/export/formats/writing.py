"""What the formats share: what a format is, and files that are there whole or not at all."""

import contextlib
import errno
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from srt_core.errors import ExportError
from srt_core.export.formats.lines import BARE, Layout, LeftOut, Line

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


Fields = Mapping[str, object]
"""A line as it is written."""
MakeFields = Callable[[Line, Layout], Fields | LeftOut]


@dataclass(frozen=True, slots=True)
class Format:
    """One kind of file: `write` writes the lines of a layout and returns how many."""

    name: str
    label: str
    help: str
    file: str
    write: Callable[[BinaryIO, Iterable[Fields], Layout], int]
    fields: MakeFields | None = None
    """Makes a line of what is trained on. None: the file lists every candidate of every sample with its numbers."""
    joins: bool = False
    """Whether a line can hold several answers and say which of them are trained on."""


def write_file(path: Path, format: Format, lines: Iterable[Fields], layout: Layout = BARE) -> int:
    """Write lines to a file, streaming, and return how many. The file is there when it is complete, never half.

    Raises:
        ExportError: the file cannot be written, or a line holds NaN, infinity or text that is not Unicode.
    """
    with replacing(path) as file:
        return format.write(file, lines, layout)


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """Open a neighbour of the path to write to, which takes the path's name when all went well.

    It is made anew: a link that somebody put in its place, or in the path's, is replaced and never followed.
    """
    part = path.with_name(f".{path.name}.part")
    try:
        part.unlink(missing_ok=True)
        with part.open("xb") as file:
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


def write_lines(file: BinaryIO, objects: Iterable[Fields]) -> int:
    """Write objects one a line; returns how many."""
    count = 0
    for line in objects:
        file.write(encode(line) + b"\n")
        count += 1
    return count


def encode(value: Fields, indent: int | None = None) -> bytes:
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
