"""Where a student computes: in this process, or on a Ray cluster."""

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum

from srt_core.errors import StudentError
from srt_core.score.student.loading import load_student
from srt_core.score.student.scorer import Scorer


class Engine(StrEnum):
    """Where packs are computed. The losses are the same."""

    LOCAL = "local"
    RAY = "ray"


@contextmanager
def open_student(
    name: str,
    *,
    engine: Engine = Engine.LOCAL,
    address: str | None = None,
    workers: int | None = None,
    device: str = "auto",
    dtype: str = "auto",
) -> Iterator[Scorer]:
    """Yield a student that is released when the block ends; `address` and `workers` are those of `ray_student`.

    Raises:
        StudentError: as `load_student` and `ray_student`.
    """
    if engine is Engine.RAY:
        from srt_core.score.student.ray_student import ray_student

        with ray_student(name, address=address, workers=workers, device=device, dtype=dtype) as student:
            yield student
    elif address is not None or workers is not None:
        raise StudentError("An address and a number of workers are for a cluster.", "Add --engine ray.")
    else:
        yield load_student(name, device=device, dtype=dtype)
