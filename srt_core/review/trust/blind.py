"""Blind reading: a drawn sample's versions, unnamed and in random order, each marked or not as fit to train on.

A reading is an event of its own and no decision. Where it contradicts the decision that stands, the reader is asked
afterwards which of the two does.
"""

import hashlib
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from srt_core.errors import DecisionError
from srt_core.project import events
from srt_core.project.store import Store
from srt_core.project.transaction import Transaction
from srt_core.records import Action, Decision, Origin
from srt_core.review import decisions
from srt_core.review.trust.audits.log import Audit


def shuffled(audit: Audit, sample: str, by: str, versions: Sequence[int]) -> tuple[int, ...]:
    """Return the versions of a sample in the order in which one reader of an audit sees them, whatever was done."""
    # The seed keeps the order over a reload. Nothing of the versions but their ids goes into it.
    order = sorted(versions)
    random.Random(f"{audit.seed} {sample} {by}").shuffle(order)
    return tuple(order)


def seal(audit: Audit, sample: str, by: str, shown: Sequence[int]) -> str:
    """Return a mark of what a reader was shown, by which it is known again and from which nothing is read."""
    return hashlib.sha256(f"{audit.seed} {sample} {by} {list(shown)}".encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Marks:
    """What a reader said: the versions as shown, those that may be trained on, and the best of these, if any is."""

    shown: tuple[int, ...]
    marked: tuple[int, ...]
    best: int | None = None


def read_within(
    tx: Transaction, audit: Audit, sample: str, marks: Marks, by: str, more: Mapping[str, object] | None = None
) -> int:
    """Append a reading, in a transaction with others, and return its event id; `more` goes into its context.

    DecisionError where the sample was not drawn, or marks name what was not shown.
    """
    if sample not in audit.samples or not audit.is_blind:
        raise DecisionError(f"Audit {audit.event_id} did not draw sample {sample} to be read blind.", "Go on with it.")
    best = () if marks.best is None else (marks.best,)
    if not marks.shown or not set(marks.marked) <= set(marks.shown) or not set(best) <= set(marks.marked):
        raise DecisionError("The marks are not of the versions shown.", "Read the sample again.")
    held = {key for (key,) in tx.execute("SELECT candidate_id FROM candidate WHERE sample_id = ?", [sample])}
    if not set(marks.shown) <= held:
        raise DecisionError(f"Sample {sample} has other versions by now.", "Read the sample again.")
    said = {"audit": audit.event_id, "shown": marks.shown, "marked": marks.marked, "best": marks.best}
    return events.append(tx, "reading", by, {**said, **(more or {})}, sample_id=sample)


def last_reading(store: Store, audit: Audit, by: str) -> int | None:
    """Find a person's last reading for an audit that was not undone."""
    found: int | None = store.value(
        """SELECT max(event_id) FROM event WHERE kind = 'reading' AND author = ? AND (context ->> 'audit')::BIGINT = ?
           AND event_id NOT IN (SELECT undoes FROM event WHERE undoes IS NOT NULL)""",
        [by, audit.event_id],
    )
    return found


def undo_reading(store: Store, event_id: int, by: str) -> str:
    """Undo a reading by an event of its own; returns its sample. DecisionError if it does not stand."""
    with store.transaction() as tx:
        sample, _ = undo_reading_within(tx, event_id, by)
        return sample


def undo_reading_within(
    tx: Transaction, event_id: int, by: str, context: Mapping[str, object] | None = None
) -> tuple[str, int]:
    """Undo a reading, as `undo_reading` does, in a transaction with others; returns its sample and the undo's event."""
    found = tx.execute(
        """SELECT sample_id FROM event WHERE event_id = $id AND kind = 'reading'
           AND $id NOT IN (SELECT undoes FROM event WHERE undoes IS NOT NULL)""",
        {"id": event_id},
    )
    if not found:
        raise DecisionError(f"Event {event_id} is no reading that stands.", "Choose a reading in the history.")
    sample = str(found[0][0])
    return sample, events.append(tx, "undo", by, context or {}, sample_id=sample, undoes=event_id)


@dataclass(frozen=True, slots=True)
class Question:
    """A decision that stands and that the last reading contradicts."""

    sample: str
    reading: int
    event_id: int
    action: Action
    origin: Origin | None
    candidate_id: int | None
    author: str
    marks: Marks


def question(store: Store, sample: str) -> Question | None:
    """Return what to ask after a reading: which stands? None where it does not contradict the decision."""
    reading = store.rows("SELECT event_id, shown, marked, best FROM reading WHERE sample_id = ?", [sample])
    standing = decisions.standing(store, sample)
    if not reading or standing is None or standing.action is Action.PARK:
        return None
    row = reading[0]
    marks = Marks(tuple(row["shown"]), tuple(row["marked"]), row["best"])
    agrees = not marks.marked if standing.action is Action.REJECT else standing.candidate_id in marks.marked
    if agrees or row["event_id"] < standing.event_id or standing.action is Action.EDIT:
        return None
    return Question(sample, row["event_id"], standing.event_id, standing.action, standing.origin,
                    standing.candidate_id, standing.author, marks)  # fmt: skip


def decision_again(asked: Question, by: str) -> Decision:
    """Return the decision that stands, to be made once more: after the reading it replaces it as evidence."""
    context = {"queue": "drawn", "after_reading": str(asked.reading)}
    return Decision(asked.sample, asked.action, by, asked.origin, None, context, asked.candidate_id)


def decision_as_read(store: Store, asked: Question, version: int | None, by: str) -> Decision:
    """Return the decision that a reading asks for: one of the marked versions, or to leave the sample out (None).

    DecisionError where the reading does not say that.
    """
    if (version is None) == bool(asked.marks.marked) or (version and version not in asked.marks.marked):
        raise DecisionError("The reading does not say that.", "Choose one of the versions that were marked.")
    context = {"queue": "drawn", "after_reading": str(asked.reading)}
    if version is None:
        return Decision(asked.sample, Action.REJECT, by, context=context)
    sql = "SELECT candidate_id = ? AS is_pick FROM selection WHERE sample_id = ?"
    is_pick = store.value(sql, [version, asked.sample])
    origin = Origin(store.value("SELECT origin FROM candidate WHERE candidate_id = ?", [version]))
    return Decision(asked.sample, Action.APPROVE if is_pick else Action.CHOOSE, by, origin, None, context, version)
