"""A student on a Ray cluster: this process plans and stores, workers on any number of machines compute packs.

A worker is a Ray actor, a process with one GPU or one core that holds the weights. Each has at most a few packs, so a
pack goes to the worker with the fewest, and few are lost with a process that ends. What it had goes to others and a new
process takes its place; a pack that ended several in turn is an error. Nothing else is retried: what the student
refuses, it refuses everywhere.

The one importer of ray, which is an optional extra.
"""

import logging
import os
import platform
import secrets
import socket
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from textwrap import shorten
from typing import TYPE_CHECKING, Any

from srt_core import __version__
from srt_core.errors import StudentError
from srt_core.records import Loss
from srt_core.student.loading import load_student, load_tokenizer
from srt_core.student.model import Student, short_reason
from srt_core.student.packing import Pack
from srt_core.student.scorer import Identity, Scorer

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

_AHEAD = 2
"""Packs that a worker has: the one it computes, and one more, so that it never waits for this process."""
_ATTEMPTS = 3
"""Processes that a pack may end, and that may end while they load the student, before nobody tries again."""
_CONNECT_SECONDS = 5.0
_PLACE_SECONDS = 120.0
"""How long Ray may take to find room for a first worker. Loading the weights may take as long as it takes."""
_STORE_BYTES = 80 * 2**20
"""Ray's shared memory on one machine. Packs are small; Ray takes no less."""
_DEVICES = ("auto", "cpu", "cuda")

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
class _Job:
    """A pack on its way. ended: how many processes ended while they had it in hand."""

    pack: Pack
    answer: Answer | None = None
    ended: int = 0


@dataclass(slots=True, eq=False)
class _Worker:
    """An actor and what is asked of it. An actor answers in the order it was asked, so `queue` is in that order."""

    holder: Any
    placed: Any
    reported: Any
    ended: int
    """Processes in its place that ended while they loaded the student, one after the other."""
    report: _Report | None = None
    queue: deque[tuple[Any, _Job]] = field(default_factory=deque)

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


class _Crew:
    """The workers, and the packs that each has."""

    def __init__(self, name: str, tokenizer: str, start: Callable[[int], _Worker], size: int) -> None:
        self._name, self._tokenizer, self._start = name, tokenizer, start
        self._workers = [start(0) for _ in range(size)]
        self._unsent: deque[_Job] = deque()
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

    def take(self, job: _Job) -> None:
        """Send a pack to the worker with the fewest, as soon as one has room."""
        self._unsent.append(job)
        self._send()

    def wait_for(self, job: _Job) -> list[Loss]:
        """Wait for the losses of a pack."""
        while job.answer is None:
            self._step()
        if isinstance(job.answer, StudentError):
            raise job.answer
        return job.answer

    def leave(self, jobs: Iterable[_Job]) -> None:
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

    def _receive(self, worker: _Worker, answer: Any) -> None:
        if isinstance(answer, _Ended):
            self._replace(worker, answer.reason)
        elif worker.report is None:
            self._welcome(worker, answer)
        else:
            _, job = worker.queue.popleft()
            job.answer = answer

    def _welcome(self, worker: _Worker, report: _Report | StudentError) -> None:
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

    def _replace(self, worker: _Worker, reason: str) -> None:
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


class RayStudent(Scorer):
    """A student on a Ray cluster. This process has its tokenizer and no weights."""

    def __init__(self, tokenizer: "PreTrainedTokenizerBase", name: str, start: Callable[[int], _Worker],
                 workers: int) -> None:  # fmt: skip
        """Start workers, and wait for the first.

        Raises:
            StudentError: the student cannot be loaded there, or Ray has no room for a worker.
        """
        super().__init__(tokenizer, name)
        self._crew = _Crew(name, self.tokenizer_fingerprint, start, workers)
        try:
            self._identity = replace(self._crew.first_report().identity, name=name)
        except BaseException:
            self.close()
            raise

    @property
    def identity(self) -> Identity:
        """What a scoring remembers of this student."""
        return self._identity

    def run(self, packs: Iterable[Pack]) -> Generator[tuple[Pack, list[Loss]], None, None]:
        """Compute packs on the workers, each of which takes a few.

        Raises:
            StudentError: as `Scorer.run`; also when a pack ended several workers, and when none is left.
        """
        waiting: deque[_Job] = deque()
        try:
            for pack in packs:
                waiting.append(self._begun(pack))
                if len(waiting) > self._crew.ahead:
                    yield self._finished(waiting)
            while waiting:
                yield self._finished(waiting)
        finally:
            self._crew.leave(waiting)

    def places(self) -> list[Place]:
        """Wait until every worker holds the student, and say in which processes that is."""
        return self._crew.places()

    def close(self) -> None:
        """End the workers."""
        self._crew.end()

    def _begun(self, pack: Pack) -> _Job:
        job = _Job(pack, None if pack else [])
        if pack:
            self._crew.take(job)
        return job

    def _finished(self, waiting: deque[_Job]) -> tuple[Pack, list[Loss]]:
        losses = self._crew.wait_for(waiting[0])
        return waiting.popleft().pack, losses


@contextmanager
def ray_student(
    name_or_path: str | Path,
    *,
    address: str | None = None,
    workers: int | None = None,
    device: str = "auto",
    dtype: str = "auto",
) -> Iterator[RayStudent]:
    """Hold a student on a Ray cluster, and end its workers afterwards.

    Args:
        name_or_path: as for `load_student`; a folder has to be there under the same path on each node.
        address: "host:port" of a running cluster of which this machine is a node, or "auto"; None starts a Ray on this
            machine and ends it afterwards. A Ray that this process is connected to already is used as it is.
        workers: how many; None for one a GPU of the cluster, or one a core where it has none.
        device: "auto" (a GPU each where the cluster has any), "cpu" or "cuda".
        dtype: as for `load_student`.

    Raises:
        StudentError: Ray is not installed or not reached, or the student cannot be loaded here or on a node.
    """
    _require_ray()
    name = str(name_or_path)
    if device not in _DEVICES:
        raise StudentError(f"There is no device '{device}' on a cluster.", f"Use {', '.join(_DEVICES)}.")
    if address is not None:
        _require_answer(address)
    tokenizer = load_tokenizer(name)
    with _connected(address, workers):
        chosen = _chosen_device(device)
        start = _starter(_source_on_nodes(name), chosen, dtype)
        student = RayStudent(tokenizer, name, start, _chosen_size(workers, chosen))
        try:
            yield student
        finally:
            student.close()


def _require_ray() -> None:
    try:
        import ray  # noqa: F401
    except ImportError as error:
        message = f"Ray cannot be imported: {short_reason(error)}."
        raise StudentError(message, "Install it with: pip install 'srt-curator[ray]'.") from error


@contextmanager
def _connected(address: str | None, workers: int | None) -> Iterator[None]:
    import ray

    if ray.is_initialized():
        yield
        return
    logging.getLogger("ray").setLevel(logging.ERROR)  # it has notices before it reads its own argument
    try:
        if address is None:
            _start_ray(workers)
        else:
            _reach_ray(address)
        yield
    finally:
        ray.shutdown()


def _start_ray(workers: int | None) -> None:
    import ray

    try:
        with _local_settings():
            ray.init(address="local", num_cpus=workers, include_dashboard=False, log_to_driver=False,
                     object_store_memory=_STORE_BYTES, logging_level=logging.ERROR)  # fmt: skip
    except (OSError, RuntimeError, ValueError, ray.exceptions.RayError) as error:
        message = f"Ray did not start on this machine: {short_reason(error)}."
        raise StudentError(message, "Score with --engine local, which needs no Ray.") from error


def _reach_ray(address: str) -> None:
    import ray

    try:
        ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR)
    except (OSError, RuntimeError, ValueError, ray.exceptions.RayError) as error:
        raise _not_reached(address, short_reason(error)) from error


def _not_reached(address: str, reason: str) -> StudentError:
    hint = "Run srt on a node of the cluster, with --address auto or the host:port that 'ray start --head' printed."
    return StudentError(f"No Ray cluster was reached at '{address}': {reason}.", hint)


@contextmanager
def _local_settings() -> Iterator[None]:
    """No statistics; and a token that only this Ray knows, where Ray would write one to the home folder.

    Ray reads them from the environment while it starts, and hands them to its processes.
    """
    wanted = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
    ours = {name: value for name, value in wanted.items() if name not in os.environ}
    os.environ.update(ours)
    try:
        yield
    finally:
        for name in ours:
            del os.environ[name]


def _require_answer(address: str) -> None:
    """Ask once whether a port answers: Ray asks again and again, for minutes. Ray itself finds out about "auto"."""
    if address == "auto":
        return
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal() or "/" in host:
        raise _not_reached(address, "that is no host:port")
    try:
        socket.create_connection((host.strip("[]"), int(port)), _CONNECT_SECONDS).close()
    except (OSError, OverflowError) as error:
        raise _not_reached(address, short_reason(error)) from error


def _chosen_device(device: str) -> str:
    has_gpu = _room("GPU") > 0
    if device == "auto":
        return "cuda" if has_gpu else "cpu"
    if device == "cuda" and not has_gpu:
        raise StudentError("The Ray cluster has no GPU.", "Use auto or cpu, or start its nodes with --num-gpus.")
    return device


def _chosen_size(workers: int | None, device: str) -> int:
    resource, word = ("GPU", "GPUs") if device == "cuda" else ("CPU", "cores")
    room = _room(resource)
    if room < (workers or 1):
        message = f"The Ray cluster has {room} {word}, fewer than the {workers or 1} workers asked for."
        raise StudentError(message, "Lower --workers, or add nodes with: ray start --address.")
    return workers or room


def _room(resource: str) -> int:
    """How much of a resource the whole cluster has, used or not."""
    import ray

    found: dict[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call]
    return int(found.get(resource, 0))


def _source_on_nodes(name: str) -> str:
    """A folder by its whole path: a worker has another working directory."""
    folder = Path(name).expanduser()
    return str(folder.resolve()) if folder.exists() else name


def _starter(source: str, device: str, dtype: str) -> Callable[[int], _Worker]:
    import ray

    share: dict[str, Any] = {"num_cpus": 0, "num_gpus": 1} if device == "cuda" else {"num_cpus": 1, "num_gpus": 0}
    actor: Any = ray.remote(max_restarts=0, max_task_retries=0, **share)(_Holder)

    def start(ended: int) -> _Worker:
        holder = actor.remote(source, device, dtype)
        return _Worker(holder, holder.place.remote(), holder.report.remote(), ended)

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


def _too_often(job: _Job, reason: str) -> StudentError:
    longest = max(len(request.ids) for request in job.pack)
    message = f"A pack with a text of {longest} tokens ended {job.ended} workers one after the other: {reason}."
    return StudentError(message, "If memory ran out on the node, lower --token-budget or --max-length.")
