"""What tests of exports share: pairs as the lines of a file, without a project."""

from collections.abc import Iterable
from pathlib import Path

from srt_core.export.formats import BARE, ExportRow, LeftOut, Line, find_format, write_file
from srt_core.export.formats.writing import Fields


def fields_of(format: str, row: ExportRow) -> Fields:
    """What a format writes of a pair that it has a place for."""
    make = find_format(format).fields
    assert make
    found = make(Line((row,)), BARE)
    assert not isinstance(found, LeftOut)
    return found


def write_rows(path: Path, format: str, rows: Iterable[ExportRow]) -> int:
    """Write pairs without contexts or own columns, a line each; returns how many."""
    return write_file(path, find_format(format), (fields_of(format, row) for row in rows))
