"""Counts over a filter: how many samples, how their measures are spread, and what a filter can choose from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from srt_core.project.bins import count_bins, count_grid, spread_bins
from srt_core.project.store import Store
from srt_core.records import Origin
from srt_core.review.filter.filter import Filter, check_measure, filter_condition, origin_column, origins_of
from srt_core.review.verdicts import ROWS
from srt_core.select.derive import refresh


def count(store: Store, only: Filter) -> int:
    """Count the samples of a filter."""
    where, values = filter_condition(store, only)
    return int(store.value(f"SELECT count(*) FROM {ROWS} WHERE {where}", values))


@dataclass(frozen=True, slots=True)
class Undecided:
    """How many samples of a filter nobody has decided, and for how many of them the rule has a pick."""

    samples: int
    picks: int


def count_undecided(store: Store, only: Filter) -> Undecided:
    """Count what a bulk action on a filter would decide: approve takes `picks`, reject and park take `samples`."""
    where, values = filter_condition(store, only)
    sql = f"SELECT count(*) AS samples, count(origin) AS picks FROM {ROWS} WHERE NOT decided AND ({where})"
    return Undecided(**store.rows(sql, values)[0])


def count_marked(store: Store, only: Filter) -> dict[str, int]:
    """Count the samples of a filter by quality mark; a mark that none of them has is left out."""
    where, values = filter_condition(store, only)
    sql = f"""SELECT mark, count(*) AS samples FROM mark
        WHERE seq IN (SELECT seq FROM {ROWS} WHERE {where}) GROUP BY mark"""
    return {row["mark"]: row["samples"] for row in store.rows(sql, values)}


def count_in_bins(store: Store, measure: str, edges: Sequence[float], only: Filter) -> dict[Origin, list[int]]:
    """Count candidates by `measure` (of RANGES) and origin in the bins between `edges` (one count per bin).

    A bin takes its lower edge and not its upper; the last takes both. Candidates outside or without a number are
    not counted.
    """
    where, values = filter_condition(store, only)
    return count_bins(store, f"SELECT {_of_origins(measure)} FROM {ROWS} WHERE {where}", values, edges)


def bin_edges(store: Store, measure: str, bins: int = 50) -> list[float]:
    """Return bins + 1 edges over the middle 99 % of all candidates' `measure`; [] where none has a number."""
    refresh(store)
    key = "edges", measure, bins, store.meta("selection_key")
    return store.remember(key, lambda: spread_bins(store, f"SELECT {_of_origins(measure)} FROM panel", bins))


def count_in_grid(
    store: Store,
    x_edges: Sequence[float],
    y_edges: Sequence[float],
    only: Filter,
    x: str = "ifd",
    y: str = "r_ifd",
) -> list[list[int]]:
    """Count samples by two measures of the winner (of RANGES) in the bins between the edges: [y][x]."""
    for measure in (x, y):
        check_measure(measure)
    where, values = filter_condition(store, only)
    pairs = f"SELECT winner_{x} AS x, winner_{y} AS y FROM {ROWS} WHERE {where}"
    return count_grid(store, pairs, values, x_edges, y_edges)


def _of_origins(measure: str) -> str:
    check_measure(measure)
    if not origins_of(measure):  # what a sample has is drawn as its original's
        return f"{measure} AS {Origin.ORIGINAL}"
    return ", ".join(f"{origin_column(origin, measure)} AS {origin}" for origin in origins_of(measure))


_CHOICES: Mapping[str, str] = {
    "language": "SELECT language AS value, '' AS said FROM kind GROUP BY language ORDER BY count(*) DESC, language",
    "cluster": "SELECT cluster::VARCHAR AS value, words AS said FROM cluster ORDER BY cluster",
    "producer": f"""SELECT DISTINCT producer AS value, '' AS said FROM candidate
        WHERE origin <> '{Origin.ORIGINAL}' ORDER BY 1""",
    "author": "SELECT DISTINCT author AS value, '' AS said FROM standing ORDER BY ALL",
    "failure": "SELECT DISTINCT reason AS value, '' AS said FROM reflection WHERE status <> 'accepted' ORDER BY ALL",
    "tag": "SELECT tag AS value, '' AS said FROM tag GROUP BY tag ORDER BY count(*) DESC, tag",
    "because": """SELECT context ->> 'because' AS value, '' AS said FROM standing JOIN event USING (event_id)
        WHERE kind = 'reject' AND value IS NOT NULL GROUP BY value ORDER BY count(*) DESC, value""",
    "imported": "SELECT import_id::VARCHAR AS value, parse_filename(path) AS said FROM import ORDER BY import_id",
}
LISTED = tuple(_CHOICES)
"""The facets whose values are those that the project holds."""


def choices(store: Store, name: str) -> dict[str, str]:
    """List the values of a facet of LISTED that the project holds, each with what is said of it ("" for nothing)."""
    return {row["value"]: row["said"] for row in store.rows(_CHOICES[name])}
