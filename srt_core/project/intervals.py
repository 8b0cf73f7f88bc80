"""Proportions and paired differences: intervals, sample sizes and limits of an audit. Numbers in, numbers out.

An audit draws n of N without replacement and counts w wrong. What it says is about the N - n that nobody looked at:
"at most the share p of the rest is wrong". With K wrong in all, K - w are in the rest, and K is tested by the exact
hypergeometric chance of at most w wrong. For p = 0.03 at 95 % and none wrong that takes 99 of 12,078: 98 are enough
for "at most 3 % of all 12,078", but then 362 wrong in the other 11,980 are 3.02 %. The binomial takes 99 too.

A paired difference is measured on n units (pairs, or conversations) under S seeds, each unit under each seed:

    d[i][s] = mu + unit[i] + seed[s] + rest[i][s]          crossed random effects, none of them seen

The interval over units holds for other units and these very students; that over seeds for other students and these
units; that over both for either (mean squares, with the degrees of freedom of Satterthwaite, Biometrics 2, 1946, and
never narrower than the other two). All assume that units, and seeds, are drawn at random and independent, and that
their means are near normal.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from statistics import fmean, variance

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


@dataclass(frozen=True, slots=True)
class Rate:
    """A rate with its interval."""

    estimate: float
    interval: Interval


def rate_at_equal_length(wins: Sequence[bool], lengths: Sequence[float], confidence: float = CONFIDENCE) -> Rate | None:
    """Return how often one side would win if both were equally long; None where all comparisons end alike.

    A logistic regression of wins on the logarithm of the ratio of lengths, as tanh of it over its deviation, like
    AlpacaEval's (arXiv 2404.04475), with a weak prior on the slope, so that it ends where length tells all. The
    interval is Wald's, of the intercept.
    """
    from scipy.optimize import minimize
    from scipy.stats import norm

    if len(set(wins)) != len((True, False)):
        return None
    spread = math.sqrt(variance(lengths)) or 1.0
    signs = [(1 if won else -1, math.tanh(each / spread)) for won, each in zip(wins, lengths, strict=True)]

    def cost(given: Sequence[float]) -> float:
        odds = [sign * (given[0] + given[1] * length) for sign, length in signs]
        return sum(math.log1p(math.exp(-each)) if each > -30 else -each for each in odds) + 0.05 * given[1] ** 2

    at, slope = (float(each) for each in minimize(cost, [0.0, 0.0]).x)
    weights = [(share * (1 - share), x) for _, x in signs for share in [_logistic(at + slope * x)]]
    whole, mixed = sum(each for each, _ in weights), sum(each * x for each, x in weights)
    square = sum(each * x * x for each, x in weights) + 0.1
    half = float(norm.ppf((1 + confidence) / 2)) * math.sqrt(square / (whole * square - mixed**2))
    return Rate(_logistic(at), Interval(_logistic(at - half), _logistic(at + half)))


def _logistic(x: float) -> float:
    return 1 / (1 + math.exp(-x))


POWER, MOST_UNITS = 0.8, 10_000_000


@dataclass(frozen=True, slots=True)
class Paired:
    """The mean of paired differences, with its intervals; None where there are too few units or seeds for one."""

    mean: float
    units: int
    by_seed: tuple[float, ...]
    """The mean under each seed."""
    over_units: Interval | None
    over_seeds: Interval | None
    over_both: Interval | None

    @property
    def widest(self) -> Interval | None:
        """The interval that tells whether a difference was found: over both, where there are seeds for it."""
        return self.over_both or self.over_units

    @property
    def is_found(self) -> bool:
        """Whether that interval leaves out 0."""
        interval = self.widest
        return interval is not None and not interval.low <= 0 <= interval.high


def paired(differences: Sequence[Sequence[float]], confidence: float = CONFIDENCE) -> Paired:
    """Return the mean of differences, a row a unit and a column a seed, with its intervals.

    ValueError for no unit, or rows of different lengths.
    """
    if not differences or len({len(row) for row in differences}) != 1 or not differences[0]:
        raise ValueError("differences must be a table with a row a unit and a column a seed")
    units, seeds = [fmean(row) for row in differences], [fmean(column) for column in zip(*differences, strict=True)]
    mean = fmean(units)
    spread = _Squares.of(differences, units, seeds).variance(len(units))
    over_units = _around(mean, variance(units) / len(units), len(units) - 1, confidence) if len(units) > 1 else None
    over_seeds = _around(mean, variance(seeds) / len(seeds), len(seeds) - 1, confidence) if len(seeds) > 1 else None
    return Paired(
        mean,
        len(units),
        tuple(seeds),
        over_units,
        over_seeds,
        _widest(over_units, over_seeds, _around(mean, *spread, confidence)) if over_units and over_seeds else None,
    )


def units_needed(differences: Sequence[Sequence[float]], confidence: float = CONFIDENCE) -> int | None:
    """Return with how many units a difference of the size seen would be found in 80 % of repetitions.

    With as many seeds as there are. None where no number of units is enough, or the difference is 0 or of one unit.
    """
    found = paired(differences, confidence)
    if found.units == 1 or not found.mean:
        return None
    units, seeds = [fmean(row) for row in differences], [fmean(column) for column in zip(*differences, strict=True)]
    return _units_needed(found.mean, _Squares.of(differences, units, seeds), confidence)


def _widest(*intervals: Interval) -> Interval:
    return max(intervals, key=lambda each: each.high - each.low)


@dataclass(frozen=True, slots=True)
class _Squares:
    """The components of variance of a crossed table: of units, of seeds, and the rest; S seeds."""

    seeds: int
    of_units: float
    of_seeds: float
    of_rest: float

    @classmethod
    def of(cls, table: Sequence[Sequence[float]], units: Sequence[float], seeds: Sequence[float]) -> "_Squares":
        """Estimate them by mean squares; with one seed the rest is not told from units."""
        n, number = len(units), len(seeds)
        between = variance(units) if n > 1 else 0.0
        if number == 1 or n == 1:
            return cls(number, between, 0.0, 0.0)
        mean = fmean(units)
        rest = sum(
            (value - unit - seed + mean) ** 2
            for row, unit in zip(table, units, strict=True)
            for value, seed in zip(row, seeds, strict=True)
        ) / ((n - 1) * (number - 1))
        return cls(number, max(0.0, between - rest / number), max(0.0, variance(seeds) - rest / n), rest)

    def variance(self, n: int) -> tuple[float, float]:
        """Return the variance of the mean of n units, and its degrees of freedom."""
        number = self.seeds
        if number == 1:
            return self.of_units / n, n - 1
        units, seeds = number * self.of_units + self.of_rest, n * self.of_seeds + self.of_rest
        total = units + seeds - self.of_rest
        parts = units**2 / max(1, n - 1) + seeds**2 / (number - 1) + self.of_rest**2 / max(1, (n - 1) * (number - 1))
        return total / (n * number), total**2 / parts if parts else n - 1


def _around(mean: float, spread: float, freedom: float, confidence: float) -> Interval:
    from scipy.stats import t

    half = float(t.ppf((1 + confidence) / 2, freedom)) * math.sqrt(spread)
    return Interval(mean - half, mean + half)


def _units_needed(mean: float, squares: _Squares, confidence: float) -> int | None:
    low, high = 1, 2
    while _power(mean, *squares.variance(high), confidence) < POWER:
        low, high = high, 2 * high
        if high > MOST_UNITS:
            return None
    while high - low > 1:
        middle = (low + high) // 2
        enough = _power(mean, *squares.variance(middle), confidence) >= POWER
        low, high = (low, middle) if enough else (middle, high)
    return high


def _power(mean: float, spread: float, freedom: float, confidence: float) -> float:
    """Return how often a difference of `mean` is found: the noncentral t beyond its limits."""
    from scipy.stats import nct, norm, t

    if not spread:
        return 1.0
    limit, shift = float(t.ppf((1 + confidence) / 2, freedom)), abs(mean) / math.sqrt(spread)
    if freedom > 2_000 or shift > 30:
        return float(norm.sf(limit - shift) + norm.cdf(-limit - shift))
    return float(nct.sf(limit, freedom, shift) + nct.cdf(-limit, freedom, shift))


def percent(share: float) -> str:
    """Write a share as a person would say it: "3 %", "2.97 %"."""
    return f"{share * 100:.3g} %"
