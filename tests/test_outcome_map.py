"""A map over two dials: each cell is what the plain-Python rule says under that pair of values."""

import random
from collections.abc import Iterator

import pytest

from srt_core.errors import PolicyError
from srt_core.methods import DIALS
from srt_core.project.store import Store
from srt_core.records import Origin, Policy
from srt_core.select.compare import outcome_map
from srt_core.select.compare.outcome_map import VALUES, Fit, OutcomeMap, values_of
from srt_core.select.policy import with_settings
from tests import rule_oracle
from tests.rule_oracle import Case, Numbers
from tests.rule_project import create_project, sample_name

DRAW = random.Random(8)
CASES = [
    Case({origin: Numbers(DRAW.randrange(2, 12) / 8, DRAW.randrange(2, 12) / 8) for origin in Origin})
    for _ in range(120)
]
READ = {place: [origin for origin in Origin if DRAW.random() < 0.4] for place in range(0, 120, 4)}
"""Samples that were read, with the versions that may be trained on."""
BASE = Policy(require_response_reflection=False)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A project of these samples."""
    with create_project(tmp_path_factory.mktemp("map") / "p.srt", CASES) as store:
        yield store


def fit_of(store: Store) -> Fit:
    """What was read, by the samples' numbers and the ids of the versions."""
    rows = store.rows("SELECT seq, sample_id, origin, candidate_id FROM candidate JOIN sample USING (sample_id)")
    seqs = {row["sample_id"]: row["seq"] for row in rows}
    ids = {(row["sample_id"], row["origin"]): row["candidate_id"] for row in rows}
    return tuple(
        (seqs[sample_name(place)], tuple(ids[sample_name(place), origin] for origin in origins))
        for place, origins in READ.items()
    )


def map_of(store: Store, x: str, xs: list[float], y: str, ys: list[float], shown: str) -> OutcomeMap:
    fit = fit_of(store) if shown == "right" else None
    return outcome_map.outcome_map(store, BASE, (DIALS[x], xs), (DIALS[y], ys), fit)


PAIRS = [
    ("instruction_margin", [-0.25, 0.0, 0.25], "response_margin", [-0.125, 0.125]),
    ("max_ifd", [0.5, 1.0], "max_r_ifd", [0.5, 0.75, 1.25]),
    ("top_share", [10.0, 33.0, 100.0], "max_ifd", [0.75, 1.5]),
]


@pytest.mark.parametrize("shown", ["kept", "right"])
@pytest.mark.parametrize(("x", "xs", "y", "ys"), PAIRS)
def test_a_small_set_is_counted_whole(
    store: Store, x: str, xs: list[float], y: str, ys: list[float], shown: str
) -> None:
    """Every sample, or every one that was read, counts under every pair of values, row by row from the lowest y."""
    found = map_of(store, x, xs, y, ys, shown)
    rules = [[rule_oracle.select(CASES, with_settings(BASE, {x: across, y: up})) for across in xs] for up in ys]
    if shown == "kept":
        expected = [[sum(each.origin is not None for each in rule) for rule in row] for row in rules]
    else:
        expected = [[sum(_is_right(rule[place].origin, fit) for place, fit in READ.items()) for rule in row]
                    for row in rules]  # fmt: skip
    assert found.hits == expected
    assert found.samples == found.population == (len(CASES) if shown == "kept" else len(READ))
    assert (found.is_exact, found.margin) == (True, 0.0)


def _is_right(kept: Origin | None, fit: list[Origin]) -> bool:
    return kept in fit if kept else not fit


def test_a_large_set_is_drawn_from_and_says_so(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there are more samples than are looked at, the same ones are drawn each time, and the error is stated."""
    monkeypatch.setattr(outcome_map, "DRAWN", 20)
    found, again = (map_of(store, *PAIRS[0], shown="kept") for _ in range(2))
    assert found == again
    assert (found.samples, found.is_exact) == (20, False)
    of_all = len(CASES)
    assert found.population == of_all
    assert found.margin == pytest.approx(1.96 * (0.25 / 20 * (of_all - 20) / (of_all - 1)) ** 0.5, abs=1e-4)
    assert max(max(row) for row in found.hits) <= 20


def test_without_reads_there_is_no_share(store: Store) -> None:
    """A share of nothing is None in every cell."""
    found = outcome_map.outcome_map(store, BASE, (DIALS["max_ifd"], [0.5, 1.0]), (DIALS["max_r_ifd"], [0.5]), ())
    assert found.share() == [[None, None]]
    assert found.margin == 0.0


def test_an_impossible_value_is_refused(store: Store) -> None:
    """A map over values that no policy can have is an error in words."""
    with pytest.raises(PolicyError):
        map_of(store, "top_share", [0.0], "max_ifd", [1.0], "kept")


@pytest.mark.parametrize("name", outcome_map.MAPPED)
def test_the_values_of_a_dial_lie_on_its_steps(name: str) -> None:
    """Up to so many values from end to end, or between the ends asked for, each one that the slider can hit."""
    dial = DIALS[name]
    values = values_of(dial)
    steps = round((dial.high - dial.low) / dial.step)
    assert (values[0], values[-1], len(values)) == (dial.low, dial.high, min(VALUES, steps + 1))
    assert all(abs(value / dial.step - round(value / dial.step)) < 1e-6 for value in values)
    between = values_of(dial, dial.low + 2 * dial.step, dial.low + 5 * dial.step)
    assert between == pytest.approx([dial.low + place * dial.step for place in (2, 3, 4, 5)])
