"""A consistent copy of a project file, also of one that an app or command has open at the moment."""

import shutil
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from srt_core.errors import ProjectError
from srt_core.project.log_file import has_log, log_of
from srt_core.project.store import Store

TRIES = 5
PAUSE_SECONDS = 0.5
CHUNK = 8 * 1024 * 1024


def copy_project(path: Path, target: Path) -> int:
    """Copy a project that this process does not have open to a new file; returns its size in bytes.

    The file and its log are copied as they are, and merged in the copy: what was committed when the copy began is in
    it. Where the log was merged meanwhile by whoever has the project open, it is done again. ProjectError where it is
    no project, the target is there already, or there is no moment of rest.
    """
    if target.exists():
        raise ProjectError(f"{target} exists already.", "Choose another name: a copy never replaces a file.")
    if not path.is_file():
        raise ProjectError(f"There is no project at {path}.", "Give the path of a file made by srt init.")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(prefix=f"{target.name}.", dir=target.parent) as folder:
            draft = Path(folder) / target.name
            _copy_at_rest(path, draft)
            with Store.open(draft):
                pass  # closing merges the log
            draft.replace(target)
    except OSError as error:
        raise ProjectError(f"{target} cannot be written: {error.strerror}.", "Choose another place.") from error
    return target.stat().st_size


def _copy_at_rest(path: Path, draft: Path) -> None:
    """Copy a file and its log as they are at one moment; ProjectError where there is none."""
    for number in range(TRIES):
        time.sleep(PAUSE_SECONDS if number else 0)
        before = _stamp(path)
        shutil.copyfile(path, draft)
        log_of(draft).unlink(missing_ok=True)
        with suppress(FileNotFoundError):  # it is merged
            shutil.copyfile(log_of(path), log_of(draft))
        if _stamp(path) == before:
            return
    raise ProjectError(
        f"{path} is being written all the time, so no copy of it would be whole.",
        "Wait for the step that runs, or take the copy on the app's page Overview.",
    )


def is_one_file(store: Store) -> bool:
    """Return whether all of an open project can be in its file: where that may only be read, a log stays beside it."""
    return not (store.is_read_only and has_log(store.path))


def stream_copy(store: Store) -> Iterator[bytes]:
    """Yield the bytes of an open project's file with its log merged; nothing is committed until the last one.

    ProjectError where the file alone would not be the project.
    """
    if not is_one_file(store):
        raise ProjectError(
            f"{store.path} may only be read, so the log beside it cannot be merged into it.",
            f"Copy both: srt copy '{store.path}' COPY.srt",
        )
    with store.at_rest() as file:
        while chunk := file.read(CHUNK):
            yield chunk


def _stamp(path: Path) -> tuple[int, int, int]:
    found = path.stat()
    return found.st_mtime_ns, found.st_size, found.st_ino
