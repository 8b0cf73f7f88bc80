"""From readings to outcomes: was the rule right on a drawn sample? A pure function, without the store."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from srt_core.records import Action


class Outcome(StrEnum):
    """What a drawn sample says of a rule's pick."""

    RIGHT = "right"
    """The version that the rule keeps may be trained on; or it leaves the sample out, and no version may be."""
    WRONG = "wrong"
    OPEN = "open"
    """Nobody read it, somebody parked it since, or the version that the rule keeps came after the reading."""


@dataclass(frozen=True, slots=True)
class Later:
    """The standing decision on a sample where it is a single one and was made after the last reading."""

    action: Action
    candidate_id: int | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """The last blind reading of a sample: the versions (candidate ids) as shown, and those that may be trained on."""

    shown: tuple[int, ...]
    marked: tuple[int, ...]
    later: Later | None = None


def fit_versions(reading: Reading) -> tuple[int, ...] | None:
    """Return the versions that may be trained on, by the reading and the decision after it; None while it is parked.

    A decision replaces the reading where it contradicts it: it keeps a version that was not marked, or leaves out what
    was. An edit says that the version it was made of was not right as it stood.
    """
    later = reading.later
    if later is None:
        return reading.marked
    match later.action:
        case Action.PARK:
            return None
        case Action.REJECT:
            return ()
        case Action.EDIT:
            return tuple(version for version in reading.marked if version != later.candidate_id)
    if later.candidate_id is None or later.candidate_id in reading.marked:
        return reading.marked
    return (later.candidate_id,)


def outcome(reading: Reading | None, pick: int | None) -> Outcome:
    """Judge what a rule keeps of a sample (None: it leaves it out) by its reading (None: nobody read it)."""
    fit = fit_versions(reading) if reading else None
    if reading is None or fit is None:
        return Outcome.OPEN
    if pick is None:
        return Outcome.WRONG if fit else Outcome.RIGHT
    if pick in fit:
        return Outcome.RIGHT
    return Outcome.WRONG if pick in reading.shown else Outcome.OPEN


@dataclass(frozen=True, slots=True)
class Reads:
    """Drawn samples by outcome."""

    right: int = 0
    wrong: int = 0
    open: int = 0

    @property
    def drawn(self) -> int:
        """All of them, read or not."""
        return self.right + self.wrong + self.open

    @property
    def read(self) -> int:
        """Those that were read."""
        return self.right + self.wrong

    @property
    def share(self) -> float | None:
        """The share right of those that were read; None before any was."""
        return self.right / self.read if self.read else None

    def __add__(self, other: "Reads") -> "Reads":
        """Add two groups of drawn samples."""
        return Reads(self.right + other.right, self.wrong + other.wrong, self.open + other.open)


def count(outcomes: Iterable[Outcome]) -> Reads:
    """Count outcomes."""
    counts = dict.fromkeys(Outcome, 0)
    for each in outcomes:
        counts[each] += 1
    return Reads(counts[Outcome.RIGHT], counts[Outcome.WRONG], counts[Outcome.OPEN])
