"""Reflect: ask the teacher for the candidates that are missing, keep every reply, accept or refuse it whole.

    what is missing (missing) → how to ask (asking) → calls, each kept raw (calls, keeping) → candidates

A run that was killed goes on with the same command: what was paid for is found by the hash of its request.
"""

import asyncio
import sys
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from threading import Event

from srt_core.errors import TeacherStopError
from srt_core.project.progress import Progress
from srt_core.project.store import Store
from srt_core.records import Origin
from srt_core.reflect.asking import Asker, Asks, FormatChoice
from srt_core.reflect.calls import Calls
from srt_core.reflect.event_loop import EventLoop
from srt_core.reflect.judging import StoreJudgements
from srt_core.reflect.keeping import ReflectionTask, store_judgements
from srt_core.reflect.learning import use_known
from srt_core.reflect.missing import Missing, SettledBy, Tasks
from srt_core.reflect.patience import Patience
from srt_core.reflect.prices import Price, price_of
from srt_core.reflect.producers import find_producer, register_producer
from srt_core.reflect.prompts import Prompts, ReplyFormat
from srt_core.reflect.scoring import NoScoring, Scoring
from srt_core.reflect.spending import Caps, spent_by
from srt_core.reflect.teacher import Pace, Teacher

NO_CAPS = Caps()
WAIT_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Plan:
    """How a run goes about it.

    `attempts` replies at most are asked for a candidate; `retry_failed` gives as many again to those that were
    refused before, with the curator's `note` to the teacher. A limit of None is none.
    """

    settled: SettledBy | None = None
    """None: full mode, all four candidates. Else sequential mode: see Missing."""
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
    is_drawn: bool = False
    """Those samples alone that the teacher was drawn for, as one of several arms."""


USUAL_PLAN = Plan()


def producer_of(store: Store, teacher: Teacher, prompts: Prompts) -> str:
    """Return the name of a teacher with a version of the prompts. It writes nothing, so any question may ask."""
    return find_producer(store, teacher.name, prompts.version, prompts.hash)


def register(store: Store, teacher: Teacher, prompts: Prompts) -> str:
    """Return the same name, and keep the prompts' text in the project, for whoever reads the rewrites later."""
    return register_producer(store, teacher.name, prompts.version, prompts.hash, prompts.source)


def missing_of(store: Store, teacher: Teacher, prompts: Prompts, plan: Plan, since: int = 0) -> Missing:
    """Return what a teacher with these prompts has yet to make under a plan. `since`: the last reflection before it.

    A recording holds one reply for a request, so it is asked once.
    """
    attempts = plan.attempts if teacher.is_live else 1
    producer = producer_of(store, teacher, prompts)
    return Missing(store, producer, plan.settled, attempts, plan.retry_failed, since, plan.only, plan.is_drawn)


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
    the same call goes on where it stopped. `scoring` scores beside the calls, so that in sequential mode the response
    stage follows without another command. Raises TeacherStopError, with everything so far committed, when no further
    call can succeed or a cap is reached.

    Whoever leaves the generator before its end closes it (`contextlib.closing`): it then waits for the calls under way.
    """
    stop = stop or Event()
    calls = calls_of(store, teacher, prompts, plan, stop)
    since = int(store.value("SELECT coalesce(max(reflection_id), 0) FROM reflection"))
    missing = missing_of(store, teacher, prompts, plan, since)
    progress = yield from run_through(missing, calls, teacher, scoring or NoScoring(), stop)
    if not stop.is_set():
        waiting = missing.waiting()
        said = f"{waiting:,} samples wait for scores: score the project, then reflect again." if waiting else ""
        yield progress.moved(0, message=said)


def run_through(
    missing: Tasks, calls: Calls, teacher: Teacher, scoring: Scoring, stop: Event
) -> Generator[Progress, None, Progress]:
    """Ask for all that is missing, yield progress in outcomes and return the last of it. Errors as `reflect`."""
    with running(calls, teacher) as runner:
        run = _Run(missing, calls, scoring)
        while not run.is_over:
            yield runner.run(run.move())
            if run.is_waiting:
                stop.wait(WAIT_SECONDS)
    if calls.failure:
        raise calls.failure
    return run.progress


def calls_of(
    store: Store,
    teacher: Teacher,
    prompts: Prompts,
    plan: Plan,
    stop: Event,
    store_judgements: StoreJudgements = store_judgements,
) -> Calls:
    """Prepare the calls of a run, under a plan's pace and caps; the producer is registered with this.

    TeacherStopError where a cap in dollars needs a price that nobody knows.
    """
    _price(store, teacher, plan.caps)
    producer = register(store, teacher, prompts)
    return calls_for(store, teacher, Asker(teacher, prompts, plan.note), producer, plan, stop, store_judgements)


def calls_for(
    store: Store,
    teacher: Teacher,
    asker: Asks,
    producer: str,
    plan: Plan,
    stop: Event,
    store_judgements: StoreJudgements = store_judgements,
) -> Calls:
    """Prepare the calls of a run of a producer that is registered, as `calls_of`; `asker` writes its requests."""
    price = _price(store, teacher, plan.caps)
    use_known(store, teacher)
    return Calls(
        store,
        teacher,
        asker,
        producer,
        FormatChoice(store, producer, teacher, plan.reply_format),
        Pace(plan.concurrency, plan.requests_per_minute, plan.tokens_per_minute),
        Patience(teacher.name, plan.concurrency, teacher.is_live),
        plan.caps,
        price,
        spent_by(store, producer),
        stop.is_set,
        store_judgements,
    )


@contextmanager
def running(calls: Calls, teacher: Teacher) -> Iterator[EventLoop]:
    """Yield the loop in which calls run; left early, by an interrupt or an error, it waits for those under way."""
    with _event_loop() as runner:
        try:
            yield runner
        except BaseException:
            calls.end()
            while not (calls.is_idle or sys.is_finalizing()):  # what was asked for is paid for
                runner.run(calls.step())
            raise
        finally:
            if not sys.is_finalizing():
                runner.run(_close(calls, teacher))


@contextmanager
def _event_loop() -> Iterator[EventLoop]:
    """Yield a loop, and close it unless the program is ending: closing one that a caller forgot would wait for ever."""
    runner = EventLoop()
    try:
        yield runner
    finally:
        if not sys.is_finalizing():
            runner.close()


def _price(store: Store, teacher: Teacher, caps: Caps) -> Price | None:
    """Find the teacher's price. TeacherStopError where a cap in dollars needs one that nobody knows."""
    price = price_of(store, teacher.model)
    if caps.cost is not None and price is None:
        raise TeacherStopError(
            f"A cap in dollars needs a price, and none is known for {teacher.model}.", "Give one, or cap the calls."
        )
    return price


async def _close(calls: Calls, teacher: Teacher) -> None:
    await calls.close()
    await teacher.close()


class _Run:
    """Feeds the calls with what is missing, sweep after sweep through the origins, until a sweep finds nothing."""

    def __init__(self, missing: Tasks, calls: Calls, scoring: Scoring) -> None:
        self._missing, self._calls, self._scoring = missing, calls, scoring
        self._place = self._last = self._scored = 0
        self._has_found = False
        self._begin_sweep()
        self.is_over = self.is_waiting = False
        self.progress = Progress("reflections", total=missing.total(), spent=self._spent)

    async def move(self) -> Progress:
        """Look for more to do, wait for news of the calls, and count what came to an end."""
        await self._feed()
        ended = await self._calls.step()
        self._scoring.rounds()  # raises what went wrong beside the calls
        if any(each.is_accepted for each in ended):
            self._scoring.notify()
        if self._calls.is_ending:
            self.is_over = self._calls.is_idle
        elif self._place == len(self._missing.order):
            self._end_sweep()
        failed = sum(not each.is_accepted for each in ended)
        message = "The student scores what has come" if self.is_waiting else self._calls.message
        self.progress = self.progress.moved(len(ended), failed=failed, message=message, spent=self._spent)
        total = self.progress.done if self.is_over and not self._calls.is_ending else self.progress.total or 0
        self.progress = replace(self.progress, total=max(self.progress.done, total))
        return self.progress

    @property
    def _spent(self) -> float | None:
        return self._calls.spent.cost if self._calls.price else None

    async def _feed(self) -> None:
        """Read tasks until there are enough, or this sweep is at its end; calls go on meanwhile."""
        order = self._missing.order
        while self._place < len(order) and (wanted := self._calls.wanted):
            busy = self._calls.busy  # before the read too: what ends during it may still be missing in what was read
            tasks, self._last = await asyncio.to_thread(self._missing.chunk, order[self._place], self._last, wanted)
            if not tasks:
                self._place, self._last = self._place + 1, 0
                continue
            busy |= self._calls.busy
            fresh = [task for task in tasks if self._needs(task).isdisjoint(busy)]
            self._has_found |= bool(fresh)
            await self._calls.take(fresh)

    def _needs(self, task: ReflectionTask) -> set[tuple[str, str]]:
        """What must not be under way: the task itself, and in sequential mode what decides whether it is one."""
        before = {(task.sample_id, str(Origin.INSTRUCTION))} if self._missing.settled else set()
        return {task.key} | before

    def _begin_sweep(self) -> None:
        self._place, self._last = 0, 0
        self._has_found = self.is_waiting = False
        self._scored = self._scoring.rounds()

    def _end_sweep(self) -> None:
        """Begin another sweep where it may find something; else wait for calls or scores, or end the run."""
        is_busy = self._scoring.is_busy  # asked first: what is scored from now on is news
        has_news = self._scoring.rounds() != self._scored
        if has_news or (self._has_found and self._calls.is_idle):
            self._begin_sweep()
        elif self._calls.is_idle and self._calls.has_set_aside:
            self._calls.give_up()
        elif self._calls.is_idle:
            self.is_waiting, self.is_over = is_busy, not is_busy
