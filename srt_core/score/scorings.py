"""The scorings of a project: student, template, convention, max length and progress of each, and which one is in use.

Scores of two scorings are never mixed: the rule and all screens read only the one in use.
"""

from dataclasses import dataclass
from datetime import datetime

from srt_core.errors import SRTError
from srt_core.project.events import append
from srt_core.project.store import Store
from srt_core.records import DERIVATIONS, MEASURES

COMPARED = tuple(each.name for each in MEASURES if each.name in {made.measure for made in DERIVATIONS.values()})
"""The scores that two students are compared by: those that decide whether a rewrite improved."""

UNSCORED = "unscored"
"""The status of a candidate without a score under the scoring in use."""


@dataclass(frozen=True, slots=True)
class Scoring:
    """One way of scoring: a student, its template, convention and max length."""

    scoring_id: int
    made_at: datetime
    """UTC."""
    student: str
    fingerprint: str
    dtype: str
    template: str
    template_hash: str
    template_texts: str
    """JSON."""
    convention: str
    max_length: int
    batching: str
    """Why the student did not compute in the fast way; "" where it did."""
    stamp: str
    """Of the student's files and the asked settings, once all was scored; "" before."""


@dataclass(frozen=True, slots=True)
class ListedScoring(Scoring):
    """A scoring with how far it came."""

    in_use: bool
    scored: int
    """Candidates."""


def scorings(store: Store) -> list[ListedScoring]:
    """Return every scoring, the newest first."""
    return store.read(
        ListedScoring,
        """SELECT scoring.*, scoring_id = $in_use AS in_use,
                  (SELECT count(*) FROM score WHERE score.scoring_id = scoring.scoring_id) AS scored
           FROM scoring ORDER BY scoring_id DESC""",
        {"in_use": store.scoring_id()},
    )


def scoring_in_use(store: Store) -> Scoring | None:
    """Return the scoring in use; None where nothing was scored yet."""
    return _scoring(store, store.scoring_id())


def score_statuses(store: Store) -> dict[str, int]:
    """Return the number of candidates by score status under the scoring in use; UNSCORED for those without a score."""
    rows = store.rows(
        "SELECT status, count(*) AS candidates FROM score WHERE scoring_id = ? GROUP BY status", [store.scoring_id()]
    )
    found = {row["status"]: row["candidates"] for row in rows}
    unscored = int(store.value("SELECT count(*) FROM candidate")) - sum(found.values())
    if unscored:
        found[UNSCORED] = unscored
    return dict(sorted(found.items(), key=lambda counted: -counted[1]))


def use_scoring(store: Store, scoring_id: int, author: str) -> None:
    """Put a scoring in use and log it with the one before it. SRTError if there is none of that id.

    Nothing is logged where it is in use already.
    """
    asked, before = _scoring(store, scoring_id), scoring_in_use(store)
    if not asked:
        raise SRTError(f"There is no scoring {scoring_id}.", "Choose one of those listed.")
    if before and before.scoring_id == scoring_id:
        return
    context = {**_named(asked), "before": _named(before)}
    with store.transaction() as tx:
        tx.set_meta("scoring_id", str(scoring_id))
        append(tx, "scoring", author, context)


def _named(scoring: Scoring | None) -> dict[str, object]:
    names = ("scoring_id", "student", "template", "convention")
    return {name: getattr(scoring, name) for name in names} if scoring else {}


def _scoring(store: Store, scoring_id: int) -> Scoring | None:
    return store.find(Scoring, "SELECT * FROM scoring WHERE scoring_id = ?", [scoring_id])
