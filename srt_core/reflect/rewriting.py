"""Make the candidates of producers that are functions of the texts, which a method brings beside the teachers."""

from collections.abc import Iterator, Sequence
from threading import Event

from srt_core.methods import REWRITERS, Rewriter
from srt_core.project.appending import NewCandidate, append_candidates
from srt_core.project.candidates import pairs
from srt_core.project.progress import Progress
from srt_core.project.store import Row, Store
from srt_core.records import Origin

CHUNK = 1_000

_MISSING = f"""
    FROM candidate AS original JOIN sample USING (sample_id)
    WHERE original.origin = '{Origin.ORIGINAL}' AND seq > $last AND NOT EXISTS (
        FROM candidate WHERE sample_id = original.sample_id AND origin = $origin AND producer = $producer)"""


def untouched(store: Store) -> list[str]:
    """Name the rewriters that have made nothing in a project yet."""
    rows = store.rows("SELECT DISTINCT producer FROM candidate")
    return sorted(set(REWRITERS) - {row["producer"] for row in rows})


def rewrite(store: Store, *, stop: Event | None = None) -> Iterator[Progress]:
    """Make what every rewriter has not made, a chunk a transaction; yields progress in originals looked at.

    An original for which a rewriter has nothing better is looked at again by the next run.
    """
    totals = {each: int(store.value(f"SELECT count(*) {_MISSING}", _values(each, -1))) for each in REWRITERS.values()}
    progress = Progress("originals", total=sum(totals.values()))
    yield progress
    for each in totals:
        last = -1
        while rows := _chunk(store, each, last):
            made = _store(store, each, rows)
            last = rows[-1]["seq"]
            progress = progress.moved(len(rows), message=f"{each.producer}: {made:,} rewrites")
            yield progress
            if stop and stop.is_set():
                return


def _values(rewriter: Rewriter, last: int) -> dict[str, object]:
    return {"origin": str(rewriter.origin), "producer": rewriter.producer, "last": last}


def _chunk(store: Store, rewriter: Rewriter, last: int) -> list[Row]:
    found = store.rows(
        f"SELECT seq, sample_id, original.candidate_id {_MISSING} ORDER BY seq LIMIT {CHUNK}", _values(rewriter, last)
    )
    texts = pairs(store, [row["candidate_id"] for row in found])
    return [{**row, "pair": texts[row["candidate_id"]]} for row in found]


def _store(store: Store, rewriter: Rewriter, rows: Sequence[Row]) -> int:
    made = [(row, rewriter.rewrite(row["pair"])) for row in rows]
    new = [
        NewCandidate(row["sample_id"], rewriter.origin, rewriter.producer, pair, row["candidate_id"])
        for row, pair in made
        if pair is not None and pair != row["pair"]
    ]
    with store.transaction() as tx:
        tx.execute(
            "INSERT INTO producer (producer, kind) VALUES (?, ?) ON CONFLICT DO NOTHING",
            [rewriter.producer, str(rewriter.kind)],
        )
        append_candidates(tx, new)
        tx.bump({candidate.sample_id for candidate in new})
    return len(new)
