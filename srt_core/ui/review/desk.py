"""The desk of a session: what the browser sends, and what it is told in answer. All that lasts is in the project.

The browser shows the next sample from the cards that it holds, and sends one message at a time: the presses that it
does not know to be saved, where it is, which cards it holds, and what it asks for. The answer has the number of the
message and says of each press that it is saved or why not. A brief one says no more, so that what is saved is known
soon; the browser asks for one as long as it has enough in hand. Any other brings the queue and the cards missing.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from srt_core.errors import DecisionError, SRTError
from srt_core.project.candidates import find_sample
from srt_core.records import Origin
from srt_core.review import drafts, gold, notes, presses, queues
from srt_core.review.drafts import Draft
from srt_core.review.presses import Press, PressKind, Refused, Saved, Sitting
from srt_core.ui.review import answers, telling
from srt_core.ui.review.seat import Seat
from srt_core.ui.review.telling import Around
from srt_core.ui.server.permission import told
from srt_core.ui.server.runtime import Project

LATE_SECONDS = 5.0
"""How long an address that was left a moment ago may still come from the browser."""

Message = Mapping[str, Any]


@dataclass
class Desk:
    """What one session works on."""

    project: Project
    at: str | None = None
    """The sample on screen, as far as it is known here."""
    number: int = 0
    """Goes up when the server, and not a key, puts another sample on screen."""
    address: str = ""
    """The sample that this desk put into the address."""
    left: dict[str, float] = field(default_factory=dict)
    """When each sample that stood in the address before left it, on the clock."""
    leaves_to: str = ""
    """Another page, which the browser asked for."""
    seated: Seat | None = None
    met: dict[str, str] = field(default_factory=dict)
    """Gold samples that were mixed in, each with the sample that it came before."""
    holds: frozenset[str] = frozenset()
    answer: dict[str, Any] = field(default_factory=dict)
    """The answer to the last message; it stands until the next one, so that none is lost on the way."""
    is_brief: bool = False
    """Whether that message wanted to know of its presses alone."""
    markdown: bool = False
    """Whether texts are shown read as Markdown."""

    def arrive(self, asked: str, seat: Seat) -> None:
        """Follow the address to the sample that it names, or to the queue's first open one, where that is news."""
        self.holds = frozenset()  # a page that is drawn anew may hold nothing
        self.is_brief = False
        if asked and asked != self.address and not self._is_late(asked):
            self.go(find_sample(self.project.store, asked))
            self.seated = seat
        self.sit(seat)

    def _is_late(self, asked: str) -> bool:
        """Whether the address is one that the browser had before it heard of the present one."""
        return time.monotonic() - self.left.get(asked, -LATE_SECONDS) < LATE_SECONDS

    def note_address(self) -> None:
        """Note that the sample on screen stands in the address."""
        if self.address != (self.at or ""):
            self.left[self.address] = time.monotonic()
            self.address = self.at or ""

    def sit(self, seat: Seat) -> None:
        """Go to the first open sample of another queue than before."""
        if self.seated is None or (seat.by, seat.queue) != (self.seated.by, self.seated.queue):
            self.go(queues.next_open(self.project.store, seat.queue, None))
        self.seated = seat

    def go(self, sample: str | None) -> None:
        """Put another sample on screen."""
        self.at = sample
        self.number += 1
        self.is_brief = False

    def hear(self, message: Message, seat: Seat) -> None:
        """Take a message: write its presses, keep its draft, and look up what it asks for."""
        self.answer = {"turn": message.get("turn"), "answers": {}}
        self.holds = frozenset(map(str, message.get("holds", ())))
        self.is_brief = message.get("brief") is True
        self.markdown = message.get("markdown") is True
        if message.get("seat") == self.number:  # else it has not heard yet that it is to be elsewhere
            self.at = message.get("at") or self.at
        try:
            self._write(message, seat)
            self._follow(message, seat)
            if asked := message.get("compute"):
                self.answer["drawer"] = answers.in_drawer(self.project, asked, seat, self.met, is_asked=True)
            if asked := message.get("drawer"):
                self.answer["drawer"] = answers.in_drawer(self.project, asked, seat, self.met)
            if asked := message.get("whole"):
                self.answer["whole"] = answers.in_full(self.project.store, str(asked["sample"]), seat)
        except SRTError as error:
            self.is_brief = False
            self.answer["error"] = {"message": told(error.message), "hint": told(error.hint)}

    # ---- what is written

    def _write(self, message: Message, seat: Seat) -> None:
        if message.get("owner") != self._owner(seat):  # another name since: they stay with the browser, as unsaved
            return
        sent = [presses.parse(each) for each in message.get("presses", ())]
        if sent:
            sitting = Sitting(self.project.store, seat.by, seat.name, seat.share, seat.audit, self.met)
            taken = presses.take(sitting, sent)
            self.answer["answers"] = {name: self._said(each) for name, each in taken.items()}
            self._renew(sent, taken, seat)
        if draft := message.get("draft"):
            self._keep_draft(draft, seat.by)

    def _owner(self, seat: Seat) -> str:
        """Name whose presses and drafts they are, of which project."""
        return f"{self.project.name} {seat.by}"

    def _said(self, taken: Saved | Refused) -> dict[str, Any]:
        if isinstance(taken, Refused):
            return {"refused": taken.message, "hint": taken.hint}
        return {
            "event": taken.event_id,
            "question": taken.question and answers.question(self.project.store, taken.question),
        }

    def _renew(self, sent: Sequence[Press], taken: Mapping[str, Saved | Refused], seat: Seat) -> None:
        """Say how the samples of presses stand now; those whose card changed are sent again."""
        names = list(dict.fromkeys(press.sample for press in sent))
        changed = {
            press.sample
            for press in sent
            if press.kind in (PressKind.EDIT, PressKind.UNDO) or isinstance(taken[press.press_id], Refused)
        }
        self.holds -= changed
        self.answer["renewed"] = sorted(changed)
        fresh = [name for name in names if name not in changed]
        self.answer["standing"] = telling.standing(self.project.store, fresh, seat, self.met)
        if any(isinstance(each, Refused) for each in taken.values()):
            self.is_brief = False

    def _keep_draft(self, sent: Message, by: str) -> None:
        store, sample = self.project.store, str(sent["sample"])
        if sent.get("drop"):
            with store.transaction() as tx:
                drafts.drop(tx, sample, by)
            return
        repairs = Origin(sent["repairs"]) if sent.get("repairs") else None
        written = (str(sent[part]) for part in ("instruction", "input", "response"))
        drafts.keep(store, Draft(sample, Origin(sent["of"]), repairs, *written), by)

    # ---- where to go

    def _follow(self, message: Message, seat: Seat) -> None:
        """Go where a message asks to go: to a number or id, or to the next sample that holds a text."""
        store = self.project.store
        if asked := str(message.get("go") or "").strip():
            self.go(find_sample(store, asked.removeprefix("#")))
        if text := str(message.get("find") or ""):
            held = queues.holding(store, seat.queue, text)
            found = queues.following(store, held, self.at)
            if found is None:
                raise DecisionError(f"No sample of this queue holds “{text}”.", "Look in another queue, or in Explore.")
            self.go(found)

    # ---- what the browser is told

    def data(self, seat: Seat) -> dict[str, Any]:
        """Return what the browser is told: the answer to its message, the queue, and cards that it does not hold."""
        store, renewed = self.project.store, self.answer.get("renewed", ())
        known = {"owner": self._owner(seat), "seat": self.number, "at": self.at}
        if self.is_brief:
            return {**known, "cards": self._cards(renewed, seat), **self.answer}
        at = self.met.get(self.at or "", self.at)
        around = self._with_gold(telling.around(store, seat.queue, at), at, seat)
        near = [name for name in dict.fromkeys([self.at, *around.near(self.at), *renewed]) if name]
        held = [name for name in near if name in self.holds]
        return {
            **known,
            "order": around.order,
            "ahead": around.ahead,
            "place": telling.place(store, seat.queue, at, self.at),
            "saved": telling.saved(store, seat.by),
            "cards": self._cards([name for name in near if name not in self.holds], seat),
            "last": telling.last(store, seat),
            "tags": notes.tags(store),
            "reasons": notes.reasons(store),
            **self.answer,
            # Also of cards that were sent before: somebody else may have decided meanwhile.
            "standing": telling.standing(store, held, seat, self.met) | self.answer.get("standing", {}),
        }

    def _with_gold(self, around: Around, at: str | None, seat: Seat) -> Around:
        """Mix gold samples into what is ahead; the one on screen stays before the sample that it came before."""
        if seat.audit:
            return around
        mixed = gold.mix(self.project.store, seat.by, around.ahead, self.met)
        self.met |= mixed
        if self.at is None or at is None or self.at == at:
            return around.with_gold(mixed)
        return replace(around, ahead=[at, *around.ahead]).with_gold({**mixed, self.at: at})

    def _cards(self, names: Sequence[str], seat: Seat) -> dict[str, Any]:
        return telling.cards(self.project.store, names, seat, self.met, markdown=self.markdown) if names else {}
