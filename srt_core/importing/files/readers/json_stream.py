"""Values of a JSON text one after another, in memory that does not grow with the file, whatever is broken in it.

Records stand in a list, one a line, or one after another; what stands between them is passed over. After a record
that is no JSON the reader goes on at the next place that can begin one, and the text between is one reject. That is a
line that begins with a bracket as far in as the records before, or a bracket in a line before a name with which a
record began before.
"""

import json
import re
from collections.abc import Iterator
from typing import TextIO

from srt_core.importing.files.readers.text import CHUNK_CHARACTERS, has_half_characters, name_half_character
from srt_core.importing.files.records import RAW_CHARACTERS, Record, Reject, describe, text_of
from srt_core.importing.files.shapes.names import KNOWN_NAMES
from srt_core.importing.files.shapes.roles import CONTENT_KEYS, ROLE_KEYS

MAX_RECORD_CHARACTERS = 67_108_864
_LEARNED_FROM = 1_000
"""Records that tell how a record of this file begins."""

_decode = json.JSONDecoder().raw_decode

_BETWEEN = re.compile(r"[\s,\ufeff]*")
_LIST_END = re.compile(r"\]\s*(?:\}\s*)*(?:,\s*\"|\Z)")
FIRST_NAME = re.compile(r"""\{\s*["']((?:[^"'\\]|\\.)*)["']\s*:""")
"""The beginning of an object, with its first name."""
_PLACE = re.compile(r"(?:(?<=[\r\n])([ \t]*)|[\[,\]}][ \t]*)(?=[\[{])")
_LINE = re.compile(r"(?<=[\r\n])([ \t]*)(?=[\[{])")
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
_WITHIN_RECORDS = frozenset({*ROLE_KEYS, *CONTENT_KEYS, "type"})
"""Names with which objects in records begin."""
_NEAR_END = 16
_OVERLAP = 4_096
_NEW_LINE = "\n"


class Window:
    """A stretch of a text that moves through it: `text` from `at` on, which is on `line` (from 1)."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self.text = ""
        self.at = 0
        self.line = 1
        self.ended = False

    def read_more(self, characters: int = CHUNK_CHARACTERS) -> bool:
        """Drop what is before `at` and append at least so much; False at the end of the file."""
        chunk = self._file.read(max(characters, CHUNK_CHARACTERS))
        self.ended = not chunk
        self.text, self.at = self.text[self.at :] + chunk, 0
        return bool(chunk)

    def move(self, to: int) -> None:
        """Go on at an offset of `text`."""
        self.line += self.text.count("\n", self.at, to)
        self.at = to

    def decode(self, *, limit: int = MAX_RECORD_CHARACTERS) -> tuple[object, int]:
        """Return the value at `at` and the offset of its end, reading on where it is not all there.

        Raises:
            ValueError: there is no JSON value; a JSONDecodeError says where it fails.
            RecursionError: it is nested too deeply.
        """
        while True:
            held = len(self.text) - self.at
            try:
                value, end = _decode(self.text, self.at)
            except json.JSONDecodeError as error:
                is_cut = error.msg.startswith("Unterminated string") or error.pos >= len(self.text) - _NEAR_END
                if self.ended or not is_cut or held > limit or not self.read_more(held):
                    raise
            else:
                if end < len(self.text) or self.ended or isinstance(value, dict | list) or not self.read_more():
                    return value, end

    def skip(self, pattern: re.Pattern[str]) -> bool:
        """Move past what matches here, however long it is; False at the end of the file."""
        while True:
            match = pattern.match(self.text, self.at)
            if match:
                self.move(match.end())
            if self.at < len(self.text):
                return True
            if not self.read_more():
                return False


class JsonRecords:
    """The records from a window's place on."""

    def __init__(self, window: Window, *, is_list: bool, is_wrapped: bool = False) -> None:
        """Take a window before the first record; `is_wrapped`: the list is the value of a key, and the file goes on."""
        self._window = window
        self._is_list = is_list
        self._is_wrapped = is_wrapped
        self._row = 0
        self._indents: set[str] = set()
        self._brackets: set[str] = set()
        self._first: set[str] = set()
        self._names: set[str] = set()
        self.is_closed = not is_list
        self._learn_lines()

    def read(self) -> Iterator[Record | Reject]:
        """Yield every record, and a reject for each stretch that holds none."""
        window = self._window
        while window.skip(_BETWEEN):
            mark = window.text[window.at]
            if mark == "]" and self._is_list:
                self.is_closed = True
                if self._is_wrapped and self._ends_here():
                    return
                window.move(window.at + 1)
                continue
            if mark == "[" and self._is_list and self.is_closed:
                self.is_closed = False  # another list begins
                window.move(window.at + 1)
                continue
            self._row += 1
            yield self._next(mark)

    def _ends_here(self) -> bool:
        window = self._window
        while len(window.text) - window.at < CHUNK_CHARACTERS and not window.ended:
            window.read_more()
        return _LIST_END.match(window.text, window.at) is not None

    def _next(self, mark: str) -> Record | Reject:
        window, row, line = self._window, self._row, self._window.line
        detail = ""
        try:
            value, end = window.decode()
        except json.JSONDecodeError as error:
            reason, detail = _advise(window, error), _place_of(window, error)
        except RecursionError:
            reason = "The record is nested too deeply."
        except ValueError as error:
            reason = f"The record has a value that cannot be read: {error}."
        else:
            raw = window.text[window.at : end]
            self._learn_place(mark)
            window.move(end)
            return self._made_of(value, row, line, raw)
        raw = self._skip_broken()
        return Reject(row, line, reason, text_of(raw), detail, lines=max(1, window.line - line))

    def _made_of(self, value: object, row: int, line: int, raw: str) -> Record | Reject:
        reason = _half_character(raw, value)
        if not reason:
            if isinstance(value, dict):
                if row <= _LEARNED_FROM:
                    self._names.update(value)
                return Record(row, line, value)
            if isinstance(value, list):
                return Record(row, line, {"messages": value})
            reason = f"The record is {describe(value)}, not an object with named fields."
        return Reject(row, line, reason, text_of(raw), lines=self._window.line - line + 1)

    def _learn_lines(self) -> None:
        """Remember how far in records begin, by the first lines that can begin one: the first of them may be broken."""
        window = self._window
        found = [
            (place[1], window.text[place.end()], name[1] if name else "")
            for place in _LINE.finditer(window.text, window.at)
            for name in [FIRST_NAME.match(window.text, place.end())]
            if (name is None) == (window.text[place.end()] == "[") and (name is None or name[1] not in _WITHIN_RECORDS)
        ]
        least = min((indent for indent, _, _ in found), key=len, default=None)
        for indent, bracket, first in found:
            if indent == least:
                self._indents.add(indent)
                self._brackets.add(bracket)
                self._first.update([first] if first else [])

    def _learn_place(self, mark: str) -> None:
        """Remember how far in a record begins that could be read, and the name with which it begins."""
        window = self._window
        if mark not in "{[" or self._row > _LEARNED_FROM:
            return
        self._brackets.add(mark)
        start = max(window.text.rfind("\n", 0, window.at), window.text.rfind("\r", 0, window.at)) + 1
        before = window.text[start : window.at]
        if start and not before.strip():
            self._indents.add(before)
        if name := FIRST_NAME.match(window.text, window.at):
            self._first.add(name[1])

    def _skip_broken(self) -> str:
        """Move to the next place that can begin a record; return the text before it, its first million characters."""
        window = self._window
        kept = ""
        while True:
            place = self._find_place(window.at + 1)
            is_last = place is not None or window.ended
            to = place or (len(window.text) if is_last else max(window.at, len(window.text) - _OVERLAP))
            kept += window.text[window.at : to][: RAW_CHARACTERS - len(kept)]
            window.move(to)
            if is_last:
                break
            window.read_more()
        raw = kept.rstrip(" \t\r\n,")
        if self._is_list and raw.endswith("]") and raw.count("]") > raw.count("["):
            self.is_closed = True
            raw = raw[:-1].rstrip(" \t\r\n,")
        return raw

    def _find_place(self, start: int) -> int | None:
        text = self._window.text
        for match in _PLACE.finditer(text, start):
            if self._can_begin(match):
                return match.end()
        return None

    def _can_begin(self, match: re.Match[str]) -> bool:
        text, at = match.string, match.end()
        if self._brackets and text[at] not in self._brackets:
            return False
        name = FIRST_NAME.match(text, at)
        if match[1] is None:
            return name is not None and (name[1] in self._first if self._first else name[1] not in _WITHIN_RECORDS)
        if self._indents and match[1] not in self._indents:
            return False
        if text[at] == "[":
            return True
        return name is not None and (not self._names or name[1] in self._names or name[1].lower() in KNOWN_NAMES)


def _place_of(window: Window, error: json.JSONDecodeError) -> str:
    line = window.line + window.text.count("\n", window.at, error.pos)
    return f"line {line}, column {error.pos - window.text.rfind(_NEW_LINE, 0, error.pos)}"


def _advise(window: Window, error: json.JSONDecodeError) -> str:
    """Return why a record is no JSON, with what to change where that can be told."""
    after = window.text[error.pos : error.pos + 2]
    before = window.text[max(window.at, error.pos - _NEAR_END) : error.pos].rstrip()
    if window.ended and (error.msg.startswith("Unterminated string") or error.pos >= len(window.text.rstrip())):
        return "The file ends in the middle of this record: it was cut off, or a quote or bracket is not closed."
    if after in ("//", "/*"):
        return "The record is not valid JSON: JSON has no comments. Remove them."
    if after[:1] == "'":
        return "The record is not valid JSON: its quotes are single, as Python prints. Write it with json.dumps."
    if after[:1] in ("}", "]") and before.endswith(",") or after[:1] == ",":
        return "The record is not valid JSON: a comma stands before a closing bracket. Remove it."
    if error.msg.startswith("Invalid control character"):
        return "The record is not valid JSON: a quote is not closed, or a line break in a text is not written as \\n."
    return f"The record is not valid JSON: {error.msg}."


def _half_character(raw: str, value: object) -> str:
    """Say what half character a record has, written out or escaped; "" for none."""
    if has_half_characters(raw):
        return name_half_character(raw)
    if "\\u" in raw and _SURROGATE.search(raw):
        try:
            json.dumps(value, ensure_ascii=False).encode("utf-8")
        except UnicodeEncodeError:
            return name_half_character("\ud800")
    return ""
