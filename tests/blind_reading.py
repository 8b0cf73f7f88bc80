"""Reading drawn samples in tests: as a reader who knows which versions may be trained on."""

from collections.abc import Callable, Iterable, Sequence

from srt_core.project.store import Store
from srt_core.review.trust import blind
from srt_core.review.trust.audits import Audit
from srt_core.review.trust.blind import Marks


def versions_of(store: Store, sample: str) -> list[int]:
    """The versions of a sample, by id."""
    rows = store.rows("SELECT candidate_id FROM candidate WHERE sample_id = ? ORDER BY candidate_id", [sample])
    return [row["candidate_id"] for row in rows]


def read_one(store: Store, audit: Audit, sample: str, marked: Iterable[int], by: str = "ann") -> int:
    """Read one sample, marking these versions; returns the event."""
    shown = blind.shuffled(audit, sample, by, versions_of(store, sample))
    with store.transaction() as tx:
        return blind.read_within(tx, audit, sample, Marks(shown, tuple(marked)), by)


def read_all(store: Store, audit: Audit, fit: Callable[[str], Sequence[int]], by: str = "ann", start: int = 0) -> None:
    """Read all that was drawn from a place on, by what is fit of each sample."""
    for sample in audit.samples[start:]:
        read_one(store, audit, sample, fit(sample), by)
