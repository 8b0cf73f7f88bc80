"""Calls to a teacher, many at once in one event loop; every reply is stored before it is parsed.

    tasks ─▶ queued ──pace, caps──▶ under way ──▶ arrived ──▶ stored raw ──▶ parsed ──▶ judgement stored ──▶ ended
               ▲                                                  │                          │
               └──────── for another try after a wait ────────────┴────── with a correction ─┘

What has arrived is stored at once, in a thread, while other calls go on, and only a few replies ever wait for that: a
killed process loses at most the calls under way. What was stored but not judged when the process died is found by the
next run (`look_up`). Judgements are committed less often and many at once (judging).

A request that has used up its tries is set aside until some other request is answered, and only then counts as failed.
Where no request is answered, the teacher is to blame: the run ends, and no sample has failed.
"""

import asyncio
import math
import time
from collections import deque
from collections.abc import Callable, Coroutine, Iterator, Sequence
from dataclasses import replace
from typing import Any

from srt_core.errors import TeacherStopError
from srt_core.project.store import Store
from srt_core.reflect.asking import Asks, FormatChoice, look_up, prompt_characters
from srt_core.reflect.call_queue import CallQueue, PendingCall
from srt_core.reflect.judging import PendingJudgements, StoreJudgements
from srt_core.reflect.keeping import (
    Judgement,
    ReflectionTask,
    StoredCall,
    call_numbers,
    parse_call,
    store_calls,
    store_judgements,
)
from srt_core.reflect.learning import keep_changes
from srt_core.reflect.missing import CHUNK_TASKS
from srt_core.reflect.patience import Patience, back_off
from srt_core.reflect.prices import Price
from srt_core.reflect.prompts import ReplyFormat
from srt_core.reflect.spending import CHARACTERS_A_TOKEN, Caps, Spent, over_cap
from srt_core.reflect.teacher import Answer, CallOutcome, Pace, Teacher

TICK_SECONDS = 0.5
COMMIT_SECONDS = 0.04
"""Replies that arrive within this time are stored in one commit."""
NUMBERS_AT_ONCE = 256
FIRST_TASKS = 4


class Calls:
    """The calls of one run. `take` queues tasks; `step` lets calls go on for a moment and returns what has ended."""

    def __init__(
        self,
        store: Store,
        teacher: Teacher,
        asker: Asks,
        producer: str,
        form: FormatChoice,
        pace: Pace,
        patience: Patience,
        caps: Caps,
        price: Price | None,
        spent: Spent,
        is_stopped: Callable[[], bool],
        store_judgements: StoreJudgements = store_judgements,
    ) -> None:
        self.spent, self.price = spent, price
        self.failure: TeacherStopError | None = None
        self._store, self._teacher, self._asker, self._producer = store, teacher, asker, producer
        self._form, self._pace, self._patience, self._caps = form, pace, patience, caps
        self._is_stopped, self._has_ended = is_stopped, False
        self._is_taken = not teacher.is_live
        """Whether the teacher took a request as it is put, whatever it answered; else the next may be refused too."""
        self._changes = teacher.changes
        self._queue = CallQueue()
        self._set_aside: list[tuple[PendingCall, StoredCall]] = []
        self._arrived: list[tuple[PendingCall, Answer]] = []
        """Answers that are not stored yet."""
        self._judgements = PendingJudgements(store, producer, store_judgements)
        self._ended: list[Judgement] = []
        self._under_way: set[asyncio.Task[None]] = set()
        self._storing: asyncio.Task[None] | None = None
        self._judging: asyncio.Task[None] | None = None
        self._error: BaseException | None = None
        self._changed = asyncio.Event()
        self._numbers: Iterator[int] = call_numbers(store, NUMBERS_AT_ONCE)

    @property
    def wanted(self) -> int:
        """How many more tasks to take now: a few until the form of reply is settled, then a chunk when few are left."""
        if self.is_ending:
            return 0
        if not self._form.is_settled:  # all but the first few would have to be written again in another form
            return max(FIRST_TASKS - self._queue.ready, 0)
        return CHUNK_TASKS if self._queue.ready < 8 * self._pace.concurrency else 0

    @property
    def busy(self) -> set[tuple[str, str]]:
        """The tasks that have not ended, by sample and origin."""
        return {task.key for tasks in (self._queue.tasks, self._judgements.tasks) for task in tasks}

    @property
    def is_ending(self) -> bool:
        """Whether no further call is to be made."""
        return self._has_ended or self.failure is not None or self._is_stopped()

    @property
    def is_idle(self) -> bool:
        """Whether nothing is under way, and nothing waits that could still be asked."""
        is_working = self._under_way or self._arrived or self._storing or self._judgements or self._judging
        return not (is_working or self._ended) and (self.is_ending or self._queue.is_empty)

    @property
    def has_set_aside(self) -> bool:
        """Whether requests that have used up their tries wait for the verdict on the teacher."""
        return bool(self._set_aside)

    @property
    def message(self) -> str:
        """What slows the calls down, as a sentence for the screen; "" where nothing does."""
        seconds = self._pace.wait(time.monotonic())
        if math.isfinite(seconds) and seconds > 1:
            return f"Waiting {seconds:.0f} s, as the teacher or a limit asks"
        if self._pace.limit < self._pace.concurrency:
            return f"{self._pace.limit} calls at once, as the teacher asks for fewer"
        return ""

    async def take(self, tasks: Sequence[ReflectionTask], *, first: bool = False) -> None:
        """Queue tasks, `first` before all others. Where a reply is stored already it is parsed instead of asked for."""
        if not tasks:
            return
        forms = self._form.readable
        with self._queue.lookup() as answered:
            found = await asyncio.to_thread(self._look_up, tasks, forms)
        if self._form.current is not forms[0]:  # an answer has changed it during the look-up
            await self.take(tasks, first=first)
            return
        missed: list[ReflectionTask] = []
        for call, known in reversed(found) if first else found:  # appending on the left turns the order round again
            if known:
                self._judgements.add([known])
            elif call.hash in answered:
                missed += call.tasks
            else:
                self._queue.add(call, first=first)
        if missed:  # their replies were stored during the look-up; a second one finds them
            await self.take(missed, first=first)

    def _look_up(
        self, tasks: Sequence[ReflectionTask], forms: Sequence[ReplyFormat]
    ) -> list[tuple[PendingCall, Judgement | None]]:
        found = look_up(self._store, self._asker, forms, tasks)
        return [
            (PendingCall(request, forms[0], [task], prompt_characters(request) / CHARACTERS_A_TOKEN),
             parse_call(task, stored) if stored else None)
            for task, (request, stored) in zip(tasks, found, strict=True)
        ]  # fmt: skip

    async def step(self) -> list[Judgement]:
        """Let calls start and end for at most TICK_SECONDS, and return the judgements that are final.

        Returns early once there are some, or when more tasks are needed to keep the teacher busy. Raises what a worker
        task raised, such as an error of a full disk.
        """
        until = time.monotonic() + TICK_SECONDS
        while not self.is_idle and not self._ended and time.monotonic() < until:
            self._start_calls()
            self._start_storing()
            self._start_judging()
            await self._wait(until)
            if self._error is not None:
                error, self._error = self._error, None
                raise error
            if self.wanted and self._queue.ready < self._pace.concurrency:
                break
        # asyncio.Runner delivers Ctrl-C by cancelling this task, which takes effect at an await only; a step that has
        # nothing to wait for would otherwise never be interrupted.
        await asyncio.sleep(0)
        ended, self._ended = self._ended, []
        return ended

    async def move(self, tasks: deque[ReflectionTask]) -> list[Judgement]:
        """Take as many tasks of a list as can be put to use, and let the calls go on for a moment."""
        while tasks and (wanted := self.wanted):
            await self.take([tasks.popleft() for _ in range(min(wanted, len(tasks)))])
        if self.is_idle and self.has_set_aside:
            self.give_up()
        return await self.step()

    def end(self) -> None:
        """Make no further call; those under way are waited for by further steps."""
        self._has_ended = True

    async def close(self) -> None:
        """Cancel the calls under way and wait for the commits that have begun."""
        workers = [worker for worker in (self._storing, self._judging) if worker]
        for call in self._under_way:
            call.cancel()
        await asyncio.gather(*self._under_way, *workers, return_exceptions=True)

    async def _wait(self, until: float) -> None:
        """Wait until a worker reports a change or something is due, at most until `until`."""
        now = time.monotonic()
        seconds = until - now
        if self._judgements and not self._judging:
            seconds = min(seconds, self._judgements.wait(now))
        if not self.is_ending and not self._awaits_commit():
            seconds = min(seconds, max(self._queue.wait(now), self._pace.wait(now)))
        try:
            async with asyncio.timeout(max(seconds, 0.001)):
                await self._changed.wait()
        except TimeoutError:
            return
        finally:
            self._changed.clear()

    # ---- calls

    def _start_calls(self) -> None:
        """Start calls while pace and caps allow, and while few answers wait to be stored."""
        while not self.is_ending and not self._is_held_up():
            call = self._queue.next(now := time.monotonic())
            if call is None:
                return
            # An answer that is not stored is not in `spent` yet, so for the caps its call still counts as under way.
            under_way = self._pace.in_flight + len(self._arrived)
            if message := over_cap(self._caps, self.spent, under_way, self._probable_cost(call)):
                self._queue.put_back(call)
                if not under_way:  # else what is under way may turn out cheaper than expected
                    self.failure = TeacherStopError(message, "Raise the cap to go on; all that came is kept.")
                return
            self._patience.requests += not call.tries
            call.tries += 1
            call.began = now
            call.tokens = call.prompt_tokens + self.spent.reply_tokens
            self._pace.start(now, call.tokens)
            self._under_way.add(self._spawn(self._make(call)))

    def _probable_cost(self, call: PendingCall) -> float | None:
        prompt_tokens = self.spent.prompt_tokens_or(call.prompt_tokens)
        return self.price.cost(prompt_tokens, self.spent.reply_tokens) if self.price else None

    def _is_held_up(self) -> bool:
        return self._pace.wait(time.monotonic()) > 0 or self._awaits_commit()

    def _awaits_commit(self) -> bool:
        """Whether the next call has to wait until answers are stored.

        There are too many of them (a crash would lose them), one may end the run, or one shows how requests are taken.
        """
        if len(self._arrived) > self._pace.limit or any(answer.outcome.stops for _, answer in self._arrived):
            return True
        is_clear = self._form.is_settled and self._is_taken
        return not is_clear and self._pace.in_flight + len(self._arrived) > 0

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        task.add_done_callback(self._note_end)
        return task

    def _note_end(self, task: asyncio.Task[None]) -> None:
        """Keep what a worker raised, such as an error of a full disk, for `step` to raise: it ends the run."""
        self._under_way.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._error = error
            self._changed.set()

    async def _make(self, call: PendingCall) -> None:
        """Make one call."""
        answer = await self._teacher.ask(call.request.ask)
        is_news = self._pace.end(time.monotonic(), call.tokens, answer, call.began)
        self._patience.note(answer, is_news=is_news)
        self._arrived.append((call, answer))
        self._start_storing()
        if answer.is_reply:  # what a failure means for the calls to come is decided when it is stored
            self._start_calls()

    # ---- answers

    def _start_storing(self) -> None:
        if self._arrived and self._storing is None:
            self._storing = self._spawn(self._store_arrived())

    async def _store_arrived(self) -> None:
        """Store what has arrived, repeatedly until nothing is left."""
        try:
            while self._arrived:
                started = time.monotonic()
                await self._commit()
                self._start_calls()
                if self._under_way:  # let further answers join the next commit
                    await asyncio.sleep(max(started + COMMIT_SECONDS - time.monotonic(), 0))
        finally:
            self._storing = None
            self._changed.set()

    async def _commit(self) -> None:
        arrived = list(self._arrived)  # more may arrive while the thread writes; they are left for the next commit
        calls = [(call.hash, call.request.ask.stage, answer) for call, answer in arrived]
        stored = await asyncio.to_thread(
            store_calls, self._store, self._producer, self.price, calls, numbers=self._numbers
        )
        del self._arrived[: len(arrived)]
        before = self._form.current
        for call, answer in arrived:
            self.spent.add(answer, self.price)
            self._form.learn(call.form, answer)
            self._is_taken |= answer.outcome not in (CallOutcome.SETTING_REFUSED, CallOutcome.FORMAT_REFUSED)
        self._keep_changes(arrived)
        again = [call for (call, _), each in zip(arrived, stored, strict=True) if self._settle(call, each)]
        if self._form.current is not before:
            again += self._queue.withdraw(self._form.current)
        for call in again:
            self._queue.remove(call)
        await self.take([task for call in again for task in call.tasks], first=True)

    def _keep_changes(self, arrived: Sequence[tuple[PendingCall, Answer]]) -> None:
        """Keep how requests are put, once a reply shows that the teacher takes them so."""
        changes = self._teacher.changes
        if changes != self._changes and any(answer.is_reply for _, answer in arrived):
            keep_changes(self._store, self._teacher.name, changes)
            self._changes = changes

    def _settle(self, call: PendingCall, stored: StoredCall) -> bool:
        """Decide what a finished call leads to; return True if it must be sent again in another form.

        Else: its reply is parsed, it fails for its tasks, it is queued for another try, it is set aside, or the run
        ends, which is then no failure of its tasks.
        """
        answer = stored.answer
        if answer.is_reply:
            self.give_up()  # the teacher answers, so requests that were set aside have failed for themselves
            self._parse(call, stored)
            return False
        self.failure = self.failure or self._form.end_of_run(answer) or self._patience.end_of_run(answer, call.tries)
        call.tries -= answer.outcome is CallOutcome.SETTING_REFUSED  # it was refused unread, as every other was
        if answer.outcome.is_about_one:
            self._parse(call, stored)
        elif self.failure is not None:
            self._queue.remove(call)
        elif call.form is not self._form.current:
            return True
        elif not answer.asks_for_long and self._patience.grants(answer.outcome, call.tries):
            self._queue.retry_at(time.monotonic() + back_off(call.tries, answer), call)
        else:
            self._set_aside.append((call, stored))
        return False

    def _parse(self, call: PendingCall, stored: StoredCall) -> None:
        self._queue.finish(call)
        self._judgements.add(parse_call(task, stored) for task in call.tasks)

    def give_up(self) -> None:
        """Judge the requests that were set aside as failed: the teacher answers others, or there are none to ask."""
        aside, self._set_aside = self._set_aside, []
        for call, stored in aside:
            self._parse(call, stored)

    # ---- judgements

    def _start_judging(self) -> None:
        """Commit judgements, if that is due or there is nothing else to do."""
        is_due = self._judgements.wait(time.monotonic()) <= 0
        if self._judgements and self._judging is None and (is_due or not self._under_way):
            self._judging = self._spawn(self._judge())

    async def _judge(self) -> None:
        """Commit judgements; where a reply was refused and tries are left, queue a request for a corrected one."""
        try:
            committed = await self._judgements.commit(time.monotonic())
            corrections = {each.task.key: task for each in committed if (task := self._correction(each))}
            await self.take(list(corrections.values()), first=True)
            self._ended += [each for each in committed if each.task.key not in corrections]
        finally:
            self._judgements.forget()
            self._judging = None
            self._changed.set()

    def _correction(self, each: Judgement) -> ReflectionTask | None:
        """Return the task to ask for again after a refused reply, with what was wrong with it."""
        task = each.task
        if each.is_accepted or not each.answer.is_reply or not self._teacher.is_live or task.tries_left <= 1:
            return None
        refused, left = task.refused + 1, task.tries_left - 1
        return replace(task, refused=refused, tries_left=left, reason=each.reason, detail=each.detail)
