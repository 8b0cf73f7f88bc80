"""Logins that were ended before their time: a line each in `logouts.txt` beside the projects."""

from pathlib import Path

from srt_core.errors import PeopleError
from srt_core.people.settings import projects_folder

_READ: dict[Path, tuple[tuple[int, int], frozenset[str]]] = {}


def logouts_path() -> Path:
    """Return the path of the file of ended logins, beside the projects."""
    return projects_folder() / "logouts.txt"


def end_login(session: str) -> None:
    """End a login wherever it is used. PeopleError if that cannot be written."""
    path = logouts_path()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="ascii") as file:  # one short write: two servers' lines do not mix
            file.write(f"{session}\n")
    except OSError as error:
        raise PeopleError(
            f"{path} cannot be written: {error.strerror}, so the login stands.", "Free space, then log out again."
        ) from error


def ended_logins() -> frozenset[str]:
    """Return the sessions that were ended. It is asked for with every request: the file is read when it has changed."""
    path = logouts_path()
    try:
        found = path.stat()
        stamp = (found.st_mtime_ns, found.st_size)
        if _READ.get(path, (None,))[0] != stamp:
            _READ[path] = (stamp, frozenset(path.read_text(encoding="ascii").split()))
    except FileNotFoundError:
        return frozenset()
    except (OSError, UnicodeDecodeError) as error:
        raise PeopleError(f"{path} cannot be read: {error}", "Repair the file, or move it away.") from error
    return _READ[path][1]
