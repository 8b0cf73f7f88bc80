"""Read every file format; a file's `output` becomes the `response` of a pair.

    sources     where files come from: paths, folders, packed files
    readers     a file of any format → records: fields by name, with row and line
    shapes      how data sets name and nest the parts of a pair, as data
    mapping     which column is which part of which pair; options: what else may be said
    pairs       a record → its pairs, each in its context; rewrites: the rewrites beside an original
    rows        records → rows: originals and candidates; account: what came of the columns, counted
    records     the Record and the Reject

Every record speaks for itself: its own columns decide how it is read. Whatever cannot be read becomes a Reject with its
row, line and reason; the other rows are read.
"""

from srt_core.importing.files.account import Account
from srt_core.importing.files.mapping import TARGETS, ColumnMap, default_map, knows, parse_map
from srt_core.importing.files.options import AS_WRITTEN, DEFAULTS, Options, Placeholders
from srt_core.importing.files.readers.detection import FORMATS
from srt_core.importing.files.readers.reading import as_source, columns, detect, preview, read_records
from srt_core.importing.files.records import Record, Reject
from srt_core.importing.files.rows import ImportRow, read_rows
from srt_core.importing.files.shapes.asides import LEFT_ASIDE, NotText, parse_take
from srt_core.importing.files.shapes.exchanges import Turns
from srt_core.importing.files.shapes.roles import Speaker, parse_roles
from srt_core.importing.files.sources.finding import find_sources
from srt_core.importing.files.sources.opening import Source

__all__ = [
    "AS_WRITTEN",
    "DEFAULTS",
    "FORMATS",
    "LEFT_ASIDE",
    "TARGETS",
    "Account",
    "ColumnMap",
    "ImportRow",
    "NotText",
    "Options",
    "Placeholders",
    "Record",
    "Reject",
    "Source",
    "Speaker",
    "Turns",
    "as_source",
    "columns",
    "default_map",
    "detect",
    "find_sources",
    "knows",
    "parse_map",
    "parse_roles",
    "parse_take",
    "preview",
    "read_records",
    "read_rows",
]
