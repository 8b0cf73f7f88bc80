"""The log beside a project file: opening says when it is missing or torn, and what that means."""

import random
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest

from srt_core.errors import ProjectError
from srt_core.project import log
from srt_core.project.copying import copy_project
from srt_core.project.log_file import log_of
from srt_core.project.store import Store
from tests.command_line import DONE, called

COMMITS = 12


@pytest.fixture(autouse=True, scope="module")
def nothing_is_folded() -> Iterator[None]:
    """Leave what is committed in the log for as long as these tests run."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(log, "QUIET_SECONDS", 3600.0)
        patch.setattr(log, "LONGEST_SECONDS", 3600.0)
        yield


@dataclass(frozen=True)
class Left:
    """What a process leaves that is killed after some commits: the bytes of the file and of its log after each."""

    file: bytes
    logs: list[bytes]

    @property
    def log(self) -> bytes:
        return self.logs[-1]

    def place(self, path: Path, log: bytes | None) -> Path:
        """Write the file and a log beside it."""
        path.write_bytes(self.file)
        log_of(path).unlink(missing_ok=True)
        if log is not None:
            log_of(path).write_bytes(log)
        return path


@pytest.fixture(scope="module")
def left(tmp_path_factory: pytest.TempPathFactory) -> Left:
    path = tmp_path_factory.mktemp("left") / "own.srt"
    logs = []
    with Store.create(path) as store:
        for number in range(COMMITS):
            store.set_meta("number", str(number))
            logs.append(log_of(path).read_bytes())
        return Left(path.read_bytes(), logs)


def opened(path: Path) -> tuple[int, str]:
    """Open a project; return the last commit that it has (-1: none) and its notices."""
    with Store.open(path) as store:
        return int(store.meta("number") or -1), " ".join(store.notices)


def test_a_log_that_is_whole_is_read_and_folded_in(left: Left, tmp_path: Path) -> None:
    """After `kill -9` opening says nothing, has every commit, and the file alone has them from then on."""
    path = left.place(tmp_path / "own.srt", left.log)
    with Store.open(path) as store:
        assert (store.meta("number"), store.notices) == (str(COMMITS - 1), [])
        shutil.copyfile(path, tmp_path / "copy.srt")
    assert opened(tmp_path / "copy.srt") == (COMMITS - 1, "")


@pytest.mark.parametrize("log", [None, b"", b"d\0b"], ids=["none", "empty", "its first bytes"])
def test_a_missing_log_is_noticed(left: Left, tmp_path: Path, log: bytes | None) -> None:
    """A file that was copied without its log says what may be missing, until something is saved into it."""
    path = left.place(tmp_path / "own.srt", log)
    found, said = opened(path)
    assert found == -1
    assert ("own.srt.wal) is missing" in said and "ten at most" in said) or "breaks off after 0 of 3 bytes" in said
    with Store.open(path) as store:
        store.set_meta("number", "70")
    assert opened(path) == (70, "")


def test_a_command_says_that_a_log_is_missing(left: Left, tmp_path: Path) -> None:
    """A command does its work on what is there and says on stderr what may be missing."""
    path = left.place(tmp_path / "own.srt", None)
    finished = called("status", path, "--json")
    assert finished.returncode == DONE
    assert "Note: The log that belongs beside" in finished.stderr


@pytest.mark.parametrize("by", ["a commit of srt", "another program"])
def test_a_log_that_was_folded_in_is_not_missed(left: Left, tmp_path: Path, by: str) -> None:
    """Whoever folded the log into the file, nothing is said of a log that is not there."""
    path = left.place(tmp_path / "own.srt", left.log)
    if by == "another program":
        with duckdb.connect(str(path)) as connection:
            connection.execute("CHECKPOINT")
    else:
        opened(path)
    assert not log_of(path).exists()
    assert opened(path) == (COMMITS - 1, "")


def test_a_transaction_that_fails_leaves_nothing_to_be_missed(tmp_path: Path) -> None:
    """A log that was begun for what was then not committed is no log that is missing."""
    path = tmp_path / "own.srt"
    with Store.create(path) as store:
        with pytest.raises(ValueError, match="no"), store.transaction():
            raise ValueError("no")
        shutil.copyfile(path, tmp_path / "copy.srt")
        shutil.copyfile(log_of(path), log_of(tmp_path / "copy.srt"))
    assert opened(path) == opened(tmp_path / "copy.srt") == (-1, "")


def test_a_log_that_was_cut_is_noticed(left: Left, tmp_path: Path) -> None:
    """A cut anywhere in the log: what was committed before is there, and what is missing is said, and kept.

    A cut at the very end of a commit is a log as it was then, and cannot be told from it.
    """
    chance = random.Random(15)
    for place in chance.sample(range(len(left.log)), 25):
        path = left.place(tmp_path / f"{place}.srt", left.log[:place])
        found, said = opened(path)
        whole = [number for number, log in enumerate(left.logs) if len(log) <= place]
        assert found == max(whole, default=-1)
        if left.log[:place] not in left.logs:
            assert "is missing" in said
        if "breaks off" in said:
            assert log_of(path).with_name(f"{place}.srt.wal.torn").read_bytes() == left.log[:place]


def test_a_bit_of_the_log_that_turned_is_noticed(left: Left, tmp_path: Path) -> None:
    """It is said at open, or refused with the way out, which works: without its log the file opens."""
    chance = random.Random(16)
    refused = 0
    for place in [*range(0, 60, 3), *chance.sample(range(60, len(left.log)), 20)]:
        turned = bytearray(left.log)
        turned[place] ^= 1 << chance.randrange(8)
        path = left.place(tmp_path / f"{place}.srt", bytes(turned))
        try:
            found, said = opened(path)
        except ProjectError as error:
            refused += 1
            assert error.message.startswith(f"The log beside {path} ({path.name}.wal) is ")
            command = error.hint[error.hint.index("mv ") : error.hint.index(". The file then")]
            subprocess.run(shlex.split(command), check=True)
            found, said = opened(path)
            assert found == -1
            assert "is missing" in said
        assert found == COMMITS - 1 or "is missing" in said
    assert refused > 10


def test_the_log_of_another_file_is_refused(left: Left, tmp_path: Path) -> None:
    """A log that was put beside another project, or beside an older state of its own, is taken into neither."""
    with Store.create(tmp_path / "other.srt") as store:
        store.set_meta("number", "50")
        path = left.place(tmp_path / "own.srt", log_of(store.path).read_bytes())
    with pytest.raises(ProjectError, match="is of another file or another state") as caught:
        Store.open(path)
    assert "set this one aside" in caught.value.hint
    early = tmp_path / "early.srt"
    Store.create(early).close()
    before = early.read_bytes()
    with Store.open(early) as store:
        for number in range(3):
            store.set_meta("number", str(number))
            store._fold_log()
        store.set_meta("number", "9")
        late = log_of(early).read_bytes()
    early.write_bytes(before)
    log_of(early).write_bytes(late)
    with pytest.raises(ProjectError, match="is of another file or another state"):
        Store.open(early)


def test_a_copy_is_made_beside_the_torn_log_of_a_commit_under_way(left: Left, tmp_path: Path) -> None:
    """A copy has what was committed and says nothing of its own log; nothing is left beside it."""
    path = left.place(tmp_path / "own.srt", left.log[:-3])
    copy_project(path, tmp_path / "copies" / "copy.srt")
    assert [each.name for each in (tmp_path / "copies").iterdir()] == ["copy.srt"]
    assert opened(tmp_path / "copies" / "copy.srt") == (COMMITS - 2, "")


def test_a_commit_beside_a_long_read_is_taken(tmp_path: Path) -> None:
    """Where the file cannot say at once that it has a log, the commit goes in, and a later one says so."""
    path = tmp_path / "own.srt"
    with Store.create(path) as store:
        store.set_meta("number", "0")
        assert store._fold_log()
        reading = store.stream("FROM range(10_000) CROSS JOIN meta", size=1)
        next(reading)
        store.set_meta("number", "1")
        for _ in reading:
            pass
        store.set_meta("number", "2")
        shutil.copyfile(path, tmp_path / "copy.srt")
    found, said = opened(tmp_path / "copy.srt")
    assert found == 1
    assert "is missing" in said
