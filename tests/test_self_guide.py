"""SELF-GUIDE: a student writes samples of a task; guards say why a try is held back, and a person may take it."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from srt_core.errors import DecisionError, SRTError
from srt_core.importing.undo import undo_import
from srt_core.methods.self_guide import NOISE, agreement, balanced, has_length, is_new, window, without_noise
from srt_core.project.store import Store
from srt_core.records import Action
from srt_core.reflect.synthesis import funnel, held_back, restore, syntheses, taken_back
from srt_core.review.decisions import decide_all
from srt_core.review.presses.writes import versions_shown
from srt_core.review.trust.audits import Population, draw
from srt_core.review.trust.blind import Marks, read_within
from srt_core.select.derive import refresh
from srt_core.select.policy import find_policy
from srt_core.select.selection import apply
from srt_core.steps.synthesize import SYNTHESIZE
from srt_core.ui.frame.words import markdown
from srt_core.ui.sample.summary import read_sample
from tests.command_line import DONE, called, refused
from tests.empty_project import create_empty
from tests.killing import worker
from tests.reflecting import walk
from tests.screens import open_screen, served
from tests.servers.answers import Call
from tests.servers.lessons import user_text
from tests.servers.server import FaultServer, running
from tests.serving import running_serving

ANSWERS = ["yes", "Yes", "yes", "no", "yes", "no", "yes.", " yes", "no", "maybe"]


def test_the_window_of_lengths_is_that_worked_by_hand() -> None:
    """Two deviations of the whole about the mean, half the mean at least, cut towards zero; the upper end is out."""
    assert window([10, 20, 60]) == (-13, 73)
    assert window([7, 8, 8]) == (3, 11)
    assert window([12, 12, 12]) == (6, 18)
    lengths = [7, 8, 8]
    assert [number for number in range(14) if has_length("x" * number, lengths).passed] == list(range(3, 11))
    assert has_length("x" * 11, lengths).detail == "11 characters, 3 to 10 are usual"


@pytest.mark.parametrize(
    ("answers", "least", "fold", "winner", "votes"),
    [
        (ANSWERS, 0.3, False, "no", 3),
        ([each.strip() for each in ANSWERS], 0.3, False, "yes", 4),
        ([each.strip() for each in ANSWERS], 0.5, False, None, 4),
        ([each.strip() for each in ANSWERS], 0.3, True, "yes", 6),
        (list("abcdefghij"), 0.2, False, None, 1),
        (["no"] * 3, 0.3, False, "no", 3),
        ([], 0.3, False, None, 0),
    ],
)
def test_agreement_is_of_all_tries(
    answers: list[str], least: float, fold: bool, winner: str | None, votes: int
) -> None:
    """Ties go to the shortest, then the first; what other guards held back counts as disagreeing."""
    found = agreement(answers, 10, least, fold=fold)
    assert (found.winner, found.votes, found.share) == (winner, votes, votes / 10)


def test_classes_are_cut_to_the_rarest() -> None:
    """Of five, two and three labels two each are kept, the first ones."""
    labels = ["pos"] * 5 + ["neg"] * 2 + ["neutral"] * 3
    assert balanced(labels) == [0, 1, 5, 6, 7, 8]
    assert balanced([]) == []


def test_guards_say_what_they_found() -> None:
    """Noise is named, a repeat is one whatever stands at its ends, and the list of noise has no common word."""
    assert without_noise("As an AI language model, I cannot.").detail == "it holds “as an ai”"
    assert without_noise("What is the input of a function?").passed
    assert not is_new(" twice ", {"twice": None}).passed
    assert all(len(each) > 2 and each == each.lower() for each in NOISE)


# ---- a student on this machine


class StudentServer(FaultServer):
    """Writes inputs that differ by what was asked and how often, two of five short or noisy, answers by their end."""

    def call(self, asked: Mapping[str, object], attempt: int, authorization: str = "") -> Call:
        request = user_text(asked.get("messages"))
        mark = hashlib.sha256(f"{request} {attempt}".encode()).hexdigest()
        if "Write one new input" in request:
            kind = attempt % 5
            text = "Hm." if kind == 1 else f"As an AI I write {mark[:8]}" if kind == 2 else f"A film about {mark[:12]}."
        else:
            text = ("positive" if request.strip(". \n")[-1] in "02468ace" else "negative") if attempt % 4 else "perhaps"
        return Call(asked, text, text, authorization)


@pytest.fixture
def student() -> Iterator[StudentServer]:
    with running(StudentServer(always="teach")) as server:
        yield server


TASK = """
name = "sentiment"
instruction = "Is this review positive or negative?"
labels = ["positive", "negative"]
[[demo]]
input = "A lovely film of a warm heart."
output = "positive"
[[demo]]
input = "Two dull hours that I want back."
output = "negative"
"""


def write_task(folder: Path, text: str = TASK) -> Path:
    path = folder / "task.toml"
    path.write_text(text, encoding="utf-8")
    return path


def asked(folder: Path, student: FaultServer, **more: object) -> dict[str, object]:
    given = {"task": str(write_task(folder)), "base_url": student.url("teach"), "model": "m-1"}
    return {**given, "n": 4, "rounds": 3, "inputs": 8, "concurrency": 4, **more}


def test_what_guards_let_pass_is_imported_and_marked(tmp_path: Path, student: StudentServer) -> None:
    """Every try is kept raw, the funnel adds up, samples are balanced and marked, and again adds nothing."""
    with create_empty(tmp_path / "p.srt") as store:
        walk(SYNTHESIZE.walk(store, asked(tmp_path, student)))
        one = syntheses(store)[0]
        inputs = {each.guard: each for each in funnel(store, one.task, one.student) if each.step == "input"}
        assert inputs["reply"].looked_at == 24
        left = 24
        for name in ("whole", "not empty", "length", "noise", "new"):
            assert inputs[name].looked_at == left
            left -= inputs[name].held_back
        assert store.value("SELECT count(*) FROM generation WHERE step = 'answer'") == left * 4
        assert inputs["length"].held_back > 0 < inputs["noise"].held_back
        assert all(each.detail for each in held_back(store, one.task, one.student, 999))
        rows = store.rows("SELECT response, extra FROM sample JOIN candidate USING (sample_id)")
        by_class = [row["response"] for row in rows]
        assert by_class.count("positive") == by_class.count("negative") > 0
        assert {json.loads(row["extra"])["agreement"] for row in rows} == {"3/4"}
        imported = store.rows("SELECT format, sha256 FROM import")
        assert imported == [{"format": "synthetic", "sha256": one.task}]
        name = str(store.value("SELECT sample_id FROM sample LIMIT 1"))
        refresh(store)
        assert read_sample(store, name).said_of_marks() == f"Synthetic: by {one.student}, agreement 3/4"
        before = store.value("SELECT count(*) FROM generation"), len(rows)
        walk(SYNTHESIZE.walk(store, asked(tmp_path, student)))
        assert before == (store.value("SELECT count(*) FROM generation"), store.value("SELECT count(*) FROM sample"))
        assert undo_import(store, 1, "ann").removed == len(rows)
        walk(SYNTHESIZE.walk(store, asked(tmp_path, student)))
        assert store.value("SELECT count(*) FROM sample") == len(rows)


def test_a_person_takes_what_a_guard_held_back(tmp_path: Path, student: StudentServer) -> None:
    """A restored input is answered, a restored answer imported, each by an event that can be undone, and once."""
    path = tmp_path / "p.srt"
    with create_empty(path) as store:
        walk(SYNTHESIZE.walk(store, asked(tmp_path, student, agreement=1.0)))
        assert store.value("SELECT count(*) FROM sample") == 0
        one = syntheses(store)[0]
        noisy = held_back(store, one.task, one.student, guard="noise")[0]
        divided = held_back(store, one.task, one.student, guard="agreement")[0]
        assert divided.detail == "3/4, 100% are needed"
        assert divided.input
        restore(store, [noisy.generation_id, divided.generation_id], "ann")
        with pytest.raises(DecisionError, match="taken already"):
            restore(store, [noisy.generation_id], "ann")
        walk(SYNTHESIZE.walk(store, asked(tmp_path, student, agreement=1.0)))
        sql = "SELECT count(*) FROM generation WHERE parent_id = ?"
        assert store.value(sql, [noisy.generation_id]) == 4
        assert [json.loads(row["extra"])["agreement"] for row in store.rows("SELECT extra FROM sample")] == ["3/4"]
        taken_back(store, noisy.generation_id, "ann")
        with pytest.raises(DecisionError, match="not taken by hand"):
            taken_back(store, noisy.generation_id, "ann")
    said = called("guards", path, "--guard", "noise")
    assert said.returncode == DONE
    assert "input noise: " in said.stdout


def test_nothing_synthetic_is_approved_in_bulk_unread(tmp_path: Path, student: StudentServer) -> None:
    """A bulk approval is refused until samples drawn at random were read blind; leaving out in bulk is not."""
    with create_empty(tmp_path / "p.srt") as store:
        walk(SYNTHESIZE.walk(store, asked(tmp_path, student)))
        samples = int(store.value("SELECT count(*) FROM sample"))
        apply(store, find_policy(store, "self-guide").limited(max_noise_phrases=None), "ann")
        refresh(store)
        with pytest.raises(DecisionError, match="0 were read blind") as error:
            decide_all(store, "true", {}, Action.APPROVE, "ann", "all")
        assert f"--reads {samples}" in error.value.hint
        audit = draw(store, Population(), "all", samples, "ann")
        for name in audit.samples:
            seen = versions_shown(store, audit, name, "ann")
            with store.transaction() as tx:
                read_within(tx, audit, name, Marks(seen, seen), "ann")
        assert decide_all(store, "true", {}, Action.APPROVE, "ann", "all") == samples


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "is empty"),
        ("name = ", "is no TOML"),
        (TASK.replace(', "negative"]', "]"), "has 1 classes"),
        (TASK.replace('output = "negative"', 'output = "so-so"'), "is no class"),
        (TASK.split("[[demo]]", maxsplit=1)[0], "fewer than two examples"),
        (TASK.replace("instruction = ", "instructions = "), "says instructions"),
    ],
)
def test_a_task_that_is_none_is_refused(tmp_path: Path, text: str, says: str) -> None:
    """A task that says too little is refused before anything is asked or stored, with what to write."""
    with create_empty(tmp_path / "p.srt") as store:
        with pytest.raises(SRTError) as error:
            walk(SYNTHESIZE.walk(store, {"task": str(write_task(tmp_path, text)), "base_url": "x", "model": "m"}))
        assert says in error.value.message
        assert error.value.hint
        assert store.value("SELECT count(*) FROM task") == 0


def test_without_an_endpoint_nothing_is_made_up(tmp_path: Path) -> None:
    """Without an address, and where nobody listens, the error says so, and no try counts as written."""
    create_empty(path := tmp_path / "p.srt").close()
    task = write_task(tmp_path)
    assert "No endpoint" in refused(called("synthesize", path, task))
    said = refused(called("synthesize", path, task, "--base-url", "http://127.0.0.1:9/v1", "--model", "m"))
    assert "cannot be reached" in said
    with Store.open(path) as store:
        assert store.value("SELECT count(*) FROM generation WHERE outcome = 'answered'") == 0
        assert store.value("SELECT count(*) FROM guard") == 0


RUN_NEEDS = """
import json, sys
from contextlib import closing
from pathlib import Path
from srt_core.project.store import Store
from srt_core.steps.synthesize import SYNTHESIZE
"""
RUN = """
with Store.open(Path(sys.argv[1])) as store:
    with closing(SYNTHESIZE.walk(store, json.loads(sys.argv[2]))) as steps:
        for progress in steps:
            print(progress.done, flush=True)
"""


def test_a_killed_synthesis_goes_on(tmp_path: Path, student: StudentServer) -> None:
    """Killed amid inputs and answers, it ends with every try made once, those from before as they were."""
    create_empty(path := tmp_path / "p.srt").close()
    given = asked(tmp_path, student)
    kept: list[object] = []
    with worker(RUN_NEEDS, RUN, path, json.dumps(given)) as process:
        for lines in (3, 8):
            assert process.end_at(lines) == -9
            with Store.open(path) as store:
                rows = store.rows("FROM generation ORDER BY generation_id")
                assert rows[: len(kept)] == kept
                kept = list(rows)
    with Store.open(path) as store:
        walk(SYNTHESIZE.walk(store, given))
        rows = store.rows("FROM generation ORDER BY generation_id")
        assert rows[: len(kept)] == kept
        assert 0 < len(kept) < len(rows)
        twice = "SELECT count(*) FROM generation GROUP BY step, parent_id, round, number HAVING count(*) > 1"
        assert store.rows(twice) == []
        assert store.value("SELECT count(*) FROM sample") > 0


@pytest.mark.thorough
def test_a_real_student_writes_through_a_server_of_others(tmp_path: Path, small_student: Path) -> None:
    """`transformers serve` with SmolLM2: every try has a reply or a reason, and the funnel adds up to what is there."""
    with running_serving(tmp_path, model=small_student) as serving, create_empty(tmp_path / "p.srt") as store:
        given = {"task": str(write_task(tmp_path)), "base_url": serving.url, "model": serving.model}
        walk(SYNTHESIZE.walk(store, {**given, "n": 3, "rounds": 2, "inputs": 3, "max_tokens": 32, "concurrency": 3}))
        one = syntheses(store)[0]
        tallies = funnel(store, one.task, one.student)
        assert tallies[0].looked_at == 6
        assert sum(each.looked_at for each in tallies if each.guard == "reply") == one.tries
        assert store.value("SELECT count(*) FROM generation WHERE raw IS NULL") == 0


def test_import_shows_what_was_held_back_and_takes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, student: StudentServer
) -> None:
    """The funnel and each reason stand on Import, and a button takes a try by an event, or undoes that."""
    with served(monkeypatch, tmp_path / "own.srt") as project:
        walk(SYNTHESIZE.walk(project.store, asked(tmp_path, student)))
        app = open_screen("pages/1_Import.py")
        tables = [table.value for table in app.dataframe if "Guard" in table.value]
        assert int(tables[0]["Held back"].sum()) == project.store.value("SELECT count(*) FROM guard WHERE NOT passed")
        one = syntheses(project.store)[0]
        first = held_back(project.store, one.task, one.student, guard="length")[0]
        assert first.detail == "3 characters, 15 to 45 are usual"
        assert markdown(first.detail) in [each.value for each in app.caption]
        for label, restored in (("Take it", 1), ("Undo taking it", 0)):
            button = app.button(key=f"restore_{first.generation_id}")
            assert button.label == label
            button.click().run()
            assert project.store.value("SELECT count(*) FROM restored") == restored
