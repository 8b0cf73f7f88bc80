"""Calls to a teacher, many at once in one event loop, each kept before it is read.

    tasks ─▶ ready ──pace, caps──▶ under way ──▶ arrived ──▶ committed raw ──▶ judged ──▶ ended
               ▲                                                 │               │
               └───────── after a wait, or with a correction ◀───┴───────────────┘

What has arrived is committed at once, in a thread, while other calls go on, and only a few replies ever wait for that:
a killed process loses at most the calls under way. What was committed and not judged when it died is found by the next
run. Judgements are committed many at once, because each takes ten statements and a reply that is kept is in no hurry.

A request that failed as often as it may is put aside until another one is answered, and has failed then. Where none is
answered, the teacher is to blame: the run ends, and no sample has failed.
"""

import asyncio
import math
import time
from collections import deque
from collections.abc import Callable, Coroutine, Iterator, Sequence
from dataclasses import dataclass, replace
from heapq import heapify, heappop, heappush
from itertools import count
from typing import Any

from srt_core.errors import TeacherStopError
from srt_core.project.store import Store
from srt_core.reflect.asking import Asker, FormatChoice, look_up, prompt_characters
from srt_core.reflect.keeping import (
    Judgement,
    ReflectionTask,
    Request,
    StoredCall,
    call_numbers,
    parse_call,
    store_calls,
    store_judgements,
)
from srt_core.reflect.missing import CHUNK_TASKS
from srt_core.reflect.patience import Patience, back_off
from srt_core.reflect.prices import Price
from srt_core.reflect.prompts import ReplyFormat
from srt_core.reflect.spending import CHARACTERS_A_TOKEN, Caps, Spent, over_cap
from srt_core.reflect.teacher import Answer, Pace, Teacher

TICK_SECONDS = 0.5
COMMIT_SECONDS = 0.02
"""What arrives within this time is committed together."""
CONCLUDE_SECONDS = 0.25
NUMBERS_AT_ONCE = 256
FIRST_TASKS = 4


@dataclass(slots=True, eq=False)
class _Flight:
    """A request, from when it is ready until its reply is read, and all the tasks that the reply is for."""

    request: Request
    form: ReplyFormat
    tasks: list[ReflectionTask]
    prompt_tokens: float
    tokens: float = 0.0
    tries: int = 0
    began: float = 0.0


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
        patience: Patience,
        caps: Caps,
        price: Price | None,
        spent: Spent,
        is_stopped: Callable[[], bool],
    ) -> None:
        self.spent, self.price = spent, price
        self.failure: TeacherStopError | None = None
        self._store, self._teacher, self._asker, self._producer = store, teacher, asker, producer
        self._form, self._pace, self._patience, self._caps = form, pace, patience, caps
        self._is_stopped, self._has_ended = is_stopped, False
        self._flights: dict[str, _Flight] = {}
        """By request hash, until the reply is read: whoever needs the same reply joins its flight."""
        self._lookups: list[set[str]] = []
        """For each look-up under way, the requests whose reply came meanwhile."""
        self._ready: deque[_Flight] = deque()
        self._waiting: list[tuple[float, int, _Flight]] = []
        self._put_aside: list[tuple[_Flight, StoredCall]] = []
        self._arrived: list[tuple[_Flight, Answer]] = []
        """Until they are committed."""
        self._judged: list[Judgement] = []
        self._concluding: list[Judgement] = []
        self._concluded_at = 0.0
        self._ended: list[Judgement] = []
        self._under_way: set[asyncio.Task[None]] = set()
        self._keeper: asyncio.Task[None] | None = None
        self._concluder: asyncio.Task[None] | None = None
        self._error: BaseException | None = None
        self._news = asyncio.Event()
        self._order = count()
        self._numbers: Iterator[int] = call_numbers(store, NUMBERS_AT_ONCE)

    @property
    def wanted(self) -> int:
        """How many more tasks can be put to use soon: a few until it is known in which form to ask, then in chunks."""
        if self.is_ending:
            return 0
        if not self._form.is_settled:
            return max(FIRST_TASKS - len(self._ready), 0)
        return CHUNK_TASKS if len(self._ready) < 8 * self._pace.concurrency else 0

    @property
    def busy(self) -> set[tuple[str, str]]:
        """The tasks that it has, by sample and origin."""
        held = {task.key for flight in self._flights.values() for task in flight.tasks}
        return held | {each.task.key for each in (*self._judged, *self._concluding)}

    @property
    def is_ending(self) -> bool:
        """Whether no further call is to be made."""
        return self._has_ended or self.failure is not None or self._is_stopped()

    @property
    def is_idle(self) -> bool:
        """Whether nothing is under way, and nothing waits that could still be asked."""
        at_work = self._under_way or self._arrived or self._keeper or self._judged or self._concluder or self._ended
        return not at_work and (self.is_ending or not (self._ready or self._waiting))

    @property
    def has_put_aside(self) -> bool:
        """Whether there are requests that failed as often as they may, and that nobody has given up."""
        return bool(self._put_aside)

    @property
    def said(self) -> str:
        """What holds the calls up, for the screen; "" where nothing does."""
        seconds = self._pace.wait(time.monotonic())
        if math.isfinite(seconds) and seconds > 1:
            return f"Waiting {seconds:.0f} s, as the teacher or a limit asks"
        if self._pace.limit < self._pace.concurrency:
            return f"{self._pace.limit} calls at once, as the teacher asks for fewer"
        return ""

    async def take(self, tasks: Sequence[ReflectionTask], *, first: bool = False) -> None:
        """Take tasks, before all others where they are to be `first`; those whose reply was paid for are read."""
        landed: set[str] = set()
        self._lookups.append(landed)
        found = await asyncio.to_thread(self._look_up, tasks, self._form.readable)
        self._lookups = [each for each in self._lookups if each is not landed]
        missed = [
            task for flight, known in found if not known and flight.request.hash in landed for task in flight.tasks
        ]
        for flight, known in reversed(found) if first else found:
            if known:
                self._judged.append(known)
            elif flight.request.hash in landed:
                continue
            elif same := self._flights.get(flight.request.hash):
                same.tasks += flight.tasks
            else:
                self._flights[flight.request.hash] = flight
                (self._ready.appendleft if first else self._ready.append)(flight)
        if missed:  # their replies came while they were looked up
            await self.take(missed, first=first)

    def _look_up(
        self, tasks: Sequence[ReflectionTask], forms: Sequence[ReplyFormat]
    ) -> list[tuple[_Flight, Judgement | None]]:
        found = look_up(self._store, self._asker, forms, tasks)
        return [
            (_Flight(request, forms[0], [task], prompt_characters(request) / CHARACTERS_A_TOKEN),
             parse_call(task, kept) if kept else None)
            for task, (request, kept) in zip(tasks, found, strict=True)
        ]  # fmt: skip

    async def step(self) -> list[Judgement]:
        """Let calls start and end for a moment, and give back what came to an end."""
        until = time.monotonic() + TICK_SECONDS
        while not self.is_idle and not self._ended and time.monotonic() < until:
            self._start_all()
            self._start_keeping()
            self._start_concluding()
            await self._wait(until)
            if self._error is not None:
                error, self._error = self._error, None
                raise error
            if self.wanted and len(self._ready) < self._pace.concurrency:
                break
        await asyncio.sleep(0)  # an interrupt that came meanwhile is heard here
        ended, self._ended = self._ended, []
        return ended

    def end(self) -> None:
        """Make no further call; what is under way may land."""
        self._has_ended = True

    async def close(self) -> None:
        """Return up what is under way."""
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
        if not self.is_ending and not self._awaits_commit():
            due = 0.0 if self._ready else self._waiting[0][0] - now if self._waiting else math.inf
            seconds = min(seconds, max(due, self._pace.wait(now)))
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
            under_way = self._pace.in_flight + len(self._arrived)
            guess = self._probable_cost(flight)
            if said := over_cap(self._caps, self.spent, under_way, guess):
                self._put_back(flight)
                if not under_way:
                    self.failure = TeacherStopError(said, "Raise the cap to go on; all that came is kept.")
                return
            self._patience.requests += not flight.tries
            flight.tries += 1
            flight.began = now
            flight.tokens = flight.prompt_tokens + self.spent.reply_tokens
            self._pace.start(now, flight.tokens)
            self._under_way.add(self._spawn(self._fly(flight)))

    def _probable_cost(self, flight: _Flight) -> float | None:
        prompt_tokens = self.spent.prompt_tokens_or(flight.prompt_tokens)
        return self.price.cost(prompt_tokens, self.spent.reply_tokens) if self.price else None

    def _is_held_up(self) -> bool:
        return self._pace.wait(time.monotonic()) > 0 or self._awaits_commit()

    def _awaits_commit(self) -> bool:
        """Whether what comes next waits for answers: too many, one that may end the run, or that settles the form."""
        if len(self._arrived) > self._pace.limit or any(answer.outcome.stops for _, answer in self._arrived):
            return True
        return not self._form.is_settled and self._pace.in_flight + len(self._arrived) > 0

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

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        task.add_done_callback(self._note_end)
        return task

    def _note_end(self, task: asyncio.Task[None]) -> None:
        """Wake the run at what went wrong in a worker, such as a full disk: it ends the run."""
        self._under_way.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._error = error
            self._news.set()

    async def _fly(self, flight: _Flight) -> None:
        answer = await self._teacher.ask(flight.request.ask)
        is_news = self._pace.end(time.monotonic(), flight.tokens, answer, flight.began)
        self._patience.note(answer, is_news=is_news)
        self._arrived.append((flight, answer))
        self._start_keeping()
        if answer.is_reply:  # after a failure it is first looked at what that means
            self._start_all()

    def _start_keeping(self) -> None:
        if self._arrived and self._keeper is None:
            self._keeper = self._spawn(self._keep())

    async def _keep(self) -> None:
        """Commit what has arrived, again and again until nothing has; only then is it looked at."""
        try:
            while self._arrived:
                started = time.monotonic()
                await self._commit()
                self._start_all()
                if self._under_way:
                    await asyncio.sleep(max(started + COMMIT_SECONDS - time.monotonic(), 0))
        finally:
            self._keeper = None
            self._news.set()

    async def _commit(self) -> None:
        arrived = list(self._arrived)
        calls = [(flight.request.hash, flight.request.ask.stage, answer) for flight, answer in arrived]
        kept = await asyncio.to_thread(
            store_calls, self._store, self._producer, self.price, calls, numbers=self._numbers
        )
        del self._arrived[: len(arrived)]
        before = self._form.current
        for flight, answer in arrived:
            self.spent.add(answer, self.price)
            self._form.learn(flight.form, answer)
        anew = [flight for (flight, _), each in zip(arrived, kept, strict=True) if self._settle(flight, each)]
        if self._form.current is not before:
            stale = [flight for *_, flight in self._waiting if flight.form is not self._form.current]
            self._waiting = [each for each in self._waiting if each[2] not in stale]
            heapify(self._waiting)
            anew += [*stale, *self._ready]
            self._ready.clear()
        for flight in anew:
            del self._flights[flight.request.hash]
        await self.take([task for flight in anew for task in flight.tasks], first=True)

    def _settle(self, flight: _Flight, kept: StoredCall) -> bool:
        """Say what a call came to: a judgement, another try, nothing yet, the end of the run; True: ask anew."""
        answer = kept.answer
        if answer.is_reply:
            self.give_up()
            self._read(flight, kept)
            return False
        self.failure = self.failure or self._patience.end_of_run(answer, flight.tries)
        if answer.outcome.is_about_one:
            self._read(flight, kept)
        elif self.failure is not None:
            del self._flights[flight.request.hash]  # it is no failure of this sample
        elif flight.form is not self._form.current:
            return True
        elif not answer.asks_for_long and self._patience.grants(answer.outcome, flight.tries):
            due = time.monotonic() + back_off(flight.tries, answer)
            heappush(self._waiting, (due, next(self._order), flight))
        else:
            self._put_aside.append((flight, kept))
        return False

    def _read(self, flight: _Flight, kept: StoredCall) -> None:
        del self._flights[flight.request.hash]
        for landed in self._lookups:
            landed.add(flight.request.hash)
        self._judged += [parse_call(task, kept) for task in flight.tasks]

    def give_up(self) -> None:
        """Judge what was put aside: the teacher answers others, or there are none to ask."""
        aside, self._put_aside = self._put_aside, []
        for flight, kept in aside:
            self._read(flight, kept)

    def _start_concluding(self) -> None:
        """Commit what replies came to, if that is due, or if there is nothing else to do."""
        is_due = time.monotonic() >= self._concluded_at + CONCLUDE_SECONDS
        if self._judged and self._concluder is None and (is_due or not self._under_way):
            self._concluder = self._spawn(self._conclude())

    async def _conclude(self) -> None:
        """Commit judgements; a refused reply is asked for again where tries are left."""
        self._concluded_at = time.monotonic()
        self._concluding, self._judged = self._judged, []
        try:
            await asyncio.to_thread(store_judgements, self._store, self._producer, self._concluding)
            again = {each.task.key: task for each in self._concluding if (task := self._correction(each))}
            await self.take(list(again.values()), first=True)
            self._ended += [each for each in self._concluding if each.task.key not in again]
        finally:
            self._concluding = []
            self._concluder = None
            self._news.set()

    def _correction(self, each: Judgement) -> ReflectionTask | None:
        """Return the task to ask for again after a refused reply, with what was wrong with it."""
        task = each.task
        if each.is_accepted or not each.answer.is_reply or not self._teacher.is_live or task.tries_left <= 1:
            return None
        refused, left = task.refused + 1, task.tries_left - 1
        return replace(task, refused=refused, tries_left=left, reason=each.reason, detail=each.detail)
