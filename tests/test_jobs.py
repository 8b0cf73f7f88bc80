"""The app's background work: whatever happens, a job ends, and others may look at the jobs meanwhile."""

import resource
import sys
import threading
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from srt_core.errors import ProjectError
from srt_core.project.progress import Progress
from srt_core.project.store import Store
from srt_core.steps.jobs import Job, Jobs, JobState


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.create(tmp_path / "p.srt") as store:
        yield store


@pytest.fixture
def full_disk() -> Iterator[threading.Event]:
    """While the event is set no file of this process can grow."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)

    class Full(threading.Event):
        def set(self) -> None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (1, hard))

        def clear(self) -> None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    full = Full()
    yield full
    full.clear()


def one_row(_stop: threading.Event) -> Generator[Progress, None, None]:
    yield Progress("rows", 1)


def ended(job: Job) -> Job:
    """Wait for a job to end."""
    assert job.thread is not None
    job.thread.join()
    return job


def test_a_job_whose_end_cannot_be_saved_has_failed(store: Store, full_disk: threading.Event) -> None:
    """On a full disk a job ends as failed with what is wrong, and the screens derive their tables themselves again."""

    def work(_stop: threading.Event) -> Generator[Progress, None, None]:
        yield Progress("rows", 1)
        full_disk.set()

    jobs = Jobs(store)
    job = ended(jobs.start("import", {}, work))
    full_disk.clear()
    assert job.state is JobState.FAILED
    assert isinstance(job.error, ProjectError) and "could not be written" in job.error.message
    assert (jobs.running(), store.may_lag) == ([], False)
    assert ended(jobs.start("import", {}, one_row)).state is JobState.DONE


def test_derived_tables_may_lag_until_the_last_job_ends(store: Store) -> None:
    """One of two jobs that ends leaves the other its leave to lag."""
    jobs = Jobs(store)
    gates = {kind: threading.Event() for kind in ("import", "reflect")}
    begun = threading.Barrier(3)

    def start(kind: str) -> Job:
        def work(_stop: threading.Event) -> Generator[Progress, None, None]:
            begun.wait()
            gates[kind].wait()
            yield Progress("rows", 1)

        return jobs.start(kind, {}, work)

    started = {kind: start(kind) for kind in gates}
    begun.wait()
    for kind, may_lag in (("reflect", True), ("import", False)):
        gates[kind].set()
        ended(started[kind])
        assert store.may_lag is may_lag


def test_jobs_are_looked_at_while_others_start(store: Store) -> None:
    """A screen that asks what runs is not disturbed by a job that starts in that moment."""
    jobs = Jobs(store)
    is_over = threading.Event()

    def start_many() -> None:
        for number in range(50):
            jobs.start(f"kind {number}", {}, one_row)
        is_over.set()

    before = sys.getswitchinterval()
    starter = threading.Thread(target=start_many)
    starter.start()
    sys.setswitchinterval(1e-6)
    try:
        while not is_over.is_set():
            jobs.running()
    finally:
        sys.setswitchinterval(before)
        starter.join()
        jobs.close()
    assert jobs.running() == []
