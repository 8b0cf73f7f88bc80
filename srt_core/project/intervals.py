"""Proportions: intervals, sample sizes and limits of an audit. Numbers in, numbers out.

An audit draws n of N without replacement and counts w wrong. What it says is about the N - n that nobody looked at:
"at most the share p of the rest is wrong". With K wrong in all, K - w are in the rest, and K is tested by the exact
hypergeometric chance of at most w wrong. For p = 0.03 at 95 % and none wrong that takes 99 of 12,078: 98 are enough
for "at most 3 % of all 12,078", but then 362 wrong in the other 11,980 are 3.02 %. The binomial takes 99 too.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Interval:
    """The two ends of a confidence interval of a proportion (or of kappa)."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Share:
    """`hits` of `n`. The estimate and the intervals are None where there is nothing to divide by."""

    hits: int
    n: int

    @property
    def estimate(self) -> float | None:
        """The proportion."""
        return self.hits / self.n if self.n else None

    def exact(self, confidence: float = CONFIDENCE) -> Interval | None:
        """Return the interval of Clopper and Pearson (Biometrika 26, 1934): never covers less than it says."""
        from scipy.special import betaincinv

        if not self.n:
            return None
        tail = (1 - confidence) / 2
        low = float(betaincinv(self.hits, self.n - self.hits + 1, tail)) if self.hits else 0.0
        high = float(betaincinv(self.hits + 1, self.n - self.hits, 1 - tail)) if self.hits < self.n else 1.0
        return Interval(low, high)


def needed(bound: float, confidence: float, allowed: int = 0, population: int | None = None) -> int:
    """Return how many samples an audit has to draw to say that at most `bound` of the rest is wrong.

    It says so if at most `allowed` of them are wrong. Binomial where `population` is None, else exact for a draw
    without replacement; the whole population where no smaller draw will do. ValueError where a share is not in (0, 1).
    """
    share, doubt = _shares(bound, confidence)
    if population is None:
        return _needed_of_many(bound, float(doubt), allowed)
    if allowed >= population:
        return population
    for tolerated in range(math.floor(share * population), -1, -1):
        last = population - math.ceil(tolerated / share)  # the rest of draws up to this one holds `tolerated` in bound
        if _is_rare(allowed, last, tolerated + 1 + allowed, population, doubt):
            first = max(allowed, population - math.ceil((tolerated + 1) / share))  # a draw that is not enough
            return _first_rare(allowed, first, last, tolerated + 1 + allowed, population, doubt)
    return population


def most_wrong(wrong: int, n: int, population: int, confidence: float) -> int:
    """Return the upper limit of how many of a population are wrong, after `wrong` of the n drawn from it were."""
    _, doubt = _shares(0.5, confidence)
    low, high = wrong, population - n + wrong
    while low < high:
        middle = (low + high + 1) // 2
        if _is_rare(wrong, n, middle, population, doubt):
            high = middle - 1
        else:
            low = middle
    return low


def _shares(bound: float, confidence: float) -> tuple[Fraction, Fraction]:
    """Return the bound and the doubt left as the decimals that a person wrote."""
    if not (0 < bound < 1 and 0 < confidence < 1):
        raise ValueError(f"bound {bound} and confidence {confidence} must lie between 0 and 1")
    return Fraction(str(bound)), 1 - Fraction(str(confidence))


def _needed_of_many(bound: float, doubt: float, allowed: int) -> int:
    from scipy.special import bdtr

    low, high = allowed, allowed + 1
    while bdtr(allowed, high, bound) > doubt:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if bdtr(allowed, middle, bound) <= doubt else (middle, high)
    return high


def _is_rare(most: int, n: int, wrong: int, population: int, doubt: Fraction) -> bool:
    """Whether n of a population with `wrong` wrong have at most `most` wrong with a chance of at most `doubt`."""
    if wrong > population:
        return True
    few, many = sorted((n, wrong))  # the chance is the same with the two exchanged, and the numbers are smaller
    ways = sum(_ways(few, many, population, most))
    return ways * doubt.denominator <= doubt.numerator * math.comb(population, few)


def _ways(n: int, wrong: int, population: int, most: int) -> Iterator[int]:
    """Return in how many ways n of a population hold each number wrong up to `most`, from the smallest there can be."""
    found = max(0, n - (population - wrong))
    ways = math.comb(wrong, found) * math.comb(population - wrong, n - found)
    while found <= min(most, n, wrong):
        yield ways
        ways = ways * (wrong - found) * (n - found) // ((found + 1) * (population - wrong - n + found + 1))
        found += 1


def _first_rare(most: int, low: int, high: int, wrong: int, population: int, doubt: Fraction) -> int:
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if _is_rare(most, middle, wrong, population, doubt) else (middle, high)
    return high


def percent(share: float) -> str:
    """Write a share as a person would say it: "3 %", "2.97 %"."""
    return f"{share * 100:.3g} %"
