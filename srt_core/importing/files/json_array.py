"""Split a JSON list of any size into its elements, without parsing them and in bounded memory.

An element is the text between two commas of the list. Each is parsed separately afterwards, so that a bad element costs
one row and not the rest of the file; a streaming parser would stop there, and ijson 3.6 also replaces a lone surrogate
by "?" without an error.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

CHUNK_BYTES = 262_144
MAX_RECORD_BYTES = 67_108_864

# A string ends at its quote, or at the end of its line: JSON has no line break in a string, so a lost quote
# spoils its own element only.
_STRING = rb'"[^"\\\n]*+(?:\\.[^"\\\n]*+)*+["\n]'
_TO_BRACKET = re.compile(rb'(?:[^"\[\]{}]++|' + _STRING + rb")*+", re.DOTALL)
_TO_BRACKET_OR_COMMA = re.compile(rb'(?:[^"\[\]{},]++|' + _STRING + rb")*+", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Element:
    """The bytes of one element, their offset in the file and 1-based line, and why they are unusable, if so."""

    raw: bytes
    offset: int
    line: int
    fault: str = ""


class ArrayScanner:
    """Walks through a list from the byte after its "[" on, holding one element and one chunk in memory."""

    def __init__(self, file: BinaryIO, start: int, *, is_whole_file: bool) -> None:
        """Take a file at its beginning and the offset after "["; `is_whole_file`: nothing may follow the list's "]"."""
        self._file = file
        self._line = 1 + file.read(start).count(b"\n")
        self._is_whole_file = is_whole_file
        self._buffer = b""
        self._buffer_offset = start
        self._start = self._position = 0
        self._fault = ""

    def elements(self) -> Iterator[Element]:
        """Yield every element in order; the last has a fault when the list is not closed, or more text follows it."""
        row = 0
        while not self._fault:
            end = self._find_end(row)
            element = self._take()
            if element.raw or end != b"]":
                yield element
            row += 1
            if end == b"]":
                break
        if not self._fault and self._is_whole_file:
            yield from self._trailing_text()

    def _find_end(self, row: int) -> bytes:
        """Move to the comma or bracket that ends the element and return it; b"" where there is none."""
        depth = 1
        while True:
            pattern = _TO_BRACKET_OR_COMMA if depth == 1 else _TO_BRACKET
            match = pattern.match(self._buffer, self._position)
            self._position = match.end() if match else self._position
            byte = self._buffer[self._position : self._position + 1]
            if byte in (b"", b'"'):
                if not self._read_more(row):
                    return b""
                continue
            if depth == 1 and byte in b",]":
                return byte
            depth = depth + 1 if byte in b"[{" else max(1, depth - 1)
            self._position += 1

    def _read_more(self, row: int) -> bool:
        """Drop what is before the current element and read a chunk more.

        Returns False, and sets the fault, at the end of the file or where the element has become too long.
        """
        self._buffer_offset += self._start
        kept = self._buffer[self._start :]
        self._position -= self._start
        self._start = 0
        chunk = self._file.read(CHUNK_BYTES) if len(kept) <= MAX_RECORD_BYTES else b""
        self._buffer = kept + chunk
        if chunk:
            return True
        self._position = len(kept)
        self._fault = _unclosed(kept, row)
        return False

    def _take(self) -> Element:
        """Return the element before the position, and move past the byte that ends it."""
        text = self._buffer[self._start : self._position]
        raw = text.lstrip()
        blank = len(text) - len(raw)
        self._line += text.count(b"\n", 0, blank)
        element = Element(raw.rstrip(), self._buffer_offset + self._start + blank, self._line, self._fault)
        self._line += raw.count(b"\n")
        self._position += 1
        self._start = self._position
        return element

    def _trailing_text(self) -> Iterator[Element]:
        text = self._buffer[self._start :] + self._file.read(CHUNK_BYTES)
        if text.strip():
            line = self._line + text.count(b"\n", 0, len(text) - len(text.lstrip()))
            fault = "The list of records ends here, but more text follows; it is not read."
            yield Element(text.strip(), self._buffer_offset + self._start, line, fault)


def _unclosed(raw: bytes, row: int) -> str:
    if len(raw) > MAX_RECORD_BYTES:
        return f"Row {row} is longer than 64 MB: a quote or bracket is probably not closed. Nothing after it is read."
    if raw.strip():
        return f"The file ends in the middle of row {row}: it was cut off, or a quote or bracket is not closed."
    return f"The file ends before its list is closed: row {row} and what followed may be missing."
