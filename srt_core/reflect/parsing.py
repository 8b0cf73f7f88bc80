"""Parse stored replies again with an improved parser: no call is made and nothing is paid."""

from collections.abc import Iterator, Sequence
from threading import Event

from srt_core.project.candidates import pair_of
from srt_core.project.progress import Progress
from srt_core.project.store import Row, Store
from srt_core.records import DERIVATIONS, Origin, Stage
from srt_core.reflect.keeping import Judgement, ReflectionTask, StoredCall, parse_call, store_judgements
from srt_core.reflect.teacher import Answer, CallOutcome

CHUNK = 500

_PARENTS = " ".join(f"WHEN '{origin}' THEN '{made.parent}'" for origin, made in DERIVATIONS.items())

# Refused replies for which no candidate has been made since, with the pair that each is about; newest first.
_REFUSED = f"""
    SELECT reflected.reflection_id, reflected.sample_id, reflected.stage, reflected.origin, reflected.producer, call_id,
           raw, finish_reason, parent.candidate_id AS parent_id, parent.instruction, parent.input, parent.response,
           parent.context
    FROM reflected JOIN pair AS parent ON parent.sample_id = reflected.sample_id
        AND CASE WHEN reflected.parent_id IS NOT NULL THEN parent.candidate_id = reflected.parent_id
                 ELSE parent.origin = CASE reflected.origin {_PARENTS} END END
    WHERE status = 'refused' AND call_id IS NOT NULL AND reflected.reflection_id < $before
      AND NOT EXISTS (FROM candidate AS made WHERE made.sample_id = reflected.sample_id
                      AND made.origin = reflected.origin AND made.producer = reflected.producer)
    QUALIFY row_number() OVER (PARTITION BY reflected.reflection_id
                               ORDER BY parent.producer = reflected.producer DESC, parent.candidate_id) = 1
    ORDER BY reflected.reflection_id DESC LIMIT {CHUNK}
"""


def parse_again(store: Store, *, stop: Event | None = None) -> Iterator[Progress]:
    """Parse the refused replies again and yield progress; `failed` counts those still refused, which stay as stored."""
    before = 2**62
    progress = Progress("replies")
    while rows := store.rows(_REFUSED, {"before": before}):
        if stop and stop.is_set():
            return
        usable = _usable(rows)
        for producer in {producer for producer, *_ in usable}:
            store_judgements(store, producer, [each for key, each in usable.items() if key[0] == producer])
        before = rows[-1]["reflection_id"]
        progress = progress.moved(len(rows), failed=len(rows) - len(usable))
        yield progress
    yield progress.moved(0, message=f"{progress.done - progress.failed:,} of {progress.done:,} can be used now.")


def _usable(rows: Sequence[Row]) -> dict[tuple[str, str, str], Judgement]:
    """Parse replies; of several for the same candidate the first that is accepted counts."""
    found: dict[tuple[str, str, str], Judgement] = {}
    for row in rows:
        judgement = parse_call(_task(row), _stored_call(row))
        if judgement.is_accepted:
            found.setdefault((row["producer"], row["sample_id"], row["origin"]), judgement)
    return found


def _task(row: Row) -> ReflectionTask:
    return ReflectionTask(
        row["sample_id"], Origin(row["origin"]), row["parent_id"], pair_of(row), asked=Stage(row["stage"])
    )


def _stored_call(row: Row) -> StoredCall:
    return StoredCall(row["call_id"], Answer(CallOutcome.ANSWERED, row["raw"], row["finish_reason"]))
