"""Calls to a teacher, many at once in one event loop, each kept before it is read.

    tasks ─▶ ready ──pace, caps──▶ under way ──▶ arrived ──▶ committed raw ──▶ read and judged ──▶ ended
               ▲                                                 │                  │
               └───────── after a wait, or with a correction ◀───┴──────────────────┘

What has arrived is committed at once, in a thread, while other calls go on, and only a few replies ever wait for that:
a killed process loses at most the calls under way. What was committed and not judged when it died is found by the next
run. Judgements are committed many at once, because each takes ten statements and a reply that is kept is in no hurry.
"""

import asyncio
import math
import random
import time
from collections import deque
from collections.abc import Callable, Coroutine, Iterator, Sequence
from dataclasses import dataclass, replace
from heapq import heappop, heappush
from itertools import count
from typing import Any

from srt_core.errors import TeacherStopError
from srt_core.pipeline.asking import Asker, FormatChoice, prompt_characters
from srt_core.pipeline.keeping import (
    Judgement,
    Kept,
    Request,
    Task,
    call_numbers,
    find_replies,
    judge,
    keep_calls,
    read,
)
from srt_core.pipeline.spending import CHARACTERS_A_TOKEN, Caps, Spent
from srt_core.prices import Price
from srt_core.store import Store
from srt_core.teacher import Answer, Outcome, Pace, Teacher

MOST_TRIES = 4
"""Calls for one request, where what failed may pass."""
FREE_RETRIES = 3
RETRY_SHARE = 0.42
"""Further calls for requests whose first call failed: so many for each request, over the whole run."""
LONGEST_WAIT_SECONDS = 120.0
"""A server that asks to be left alone for longer pauses the run."""
FAILURES_IN_A_ROW = 20
TICK_SECONDS = 0.5
COMMIT_SECONDS = 0.02
"""What arrives within this time is committed together."""
CONCLUDE_SECONDS = 0.25
NUMBERS_AT_ONCE = 256


@dataclass(slots=True, eq=False)
class _Flight:
    """A request, from when it is ready until its reply is read, and all the tasks that the reply is for."""

    request: Request
    tasks: list[Task]
    tries: int = 0
    tokens: float = 0.0


class Calls:
    """The calls of one run. `take` gives it tasks, `step` moves it on and gives back what has come to an end."""

    def __init__(
        self,
        store: Store,
        teacher: Teacher,
        asker: Asker,
        producer: str,
        form: FormatChoice,
        pace: Pace,
        caps: Caps,
        price: Price | None,
        spent: Spent,
        is_stopped: Callable[[], bool],
    ) -> None:
        self.spent, self.price = spent, price
        self.failure: TeacherStopError | None = None
        self._store, self._teacher, self._asker, self._producer = store, teacher, asker, producer
        self._form, self._pace, self._caps, self._is_stopped = form, pace, caps, is_stopped
        self._flights: dict[str, _Flight] = {}
        """By request hash, until the reply is read: whoever needs the same reply joins its flight."""
        self._ready: deque[_Flight] = deque()
        self._waiting: list[tuple[float, int, _Flight]] = []
        self._arrived: list[tuple[_Flight, Answer]] = []
        self._committing = 0
        self._judged: list[Judgement] = []
        self._concluding: list[Judgement] = []
        self._concluded_at = 0.0
        self._ended: list[Judgement] = []
        self._under_way: set[asyncio.Task[None]] = set()
        self._keeper: asyncio.Task[None] | None = None
        self._concluder: asyncio.Task[None] | None = None
        self._news = asyncio.Event()
        self._order = count()
        self._numbers: Iterator[int] = call_numbers(store, NUMBERS_AT_ONCE)
        self._requests = self._retries = self._failed_in_a_row = 0
        self._has_answered = False

    @property
    def wants_tasks(self) -> bool:
        """Whether more tasks can be put to use soon."""
        return not self.is_ending and len(self._ready) < 2 * self._pace.concurrency

    @property
    def busy(self) -> set[tuple[str, str]]:
        """The tasks that it has, by sample and origin."""
        held = {task.key for flight in self._flights.values() for task in flight.tasks}
        return held | {each.task.key for each in (*self._judged, *self._concluding)}

    @property
    def is_ending(self) -> bool:
        """Whether no further call is to be made."""
        return self.failure is not None or self._is_stopped()

    @property
    def is_idle(self) -> bool:
        """Whether nothing is under way, and nothing waits that could still be asked."""
        at_work = self._under_way or self._arrived or self._keeper or self._judged or self._concluder or self._ended
        return not at_work and (self.is_ending or not self._flights)

    @property
    def said(self) -> str:
        """What holds the calls up, for the screen; "" where nothing does."""
        seconds = self._pace.wait(time.monotonic())
        if math.isfinite(seconds) and seconds > 1:
            return f"Waiting {seconds:.0f} s, as the teacher or a limit asks"
        if self._pace.limit < self._pace.concurrency:
            return f"{self._pace.limit} calls at once, as the teacher asks for fewer"
        return ""

    async def take(self, tasks: Sequence[Task], *, first: bool = False) -> None:
        """Take tasks, before all others where they are to be `first`; those whose reply was paid for are read."""
        for task, request, known in await asyncio.to_thread(self._look_up, tasks):
            if known:
                self._judged.append(known)
            elif same := self._flights.get(request.hash):
                same.tasks.append(task)
            else:
                flight = self._flights[request.hash] = _Flight(request, [task])
                if first:
                    self._ready.appendleft(flight)
                else:
                    self._ready.append(flight)

    def _look_up(self, tasks: Sequence[Task]) -> list[tuple[Task, Request, Judgement | None]]:
        """Write the requests of tasks, and read the replies that there are to them."""
        requests = [self._asker.request(task, self._form.current) for task in tasks]
        known = find_replies(self._store, [request.hash for request in requests])
        return [
            (task, request, read(task, known[request.hash]) if request.hash in known else None)
            for task, request in zip(tasks, requests, strict=True)
        ]

    async def step(self) -> list[Judgement]:
        """Let calls start and end for a moment, and give back what came to an end."""
        until = time.monotonic() + TICK_SECONDS
        while not self.is_idle and not self._ended and time.monotonic() < until:
            self._start_all()
            self._start_concluding()
            await self._wait(until)
            for worker in (self._keeper, self._concluder):
                if worker and worker.done():
                    worker.result()  # what went wrong there, such as a full disk, ends the run
            if self.wants_tasks and not self._ready:
                break
        ended, self._ended = self._ended, []
        return ended

    async def close(self) -> None:
        """Give up what is under way."""
        workers = [worker for worker in (self._keeper, self._concluder) if worker]
        for call in self._under_way:
            call.cancel()
        await asyncio.gather(*self._under_way, *workers, return_exceptions=True)

    async def _wait(self, until: float) -> None:
        """Wait for news of the workers, or until something is due."""
        now = time.monotonic()
        seconds = until - now
        if self._judged and not self._concluder:
            seconds = min(seconds, self._concluded_at + CONCLUDE_SECONDS - now)
        if self._waiting and not self.is_ending:
            seconds = min(seconds, self._waiting[0][0] - now)
        if self._ready and math.isfinite(gate := self._pace.wait(now)):
            seconds = min(seconds, max(gate, 0.001))
        try:
            async with asyncio.timeout(max(seconds, 0.001)):
                await self._news.wait()
        except TimeoutError:
            return
        finally:
            self._news.clear()

    def _start_all(self) -> None:
        """Start calls while pace and caps allow, and while few replies wait to be committed."""
        while not self.is_ending and not self._is_held_up():
            flight = self._next(now := time.monotonic())
            if flight is None:
                return
            characters = prompt_characters(flight.request)
            under_way = self._pace.in_flight + len(self._arrived) + self._committing
            if said := self.spent.over_cap(self._caps, self.price, under_way, characters / CHARACTERS_A_TOKEN):
                self._put_back(flight)
                if not under_way:
                    self.failure = TeacherStopError(said, "Raise the cap to go on; all that came is kept.")
                return
            self._requests += not flight.tries
            flight.tries += 1
            flight.tokens = characters / CHARACTERS_A_TOKEN + self.spent.reply_tokens
            self._pace.start(now, flight.tokens)
            self._under_way.add(self._spawn(self._fly(flight), self._under_way.discard))

    def _is_held_up(self) -> bool:
        uncommitted = len(self._arrived) + self._committing
        limit = self._pace.limit
        return (
            self._pace.wait(time.monotonic()) > 0
            or uncommitted > limit
            or (not self._form.is_settled and self._pace.in_flight + uncommitted > 0)
        )

    def _next(self, now: float) -> _Flight | None:
        """Take one that waited long enough, else one that is ready."""
        if self._waiting and self._waiting[0][0] <= now:
            return heappop(self._waiting)[2]
        return self._ready.popleft() if self._ready else None

    def _put_back(self, flight: _Flight) -> None:
        if flight.tries:
            heappush(self._waiting, (0.0, next(self._order), flight))
        else:
            self._ready.appendleft(flight)

    def _spawn(
        self, work: Coroutine[Any, Any, None], done: Callable[[asyncio.Task[None]], None] | None = None
    ) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        if done:
            task.add_done_callback(done)
        return task

    async def _fly(self, flight: _Flight) -> None:
        answer = await self._teacher.ask(flight.request.ask)
        self._pace.end(time.monotonic(), flight.tokens, answer)
        self._arrived.append((flight, answer))
        if self._keeper is None:
            self._keeper = self._spawn(self._keep())
        self._start_all()

    async def _keep(self) -> None:
        """Commit what has arrived, again and again until nothing has; only then is it looked at."""
        while self._arrived:
            started = time.monotonic()
            arrived, self._arrived = self._arrived, []
            self._committing = len(arrived)
            calls = [(flight.request.hash, flight.request.ask.stage, answer) for flight, answer in arrived]
            kept = await asyncio.to_thread(
                keep_calls, self._store, self._producer, self.price, calls, numbers=self._numbers
            )
            self._committing = 0
            for (flight, answer), each in zip(arrived, kept, strict=True):
                self.spent.count(answer, self.price)
                self._settle(flight, each)
            await self._learn([answer for _, answer in arrived])
            self._start_all()
            if self._under_way:
                await asyncio.sleep(max(started + COMMIT_SECONDS - time.monotonic(), 0))
        self._keeper = None
        if not self._under_way or self.failure:
            self._news.set()

    async def _learn(self, answers: Sequence[Answer]) -> None:
        """Let the first calls settle the form of reply; what is ready is then asked for in that form."""
        before = self._form.current
        for answer in answers:
            self._form.learn(answer)
        if self._form.current is before:
            return
        tasks = [task for flight in self._ready for task in flight.tasks]
        for flight in self._ready:
            del self._flights[flight.request.hash]
        self._ready.clear()
        await self.take(tasks)

    def _settle(self, flight: _Flight, kept: Kept) -> None:
        """Say what becomes of a call that is kept: to be read, another try, or the end of the run."""
        answer = kept.answer
        if answer.is_reply:
            self._has_answered, self._failed_in_a_row = True, 0
        else:
            self._failed_in_a_row += not answer.outcome.is_about_one
            self._look_for_end(answer, flight.tries)
            if answer.outcome is Outcome.FORMAT_REFUSED and not self._form.is_settled:
                self._ready.appendleft(flight)  # asked again once the form is settled
                return
            if answer.outcome.passes and not self.failure and self._may_try_again(flight):
                due = time.monotonic() + _back_off(flight.tries, answer)
                heappush(self._waiting, (due, next(self._order), flight))
                return
        del self._flights[flight.request.hash]
        if self.failure is None or not (answer.outcome.stops or answer.outcome.passes):
            # What ends the run, or failed while it ended, is no failure of its samples.
            self._judged += [read(task, kept) for task in flight.tasks]

    def _look_for_end(self, answer: Answer, tries: int) -> None:
        """End the run where every further call would come to the same."""
        if self.failure is not None:
            return
        may_come_back = answer.outcome is Outcome.UNREACHABLE and self._has_answered and tries < MOST_TRIES
        if answer.outcome.stops and not may_come_back:
            self.failure = TeacherStopError(answer.detail, answer.hint)
        elif (answer.retry_after_seconds or 0.0) > LONGEST_WAIT_SECONDS:
            minutes = (answer.retry_after_seconds or 0.0) / 60
            self.failure = TeacherStopError(
                f"The teacher {self._teacher.name} asks to be left alone for {minutes:,.0f} minutes.",
                "Go on after that; all that came is kept.",
            )
        elif self._teacher.is_live and self._failed_in_a_row >= max(FAILURES_IN_A_ROW, 2 * self._pace.concurrency):
            self.failure = TeacherStopError(
                f"The last {self._failed_in_a_row} calls all failed. {answer.detail}",
                "See to the teacher, then go on; all that came is kept.",
            )

    def _may_try_again(self, flight: _Flight) -> bool:
        """Whether a request gets another try: not too often itself, and no more than a share of all requests."""
        if flight.tries >= MOST_TRIES or self._retries >= FREE_RETRIES + RETRY_SHARE * self._requests:
            return False
        self._retries += 1
        return True

    def _start_concluding(self) -> None:
        """Commit what replies came to, if that is due, or if there is nothing else to do."""
        is_due = time.monotonic() >= self._concluded_at + CONCLUDE_SECONDS
        if self._judged and self._concluder is None and (is_due or not self._under_way):
            self._concluder = self._spawn(self._conclude())

    async def _conclude(self) -> None:
        """Commit judgements; a refused reply is asked for again where tries are left."""
        self._concluded_at = time.monotonic()
        self._concluding, self._judged = self._judged, []
        await asyncio.to_thread(judge, self._store, self._producer, self._concluding)
        concluded, self._concluding = self._concluding, []
        again = {each.task.key: task for each in concluded if (task := self._correction(each))}
        await self.take(list(again.values()), first=True)
        self._ended += [each for each in concluded if each.task.key not in again]
        self._concluder = None
        self._news.set()

    def _correction(self, each: Judgement) -> Task | None:
        """Give the task to ask for again after a refused reply, with what was wrong with it."""
        task = each.task
        if each.is_accepted or not each.answer.is_reply or not self._teacher.is_live or task.tries_left <= 1:
            return None
        refused, left = task.refused + 1, task.tries_left - 1
        return replace(task, refused=refused, tries_left=left, reason=each.reason, detail=each.detail)


def _back_off(tries: int, answer: Answer) -> float:
    """Wait longer each time, up to 8 s, by a random share so that calls do not come in step; or as the server asks."""
    seconds: float = min(0.5 * 2.0 ** (tries - 1), 8.0) * random.uniform(0.5, 1.0)
    if answer.outcome is Outcome.SETTING_REFUSED:
        return 0.0
    return max(seconds, answer.retry_after_seconds) if answer.retry_after_seconds else seconds
