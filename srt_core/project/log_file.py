"""The write-ahead log beside a project file: whether there is one, and how far it is whole.

DuckDB reads a log up to where it breaks off and says nothing of it. So the log is walked here, by the sizes in it:

    header: ends with two bytes of 255, within the first bytes
    entry:  its size, a checksum (8 bytes each, little-endian), then the entry itself, which begins with its type
"""

import re
import shutil
from itertools import count
from pathlib import Path
from typing import BinaryIO

_HEADER_BYTES = 96
_ENTRY_HEAD = 16
_ENDS = (b"d\x00d", b"d\x00c")
"""How entries begin that end a transaction: a commit, and the note that the log is folded in."""


MARK = "log"
"""The key of `meta` that says whether a log belongs beside the file."""
AWAITED = "awaited"
"""Its value where the log is not there; the log itself makes BEGUN of it."""
BEGUN = "begun"


def log_of(path: Path) -> Path:
    """Return where the log of a project file is, if it has one."""
    return path.with_name(path.name + ".wal")


def has_log(path: Path) -> bool:
    """Return whether something stands in the log of a project file."""
    try:
        return log_of(path).stat().st_size > 0
    except OSError:
        return False


def breaks_off_at(path: Path) -> int | None:
    """Return after how many bytes the log of a project file stops being whole transactions; None where it does not."""
    if not has_log(path):
        return None
    log = log_of(path)
    size = log.stat().st_size
    with log.open("rb") as file:
        head = file.read(_HEADER_BYTES)
        starts = [found.end() for found in re.finditer(rb"(?<=\xff)\xff", head)]  # a number may have these bytes too
        reached = max((_walk(file, start, size) for start in starts), default=0)
    return None if reached == size else reached


def _walk(file: BinaryIO, start: int, size: int) -> int:
    """Return where the last whole transaction ends among the entries that begin at `start`."""
    whole = at = start
    while at + _ENTRY_HEAD <= size:
        file.seek(at)
        head = file.read(_ENTRY_HEAD + len(_ENDS[0]))
        at += _ENTRY_HEAD + int.from_bytes(head[:8], "little")
        if at <= size and head[_ENTRY_HEAD:] in _ENDS:
            whole = at
    return whole


def notices_of(path: Path, mark: str | None, broken: int | None, *, keep: bool) -> list[str]:
    """Return what people should know of the log of a project that was opened, a sentence each.

    Args:
        path: the project file.
        mark: what stands under MARK, with the log read in.
        broken: what `breaks_off_at` gave before it was opened.
        keep: keep a copy of a log that breaks off; DuckDB cuts it with the next commit.
    """
    log = log_of(path)
    if broken is not None:
        kept = f" The log as it was is kept as {_set_aside(log).name}." if keep else ""
        return [_TORN.format(path=path, log=log.name, whole=broken, size=log.stat().st_size) + kept]
    return [_MISSING.format(path=path, log=log.name)] if mark == AWAITED else []


_MISSING = (
    "The log that belongs beside {path} ({log}) is missing, or nothing of it can be read. What was saved in the last "
    "seconds, ten at most, before the app or command that wrote it ended may be missing from the project; all before "
    "that is in it. If you have the log, put it there and open the project again before anything is saved."
)
_TORN = (
    "The log beside {path} ({log}) breaks off after {whole:,} of {size:,} bytes, as it does when a machine loses its "
    "power. What was saved from there on, in the last seconds before the app or command that wrote it ended, is "
    "missing from the project; all before that is in it."
)


def _set_aside(log: Path) -> Path:
    """Copy a log, under a name that is free, and return that."""
    names = (log.with_name(f"{log.name}.torn{number or ''}") for number in count())
    kept = next(name for name in names if not name.exists())
    shutil.copyfile(log, kept)
    return kept
