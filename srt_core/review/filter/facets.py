"""What a filter can ask for beside the rule's numbers: kind, length, who made and who decided, status, file.

Each facet is a field of `Facets` and a condition of its own over the relation `browse.ROWS`. No value is ever
formatted into the text.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from srt_core.errors import SRTError
from srt_core.importing.kinds import TaskType
from srt_core.project.store import Store
from srt_core.records import LossStatus, Origin

NOT_SCORED = "not scored"
STATUSES = (*map(str, LossStatus), NOT_SCORED)
"""What became of scoring a candidate under the scoring in use."""
TASKS = tuple(map(str, TaskType))

Days = tuple[date | None, date | None]


@dataclass(frozen=True, slots=True)
class Facets:
    """Which samples: all given conditions at once. Empty tuples and None take all."""

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
}
_NUMBERED = ("cluster", "imported")
_IN_USE = "scoring_id = (FROM scoring_in_use)"
_SCORED = f"""sample_id IN (SELECT sample_id FROM candidate JOIN score USING (candidate_id)
    WHERE {_IN_USE} AND list_contains($score::VARCHAR[], score.status))"""
_UNSCORED = f"""sample_id IN (SELECT sample_id FROM candidate
    WHERE candidate_id NOT IN (SELECT candidate_id FROM score WHERE {_IN_USE}))"""

_CHOICES: Mapping[str, str] = {
    "language": "SELECT language AS value, '' AS said FROM kind GROUP BY language ORDER BY count(*) DESC, language",
    "cluster": "SELECT cluster::VARCHAR AS value, words AS said FROM cluster ORDER BY cluster",
    "producer": f"""SELECT DISTINCT producer AS value, '' AS said FROM candidate
        WHERE origin <> '{Origin.ORIGINAL}' ORDER BY 1""",
    "author": "SELECT DISTINCT author AS value, '' AS said FROM standing ORDER BY ALL",
    "failure": "SELECT DISTINCT reason AS value, '' AS said FROM reflection WHERE status <> 'accepted' ORDER BY ALL",
    "imported": "SELECT import_id::VARCHAR AS value, parse_filename(path) AS said FROM import ORDER BY import_id",
}
LISTED = tuple(_CHOICES)
"""The facets whose values are those that the project holds."""


def conditions(only: Facets) -> tuple[list[str], dict[str, object]]:
    """Return the conditions of the facets that are set, and their parameters."""
    parts: list[str] = []
    values: dict[str, object] = {}
    for name, part in _AMONG.items():
        if chosen := getattr(only, name):
            values[name] = _numbers(name, chosen) if name in _NUMBERED else list(chosen)
            parts.append(part)
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


def choices(store: Store, name: str) -> dict[str, str]:
    """List the values of a facet of LISTED that the project holds, each with what is said of it ("" for nothing)."""
    return {row["value"]: row["said"] for row in store.rows(_CHOICES[name])}


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
