"""A project in which several people decided in every way, and the log read back in plain Python."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from srt_core.project import events
from srt_core.project.events import EventFilter
from srt_core.project.store import Row, Store
from srt_core.records import Action, Decision, Origin, Pair
from srt_core.review import decisions
from srt_core.review.filter.filter import Filter, membership
from srt_core.select.derive import refresh
from tests.rule_oracle import Case, Numbers
from tests.rule_project import create_project

AUTHORS = ("ann", "bob", "cem")
EDITED = Pair(instruction="Do it well.", response="Done well.")


def draw_case(draw: random.Random) -> Case:
    """A sample with some of its candidates, its scores in steps of 1/200, so that margins fall on the grid."""
    origins = [Origin.ORIGINAL, *(origin for origin in list(Origin)[1:] if draw.random() < 0.8)]
    return Case({o: Numbers(draw.randrange(60, 220) / 200, draw.randrange(60, 220) / 200) for o in origins})


def create_decided_project(path: Path, count: int, seed: int) -> Store:
    """Create a project of `count` samples; about half are decided: singly, in bulk, edited, parked, undone, twice."""
    draw = random.Random(seed)
    store = create_project(path, [draw_case(draw) for _ in range(count)])
    refresh(store)
    for row in store.rows("SELECT * FROM selection JOIN panel USING (seq, sample_id) ORDER BY seq"):
        _decide(store, row, draw)
    where, values = membership(store, Filter(winner_ranges=(("ifd", 0.0, 0.45),)))
    decisions.decide_all(store, where, values, Action.APPROVE, "bulk", "low")
    return store


def _decide(store: Store, row: Row, draw: random.Random) -> None:
    event_id = None
    held = [origin for origin in Origin if row[f"{origin.lower()}_id"]]
    for author in draw.sample(AUTHORS, draw.choice([0, 0, 1, 1, 2])):
        action = draw.choice([Action.APPROVE, Action.APPROVE, Action.CHOOSE, Action.EDIT, Action.REJECT, Action.PARK])
        origin = None if action in (Action.REJECT, Action.PARK) else draw.choice(held)
        if action is Action.APPROVE:
            origin = Origin(row["winner"])
        context = {"queue": draw.choice(["audit", "closest"])}
        edited = EDITED if action is Action.EDIT else None
        decision = Decision(row["sample_id"], action, author, origin, edited, context)
        event = decisions.decide(store, decision, expected_event_id=event_id)
        if draw.random() < 0.15:
            decisions.undo(store, event, author)
        else:
            event_id = event


@dataclass(frozen=True)
class Made:
    """A decision of the log that was not undone."""

    event_id: int
    sample: str
    author: str
    action: str
    origin: str | None
    candidate: int | None
    context: dict[str, str]

    @property
    def outcome(self) -> tuple[str | None, int | None]:
        """The candidate, or none."""
        return (None, None) if self.action == "reject" else (self.origin, self.candidate)


def made_decisions(store: Store) -> Iterator[Made]:
    """Every decision of the log that was not undone, in its order."""
    rows = events.events(store, EventFilter(), limit=100_000)
    undone = {row.undoes for row in rows}
    for row in reversed(rows):
        if row.kind in events.DECISIONS and row.event_id not in undone:
            yield _made(row)


def _made(row: events.Event) -> Made:
    return Made(
        row.event_id,
        row.sample_id or "",
        row.author,
        row.kind,
        row.origin,
        row.candidate_id,
        dict(row.context),
    )


def standing(store: Store) -> dict[str, Made]:
    """The last decision on each sample, where it is no bulk action and no parking."""
    last = {made.sample: made for made in made_decisions(store)}
    return {name: made for name, made in last.items() if made.action != "park" and "bulk" not in made.context}
