"""Which samples a filter lists, by their ids."""

from srt_core.project.store import Store
from srt_core.review.filter.filter import Filter
from srt_core.review.filter.page import read_page


def sample_ids(store: Store, only: Filter, sort: str, limit: int) -> list[str]:
    """Read the ids of a filter's samples in an order."""
    return [row.sample_id for row in read_page(store, only, sort, limit, 0)]
