"""How far the rule can be trusted: its agreement with what reviewers decided, by margin and by kind.

Only decisions on single samples are evidence: a bulk approval copies the rule. Parked is undecided. An edit counts as
the version that it started from. What a person chose to look at is a biased sample; what was drawn at random is not, so
every figure is there for both. Samples of an audit are all kept by the rule, so they tell its precision alone.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from srt_core.project.events import IS_BULK
from srt_core.project.intervals import CONFIDENCE, Interval, Share
from srt_core.project.store import Query, Row, Store
from srt_core.records import Policy
from srt_core.select.derive import refresh
from srt_core.select.policy import applied_policy, policy_to_json
from srt_core.select.selection import agrees, rule_of

STEP = 0.005
"""The grid of thresholds of `suggest`."""

_STEP = f"floor(round(closeness * {round(1 / STEP)}, 6))::INTEGER"
_EDGES = (0.0, 0.01, 0.02, 0.05, 0.1, 0.2)
"""Where the bins of the margin begin; multiples of STEP."""


class Evidence(StrEnum):
    """Which decisions count."""

    ALL = "all"
    """Every decision on a single sample."""
    RANDOM = "random"
    """Of samples drawn at random: by an audit, or in Review's random audit of all samples."""


KINDS = ("origin", "length", "task", "language", "cluster")
"""The ways to tell samples apart: origin of the pick, characters of the original response, and the table `kind`."""

LENGTHS = ("up to 200 characters", "201 to 1,000", "over 1,000")

_GROUPS = ("step", *KINDS)

# `pick` is what the rule says. `of_all`: in a random order of all samples; `drawn`: by an audit, from what is kept.
_JUDGED = f"""
drawn AS (
    SELECT sample_id, min(event_id) AS since
    FROM (SELECT event_id, unnest(from_json(context -> 'sample_ids', '["VARCHAR"]')) AS sample_id
          FROM event WHERE kind = 'audit')
    GROUP BY sample_id
), single AS (
    SELECT seq, standing.sample_id, action, action <> 'reject' AS approved,
           if(approved, standing.origin, NULL) AS verdict_origin,
           if(approved, standing.candidate_id, NULL) AS verdict_id,
           coalesce(json_extract_string(context, 'queue') = 'audit', false) AS of_all,
           of_all OR coalesce(standing.event_id > since, false) AS at_random
    FROM standing JOIN event USING (event_id) LEFT JOIN drawn ON drawn.sample_id = standing.sample_id
    WHERE action <> 'park' AND NOT {IS_BULK}
), told AS (  -- joined the other way round, DuckDB would build a table of the whole set
    SELECT * FROM kind WHERE sample_id IN (SELECT sample_id FROM single)
), judged AS (
    SELECT of_all, at_random, approved, action = 'edit' AS edited, pick.origin IS NOT NULL AS kept,
           {agrees("pick")} AS agrees,
           {_STEP} AS step,
           coalesce(pick.origin, 'none') AS origin,
           CASE WHEN original_characters <= 200 THEN 0 WHEN original_characters <= 1000 THEN 1 ELSE 2 END AS length,
           task, language, cluster
    FROM single JOIN pick USING (seq) JOIN panel USING (seq) LEFT JOIN told ON told.sample_id = single.sample_id
)"""

_COUNTS = ", ".join(
    f"""count(*) FILTER ({of_all}) AS {name}_decided, count(*) FILTER (agrees AND {of_all}) AS {name}_agreed,
        count(*) FILTER (kept AND {any_}) AS {name}_kept, count(*) FILTER (kept AND agrees AND {any_}) AS {name}_right,
        count(*) FILTER (approved AND {of_all}) AS {name}_approved,
        count(*) FILTER (approved AND agrees AND {of_all}) AS {name}_found,
        count(*) FILTER (edited AND {any_}) AS {name}_edits"""
    for name, of_all, any_ in ((Evidence.ALL, "true", "true"), (Evidence.RANDOM, "of_all", "at_random"))
)


@dataclass(frozen=True, slots=True)
class Figures:
    """The rule beside the reviewers.

    Agreement: decided samples with the same outcome, the same candidate or none. Precision: of those that the rule
    keeps, how many a person approved as the same candidate. Recall: of those that a person approved, how many the rule
    keeps as the same candidate.
    """

    agreement: Share = Share(0, 0)
    precision: Share = Share(0, 0)
    recall: Share = Share(0, 0)
    edits: int = 0
    """Decisions that are edits."""


Sources = Mapping[Evidence, Figures]


@dataclass(frozen=True, slots=True)
class Group:
    """The figures of some samples: those from `value` on (margin), or those of the kind `value`."""

    value: str | float | int | None
    sources: Sources


@dataclass(frozen=True, slots=True)
class Trust:
    """All figures under one policy."""

    overall: Sources
    margins: list[Group]
    """By distance to the nearest threshold, near first; `value` is where a bin begins, None: no threshold decided. []
    where nobody decided."""
    kinds: dict[str, list[Group]]
    """By name of KINDS, the largest group first; a name is missing where nothing is known."""
    samples: int
    """In the set."""
    steps: dict[int, Sources] = field(default_factory=dict)
    """Decisions by closeness, in steps of STEP."""
    reach: dict[int, int] = field(default_factory=dict)
    """All samples by closeness, in the same steps."""


def trust(store: Store, policy: Policy | None = None) -> Trust:
    """Measure the rule under `policy` (None: the applied one) by what reviewers decided so far.

    PolicyError where a value of the policy is out of range.
    """
    refresh(store)
    pick = _picks(store, policy or applied_policy(store))
    names = ", ".join(_GROUPS)
    sets = ", ".join(f"({name})" for name in _GROUPS)
    rows = store.rows(
        f"""WITH pick AS MATERIALIZED ({pick.sql}), {_JUDGED}
            SELECT {names}, grouping({names}) AS level, {_COUNTS}
            FROM judged GROUP BY GROUPING SETS ((), {sets})
            UNION ALL BY NAME SELECT {_STEP} AS step, -1 AS level, count(*) AS samples FROM pick GROUP BY step""",
        pick.values,
    )
    found: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        found[_level(row["level"])].append(row)
    steps = {row["step"]: _sources([row]) for row in found["step"] if row["step"] is not None}
    reach = {row["step"]: row["samples"] for row in found["set"]}
    return Trust(
        _sources(found[""]),
        _margins(found["step"]),
        {name: groups for name in KINDS if (groups := _kinds(store, name, found[name]))},
        sum(reach.values()),
        steps,
        {step: samples for step, samples in reach.items() if step is not None},
    )


def margins(store: Store, policy: Policy) -> list[Group]:
    """Measure the rule under `policy` by margin alone, as Trust.margins: the rule runs over decided samples only."""
    refresh(store)
    pick = _picks(store, policy, "seq IN (SELECT seq FROM standing)")
    rows = store.rows(
        f"""WITH pick AS MATERIALIZED ({pick.sql}), kind AS (FROM main.kind WHERE false), {_JUDGED}
            SELECT step, {_COUNTS} FROM judged GROUP BY step""",
        pick.values,
    )
    return _margins(rows)


@dataclass(frozen=True, slots=True)
class Suggestion:
    """The smallest distance to a threshold from which on the rule agrees with reviewers as often as wanted."""

    closeness: float
    agreement: Share
    covers: int
    """Samples of the set that are as far from a threshold or farther."""

    @property
    def interval(self) -> Interval | None:
        """The exact 95 % interval, as if this threshold had been chosen beforehand."""
        return self.agreement.exact(CONFIDENCE)


def suggest(
    found: Trust, wanted: float, evidence: Evidence = Evidence.ALL, *, by_limit: bool = True
) -> Suggestion | None:
    """Find the smallest closeness (of a grid of STEP) from which on agreement reaches `wanted`; None where none does.

    By the lower exact 95 % limit of agreement, else by its estimate. Many thresholds are tried, so this suggests where
    to look; what guarantees is an audit.
    """
    hits = n = covers = 0
    best: Suggestion | None = None
    steps = sorted({*found.steps, *found.reach}, reverse=True)
    for step, lower in zip(steps, [*steps, -1][1:], strict=True):
        agreement = found.steps[step][evidence].agreement if step in found.steps else Share(0, 0)
        hits, n, covers = hits + agreement.hits, n + agreement.n, covers + found.reach.get(step, 0)
        if _reaches(Share(hits, n), wanted, by_limit):
            best = Suggestion((lower + 1) * STEP, Share(hits, n), covers)
    return best


def _reaches(agreement: Share, wanted: float, by_limit: bool) -> bool:
    if not by_limit:
        return agreement.estimate is not None and agreement.estimate >= wanted
    interval = agreement.exact(CONFIDENCE)
    return interval is not None and interval.low >= wanted


def _picks(store: Store, policy: Policy, which: str = "true") -> Query:
    """Return the rule's picks, of the samples of a condition at least; those of the applied policy are stored."""
    columns = "seq, origin, candidate_id, closeness"
    if policy_to_json(policy) == policy_to_json(applied_policy(store)):
        return Query(f"SELECT {columns} FROM selection WHERE {which}", {})
    rule = rule_of(store, policy)
    if policy.top_share < 100:  # which samples it takes hangs on all of them
        return Query(f"SELECT {columns} FROM ({rule.sql})", rule.values)
    return Query(f"WITH panel AS (FROM main.panel WHERE {which}) SELECT {columns} FROM ({rule.sql})", rule.values)


def _level(grouping: int) -> str:
    """Name the column that a row is grouped by: the one bit that GROUPING does not set; "" where it sets all."""
    if grouping < 0:
        return "set"
    kept = [name for place, name in enumerate(reversed(_GROUPS)) if not grouping >> place & 1]
    return kept[0] if kept else ""


def _sources(rows: Sequence[Row]) -> Sources:
    return {source: _figures(rows, source) for source in Evidence}


def _figures(rows: Sequence[Row], source: Evidence) -> Figures:
    def total(name: str) -> int:
        return sum(row[f"{source}_{name}"] for row in rows)

    return Figures(
        Share(total("agreed"), total("decided")),
        Share(total("right"), total("kept")),
        Share(total("found"), total("approved")),
        total("edits"),
    )


def _margins(rows: Sequence[Row]) -> list[Group]:
    bins: dict[float | None, list[Row]] = {edge: [] for edge in _EDGES} if rows else {}
    for row in rows:
        bins.setdefault(_bin(row["step"]), []).append(row)
    return [Group(edge, _sources(held)) for edge, held in bins.items()]


def _bin(step: int | None) -> float | None:
    return None if step is None else max(edge for edge in _EDGES if round(edge / STEP) <= step)


def _kinds(store: Store, name: str, rows: Sequence[Row]) -> list[Group]:
    """Return the groups of a kind; [] where the table `kind` says nothing of the decided samples."""
    named = _names(store, name)
    groups = [Group(named.get(row[name], row[name]), _sources([row])) for row in rows if row[name] is not None]
    return sorted(groups, key=lambda group: -group.sources[Evidence.ALL].agreement.n)


def _names(store: Store, name: str) -> Mapping[object, str]:
    if name == "length":
        return dict(enumerate(LENGTHS))
    if name == "cluster":
        return {row["cluster"]: row["words"] for row in store.rows("SELECT * FROM cluster")}
    return {}
