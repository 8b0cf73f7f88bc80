"""Ratings by the rubric: points and flaws by dimension, which a reviewer gives a version on the desk.

A rating is an event, so it has an author and a time and can be undone; the view `rubric` has the last of each reviewer
on each version. Caps are a setting of the project: what a flaw in a dimension leaves of its side at most.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from srt_core.errors import DecisionError
from srt_core.methods.coachlm import RUBRIC, SIDES, score_side
from srt_core.project import events
from srt_core.project.store import Store
from srt_core.project.transaction import Transaction

Given = Mapping[str, tuple[int, bool]]
"""Points and whether there is a flaw, by dimension."""

_KEY = "rubric_caps"
_DIMENSIONS = {each.name: each for each in RUBRIC}


def check(given: Given) -> None:
    """Raise DecisionError where a rating is none: an unknown dimension, or points out of range."""
    for name, (points, _) in given.items():
        if name not in _DIMENSIONS:
            raise DecisionError(f"The rubric has no dimension {name}.", f"It has {', '.join(_DIMENSIONS)}.")
        if not 0 <= points <= _DIMENSIONS[name].most:
            raise DecisionError(f"{name} has {points} points.", f"Give 0 to {_DIMENSIONS[name].most}.")
    if not given:
        raise DecisionError("No dimension has points.", "Give some, then save.")


def rate_within(
    tx: Transaction, sample: str, given: Given, by: str, *, candidate_id: int | None, edit_id: int | None, press: str
) -> int:
    """Append a rating of a version, or of the text of an edit, and return its event; DecisionError where it is none."""
    check(given)
    if candidate_id is None and not tx.execute(
        "SELECT 1 FROM event WHERE event_id = ? AND sample_id = ? AND kind = 'edit'", [edit_id, sample]
    ):
        raise DecisionError(f"Sample {sample} has no such version.", "Look at the sample again, then rate it.")
    if candidate_id is not None and not tx.execute(
        "SELECT 1 FROM candidate WHERE candidate_id = ? AND sample_id = ?", [candidate_id, sample]
    ):
        raise DecisionError(f"Sample {sample} has no such version.", "Look at the sample again, then rate it.")
    lines = [
        {"side": _DIMENSIONS[name].side, "dimension": name, "points": points, "flaw": flaw}
        for name, (points, flaw) in given.items()
    ]
    of = {"candidate": candidate_id} if candidate_id is not None else {"edit": edit_id}
    return events.append(tx, "rubric", by, {"rubric": lines, "press": press, **of}, sample_id=sample)


def given_by(store: Store, by: str, *, candidate_id: int | None, edit_id: int | None) -> Given:
    """Return what a reviewer gave a version; {} where nothing was."""
    rows = store.rows(
        """SELECT dimension, points, flaw FROM rubric
           WHERE rater = ? AND candidate_id IS NOT DISTINCT FROM ? AND event_id IS NOT DISTINCT FROM ?""",
        [by, candidate_id, edit_id],
    )
    return {row["dimension"]: (row["points"], row["flaw"]) for row in rows}


def caps(store: Store) -> dict[str, float]:
    """Return the project's caps by dimension; {} where there are none."""
    return dict(json.loads(store.meta(_KEY) or "{}"))


def set_caps(store: Store, changes: Mapping[str, float | None]) -> dict[str, float]:
    """Set caps by dimension (None: no cap any more) and return all; DecisionError for what is none."""
    for name, cap in changes.items():
        if name not in _DIMENSIONS:
            raise DecisionError(f"The rubric has no dimension {name}.", f"It has {', '.join(_DIMENSIONS)}.")
        if cap is not None and not 0 <= cap <= 100:
            raise DecisionError(f"The cap of {name} is {cap:g}.", "Give 0 to 100, or none.")
    kept = {name: cap for name, cap in {**caps(store), **changes}.items() if cap is not None}
    store.set_meta(_KEY, json.dumps(kept))
    return kept


@dataclass(frozen=True, slots=True)
class Mean:
    """What the ratings of the versions of one kind came to on one side: means over versions and reviewers."""

    version: str
    """Who made them: a producer, or `edits`."""
    side: str
    ratings: int
    score: float


def means(store: Store) -> Sequence[Mean]:
    """Return the mean score of each side by who made the versions; ratings that lack a dimension are not in it."""
    held: dict[tuple[str, int, int, str], dict[str, tuple[int, bool]]] = {}
    for row in store.rows(
        """SELECT coalesce(candidate.producer, 'edits') AS version, coalesce(rubric.candidate_id, -1) AS candidate_id,
                  coalesce(rubric.event_id, -1) AS event_id, rater, dimension, points, flaw
           FROM rubric LEFT JOIN candidate USING (candidate_id) ORDER BY ALL"""
    ):
        key = row["version"], row["candidate_id"], row["event_id"], row["rater"]
        held.setdefault(key, {})[row["dimension"]] = row["points"], row["flaw"]
    limits = caps(store)
    scores: dict[tuple[str, str], list[float]] = {}
    for (version, *_), given in held.items():
        for side in SIDES:
            if (score := score_side(side, given, limits)) is not None:
                scores.setdefault((version, side), []).append(score)
    return [Mean(*key, len(found), sum(found) / len(found)) for key, found in sorted(scores.items())]
