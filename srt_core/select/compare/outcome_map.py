"""A map over two dials: what the rule keeps, or how often it is right, for each pair of their values.

The rule runs under all policies of the grid at once, over every sample of a small set, else over a sample of them that
is drawn by a hash of their numbers: always the same one of a project, and unrelated to what is in it.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from srt_core.methods import DIALS, Dial
from srt_core.project.store import Row, Store
from srt_core.records import Policy
from srt_core.select.derive import refresh
from srt_core.select.policy import with_settings
from srt_core.select.selection import rule_of_each

Fit = Sequence[tuple[int, tuple[int, ...]]]
"""Samples that were read, by number, with their versions that may be trained on."""

VALUES = 15
"""Values of each dial."""
DRAWN = 10_000
"""Samples that are looked at where there are more."""
MAPPED = tuple(dial.name for dial in DIALS.values() if dial.kind in ("number", "limit"))
"""The dials that can span a map."""

_Z = 1.959964


@dataclass(frozen=True, slots=True)
class OutcomeMap:
    """A share in each cell of a grid, and how many samples it was counted over."""

    x: Sequence[float]
    y: Sequence[float]
    hits: Sequence[Sequence[int]]
    """[y][x]: of `samples`, those that are kept, or on which the rule is right."""
    samples: int
    population: int
    """All samples there are to count: the project's, or those that were read."""

    @property
    def is_exact(self) -> bool:
        """Whether every sample was counted."""
        return self.samples == self.population

    @property
    def margin(self) -> float:
        """Half the 95 % interval of a share at its widest, of a draw without replacement; 0 where it is exact."""
        if self.is_exact or not self.samples:
            return 0.0
        left = (self.population - self.samples) / (self.population - 1)
        return _Z * math.sqrt(0.25 / self.samples * left)

    def share(self) -> list[list[float | None]]:
        """Return the share in each cell; None where there is no sample."""
        return [[hits / self.samples if self.samples else None for hits in row] for row in self.hits]


def values_of(dial: Dial, low: float | None = None, high: float | None = None) -> list[float]:
    """Spread VALUES values of a dial, on its steps, from `low` to `high` (None: the end of the dial)."""
    first, last = (end if end is not None else default for end, default in ((low, dial.low), (high, dial.high)))
    spread = [first + (last - first) * place / (VALUES - 1) for place in range(VALUES)]
    return sorted({round(round(value / dial.step) * dial.step, 6) for value in spread})


def outcome_map(
    store: Store,
    policy: Policy,
    x: tuple[Dial, Sequence[float]],
    y: tuple[Dial, Sequence[float]],
    fit: Fit | None = None,
) -> OutcomeMap:
    """Count over the grid of two dials' values, all else as in `policy`, what is kept, or where `fit` is right.

    The rule is right where it keeps a version that may be trained on, or leaves out a sample that has none.
    PolicyError for an impossible value.
    """
    refresh(store)
    wide = len(x[1])
    grid = [with_settings(policy, {x[0].name: across, y[0].name: up}) for up in y[1] for across in x[1]]
    # A share is one of all samples, read or not.
    drawn = _draw(store) if fit is None or any(each.takes_share for each in grid) else []
    drawn = sorted({*drawn, *(seq for seq, _ in fit or ())})
    hits, samples = [0] * len(grid), 0
    for row in _counted(store, grid, fit, drawn):
        hits[row["policy"]], samples = row["hits"], row["samples"]
    rows = [hits[first : first + wide] for first in range(0, len(hits), wide)]
    of_all = int(store.value("SELECT count(*) FROM selection")) if fit is None else len(fit)
    return OutcomeMap(list(x[1]), list(y[1]), rows, samples, of_all)


def _draw(store: Store) -> list[int]:
    rows = store.rows("SELECT seq FROM selection ORDER BY hash(seq), seq LIMIT ?", [DRAWN])
    return [row["seq"] for row in rows]


def _counted(store: Store, policies: Sequence[Policy], fit: Fit | None, drawn: Sequence[int]) -> list[Row]:
    rule = rule_of_each(store, policies, drawn)
    if fit is None:
        sql = f"SELECT policy, count(*) AS samples, count(origin) AS hits FROM ({rule.sql}) GROUP BY policy"
        return store.rows(sql, rule.values)
    values = {"read": [seq for seq, _ in fit], "fit": [list(versions) for _, versions in fit]}
    return store.rows(
        f"""SELECT policy, count(*) AS samples,
                   count(*) FILTER (if(candidate_id IS NULL, len(fit) = 0, list_contains(fit, candidate_id))) AS hits
            FROM ({rule.sql})
                JOIN (SELECT unnest($read::BIGINT[]) AS seq, unnest($fit::BIGINT[][]) AS fit) USING (seq)
            GROUP BY policy""",
        {**rule.values, **values},
    )
