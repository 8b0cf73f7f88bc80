"""Shares of a queue: disjoint, exhaustive, as large as asked, and moved no more than must be."""

import math
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from srt_core.errors import DecisionError, PeopleError
from srt_core.importing.samples import sample_id
from srt_core.project import events
from srt_core.project.store import Store
from srt_core.records import Action, Decision, Origin, Pair
from srt_core.review import decisions, shares
from srt_core.review import queues as review
from srt_core.review.shares import BUCKETS, EMPTY, Assignment, assign, read_assignment, share_out
from srt_core.select.derive import refresh
from tests.empty_project import create_empty
from tests.rule_oracle import Case, Numbers
from tests.rule_project import create_project, sample_name

SAMPLES = 4_000
CASES = [Case({Origin.ORIGINAL: Numbers(0.5, 0.75), Origin.RESPONSE: Numbers(0.5, 0.5)})] * 8
NAMES = ("Ann", "Ben", "Cy", "Dee")

percents = st.lists(st.integers(0, BUCKETS), min_size=0, max_size=4).map(
    lambda sizes: [
        (name, size / max(sum(sizes), BUCKETS) * 100) for name, size in zip(NAMES, sizes, strict=False) if size
    ]
)


@pytest.fixture(scope="module")
def ids(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A project with nothing but samples, named as the importer names them."""
    with create_empty(tmp_path_factory.mktemp("shares") / "ids.srt") as store:
        with store.transaction() as tx:
            rows = [(sample_id(Pair(f"question {n}", f"answer {n}"), 0), 0, n, "{}") for n in range(SAMPLES)]
            tx.append("sample", ["sample_id", "import_id", "row", "extra"], rows)
        yield store


def members(store: Store, assignment: Assignment) -> dict[str, set[str]]:
    found = {}
    for name in assignment.parts:
        share = assignment.share(name)
        assert share is not None
        where, values = share.condition()
        found[name] = {row["sample_id"] for row in store.rows(f"SELECT sample_id FROM sample WHERE {where}", values)}
    return found


def owners(assignment: Assignment) -> Mapping[int, str]:
    """Whose each bucket is; a bucket of two people fails."""
    found: dict[int, str] = {}
    for name, parts in assignment.parts.items():
        for first, end in parts:
            assert not found.keys() & set(range(first, end))
            found |= dict.fromkeys(range(first, end), name)
    return found


@settings(max_examples=25, deadline=None)
@given(percents, st.integers(0, 100))
def test_shares_are_disjoint_exhaustive_and_as_large_as_asked(
    ids: Store, wanted: list[tuple[str, float]], overlap: int
) -> None:
    """Two people have the overlap in common and nothing else; shares of 100 % leave nothing; sizes are as asked."""
    assignment = assign(EMPTY, wanted, overlap)
    found = members(ids, assignment)
    common = set.intersection(*found.values()) if len(found) > 1 else set()
    for name, percent in wanted:
        others = set().union(*(each for other, each in found.items() if other != name))
        assert found[name] & others <= common
        share = overlap / 100 + (1 - overlap / 100) * percent / 100
        spread = 5 * math.sqrt(SAMPLES * share * (1 - share)) + 2  # five standard deviations of a draw by chance
        assert abs(len(found[name]) - SAMPLES * share) <= spread
    if len(found) > 1:
        assert abs(len(common) - SAMPLES * overlap / 100) <= 5 * math.sqrt(SAMPLES * 0.25) + 2
    if round(sum(percent for _, percent in wanted) * 100) == BUCKETS:
        assert len(set().union(*found.values())) == SAMPLES


@settings(deadline=None)
@given(percents, percents)
def test_sharing_out_again_moves_only_what_must_move(
    old: list[tuple[str, float]], new: list[tuple[str, float]]
) -> None:
    """Who had a bucket keeps it up to the size of the new share, and gets exactly that size."""
    before = owners(assign(EMPTY, old, 0))
    changed = assign(assign(EMPTY, old, 0), new, 0)
    after = owners(changed)
    sizes = dict(new)
    for name in NAMES:
        had = {bucket for bucket, owner in before.items() if owner == name}
        has = {bucket for bucket, owner in after.items() if owner == name}
        assert abs(len(has) - sizes.get(name, 0) * BUCKETS / 100) <= 1
        assert len(had & has) == min(len(had), len(has))


def test_shares_that_cannot_be_are_refused() -> None:
    """More than there is, less than nothing, and one person twice."""
    for wanted, overlap in (
        ([("Ann", 60), ("Ben", 41)], 0),
        ([("Ann", -1)], 0),
        ([("Ann", 10)], 101),
        ([("Ann", 10), (" Ann ", 10)], 0),
    ):
        with pytest.raises(PeopleError):
            assign(EMPTY, wanted, overlap)


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Store]:
    """A project where Ann and Ben have each half of the queue of all samples, and decide all of it twice."""
    with create_project(tmp_path / "own.srt", CASES) as store:
        refresh(store)
        share_out(store, "all", [("Ann", 50), ("Ben", 50)], 100, "Ann")
        yield store


def test_sharing_out_is_kept_and_logged(project: Store) -> None:
    """The assignment reads back, and the log says who shared which queue out, how."""
    assert read_assignment(project, "all").percents() == {"Ann": 50.0, "Ben": 50.0}
    assert read_assignment(project, "all").share("Eve") is None
    assert read_assignment(project, "closest") is EMPTY
    event = events.events(project, events.EventFilter(kind="assign"), 1)[0]
    assert event.author == "Ann"
    assert event.context == {"queue": "all", "shares": {"Ann": 50.0, "Ben": 50.0}, "overlap": 100.0}


def test_two_who_share_out_at_once_move_buckets_one_after_the_other(project: Store) -> None:
    """Whatever two threads share out, what stands is the log replayed: none built on what the other had replaced."""
    wanted = {"Ann": [("Ann", 60.0), ("Ben", 40.0)], "Cy": [("Ben", 70.0), ("Cy", 30.0)]}
    start = threading.Barrier(len(wanted))

    def share_often(by: str) -> None:
        start.wait()
        for overlap in range(20):
            share_out(project, "all", wanted[by], overlap, by)

    with ThreadPoolExecutor() as pool:
        list(pool.map(share_often, wanted))
    replayed = EMPTY
    for event in reversed(events.events(project, events.EventFilter(kind="assign"), 100)):
        replayed = assign(replayed, list(event.context["shares"].items()), event.context["overlap"])
    assert read_assignment(project, "all") == replayed
    assert events.count_events(project, events.EventFilter(kind="assign")) == 1 + 40


def test_the_overlap_waits_for_each_whatever_others_decided(project: Store) -> None:
    """A sample of the overlap is open to Ben after Ann's decision, which he takes blind; then it waits for neither."""
    ann, ben = (read_assignment(project, "all").share(name) for name in ("Ann", "Ben"))
    assert ann is not None and ben is not None
    queue = review.QUEUES["all"]
    sample = sample_name(0)
    decisions.decide(project, Decision(sample, Action.REJECT, "Ann"), expected_event_id=None)
    assert review.place(project, queue, None).open == len(CASES) - 1
    assert review.place(project, review.shared(queue, ann), None).open == len(CASES) - 1
    assert review.place(project, review.shared(queue, ben), None).open == len(CASES)
    assert review.next_open(project, review.shared(queue, ben), None) == sample
    assert shares.is_blind(project, ben, sample) and not shares.is_blind(project, ann, sample)
    decision = Decision(sample, Action.CHOOSE, "Ben", Origin.ORIGINAL)
    with pytest.raises(DecisionError):
        decisions.decide(project, decision, expected_event_id=None)
    decisions.decide(project, decision, expected_event_id=None, is_blind=True)
    assert review.place(project, review.shared(queue, ben), None).open == len(CASES) - 1
    assert not shares.is_blind(project, ben, sample)
    assert {event.author for event in events.events(project, events.EventFilter(sample_id=sample), 9)} == {"Ann", "Ben"}
