"""The columns of the curator's own, which stand in each sample's `extra`: a condition on one, and what one holds."""

import re
import sys
from dataclasses import dataclass

from srt_core.project.store import Store

_LARGEST = sys.float_info.max
VALUES = 200
"""The most frequent values of a column that are listed; any other can be asked for by name."""


@dataclass(frozen=True, slots=True)
class OwnCondition:
    """A condition on one column; all that are given hold. What is no text is compared as it stands in JSON."""

    column: str
    among: tuple[str, ...] = ()
    """Its value is one of these."""
    contains: str = ""
    """Its value contains this, in any case."""
    ends: tuple[float, float] | None = None
    """Its value is a number from and to these, both ends included; a text that says a number is one."""

    def __bool__(self) -> bool:
        return bool(self.among or self.contains or self.ends)

    def sql(self, key: str) -> tuple[str, dict[str, object]]:
        """Return the condition over any relation that has a sample's seq, with parameters whose names begin with `key`.

        The column's name is a parameter too: it is of the file.
        """
        value = f"json_extract_string(extra, ${key}_column)"
        parts, values = ["true"], dict[str, object]({f"{key}_column": pointer(self.column)})
        if self.among:
            values[f"{key}_among"] = list(self.among)
            parts.append(f"list_contains(${key}_among::VARCHAR[], {value})")
        if self.contains:
            values[f"{key}_contains"] = re.escape(self.contains)
            parts.append(f"regexp_matches({value}, ${key}_contains, 'i')")
        if self.ends:
            low, high = self.ends
            # NaN is above every number, infinity too: the end of what is one keeps both out.
            values |= {f"{key}_low": max(low, -_LARGEST), f"{key}_high": min(high, _LARGEST)}
            parts.append(f"try_cast({value} AS DOUBLE) BETWEEN ${key}_low AND ${key}_high")
        return f"seq IN (SELECT seq FROM sample WHERE {' AND '.join(parts)})", values


def pointer(column: str) -> str:
    """Return where a column stands in `extra`, as a JSON pointer."""
    return "/" + column.replace("~", "~0").replace("/", "~1")


@dataclass(frozen=True, slots=True)
class OwnColumn:
    """What a column holds: how many distinct values, the most frequent first, and their range where all are numbers."""

    distinct_values: int
    most_frequent: tuple[str, ...]
    lowest: float | None
    highest: float | None


def own_columns(store: Store) -> list[str]:
    """List the own columns that any sample has."""
    sql = "SELECT DISTINCT unnest(json_keys(extra)) AS name FROM sample WHERE extra <> '{}' ORDER BY name"
    return store.remember(("own columns", _newest(store)), lambda: [row["name"] for row in store.rows(sql)])


def own_column(store: Store, name: str) -> OwnColumn:
    """Look at what a column holds."""
    return store.remember(("own column", name, _newest(store)), lambda: _look(store, name))


def _newest(store: Store) -> int | None:
    newest: int | None = store.value("SELECT max(seq) FROM sample")
    return newest


def _look(store: Store, name: str) -> OwnColumn:
    return store.read(
        OwnColumn,
        """WITH held AS MATERIALIZED (
               SELECT json_extract_string(extra, $column) AS value, count(*) AS samples
               FROM sample WHERE value IS NOT NULL GROUP BY value),
           numbers AS (
               SELECT if(bool_and(coalesce(isfinite(number), false)), [min(number), max(number)], NULL) AS ends
               FROM (SELECT try_cast(value AS DOUBLE) AS number FROM held))
           SELECT (SELECT count(*) FROM held) AS distinct_values, ends[1] AS lowest, ends[2] AS highest,
                  coalesce((SELECT list(value ORDER BY samples DESC, value) FROM (
                      FROM held ORDER BY samples DESC, value LIMIT $values)), []) AS most_frequent
           FROM numbers""",
        {"column": pointer(name), "values": VALUES},
    )[0]
