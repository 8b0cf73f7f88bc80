"""Reflect by a teacher's Batch API: at a lower price, within a day, and without a process that waits.

    missing candidates → file of requests → batch → (any later process) its answers, stored raw → judged → still missing

A batch is in the project file before it is sent, so any process can continue with it; one that was sent when the
process died is found at the teacher by its tag. What a batch left unanswered, and the corrections of refused replies,
go into the next batch.
"""

from collections.abc import Callable, Coroutine, Generator, Iterator, Sequence
from dataclasses import replace
from threading import Event
from typing import Any

from srt_core.project.progress import Progress
from srt_core.project.store import Store
from srt_core.reflect.batch.fetching import Fetching
from srt_core.reflect.batch.sending import Sending
from srt_core.reflect.batch.session import BatchSession
from srt_core.reflect.batch.stored import end_campaign, exhausted, open_batches
from srt_core.reflect.event_loop import EventLoop
from srt_core.reflect.keeping import (
    Judgement,
    ReflectionTask,
    Request,
    find_replies,
    parse_call,
    store_judgements,
)
from srt_core.reflect.missing import CHUNK_TASKS, ORDER
from srt_core.reflect.prompts import Prompts, ReplyFormat
from srt_core.reflect.run import USUAL_PLAN, Plan, missing_of
from srt_core.reflect.spending import spent_by
from srt_core.reflect.teacher import OpenAITeacher

POLL_SECONDS = 30.0
PATIENCE_SECONDS = 2 * 86_400.0
"""A batch ends within a day; after two days it is no longer waited for."""


def reflect_batch(
    store: Store,
    teacher: OpenAITeacher,
    prompts: Prompts,
    plan: Plan = USUAL_PLAN,
    *,
    wait: bool = True,
    poll_seconds: float = POLL_SECONDS,
    patience_seconds: float = PATIENCE_SECONDS,
    stop: Event | None = None,
) -> Generator[Progress, None, None]:
    """Make the missing candidates by batches, and yield progress in reflections.

    Without `wait` it fetches what has ended, sends what can be sent, and returns; the same call continues later.

    Raises:
        TeacherStopError: the teacher refused a batch, a batch did not end in `patience_seconds`, or a cap is reached;
            all that came is stored and judged.
    """
    stop = stop or Event()
    with EventLoop() as runner:
        try:
            run = _BatchRun(store, teacher, prompts, plan, runner.run)
            yield run.progress
            while not stop.is_set():
                run.fetching.fetch(patience_seconds if wait else None)
                if not open_batches(store, run.producer):
                    yield from run.judge_what_came()
                    run.fetching.raise_failure()
                    if run.try_form():
                        continue
                    if not run.send():
                        yield run.ended()
                        return
                yield run.waiting()
                if not wait:
                    return
                stop.wait(poll_seconds)
        finally:
            runner.run(teacher.close())


class _BatchRun:
    """Judges what batches brought, and turns what is missing into the requests of the next ones."""

    def __init__(
        self,
        store: Store,
        teacher: OpenAITeacher,
        prompts: Prompts,
        plan: Plan,
        finish: Callable[[Coroutine[Any, Any, Any]], Any],
    ) -> None:
        self._session = BatchSession(store, teacher, prompts, plan, finish)
        self._store, self.producer = store, self._session.producer
        self.fetching, self._sending = Fetching(self._session), Sending(self._session)
        since = self._session.campaign.since
        self._missing = missing_of(store, teacher, prompts, plan, since)
        self.progress = Progress("reflections", total=self._missing.total(), spent=self._spent)

    @property
    def _spent(self) -> float | None:
        return spent_by(self._store, self.producer).cost if self._session.price else None

    def waiting(self) -> Progress:
        """Return the progress with a message on what is waited for."""
        return self._moved(0, 0)

    def ended(self) -> Progress:
        """End the campaign; return the progress with a message on what is left to do elsewhere."""
        end_campaign(self._store, self.producer)
        waiting = self._missing.waiting()
        self._session.message = (
            f"{waiting:,} samples wait for scores: score the project, then reflect again." if waiting else ""
        )
        return self._moved(0, 0)

    def _moved(self, done: int, failed: int) -> Progress:
        moved = self.progress.moved(done, failed=failed, message=self._session.message, spent=self._spent)
        self.progress = replace(moved, total=max(moved.total or 0, moved.done))
        return self.progress

    def judge_what_came(self) -> Iterator[Progress]:
        """Judge every missing candidate whose reply is stored, or whose request has failed for good.

        Repeated until nothing is new: after a judgement the next request for the same candidate, or for a candidate
        made from it, may have a stored reply too.
        """
        is_new = True
        while is_new:
            is_new = False
            for tasks in self._tasks():
                found = self._judged(tasks)
                store_judgements(self._store, self.producer, found)
                # A refused reply with tries left is not final: the next pass looks for an answer to its correction.
                final = [each for each in found
                         if each.is_accepted or not each.answer.is_reply or each.task.tries_left <= 1]  # fmt: skip
                is_new |= len(final) < len(found)
                if final:
                    yield self._moved(len(final), sum(not each.is_accepted for each in final))

    def _tasks(self) -> Iterator[list[ReflectionTask]]:
        for origin in ORDER:
            tasks, last = self._missing.chunk(origin, 0)
            while tasks:
                yield tasks
                if len(tasks) < CHUNK_TASKS:
                    break
                tasks, last = self._missing.chunk(origin, last)

    def _judged(self, tasks: Sequence[ReflectionTask]) -> list[Judgement]:
        """Return the judgements of those tasks that have an answer, in whichever form of reply it was asked for.

        A reply in any form is used. A failure counts only where it is of the current form: in another one the request
        has not been tried.
        """
        session = self._session
        forms = sorted(ReplyFormat, key=lambda form: form is not session.form.current)
        hashes = [[session.asker.request(task, form).hash for form in forms] for task in tasks]
        every = [each for some in hashes for each in some]
        known = {**exhausted(self._store, session.campaign, every), **find_replies(self._store, every)}
        judged: list[Judgement] = []
        for task, some in zip(tasks, hashes, strict=True):
            stored = [known[each] for each in some if each in known]
            replies = [each for each in stored if each.answer.is_reply]
            if replies or some[0] in known:
                judged.append(parse_call(task, (replies or stored)[0]))
        return judged

    def _requests(self) -> Iterator[Request]:
        """Yield the requests for all missing candidates, each once."""
        seen: set[str] = set()
        for tasks in self._tasks():
            for task in tasks:
                request = self._session.asker.request(task, self._session.form.current)
                if request.hash not in seen:
                    seen.add(request.hash)
                    yield request

    def try_form(self) -> bool:
        """Make one call where it is not known yet how requests must be written; return whether one was made."""
        if self._sending.is_tried:
            return False
        request = next(self._requests(), None)
        return request is not None and self._sending.try_one(request)

    def send(self) -> bool:
        """Send what is missing in new batches; return whether anything was. TeacherStopError where none can be sent."""
        is_sent = self._sending.send(self._requests())
        self.fetching.begin_round()
        return is_sent
