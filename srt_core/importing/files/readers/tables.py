"""Records from CSV: a table with a header, read on after a row whose quotes are broken.

A quote within quotes is doubled, or stands after a backslash, as pandas, Spark and MySQL can write it. What more of the
first rows can be read with is how a table is read; a row that cannot be read so is tried the other way.
"""

import csv
import itertools
import re
from collections import deque
from collections.abc import Iterable, Iterator
from typing import TextIO

from srt_core.errors import DatasetError
from srt_core.importing.files.readers.json_stream import MAX_RECORD_CHARACTERS
from srt_core.importing.files.readers.text import has_half_characters, name_half_character
from srt_core.importing.files.records import Record, Reject, text_of

DELIMITERS = ",;\t"
_AHEAD_CHARACTERS = 65_536
_QUOTED = re.compile(r'\\(["\\])')
"""A backslash before what it escapes."""
_ALONE = re.compile(r'(?<!\\)(?:\\\\)*\\(?!["\\])')
"""A backslash that escapes nothing: where most are such, two in a row are two."""
_NAMED_DELIMITER = re.compile(r"\ufeff?sep=(.)\s*")
"""A first line by which Excel is told the delimiter."""


def read_csv(name: str, file: TextIO) -> Iterator[Record | Reject]:
    """Yield the records of a CSV file; the delimiter (comma, semicolon, tab) is the one that splits the header most.

    After a row with a broken quote the next line that is a whole row goes on; what stands between is one reject.

    Raises:
        DatasetError: the header cannot be read, or names a column twice.
    """
    lines = _Lines(file)
    header = _read_header(name, lines)
    lines.look_ahead(len(header))
    for row in itertools.count(1):
        found = _read_row(lines, row, header)
        if found is None:
            return
        yield found


class _Lines:
    """Lines of a text that can be given back."""

    def __init__(self, file: TextIO) -> None:
        csv.field_size_limit(MAX_RECORD_CHARACTERS)
        self._ahead: deque[str] = deque()
        self._file = file
        self._taken: list[str] = []
        self._characters = 0
        self.is_escaped = False
        """Whether a quote within quotes stands after a backslash."""
        self._doubles_backslashes = False
        self.number = 0
        """Of lines that were taken and not given back."""
        first = next(self._file, "")
        named = _NAMED_DELIMITER.fullmatch(first)
        if named:
            self.number = 1
            self.delimiter = named[1]
            return
        self._ahead.append(first)
        self.delimiter = max(DELIMITERS, key=lambda mark: len(next(csv.reader([first], delimiter=mark), [])))

    def look_ahead(self, width: int) -> None:
        """Find how quotes are written, by which way more of the next rows are as wide as the header."""
        size = sum(map(len, self._ahead))
        while size < _AHEAD_CHARACTERS and (line := next(self._file, "")):
            self._ahead.append(line)
            size += len(line)
        head = [*self._ahead]
        alone = sum(len(_ALONE.findall(line)) for line in head)
        self._doubles_backslashes = sum(line.count("\\\\") for line in head) > alone
        if any('\\"' in line for line in head):
            plain, escaped = (self._count_rows(lines, width) for lines in (head, [self._plain(line) for line in head]))
            self.is_escaped = escaped > plain

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._ahead.popleft() if self._ahead else next(self._file)
        self._taken.append(line)
        self._characters += len(line)
        self.number += 1
        if self._characters > MAX_RECORD_CHARACTERS:
            raise csv.Error("the row is longer than 64 million characters, a quote is probably not closed")
        return self._plain(line) if self.is_escaped else line

    def _plain(self, line: str) -> str:
        """Return a line with doubled quotes for those after a backslash."""
        two = "\\" if self._doubles_backslashes else "\\\\"
        return _QUOTED.sub(lambda found: '""' if found[1] == '"' else two, line)

    def _count_rows(self, lines: Iterable[str], width: int) -> int:
        """Count the rows of a width; after a broken one the next line goes on."""
        count, left = 0, iter(lines)
        while True:
            try:
                for values in csv.reader(left, delimiter=self.delimiter, strict=True):
                    count += len(values) == width
            except csv.Error:
                continue
            return count

    def read(self) -> tuple[list[str] | None, str]:
        """Return the fields of the next row and why it is none, if so; None at the end of the file."""
        self._taken, self._characters = [], 0
        try:
            return next(csv.reader(self, delimiter=self.delimiter, strict=True)), ""
        except StopIteration:
            return None, ""
        except csv.Error as error:
            return [], str(error)

    @property
    def taken(self) -> list[str]:
        """The lines of the row that was read last."""
        return self._taken

    def take(self, count: int) -> None:
        """Take so many lines as one row."""
        self._taken = [self._ahead.popleft() if self._ahead else next(self._file) for _ in range(count)]
        self.number += count

    def give_back(self, keep: int) -> None:
        """Give back all lines of the row that was read last but the first ones."""
        self._ahead.extendleft(reversed(self._taken[keep:]))
        self.number -= len(self._taken) - keep
        self._taken = self._taken[:keep]


def _read_header(name: str, lines: _Lines) -> list[str]:
    header, fault = lines.read()
    while header == [] and not fault:
        header, fault = lines.read()
    if fault or header is None:
        raise DatasetError(f"The header of {name} cannot be read: {fault or 'there is none'}.", "Check its quotes.")
    if has_half_characters("".join(header)):
        raise DatasetError(f"The header of {name} cannot be read. {name_half_character(''.join(header))}")
    doubles = sorted(each for each in set(header) if header.count(each) > 1)
    if doubles:
        raise DatasetError(f'{name} has two columns named "{doubles[0]}".', "Give every column a name of its own.")
    return header


def _read_row(lines: _Lines, row: int, header: list[str]) -> Record | Reject | None:
    values, fault = lines.read()
    while values == [] and not fault:
        values, fault = lines.read()  # a blank line
    if values is None:
        return None
    line = lines.number - len(lines.taken) + 1
    if not fault and len(values) == len(header):
        return _record(row, line, header, values, lines.taken)
    other = _read_otherwise(lines, len(header))
    if other is not None:
        return _record(row, line, header, other, lines.taken)
    reason = f"The row is not valid CSV: {fault}." if fault else _counted(values, header)
    if not fault and len(lines.taken) == 1:
        return Reject(row, line, reason, text_of(lines.taken[0].rstrip("\r\n")))
    lines.give_back(1)
    skipped = [*lines.taken, *_skip_to_a_row(lines, len(header))]
    return Reject(row, line, reason, text_of("".join(skipped).rstrip("\r\n")), lines=len(skipped))


def _read_otherwise(lines: _Lines, width: int) -> list[str] | None:
    """Return the fields of the row that was read last, with its quotes read the other way; None where that is no row.

    Then the lines are as they were before.
    """
    taken = len(lines.taken)
    if not any('\\"' in line for line in lines.taken):
        return None
    lines.give_back(0)
    lines.is_escaped = not lines.is_escaped
    values, fault = lines.read()
    lines.is_escaped = not lines.is_escaped
    if values is not None and not fault and len(values) == width:
        return values
    lines.give_back(0)
    lines.take(taken)
    return None


def _skip_to_a_row(lines: _Lines, width: int) -> list[str]:
    """Return the lines up to the next one that is a row as wide as the header."""
    skipped: list[str] = []
    while True:
        values, fault = lines.read()
        if values is None:
            return skipped
        if not fault and len(values) == width:
            lines.give_back(0)
            return skipped
        lines.give_back(1)
        skipped += lines.taken


def _record(row: int, line: int, header: list[str], values: list[str], taken: list[str]) -> Record | Reject:
    raw = "".join(taken)
    if has_half_characters(raw):
        return Reject(row, line, name_half_character(raw), text_of(raw.rstrip("\r\n")), lines=len(taken))
    return Record(row, line, dict(zip(header, values, strict=True)))


def _counted(values: list[str], header: list[str]) -> str:
    return f"The row has {len(values)} fields, the header {len(header)}."
