"""The statistics of paired differences, against textbooks and against the coverage of simulated experiments."""

import math
import random
from statistics import fmean

import pytest
from scipy.stats import ttest_1samp

from srt_core.project.intervals import paired, units_needed

SLEEP = [1.2, 2.4, 1.3, 1.3, 0.0, 1.0, 1.8, 0.8, 4.6, 1.4]
"""Student's own ten differences of hours of sleep (Biometrika 6, 1908)."""


def table(
    units: int, seeds: int, mean: float, spreads: tuple[float, float, float], draw: random.Random
) -> list[list[float]]:
    of_units, of_seeds, of_rest = spreads
    seed = [draw.gauss(0, of_seeds) for _ in range(seeds)]
    return [
        [mean + unit + each + draw.gauss(0, of_rest) for each in seed]
        for unit in (draw.gauss(0, of_units) for _ in range(units))
    ]


def test_one_seed_is_students_own_example() -> None:
    """With one seed the interval is that of Student's t: 1.58 hours, from 0.70 to 2.46."""
    found = paired([[each] for each in SLEEP])
    expected = ttest_1samp(SLEEP, 0).confidence_interval()
    assert found.mean == pytest.approx(1.58)
    assert found.over_units is not None
    assert (found.over_units.low, found.over_units.high) == pytest.approx((expected.low, expected.high))
    assert (found.over_seeds, found.over_both, found.is_found) == (None, None, True)


def test_a_table_by_hand() -> None:
    """Two units under two seeds: means, and mean squares 4, 1 and 0, worked out on paper."""
    found = paired([[0.0, 1.0], [2.0, 3.0]])
    assert (found.mean, found.units, found.by_seed) == (1.5, 2, (1.0, 2.0))
    assert found.over_both is not None and found.over_seeds is not None
    # MS of units 4, of seeds 1, of the rest 0: variance 5/4, degrees of freedom 25/17
    assert found.over_both.high - 1.5 > found.over_seeds.high - 1.5 > 0
    with pytest.raises(ValueError, match="a row a unit"):
        paired([[1.0], [1.0, 2.0]])
    assert paired([[1.0]]).widest is None


@pytest.mark.parametrize("spreads", [(1.0, 0.0, 0.0), (1.0, 0.3, 0.5), (0.2, 0.5, 0.2)])
def test_the_interval_over_both_covers_what_it_says(spreads: tuple[float, float, float]) -> None:
    """Over 2,000 simulated experiments of 3 seeds the true difference lies outside in about 5 %, never in many more."""
    draw, missed, alone = random.Random(3), 0, 0
    for _ in range(2_000):
        found = paired(table(20, 3, 0.4, spreads, draw))
        assert found.over_both is not None and found.over_units is not None
        missed += not found.over_both.low <= 0.4 <= found.over_both.high
        alone += not found.over_units.low <= 0.4 <= found.over_units.high
    assert missed <= 0.07 * 2_000
    assert (alone > 0.1 * 2_000) == (spreads[1] > 0)  # which is why pairs alone are not enough


def test_so_many_pairs_find_it_in_80_of_100() -> None:
    """With the number of units said, a difference of that size is found in about 80 % of 2,000 repetitions."""
    first = [[0.3 + math.sin(place)] for place in range(40)]
    found, needed = paired(first), units_needed(first)
    assert needed is not None
    spread = math.sqrt(sum((row[0] - found.mean) ** 2 for row in first) / (len(first) - 1))
    draw = random.Random(5)
    hits = [paired([[draw.gauss(found.mean, spread)] for _ in range(needed)]).is_found for _ in range(2_000)]
    assert fmean(hits) == pytest.approx(0.8, abs=0.03)
    assert units_needed([[0.0], [0.0]]) is None


def test_seeds_that_differ_much_cannot_be_made_up_by_pairs() -> None:
    """Where the seeds alone hide a difference, no number of pairs is said to find it."""
    seen = table(50, 2, 0.05, (0.1, 1.0, 0.1), random.Random(2))
    assert (paired(seen).is_found, units_needed(seen)) == (False, None)
