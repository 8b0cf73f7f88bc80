"""Several policies side by side: what each keeps, and how alike they are.

Nothing is stored. Each policy is the rule bound to its own parameters; all are counted over the same samples.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from srt_core.methods import REASONS
from srt_core.project.store import Query, Row, Store
from srt_core.records import Origin, Policy, Reason
from srt_core.select.derive import refresh
from srt_core.select.selection import rule_of

MOST = 5
"""Policies that can stand side by side and still be read."""


@dataclass(slots=True)
class Mean:
    """A mean over the samples that have a number."""

    total: float = 0.0
    samples: int = 0

    @property
    def value(self) -> float | None:
        """The mean; None where no sample has a number."""
        return self.total / self.samples if self.samples else None

    def add(self, total: float | None, samples: int) -> None:
        """Take in the sum over so many samples."""
        self.total += total or 0.0
        self.samples += samples


@dataclass(slots=True)
class Outcome:
    """What one policy keeps and drops, in samples."""

    policy: Policy
    by_origin: dict[Origin, int] = field(default_factory=lambda: dict.fromkeys(Origin, 0))
    by_reason: dict[str, int] = field(default_factory=lambda: dict.fromkeys(REASONS, 0))
    ifd: Mean = field(default_factory=Mean)
    """Of what is kept, as `r_ifd` and `growth`."""
    r_ifd: Mean = field(default_factory=Mean)
    growth: Mean = field(default_factory=Mean)
    """How many times as long as the original's the response of a kept rewrite is."""

    @property
    def kept(self) -> int:
        """Samples of which a candidate is kept."""
        return self.by_reason[Reason.KEPT]


@dataclass(frozen=True, slots=True)
class SideBySide:
    """Policies in the order asked for, and for how many samples two of them have the same outcome."""

    samples: int
    outcomes: Sequence[Outcome]
    same: Sequence[Sequence[int]]
    """Under policies i and j: the same candidate, or none."""


def side_by_side(store: Store, policies: Sequence[Policy]) -> SideBySide:
    """Compare policies over the whole set; PolicyError where one of them cannot be."""
    refresh(store)
    rules = [rule_of(store, policy, tag=f"_{place}") for place, policy in enumerate(policies)]
    outcomes = [Outcome(policy) for policy in policies]
    for place, rule in enumerate(rules):
        for row in _counted(store, rule):
            _add(outcomes[place], row)
    samples = sum(outcomes[0].by_reason.values()) if outcomes else 0
    return SideBySide(samples, outcomes, _same(store, rules, samples))


_MEANS = ("ifd", "r_ifd", "growth")


def _counted(store: Store, rule: Query) -> list[Row]:
    sums = ", ".join(f"sum(winner_{name}) AS {name}, count(winner_{name}) AS with_{name}" for name in _MEANS)
    return store.rows(
        f"SELECT winner, reason, count(*) AS samples, {sums} FROM ({rule.sql}) GROUP BY ALL",
        rule.values,
    )


def _add(outcome: Outcome, row: Row) -> None:
    outcome.by_reason[row["reason"]] += row["samples"]
    if row["reason"] == Reason.KEPT:
        outcome.by_origin[Origin(row["winner"])] += row["samples"]
        for name in _MEANS:
            getattr(outcome, name).add(row[name], row[f"with_{name}"])


def _same(store: Store, rules: Sequence[Query], samples: int) -> list[list[int]]:
    """Count for each two rules the samples with the same outcome, all pairs in one statement."""
    places = range(len(rules))
    pairs = [(i, j) for i in places for j in places if i < j]
    same = [[samples if i == j else 0 for j in places] for i in places]
    if not pairs:
        return same
    picks = " JOIN ".join(
        f"(SELECT seq, candidate_id AS pick_{place} FROM ({rule.sql})){' USING (seq)' if place else ''}"
        for place, rule in enumerate(rules)
    )
    counts = ", ".join(f"count(*) FILTER (pick_{i} IS NOT DISTINCT FROM pick_{j})" for i, j in pairs)
    values = {name: value for rule in rules for name, value in rule.values.items()}
    found = store.rows(f"SELECT {counts} FROM {picks}", values)[0].values()
    for (i, j), number in zip(pairs, found, strict=True):
        same[i][j] = same[j][i] = number
    return same
