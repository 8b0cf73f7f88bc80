"""Queues of samples: their order, the next open sample, and the place in them."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from srt_core.project.store import Store
from srt_core.records import Action, Decision, Origin, Policy
from srt_core.reflect.outcomes import failures
from srt_core.review import decisions
from srt_core.review import queues as review
from srt_core.review.filter.filter import Filter
from srt_core.review.filter.page import SORTS
from srt_core.review.queues import QUEUES, Place, coming, filter_queue, neighbours, next_open, place
from srt_core.review.verdicts import read_verdict
from tests.browsing import sample_ids
from tests.rule_oracle import Case, Numbers
from tests.rule_project import create_project

# By distance to a threshold: s2, s1, s0; s3 has no score at all and a reflection that failed.
CASES = [
    Case({Origin.ORIGINAL: Numbers(0.5, 0.75), Origin.RESPONSE: Numbers(0.5, 0.5)}),
    Case({Origin.ORIGINAL: Numbers(0.5, 0.75), Origin.RESPONSE: Numbers(0.5, 0.625)}),
    Case({Origin.ORIGINAL: Numbers(0.5, 0.75), Origin.RESPONSE: Numbers(0.5, 0.8125)}),
    Case({Origin.ORIGINAL: Numbers(None, None)}, failed=frozenset({Origin.RESPONSE})),
]
CLOSEST = QUEUES["closest"]
BY_NUMBER = ["s0", "s1", "s2", "s3"]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with create_project(tmp_path / "p.srt", CASES) as store:
        yield store


def decide(store: Store, sample: str, action: Action, by: str = "ann") -> None:
    standing = decisions.standing(store, sample)
    decisions.decide(store, Decision(sample, action, by), expected_event_id=standing.event_id if standing else None)


def walk_through(store: Store, queue: review.Queue) -> list[str]:
    """The samples that the arrow key comes by, from the first open one."""
    first = next_open(store, queue, None)
    return [first, *(each.sample_id for each in neighbours(store, queue, first, 10))] if first else []


def test_queue_goes_by_rank_and_arrows_go_both_ways(store: Store) -> None:
    """The sample closest to a limit comes first; a sample without any number is in no such queue."""
    assert walk_through(store, CLOSEST) == ["s2", "s1", "s0"]
    assert [each.sample_id for each in neighbours(store, CLOSEST, "s0", 2, back=True)] == ["s1", "s2"]
    assert neighbours(store, CLOSEST, "s2", 2, back=True) == []


def test_next_open_passes_over_decided_and_parked_samples(store: Store) -> None:
    """After a decision comes the next sample that is neither decided nor parked."""
    decide(store, "s1", Action.REJECT)
    decide(store, "s2", Action.PARK)
    assert next_open(store, QUEUES["all"], "s0") == "s3"


def test_next_open_goes_on_from_the_start(store: Store) -> None:
    """At the end of a queue the open samples before it come up again; without any there is none."""
    decide(store, "s3", Action.REJECT)
    assert next_open(store, QUEUES["all"], "s3") == "s0"
    for sample in ("s0", "s1", "s2"):
        decide(store, sample, Action.REJECT)
    assert next_open(store, QUEUES["all"], "s3") is None


def test_next_open_never_gives_the_sample_just_left(store: Store) -> None:
    """A queue of one open sample has no next one."""
    for sample in ("s0", "s1", "s2"):
        decide(store, sample, Action.REJECT)
    assert next_open(store, QUEUES["all"], "s3") is None


def test_place_counts_the_whole_queue(store: Store) -> None:
    """The position is among all samples of the queue, decided or not; open and parked are counted apart."""
    decide(store, "s2", Action.REJECT)
    decide(store, "s1", Action.PARK)
    assert place(store, CLOSEST, "s0") == Place(position=3, samples=3, open=1, parked=1)


def test_place_of_a_stranger_has_no_position(store: Store) -> None:
    """A sample that the queue does not hold has no position in it."""
    assert place(store, CLOSEST, "s3") == Place(position=None, samples=3, open=3, parked=0)
    assert place(store, CLOSEST, None).position is None


def test_parked_queue_holds_what_was_parked(store: Store) -> None:
    """A parked sample waits in a queue of its own until it is decided."""
    decide(store, "s1", Action.PARK)
    assert walk_through(store, QUEUES["parked"]) == ["s1"]
    decide(store, "s1", Action.REJECT)
    assert walk_through(store, QUEUES["parked"]) == []


def test_failed_queue_and_failures(store: Store) -> None:
    """A sample with a rewrite that failed stands in the queue of failed reflections, with its last failure."""
    assert walk_through(store, QUEUES["failed"]) == ["s3"]
    assert [(origin, failure.status) for origin, failure in failures(store, "s3").items()] == [
        (Origin.RESPONSE, "failed")
    ]
    assert failures(store, "s0") == {}


@pytest.mark.parametrize(("length", "is_held"), [(9, True), (10, False), (80, False), (81, True)])
def test_conflict_queue_takes_less_than_half_and_more_than_four_times(store: Store, length: int, is_held: bool) -> None:
    """The rule and the length disagree under half and over four times the original's 20 characters."""
    with store.transaction() as tx:
        tx.execute("UPDATE candidate SET response = repeat('x', 20)")
        rewrite = "sample_id = 's0' AND origin = 'RESPONSE'"
        tx.execute(f"UPDATE candidate SET response = repeat('x', ?) WHERE {rewrite}", [length])
        tx.bump()
    assert walk_through(store, QUEUES["conflict"]) == ["s0"] * is_held


@pytest.mark.parametrize("sort", SORTS)
def test_filter_queue_has_the_order_of_explore(store: Store, sort: str) -> None:
    """ "This filter" shows what Explore lists, in the same order, also where a number is missing."""
    queue = filter_queue(Filter(state=("open",)), sort)
    assert walk_through(store, queue) == sample_ids(store, Filter(state=("open",)), sort, limit=10)


def test_the_save_sign_is_of_own_decisions(store: Store) -> None:
    """When something was last saved is of the person's own decisions, none of which is another's."""
    decide(store, "s0", Action.REJECT)
    assert review.saved_at(store, "ann") is not None
    assert review.saved_at(store, "bob") is None


def test_what_comes_is_open_and_goes_on_from_the_start(store: Store) -> None:
    """The next few are the open ones after a sample, then those before it; neighbours say which ask for a decision."""
    decide(store, "s1", Action.REJECT)
    assert coming(store, QUEUES["all"], "s2", 3) == ["s3", "s0"]
    assert coming(store, QUEUES["all"], "s2", 1) == ["s3"]
    found = neighbours(store, QUEUES["all"], "s0", 2)
    assert [(each.sample_id, each.is_open) for each in found] == [("s1", False), ("s2", True)]


def test_unread_holds_what_is_exported_unless_somebody_read_it_alone(store: Store) -> None:
    """A bulk action reads nothing: what it keeps still waits; what one person decided does not."""
    assert coming(store, QUEUES["unread"], None, 9) == ["s0", "s1"]
    decisions.decide_all(store, "seq <= 2", {}, Action.APPROVE, "ann", "bulk")
    assert coming(store, QUEUES["unread"], None, 9) == ["s0", "s1"]
    decisions.decide(store, Decision("s0", Action.APPROVE, "ann", Origin.RESPONSE),
                     expected_event_id=store.value("SELECT event_id FROM standing WHERE sample_id = 's0'"))  # fmt: skip
    assert coming(store, QUEUES["unread"], None, 9) == ["s1"]
    assert [each.sample_id for each in neighbours(store, QUEUES["unread"], "s0", 1)] == ["s1"]


def test_why_names_the_nearest_threshold(store: Store) -> None:
    """The queue says what the sample is close to, and how close."""
    verdict = read_verdict(store, "s2")
    assert verdict is not None
    assert review.why("closest", QUEUES["closest"], verdict, Policy()) == (
        "In this queue: the r-IFD of the two versions is 0.0625 away from the other outcome."
    )
    ceiling = review.why(
        "closest", QUEUES["closest"], replace(verdict, closest="max_r_ifd"), Policy().limited(max_r_ifd=0.75)
    )
    assert ceiling == "In this queue: the winner's r-IFD is 0.0625 away from the limit of 0.75."
    share = review.why("closest", QUEUES["closest"], replace(verdict, closest="top_share"), Policy())
    assert share == "In this queue: the winner's IFD is 0.0625 away from the lowest that the top share keeps."
