"""What an export holds: which samples, in which text, and every candidate's numbers."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from srt_core.export.formats import ExportRow, Layout
from srt_core.export.lines import Conversations, find_layout
from srt_core.methods import MEASURES
from srt_core.project.candidates import pair_of
from srt_core.project.store import Row, Store
from srt_core.records import Measure, Origin, Pair, Source
from srt_core.review.filter.filter import Filter, filter_condition
from srt_core.review.verdicts import ROWS
from srt_core.select.panel import COMPUTED_LATER, subject_of, usual_of

EVERYTHING = Filter()


class Scope(StrEnum):
    """Which samples are exported."""

    VERDICTS = "verdicts"
    """The human decision where there is one, else the rule's selection; nothing of a parked sample, which is open."""
    WITH_PARKED = "with-parked"
    """The same, with the rule's selection of what is parked."""
    APPROVED = "approved"
    """Only what a human approved, chose or edited."""


@dataclass(frozen=True, slots=True)
class Contents:
    """What a file of pairs holds: which samples, and what a line is."""

    scope: Scope = Scope.VERDICTS
    only: Filter = EVERYTHING
    conversations: Conversations = Conversations.APART


# Edited pairs stand in the log, all others with their candidate.
_PAIRS = """
    SELECT {columns}, verdict.seq, verdict.sample_id, verdict.verdict_origin AS origin,
           candidate.candidate_id, edit.event_id AS edit_id,
           coalesce(edit.instruction, candidate.instruction) AS instruction,
           coalesce(edit.input, candidate.input) AS input, coalesce(edit.response, candidate.response) AS response,
           coalesce(edit.context, candidate.context) AS context
    FROM {rows} AS verdict
    LEFT JOIN {candidates} AS candidate ON candidate.candidate_id = verdict.verdict_id
    LEFT JOIN edited_pair AS edit ON verdict.action = 'edit' AND edit.event_id = verdict.event_id
    {sample}
    ORDER BY {order}
"""
_BESIDE = {"columns": "sample.extra, sample.conversation", "sample": "JOIN sample ON sample.seq = verdict.seq"}
_ALONE = {"columns": "NULL AS extra, NULL AS conversation", "sample": ""}
_IS_FIRST = "list_contains($first::VARCHAR[], verdict.sample_id)"
_CONVERSATION = "(PARTITION BY coalesce(sample.conversation, verdict.sample_id))"
_ORDERS = {
    Conversations.APART: f"{_IS_FIRST} DESC, verdict.seq",
    Conversations.JOINED: f"""bool_or({_IS_FIRST}) OVER {_CONVERSATION} DESC, min(verdict.seq) OVER {_CONVERSATION},
        verdict.seq""",
}

_KEPT_AND_PARKED = "action = 'park' AND origin IS NOT NULL"
_TAKEN = {
    Scope.VERDICTS: "verdict_origin IS NOT NULL",
    Scope.WITH_PARKED: f"(verdict_origin IS NOT NULL OR {_KEPT_AND_PARKED})",
    Scope.APPROVED: "approved",
}
_REPLACED = dict.fromkeys(Scope, "") | {
    Scope.WITH_PARKED: """REPLACE (if(action = 'park', origin, verdict_origin) AS verdict_origin,
                                   if(action = 'park', candidate_id, verdict_id) AS verdict_id)"""
}

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
    ORDER BY sample.seq, candidate.candidate_id"""


def counts(store: Store, scope: Scope, only: Filter = EVERYTHING) -> dict[str, dict[str, int]]:
    """Count what an export of `scope` holds: in total, by origin, by the rule's reason and by decision.

    `total` counts too what is parked of what the rule keeps, and so left out unless the scope takes it.
    """
    chosen, values = _chosen(store, scope, only)
    rows = store.rows(
        f"""SELECT verdict_origin AS by_origin, reason AS by_reason, coalesce(action, 'none') AS by_decision,
                   count(*) AS pairs FROM {chosen} GROUP BY ALL""",
        values,
    )
    found = {"total": {"pairs": sum(row["pairs"] for row in rows), "parked": _parked(store, only)}}
    for name in ("by_origin", "by_reason", "by_decision"):
        found[name] = {what: sum(row["pairs"] for row in rows if row[name] == what)
                       for what in sorted({row[name] for row in rows})}  # fmt: skip
    return found


def _parked(store: Store, only: Filter) -> int:
    """Count what is parked of what the rule keeps."""
    where, values = filter_condition(store, only)
    return int(store.value(f"SELECT count(*) FROM {ROWS} WHERE {_KEPT_AND_PARKED} AND ({where})", values))


@dataclass(frozen=True, slots=True)
class PreviewPair:
    """A pair as an export would hold it, with its sample's number."""

    seq: int
    origin: Origin
    pair: Pair


def preview(store: Store, scope: Scope, only: Filter = EVERYTHING, limit: int = 3) -> list[PreviewPair]:
    """Read the first pairs that an export of `scope` would hold."""
    chosen, values = _chosen(store, scope, only)
    # Found first and read then, as in read_page.
    first = store.rows(f"SELECT seq, verdict_id FROM {chosen} ORDER BY seq LIMIT $limit", {**values, "limit": limit})
    rows = store.rows(
        _PAIRS.format(
            rows="(FROM verdict WHERE list_contains($seqs::BIGINT[], seq))",
            candidates="(FROM pair WHERE candidate_id IN (SELECT unnest($ids::BIGINT[])))",
            order="verdict.seq",
            **_ALONE,
        ),
        {"seqs": [row["seq"] for row in first], "ids": [row["verdict_id"] for row in first]},
    )
    return [PreviewPair(row["seq"], Origin(row["origin"]), pair_of(row)) for row in rows]


def rows(store: Store, contents: Contents, shared: Layout) -> Iterator[ExportRow]:
    """Stream the verdicts of a file as pairs, the exchanges of one conversation together where they are joined."""
    chosen, values = _chosen(store, contents.scope, contents.only)
    order = _ORDERS[contents.conversations]
    sql = _PAIRS.format(rows=chosen, candidates="pair", order=order, **_BESIDE)
    for found in store.stream(sql, {**values, "first": list(shared.first)}):
        for row in found:
            yield export_row(row)


def export_row(row: Row) -> ExportRow:
    """Return the pair of a row that has its sample, candidate, edit, own columns (`extra`) and conversation."""
    own = {} if row["extra"] == "{}" else json.loads(row["extra"])
    ids = (row["sample_id"], row["origin"], row["candidate_id"], row["edit_id"])
    return ExportRow(pair_of(row), *ids, own, row["conversation"])


def layout(store: Store, contents: Contents) -> Layout:
    """Find out what the lines of a file have in common."""
    chosen, values = _chosen(store, contents.scope, contents.only)
    return find_layout(store, f"SELECT sample_id FROM {chosen}", values, contents.conversations)


def scores(store: Store) -> Iterator[Row]:
    """Stream every candidate with its numbers, whatever is selected."""
    for found in store.stream(_scores(store.scoring_id(), store.encoding_id()), [store.scoring_id()]):
        yield from found


def _chosen(store: Store, scope: Scope, only: Filter) -> tuple[str, dict[str, object]]:
    """Return the relation of the samples that an export holds, and its parameters."""
    where, values = filter_condition(store, only)
    return f"(SELECT * {_REPLACED[scope]} FROM {ROWS} WHERE {_TAKEN[scope]} AND ({where}))", values
