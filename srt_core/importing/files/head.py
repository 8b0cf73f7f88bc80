"""The first bytes of a file: enough to refuse a file that is no text and to find where a JSON list begins."""

import codecs
import re
from pathlib import Path

from srt_core.errors import DatasetError

HEAD_BYTES = 65_536
UTF8_HINT = "Save it as UTF-8 and import it again."

_COMPRESSED = {b"PK\x03\x04": "zip or Excel", b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd", b"BZh": "bzip2"}
_WIDE_BYTE_ORDER_MARKS = (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_DATA_LIST = re.compile(rb'"data"\s*:\s*\[(?=\s*(?:[{\]]|\Z))')
_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)


def read_head(path: Path) -> bytes:
    """Return the first 64 KiB of a file.

    Raises:
        DatasetError: the file cannot be opened, or holds nothing.
    """
    try:
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
    except OSError as error:
        raise DatasetError(f"{path} cannot be read: {error.strerror}.", "Check path and permissions.") from error
    if not head.removeprefix(codecs.BOM_UTF8).strip():
        raise DatasetError(f"{path} is empty.", "Choose a file with at least one record.")
    return head


def check_text(path: Path, head: bytes) -> None:
    """Refuse a file whose first bytes are compressed, binary, or UTF-16 or UTF-32.

    Raises:
        DatasetError: it is no text, or text of another encoding than UTF-8.
    """
    for magic, name in _COMPRESSED.items():
        if head.startswith(magic):
            raise DatasetError(f"{path} is a {name} file.", "Unpack it, or save it as CSV or JSON, and import that.")
    if head.startswith(_WIDE_BYTE_ORDER_MARKS):
        raise DatasetError(f"{path} is UTF-16 or UTF-32 text, from byte 0.", UTF8_HINT)
    if b"\0" in head:
        message = f"{path} is a binary file: byte {head.index(0)} is zero."
        raise DatasetError(message, "Choose a text or Parquet file; if it is UTF-16 text, save it as UTF-8.")


def check_utf8(path: Path, head: bytes) -> None:
    """Refuse a file whose first bytes are not UTF-8.

    Raises:
        DatasetError: with the offset of the first byte that is not.
    """
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError as error:
        found = f"byte {error.start} is 0x{head[error.start]:02x}"
        raise DatasetError(f"{path} is not UTF-8 text: {found}.", UTF8_HINT) from error


def array_start(head: bytes) -> int | None:
    """Return the offset just after the "[" of the list of records, or None when there is no such list.

    The list is the file itself, or the value of "data" in the object that the file is.
    """
    text = head.removeprefix(codecs.BOM_UTF8).lstrip()
    if text.startswith(b"["):
        return len(head) - len(text) + 1
    if not text.startswith(b"{"):
        return None
    return next((match.end() for match in _DATA_LIST.finditer(head) if _depth(head[: match.start()]) == 1), None)


def _depth(head: bytes) -> int:
    """Return how many brackets are open at the end, not counting those within strings."""
    bare = _STRING.sub(b"", head)
    return sum(bare.count(bracket) for bracket in (b"[", b"{")) - sum(bare.count(bracket) for bracket in (b"]", b"}"))
