"""Read every file format; a file's `output` becomes the `response` of a pair.

    detection   the format of a file, from its content and its name; head: its first bytes
    reading     a file → records: fields by name, with row and line
    json_array, json_records, tables    the readers of each format
    mapping     which column is which part of which pair
    rows        records → rows: an original pair and its candidates; conversations: chat messages as one pair
    records     the Record and the Reject

Whatever cannot be read becomes a Reject with its row, line and reason; the other rows are read.
"""

from srt_core.importing.files.detection import detect
from srt_core.importing.files.mapping import TARGETS, ColumnMap, default_map, parse_map
from srt_core.importing.files.reading import FORMATS, columns, preview, read_records
from srt_core.importing.files.records import Record, Reject
from srt_core.importing.files.rows import ImportRow, read_rows

__all__ = [
    "FORMATS",
    "TARGETS",
    "ColumnMap",
    "ImportRow",
    "Record",
    "Reject",
    "columns",
    "default_map",
    "detect",
    "parse_map",
    "preview",
    "read_records",
    "read_rows",
]
