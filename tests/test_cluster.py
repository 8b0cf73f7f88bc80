"""Scoring on Ray: what a real local cluster computes, also when its processes are killed."""

import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import torch

from srt_core.errors import StudentError
from srt_core.importing.run import import_file
from srt_core.project.store import Row, Store
from srt_core.records import LossRequest, LossStatus
from srt_core.score.run import score
from srt_core.score.student import Pack, load_student, open_student
from srt_core.score.student.ray_student import RayStudent, ray_student
from srt_core.score.templates import load_template
from tests.conftest import ROOT
from tests.small_project import COLUMN_MAP, rows_with_candidates, save_student, write_lines
from tests.tiny_students import byte_tokenizer, save, tiny_llama

pytestmark = [pytest.mark.slow, pytest.mark.thorough]

ALPACA = load_template("alpaca")
SAMPLES = 40
BUDGET = 512
START_SECONDS = 60
MARK = "SRT_TEST_OF_CLUSTER"


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_student(tmp_path_factory.mktemp("cluster") / "student")


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """A Ray cluster of this machine alone, with room for three workers, that is over with its first process."""
    token = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
    place = tempfile.mkdtemp(prefix="srt")  # a short path: Ray puts sockets below it
    with pytest.MonkeyPatch.context() as patch, (Path(place) / "start.log").open("wb") as log:
        for name, value in {**token, "RAY_USAGE_STATS_ENABLED": "0"}.items():
            patch.setenv(name, value)
        port = free_port()
        options = f"--head --block --num-cpus=3 --num-gpus=0 --include-dashboard=false --port={port}"
        options += f" --node-ip-address=127.0.0.1 --object-store-memory={80 * 2**20} --temp-dir={place}"
        command = [sys.executable, "-m", "ray.scripts.scripts", "start", *options.split()]
        process = subprocess.Popen(command, stdout=log, stderr=log)
        wait_until_open(port, process)
        yield f"127.0.0.1:{port}"
        process.terminate()
        process.wait(START_SECONDS)
    shutil.rmtree(place, ignore_errors=True)


@pytest.fixture(scope="module")
def student(address: str, folder: Path) -> Iterator[RayStudent]:
    """A student of two workers."""
    with ray_student(folder, address=address, workers=2, device="cpu") as student:
        yield student


@pytest.fixture(scope="module")
def expected(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Row]]:
    """What the same project has that was scored in this process."""
    with created(tmp_path_factory.mktemp("local") / "p.srt") as store:
        for _ in score(store, load_student(folder, device="cpu"), ALPACA, token_budget=BUDGET):
            pass
        return found(store)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until_open(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    pytest.fail("Ray did not start.")


def created(path: Path) -> Store:
    store = Store.create(path)
    data = write_lines(path.with_suffix(".jsonl"), rows_with_candidates(SAMPLES))
    for _ in import_file(store, data, column_map=COLUMN_MAP):
        pass
    return store


def found(store: Store) -> dict[str, list[Row]]:
    return {
        "loss": store.rows("SELECT * FROM loss ORDER BY key"),
        "score": store.rows("SELECT * FROM score ORDER BY scoring_id, candidate_id"),
    }


def marked_processes(value: str) -> list[str]:
    """The commands of processes that have this mark in their environment."""
    commands = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if f"{MARK}={value}".encode() in (process / "environ").read_bytes().split(b"\0"):
                commands.append((process / "cmdline").read_text().replace("\0", " "))
        except OSError:  # it ended while we looked, or is somebody else's
            continue
    return commands


def commands_below(pid: int) -> list[str]:
    """The commands of all processes that a process started, and that those started."""
    parents, commands = {}, {}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            parents[process.name] = (process / "stat").read_text().rpartition(")")[2].split()[1]
            commands[process.name] = (process / "cmdline").read_text()
        except OSError:  # it ended while we looked
            continue
    below = {str(pid)}
    while more := {name for name, parent in parents.items() if parent in below} - below:
        below |= more
    return [commands[name] for name in below if name in commands]


def requests(count: int) -> list[LossRequest]:
    """Requests of 40 tokens each that share nothing."""
    ids = [tuple((number * 7 + place * (number + 3)) % 90 + 5 for place in range(40)) for number in range(count)]
    return [LossRequest(each, 5, LossStatus.OK) for each in ids]


def test_ray_computes_what_this_process_computes(
    student: RayStudent, expected: dict[str, list[Row]], tmp_path: Path
) -> None:
    """A project scored by two workers has the very loss and score rows of one scored here, bit for bit."""
    with created(tmp_path / "p.srt") as store:
        for _ in score(store, student, ALPACA, token_budget=BUDGET):
            pass
        assert found(store) == expected
    assert len(expected["score"]) == 4 * SAMPLES
    assert len({process.pid for process in student.processes()}) == 2


def test_a_killed_worker_costs_nothing_but_time(
    student: RayStudent, expected: dict[str, list[Row]], tmp_path: Path
) -> None:
    """`kill -9` of one of two workers in the middle: the run ends by itself, with the same rows, each stored once."""
    killed, other = student.processes()
    with created(tmp_path / "p.srt") as store:
        is_killed = False
        for progress in score(store, student, ALPACA, token_budget=BUDGET):
            if progress.tokens and not is_killed:
                os.kill(killed.pid, signal.SIGKILL)
                is_killed = True
        assert is_killed
        assert found(store) == expected
    processes = student.processes()
    assert len(processes) == 2
    assert other in processes
    assert killed not in processes


def test_packs_are_taken_a_few_ahead(student: RayStudent) -> None:
    """Of many packs only a few are taken before the first comes back; a run after one that was closed is its own."""
    taken: list[Pack] = []

    def noted() -> Iterator[Pack]:
        for pack in student.packs(requests(200), 40):
            taken.append(pack)
            yield pack

    with closing(student.run(noted())) as computed:
        first, _ = next(computed)
    assert first == taken[0]
    assert len(taken) <= 5
    assert [index for index, _ in student.losses(requests(3))] == [0, 1, 2]


def test_packs_come_back_in_order(student: RayStudent, folder: Path) -> None:
    """Results come in the order of the packs, an empty one too, with the losses that this process computes."""
    packs = [*student.packs(requests(30), 120), (), *student.packs(requests(40)[30:], 40)]
    there, here = list(student.run(packs)), list(load_student(folder, device="cpu").run(packs))
    assert [pack for pack, _ in there] == packs
    assert there == here


def test_what_a_worker_refuses_is_told_as_it_is_here(student: RayStudent, address: str, tmp_path: Path) -> None:
    """A StudentError inside a worker reaches the caller as that very error, with its hint, and ends nobody else."""
    with pytest.raises(StudentError, match="longer than the student's 512") as refused:
        list(student.losses([LossRequest(tuple(range(5, 95)) * 6, 5, LossStatus.OK)]))
    assert refused.value.hint == "Set the max length to at most 512."
    unread = save_student(tmp_path / "unread")
    (unread / "model.safetensors").write_bytes(b"no weights")
    with (
        pytest.raises(StudentError, match="No student could be loaded") as unloaded,
        ray_student(unread, address=address, workers=1, device="cpu"),
    ):
        pytest.fail("It was loaded.")
    assert unloaded.value.hint.startswith("Give a folder with config.json")
    assert len(list(student.losses(requests(3)))) == 3


def test_a_worker_with_other_weights_gets_no_pack(student: RayStudent, address: str, tmp_path: Path) -> None:
    """Where a new process finds another student under the same name, the run ends and names its node."""
    changing = save_student(tmp_path / "changing")
    with ray_student(changing, address=address, workers=1, device="cpu") as alone:
        (process,) = alone.processes()
        tokenizer = byte_tokenizer(has_bos=True)
        save(changing, tiny_llama(len(tokenizer), layers=1), tokenizer)
        os.kill(process.pid, signal.SIGKILL)
        with pytest.raises(StudentError, match=f"node {process.host} has another student .* fingerprint") as refused:
            list(alone.losses(requests(3)))
    assert "Copy the same folder to each node" in refused.value.hint


def test_a_cluster_that_is_too_small_says_so(student: RayStudent, folder: Path, address: str) -> None:
    """More workers than the cluster has cores, or a GPU where it has none, is refused at once."""
    for options, said in (({"workers": 4}, "3 cores, fewer than the 4 workers"), ({"device": "cuda"}, "no GPU")):
        with pytest.raises(StudentError, match=said), ray_student(folder, address=address, **options):
            pytest.fail("It was started.")


@pytest.mark.parametrize("where", ["127.0.0.1:{port}", "nowhere.invalid:6379", "ray://127.0.0.1:10001", "here"])
def test_a_cluster_that_is_not_there_says_so(folder: Path, where: str) -> None:
    """An address where nothing answers ends with what to do; nobody waits for the minutes that Ray would."""
    where = where.format(port=free_port())
    with pytest.raises(StudentError, match="No Ray cluster was reached") as refused, ray_student(folder, address=where):
        pytest.fail("It was reached.")
    assert "ray start --head" in refused.value.hint


def test_without_ray_the_extra_is_named(folder: Path, tmp_path: Path) -> None:
    """Where Ray cannot be imported, the message says which extra to install."""
    Store.create(tmp_path / "p.srt").close()
    script = "import sys; sys.modules['ray'] = None; from srt_core.commands.main import main; main()"
    command = [sys.executable, "-c", script, "score", str(tmp_path / "p.srt"), "--student", str(folder)]
    refused = subprocess.run([*command, "--engine", "ray"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert refused.returncode == 2
    assert "srt-curator[ray]" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_cluster_needs_its_engine(folder: Path) -> None:
    """An address or a number of workers without the engine is refused, not ignored."""
    for address, workers in (("auto", None), (None, 2)):
        with pytest.raises(StudentError) as refused, open_student(str(folder), address=address, workers=workers):
            pytest.fail("It was opened.")
        assert refused.value.hint == "Add --engine ray."


def test_srt_starts_and_ends_a_ray_of_its_own(folder: Path, expected: dict[str, list[Row]], tmp_path: Path) -> None:
    """`srt score --engine ray`, stopped with Ctrl-C and given again, has the same rows and leaves no process behind."""
    with created(tmp_path / "p.srt"):
        pass
    mark = secrets.token_hex(8)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")} | {MARK: mark}
    command = [sys.executable, "-m", "srt_core", "score", str(tmp_path / "p.srt"), "--student", str(folder)]
    command += ["--engine", "ray", "--workers", "1", "--device", "cpu", "--token-budget", str(BUDGET)]
    with subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True) as stopped:
        assert stopped.stderr is not None
        stopped.stderr.readline()
        while stopped.poll() is None and not any("_StudentActor" in command for command in commands_below(stopped.pid)):
            time.sleep(0.1)  # while Ray itself starts, it may swallow the signal
        stopped.send_signal(signal.SIGINT)
        said = stopped.stderr.read()
    assert (stopped.returncode, marked_processes(mark)) == (2, [])
    assert "Stopped." in said
    finished = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert (finished.returncode, marked_processes(mark)) == (0, [])
    scored, how = finished.stdout.splitlines()
    assert scored.startswith(f"{4 * SAMPLES} versions scored")
    assert how.startswith("In packs.")
    with Store.open(tmp_path / "p.srt") as store:
        assert found(store) == expected
