"""What a reviewer's keys did, as the desk sends it: written in one transaction, each once, refused ones with a reason.

The desk shows the next sample at once and sends what it did when nothing is under way: the whole list of what it does
not know to be saved. A press has a number that the desk made, so that one that comes again is not written again, and
names the decision that its reader saw, so that one on a sample that somebody else decided meanwhile is refused.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from srt_core.errors import DecisionError
from srt_core.project import events
from srt_core.project.store import Store
from srt_core.project.transaction import Transaction
from srt_core.records import Action, Decision, Origin, Pair
from srt_core.review import decisions, drafts, notes, shares
from srt_core.review.shares import Share
from srt_core.review.trust import blind
from srt_core.review.trust.audits import Audit
from srt_core.review.trust.blind import Marks, Question
from srt_core.review.verdicts import read_verdict

MOST_CHARACTERS = 2_000
"""Of a note, a tag or a reason."""


class PressKind(StrEnum):
    """What a press does."""

    KEEP = "keep"
    EDIT = "edit"
    LEAVE_OUT = "leave_out"
    PARK = "park"
    UNDO = "undo"
    READ = "read"
    """A blind reading."""
    SETTLE = "settle"
    """Says which stands, a blind reading or the decision that it contradicts."""
    NOTE = "note"
    TAG = "tag"
    UNTAG = "untag"


@dataclass(frozen=True, slots=True)
class Press:
    """One press on a sample."""

    press_id: str
    kind: PressKind
    sample: str
    upon: int | None = None
    """The event that the reader saw: of the standing decision (None: undecided); of an undo, what it undoes; of a
    settlement, the reading."""
    after: str = ""
    """The reader's own press in the place of `upon`, where its event was not known yet."""
    candidate_id: int | None = None
    """The version to keep, or the one that was edited."""
    origin: Origin | None = None
    """Of the version that was edited."""
    repairs: Origin | None = None
    """The version that failed and is written by hand."""
    edited: Pair | None = None
    text: str = ""
    """A note, a tag, or the reason for leaving out."""
    agrees: bool = False
    """Whether the sample was left out because the rule does so."""
    shown: str = ""
    """Of a reading, the seal of what was shown."""
    marked: tuple[int, ...] = ()
    """Of a reading, the places (from 1) of the versions that may be trained on; of a settlement, the one to keep."""
    best: int | None = None
    decision_stands: bool = False
    """Of a settlement."""


def parse(sent: Mapping[str, Any]) -> Press:
    """Return a press as the desk sent it; DecisionError where it is none."""
    try:
        texts = sent.get("edited")
        return Press(
            _text(sent, "id"), PressKind(sent["kind"]), _text(sent, "sample"), _number(sent, "upon"),
            _text(sent, "after"), _number(sent, "candidate"), _origin(sent, "origin"), _origin(sent, "repairs"),
            Pair(_text(texts, "instruction"), _text(texts, "response"), _text(texts, "input")) if texts else None,
            _text(sent, "text")[:MOST_CHARACTERS].strip(), sent.get("agrees") is True, _text(sent, "shown"),
            tuple(int(place) for place in sent.get("marked", ())), _number(sent, "best"),
            sent.get("decision_stands") is True,
        )  # fmt: skip
    except (KeyError, TypeError, ValueError) as error:
        raise DecisionError("The desk sent a press that is none.", "Load the page again.") from error


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


@dataclass(frozen=True, slots=True)
class Sitting:
    """Whose presses they are, and over which queue."""

    store: Store
    by: str
    queue: str
    share: Share | None = None
    audit: Audit | None = None
    """What is read blind; None where nothing is."""


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


_Write = Callable[[Transaction, Press], int]


def _prepared(sitting: Sitting, press: Press) -> _Write | Refused:
    """Look up what a press needs outside of the transaction; returns what writes it."""
    try:
        return _PREPARE[press.kind](sitting, press)
    except DecisionError as error:
        return Refused(error.message, error.hint)


def _taken(tx: Transaction, sitting: Sitting, press: Press, write: _Write | Refused) -> Saved | Refused:
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


# ---- one function a kind: reads what it needs, then returns what writes


def _decide(sitting: Sitting, press: Press) -> _Write:
    share = sitting.share
    is_blind = share is not None and shares.is_blind(sitting.store, share, press.sample)
    said = {"queue": sitting.queue, "press": press.press_id, **({"blind": "yes"} if is_blind else {})}

    def write(tx: Transaction, press: Press) -> int:
        pick = _pick(tx, press.sample)
        decision = Decision(press.sample, _ACTIONS.get(press.kind, Action.CHOOSE), sitting.by, context=said)
        if press.kind is PressKind.KEEP:
            action = Action.APPROVE if press.candidate_id == pick else Action.CHOOSE
            decision = replace(decision, action=action, origin=_origin_of(tx, press), candidate_id=press.candidate_id)
        elif press.kind is PressKind.EDIT:
            more = {**said, "repairs": str(press.repairs)} if press.repairs else said
            decision = replace(decision, origin=press.repairs or press.origin, edited=press.edited, context=more,
                               candidate_id=None if press.repairs else press.candidate_id)  # fmt: skip
        elif press.kind is PressKind.LEAVE_OUT:
            reason = {"because": press.text} if press.text else {}
            agrees = {"agrees": "rule"} if press.agrees and pick is None else {}
            decision = replace(decision, context={**said, **reason, **agrees})
            if press.text:
                notes.add_reason(tx, press.text)
        event_id = decisions.decide_within(tx, decision, expected_event_id=press.upon, is_blind=is_blind)
        if press.kind is PressKind.EDIT:
            drafts.drop(tx, press.sample, sitting.by)
        return event_id

    return write


_ACTIONS = {PressKind.EDIT: Action.EDIT, PressKind.LEAVE_OUT: Action.REJECT, PressKind.PARK: Action.PARK}


def _pick(tx: Transaction, sample: str) -> int | None:
    """Return the candidate that the rule keeps of a sample."""
    found = tx.execute(
        "SELECT candidate_id FROM selection WHERE seq = (SELECT seq FROM sample WHERE sample_id = ?)", [sample]
    )
    return None if not found or found[0][0] is None else int(found[0][0])


def _origin_of(tx: Transaction, press: Press) -> Origin:
    found = tx.execute("SELECT origin FROM candidate WHERE candidate_id = ?", [press.candidate_id])
    if not found:
        raise DecisionError(f"Sample {press.sample} has no such version.", "Look at the sample again, then decide.")
    return Origin(found[0][0])


def _undo(sitting: Sitting, press: Press) -> _Write:
    def write(tx: Transaction, press: Press) -> int:
        found = tx.execute("SELECT kind, author FROM event WHERE event_id = ?", [press.upon])
        if not found or found[0][1] != sitting.by:
            raise DecisionError("That is no decision of yours.", "Choose it in the history.")
        undo = blind.undo_reading_within if found[0][0] == "reading" else decisions.undo_within
        return undo(tx, press.upon or 0, sitting.by, {"press": press.press_id})[1]

    return write


def _read(sitting: Sitting, press: Press) -> _Write:
    audit = sitting.audit
    if audit is None:
        raise DecisionError("Nothing is read blind here.", "Open the audit again.")
    shown = versions_shown(sitting.store, audit, press.sample, sitting.by)
    if press.shown != blind.seal(audit, press.sample, sitting.by, shown):
        raise DecisionError(f"Sample {press.sample} has other versions by now.", "Read the sample again.")
    places = (*press.marked, *(() if press.best is None else (press.best,)))
    if not all(1 <= place <= len(shown) for place in places):
        raise DecisionError("The marks are not of the versions shown.", "Read the sample again.")
    best = None if press.best is None else shown[press.best - 1]
    marks = Marks(shown, tuple(shown[place - 1] for place in sorted(press.marked)), best)

    def write(tx: Transaction, press: Press) -> int:
        return blind.read_within(tx, audit, press.sample, marks, sitting.by, {"press": press.press_id})

    return write


def versions_shown(store: Store, audit: Audit, sample: str, by: str) -> tuple[int, ...]:
    """Return the versions of a sample, by id, in the order in which a reader of an audit is shown them."""
    verdict = read_verdict(store, sample)
    takes = verdict.takes.values() if verdict else ()
    return blind.shuffled(audit, sample, by, [version for version in takes if version is not None])


def _settle(sitting: Sitting, press: Press) -> _Write:
    asked = blind.question(sitting.store, press.sample)
    if asked is None or asked.reading != press.upon:
        raise DecisionError("Which of the two stands was said meanwhile.", "Go on with the next sample.")
    if press.decision_stands:
        decision = blind.decision_again(asked, sitting.by)
    else:
        version = asked.marks.marked[press.marked[0] - 1] if press.marked else None
        decision = blind.decision_as_read(sitting.store, asked, version, sitting.by)
    said = {**decision.context, "press": press.press_id}

    def write(tx: Transaction, press: Press) -> int:
        return decisions.decide_within(tx, replace(decision, context=said), expected_event_id=asked.event_id)

    return write


def _write_beside(sitting: Sitting, press: Press) -> _Write:
    if press.kind is not PressKind.NOTE and not press.text:
        raise DecisionError("A tag needs a name.", "Type one.")
    name = "text" if press.kind is PressKind.NOTE else "tag"

    def write(tx: Transaction, press: Press) -> int:
        said = {name: press.text, "press": press.press_id}
        return events.append(tx, str(press.kind), sitting.by, said, sample_id=press.sample)

    return write


_PREPARE: Mapping[PressKind, Callable[[Sitting, Press], _Write]] = {
    PressKind.KEEP: _decide,
    PressKind.EDIT: _decide,
    PressKind.LEAVE_OUT: _decide,
    PressKind.PARK: _decide,
    PressKind.UNDO: _undo,
    PressKind.READ: _read,
    PressKind.SETTLE: _settle,
    PressKind.NOTE: _write_beside,
    PressKind.TAG: _write_beside,
    PressKind.UNTAG: _write_beside,
}


def _text(sent: Mapping[str, Any], name: str) -> str:
    found = sent.get(name) or ""
    if not isinstance(found, str):
        raise TypeError(name)
    return found


def _number(sent: Mapping[str, Any], name: str) -> int | None:
    found = sent.get(name)
    return None if found is None else int(found)


def _origin(sent: Mapping[str, Any], name: str) -> Origin | None:
    return Origin(sent[name]) if sent.get(name) else None
