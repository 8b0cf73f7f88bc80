"""What each kind of press writes: a function reads what it needs, then returns what writes it in the transaction."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from srt_core.errors import DecisionError
from srt_core.project import events
from srt_core.project.store import Store
from srt_core.project.transaction import Transaction
from srt_core.records import Action, Decision, Origin
from srt_core.reflect.arms import rivals
from srt_core.review import decisions, drafts, gold, notes, rubric, shares
from srt_core.review.presses.press import Press, PressKind
from srt_core.review.shares import Share
from srt_core.review.trust import blind
from srt_core.review.trust.audits import Audit
from srt_core.review.trust.blind import Marks
from srt_core.review.verdicts import read_verdict


@dataclass(frozen=True, slots=True)
class Sitting:
    """Whose presses they are, and over which queue."""

    store: Store
    by: str
    queue: str
    share: Share | None = None
    audit: Audit | None = None
    """What is read blind; None where nothing is."""
    gold: Mapping[str, str] = field(default_factory=dict)
    """Gold samples that were mixed in, each with the sample that it came before."""


Write = Callable[[Transaction, Press], int]
"""Writes a press and returns its event."""


def _decide(sitting: Sitting, press: Press) -> Write:
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
        if press.sample in sitting.gold:
            event_id = gold.answer_within(tx, decision, sitting.gold[press.sample])
        else:
            event_id = decisions.decide_within(tx, decision, expected_event_id=press.upon, is_blind=is_blind)
        if press.kind is PressKind.EDIT:
            drafts.drop(tx, press.sample, sitting.by)
        return event_id

    return write


_ACTIONS = {PressKind.EDIT: Action.EDIT, PressKind.LEAVE_OUT: Action.REJECT, PressKind.PARK: Action.PARK}


def _pick(tx: Transaction, sample: str) -> int | None:
    """Return the candidate that the rule keeps of a sample."""
    seq = tx.execute("SELECT seq FROM sample WHERE sample_id = ?", [sample])
    # By its number as a value, so that most rows are not read.
    found = tx.execute("SELECT candidate_id FROM selection WHERE seq = ?", seq[0]) if seq else []
    return None if not found or found[0][0] is None else int(found[0][0])


def _origin_of(tx: Transaction, press: Press) -> Origin:
    found = tx.execute("SELECT origin FROM candidate WHERE candidate_id = ?", [press.candidate_id])
    if not found:
        raise DecisionError(f"Sample {press.sample} has no such version.", "Look at the sample again, then decide.")
    return Origin(found[0][0])


def _undo(sitting: Sitting, press: Press) -> Write:
    def write(tx: Transaction, press: Press) -> int:
        found = tx.execute("SELECT kind, author FROM event WHERE event_id = ?", [press.upon])
        if not found or found[0][1] != sitting.by:
            raise DecisionError("That is no decision of yours.", "Choose it in the history.")
        undo = _UNDOES.get(found[0][0], decisions.undo_within)
        return undo(tx, press.upon or 0, sitting.by, {"press": press.press_id})[1]

    return write


_UNDOES = {"reading": blind.undo_reading_within, "calibration": gold.undo_answer_within}


def _read(sitting: Sitting, press: Press) -> Write:
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
    takes = [version for version in verdict.takes.values() if version is not None] if verdict else []
    return blind.shuffled(audit, sample, by, list(dict.fromkeys([*takes, *rivals(store, [sample])])))


def _settle(sitting: Sitting, press: Press) -> Write:
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


def _write_beside(sitting: Sitting, press: Press) -> Write:
    if press.kind is not PressKind.NOTE and not press.text:
        raise DecisionError("A tag needs a name.", "Type one.")
    name = "text" if press.kind is PressKind.NOTE else "tag"

    def write(tx: Transaction, press: Press) -> int:
        said = {name: press.text, "press": press.press_id}
        return events.append(tx, str(press.kind), sitting.by, said, sample_id=press.sample)

    return write


def _rate(sitting: Sitting, press: Press) -> Write:
    given = {name: (points, is_flawed) for name, points, is_flawed in press.rubric}

    def write(tx: Transaction, press: Press) -> int:
        return rubric.rate_within(tx, press.sample, given, sitting.by, candidate_id=press.candidate_id,
                                  edit_id=press.upon, press=press.press_id)  # fmt: skip

    return write


PREPARE: Mapping[PressKind, Callable[[Sitting, Press], Write]] = {
    PressKind.KEEP: _decide,
    PressKind.EDIT: _decide,
    PressKind.LEAVE_OUT: _decide,
    PressKind.PARK: _decide,
    PressKind.UNDO: _undo,
    PressKind.READ: _read,
    PressKind.SETTLE: _settle,
    PressKind.NOTE: _write_beside,
    PressKind.RATE: _rate,
    PressKind.TAG: _write_beside,
    PressKind.UNTAG: _write_beside,
}
