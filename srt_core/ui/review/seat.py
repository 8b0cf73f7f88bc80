"""Who sits at the desk, and over which queue."""

from dataclasses import dataclass

from srt_core.project.store import Store
from srt_core.review import shares
from srt_core.review.queues import Queue
from srt_core.review.shares import Share
from srt_core.review.trust.audits import Audit


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

    def is_blind(self, store: Store, sample: str) -> bool:
        """Whether a sample of the queue is decided before its reader sees what others did."""
        return self.share is not None and shares.is_blind(store, self.share, sample)
