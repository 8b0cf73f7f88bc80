"""Calls to a teacher, many at once in one event loop, each kept before it is read.

    ready tasks ──pace, caps──▶ calls under way ──▶ ended: committed raw ──▶ judged ──▶ done
         ▲                                                    │
         └──────── after a wait, or with a correction ◀───────┘

A slot is free again once its reply is committed: a killed process loses at most the calls under way. A request that
failed as often as it may is put aside until another one is answered, and has failed then. Where none is answered, the
teacher is to blame: the run ends, and no sample has failed.
"""

import asyncio
import math
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from heapq import heappop, heappush
from itertools import count

from srt_core.errors import TeacherStopError
from srt_core.pipeline.asking import Asker, FormatChoice, find_paid, prompt_characters
from srt_core.pipeline.keeping import Judgement, Kept, Request, Task, judge, keep_calls, read
from srt_core.pipeline.patience import MOST_TRIES, Patience, back_off
from srt_core.pipeline.spending import FIRST_REPLY_TOKENS, Caps, Spent, over_cap, spent_by
from srt_core.prices import Price
from srt_core.prompts import ReplyFormat
from srt_core.store import Store
from srt_core.teacher import Answer, Pace, Teacher

__all__ = ["CHARACTERS_A_TOKEN", "FIRST_REPLY_TOKENS", "MOST_TRIES", "Calls", "Caps", "spent_by"]

CHARACTERS_A_TOKEN = 4.0
TICK_SECONDS = 0.5


@dataclass(slots=True)
class _Flight:
    """A request under way, waiting for its next try or put aside, and all the tasks that its reply is for."""

    request: Request
    form: ReplyFormat
    tasks: list[Task]
    prompt_tokens: float
    tokens: float
    tries: int = 0
    began: float = 0.0


@dataclass(slots=True)
class Calls:
    """The calls of one run. `take` gives it tasks, `step` moves it on and gives back what has come to an end."""

    store: Store
    teacher: Teacher
    asker: Asker
    producer: str
    format: FormatChoice
    pace: Pace
    patience: Patience
    caps: Caps
    price: Price | None
    spent: Spent
    is_stopped: Callable[[], bool]
    failure: TeacherStopError | None = None
    _ready: deque[Task] = field(default_factory=deque)
    _unasked: set[str] = field(default_factory=set)
    """Hashes of requests that were looked for in the project and not found, and not answered since."""
    _flights: dict[str, _Flight] = field(default_factory=dict)
    """By request hash."""
    _waiting: list[tuple[float, int, _Flight]] = field(default_factory=list)
    _put_aside: list[tuple[_Flight, Kept]] = field(default_factory=list)
    _found: list[Judgement] = field(default_factory=list)
    """Judged by replies that are in the project already, and not committed yet."""
    _arrived: list[tuple[_Flight, Answer]] = field(default_factory=list)
    _news: asyncio.Event = field(default_factory=asyncio.Event)
    _order: "count[int]" = field(default_factory=count)
    _running: set[asyncio.Task[None]] = field(default_factory=set)
    _error: BaseException | None = None
    _has_ended: bool = False

    @property
    def wants_tasks(self) -> bool:
        """Whether more tasks can be put to use soon."""
        return not self.is_ending and len(self._ready) < 2 * self.pace.concurrency

    @property
    def busy(self) -> set[tuple[str, str]]:
        """The tasks that it has, by sample and origin."""
        held = {task.key for task in self._ready} | {each.task.key for each in self._found}
        return held | {task.key for flight in self._flights.values() for task in flight.tasks}

    @property
    def is_idle(self) -> bool:
        """Whether nothing is under way, and nothing waits that could still be asked."""
        if self._running or self._arrived or self._found:
            return False
        return self.is_ending or not (self._ready or self._flights)

    @property
    def is_ending(self) -> bool:
        """Whether no further call is to be made."""
        return self._has_ended or self.failure is not None or self.is_stopped()

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
        known = self._look_up(tasks)
        self._ready.extend(task for task in tasks if task.key not in known)
        return self._conclude([read(task, known[task.key]) for task in tasks if task.key in known])

    async def step(self) -> list[Judgement]:
        """Start what may start, wait for news, and give back what came to an end."""
        seconds = self._start_all()
        aside = self._give_up() if self._has_only_put_aside else []
        if not (aside or self._arrived or self._found or self.is_idle):
            await self._wait(seconds)
        self._news.clear()
        judged = aside + self._land() + self._found
        self._found = []
        ended = self._conclude(judged)
        if self._error is not None:
            error, self._error = self._error, None
            raise error
        await asyncio.sleep(0)  # an interrupt that came meanwhile is heard here
        return ended

    def end(self) -> None:
        """Make no further call; what is under way may land."""
        self._has_ended = True

    async def close(self) -> None:
        """Give up what is under way."""
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    def _look_up(self, tasks: Sequence[Task]) -> dict[tuple[str, str], Kept]:
        known, unknown = find_paid(self.store, self.asker, self.format, tasks)
        self._unasked |= unknown
        return known

    async def _wait(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(min(max(seconds, 0.001), TICK_SECONDS)):
                await self._news.wait()
        except TimeoutError:
            return

    def _start_all(self) -> float:
        """Start what may start, and give the seconds until more may; infinite where something has to end first."""
        while not self.is_ending:
            now = time.monotonic()
            if (seconds := self._until_next(now)) > 0:
                return seconds
            flight = self._next(now)
            if flight is None:
                continue
            guess = self._probable_cost(flight)
            if said := over_cap(self.caps, self.spent, self.pace.in_flight, guess):
                self._put_back(flight)
                if not self.pace.in_flight:
                    self.failure = TeacherStopError(said, "Raise the cap to go on; all that came is kept.")
                return math.inf
            self._start(flight, now)
        return math.inf

    def _until_next(self, now: float) -> float:
        if not self.format.is_settled and self.pace.in_flight:
            return math.inf
        due = 0.0 if self._ready else self._waiting[0][0] - now if self._waiting else math.inf
        return max(due, self.pace.wait(now), 0.0)

    def _start(self, flight: _Flight, now: float) -> None:
        flight.tries += 1
        flight.began = now
        self.pace.start(now, flight.tokens)
        task = asyncio.get_running_loop().create_task(self._fly(flight))
        self._running.add(task)
        task.add_done_callback(self._note_end)

    def _next(self, now: float) -> _Flight | None:
        """Take one that waited long enough, else a new request; None where that was made before, or is under way."""
        if self._waiting and self._waiting[0][0] <= now:
            flight = heappop(self._waiting)[2]
            if not self._is_stale(flight):
                return flight
            self._ask_anew(flight)
            return None
        task, form = self._ready.popleft(), self.format.current
        request = self.asker.request(task, form)
        if same := self._flights.get(request.hash):
            same.tasks.append(task)
            return None
        if request.hash not in self._unasked and (known := self._look_up([task])):
            self._found.append(read(task, known[task.key]))
            return None
        prompt_tokens = prompt_characters(request) / CHARACTERS_A_TOKEN
        flight = _Flight(request, form, [task], prompt_tokens, prompt_tokens + self.spent.reply_tokens)
        self._flights[request.hash] = flight
        self.patience.requests += 1
        return flight

    def _put_back(self, flight: _Flight) -> None:
        """Undo `_next`."""
        if flight.tries:
            heappush(self._waiting, (0.0, next(self._order), flight))
        else:
            self._ask_anew(flight)
            self.patience.requests -= 1

    def _ask_anew(self, flight: _Flight) -> None:
        """Let the tasks of a flight be asked by another request, or by none."""
        del self._flights[flight.request.hash]
        self._ready.extendleft(reversed(flight.tasks))

    def _is_stale(self, flight: _Flight) -> bool:
        """Whether it asks by a schema, and it turned out that the teacher does not take one."""
        return flight.form is ReplyFormat.JSON and self.format.current is ReplyFormat.SECTIONS

    def _probable_cost(self, flight: _Flight) -> float | None:
        prompt_tokens = self.spent.prompt_tokens_or(flight.prompt_tokens)
        return self.price.cost(prompt_tokens, self.spent.reply_tokens) if self.price else None

    async def _fly(self, flight: _Flight) -> None:
        answer = await self.teacher.ask(flight.request.ask)
        self._arrived.append((flight, answer))

    def _note_end(self, task: asyncio.Task[None]) -> None:
        """Wake the run. What a teacher raises is a fault of this program, and ends the run."""
        self._running.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._error = error
        self._news.set()

    def _land(self) -> list[Judgement]:
        """Commit what arrived, then read it. Only then is there room for other calls."""
        arrived = list(self._arrived)
        if not arrived:
            return []
        calls = [(flight.request.hash, flight.request.ask.stage, answer) for flight, answer in arrived]
        kept = keep_calls(self.store, self.producer, self.price, calls)
        del self._arrived[: len(arrived)]
        now = time.monotonic()
        judged: list[Judgement] = []
        for (flight, answer), each in zip(arrived, kept, strict=True):
            is_news = self.pace.end(now, flight.tokens, answer, flight.began)
            self.patience.note(answer, is_news=is_news)
            self.spent.add(answer, self.price)
            self.format.learn(flight.form, answer)
            judged += self._settle(flight, each, now)
        return judged

    def _settle(self, flight: _Flight, kept: Kept, now: float) -> list[Judgement]:
        """Say what a call came to: judgements, another try, nothing yet, or the end of the run."""
        answer = kept.answer
        if answer.is_reply:
            self._unasked.discard(flight.request.hash)
            return self._give_up() + self._judged(flight, kept)
        self.failure = self.failure or self.patience.end_of_run(answer, flight.tries)
        if answer.outcome.is_about_one:
            return self._judged(flight, kept)
        if self.failure is not None:
            del self._flights[flight.request.hash]  # it is no failure of this sample
        elif self._is_stale(flight):
            self._ask_anew(flight)
        elif self.patience.grants(answer.outcome, flight.tries):
            heappush(self._waiting, (now + back_off(flight.tries, answer), next(self._order), flight))
        else:
            self._put_aside.append((flight, kept))
        return []

    @property
    def _has_only_put_aside(self) -> bool:
        is_over = not (self._running or self._arrived or self._found or self._waiting or self._ready)
        return is_over and not self.is_ending

    def _give_up(self) -> list[Judgement]:
        """Judge what was put aside: the teacher answers others, or there are none."""
        if self.failure is not None:
            return []
        aside, self._put_aside = self._put_aside, []
        return [each for flight, kept in aside for each in self._judged(flight, kept)]

    def _judged(self, flight: _Flight, kept: Kept) -> list[Judgement]:
        del self._flights[flight.request.hash]
        return [read(task, kept) for task in flight.tasks]

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
