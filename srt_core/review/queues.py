"""Review: queues of samples, the place in one, and the next sample; each one SQL statement.

A queue is all samples of a condition in one order, decided or not: the arrows move through all of them, and after a
decision the next open one is shown. No queue is ever read into Python.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from srt_core.methods import GUARDS, MEASURES
from srt_core.project.events import IS_BULK
from srt_core.project.store import Store
from srt_core.records import Origin, Policy
from srt_core.review.alike import Alike
from srt_core.review.filter.filter import Filter, filter_condition
from srt_core.review.filter.page import orders
from srt_core.review.filter.search import FOUND, find
from srt_core.review.shares import Share
from srt_core.review.verdicts import ROWS, Verdict, seq_of
from srt_core.select.closeness import TOP_SHARE

# Nobody decided or parked it. Asked so, DuckDB builds a table of the decisions and not one of all samples.
_OPEN = "seq NOT IN (SELECT seq FROM standing)"
_PARKED = "seq IN (SELECT seq FROM standing WHERE action = 'park')"

# Nobody decided it on its own or read it blind.
_UNREAD_ALONE = f"""verdict_origin IS NOT NULL AND sample_id NOT IN (FROM (SELECT sample_id FROM reading))
    AND (event_id IS NULL OR event_id IN (SELECT event_id FROM event WHERE {IS_BULK}))"""

# Characters of the response that the rule puts in place of the original's; NULL where it keeps the original or none.
_KEPT_CHARACTERS = f"if(origin <> '{Origin.ORIGINAL}', winner_characters, NULL)"
_TELLING = """SELECT selection.*, place FROM selection JOIN triage USING (seq)
    WHERE round = (SELECT max(round) FROM triage_round)"""
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
    said: Mapping[str, str] = field(default_factory=dict)
    """Why a sample stands where it does, by its id, where that is not said of the sample alone."""


QUEUES: Mapping[str, Queue] = {
    "closest": Queue(
        "Closest to a limit",
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
    "unread": Queue(
        "Will be exported, nobody read",
        "What the rule or a bulk action keeps and no reviewer has read on its own.",
        where="verdict_origin IS NOT NULL",
        goal=_UNREAD_ALONE,
        relation="verdict",
    ),
    "like": Queue(
        "Like the one I just left out",
        "What is of the same task, subject and reason of the rule as the sample that you left out last and that nobody "
        "decided yet; the most alike in words come first.",
        where="false",
    ),
    "telling": Queue(
        "Most telling next",
        "By turns the sample of which the last round of triage is least sure, and the one most like what was kept, a "
        "few of a subject at a time. What it expects is not said. Trust, or `srt triage`, makes a round.",
        where="place IS NOT NULL",
        rank="place",
        relation=f"({_TELLING}) AS telling",
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


def filter_queue(only: Filter, sort: str = "number") -> Queue:
    """Return the queue of a filter in one of its orders; an unknown order is by number."""
    return replace(QUEUES["filter"], only=only, rank=orders(only).get(sort, "seq"), relation=ROWS)


def shared(queue: Queue, share: Share) -> Queue:
    """Return the part of a queue that is one person's share."""
    where, values = share.condition()
    goal, more = share.goal(queue.goal) if queue.goal == _OPEN else (queue.goal, {})
    return replace(queue, where=f"({queue.where}) AND {where}", goal=goal, values={**queue.values, **values, **more})


def like_queue(found: Alike) -> Queue:
    """Return the queue of the samples like one."""
    return replace(
        QUEUES["like"],
        where="sample_id IN (SELECT unnest($like::VARCHAR[]))",
        rank="list_position($like::VARCHAR[], sample_id)",
        values={"like": list(found.samples)},
        said=dict(zip(found.samples, found.said, strict=True)),
    )


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
    here = _here(store, queue, values, sample)
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
    return next(iter(coming(store, queue, sample, 1)), None)


def coming(store: Store, queue: Queue, sample: str | None, most: int) -> list[str]:
    """List the next samples that ask for a decision: those after `sample`, then from the start; never itself."""
    samples, values = _samples(store, queue)
    here = _here(store, queue, values, sample)
    order = f"ORDER BY {queue.rank}, seq LIMIT"
    sql = f"SELECT sample_id FROM {samples} AND ({queue.goal}) AND {{}} {order} {most}"
    if not here:
        return _names(store, sql.format("true"), values)
    beyond = _beyond(queue, ">")
    near = f"SELECT * FROM {samples} AND {beyond} {order} {NEAR}"
    # Most often they are among the next few: to find these, few rows are read.
    found = _names(store, f"SELECT sample_id FROM ({near}) WHERE {queue.goal} {order} {most}", {**values, **here})
    if len(found) < most:
        found = _names(store, sql.format(beyond), {**values, **here})
    if len(found) < most:
        from_start = _names(store, sql.format("seq <> $seq"), {**values, "seq": here["seq"]})
        found = list(dict.fromkeys([*found, *from_start]))[:most]
    return found


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A sample that stands near another in a queue, and whether it asks for a decision."""

    sample_id: str
    is_open: bool


def neighbours(store: Store, queue: Queue, sample: str, most: int, *, back: bool = False) -> list[Neighbour]:
    """List the samples that follow `sample` in a queue, decided or not, or those before it, the nearest first."""
    samples, values = _samples(store, queue)
    here = _here(store, queue, values, sample)
    if not here:
        return []
    beyond, order = (_beyond(queue, "<"), "DESC") if back else (_beyond(queue, ">"), "ASC")
    first = f"ORDER BY {queue.rank} {order}, seq {order} LIMIT {most}"
    near = f"SELECT * FROM {samples} AND {beyond} {first}"
    # Limited twice: DuckDB 2.0 forgets the limit within where a goal asks other tables.
    sql = f"SELECT sample_id, coalesce({queue.goal}, false) AS is_open FROM ({near}) {first}"
    return store.read(Neighbour, sql, {**values, **here})


def following(store: Store, queue: Queue, sample: str | None) -> str | None:
    """Find the next sample of a queue, decided or not: after `sample`, else its first; None where it holds none."""
    if sample and (near := neighbours(store, queue, sample, 1)):
        return near[0].sample_id
    samples, values = _samples(store, queue)
    return next(
        iter(_names(store, f"SELECT sample_id FROM {samples} ORDER BY {queue.rank}, seq LIMIT 1", values)), None
    )


def holding(store: Store, queue: Queue, text: str) -> Queue:
    """Return the part of a queue whose samples hold a text, in any version or in the context."""
    find(store, text)
    where = f"({queue.where}) AND {FOUND.replace('$text', '$held')}"
    return replace(queue, where=where, values={**queue.values, "held": text})


def _beyond(queue: Queue, sign: str) -> str:
    """Return the condition of the samples after (`>`) or before (`<`) the one in the parameters $rank and $seq."""
    rank = queue.rank
    return f"({rank} {sign}= $rank AND ({rank} {sign} $rank OR seq {sign} $seq))"


def _names(store: Store, sql: str, values: Mapping[str, object]) -> list[str]:
    return [str(row["sample_id"]) for row in store.rows(sql, values)]


def saved_at(store: Store, by: str) -> datetime | None:
    """Read when a person's last decision, reading or undo was stored (UTC). Bulk actions do not count."""
    found: datetime | None = store.value(
        f"""SELECT max(made_at) FROM event
            WHERE author = ? AND (is_decision(kind) OR kind IN ('undo', 'reading')) AND NOT {IS_BULK}""",
        [by],
    )
    return found


def why(name: str, queue: Queue, verdict: Verdict, policy: Policy) -> str:
    """Say in a sentence why a queue holds a sample; "" where there is nothing to say."""
    if verdict.sample_id in queue.said:
        return queue.said[verdict.sample_id]
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


def _here(store: Store, queue: Queue, held: Mapping[str, object], sample: str | None) -> dict[str, object]:
    """Return a sample's number and rank as parameters; {} for none. As values they keep most rows from being read.

    `held` are the queue's own parameters.
    """
    seq = seq_of(store, sample) if sample else None
    if seq is None:
        return {}
    values = {name: value for name, value in held.items() if f"${name}" in queue.rank}
    rows = store.rows(
        f"SELECT seq, {queue.rank} AS rank FROM {queue.relation} WHERE seq = $seq", {**values, "seq": seq}
    )
    return rows[0] if rows else {}
