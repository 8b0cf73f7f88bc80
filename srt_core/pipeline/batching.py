"""Reflect by a teacher's Batch API: cheaper, within a day, and left alone meanwhile.

    what is missing → a file of requests → a batch → (any later process) its lines, kept raw → judged → what is missing

A batch stands in the project file before it is sent, so any process can pick it up; one that was sent when the process
died is found by its tag. What a batch did not bring, and what its replies lead to, goes into the next one.
"""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from threading import Event
from uuid import uuid4

from srt_core.errors import TeacherStopError
from srt_core.pipeline.asking import Asker, FormatChoice, prompt_characters
from srt_core.pipeline.keeping import Judgement, Kept, Request, Task, find_replies, judge, keep_calls, read
from srt_core.pipeline.missing import ORDER, Missing, count_missing
from srt_core.pipeline.patience import MOST_TRIES
from srt_core.pipeline.progress import Progress
from srt_core.pipeline.reflecting import USUAL_PLAN, Plan, producer_of
from srt_core.pipeline.spending import CHARACTERS_A_TOKEN, spent_by
from srt_core.pipeline.trial import trial
from srt_core.prices import Price, price_of
from srt_core.prompts import Prompts
from srt_core.records import Stage
from srt_core.store import Row, Store
from srt_core.teacher import Answer, OpenAITeacher, Outcome
from srt_core.teacher.batches import MOST_BYTES, MOST_REQUESTS, Batches, RemoteBatch

POLL_SECONDS = 30.0
KEPT_AT_ONCE = 500


def reflect_batch(
    store: Store,
    teacher: OpenAITeacher,
    prompts: Prompts,
    plan: Plan = USUAL_PLAN,
    *,
    wait: bool = True,
    poll_seconds: float = POLL_SECONDS,
    stop: Event | None = None,
) -> Iterator[Progress]:
    """Make the missing candidates by batches, and yield progress in outcomes.

    Without `wait` it fetches what has ended, sends what can be sent, and returns; the same call later goes on. Raises
    TeacherStopError where the teacher refuses the batch, or a cap is reached.
    """
    stop = stop or Event()
    run = _BatchRun(store, teacher, prompts, plan)
    with asyncio.Runner() as runner:
        try:
            yield run.progress
            while not stop.is_set():
                yield from run.fetch(runner)
                if not run.open_batches():
                    yield from run.judge_what_came()
                    if not run.send(runner):
                        break
                yield run.waiting()
                if not wait:
                    return
                stop.wait(poll_seconds)
        finally:
            runner.run(teacher.close())


@dataclass(frozen=True, slots=True)
class _Open:
    """A batch that is not fetched yet."""

    batch_id: int
    state: str
    tag: str
    remote_id: str | None


class _BatchRun:
    """The state of one process's work on the batches of a producer; what matters of it is in the project file."""

    def __init__(self, store: Store, teacher: OpenAITeacher, prompts: Prompts, plan: Plan) -> None:
        self._store, self._teacher, self._plan = store, teacher, plan
        self._producer = producer_of(store, teacher, prompts)
        self._form = FormatChoice(store, self._producer, teacher, plan.reply_format)
        if not self._form.is_settled and not self.open_batches():
            trial(store, teacher, prompts, 1)  # one call decides which form of reply the whole batch asks for
            self._form = FormatChoice(store, self._producer, teacher, plan.reply_format)
        self._asker = Asker(teacher, prompts, plan.note)
        self._batches = Batches(teacher)
        self._price = price_of(store, teacher.model)
        since = int(store.value("SELECT coalesce(max(reflection_id), 0) FROM reflection"))
        self._missing = Missing(store, self._producer, plan.mode, plan.attempts, plan.retry_failed, since, plan.only)
        self._said = ""
        self.progress = Progress("reflections", total=count_missing(self._missing), spent=self._spent)

    @property
    def _spent(self) -> float | None:
        return spent_by(self._store, self._producer).cost if self._price else None

    def open_batches(self) -> list[_Open]:
        """Read the batches that are not fetched yet."""
        rows = self._store.rows(
            """SELECT batch_id, state, tag, remote_id FROM batch
               WHERE producer = ? AND state IN ('preparing', 'sent') ORDER BY batch_id""",
            [self._producer],
        )
        return [_Open(**row) for row in rows]

    def waiting(self) -> Progress:
        """Say what is waited for."""
        self.progress = self.progress.moved(0, message=self._said, spent=self._spent)
        return self.progress

    def fetch(self, runner: asyncio.Runner) -> Iterator[Progress]:
        """See how the open batches stand, and keep the lines of those that ended."""
        for each in self.open_batches():
            remote = runner.run(self._look_up(each))
            if remote is None:
                self._note(each.batch_id, "failed", "", "It was never sent.")
                continue
            self._note(each.batch_id, "sent", remote.state, remote.detail, remote.remote_id)
            self._said = f"The batch is {remote.state}: {remote.done:,} of {remote.total:,} requests done"
            if not remote.has_ended:
                continue
            runner.run(self._keep(each.batch_id, remote))
            self._note(each.batch_id, "fetched", remote.state, remote.detail)
            yield self.waiting()
            self._look_for_end(each.batch_id)
            if remote.state == "failed":
                raise TeacherStopError(
                    f"The teacher {self._teacher.name} refused the batch: {remote.detail or 'it does not say why'}.",
                    "Start again to send another one; what came is kept.",
                )

    def _look_for_end(self, batch_id: int) -> None:
        """Raise what every further request would come to as well, such as a spent quota."""
        stopping = [str(outcome) for outcome in Outcome if outcome.stops]
        rows = self._store.rows(
            """SELECT detail FROM teacher_call WHERE batch_id = ? AND outcome IN (SELECT unnest(?::VARCHAR[]))
               ORDER BY call_id LIMIT 1""",
            [batch_id, stopping],
        )
        if rows:
            raise TeacherStopError(rows[0]["detail"], "See to it, then start again; what came is kept.")

    async def _look_up(self, each: _Open) -> RemoteBatch | None:
        if each.remote_id is None:  # the process died between sending it and hearing its name
            return await self._batches.find(each.tag)
        return await self._batches.poll(each.remote_id)

    async def _keep(self, batch_id: int, remote: RemoteBatch) -> None:
        """Download a batch's files and keep each line that answers a request of it, once."""
        rows = self._store.rows(
            """SELECT request_hash, stage FROM batch_request WHERE batch_id = $id AND request_hash NOT IN (
                   SELECT request_hash FROM teacher_call WHERE batch_id = $id)""",
            {"id": batch_id},
        )
        open_stages = {row["request_hash"]: Stage(row["stage"]) for row in rows}
        arrived: list[tuple[str, Stage, Answer]] = []
        for file_id in remote.files:
            async for line in self._batches.lines(file_id):
                stage = open_stages.pop(line.request_hash, None)
                if stage is not None:
                    arrived.append((line.request_hash, stage, line.answer))
                if len(arrived) >= KEPT_AT_ONCE:
                    keep_calls(self._store, self._producer, self._price, arrived, batch_id)
                    arrived = []
        if arrived:
            keep_calls(self._store, self._producer, self._price, arrived, batch_id)

    def judge_what_came(self) -> Iterator[Progress]:
        """Judge every missing candidate whose reply is there, or whose request has failed for good."""
        for origin in ORDER:
            last = 0
            while True:
                tasks, last = self._missing.chunk(origin, last)
                if not tasks:
                    break
                judged = self._judged(tasks)
                judge(self._store, self._producer, judged)
                final = [each for each in judged if each.is_accepted or each.task.tries_left <= 1]
                failed = sum(not each.is_accepted for each in final)
                self.progress = self.progress.moved(len(final), failed=failed, message=self._said, spent=self._spent)
                yield self.progress

    def _judged(self, tasks: Sequence[Task]) -> list[Judgement]:
        requests = [self._asker.request(task, self._form.current) for task in tasks]
        hashes = [request.hash for request in requests]
        known = find_replies(self._store, hashes)
        past = self._past(hashes)
        judged: list[Judgement] = []
        for task, request in zip(tasks, requests, strict=True):
            if request.hash in known:
                judged.append(read(task, known[request.hash]))
            elif (failed := past.get(request.hash)) is not None:
                judged.append(read(task, failed))
        return judged

    def _past(self, hashes: Sequence[str]) -> dict[str, Kept]:
        """Find requests that no further batch is worth: refused for what they are, or tried often enough."""
        rows = self._store.rows(
            """SELECT batch_request.request_hash, count(*) AS tries, max(call_id) AS call_id,
                      coalesce(arg_max(outcome, call_id), 'no_completion') AS outcome,
                      coalesce(arg_max(teacher_call.detail, call_id), 'No batch brought an answer.') AS detail
               FROM batch_request LEFT JOIN teacher_call USING (batch_id, request_hash)
               WHERE batch_request.request_hash IN (SELECT unnest(?::VARCHAR[])) GROUP BY ALL""",
            [list(hashes)],
        )
        return {row["request_hash"]: _failed(row) for row in rows if _is_hopeless(row)}

    def send(self, runner: asyncio.Runner) -> bool:
        """Send what is missing in a new batch; False where nothing is. TeacherStopError where a cap leaves no room."""
        requests = self._requests()
        if not requests:
            return False
        tag = uuid4().hex
        with self._store.transaction() as tx:
            batch_id = int(
                tx.execute(
                    "INSERT INTO batch (producer, state, tag) VALUES (?, 'preparing', ?) RETURNING batch_id",
                    [self._producer, tag],
                )[0][0]
            )
            tx.append("batch_request", ["batch_id", "request_hash", "stage"],
                      [(batch_id, request.hash, str(request.ask.stage)) for request in requests])  # fmt: skip
        lines = (self._batches.line(request.hash, request.ask) for request in requests)
        try:
            file_id = runner.run(self._batches.upload(lines, tag))
        except TeacherStopError as error:
            self._note(batch_id, "failed", "", str(error))
            raise
        remote = runner.run(self._batches.create(file_id, tag))
        self._note(batch_id, "sent", remote.state, remote.detail, remote.remote_id)
        self._said = f"A batch of {len(requests):,} requests is sent"
        return True

    def _requests(self) -> list[Request]:
        """Gather the requests of the next batch, each once, as many as a batch and the caps take."""
        found: dict[str, Request] = {}
        size = 0
        cost = 0.0
        spent = spent_by(self._store, self._producer)
        caps = self._plan.caps
        for origin in ORDER:
            last = 0
            while True:
                tasks, last = self._missing.chunk(origin, last)
                if not tasks:
                    break
                for task in tasks:
                    request = self._asker.request(task, self._form.current)
                    if request.hash in found:
                        continue
                    size += prompt_characters(request)
                    cost += _probable_cost(self._price, request, spent.reply_tokens)
                    is_capped = (caps.calls is not None and spent.calls + len(found) >= caps.calls) or (
                        caps.cost is not None and spent.cost + cost > caps.cost
                    )
                    if is_capped and not found:
                        raise TeacherStopError("The cap is reached.", "Raise it to go on; all that came is kept.")
                    if is_capped or len(found) >= MOST_REQUESTS or 2 * size > MOST_BYTES:
                        return list(found.values())
                    found[request.hash] = request
        return list(found.values())

    def _note(self, batch_id: int, state: str, remote_state: str, detail: str, remote_id: str | None = None) -> None:
        with self._store.transaction() as tx:
            tx.execute(
                """UPDATE batch SET state = ?, remote_state = ?, detail = ?, remote_id = coalesce(?, remote_id),
                          updated_at = timezone('UTC', now()) WHERE batch_id = ?""",
                [state, remote_state, detail, remote_id, batch_id],
            )


def _is_hopeless(row: Row) -> bool:
    outcome = Outcome(row["outcome"])
    return row["tries"] >= MOST_TRIES or not (outcome.passes or outcome.stops)


def _failed(row: Row) -> Kept:
    return Kept(row["call_id"], Answer(Outcome(row["outcome"]), detail=row["detail"]))


def _probable_cost(price: Price | None, request: Request, reply_tokens: float) -> float:
    prompt_tokens = prompt_characters(request) / CHARACTERS_A_TOKEN
    return (price.cost(prompt_tokens, reply_tokens, is_batch=True) or 0.0) if price else 0.0
