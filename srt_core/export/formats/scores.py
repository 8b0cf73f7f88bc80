"""Every version of every sample with its losses, scores and other measures, one a line, whatever is kept."""

from srt_core.export.formats.lines import Layout
from srt_core.export.formats.writing import Fields, Format, Source, write_lines


def _fields(row: Fields, _layout: Layout) -> Fields:
    return row


FORMAT = Format(
    "scores",
    "Scores, JSON Lines",
    "Every version of every sample with its losses and scores, whatever is chosen above.",
    "scores.jsonl",
    _fields,
    write_lines,
    source=Source.VERSIONS,
)
