"""The command line on bad input: what it cannot do it refuses in a sentence, with exit code 2, and nothing is lost."""

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch

from srt_core.project.store import Store
from tests.command_line import (
    DONE,
    DONE_WITH_FAILURES,
    ENVIRONMENT,
    NOT_DONE,
    Command,
    refused,
    srt,
)
from tests.empty_project import place_empty
from tests.small_project import alpaca_rows, write_lines
from tests.walked_project import Walked, status_of


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


OFFLINE = {"HF_ENDPOINT": "http://127.0.0.1:9", "HF_HUB_OFFLINE": "0"}


@pytest.fixture
def project(walked: Walked, tmp_path: Path) -> Path:
    """A copy of the walked project."""
    return Path(shutil.copy(walked.project, tmp_path / "p.srt"))


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    """A project without samples."""
    return place_empty(tmp_path / "empty.srt")


@dataclass(frozen=True)
class BadFile:
    """A file's bytes, what the command says of it, and how it ends."""

    name: str
    content: bytes
    said: str
    exit_code: int = NOT_DONE
    samples: int = 0


GOOD_LINE = b'{"instruction": "Do it.", "output": "Done."}\n'
BAD_FILES = [
    BadFile("cut.json", b"[" + GOOD_LINE + b',{"instruction": "Do', "ends in the middle of this record", 1, 1),
    BadFile("cut.jsonl", GOOD_LINE + b'{"instruction": "Do', "row 2 (line 2): The file ends in the middle", 1, 1),
    BadFile("empty.json", b"", "is empty"),
    BadFile("blank.jsonl", b"\n \n", "is empty"),
    BadFile("none.json", b"[]", "has no rows"),
    BadFile("binary.json", bytes(range(256)) * 20, "is a binary file"),
    BadFile("packed.json", b"\x1f\x8b\x08" + bytes(50), "cannot be read to its end"),
    BadFile("wide.json", ("[" + GOOD_LINE.decode() + "]").encode("utf-16-le"), "--encoding utf-16-le"),
    BadFile("latin.json", b'[{"instruction": "Caf\xe9", "output": "Done."}]', "is not UTF-8"),
    BadFile("latin.jsonl", GOOD_LINE + b'{"instruction": "Caf\xe9", "output": "x"}\n', "not UTF-8", 1, 1),
    BadFile("prose.txt", b"Once upon a time.\n", "format"),
    BadFile("columns.csv", b"what,why\nDo it.,Done.\n", "Say which: --map instruction=what --map response=why."),
    BadFile("no_response.jsonl", GOOD_LINE + b'{"instruction": "x"}\n', "row 2 (line 2): response is missing", 1, 1),
    BadFile("null.jsonl", GOOD_LINE + b'{"instruction": "x", "output": null}\n', "response is missing", 1, 1),
    BadFile("number.jsonl", GOOD_LINE + b'{"instruction": "x", "output": {}}\n', "response is an object", 1, 1),
    BadFile("list.jsonl", GOOD_LINE + b'{"instruction": "x", "output": ["y", "z"]}\n', "response is a list", 1, 1),
    BadFile("rows.jsonl", GOOD_LINE + b'3\n[]\nnull\n"x"\n', "not an object with named fields", 1, 1),
]


@pytest.mark.parametrize("bad", BAD_FILES, ids=lambda bad: bad.name)
def test_a_bad_file(bad: BadFile, empty: Path, command: Command) -> None:
    """A file that cannot be used is refused whole; a row that cannot be used is listed, the others go in."""
    path = empty.parent / bad.name
    path.write_bytes(bad.content)
    finished = command("import", empty, path)
    assert (finished.returncode, bad.said in finished.stderr) == (bad.exit_code, True), finished.stderr
    if bad.exit_code == NOT_DONE:
        refused(finished)
    with Store.open(empty) as store:
        assert store.value("SELECT count(*) FROM sample") == bad.samples
        assert bool(store.value("SELECT count(*) FROM reject")) == (bad.exit_code == DONE_WITH_FAILURES)


def test_a_response_of_200_000_characters(empty: Path, tmp_path: Path, command: Command) -> None:
    """A very long response goes in and out whole."""
    row = {"instruction": "Go on.", "input": "", "output": "And on. é🙂 " * 20_000}
    assert command("import", empty, write_lines(tmp_path / "long.jsonl", [row])).returncode == DONE
    command("decide", empty, "1", "keep", "--by", "Ann")
    assert command("export", empty, tmp_path, "--format", "alpaca").returncode == DONE
    (found,) = json.loads((tmp_path / "alpaca.train.json").read_text("utf-8"))
    assert {name: found[name] for name in row} == row


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--map", "original.instruction=Question", "--map", "original.response=output"], 'no column "Question"'),
        (["--map", "original.instruction=instruction"], "original.response is not mapped"),
        (["--map", "instruction"], "maps nothing"),
        (["--map", "best.response=output"], "no target of a mapping"),
        (["--map", "response=output", "--map", "original.response=output"], "mapped twice"),
        (["--format", "excel"], '"excel" is no format'),
        (["--separator", "x", "--role", "Librarian=cook"], "says no role"),
        (["--encoding", "klingon"], "is no encoding"),
        (["--key", "train"], "no list of records under"),
    ],
)
def test_a_mapping_that_does_not_fit(empty: Path, options: list[str], said: str, command: Command) -> None:
    """A column that is not in the file, or a mapping that is none, is refused before anything is stored."""
    path = write_lines(empty.parent / "data.jsonl", alpaca_rows(2))
    assert said in refused(command("import", empty, path, *options))
    with Store.open(empty) as store:
        assert store.value("SELECT count(*) FROM import") == 0


def test_a_file_that_is_not_there(empty: Path, command: Command) -> None:
    """A file that does not exist, a folder without data, and a pattern that nothing matches are refused."""
    assert "cannot be read" in refused(command("import", empty, empty.parent / "nothing.json"))
    assert "no file of data" in refused(command("import", empty, empty.parent))
    assert "No file matches" in refused(command("import", empty, empty.parent / "*.json"))


def test_a_student_folder_that_is_no_model(walked: Walked, tmp_path: Path, command: Command) -> None:
    """A folder without a model, or with one that is broken, is refused and every score stays."""
    broken = Path(shutil.copytree(walked.student, tmp_path / "broken"))
    (broken / "model.safetensors").write_bytes(b"no weights")
    before = status_of(walked.project)
    assert "Give the folder of one" in refused(command("score", walked.project, "--student", tmp_path))
    assert "could be loaded" in refused(command("score", walked.project, "--student", broken, "--device", "cpu"))
    assert status_of(walked.project) == before


def test_a_hub_name_while_the_hub_is_away(walked: Walked, tmp_path: Path) -> None:
    """A hub name that cannot be reached is refused at once, not after minutes of retries."""
    environment = OFFLINE | {"HF_HOME": str(tmp_path / "cache")}
    said = refused(srt("score", walked.project, "--student", "nobody/nothing", **environment))
    assert "the hub was not reached" in said


def test_a_teacher_that_refuses_the_connection(empty: Path, command: Command) -> None:
    """Where no server listens nothing is asked and nothing stored; the message names the address."""
    command("import", empty, write_lines(empty.parent / "data.jsonl", alpaca_rows(3)))
    said = refused(command("reflect", empty, "--base-url", "http://127.0.0.1:9/v1", "--model", "m"))
    assert "127.0.0.1:9 cannot be reached" in said
    with Store.open(empty) as store:
        assert store.value("SELECT count(*) FROM reflection") == 0


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ([], "No teacher was given"),
        (["--base-url", "http://127.0.0.1:9/v1"], "No teacher was given"),
        (["--base-url", "nowhere", "--model", "m"], "not a web address"),
        (["--replay", "/nothing.jsonl"], "cannot be read"),
    ],
)
def test_a_teacher_that_is_none(empty: Path, options: list[str], said: str, command: Command) -> None:
    """A teacher that cannot be asked is refused before the project is touched."""
    assert said in refused(command("reflect", empty, *options))


def test_a_project_that_is_open_elsewhere(empty: Path) -> None:
    """A second process is told which process holds the project."""
    with Store.open(empty):
        said = refused(srt("status", empty))
    assert f"is open in process {os.getpid()}" in said


def of_newer_version(path: Path) -> None:
    with Store.create(path) as store:
        store.set_meta("schema_version", "99")


def of_another_program(path: Path) -> None:
    path.write_bytes(b"SQLite format 3\0" + bytes(4096))


def cut_off(path: Path) -> None:
    Store.create(path).close()
    path.write_bytes(path.read_bytes()[:5000])


def missing(path: Path) -> None:
    """Make nothing."""


BAD_PROJECTS: list[tuple[Callable[[Path], None], str]] = [
    (of_newer_version, "has schema version 99"),
    (of_another_program, "is not a project"),
    (cut_off, "One that was cut off: restore a copy"),
    (Path.mkdir, "There is no project"),
    (missing, "There is no project"),
]


@pytest.mark.parametrize(("make", "said"), BAD_PROJECTS, ids=lambda value: getattr(value, "__name__", ""))
def test_a_file_that_is_no_project(make: Callable[[Path], None], said: str, tmp_path: Path, command: Command) -> None:
    """A project of a newer version, another program's file, half a file and none are refused, and left as they are."""
    path = tmp_path / "p.srt"
    make(path)
    before = path.read_bytes() if path.is_file() else None
    assert said in refused(command("status", path))
    assert (path.read_bytes() if path.is_file() else None) == before


def test_app_says_what_is_wrong_with_a_project(tmp_path: Path, command: Command) -> None:
    """The app command does not start a server over a file that is no project."""
    assert "There is no project" in refused(command("app", tmp_path / "p.srt"))


@pytest.fixture
def full_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 48 KiB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=48k", "tmpfs", str(disk)]
    if shutil.which("mount") is None or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("this user may not mount a small disk")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


@pytest.mark.parametrize("format", ["alpaca", "messages", "parquet", "scores"])
def test_export_to_a_full_disk(full_disk: Path, project: Path, format: str, command: Command) -> None:
    """An export that does not fit leaves no half file behind, says that the disk is full, and loses nothing."""
    (full_disk / "filler").write_bytes(bytes(48 * 1024))
    said = refused(command("export", project, full_disk, "--format", format))
    assert "No space left" in said
    assert [path.name for path in full_disk.iterdir()] == ["filler"]
    assert status_of(project)["exports"] == 0


def test_export_to_a_place_that_is_no_folder(project: Path, tmp_path: Path, command: Command) -> None:
    """A file in the place of the folder, and a folder in the place of the file, are refused."""
    (tmp_path / "file").write_text("x", encoding="utf-8")
    (tmp_path / "out" / "alpaca.train.json").mkdir(parents=True)
    assert "cannot be made" in refused(command("export", project, tmp_path / "file" / "out", "--format", "alpaca"))
    assert "no file that srt wrote" in refused(command("export", project, tmp_path / "out", "--format", "alpaca"))
    forced = command("export", project, tmp_path / "out", "--format", "alpaca", "--force")
    assert "could not be written" in refused(forced)
    assert "no export format" in refused(command("export", project, tmp_path / "out", "--format", "excel"))
    assert status_of(project)["exports"] == 0


def test_an_export_is_there_whole_or_not_at_all(project: Path, tmp_path: Path, command: Command) -> None:
    """When one of several formats cannot be written, nothing is: a folder is one export, or none."""
    (tmp_path / "out" / "messages.train.jsonl").mkdir(parents=True)
    finished = command("export", project, tmp_path / "out", "--format", "alpaca", "--format", "messages")
    assert finished.returncode == NOT_DONE
    forced = command("export", project, tmp_path / "out", "--format", "alpaca", "--format", "messages", "--force")
    assert forced.returncode == NOT_DONE
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["messages.train.jsonl"]


def test_a_manifest_is_never_half_written(full_disk: Path, project: Path, command: Command) -> None:
    """When the disk is full once the file is written, the manifest of before stays whole."""
    assert command("export", project, full_disk, "--format", "alpaca").returncode == DONE
    before = (full_disk / "manifest.json").read_bytes()
    (full_disk / "filler").write_bytes(bytes(4 * 1024))
    assert "No space left" in refused(command("export", project, full_disk, "--format", "messages"))
    assert (full_disk / "manifest.json").read_bytes() == before


def test_a_user_without_a_name(project: Path, monkeypatch: pytest.MonkeyPatch, command: Command) -> None:
    """Where the system has no name for the user a decision still goes in, under the user's number."""
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("os.getuid", lambda: 987_654)
    assert command("decide", project, "1", "park").stdout.endswith(": park by user 987654.\n")


def test_ending_the_app_command_ends_the_app(empty: Path) -> None:
    """The app runs in the command's own process: ended by a service manager, it leaves no server behind."""
    port = free_port()
    arguments = ["app", str(empty), "--port", str(port), "--no-browser"]
    process = subprocess.Popen(
        [sys.executable, "-m", "srt_core", *arguments],
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert process.stdout is not None
    with process.stdout:
        has_started = any(f"127.0.0.1:{port}".encode() in line for line in process.stdout)
        process.terminate()
        process.wait(timeout=120)
    assert has_started
    with socket.socket() as probe, pytest.raises(ConnectionRefusedError):
        probe.connect(("127.0.0.1", port))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
