"""Fetch what has come of the open batches: poll them, download those that ended, and store each answer raw."""

from srt_core.errors import TeacherStopError
from srt_core.records import Stage
from srt_core.reflect.batch.session import BatchSession
from srt_core.reflect.batch.stored import OpenBatch, note, open_batches, stopping_line, unanswered
from srt_core.reflect.keeping import store_calls
from srt_core.reflect.teacher import Answer, CallOutcome
from srt_core.reflect.teacher.batches import BatchCallError, RemoteBatch

STORED_AT_ONCE = 500
MOST_LOST_POLLS = 20
"""Polls in a row that may fail while a batch is waited for."""


class Fetching:
    """Fetches the batches of a producer, and remembers whether one of them ends the run."""

    def __init__(self, session: BatchSession) -> None:
        self._session = session
        self._failure: TeacherStopError | None = None
        self._refusal: TeacherStopError | None = None
        self._has_brought = False
        self._lost_polls = 0
        self._has_heard = False

    def begin_round(self) -> None:
        """Forget what became of the batches before those that have just been sent."""
        self._refusal, self._has_brought = None, False

    def raise_failure(self) -> None:
        """Raise the error that a batch ended with; called once its answers are judged.

        A batch that was refused while another one brought answers was perhaps too much at once: its requests are sent
        again, and nothing is raised.
        """
        failure = self._failure or (None if self._has_brought else self._refusal)
        if failure is not None:
            raise failure

    def fetch(self, patience_seconds: float | None) -> None:
        """Poll the open batches, and store the answers of those that ended.

        With `patience_seconds` None nobody waits for the batches, and the first poll that fails is raised. Otherwise a
        poll may fail for a while, once the teacher has answered one: hours of waiting do not end with a short outage.
        """
        for batch in open_batches(self._session.store, self._session.producer):
            try:
                self._fetch(batch, patience_seconds)
                self._has_heard, self._lost_polls = True, 0
            except BatchCallError as error:
                self._lost_polls += 1
                is_patient = patience_seconds is not None and self._has_heard
                if not (error.passes and is_patient) or self._lost_polls > MOST_LOST_POLLS:
                    raise
                self._session.message = f"{error.message} It is asked again."

    def _fetch(self, batch: OpenBatch, patience_seconds: float | None) -> None:
        session = self._session
        remote = self._poll(batch)
        if remote is None:
            note(session.store, batch.batch_id, "failed", "", "It was never sent.")
            return
        if (batch.remote_id, batch.remote_state) != (remote.remote_id, remote.state):
            note(session.store, batch.batch_id, "sent", remote.state, remote.detail, remote.remote_id)
        session.message = f"The batch is {remote.state}: {remote.done:,} of {remote.total:,} requests done"
        if remote.has_ended:
            session.finish(self._store_answers(batch.batch_id, remote))
            state = "failed" if remote.state == "failed" else "fetched"
            # Marked only after its answers are stored: a process that dies between the two fetches the batch again.
            note(session.store, batch.batch_id, state, remote.state, remote.detail)
            session.keep_changes()
            self._look_for_end(batch.batch_id, remote)
        elif patience_seconds is not None and batch.age_seconds > patience_seconds:
            raise TeacherStopError(
                f"{session.message}, {batch.age_seconds / 3600:,.0f} hours after it was sent.",
                "Start again later to fetch what comes, or give it up with --forget-batch to send its requests again.",
            )

    def _poll(self, batch: OpenBatch) -> RemoteBatch | None:
        """Return the state of a batch at the teacher; None where it was never created."""
        session = self._session
        if batch.remote_id is None:  # the process died between sending the batch and storing the teacher's id of it
            found: RemoteBatch | None = session.finish(session.batches.find(batch.tag))
            return found
        try:
            polled: RemoteBatch = session.finish(session.batches.poll(batch.remote_id))
            return polled
        except BatchCallError as error:
            if not error.is_unknown:
                raise
        raise TeacherStopError(
            f"The teacher {session.teacher.name} does not know the batch {batch.remote_id}.",
            "Use the address and the key that sent it. If it is gone, --forget-batch sends its requests again.",
        )

    def _look_for_end(self, batch_id: int, remote: RemoteBatch) -> None:
        """Remember what ends the run: the batch was refused or cancelled, or every further request would fail."""
        name = self._session.teacher.name
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
        elif message := stopping_line(self._session.store, batch_id):
            self._failure = TeacherStopError(message, "See to it, then start again; what came is kept.")

    async def _store_answers(self, batch_id: int, remote: RemoteBatch) -> None:
        """Download the files of a batch and store one answer for each request of it that has none yet.

        A request without a line gets a failed answer, so that it is counted as tried. Lines that a killed process had
        stored before are skipped: `unanswered` does not list them any more.
        """
        session = self._session
        still_open = unanswered(session.store, batch_id)
        arrived: list[tuple[str, Stage, Answer]] = []
        for file_id in remote.files:
            async for line in session.batches.lines(file_id):
                stage = still_open.pop(line.request_hash, None)
                if stage is not None:
                    arrived.append((line.request_hash, stage, line.answer))
                    session.form.learn(session.form.current, line.answer)
                if len(arrived) >= STORED_AT_ONCE:
                    store_calls(session.store, session.producer, session.price, arrived, batch_id)
                    arrived = []
        if remote.state != "failed":  # a batch that was refused has called for nothing
            nothing = session.teacher.reader.failure(
                CallOutcome.NO_COMPLETION, "the batch has no line for this request"
            )
            arrived += [(request_hash, stage, nothing) for request_hash, stage in still_open.items()]
        if arrived:
            store_calls(session.store, session.producer, session.price, arrived, batch_id)
