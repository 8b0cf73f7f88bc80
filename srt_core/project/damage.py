"""What DuckDB says of a file that it cannot read, write or open, as a sentence with the way out.

Every call of DuckDB goes through `translated`: the one place where its errors become ours. A row that breaks a rule of
its table, and the like, is an error of whoever wrote it and stays what it is.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from srt_core.errors import ProjectError
from srt_core.project.log_file import log_of

_OF_THE_FILE = (
    duckdb.OperationalError,
    duckdb.InternalError,
    duckdb.FatalException,
    duckdb.CatalogException,
    duckdb.BinderException,
)
_HOLDER = re.compile(r"held in (?P<program>.*?) \(PID (?P<pid>\d+)\)")
_MAY_BE_WRITTEN = "Check that the file and its folder may be read and written."
IS_NO_PROJECT = "Give the path of a file made by srt init."


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Turn an error of DuckDB about the file at `path` into a ProjectError.

    A Ctrl-C during a statement, of which it makes a RuntimeError, is a KeyboardInterrupt again.
    """
    try:
        yield
    except RuntimeError as error:
        if str(error) != "Query interrupted":
            raise
        raise KeyboardInterrupt from error
    except duckdb.Error as error:
        # A checksum that does not fit comes as an error of no kind at all.
        if type(error) is not duckdb.Error and not isinstance(error, _OF_THE_FILE):
            raise
        raise explain(path, str(error)) from error


def explain(path: Path, text: str) -> ProjectError:
    """Return the error for a file with which DuckDB could not go on, from the text of its own."""
    said = text.replace(str(path), "")  # its name may have any word in it
    for sign, sentence in _SIGNS:
        if re.search(sign, said, re.IGNORECASE):
            return sentence(path, text)
    return ProjectError(
        f"{path} cannot be used: {_reason(text)}.", f"`srt check {path}` says whether the file is whole."
    )


def _held(path: Path, text: str) -> ProjectError:
    held = _HOLDER.search(text)
    holder = f"process {held['pid']} ({held['program']})" if held else "another process"
    return ProjectError(f"{path} is open in {holder}.", "Close the app or command that has it open, then try again.")


def _log_of_another(path: Path, _: str) -> ProjectError:
    log = log_of(path)
    return ProjectError(
        f"The log beside {path} ({log.name}) is of another file or another state of it.",
        f"Put the log that belongs to it there, or set this one aside: mv '{log}' '{log}.aside'. {_WITHOUT_LOG}",
    )


def _log_damaged(path: Path, _: str) -> ProjectError:
    log = log_of(path)
    return ProjectError(
        f"The log beside {path} ({log.name}) is damaged.",
        f"Restore a copy of both, or set the log aside: mv '{log}' '{log}.aside'. {_WITHOUT_LOG}",
    )


_WITHOUT_LOG = (
    "The file then opens without it; what was saved in the last seconds, ten at most, before its app or command "
    "ended is missing."
)


def _full(path: Path, text: str) -> ProjectError:
    return ProjectError(
        f"{path} could not be written: {_reason(text)}.",
        "Free space on its disk; what was committed before is kept. Then do the same again.",
    )


def _too_little_memory(path: Path, _: str) -> ProjectError:
    return ProjectError(
        f"The memory for {path} is used up, and so is the disk that stands in for it.",
        f"Free space beside {path}, or end what else runs on it. Then do the same again.",
    )


def _damaged(path: Path, _: str) -> ProjectError:
    return ProjectError(
        f"{path} is damaged: a part of it that is needed here cannot be read.",
        f"Restore a copy of it. `srt check {path}` says what else is damaged.",
    )


def _no_project(path: Path, _: str) -> ProjectError:
    return ProjectError(f"{path} is not a project.", IS_NO_PROJECT)


def _of_another_version(path: Path, _: str) -> ProjectError:
    return ProjectError(
        f"{path} cannot be opened: it was written by another version or is damaged.",
        "Open it with the version of srt that wrote it.",
    )


def _of_another_make(path: Path, text: str) -> ProjectError:
    return ProjectError(
        f"{path} is not as this version of srt makes a project: {_reason(text)}.",
        f"`srt check {path}` says what is missing.",
    )


def _not_allowed(path: Path, text: str) -> ProjectError:
    return ProjectError(f"{path} cannot be opened: {_reason(text)}.", _MAY_BE_WRITTEN)


def _stopped(path: Path, text: str) -> ProjectError:
    return ProjectError(
        f"{path} cannot be used any more after an earlier error: {_reason(text)}.",
        "See to its cause, then start the app or command again; what was committed before is kept.",
    )


def _reason(text: str) -> str:
    """Return what DuckDB gives as the cause: what comes last in the first line of its text."""
    return text.strip().partition("\n")[0].rpartition(": ")[2].rstrip('".')


_SIGNS = (
    (r"^(Catalog|Binder) Error", _of_another_make),
    (r"could not set lock", _held),
    (r"WAL does not match|iteration does not match", _log_of_another),
    (r"replaying WAL|corrupt WAL", _log_damaged),
    (r"has been invalidated", _stopped),
    (r"no space left|quota|file too large|could not (write|truncate|sync)|cannot checkpoint|conflict", _full),
    (r"out of memory|failed to (allocate|offload)|could not allocate", _too_little_memory),
    (r"not a valid DuckDB|extension", _no_project),
    (r"newer version|older version|version number", _of_another_version),
    (r"cannot open|could not open|permission denied|read-only", _not_allowed),
    (r"corrupt|checksum|could not read|not enough|serializ|INTERNAL", _damaged),
)
"""What a text of DuckDB's has where, the narrower first, with what is said of it."""
