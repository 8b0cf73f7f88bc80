"""The append-only log of events: append one, list them, and the fold of decisions."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from srt_core.project.store import Row, Store
from srt_core.records import Action


def record(store: Store, kind: str, by: str, context: Mapping[str, object]) -> int:
    """Append an event that is no decision, such as an export; returns its id."""
    with store.transaction() as tx:
        rows = tx.execute(
            "INSERT INTO event (action_id, author, kind, context) VALUES (nextval('event_ids'), ?, ?, ?) "
            "RETURNING event_id",
            [by, kind, json.dumps(dict(context))],
        )
        return int(rows[0][0])


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


def events(store: Store, only: EventFilter, limit: int, offset: int = 0) -> list[Row]:
    """List events, the newest first, each with whether it was `undone` and how many of its action were not."""
    where, values = only.condition()
    return store.rows(
        f"""WITH page AS (SELECT * FROM event WHERE {where} ORDER BY event_id DESC LIMIT $limit OFFSET $offset),
                 together AS (SELECT event_id, action_id FROM event WHERE action_id IN (SELECT action_id FROM page)),
                 gone AS (SELECT DISTINCT undoes FROM event WHERE undoes IN (SELECT event_id FROM together)),
                 counted AS (SELECT action_id, count(*) FILTER (undoes IS NULL) AS in_action
                             FROM together LEFT JOIN gone ON undoes = event_id GROUP BY action_id)
            SELECT page.*, gone.undoes IS NOT NULL AS undone, in_action
            FROM page JOIN counted USING (action_id) LEFT JOIN gone ON gone.undoes = page.event_id
            ORDER BY event_id DESC""",
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
    """List everybody who stands in the log."""
    return [row["author"] for row in store.rows("SELECT DISTINCT author FROM event ORDER BY author")]


def fold(which: str = "true", known: str = "true") -> str:
    """Return the SELECT of the last decision on each sample that was not undone, as rows of `event`.

    `which` is a condition over the events of the samples in question, `known` one over all events that count.
    """
    return f"""
        SELECT * FROM event
        WHERE kind IN ('approve', 'choose', 'edit', 'reject', 'park') AND ({which}) AND ({known})
          AND event_id NOT IN (SELECT undoes FROM event WHERE undoes IS NOT NULL AND ({known}))
        QUALIFY row_number() OVER (PARTITION BY sample_id ORDER BY event_id DESC) = 1"""


DECISIONS = tuple(str(action) for action in Action)


IS_BULK = """contains(context, '"bulk":')"""
"""The condition over `event` of a decision on many samples at once. Within a string of JSON the quotes are escaped."""
