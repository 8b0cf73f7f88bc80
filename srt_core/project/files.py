"""Project files seen from outside: whether a file is one of DuckDB's, and why it cannot be opened, in words."""

import re
from pathlib import Path

from srt_core.errors import ProjectError

_HOLDER = re.compile(r"held in (?P<program>.*?) \(PID (?P<pid>\d+)\)")


def is_duckdb(path: Path) -> bool:
    """Return whether a file begins as DuckDB's do; ProjectError if it cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(12)[8:] == b"DUCK"
    except OSError as error:
        raise ProjectError(
            f"{path} cannot be read: {error.strerror}.", "Check that the file may be read and written."
        ) from error


def explain_refusal(path: Path, text: str) -> ProjectError:
    """Return the error for a file that DuckDB does not open, from the text of its own."""
    if "lock" in text:
        held = _HOLDER.search(text)
        holder = f"process {held['pid']} ({held['program']})" if held else "another process"
        return ProjectError(
            f"{path} is open in {holder}.", "Close the app or command that has it open, then try again."
        )
    if "not a valid DuckDB database" in text:
        return ProjectError(f"{path} is not a project.", "Give the path of a file made by srt init.")
    return ProjectError(f"{path} cannot be opened: {text}", "Check that the file may be read and written.")
