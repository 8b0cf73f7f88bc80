"""Detect the format of a file from its content, and from its name where the content allows several."""

import csv

from srt_core.errors import DatasetError
from srt_core.importing.files.readers.tables import DELIMITERS
from srt_core.importing.files.readers.text import find_encoding

FORMATS: tuple[str, ...] = ("json", "csv", "parquet", "arrow")
OTHER_NAMES = {"alpaca": "json", "jsonl": "json", "messages": "json", "tsv": "csv", "feather": "arrow"}
"""Names of formats that are read as one of the others."""

_ARROW = (b"ARROW1", b"\xff\xff\xff\xff")
_OLD_FEATHER = b"FEA1"
_CSV_SUFFIXES = (".csv", ".tsv")
_JSON_SUFFIXES = (".jsonl", ".ndjson", ".json")
_PACKED_SUFFIXES = (".gz", ".bz2", ".xz", ".zst", ".zip")


def find_format(name: str, head: bytes, encoding: str | None) -> str:
    """Return the format of a file by its first bytes, one of FORMATS.

    Raises:
        DatasetError: it is binary, of an encoding that has to be named, or of no known format.
    """
    if head.startswith(b"PAR1"):
        return "parquet"
    if head.startswith(_ARROW):
        return "arrow"
    if head.startswith(_OLD_FEATHER):
        raise DatasetError(f"{name} is a Feather file of the first version.", "Write it again as Parquet.")
    encoding = encoding or find_encoding(name, head) or "utf-8-sig"
    text = head.decode(encoding, "replace").lstrip("\ufeff \t\r\n")
    suffix = _suffix(name)
    is_bracket = text.startswith(("{", "["))
    if is_bracket and (suffix not in _CSV_SUFFIXES or text[1:].lstrip()[:1] in ("{", "[", '"')):
        return "json"
    if _is_csv(suffix, text):
        return "csv"
    if suffix in _JSON_SUFFIXES and any(line.lstrip().startswith(("{", "[")) for line in text.splitlines()):
        return "json"
    raise DatasetError(f"The format of {name} is not known.", f"Say which it is: --format {'|'.join(FORMATS)}.")


def named_format(format: str) -> str:
    """Return the format of a name; DatasetError where there is none."""
    found = OTHER_NAMES.get(format, format)
    if found not in FORMATS:
        raise DatasetError(f'"{format}" is no format.', f"Choose one of {', '.join(FORMATS)}.")
    return found


def _suffix(name: str) -> str:
    name = name.lower()
    for packed in _PACKED_SUFFIXES:
        name = name.removesuffix(packed)
    dot = name.rfind(".")
    return name[dot:] if dot > name.rfind("/") else ""


def _is_csv(suffix: str, text: str) -> bool:
    """Return whether a text is CSV: by its suffix, or if its first two lines have the same two or more columns."""
    if suffix in _CSV_SUFFIXES:
        return True
    if suffix in _JSON_SUFFIXES:
        return False
    lines = text.splitlines()
    tables = ([len(row) for row in csv.reader(lines[:2], delimiter=mark)] for mark in DELIMITERS)
    return any(len(widths) > 1 and widths[0] == widths[1] > 1 for widths in tables)
