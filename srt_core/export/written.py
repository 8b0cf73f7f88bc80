"""A folder that an export wrote: what its manifest says of its files, and that they still are what it says."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from srt_core.errors import ExportError
from srt_core.export.files import sha256_of

MANIFEST = "manifest.json"


def find_manifest(folder: Path) -> Mapping[str, Any] | None:
    """Return the manifest of a folder; None where it has none that an export wrote."""
    try:
        found = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    files = found.get("files") if isinstance(found, dict) else None
    is_ours = isinstance(files, dict) and all(isinstance(each, dict) and "sha256" in each for each in files.values())
    return dict(found) if is_ours else None


def read_manifest(folder: Path) -> Mapping[str, Any]:
    """Return the manifest of a folder; ExportError where it has none that an export wrote."""
    found = find_manifest(folder)
    if found is None:
        raise ExportError(
            f"{folder} is no folder that srt exported: it has no {MANIFEST} of an export.",
            "Give the folder that `srt export` wrote to.",
        )
    return found


def is_there(folder: Path, name: str) -> bool:
    """Return whether a file that a manifest names is there: a file of the folder itself, no link."""
    path = folder / name
    return Path(name).name == name and not path.is_symlink() and path.is_file()


def is_unchanged(folder: Path, name: str, entry: Mapping[str, Any]) -> bool:
    """Return whether a file is what the manifest's entry says of it."""
    return is_there(folder, name) and bool(sha256_of(folder / name) == entry["sha256"])


def check_unchanged(folder: Path) -> list[str]:
    """Return the names of the files that the manifest of a folder lists; all are there, and are what was written.

    ExportError where it is no folder that an export wrote, or a file is gone or was changed since.
    """
    files = read_manifest(folder)["files"]
    for name, entry in files.items():
        if not is_there(folder, name):
            raise ExportError(f"{folder / name} is not there any more.", "Export again, then push that.")
        if not is_unchanged(folder, name, entry):
            raise ExportError(
                f"{folder / name} was changed since it was exported: it is not what the manifest says.",
                "Export again, so that what is pushed is what was checked.",
            )
    return list(files)
