"""Look at the whole set: filters, counts, pages, distributions and review queues, each one SQL statement."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Literal

from srt_core.errors import SRTError
from srt_core.methods import MEASURES
from srt_core.project.bins import count_bins, count_grid, spread_bins
from srt_core.project.store import Store
from srt_core.records import REWRITTEN_ORIGINS, Origin, Pair, Source
from srt_core.review.filter.facets import Facets, conditions
from srt_core.review.filter.search import FOUND, find
from srt_core.review.verdicts import COLUMNS, RANGES, ROWS, Verdict
from srt_core.select.derive import refresh


def _sorts() -> Iterator[tuple[str, str]]:
    yield "number", "seq"
    yield "closest to a threshold", "closeness NULLS LAST, seq"
    for measure in MEASURES.values():
        if measure.is_filter:
            column = f"winner_{measure.name}"
            if measure.source is Source.SCORE:
                yield f"{measure.label} of the winner, low first", f"{column} NULLS LAST, seq"
            label = measure.label if measure.source is Source.SCORE else measure.label.lower()
            yield f"{label} of the winner, high first", f"{column} DESC NULLS LAST, seq"
    yield "longest original response", "original_characters DESC, seq"


SORTS: Mapping[str, str] = dict(_sorts())

Range = tuple[float, float]
State = Literal["open", "decided", "approved", "rejected", "parked", "edited", "overridden"]

_STATES: dict[str, str] = {
    "open": "NOT decided",
    "decided": "decided",
    "approved": "approved",
    "rejected": "action = 'reject'",
    "parked": "action = 'park'",
    "edited": "action = 'edit'",
    "overridden": "decided AND "
    "(verdict_origin IS DISTINCT FROM origin OR verdict_id <> candidate_id OR action = 'edit')",
}
STATES = tuple(_STATES)

_PROBLEMS: dict[str, str] = {
    "failed reflection": "("
    + " OR ".join(f"failed_{each.lower()} AND NOT has_{each.lower()}" for each in REWRITTEN_ORIGINS)
    + ")",
    "without a score": "unscored > 0",
    "truncated": "truncated",
    "duplicate": "seq IN (SELECT seq FROM sample WHERE duplicate_of IS NOT NULL)",
}
PROBLEMS = tuple(_PROBLEMS)


@dataclass(frozen=True, slots=True)
class Filter(Facets):
    """Which samples: all given conditions at once, those of its facets too. Empty tuples, "" and None take all."""

    text: str = ""
    """Any candidate's instruction, input or response contains this, in any case."""
    winner: tuple[str, ...] = ()
    reason: tuple[str, ...] = ()
    state: tuple[str, ...] = ()
    problem: tuple[str, ...] = ()
    winner_ranges: tuple[tuple[str, float, float], ...] = ()
    """Measures of the candidate that won the walk, by name, from and to, both ends included; sorted by name."""
    origin_ranges: tuple[tuple[str, str, float, float], ...] = ()
    """The same of one origin's candidate: measure, origin, from and to."""
    extra: tuple[tuple[str, str], ...] = field(default=())
    """Columns of the file that the product has no use for, by name and value."""

    def range_of(self, measure: str) -> tuple[str, Range | None]:
        """Return whose `measure` is bounded ("" for the winner's) and its ends; "", None where it is open."""
        for name, origin, low, high in self.origin_ranges:
            if name == measure:
                return origin, (low, high)
        ends = {name: (low, high) for name, low, high in self.winner_ranges}
        return "", ends.get(measure)

    def with_range(self, measure: str, origin: str, ends: Range | None) -> "Filter":
        """Return the filter with a measure of the winner ("") or of one origin bounded, or open again (None)."""
        winners = [each for each in self.winner_ranges if each[0] != measure]
        origins = [each for each in self.origin_ranges if each[0] != measure]
        if ends and origin:
            origins.append((measure, origin, *ends))
        elif ends:
            winners.append((measure, *ends))
        return replace(self, winner_ranges=tuple(sorted(winners)), origin_ranges=tuple(sorted(origins)))


def origins_of(measure: str) -> tuple[Origin, ...]:
    """Return the origins whose candidates have a measure; () for what a sample has."""
    return MEASURES[measure].origins


def condition(store: Store, only: Filter) -> tuple[str, dict[str, object]]:
    """Return the SQL condition over ROWS and its parameters, with everything that it reads brought up to date.

    No value is ever formatted into the text.
    """
    refresh(store)
    if only.text:
        find(store, only.text)
    parts: list[str] = []
    values: dict[str, object] = {}
    if only.text:
        values["text"] = only.text
        parts.append(FOUND)
    for name in ("winner", "reason"):
        if chosen := getattr(only, name):
            values[name] = list(chosen)
            parts.append(f"list_contains(${name}::VARCHAR[], {name})")
    parts += _any_of("state", only.state, _STATES)
    parts += _any_of("problem", only.problem, _PROBLEMS)
    for name, low, high in only.winner_ranges:
        _check_measure(name)
        values[f"{name}_low"], values[f"{name}_high"] = low, high
        parts.append(f"winner_{name} BETWEEN ${name}_low AND ${name}_high")
    for name, origin, low, high in only.origin_ranges:
        values[f"o_{name}_low"], values[f"o_{name}_high"] = low, high
        parts.append(f"{_column(origin, name)} BETWEEN $o_{name}_low AND $o_{name}_high")
    for number, (name, value) in enumerate(only.extra):
        values[f"extra_name_{number}"], values[f"extra_value_{number}"] = _json_path(name), value
        equal = f"json_extract_string(extra, $extra_name_{number}) = $extra_value_{number}"
        parts.append(f"seq IN (SELECT seq FROM sample WHERE {equal})")
    more, more_values = conditions(only)
    return " AND ".join(parts + more) or "true", values | more_values


def membership(store: Store, only: Filter) -> tuple[str, dict[str, object]]:
    """Return the condition of a filter, and its parameters, for any relation that has a seq, such as `verdict`."""
    where, values = condition(store, only)
    return f"seq IN (SELECT seq FROM {ROWS} WHERE {where})", values


def is_empty(only: Filter) -> bool:
    """Whether a filter takes every sample."""
    return all(getattr(only, item.name) in ((), "", None) for item in fields(only))


def count(store: Store, only: Filter) -> int:
    """Count the samples of a filter."""
    where, values = condition(store, only)
    return int(store.value(f"SELECT count(*) FROM {ROWS} WHERE {where}", values))


@dataclass(frozen=True, slots=True)
class Open:
    """How many samples of a filter nobody has decided, and for how many of them the rule has a pick."""

    samples: int
    picks: int


def count_open(store: Store, only: Filter) -> Open:
    """Count what a bulk action on a filter would decide: approve takes `picks`, reject and park take `samples`."""
    where, values = condition(store, only)
    sql = f"SELECT count(*) AS samples, count(origin) AS picks FROM {ROWS} WHERE NOT decided AND ({where})"
    return Open(**store.rows(sql, values)[0])


@dataclass(frozen=True, slots=True)
class Listed(Verdict):
    """A verdict with the original pair that it is on."""

    pair: Pair


def page(store: Store, only: Filter, sort: str, limit: int, offset: int) -> list[Listed]:
    """Read one page of a filter: numbers from the panel, texts of the page's rows alone."""
    where, values = condition(store, only)
    order = _order(sort)
    chosen = store.rows(
        f"""SELECT seq, original_id FROM {ROWS} WHERE {where} ORDER BY {order} LIMIT $limit OFFSET $offset""",
        {**values, "limit": limit, "offset": offset},
    )
    # Found first and read then: a join on the way to the order would carry every column of every sample.
    seqs, originals = ([row[name] for row in chosen] for name in ("seq", "original_id"))
    return store.read(
        Listed,
        f"""SELECT {COLUMNS}, text.pair
            FROM {ROWS} AS rows JOIN (
                SELECT candidate_id, {{'instruction': instruction, 'input': input, 'response': response}} AS pair
                FROM candidate WHERE candidate_id IN (SELECT unnest($originals))) AS text
            ON text.candidate_id = rows.original_id
            WHERE rows.seq IN (SELECT unnest($seqs)) ORDER BY list_position($seqs, rows.seq)""",
        {"seqs": seqs, "originals": originals},
    )


def sample_ids(store: Store, only: Filter, sort: str, limit: int, offset: int = 0) -> list[str]:
    """Read the ids of a filter's samples in order."""
    where, values = condition(store, only)
    sql = f"SELECT sample_id FROM {ROWS} WHERE {where} ORDER BY {_order(sort)} LIMIT $limit OFFSET $offset"
    return [row["sample_id"] for row in store.rows(sql, {**values, "limit": limit, "offset": offset})]


def histogram(store: Store, measure: str, edges: Sequence[float], only: Filter) -> dict[Origin, list[int]]:
    """Count candidates by `measure` (of RANGES) and origin in the bins between `edges` (one count per bin).

    A bin takes its lower edge and not its upper; the last takes both. Candidates outside or without a number are
    not counted.
    """
    where, values = condition(store, only)
    return count_bins(store, f"SELECT {_of_origins(measure)} FROM {ROWS} WHERE {where}", values, edges)


def bin_edges(store: Store, measure: str, bins: int = 50) -> list[float]:
    """Return bins + 1 edges over the middle 99 % of all candidates' `measure`; [] where none has a number."""
    refresh(store)
    key = "edges", measure, bins, store.meta("selection_key")
    return store.remember(key, lambda: spread_bins(store, f"SELECT {_of_origins(measure)} FROM panel", bins))


def density(
    store: Store,
    x_edges: Sequence[float],
    y_edges: Sequence[float],
    only: Filter,
    x: str = "ifd",
    y: str = "r_ifd",
) -> list[list[int]]:
    """Count samples by two measures of the winner (of RANGES) in the bins between the edges: [y][x]."""
    for measure in (x, y):
        _check_measure(measure)
    where, values = condition(store, only)
    pairs = f"SELECT winner_{x} AS x, winner_{y} AS y FROM {ROWS} WHERE {where}"
    return count_grid(store, pairs, values, x_edges, y_edges)


def extra_values(store: Store, limit: int = 40) -> dict[str, list[str]]:
    """List the file's own columns that have at most `limit` distinct values, with those values, for filters."""
    return store.remember(("extra", limit, store.value("SELECT max(seq) FROM sample")), lambda: _extra(store, limit))


def _extra(store: Store, limit: int) -> dict[str, list[str]]:
    rows = store.rows(
        """WITH pairs AS (SELECT unnest(json_keys(extra)) AS name, extra FROM (SELECT DISTINCT extra FROM sample)),
                found AS (SELECT DISTINCT name, json_extract_string(extra, '$."' || replace(name, '"', '\\"') || '"')
                          AS value FROM pairs)
           SELECT name, list(value ORDER BY value) AS choices FROM found
           WHERE value IS NOT NULL GROUP BY name HAVING count(*) <= ? ORDER BY name""",
        [limit],
    )
    return {found["name"]: found["choices"] for found in rows}


def _any_of(name: str, chosen: Sequence[str], known: dict[str, str]) -> list[str]:
    if not chosen:
        return []
    if unknown := set(chosen) - set(known):
        raise SRTError(f"There is no {name} {', '.join(sorted(unknown))}.", f"Choose from: {', '.join(known)}.")
    return ["(" + " OR ".join(known[item] for item in chosen) + ")"]


def _order(sort: str) -> str:
    if sort not in SORTS:
        raise SRTError(f"There is no sort order {sort}.", f"Choose from: {', '.join(SORTS)}.")
    return SORTS[sort]


def _column(origin: str, measure: str) -> str:
    _check_measure(measure)
    if origin not in origins_of(measure):
        raise SRTError(f"An original has no {measure}.", f"Choose from: {', '.join(origins_of(measure))}.")
    return f"{Origin(origin).lower()}_{measure}"


def _check_measure(measure: str) -> None:
    if measure not in RANGES:
        raise SRTError(f"There is no measure {measure}.", f"Choose from: {', '.join(RANGES)}.")


def _of_origins(measure: str) -> str:
    _check_measure(measure)
    if not origins_of(measure):  # what a sample has is drawn as its original's
        return f"{measure} AS {Origin.ORIGINAL}"
    return ", ".join(f"{_column(origin, measure)} AS {origin}" for origin in origins_of(measure))


def _json_path(name: str) -> str:
    quoted = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'$."{quoted}"'
