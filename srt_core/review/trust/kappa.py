"""How far two curators agree beyond chance: Cohen's kappa over the samples that both decided.

Each curator's own last decision on a sample counts, whoever decided it after; not if it was undone, parked, or made in
bulk. One curator may have seen what the other decided, so this is no measure of two blind readers.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import NormalDist

from srt_core.project.events import IS_BULK
from srt_core.project.intervals import CONFIDENCE, Interval
from srt_core.project.store import Store

Table = Mapping[tuple[str, str], int]
"""Samples by what the first and what the second curator gave."""

NONE = "none"
"""The category of a rejection."""

# A category is an origin; an edit is one of its own, since the text as it stood was not right. Where producers made
# several candidates of one origin, each place among them is one.
_PAIRS = f"""
WITH last AS (
    SELECT decided_by(author, context) AS author, sample_id, kind, origin, candidate_id
    FROM decision WHERE NOT {IS_BULK}
    QUALIFY row_number() OVER (PARTITION BY decided_by(author, context), sample_id ORDER BY event_id DESC) = 1
), shared AS (
    SELECT * FROM last WHERE kind <> 'park'
    QUALIFY count(*) OVER (PARTITION BY sample_id) > 1
), place AS (
    SELECT candidate_id, row_number() OVER (PARTITION BY sample_id, origin ORDER BY candidate_id) AS place
    FROM candidate WHERE sample_id IN (SELECT sample_id FROM shared)
), given AS (
    SELECT author, sample_id,
           CASE WHEN kind = 'reject' THEN 'none' WHEN candidate_id IS NULL THEN 'repaired ' || origin
                WHEN kind = 'edit' THEN 'edited ' || origin
                WHEN place = 1 THEN origin ELSE origin || ' ' || place END AS category
    FROM shared LEFT JOIN place USING (candidate_id)
)
SELECT one.author AS one, other.author AS other, one.category AS of_one, other.category AS of_other,
       count(*) AS samples
FROM given AS one JOIN given AS other ON one.sample_id = other.sample_id AND one.author < other.author
GROUP BY ALL ORDER BY ALL
"""


@dataclass(frozen=True, slots=True)
class Kappa:
    """Observed agreement and kappa of n samples. None where undefined: no sample, or all in one category."""

    n: int
    observed: float | None
    kappa: float | None
    error: float | None
    """The large-sample standard error."""

    def interval(self, confidence: float = CONFIDENCE) -> Interval | None:
        """Return the large-sample interval; None where kappa is, and where all agree, for it then says nothing."""
        if self.kappa is None or not self.error:
            return None
        half = NormalDist().inv_cdf((1 + confidence) / 2) * self.error
        return Interval(max(-1.0, self.kappa - half), min(1.0, self.kappa + half))


@dataclass(frozen=True, slots=True)
class Pairing:
    """Two curators, on which version (or none) a sample gets, and on whether it is kept at all."""

    one: str
    other: str
    version: Kappa
    keep: Kappa


def pairings(store: Store) -> list[Pairing]:
    """Compare each two curators that decided a sample in common, those with the most in common first."""
    tables: dict[tuple[str, str], dict[tuple[str, str], int]] = defaultdict(dict)
    for row in store.rows(_PAIRS):
        tables[row["one"], row["other"]][row["of_one"], row["of_other"]] = row["samples"]
    found = [Pairing(*pair, cohen(table), cohen(_kept(table))) for pair, table in tables.items()]
    return sorted(found, key=lambda pairing: -pairing.version.n)


def cohen(table: Table) -> Kappa:
    """Return Cohen's kappa of a table (Educ. Psychol. Meas. 20, 1960).

    Its standard error is that of Fleiss, Cohen and Everitt (Psychol. Bull. 72, 1969), not of the null hypothesis.
    """
    n = sum(table.values())
    if not n:
        return Kappa(0, None, None, None)
    shares = {cell: samples / n for cell, samples in table.items()}
    rows, columns = _margins(shares)
    observed = sum(share for (one, other), share in shares.items() if one == other)
    by_chance = sum(share * columns[name] for name, share in rows.items())
    if math.isclose(by_chance, 1.0):
        return Kappa(n, observed, None, None)
    kappa = (observed - by_chance) / (1 - by_chance)
    rest = 1 - kappa
    squares = sum(
        share * ((one == other) - (columns[one] + rows[other]) * rest) ** 2 for (one, other), share in shares.items()
    )
    variance = squares - (kappa - by_chance * rest) ** 2
    return Kappa(n, observed, kappa, math.sqrt(max(variance, 0.0) / n) / (1 - by_chance))


def _margins(shares: Mapping[tuple[str, str], float]) -> tuple[dict[str, float], dict[str, float]]:
    rows: dict[str, float] = defaultdict(float)
    columns: dict[str, float] = defaultdict(float)
    for (one, other), share in shares.items():
        rows[one] += share
        columns[other] += share
    return rows, columns


def _kept(table: Table) -> Table:
    """Fold all versions into one category."""
    folded: Counter[tuple[str, str]] = Counter()
    for (one, other), samples in table.items():
        folded[NONE if one == NONE else "kept", NONE if other == NONE else "kept"] += samples
    return folded
