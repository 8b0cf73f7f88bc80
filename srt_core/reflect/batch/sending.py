"""What stands in the project file about batches: which are open, what they asked for, and what the caps leave.

A campaign is what one run is for live calls: it begins with a batch and ends when nothing is missing, however many
processes take part. Tries count within it.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from srt_core.project.store import Store
from srt_core.records import Stage
from srt_core.reflect.keeping import StoredCall
from srt_core.reflect.patience import MOST_TRIES
from srt_core.reflect.prices import Price
from srt_core.reflect.run import Plan
from srt_core.reflect.spending import Caps, spent_by
from srt_core.reflect.teacher import Answer, CallOutcome

MEASURED = 30
"""From so many replies on, their mean length says what the next ones cost."""
MARGIN = 1.1
BYTES_A_TOKEN = 3.0
"""Few texts have more tokens than this."""


@dataclass(frozen=True, slots=True)
class OpenBatch:
    """A batch that is not fetched yet. `remote_id` None: the process that sent it never heard its name."""

    batch_id: int
    tag: str
    remote_id: str | None
    remote_state: str
    age_seconds: float


def open_batches(store: Store, producer: str) -> list[OpenBatch]:
    """Read the batches that are not fetched yet."""
    rows = store.rows(
        """SELECT batch_id, tag, remote_id, remote_state,
                  date_diff('millisecond', made_at, timezone('UTC', now())::TIMESTAMP) / 1000 AS age_seconds
           FROM batch WHERE producer = ? AND state IN ('preparing', 'sent') ORDER BY batch_id""",
        [producer],
    )
    return [OpenBatch(**row) for row in rows]


def forget_batches(store: Store, producer: str) -> int:
    """Return up the batches that are not fetched, and say how many. Their requests are sent, and paid for, anew."""
    found = open_batches(store, producer)
    for each in found:
        note(store, each.batch_id, "failed", "", "It was given up.")
    return len(found)


def prepare(store: Store, producer: str, tag: str, requests: Sequence[tuple[str, Stage]]) -> int:
    """Write down a batch before it is sent: the hash and the stage of each request. Returns its number."""
    with store.transaction() as tx:
        sql = "INSERT INTO batch (producer, state, tag) VALUES (?, 'preparing', ?) RETURNING batch_id"
        batch_id = int(tx.execute(sql, [producer, tag])[0][0])
        rows = [(batch_id, request_hash, str(stage)) for request_hash, stage in requests]
        tx.append("batch_request", ["batch_id", "request_hash", "stage"], rows)
    return batch_id


def note(store: Store, batch_id: int, state: str, remote_state: str, detail: str, remote_id: str | None = None) -> None:
    """Write down how a batch stands."""
    with store.transaction() as tx:
        tx.execute(
            """UPDATE batch SET state = ?, remote_state = ?, detail = ?, remote_id = coalesce(?, remote_id),
                      updated_at = timezone('UTC', now()) WHERE batch_id = ?""",
            [state, remote_state, detail, remote_id, batch_id],
        )


def unanswered(store: Store, batch_id: int) -> dict[str, Stage]:
    """Read the requests of a batch of which no line is kept yet: hash and stage."""
    rows = store.rows(
        """SELECT request_hash, stage FROM batch_request WHERE batch_id = $id AND request_hash NOT IN (
               SELECT request_hash FROM teacher_call WHERE batch_id = $id)""",
        {"id": batch_id},
    )
    return {row["request_hash"]: Stage(row["stage"]) for row in rows}


def stopping_line(store: Store, batch_id: int) -> str:
    """Say what every further request would come to as well, such as a spent quota; "" where no line says so."""
    outcomes = [str(outcome) for outcome in CallOutcome if outcome.stops]
    sql = """SELECT detail FROM teacher_call WHERE batch_id = ? AND outcome IN (SELECT unnest(?::VARCHAR[]))
             ORDER BY call_id LIMIT 1"""
    return str(store.value(sql, [batch_id, outcomes]) or "")


@dataclass(frozen=True, slots=True)
class Campaign:
    """The batches of one run, which many processes may take part in; `since` and `after` are what was before it."""

    since: int
    """The last reflection."""
    after: int
    """The last batch."""
    retry_failed: bool
    note: str

    @classmethod
    def join(cls, store: Store, producer: str, plan: Plan) -> "Campaign":
        """Go on with the campaign that is under way, or begin one: other failures are then asked about again."""
        found = json.loads(store.meta(_key(producer)) or "null")
        if found and (found["retry_failed"], found["note"]) == (plan.retry_failed, plan.note):
            return cls(**found)
        since = int(store.value("SELECT coalesce(max(reflection_id), 0) FROM reflection"))
        after = int(store.value("SELECT coalesce(max(batch_id), 0) FROM batch"))
        begun = cls(since, after, plan.retry_failed, plan.note)
        store.set_meta(_key(producer), json.dumps({name: getattr(begun, name) for name in cls.__slots__}))
        return begun


def end_campaign(store: Store, producer: str) -> None:
    """Write down that nothing is left to send."""
    store.set_meta(_key(producer), "null")


def _key(producer: str) -> str:
    return f"batch_campaign:{producer}"


def hopeless(store: Store, campaign: Campaign, hashes: Sequence[str]) -> Mapping[str, StoredCall]:
    """Find requests that no further batch is worth: refused for what they are, or tried often enough.

    What stops every request, such as a spent quota, is no failure of this one. A batch that was cut short is no try of
    what it left, as long as it brought something: what is left becomes less.
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


class Room:
    """What the caps leave; `take` counts requests into it, and `said` is which cap is reached, "" for none.

    A reply is taken to be as long as the mean of those that came and a tenth, and before there are enough of them as
    long as it may be: what is sent is paid for, whatever it comes to.
    """

    def __init__(
        self, store: Store, producer: str, caps: Caps, price: Price | None, max_tokens: int, is_batch: bool
    ) -> None:
        self._caps, self._price, self._max_tokens, self._is_batch = caps, price, max_tokens, is_batch
        row = store.rows(
            """SELECT count(*) AS replies, avg(prompt_tokens) AS prompt, avg(completion_tokens) AS completion
               FROM teacher_call WHERE producer = ? AND outcome = 'answered' AND prompt_tokens IS NOT NULL
               AND completion_tokens IS NOT NULL""",
            [producer],
        )[0]
        self._means = (row["prompt"], row["completion"]) if row["replies"] >= MEASURED else None
        spent = spent_by(store, producer)
        self._calls = spent.calls
        self._cost = spent.cost
        self.said = ""

    @property
    def is_full(self) -> bool:
        """Whether a request found no room."""
        return bool(self.said)

    def take(self, sent_bytes: int) -> bool:
        """Count one more request, if there is room for it."""
        caps = self._caps
        cost = self._cost + self._probable_cost(sent_bytes)
        if caps.calls is not None and self._calls >= caps.calls:
            self.said = f"The cap of {caps.calls:,} calls is reached."
        elif caps.cost is not None and cost > caps.cost:
            self.said = f"The cap of {caps.cost:,.2f} dollars is reached: {self._cost:,.4f} are spent or on their way."
        else:
            self._calls, self._cost = self._calls + 1, cost
        return not self.said

    def _probable_cost(self, sent_bytes: int) -> float:
        if self._price is None:
            return 0.0
        prompt, completion = self._means or (sent_bytes / BYTES_A_TOKEN, float(self._max_tokens))
        cost = self._price.cost(prompt, completion, is_batch=self._is_batch) or 0.0
        return cost * MARGIN if self._means else cost
