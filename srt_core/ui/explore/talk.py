"""What the table in the browser says, and what it is told: who decided what, which sample is open, and in full.

One message is under way at a time and has a number; one that comes twice is taken once.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from srt_core.project import events
from srt_core.project.store import Store
from srt_core.records import Action, Candidate, LossStatus, Origin
from srt_core.reflect.outcomes import Failure
from srt_core.review import decisions, presses
from srt_core.review.filter.facets import LISTED, choices
from srt_core.review.filter.filter import Filter, membership
from srt_core.review.notes import Beside
from srt_core.review.presses import Refused, Sitting
from srt_core.review.queues import QUEUES
from srt_core.ui.frame.filters import describe_filter
from srt_core.ui.frame.students import why_not_scored
from srt_core.ui.frame.words import ACTION_LABELS, ORIGIN_LABELS, describe_rewrite, number
from srt_core.ui.review.cards import Card, card, whole
from srt_core.ui.review.seat import Seat
from srt_core.ui.sample.summary import read_sample
from srt_core.ui.server.permission import told

BULK = {"keep": Action.APPROVE, "leave_out": Action.REJECT, "park": Action.PARK}
"""What can be done to all samples of a filter at once, by its name in a message."""
QUEUE = "filter"
"""Under which queue's name decisions from here stand in the log."""
MOST_RAW = 20_000
"""Characters of a failed reply that are shown."""


@dataclass
class Talk:
    """The talk of one session with its table."""

    turn: str = ""
    """Of the latest message."""
    answer: dict[str, Any] = field(default_factory=dict)
    """What came of it; it stands until the next one."""
    leaves_to: str = ""
    """Another page, which the browser asked for."""
    whole: str = ""
    """The sample whose long texts are shown whole."""
    is_news: bool = False
    """Whether more changed than the table shows, so that the whole page is to be drawn again."""

    def is_new(self, message: Mapping[str, Any]) -> bool:
        """Note a message's number; False where it came before."""
        turn, before = str(message.get("turn")), self.turn
        if turn != before:
            self.turn, self.answer = turn, {}
        return turn != before

    def press(self, store: Store, by: str, sent: Mapping[str, Any]) -> None:
        """Write one press on the open sample, and note what came of it."""
        press = presses.parse(sent)
        taken = presses.take(Sitting(store, by, QUEUE), [press])[press.press_id]
        if isinstance(taken, Refused):
            self.answer = {"refused": told(taken.message), "hint": told(taken.hint)}
        else:
            self.answer = {"saved": press.sample}

    def decide_all(self, store: Store, by: str, only: Filter, name: str) -> None:
        """Do to all open samples of a filter what a button said."""
        where, values = membership(store, only)
        # What subjects and files are called now: a number may mean others later.
        said = {each: choices(store, each) for each in LISTED if getattr(only, each)}
        decisions.decide_all(store, where, values, BULK[name], by, describe_filter(only, said))
        self.is_news = True

    def undo_all(self, store: Store, by: str, action_id: int) -> None:
        """Take an action on many samples back."""
        decisions.undo_action(store, action_id, by)
        self.is_news = True


def last_bulk(store: Store, by: str) -> dict[str, Any] | None:
    """Return the person's latest action where it was one on many samples, to undo it; None otherwise.

    It comes from the log, so that a reload does not lose it.
    """
    last = events.events(store, events.EventFilter(author=by), 1)
    if not last or "bulk" not in last[0].context:
        return None
    event = last[0]
    return {"action": event.action_id, "count": event.in_action, "says": ACTION_LABELS[Action(event.kind)].lower()}


def open_card(store: Store, name: str, *, is_whole: bool) -> Card:
    """Return the card of the open sample, as the desk's, with each version's scores; DecisionError for none.

    `is_whole` adds the texts in full.
    """
    sample = read_sample(store, name)
    is_unscored = sample.edit is not None and sample.edit.status is None
    unscored = told(why_not_scored(store)) if is_unscored else ""
    found = card(sample, Seat("", QUEUE, QUEUES[QUEUE]), Beside(), None, is_blind=False, unscored=unscored)
    found["scores"] = {name: _scores(each) for name, each in sample.by_name.items()}
    found["failures"] = [_failure(origin, failure) for origin, failure in sample.failures.items()]
    if is_whole:
        found["whole"] = [whole(each) for each in sample.in_card]
    return found


def _scores(candidate: Candidate) -> list[str]:
    """Say what a version measures, and who made it."""
    scores = f"IFD {number(candidate.measures['ifd'], 3)} · r-IFD {number(candidate.measures['r_ifd'], 3)}"
    if candidate.status is None:
        scores = "Not scored yet"
    elif candidate.status is not LossStatus.OK:
        scores += f" · {candidate.status.replace('_', ' ')}"
    if candidate.origin is Origin.ORIGINAL:
        return [scores]
    return [scores, *filter(None, (describe_rewrite(candidate), f"By {candidate.producer}"))]


def _failure(origin: Origin, failure: Failure) -> dict[str, str]:
    said = f"{failure.reason.replace('_', ' ').capitalize()}. {failure.detail}"
    return {"label": f"Failed reflection: {ORIGIN_LABELS[origin]}", "says": said, "raw": (failure.raw or "")[:MOST_RAW]}
