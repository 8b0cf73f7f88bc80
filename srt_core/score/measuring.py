"""Compute the measures that are functions of the texts, for everything that lacks them.

They are stored long, one row a candidate or sample and measure, under the version of their function. A run that was
killed goes on where it stopped: what has a row is not computed again.
"""

import math
from collections.abc import Iterator, Sequence
from threading import Event

from srt_core.methods import MEASURES
from srt_core.project.candidates import pairs
from srt_core.project.progress import Progress
from srt_core.project.store import Row, Store
from srt_core.records import Measure, Origin, Pair, Subject

CHUNK = 1_000

_SUBJECTS = {
    Subject.CANDIDATE: ("candidate", "candidate.candidate_id", "true"),
    Subject.REWRITE: ("candidate", "candidate.candidate_id", f"candidate.origin <> '{Origin.ORIGINAL}'"),
    Subject.SAMPLE: ("sample", "sample.seq", f"candidate.origin = '{Origin.ORIGINAL}'"),
}
"""What has a measure: its name in `measurement`, its id, and which candidates its texts are."""


def functions() -> Sequence[Measure]:
    """Return the measures that are functions of the texts."""
    return [measure for measure in MEASURES.values() if measure.function is not None]


def count_unmeasured(store: Store) -> int:
    """Count the numbers that `measure` has yet to compute."""
    return sum(
        int(store.value(f"SELECT count(*) {_missing(measure)}", _values(measure, -1))) for measure in functions()
    )


def measure(store: Store, *, stop: Event | None = None) -> Iterator[Progress]:
    """Compute and store what is missing, a chunk a transaction; yields progress in numbers.

    A number that is not defined, or not finite, is stored as NULL with a status that says so, and counts as failed.
    """
    progress = Progress("numbers", total=count_unmeasured(store))
    yield progress
    for each in functions():
        last = -1
        while rows := _chunk(store, each, last):
            failed = _store(store, each, rows)
            last = rows[-1]["id"]
            progress = progress.moved(len(rows), failed=failed, message=each.label)
            yield progress
            if stop and stop.is_set():
                return


def _missing(measure: Measure) -> str:
    """Return the relation of what lacks a measure, from an id on."""
    subject, key, which = _SUBJECTS[measure.subject]
    return f"""FROM candidate JOIN sample USING (sample_id)
        WHERE {which} AND {key} > $last AND NOT EXISTS (
            FROM measurement WHERE measure = $measure AND source = $source AND subject = '{subject}'
                AND subject_id = {key})"""


def _values(measure: Measure, last: int) -> dict[str, object]:
    return {"measure": measure.name, "source": measure.version, "last": last}


def _chunk(store: Store, measure: Measure, last: int) -> list[Row]:
    """Read the next candidates that lack a measure, each with its texts and its sample's original's."""
    _, key, _ = _SUBJECTS[measure.subject]
    found = store.rows(
        f"SELECT {key} AS id, candidate.candidate_id, sample_id {_missing(measure)} ORDER BY id LIMIT {CHUNK}",
        _values(measure, last),
    )
    originals = store.rows(  # found first and read then, so that only these texts are read
        f"""SELECT candidate_id, sample_id FROM candidate
            WHERE origin = '{Origin.ORIGINAL}' AND sample_id IN (SELECT unnest(?::VARCHAR[]))""",
        [[row["sample_id"] for row in found]],
    )
    original = {row["sample_id"]: row["candidate_id"] for row in originals}
    texts = pairs(store, [*original.values(), *(row["candidate_id"] for row in found)])
    return [{**row, "original": texts[original[row["sample_id"]]], "pair": texts[row["candidate_id"]]} for row in found]


def _store(store: Store, measure: Measure, rows: Sequence[Row]) -> int:
    """Compute and store a chunk; returns how many numbers are not there."""
    subject, _, _ = _SUBJECTS[measure.subject]
    numbers = [_number(measure, row["original"], row["pair"]) for row in rows]
    with store.transaction() as tx:
        tx.append(
            "measurement",
            ["subject", "subject_id", "measure", "source", "value", "status"],
            [
                (subject, row["id"], measure.name, measure.version, value, status)
                for row, (value, status) in zip(rows, numbers, strict=True)
            ],
        )
        tx.bump({row["sample_id"] for row in rows})
    return sum(value is None for value, _ in numbers)


def _number(measure: Measure, original: Pair, pair: Pair) -> tuple[float | None, str]:
    if measure.function is None:
        raise ValueError(f"{measure.name} is no function of the texts")
    value = measure.function(original, pair)
    if value is None:
        return None, "undefined"
    return (float(value), "ok") if math.isfinite(value) else (None, "not_finite")
