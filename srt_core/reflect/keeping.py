"""Store what was paid for: calls raw, then what they led to. Runs, trials and batches all write through here.

    a call ended → `store_calls` commits it raw → `parse_call` → `store_judgements` commits reflection and candidate

A reply is found again by the hash of its request (`find_replies`), whichever sample, run, trial or batch it was for.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from srt_core.project.appending import NewCandidate, append_candidates
from srt_core.project.store import Store
from srt_core.records import DERIVATIONS, Origin, Pair, Stage, revised_origin
from srt_core.reflect.prices import Price
from srt_core.reflect.prompts import CLEANED, ParsedReflection, Refusal, parse_reply
from srt_core.reflect.teacher import ASK_AGAIN_HINT, NOT_RECORDED_HINT, Answer, Ask, CallOutcome


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked, with the hash that identifies it."""

    ask: Ask
    hash: str


@dataclass(frozen=True, slots=True)
class StoredCall:
    """A call that is in the project file."""

    call_id: int
    answer: Answer


@dataclass(frozen=True, slots=True)
class Example:
    """An edit that a coach is shown: what a person made of what, by the event that holds it."""

    event_id: int
    before: Pair
    after: Pair


@dataclass(frozen=True, slots=True)
class ReflectionTask:
    """A candidate that is to be made from a parent.

    `refused`: earlier replies that were refused, the last one for `reason` and `detail`; `tries_left`: replies that may
    still be asked for; `failed`: earlier calls that ended without a reply.
    """

    sample_id: str
    origin: Origin
    parent_id: int
    parent: Pair
    refused: int = 0
    tries_left: int = 1
    reason: str = ""
    detail: str = ""
    failed: int = 0
    asked: Stage | None = None
    """What is asked for where the origin does not say it: a revision, which says by what it changed what it made."""
    examples: tuple[Example, ...] = ()

    @property
    def stage(self) -> Stage:
        """The stage: what is rewritten."""
        return self.asked or DERIVATIONS[self.origin].stage

    @property
    def key(self) -> tuple[str, Origin]:
        """What identifies the task within a producer: sample and origin."""
        return self.sample_id, self.origin


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a call led to for one task: an accepted or refused reply (`parsed`), or None where no reply came."""

    task: ReflectionTask
    call_id: int | None
    answer: Answer
    parsed: ParsedReflection | Refusal | None

    @property
    def is_accepted(self) -> bool:
        """Whether the reply gave a candidate."""
        return isinstance(self.parsed, ParsedReflection)

    @property
    def origin(self) -> Origin:
        """What was made, or was to be made."""
        if self.task.stage is Stage.REVISION and isinstance(self.parsed, ParsedReflection):
            return revised_origin(self.task.parent, self.parsed.pair)
        return self.task.origin

    @property
    def reason(self) -> str:
        """Why there is no candidate, a RefusalReason or CallOutcome; of one there is, the rules that cleaned it."""
        if isinstance(self.parsed, Refusal):
            return str(self.parsed.reason)
        return ", ".join(self.parsed.rules) if self.parsed else str(self.answer.outcome)

    @property
    def detail(self) -> str:
        """The reason as a sentence for the curator."""
        if isinstance(self.parsed, Refusal):
            return self.parsed.detail
        if self.parsed:
            return " ".join(CLEANED[rule] for rule in self.parsed.rules)
        return f"{self.answer.detail} {self.answer.hint}".strip()


def parse_call(task: ReflectionTask, stored: StoredCall) -> Judgement:
    """Parse a call's reply for a task; a call without a reply becomes a failed judgement."""
    answer = stored.answer
    parsed = parse_reply(task.stage, answer.text or "", answer.finish_reason, task.parent) if answer.is_reply else None
    return Judgement(task, stored.call_id, answer, parsed)


_CALL_COLUMNS = ["call_id", "request_hash", "producer", "stage", "outcome", "raw", "detail", "finish_reason",
                 "model", "prompt_tokens", "completion_tokens", "cost", "latency_seconds", "http_status",
                 "batch_id"]  # fmt: skip


def store_calls(
    store: Store,
    producer: str,
    price: Price | None,
    calls: Sequence[tuple[str, Stage, Answer]],
    batch_id: int | None = None,
    numbers: Iterator[int] | None = None,
) -> list[StoredCall]:
    """Commit calls as they came, before they are parsed: hash of the request, stage and answer of each.

    `numbers` yields their ids (call_numbers); a run reserves many at once, because each statement takes a millisecond.
    """
    stored = [
        StoredCall(number, answer)
        for (_, _, answer), number in zip(calls, numbers or call_numbers(store), strict=False)
    ]
    with store.transaction() as tx:
        tx.append(
            "teacher_call",
            _CALL_COLUMNS,
            [
                (each.call_id, request_hash, producer, str(stage), str(answer.outcome), answer.text,
                 answer.detail, answer.finish_reason, answer.model, answer.prompt_tokens, answer.completion_tokens,
                 cost_of(price, answer, is_batch=batch_id is not None), answer.latency_seconds, answer.http_status,
                 batch_id)
                for each, (request_hash, stage, answer) in zip(stored, calls, strict=True)
            ],
        )  # fmt: skip
    return stored


def call_numbers(store: Store, at_once: int = 1) -> Iterator[int]:
    """Yield unused call ids, reserved `at_once` by one statement."""
    while True:
        yield from (row["id"] for row in store.rows("SELECT nextval('call_ids') AS id FROM range(?)", [at_once]))


def cost_of(price: Price | None, answer: Answer, *, is_batch: bool = False) -> float | None:
    """Return the cost of a reply in US dollars; None without a reply, a price or token counts."""
    if price is None or not answer.is_reply:
        return None
    return price.cost(answer.prompt_tokens, answer.completion_tokens, is_batch=is_batch)


def find_replies(store: Store, hashes: Sequence[str]) -> dict[str, StoredCall]:
    """Return the replies that are stored already, by the hashes of their requests."""
    rows = store.rows(
        """SELECT request_hash, call_id, raw, finish_reason, model, prompt_tokens, completion_tokens, latency_seconds
           FROM teacher_call WHERE outcome = 'answered' AND request_hash IN (SELECT unnest(?::VARCHAR[]))
           ORDER BY call_id DESC""",
        [list(hashes)],
    )  # of several replies to one request the oldest is last, and is the one that the dictionary keeps
    return {
        row["request_hash"]: StoredCall(
            row["call_id"],
            Answer(CallOutcome.ANSWERED, row["raw"], row["finish_reason"], row["model"], row["prompt_tokens"],
                   row["completion_tokens"], row["latency_seconds"]),
        )
        for row in rows
    }  # fmt: skip


def find_failures(store: Store, hashes: Sequence[str]) -> dict[str, StoredCall]:
    """Return the last call of each request that brought no reply, unless its reason would end every other one too."""
    rows = store.rows(
        """SELECT request_hash, max(call_id) AS call_id, arg_max(outcome, call_id) AS outcome,
                  arg_max(detail, call_id) AS detail, arg_max(raw, call_id) AS raw,
                  arg_max(latency_seconds, call_id) AS latency_seconds
           FROM teacher_call WHERE request_hash IN (SELECT unnest(?::VARCHAR[])) GROUP BY request_hash""",
        [list(hashes)],
    )
    found: dict[str, StoredCall] = {}
    for row in rows:
        outcome = CallOutcome(row["outcome"])
        if not (outcome.stops or outcome is CallOutcome.ANSWERED):
            hint = NOT_RECORDED_HINT if outcome is CallOutcome.NOT_RECORDED else ASK_AGAIN_HINT
            answer = Answer(
                outcome, row["raw"], latency_seconds=row["latency_seconds"], detail=row["detail"], hint=hint
            )
            found[row["request_hash"]] = StoredCall(row["call_id"], answer)
    return found


_REFLECTION_COLUMNS = ["sample_id", "origin", "parent_id", "producer", "call_id", "status", "reason", "detail",
                       "critique"]  # fmt: skip


def store_judgements(store: Store, producer: str, judgements: Sequence[Judgement]) -> None:
    """Commit judgements: a reflection each, and the candidates of those that are accepted."""
    if not judgements:
        return
    with store.transaction() as tx:
        tx.append("reflection", _REFLECTION_COLUMNS, [_row(producer, each) for each in judgements])
        append_candidates(
            tx,
            [
                NewCandidate(each.task.sample_id, each.origin, producer, each.parsed.pair, each.task.parent_id)
                for each in judgements
                if isinstance(each.parsed, ParsedReflection) and each.parsed.pair != each.task.parent
            ],
        )
        tx.bump({each.task.sample_id for each in judgements})


def _row(producer: str, each: Judgement) -> tuple[object, ...]:
    status = "accepted" if each.is_accepted else "refused" if each.answer.is_reply else "failed"
    critique = (
        json.dumps(each.parsed.critique, ensure_ascii=False) if isinstance(each.parsed, ParsedReflection) else None
    )
    task = each.task
    return (task.sample_id, str(each.origin), task.parent_id, producer, each.call_id, status, each.reason, each.detail,
            critique)  # fmt: skip
