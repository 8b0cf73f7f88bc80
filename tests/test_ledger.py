"""What people decided is an append-only log: nothing is overwritten, lost, or decided behind somebody's back."""

import json
import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from srt_core.errors import DecisionError
from srt_core.project import candidates, events
from srt_core.project.events import EventFilter
from srt_core.project.store import Row, Store
from srt_core.records import Action, Decision, Origin, Pair, Policy
from srt_core.review import decisions
from srt_core.review.decisions import Standing
from srt_core.select import selection
from srt_core.select.derive import refresh
from tests.rule_oracle import Case, Numbers
from tests.rule_project import create_project

ROOT = Path(__file__).parent.parent
ALL = EventFilter()

LONE = Case({Origin.ORIGINAL: Numbers(0.5, 0.5)})
IMPROVED = Case({Origin.ORIGINAL: Numbers(0.5, 0.5), Origin.RESPONSE: Numbers(0.5, 0.25)})

CANDIDATES = {Origin.ORIGINAL: 1, Origin.RESPONSE: 2}
"""The candidates of s0."""

APPROVE = Decision("s0", Action.APPROVE, "ann", Origin.RESPONSE)
CHOOSE = Decision("s0", Action.CHOOSE, "ann", Origin.ORIGINAL)
REJECT = Decision("s0", Action.REJECT, "ann")
PARK = Decision("s0", Action.PARK, "ann")
EDIT = Decision("s0", Action.EDIT, "ann", Origin.RESPONSE, Pair("Do it well.", "Done well.", "this"))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """Six samples, of which the rule picks s0, s1 and s2 and leaves out s3, s4 and s5."""
    with create_project(tmp_path / "p.duckdb", [IMPROVED] * 3 + [LONE] * 3) as store:
        refresh(store)
        yield store


def log(store: Store) -> list[Row]:
    """The whole log as it is in the file."""
    return store.rows("FROM event ORDER BY event_id")


def decide_in_turn(store: Store, *made: Decision) -> list[int]:
    """Decide one after the other, each upon what stands."""
    return [
        decisions.decide(store, decision, expected_event_id=standing_event(store, decision.sample_id))
        for decision in made
    ]


def standing_event(store: Store, sample: str) -> int | None:
    """The event that stands for a sample."""
    found = decisions.standing(store, sample)
    return found.event_id if found else None


# One decision


@pytest.mark.parametrize("decision", [APPROVE, CHOOSE, REJECT, PARK, EDIT], ids=lambda decision: decision.action)
def test_a_decision_stands_as_it_was_taken(store: Store, decision: Decision) -> None:
    """What was decided stands under the event id that decide gave, with its author and candidate."""
    event = decisions.decide(store, decision, expected_event_id=None)
    candidate = CANDIDATES[decision.origin] if decision.origin else None
    assert decisions.standing(store, "s0") == Standing(event, decision.action, decision.origin, "ann", candidate)
    assert decisions.standing(store, "s1") is None


def test_a_decision_keeps_its_context(store: Store) -> None:
    """The context of a decision (what was on screen) is in the log, in any script."""
    decisions.decide(
        store, replace(APPROVE, by="李", context={"queue": 'closest "to" a threshold é'}), expected_event_id=None
    )
    assert json.loads(log(store)[0]["context"]) == {"queue": 'closest "to" a threshold é'}
    assert log(store)[0]["author"] == "李"


@pytest.mark.parametrize("later", [REJECT, PARK], ids=lambda decision: decision.action)
def test_a_decision_without_a_candidate_has_none_from_an_earlier_one(store: Store, later: Decision) -> None:
    """A reject or park that follows a choice stands without a candidate; the choice's does not shine through."""
    decide_in_turn(store, CHOOSE, later)
    found = decisions.standing(store, "s0")
    assert found is not None
    assert (found.action, found.origin) == (later.action, None)


@pytest.mark.parametrize(
    ("decision", "verdict", "decided", "approved"),
    [
        (APPROVE, "RESPONSE", True, True),
        (CHOOSE, "ORIGINAL", True, True),
        (EDIT, "RESPONSE", True, True),
        (REJECT, None, True, False),
        (PARK, None, False, False),
    ],
)
def test_the_verdict_is_the_decision_where_there_is_one(
    store: Store, decision: Decision, verdict: str | None, decided: bool, approved: bool
) -> None:
    """The human decision beats the selection; a parked sample is open, and nothing of it is exported."""
    decisions.decide(store, decision, expected_event_id=None)
    row = store.rows("SELECT verdict_origin, decided, approved FROM verdict WHERE sample_id = 's0'")[0]
    assert row == {"verdict_origin": verdict, "decided": decided, "approved": approved}


def test_the_log_only_grows(store: Store) -> None:
    """Nothing that is in the log is ever changed or removed, by decisions, undo, bulk actions or a policy."""
    steps: list[Callable[[], object]] = [
        lambda: decide_in_turn(store, APPROVE, REJECT, EDIT),
        lambda: decisions.undo(store, standing_event(store, "s0") or 0, "bob"),
        lambda: decisions.decide_all(store, "true", {}, Action.APPROVE, "bob", "all"),
        lambda: decisions.undo_action(store, log(store)[-1]["action_id"], "ann"),
        lambda: selection.apply(store, Policy(top_share=50), "ann"),
        lambda: events.record(store, "export", "ann", {"files": 2}),
    ]
    before = log(store)
    for step in steps:
        step()
        after = log(store)
        assert len(after) > len(before)
        assert after[: len(before)] == before
        before = after


# Compare and set


def test_a_decision_upon_something_old_is_refused_and_says_who_was_first(store: Store) -> None:
    """If somebody decided in between, the later decision is refused by name and leaves nothing in the log."""
    first = decisions.decide(store, APPROVE, expected_event_id=None)
    for stale in (None, first + 1_000):
        with pytest.raises(DecisionError, match="kept by ann") as caught:
            decisions.decide(store, replace(REJECT, by="bob"), expected_event_id=stale)
        assert caught.value.hint
    assert len(log(store)) == 1
    assert decisions.decide(store, replace(REJECT, by="bob"), expected_event_id=first) > first


def test_a_decision_upon_an_undone_one_is_refused(store: Store) -> None:
    """What was undone meanwhile is no ground to decide upon; the sample is undecided again."""
    event = decisions.decide(store, APPROVE, expected_event_id=None)
    decisions.undo(store, event, "bob")
    with pytest.raises(DecisionError, match="undone meanwhile"):
        decisions.decide(store, REJECT, expected_event_id=event)
    assert decisions.decide(store, REJECT, expected_event_id=None) == standing_event(store, "s0")


def test_of_many_at_once_one_decides(store: Store) -> None:
    """Eight threads decide the same undecided sample: one is accepted, seven are told."""

    def attempt(number: int) -> bool:
        try:
            decisions.decide(store, replace(APPROVE, by=f"curator {number}"), expected_event_id=None)
        except DecisionError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(attempt, range(8))) == 1
    assert events.count_events(store, ALL) == 1


@pytest.mark.parametrize(
    "decision",
    [
        Decision("nobody", Action.REJECT, "ann"),
        Decision("s0", Action.CHOOSE, "ann", Origin.BOTH),
        Decision("s0", Action.APPROVE, "ann"),
        Decision("s3", Action.APPROVE, "ann", Origin.RESPONSE),
        replace(EDIT, origin=None),
        replace(EDIT, edited=None),
        replace(EDIT, edited=Pair("Do it.", " \n")),
        replace(EDIT, edited=Pair(" ", "Done.")),
    ],
    ids=["no sample", "no candidate", "no origin", "not of this sample", "edit of nothing", "no edit", "no y", "no x"],
)
def test_a_decision_that_cannot_be_taken_is_refused(store: Store, decision: Decision) -> None:
    """A sample or candidate that is not there, or an edit without texts, is a DecisionError with a way out."""
    with pytest.raises(DecisionError) as caught:
        decisions.decide(store, decision, expected_event_id=None)
    assert caught.value.hint
    assert log(store) == []


# Edits


def test_an_edit_is_read_back_to_the_letter(store: Store) -> None:
    """An edited pair keeps its white space, quotes and scripts, and the candidate it came from is untouched."""
    pair = Pair("  Say 'é' \n\ttwice;--", '北京 "ok"\u2028{"a": 1}\n', "\n")
    before = store.rows("FROM candidate ORDER BY candidate_id")
    event = decisions.decide(store, replace(EDIT, edited=pair), expected_event_id=None)
    found = candidates.edit(store, event)
    assert found and found.pair == pair
    assert store.rows("FROM candidate ORDER BY candidate_id") == before


def test_an_event_that_is_no_edit_has_no_pair(store: Store) -> None:
    """Asking for the pair of an event that wrote none, or of none at all, gives None, not a pair of nothing."""
    event = decisions.decide(store, REJECT, expected_event_id=None)
    assert [candidates.edit(store, key) for key in (event, event + 1_000)] == [None, None]


# Undo


def test_undo_brings_back_what_stood_before(store: Store) -> None:
    """Undone one by one, the decisions before stand again, down to an undecided sample."""
    first, second, third = decide_in_turn(store, CHOOSE, REJECT, PARK)
    assert decisions.undo(store, third, "bob") == "s0"
    assert decisions.standing(store, "s0") == Standing(second, Action.REJECT, None, "ann", None)
    decisions.undo(store, second, "bob")
    assert decisions.standing(store, "s0") == Standing(first, Action.CHOOSE, Origin.ORIGINAL, "ann", 1)
    decisions.undo(store, first, "bob")
    assert decisions.standing(store, "s0") is None


def test_undo_of_an_older_decision_leaves_the_newest(store: Store) -> None:
    """What was decided last stands, whichever earlier decision is undone."""
    first, second = decide_in_turn(store, CHOOSE, REJECT)
    decisions.undo(store, first, "bob")
    assert standing_event(store, "s0") == second
    decisions.undo(store, second, "bob")
    assert decisions.standing(store, "s0") is None


def test_undo_is_an_event_and_only_of_a_decision_that_stands(store: Store) -> None:
    """An undo names what it undoes and who did it; it cannot be repeated, nor done to an undo or another event."""
    event = decisions.decide(store, APPROVE, expected_event_id=None)
    decisions.undo(store, event, "bob")
    undo = log(store)[-1]
    assert (undo["kind"], undo["author"], undo["undoes"], undo["sample_id"]) == ("undo", "bob", event, "s0")
    events.record(store, "export", "ann", {})
    for key in (event, undo["event_id"], log(store)[-1]["event_id"], 10_000):
        with pytest.raises(DecisionError):
            decisions.undo(store, key, "bob")
    assert events.count_events(store, ALL) == 3


# Many at once


def test_a_bulk_approval_passes_over_what_it_must(store: Store) -> None:
    """Approve takes the rule's pick of open samples; decided ones and those without a pick are passed over."""
    decisions.decide(store, REJECT, expected_event_id=None)
    decisions.decide(store, replace(PARK, sample_id="s1"), expected_event_id=None)
    assert decisions.decide_all(store, "true", {}, Action.APPROVE, "bob", "all") == 2
    states = {row["sample_id"]: (row["action"], row["origin"]) for row in store.rows("FROM standing")}
    assert states == {"s0": ("reject", None), "s1": ("approve", "RESPONSE"), "s2": ("approve", "RESPONSE")}
    bulk = [event for event in log(store) if event["author"] == "bob"]
    assert len({event["action_id"] for event in bulk}) == 1
    assert [json.loads(event["context"]) for event in bulk] == [{"bulk": "all"}] * 2


@pytest.mark.parametrize("action", [Action.REJECT, Action.PARK])
def test_a_bulk_rejection_takes_samples_without_a_pick_too(store: Store, action: Action) -> None:
    """Reject and park go to every open sample of the filter, picked or not."""
    decisions.decide(store, APPROVE, expected_event_id=None)
    assert decisions.decide_all(store, "true", {}, action, "bob", "rest") == 5
    assert {row["action"] for row in store.rows("FROM standing WHERE sample_id <> 's0'")} == {str(action)}
    assert standing_event(store, "s0") == log(store)[0]["event_id"]


def test_a_bulk_action_keeps_to_its_filter(store: Store) -> None:
    """The condition and its values bound the action; values are data, never SQL."""
    assert decisions.decide_all(store, "sample_id = $name", {"name": "s1"}, Action.APPROVE, "bob", "one") == 1
    assert decisions.decide_all(store, "sample_id = $name", {"name": "' OR true --"}, Action.REJECT, "bob", "none") == 0
    assert decisions.decide_all(store, "sample_id = 's1' OR sample_id = 's3'", {}, Action.REJECT, "bob", "or") == 1
    assert {row["sample_id"] for row in store.rows("FROM standing")} == {"s1", "s3"}


@pytest.mark.parametrize("action", [Action.CHOOSE, Action.EDIT])
def test_what_needs_eyes_is_not_done_in_bulk(store: Store, action: Action) -> None:
    """Choosing another candidate and editing are decisions about one sample."""
    with pytest.raises(DecisionError):
        decisions.decide_all(store, "true", {}, action, "bob", "all")
    assert log(store) == []


def test_a_bulk_action_is_undone_as_one(store: Store) -> None:
    """One undo takes back all of a bulk action and nothing else; a second one finds nothing left."""
    own = decisions.decide(store, REJECT, expected_event_id=None)
    decisions.decide_all(store, "true", {}, Action.APPROVE, "bob", "all")
    action = log(store)[-1]["action_id"]
    assert decisions.undo_action(store, action, "ann") == 2
    assert [row["event_id"] for row in store.rows("FROM standing")] == [own]
    undone = [event for event in log(store) if event["kind"] == "undo"]
    assert len({event["action_id"] for event in undone}) == 1
    assert len({event["undoes"] for event in undone}) == 2
    assert decisions.undo_action(store, action, "ann") == 0
    assert decisions.undo_action(store, undone[0]["action_id"], "ann") == 0
    assert decisions.undo_action(store, 10_000, "ann") == 0


def test_a_bulk_undo_leaves_what_was_undone_or_decided_since(store: Store) -> None:
    """Decisions undone one by one are not undone twice, and a later decision on the sample stays in force."""
    decisions.decide_all(store, "true", {}, Action.APPROVE, "bob", "all")
    bulk = {event["sample_id"]: event["event_id"] for event in log(store)}
    decisions.undo(store, bulk["s1"], "ann")
    later = decisions.decide(store, REJECT, expected_event_id=bulk["s0"])
    assert decisions.undo_action(store, log(store)[0]["action_id"], "bob") == 2
    assert [(row["sample_id"], row["event_id"]) for row in store.rows("FROM standing")] == [("s0", later)]


# The fold


def fold(events: list[Row]) -> dict[str, tuple[int, str, str | None, str]]:
    """The standing decision of each sample, folded from the log in Python."""
    undone = {event["undoes"] for event in events if event["kind"] == "undo"}
    return {
        event["sample_id"]: (event["event_id"], event["kind"], event["origin"], event["author"])
        for event in events
        if event["kind"] in set(Action) and event["event_id"] not in undone
    }


@pytest.mark.parametrize("seed", range(5))
def test_what_stands_is_a_fold_of_the_log(store: Store, seed: int) -> None:
    """After any sequence of decisions, bulk actions and undos, `standing` is what a fold over the events gives."""
    draw = random.Random(seed)
    for _ in range(40):
        act_at_random(store, draw)
        found = store.rows("SELECT sample_id, event_id, action, origin, author FROM standing")
        assert {row.pop("sample_id"): tuple(row.values()) for row in found} == fold(log(store))
    assert len(log(store)) > 30


def act_at_random(store: Store, draw: random.Random) -> None:
    """Do one thing that a curator could do now."""
    standing = store.rows("SELECT event_id, sample_id FROM standing ORDER BY event_id")
    dice = draw.random()
    if dice < 0.3 and standing:
        decisions.undo(store, draw.choice(standing)["event_id"], "ann")
    elif dice < 0.4:
        decisions.decide_all(store, "true", {}, draw.choice([Action.APPROVE, Action.REJECT, Action.PARK]), "bob", "all")
    elif dice < 0.5 and standing:
        decisions.undo_action(store, draw.choice(log(store))["action_id"], "bob")
    else:
        sample = f"s{draw.randrange(3)}"
        decide_in_turn(store, replace(draw.choice([APPROVE, CHOOSE, REJECT, PARK, EDIT]), sample_id=sample))


# Listing


def test_events_are_listed_newest_first_with_what_became_of_them(store: Store) -> None:
    """Each event says whether it was undone and how many events of its action stand; pages together are all."""
    first = decisions.decide(store, REJECT, expected_event_id=None)
    decisions.decide_all(store, "true", {}, Action.APPROVE, "bob", "all")
    decisions.undo(store, first, "ann")
    listed = events.events(store, ALL, limit=10)
    assert [(event.kind, event.undone, event.in_action) for event in listed] == [
        ("undo", False, 1),
        ("approve", False, 2),
        ("approve", False, 2),
        ("reject", True, 0),
    ]
    pages = [events.events(store, ALL, limit=3, offset=at) for at in (0, 3)]
    assert [event for page in pages for event in page] == listed


@pytest.mark.parametrize(
    ("only", "number"),
    [
        (ALL, 4),
        (EventFilter(kind="reject"), 1),
        (EventFilter(author="bob"), 3),
        (EventFilter(sample_id="s0"), 2),
        (EventFilter(kind="undo", author="bob", sample_id="s0"), 1),
        (EventFilter(kind="", author=""), 4),
        (EventFilter(author="nobody"), 0),
    ],
)
def test_events_are_filtered_by_any_combination(store: Store, only: EventFilter, number: int) -> None:
    """The number of events listed is the number counted, for every filter."""
    event = decisions.decide(store, REJECT, expected_event_id=None)
    decisions.undo(store, event, "bob")
    decisions.decide(store, Decision("s1", Action.PARK, "bob"), expected_event_id=None)
    events.record(store, "export", "bob", {"files": 3})
    assert len(events.events(store, only, limit=10)) == number == events.count_events(store, only)


def test_the_last_decisions_of_a_person(store: Store) -> None:
    """A person's own decisions, newest first, without undone ones and without others'."""
    first, second = decide_in_turn(store, REJECT, replace(PARK, sample_id="s1"))
    decide_in_turn(store, replace(PARK, sample_id="s2", by="bob"))
    events.record(store, "export", "ann", {})
    assert [recent.event_id for recent in decisions.last_decisions(store, "ann")] == [second, first]
    assert [recent.event_id for recent in decisions.last_decisions(store, "ann", limit=1)] == [second]
    decisions.undo(store, second, "ann")
    assert [recent.event_id for recent in decisions.last_decisions(store, "ann")] == [first]


# Survival

DECIDE_FOR_EVER = """
import sys
from pathlib import Path
from srt_core.review import decisions
from srt_core.records import Action, Decision
from srt_core.project.store import Store
store = Store.open(Path(sys.argv[1]))
event = None
while True:
    event = decisions.decide(store, Decision("s0", Action.REJECT, "ann"), expected_event_id=event)
    print(event, flush=True)
"""


@pytest.mark.parametrize("number", [1, 2, 30])
def test_a_kill_right_after_a_decision_loses_nothing(store: Store, number: int) -> None:
    """What decide() returned is in the file, though the process was killed without any chance to close it."""
    path = store.path
    store.close()
    command = [sys.executable, "-c", DECIDE_FOR_EVER, str(path)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        seen = [int(process.stdout.readline()) for _ in range(number)]
        os.kill(process.pid, signal.SIGKILL)
        seen += [int(line) for line in process.stdout if line.endswith("\n")]
    assert process.returncode == -signal.SIGKILL
    with Store.open(path) as again:
        events = [event["event_id"] for event in log(again)]
        assert set(seen) <= set(events)
        assert len(events) <= len(seen) + 1, "at most the decision in flight was not reported"
        assert standing_event(again, "s0") == events[-1]
        assert decisions.decide(again, PARK, expected_event_id=events[-1]) > events[-1]
