"""The append-only log of events: append one, list them, and the fold of decisions."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from srt_core.project.store import Store
from srt_core.project.transaction import Transaction
from srt_core.records import Action, Decision, Origin, Pair

_INSERT = "INSERT INTO event BY NAME"


def append(
    tx: Transaction,
    kind: str,
    by: str,
    context: Mapping[str, object],
    decision: Decision | None = None,
    *,
    sample_id: str | None = None,
    undoes: int | None = None,
) -> int:
    """Append one event, an action of its own, and return its id; a decision brings its sample and what it is for."""
    columns: dict[str, object] = {"kind": kind, "author": by, "context": json.dumps(dict(context))}
    columns |= {"sample_id": sample_id, "undoes": undoes}
    if decision:
        edited = decision.edited
        columns |= {
            "sample_id": decision.sample_id,
            "origin": decision.origin,
            "candidate_id": decision.candidate_id,
            "instruction": edited and edited.instruction,
            "input": edited and edited.input,
            "response": edited and edited.response,
        }
    values = {name: value for name, value in columns.items() if value is not None}
    given = ", ".join(f"${name} AS {name}" for name in values)
    rows = tx.execute(f"{_INSERT} SELECT nextval('event_ids') AS action_id, {given} RETURNING event_id", values)
    return int(rows[0][0])


def start_action(tx: Transaction) -> int:
    """Return the id of a new action, under which several events can be appended."""
    return int(tx.execute("SELECT nextval('event_ids')")[0][0])


def append_all(tx: Transaction, action_id: int, by: str, select: str, values: Mapping[str, object]) -> int:
    """Append an event for each row of a SELECT, all of one action, and return how many.

    The SELECT has the columns of `event` that are to be set, with $action_id and $made_by for its own.
    """
    return int(tx.execute(f"{_INSERT} {select}", {**values, "action_id": action_id, "made_by": by})[0][0])


def record(store: Store, kind: str, by: str, context: Mapping[str, object]) -> int:
    """Append an event that is no decision, such as an export, in a transaction of its own; returns its id."""
    with store.transaction() as tx:
        return append(tx, kind, by, context)


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Which events to list: any combination; None or "" takes all."""

    kind: str | None = None
    author: str | None = None
    sample_id: str | None = None
    since: datetime | None = None
    """UTC; the first moment that counts."""
    until: datetime | None = None
    """UTC; the first moment that counts no more."""
    text: str | None = None
    """What the note says, in upper or lower case; also the name of a policy or of a file."""
    is_bulk: bool = False
    """Of actions on many samples alone."""

    def condition(self) -> tuple[str, dict[str, object]]:
        """Return the SQL condition and its parameters."""
        chosen = {name: getattr(self, name) for name in _EVENT_CONDITIONS}
        values: dict[str, object] = {name: value for name, value in chosen.items() if value}
        if self.text:  # a note is kept as JSON, so its letters beyond ASCII are written as JSON writes them
            values["text"] = json.dumps(self.text)[1:-1]
        terms = [_EVENT_CONDITIONS[name] for name in values]
        return " AND ".join([*terms, *([IS_BULK] if self.is_bulk else [])]) or "true", values


_EVENT_CONDITIONS: Mapping[str, str] = {
    "kind": "kind = $kind",
    "author": "author = $author",
    "sample_id": "sample_id = $sample_id",
    "since": "made_at >= $since",
    "until": "made_at < $until",
    "text": "contains(lower(context), lower($text))",
}


@dataclass(frozen=True, slots=True)
class Event:
    """What somebody did: one row of the log."""

    event_id: int
    action_id: int
    made_at: datetime
    """UTC."""
    author: str
    kind: str
    """An Action for a decision, else undo, import, policy, export and the like."""
    sample_id: str | None
    origin: Origin | None
    candidate_id: int | None
    edited: Pair | None
    undoes: int | None
    context: Mapping[str, Any]
    undone: bool
    in_action: int
    """How many events of its action were not undone."""


def events(store: Store, only: EventFilter, limit: int, offset: int = 0) -> list[Event]:
    """List events, the newest first."""
    where, values = only.condition()
    return store.read(
        Event,
        f"""WITH page AS (SELECT * FROM event WHERE {where} ORDER BY event_id DESC LIMIT $limit OFFSET $offset),
                 together AS (SELECT event_id, action_id FROM event WHERE action_id IN (SELECT action_id FROM page)),
                 gone AS (SELECT DISTINCT undoes FROM event WHERE undoes IN (SELECT event_id FROM together)),
                 counted AS (SELECT action_id, count(*) FILTER (undoes IS NULL) AS in_action
                             FROM together LEFT JOIN gone ON undoes = event_id GROUP BY action_id)
            SELECT page.event_id, action_id, made_at, author, kind, page.sample_id, page.origin, candidate_id,
                   page.context,
                   CASE WHEN edited_pair.event_id IS NOT NULL THEN
                       {{'instruction': edited_pair.instruction, 'input': edited_pair.input,
                         'response': edited_pair.response, 'context': edited_pair.context}} END AS edited,
                   page.undoes, gone.undoes IS NOT NULL AS undone, in_action
            FROM page JOIN counted USING (action_id) LEFT JOIN gone ON gone.undoes = page.event_id
                LEFT JOIN edited_pair ON edited_pair.event_id = page.event_id
            ORDER BY page.event_id DESC""",
        {**values, "limit": limit, "offset": offset},
    )


def count_events(store: Store, only: EventFilter) -> int:
    """Count the events of a filter."""
    where, values = only.condition()
    return int(store.value(f"SELECT count(*) FROM event WHERE {where}", values))


def kinds(store: Store) -> list[str]:
    """List the kinds of event there are."""
    return [row["kind"] for row in store.rows("SELECT DISTINCT kind FROM event ORDER BY kind")]


def authors(store: Store) -> list[str]:
    """List every person who stands in the log."""
    return [row["author"] for row in store.rows(f"SELECT DISTINCT author FROM event WHERE {BY_A_PERSON} ORDER BY 1")]


def fold(which: str = "true", last: str | None = None) -> str:
    """Return the SELECT of the last decision on each sample that was not undone, as rows of `event`.

    `which` is a condition over the events of the samples in question, undos too: for few samples few are read. `last`
    names the parameter with the last event that counts; None: all do.
    """
    within = "" if last is None else f"AND event_id <= ${last}"
    return f"""
        SELECT * FROM event
        WHERE is_decision(kind) AND ({which}) {within} AND event_id NOT IN (
            SELECT undoes FROM event WHERE undoes IS NOT NULL AND ({which}) {within})
        QUALIFY row_number() OVER (PARTITION BY sample_id ORDER BY event_id DESC) = 1"""


def fold_sample(tx: Transaction, sample: str) -> None:
    """Bring `standing` up to date for one sample whose event was just appended."""
    _refold(tx, "sample_id = $touched", sample)


def fold_action(tx: Transaction, action_id: int) -> None:
    """Bring `standing` up to date for the samples of an action whose events were just appended."""
    _refold(tx, "sample_id IN (SELECT sample_id FROM event WHERE action_id = $touched)", action_id)


def _refold(tx: Transaction, which: str, touched: object) -> None:
    values = {"touched": touched}
    tx.execute(f"DELETE FROM standing WHERE seq IN (SELECT seq FROM sample WHERE {which})", values)
    tx.execute(
        f"""INSERT INTO standing
            SELECT seq, sample_id, event_id, kind, origin, candidate_id, author, made_at
            FROM ({fold(which)}) JOIN (FROM sample WHERE {which}) AS sample USING (sample_id)""",
        values,
    )


DECISIONS = tuple(str(action) for action in Action)


BY_A_PERSON = "kind NOT IN ('import', 'arms')"
"""The condition over `event` of what a person did: the author of an import is the file."""

IS_BULK = "is_bulk(context)"
"""The condition over `event` of a decision on many samples at once."""
