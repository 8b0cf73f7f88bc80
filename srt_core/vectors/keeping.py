"""Compute the vectors that are missing, a chunk a transaction, so that a run that was killed goes on where it stopped.

With the vector of a rewrite its semantic drift is stored: 1 - the cosine of its vector and its original's.
"""

from collections.abc import Iterator
from threading import Event

from srt_core.project.progress import Progress
from srt_core.project.store import Row, Store
from srt_core.project.transaction import Transaction
from srt_core.records import SEMANTIC_DRIFT, Origin, encoding_source
from srt_core.vectors.encodings import Encoder, Recipe, begin_encoding

CHUNK = 1_000
"""Versions a transaction."""

_MISSING = f"""
    FROM candidate WHERE candidate_id > $last AND ($whole OR origin = '{Origin.ORIGINAL}') AND NOT EXISTS (
        FROM vector WHERE vector.encoding_id = $encoding_id AND vector.candidate_id = candidate.candidate_id)"""
_DRIFT = f"""
    INSERT INTO measurement (subject, subject_id, measure, source, value, status)
    SELECT 'candidate', new.candidate_id, '{SEMANTIC_DRIFT}', $source, value, if(value IS NULL, 'undefined', 'ok')
    FROM (
        SELECT rewrite.candidate_id, 1 - list_cosine_similarity(vector.vector, old.vector)::DOUBLE AS value
        FROM candidate AS rewrite
        JOIN candidate AS original ON original.sample_id = rewrite.sample_id AND original.origin = '{Origin.ORIGINAL}'
        JOIN vector ON vector.candidate_id = rewrite.candidate_id AND vector.encoding_id = $encoding_id
        JOIN vector AS old ON old.candidate_id = original.candidate_id AND old.encoding_id = $encoding_id
        WHERE rewrite.origin <> '{Origin.ORIGINAL}' AND rewrite.sample_id IN (SELECT unnest($samples::VARCHAR[]))
    ) AS new
    ON CONFLICT DO NOTHING"""


def count_missing(store: Store, encoding_id: int, *, whole: bool) -> int:
    """Count the versions without a vector: of every version (whole), or of originals alone."""
    values = {"encoding_id": encoding_id, "last": -1, "whole": whole}
    return int(store.value(f"SELECT count(*) {_MISSING}", values))


def encode(
    store: Store, encoder: Encoder, recipe: Recipe = Recipe.PAIR, *, whole: bool = True, in_use: bool = True,
    stop: Event | None = None,
) -> Iterator[Progress]:  # fmt: skip
    """Compute and store the vectors that are missing, and the semantic drift of rewrites; yields progress in versions.

    `whole`: of every version; else of originals alone. `in_use`: have measures and searches read them. Equal texts are
    computed once. A text without a vector is a row whose vector is NULL, and counts as failed.
    """
    encoding_id = begin_encoding(store, encoder, recipe, in_use=in_use)
    progress = Progress("versions", total=count_missing(store, encoding_id, whole=whole), message="Computing vectors")
    yield progress
    last = -1
    while rows := _chunk(store, encoding_id, recipe, last, whole=whole):
        failed = _store(store, encoder, encoding_id, rows)
        last = rows[-1]["candidate_id"]
        progress = progress.moved(len(rows), failed=failed, message=progress.message)
        yield progress
        if stop and stop.is_set():
            return


def _chunk(store: Store, encoding_id: int, recipe: Recipe, last: int, *, whole: bool) -> list[Row]:
    """Read the next versions without a vector; found first and read then, so that only their texts are read."""
    found = store.rows(
        f"SELECT candidate_id {_MISSING} ORDER BY candidate_id LIMIT {CHUNK}",
        {"encoding_id": encoding_id, "last": last, "whole": whole},
    )
    return store.rows(
        f"""SELECT candidate_id, sample_id, {recipe.sql} AS text, md5({recipe.sql}) AS text_hash
            FROM candidate WHERE candidate_id IN (SELECT unnest(?::BIGINT[])) ORDER BY candidate_id""",
        [[row["candidate_id"] for row in found]],
    )


def _store(store: Store, encoder: Encoder, encoding_id: int, rows: list[Row]) -> int:
    """Compute and store a chunk; returns how many have no vector."""
    known = _known(store, encoding_id, {row["text_hash"] for row in rows})
    fresh = {row["text_hash"]: row["text"] for row in rows if row["text_hash"] not in known}
    known |= dict(zip(fresh, encoder.encode(list(fresh.values())) if fresh else (), strict=True))
    with store.transaction() as tx:
        tx.append(
            "vector",
            ["encoding_id", "candidate_id", "text_hash", "vector", "status"],
            [
                (
                    encoding_id,
                    row["candidate_id"],
                    row["text_hash"],
                    vector,
                    "ok" if vector is not None else "undefined",
                )
                for row in rows
                for vector in [known[row["text_hash"]]]
            ],
        )
        samples = sorted({row["sample_id"] for row in rows})
        _store_drift(tx, encoding_id, samples)
        tx.bump(samples)
    return sum(known[row["text_hash"]] is None for row in rows)


def _known(store: Store, encoding_id: int, hashes: set[str]) -> dict[str, object]:
    """Return the vectors of equal texts that are there already, by the hash of the text."""
    found = store.rows(
        """SELECT text_hash, any_value(vector) AS vector FROM vector
           WHERE encoding_id = ? AND text_hash IN (SELECT unnest(?::VARCHAR[])) GROUP BY text_hash""",
        [encoding_id, sorted(hashes)],
    )
    return {row["text_hash"]: row["vector"] for row in found}


def _store_drift(tx: Transaction, encoding_id: int, samples: list[str]) -> None:
    values = {"encoding_id": encoding_id, "source": encoding_source(encoding_id), "samples": samples}
    tx.execute(_DRIFT, values)
