"""A written file, its hash, and the folder that it goes to."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from srt_core.errors import ExportError


@dataclass(frozen=True, slots=True)
class Exported:
    """One written and checked file."""

    path: Path
    rows: int
    sha256: str


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
