"""Take presses: in one transaction, each once, refused ones with a reason."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from srt_core.errors import DecisionError
from srt_core.project.transaction import Transaction
from srt_core.review.presses.press import Press, PressKind
from srt_core.review.presses.writes import PREPARE, Sitting, Write
from srt_core.review.trust import blind
from srt_core.review.trust.blind import Question


@dataclass(frozen=True, slots=True)
class Saved:
    """A press that is in the log, by its event; with the question that a reading left, if it did."""

    event_id: int
    question: Question | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """A press of which nothing was written, and why."""

    message: str
    hint: str


def take(sitting: Sitting, presses: Sequence[Press]) -> dict[str, Saved | Refused]:
    """Write presses in their order, in one transaction, and return what became of each."""
    writes = [(press, _prepared(sitting, press)) for press in presses]
    taken: dict[str, Saved | Refused] = {}
    with sitting.store.transaction() as tx:
        for press, write in writes:
            taken[press.press_id] = _taken(tx, sitting, press, write)
    for press in presses:
        taken[press.press_id] = _with_question(sitting, press, taken[press.press_id])
    return taken


def _prepared(sitting: Sitting, press: Press) -> Write | Refused:
    """Look up what a press needs outside of the transaction; returns what writes it."""
    try:
        return PREPARE[press.kind](sitting, press)
    except DecisionError as error:
        return Refused(error.message, error.hint)


def _taken(tx: Transaction, sitting: Sitting, press: Press, write: Write | Refused) -> Saved | Refused:
    if (event_id := _event_of(tx, press.sample, press.press_id, sitting.by)) is not None:
        return Saved(event_id)
    if isinstance(write, Refused):
        return write
    try:
        if press.after:
            press = replace(press, upon=_event_after(tx, press, sitting.by))
        return Saved(write(tx, press))
    except DecisionError as error:
        return Refused(error.message, error.hint)


def _event_of(tx: Transaction, sample: str, press_id: str, by: str) -> int | None:
    """Find the event that a press of a person was written as; None where it was not."""
    found = tx.execute(
        "SELECT event_id FROM event WHERE sample_id = ? AND author = ? AND context ->> 'press' = ?",
        [sample, by, press_id],
    )
    return int(found[0][0]) if found else None


def _event_after(tx: Transaction, press: Press, by: str) -> int | None:
    """Return the event that stands after a press of the same person, as its reader saw it: none after some undos."""
    found = _event_of(tx, press.sample, press.after, by)
    if found is None:
        raise DecisionError("The press before this one was not saved.", "Look at the sample again, then decide.")
    if not tx.execute("SELECT 1 FROM event WHERE event_id = ? AND kind = 'undo'", [found]):
        return found
    # What stood before the undone decision stands again; what came after the undo nobody here has seen.
    stands = tx.execute("SELECT event_id FROM standing WHERE sample_id = ? AND event_id < ?", [press.sample, found])
    return int(stands[0][0]) if stands else None


def _with_question(sitting: Sitting, press: Press, taken: Saved | Refused) -> Saved | Refused:
    if press.kind is not PressKind.READ or isinstance(taken, Refused):
        return taken
    asked = blind.question(sitting.store, press.sample)
    return replace(taken, question=asked) if asked and asked.reading == taken.event_id else taken
