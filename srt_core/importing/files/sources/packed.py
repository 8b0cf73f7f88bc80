"""Files that are packed: one stream of gzip, bzip2, xz or zstd, or a zip archive of one file."""

import bz2
import gzip
import lzma
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO, cast

from srt_core.errors import DatasetError

_GZIP, _BZIP2, _XZ, _ZSTD, _ZIP = b"\x1f\x8b", b"BZh", b"\xfd7zXZ\x00", b"\x28\xb5\x2f\xfd", b"PK\x03\x04"
PACKED = (_GZIP, _BZIP2, _XZ, _ZSTD, _ZIP)
DAMAGED = (EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile)
"""What a packed file that is cut off or damaged raises, beside OSError."""

_TAR_AT, _TAR = 257, b"ustar"
_KEPT_IN_MEMORY = 16_777_216


def unpack(name: str, file: BinaryIO, head: bytes) -> BinaryIO:
    """Return what is in a file that begins so; the file itself where it is not packed.

    Raises:
        DatasetError: it is an archive of several files, or of another kind.
    """
    if head[_TAR_AT : _TAR_AT + len(_TAR)] == _TAR:
        raise DatasetError(f"{name} is a tar archive.", "Unpack it (tar -xf), and import the files or their folder.")
    if head.startswith(_GZIP):
        return cast(BinaryIO, gzip.GzipFile(fileobj=file))
    if head.startswith(_BZIP2):
        return cast(BinaryIO, bz2.BZ2File(file))
    if head.startswith(_XZ):
        return cast(BinaryIO, lzma.LZMAFile(file))
    if head.startswith(_ZSTD):
        import pyarrow

        return cast(BinaryIO, pyarrow.CompressedInputStream(pyarrow.PythonFile(file, mode="r"), "zstd"))
    return _only_member(name, file) if head.startswith(_ZIP) else file


def _only_member(name: str, file: BinaryIO) -> BinaryIO:
    archive = zipfile.ZipFile(file)
    members = [each.filename for each in archive.infolist() if not each.is_dir() and not _is_noise(each.filename)]
    if "[Content_Types].xml" in members:
        raise DatasetError(f"{name} is an Excel or Word file.", "Save it as CSV and import that.")
    if len(members) != 1:
        listed = ", ".join(members[:5])
        raise DatasetError(f"{name} holds {len(members)} files: {listed}.", "Unpack it, and import the folder.")
    return cast(BinaryIO, archive.open(members[0]))


def _is_noise(member: str) -> bool:
    return member.startswith("__MACOSX/") or member.rsplit("/", 1)[-1].startswith(".")


@contextmanager
def seekable(file: BinaryIO) -> Iterator[BinaryIO]:
    """Give a file in which one can go back and forth: itself, or a copy of what is in it, on disk where it is large."""
    if file.seekable() and not isinstance(file, gzip.GzipFile | bz2.BZ2File | lzma.LZMAFile | zipfile.ZipExtFile):
        yield file
        return
    with tempfile.SpooledTemporaryFile(_KEPT_IN_MEMORY) as copy:
        while chunk := file.read(_KEPT_IN_MEMORY):
            copy.write(chunk)
        copy.seek(0)
        yield cast(BinaryIO, copy)
