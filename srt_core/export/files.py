"""A written file, its hash, and the folder that it goes to."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from srt_core.errors import ExportError


@dataclass(frozen=True, slots=True)
class Exported:
    """One written and checked file."""

    path: Path
    rows: int
    sha256: str
    left_out: Mapping[str, int] = field(default_factory=dict)
    """Lines that could not be written, by reason."""

    def described(self) -> list[str]:
        """Say what was left out and why, a sentence each."""
        return [f"{count:,} left out: {reason}." for reason, count in self.left_out.items()]


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
