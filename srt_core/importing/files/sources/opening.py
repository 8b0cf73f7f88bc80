"""A file to import, wherever it is: opened, unpacked, and how far it was read."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from srt_core.errors import DatasetError
from srt_core.importing.files.sources.packed import DAMAGED, unpack

HEAD_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class Source:
    """A file to import."""

    name: str
    """Its path, or its address on the hub."""
    open: Callable[[], BinaryIO]
    """Open it as it is, packed or not; an OSError where that is not possible."""
    size: int
    """In bytes, as it is."""
    sha256: str = ""
    """Of what is in it, where that is known without reading it."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A file that is open, unpacked, at its beginning."""

    file: BinaryIO
    head: bytes
    """The first 64 KiB."""
    share: Callable[[], float]
    """How much of it was read, from 0 to 1."""


def local(path: Path | str) -> Source:
    """Return a file on this machine.

    Raises:
        DatasetError: there is none that can be read.
    """
    path = Path(path)
    try:
        size = path.stat().st_size
        path.open("rb").close()
    except OSError as error:
        raise DatasetError(f"{path} cannot be read: {error.strerror}.", "Check path and permissions.") from error
    return Source(str(path), lambda: path.open("rb"), size)


@contextmanager
def opened(source: Source) -> Iterator[Opened]:
    """Open a file for reading.

    Raises:
        DatasetError: it cannot be opened or read to its end, is empty, or an archive of several files.
    """
    try:
        with ExitStack() as stack:
            raw = stack.enter_context(source.open())
            head = raw.read(HEAD_BYTES)
            raw.seek(0)
            file = unpack(source.name, raw, head)
            if file is not raw:
                with source.open() as again:
                    head = unpack(source.name, again, head).read(HEAD_BYTES)
            if not head.removeprefix(b"\xef\xbb\xbf").strip():
                raise DatasetError(f"{source.name} is empty.", "Choose a file with at least one record.")
            yield Opened(file, head, lambda: min(1.0, raw.tell() / source.size) if source.size else 1.0)
    except (OSError, *DAMAGED) as error:
        hint = "Check the disk or the connection, and that the file is whole; then import it again."
        raise DatasetError(f"{source.name} cannot be read to its end: {error}.", hint) from error
