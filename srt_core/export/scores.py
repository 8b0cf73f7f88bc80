"""Every version of every sample that is not retracted with its numbers, whatever is kept."""

from collections.abc import Iterator

from srt_core.export.exporting import NO_LINE, Export
from srt_core.export.formats import Split
from srt_core.methods import MEASURES
from srt_core.project.store import Row, Store
from srt_core.records import Measure, Source
from srt_core.select.panel import COMPUTED_LATER, subject_of, usual_of

_LOSSES = ("loss_y", "loss_y_given_x", "loss_x", "loss_x_given_y")


def _numbers(source: Source) -> list[Measure]:
    return [measure for measure in MEASURES.values() if measure.source is source]


def _computed(measure: Measure, scoring_id: int, encoding_id: int) -> str:
    """Return the number of a measure that is computed later, of a candidate or of its sample, as a column."""
    subject = subject_of(measure)
    key = "candidate.candidate_id" if subject == "candidate" else "sample.seq"
    source = measure.rows_of(scoring_id, encoding_id)
    rows = f"""FROM measurement WHERE measure = '{measure.name}' AND source = '{source}'
        AND subject = '{subject}' AND subject_id = {key}"""
    if measure.usual is None:
        return f"(SELECT value {rows}) AS {measure.name}"
    return f"if(EXISTS ({rows}), (SELECT value {rows}), {usual_of(measure)}) AS {measure.name}"


def _scores(scoring_id: int, encoding_id: int) -> str:
    """Return the SELECT of every candidate with its losses and measures under a scoring and an encoding."""
    columns = [
        *(f"score.{name}" for name in ("ifd", "r_ifd", *_LOSSES)),
        *(f"score.{each.name}" for each in _numbers(Source.SCORE) if each.name not in ("ifd", "r_ifd")),
        "coalesce(score.tokens_y, 0) AS tokens_y",
        "coalesce(score.tokens_x, 0) AS tokens_x",
        "coalesce(score.status, 'unscored') AS status",
        "candidate.producer",
        *(f"candidate.{each.name}" for each in _numbers(Source.CANDIDATE)),
        *(_computed(each, scoring_id, encoding_id) for each in COMPUTED_LATER),
    ]
    return f"""
    SELECT sample.sample_id, import.path AS file, sample."row", candidate.origin, {", ".join(columns)},
           coalesce(candidate.candidate_id = verdict.candidate_id, false) AS selected, verdict.reason,
           coalesce(candidate.candidate_id = verdict.verdict_id AND verdict.action IS DISTINCT FROM 'edit', false)
               AS exported, verdict.action AS decision, decided.context ->> 'because' AS because,
           note.text AS note, coalesce(labels.tags, []) AS tags
    FROM candidate JOIN sample USING (sample_id) JOIN verdict USING (sample_id) LEFT JOIN import USING (import_id)
    LEFT JOIN event AS decided ON decided.event_id = verdict.event_id LEFT JOIN note USING (sample_id)
    LEFT JOIN (SELECT sample_id, list(tag ORDER BY tag) AS tags FROM tag GROUP BY sample_id) AS labels USING (sample_id)
    LEFT JOIN score ON score.candidate_id = candidate.candidate_id AND score.scoring_id = ?
    WHERE verdict.action IS DISTINCT FROM 'retract'
    ORDER BY sample.seq, candidate.candidate_id"""


def scores(store: Store, _export: Export, _split: Split) -> Iterator[tuple[int, Row]]:
    """Stream every version with its numbers, whatever is kept."""
    for found in store.stream(_scores(store.scoring_id(), store.encoding_id()), [store.scoring_id()]):
        yield from ((NO_LINE, row) for row in found)
