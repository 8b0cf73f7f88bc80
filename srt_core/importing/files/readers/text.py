"""The text of a file: decoded by its byte order mark or by the encoding that was named, whatever bytes it holds."""

import codecs
import io
import re
from typing import BinaryIO

from srt_core.errors import DatasetError

CHUNK_CHARACTERS = 262_144
HEAD_BYTES = 65_536

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_HALF = re.compile("[\ud800-\udfff]")
_TEXT_FOR_A_ZERO = 1_000
"""Bytes of a text that stand for a stray zero among them, which costs its record only."""
_NAMED = ("utf-16-le", "utf-16-be", "cp1252", "gb18030", "shift_jis", "latin-1")


def _keep_bytes(error: UnicodeError) -> tuple[str, int]:
    """Decode bytes that are wrong as lone surrogates, which no right text has, so that they cost their record only."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return "".join(chr(0xDC00 + byte) for byte in error.object[error.start : error.end]), error.end


codecs.register_error("srt_keep_bytes", _keep_bytes)


def open_text(file: BinaryIO, encoding: str | None) -> io.TextIOWrapper:
    """Return a file as text, its line breaks as they are."""
    return io.TextIOWrapper(file, encoding or "utf-8-sig", errors="srt_keep_bytes", newline="")


def check_encoding(encoding: str) -> None:
    """Refuse what is no name of an encoding.

    Raises:
        DatasetError: nobody knows an encoding of that name.
    """
    try:
        codecs.lookup(encoding)
    except LookupError as error:
        hint = f"Such names are {', '.join(_NAMED)}; Python's documentation lists them all."
        raise DatasetError(f'"{encoding}" is no encoding.', hint) from error


def find_encoding(name: str, head: bytes) -> str | None:
    """Return the encoding that a file's first bytes mark; None where they are UTF-8 without a mark.

    Raises:
        DatasetError: they are binary, or text of an encoding that has to be named.
    """
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            return encoding
    if b"\0" in head:
        wide = _wide(head)
        if wide:
            raise DatasetError(f"{name} seems to be {wide.upper()} text without a mark.", f"Say so: --encoding {wide}.")
        if head.count(0) * _TEXT_FOR_A_ZERO > len(head):
            message = f"{name} is a binary file: byte {head.index(0)} is zero."
            raise DatasetError(message, "Choose a text, Parquet or Arrow file.")
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError as error:
        if _is_mostly_utf8(head):
            return None
        found = f"byte {error.start} is 0x{head[error.start]:02x}"
        hint = f"Name its encoding: --encoding {_likely(head)} (or {', '.join(_NAMED)})."
        raise DatasetError(f"{name} is not UTF-8 text: {found}.", hint) from error
    return None


def has_half_characters(text: str) -> bool:
    """Whether a text has a lone surrogate: half of a character, or a byte that could not be decoded."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return True
    return False


def name_half_character(text: str) -> str:
    """Say what the first lone surrogate of a text is."""
    found = _HALF.search(text)
    code = ord(found.group()) if found else 0
    if 0xDC00 <= code <= 0xDCFF:  # noqa: PLR2004 (bytes that were kept as they are)
        return f"The byte 0x{code - 0xDC00:02x} is not UTF-8. Mend it, or name the file's encoding: --encoding cp1252."
    return "The record has half of a surrogate pair (such as \\ud800), which is no character."


def _wide(head: bytes) -> str | None:
    """Return the two-byte encoding in which text of the Latin alphabet has a zero in every other byte."""
    even, odd = head[0::2].count(0), head[1::2].count(0)
    if len(head) < 8:  # noqa: PLR2004 (too short to tell)
        return None
    if odd > len(head) // 4 and not even:
        return "utf-16-le"
    return "utf-16-be" if even > len(head) // 4 and not odd else None


def _is_mostly_utf8(head: bytes) -> bool:
    """Whether a text has lines that are no UTF-8, but at most one in three, of objects a line one in two."""
    lines = head.rstrip(b"\n").split(b"\n")
    return (2 if head.startswith(b"{") else 3) * sum(not _is_utf8(line) for line in lines) <= len(lines)


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _likely(head: bytes) -> str:
    """Return the encoding that a text is likely in: a Chinese one where its high bytes stand in pairs."""
    high = re.findall(rb"[\x81-\xfe][\x40-\xfe]", head)
    alone = re.findall(rb"[\x00-\x7f][\x80-\xff](?=[\x00-\x7f])", head)
    return "gb18030" if len(high) > 4 * len(alone) else "cp1252"
