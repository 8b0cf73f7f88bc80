"""Creating, opening and closing a project file: one owner, and errors that say what to do."""

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import pytest

from srt_core.errors import ProjectError
from srt_core.project.connection import SCHEMA_VERSION
from srt_core.project.store import Store
from tests.store_files import HOLD, kill, make_database, run_until_line


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A new project."""
    with Store.create(tmp_path / "p.duckdb") as store:
        yield store


def test_a_log_without_its_project_is_put_aside(tmp_path: Path) -> None:
    """A new project takes the place of a deleted one whose write-ahead log was left behind."""
    path = tmp_path / "project.srt"
    (tmp_path / "project.srt.wal").write_bytes(b"left behind")
    with Store.create(path) as store:
        assert store.meta("schema_version") == str(SCHEMA_VERSION)
    assert (tmp_path / "project.srt.wal.orphan").read_bytes() == b"left behind"


def test_a_project_is_created_and_opened_again(tmp_path: Path) -> None:
    """What was written to a new project is there after closing and opening it; folders on the way are made."""
    path = tmp_path / "a folder" / "é 李.duckdb"
    with Store.create(path) as store:
        assert store.path == path
        store.set_meta("scoring_id", "7")
    with Store.open(path) as store:
        assert store.meta("scoring_id") == "7"
        assert store.meta("schema_version") == str(SCHEMA_VERSION)
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


def test_create_takes_an_empty_file(tmp_path: Path) -> None:
    """A file of no bytes, as a temporary-file call leaves it, is room for a project."""
    path = tmp_path / "p.duckdb"
    path.touch()
    with Store.create(path) as store:
        assert store.meta("data_version") == "0"


def test_create_never_overwrites(store: Store) -> None:
    """Creating where something is fails, and what was there stays."""
    store.set_meta("mine", "1")
    path = store.path
    store.close()
    before = path.read_bytes()
    with pytest.raises(ProjectError, match="exists already") as caught:
        Store.create(path)
    assert caught.value.hint
    assert path.read_bytes() == before


@pytest.mark.parametrize("name", ["a file/p.duckdb", "n" * 300], ids=["under a file", "too long"])
def test_create_where_nothing_can_be_made_is_a_project_error(tmp_path: Path, name: str) -> None:
    """A place where no file can be made is a ProjectError, whatever the system calls it."""
    (tmp_path / "a file").write_text("text", encoding="utf-8")
    with pytest.raises(ProjectError) as caught:
        Store.create(tmp_path / name)
    assert caught.value.hint


def test_create_after_a_killed_create_starts_afresh(tmp_path: Path) -> None:
    """The draft and log of a creation that was killed are no part of the next one."""
    path = tmp_path / "p.duckdb"
    script = (
        "import sys, duckdb\n"
        "connection = duckdb.connect(sys.argv[1] + '.new')\n"
        "connection.execute('CREATE TABLE meta (x INTEGER)')\n"
        "print('ready', flush=True); sys.stdin.read()"
    )
    kill(run_until_line(script, path))
    assert not path.exists()
    with Store.create(path) as store:
        assert store.meta("schema_version") == str(SCHEMA_VERSION)
    assert [entry.name for entry in tmp_path.iterdir()] == ["p.duckdb"]


def test_open_of_nothing_says_how_to_create(tmp_path: Path) -> None:
    """A path without a file names the command that makes one, and open makes none itself."""
    for path in (tmp_path / "none.duckdb", tmp_path / "no folder" / "none.duckdb", tmp_path):
        with pytest.raises(ProjectError, match="no project at") as caught:
            Store.open(path)
        assert "srt init" in caught.value.hint
    assert list(tmp_path.iterdir()) == []


def _write_sqlite(path: Path) -> Path:
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE meta (key TEXT, value TEXT)")
    connection.close()
    return path


def _write_bytes(content: bytes) -> Callable[[Path], Path]:
    def write(path: Path) -> Path:
        path.write_bytes(content)
        return path

    return write


FOREIGN: dict[str, Callable[[Path], Path]] = {
    "empty": _write_bytes(b""),
    "text": _write_bytes(b'[{"instruction": "Do it.", "output": "Done."}]'),
    "zeros": _write_bytes(bytes(100_000)),
    "bytes": _write_bytes(bytes(range(256)) * 400),
    "sqlite": _write_sqlite,
    "a database without meta": lambda path: make_database(path, "CREATE TABLE t (a INTEGER)"),
    "another meta": lambda path: make_database(path, "CREATE TABLE meta (a INTEGER)"),
    "an empty meta": lambda path: make_database(path, "CREATE TABLE meta (key VARCHAR, value VARCHAR)"),
    "another version": lambda path: make_database(
        path, "CREATE TABLE meta AS SELECT 'schema_version' AS key, 'v2-beta' AS value"
    ),
}


@pytest.mark.parametrize("kind", FOREIGN)
def test_open_of_a_file_that_is_no_project_says_so(tmp_path: Path, kind: str) -> None:
    """A foreign file, database or not, is refused in one line that says it is no project, and is left as it was."""
    path = FOREIGN[kind](tmp_path / "foreign")
    before = path.read_bytes()
    with pytest.raises(ProjectError, match="is not a project") as caught:
        Store.open(path)
    assert str(path) in caught.value.message
    assert "\n" not in str(caught.value)
    assert path.read_bytes() == before


def test_the_log_is_folded_into_the_file_while_the_project_is_open(store: Store) -> None:
    """However much is written in one session, the write-ahead log stays bounded: no statement holds it open."""
    with store.transaction() as tx:
        tx.execute("SET checkpoint_threshold = '1MB'")
    log = store.path.with_name(store.path.name + ".wal")
    sizes = []
    for _ in range(6):
        with store.transaction() as tx:
            tx.append("reject", ["import_id", "row", "reason", "raw"], [(1, 0, "x", "y" * 1_000)] * 600)
            tx.bump([])
        sizes.append(log.stat().st_size if log.exists() else 0)
    assert max(sizes) < 3 * 600_000


@pytest.mark.parametrize("share", [0.01, 0.1, 0.3, 0.5])
def test_open_of_a_cut_project_is_a_project_error(store: Store, share: float) -> None:
    """A file that lost its end, as a broken copy does, is a ProjectError and no error of the database."""
    store.close()
    content = store.path.read_bytes()
    cut = store.path.with_name("cut.duckdb")
    cut.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(ProjectError) as caught:
        Store.open(cut)
    assert caught.value.hint


def test_open_of_a_newer_project_names_both_versions(store: Store) -> None:
    """A file of a later schema is refused with its version and ours, untouched, and can be opened by others after."""
    newer = SCHEMA_VERSION + 1
    store.set_meta("schema_version", str(newer))
    store.close()
    before = store.path.read_bytes()
    for _ in range(2):
        with pytest.raises(ProjectError, match=rf"version {newer}\b.* {SCHEMA_VERSION}\b") as caught:
            Store.open(store.path)
    assert "Update" in caught.value.hint
    assert store.path.read_bytes() == before
    duckdb.connect(str(store.path)).close()


def test_a_second_process_is_told_who_holds_the_file(store: Store) -> None:
    """A project that another process has open is refused with that process's number; once it ends, it opens."""
    store.close()
    holder = run_until_line(HOLD, store.path)
    try:
        with pytest.raises(ProjectError, match=rf"is open in process {holder.pid}\b") as caught:
            Store.open(store.path)
        assert caught.value.hint
        with pytest.raises(ProjectError, match="exists already"):
            Store.create(store.path)
    finally:
        kill(holder)
    with Store.open(store.path) as again:
        assert again.meta("data_version") == "0"


def test_close_lets_another_process_in(store: Store) -> None:
    """After close the file is free, folded into one file without a log beside it."""
    store.set_meta("mine", "1")
    store.close()
    assert [entry.name for entry in store.path.parent.iterdir()] == [store.path.name]
    kill(run_until_line(HOLD, store.path))
