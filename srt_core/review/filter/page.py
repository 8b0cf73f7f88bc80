"""One page of a filter's samples, in one of several orders."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from srt_core.errors import SRTError
from srt_core.methods import MEASURES
from srt_core.project.candidates import PAIR
from srt_core.project.store import Store
from srt_core.records import Pair, Source
from srt_core.review.filter.filter import Filter, filter_condition
from srt_core.review.verdicts import COLUMNS, ROWS, Verdict


def _sorts() -> Iterator[tuple[str, str]]:
    yield "number", "seq"
    yield "closest to a threshold", "closeness NULLS LAST, seq"
    for measure in MEASURES.values():
        if measure.is_filter:
            column = f"winner_{measure.name}"
            if measure.source is Source.SCORE:
                yield f"{measure.label} of the winner, low first", f"{column} NULLS LAST, seq"
            label = measure.label if measure.source is Source.SCORE else measure.label.lower()
            yield f"{label} of the winner, high first", f"{column} DESC NULLS LAST, seq"
    yield "longest original response", "original_characters DESC, seq"


SORTS: Mapping[str, str] = dict(_sorts())


@dataclass(frozen=True, slots=True)
class Listed(Verdict):
    """A verdict with the original pair that it is on."""

    pair: Pair


def read_page(store: Store, only: Filter, sort: str, limit: int, offset: int) -> list[Listed]:
    """Read one page of a filter: numbers from the panel, texts of the page's rows alone."""
    where, values = filter_condition(store, only)
    order = _order(sort)
    chosen = store.rows(
        f"""SELECT seq, original_id FROM {ROWS} WHERE {where} ORDER BY {order} LIMIT $limit OFFSET $offset""",
        {**values, "limit": limit, "offset": offset},
    )
    # Found first and read then: a join on the way to the order would carry every column of every sample.
    seqs, originals = ([row[name] for row in chosen] for name in ("seq", "original_id"))
    return store.read(
        Listed,
        f"""SELECT {COLUMNS}, text.pair
            FROM {ROWS} AS rows JOIN (
                SELECT candidate_id, {PAIR} FROM pair
                WHERE candidate_id IN (SELECT unnest($originals))) AS text
            ON text.candidate_id = rows.original_id
            WHERE rows.seq IN (SELECT unnest($seqs)) ORDER BY list_position($seqs, rows.seq)""",
        {"seqs": seqs, "originals": originals},
    )


def _order(sort: str) -> str:
    if sort not in SORTS:
        raise SRTError(f"There is no sort order {sort}.", f"Choose from: {', '.join(SORTS)}.")
    return SORTS[sort]
