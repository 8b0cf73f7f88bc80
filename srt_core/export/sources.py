"""What the lines of formats are made of: one stream a source."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from srt_core.export import decided
from srt_core.export.exporting import Export
from srt_core.export.formats import Source, Split
from srt_core.export.past import remembered_lines
from srt_core.export.scores import scores
from srt_core.project.store import Store

Stream = Callable[[Store, Export, Split], Iterator[tuple[int, Any]]]
"""Yields what a line is made of, with the number of the export's line that it is of, or NO_LINE."""

STREAMS: Mapping[Source, Stream] = {
    Source.PAIRS: remembered_lines,
    Source.PREFERENCES: decided.preferences,
    Source.JUDGED: decided.judged,
    Source.LEFT_OUT: decided.left_out,
    Source.EDITS: decided.edits,
    Source.VERSIONS: scores,
}
