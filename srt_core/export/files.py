"""What was written: files, their hashes, and the folder that they go to."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from srt_core.errors import ExportError
from srt_core.export.before import Before
from srt_core.export.formats import FORMATS, Split


@dataclass(frozen=True, slots=True)
class Written:
    """One written and checked file of data."""

    path: Path
    format: str
    split: Split
    rows: int
    sha256: str
    columns: tuple[str, ...] = ()
    """The fields of its lines."""
    left_out: Mapping[str, int] = field(default_factory=dict)
    """Lines that could not be written, by reason."""

    def described(self) -> list[str]:
        """Say what was left out and why, a sentence each."""
        return [f"{count:,} left out: {reason}." for reason, count in self.left_out.items()]


@dataclass(frozen=True, slots=True)
class Exported:
    """One written and checked folder."""

    folder: Path
    export_id: int
    formats: tuple[str, ...]
    files: tuple[Written, ...]
    """Of data; those without a line of validation have none."""
    rows: int
    """Lines of the export: samples, or conversations, that any of its files holds."""
    before: Before | None = None
    """What was counted; None where a past export was written again."""

    @property
    def holds_texts(self) -> bool:
        """Whether what stands of samples is in it, not only numbers or what was left out."""
        return any(FORMATS[name].source.holds_texts for name in self.formats)

    @property
    def sha256(self) -> str:
        """The hash of all its data: of the names and hashes of its files, in their order."""
        return hash_of((each.path.name, each.sha256) for each in self.files)

    def file(self, format: str, split: Split = Split.TRAIN) -> Written:
        """Return the file of a format; KeyError where there is none."""
        return {(each.format, each.split): each for each in self.files}[format, split]


def hash_of(files: Iterable[tuple[str, str]]) -> str:
    """Return the SHA-256 of the names and hashes of files, a line each in the order of their names."""
    lines = "".join(f"{sha256}  {name}\n" for name, sha256 in sorted(files))
    return hashlib.sha256(lines.encode()).hexdigest()


def make_folder(folder: Path) -> None:
    """Make a folder, if it is not there; ExportError where that cannot be."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ExportError(
            f"The folder {folder} cannot be made: {error.strerror}.", "Choose a folder you may write to."
        ) from error


def sha256_of(path: Path) -> str:
    """Hash a file by content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
