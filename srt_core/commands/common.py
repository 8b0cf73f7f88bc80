"""What the commands share: how failures are listed, counts are written, and who is at the keyboard."""

import getpass
import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any

import typer

from srt_core.commands.terminal import errors, show
from srt_core.errors import PolicyError
from srt_core.project.connection import is_older
from srt_core.project.progress import Progress
from srt_core.project.store import Store

DONE, DONE_WITH_FAILURES, NOT_DONE = 0, 1, 2
LISTED = 20

PROJECT = typer.Argument(help="The project file.", show_default=False)
ProjectPath = Annotated[Path, PROJECT]


def open_project(path: Path) -> Store:
    """Open a project and tell its notices; the file of one of an older version is converted first, with a bar.

    ProjectError as `Store.open`.
    """
    if is_older(path):
        errors.print(
            f"{path} is of an older version. It is converted, once; if that is cut off, the next start goes on."
        )
        show(_convert(path))
    store = Store.open(path)
    for notice in store.notices:
        errors.print(f"Note: {notice}")
    return store


def _convert(path: Path) -> Iterator[Progress]:
    from srt_core.select.derive import refresh  # loads the methods, which not every command needs

    yield from Store.convert(path)
    yield Progress("selections", message="Selecting again under the policy in use")
    with Store.open(path) as store, suppress(PolicyError):  # what the command itself says, unless it mends that
        refresh(store)


def tell_failures(number: int, lines: Sequence[str]) -> None:
    """List failures on stderr: the first of so many."""
    for line in lines:
        errors.print(f"  {line}")
    if number > len(lines):
        errors.print(f"  … and {number - len(lines):,} more.")


def lines_of(counts: dict[str, Any], indent: str = "") -> Iterator[str]:
    """Write counts as indented lines."""
    for name, value in counts.items():
        if isinstance(value, dict):
            yield f"{indent}{name}:"
            yield from lines_of(value, indent + "  ")
        else:
            yield f"{indent}{name}: {value:,}" if isinstance(value, int) else f"{indent}{name}: {value}"


def user_name() -> str:
    """Return the name of whoever runs the command."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user the system has no name for, as in many containers
        return f"user {os.getuid()}"
