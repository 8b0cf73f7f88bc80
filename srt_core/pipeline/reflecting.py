"""Reflect: ask the teacher for the candidates that are missing, keep every reply, accept or refuse it whole."""

import asyncio
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import islice
from threading import Event

from srt_core.errors import TeacherError, TeacherStopError
from srt_core.pipeline.progress import Progress
from srt_core.prompts import ParsedReflection, Prompts, Refusal, parse_reply
from srt_core.records import DERIVATIONS, Origin, Pair
from srt_core.samples import append_candidates, pair_of
from srt_core.selection import RULE, applied_policy, parameters, refresh_panel
from srt_core.store import Store
from srt_core.teacher import Ask, Reply, Teacher

CHUNK_TASKS = 2_000


class Mode(StrEnum):
    """Two ways to spend calls, the same decisions from both (METHOD, section 2)."""

    FULL = "full"
    """All four candidates: 3 calls a sample, any threshold can move later."""
    SEQUENTIAL = "sequential"
    """The response reflection only for the winner of the instruction stage: 2 calls a sample."""


@dataclass(frozen=True, slots=True)
class _Task:
    sample_id: str
    origin: Origin
    parent: Pair


@dataclass(frozen=True, slots=True)
class _Call:
    """One call: its reply and what that was parsed to, or the error that came instead."""

    task: _Task
    ask: Ask
    reply: Reply | None
    parsed: ParsedReflection | Refusal | None
    error: TeacherError | None


# Parents that still lack a child of this origin. A refused reply is tried again only when asked; a call that
# brought no reply always is.
_MISSING = """
    SELECT parent.sample_id, sample.seq, parent.instruction, parent.input, parent.response
    FROM candidate AS parent JOIN sample USING (sample_id)
    WHERE parent.origin = $parent
      AND NOT EXISTS (FROM candidate WHERE sample_id = parent.sample_id AND origin = $origin)
      AND ($retry_failed OR NOT EXISTS (
          FROM reflection WHERE sample_id = parent.sample_id AND origin = $origin AND status = 'refused'))
"""

# In sequential mode the response stage takes the winner of the instruction stage, once that is settled.
_SETTLED = f"""
    AND parent.sample_id IN (
        SELECT sample_id FROM ({RULE}) AS rule JOIN panel USING (sample_id)
        WHERE CASE WHEN $origin = 'BOTH' THEN winner IN ('INSTRUCTION', 'BOTH')
                   ELSE winner IN ('ORIGINAL', 'RESPONSE') END
          AND CASE WHEN NOT has_instruction THEN failed_instruction
                   ELSE $accept_instruction <> 'improved' OR 2 = (
                       SELECT count(*) FROM score JOIN candidate USING (candidate_id)
                       WHERE scoring_id = $scoring_id AND candidate.sample_id = panel.sample_id
                         AND origin IN ('ORIGINAL', 'INSTRUCTION')) END
    )
"""


@dataclass(frozen=True, slots=True)
class _Work:
    """Which candidates are to be made: the tasks of one origin, by sample, in chunks."""

    store: Store
    mode: Mode
    retry_failed: bool

    def count(self, origin: Origin) -> int:
        sql, values = self._query(origin)
        return int(self.store.value(f"SELECT count(*) FROM ({sql})", values))

    def tasks(self, origin: Origin) -> Iterator[_Task]:
        sql, values = self._query(origin)
        last = 0
        while rows := self.store.rows(
            f"SELECT * FROM ({sql}) WHERE seq > $last ORDER BY seq LIMIT {CHUNK_TASKS}", {**values, "last": last}
        ):
            yield from (_Task(row["sample_id"], origin, pair_of(row)) for row in rows)
            last = rows[-1]["seq"]

    def _query(self, origin: Origin) -> tuple[str, dict[str, object]]:
        derivation = DERIVATIONS[origin]
        values: dict[str, object] = {
            "parent": str(derivation.parent),
            "origin": str(origin),
            "retry_failed": self.retry_failed,
        }
        if self.mode is Mode.FULL or origin is Origin.INSTRUCTION:
            return _MISSING, values
        refresh_panel(self.store)
        scoring = int(self.store.meta("scoring_id") or 0)
        return _MISSING + _SETTLED, {**values, **parameters(applied_policy(self.store)), "scoring_id": scoring}


def count_calls(store: Store, mode: Mode, *, retry_failed: bool = False) -> int:
    """Estimate how many calls `reflect` has before it, as if every reply were accepted at the first attempt."""
    work = _Work(store, mode, retry_failed)
    instruction, response, both = (work.count(origin) for origin in (Origin.INSTRUCTION, Origin.RESPONSE, Origin.BOTH))
    known = instruction + response + both
    # What the instruction stage is about to make is reflected on once more.
    return known + instruction + (_count_waiting(store) if mode is Mode.SEQUENTIAL else 0)


def reflect(
    store: Store,
    teacher: Teacher,
    prompts: Prompts,
    *,
    mode: Mode = Mode.FULL,
    concurrency: int = 8,
    attempts: int = 2,
    retry_failed: bool = False,
    stop: Event | None = None,
) -> Iterator[Progress]:
    """Make the candidates that are missing and yield progress in teacher calls' outcomes.

    Every reply is committed with its parse as it arrives, so a killed run loses at most the calls in flight and the
    same call goes on where it stopped. A refused reply is asked for again up to `attempts` times in all. Raises
    TeacherStopError, with everything so far committed, when no further call can succeed.
    """
    work = _Work(store, mode, retry_failed)
    origins = (Origin.INSTRUCTION, Origin.RESPONSE, Origin.BOTH)
    progress = Progress("reflections")
    with asyncio.Runner() as runner:
        calls = _Calls(runner, teacher, prompts, concurrency, attempts)
        try:
            for place, origin in enumerate(origins):
                ahead = sum(work.count(later) for later in origins[place:])
                progress = replace(progress, total=progress.done + ahead)
                for outcomes in calls.run(work.tasks(origin), stop):
                    _commit(store, teacher, prompts, outcomes)
                    progress = progress.moved(len(outcomes), failed=sum(_is_failed(each) for each in outcomes))
                    yield progress
                if stop and stop.is_set():
                    return
        finally:
            runner.run(teacher.close())
    yield progress.moved(0, message=_waiting(store) if mode is Mode.SEQUENTIAL else "")


class _Calls:
    """Keeps up to `concurrency` calls under way and hands back what has arrived."""

    def __init__(
        self, runner: asyncio.Runner, teacher: Teacher, prompts: Prompts, concurrency: int, attempts: int
    ) -> None:
        self._runner = runner
        self._teacher = teacher
        self._prompts = prompts
        self._concurrency = concurrency
        self._attempts = attempts
        self._pending: set[asyncio.Task[list[_Call]]] = set()

    def run(self, tasks: Iterator[_Task], stop: Event | None) -> Iterator[list[list[_Call]]]:
        """Yield the finished tasks' calls until all are done, or, after a stop, those that were under way."""
        fatal: TeacherStopError | None = None
        while True:
            free = 0 if fatal or (stop and stop.is_set()) else self._concurrency - len(self._pending)
            finished = self._runner.run(self._step(list(islice(tasks, free))))
            if not finished:
                break
            fatal = fatal or next(
                (call.error for calls in finished for call in calls if isinstance(call.error, TeacherStopError)), None
            )
            # What would have stopped every call is no failure of this sample; a reply that came before it is kept.
            kept = [[call for call in calls if not isinstance(call.error, TeacherStopError)] for calls in finished]
            yield [calls for calls in kept if calls]
        if fatal:
            raise fatal

    async def _step(self, tasks: Sequence[_Task]) -> list[list[_Call]]:
        self._pending |= {asyncio.create_task(self._attempt(task)) for task in tasks}
        if not self._pending:
            return []
        done, self._pending = await asyncio.wait(self._pending, return_when=asyncio.FIRST_COMPLETED)
        return [task.result() for task in done]

    async def _attempt(self, task: _Task) -> list[_Call]:
        stage = DERIVATIONS[task.origin].stage
        ask = Ask(self._prompts.messages(stage, task.parent), stage, task.parent)
        calls: list[_Call] = []
        while len(calls) < self._attempts:
            try:
                reply = await self._teacher.ask(ask)
            except TeacherError as error:
                return [*calls, _Call(task, ask, None, None, error)]
            parsed = parse_reply(stage, reply.text, reply.finish_reason, task.parent)
            calls.append(_Call(task, ask, reply, parsed, None))
            if isinstance(parsed, ParsedReflection):
                break
        return calls


def _is_failed(calls: Sequence[_Call]) -> bool:
    return not isinstance(calls[-1].parsed, ParsedReflection)


def _commit(store: Store, teacher: Teacher, prompts: Prompts, finished: Sequence[Sequence[_Call]]) -> None:
    calls = [call for each in finished for call in each]
    if not calls:
        return
    with store.transaction() as tx:
        tx.append("reflection", _REFLECTION_COLUMNS, [_reflection_row(teacher, prompts, call) for call in calls])
        append_candidates(
            tx,
            [
                (call.task.sample_id, call.task.origin, teacher.name, call.parsed.pair)
                for call in calls
                if isinstance(call.parsed, ParsedReflection)
            ],
        )
        tx.bump()


_REFLECTION_COLUMNS = [
    "sample_id", "origin", "teacher", "prompt_version", "request_hash", "status", "reason", "detail", "raw", "critique",
    "finish_reason", "prompt_tokens", "completion_tokens", "latency_seconds",
]  # fmt: skip


def _reflection_row(teacher: Teacher, prompts: Prompts, call: _Call) -> tuple[object, ...]:
    status, reason, detail, critique = _judgement(call)
    reply = call.reply
    return (
        call.task.sample_id, str(call.task.origin), teacher.name, prompts.version,
        teacher.request_hash(call.ask), status, reason, detail, reply and reply.text, critique,
        reply and reply.finish_reason, reply and reply.prompt_tokens, reply and reply.completion_tokens,
        reply and reply.latency_seconds,
    )  # fmt: skip


def _judgement(call: _Call) -> tuple[str, str, str, str | None]:
    """Give a call's status, reason, detail and critique as they are stored."""
    if isinstance(call.parsed, ParsedReflection):
        return "accepted", "", "", json.dumps(call.parsed.critique, ensure_ascii=False)
    if isinstance(call.parsed, Refusal):
        return "refused", str(call.parsed.reason), call.parsed.detail, None
    return "failed", "no_reply", str(call.error), None


def _count_waiting(store: Store) -> int:
    """Count samples of which scores have yet to say what won the instruction stage."""
    refresh_panel(store)
    scoring = int(store.meta("scoring_id") or 0)
    return int(
        store.value(
            """SELECT count(*) FROM panel WHERE has_instruction AND NOT has_response AND NOT has_both
               AND $accept_instruction = 'improved' AND 2 > (
                   SELECT count(*) FROM score JOIN candidate USING (candidate_id)
                   WHERE scoring_id = $scoring_id AND candidate.sample_id = panel.sample_id
                     AND origin IN ('ORIGINAL', 'INSTRUCTION'))""",
            {"accept_instruction": str(applied_policy(store).accept_instruction), "scoring_id": scoring},
        )
    )


def _waiting(store: Store) -> str:
    waiting = _count_waiting(store)
    return f"{waiting:,} samples wait for scores: score the project, then reflect again." if waiting else ""
