"""The statistics of proportions, against sums over every case and against values from textbooks."""

import math
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from srt_core.project.intervals import Share, most_wrong, needed


def chance(most: int, n: int, wrong: int, population: int) -> Fraction:
    """P(at most `most` wrong among n drawn), factor by factor."""
    total = Fraction(0)
    for found in range(min(most, n, wrong) + 1):
        term = Fraction(math.comb(n, found))
        for place in range(n):
            left = wrong - place if place < found else population - wrong - (place - found)
            term *= Fraction(max(left, 0), population - place)
        total += term
    return total


def tail(hits: int, n: int, share: Fraction) -> Fraction:
    """P(at least `hits` of n) of the binomial, summed."""
    return sum(
        (math.comb(n, k) * share**k * (1 - share) ** (n - k) for k in range(hits, n + 1)),
        start=Fraction(0),
    )


@given(st.integers(1, 60).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
@settings(max_examples=50, deadline=None)
def test_exact_limits_are_where_the_tails_are_rare(case: tuple[int, int]) -> None:
    """At each end of the exact interval the tail beyond what was seen has a chance of 2.5 %."""
    hits, n = case
    found = Share(hits, n).exact()
    assert found is not None
    assert found.low == 0.0 if hits == 0 else float(tail(hits, n, Fraction(found.low))) == pytest.approx(0.025)
    high = float(1 - tail(hits + 1, n, Fraction(found.high)))
    assert found.high == 1.0 if hits == n else high == pytest.approx(0.025)


def test_exact_limits_of_a_textbook() -> None:
    """15 of 20 have the exact limits 0.5090 and 0.9134; 0 of 10 has 0 and 0.3085 (Fleiss, Levin, Paik)."""
    found, none = Share(15, 20).exact(), Share(0, 10).exact()
    assert found
    assert none
    assert (found.low, found.high) == pytest.approx((0.5090, 0.9134), abs=5e-5)
    assert (none.low, none.high) == pytest.approx((0.0, 0.3085), abs=5e-5)


def test_of_nothing_there_is_no_share() -> None:
    """With nothing to divide by, estimate and intervals are None and not 0."""
    assert (Share(0, 0).estimate, Share(0, 0).exact()) == (None, None)


def test_the_sample_of_the_well_known_rule() -> None:
    """At most 3 % wrong at 95 % takes 99 with none wrong, 157 with one, 208 with two; 59 say at most 5 %."""
    assert [needed(0.03, 0.95, wrong) for wrong in range(3)] == [99, 157, 208]
    assert needed(0.05, 0.95) == 59
    assert needed(0.01, 0.99) == 459


def test_a_claim_about_the_rest_takes_one_more_than_one_about_all() -> None:
    """Of 12,078, 98 are enough to say that at most 3 % of all are wrong, 99 that at most 3 % of the rest are."""
    assert chance(0, 98, math.floor(0.03 * 12_078) + 1, 12_078) <= Fraction(1, 20)
    assert chance(0, 98, math.floor(0.03 * 11_980) + 1, 12_078) > Fraction(1, 20)
    assert needed(0.03, 0.95, population=12_078) == 99


@given(
    st.sampled_from([0.03, 0.05, 0.1, 0.29]),
    st.sampled_from([0.8, 0.9, 0.95]),
    st.integers(0, 2),
    st.integers(1, 150),
)
@settings(max_examples=40, deadline=None)
def test_the_needed_sample_is_the_smallest_that_holds(
    bound: float, confidence: float, allowed: int, population: int
) -> None:
    """No smaller draw refutes that more than the bound of the rest is wrong; where none does, all are drawn."""
    share, doubt = Fraction(str(bound)), 1 - Fraction(str(confidence))

    def holds(n: int) -> bool:
        wrong = math.floor(share * (population - n)) + 1 + allowed
        return wrong > population or chance(allowed, n, wrong, population) <= doubt

    expected = next((n for n in range(allowed + 1, population) if holds(n)), population)
    assert needed(bound, confidence, allowed, population) == expected


def test_a_share_out_of_range_is_refused() -> None:
    """A bound or a confidence outside of 0 to 1 has no sample size."""
    for bound, confidence in ((0.0, 0.95), (1.0, 0.95), (0.03, 1.0)):
        with pytest.raises(ValueError, match="between 0 and 1"):
            needed(bound, confidence)


@given(st.integers(1, 40).flatmap(lambda n: st.tuples(st.just(n), st.integers(1, n), st.integers(0, 3))))
@settings(max_examples=40, deadline=None)
def test_the_upper_limit_is_the_largest_number_wrong_that_is_not_refuted(case: tuple[int, int, int]) -> None:
    """Of all numbers wrong that what was seen does not make rare, the limit is the largest."""
    population, n, wrong = case
    wrong = min(wrong, n)
    possible = range(wrong, population - n + wrong + 1)
    expected = max(k for k in possible if chance(wrong, n, k, population) > Fraction(1, 20))
    assert most_wrong(wrong, n, population, 0.95) == expected
