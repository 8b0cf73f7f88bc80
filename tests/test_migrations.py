"""Project files of older versions: brought forward once, with every row that they had, over a kill too."""

import hashlib
import json
import math
import shutil
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import duckdb
import pytest

from srt_core.project.appending import NewCandidate, append_candidates
from srt_core.project.candidates import candidates
from srt_core.project.connection import SCHEMA_VERSION, is_older
from srt_core.project.store import Row, Store
from srt_core.records import Origin, Pair, Policy, Rounding
from srt_core.reflect.producers import producers
from srt_core.review import drafts
from srt_core.review.drafts import Draft
from srt_core.score.explain import explain
from srt_core.score.run import score
from srt_core.score.student import load_student
from srt_core.score.templates import load_template
from srt_core.score.token_maps import MapSubject, Part, stored_maps
from srt_core.select.derive import refresh
from srt_core.select.policy import applied_policy, saved_policies
from srt_core.vectors.encodings import Recipe
from srt_core.vectors.fitting import open_tfidf
from srt_core.vectors.keeping import encode
from tests.command_line import Command
from tests.pipeline import counting_student
from tests.reflecting import walk
from tests.small_project import save_student
from tests.store_files import columns_of, make_database

ROOT = Path(__file__).parent.parent


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
        refresh(store)
        assert columns_of(store) == columns


def test_drift_of_an_old_file_is_filled_over_a_kill(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Filled a rewrite at a time it ends with the same, and left amid it goes on from where it stopped."""
    path = make_database(tmp_path / "old.srt", OLD_SCHEMA_2, *OLD_ROWS_2)
    monkeypatch.setattr("srt_core.project.migrate.DRIFT_CHUNK", 1)
    with closing(Store.convert(path)) as converting:
        next(each for each in converting if (each.unit, each.done) == ("rewrites", 1))
    assert is_older(path)
    with Store.open(path) as store:
        found = {row["candidate_id"]: row["drift"] for row in store.rows("SELECT candidate_id, drift FROM candidate")}
    assert found == {key: drift for key, (_, _, drift, _) in OLD_CANDIDATES_2.items()}
    assert not is_older(path)


def test_a_conversion_says_which_step_of_how_many(tmp_path: Path) -> None:
    """Before and after each version, then with each chunk of drifts, it says how far it is; a new file says nothing."""
    path = make_database(tmp_path / "old.srt", OLD_SCHEMA_2, *OLD_ROWS_2)
    assert is_older(path)
    steps = [(each.unit, each.done, each.total, each.message) for each in Store.convert(path)]
    versions = SCHEMA_VERSION - 2
    assert [step for step in steps if step[0] == "versions"] == [
        (("versions", done + place, versions, "" if place else f"From version {done + 2} to {done + 3}"))
        for done in range(versions)
        for place in (0, 1)
    ]
    assert [step[:3] for step in steps if step[0] == "rewrites"] == [("rewrites", done, 4) for done in (0, 4)]
    assert list(Store.convert(path)) == []


def test_a_command_says_that_it_converts(tmp_path: Path, command: Command) -> None:
    """A command that opens an old project says on stderr that it is converted, once, and then does its work."""
    path = make_database(tmp_path / "old.srt", OLD_SCHEMA_2, *OLD_ROWS_2)
    first, second = command("status", path), command("status", path)
    assert "is of an older version. It is converted, once" in first.stderr
    assert (second.stderr, second.stdout) == ("", first.stdout)
    assert "samples: 2" in first.stdout


@pytest.mark.parametrize("content", [None, b"", b"no project"], ids=["nothing", "empty", "text"])
def test_what_is_no_project_is_not_older(tmp_path: Path, content: bytes | None) -> None:
    """Nothing is said of a conversion where opening will say that there is no project."""
    path = tmp_path / "old.srt"
    if content is not None:
        path.write_bytes(content)
    assert not is_older(path)


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
        refresh(store)
        assert columns_of(store) == columns


OLD_SCHEMA_5 = (ROOT / "tests" / "data" / "schema_5.sql").read_text("utf-8")
VICUNA_5 = (
    "A chat between a curious user and an artificial intelligence assistant. "
    "The assistant gives helpful, detailed, and polite answers to the user's questions. USER: {} ASSISTANT:"
)
REQUEST_5 = (
    "Read the response below and work out which instruction it was written for. Answer with that instruction only.\n\n"
    "Response:\nRed."
)


def test_a_scoring_of_schema_version_5_is_found_again(tmp_path: Path) -> None:
    """Its losses stand under the keys they had, so nothing is computed, and the scoring is the one that was there."""
    student = counting_student()
    texts = [("", "Red."), (VICUNA_5.format("Name a colour."), "Red."), ("", "Name a colour."),
             (VICUNA_5.format(REQUEST_5), "Name a colour.")]  # fmt: skip
    losses = []
    for place, (before, target) in enumerate(texts):
        head, tail = (student._tokenizer.encode(text, add_special_tokens=False) for text in (before, target))
        ids = ",".join(map(str, [0, *head, *tail]))
        key = f"{student.fingerprint}|aligned|512|{ids}|{1 + len(head)}|ok"
        losses.append(f"('{hashlib.sha256(key.encode()).hexdigest()[:32]}', {4.0 - place / 2}, {len(tail)}, 'ok')")
    path = make_database(
        tmp_path / "old.srt",
        OLD_SCHEMA_5,
        "INSERT INTO meta VALUES ('schema_version', '5'), ('data_version', '3'), ('scoring_id', '1')",
        """INSERT INTO sample (sample_id, import_id, "row", extra) VALUES ('s0', 1, 0, '{}')""",
        """INSERT INTO candidate (sample_id, origin, producer, instruction, input, response)
           VALUES ('s0', 'ORIGINAL', 'file', 'Name a colour.', '', 'Red.')""",
        f"""INSERT INTO scoring
               (student, fingerprint, dtype, template, template_hash, template_texts, convention, max_length)
           VALUES ('tiny', '{student.fingerprint}', 'float32', 'vicuna', '61a033b6dcf95fb9', '{{}}', 'aligned', 512)""",
        f"INSERT INTO loss VALUES {', '.join(losses)}",
    )
    with Store.open(path) as store:
        walk(score(store, student, load_template("vicuna")))
        assert student.requests == 0
        rows = store.rows("SELECT scoring_id, loss_y, loss_y_given_x, loss_x, loss_x_given_y, status FROM score")
        assert [tuple(row.values()) for row in rows] == [(1, 4.0, 3.5, 3.0, 2.5, "ok")]
        refresh(store)
        assert store.value("SELECT original_ifd FROM panel") == pytest.approx(math.exp(-0.5))
        columns = columns_of(store)
    with Store.create(tmp_path / "new.srt") as store:
        refresh(store)
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
        policy = Policy(
            "mine", instruction_margin=0.125, require_response_reflection=False, top_share=50.0,
            share_rounding=Rounding.FLOOR,
        ).limited(max_ifd=0.9, max_r_ifd=None)  # fmt: skip
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
        refresh(store)
        assert columns_of(store) == columns


OLD_SCHEMA_7 = (ROOT / "tests" / "data" / "schema_7.sql").read_text("utf-8")
OLD_ROWS_7 = (
    "INSERT INTO meta VALUES ('schema_version', '7'), ('data_version', '3'), ('selection_key', '3|0||{}')",
    *OLD_ROWS_3[1:],
    "INSERT INTO standing VALUES (1, 's0', 1, 'choose', 'ORIGINAL', 1, 'ann', '2026-01-02')",
)


def test_a_project_of_schema_version_7_is_brought_forward(tmp_path: Path) -> None:
    """Everything stays, and a draft of an edit has a place: the last that a reviewer kept of a sample."""
    path = make_database(tmp_path / "old.srt", OLD_SCHEMA_7, *OLD_ROWS_7)
    before = rows_of_old_tables(path)
    with Store.open(path) as store:
        assert store.meta("schema_version") == str(SCHEMA_VERSION)
        for response in ("A wre", "A wren, small."):
            drafts.keep(store, Draft("s1", Origin.ORIGINAL, None, "Name a bird.", "", response), "ann")
        assert {name: each.draft.response for name, each in drafts.read(store, ["s0", "s1"], "ann").items()} == {
            "s1": "A wren, small."
        }
        assert drafts.read(store, ["s1"], "bob") == {}
        refresh(store)
        columns = columns_of(store)
    assert rows_of_old_tables(path) == before
    with Store.create(tmp_path / "new.srt") as store:
        refresh(store)
        assert columns_of(store) == columns


OLD_SCHEMA_8 = (ROOT / "tests" / "data" / "schema_8.sql").read_text("utf-8")
OLD_ROWS_8 = (
    "INSERT INTO meta VALUES ('schema_version', '8'), ('data_version', '3'), ('selection_key', '3|0||{}')",
    *OLD_ROWS_7[1:],
)


def test_a_project_of_schema_version_8_is_brought_forward(tmp_path: Path) -> None:
    """Everything stays, texts can be encoded, and runs of trainings have a place, as in a new project."""
    path = make_database(tmp_path / "old.srt", OLD_SCHEMA_8, *OLD_ROWS_8)
    before = rows_of_old_tables(path)
    with Store.open(path) as store:
        assert store.meta("schema_version") == str(SCHEMA_VERSION)
        assert store.rows("FROM run") == []
        for _ in encode(store, open_tfidf(store, Recipe.PAIR)):
            pass
        assert store.value("SELECT count(*) FROM vector") == store.value("SELECT count(*) FROM candidate") > 0
        refresh(store)
        columns = columns_of(store)
    assert rows_of_old_tables(path) == before
    with Store.create(tmp_path / "new.srt") as store:
        refresh(store)
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
