"""Two students side by side: do they rank the candidates alike, and would they select the same?

Nothing is stored. Only scorings of one convention are compared: the numbers of two conventions mean different things.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from srt_core.errors import SRTError
from srt_core.project.bins import count_grid, spread_bins
from srt_core.project.store import Store
from srt_core.records import Origin
from srt_core.score.scorings import COMPARED
from srt_core.select.policy import applied_policy
from srt_core.select.selection import rule_of

FEWEST = 3
"""Candidates that it takes to speak of a correlation."""
POINTS = 2_000
"""Candidates of which a chart can draw each one."""

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Agreement:
    """How alike two scorings rank the candidates that both gave a number."""

    candidates: int
    rho: float | None
    """Spearman's, from -1 to 1; None for fewer than FEWEST candidates, or where one side is the same for all."""


@dataclass(frozen=True, slots=True)
class SameSelections:
    """How often two scorings select the same under the applied policy, in samples."""

    samples: int
    same: int
    """With the same outcome: the same candidate, or none."""
    kept: int
    """Of which at least one scoring keeps a candidate."""
    kept_same: int
    """Of which both keep the same candidate."""


def comparable(store: Store) -> list[tuple[int, int]]:
    """List the pairs of scorings that can be compared: both have scores, and of one convention."""
    rows = store.rows(
        """WITH scored AS (SELECT scoring_id, convention FROM scoring
                           WHERE EXISTS (FROM score WHERE score.scoring_id = scoring.scoring_id))
           SELECT one.scoring_id AS one, other.scoring_id AS other FROM scored AS one JOIN scored AS other
           ON one.convention = other.convention AND one.scoring_id < other.scoring_id ORDER BY ALL"""
    )
    return [(row["one"], row["other"]) for row in rows]


def agreement(store: Store, one: int, other: int, measure: str) -> Agreement:
    """Compare how two scorings rank the candidates by `measure` (of COMPARED); equal numbers share their mean rank.

    SRTError for a scoring that is not there, and for two of different conventions.
    """
    pairs, values = _pairs(store, one, other, measure)
    found = store.rows(
        f"""WITH pairs AS ({pairs}), ranked AS (
                SELECT rank() OVER (ORDER BY x) + (count(*) OVER (PARTITION BY x) - 1) / 2 AS x_rank,
                       rank() OVER (ORDER BY y) + (count(*) OVER (PARTITION BY y) - 1) / 2 AS y_rank FROM pairs
            )
            SELECT count(*) AS candidates,
                   CASE WHEN count(*) >= $fewest AND min(x_rank) < max(x_rank) AND min(y_rank) < max(y_rank)
                        THEN corr(x_rank, y_rank) END AS rho
            FROM ranked""",
        {**values, "fewest": FEWEST},
    )
    return Agreement(**found[0])


def same_selections(store: Store, one: int, other: int) -> SameSelections:
    """Run the rule under both scorings with the applied policy, and count where they agree. SRTError as `agreement`.

    A sample that one of them has not scored is left out by it, as it would be with that scoring in use.
    """
    _check_comparable(store, one, other)
    policy = applied_policy(store)
    first, second = (rule_of(store, policy, number, tag=f"_{number}") for number in (one, other))
    found = store.rows(
        f"""SELECT count(*) AS samples,
                   count(*) FILTER (one.origin IS NOT DISTINCT FROM other.origin) AS same,
                   count(*) FILTER (one.origin IS NOT NULL OR other.origin IS NOT NULL) AS kept,
                   count(*) FILTER (one.origin = other.origin) AS kept_same
            FROM ({first.sql}) AS one JOIN ({second.sql}) AS other USING (seq)""",
        first.values | second.values,
    )
    return SameSelections(**found[0])


def points(store: Store, one: int, other: int, measure: str, limit: int = POINTS) -> dict[Origin, list[Point]]:
    """Read both scorings' `measure` of at most `limit` candidates, by origin: always the same ones of a project."""
    pairs, values = _pairs(store, one, other, measure)
    rows = store.rows(
        f"""SELECT origin, x, y FROM ({pairs}) JOIN candidate USING (candidate_id)
            ORDER BY hash(candidate_id), candidate_id LIMIT $limit""",
        {**values, "limit": limit},
    )
    found: dict[Origin, list[Point]] = {origin: [] for origin in Origin}
    for row in rows:
        found[Origin(row["origin"])].append((row["x"], row["y"]))
    return found


def shared_edges(store: Store, one: int, other: int, measure: str, bins: int = 50) -> list[float]:
    """Return bins + 1 edges over the middle 99 % of both scorings' numbers together; [] where they share none."""
    pairs, values = _pairs(store, one, other, measure)
    return spread_bins(store, f"SELECT x, y FROM ({pairs})", bins, values)


def density(store: Store, one: int, other: int, measure: str, edges: Sequence[float]) -> list[list[int]]:
    """Count candidates by one scoring's `measure` (columns) and the other's (rows) in the bins of both: [y][x]."""
    pairs, values = _pairs(store, one, other, measure)
    return count_grid(store, pairs, values, edges, edges)


def _pairs(store: Store, one: int, other: int, measure: str) -> tuple[str, dict[str, object]]:
    """Return the SELECT of the candidates with a number from both scorings, as x and y, and its parameters."""
    if measure not in COMPARED:
        raise SRTError(f"There is no measure {measure}.", f"Choose from: {', '.join(COMPARED)}.")
    _check_comparable(store, one, other)
    return (
        f"""SELECT candidate_id, one.{measure} AS x, other.{measure} AS y
            FROM score AS one JOIN score AS other USING (candidate_id)
            WHERE one.scoring_id = $one AND other.scoring_id = $other
                  AND one.{measure} IS NOT NULL AND other.{measure} IS NOT NULL""",
        {"one": one, "other": other},
    )


def _check_comparable(store: Store, one: int, other: int) -> None:
    conventions = [_convention(store, scoring_id) for scoring_id in (one, other)]
    if conventions[0] != conventions[1]:
        raise SRTError(
            f"Scoring {one} has the convention {conventions[0]}, scoring {other} has {conventions[1]}: "
            "their numbers cannot be compared.",
            "Choose two of one convention, or score again in that of the other.",
        )


def _convention(store: Store, scoring_id: int) -> str:
    found = store.value("SELECT convention FROM scoring WHERE scoring_id = ?", [scoring_id])
    if found is None:
        raise SRTError(f"There is no scoring {scoring_id}.", "Choose one of those listed.")
    return str(found)
