"""Count numbers in bins, one SQL statement each: what a chart draws is the counts, and never the rows."""

import math
from collections.abc import Mapping, Sequence

from srt_core.records import Origin
from srt_core.store import Store


def count_bins(
    store: Store, numbers: str, values: Mapping[str, object], edges: Sequence[float]
) -> dict[Origin, list[int]]:
    """Count the numbers of a SELECT with one column an origin (named as in Origin) by origin and bin.

    A bin takes its lower edge and not its upper; the last takes both. What is outside or NULL is not counted.
    """
    bins = len(edges) - 1
    each = "COLUMNS('(.*)')"  # every column, in one pass; all its mentions in an expression stand for the same one
    found = store.rows(
        f"""SELECT histogram(CASE WHEN {each} BETWEEN $low AND $high
                   THEN least(floor(({each} - $low) / $width), $bins - 1)::USMALLINT END) AS '\\1' FROM ({numbers})""",
        {**values, "low": edges[0], "high": edges[-1], "width": (edges[-1] - edges[0]) / bins, "bins": bins},
    )[0]
    held = {origin: found.get(origin) or {} for origin in Origin}
    return {origin: [counted.get(place, 0) for place in range(bins)] for origin, counted in held.items()}


def spread_bins(store: Store, numbers: str, bins: int, values: Mapping[str, object] | None = None) -> list[float]:
    """Give edges over the middle 99 % of the numbers of a SELECT's columns, all together; [] where there is none.

    The ends lie on multiples of 0.05.
    """
    low, high = store.rows(
        f"""SELECT approx_quantile(number, 0.005) AS low, approx_quantile(number, 0.995) AS high
            FROM (UNPIVOT ({numbers}) ON COLUMNS(*) INTO NAME origin VALUE number)""",
        values or {},
    )[0].values()
    if low is None:
        return []
    first, last = math.floor(low * 20), math.ceil(high * 20)
    last = max(last, first + 1)
    return [(first + (last - first) * place / bins) / 20 for place in range(bins + 1)]


def count_grid(
    store: Store, pairs: str, values: Mapping[str, object], x_edges: Sequence[float], y_edges: Sequence[float]
) -> list[list[int]]:
    """Count the pairs of a SELECT with columns x and y in the cells between the edges: [y][x]."""
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
