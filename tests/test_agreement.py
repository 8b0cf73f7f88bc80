"""Two students are compared candidate by candidate, in numbers that were worked out here a second time."""

import random
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from srt_core.errors import SRTError
from srt_core.methods import PRESETS
from srt_core.project.store import Store
from srt_core.records import Origin, Policy
from srt_core.score.scorings import COMPARED
from srt_core.select import selection
from srt_core.select.compare.students import (
    Agreement,
    SameSelections,
    agreement,
    comparable,
    density,
    points,
    same_selections,
    shared_edges,
)
from srt_core.select.derive import refresh
from tests import rule_oracle
from tests.rule_oracle import Case, Numbers
from tests.rule_project import add_scoring, create_project

DRAW = random.Random(40)


def draw_number() -> float | None:
    """A score coarse enough for ties, or none."""
    return None if DRAW.random() < 0.1 else DRAW.randrange(2, 12) / 8


def draw_cases(number: int) -> list[Case]:
    """Samples with all four candidates."""
    return [Case({origin: Numbers(draw_number(), draw_number()) for origin in Origin}) for _ in range(number)]


ONE, OTHER = draw_cases(80), draw_cases(80)


def originals(*ifds: float | None) -> list[Case]:
    """Samples of an original alone, with these IFDs."""
    return [Case({Origin.ORIGINAL: Numbers(ifd, None)}) for ifd in ifds]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """Eighty samples scored by two students; the first is in use."""
    with create_project(tmp_path_factory.mktemp("agreement") / "p.srt", ONE) as store:
        add_scoring(store, "other", OTHER)
        yield store


def pairs_of(measure: str, origin: Origin | None = None) -> list[tuple[float, float]]:
    """The numbers of both students where both have one."""
    found = [
        (getattr(one.candidates[each], measure), getattr(other.candidates[each], measure))
        for one, other in zip(ONE, OTHER, strict=True)
        for each in Origin
        if origin in (None, each)
    ]
    return [pair for pair in found if None not in pair]


def ranks(numbers: Sequence[float]) -> list[float]:
    """The place of each number, counted from 1; equal ones share the mean of their places."""
    return [sum(n < number for n in numbers) + (sum(n == number for n in numbers) + 1) / 2 for number in numbers]


def spearman(pairs: Sequence[tuple[float, float]]) -> float:
    """Pearson's correlation of the ranks, from its definition."""
    one, other = (ranks(side) for side in zip(*pairs, strict=True))
    mean = (len(pairs) + 1) / 2
    together = sum((x - mean) * (y - mean) for x, y in zip(one, other, strict=True))
    apart = [sum((x - mean) ** 2 for x in side) for side in (one, other)]
    return float(together / (apart[0] * apart[1]) ** 0.5)


@pytest.mark.parametrize("measure", COMPARED)
def test_rho_is_the_correlation_of_the_ranks(store: Store, measure: str) -> None:
    """Spearman's rho over the candidates with both numbers, ties at their mean rank, whichever student comes first."""
    pairs = pairs_of(measure)
    for one, other in ((1, 2), (2, 1)):
        found = agreement(store, one, other, measure)
        assert found.candidates == len(pairs)
        assert found.rho == pytest.approx(spearman(pairs), abs=1e-12)


@pytest.mark.parametrize(
    ("other", "rho"), [((0.3, 0.4, 0.9, 0.95), 1.0), ((9.0, 8.0, 2.0, 0.1), -1.0), ((0.3, None, 0.1, 0.2), -0.5)]
)
def test_rho_looks_at_the_order_alone(tmp_path: Path, other: tuple[float | None, ...], rho: float) -> None:
    """The same order is 1 and the opposite order is -1, however far the numbers lie apart."""
    with create_project(tmp_path / "p.srt", originals(0.1, 0.2, 0.3, 0.4)) as store:
        number = add_scoring(store, "other", originals(*other))
        assert agreement(store, 1, number, "ifd").rho == pytest.approx(rho)


@pytest.mark.parametrize(
    ("one", "other", "candidates"),
    [
        ((0.1, 0.2, None), (0.1, 0.2, 0.3), 2),
        ((None, None, None), (0.1, 0.2, 0.3), 0),
        ((0.5, 0.5, 0.5), (0.1, 0.2, 0.3), 3),
        ((0.1, 0.2, 0.3), (0.5, 0.5, 0.5), 3),
    ],
)
def test_where_there_is_no_order_there_is_no_rho(
    tmp_path: Path, one: tuple[float | None, ...], other: tuple[float | None, ...], candidates: int
) -> None:
    """Fewer than three candidates, or a side that is the same for all, has no correlation: None, never 0 or NaN."""
    with create_project(tmp_path / "p.srt", originals(*one)) as store:
        number = add_scoring(store, "other", originals(*other))
        assert agreement(store, 1, number, "ifd") == Agreement(candidates, None)


def is_ruled_by_scores(policy: Policy) -> bool:
    """Whether a preset asks for nothing that these cases lack: an order of teachers, or what is counted in texts."""
    return not policy.producer and policy.limit("max_noise_phrases") is None


@pytest.mark.parametrize(
    "policy",
    [
        *filter(is_ruled_by_scores, PRESETS.values()),
        Policy("share", top_share=30.0, require_response_reflection=False).limited(max_ifd=None),
    ],
    ids=lambda policy: policy.name,
)
def test_selections_are_compared_under_the_applied_policy(store: Store, policy: Policy) -> None:
    """Both selections are the rule's own under each student, sample by sample."""
    selection.apply(store, policy, "Ann")
    picks = [[found.origin for found in rule_oracle.select(cases, policy)] for cases in (ONE, OTHER)]
    both = list(zip(*picks, strict=True))
    assert same_selections(store, 1, 2) == SameSelections(
        samples=80,
        same=sum(one is other for one, other in both),
        kept=sum(one is not None or other is not None for one, other in both),
        kept_same=sum(one is other is not None for one, other in both),
    )


def test_comparing_changes_nothing(store: Store) -> None:
    """Panel, selections and the scoring in use stay as they are."""
    refresh(store)
    tables = ("meta", "panel", "selection")
    before = [store.rows(f"FROM {table} ORDER BY ALL") for table in tables]
    same_selections(store, 2, 1)
    agreement(store, 2, 1, "ifd")
    assert [store.rows(f"FROM {table} ORDER BY ALL") for table in tables] == before


def test_points_are_the_candidates_of_each_origin(store: Store) -> None:
    """Every candidate with both numbers is a point of its origin: one student's number, then the other's."""
    found = points(store, 1, 2, "r_ifd")
    assert {origin: sorted(each) for origin, each in found.items()} == {
        origin: sorted(pairs_of("r_ifd", origin)) for origin in Origin
    }


def test_a_sample_of_the_points_is_always_the_same(store: Store) -> None:
    """Where there are more candidates than points, the chosen ones are some of all and do not change."""
    few, whole = points(store, 1, 2, "ifd", limit=50), points(store, 1, 2, "ifd")
    assert sum(map(len, few.values())) == 50
    assert few == points(store, 1, 2, "ifd", limit=50)
    assert all(set(few[origin]) <= set(whole[origin]) for origin in Origin)


@pytest.mark.parametrize("measure", COMPARED)
def test_cells_count_the_pairs_between_their_edges(store: Store, measure: str) -> None:
    """A cell holds the candidates whose two numbers lie in its column and in its row; the last takes its upper edge."""
    edges = [0.0, 0.5, 1.0, 1.375]

    def place(number: float) -> int:
        return 0 if number < 0.5 else 1 if number < 1.0 else 2

    wanted = [[0] * 3 for _ in range(3)]
    for x, y in pairs_of(measure):
        wanted[place(y)][place(x)] += 1
    assert density(store, 1, 2, measure, edges) == wanted


def test_edges_span_the_numbers_of_both(tmp_path: Path) -> None:
    """Both axes have the same edges, from the lowest to the highest number of either student."""
    with create_project(tmp_path / "p.srt", originals(0.2, 0.3, None)) as store:
        number = add_scoring(store, "other", originals(0.9, 0.7, 2.0))
        edges = shared_edges(store, 1, number, "ifd", bins=2)
        assert shared_edges(store, 1, number, "r_ifd") == []
    assert edges == pytest.approx([0.2, 0.55, 0.9])


def test_only_scorings_of_one_convention_are_offered(tmp_path: Path) -> None:
    """Pairs to compare are those with scores and of one convention."""
    with create_project(tmp_path / "p.srt", originals(0.1)) as store:
        assert comparable(store) == []
        reference = [add_scoring(store, student, originals(0.2), "reference") for student in ("a", "b")]
        aligned = add_scoring(store, "c", originals(0.2))
        add_scoring(store, "not scored yet", [])
        assert comparable(store) == [(1, aligned), (reference[0], reference[1])]


def test_two_conventions_are_never_compared(tmp_path: Path) -> None:
    """Comparing scorings of different conventions, or one that is not there, or by no measure, is refused in words."""
    with create_project(tmp_path / "p.srt", originals(0.1)) as store:
        number = add_scoring(store, "other", originals(0.2), "reference")
        for compare in (
            lambda: agreement(store, 1, number, "ifd"),
            lambda: points(store, 1, number, "ifd"),
            lambda: same_selections(store, 1, number),
        ):
            with pytest.raises(SRTError, match="Scoring 1 has the convention aligned, scoring 2 has reference"):
                compare()
        with pytest.raises(SRTError, match="There is no scoring 9"):
            agreement(store, 1, 9, "ifd")
        with pytest.raises(SRTError, match="There is no measure loss_y"):
            agreement(store, 1, 1, "loss_y")
