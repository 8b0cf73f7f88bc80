"""The variety of samples, from the vectors of their originals under the encoding in use (LIFT, arXiv 2312.11508)."""

from collections.abc import Generator, Iterator
from dataclasses import dataclass
from tempfile import TemporaryFile
from threading import Event
from typing import Any, BinaryIO

from srt_core.errors import ProjectError
from srt_core.methods.lift import MEAN_SQUARE, ROW_VARIANCE, Moments, limit_of, variety
from srt_core.project.progress import Progress
from srt_core.project.store import Store
from srt_core.records import Origin, encoding_source

_ROWS = f"""
    FROM vector JOIN candidate USING (candidate_id) JOIN sample USING (sample_id)
    WHERE encoding_id = $encoding AND origin = '{Origin.ORIGINAL}' AND vector IS NOT NULL
      AND sample_id NOT IN (SELECT sample_id FROM standing WHERE action = 'retract')"""
_NUMBERS = (ROW_VARIANCE, MEAN_SQUARE)


@dataclass(frozen=True, slots=True)
class Varied:
    """How the variety of a project's samples stands under the encoding in use."""

    samples: int
    without: int
    components: int
    share: float
    """Of the variance, which the components hold."""


def vary(store: Store, stop: Event) -> Generator[Progress, None, None]:
    """Compute and keep the variety of every sample that has a vector; all numbers are replaced at once, or none.

    ProjectError where there are no vectors, or all are equal.
    """
    encoding = store.encoding_id()
    total = int(store.value(f"SELECT count(*) {_ROWS}", {"encoding": encoding}))
    if not total:
        raise ProjectError("No sample has a vector.", "Compute them first: srt encode.")
    progress = Progress("vectors", total=2 * total)
    yield progress
    with TemporaryFile() as held:  # read from the project once: that takes most of the time
        yield from _compute(store, encoding, held, progress, stop)


def _compute(
    store: Store, encoding: int, held: BinaryIO, progress: Progress, stop: Event
) -> Generator[Progress, None, None]:
    import numpy as np

    moments: Moments | None = None
    blocks: list[tuple[list[int], tuple[int, ...]]] = []
    for seqs, rows in _blocks(store, encoding):
        moments = moments or Moments(rows.shape[1])
        moments.add(rows)
        held.write(rows.tobytes())
        blocks.append((seqs, rows.shape))
        progress = progress.moved(len(rows), message="Finding the principal components")
        yield progress
        if stop.is_set():
            return
    assert moments is not None
    held.seek(0)
    try:
        found = moments.components()
    except ValueError as error:
        raise ProjectError(
            f"The vectors have no variety: {error}.", "Encode other texts, or with another encoder."
        ) from error
    kept: list[tuple[Any, Any, Any]] = []
    for seqs, shape in blocks:
        rows = np.frombuffer(held.read(4 * shape[0] * shape[1]), dtype=np.float32).reshape(shape)
        kept.append((seqs, *variety(rows, found)))
        progress = progress.moved(len(rows), message="Variety")
        yield progress
        if stop.is_set():
            return
    share = float(found.shares[len(found.loadings) - 1])
    _keep(store, encoding, kept, len(found.loadings), share)


def _blocks(store: Store, encoding: int) -> Iterator[tuple[list[int], Any]]:
    """Yield numbers of samples and their vectors, float32 [samples, numbers], some thousand at a time."""
    import numpy as np

    for rows in store.stream(f"SELECT seq, vector {_ROWS} ORDER BY seq", {"encoding": encoding}, 8_000):
        yield [row["seq"] for row in rows], np.array([row["vector"] for row in rows], dtype=np.float32)


def _keep(store: Store, encoding: int, kept: list[tuple[Any, Any, Any]], components: int, share: float) -> None:
    source = encoding_source(encoding)
    samples = sum(len(seqs) for seqs, _, _ in kept)
    columns = ["subject", "subject_id", "measure", "source", "value", "status"]
    with store.transaction() as tx:
        tx.execute("DELETE FROM measurement WHERE measure IN (?, ?) AND source = ?", [*_NUMBERS, source])
        for seqs, *numbers in kept:
            for name, values in zip(_NUMBERS, numbers, strict=True):
                rows = zip(seqs, values.tolist(), strict=True)
                tx.append("measurement", columns, [("sample", seq, name, source, each, "ok") for seq, each in rows])
        tx.execute("DELETE FROM variety WHERE encoding_id = ?", [encoding])
        tx.execute(
            """INSERT INTO variety (encoding_id, samples, without, components, share)
               VALUES (?, ?, (SELECT count(*) FROM sample) - ?, ?, ?)""",
            [encoding, samples, samples, components, share],
        )
        tx.bump()


def varied(store: Store) -> Varied | None:
    """Return how variety stands under the encoding in use; None where it was not computed."""
    sql = "SELECT samples, without, components, share FROM variety WHERE encoding_id = ?"
    return store.find(Varied, sql, [store.encoding_id()])


def limit_for(store: Store, keep: float, measure: str = ROW_VARIANCE) -> tuple[float, int]:
    """Return the limit above which a share of the samples (percent) lies, and how many do: ties keep fewer."""
    rows = store.rows(
        "SELECT value FROM measurement WHERE measure = ? AND source = ? AND value IS NOT NULL",
        [measure, encoding_source(store.encoding_id())],
    )
    values = [row["value"] for row in rows]
    limit = limit_of(values, keep)
    return limit, sum(value > limit for value in values)
