"""Review: queues of samples, the place in one, and the next sample; each one SQL statement.

A queue is all samples of a condition in one order, decided or not: the arrows move through all of them, and after a
decision the next open one is shown. No queue is ever read into Python.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from srt_core.methods import GUARDS, MEASURES
from srt_core.project.events import IS_BULK
from srt_core.project.store import Store
from srt_core.records import Origin, Policy
from srt_core.review.filter.filter import Filter, filter_condition
from srt_core.review.shares import Share
from srt_core.review.verdicts import ROWS, Verdict, seq_of
from srt_core.select.closeness import TOP_SHARE

# Nobody decided or parked it. Asked so, DuckDB builds a table of the decisions and not one of all samples.
_OPEN = "seq NOT IN (SELECT seq FROM standing)"
_PARKED = "seq IN (SELECT seq FROM standing WHERE action = 'park')"

# Characters of the response that the rule puts in place of the original's; NULL where it keeps the original or none.
_KEPT_CHARACTERS = f"if(origin <> '{Origin.ORIGINAL}', winner_characters, NULL)"
_EVERYTHING = Filter()
NEAR = 50
"""Samples after the present one that are looked at first for the next open one."""


@dataclass(frozen=True, slots=True)
class Queue:
    """A queue: which samples, in which order, and which of them ask for a decision.

    `where`, `rank` and `goal` are SQL with the parameters `values` over `relation`: ROWS, or what is read faster and
    has what they need. `rank` is never NULL and ties go by the sample's number.
    """

    label: str
    about: str
    only: Filter = _EVERYTHING
    where: str = "true"
    rank: str = "seq"
    goal: str = _OPEN
    relation: str = "selection"
    values: Mapping[str, object] = field(default_factory=dict)
    """Of the parameters in `where`, `rank` and `goal`."""


QUEUES: Mapping[str, Queue] = {
    "closest": Queue(
        "Closest to a threshold",
        "The samples where a small change of the policy would change the outcome come first.",
        where="closeness IS NOT NULL",
        rank="closeness",
    ),
    "failed": Queue(
        "Failed reflections",
        "Samples with a rewrite that is missing because the teacher's reply could not be used.",
        only=Filter(problem=("failed reflection",)),
        relation=ROWS,
    ),
    "conflict": Queue(
        "Rule and length in conflict",
        "The rule takes a response with less than half or more than four times the characters of the original's. "
        "The greatest change comes first.",
        where=f"({_KEPT_CHARACTERS} * 2 < original_characters OR {_KEPT_CHARACTERS} > 4 * original_characters)",
        rank=f"-abs(ln(greatest({_KEPT_CHARACTERS}, 1) / greatest(original_characters, 1)))",
        relation=ROWS,
    ),
    "all": Queue("All samples", "Every sample, in the order of the file."),
    "parked": Queue(
        "Parked",
        "What was parked, to decide now.",
        only=Filter(state=("parked",)),
        goal="action = 'park'",
        relation="verdict",
    ),
    "filter": Queue("This filter", "The samples of the filter in the address, as Explore lists them."),
    "drawn": Queue("Random audit", "The samples that an audit on Trust drew at random, to read blind.", where="false"),
}
"""The queues by the name that stands in the address."""

_RANKS = {
    "number": "seq",
    "closest to a threshold": "coalesce(closeness, 'inf'::DOUBLE)",
    "IFD of the winner, low first": "coalesce(winner_ifd, 'inf'::DOUBLE)",
    "IFD of the winner, high first": "coalesce(-winner_ifd, 'inf'::DOUBLE)",
    "r-IFD of the winner, low first": "coalesce(winner_r_ifd, 'inf'::DOUBLE)",
    "r-IFD of the winner, high first": "coalesce(-winner_r_ifd, 'inf'::DOUBLE)",
    "drift of the winner, high first": "coalesce(-winner_drift, 'inf'::DOUBLE)",
    "length change of the winner, high first": "coalesce(-winner_growth, 'inf'::DOUBLE)",
    "longest original response": "-original_characters",
}


def filter_queue(only: Filter, sort: str = "number") -> Queue:
    """Return the queue of a filter in one of SORTS; an unknown order is by number."""
    return replace(QUEUES["filter"], only=only, rank=_RANKS.get(sort, "seq"), relation=ROWS)


def shared(queue: Queue, share: Share) -> Queue:
    """Return the part of a queue that is one person's share."""
    where, values = share.condition()
    goal, more = share.goal(queue.goal) if queue.goal == _OPEN else (queue.goal, {})
    return replace(queue, where=f"({queue.where}) AND {where}", goal=goal, values={**queue.values, **values, **more})


# Nobody read it, or the version that the rule keeps came after the reading.
_UNREAD = """sample_id NOT IN (
    SELECT sample_id FROM reading JOIN selection AS kept USING (sample_id)
    WHERE kept.candidate_id IS NULL OR list_contains(shown, kept.candidate_id))"""


def drawn_queue(samples: Sequence[str], *, is_blind: bool) -> Queue:
    """Return the queue of the samples that an audit drew, in the order of the draw; read blind, or decided openly."""
    return replace(
        QUEUES["drawn"],
        where="sample_id IN (SELECT unnest($drawn::VARCHAR[]))",
        rank="list_position($drawn::VARCHAR[], sample_id)",
        goal=_UNREAD if is_blind else _OPEN,
        values={"drawn": list(samples)},
    )


@dataclass(frozen=True, slots=True)
class Place:
    """Where a sample stands in a queue (position from 1; None where it is not in it), and what the queue holds."""

    position: int | None
    samples: int
    open: int
    parked: int


def place(store: Store, queue: Queue, sample: str | None) -> Place:
    """Find a sample's place in a queue, and count what the queue holds."""
    samples, values = _samples(store, queue)
    here = _here(store, queue, sample)
    before, held = (f"count(*) FILTER ({_beyond(queue, '<')})", "count(*) FILTER (seq = $seq)") if here else ("0", "0")
    found = store.rows(
        f"""SELECT count(*) AS samples, count(*) FILTER ({queue.goal}) AS open, count(*) FILTER ({_PARKED}) AS parked,
                   {before} AS before, {held} AS held
            FROM {samples}""",
        {**values, **here},
    )[0]
    return Place(found["before"] + 1 if found["held"] else None, found["samples"], found["open"], found["parked"])


def next_open(store: Store, queue: Queue, sample: str | None) -> str | None:
    """Find the next sample that asks for a decision: after `sample`, else from the start; None where there is none."""
    samples, values = _samples(store, queue)
    here = _here(store, queue, sample)
    order = f"ORDER BY {queue.rank}, seq LIMIT"
    sql = f"SELECT sample_id FROM {samples} AND ({queue.goal}) AND {{}} {order} 1"
    if not here:
        return _sample(store.value(sql.format("true"), values))
    beyond = _beyond(queue, ">")
    near = f"SELECT * FROM {samples} AND {beyond} {order} {NEAR}"
    found = (
        # Most often one of the next few: to find these, few rows are read.
        store.value(f"SELECT sample_id FROM ({near}) WHERE {queue.goal} {order} 1", {**values, **here})
        or store.value(sql.format(beyond), {**values, **here})
        or store.value(sql.format("seq <> $seq"), {**values, "seq": here["seq"]})
    )
    return _sample(found)


def neighbour(store: Store, queue: Queue, sample: str, *, back: bool = False) -> str | None:
    """Find the sample that follows `sample` in a queue, or the one before it, decided or not; None at its end."""
    samples, values = _samples(store, queue)
    here = _here(store, queue, sample)
    if not here:
        return None
    beyond, order = (_beyond(queue, "<"), "DESC") if back else (_beyond(queue, ">"), "ASC")
    sql = f"SELECT sample_id FROM {samples} AND {beyond} ORDER BY {queue.rank} {order}, seq {order} LIMIT 1"
    return _sample(store.value(sql, {**values, **here}))


def _beyond(queue: Queue, sign: str) -> str:
    """Return the condition of the samples after (`>`) or before (`<`) the one in the parameters $rank and $seq."""
    rank = queue.rank
    return f"({rank} {sign}= $rank AND ({rank} {sign} $rank OR seq {sign} $seq))"


def _sample(found: Any) -> str | None:
    return None if found is None else str(found)


@dataclass(frozen=True, slots=True)
class Tempo:
    """A person's work at the desk: when their last decision or undo was stored (UTC), and decisions an hour lately."""

    saved_at: datetime | None
    per_hour: int | None


_TEMPO = f"""
    SELECT max(made_at) AS saved_at,
           count(*) FILTER (lately) AS decisions,
           epoch(max(made_at) FILTER (lately) - min(made_at) FILTER (lately)) AS seconds
    FROM (SELECT made_at, kind <> 'undo' AND made_at > timezone('UTC', now()) - INTERVAL 10 MINUTE AS lately
          FROM event WHERE author = ? AND (is_decision(kind) OR kind = 'undo') AND NOT {IS_BULK})
"""


def tempo(store: Store, by: str) -> Tempo:
    """Read a person's last save and pace: from 5 decisions in the last ten minutes on. Bulk actions do not count."""
    row = store.rows(_TEMPO, [by])[0]
    is_known = row["decisions"] >= 5 and row["seconds"]
    return Tempo(row["saved_at"], round((row["decisions"] - 1) * 3600 / row["seconds"]) if is_known else None)


def why(name: str, verdict: Verdict, policy: Policy) -> str:
    """Say in a sentence why a queue holds a sample; "" where there is nothing to say."""
    if name == "closest" and verdict.closeness is not None and verdict.closest is not None:
        return f"In this queue: {_nearest(verdict.closest, verdict.closeness, policy)}."
    if name == "conflict" and verdict.selection.origin:
        before, after = verdict.original["characters"], verdict.winner["characters"]
        return f"In this queue: the rule's response has {after:,} characters, the original's {before:,}."
    return "In this queue: drawn at random." if name == "drawn" else ""


def _nearest(limit: str, distance: float, policy: Policy) -> str:
    shown = f"{distance:.4f}" if distance >= 0.0001 else "less than 0.0001"
    if limit in GUARDS:
        measure = MEASURES[GUARDS[limit].measure]
        return f"the winner's {measure.label} is {shown} away from the limit of {policy.limit(limit):g}"
    if limit == TOP_SHARE:
        return f"the winner's {MEASURES[policy.rank_by].label} is {shown} away from the lowest that the top share keeps"
    measured = "IFD" if limit == "instruction_margin" else "r-IFD"
    return f"the {measured} of the two versions is {shown} away from the other outcome"


def _samples(store: Store, queue: Queue) -> tuple[str, dict[str, object]]:
    """Return the samples of a queue as a relation that ends in a condition, and its parameters."""
    where, values = filter_condition(store, queue.only)
    return f"{queue.relation} WHERE ({where}) AND ({queue.where})", {**values, **queue.values}


def _here(store: Store, queue: Queue, sample: str | None) -> dict[str, object]:
    """Return a sample's number and rank as parameters; {} for none. As values they keep most rows from being read."""
    seq = seq_of(store, sample) if sample else None
    if seq is None:
        return {}
    values = {name: value for name, value in queue.values.items() if f"${name}" in queue.rank}
    rows = store.rows(
        f"SELECT seq, {queue.rank} AS rank FROM {queue.relation} WHERE seq = $seq", {**values, "seq": seq}
    )
    return rows[0] if rows else {}
