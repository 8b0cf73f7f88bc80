"""A folder that an export wrote: what its manifest says of its files, and that they still are what it says."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from srt_core.errors import ExportError
from srt_core.export.files import sha256_of
from srt_core.export.staging import MANIFEST


def read_manifest(folder: Path) -> Mapping[str, Any]:
    """Return the manifest of a folder; ExportError where it has none that an export wrote."""
    path = folder / MANIFEST
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise _no_export(folder) from error
    files = found.get("files") if isinstance(found, dict) else None
    if not isinstance(files, dict) or not all(isinstance(each, dict) and "sha256" in each for each in files.values()):
        raise _no_export(folder)
    return dict(found)


def check_unchanged(folder: Path) -> list[str]:
    """Return the names of the files that the manifest of a folder lists; all are there, and are what was written.

    ExportError where it is no folder that an export wrote, or a file is gone or was changed since.
    """
    files = read_manifest(folder)["files"]
    for name, entry in files.items():
        path = folder / name
        if Path(name).name != name or path.is_symlink() or not path.is_file():
            raise ExportError(f"{path} is not there any more.", "Export again, then push that.")
        if sha256_of(path) != entry["sha256"]:
            raise ExportError(
                f"{path} was changed since it was exported: it is not what the manifest says.",
                "Export again, so that what is pushed is what was checked.",
            )
    return list(files)


def _no_export(folder: Path) -> ExportError:
    return ExportError(
        f"{folder} is no folder that srt exported: it has no {MANIFEST} of an export.",
        "Give the folder that `srt export` wrote to.",
    )
