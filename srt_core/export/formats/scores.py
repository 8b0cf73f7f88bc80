"""Every candidate of every sample with its losses, scores and other measures, one a line, whatever is selected."""

from srt_core.export.formats.writing import Format, Lists, write_lines

FORMAT = Format(
    "scores",
    "Scores, JSON Lines",
    "Every candidate of every sample with its losses and scores, whatever the scope.",
    "scores.jsonl",
    write_lines,
    Lists.CANDIDATES,
)
