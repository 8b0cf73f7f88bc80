"""The state of a project as of any event, how it differs from now, and going back to it; all from the log alone."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from srt_core.errors import DecisionError
from srt_core.project import events
from srt_core.project.events import BY_A_PERSON, IS_BULK, Event, EventFilter, fold
from srt_core.project.store import Store
from srt_core.project.transaction import Transaction
from srt_core.records import Origin, Policy

_TEXTS = ("kind", "origin", "candidate_id", "instruction", "input", "response")

_DECIDED = """CASE WHEN {0}.event_id IS NOT NULL THEN {{{{
               'event_id': {0}.event_id, 'kind': {0}.kind, 'origin': {0}.origin, 'author': {0}.author}}}} END"""

# Samples whose decision as of an event is another than the one that stands now. A decision that was made again after
# it had been undone is the same.
_DIFFERENCES = f"""
    WITH past AS ({fold("{which}", "at")}),
    present AS (SELECT * FROM event WHERE event_id IN (SELECT event_id FROM standing) AND ({{which}}))
    SELECT coalesce(past.sample_id, present.sample_id) AS sample_id, past.event_id AS then_id,
           {_DECIDED.format("past")} AS past, {_DECIDED.format("present")} AS present
    FROM past FULL JOIN present ON past.sample_id = present.sample_id
    WHERE {" OR ".join(f"past.{name} IS DISTINCT FROM present.{name}" for name in _TEXTS)}"""


_MAY_CHANGE = "sample_id NOT IN (SELECT sample_id FROM standing WHERE action = 'retract')"
"""The condition of samples whose decisions going back may change: a retraction is taken back by itself alone."""


@dataclass(frozen=True, slots=True)
class State:
    """A project right after an event: decisions by what they are, the policy in use, the scoring in use.

    The scoring is None where the log does not say it: it tells of changes only.
    """

    event_id: int
    made_at: datetime
    decisions: Mapping[str, int]
    policy: str
    scoring: str | None

    @property
    def approved(self) -> int:
        """Samples of which a version was approved, chosen or edited."""
        return sum(self.decisions.get(kind, 0) for kind in ("approve", "choose", "edit"))

    @property
    def decided(self) -> int:
        """Samples that a person decided; a parked one is still open."""
        return self.approved + self.decisions.get("reject", 0) + self.decisions.get("retract", 0)


def state(store: Store, event_id: int) -> State:
    """Read the state right after an event; DecisionError if there is no such event."""
    found = store.rows("SELECT made_at FROM event WHERE event_id = ?", [event_id])
    if not found:
        raise DecisionError(f"There is no event {event_id}.", "Choose one in the history.")
    then = fold(last="at")
    counts = store.rows(f"SELECT kind, count(*) AS samples FROM ({then}) GROUP BY kind", {"at": event_id})
    policy = _as_of(store, "policy", event_id)
    return State(
        event_id,
        found[0]["made_at"],
        {row["kind"]: row["samples"] for row in counts},
        str(policy["name"]) if policy else Policy().name,
        _said_of_scoring(_as_of(store, "scoring", event_id)),
    )


@dataclass(frozen=True, slots=True)
class Decided:
    """A decision on a sample: its event, what it was, for which version, whose."""

    event_id: int
    kind: str
    origin: Origin | None
    author: str


@dataclass(frozen=True, slots=True)
class Difference:
    """A sample whose decision as of an event is not the one that stands now; None where there was or is none."""

    seq: int
    sample_id: str
    past: Decided | None
    present: Decided | None


def differences(store: Store, event_id: int, limit: int, offset: int = 0) -> list[Difference]:
    """Read one page of the samples whose decision as of an event is not the one that stands now, by sample number."""
    return store.read(
        Difference,
        f"""SELECT found.* EXCLUDE (then_id), seq
            FROM ({_differing(_MAY_CHANGE)}) AS found JOIN sample USING (sample_id)
            ORDER BY seq LIMIT $limit OFFSET $offset""",
        {"at": event_id, "limit": limit, "offset": offset},
    )


def count_differences(store: Store, event_id: int) -> int:
    """Count the samples whose decision as of an event is not the one that stands now, without those retracted."""
    return int(store.value(f"SELECT count(*) FROM ({_differing(_MAY_CHANGE)})", {"at": event_id}))


def go_back(store: Store, event_id: int, by: str) -> int:
    """Have the decisions stand that stood right after an event, as one action; returns its id, or 0 if all do already.

    The log only grows: what was decided since is undone, what was undone since is decided again. Policy and scoring
    stay as they are, and so does what is retracted. `take_back` undoes it.
    """
    with store.transaction() as tx:
        return _restore(tx, event_id, _MAY_CHANGE, {}, by, f"Back to the decisions as of event {event_id}")


def take_back(store: Store, action_id: int, by: str) -> int:
    """Undo an action that undid or restored decisions; returns how many samples that concerned.

    Samples on which something happened since stay as they are.
    """
    with store.transaction() as tx:
        found = tx.execute("SELECT min(event_id), max(event_id) FROM event WHERE action_id = ?", [action_id])[0]
        if found[0] is None:
            raise DecisionError(f"There is no action {action_id}.", "Choose an event in the history.")
        which = """sample_id IN (SELECT sample_id FROM event WHERE action_id = $taken)
                    AND sample_id NOT IN (SELECT sample_id FROM event WHERE event_id > $last AND action_id <> $taken
                                          AND sample_id IS NOT NULL AND (undoes IS NOT NULL OR is_decision(kind)))"""
        values = {"taken": action_id, "last": found[0]}
        done = _restore(tx, found[0] - 1, which, values, by, f"Action {action_id} taken back")
        return int(tx.execute("SELECT count(DISTINCT sample_id) FROM event WHERE action_id = ?", [done])[0][0])


def candidate_producers(store: Store, listed: Sequence[Event]) -> dict[int, str]:
    """Read who made the candidates that events are for, by the candidate's id."""
    ids = [event.candidate_id for event in listed if event.candidate_id is not None]
    rows = store.rows("SELECT candidate_id, producer FROM candidate WHERE candidate_id IN (SELECT unnest(?::BIGINT[]))",
                      [ids])  # fmt: skip
    return {row["candidate_id"]: row["producer"] for row in rows}


def undone_events(store: Store, listed: Sequence[Event]) -> dict[int, tuple[str, Origin | None]]:
    """Read what was undone by those of some events that undo another: its kind and version, by the undoing event."""
    by_undone = {event.undoes: event.event_id for event in listed if event.undoes is not None}
    rows = store.rows("SELECT event_id, kind, origin FROM event WHERE event_id IN (SELECT unnest(?::BIGINT[]))",
                      [list(by_undone)])  # fmt: skip
    return {by_undone[row["event_id"]]: (row["kind"], row["origin"] and Origin(row["origin"])) for row in rows}


_AT_WORK = f"(is_decision(kind) AND NOT {IS_BULK} AND NOT is_restored(context) OR kind = 'reading')"
BREAK_SECONDS = 300
"""A longer time between two decisions of a person is a break."""
ENOUGH = 10
"""From so many times between decisions on, a pace is said."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast somebody decides sample by sample, and reads blind, without breaks."""

    author: str
    decisions: int
    """Single ones and blind reads, undone or not."""
    seconds: float
    """Between decisions that are no break apart, added up."""
    typical_seconds: float | None
    """From one decision to the next at the median; None where too few are known."""


def paces(store: Store, only: EventFilter) -> list[Pace]:
    """Measure the pace of everybody among the events of a filter, those with the most decisions first."""
    where, values = only.condition()
    return store.read(
        Pace,
        f"""WITH timed AS (
                SELECT author, epoch(made_at) - lag(epoch(made_at)) OVER (PARTITION BY author ORDER BY event_id) AS gap
                FROM event WHERE {_AT_WORK} AND ({where})),
            steady AS (SELECT author, gap, gap <= {BREAK_SECONDS} AS counts FROM timed)
            SELECT author, count(*) AS decisions, coalesce(sum(gap) FILTER (counts), 0)::DOUBLE AS seconds,
                   CASE WHEN count(*) FILTER (counts) >= {ENOUGH}
                        THEN (median(gap) FILTER (counts))::DOUBLE END AS typical_seconds
            FROM steady GROUP BY author ORDER BY decisions DESC, author""",
        values,
    )


def activity(store: Store, only: EventFilter, minutes_behind: int, days: int = 60) -> list[tuple[date, str, int]]:
    """Count actions by day and person, the last `days` days that have any; (day, author, actions), in that order.

    What was done to many samples at once is one action. An import is nobody's. A day is the
    person's, whose clock is `minutes_behind` UTC.
    """
    where, values = only.condition()
    rows = store.rows(
        f"""WITH counted AS (
                SELECT CAST(made_at - to_minutes($behind) AS DATE) AS day, author, count(DISTINCT action_id) AS actions
                FROM event WHERE {BY_A_PERSON} AND ({where}) GROUP BY ALL)
            SELECT * FROM counted WHERE day IN (SELECT DISTINCT day FROM counted ORDER BY day DESC LIMIT $days)
            ORDER BY day, author""",
        {**values, "behind": minutes_behind, "days": days},
    )
    return [(row["day"], row["author"], row["actions"]) for row in rows]


@dataclass(frozen=True, slots=True)
class Author:
    """A person who stands in the log."""

    name: str
    decisions: int
    """On single samples, not undone."""
    last: datetime
    """When they last did anything (UTC)."""


def log_authors(store: Store) -> list[Author]:
    """Read which people stand in the log, those with the most decisions first."""
    return store.read(
        Author,
        f"""SELECT author AS name, coalesce(any_value(made.decisions), 0) AS decisions, max(made_at) AS last
            FROM event LEFT JOIN (SELECT decided_by(author, context) AS author, count(*) AS decisions FROM decision
                                  WHERE NOT {IS_BULK} GROUP BY ALL) AS made USING (author)
            WHERE {BY_A_PERSON} GROUP BY author ORDER BY decisions DESC, author""",
    )


def _restore(tx: Transaction, at: int, which: str, values: Mapping[str, object], by: str, note: str) -> int:
    """Make the decisions as of an event stand, of all samples or those of a condition. Returns the action id or 0.

    What is decided again keeps its standing as evidence: whose it was, made when, by itself or in bulk.
    """
    tx.execute(f"CREATE OR REPLACE TEMP TABLE differing AS {_differing(which)}", {**values, "at": at})
    action_id = events.start_action(tx)
    undone = events.append_all(
        tx, action_id, by,
        """SELECT $action_id AS action_id, $made_by AS author, 'undo' AS kind, sample_id, event_id AS undoes,
                  $context AS context
           FROM decision WHERE event_id > $at AND sample_id IN (SELECT sample_id FROM differing)""",
        {"context": json.dumps({"bulk": note}), "at": at},
    )  # fmt: skip
    restored = events.append_all(
        tx, action_id, by,
        """SELECT $action_id AS action_id, $made_by AS author, kind, sample_id, origin, candidate_id, instruction,
                  input, response,
                  json_merge_patch(context, json_object('note', $note, 'restores', first_made(event_id, context),
                                                        'decided_by', decided_by(author, context))) AS context
           FROM event
           WHERE event_id IN (SELECT then_id FROM differing)
             AND event_id IN (SELECT undoes FROM event WHERE undoes IS NOT NULL)""",
        {"note": note},
    )  # fmt: skip
    tx.execute("DROP TABLE differing")
    made = undone + restored
    if made:
        events.fold_action(tx, action_id)
    return action_id if made else 0


def _differing(which: str = "true") -> str:
    return _DIFFERENCES.format(which=which)


def _as_of(store: Store, kind: str, at: int) -> Mapping[str, Any] | None:
    """Read what was in use as of an event, by the last event of a kind until then, else by the next one's "before".

    None where the log does not say.
    """
    rows = store.rows(
        """(SELECT context, true AS is_past, event_id FROM event WHERE kind = $kind AND event_id <= $at
            ORDER BY event_id DESC LIMIT 1)
           UNION ALL
           (SELECT context, false, event_id FROM event WHERE kind = $kind AND event_id > $at ORDER BY event_id LIMIT 1)
           ORDER BY is_past DESC""",
        {"kind": kind, "at": at},
    )
    if not rows:
        return None
    context: Mapping[str, Any] = json.loads(rows[0]["context"])
    return context if rows[0]["is_past"] else context.get("before")


def _said_of_scoring(context: Mapping[str, Any] | None) -> str | None:
    if not context:
        return None
    return f"number {context.get('scoring_id')}: {context.get('student')}, {context.get('template')}"
