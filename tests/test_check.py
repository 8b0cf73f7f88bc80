"""`srt check`: a project that is whole is called so, and whatever is wrong with another is found and said."""

import json
import random
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import duckdb
import pytest

from srt_core.errors import ProjectError
from srt_core.project.candidates import pair_hash
from srt_core.project.checking import PAIR_TEXT, Fault, check
from srt_core.project.rules import LINKS, project_checks
from srt_core.project.store import Store
from srt_core.records import Action, Decision, Origin, Pair
from srt_core.review.decisions import decide, decide_all, undo
from srt_core.select.checking import DERIVED
from srt_core.ui.frame.navigation import PAGES
from tests.command_line import DONE, DONE_WITH_FAILURES, NOT_DONE, called
from tests.context_project import Row, create_project, exchanges, keep, sample_ids
from tests.exporting import export_one
from tests.screens import open_screen, served, words
from tests.store_files import HOLD, kill, run_until_line
from tests.walked_project import Walked

ODD = "".join(map(chr, range(32))) + '\x7f"\\/\u2028 é北\U0001f600'
"""Characters that two writers of JSON may escape in two ways."""


@pytest.fixture(scope="module")
def worked(walked: Walked, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The walked project after decisions of every kind and two exports, closed."""
    path = Path(shutil.copy(walked.project, tmp_path_factory.mktemp("worked") / "p.srt"))
    with Store.open(path) as store:
        names = sample_ids(store)
        for name in names[:6]:
            decide(store, Decision(name, Action.CHOOSE, "ann", Origin.ORIGINAL), expected_event_id=None)
        edited = Pair("Say it.", ODD, "")
        decide(store, Decision(names[6], Action.EDIT, "ann", Origin.ORIGINAL, edited), expected_event_id=None)
        gone = decide(store, Decision(names[7], Action.PARK, "ben"), expected_event_id=None)
        undo(store, gone, "ben")
        decide_all(store, "seq > 15", {}, Action.REJECT, "ben", "the last")
        for format in ("alpaca", "scores"):
            export_one(store, path.parent / "out", format, by="ann")
    return path


@pytest.fixture
def project(worked: Path, tmp_path: Path) -> Path:
    """A copy of the worked project."""
    return Path(shutil.copy(worked, tmp_path / "p.srt"))


def change(path: Path, *statements: str) -> None:
    """Change a project behind our back, as another program can."""
    with duckdb.connect(str(path)) as raw:
        for statement in statements:
            raw.execute(statement)


def faults_of(path: Path) -> Sequence[str]:
    """What the command says is wrong."""
    finished = called("check", path)
    assert finished.returncode == (DONE_WITH_FAILURES if "is whole" not in finished.stdout else DONE), finished
    return [] if finished.returncode == DONE else finished.stdout.splitlines()


def test_a_project_that_is_whole_is_called_so(project: Path) -> None:
    """Exit code 0, one sentence, and not a byte of the file is written."""
    before = project.read_bytes()
    finished = called("check", project)
    assert (finished.returncode, "is whole" in finished.stdout) == (DONE, True), finished
    assert json.loads(called("check", project, "--json").stdout)["faults"] == []
    assert project.read_bytes() == before
    assert [each.name for each in project.parent.iterdir()] == ["p.srt"]


def test_contexts_and_odd_characters_are_no_faults(tmp_path: Path) -> None:
    """Texts are hashed as they were when they came, whatever letters they have and whatever stands before them."""
    rows: list[Row] = [(pair, {}) for pair in exchanges(f"Be brief. {ODD}", "Name a bird.", ODD, ODD, "A tit.")]
    path = tmp_path / "p.srt"
    with create_project(path, rows) as store:
        for name in sample_ids(store):
            keep(store, name)
        export_one(store, tmp_path / "out", "messages", by="ann")
    assert faults_of(path) == []
    change(path, "UPDATE candidate SET response = response || '.' WHERE candidate_id = 1")
    assert [fault.split(" (")[0] for fault in faults_of(path)][:2] == [
        "originals are not the texts that were imported",
        "rows of exports are not the texts that were exported",
    ]


WRONG = {
    "a decision that the log has not": (
        "UPDATE standing SET action = 'reject' WHERE seq = 1",
        "samples have another decision than the log of events says (1: 1)",
    ),
    "a decision that is lost": (
        "DELETE FROM standing WHERE seq IN (1, 2)",
        "samples have another decision than the log of events says (2: 1, 2)",
    ),
    "an event that is lost": (
        "DELETE FROM event WHERE kind = 'undo'",
        "samples have another decision than the log of events says (1: 8)",
    ),
    "a score that changed": (
        "UPDATE score SET ifd = ifd + 1 WHERE candidate_id = 1",
        "samples are not what the candidates and scores give: panel (1: 1)",
    ),
    "a selection that changed": (
        "UPDATE selection SET reason = 'kept?' WHERE seq = 4",
        "samples are not what the panel and policy give: selection (1: 4)",
    ),
    "an original that is lost": (
        "DELETE FROM candidate WHERE candidate_id = 1",
        "samples have no original, or several",
    ),
    "a text that changed": (
        "UPDATE candidate SET response = 'Else.' WHERE candidate_id = 1",
        "originals are not the texts that were imported (1: ",
    ),
    "an edit that changed": (
        "UPDATE event SET response = 'Else.' WHERE kind = 'edit'",
        "rows of exports are not the texts that were exported (1: export 1 row ",
    ),
    "a row of an export that is lost": (
        'DELETE FROM exported WHERE "row" = 1',
        "exports have another number of rows than was written (1: 1)",
    ),
    "a number twice": ("UPDATE sample SET seq = 2 WHERE seq = 1", "rows of sample have the same seq (1: 2)"),
    "a table that is gone": (
        "DROP TABLE loss",
        "columns are missing or of another type; nothing else was checked (4: loss.key, loss.mean, ",
    ),
    "a column of another type": (
        "ALTER TABLE score ALTER tokens_y TYPE VARCHAR",
        "columns are missing or of another type; nothing else was checked (1: score.tokens_y)",
    ),
}


@pytest.mark.parametrize("kind", WRONG)
def test_what_is_wrong_is_said(project: Path, kind: str) -> None:
    """Each kind of fault is named with its rows, on stdout, exit code 1, with what to do on stderr."""
    statement, said = WRONG[kind]
    change(project, statement)
    assert said in "\n".join(faults_of(project))
    assert "Restore a copy" in called("check", project).stderr


def test_every_link_between_tables_is_looked_at(project: Path, tmp_path: Path) -> None:
    """Where the rows that others name are gone, each column that names some is a fault."""
    expected: dict[str, list[str]] = {}
    with duckdb.connect(str(project), read_only=True) as raw:
        for child, parent in LINKS:
            (table, column), other = child.split("."), parent.split(".")[0]
            rows = raw.execute(f'SELECT count({column}) FROM "{table}"').fetchall()[0][0]
            if rows and table != other:
                expected.setdefault(other, []).append(f"{child} names rows of {other} that are not there ({rows:,}: ")
    assert sum(map(len, expected.values())) > 18
    links = [each for each in project_checks() if each.about in dict(LINKS)]
    for other, texts in expected.items():
        path = Path(shutil.copy(project, tmp_path / f"{other}.srt"))
        change(path, f'DELETE FROM "{other}"')
        with Store.open(path, read_only=True) as store:
            said = [str(fault) for each in links for fault in each.find(store)]
        assert [start for start in texts if not any(text.startswith(start) for text in said)] == [], said


def damages(content: bytes) -> Iterator[tuple[str, bytes]]:
    """Bits that turned and ends that were cut off, all over a file."""
    chance = random.Random(30)
    for number in range(22):
        place = chance.randrange(3 * 4096) if number < 4 else chance.randrange(len(content))
        turned = bytearray(content)
        turned[place] ^= 1 << chance.randrange(8)
        yield f"bit of byte {place}", bytes(turned)
    for _ in range(8):
        place = chance.randrange(len(content))
        yield f"cut at {place}", content[:place]


@pytest.mark.thorough
def test_every_bit_that_turns_and_every_cut_is_found(worked: Path, tmp_path: Path) -> None:
    """The check says so, or why the file does not open; a count is the right one or a sentence, and nothing is raw."""
    content = worked.read_bytes()
    truth = called("status", worked, "--json").stdout
    path = tmp_path / "p.srt"
    for kind, damaged in damages(content):
        path.write_bytes(damaged)
        checked = called("check", path)
        assert checked.returncode in (DONE_WITH_FAILURES, NOT_DONE), (kind, checked)
        counted = called("status", path, "--json")
        assert counted.stdout == truth or counted.returncode == NOT_DONE, (kind, counted)
        for finished in (checked, counted):
            if finished.returncode == NOT_DONE:
                lines = [line for line in finished.stderr.splitlines() if line.startswith("Error: ")]
                assert len(lines) == 1 and ("is damaged" in lines[0] or "is not a project" in lines[0]), (
                    kind,
                    finished,
                )
        path.unlink()


def test_a_block_is_named_by_what_it_holds(project: Path) -> None:
    """A damaged block says which columns are in it, and the checks that need it say that they could not be made."""
    with duckdb.connect(str(project), read_only=True) as raw:
        block = raw.execute(
            "SELECT max(block_id) FROM pragma_storage_info('candidate') WHERE column_name = 'response'"
        ).fetchall()[0][0]
    with project.open("r+b") as file:
        file.seek(3 * 4096 + block * 262_144 + 999)
        byte = file.read(1)
        file.seek(-1, 1)
        file.write(bytes([byte[0] ^ 16]))
    said = faults_of(project)
    assert said[0].startswith(f"blocks of the file are damaged (1: {block} holds ")
    assert "candidate.response" in said[0]


def test_a_log_that_is_missing_is_a_fault(tmp_path: Path) -> None:
    """A file that was copied without its log is not called whole."""
    path = tmp_path / "p.srt"
    with Store.create(path) as store, store.transaction() as tx:
        tx.bump([])
        shutil.copyfile(path, tmp_path / "copy.srt")
    said = faults_of(tmp_path / "copy.srt")
    assert len(said) == 1 and "is missing" in said[0]


def test_a_project_that_somebody_has_open_is_not_checked(project: Path) -> None:
    """It says who has it open, exit code 2; what is no project is refused too."""
    holder = run_until_line(HOLD, project)
    try:
        finished = called("check", project)
    finally:
        kill(holder)
    assert (finished.returncode, finished.stdout) == (NOT_DONE, "")
    assert f"is open in process {holder.pid}" in finished.stderr
    assert called("check", project.parent / "none.srt").returncode == NOT_DONE


def test_damage_is_a_sentence_at_the_read_that_meets_it(worked: Path, tmp_path: Path) -> None:
    """Whatever is read of an open project whose texts are damaged, the error says so and what to do."""
    path = tmp_path / "p.srt"
    with duckdb.connect(str(worked), read_only=True) as raw:
        block = raw.execute("SELECT max(block_id) FROM pragma_storage_info('candidate')").fetchall()[0][0]
    content = bytearray(worked.read_bytes())
    content[3 * 4096 + block * 262_144 + 999] ^= 16
    path.write_bytes(content)
    with Store.open(path) as store:
        reads = (
            lambda: store.rows("SELECT * FROM candidate"),
            lambda: list(store.stream("SELECT * FROM candidate")),
            lambda: store.value("SELECT sum(length(concat(COLUMNS(*)))) FROM candidate"),
        )
        for read in reads:
            with pytest.raises(ProjectError, match="is damaged") as caught:
                read()
            assert f"srt check {path}" in caught.value.hint


def test_damage_is_a_sentence_on_every_page(worked: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page that meets a damaged part of the project says so where it stands, and shows no error of the database."""
    path, content = tmp_path / "p.srt", bytearray(worked.read_bytes())
    with duckdb.connect(str(worked), read_only=True) as raw:
        blocks = raw.execute(
            """SELECT DISTINCT block_id FROM pragma_storage_info('candidate') WHERE persistent AND block_id >= 0
               UNION SELECT block_id FROM pragma_storage_info('event') WHERE persistent AND block_id >= 0"""
        ).fetchall()
    for (block,) in blocks:
        content[3 * 4096 + block * 262_144 + 999] ^= 16
    path.write_bytes(content)
    met = 0
    with served(monkeypatch, path):
        for page in PAGES:
            met += "is damaged" in words(open_screen(page))  # which asks that no page breaks
    assert met > 5


def test_a_table_that_is_gone_is_a_sentence(project: Path) -> None:
    """A command on a file that lacks a table says that it is no file of ours as it stands, and how to learn more."""
    change(project, "DROP VIEW failed_reflection", "DROP TABLE kind")
    finished = called("status", project)
    assert (finished.returncode, finished.stdout) == (NOT_DONE, "")
    assert "is not as this version of srt makes a project" in finished.stderr and "srt check" in finished.stderr


def test_a_policy_that_cannot_be_applied_is_a_fault(project: Path) -> None:
    """Where the method of the policy in use is gone, what the rule selects is not called right."""
    change(project, """UPDATE meta SET value = replace(value, '"method": "', '"method": "no ') WHERE key = 'policy'""")
    assert any(fault.startswith("the rule: cannot be checked. ") for fault in faults_of(project))


def test_what_is_selected_anew_anyway_is_no_fault(project: Path) -> None:
    """Derived tables that are behind the data are computed when somebody reads them, so they are not compared."""
    change(project, "DELETE FROM panel", "UPDATE meta SET value = '999' WHERE key = 'data_version'")
    found: list[Fault] = []
    with Store.open(project, read_only=True) as store:
        for _ in check(store, [DERIVED], found):
            pass
    assert found == []


def test_the_hash_of_a_pair_is_that_of_python() -> None:
    """The SQL that narrows texts down knows the hash, so that no more than odd ones are hashed once more."""
    pair = Pair('Say "it"\n\\ é北', "Yes.\t\u2028", "")
    with duckdb.connect() as raw:
        parts = "SELECT $i AS instruction, $n AS input, $r AS response, NULL AS context"
        sql = f"SELECT substr(sha256({PAIR_TEXT}), 1, 16) FROM ({parts})"
        found = raw.execute(sql, {"i": pair.instruction, "n": pair.input, "r": pair.response}).fetchall()
    assert found == [(pair_hash(pair),)]
