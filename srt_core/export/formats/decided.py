"""What reviewers did, to be read: samples that they left out with their reasons, and edits as before and after."""

from collections.abc import Mapping

from srt_core.export.formats.items import Edit, Refusal, texts_of
from srt_core.export.formats.lines import Layout
from srt_core.export.formats.writing import Format, Source, write_lines
from srt_core.records import Pair

_NOTHING = Pair("", "")


def _left_out(found: Refusal, layout: Layout) -> Mapping[str, object]:
    row = found.row
    why = {"reason": found.reason, "because": found.because or "", "reviewer": found.author}
    return {
        "sample_id": row.sample_id,
        "version": row.version,
        **texts_of(row.pair),
        "context": row.pair.context.messages,
        **why,
    } | layout.own(row)


def _edit(found: Edit, _layout: Layout) -> Mapping[str, object]:
    return {
        "sample_id": found.row.sample_id,
        "version": found.row.origin,
        **texts_of(found.before or _NOTHING, "before_"),
        **texts_of(found.row.pair, "after_"),
        "context": found.row.pair.context.messages,
        "reviewer": found.author,
    }


LEFT_OUT = Format(
    "left_out",
    "Left out, with reasons",
    "What reviewers left out: the version that the rule keeps, else the original, with their reason.",
    "left_out.jsonl",
    _left_out,
    write_lines,
    source=Source.LEFT_OUT,
)
EDITS = Format(
    "edits",
    "Edits, before and after",
    "Every pair that a reviewer wrote anew and that stands, beside the version that it was made of.",
    "edits.jsonl",
    _edit,
    write_lines,
    source=Source.EDITS,
)
