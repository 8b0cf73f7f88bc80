"""Calls to a teacher, many at once in one event loop, each kept before it is read.

    ready tasks ──pace, caps──▶ calls under way ──▶ ended: committed raw ──▶ judged ──▶ done
         ▲                                                    │
         └──────── after a wait, or with a correction ◀───────┘

A slot is free again once its reply is committed: a killed process loses at most the calls under way.
"""

import asyncio
import math
import random
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from heapq import heappop, heappush
from itertools import count

from srt_core.errors import TeacherStopError
from srt_core.pipeline.asking import Asker, FormatChoice, prompt_characters
from srt_core.pipeline.keeping import Judgement, Kept, Request, Task, find_replies, judge, keep_calls, read
from srt_core.prices import Price
from srt_core.prompts import ReplyFormat
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
CHARACTERS_A_TOKEN = 4.0
FIRST_REPLY_TOKENS = 800
TICK_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Caps:
    """Where a run pauses: calls and US dollars that were spent on this producer, over all its runs. None: nowhere."""

    calls: int | None = None
    cost: float | None = None


@dataclass(slots=True)
class Spent:
    """What a producer has taken so far, over all its runs. `cost` is of the calls of which it is known."""

    calls: int = 0
    cost: float = 0.0
    replies: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    uncounted: int = 0
    """Replies whose tokens or price are not known."""

    @property
    def reply_tokens(self) -> float:
        """Tokens that a reply has on average; a guess before the first."""
        counted = self.replies - self.uncounted
        return self.completion_tokens / counted if counted > 0 and self.completion_tokens else FIRST_REPLY_TOKENS


def spent_by(store: Store, producer: str) -> Spent:
    """Add up what a producer has taken so far."""
    row = store.rows(
        """SELECT count(*) AS calls, coalesce(sum(cost), 0) AS cost, count(*) FILTER (outcome = 'answered') AS replies,
                  coalesce(sum(prompt_tokens), 0)::BIGINT AS prompt_tokens,
                  coalesce(sum(completion_tokens), 0)::BIGINT AS completion_tokens,
                  count(*) FILTER (outcome = 'answered' AND completion_tokens IS NULL) AS uncounted
           FROM teacher_call WHERE producer = ?""",
        [producer],
    )[0]
    return Spent(**row)


@dataclass(slots=True)
class _Flight:
    """A request under way or waiting for its next try, and all the tasks that its reply is for."""

    request: Request
    tasks: list[Task]
    tokens: float
    tries: int = 0


@dataclass(slots=True)
class Calls:
    """The calls of one run. `take` gives it tasks, `step` moves it on and gives back what has come to an end."""

    store: Store
    teacher: Teacher
    asker: Asker
    producer: str
    format: FormatChoice
    pace: Pace
    caps: Caps
    price: Price | None
    spent: Spent
    is_stopped: Callable[[], bool]
    failure: TeacherStopError | None = None
    _ready: deque[Task] = field(default_factory=deque)
    _flights: dict[str, _Flight] = field(default_factory=dict)
    """By request hash: under way, or waiting for their next try."""
    _waiting: list[tuple[float, int, _Flight]] = field(default_factory=list)
    _arrived: list[tuple[_Flight, Answer]] = field(default_factory=list)
    _news: asyncio.Event = field(default_factory=asyncio.Event)
    _order: "count[int]" = field(default_factory=count)
    _running: set[asyncio.Task[None]] = field(default_factory=set)
    _requests: int = 0
    _retries: int = 0
    _failed_in_a_row: int = 0
    _has_answered: bool = False

    @property
    def wants_tasks(self) -> bool:
        """Whether more tasks can be put to use soon."""
        return not self.is_ending and len(self._ready) < 2 * self.pace.concurrency

    @property
    def busy(self) -> set[tuple[str, str]]:
        """The tasks that it has, by sample and origin."""
        held = {task.key for task in self._ready}
        return held | {task.key for flight in self._flights.values() for task in flight.tasks}

    @property
    def is_idle(self) -> bool:
        """Whether nothing is under way, and nothing waits that could still be asked."""
        return not self._running and not self._arrived and (self.is_ending or not (self._ready or self._flights))

    @property
    def said(self) -> str:
        """What holds the calls up, for the screen; "" where nothing does."""
        seconds = self.pace.wait(time.monotonic())
        if math.isfinite(seconds) and seconds > 1:
            return f"Waiting {seconds:.0f} s, as the teacher or a limit asks"
        if self.pace.limit < self.pace.concurrency:
            return f"{self.pace.limit} calls at once, as the teacher asks for fewer"
        return ""

    def take(self, tasks: Iterable[Task]) -> list[Judgement]:
        """Take tasks; those whose reply was paid for already are judged at once, without a call."""
        tasks = list(tasks)
        requests = [self.asker.request(task, self.format.current) for task in tasks]
        known = find_replies(self.store, [request.hash for request in requests])
        found: list[Judgement] = []
        for task, request in zip(tasks, requests, strict=True):
            if request.hash in known:
                found.append(read(task, known[request.hash]))
            else:
                self._ready.append(task)
        return self._conclude(found)

    async def step(self) -> list[Judgement]:
        """Start what may start, wait for news, and give back what came to an end."""
        self._start_all()
        if not self._arrived and (self._running or self._waiting or self._ready):
            await self._wait()
        arrived, self._arrived = self._arrived, []
        self._news.clear()
        return self._land(arrived)

    async def close(self) -> None:
        """Give up what is under way."""
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    @property
    def is_ending(self) -> bool:
        """Whether no further call is to be made."""
        return self.failure is not None or self.is_stopped()

    async def _wait(self) -> None:
        now = time.monotonic()
        due = self._waiting[0][0] - now if self._waiting and not self.is_ending else TICK_SECONDS
        seconds = min(max(due, 0.0), TICK_SECONDS)
        if self._ready and math.isfinite(gate := self.pace.wait(now)):
            seconds = min(seconds, gate)
        try:
            async with asyncio.timeout(max(seconds, 0.001)):
                await self._news.wait()
        except TimeoutError:
            return

    def _start_all(self) -> None:
        while not self.is_ending:
            now = time.monotonic()
            if self.pace.wait(now) > 0 or (not self.format.is_settled and self.pace.in_flight):
                return
            flight = self._next(now)
            if flight is None:
                return
            if said := self._over_cap(flight):
                self._put_back(flight)
                if not self._running:
                    self.failure = TeacherStopError(said, "Raise the cap to go on; all that came is kept.")
                return
            flight.tries += 1
            self.pace.start(now, flight.tokens)
            task = asyncio.get_running_loop().create_task(self._fly(flight))
            self._running.add(task)
            task.add_done_callback(self._running.discard)

    def _next(self, now: float) -> _Flight | None:
        """Take one that waited long enough, else a new request. A request that is under way is not made twice."""
        if self._waiting and self._waiting[0][0] <= now:
            return heappop(self._waiting)[2]
        while self._ready:
            task = self._ready.popleft()
            request = self.asker.request(task, self.format.current)
            if same := self._flights.get(request.hash):
                same.tasks.append(task)
                continue
            tokens = prompt_characters(request) / CHARACTERS_A_TOKEN + self.spent.reply_tokens
            flight = self._flights[request.hash] = _Flight(request, [task], tokens)
            self._requests += 1
            return flight
        return None

    def _put_back(self, flight: _Flight) -> None:
        if flight.tries:
            heappush(self._waiting, (0.0, next(self._order), flight))
            return
        del self._flights[flight.request.hash]
        self._requests -= 1
        self._ready.extendleft(reversed(flight.tasks))

    def _over_cap(self, flight: _Flight) -> str:
        """Say which cap one more call would pass; what is under way counts as it will probably cost."""
        caps, spent = self.caps, self.spent
        if caps.calls is not None and spent.calls + self.pace.in_flight + 1 > caps.calls:
            return f"The cap of {caps.calls:,} calls is reached."
        if caps.cost is not None and self.price is not None:
            each = self._probable_cost(flight)
            if spent.cost + (self.pace.in_flight + spent.uncounted + 1) * each > caps.cost:
                return f"The cap of {caps.cost:,.2f} dollars is reached: {spent.cost:,.4f} are spent."
        return ""

    def _probable_cost(self, flight: _Flight) -> float:
        if self.price is None:
            return 0.0
        reply = self.spent.reply_tokens
        return self.price.cost(flight.tokens - reply, reply) or 0.0

    async def _fly(self, flight: _Flight) -> None:
        answer = await self.teacher.ask(flight.request.ask)
        self._arrived.append((flight, answer))
        self._news.set()

    def _land(self, arrived: Sequence[tuple[_Flight, Answer]]) -> list[Judgement]:
        """Commit what arrived, then read it. Only then is there room for other calls."""
        if not arrived:
            return []
        calls = [(flight.request.hash, flight.request.ask.stage, answer) for flight, answer in arrived]
        kept = keep_calls(self.store, self.producer, self.price, calls)
        now = time.monotonic()
        judged: list[Judgement] = []
        for (flight, answer), each in zip(arrived, kept, strict=True):
            self.pace.end(now, flight.tokens, answer)
            self._count(answer)
            self.format.learn(answer)
            judged += self._settle(flight, each, now)
        return self._conclude(judged)

    def _count(self, answer: Answer) -> None:
        spent = self.spent
        spent.calls += 1
        if answer.is_reply:
            self._has_answered = True
            self._failed_in_a_row = 0
            spent.replies += 1
            spent.prompt_tokens += answer.prompt_tokens or 0
            spent.completion_tokens += answer.completion_tokens or 0
            cost = self.price.cost(answer.prompt_tokens, answer.completion_tokens) if self.price else None
            spent.cost += cost or 0.0
            spent.uncounted += answer.completion_tokens is None
        elif not answer.outcome.is_about_one:
            self._failed_in_a_row += 1

    def _settle(self, flight: _Flight, kept: Kept, now: float) -> list[Judgement]:
        """Say what a call came to: judgements, another try, or the end of the run."""
        answer = kept.answer
        if not answer.is_reply:
            self._look_for_end(answer, flight.tries)
            if self._is_over(answer):
                del self._flights[flight.request.hash]
                return []
            if answer.outcome is Outcome.FORMAT_REFUSED and self.format.current is ReplyFormat.SECTIONS:
                del self._flights[flight.request.hash]
                self._ready.extendleft(reversed(flight.tasks))
                return []
            if answer.outcome.passes and self._may_try_again(flight):
                heappush(self._waiting, (now + _back_off(flight.tries, answer), next(self._order), flight))
                return []
        del self._flights[flight.request.hash]
        return [read(task, kept) for task in flight.tasks]

    def _is_over(self, answer: Answer) -> bool:
        """Whether what ends the run is no failure of this sample."""
        return self.failure is not None and (answer.outcome.stops or answer.outcome.passes)

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
                f"The teacher {self.teacher.name} asks to be left alone for {minutes:,.0f} minutes.",
                "Go on after that; all that came is kept.",
            )
        elif self.teacher.is_live and self._failed_in_a_row >= max(FAILURES_IN_A_ROW, 2 * self.pace.concurrency):
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

    def _conclude(self, judged: Sequence[Judgement]) -> list[Judgement]:
        """Commit judgements; a refused reply is asked for again, with what was wrong, where tries are left."""
        judge(self.store, self.producer, judged)
        final: list[Judgement] = []
        for each in judged:
            is_refused = each.answer.is_reply and not each.is_accepted
            if is_refused and self.teacher.is_live and each.task.tries_left > 1:
                again = replace(each.task, refused=each.task.refused + 1, tries_left=each.task.tries_left - 1,
                                reason=each.reason, detail=each.detail)  # fmt: skip
                self._ready.appendleft(again)
            else:
                final.append(each)
        return final


def _back_off(tries: int, answer: Answer) -> float:
    """Wait longer each time, up to 8 s, by a random share so that calls do not come in step; or as the server asks."""
    seconds: float = min(0.5 * 2.0 ** (tries - 1), 8.0) * random.uniform(0.5, 1.0)
    if answer.outcome is Outcome.SETTING_REFUSED:
        return 0.0
    return max(seconds, answer.retry_after_seconds) if answer.retry_after_seconds else seconds
