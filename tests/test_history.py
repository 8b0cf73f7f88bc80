"""The log as a past that can be read and gone back to."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from srt_core.errors import DecisionError
from srt_core.methods import PRESETS
from srt_core.project import events
from srt_core.project.events import EventFilter
from srt_core.project.store import Store
from srt_core.records import Action, Decision, Origin, Pair
from srt_core.review import decisions, history
from srt_core.review.filter.filter import Filter, membership
from srt_core.review.trust import audits
from srt_core.review.trust.agreement import trust
from srt_core.review.trust.audits import Population
from srt_core.select import selection
from srt_core.select.applied import undo_applied
from srt_core.select.derive import refresh
from srt_core.select.policy import applied_policy
from tests.blind_reading import read_one, versions_of
from tests.rule_oracle import Case, Numbers
from tests.rule_project import create_project, sample_name

CASES = [Case({Origin.ORIGINAL: Numbers(0.5, 0.75), Origin.RESPONSE: Numbers(0.5, 0.5)})] * 6
EDITED = Pair("Ask é?", "Say.", "")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with create_project(tmp_path / "own.srt", CASES) as store:
        refresh(store)
        yield store


def decide(store: Store, place: int, action: Action, by: str = "Ann", edited: Pair | None = None) -> int:
    now = decisions.standing(store, sample_name(place))
    origin = None if action in (Action.REJECT, Action.PARK) else Origin.ORIGINAL
    event_id = now.event_id if now else None
    return decisions.decide(store, Decision(sample_name(place), action, by, origin, edited), expected_event_id=event_id)


def bulk(store: Store, by: str = "Bo") -> int:
    """Approve all that is open; returns the action."""
    where, values = membership(store, Filter())
    decisions.decide_all(store, where, values, Action.APPROVE, by, "all samples")
    return int(events.events(store, EventFilter(), 1)[0].action_id)


def stand(store: Store) -> dict[str, tuple[str, str | None, str | None]]:
    """What stands for each sample: kind, origin and edited response."""
    rows = store.rows("SELECT event.* FROM standing JOIN event USING (event_id)")
    return {row["sample_id"]: (row["kind"], row["origin"], row["response"]) for row in rows}


def test_an_undo_of_a_policy_leaves_an_undo_of_decisions_to_be_taken_back(store: Store) -> None:
    """A policy that was applied and undone since concerns no sample: what was undone before can be decided again."""
    first = decide(store, 0, Action.CHOOSE)
    before = stand(store)
    decisions.undo(store, first, "Ann")
    undone = events.events(store, EventFilter(), 1)[0]
    selection.apply(store, PRESETS["cherry"], "Ann")
    undo_applied(store, events.events(store, EventFilter(), 1)[0].event_id, "Ann")
    assert history.take_back(store, undone.action_id, "Ann") == 1
    assert stand(store) == before


def test_the_state_as_of_an_event_counts_what_stood_then(store: Store) -> None:
    """Decisions, undos and policies after the event do not count; those before do."""
    first = decide(store, 0, Action.CHOOSE)
    parked = decide(store, 1, Action.PARK)
    other = next(policy for policy in PRESETS.values() if policy != applied_policy(store))
    was = applied_policy(store).name
    selection.apply(store, other, "Ann")
    applied = events.events(store, EventFilter(), 1)[0].event_id
    decisions.undo(store, first, "Ann")
    decide(store, 2, Action.REJECT)
    last = events.events(store, EventFilter(), 1)[0].event_id
    at = {event: history.state(store, event) for event in (first, parked, applied, last)}
    assert (at[first].decided, at[first].approved, dict(at[first].decisions)) == (1, 1, {"choose": 1})
    assert (at[parked].decided, at[parked].decisions["park"], at[parked].policy) == (1, 1, was)
    assert (at[applied].decided, at[applied].policy) == (1, other.name)
    assert (at[last].decided, at[last].approved) == (1, 0)
    assert at[last].scoring is None
    with pytest.raises(DecisionError):
        history.state(store, last + 999)


def test_going_back_makes_the_same_decisions_stand_and_can_be_taken_back(store: Store) -> None:
    """Decided since: undone. Undone since: decided again, text and all. One action, which one more takes back."""
    decide(store, 0, Action.EDIT, edited=EDITED)
    second = decide(store, 1, Action.CHOOSE)
    edit = decide(store, 2, Action.REJECT)
    then = stand(store)
    decisions.undo(store, second, "Bo")
    decide(store, 0, Action.REJECT, "Bo")
    bulk(store)
    now = stand(store)
    differing = history.differences(store, edit, 10)
    assert [each.sample_id for each in differing] == [sample_name(place) for place in (0, 1, 3, 4, 5)]
    assert [each and each.kind for each in (differing[0].past, differing[0].present, differing[2].past)] == [
        "edit",
        "reject",
        None,
    ]
    assert history.differences(store, edit, 2, 1) == differing[1:3]
    action = history.go_back(store, edit, "Ann")
    assert stand(store) == then
    assert history.count_differences(store, edit) == 0
    assert history.go_back(store, edit, "Ann") == 0
    assert history.take_back(store, action, "Ann") == 5
    assert stand(store) == now
    again = events.events(store, EventFilter(), 1)[0].action_id
    assert history.take_back(store, again, "Ann") == 5
    assert stand(store) == then


def test_going_back_restores_decisions_with_their_standing_as_evidence(store: Store) -> None:
    """What is decided again is whose it was and what it was: single or bulk, made before or after a reading."""
    audit = audits.draw(store, Population(), "all", len(CASES), "Ann", seed="s")
    for place in (0, 1):
        read_one(store, audit, sample_name(place), [versions_of(store, sample_name(place))[1]])
    decide(store, 0, Action.REJECT, "Cem")
    before = decide(store, 2, Action.REJECT, "Cem")
    read_one(store, audit, sample_name(2), [versions_of(store, sample_name(2))[1]])
    bulk(store)
    at = events.events(store, EventFilter(), 1)[0].event_id
    found, figures, people = audits.result(store, audit).claim.reads, trust(store).overall, authors(store)
    assert (found.right, found.wrong) == (2, 1)
    decisions.undo(store, before, "Bo")
    decisions.undo(store, events.events(store, EventFilter(kind="reject", author="Cem"), 9)[-1].event_id, "Bo")
    decisions.undo_action(store, events.events(store, EventFilter(kind="approve"), 1)[0].action_id, "Bo")
    assert audits.result(store, audit).claim.reads != found
    action = history.go_back(store, at, "Ann")
    assert audits.result(store, audit).claim.reads == found
    assert trust(store).overall == figures
    assert authors(store) == people
    assert decisions.last_decisions(store, "Ann") == []
    history.take_back(store, action, "Ann")
    history.go_back(store, at, "Ann")
    assert trust(store).overall == figures


def authors(store: Store) -> dict[str, int]:
    """Who decided how many single samples."""
    return {each.name: each.decisions for each in history.log_authors(store) if each.decisions}


def test_the_undo_of_a_bulk_action_can_be_taken_back(store: Store) -> None:
    """What the undo undid stands again, but not on a sample that somebody decided since; a second time does nothing."""
    action = bulk(store)
    before = stand(store)
    assert decisions.undo_action(store, action, "Bo") == len(CASES)
    undo = events.events(store, EventFilter(), 1)[0].action_id
    decide(store, 3, Action.REJECT)
    assert history.take_back(store, undo, "Bo") == len(CASES) - 1
    assert stand(store) == {**before, sample_name(3): ("reject", None, None)}
    assert history.take_back(store, undo, "Bo") == 0


def test_the_log_never_changes(store: Store) -> None:
    """Going back and taking back append; no event that was there is gone or another."""
    for place in range(3):
        decide(store, place, Action.REJECT)
    kept = store.rows("SELECT * FROM event ORDER BY event_id")
    action = history.go_back(store, kept[0]["event_id"], "Ann")
    history.take_back(store, action, "Ann")
    assert store.rows("SELECT * FROM event ORDER BY event_id LIMIT 3") == kept
    assert store.rows(f"SELECT * EXCLUDE (action_id) FROM ({events.fold()}) ORDER BY event_id") == store.rows(
        "SELECT * EXCLUDE (action_id) FROM event WHERE event_id IN (SELECT event_id FROM standing) ORDER BY event_id"
    )


def test_events_are_found_by_time_note_and_kind(store: Store) -> None:
    """Each filter alone and all together; a note is found in upper or lower case and with letters beyond ASCII."""
    decide(store, 0, Action.REJECT)
    events.record(store, "export", "Zoë", {"file": "/data/Größe.json", "rows": 3})
    bulk(store)
    now = datetime.now(UTC).replace(tzinfo=None)
    hour = timedelta(hours=1)
    counts = {
        EventFilter(since=now - hour, until=now + hour): 7,
        EventFilter(until=now - hour): 0,
        EventFilter(since=now + hour): 0,
        EventFilter(text="größe"): 1,
        EventFilter(text="ALL samples"): 5,
        EventFilter(text='"'): 0,
        EventFilter(text="%"): 0,
        EventFilter(is_bulk=True): 5,
        EventFilter(is_bulk=True, author="Bo", kind="approve", sample_id=sample_name(1), text="all"): 1,
    }
    assert {only: events.count_events(store, only) for only in counts} == counts


def test_a_page_says_what_was_undone_and_how_many_of_an_action_stand(store: Store) -> None:
    """Counts are of the whole action, also where the page shows a part of it."""
    bulk(store)
    first = events.events(store, EventFilter(), 1, offset=len(CASES) - 1)[0]
    decisions.undo(store, first.event_id, "Bo")
    rows = events.events(store, EventFilter(kind="approve"), 2, offset=len(CASES) - 2)
    assert [(event.undone, event.in_action) for event in rows] == [(False, len(CASES) - 1), (True, len(CASES) - 1)]


def test_activity_counts_actions_by_the_persons_own_day(store: Store) -> None:
    """A bulk action is one; a clock two hours behind UTC has what was done at one in the morning on the day before."""
    decide(store, 0, Action.REJECT)
    bulk(store)
    with store.transaction() as tx:
        tx.execute("UPDATE event SET made_at = TIMESTAMP '2026-05-02 01:00:00'")
    day = datetime(2026, 5, 2).date()
    assert history.activity(store, EventFilter(), 0) == [(day, "Ann", 1), (day, "Bo", 1)]
    assert history.activity(store, EventFilter(author="Bo"), 120) == [(day - timedelta(days=1), "Bo", 1)]
    assert [(author.name, author.decisions) for author in history.log_authors(store)] == [("Ann", 1), ("Bo", 0)]


def test_a_pace_leaves_breaks_and_bulk_actions_out(store: Store) -> None:
    """Time between decisions counts up to five minutes, a burst is no hour's work, and few decisions have no pace."""
    for _ in range(6):
        decide(store, 0, Action.CHOOSE, "Ann")
        decide(store, 1, Action.REJECT, "Ann")
    decisions.decide_all(store, "seq = 3", {}, Action.PARK, "Bo", "one")
    decide(store, 2, Action.PARK, "Bo")
    start = datetime(2026, 5, 1, 9)
    mine = [event.event_id for event in reversed(events.events(store, EventFilter(author="Ann"), 99))]
    at = [20.0 * place + (3_600 if place > 5 else 0) for place in range(12)]
    with store.transaction() as tx:
        for event_id, seconds in zip(mine, at, strict=True):
            tx.execute(
                "UPDATE event SET made_at = ? WHERE event_id = ?", [start + timedelta(seconds=seconds), event_id]
            )
    ann, bo = history.paces(store, EventFilter())
    assert (ann.author, ann.decisions, ann.seconds, ann.typical_seconds) == ("Ann", 12, 200, 20)
    assert (bo.author, bo.decisions, bo.typical_seconds) == ("Bo", 1, None)
