"""Detect the format of a file from its content, and from its name where the content allows several."""

import csv
from pathlib import Path

from srt_core.errors import DatasetError
from srt_core.importing.files.conversations import is_conversation
from srt_core.importing.files.head import array_start, check_text, check_utf8, read_head
from srt_core.importing.files.reading import FORMATS, preview

_CSV_SUFFIXES = (".csv", ".tsv")
_LINES_SUFFIXES = (".jsonl", ".ndjson")
_SAMPLE_RECORDS = 20


def detect(path: Path | str) -> str:
    """Return the format of a file, one of FORMATS.

    Raises:
        DatasetError: it cannot be opened, is empty, binary, not UTF-8, or of no known format.
    """
    path = Path(path)
    head = read_head(path)
    if head.startswith(b"PAR1"):
        return "parquet"
    check_text(path, head)
    if array_start(head) is not None:
        return _by_fields(path, "alpaca")
    if _is_lines(path, head):
        return _by_fields(path, "jsonl")
    check_utf8(path, head)
    if _is_csv(path, head):
        return "csv"
    raise DatasetError(f"The format of {path} is not known.", f"Say which it is: {', '.join(FORMATS)}.")


def _by_fields(path: Path, format: str) -> str:
    """Return "messages" where the first records are conversations, else `format`."""
    records = preview(path, format, _SAMPLE_RECORDS)
    return "messages" if any(is_conversation(record.fields) for record in records) else format


def _is_lines(path: Path, head: bytes) -> bool:
    """Return whether a file has an object a line; a first line with a lone brace begins one object over many lines."""
    if path.suffix.lower() in _LINES_SUFFIXES:
        return True
    first = head.decode("utf-8-sig", "replace").lstrip().split("\n", 1)[0].strip()
    return first.startswith("{") and first != "{"


def _is_csv(path: Path, head: bytes) -> bool:
    """Return whether a file is CSV: by its suffix, or if its first two lines have the same two or more columns."""
    if path.suffix.lower() in _CSV_SUFFIXES:
        return True
    if path.suffix.lower() in (".json", ".parquet"):
        return False
    lines = head.decode("utf-8-sig", "replace").splitlines()
    widths = {len(row) for row in csv.reader(lines[:2]) if row}
    return len(lines) > 1 and len(widths) == 1 and min(widths) > 1
