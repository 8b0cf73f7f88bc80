"""Send requests in batches: find out by single calls how to write them, then upload as many as batch and caps take."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from uuid import uuid4

from srt_core.errors import TeacherStopError
from srt_core.records import Stage
from srt_core.reflect.batch.budget import Budget
from srt_core.reflect.batch.session import BatchSession
from srt_core.reflect.batch.stored import note, prepare
from srt_core.reflect.keeping import Request, store_calls
from srt_core.reflect.patience import MOST_TRIES
from srt_core.reflect.teacher import Answer, CallOutcome
from srt_core.reflect.teacher.batches import MOST_BYTES, MOST_REQUESTS, BatchCallError, RemoteBatch

LONGEST_PAUSE_SECONDS = 8.0


@dataclass(frozen=True, slots=True)
class _Line:
    """A request as a line of the file to upload."""

    request_hash: str
    stage: Stage
    text: bytes


class Sending:
    """Sends the requests of a producer, in batches or, to try their form, by single calls."""

    def __init__(self, session: BatchSession) -> None:
        self._session = session
        self._tried_calls = 0

    @property
    def is_tried(self) -> bool:
        """Whether the form of reply is known and how requests are taken, so that batches can be sent."""
        return self._session.form.is_settled and self._session.is_taken

    def try_one(self, request: Request) -> bool:
        """Make one call to find out how requests must be written; False where enough were made.

        A batch takes up to a day to report that all its requests were written in a way that the server refuses.
        """
        session = self._session
        if self._tried_calls >= MOST_TRIES:
            if not session.form.is_settled:
                session.use_sections()
            session.is_taken = True
            return False
        budget = self._budget(is_batch=False)
        if not budget.take(len(session.batches.line(request.hash, request.ask))):
            raise _cap_reached(budget)
        self._tried_calls += 1
        answer: Answer = session.finish(session.teacher.ask(request.ask))
        store_calls(session.store, session.producer, session.price, [(request.hash, request.ask.stage, answer)])
        session.form.learn(session.form.current, answer)
        if answer.outcome.stops:
            raise TeacherStopError(answer.detail, answer.hint)
        if answer.is_reply:
            session.keep_changes()
        elif answer.outcome is CallOutcome.SETTING_REFUSED:
            self._tried_calls -= 1  # the next one is put otherwise, at once
        else:
            pause = answer.retry_after_seconds
            pause = 0.5 * 2.0**self._tried_calls if pause is None else pause
            session.finish(asyncio.sleep(min(pause, LONGEST_PAUSE_SECONDS)))
        return True

    def send(self, requests: Iterator[Request]) -> bool:
        """Send requests in new batches; return whether there were any.

        Raises:
            TeacherStopError: a cap leaves nothing to send, or the first batch could not be created.
        """
        budget, sent = self._budget(is_batch=True), 0
        while lines := self._gather(requests, budget):
            try:
                self._send(lines)
            except BatchCallError:
                if not sent:
                    raise
                break  # the teacher takes no more at once: the rest is sent once these are fetched
            sent += len(lines)
        if budget.is_full and not sent:
            raise _cap_reached(budget)
        self._session.message = f"{sent:,} requests are sent as a batch"
        return sent > 0

    def _budget(self, *, is_batch: bool) -> Budget:
        session = self._session
        caps, max_tokens = session.plan.caps, session.teacher.max_tokens
        return Budget(session.store, session.producer, caps, session.price, max_tokens, is_batch)

    def _gather(self, requests: Iterator[Request], budget: Budget) -> list[_Line]:
        """Return the lines of the next batch: as many requests as a batch and the caps take."""
        lines: list[_Line] = []
        size = 0
        while len(lines) < MOST_REQUESTS and size < MOST_BYTES and not budget.is_full:
            request = next(requests, None)
            if request is None:
                break
            line = self._session.batches.line(request.hash, request.ask)
            if budget.take(len(line)):
                size += len(line)
                lines.append(_Line(request.hash, request.ask.stage, line))
        return lines

    def _send(self, lines: Sequence[_Line]) -> None:
        """Send a batch. It is stored first: killed at any point, another process finds it at the teacher by its tag."""
        session, tag = self._session, uuid4().hex
        batch_id = prepare(session.store, session.producer, tag, [(each.request_hash, each.stage) for each in lines])
        is_uploaded = False
        try:
            file_id: str = session.finish(session.batches.upload((each.text for each in lines), tag))
            is_uploaded = True
            made: RemoteBatch = session.finish(session.batches.create(file_id, tag))
        except BatchCallError as error:
            # After the upload only a refusal proves that no batch was created; without proof it stays open, and the
            # next poll looks for its tag, so that the same requests are not paid for twice.
            if not is_uploaded or error.is_refusal:
                note(session.store, batch_id, "failed", "", error.message)
            raise
        note(session.store, batch_id, "sent", made.state, made.detail, made.remote_id)


def _cap_reached(budget: Budget) -> TeacherStopError:
    return TeacherStopError(budget.message, "Raise the cap to go on; all that came is kept.")
