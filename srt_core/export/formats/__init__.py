"""The file formats that trainers read, a record each.

lines    what the formats of pairs make a line of, and what all lines have in common; items: of decisions
writing  what a format is, and files that are there whole or not at all
filled   a prompt in the template that was scored
"""

from collections.abc import Mapping

from srt_core.errors import ExportError
from srt_core.export.formats import (
    alpaca,
    decided,
    kto,
    messages,
    openai,
    parquet,
    preferences,
    prompt_completion,
    scores,
    sharegpt,
)
from srt_core.export.formats.lines import BARE, ExportRow, Layout, LeftOut, Line, kind_of
from srt_core.export.formats.writing import Fields, Format, MakeFields, Source, Split, write_file

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
    "Source",
    "Split",
    "find_format",
    "kind_of",
    "write_file",
]

FORMATS: Mapping[str, Format] = {
    format.name: format
    for format in (
        prompt_completion.FORMAT,
        alpaca.FORMAT,
        messages.FORMAT,
        sharegpt.FORMAT,
        openai.FORMAT,
        parquet.FORMAT,
        preferences.DPO,
        preferences.DPO_CHAT,
        preferences.RANKING,
        kto.FORMAT,
        decided.LEFT_OUT,
        decided.EDITS,
        scores.FORMAT,
    )
}
"""By name, in the order in which they are offered."""


def find_format(name: str) -> Format:
    """Find a format by name; ExportError lists the names there are."""
    if name not in FORMATS:
        raise ExportError(f"There is no export format {name}.", f"Choose from: {', '.join(FORMATS)}.")
    return FORMATS[name]
