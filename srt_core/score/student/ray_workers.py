"""The workers of a Ray cluster and the packs that each has.

A worker is a Ray actor, a process with one GPU or one core that holds the weights. Each has at most a few packs, so a
pack goes to the worker with the fewest, and few are lost with a process that ends. What it had goes to others and a new
process takes its place; a pack that ended several in turn is an error. Nothing else is retried: what the student
refuses, it refuses everywhere.
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
"""Packs that a worker has: the one it computes, and one more, so that it never waits for this process."""
_ATTEMPTS = 3
"""Processes that a pack may end, and that may end while they load the student, before nobody tries again."""
_PLACE_SECONDS = 120.0
"""How long Ray may take to find room for a first worker. Loading the weights may take as long as it takes."""

Answer = list[Loss] | StudentError
"""A refusal travels as a value: Ray would wrap it in an error of its own."""


@dataclass(frozen=True, slots=True)
class Place:
    """The process of a worker."""

    host: str
    pid: int


@dataclass(frozen=True, slots=True)
class _Report:
    """What a worker says once it holds the student."""

    place: Place
    identity: Identity
    tokenizer: str
    versions: str


class _Holder:
    """Runs in a worker: holds the student and answers for it."""

    def __init__(self, source: str, device: str, dtype: str) -> None:
        self._source, self._device, self._dtype = source, device, dtype

    @cached_property
    def _student(self) -> Student:
        import torch

        student = load_student(self._source, device=self._device, dtype=self._dtype)
        torch.set_num_threads(1)  # as a core computes a pack in `Student.run`
        return student

    def place(self) -> Place:
        """Say where this is, at once."""
        return Place(platform.node(), os.getpid())

    def report(self) -> _Report | StudentError:
        """Load the student and say what it is."""
        import torch
        import transformers

        versions = f"srt {__version__}, torch {torch.__version__}, transformers {transformers.__version__}"
        try:
            return _Report(self.place(), self._student.identity, self._student.tokenizer_fingerprint, versions)
        except StudentError as error:
            return error

    def compute(self, pack: Pack) -> Answer:
        """Compute one pack."""
        try:
            return self._student.compute(pack)
        except StudentError as error:
            return error


@dataclass(slots=True, eq=False)
class Job:
    """A pack on its way. ended: how many processes ended while they had it in hand."""

    pack: Pack
    answer: Answer | None = None
    ended: int = 0


@dataclass(slots=True, eq=False)
class Worker:
    """An actor and what is asked of it. An actor answers in the order it was asked, so `queue` is in that order."""

    holder: Any
    placed: Any
    reported: Any
    ended: int
    """Processes in its place that ended while they loaded the student, one after the other."""
    report: _Report | None = None
    queue: deque[tuple[Any, Job]] = field(default_factory=deque)

    @property
    def awaited(self) -> Any:
        """The answer that comes next, None if nothing is asked."""
        if self.report is None:
            return self.reported
        return self.queue[0][0] if self.queue else None


@dataclass(frozen=True, slots=True)
class _Ended:
    """A process ended before it answered."""

    reason: str


class Crew:
    """The workers, and the packs that each has."""

    def __init__(self, name: str, tokenizer: str, start: Callable[[int], Worker], size: int) -> None:
        self._name, self._tokenizer, self._start = name, tokenizer, start
        self._workers = [start(0) for _ in range(size)]
        self._unsent: deque[Job] = deque()
        self._first: _Report | None = None
        self.ahead = _AHEAD * size

    def first_report(self) -> _Report:
        """Wait for the first worker that holds the student."""
        while self._first is None:
            self._step()
        return self._first

    def places(self) -> list[Place]:
        """Wait until every worker holds the student, and say where they are."""
        while any(worker.report is None for worker in self._workers):
            self._step()
        return [worker.report.place for worker in self._workers if worker.report]

    def take(self, job: Job) -> None:
        """Send a pack to the worker with the fewest, as soon as one has room."""
        self._unsent.append(job)
        self._send()

    def wait_for(self, job: Job) -> list[Loss]:
        """Wait for the losses of a pack."""
        while job.answer is None:
            self._step()
        if isinstance(job.answer, StudentError):
            raise job.answer
        return job.answer

    def leave(self, jobs: Iterable[Job]) -> None:
        """Drop packs that nobody waits for any longer; those that a worker has in hand it finishes for itself."""
        import ray

        dropped = set(map(id, jobs))
        self._unsent = deque(job for job in self._unsent if id(job) not in dropped)
        for worker in self._workers:
            for ref, job in worker.queue:
                if id(job) in dropped:
                    ray.cancel(ref)
            worker.queue = deque(sent for sent in worker.queue if id(sent[1]) not in dropped)

    def end(self) -> None:
        """End every worker."""
        import ray

        for worker in self._workers:
            ray.kill(worker.holder)

    def _send(self) -> None:
        while self._unsent:
            free = [worker for worker in self._workers if worker.report and len(worker.queue) < _AHEAD]
            if not free:
                return
            worker = min(free, key=lambda worker: len(worker.queue))
            job = self._unsent.popleft()
            worker.queue.append((worker.holder.compute.remote(job.pack), job))

    def _step(self) -> None:
        """Wait for the next answer of any worker, and act upon it."""
        import ray

        if not any(worker.report for worker in self._workers):
            self._wait_for_room()
        asked = {worker.awaited: worker for worker in self._workers if worker.awaited is not None}
        (ref,), _ = ray.wait(list(asked), num_returns=1)
        self._receive(asked[ref], _answer(ref))
        self._send()

    def _wait_for_room(self) -> None:
        import ray

        ready, _ = ray.wait([worker.placed for worker in self._workers], num_returns=1, timeout=_PLACE_SECONDS)
        if not ready:
            message = f"Ray had no room for any of {len(self._workers)} workers in {_PLACE_SECONDS:.0f} seconds."
            raise StudentError(message, "See what is in use with: ray status. What was scored is kept.")

    def _receive(self, worker: Worker, answer: Any) -> None:
        if isinstance(answer, _Ended):
            self._replace(worker, answer.reason)
        elif worker.report is None:
            self._welcome(worker, answer)
        else:
            _, job = worker.queue.popleft()
            job.answer = answer

    def _welcome(self, worker: Worker, report: _Report | StudentError) -> None:
        if isinstance(report, StudentError):
            raise report
        self._first = self._first or report
        if report.tokenizer != self._tokenizer:
            raise self._differs("tokenizer", report.place.host, "the one here")
        first = self._first
        for what, one, other in (
            ("versions", report.versions, first.versions),
            ("fingerprint", report.identity.fingerprint, first.identity.fingerprint),
            ("batching", report.identity.batching, first.identity.batching),
        ):
            if one != other:
                raise self._differs(what, report.place.host, f"{other} on {first.place.host}", f" {one}")
        worker.report, worker.ended = report, 0

    def _differs(self, what: str, host: str, other: str, one: str = "") -> StudentError:
        message = f"The node {host} has another student '{self._name}': its {what}{one} is not {other}."
        return StudentError(message, "Copy the same folder to each node, and install the same versions.")

    def _replace(self, worker: Worker, reason: str) -> None:
        """Put a new process in the place of one that ended, and what it had at the head of the line."""
        import ray

        ray.kill(worker.holder)  # it may still be there: a connection that broke looks the same
        jobs = [job for _, job in worker.queue]
        if jobs:
            jobs[0].ended += 1
            if jobs[0].ended >= _ATTEMPTS:
                jobs[0].answer = _too_often(jobs[0], reason)
        self._unsent.extendleft(job for job in reversed(jobs) if job.answer is None)
        self._workers.remove(worker)
        ended = 0 if worker.report else worker.ended + 1
        if ended < _ATTEMPTS:
            self._workers.append(self._start(ended))
        elif not self._workers:
            message = f"Every worker ended while it loaded the student '{self._name}': {reason}."
            raise StudentError(message, "Use fewer --workers if memory ran out, and install srt-curator on each node.")


def starter(source: str, device: str, dtype: str) -> Callable[[int], Worker]:
    """Return what starts a worker, given how many processes in its place have ended."""
    import ray

    share: dict[str, Any] = {"num_cpus": 0, "num_gpus": 1} if device == "cuda" else {"num_cpus": 1, "num_gpus": 0}
    actor: Any = ray.remote(max_restarts=0, max_task_retries=0, **share)(_Holder)

    def start(ended: int) -> Worker:
        holder = actor.remote(source, device, dtype)
        return Worker(holder, holder.place.remote(), holder.report.remote(), ended)

    return start


def _answer(ref: Any) -> Any:
    """The answer, _Ended for a process that ended, a StudentError for what the code of a worker did not foresee."""
    import ray

    try:
        return ray.get(ref)
    except ray.exceptions.RayTaskError as error:
        message = f"A worker failed: {_last_line(error)}."
        return StudentError(message, "Try the same with --engine local, to see whether the cluster is at fault.")
    except ray.exceptions.RayError as error:
        return _Ended(_last_line(error))


def _last_line(error: Exception) -> str:
    """Ray tells the cause last, below a traceback or a list of ids; what such a cause is in general we leave out."""
    lines = [line for line in str(error).splitlines() if line.strip()]
    return shorten(lines[-1].partition(" Some common causes")[0], 240).rstrip(".") if lines else type(error).__name__


def _too_often(job: Job, reason: str) -> StudentError:
    longest = max(len(request.ids) for request in job.pack)
    message = f"A pack with a text of {longest} tokens ended {job.ended} workers one after the other: {reason}."
    return StudentError(message, "If memory ran out on the node, lower --token-budget or --max-length.")
