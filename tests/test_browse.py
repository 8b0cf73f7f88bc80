"""A filter, its count, its pages, its distributions and its bulk actions are all about the same samples."""

import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from srt_core.errors import SRTError
from srt_core.project.store import Store
from srt_core.records import Action, Decision, Origin
from srt_core.review import decisions
from srt_core.review.filter import facets
from srt_core.review.filter.filter import Filter, membership
from srt_core.review.filter.own import OwnCondition
from srt_core.review.filter.page import read_page
from tests.browsing import sample_ids
from tests.rule_oracle import Case, Numbers
from tests.rule_project import create_project

DRAW = random.Random(7)
CASES = [
    Case({origin: Numbers(DRAW.random() * 1.2, DRAW.random() * 1.2) for origin in (Origin.ORIGINAL, Origin.RESPONSE)})
    for _ in range(60)
]
EDGES = [place / 10 for place in range(13)]
FILTERS = [
    Filter(),
    Filter(winner_ranges=(("ifd", 0.2, 0.8),)),
    Filter(reason=("kept",)),
    Filter(winner=("RESPONSE",), winner_ranges=(("r_ifd", 0.0, 0.9),)),
    Filter(origin_ranges=(("ifd", "ORIGINAL", 0.3, 0.9),)),
    Filter(winner_ranges=(("drift", 0.4, 0.6),)),
    Filter(winner_ranges=(("growth", 1.5, 3),)),
    Filter(
        origin_ranges=(
            ("drift", "RESPONSE", 0.8, 1),
            ("growth", "RESPONSE", 0, 1),
        )
    ),
    Filter(state=("rejected",)),
    Filter(text="odd"),
    Filter(problem=("truncated", "duplicate")),
    Filter(own=(OwnCondition('so"urce', ("web", "book")),)),
    Filter(own=(OwnCondition("votes", ends=(1.0, 2.0)), OwnCondition("ti~/tle", contains="BIRD (1"))),
]


def fill(path: Path) -> Store:
    """Every other response is odd, every third row is from the web, every fifth a duplicate; three are rejected."""
    store = create_project(path, CASES)
    with store.transaction() as tx:
        tx.execute("UPDATE candidate SET response = 'ODD one' WHERE candidate_id % 4 = 1")
        tx.execute(
            """UPDATE sample SET extra = json_object(
                   'so"urce', 'web', 'votes', seq % 4, 'ti~/tle', 'a bird (' || (seq % 2) || ')') WHERE seq % 3 = 0"""
        )
        tx.execute(
            "UPDATE candidate SET drift = candidate_id % 3 / 2, growth = candidate_id % 4 WHERE origin = 'RESPONSE'"
        )
        tx.execute("UPDATE sample SET duplicate_of = 's0' WHERE seq % 5 = 0")
        tx.bump()
    for name in ("s1", "s4", "s9"):
        decisions.decide(store, Decision(name, Action.REJECT, "ann"), expected_event_id=None)
    return store


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A project that tests only look at."""
    with fill(tmp_path_factory.mktemp("browse") / "p.srt") as store:
        yield store


@pytest.mark.parametrize("only", FILTERS, ids=str)
def test_count_and_pages_hold_the_same_samples(store: Store, only: Filter) -> None:
    """The pages of a filter joined hold as many different samples as its count says, and none where it says none."""
    total = facets.count(store, only)
    pages = [read_page(store, only, "number", 7, at) for at in range(0, total + 7, 7)]
    names = [row.sample_id for page in pages for row in page]
    assert 0 < total == len(set(names)) == len(names)
    assert names == sample_ids(store, only, "number", total)


@pytest.mark.parametrize("only", FILTERS, ids=str)
def test_a_bulk_action_decides_as_many_as_were_counted(tmp_path: Path, only: Filter) -> None:
    """What the buttons announce is what approving, then rejecting the rest of a filter decides."""
    with fill(tmp_path / "p.srt") as store:
        where, values = membership(store, only)
        announced = facets.count_undecided(store, only)
        approved = decisions.decide_all(store, where, values, Action.APPROVE, "ann", "test")
        rejected = decisions.decide_all(store, where, values, Action.REJECT, "ann", "test")
        assert (approved, approved + rejected) == (announced.picks, announced.samples)


@pytest.mark.parametrize("only", FILTERS, ids=str)
def test_a_histogram_counts_the_candidates_of_the_filter(store: Store, only: Filter) -> None:
    """A histogram over all numbers counts each scored candidate of the filter's samples once."""
    counts = facets.count_in_bins(store, "ifd", EDGES, only)
    total = facets.count(store, only)
    assert [sum(counts[origin]) for origin in (Origin.ORIGINAL, Origin.RESPONSE, Origin.BOTH)] == [total, total, 0]


def test_a_density_counts_the_samples_of_the_filter(store: Store) -> None:
    """A density over all numbers counts each sample once, in the cell of its winner."""
    grid = facets.count_in_grid(store, EDGES, EDGES, Filter())
    assert sum(map(sum, grid)) == len(CASES)
    assert len(grid) == len(grid[0]) == len(EDGES) - 1


def test_bins_span_the_scores(store: Store) -> None:
    """The edges ascend, are one more than the bins, and hold the scores but for the outermost."""
    edges = facets.bin_edges(store, "ifd", bins=20)
    counts = facets.count_in_bins(store, "ifd", edges, Filter())
    assert edges == sorted(edges)
    assert len(edges) == 21
    assert sum(map(sum, counts.values())) >= 0.97 * 2 * len(CASES)


def test_without_scores_there_are_no_bins(tmp_path: Path) -> None:
    """Where no candidate has a number there is nothing to bin."""
    with create_project(tmp_path / "p.srt", [Case({Origin.ORIGINAL: Numbers(None, None)})]) as store:
        assert facets.bin_edges(store, "r_ifd") == []


def test_one_score_makes_bins(tmp_path: Path) -> None:
    """A single number lies in one of the bins around it."""
    with create_project(tmp_path / "p.srt", [Case({Origin.ORIGINAL: Numbers(0.5, 0.5)})]) as store:
        edges = facets.bin_edges(store, "ifd", bins=4)
        assert sum(facets.count_in_bins(store, "ifd", edges, Filter())[Origin.ORIGINAL]) == 1


def test_drift_and_growth_are_those_of_the_winner_and_an_original_has_none(store: Store) -> None:
    """A range holds for the rewrite that won; in both orders the largest comes first and originals come last."""
    of_samples = {row.sample_id: row for row in read_page(store, Filter(), "number", 100, 0)}
    for panel in store.rows("FROM panel"):
        row = of_samples[panel["sample_id"]]
        rewritten = row.selection.winner is Origin.RESPONSE
        expected = (panel["response_drift"], panel["response_growth"]) if rewritten else (None, None)
        assert (row.winner["drift"], row.winner["growth"]) == expected
        assert panel["response_drift"] is not None
    orders = {"drift": "drift of the winner, high first", "growth": "length change of the winner, high first"}
    for name, sort in orders.items():
        listed = [of_samples[key].winner[name] for key in sample_ids(store, Filter(), sort, 100)]
        numbers = [number for number in listed if number is not None]
        assert listed == sorted(numbers, reverse=True) + [None] * (len(listed) - len(numbers))
        assert 3 < len(numbers) < len(listed)
    names = set(sample_ids(store, Filter(winner_ranges=(("drift", 0.5, 1),)), "number", 100))
    assert names == {key for key, row in of_samples.items() if (row.winner["drift"] or 0) >= 0.5}


def test_a_histogram_of_drift_counts_rewrites(store: Store) -> None:
    """Every rewrite is counted, and no original."""
    counts = facets.count_in_bins(store, "drift", [0, 0.5, 1], Filter())
    assert {origin: sum(bins) for origin, bins in counts.items() if any(bins)} == {Origin.RESPONSE: len(CASES)}


def test_what_no_filter_knows_is_refused(store: Store) -> None:
    """An unknown state, order or measure is said, not passed over."""
    for call in (
        lambda: facets.count(store, Filter(state=("lost",))),
        lambda: read_page(store, Filter(), "by luck", 1, 0),
        lambda: facets.count_in_bins(store, "luck", EDGES, Filter()),
        lambda: facets.count(store, Filter(origin_ranges=(("drift", "ORIGINAL", 0, 1),))),
    ):
        with pytest.raises(SRTError):
            call()


def test_conditions_hold_together(store: Store) -> None:
    """Two conditions take the samples that both take."""
    one, other = Filter(winner_ranges=(("ifd", 0.2, 0.8),)), Filter(reason=("kept",))
    names = [set(sample_ids(store, only, "number", 100)) for only in (one, other)]
    both = sample_ids(store, replace(one, reason=other.reason), "number", 100)
    assert set(both) == names[0] & names[1]
