"""What an export holds: which samples, in which text."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from srt_core.export.formats import ExportRow, Layout, Split
from srt_core.export.formats.lines import Filling
from srt_core.export.lines import Conversations, find_layout
from srt_core.project.candidates import pair_of
from srt_core.project.store import Row, Store
from srt_core.records import Origin, Pair
from srt_core.review.filter.filter import Filter, filter_condition
from srt_core.review.verdicts import ROWS

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
    validation: float = 0.0
    """The share of the groups of samples that is put aside, from 0 to 1."""


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
_ALONE = {"columns": "NULL AS extra, NULL AS conversation", "sample": ""}
_IS_FIRST = "list_contains($first::VARCHAR[], verdict.sample_id)"
_CONVERSATION = "(PARTITION BY coalesce(sample.conversation, verdict.sample_id))"
_IS_ASIDE = "verdict.seq IN (SELECT seq FROM {aside})"
_ORDERS = {
    Conversations.APART: f"is_aside, {_IS_FIRST} DESC, verdict.seq",
    Conversations.JOINED: f"""bool_or({_IS_ASIDE}) OVER {_CONVERSATION}, bool_or({_IS_FIRST}) OVER {_CONVERSATION} DESC,
        min(verdict.seq) OVER {_CONVERSATION}, verdict.seq""",
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


def counts(store: Store, scope: Scope, only: Filter = EVERYTHING) -> dict[str, dict[str, int]]:
    """Count what an export of `scope` holds: in total, by origin, by the rule's reason and by decision.

    `total` counts too what is left out of what the filter takes: what is parked of what the rule keeps, unless the
    scope takes it, and what is retracted.
    """
    chosen, values = chosen_samples(store, scope, only)
    rows = store.rows(
        f"""SELECT verdict_origin AS by_origin, reason AS by_reason, coalesce(action, 'none') AS by_decision,
                   count(*) AS pairs FROM {chosen} GROUP BY ALL""",
        values,
    )
    left_out = {"parked": _count(store, only, _KEPT_AND_PARKED), "retracted": _count(store, only, "action = 'retract'")}
    found = {"total": {"pairs": sum(row["pairs"] for row in rows), **left_out}}
    for name in ("by_origin", "by_reason", "by_decision"):
        found[name] = {what: sum(row["pairs"] for row in rows if row[name] == what)
                       for what in sorted({row[name] for row in rows})}  # fmt: skip
    return found


def _count(store: Store, only: Filter, which: str) -> int:
    """Count the samples of a filter of which a condition holds."""
    where, values = filter_condition(store, only)
    return int(store.value(f"SELECT count(*) FROM {ROWS} WHERE {which} AND ({where})", values))


@dataclass(frozen=True, slots=True)
class PreviewPair:
    """A pair as an export would hold it, with its sample's number."""

    seq: int
    origin: Origin
    pair: Pair


def preview(store: Store, scope: Scope, only: Filter = EVERYTHING, limit: int = 3) -> list[PreviewPair]:
    """Read the first pairs that an export of `scope` would hold."""
    chosen, values = chosen_samples(store, scope, only)
    # Found first and read then, as in read_page.
    first = store.rows(f"SELECT seq, verdict_id FROM {chosen} ORDER BY seq LIMIT $limit", {**values, "limit": limit})
    rows = store.rows(
        _PAIRS.format(
            rows=f"(SELECT * {_REPLACED[scope]} FROM verdict WHERE list_contains($seqs::BIGINT[], seq))",
            candidates="(FROM pair WHERE candidate_id IN (SELECT unnest($ids::BIGINT[])))",
            order="verdict.seq",
            **_ALONE,
        ),
        {"seqs": [row["seq"] for row in first], "ids": [row["verdict_id"] for row in first]},
    )
    return [PreviewPair(row["seq"], Origin(row["origin"]), pair_of(row)) for row in rows]


def rows(store: Store, contents: Contents, shared: Layout, aside: str) -> Iterator[tuple[ExportRow, Split]]:
    """Stream the verdicts as pairs, what is trained on first; the exchanges of one conversation stand together.

    `aside` is a table with the number of every sample that is put aside.
    """
    chosen, values = chosen_samples(store, contents.scope, contents.only)
    order = _ORDERS[contents.conversations].format(aside=aside)
    is_aside = _IS_ASIDE.format(aside=aside)
    beside = f"sample.extra, sample.conversation, {is_aside} AS is_aside"
    joined = "JOIN sample ON sample.seq = verdict.seq"
    sql = _PAIRS.format(rows=chosen, candidates="pair", order=order, columns=beside, sample=joined)
    for found in store.stream(sql, {**values, "first": list(shared.first)}):
        for row in found:
            yield export_row(row), Split.VALIDATION if row["is_aside"] else Split.TRAIN


def export_row(row: Row) -> ExportRow:
    """Return the pair of a row that has its sample, candidate, edit, own columns (`extra`) and conversation."""
    own = {} if row["extra"] == "{}" else json.loads(row["extra"])
    ids = (row["sample_id"], row["origin"], row["candidate_id"], row["edit_id"])
    return ExportRow(pair_of(row), *ids, own, row["conversation"])


def layout(store: Store, contents: Contents, prompts: Filling | None = None) -> Layout:
    """Find out what the lines of a file have in common."""
    chosen, values = chosen_samples(store, contents.scope, contents.only)
    return find_layout(store, f"SELECT sample_id FROM {chosen}", values, contents.conversations, prompts)


def chosen_samples(store: Store, scope: Scope | None, only: Filter) -> tuple[str, dict[str, object]]:
    """Return the relation of the samples that an export holds, and its parameters; of no scope: all of the filter."""
    where, values = filter_condition(store, only)
    if scope is None:
        return f"(SELECT * FROM {ROWS} WHERE {where})", values
    return f"(SELECT * {_REPLACED[scope]} FROM {ROWS} WHERE {_TAKEN[scope]} AND ({where}))", values
