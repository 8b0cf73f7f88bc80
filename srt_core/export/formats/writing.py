"""What the formats share: what a format is, and files that are there whole or not at all."""

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
from srt_core.export.formats.lines import BARE, Layout, LeftOut

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
MakeFields = Callable[[Any, Layout], Fields | LeftOut]
"""Makes a line of one item of the format's source, or says why it cannot be written."""


class Split(StrEnum):
    """The part of an export that a file holds."""

    TRAIN = "train"
    VALIDATION = "validation"


class Source(StrEnum):
    """What the lines of a format are made of."""

    PAIRS = "pairs"
    """A Line: what stands of a sample, or of a conversation. These files can be written again later."""
    PREFERENCES = "preferences"
    """A Preference: what stands of a sample, and a version of the same prompt that it was preferred to."""
    JUDGED = "judged"
    """A Judged: one version that may be trained on, or may not."""
    LEFT_OUT = "left out"
    """A Refusal: a sample that a reviewer left out."""
    EDITS = "edits"
    """An Edit: a pair before and after a reviewer wrote it anew."""
    VERSIONS = "versions"
    """Every version of every sample with its numbers, a Row."""

    @property
    def holds_texts(self) -> bool:
        """Whether what an export holds of a sample stands in the file."""
        return self in (Source.PAIRS, Source.PREFERENCES, Source.JUDGED)


@dataclass(frozen=True, slots=True)
class Format:
    """One kind of file: `write` writes the lines of a layout and returns how many."""

    name: str
    label: str
    help: str
    file: str
    """Its name, with {split} where it is cut into training and validation."""
    fields: MakeFields
    write: Callable[[BinaryIO, Iterable[Fields], Layout], int]
    source: Source = Source.PAIRS
    joins: bool = False
    """Whether a line can hold several answers and say which of them are trained on."""
    is_filled: bool = False
    """Whether texts stand in the template that was scored, so that a scoring is needed."""
    has_ids: bool = True
    """Whether each line names its sample."""
    llamafactory: Mapping[str, object] | None = None
    """Its entry in LLaMA-Factory's dataset_info.json, without the file; None where that cannot read it."""

    @property
    def splits(self) -> tuple[Split, ...]:
        """The parts that it is cut into; one, of everything, where it is not cut."""
        return tuple(Split) if "{split}" in self.file else (Split.TRAIN,)

    def file_of(self, split: Split) -> str:
        """Return the name of the file of one part."""
        return self.file.format(split=split)

    @property
    def files(self) -> tuple[str, ...]:
        """The names of all its files."""
        return tuple(map(self.file_of, self.splits))


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
        raise unwritten(path.name, error) from error
    finally:
        with contextlib.suppress(OSError):
            part.unlink()


def unwritten(name: str, error: OSError) -> ExportError:
    """Return the error that says why a file or folder cannot be written, and what to do."""
    hint = _HINTS.get(error.errno or 0, "Choose another folder.")
    return ExportError(f"{name} could not be written: {error.strerror or error}.", hint)


def write_lines(file: BinaryIO, lines: Iterable[Fields], _layout: Layout = BARE) -> int:
    """Write objects one a line; returns how many."""
    count = 0
    for line in lines:
        file.write(encode(line) + b"\n")
        count += 1
    return count


def write_list(file: BinaryIO, lines: Iterable[Fields], _layout: Layout = BARE) -> int:
    """Write objects as one list; returns how many."""
    count = 0
    for count, line in enumerate(lines, start=1):
        file.write(b"[\n" if count == 1 else b",\n")
        file.write(encode(line, indent=2))
    file.write(b"\n]\n" if count else b"[]\n")
    return count


_LINE_ENDS = {ord(end): f"\\u{ord(end):04x}" for end in "\x85\u2028\u2029"}
"""Line ends of Unicode that JSON leaves as they are, and many readers of lines do not. They stand in strings alone."""


def encode(value: Fields, indent: int | None = None) -> bytes:
    """Return an object as JSON, in which line ends within texts are escaped.

    ExportError where it holds what JSON or Unicode has not.
    """
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False, indent=indent)
        return text.translate(_LINE_ENDS).encode("utf-8")
    except ValueError as error:
        raise unwritable(error) from error


def unwritable(error: ValueError) -> ExportError:
    """Return the error that says why a row cannot be written."""
    if isinstance(error, UnicodeEncodeError):
        near = error.object[max(0, error.start - 40) : error.start + 40]
        return ExportError(f"A text holds half of a surrogate pair, near {near!r}.", "Edit that sample, then export.")
    return ExportError(f"A row cannot be written as JSON: {error}.", "Report this: scores are numbers or null.")
