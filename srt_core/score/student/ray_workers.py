"""The workers of a Ray cluster, and the packs queued at each.

A worker is a Ray actor: a process with one GPU or one core that holds the weights. A pack goes to the worker with the
shortest queue, and a queue has at most two packs, so few are lost when a process crashes. Its packs are then sent to
other workers and a new process is started; a pack that crashed several processes in turn is an error. Nothing else is
retried: what a student refuses on one node, it refuses on all.
"""

import os
import platform
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from textwrap import shorten
from typing import Any

from srt_core import __version__
from srt_core.errors import StudentError
from srt_core.records import Loss
from srt_core.score.student.loading import load_student
from srt_core.score.student.model import Student
from srt_core.score.student.packing import Pack
from srt_core.score.student.scorer import Identity

_AHEAD = 2
"""Packs queued at a worker: the one it computes, and the next, so that it never waits for this process."""
_ATTEMPTS = 3
"""Crashes after which a pack, or the loading of the student by one worker, is not tried again."""
_START_SECONDS = 120.0
"""Time limit for Ray to start a first worker. Loading the weights has no time limit."""

PackResult = list[Loss] | StudentError
"""An error is returned as a value: Ray would wrap a raised one in an error of its own."""


@dataclass(frozen=True, slots=True)
class WorkerProcess:
    """The process that a worker runs in: host name and process id."""

    host: str
    pid: int


@dataclass(frozen=True, slots=True)
class _Report:
    """What a worker reports once it has loaded the student. The first report is what all others must agree with."""

    process: WorkerProcess
    identity: Identity
    tokenizer: str
    versions: str


class _StudentActor:
    """The class of the Ray actor: it runs in the worker's process, holds the student and computes packs."""

    def __init__(self, source: str, device: str, dtype: str) -> None:
        self._source, self._device, self._dtype = source, device, dtype

    @cached_property
    def _student(self) -> Student:
        import torch

        student = load_student(self._source, device=self._device, dtype=self._dtype)
        torch.set_num_threads(1)  # as a core computes a pack in `Student.run`
        return student

    def process(self) -> WorkerProcess:
        """Return this process, before the student is loaded: Ray answers it as soon as the actor has started."""
        return WorkerProcess(platform.node(), os.getpid())

    def report(self) -> _Report | StudentError:
        """Load the student; return what identifies it, or the error that loading raised."""
        import torch
        import transformers

        versions = f"srt {__version__}, torch {torch.__version__}, transformers {transformers.__version__}"
        try:
            return _Report(self.process(), self._student.identity, self._student.tokenizer_fingerprint, versions)
        except StudentError as error:
            return error

    def compute(self, pack: Pack) -> PackResult:
        """Return the losses of one pack, or the error that it raised."""
        try:
            return self._student.compute(pack)
        except StudentError as error:
            return error


@dataclass(slots=True, eq=False)
class PackJob:
    """A pack and its result, None until it is computed. crashes: processes that crashed while they computed it."""

    pack: Pack
    result: PackResult | None = None
    crashes: int = 0


@dataclass(slots=True, eq=False)
class Worker:
    """An actor, and Ray's references to the results it owes.

    `started`: its process; `reported`: its report; `queue`: its packs, oldest first. An actor answers in the order of
    the calls, so the next result is always that of the head of the queue.
    """

    actor: Any
    started: Any
    reported: Any
    crashes: int
    """Processes that crashed in a row in this place while they loaded the student."""
    report: _Report | None = None
    queue: deque[tuple[Any, PackJob]] = field(default_factory=deque)

    @property
    def awaited(self) -> Any:
        """The reference to the next result, None if none is outstanding."""
        if self.report is None:
            return self.reported
        return self.queue[0][0] if self.queue else None


@dataclass(frozen=True, slots=True)
class _Crashed:
    """The process of a worker ended before it returned its result."""

    reason: str


class RayWorkers:
    """The pool of workers: sends them packs, receives results and replaces processes that crash."""

    def __init__(self, name: str, tokenizer: str, start: Callable[[int], Worker], size: int) -> None:
        self._name, self._tokenizer, self._start = name, tokenizer, start
        self._workers = [start(0) for _ in range(size)]
        self._unsent: deque[PackJob] = deque()
        self._first: _Report | None = None
        self.ahead = _AHEAD * size

    def first_report(self) -> _Report:
        """Wait for the first worker that has loaded the student; return its report."""
        while self._first is None:
            self._step()
        return self._first

    def processes(self) -> list[WorkerProcess]:
        """Wait until every worker has loaded the student; return their processes."""
        while any(worker.report is None for worker in self._workers):
            self._step()
        return [worker.report.process for worker in self._workers if worker.report]

    def submit(self, job: PackJob) -> None:
        """Queue a pack at the worker with the shortest queue, as soon as one has room."""
        self._unsent.append(job)
        self._send()

    def wait_for(self, job: PackJob) -> list[Loss]:
        """Wait for a pack; return its losses. StudentError if it failed."""
        while job.result is None:
            self._step()
        if isinstance(job.result, StudentError):
            raise job.result
        return job.result

    def drop(self, jobs: Iterable[PackJob]) -> None:
        """Forget packs whose result is no longer needed: at most the few that are queued are still computed.

        They are not cancelled: an actor waits for a cancelled call for half a minute before it takes the next.
        """
        dropped = set(map(id, jobs))
        self._unsent = deque(job for job in self._unsent if id(job) not in dropped)
        for worker in self._workers:
            worker.queue = deque(sent for sent in worker.queue if id(sent[1]) not in dropped)

    def end(self) -> None:
        """End every worker."""
        import ray

        for worker in self._workers:
            ray.kill(worker.actor)

    def _send(self) -> None:
        while self._unsent:
            free = [worker for worker in self._workers if worker.report and len(worker.queue) < _AHEAD]
            if not free:
                return
            worker = min(free, key=lambda worker: len(worker.queue))
            job = self._unsent.popleft()
            worker.queue.append((worker.actor.compute.remote(job.pack), job))

    def _step(self) -> None:
        """Wait for the next result of any worker and handle it."""
        import ray

        if not any(worker.report for worker in self._workers):
            self._wait_for_room()
        asked = {worker.awaited: worker for worker in self._workers if worker.awaited is not None}
        (ref,), _ = ray.wait(list(asked), num_returns=1)
        self._receive(asked[ref], _answer(ref))
        self._send()

    def _wait_for_room(self) -> None:
        import ray

        ready, _ = ray.wait([worker.started for worker in self._workers], num_returns=1, timeout=_START_SECONDS)
        if not ready:
            message = f"Ray had no room for any of {len(self._workers)} workers in {_START_SECONDS:.0f} seconds."
            raise StudentError(message, "See what is in use with: ray status. What was scored is kept.")

    def _receive(self, worker: Worker, answer: Any) -> None:
        if isinstance(answer, _Crashed):
            self._replace(worker, answer.reason)
        elif worker.report is None:
            self._accept_report(worker, answer)
        else:
            _, job = worker.queue.popleft()
            job.result = answer

    def _accept_report(self, worker: Worker, report: _Report | StudentError) -> None:
        if isinstance(report, StudentError):
            raise report
        self._first = self._first or report
        if report.tokenizer != self._tokenizer:
            raise self._differs("tokenizer", report.process.host, "the one here")
        first = self._first
        for what, one, other in (
            ("versions", report.versions, first.versions),
            ("fingerprint", report.identity.fingerprint, first.identity.fingerprint),
            ("batching", report.identity.batching, first.identity.batching),
        ):
            if one != other:
                raise self._differs(what, report.process.host, f"{other} on {first.process.host}", f" {one}")
        worker.report, worker.crashes = report, 0

    def _differs(self, what: str, host: str, other: str, one: str = "") -> StudentError:
        message = f"The node {host} has another student '{self._name}': its {what}{one} is not {other}."
        return StudentError(message, "Copy the same folder to each node, and install the same versions.")

    def _replace(self, worker: Worker, reason: str) -> None:
        """Start a new process for a worker that crashed, and put its packs at the head of the unsent ones."""
        import ray

        ray.kill(worker.actor)  # it may still be there: a connection that broke looks the same
        jobs = [job for _, job in worker.queue]
        if jobs:  # the first was being computed; those behind it had not begun and are not to blame
            jobs[0].crashes += 1
            if jobs[0].crashes >= _ATTEMPTS:
                jobs[0].result = _too_often(jobs[0], reason)
        self._unsent.extendleft(job for job in reversed(jobs) if job.result is None)
        self._workers.remove(worker)
        crashes = 0 if worker.report else worker.crashes + 1
        if crashes < _ATTEMPTS:
            self._workers.append(self._start(crashes))
        elif not self._workers:
            message = f"Every worker ended while it loaded the student '{self._name}': {reason}."
            raise StudentError(message, "Use fewer --workers if memory ran out, and install srt-curator on each node.")


def starter(source: str, device: str, dtype: str) -> Callable[[int], Worker]:
    """Return a function that starts a worker, given how many processes have crashed in its place."""
    import ray

    share: dict[str, Any] = {"num_cpus": 0, "num_gpus": 1} if device == "cuda" else {"num_cpus": 1, "num_gpus": 0}
    actor: Any = ray.remote(max_restarts=0, max_task_retries=0, **share)(_StudentActor)

    def start(crashes: int) -> Worker:
        actor_handle = actor.remote(source, device, dtype)
        return Worker(actor_handle, actor_handle.process.remote(), actor_handle.report.remote(), crashes)

    return start


def _answer(ref: Any) -> Any:
    """Return the result; _Crashed where the process ended, a StudentError where the actor's code raised."""
    import ray

    try:
        return ray.get(ref)
    except ray.exceptions.RayTaskError as error:
        message = f"A worker failed: {_last_line(error)}."
        return StudentError(message, "Try the same with --engine local, to see whether the cluster is at fault.")
    except ray.exceptions.RayError as error:
        return _Crashed(_last_line(error))


def _last_line(error: Exception) -> str:
    """Return the last line of an error, where Ray puts the cause, without Ray's general advice on such causes."""
    lines = [line for line in str(error).splitlines() if line.strip()]
    return shorten(lines[-1].partition(" Some common causes")[0], 240).rstrip(".") if lines else type(error).__name__


def _too_often(job: PackJob, reason: str) -> StudentError:
    longest = max(len(request.ids) for request in job.pack)
    message = f"A pack with a text of {longest} tokens ended {job.crashes} workers one after the other: {reason}."
    return StudentError(message, "If memory ran out on the node, lower --token-budget or --max-length.")
