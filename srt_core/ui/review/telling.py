"""What the desk in the browser is told without a question: where it is in its queue, its cards, the last decisions."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from srt_core.project.store import Store
from srt_core.review import decisions, drafts, gold, notes, queues
from srt_core.review.queues import Queue
from srt_core.review.trust import blind
from srt_core.review.trust.audits import Audit
from srt_core.ui.frame.students import why_not_scored
from srt_core.ui.frame.words import describe_decision
from srt_core.ui.review.cards import Card, add_markdown, blind_card, card, state
from srt_core.ui.review.seat import Seat
from srt_core.ui.sample.summary import Sample, read_samples
from srt_core.ui.sample.texts import local_time
from srt_core.ui.server.permission import told

AHEAD = 30
"""Open samples that the browser has in hand; with more than 20 it wants no more than what is saved (wire.js)."""
BACK = 4
"""Samples before the one on screen that the arrow goes to without a question."""


@dataclass(frozen=True, slots=True)
class Around:
    """The samples around the one on screen in the queue's order, and the open ones that come next."""

    order: list[str]
    ahead: list[str]

    def near(self, at: str | None) -> Iterable[str]:
        """Name those that the browser may show next, and those beside the one on screen."""
        place = self.order.index(at) if at in self.order else 0
        return [*self.ahead, *self.order[max(0, place - BACK) : place + BACK + 1]]

    def with_gold(self, mixed: Mapping[str, str]) -> "Around":
        """Return the same with gold samples, each right before the one that it is to come before."""
        before = {follower: name for name, follower in mixed.items()}
        return Around(*([one for name in names for one in (before.get(name), name) if one]
                        for names in (self.order, self.ahead)))  # fmt: skip


def around(store: Store, queue: Queue, at: str | None) -> Around:
    """Read what stands around a sample in a queue; what comes first where there is none."""
    if at is None:
        return Around([], queues.coming(store, queue, None, AHEAD))
    before = queues.neighbours(store, queue, at, BACK, back=True)
    after = queues.neighbours(store, queue, at, AHEAD)
    ahead = [each.sample_id for each in after if each.is_open]
    if len(ahead) < AHEAD:
        ahead = queues.coming(store, queue, at, AHEAD)
    return Around([*(each.sample_id for each in reversed(before)), at, *(each.sample_id for each in after)], ahead)


def place(store: Store, queue: Queue, at: str | None, shown: str | None) -> dict[str, Any]:
    """Say where a sample stands in a queue, and what the queue holds; `shown` is what is on screen in its place."""
    found = queues.place(store, queue, at)
    return {
        "of": shown,
        "position": found.position,
        "samples": found.samples,
        "open": found.open,
        "parked": found.parked,
    }


def saved(store: Store, by: str) -> str:
    """Say when a person's last decision was stored; "" where there is none."""
    found = queues.saved_at(store, by)
    return local_time(found, "%H:%M") if found else ""


def standing(store: Store, names: Sequence[str], seat: Seat, mixed: Collection[str]) -> dict[str, dict[str, Any]]:
    """Say how samples stand now; nothing of those that are decided blind, and of gold ones what the reviewer did."""
    asked = [] if seat.audit else [name for name in names if not seat.is_blind(store, name)]
    stood = decisions.standings(store, [name for name in asked if name not in mixed]) if asked else {}
    if met := [name for name in asked if name in mixed]:
        stood |= gold.answers(store, seat.by, met)
    return {
        name: {"event": each.event_id, "state": state(each.action, each.origin, each.author, each.made_at),
               "decided": True}
        if (each := stood.get(name)) else {"event": None, "state": "", "decided": False}
        for name in asked
    }  # fmt: skip


def cards(store: Store, names: Sequence[str], seat: Seat, mixed: Collection[str], *, markdown: bool) -> dict[str, Card]:
    """Make the cards of samples as their reader may see them; `markdown` has their texts read as such too.

    Those of gold samples that were mixed in tell nothing of their answer: they are as those that nobody decided.
    """
    made = _cards(store, names, seat, mixed)
    if markdown:
        for each in made.values():
            add_markdown(each)
    return made


def _cards(store: Store, names: Sequence[str], seat: Seat, mixed: Collection[str]) -> dict[str, Card]:
    found = read_samples(store, names)
    audit = seat.audit
    if audit:
        return {name: _blind_card(each, audit, seat.by) for name, each in found.items()}
    undecided = {name: _as_undecided(each) if name in mixed else each for name, each in found.items()}
    beside = {name: each for name, each in notes.beside(store, names).items() if name not in mixed}
    kept = drafts.read(store, names, seat.by)
    is_unscored = any(each.edit and each.edit.status is None for each in found.values())
    unscored = told(why_not_scored(store)) if is_unscored else ""
    return {
        name: card(each, seat, beside.get(name, notes.Beside()), kept.get(name),
                   is_blind=seat.is_blind(store, name), unscored=unscored)
        for name, each in undecided.items()
    }  # fmt: skip


def _as_undecided(sample: Sample) -> Sample:
    verdict = replace(sample.verdict, event_id=None, action=None, author=None, made_at=None, decided=False,
                      approved=False)  # fmt: skip
    return replace(sample, verdict=verdict, candidates=sample.walked, edit=None)


def _blind_card(sample: Sample, audit: Audit, by: str) -> Card:
    name = sample.verdict.sample_id
    shown = blind.shuffled(audit, name, by, list(sample.readings))
    return blind_card(sample, shown, blind.seal(audit, name, by, shown))


def last(store: Store, seat: Seat) -> list[dict[str, Any]]:
    """Return the person's last decisions, the newest first, for undo; of an audit, the last reading."""
    if seat.audit:
        event_id = blind.last_reading(store, seat.audit, seat.by)
        sample = event_id and store.value("SELECT sample_id FROM event WHERE event_id = ?", [event_id])
        return [{"event": event_id, "sample": sample, "says": "read"}] if event_id else []
    return [
        {"event": each.event_id, "sample": each.sample_id, "seq": each.seq,
         "says": describe_decision(each.action, each.origin)}
        for each in decisions.last_decisions(store, seat.by)
    ]  # fmt: skip
