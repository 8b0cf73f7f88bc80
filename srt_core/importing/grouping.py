"""Find the kinds of samples that have none, and group all samples by subject.

Import stores the kinds of the samples that it adds, so finding them later is for project files of an older version; it
commits in chunks and continues where it stopped. Grouping writes only once, at its end: until then the old groups are
valid, and a run that was cut off begins again.
"""

from array import array
from collections.abc import Iterator
from threading import Event

from srt_core.importing.samples import append_kinds
from srt_core.project.candidates import DRAWN
from srt_core.project.progress import Progress
from srt_core.project.store import Row, Store
from srt_core.project.transaction import Transaction
from srt_core.records import Origin, Pair

CHUNK = 20_000
"""Candidate ids per query; only the originals among them are read."""
FITTED = 40_000
"""Texts that the groups are fitted on."""
READ_CHARACTERS = 400

_TEXTS = f"""
    SELECT candidate_id, sample_id, left(instruction, 1000) AS instruction, left(input, 1000) AS input,
           left(response, 1000) AS response
    FROM candidate WHERE origin = '{Origin.ORIGINAL}' AND candidate_id BETWEEN $first AND $last"""
_UNKNOWN = "sample_id NOT IN (SELECT sample_id FROM kind)"


def count_unknown(store: Store) -> int:
    """Return the number of samples without a kind."""
    return int(store.value(f"SELECT count(*) FROM sample WHERE {_UNKNOWN}"))


def find_kinds(store: Store, *, stop: Event | None = None) -> Iterator[Progress]:
    """Store task type and language of the samples that have none; yield progress in samples."""
    progress = Progress("samples", total=count_unknown(store), message="Task types and languages")
    yield progress
    for first, last in _ranges(store) if progress.total else ():
        if stop and stop.is_set():
            return
        rows = store.rows(f"{_TEXTS} AND {_UNKNOWN} ORDER BY candidate_id", {"first": first, "last": last})
        if rows:
            with store.transaction() as tx:
                append_kinds(tx, [(row["sample_id"], _pair(row)) for row in rows])
                tx.bump([])  # a new data version, so that cached counts by kind are computed again
        progress = progress.moved(len(rows), message=progress.message)
        yield progress


def group_subjects(store: Store, *, stop: Event | None = None) -> Iterator[Progress]:
    """Group all samples by subject and replace the old groups; yield progress in samples."""
    from srt_core.importing.kinds.subjects import fit  # loads NumPy, which no other step of an import needs

    samples = int(store.value("SELECT count(*) FROM kind"))
    progress = Progress("samples", total=samples, message="Looking for groups of samples")
    yield progress
    if not samples:
        return
    found = fit(_drawn(store), samples)
    ids, groups = array("q"), array("h")
    for first, last in _ranges(store):
        if stop and stop.is_set():
            return
        rows = store.rows(_TEXTS, {"first": first, "last": last})
        ids.extend(row["candidate_id"] for row in rows)
        groups.extend(found.assign([_text(row) for row in rows]) if rows else ())
        progress = progress.moved(len(rows), message="Each sample into its group")
        yield progress
    with store.transaction() as tx:
        _replace(tx, found.words, zip(ids, groups, strict=True))
        tx.bump([])
    yield progress.moved(0, message=f"{len(found.words)} groups of {samples:,} samples")


def _ranges(store: Store) -> Iterator[tuple[int, int]]:
    last = int(store.value("SELECT coalesce(max(candidate_id), 0) FROM candidate"))
    return ((first, first + CHUNK - 1) for first in range(1, last + 1, CHUNK))


def _drawn(store: Store) -> list[str]:
    """Return the texts that the groups are fitted on."""
    rows = store.rows(
        f"""SELECT instruction, input, response FROM candidate
           WHERE candidate_id IN {DRAWN} ORDER BY candidate_id""",
        [FITTED],
    )
    return [_text(row) for row in rows]


def _replace(tx: Transaction, words: tuple[str, ...], assigned: Iterator[tuple[int, int]]) -> None:
    tx.execute("CREATE TEMP TABLE grouping (candidate_id BIGINT, cluster INTEGER)")
    tx.append("grouping", ["candidate_id", "cluster"], assigned)
    tx.execute("UPDATE kind SET cluster = NULL")
    tx.execute(
        """UPDATE kind SET cluster = grouping.cluster FROM grouping JOIN candidate USING (candidate_id)
           WHERE candidate.sample_id = kind.sample_id"""
    )
    tx.execute("DROP TABLE grouping")
    tx.execute("DELETE FROM cluster")
    tx.append("cluster", ["cluster", "words"], list(enumerate(words)))


def _pair(row: Row) -> Pair:
    return Pair(instruction=row["instruction"], input=row["input"], response=row["response"])


def _text(row: Row) -> str:
    return "\n".join(row[part][:READ_CHARACTERS] for part in ("instruction", "input", "response"))
