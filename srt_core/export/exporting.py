"""An export under way: what it holds, and where its lines are."""

from dataclasses import dataclass

from srt_core.export.contents import Contents
from srt_core.export.formats import Layout, Split

NO_LINE = 0
"""The number of what is in no line of the export, as of a sample that was left out."""


@dataclass(frozen=True, slots=True)
class Export:
    """An export whose lines are remembered: those that are trained on are the first ones."""

    export_id: int
    contents: Contents
    layout: Layout
    lines: int
    trained: int
    """How many of the lines are trained on."""
    aside: str
    """The table with the number of every sample that is put aside."""

    def rows_of(self, split: Split) -> tuple[int, int]:
        """Return the first and the last line of a part, from 1; the last is less than the first where it has none."""
        return (1, self.trained) if split is Split.TRAIN else (self.trained + 1, self.lines)
