"""Count numbers in bins, each by one SQL statement, so that charts never read rows."""

from collections import Counter
from collections.abc import Mapping, Sequence

from srt_core.project.store import Store
from srt_core.records import Origin

_EACH = "COLUMNS('(.*)')"
_STEPS = 20
"""The ends of a spread lie on multiples of 1/20."""
_HALF_STEP = f"TRY_CAST(floor({_EACH} * {_STEPS}) + ceil({_EACH} * {_STEPS}) AS BIGINT)"
"""Even for a number on a step (twice the step), odd for one between two steps; NULL for a number out of range."""


def count_bins(
    store: Store, numbers: str, values: Mapping[str, object], edges: Sequence[float]
) -> dict[Origin, list[int]]:
    """Return the counts of the numbers of a SELECT, which has one column per origin (named as in Origin), by bin.

    A bin includes its lower edge and not its upper; the last includes both. Numbers outside and NULL are not counted.
    """
    bins = len(edges) - 1
    found = _histograms(
        store,
        f"""if({_EACH} BETWEEN $low AND $high, least(floor(({_EACH} - $low) / $width)::BIGINT, $bins - 1), NULL)""",
        numbers,
        {**values, "low": edges[0], "high": edges[-1], "width": (edges[-1] - edges[0]) / bins, "bins": bins},
    )
    return {origin: [found.get(origin, {}).get(place, 0) for place in range(bins)] for origin in Origin}


def spread_bins(store: Store, numbers: str, bins: int, values: Mapping[str, object] | None = None) -> list[float]:
    """Return bin edges over the middle 99 % of the numbers in all columns of a SELECT; [] where there are none.

    The ends lie on multiples of 0.05.
    """
    steps: Counter[int] = Counter()
    for counts in _histograms(store, _HALF_STEP, numbers, values or {}).values():
        steps.update(counts)
    if not steps:
        return []
    first, last = _step_at(steps, 0.005) // 2, -(-_step_at(steps, 0.995) // 2)
    last = max(last, first + 1)
    return [(first + (last - first) * place / bins) / _STEPS for place in range(bins + 1)]


def _histograms(store: Store, step: str, numbers: str, values: Mapping[str, object]) -> dict[str, dict[int, int]]:
    """Return for each column of a SELECT how often each value of the expression `step` occurs; NULL is not counted."""
    found = store.rows(f"SELECT histogram({step}) AS '\\1' FROM ({numbers})", values)[0]
    return {column: counts or {} for column, counts in found.items()}


def _step_at(counts: Mapping[int, int], share: float) -> int:
    """Return the step at which this share of all numbers is reached, a quantile."""
    left = share * sum(counts.values())
    for step in sorted(counts):
        left -= counts[step]
        if left <= 0:
            return step
    return max(counts)


def count_grid(
    store: Store, pairs: str, values: Mapping[str, object], x_edges: Sequence[float], y_edges: Sequence[float]
) -> list[list[int]]:
    """Return the counts of the pairs of a SELECT with columns x and y, in the cells between the edges: [y][x]."""
    wide, high = len(x_edges) - 1, len(y_edges) - 1
    rows = store.rows(
        f"""SELECT least(floor((x - $x0) / $dx)::INTEGER, $wide - 1) AS "column",
                   least(floor((y - $y0) / $dy)::INTEGER, $high - 1) AS "row", count(*) AS pairs
            FROM ({pairs}) WHERE x BETWEEN $x0 AND $x1 AND y BETWEEN $y0 AND $y1 GROUP BY ALL""",
        {
            **values,
            "x0": x_edges[0],
            "x1": x_edges[-1],
            "dx": (x_edges[-1] - x_edges[0]) / wide,
            "wide": wide,
            "y0": y_edges[0],
            "y1": y_edges[-1],
            "dy": (y_edges[-1] - y_edges[0]) / high,
            "high": high,
        },
    )
    grid = [[0] * wide for _ in range(high)]
    for found in rows:
        grid[found["row"]][found["column"]] = found["pairs"]
    return grid
