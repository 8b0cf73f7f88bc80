"""The desk: which sample a session has in front of it, and what a key does to it.

A decision must never hit a sample that was not on screen. Streamlit delivers key presses late, twice or merged, so
every press names the view it was made on: a button's key and its callback's arguments carry the view's number. A
callback that names another view than the current one does nothing, and every accepted press ends its view.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import streamlit as st

from srt_core.errors import SRTError
from srt_core.project.store import Store
from srt_core.records import Action, Decision, Origin, Pair
from srt_core.review import decisions
from srt_core.review import queues as review
from srt_core.review.queues import Queue
from srt_core.review.trust.blind import Marks, Question
from srt_core.ui.frame.page import curator
from srt_core.ui.sample.texts import DIFF_MODES, DiffMode


@dataclass(frozen=True, slots=True)
class Edit:
    """A pair being edited: of which candidate, which missing candidate it repairs, and where it started."""

    sample: str
    origin: Origin
    start: Pair
    repairs: Origin | None = None
    source: str = ""
    candidate_id: int | None = None

    @property
    def key(self) -> str:
        """The name of this edit's widgets: of one sample and origin only, so that no draft shows on another."""
        return f"edit:{self.sample}:{self.origin}:{self.repairs or ''}{self.source}"


@dataclass
class Desk:
    """What one session works on. Everything but unsaved drafts is in the project file."""

    store: Store
    sample: str | None = None
    view: int = 0
    address: str = ""
    queue: tuple[str, Queue] | None = None
    diff: DiffMode = "unified"
    shown: Origin | None = None
    edit: Edit | None = None
    drafts: dict[str, Pair] = field(default_factory=dict)
    error: SRTError | None = None
    is_help_open: bool = False
    awaits: int | None = None
    """The job of token losses that the open tab waits for."""
    is_watched: bool = False
    """Whether the page looks after that job."""
    marks: Marks | None = None
    """What is marked of a sample that is read blind; None before anything was said."""
    question: Question | None = None
    """What the last blind reading contradicts, until it is said which stands."""
    said: str = ""
    """Why the last key did nothing."""

    def go(self, sample: str | None) -> None:
        """Put another sample on the desk."""
        self.sample, self.shown, self.edit = sample, None, None
        self.marks, self.question, self.said = None, None, ""

    def arrive(self, asked: str, queue: tuple[str, Queue]) -> None:
        """Follow the address to the sample it names or to the queue's first open one, where that is news."""
        if asked and asked != self.address:
            self.go(asked)
        elif self.sample is None or queue != self.queue:
            self.start(queue)
        else:
            return
        self.queue = queue
        self.view += 1

    def start(self, queue: tuple[str, Queue]) -> None:
        """Go to the first open sample of a queue."""
        self.queue = queue
        self.go(review.next_open(self.store, queue[1], None))


def open_desk(store: Store) -> Desk:
    """Return the session's desk for a project; a fresh one where the project is another than before."""
    desk: Desk | None = st.session_state.get("desk")
    if desk is None or desk.store is not store:
        desk = st.session_state["desk"] = Desk(store)
    return desk


@dataclass(frozen=True, slots=True)
class View:
    """One painted view: the sample, the standing decision that the person saw, and the queue."""

    desk: Desk
    number: int
    sample: str
    expected_event_id: int | None
    queue_name: str
    queue: Queue
    is_blind: bool = False
    """Whether others' decisions on the sample are not shown, because they are to be compared with this person's."""

    def on(self, act: Callable[..., None], *arguments: object) -> Callable[[], None]:
        """Make a button's callback that acts once, and only on this view."""
        return partial(_press, self, act, *arguments)

    def key(self, name: str) -> str:
        """Name a button of this view."""
        return f"{name}:{self.sample}:{self.number}"

    def decide(
        self,
        action: Action,
        origin: Origin | None = None,
        candidate_id: int | None = None,
        edited: Pair | None = None,
        **context: str,
    ) -> None:
        """Store a decision on the view's sample, then go on to the next open one."""
        said = {"queue": self.queue_name, **context, **({"blind": "yes"} if self.is_blind else {})}
        decision = Decision(self.sample, action, curator(), origin, edited, said, candidate_id)
        decisions.decide(self.desk.store, decision, expected_event_id=self.expected_event_id, is_blind=self.is_blind)
        self.desk.go(review.next_open(self.desk.store, self.queue, self.sample))

    def choose(self, origin: Origin, candidate_id: int | None, pick_id: int | None) -> None:
        """Decide for a candidate: an approval where the rule picks the same."""
        self.decide(Action.APPROVE if candidate_id == pick_id else Action.CHOOSE, origin, candidate_id)

    def agree_to_leave_out(self) -> None:
        """Reject a sample that the rule leaves out too."""
        self.decide(Action.REJECT, agrees="rule")

    def move_on(self) -> None:
        """Go to the next sample of the queue, decided or not; stay at its end."""
        self._move(back=False)

    def move_back(self) -> None:
        """Go to the sample before; stay at the start of the queue."""
        self._move(back=True)

    def _move(self, *, back: bool) -> None:
        self.desk.go(review.neighbour(self.desk.store, self.queue, self.sample, back=back) or self.sample)

    def undo(self, event_id: int) -> None:
        """Undo one of the person's decisions and show its sample again."""
        self.desk.go(decisions.undo(self.desk.store, event_id, curator()))

    def show(self, origin: Origin) -> None:
        """Put another candidate beside the original."""
        self.desk.shown = origin

    def turn_diff(self) -> None:
        """Go to the next way of showing the difference."""
        place = DIFF_MODES.index(self.desk.diff)
        self.desk.diff = DIFF_MODES[(place + 1) % len(DIFF_MODES)]

    def turn_help(self) -> None:
        """Open or close the list of keys."""
        self.desk.is_help_open = not self.desk.is_help_open

    def start_edit(self, edit: Edit) -> None:
        """Open the form on a pair."""
        self.desk.edit = edit

    def save_edit(self, edit: Edit) -> None:
        """Store the edited pair as the decision; a draft that cannot be stored stays in the form."""
        self.keep_draft(edit)
        context = {"repairs": str(edit.repairs)} if edit.repairs else {}
        origin, draft = edit.repairs or edit.origin, self.desk.drafts[edit.key]
        self.decide(Action.EDIT, origin, edit.candidate_id, draft, **context)
        del self.desk.drafts[edit.key]

    def leave_edit(self, edit: Edit) -> None:
        """Close the form and keep its draft for the next time the same pair is edited."""
        self.keep_draft(edit)
        self.desk.edit = None

    def discard_draft(self, edit: Edit) -> None:
        """Go back to the pair as it was before editing."""
        self.desk.drafts.pop(edit.key, None)
        self.desk.edit = None

    def keep_draft(self, edit: Edit) -> None:
        """Take the form's texts out of its widgets."""
        instruction, input, response = (
            str(st.session_state[f"{edit.key}:{part}"]) for part in ("instruction", "input", "response")
        )
        self.desk.drafts[edit.key] = Pair(instruction, response, input, edit.start.context)


def _press(view: View, act: Callable[..., None], *arguments: object) -> None:
    desk = view.desk
    if view.number != desk.view:
        return
    desk.view += 1
    desk.error = None
    try:
        act(*arguments)
    except SRTError as error:
        desk.error = error
