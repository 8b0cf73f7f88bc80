"""The desk spoken to as the browser does, without one: messages in, answers out."""

from dataclasses import dataclass, field
from itertools import count
from typing import Any

from srt_core.review import queues
from srt_core.review.queues import Queue
from srt_core.review.trust.audits import Audit
from srt_core.ui.review.desk import Desk
from srt_core.ui.review.seat import Seat
from srt_core.ui.server.runtime import Project

_NUMBERS = count(1)


def press(kind: str, sample: str, **more: Any) -> dict[str, Any]:
    """A press with a number of its own."""
    return {"id": f"press {next(_NUMBERS)}", "kind": kind, "sample": sample, "upon": None, **more}


@dataclass
class Talk:
    """A browser at the desk of a person, over a queue; it holds the cards that it was sent."""

    project: Project
    queue: str = "all"
    by: str = "ann"
    audit: Audit | None = None
    over: Queue | None = None
    cards: dict[str, dict[str, Any]] = field(default_factory=dict)
    data: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        queue = self.over or (self.audit.queue if self.audit else queues.QUEUES[self.queue])
        self.seat = Seat(self.by, self.queue, queue, None, self.audit)
        self.desk = Desk(self.project)
        self.desk.arrive("", self.seat)
        self._hear()

    def say(self, *presses: dict[str, Any], **asks: Any) -> dict[str, Any]:
        """Send one message; returns the answer."""
        at = asks.pop("at", self.data["at"])
        message = {
            "turn": "t",
            "owner": self.data["owner"],
            "seat": self.data["seat"],
            "at": at,
            "holds": list(self.cards),
            "presses": list(presses),
        }
        self.desk.hear({**message, **asks}, self.seat)
        return self._hear()

    def answer_to(self, sent: dict[str, Any]) -> dict[str, Any]:
        """What became of a press that was just sent."""
        found: dict[str, Any] = self.data["answers"][sent["id"]]
        return found

    def _hear(self) -> dict[str, Any]:
        self.data = self.desk.data(self.seat)
        self.cards |= self.data["cards"]
        return self.data
