"""The file formats that trainers read, one file each; lines: what they make a line of; writing: what they share."""

from collections.abc import Mapping

from srt_core.errors import ExportError
from srt_core.export.formats import alpaca, messages, parquet, scores
from srt_core.export.formats.lines import BARE, ExportRow, Layout, LeftOut, Line, kind_of
from srt_core.export.formats.writing import Fields, Format, MakeFields, write_file

__all__ = [
    "BARE",
    "FORMATS",
    "ExportRow",
    "Fields",
    "Format",
    "Layout",
    "LeftOut",
    "Line",
    "MakeFields",
    "find_format",
    "kind_of",
    "write_file",
]

FORMATS: Mapping[str, Format] = {module.FORMAT.name: module.FORMAT for module in (alpaca, messages, parquet, scores)}


def find_format(name: str) -> Format:
    """Find a format by name; ExportError lists the names there are."""
    if name not in FORMATS:
        raise ExportError(f"There is no export format {name}.", f"Choose from: {', '.join(FORMATS)}.")
    return FORMATS[name]
