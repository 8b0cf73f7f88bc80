"""How far the rule can be trusted: beside random blind reads, and beside what people chose to decide; by kind too.

Random reads of all samples stand for every policy. What people chose to look at (the doubtful ones, a filter) is no
sample of anything: it is counted, apart, and gets no interval. Bulk actions copy the rule and count nowhere.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from srt_core.project.events import IS_BULK
from srt_core.project.store import Row, Store
from srt_core.records import Policy
from srt_core.review.trust.audits.evidence import Drawn, audit_of_all, claim_of, drawn, picks, picks_of
from srt_core.review.trust.audits.log import Audit
from srt_core.review.trust.claims import STEP, Claim, Far, Suggestion, suggest
from srt_core.review.trust.readings import Outcome, Reads, outcome
from srt_core.select.derive import refresh
from srt_core.select.policy import applied_policy
from srt_core.select.selection import agrees


class Evidence(StrEnum):
    """What is counted."""

    RANDOM = "random"
    """Blind reads of samples that an audit drew from all there are."""
    CHOSEN = "chosen"
    """Single decisions on samples that people chose to look at, and open audits of older versions."""


KINDS = ("origin", "length", "task", "language", "cluster")
"""The ways to tell samples apart: origin of the pick, characters of the original response, and the table `kind`."""

LENGTHS = ("up to 200 characters", "201 to 1,000", "over 1,000")

_GROUPS = ("step", *KINDS)
_STEP = f"floor(round(closeness * {round(1 / STEP)}, 6))::INTEGER"
_EDGES = (0.0, 0.01, 0.02, 0.05, 0.1, 0.2)
"""Where the bins of the margin begin; multiples of STEP."""

# `pick` is what the rule says; an edit says that the text as it stood was not right.
_JUDGED = f"""
found AS (
    SELECT seq, '{Evidence.CHOSEN}' AS source,
           if(action <> 'edit' AND {agrees("pick")}, '{Outcome.RIGHT}', '{Outcome.WRONG}') AS outcome
    FROM (SELECT seq, action, if(action = 'reject', NULL, standing.origin) AS verdict_origin,
                 if(action = 'reject', NULL, standing.candidate_id) AS verdict_id
          FROM standing JOIN event USING (event_id) WHERE action <> 'park' AND NOT {IS_BULK}) JOIN pick USING (seq)
    UNION ALL
    SELECT unnest($seqs::BIGINT[]), '{Evidence.RANDOM}', unnest($outcomes::VARCHAR[])
), told AS (  -- joined the other way round, DuckDB would build a table of the whole set
    SELECT kind.* FROM kind JOIN sample USING (sample_id) WHERE seq IN (SELECT seq FROM found)
), judged AS (
    SELECT source, outcome, pick.origin IS NOT NULL AS kept, {_STEP} AS step, coalesce(pick.origin, 'none') AS origin,
           CASE WHEN original_characters <= 200 THEN 0 WHEN original_characters <= 1000 THEN 1 ELSE 2 END AS length,
           task, language, cluster
    FROM found JOIN pick USING (seq) JOIN panel USING (seq) LEFT JOIN told USING (sample_id)
)"""

_PARTS: Mapping[str, str] = {"of_all": "true", "kept": "kept", "left_out": "NOT kept"}
_COUNTS = ", ".join(
    f"count(*) FILTER (outcome = '{each}' AND {condition}) AS {part}_{each}"
    for part, condition in _PARTS.items()
    for each in Outcome
)


@dataclass(frozen=True, slots=True)
class Figures:
    """How often the rule was right: in all, of what it keeps, and of what it leaves out."""

    of_all: Reads = Reads()
    kept: Reads = Reads()
    left_out: Reads = Reads()


Sources = Mapping[Evidence, Figures]


@dataclass(frozen=True, slots=True)
class Group:
    """The figures of some samples: those from `value` on (margin), or those of the kind `value`."""

    value: str | float | int | None
    sources: Sources


@dataclass(frozen=True, slots=True)
class Trust:
    """All figures under one policy."""

    audit: Audit | None
    """Whose reads count as random; None: no random reads yet."""
    overall: Sources
    margins: list[Group]
    """By distance to the nearest limit, near first; `value` is where a bin begins, None: no limit decided. [] where
    nothing is counted."""
    kinds: dict[str, list[Group]]
    """By name of KINDS, the largest group first; a name is missing where nothing is known."""
    samples: int
    """In the set."""
    far: Sequence[Far]
    """The random reads in the order of the draw."""
    reach: Mapping[int, int]
    """All samples by distance to the nearest limit, in steps of STEP."""

    def claim(self, reads: Reads) -> Claim:
        """Make the claim of some of the random reads."""
        return claim_of(self.audit, reads) if self.audit else Claim(Reads(), 0)

    @property
    def opening(self) -> str:
        """What random reads of all samples show of what the policy keeps, in a sentence; what is missing for one."""
        reads = self.overall[Evidence.RANDOM]
        if reads.of_all.read:
            return self.claim(reads.kept).sentence("what the rule keeps")
        missing = "None of what was drawn is read yet" if self.audit else "No random reads yet"
        return f"{missing}: nothing can be said of how often the rule is right, over all samples."

    def suggest(self, wanted: float) -> Suggestion | None:
        """Suggest the smallest distance from which on the rule is right as often as wanted; None where none does."""
        if self.audit is None:
            return None
        return suggest(self.far, wanted, self.audit.population, self.audit.look)

    def covers(self, suggestion: Suggestion) -> int:
        """Count the samples of the set that are as far from a limit, or farther."""
        first = round(suggestion.closeness / STEP)
        return sum(samples for step, samples in self.reach.items() if step >= first)


def trust(store: Store, policy: Policy | None = None) -> Trust:
    """Measure the rule under `policy` (None: the applied one) by what people read and decided so far.

    PolicyError where a value of the policy is out of range.
    """
    refresh(store)
    policy = policy or applied_policy(store)
    audit, samples, outcomes = _random(store, policy)
    pick = picks(store, policy, with_closeness=True)
    names = ", ".join(_GROUPS)
    sets = ", ".join(f"(source, {name})" for name in _GROUPS)
    rows = store.rows(
        f"""WITH pick AS MATERIALIZED ({pick.sql}), {_JUDGED}
            SELECT source, {names}, grouping({names}) AS level, {_COUNTS}
            FROM judged GROUP BY GROUPING SETS ((source), {sets})
            UNION ALL BY NAME SELECT {_STEP} AS step, -1 AS level, count(*) AS samples FROM pick GROUP BY step""",
        {**pick.values, "seqs": [each.seq for each in samples], "outcomes": [str(each) for each in outcomes]},
    )
    found: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        found[_level(row["level"])].append(row)
    reach = {row["step"]: row["samples"] for row in found["set"]}
    return Trust(
        audit,
        _sources(found[""]),
        _margins(found["step"]),
        {name: groups for name in KINDS if (groups := _kinds(store, name, found[name]))},
        sum(reach.values()),
        _far(store, policy, samples, outcomes),
        {step: count for step, count in reach.items() if step is not None},
    )


def margins(store: Store, policy: Policy) -> tuple[Audit | None, list[Group]]:
    """Measure the rule under `policy` by margin alone, over random reads alone; with the audit they are of."""
    refresh(store)
    audit, samples, outcomes = _random(store, policy)
    rows = [
        {"source": str(Evidence.RANDOM), "step": None if far.closeness is None else int(round(far.closeness / STEP, 6)),
         **_row(far.outcome)}
        for far in _far(store, policy, samples, outcomes)
    ]  # fmt: skip
    return audit, _margins(rows)


def _row(found: Outcome) -> Row:
    return {f"{part}_{each}": int(part == "of_all" and each is found) for part in _PARTS for each in Outcome}


def _random(store: Store, policy: Policy) -> tuple[Audit | None, list[Drawn], list[Outcome]]:
    """Return the audit of all samples that stands, what it drew, and the outcomes under a policy."""
    audit = audit_of_all(store)
    if audit is None:
        return None, [], []
    samples = drawn(store, audit)
    kept = picks_of(store, policy, [each.seq for each in samples])
    return audit, samples, [outcome(each.reading, kept[each.seq]) for each in samples]


def _far(store: Store, policy: Policy, samples: Sequence[Drawn], outcomes: Sequence[Outcome]) -> list[Far]:
    seqs = [each.seq for each in samples]
    which = "seq IN (SELECT unnest($seqs::BIGINT[]))"
    pick = picks(store, policy, which, with_closeness=True)
    rows = store.rows(f"SELECT seq, closeness FROM ({pick.sql}) WHERE {which}", {**pick.values, "seqs": seqs})
    closeness = {row["seq"]: row["closeness"] for row in rows}
    return [Far(closeness[seq], found) for seq, found in zip(seqs, outcomes, strict=True)]


def _level(grouping: int) -> str:
    """Name the column that a row is grouped by: the one bit that GROUPING does not set; "" where it sets all."""
    if grouping < 0:
        return "set"
    kept = [name for place, name in enumerate(reversed(_GROUPS)) if not grouping >> place & 1]
    return kept[0] if kept else ""


def _sources(rows: Sequence[Row]) -> Sources:
    return {source: _figures([row for row in rows if row["source"] == source]) for source in Evidence}


def _figures(rows: Sequence[Row]) -> Figures:
    return Figures(*(Reads(*(sum(row[f"{part}_{each}"] for row in rows) for each in Outcome)) for part in _PARTS))


def _margins(rows: Sequence[Row]) -> list[Group]:
    bins: dict[float | None, list[Row]] = {edge: [] for edge in _EDGES} if rows else {}
    for row in rows:
        bins.setdefault(_bin(row["step"]), []).append(row)
    return [Group(edge, _sources(held)) for edge, held in bins.items()]


def _bin(step: int | None) -> float | None:
    return None if step is None else max(edge for edge in _EDGES if round(edge / STEP) <= step)


def _kinds(store: Store, name: str, rows: Sequence[Row]) -> list[Group]:
    """Return the groups of a kind; [] where the table `kind` says nothing of the counted samples."""
    named = _names(store, name)
    held: dict[object, list[Row]] = defaultdict(list)
    for row in rows:
        if row[name] is not None:
            held[row[name]].append(row)
    groups = [Group(named.get(value, value), _sources(rows)) for value, rows in held.items()]  # type: ignore[arg-type]
    return sorted(groups, key=_place)


def _place(group: Group) -> tuple[int, str]:
    """Place the group with the most samples first, equal ones by name: the same each time."""
    return -sum(each.of_all.drawn for each in group.sources.values()), str(group.value)


def _names(store: Store, name: str) -> Mapping[object, str]:
    if name == "length":
        return dict(enumerate(LENGTHS))
    if name == "cluster":
        return {row["cluster"]: row["words"] for row in store.rows("SELECT * FROM cluster")}
    return {}
