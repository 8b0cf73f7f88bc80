"""The project file: one owner, whole transactions, readers that never wait, and errors that say what to do."""

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import duckdb
import pytest

from srt_core.errors import ProjectError
from srt_core.project.appending import NewCandidate, append_candidates
from srt_core.project.candidates import candidates
from srt_core.project.store import SCHEMA_VERSION, Row, Store
from srt_core.records import Origin, Pair, Policy
from srt_core.reflect.producers import producers
from srt_core.score.explain import explain
from srt_core.score.run import score
from srt_core.score.student import load_student
from srt_core.score.templates import load_template
from srt_core.score.token_maps import MapSubject, Part, stored_maps
from srt_core.select.derive import refresh
from srt_core.select.policies import saved_policies
from srt_core.select.policy import applied_policy
from tests.small_project import save_student

ROOT = Path(__file__).parent.parent
READERS = 8


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A new project."""
    with Store.create(tmp_path / "p.duckdb") as store:
        yield store


def make_database(path: Path, *statements: str) -> Path:
    """Write a DuckDB file that is not ours."""
    with duckdb.connect(str(path)) as connection:
        for statement in statements:
            connection.execute(statement)
    return path


def run_until_line(script: str, path: Path) -> subprocess.Popen[str]:
    """Start another process that works on the file; returns when it has printed its first line."""
    command = [sys.executable, "-c", script, str(path)]
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def kill(process: subprocess.Popen[str]) -> None:
    """End a process as `kill -9` does."""
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()


# Creating and opening


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


OLD_SCHEMA = (ROOT / "tests" / "data" / "schema_1.sql").read_text("utf-8")
OLD_ROWS = (
    "INSERT INTO meta VALUES ('schema_version', '1'), ('data_version', '3'), ('scoring_id', '1')",
    'INSERT INTO sample (sample_id, import_id, "row", extra) VALUES (\'s0\', 1, 0, \'{"topic": "é"}\')',
    """INSERT INTO candidate (sample_id, origin, producer, instruction, input, response)
       VALUES ('s0', 'ORIGINAL', 'old', 'Name a colour.', '', 'Red.'),
              ('s0', 'RESPONSE', 'old', 'Name a colour.', '', 'Red, for one.')""",
    """INSERT INTO scoring
           (student, fingerprint, dtype, template, template_hash, template_texts, convention, max_length)
       VALUES ('gone', 'f', 'float32', 'plain', 'h', '{}', 'aligned', 64)""",
    "INSERT INTO loss VALUES ('k', 1.5, 3, 'ok')",
    """INSERT INTO score VALUES (1, 1, 1.5, 1.25, 2, 1.75, 3, 5, 0.78, 0.78, 0.83, 'ok'),
                              (1, 2, NULL, NULL, NULL, NULL, 0, 0, NULL, NULL, NULL, 'no_target')""",
    """INSERT INTO event (action_id, author, kind, sample_id, origin, instruction, input, response, context)
       VALUES (1, 'ann', 'edit', 's0', 'ORIGINAL', 'Name a colour.', '', 'Red!', '{}')""",
)
OLD_TABLES = ("sample", "candidate", "loss", "score", "event", "standing")


def test_a_project_of_schema_version_1_is_brought_forward(tmp_path: Path) -> None:
    """An old file opens with every row as it was, is scored and read like a new one, and is migrated once."""
    path = make_database(tmp_path / "old.srt", OLD_SCHEMA, *OLD_ROWS)
    before = rows_of_old_tables(path)
    with Store.open(path) as store:
        assert store.meta("schema_version") == str(SCHEMA_VERSION)
        assert_rows_as_before(store, before)
        student = load_student(save_student(tmp_path / "student"), device="cpu")
        last = list(score(store, student, load_template("alpaca")))[-1]
        assert (last.done, last.failed) == (3, 0)
        assert store.meta("scoring_id") == "2"
        assert [candidate.status for candidate in candidates(store, "s0").values()] == ["ok", "ok"]
        assert store.value("SELECT status FROM edit_score") == "ok"
        maps = explain(store, student, MapSubject("edit_score", 1))
        assert maps[Part.RESPONSE].text == "Red!"
        columns = columns_of(store)
    with Store.open(path) as store:
        assert columns_of(store) == columns
        assert stored_maps(store, MapSubject("edit_score", 1)) == maps
    with Store.create(tmp_path / "new.srt") as store:
        assert columns_of(store) == columns


OLD_SCHEMA_2 = (ROOT / "tests" / "data" / "schema_2.sql").read_text("utf-8")
OLD_ROWS_2 = (
    "INSERT INTO meta VALUES ('schema_version', '2'), ('data_version', '3'), ('panel_key', '3|0')",
    """INSERT INTO sample (sample_id, import_id, "row", extra) VALUES ('s0', 1, 0, '{}'), ('s1', 1, 1, '{}')""",
    """INSERT INTO candidate (sample_id, origin, producer, instruction, input, response)
       VALUES ('s0', 'ORIGINAL', 'file', 'Convert 45 kilometers to meters.', '', '45000 meters'),
              ('s1', 'ORIGINAL', 'file', 'Name a colour.', '', ''),
              ('s1', 'RESPONSE', 'file', 'Name a colour.', '', 'Red, for one.'),
              ('s0', 'INSTRUCTION', 'gpt', 'Write an essay on the metric system.', '', 'Long ago.'),
              ('s0', 'BOTH', 'gpt', 'Write an essay on the metric system.', '', '45000 meters and 45000 meters'),
              ('s1', 'BOTH', 'gpt', 'Name a colour of the sky.', '', 'Blue.')""",
    """INSERT INTO reflection (sample_id, origin, teacher, prompt_version, request_hash, status, reason, detail)
       VALUES ('s0', 'INSTRUCTION', 'gpt', '1', 'h', 'accepted', '', ''),
              ('s0', 'BOTH', 'gpt', '2', 'h', 'accepted', '', ''),
              ('s1', 'RESPONSE', 'lost', '1', 'h', 'refused', 'empty', '')""",
    """INSERT INTO event (action_id, author, kind, sample_id, origin, instruction, input, response, context)
       VALUES (1, 'ann', 'choose', 's0', 'BOTH', NULL, NULL, NULL, '{}'),
              (2, 'ann', 'edit', 's1', 'RESPONSE', 'a', '', 'b', '{"repairs": "RESPONSE"}'),
              (3, 'ann', 'reject', 's1', NULL, NULL, NULL, NULL, '{}')""",
    "INSERT INTO loss VALUES ('k', 1.5, 3, 'ok')",
    "INSERT INTO score VALUES (1, 1, 1.5, 1.25, 2, 1.75, 3, 5, 0.78, 0.78, 0.83, 'ok')",
)
OLD_CANDIDATES_2 = {
    # id: producer, parent, drift, growth
    1: ("file", None, None, None),
    2: ("file", None, None, None),
    3: ("file", 2, 1.0, None),
    4: ("gpt", 1, 1.0, 9 / 12),
    5: ("gpt", 4, 1.0, 29 / 12),
    6: ("gpt", None, 0.0, None),
}


def test_a_project_of_schema_version_2_is_brought_forward(tmp_path: Path) -> None:
    """Old rewrites get producer, parent, growth and drift, and old decisions the text that they were for."""
    path = make_database(tmp_path / "old.srt", OLD_SCHEMA_2, *OLD_ROWS_2)
    before = rows_of_old_tables(path)
    with Store.open(path) as store:
        assert store.meta("schema_version") == str(SCHEMA_VERSION)
        assert_rows_as_before(store, before)
        assert [
            (row["producer"], row["teacher"], row["prompt_version"], row["candidates"]) for row in producers(store)
        ] == [("gpt", "gpt", "2", 3)]
        decided = store.rows("SELECT candidate_id FROM event ORDER BY event_id")
        assert [row["candidate_id"] for row in decided] == [5, None, None]
        refresh(store)
        found = {row.pop("candidate_id"): tuple(row.values()) for row in store.rows(
            "SELECT candidate_id, producer, parent_id, drift, growth FROM candidate")}  # fmt: skip
        assert found == OLD_CANDIDATES_2
        assert store.value("SELECT verdict_id FROM verdict WHERE sample_id = 's0'") == 5
        columns = columns_of(store)
        with store.transaction() as tx:  # ids go on where the old file stopped
            pair = Pair("x", "y")
            append_candidates(
                tx, [NewCandidate("s0", Origin.BOTH, "other", pair), NewCandidate("s0", Origin.BOTH, "gpt", pair, None)]
            )
        assert store.value("SELECT max(candidate_id) FROM candidate") == 7
    with Store.open(path) as store:
        assert store.meta("drift_filled") is None
    with Store.create(tmp_path / "new.srt") as store:
        assert columns_of(store) == columns


def test_drift_of_an_old_file_is_filled_over_a_kill(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Filled a rewrite at a time it ends with the same, and it goes on from where it stopped."""
    path = make_database(tmp_path / "old.srt", OLD_SCHEMA_2, *OLD_ROWS_2)
    monkeypatch.setattr("srt_core.project.migrate.DRIFT_CHUNK", 1)
    with Store.open(path) as store:
        store.set_meta("drift_filled", "3")
        refresh(store)
        found = {row["candidate_id"]: row["drift"] for row in store.rows("SELECT candidate_id, drift FROM candidate")}
    assert found == {key: None if key == 3 else drift for key, (_, _, drift, _) in OLD_CANDIDATES_2.items()}


OLD_SCHEMA_3 = (ROOT / "tests" / "data" / "schema_3.sql").read_text("utf-8")
OLD_ROWS_3 = (
    "INSERT INTO meta VALUES ('schema_version', '3'), ('data_version', '3'), ('selection_key', '3|0||{}')",
    """INSERT INTO sample (sample_id, import_id, "row", extra) VALUES ('s0', 1, 0, '{}'), ('s1', 1, 1, '{}')""",
    """INSERT INTO candidate (sample_id, origin, producer, instruction, input, response)
       VALUES ('s0', 'ORIGINAL', 'file', 'Name a colour.', '', 'Red.'),
              ('s1', 'ORIGINAL', 'file', 'Name a bird.', '', 'A wren.')""",
    "INSERT INTO loss VALUES ('k', 1.5, 3, 'ok')",
    "INSERT INTO score VALUES (1, 1, 1.5, 1.25, 2, 1.75, 3, 5, 0.78, 0.78, 0.83, 'ok')",
    """INSERT INTO event (action_id, author, kind, sample_id, origin, candidate_id, undoes, context)
       VALUES (1, 'ann', 'choose', 's0', 'ORIGINAL', 1, NULL, '{}'), (2, 'ann', 'reject', 's0', NULL, NULL, NULL, '{}'),
              (3, 'bo', 'undo', 's0', NULL, NULL, 2, '{}'), (4, 'bo', 'park', 's1', NULL, NULL, NULL, '{}'),
              (5, 'bo', 'undo', 's1', NULL, NULL, 4, '{}'), (6, 'cy', 'reject', 's1', NULL, NULL, NULL, '{}')""",
)


def test_a_project_of_schema_version_3_is_brought_forward(tmp_path: Path) -> None:
    """The decisions that stood in an old file stand in the table, none of those that were undone."""
    path = make_database(tmp_path / "old.srt", OLD_SCHEMA_3, *OLD_ROWS_3)
    before = rows_of_old_tables(path)
    with Store.open(path) as store:
        assert store.meta("schema_version") == str(SCHEMA_VERSION)
        assert_rows_as_before(store, before)
        stands = store.rows("SELECT seq, sample_id, event_id, action, candidate_id, author FROM standing ORDER BY seq")
        assert [tuple(row.values()) for row in stands] == [
            (1, "s0", 1, "choose", 1, "ann"),
            (2, "s1", 6, "reject", None, "cy"),
        ]
        refresh(store)
        assert store.value("SELECT count(*) FROM verdict WHERE decided") == 2
        columns = columns_of(store)
    with Store.create(tmp_path / "new.srt") as store:
        assert columns_of(store) == columns


OLD_SCHEMA_4 = (ROOT / "tests" / "data" / "schema_4.sql").read_text("utf-8")
OLD_POLICY_4 = {
    "name": "mine", "accept_instruction": "improved", "accept_response": "improved", "instruction_margin": 0.125,
    "response_margin": 0.0, "max_ifd": 0.9, "max_r_ifd": None, "require_response_reflection": False,
    "require_reflection": False, "top_share": 50.0, "rank_by": "ifd", "producer": "",
}  # fmt: skip
OLD_ROWS_4 = (
    "INSERT INTO meta VALUES ('schema_version', '4'), ('data_version', '3'), ('selection_key', '3|0||{}')",
    """INSERT INTO sample (sample_id, import_id, "row", extra) VALUES ('s0', 1, 0, '{}'), ('s1', 1, 1, '{}')""",
    "INSERT INTO producer VALUES ('gpt, prompts 2', 'gpt', '2', 'h', 'texts', '2026-01-01')",
    """INSERT INTO candidate (sample_id, origin, producer, instruction, input, response, parent_id, drift, growth)
       VALUES ('s0', 'ORIGINAL', 'file', 'Name a colour.', '', 'Red.', NULL, NULL, NULL),
              ('s1', 'ORIGINAL', 'file', 'Name a bird.', '', 'A wren.', NULL, NULL, NULL),
              ('s0', 'RESPONSE', 'gpt, prompts 2', 'Name a colour.', '', 'Red, of roses.', 1, 0.5, 2),
              ('s1', 'RESPONSE', 'other file', 'Name a bird.', '', 'A wren, small.', 2, 0.5, 2)""",
    """INSERT INTO reflection (sample_id, origin, producer, status, reason, detail)
       VALUES ('s1', 'BOTH', 'third file', 'refused', 'unusable_in_file', '')""",
    "INSERT INTO loss VALUES ('k', 1.5, 3, 'ok')",
    """INSERT INTO score VALUES (1, 1, 1.5, 1.25, 2, 1.75, 3, 5, 0.75, 0.5, 0.83, 'ok'),
                               (1, 3, 1.5, 1.25, 2, 1.75, 3, 5, 0.875, 0.25, 0.83, 'ok')""",
    f"""INSERT INTO policy (name, body) VALUES
        ('mine', '{json.dumps(OLD_POLICY_4)}'),
        ('rich', '{json.dumps({**OLD_POLICY_4, "accept_instruction": "never", "accept_response": "never"})}')""",
    f"INSERT INTO meta VALUES ('policy', '{json.dumps(OLD_POLICY_4)}'), ('scoring_id', '1')",
    """INSERT INTO event (action_id, author, kind, sample_id, origin, candidate_id, undoes, context)
       VALUES (1, 'ann', 'choose', 's0', 'ORIGINAL', 1, NULL, '{}')""",
    "INSERT INTO standing VALUES (1, 's0', 1, 'choose', 'ORIGINAL', 1, 'ann', '2026-01-02')",
)


def test_a_project_of_schema_version_4_is_brought_forward(tmp_path: Path) -> None:
    """Everything stays, producers get their kind, and a stored policy selects the same samples by the same limits."""
    path = make_database(tmp_path / "old.srt", OLD_SCHEMA_4, *OLD_ROWS_4)
    before = rows_of_old_tables(path)
    with Store.open(path) as store:
        assert store.meta("schema_version") == str(SCHEMA_VERSION)
        assert_rows_as_before(store, before)
        kinds = {row["producer"]: row["kind"] for row in store.rows("FROM producer")}
        assert kinds == {"gpt, prompts 2": "teacher", "file": "file", "other file": "file", "third file": "file"}
        policy = Policy("mine", instruction_margin=0.125, require_response_reflection=False, top_share=50.0).limited(
            max_ifd=0.9, max_r_ifd=None
        )
        assert applied_policy(store) == saved_policies(store)["mine"] == policy
        assert saved_policies(store)["rich"].method == "superfiltering"
        refresh(store)
        found = store.rows("SELECT sample_id, winner, origin, reason FROM selection ORDER BY seq")
        assert [tuple(row.values()) for row in found] == [
            ("s0", "RESPONSE", None, "below_top_share"),
            ("s1", "ORIGINAL", None, "unscored"),
        ]
        columns = columns_of(store)
    with Store.create(tmp_path / "new.srt") as store:
        assert columns_of(store) == columns


TEXTS = (
    "SELECT count(*) AS rows, bit_xor(hash(candidate_id, sample_id, origin, producer, response)) AS hash FROM candidate"
)
OPEN_IT = "import sys; from pathlib import Path; from srt_core.project.store import Store\n"
OPEN_IT += "print('ready', flush=True); Store.open(Path(sys.argv[1])).close()"


@pytest.mark.slow
def test_a_migration_that_is_killed_loses_nothing(tmp_path: Path) -> None:
    """Killed at 30 moments on the way to the present version, a file opens with every row that it had."""
    rows = "INSERT INTO candidate (sample_id, origin, producer, instruction, input, response)"
    rows += " SELECT 's' || range, 'ORIGINAL', 'file', 'Say ' || range, '', repeat('words ', 40) FROM range(20000)"
    meta = "INSERT INTO meta VALUES ('schema_version', '4'), ('data_version', '3')"
    old = make_database(tmp_path / "old.srt", OLD_SCHEMA_4, meta, rows)
    with duckdb.connect(str(old)) as connection:
        before = connection.execute(TEXTS).fetchall()
    for turn in range(30):
        path = Path(shutil.copy(old, tmp_path / f"{turn}.srt"))
        child = subprocess.Popen([sys.executable, "-c", OPEN_IT, str(path)], stdout=subprocess.PIPE, text=True)
        assert child.stdout is not None
        child.stdout.readline()
        time.sleep(0.01 * turn)
        child.kill()
        child.communicate()
        with Store.open(path) as store:
            assert store.meta("schema_version") == str(SCHEMA_VERSION)
            assert [tuple(row.values()) for row in store.rows(TEXTS)] == before
        path.unlink()


def rows_of_old_tables(path: Path) -> dict[str, list[Row]]:
    """The rows of a file of an older version, by table."""
    with duckdb.connect(str(path)) as connection:
        return {
            table: [
                dict(zip([column[0] for column in found.description], values, strict=True))
                for found in [connection.execute(f"SELECT * FROM {table} ORDER BY ALL")]
                for values in found.fetchall()
            ]
            for table in OLD_TABLES
        }


def assert_rows_as_before(store: Store, before: dict[str, list[Row]]) -> None:
    """Every old row is there with every value that it had; new columns may stand beside, and rows count from 1."""
    for table, rows in before.items():
        columns = ", ".join(f'"{name}" - 1 AS "row"' if name == "row" else name for name in rows[0])
        assert store.rows(f"SELECT {columns} FROM {table} ORDER BY ALL") == rows, table


def test_views_of_another_version_are_made_again(tmp_path: Path) -> None:
    """Opening a file brings its views to what this version reads; opening it again writes nothing."""
    path = tmp_path / "p.srt"
    with Store.create(path) as store:
        columns = columns_of(store)
        with store.transaction() as tx:
            tx.execute("CREATE OR REPLACE VIEW verdict AS SELECT 1 AS other")
            tx.set_meta("sql_views", "of another version")
    with Store.open(path) as store:
        assert columns_of(store) == columns
    before = path.read_bytes()
    Store.open(path).close()
    assert path.read_bytes() == before


def columns_of(store: Store) -> list[Row]:
    """Every table and view with its columns and their types."""
    return store.rows("SELECT table_name, column_name, data_type FROM duckdb_columns() WHERE NOT internal ORDER BY ALL")


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


HOLD = """
import sys
from pathlib import Path
from srt_core.project.store import Store
store = Store.open(Path(sys.argv[1]))
print("ready", flush=True)
sys.stdin.read()
"""


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


# Transactions


class Interruption(BaseException):
    """As Streamlit's signals are: no Exception."""


@pytest.mark.parametrize("error", [Interruption, KeyboardInterrupt, SystemExit, ValueError, GeneratorExit])
def test_a_transaction_that_does_not_end_well_leaves_nothing(store: Store, error: type[BaseException]) -> None:
    """Whatever ends the block early, even what is no Exception, nothing of it is kept and the next one works."""

    def write_half() -> None:
        with store.transaction() as tx:
            tx.execute("INSERT INTO meta VALUES ('half', '1')")
            tx.append("meta", ["key", "value"], [("quarter", "1")])
            tx.bump()
            raise error

    with pytest.raises(error):
        write_half()
    assert (store.meta("half"), store.meta("quarter"), store.meta("data_version")) == (None, None, "0")
    with store.transaction() as tx:
        tx.bump()
    assert store.meta("data_version") == "1"


@pytest.mark.parametrize(
    "rows",
    [[("a", "1"), ("a", "2")], [("a", "1"), ("b", None)], [("a", "1"), ("schema_version", "9")], [("a", "1"), ("b",)]],
    ids=["same key", "null", "key is there", "too short"],
)
def test_rows_that_do_not_fit_leave_nothing(store: Store, rows: list[tuple[object, ...]]) -> None:
    """When one appended row breaks a rule of the table, none of the transaction is kept."""

    def write() -> None:
        with store.transaction() as tx:
            tx.execute("INSERT INTO meta VALUES ('before', '1')")
            tx.append("meta", ["key", "value"], rows)

    with pytest.raises(duckdb.Error):
        write()
    assert [store.meta(key) for key in ("a", "b", "before")] == [None, None, None]
    assert store.meta("schema_version") == str(SCHEMA_VERSION)


def test_an_iterator_that_breaks_leaves_nothing(store: Store) -> None:
    """Rows may come from a reader; when it fails half way, what came before is not kept."""

    def rows() -> Iterator[tuple[str, str]]:
        yield "a", "1"
        raise OSError("the file ended")

    with pytest.raises(OSError, match="the file ended"), store.transaction() as tx:
        tx.append("meta", ["key", "value"], rows())
    assert store.meta("a") is None


def test_a_transaction_sees_its_own_rows_and_others_do_not(store: Store) -> None:
    """Appended rows are visible inside the transaction at once, outside only when it has ended."""
    with store.transaction() as tx:
        tx.append("meta", ["key", "value"], [("a", "1")])
        assert tx.execute("SELECT value FROM meta WHERE key = ?", ["a"]) == [("1",)]
        assert store.meta("a") is None
    assert store.meta("a") == "1"


def test_columns_that_are_not_named_take_their_defaults(store: Store) -> None:
    """Appending some columns, in any order, leaves the others to the schema: sequences and times."""
    with store.transaction() as tx:
        rows = [("{}", place, 1, f"s{place}") for place in (5, 6)]
        tx.append("sample", ["extra", "row", "import_id", "sample_id"], rows)
    first, second = store.rows('SELECT sample_id, "row", seq FROM sample ORDER BY seq')
    assert [(row["sample_id"], row["row"]) for row in (first, second)] == [("s5", 5), ("s6", 6)]
    assert first["seq"] + 1 == second["seq"]


NO_NUMBERS = [float("nan"), float("inf"), float("-inf")]


@pytest.mark.parametrize("value", NO_NUMBERS, ids=str)
@pytest.mark.parametrize(
    "column", ["loss_y", "loss_y_given_x", "loss_x", "loss_x_given_y", "ifd", "r_ifd", "loss_ratio"]
)
def test_a_score_that_is_no_number_is_refused(store: Store, column: str, value: float) -> None:
    """DuckDB sorts NaN above all numbers, so the file takes a finite number or NULL, whoever writes it."""
    columns = ["scoring_id", "candidate_id", "tokens_y", "tokens_x", "status", column]
    with store.transaction() as tx:
        tx.append("score", columns, [(1, 1, 1, 1, "ok", 0.0), (1, 2, 1, 1, "non_finite", None)])
    with pytest.raises(duckdb.ConstraintException), store.transaction() as tx:
        tx.append("score", columns, [(1, 3, 1, 1, "ok", value)])
    assert store.value("SELECT count(*) FROM score") == 2


@pytest.mark.parametrize("value", NO_NUMBERS, ids=str)
def test_a_loss_that_is_no_number_is_refused(store: Store, value: float) -> None:
    """A kept loss is a finite number or NULL; another one would come back as a score at the next run."""
    with pytest.raises(duckdb.ConstraintException), store.transaction() as tx:
        tx.append("loss", ["key", "mean", "tokens", "status"], [("a", 0.0, 1, "ok"), ("b", value, 1, "ok")])
    assert store.value("SELECT count(*) FROM loss") == 0


def test_texts_are_read_back_to_the_letter(store: Store) -> None:
    """Any text that Python can hold in UTF-8, the long, the empty and the NUL among it, comes back as it went in."""
    texts = ["", " ", "é北\U0001f600", "a\r\nb\rc\u2028d", "'; DROP TABLE meta; --", "\\N", "NULL", "a\x00b"]
    texts.append("x" * 200_000)
    with store.transaction() as tx:
        tx.append("meta", ["key", "value"], [(f"appended {place}", text) for place, text in enumerate(texts)])
    for place, text in enumerate(texts):
        store.set_meta(f"set {place}", text)
        assert store.meta(f"appended {place}") == text == store.meta(f"set {place}")


WRITE_AND_WAIT = """
import sys
from pathlib import Path
from srt_core.project.store import Store
store = Store.open(Path(sys.argv[1]))
store.set_meta("whole", "1")
with store.transaction() as tx:
    tx.append("meta", ["key", "value"], [("half", "1")])
    print("ready", flush=True)
    sys.stdin.read()
"""


def test_a_kill_keeps_whole_transactions_only(store: Store) -> None:
    """After `kill -9` in a transaction the ones before are there, the one under way is not, and the file opens."""
    store.close()
    kill(run_until_line(WRITE_AND_WAIT, store.path))
    with Store.open(store.path) as again:
        assert (again.meta("whole"), again.meta("half")) == ("1", None)


# Many threads


def test_writers_take_turns(store: Store) -> None:
    """Eight threads that write lose no update and see no conflict."""

    def write(_: int) -> None:
        for _ in range(20):
            with store.transaction() as tx:
                tx.bump()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(8)))
    assert store.meta("data_version") == "160"


def test_readers_in_parallel_see_whole_transactions(store: Store) -> None:
    """While one thread moves amounts between two rows, eight readers always see the same sum, and never go back."""
    with store.transaction() as tx:
        tx.execute("CREATE TABLE account (name VARCHAR, amount INTEGER, version INTEGER)")
        tx.append("account", ["name", "amount", "version"], [("a", 500, 0), ("b", 500, 0)])
    done, started = threading.Event(), threading.Barrier(READERS + 1)

    def read(_: int) -> list[Row]:
        seen: list[Row] = []
        started.wait()
        while not (done.is_set() and seen):
            seen += store.rows("SELECT sum(amount) AS total, min(version) AS low, max(version) AS high FROM account")
            assert store.value("SELECT count(*) FROM account WHERE version >= ?", [0]) == 2
        return seen

    with ThreadPoolExecutor(READERS) as pool:
        reading = [pool.submit(read, number) for number in range(READERS)]
        started.wait()
        try:
            for _ in range(60):
                with store.transaction() as tx:
                    tx.execute("UPDATE account SET amount = amount - 1, version = version + 1 WHERE name = 'a'")
                    tx.execute("UPDATE account SET amount = amount + 1, version = version + 1 WHERE name = 'b'")
        finally:
            done.set()
        for result in reading:
            seen = result.result()
            assert all(row["total"] == 1_000 and row["low"] == row["high"] for row in seen)
            assert all(before["low"] <= after["low"] for before, after in pairwise(seen))
    assert store.value("SELECT amount FROM account WHERE name = 'a'") == 440


def test_a_reader_does_not_wait_for_a_writer(store: Store) -> None:
    """Inside a transaction of one thread another thread reads, and reads what was before."""
    with store.transaction() as tx, ThreadPoolExecutor(1) as pool:
        tx.bump()
        assert pool.submit(store.meta, "data_version").result(timeout=30) == "0"


def test_close_waits_for_the_transaction_under_way(store: Store) -> None:
    """Closing from another thread while one writes loses nothing of what it writes."""
    with ThreadPoolExecutor(1) as pool:
        with store.transaction() as tx:
            tx.bump()
            closing = pool.submit(store.close)
            tx.execute("INSERT INTO meta VALUES ('late', '1')")
        closing.result(timeout=30)
    with Store.open(store.path) as again:
        assert (again.meta("late"), again.meta("data_version")) == ("1", "1")


# Reading


def test_rows_are_dictionaries_by_column(store: Store) -> None:
    """Parameters go by place or by name; a query without rows gives [] and None."""
    assert store.rows("SELECT ? AS a, ? AS b", [1, "x"]) == [{"a": 1, "b": "x"}]
    assert store.rows("SELECT $b AS a, $a AS b", {"a": None, "b": 0.5}) == [{"a": 0.5, "b": None}]
    assert store.rows("FROM sample") == []
    assert store.value("SELECT seq FROM sample") is None
    assert store.meta("nothing") is None


@pytest.mark.parametrize(("number", "sizes"), [(0, []), (1, [1]), (10, [10]), (11, [10, 1]), (25, [10, 10, 5])])
def test_a_stream_gives_every_row_once_in_lists_of_a_size(store: Store, number: int, sizes: list[int]) -> None:
    """Lists are full but for the last, in the order of the query, and there is no empty list."""
    lists = list(store.stream("SELECT range AS i FROM range($n) ORDER BY i", {"n": number}, size=10))
    assert [len(rows) for rows in lists] == sizes
    assert [row["i"] for rows in lists for row in rows] == list(range(number))


def test_a_stream_sees_one_snapshot(store: Store) -> None:
    """What is committed while a stream is read does not show in it, and writing does not wait for it."""
    with store.transaction() as tx:
        tx.execute("CREATE TABLE item AS SELECT range AS i, 'old' AS state, repeat('x', 500) FROM range(50_000)")
    stream = store.stream("FROM item", size=1_000)
    seen = next(stream)
    with store.transaction() as tx:
        tx.execute("UPDATE item SET state = 'new'")
        tx.execute("DELETE FROM item WHERE i % 2 = 0")
        tx.execute("INSERT INTO item VALUES (-1, 'new', '')")
    for rows in stream:
        seen += rows
    assert sorted(row["i"] for row in seen) == list(range(50_000))
    assert {row["state"] for row in seen} == {"old"}
    assert store.value("SELECT count(*) FROM item") == 25_001


def test_a_stream_may_be_left_early(store: Store) -> None:
    """A stream that nobody reads to its end is closed without harm to later reads and writes."""
    for _ in range(20):
        stream = store.stream("SELECT range AS i FROM range(1_000_000)", size=10)
        assert len(next(stream)) == 10
        stream.close()  # type: ignore[attr-defined]  # a generator, promised as an iterator
    store.set_meta("a", "1")
    assert store.meta("a") == "1"


STREAM_A_GIGABYTE = """
import resource, sys
from pathlib import Path
from srt_core.project.store import Store
store = Store.open(Path(sys.argv[1]))
print("ready", flush=True)
next(store.stream("SELECT repeat('x', 2000) AS text FROM range(5)"))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
read = sum(len(rows) for rows in store.stream("SELECT repeat(chr(65 + (range % 26)::INTEGER), 2000) || range AS text "
                                              "FROM range(500_000)"))
print(read, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before, flush=True)
"""


def test_a_stream_is_read_in_bounded_memory(store: Store) -> None:
    """Streaming a gigabyte of rows takes less than 200 MB more than streaming none."""
    store.close()
    process = run_until_line(STREAM_A_GIGABYTE, store.path)
    read, kilobytes = process.communicate()[0].split()
    assert process.returncode == 0
    assert int(read) == 500_000
    assert int(kilobytes) < 200_000
