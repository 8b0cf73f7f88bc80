"""A copy of a project's one file has everything, and a file of somebody else shows nothing of this machine."""

import os
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import duckdb
import pytest

from srt_core.errors import ProjectError
from srt_core.project import log
from srt_core.project.copying import copy_project, stream_copy
from srt_core.project.store import Store
from tests.command_line import DONE, ENVIRONMENT, NOT_DONE, run_main

WRITER = """
import sys
from pathlib import Path
from srt_core.project.store import Store
store = Store.open(Path(sys.argv[1]))
for number in range(1_000_000):
    store.set_meta("number", str(number))
    print(number, flush=True)
"""


def number_in(path: Path) -> int:
    """The last number that the writer committed, as a project file has it."""
    with Store.open(path) as store:
        return int(store.meta("number") or -1)


def wait_until_folded(path: Path) -> None:
    """Wait until the log beside a file is merged into it."""
    wal = path.with_name(path.name + ".wal")
    while wal.exists() and wal.stat().st_size:
        time.sleep(0.02)


def test_the_file_alone_holds_what_was_committed_a_moment_ago(tmp_path: Path) -> None:
    """The log is merged soon after the last commit: a copy of the one file, without the log, has it all."""
    with Store.create(tmp_path / "own.srt") as store:
        store.set_meta("number", "7")
        wait_until_folded(store.path)
        shutil.copyfile(store.path, tmp_path / "copy.srt")
    assert number_in(tmp_path / "copy.srt") == 7


def test_commits_that_keep_coming_do_not_put_the_merge_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Under steady work the log is merged now and then, beside commits and reads, and nothing is lost or refused."""
    monkeypatch.setattr(log, "LONGEST_SECONDS", 0.3)
    ended = threading.Event()
    with Store.create(tmp_path / "own.srt") as store:

        def read() -> None:
            while not ended.is_set():
                store.rows("SELECT count(*) FROM meta")

        reader = threading.Thread(target=read)
        reader.start()
        seen = -1
        number = 0
        while seen < 1:  # until a copy of the file alone has a commit of this loop
            store.set_meta("number", str(number))
            number += 1
            if number % 50 == 0:
                with store.transaction():  # so that nothing is merged while it is copied
                    shutil.copyfile(store.path, tmp_path / "copy.srt")
                seen = number_in(tmp_path / "copy.srt")
        ended.set()
        reader.join()
    assert number_in(tmp_path / "own.srt") == number - 1


def test_a_copy_of_a_project_that_another_process_writes_is_whole(tmp_path: Path) -> None:
    """Whenever it is taken, it has all that was committed before, and opens without a log."""
    path = tmp_path / "own.srt"
    Store.create(path).close()
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path)], env=ENVIRONMENT, stdout=subprocess.PIPE, text=True
    ) as writer:
        assert writer.stdout is not None
        try:
            for turn in range(8):
                for _ in range(40):
                    said = int(writer.stdout.readline())
                copied = tmp_path / f"copy{turn}.srt"
                assert copy_project(path, copied) == copied.stat().st_size
                assert number_in(copied) >= said
        finally:
            writer.kill()
    assert not list(tmp_path.glob("*.new*"))


def test_a_download_is_a_project(tmp_path: Path) -> None:
    """What the app streams while it has the project open is a file with all that is committed."""
    with Store.create(tmp_path / "own.srt") as store:
        store.set_meta("number", "5")
        (tmp_path / "copy.srt").write_bytes(b"".join(stream_copy(store)))
        store.set_meta("number", "6")
    assert number_in(tmp_path / "copy.srt") == 5


def test_a_copy_replaces_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file that is there stays as it is, and what is no project is not copied."""
    Store.create(tmp_path / "own.srt").close()
    assert run_main("copy", tmp_path / "own.srt", tmp_path / "copy.srt") == DONE
    (tmp_path / "kept").write_text("mine")
    assert run_main("copy", tmp_path / "own.srt", tmp_path / "kept") == NOT_DONE
    assert (tmp_path / "kept").read_text() == "mine"
    assert run_main("copy", tmp_path / "kept", tmp_path / "new.srt") == NOT_DONE
    assert run_main("copy", tmp_path / "none.srt", tmp_path / "new.srt") == NOT_DONE
    assert not (tmp_path / "new.srt").exists()
    assert "exists already" in capsys.readouterr().err


def test_a_file_of_somebody_else_reads_no_other_file(tmp_path: Path) -> None:
    """A view in the place of a table is refused, and no view, macro or query of a project file reads this machine's."""
    secret = tmp_path / "secret.txt"
    secret.write_text("a secret")
    path = tmp_path / "own.srt"
    Store.create(path).close()
    with duckdb.connect(str(path)) as raw:
        raw.execute(f"CREATE VIEW shown AS SELECT content FROM read_text('{secret}')")
    with Store.open(path) as store, pytest.raises(duckdb.PermissionException):
        store.rows("SELECT * FROM shown")
    with duckdb.connect(str(path)) as raw:
        raw.execute("DROP TABLE cluster")
        raw.execute(f"CREATE VIEW cluster AS SELECT 1 AS cluster, content AS words FROM read_text('{secret}')")
    with pytest.raises(ProjectError, match="cluster is a view"):
        Store.open(path)


@pytest.mark.parametrize("what", ["deleted", "replaced", "moved", "emptied"])
def test_nothing_is_called_saved_that_went_into_no_project(tmp_path: Path, what: str) -> None:
    """A commit after the file was taken away says so and is not made; put back, the project takes commits again."""
    Store.create(tmp_path / "other.srt").close()
    with Store.create(tmp_path / "own.srt") as store:
        store.set_meta("number", "1")
        wait_until_folded(store.path)
        if what == "emptied":
            content = store.path.read_bytes()
            os.truncate(store.path, 0)
        else:
            os.link(store.path, tmp_path / "kept.srt")
            store.path.unlink()
        if what == "replaced":
            shutil.copyfile(tmp_path / "other.srt", store.path)
        with pytest.raises(ProjectError, match="deleted, moved or replaced"):
            store.set_meta("number", "2")
        with pytest.raises(ProjectError, match="deleted, moved or replaced"):
            b"".join(stream_copy(store))
        assert store.meta("number") == "1"
        if what == "emptied":
            store.path.write_bytes(content)
        else:
            (tmp_path / "kept.srt").replace(store.path)
        store.set_meta("number", "3")
    assert number_in(tmp_path / "own.srt") == 3
