"""Cohen's kappa: textbook values, its error by the delta method, and the pairs from the log in plain Python."""

import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from srt_core.project.store import Store
from srt_core.records import Action, Decision, Origin
from srt_core.review import decisions
from srt_core.review.trust.kappa import Kappa, cohen, pairings
from tests.deciding import create_decided_project, made_decisions
from tests.rule_oracle import Case, Numbers
from tests.rule_project import create_project

Cells = Mapping[tuple[str, str], float]


def kappa_of(shares: Cells) -> float:
    names = {name for cell in shares for name in cell}
    rows = {name: sum(share for (one, _), share in shares.items() if one == name) for name in names}
    columns = {name: sum(share for (_, other), share in shares.items() if other == name) for name in names}
    total = sum(shares.values())
    observed = sum(share for (one, other), share in shares.items() if one == other) / total
    by_chance = sum(rows[name] * columns[name] for name in names) / total**2
    return (observed - by_chance) / (1 - by_chance)


def error_by_slopes(table: Mapping[tuple[str, str], int]) -> float:
    """The delta method: the slope of kappa in every cell, found by small steps, under multinomial sampling."""
    n = sum(table.values())
    shares = {cell: count / n for cell, count in table.items()}
    slopes = {}
    for cell in shares:
        up, down = dict(shares), dict(shares)
        up[cell] += 1e-6
        down[cell] -= 1e-6
        slopes[cell] = (kappa_of(up) - kappa_of(down)) / 2e-6
    mean = sum(shares[cell] * slopes[cell] for cell in shares)
    return math.sqrt(sum(shares[cell] * slopes[cell] ** 2 for cell in shares) - mean**2) / math.sqrt(n)


def test_kappa_of_a_textbook() -> None:
    """50 proposals of which 20 get two yes and 15 two no: kappa is 0.4."""
    found = cohen({("yes", "yes"): 20, ("yes", "no"): 5, ("no", "yes"): 10, ("no", "no"): 15})
    assert (found.n, found.observed) == (50, 0.7)
    assert found.kappa == pytest.approx(0.4)


def test_the_error_of_the_paper() -> None:
    """Fleiss, Cohen and Everitt (1969): kappa 0.429 with a variance of 0.002885 in their table of 200."""
    percent = {"aa": 53, "ab": 5, "ac": 2, "ba": 11, "bb": 14, "bc": 5, "ca": 1, "cb": 6, "cc": 3}
    found = cohen({(cell[0], cell[1]): share * 2 for cell, share in percent.items()})
    assert found.kappa == pytest.approx(0.429, abs=5e-4)
    assert found.error
    assert found.error**2 == pytest.approx(0.002885, abs=5e-6)


@given(st.dictionaries(st.tuples(st.sampled_from("abcd"), st.sampled_from("abcd")), st.integers(1, 50), min_size=3))
@settings(max_examples=60, deadline=None)
def test_kappa_and_its_error_are_those_of_the_definition(table: dict[tuple[str, str], int]) -> None:
    """On any table kappa is that of the shares and its error that of the delta method."""
    found = cohen(table)
    n = sum(table.values())
    if found.kappa is None or found.error is None:
        assert len({name for cell in table for name in cell}) == 1
        return
    assert found.kappa == pytest.approx(kappa_of({cell: count / n for cell, count in table.items()}))
    assert found.error == pytest.approx(error_by_slopes(table), abs=1e-5)


def test_where_kappa_is_not_defined_it_is_none() -> None:
    """Of no sample, and of samples that are all in one category, there is no kappa; agreement is known."""
    assert cohen({}) == Kappa(0, None, None, None)
    assert cohen({("a", "a"): 7}) == Kappa(7, 1.0, None, None)


def test_full_agreement_has_no_interval() -> None:
    """The large-sample error is 0 where all agree, which would claim certainty from two samples."""
    found = cohen({("a", "a"): 1, ("b", "b"): 1})
    assert (found.kappa, found.interval()) == (1.0, None)
    assert cohen({}).interval() is None


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A project in which three people decided in every way."""
    with create_decided_project(tmp_path_factory.mktemp("kappa") / "p.srt", 100, seed=9) as store:
        yield store


def assert_same(one: Kappa, other: Kappa) -> None:
    assert one.n == other.n
    assert one.observed == pytest.approx(other.observed)
    assert one.kappa == pytest.approx(other.kappa)
    assert one.error == pytest.approx(other.error)


def test_pairs_are_each_curators_own_last_decisions(store: Store) -> None:
    """Each pair's table is that of both curators' own last single decisions, whoever decided after them."""
    own: dict[str, dict[str, str]] = defaultdict(dict)
    for made in made_decisions(store):
        if "bulk" not in made.context:
            said = f"edited {made.origin}" if made.action == "edit" else str(made.origin)
            own[made.author][made.sample] = made.action if made.action in ("park", "reject") else said
    found = {(pair.one, pair.other): pair for pair in pairings(store)}
    seen = 0
    for one, other in combinations(sorted(own), 2):
        both = [
            (own[one][name], own[other][name])
            for name in own[one].keys() & own[other].keys()
            if "park" not in (own[one][name], own[other][name])
        ]
        if both:
            seen += 1
            assert_same(found[one, other].version, cohen(Counter(both)))
            keeps = Counter((str(a == "reject"), str(b == "reject")) for a, b in both)
            assert_same(found[one, other].keep, cohen(keeps))
    assert seen == len(found) == 3
    sizes = [pair.version.n for pair in pairings(store)]
    assert sizes == sorted(sizes, reverse=True)


def test_two_candidates_of_one_origin_are_two_categories(tmp_path: Path) -> None:
    """Curators who take the responses of two teachers do not agree on the version, only on keeping it."""
    case = Case({Origin.ORIGINAL: Numbers(0.5, 0.75), Origin.RESPONSE: Numbers(0.5, 0.5)})
    with create_project(tmp_path / "p.srt", [case]) as store:
        with store.transaction() as tx:
            tx.execute(
                "INSERT INTO candidate (sample_id, origin, producer, instruction, input, response) "
                "VALUES ('s0', 'RESPONSE', 'two', 'Do it.', '', 'Other.')"
            )
        keys = [row["candidate_id"] for row in store.rows("FROM candidate WHERE origin = 'RESPONSE' ORDER BY ALL")]
        event_id = None
        for author, key in zip(("ann", "bob"), keys, strict=True):
            decision = Decision("s0", Action.CHOOSE, author, Origin.RESPONSE, candidate_id=key)
            event_id = decisions.decide(store, decision, expected_event_id=event_id)
        pair = pairings(store)[0]
    assert (pair.version.observed, pair.keep.observed) == (0.0, 1.0)
