"""Background work of the app: start, pause, go on, and know after a restart what was cut off.

A job is a daemon thread that walks a step of the work and keeps its latest progress for any screen to read. The step
commits as it goes, so pausing is asking it to stop and resuming is starting it again.
"""

import json
import os
import sys
import threading
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from enum import StrEnum

from srt_core.errors import ProjectError, SRTError, TeacherStopError
from srt_core.project.progress import Progress
from srt_core.project.store import Row, Store
from srt_core.select.derive import refresh

Work = Callable[[threading.Event], Generator[Progress, None, None]]
"""A step to walk in the background; it must look at the event and stop soon after it is set."""

SAVE_SECONDS = 2.0
JOIN_SECONDS = 5.0
NICENESS = 10
REFRESH_SECONDS = 3.0
REFRESH_SHARE = 20


class JobState(StrEnum):
    """Where a job stands."""

    RUNNING = "running"
    DONE = "done"
    PAUSED = "paused"
    FAILED = "failed"
    INTERRUPTED = "interrupted"
    """The app ended while it ran; start it again to go on."""


@dataclass(slots=True)
class Job:
    """One piece of background work, live. Screens read it; only its thread writes it."""

    job_id: int
    kind: str
    arguments: Mapping[str, object]
    progress: Progress
    state: JobState = JobState.RUNNING
    error: SRTError | None = None
    stop: threading.Event = field(default_factory=threading.Event)
    thread: threading.Thread | None = None


class Jobs:
    """The jobs of one open project: at most one of a kind at a time."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._latest: Mapping[str, Job] = {}
        """The latest job of each kind; never changed but replaced whole, for other threads walk it."""
        self._lock = threading.Lock()
        self._refresh_due = 0.0
        if not store.is_read_only:
            with store.transaction() as tx:
                tx.execute("UPDATE job SET state = 'interrupted' WHERE state = 'running'")

    def start(self, kind: str, arguments: Mapping[str, object], work: Work) -> Job:
        """Start `work` in the background; ProjectError if one of its kind runs already.

        `arguments` are kept for the record and must hold no secret.
        """
        with self._lock:
            if self.running(kind):
                raise ProjectError(f"The project is busy: {kind} runs already.", "Pause it, or wait until it is done.")
            with self._store.transaction() as tx:
                rows = tx.execute(
                    "INSERT INTO job (kind, state, arguments) VALUES (?, 'running', ?) RETURNING job_id",
                    [kind, json.dumps(dict(arguments))],
                )
            job = Job(int(rows[0][0]), kind, arguments, Progress(kind))
            job.thread = threading.Thread(target=self._run, args=(job, work), name=f"srt-{kind}", daemon=True)
            self._latest = {**self._latest, kind: job}
            job.thread.start()
            return job

    def latest(self, kind: str) -> Job | None:
        """Return the latest job of a kind since the app started."""
        return self._latest.get(kind)

    def running(self, kind: str | None = None) -> list[Job]:
        """Return the jobs that run now, of one kind or all."""
        return [job for job in self._latest.values() if kind in (None, job.kind) and job.state is JobState.RUNNING]

    def all(self) -> list[Job]:
        """Return the latest job of each kind since the app started."""
        return list(self._latest.values())

    def pause(self, kind: str) -> None:
        """Ask the job of a kind to stop after what it has under way."""
        for job in self.running(kind):
            job.stop.set()

    def end(self, kind: str, seconds: float = JOIN_SECONDS) -> bool:
        """Stop the job of a kind and wait up to `seconds`; return whether there was one. ProjectError if it goes on."""
        running = self.running(kind)
        self.pause(kind)
        for job in running:
            if job.thread:
                job.thread.join(seconds)
        if self.running(kind):
            raise ProjectError(f"The project is busy: {kind} still runs.", "Wait until it is done, and try again.")
        return bool(running)

    def history(self, limit: int = 20, kind: str | None = None) -> list[Row]:
        """Read the latest jobs of the project, of one kind or all, the newest first, those of earlier sessions too."""
        sql = "SELECT * FROM job WHERE kind = coalesce(?, kind) ORDER BY job_id DESC LIMIT ?"
        return self._store.rows(sql, [kind, limit])

    def close(self, seconds: float = JOIN_SECONDS) -> None:
        """Stop all jobs and wait up to `seconds` for each to commit what it has under way."""
        for job in self.running():
            job.stop.set()
        for job in self._latest.values():
            if job.thread:
                job.thread.join(seconds)

    def _run(self, job: Job, work: Work) -> None:
        _give_way()
        self._refresh_due = 0.0  # soon: another job may have left much to do
        state = JobState.FAILED  # what stands if the step raises something that is no SRTError
        try:
            with self._store.lagging():
                state = self._walk(job, work)
        finally:
            self._end(job, state)

    def _walk(self, job: Job, work: Work) -> JobState:
        """Do the work, save now and then how far it is, and return how it ended."""
        saved = 0.0
        try:
            with closing(work(job.stop)) as steps:
                for progress in steps:
                    job.progress = progress
                    if time.monotonic() - saved > SAVE_SECONDS:
                        saved = time.monotonic()
                        self._save(job, JobState.RUNNING)
                    self._refresh_sometimes()
            return JobState.PAUSED if job.stop.is_set() else JobState.DONE
        except SRTError as error:
            job.error = error  # after a cap, a key or a quota: see to it and go on
            return JobState.PAUSED if isinstance(error, TeacherStopError) else JobState.FAILED
        except RuntimeError as error:
            if "interpreter shutdown" not in str(error):  # Python's words where an app that ends starts a thread
                raise
            return JobState.INTERRUPTED

    def _end(self, job: Job, state: JobState) -> None:
        """Save how a job ended. Where that fails, as on a full disk, it has failed with that, whatever it did."""
        ended = JobState.FAILED
        try:
            self._save(job, state)
            ended = state
        except SRTError as error:
            job.error = job.error or error
        finally:
            job.state = ended

    def _refresh_sometimes(self) -> None:
        """Bring the derived tables up to date, so that no screen has to; seldom, for it takes its time."""
        started = time.monotonic()
        if started < self._refresh_due:
            return
        refresh(self._store, now=True)
        took = time.monotonic() - started
        self._refresh_due = time.monotonic() + max(REFRESH_SECONDS, REFRESH_SHARE * took)

    def _save(self, job: Job, state: JobState) -> None:
        progress = job.progress
        message = str(job.error) if job.error else progress.message
        with self._store.transaction() as tx:
            tx.execute(
                """UPDATE job SET state = ?, done = ?, total = ?, failed = ?, message = ?,
                          updated_at = timezone('UTC', now()) WHERE job_id = ?""",
                [str(state), progress.done, progress.total or 0, progress.failed, message, job.job_id],
            )


def _give_way() -> None:
    """Let the screens go first: this thread and those it starts take what processor time is left over."""
    if sys.platform == "linux":  # elsewhere niceness is of the whole process
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
