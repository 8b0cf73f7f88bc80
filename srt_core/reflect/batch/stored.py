"""Batches in the project file: which are open, which requests they hold, and which of these are sent again.

A campaign is to batches what a run is to live calls: it begins with the first batch and ends when nothing is missing,
whichever processes take part. Tries are counted within it.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from srt_core.project.store import Store
from srt_core.records import Stage
from srt_core.reflect.keeping import StoredCall
from srt_core.reflect.patience import MOST_TRIES
from srt_core.reflect.run import Plan
from srt_core.reflect.teacher import Answer, CallOutcome


@dataclass(frozen=True, slots=True)
class OpenBatch:
    """A batch that is not fetched yet. `remote_id` is None where the process died before it got the teacher's id."""

    batch_id: int
    tag: str
    remote_id: str | None
    remote_state: str
    age_seconds: float


def open_batches(store: Store, producer: str) -> list[OpenBatch]:
    """Return the batches that are not fetched yet, oldest first."""
    rows = store.rows(
        """SELECT batch_id, tag, remote_id, remote_state,
                  date_diff('millisecond', made_at, timezone('UTC', now())::TIMESTAMP) / 1000 AS age_seconds
           FROM batch WHERE producer = ? AND state IN ('preparing', 'sent') ORDER BY batch_id""",
        [producer],
    )
    return [OpenBatch(**row) for row in rows]


def forget_batches(store: Store, producer: str) -> int:
    """Give up the batches that are not fetched, and return how many; their requests are sent and paid for again."""
    found = open_batches(store, producer)
    for each in found:
        note(store, each.batch_id, "failed", "", "It was given up.")
    return len(found)


def prepare(store: Store, producer: str, tag: str, requests: Sequence[tuple[str, Stage]]) -> int:
    """Store a batch before it is sent, with the hash and stage of each request; return its id."""
    with store.transaction() as tx:
        sql = "INSERT INTO batch (producer, state, tag) VALUES (?, 'preparing', ?) RETURNING batch_id"
        batch_id = int(tx.execute(sql, [producer, tag])[0][0])
        # With these rows a later process knows which requests are under way, and which of them got no answer.
        rows = [(batch_id, request_hash, str(stage)) for request_hash, stage in requests]
        tx.append("batch_request", ["batch_id", "request_hash", "stage"], rows)
    return batch_id


def note(store: Store, batch_id: int, state: str, remote_state: str, detail: str, remote_id: str | None = None) -> None:
    """Store the state of a batch, ours (`state`) and the teacher's (`remote_state`)."""
    with store.transaction() as tx:
        tx.execute(
            """UPDATE batch SET state = ?, remote_state = ?, detail = ?, remote_id = coalesce(?, remote_id),
                      updated_at = timezone('UTC', now()) WHERE batch_id = ?""",
            [state, remote_state, detail, remote_id, batch_id],
        )


def unanswered(store: Store, batch_id: int) -> dict[str, Stage]:
    """Return the requests of a batch whose answer is not stored yet: hash and stage."""
    rows = store.rows(
        """SELECT request_hash, stage FROM batch_request WHERE batch_id = $id AND request_hash NOT IN (
               SELECT request_hash FROM teacher_call WHERE batch_id = $id)""",
        {"id": batch_id},
    )
    return {row["request_hash"]: Stage(row["stage"]) for row in rows}


def stopping_line(store: Store, batch_id: int) -> str:
    """Return the message of an answer that every further request would get too, such as a spent quota; "" for none."""
    outcomes = [str(outcome) for outcome in CallOutcome if outcome.stops]
    sql = """SELECT detail FROM teacher_call WHERE batch_id = ? AND outcome IN (SELECT unnest(?::VARCHAR[]))
             ORDER BY call_id LIMIT 1"""
    return str(store.value(sql, [batch_id, outcomes]) or "")


@dataclass(frozen=True, slots=True)
class Campaign:
    """The batches of one run, in which several processes may take part."""

    since: int
    """The id of the last reflection before it."""
    after: int
    """The id of the last batch before it."""
    retry_failed: bool
    note: str

    @classmethod
    def join(cls, store: Store, producer: str, plan: Plan) -> "Campaign":
        """Return the open campaign of the producer; begin one if there is none, or the plan retries other failures."""
        found = json.loads(store.meta(_key(producer)) or "null")
        if found and (found["retry_failed"], found["note"]) == (plan.retry_failed, plan.note):
            return cls(**found)
        since = int(store.value("SELECT coalesce(max(reflection_id), 0) FROM reflection"))
        after = int(store.value("SELECT coalesce(max(batch_id), 0) FROM batch"))
        begun = cls(since, after, plan.retry_failed, plan.note)
        store.set_meta(_key(producer), json.dumps({name: getattr(begun, name) for name in cls.__slots__}))
        return begun


def end_campaign(store: Store, producer: str) -> None:
    """Store that nothing is left to send: the next batch begins a new campaign."""
    store.set_meta(_key(producer), "null")


def _key(producer: str) -> str:
    return f"batch_campaign:{producer}"


def exhausted(store: Store, campaign: Campaign, hashes: Sequence[str]) -> Mapping[str, StoredCall]:
    """Return the last calls of requests that are not sent again: refused for what they are, or out of tries.

    An outcome that stops every request, such as a spent quota, is no failure of this one. Requests that a cut-off batch
    left unanswered do not count as attempts, as long as the batch answered others: what is left then gets fewer, so
    sending it again comes to an end.
    """
    rows = store.rows(
        """SELECT request_hash, max(call_id) AS call_id, arg_max(outcome, call_id) AS outcome,
                  arg_max(teacher_call.detail, call_id) AS detail,
                  count(*) FILTER (NOT (remote_state IN ('expired', 'cancelled') AND EXISTS (
                      FROM teacher_call AS other
                      WHERE other.batch_id = batch.batch_id AND other.outcome = 'answered'))) AS tries
           FROM teacher_call JOIN batch USING (batch_id)
           WHERE batch_id > ? AND request_hash IN (SELECT unnest(?::VARCHAR[])) GROUP BY request_hash""",
        [campaign.after, list(hashes)],
    )
    found: dict[str, StoredCall] = {}
    for row in rows:
        outcome = CallOutcome(row["outcome"])
        if not outcome.stops and (row["tries"] >= MOST_TRIES or not outcome.passes):
            found[row["request_hash"]] = StoredCall(row["call_id"], Answer(outcome, detail=row["detail"]))
    return found
