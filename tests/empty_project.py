"""An empty project file in a third of the time that `Store.create` takes: a copy of one that it made."""

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from srt_core.project.store import Store


def create_empty(path: Path) -> Store:
    """Return a new project without samples at a path where nothing is."""
    return Store.open(place_empty(path))


def place_empty(path: Path) -> Path:
    """Put a new project without samples at a path where nothing is, and leave it closed."""
    assert not path.exists()
    path.write_bytes(_empty_file())
    return path


@cache
def _empty_file() -> bytes:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "empty.srt"
        Store.create(path).close()
        return path.read_bytes()
