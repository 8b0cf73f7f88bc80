"""Reflect by a teacher's Batch API: cheaper, within a day, and left alone meanwhile.

    what is missing → a file of requests → a batch → (any later process) its lines, kept raw → judged → what is missing

A batch stands in the project file before it is sent (sending), so any process can pick it up; one that was sent when
the process died is found by its tag. What a batch did not bring, and what its replies lead to, goes into the next one.
"""

import asyncio
from collections.abc import Callable, Coroutine, Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from threading import Event
from typing import Any, TypeVar
from uuid import uuid4

from srt_core.errors import TeacherStopError
from srt_core.project.progress import Progress
from srt_core.project.store import Store
from srt_core.records import Stage
from srt_core.reflect.asking import Asker, FormatChoice
from srt_core.reflect.batch.sending import (
    Campaign,
    OpenBatch,
    Room,
    end_campaign,
    hopeless,
    note,
    open_batches,
    prepare,
    stopping_line,
    unanswered,
)
from srt_core.reflect.keeping import (
    Judgement,
    ReflectionTask,
    Request,
    find_replies,
    parse_call,
    store_calls,
    store_judgements,
)
from srt_core.reflect.missing import CHUNK_TASKS, ORDER, Missing, count_missing
from srt_core.reflect.patience import MOST_TRIES
from srt_core.reflect.prices import price_of
from srt_core.reflect.prompts import Prompts, ReplyFormat
from srt_core.reflect.run import USUAL_PLAN, Plan, producer_of
from srt_core.reflect.spending import spent_by
from srt_core.reflect.teacher import Answer, CallOutcome, OpenAITeacher
from srt_core.reflect.teacher.batches import MOST_BYTES, MOST_REQUESTS, BatchCallError, Batches, RemoteBatch

POLL_SECONDS = 30.0
PATIENCE_SECONDS = 2 * 86_400.0
"""A batch has a day; after two it is no longer waited for."""
KEPT_AT_ONCE = 500
MOST_LOST_POLLS = 20
"""Polls in a row that may fail while a batch is waited for."""
LONGEST_PAUSE_SECONDS = 8.0

_Found = TypeVar("_Found")


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
    """Make the missing candidates by batches, and yield progress in outcomes.

    Without `wait` it fetches what has ended, sends what can be sent, and returns; the same call later goes on. Raises
    TeacherStopError, with all that came kept and judged, where the teacher refuses a batch, a batch does not end in
    `patience_seconds`, or a cap is reached.
    """
    stop = stop or Event()
    with asyncio.Runner() as runner:
        try:
            run = _BatchRun(store, teacher, prompts, plan, runner.run)
            yield run.progress
            while not stop.is_set():
                run.fetch(patience_seconds if wait else None)
                if not open_batches(store, run.producer):
                    yield from run.judge_what_came()
                    run.raise_failure()
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


@dataclass(frozen=True, slots=True)
class _Line:
    """A request as a line of a batch's file."""

    request_hash: str
    stage: Stage
    text: bytes


class _BatchRun:
    """One process's work on the batches of a producer; what matters of its state is in the project file."""

    def __init__(
        self,
        store: Store,
        teacher: OpenAITeacher,
        prompts: Prompts,
        plan: Plan,
        finish: Callable[[Coroutine[Any, Any, Any]], Any],
    ) -> None:
        self._store, self._teacher, self._plan, self._finish = store, teacher, plan, finish
        self.producer = producer_of(store, teacher, prompts)
        self._form = FormatChoice(store, self.producer, teacher, plan.reply_format)
        self._wording_key = f"wording:{teacher.name}"
        self._is_tried = bool(found := store.meta(self._wording_key))
        if found:
            teacher.wording = found
        self._asker = Asker(teacher, prompts, plan.note)
        self._batches = Batches(teacher)
        self._price = price_of(store, teacher.model)
        self._campaign = Campaign.join(store, self.producer, plan)
        self._missing = Missing(
            store, self.producer, plan.settled, plan.attempts, plan.retry_failed, self._campaign.since, plan.only
        )
        self._said = ""
        self._failure: TeacherStopError | None = None
        self._refusal: TeacherStopError | None = None
        self._has_brought = False
        self._tried_calls = self._lost_polls = 0
        self._has_heard = False
        self.progress = Progress("reflections", total=count_missing(self._missing), spent=self._spent)

    @property
    def _spent(self) -> float | None:
        return spent_by(self._store, self.producer).cost if self._price else None

    def waiting(self) -> Progress:
        """Say what is waited for."""
        return self._moved(0, 0)

    def ended(self) -> Progress:
        """Say that nothing is left to send, and what is left to do elsewhere."""
        end_campaign(self._store, self.producer)
        waiting = self._missing.waiting()
        self._said = f"{waiting:,} samples wait for scores: score the project, then reflect again." if waiting else ""
        return self._moved(0, 0)

    def raise_failure(self) -> None:
        """Raise what a batch ended with, once what it brought is judged.

        A batch that was refused beside one that brought something was perhaps too much at once: it is sent again.
        """
        failure = self._failure or (None if self._has_brought else self._refusal)
        if failure is not None:
            raise failure

    def _moved(self, done: int, failed: int) -> Progress:
        moved = self.progress.moved(done, failed=failed, message=self._said, spent=self._spent)
        self.progress = replace(moved, total=max(moved.total or 0, moved.done))
        return self.progress

    # ---- what came

    def fetch(self, patience_seconds: float | None) -> None:
        """See how the open batches stand, and keep the lines of those that ended. None: nobody waits for them."""
        for each in open_batches(self._store, self.producer):
            try:
                self._fetch(each, patience_seconds)
                self._has_heard, self._lost_polls = True, 0
            except BatchCallError as error:
                self._lost_polls += 1
                is_patient = patience_seconds is not None and self._has_heard
                if not (error.passes and is_patient) or self._lost_polls > MOST_LOST_POLLS:
                    raise
                self._said = f"{error.message} It is asked again."

    def _fetch(self, each: OpenBatch, patience_seconds: float | None) -> None:
        remote = self._look_up(each)
        if remote is None:
            note(self._store, each.batch_id, "failed", "", "It was never sent.")
            return
        if (each.remote_id, each.remote_state) != (remote.remote_id, remote.state):
            note(self._store, each.batch_id, "sent", remote.state, remote.detail, remote.remote_id)
        self._said = f"The batch is {remote.state}: {remote.done:,} of {remote.total:,} requests done"
        if remote.has_ended:
            self._finish(self._keep(each.batch_id, remote))
            state = "failed" if remote.state == "failed" else "fetched"
            note(self._store, each.batch_id, state, remote.state, remote.detail)
            if self._is_tried:
                self._store.set_meta(self._wording_key, self._teacher.wording)
            self._look_for_end(each.batch_id, remote)
        elif patience_seconds is not None and each.age_seconds > patience_seconds:
            raise TeacherStopError(
                f"{self._said}, {each.age_seconds / 3600:,.0f} hours after it was sent.",
                "Start again later to fetch what comes, or give it up with --forget-batch to send its requests anew.",
            )

    def _look_up(self, each: OpenBatch) -> RemoteBatch | None:
        """Ask how a batch stands; None where it was never made."""
        if each.remote_id is None:  # the process died between sending it and hearing its name
            found: RemoteBatch | None = self._finish(self._batches.find(each.tag))
            return found
        try:
            polled: RemoteBatch = self._finish(self._batches.poll(each.remote_id))
            return polled
        except BatchCallError as error:
            if not error.is_unknown:
                raise
        raise TeacherStopError(
            f"The teacher {self._teacher.name} does not know the batch {each.remote_id}.",
            "Use the address and the key that sent it. If it is gone, --forget-batch sends its requests anew.",
        )

    def _look_for_end(self, batch_id: int, remote: RemoteBatch) -> None:
        """Note what ends the run: the batch was refused or cancelled, or what every further request would come to."""
        name = self._teacher.name
        if remote.state == "failed":
            self._refusal = TeacherStopError(
                f"The teacher {name} refused the batch: {(remote.detail or 'it does not say why').rstrip('.')}.",
                "Start again to send another one; what came is kept.",
            )
            return
        self._has_brought |= remote.done > 0
        if remote.state == "cancelled":
            self._failure = TeacherStopError(
                f"The batch was cancelled at the teacher {name}; what it brought is kept.",
                "Start again to send what is still missing.",
            )
        elif said := stopping_line(self._store, batch_id):
            self._failure = TeacherStopError(said, "See to it, then start again; what came is kept.")

    async def _keep(self, batch_id: int, remote: RemoteBatch) -> None:
        """Download a batch's files; keep each line that answers a request of it, once, then what brought none."""
        still_open = unanswered(self._store, batch_id)
        arrived: list[tuple[str, Stage, Answer]] = []
        for file_id in remote.files:
            async for line in self._batches.lines(file_id):
                stage = still_open.pop(line.request_hash, None)
                if stage is not None:
                    arrived.append((line.request_hash, stage, line.answer))
                    self._form.learn(self._form.current, line.answer)
                if len(arrived) >= KEPT_AT_ONCE:
                    store_calls(self._store, self.producer, self._price, arrived, batch_id)
                    arrived = []
        if remote.state != "failed":  # a batch that was refused asked nothing
            nothing = self._teacher.reader.failure(CallOutcome.NO_COMPLETION, "the batch has no line for this request")
            arrived += [(request_hash, stage, nothing) for request_hash, stage in still_open.items()]
        if arrived:
            store_calls(self._store, self.producer, self._price, arrived, batch_id)

    def judge_what_came(self) -> Iterator[Progress]:
        """Judge every missing candidate whose reply is there, or whose request has failed for good.

        Again until there is none: a judged reply leads to other requests, which may have been answered before.
        """
        is_new = True
        while is_new:
            is_new = False
            for tasks in self._tasks():
                found = self._judged(tasks)
                store_judgements(self._store, self.producer, found)
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
        """Judge what there is for tasks, in whichever form of reply it was asked for."""
        forms = sorted(ReplyFormat, key=lambda form: form is not self._form.current)
        hashes = [[self._asker.request(task, form).hash for form in forms] for task in tasks]
        every = [each for some in hashes for each in some]
        known = {**hopeless(self._store, self._campaign, every), **find_replies(self._store, every)}
        judged: list[Judgement] = []
        for task, some in zip(tasks, hashes, strict=True):
            kept = [known[each] for each in some if each in known]
            replies = [each for each in kept if each.answer.is_reply]
            if replies or some[0] in known:
                judged.append(parse_call(task, (replies or kept)[0]))
        return judged

    # ---- what is sent

    def try_form(self) -> bool:
        """Ask one request by a call, where it is not known yet in which words and form to ask; True if so.

        A batch takes up to a day to say that it was asked in the wrong ones.
        """
        request = None if self._form.is_settled and self._is_tried else next(self._requests(), None)
        if request is None:
            return False
        if self._tried_calls >= MOST_TRIES:
            if not self._form.is_settled:  # any model can write sections
                self._form = FormatChoice(self._store, self.producer, self._teacher, ReplyFormat.SECTIONS)
            self._is_tried = True
            return False
        room = self._room(is_batch=False)
        if not room.take(len(self._batches.line(request.hash, request.ask))):
            raise _no_room(room)
        self._tried_calls += 1
        answer: Answer = self._finish(self._teacher.ask(request.ask))
        store_calls(self._store, self.producer, self._price, [(request.hash, request.ask.stage, answer)])
        self._form.learn(self._form.current, answer)
        if answer.outcome.stops:
            raise TeacherStopError(answer.detail, answer.hint)
        if answer.is_reply:
            self._is_tried = True
            self._store.set_meta(self._wording_key, self._teacher.wording)
        else:
            pause = answer.retry_after_seconds
            pause = 0.5 * 2.0**self._tried_calls if pause is None else pause
            self._finish(asyncio.sleep(min(pause, LONGEST_PAUSE_SECONDS)))
        return True

    def _requests(self) -> Iterator[Request]:
        """Write the requests that are missing, each once."""
        seen: set[str] = set()
        for tasks in self._tasks():
            for task in tasks:
                request = self._asker.request(task, self._form.current)
                if request.hash not in seen:
                    seen.add(request.hash)
                    yield request

    def _room(self, *, is_batch: bool) -> Room:
        return Room(self._store, self.producer, self._plan.caps, self._price, self._teacher.max_tokens, is_batch)

    def send(self) -> bool:
        """Send what is missing in new batches; False where nothing is. TeacherStopError where none can be sent."""
        room, requests, sent = self._room(is_batch=True), self._requests(), 0
        while lines := self._gather(requests, room):
            try:
                self._send(lines)
            except BatchCallError:
                if not sent:
                    raise
                break  # the teacher takes no more at once: the rest goes with the next ones
            sent += len(lines)
        if room.is_full and not sent:
            raise _no_room(room)
        self._refusal, self._has_brought = None, False
        self._said = f"{sent:,} requests are sent as a batch"
        return sent > 0

    def _gather(self, requests: Iterator[Request], room: Room) -> list[_Line]:
        """Gather requests of the next batch, as many as a batch and the caps take."""
        lines: list[_Line] = []
        size = 0
        while len(lines) < MOST_REQUESTS and size < MOST_BYTES and not room.is_full:
            request = next(requests, None)
            if request is None:
                break
            line = self._batches.line(request.hash, request.ask)
            if room.take(len(line)):
                size += len(line)
                lines.append(_Line(request.hash, request.ask.stage, line))
        return lines

    def _send(self, lines: Sequence[_Line]) -> None:
        """Send a batch. It is written down first: killed at any point, another process finds it by its tag."""
        tag = uuid4().hex
        batch_id = prepare(self._store, self.producer, tag, [(each.request_hash, each.stage) for each in lines])
        is_uploaded = False
        try:
            file_id: str = self._finish(self._batches.upload((each.text for each in lines), tag))
            is_uploaded = True
            made: RemoteBatch = self._finish(self._batches.create(file_id, tag))
        except BatchCallError as error:
            if not is_uploaded or error.is_refusal:
                note(self._store, batch_id, "failed", "", error.message)
            raise
        note(self._store, batch_id, "sent", made.state, made.detail, made.remote_id)


def _no_room(room: Room) -> TeacherStopError:
    return TeacherStopError(room.said, "Raise the cap to go on; all that came is kept.")
