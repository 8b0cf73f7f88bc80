"""A student on a Ray cluster: this process plans and stores, workers on any number of machines compute packs.

Ray, an optional extra, is imported here and in `ray_workers` alone.
"""

import logging
import os
import secrets
import socket
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from srt_core.errors import StudentError
from srt_core.records import Loss
from srt_core.score.student.failures import short_reason
from srt_core.score.student.loading import load_tokenizer
from srt_core.score.student.packing import Pack
from srt_core.score.student.ray_workers import PackJob, RayWorkers, Worker, WorkerProcess, starter
from srt_core.score.student.scorer import Identity, Scorer

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

_CONNECT_SECONDS = 5.0
_STORE_BYTES = 80 * 2**20
"""Ray's shared memory on one machine. Packs are small; Ray takes no less."""
_DEVICES = ("auto", "cpu", "cuda")


class RayStudent(Scorer):
    """A student on a Ray cluster. This process has its tokenizer and no weights."""

    def __init__(self, tokenizer: "PreTrainedTokenizerBase", name: str, start: Callable[[int], Worker],
                 workers: int) -> None:  # fmt: skip
        """Start workers, and wait for the first.

        Raises:
            StudentError: the student cannot be loaded there, or Ray has no room for a worker.
        """
        super().__init__(tokenizer, name)
        self._workers = RayWorkers(name, self.tokenizer_fingerprint, start, workers)
        try:
            self._identity = replace(self._workers.first_report().identity, name=name)
        except BaseException:
            self.close()
            raise

    @property
    def identity(self) -> Identity:
        """What a scoring remembers of this student."""
        return self._identity

    def run(self, packs: Iterable[Pack]) -> Generator[tuple[Pack, list[Loss]], None, None]:
        """Yield packs with their losses, computed on the workers, each of which holds a few.

        Raises:
            StudentError: as `Scorer.run`; also when a pack ended several workers, and when none is left.
        """
        waiting: deque[PackJob] = deque()
        try:
            for pack in packs:
                waiting.append(self._submitted(pack))
                if len(waiting) > self._workers.ahead:
                    yield self._finished(waiting)
            while waiting:
                yield self._finished(waiting)
        finally:
            self._workers.drop(waiting)

    def processes(self) -> list[WorkerProcess]:
        """Wait until every worker has loaded the student; return their processes."""
        return self._workers.processes()

    def close(self) -> None:
        """End the workers."""
        self._workers.end()

    def _submitted(self, pack: Pack) -> PackJob:
        job = PackJob(pack, None if pack else [])
        if pack:
            self._workers.submit(job)
        return job

    def _finished(self, waiting: deque[PackJob]) -> tuple[Pack, list[Loss]]:
        losses = self._workers.wait_for(waiting[0])
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
    """Yield a student on a Ray cluster, and end its workers afterwards.

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
        start = starter(_source_on_nodes(name), chosen, dtype)
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
    logging.getLogger("ray").setLevel(logging.ERROR)  # Ray logs before it reads its `logging_level` argument
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
    """Set what Ray reads from the environment while it starts and passes to its processes; unset it afterwards.

    No usage statistics, and a token of this run alone: otherwise Ray writes one to the home folder.
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
    """Check once that the port answers: Ray itself retries for minutes. "auto" is left to Ray."""
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
    has_gpu = _available("GPU") > 0
    if device == "auto":
        return "cuda" if has_gpu else "cpu"
    if device == "cuda" and not has_gpu:
        raise StudentError("The Ray cluster has no GPU.", "Use auto or cpu, or start its nodes with --num-gpus.")
    return device


def _chosen_size(workers: int | None, device: str) -> int:
    resource, word = ("GPU", "GPUs") if device == "cuda" else ("CPU", "cores")
    available = _available(resource)
    if available < (workers or 1):
        message = f"The Ray cluster has {available} {word}, fewer than the {workers or 1} workers asked for."
        raise StudentError(message, "Lower --workers, or add nodes with: ray start --address.")
    return workers or available


def _available(resource: str) -> int:
    """Return how much of a resource the whole cluster has, used or not."""
    import ray

    found: dict[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call]
    return int(found.get(resource, 0))


def _source_on_nodes(name: str) -> str:
    """Return a folder by its absolute path, because a worker has another working directory."""
    folder = Path(name).expanduser()
    return str(folder.resolve()) if folder.exists() else name
