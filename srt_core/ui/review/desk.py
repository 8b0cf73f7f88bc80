"""The desk of a session: what the browser sends, and what it is told in answer. All that lasts is in the project.

The browser shows the next sample from the cards that it holds, and sends one message at a time: the presses that it
does not know to be saved, where it is, which cards it holds, and what it asks for. The answer has the number of the
message, says of each press that it is saved or why not, and brings the cards that are missing.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from srt_core.errors import DecisionError, SRTError
from srt_core.project.candidates import find_sample
from srt_core.records import Origin
from srt_core.review import decisions, drafts, notes, presses, queues, shares
from srt_core.review.drafts import Draft
from srt_core.review.presses import Press, PressKind, Refused, Saved, Sitting
from srt_core.review.queues import Queue
from srt_core.review.shares import Share
from srt_core.review.trust import blind
from srt_core.review.trust.audits import Audit
from srt_core.review.trust.blind import Question
from srt_core.review.verdicts import read_verdicts
from srt_core.ui.frame.students import why_not_scored
from srt_core.ui.frame.words import ORIGIN_LABELS, describe_event
from srt_core.ui.review import drawer
from srt_core.ui.review.cards import Card, blind_card, card, state, texts, whole
from srt_core.ui.review.tokens import look
from srt_core.ui.sample.summary import Sample, read_sample, read_samples
from srt_core.ui.sample.texts import local_time
from srt_core.ui.server.permission import told
from srt_core.ui.server.runtime import Project

AHEAD = 20
"""Open samples that the browser has in hand."""
BACK = 4
"""Samples before the one on screen that the arrow goes to without a question."""

LATE_SECONDS = 5.0
"""How long an address that was left a moment ago may still come from the browser."""

Message = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Seat:
    """Who sits at the desk, and over what."""

    by: str
    name: str
    """Of the queue, as in the address."""
    queue: Queue
    share: Share | None = None
    audit: Audit | None = None
    """What is read blind; None where decisions are made openly."""


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
    holds: frozenset[str] = frozenset()
    answer: dict[str, Any] = field(default_factory=dict)
    """The answer to the last message; it stands until the next one, so that none is lost on the way."""

    def arrive(self, asked: str, seat: Seat) -> None:
        """Follow the address to the sample that it names, or to the queue's first open one, where that is news."""
        self.holds = frozenset()  # a page that is drawn anew may hold nothing
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

    def hear(self, message: Message, seat: Seat) -> None:
        """Take a message: write its presses, keep its draft, and look up what it asks for."""
        self.answer = {"turn": message.get("turn"), "answers": {}}
        self.holds = frozenset(map(str, message.get("holds", ())))
        if message.get("seat") == self.number:  # else it has not heard yet that it is to be elsewhere
            self.at = message.get("at") or self.at
        try:
            self._write(message, seat)
            self._follow(message, seat)
            if asked := message.get("compute"):
                self.answer["drawer"] = self._drawer(asked, seat, is_asked=True)
            if asked := message.get("drawer"):
                self.answer["drawer"] = self._drawer(asked, seat)
            if asked := message.get("whole"):
                self.answer["whole"] = self._whole(str(asked["sample"]), seat)
        except SRTError as error:
            self.answer["error"] = {"message": told(error.message), "hint": told(error.hint)}

    # ---- what is written

    def _write(self, message: Message, seat: Seat) -> None:
        if message.get("owner") != self._owner(seat):  # another name since: they stay with the browser, as unsaved
            return
        sent = [presses.parse(each) for each in message.get("presses", ())]
        if sent:
            sitting = Sitting(self.project.store, seat.by, seat.name, seat.share, seat.audit)
            taken = presses.take(sitting, sent)
            self.answer["answers"] = {name: self._said(each, seat) for name, each in taken.items()}
            self._renew(sent, taken, seat)
        if draft := message.get("draft"):
            self._keep_draft(draft, seat.by)

    def _owner(self, seat: Seat) -> str:
        """Name whose presses and drafts they are, of which project."""
        return f"{self.project.name} {seat.by}"

    def _said(self, taken: Saved | Refused, seat: Seat) -> dict[str, Any]:
        if isinstance(taken, Refused):
            return {"refused": taken.message, "hint": taken.hint}
        return {"event": taken.event_id, "question": taken.question and self._question(taken.question, seat)}

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
        if seat.audit is None:
            asked = [name for name in names if name not in changed and not self._is_blind(name, seat)]
            found = read_verdicts(self.project.store, asked)
            self.answer["standing"] = {
                name: {"event": each.event_id, "state": state(each), "decided": bool(each.action)}
                for name, each in found.items()
            }

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
        store = self.project.store
        order, ahead = self._around(seat)
        place = queues.place(store, seat.queue, self.at)
        at = order.index(self.at) if self.at in order else 0
        near = [*ahead, *order[max(0, at - BACK) : at + BACK + 1], *self.answer.get("renewed", ())]
        wanted = [name for name in dict.fromkeys([self.at, *near]) if name and name not in self.holds]
        saved = queues.saved_at(store, seat.by)
        return {
            "owner": self._owner(seat),
            "seat": self.number,
            "at": self.at,
            "order": order,
            "ahead": ahead,
            "place": {"position": place.position, "samples": place.samples, "open": place.open, "parked": place.parked},
            "saved": local_time(saved, "%H:%M") if saved else "",
            "cards": self._cards(wanted, seat),
            "last": self._last(seat),
            "tags": notes.tags(store),
            "reasons": notes.reasons(store),
            **self.answer,
        }

    def _around(self, seat: Seat) -> tuple[list[str], list[str]]:
        """Return the samples around the one on screen in the queue's order, and the open ones that come next."""
        store, queue = self.project.store, seat.queue
        if self.at is None:
            return [], queues.coming(store, queue, None, AHEAD)
        before = queues.neighbours(store, queue, self.at, BACK, back=True)
        after = queues.neighbours(store, queue, self.at, AHEAD)
        ahead = [each.sample_id for each in after if each.is_open]
        if len(ahead) < AHEAD:
            ahead = queues.coming(store, queue, self.at, AHEAD)
        return [*(each.sample_id for each in reversed(before)), self.at, *(each.sample_id for each in after)], ahead

    def _cards(self, names: Sequence[str], seat: Seat) -> dict[str, Card]:
        found = read_samples(self.project.store, names)
        audit = seat.audit
        if audit:
            return {name: self._blind_card(each, audit, seat.by) for name, each in found.items()}
        beside = notes.beside(self.project.store, names)
        kept = drafts.read(self.project.store, names, seat.by)
        is_unscored = any(each.edit and each.edit.status is None for each in found.values())
        unscored = told(why_not_scored(self.project.store)) if is_unscored else ""
        return {
            name: card(each, seat.name, beside.get(name, notes.Beside()), kept.get(name),
                       is_blind=self._is_blind(name, seat), unscored=unscored)
            for name, each in found.items()
        }  # fmt: skip

    def _blind_card(self, sample: Sample, audit: Audit, by: str) -> Card:
        name = sample.verdict.sample_id
        shown = blind.shuffled(audit, name, by, [each.candidate_id for each in sample.walked.values()])
        return blind_card(sample, shown, blind.seal(audit, name, by, shown))

    def _is_blind(self, sample: str, seat: Seat) -> bool:
        return seat.share is not None and shares.is_blind(self.project.store, seat.share, sample)

    def _last(self, seat: Seat) -> list[dict[str, Any]]:
        """Return the person's last decisions, the newest first, for undo; of an audit, the last reading."""
        store = self.project.store
        if seat.audit:
            event_id = blind.last_reading(store, seat.audit, seat.by)
            sample = event_id and store.value("SELECT sample_id FROM event WHERE event_id = ?", [event_id])
            return [{"event": event_id, "sample": sample, "says": "read"}] if event_id else []
        return [
            {"event": each.event_id, "sample": each.sample_id, "seq": each.seq,
             "says": describe_event(each.action, each.origin)}
            for each in decisions.last_decisions(store, seat.by)
        ]  # fmt: skip

    def _drawer(self, asked: Message, seat: Seat, *, is_asked: bool = False) -> dict[str, Any]:
        """Return what a tab of the drawer holds of a sample; `is_asked` has what is missing there computed."""
        if seat.audit:
            raise DecisionError("What is read blind has no drawer.", "Read it first.")
        store, tab, name, shown = self.project.store, asked.get("tab"), str(asked["sample"]), str(asked.get("shown"))
        sample = read_sample(store, name)
        found: dict[str, Any] = {"tab": tab, "sample": name, "shown": shown}
        if tab == "tokens":
            origin = Origin(shown) if shown in sample.rewrites else None
            return {**found, "tokens": look(self.project, sample, origin, is_asked=is_asked)}
        only = seat.by if self._is_blind(name, seat) else None
        blocks = {
            "critique": lambda: drawer.critique(store, sample, shown),
            "replies": lambda: drawer.replies(store, sample),
            "history": lambda: drawer.history(store, sample, only),
            "failed": lambda: drawer.failed(sample),
        }
        return {**found, "blocks": blocks[tab]()} if tab in blocks else found

    def _whole(self, name: str, seat: Seat) -> dict[str, Any]:
        """Return the texts of a sample in full, by the place or name of the version."""
        sample = read_sample(self.project.store, name)
        if seat.audit:
            pairs = {each.candidate_id: each.pair for each in sample.walked.values()}
            shown = blind.shuffled(seat.audit, name, seat.by, list(pairs))
            return {"sample": name, "versions": [whole(pairs[key]) for key in shown]}
        held = [whole(each.pair) for each in sample.candidates.values()]
        return {"sample": name, "versions": [*held, *([whole(sample.edit.pair)] if sample.edit else [])]}

    def _question(self, asked: Question, seat: Seat) -> dict[str, Any]:
        """Return what a reading left to be said; by now the versions have their names."""
        sample = read_sample(self.project.store, asked.sample)
        names = {each.candidate_id: ORIGIN_LABELS[origin] for origin, each in sample.walked.items()}
        return {
            "sample": asked.sample,
            "reading": asked.reading,
            "decided": describe_event(asked.action, asked.origin),
            "by": asked.author,
            "marked": [names.get(key, f"version {key}") for key in asked.marks.marked],
            "versions": [
                {"label": ORIGIN_LABELS[origin], "parts": texts(each.pair)} for origin, each in sample.walked.items()
            ],
        }
