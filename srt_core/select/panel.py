"""The SQL of `panel`: which candidates the rule looks at, and what each measures. Text alone: nothing is run here."""

from collections.abc import Sequence

from srt_core.methods import MEASURES
from srt_core.records import (
    DERIVATIONS,
    INSTRUCTION_READ,
    RESPONSE_READ,
    REWRITTEN_ORIGINS,
    Measure,
    Origin,
    ProducerKind,
    Source,
    Subject,
    encoding_source,
    scoring_source,
)

COMPUTED_LATER: Sequence[Measure] = [
    measure for measure in MEASURES.values() if measure.source in (Source.VALUE, Source.SCORING, Source.ENCODING)
]
"""The measures that stand in `measurement`."""

_BEHIND = 2**40
"""Puts the candidates of a producer behind all of those that stand before it in an order: more than any id."""
_OF_FILE = f"coalesce(teacher.kind = '{ProducerKind.FILE}', true)"


def candidates_of(producer: str, only: str = "") -> str:
    """Return the SELECT of the candidates that a policy may take: sample_id and {origin}_id, one row a sample.

    `only` is a WHERE over sample_id, "" for all samples.

    `producer` names the parameter that holds Policy.producer: "" takes of each origin the earliest candidate; a name
    takes that producer's own, or that of the first in the order of that name (`producer_order`), else the earliest that
    came with a file. A child of a rewrite goes with the one that is taken; where its parent is not known it may be of
    any.
    """
    first = [origin for origin, made in DERIVATIONS.items() if made.parent is Origin.ORIGINAL]
    (second,) = set(REWRITTEN_ORIGINS) - set(first)
    taken_parent = f"{DERIVATIONS[second].parent.lower()}_id"
    return f"""
WITH version AS (
    SELECT candidate_id, sample_id, origin, parent_id, coalesce(ranked.place, 0) * {_BEHIND} + candidate_id AS turn,
           ${producer} IN ('', candidate.producer) OR ranked.place IS NOT NULL AS is_own, {_OF_FILE} AS is_of_file
    FROM (FROM candidate {only}) AS candidate LEFT JOIN producer AS teacher ON teacher.producer = candidate.producer
        LEFT JOIN producer_order AS ranked ON ranked.name = ${producer} AND ranked.producer = candidate.producer
), first AS (
    SELECT sample_id, min(candidate_id) FILTER (origin = '{Origin.ORIGINAL}') AS {Origin.ORIGINAL.lower()}_id,
           {", ".join(f"{_taken(origin)} AS {origin.lower()}_id" for origin in first)}
    FROM version GROUP BY sample_id
), second AS (
    SELECT sample_id, {_taken(second)} AS {second.lower()}_id FROM version JOIN first USING (sample_id)
    WHERE origin = '{second}' AND coalesce(parent_id = {taken_parent}, parent_id IS NULL) GROUP BY sample_id
)
SELECT first.*, second.{second.lower()}_id FROM first LEFT JOIN second USING (sample_id)
"""


def panel_of(scoring: str, producer: str, only: str = "") -> str:
    """Return the SELECT of `panel`: one row a sample, what each candidate that may be taken measures.

    The two names are those of the parameters that hold the scoring's id and Policy.producer; `only` is a WHERE over
    sample_id, "" for all samples.
    """
    # Without this all scores would be read to find a few.
    scored = f" AND candidate_id IN (SELECT candidate_id FROM candidate {only})" if only else ""
    ids = ", ".join(f"{origin.lower()}_id" for origin in Origin)
    return f"""
SELECT sample.seq, sample.sample_id,
       {", ".join(f"any_value({origin.lower()}_id) AS {origin.lower()}_id" for origin in Origin)},
       {", ".join(f"any_value({each.lower()}_id) IS NOT NULL AS has_{each.lower()}" for each in REWRITTEN_ORIGINS)},
       {", ".join(f"coalesce(any_value({_failed(each)}), false) AS {_failed(each)}" for each in REWRITTEN_ORIGINS)},
       {", ".join(column for measure in MEASURES.values() for column in _columns(measure))},
       count(*) FILTER (ifd IS NULL OR r_ifd IS NULL) AS unscored,
       coalesce(bool_or(score.status = 'truncated' OR {_IS_CUT}), false) AS truncated
FROM (FROM sample {only}) AS sample
JOIN ({candidates_of(producer, only)}) AS taken USING (sample_id)
JOIN candidate ON candidate.sample_id = sample.sample_id AND candidate.candidate_id IN ({ids})
LEFT JOIN (FROM score WHERE scoring_id = ${scoring}{scored}) AS score ON score.candidate_id = candidate.candidate_id
{_measured(Subject.CANDIDATE, "candidate.candidate_id", scoring)}
{_measured(Subject.SAMPLE, "sample.seq", scoring)}
LEFT JOIN (
    SELECT sample_id, {", ".join(f"bool_or(origin = '{each}') AS {_failed(each)}" for each in REWRITTEN_ORIGINS)}
    FROM reflection LEFT JOIN producer AS teacher USING (producer)
    WHERE status <> 'accepted' AND (${producer} IN ('', reflection.producer) OR {_OF_FILE}
        OR reflection.producer IN (SELECT ranked.producer FROM producer_order AS ranked WHERE name = ${producer}))
    GROUP BY sample_id
) AS failure ON failure.sample_id = sample.sample_id
GROUP BY sample.seq, sample.sample_id
"""


def _taken(origin: Origin) -> str:
    chosen = f"FILTER (origin = '{origin}' AND"
    return f"coalesce(min(turn) {chosen} is_own) % {_BEHIND}, min(candidate_id) {chosen} is_of_file))"


def _failed(origin: Origin) -> str:
    return f"failed_{origin.lower()}"


def _columns(measure: Measure) -> list[str]:
    """Return the columns of a measure: one for each origin that has it, or one where the sample does."""
    number = {
        Source.SCORE: f"score.{measure.name}",
        Source.CANDIDATE: f"candidate.{measure.name}",
        Source.LENGTH: "length(candidate.response)",
        Source.VALUE: f"measured_{subject_of(measure)}.{measure.name}",
        Source.ENCODING: f"measured_{subject_of(measure)}.{measure.name}",
        Source.SCORING: _beside_score(measure),
    }[measure.source]
    if measure.subject is Subject.SAMPLE:
        return [f"any_value({number}) AS {measure.name}"]
    return [
        f"max({number}) FILTER (candidate.origin = '{origin}') AS {origin.lower()}_{measure.name}"
        for origin in measure.origins
    ]


def _beside_score(measure: Measure) -> str:
    """Return the number of a measure that is written with scores: where there is no row, the usual one, if any."""
    held = f"measured_{Subject.CANDIDATE}"
    usual = "NULL" if measure.usual is None else usual_of(measure)
    return f"if({held}.has_{measure.name}, {held}.{measure.name}, {usual})"


def usual_of(measure: Measure) -> str:
    """Return the number that a row of `score` stands for where none is written: none where its score has no number."""
    return f"if(score.{measure.usual_with} IS NULL, NULL, {measure.usual}::DOUBLE)"


_IS_CUT = " OR ".join(f"{_beside_score(MEASURES[name])} < 1" for name in (RESPONSE_READ, INSTRUCTION_READ))
"""Whether max length cut a text of a candidate."""


def subject_of(measure: Measure) -> Subject:
    """Return what the rows of `measurement` of a measure are of: candidates, whichever of them have it, or samples."""
    return Subject.SAMPLE if measure.subject is Subject.SAMPLE else Subject.CANDIDATE


def _measured(subject: Subject, key: str, scoring: str) -> str:
    """Join the rows of `measurement` of a subject as a column each; nothing where no measure stands there.

    Those written with scores have another column, which says whether there is a row.
    """
    measures = [measure for measure in COMPUTED_LATER if subject_of(measure) is subject]
    if not measures:
        return ""
    columns = []
    for each in measures:
        source = {
            Source.SCORING: f"'{scoring_source(0)[:-1]}' || ${scoring}",
            Source.ENCODING: f"'{encoding_source(0)[:-1]}' || (SELECT value FROM meta WHERE key = 'encoding_id')",
        }.get(each.source, f"'{each.version}'")
        is_it = f"measure = '{each.name}' AND source = {source}"
        columns.append(f"max(value) FILTER ({is_it}) AS {each.name}")
        if each.source is Source.SCORING:
            columns.append(f"bool_or({is_it}) AS has_{each.name}")
    return f"""LEFT JOIN (
    SELECT subject_id, {", ".join(columns)} FROM measurement WHERE subject = '{subject}' GROUP BY subject_id
) AS measured_{subject} ON measured_{subject}.subject_id = {key}"""
