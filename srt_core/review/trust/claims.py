"""From readings to claims: counts, interval and sentence. Pure functions, without the store.

A claim is of the population that was drawn from. What is drawn and not read counts against the claim at both ends: as
wrong at the lower, as right at the upper. So it holds wherever reading stops, and a sample that is hard to judge cannot
be passed over.

Every look at samples that were drawn from before spends a part of the doubt, 1/2, 1/6, 1/12 ... of it, which sum to
less than the whole: what is stated holds over all looks together, whatever was tried before (Bonferroni).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from srt_core.project.intervals import CONFIDENCE, Interval, Share
from srt_core.records import counted
from srt_core.review.trust.readings import Outcome, Reads, count

FIXED_BEFORE = (
    "The interval holds for a policy that was fixed before these reads. Limits that were chosen by looking at the same "
    "reads seem better than they are; an audit drawn afterwards of what the rule keeps judges them."
)


def confidence_of(look: int, confidence: float = CONFIDENCE) -> float:
    """Return the confidence at which a look (from 1) is judged, so that all looks together have `confidence`."""
    return 1 - (1 - confidence) / (look * (look + 1))


@dataclass(frozen=True, slots=True)
class Claim:
    """What random reads say of a population under one rule."""

    reads: Reads
    population: int
    look: int = 1
    """The how-manieth look at overlapping populations it is."""
    confidence: float = CONFIDENCE
    """Over all looks together."""

    @property
    def interval(self) -> Interval | None:
        """The exact interval (Clopper and Pearson) of the share of the population that is right; None: none drawn."""
        reads = self.reads
        if not reads.drawn:
            return None
        if reads.drawn == self.population:
            return Interval(reads.right / reads.drawn, (reads.right + reads.open) / reads.drawn)
        level = confidence_of(self.look, self.confidence)
        low, high = (Share(hits, reads.drawn).exact(level) for hits in (reads.right, reads.right + reads.open))
        return Interval(low.low, high.high) if low and high else None

    def sentence(self, of: str) -> str:
        """Say it of a population: "Of what the rule keeps, between 88 and 97 of 100 are right, by 120 random reads"."""
        interval = self.interval
        if interval is None or not self.reads.read:
            return f"Of {of} nothing is known yet: no random reads."
        low, high = _of_hundred(interval)
        reads = counted(self.reads.read, "random read")
        said = f"Of {of}, between {low} and {high} of 100 are right, by {reads}"
        if self.reads.open:
            said += f"; {self.reads.open:,} more drawn and not read, or parked since, count as wrong at the lower end"
        return f"{said}."


def _of_hundred(interval: Interval) -> tuple[str, str]:
    """Write an interval in whole numbers of a hundred, rounded outwards, so that it claims no more than it has.

    Near an end of the scale, where a whole number would say little, one more digit is kept.
    """
    low, high = interval.low * 100, interval.high * 100
    fine_low, fine_high = (10 if end > 99 or end < 1 else 1 for end in (low, high))
    return (
        f"{math.floor(round(low * fine_low, 6)) / fine_low:g}",
        f"{math.ceil(round(high * fine_high, 6)) / fine_high:g}",
    )


def claim(outcomes: Sequence[Outcome], population: int, look: int = 1, confidence: float = CONFIDENCE) -> Claim:
    """Make the claim of outcomes of samples that were drawn at random from a population, each of them once."""
    return Claim(count(outcomes), population, look, confidence)


@dataclass(frozen=True, slots=True)
class Far:
    """A drawn sample's distance to the nearest limit that decided (None: none did), and its outcome."""

    closeness: float | None
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Suggestion:
    """The smallest distance to a limit from which on the rule is right as often as wanted.

    It was chosen on one half of the reads and is judged on the other, so that its interval is honest.
    """

    closeness: float
    chosen: Reads
    judged: Claim


STEP = 0.005
"""The grid of distances of `suggest`."""


def suggest(drawn: Sequence[Far], wanted: float, population: int, look: int = 1) -> Suggestion | None:
    """Choose the smallest distance on the odd places of a draw, and judge it on the even ones; None where none does.

    Args:
        drawn: in the random order of the draw.
        wanted: the share right that the samples at this distance or more are to have, between 0 and 1.
        population: what was drawn from.
        look: as in Claim.
    """
    halves = drawn[::2], drawn[1::2]
    reached = [far for far in halves[0] if far.closeness is not None]
    steps = sorted({step_of(far.closeness) for far in reached if far.closeness is not None})
    for step in [0, *(step + 1 for step in steps)]:
        chosen = count(_from(halves[0], step))
        if chosen.read and chosen.right >= wanted * chosen.drawn:
            return Suggestion(step * STEP, chosen, claim(_from(halves[1], step), population, look))
    return None


def step_of(closeness: float) -> int:
    """Return the step of the grid that a distance reaches."""
    return int(round(closeness / STEP, 6))


def _from(half: Sequence[Far], step: int) -> list[Outcome]:
    return [far.outcome for far in half if far.closeness is not None and step_of(far.closeness) >= step]
