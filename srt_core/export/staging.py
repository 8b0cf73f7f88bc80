"""A folder that is there whole: its files are written beside it and take their names when all are.

A file that somebody else put there, or changed, is not replaced unasked. A link in the place of a file is replaced and
never followed.
"""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Collection, Iterator
from pathlib import Path

from srt_core.errors import ExportError
from srt_core.export.files import make_folder
from srt_core.export.formats import FORMATS
from srt_core.export.formats.writing import unwritten
from srt_core.export.written import MANIFEST, find_manifest, is_unchanged

CARD, DATASET_INFO, AXOLOTL = "README.md", "dataset_info.json", "axolotl.yml"
VERSIONS_CHART, IFD_CHART = "versions.svg", "ifd.svg"
BESIDE = (CARD, DATASET_INFO, AXOLOTL, VERSIONS_CHART, IFD_CHART)
"""What stands beside the data: the dataset card with its pictures, and what trainers read about the folder."""
_NAMES = frozenset({*BESIDE, *(name for format in FORMATS.values() for name in format.files)})
_PREFIX = ".srt-export-"


@contextlib.contextmanager
def staged(folder: Path, names: Collection[str], *, force: bool) -> Iterator[Path]:
    """Yield an empty folder to write to, whose files are moved to `folder` when the block ends without error.

    Files that an earlier export wrote there, and that are none of the new ones, are removed.

    Args:
        folder: where the files go; it is made where it is not there.
        names: of the files that will be written, without the manifest.
        force: whether files that are not ours are replaced.

    Raises:
        ExportError: the folder cannot be made or written, or holds a file that would be replaced and is not ours.
    """
    make_folder(folder)
    _remove_leftovers(folder)
    ours = _ours(folder)
    if not force:
        _check_ours(folder, names, ours)
    _check_places(folder, names)
    with _naming(folder):
        stage = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-", dir=folder))
    try:
        yield stage
        with _naming(folder):
            written = sorted(path.name for path in stage.iterdir())
            for name in [name for name in written if name != MANIFEST] + [MANIFEST]:
                (stage / name).replace(folder / name)
            for name in _NAMES & set(ours) - set(written):
                (folder / name).unlink(missing_ok=True)
    finally:
        shutil.rmtree(stage, ignore_errors=True)


@contextlib.contextmanager
def _naming(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise unwritten(str(folder), error) from error


def _check_ours(folder: Path, names: Collection[str], ours: Collection[str]) -> None:
    for name in names:
        if os.path.lexists(folder / name) and name not in ours:
            raise _not_ours(folder / name)
    manifest = folder / MANIFEST
    if os.path.lexists(manifest) and find_manifest(folder) is None:
        raise _not_ours(manifest)


def _check_places(folder: Path, names: Collection[str]) -> None:
    """ExportError where a folder has the name of a file, which nothing can replace."""
    for path in (folder / name for name in (*names, MANIFEST)):
        if path.is_dir() and not path.is_symlink():
            raise ExportError(
                f"{path} could not be written: it is a folder.", "Choose another folder, or move it away."
            )


def _not_ours(path: Path) -> ExportError:
    return ExportError(
        f"{path} is there, and is no file that srt wrote, or was changed since.",
        "Choose another folder, move it away, or say that it is to be replaced (--force).",
    )


def _ours(folder: Path) -> list[str]:
    """Return the files of a folder that its manifest names and that are still what it says."""
    entries = (find_manifest(folder) or {"files": {}})["files"]
    return [name for name, entry in entries.items() if is_unchanged(folder, name, entry)]


def _remove_leftovers(folder: Path) -> None:
    """Remove what exports left that were killed; those of a process that runs are left alone."""
    for path in folder.glob(f"{_PREFIX}*"):
        number = path.name.removeprefix(_PREFIX).partition("-")[0]
        if path.is_dir() and not path.is_symlink() and number.isdecimal() and not _runs(int(number)):
            shutil.rmtree(path, ignore_errors=True)


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:  # it is somebody else's
        return True
    return True
