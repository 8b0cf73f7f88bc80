"""Read every file format; a file's `output` becomes the `response` of a pair.

The way of a row: `read_records` (bytes to fields) -> `read_rows` (fields to pairs).
Whatever cannot be read becomes a Reject with its row, line and reason; the rest goes on.
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
