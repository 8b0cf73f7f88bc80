"""Every candidate of every sample with its losses, scores and other measures, one a line, whatever is selected."""

from collections.abc import Iterable, Mapping
from typing import BinaryIO

from srt_core.export.formats.lines import Layout
from srt_core.export.formats.writing import Format, write_lines


def _write(file: BinaryIO, lines: Iterable[Mapping[str, object]], _layout: Layout) -> int:
    return write_lines(file, lines)


FORMAT = Format(
    "scores",
    "Scores, JSON Lines",
    "Every candidate of every sample with its losses and scores, whatever the scope.",
    "scores.jsonl",
    _write,
)
