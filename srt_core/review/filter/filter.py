"""The filter: which samples, by any combination of conditions, as one condition in SQL.

Every field is a condition of its own over the relation `ROWS`. No value is ever formatted into the text.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from datetime import date
from typing import Any, Literal

from srt_core.errors import SRTError
from srt_core.importing.kinds import TaskType
from srt_core.methods import MEASURES
from srt_core.project.candidates import find_sample
from srt_core.project.store import Store
from srt_core.records import REWRITTEN_ORIGINS, LossStatus, Origin
from srt_core.review.filter.own import OwnCondition
from srt_core.review.filter.search import FOUND, find
from srt_core.review.verdicts import RANGES, ROWS
from srt_core.select.derive import refresh
from srt_core.vectors.nearest import Near, nearest

Range = tuple[float, float]
State = Literal["open", "decided", "approved", "rejected", "parked", "retracted", "edited", "overridden"]
Days = tuple[date | None, date | None]

NOT_SCORED = "not scored"
STATUSES = (*map(str, LossStatus), NOT_SCORED)
"""What became of scoring a candidate under the scoring in use."""
TASKS = tuple(map(str, TaskType))

SIMILAR = 50
"""Samples that are similar to one."""

_STATES: dict[str, str] = {
    "open": "NOT decided",
    "decided": "decided",
    "approved": "approved",
    "rejected": "action = 'reject'",
    "parked": "action = 'park'",
    "retracted": "action = 'retract'",
    "edited": "action = 'edit'",
    "overridden": "decided AND action <> 'retract' AND "
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
class Filter:
    """Which samples: all given conditions at once. Empty tuples, "" and None take all."""

    text: str = ""
    """Any candidate's instruction, input, response or context contains this, in any case."""
    winner: tuple[str, ...] = ()
    reason: tuple[str, ...] = ()
    state: tuple[str, ...] = ()
    problem: tuple[str, ...] = ()
    winner_ranges: tuple[tuple[str, float, float], ...] = ()
    """Measures of the candidate that won the walk, by name, from and to, both ends included; sorted by name."""
    origin_ranges: tuple[tuple[str, str, float, float], ...] = ()
    """The same of one origin's candidate: measure, origin, from and to."""
    own: tuple[OwnCondition, ...] = ()
    """Of the curator's own columns."""
    task: tuple[str, ...] = ()
    language: tuple[str, ...] = ()
    cluster: tuple[str, ...] = ()
    """Groups by subject, by number."""
    characters: tuple[float, float] | None = None
    """Of the original's response, both ends included."""
    winner_characters: tuple[float, float] | None = None
    producer: tuple[str, ...] = ()
    """Of any rewrite of the sample."""
    author: tuple[str, ...] = ()
    """Of the standing decision."""
    decided: Days | None = None
    """When it was made, first and last day (UTC); None is open."""
    score: tuple[str, ...] = ()
    """Any candidate of the sample has one of these statuses."""
    failure: tuple[str, ...] = ()
    """Why a reflection failed whose candidate is not there."""
    imported: tuple[str, ...] = ()
    """The import it came with, by number."""
    mark: tuple[str, ...] = ()
    """It has any of these quality marks."""
    tag: tuple[str, ...] = ()
    """It has any of these tags of reviewers."""
    note: str = ""
    """The note on it contains this, in any case."""
    because: tuple[str, ...] = ()
    """It is left out for one of these reasons, as a reviewer gave them."""
    similar: str = ""
    """It is one of the SIMILAR samples nearest to the one with this number or id, by the vectors in use."""

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

    def with_own(self, condition: OwnCondition) -> "Filter":
        """Return the filter with a condition in the place of the one on its column; without it where that is open."""
        rest = tuple(each for each in self.own if each.column != condition.column)
        return replace(self, own=(*rest, condition) if condition else rest)


def origins_of(measure: str) -> tuple[Origin, ...]:
    """Return the origins whose candidates have a measure; () for what a sample has."""
    return MEASURES[measure].origins


def filter_condition(store: Store, only: Filter) -> tuple[str, dict[str, object]]:
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
        check_measure(name)
        values[f"{name}_low"], values[f"{name}_high"] = low, high
        parts.append(f"winner_{name} BETWEEN ${name}_low AND ${name}_high")
    for name, origin, low, high in only.origin_ranges:
        values[f"o_{name}_low"], values[f"o_{name}_high"] = low, high
        parts.append(f"{origin_column(origin, name)} BETWEEN $o_{name}_low AND $o_{name}_high")
    for number, condition in enumerate(only.own):
        part, held = condition.sql(f"own_{number}")
        parts.append(part)
        values |= held
    if only.similar:
        values["similar"] = [each.seq for each in similar(store, only.similar)]
        parts.append("seq IN (SELECT unnest($similar::BIGINT[]))")
    more, more_values = _facets(only)
    return " AND ".join(parts + more) or "true", values | more_values


def similar(store: Store, name: str) -> list[Near]:
    """Return the samples most similar to one, given by number or id, the nearest first; SRTError as `nearest`."""
    return nearest(store, find_sample(store, name), SIMILAR)


def membership(store: Store, only: Filter) -> tuple[str, dict[str, object]]:
    """Return the condition of a filter, and its parameters, for any relation that has a seq, such as `verdict`."""
    where, values = filter_condition(store, only)
    return f"seq IN (SELECT seq FROM {ROWS} WHERE {where})", values


def as_json(only: Filter) -> dict[str, Any]:
    """Return the conditions that are set, as JSON has them: days as text, and null for an end that is open."""
    return {name: _plain(value) for name, value in asdict(only).items() if value}


def _plain(value: object) -> object:
    """Return a value of a field as JSON has it: it knows neither days nor infinity."""
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, list | tuple) else value


def is_empty(only: Filter) -> bool:
    """Whether a filter takes every sample."""
    return all(getattr(only, item.name) in ((), "", None) for item in fields(only))


# By field: its condition, with $name for the chosen values as a list.
_AMONG: Mapping[str, str] = {
    "task": "sample_id IN (SELECT sample_id FROM kind WHERE list_contains($task::VARCHAR[], task))",
    "language": "sample_id IN (SELECT sample_id FROM kind WHERE list_contains($language::VARCHAR[], language))",
    "cluster": "sample_id IN (SELECT sample_id FROM kind WHERE list_contains($cluster::INTEGER[], cluster))",
    "producer": f"""sample_id IN (SELECT sample_id FROM candidate
        WHERE origin <> '{Origin.ORIGINAL}' AND list_contains($producer::VARCHAR[], producer))""",
    "author": "list_contains($author::VARCHAR[], author)",
    "failure": """sample_id IN (SELECT sample_id FROM reflection ANTI JOIN candidate USING (sample_id, origin)
        WHERE status <> 'accepted' AND list_contains($failure::VARCHAR[], reason))""",
    "imported": "seq IN (SELECT seq FROM sample WHERE list_contains($imported::BIGINT[], import_id))",
    "mark": "seq IN (SELECT seq FROM mark WHERE list_contains($mark::VARCHAR[], mark))",
    "tag": "sample_id IN (SELECT sample_id FROM tag WHERE list_contains($tag::VARCHAR[], tag))",
    "because": """event_id IN (SELECT event_id FROM event
        WHERE kind = 'reject' AND list_contains($because::VARCHAR[], context ->> 'because'))""",
}
_NUMBERED = ("cluster", "imported")
_IN_USE = "scoring_id = (FROM scoring_in_use)"
_SCORED = f"""sample_id IN (SELECT sample_id FROM candidate JOIN score USING (candidate_id)
    WHERE {_IN_USE} AND list_contains($score::VARCHAR[], score.status))"""
_UNSCORED = f"""sample_id IN (SELECT sample_id FROM candidate
    WHERE candidate_id NOT IN (SELECT candidate_id FROM score WHERE {_IN_USE}))"""


def _facets(only: Filter) -> tuple[list[str], dict[str, object]]:
    """Return the conditions of the facets that are set, and their parameters."""
    parts: list[str] = []
    values: dict[str, object] = {}
    for name, part in _AMONG.items():
        if chosen := getattr(only, name):
            values[name] = _numbers(name, chosen) if name in _NUMBERED else list(chosen)
            parts.append(part)
    if only.note:
        values["note"] = only.note
        parts.append("sample_id IN (SELECT sample_id FROM note WHERE contains(lower(text), lower($note)))")
    for name, measured in (("characters", "original_characters"), ("winner_characters", "winner_characters")):
        if (ends := getattr(only, name)) is not None:
            values[f"{name}_low"], values[f"{name}_high"] = ends
            parts.append(f"{measured} BETWEEN ${name}_low AND ${name}_high")
    if only.decided:
        first, last = only.decided
        values |= {"decided_first": first, "decided_last": last}
        parts.append(
            """made_at >= coalesce($decided_first::DATE, '-infinity'::TIMESTAMP)
               AND coalesce(made_at < $decided_last::DATE + INTERVAL 1 DAY, made_at IS NOT NULL)"""
        )
    if only.score:
        parts.append(_score(only.score, values))
    return parts, values


def _score(chosen: tuple[str, ...], values: dict[str, object]) -> str:
    if unknown := set(chosen) - set(STATUSES):
        raise SRTError(
            f"There is no score status {', '.join(sorted(unknown))}.", f"Choose from: {', '.join(STATUSES)}."
        )
    parts = [_UNSCORED] if NOT_SCORED in chosen else []
    if scored := [status for status in chosen if status != NOT_SCORED]:
        values["score"] = scored
        parts.append(_SCORED)
    return f"({' OR '.join(parts)})"


def _numbers(name: str, chosen: tuple[str, ...]) -> list[int]:
    try:
        return [int(item) for item in chosen]
    except ValueError as error:
        raise SRTError(f"{', '.join(chosen)} is no number of {name}.", "Choose from those that are listed.") from error


def _any_of(name: str, chosen: Sequence[str], known: dict[str, str]) -> list[str]:
    if not chosen:
        return []
    if unknown := set(chosen) - set(known):
        raise SRTError(f"There is no {name} {', '.join(sorted(unknown))}.", f"Choose from: {', '.join(known)}.")
    return ["(" + " OR ".join(known[item] for item in chosen) + ")"]


def origin_column(origin: str, measure: str) -> str:
    """Return the column of ROWS with a measure of one origin; SRTError where its candidates do not have it."""
    check_measure(measure)
    if origin not in origins_of(measure):
        raise SRTError(f"An original has no {measure}.", f"Choose from: {', '.join(origins_of(measure))}.")
    return f"{Origin(origin).lower()}_{measure}"


def check_measure(measure: str) -> None:
    """Refuse what filters do not bound, with an SRTError."""
    if measure not in RANGES:
        raise SRTError(f"There is no measure {measure}.", f"Choose from: {', '.join(RANGES)}.")
