"""Reflect: ask the teacher for the candidates that are missing, keep every reply, accept or refuse it whole.

    what is missing (missing) → how to ask (asking) → calls, each kept raw (calls, keeping) → candidates

A run that was killed goes on with the same command: what was paid for is found by the hash of its request.
"""

import asyncio
from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from threading import Event

from srt_core.pipeline.along import Along, Scoring
from srt_core.pipeline.asking import Asker, FormatChoice
from srt_core.pipeline.calls import Calls, Caps, spent_by
from srt_core.pipeline.keeping import Judgement, Task
from srt_core.pipeline.missing import ORDER, Missing, Mode, count_missing
from srt_core.pipeline.progress import Progress
from srt_core.prices import price_of
from srt_core.producers import register_producer
from srt_core.prompts import Prompts, ReplyFormat
from srt_core.records import Origin
from srt_core.store import Store
from srt_core.teacher import Pace, Teacher

NO_CAPS = Caps()
WAIT_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Plan:
    """How a run goes about it.

    `attempts` replies at most are asked for a candidate; `retry_failed` gives as many again to those that were
    refused before, with the curator's `note` to the teacher. A limit of None is none.
    """

    mode: Mode = Mode.FULL
    concurrency: int = 16
    attempts: int = 2
    retry_failed: bool = False
    note: str = ""
    requests_per_minute: float | None = None
    tokens_per_minute: float | None = None
    caps: Caps = NO_CAPS
    reply_format: ReplyFormat | None = None
    """None: found by trying."""
    only: tuple[str, ...] = ()
    """These samples alone; () for all."""


USUAL_PLAN = Plan()


def producer_of(store: Store, teacher: Teacher, prompts: Prompts) -> str:
    """Name a teacher with a version of the prompts, and keep the prompts' text in the project."""
    return register_producer(store, teacher.name, prompts.version, prompts.hash, prompts.source)


def reflect(
    store: Store,
    teacher: Teacher,
    prompts: Prompts,
    plan: Plan = USUAL_PLAN,
    *,
    stop: Event | None = None,
    scoring: Scoring | None = None,
) -> Generator[Progress, None, None]:
    """Make the candidates that this teacher with these prompts has not made, and yield progress in outcomes.

    Every reply is committed as it arrives, before it is read, so a killed run loses at most the calls under way and
    the same call goes on where it stopped. `scoring` scores what there is to score; in sequential mode it runs beside
    the calls, so that the response stage follows without another command. Raises TeacherStopError, with everything
    so far committed, when no further call can succeed or a cap is reached.
    """
    stop = stop or Event()
    producer = producer_of(store, teacher, prompts)
    since = int(store.value("SELECT coalesce(max(reflection_id), 0) FROM reflection"))
    attempts = plan.attempts if teacher.is_live else 1
    missing = Missing(store, producer, plan.mode, attempts, plan.retry_failed, since, plan.only)
    with Along(scoring if plan.mode is Mode.SEQUENTIAL else None) as along, asyncio.Runner() as runner:
        calls = Calls(
            store,
            teacher,
            Asker(teacher, prompts, plan.note),
            producer,
            FormatChoice(store, producer, teacher, plan.reply_format),
            Pace(plan.concurrency, plan.requests_per_minute, plan.tokens_per_minute),
            plan.caps,
            price_of(store, teacher.model),
            spent_by(store, producer),
            stop.is_set,
        )
        run = _Run(missing, calls, along)
        try:
            while not run.is_over:
                yield run.move(runner.run(calls.step()))
                if run.is_waiting:
                    stop.wait(WAIT_SECONDS)
        except KeyboardInterrupt:
            stop.set()
            while not calls.is_idle:  # what was asked for is paid for
                runner.run(calls.step())
            raise
        finally:
            runner.run(_close(calls, teacher))
    if calls.failure:
        raise calls.failure
    if not stop.is_set():
        waiting = missing.waiting()
        said = f"{waiting:,} samples wait for scores: score the project, then reflect again." if waiting else ""
        yield run.progress.moved(0, message=said)


async def _close(calls: Calls, teacher: Teacher) -> None:
    await calls.close()
    await teacher.close()


class _Run:
    """Feeds the calls with what is missing, sweep after sweep through the origins, until a sweep finds nothing."""

    def __init__(self, missing: Missing, calls: Calls, along: Along) -> None:
        self._missing, self._calls, self._along = missing, calls, along
        self._place, self._last = 0, 0
        self._has_found = False
        self._ended: list[Judgement] = []
        self.is_over = self.is_waiting = False
        self.progress = Progress("reflections", total=count_missing(missing), spent=self._spent)
        self._feed()

    def move(self, ended: Sequence[Judgement]) -> Progress:
        """Count what came to an end, and look for more to do."""
        self._feed()
        ended, self._ended = [*ended, *self._ended], []
        if any(each.is_accepted for each in ended):
            self._along.tell()
        if self._calls.is_ending:
            self.is_over = self._calls.is_idle
        elif self._place == len(ORDER) and (self._calls.is_idle or self._along.take_news()):
            self._end_sweep()
        failed = sum(not each.is_accepted for each in ended)
        message = "The student scores what has come" if self.is_waiting else self._calls.said
        self.progress = self.progress.moved(len(ended), failed=failed, message=message, spent=self._spent)
        if self.progress.done > (self.progress.total or 0):
            self.progress = replace(self.progress, total=self.progress.done)
        return self.progress

    @property
    def _spent(self) -> float | None:
        return self._calls.spent.cost if self._calls.price else None

    def _feed(self) -> None:
        """Read tasks until there are enough, or this sweep is at its end."""
        while self._place < len(ORDER) and self._calls.wants_tasks:
            tasks, self._last = self._missing.chunk(ORDER[self._place], self._last)
            if not tasks:
                self._place, self._last = self._place + 1, 0
                continue
            busy = self._calls.busy
            fresh = [task for task in tasks if self._needs(task).isdisjoint(busy)]
            self._has_found |= bool(fresh)
            self._ended += self._calls.take(fresh)

    def _needs(self, task: Task) -> set[tuple[str, str]]:
        """What must not be under way: the task itself, and in sequential mode what decides whether it is one."""
        before = {(task.sample_id, str(Origin.INSTRUCTION))} if self._missing.mode is Mode.SEQUENTIAL else set()
        return {task.key} | before

    def _end_sweep(self) -> None:
        """Begin another sweep where it may find something; else wait for scores, or end the run."""
        self.is_waiting = self._calls.is_idle and self._along.is_busy and not self._has_found
        if self._has_found or self._along.is_busy:
            self._place, self._last, self._has_found = 0, 0, False
        else:
            self.is_over = self._calls.is_idle
