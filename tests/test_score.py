"""Scoring: what it stores, that a second run computes nothing, and that a killed one loses nothing."""

import random
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from threading import Event
from typing import Any, cast

import pytest
import torch

from srt_core.project import candidates
from srt_core.project.store import Row, Store
from srt_core.records import Action, Decision, LossStatus, Origin, Pair
from srt_core.review import decisions
from srt_core.review.status import status
from srt_core.score.ifd import Convention
from srt_core.score.run import is_scored, score
from srt_core.score.student import Student, files_stamp, load_student
from srt_core.score.templates import load_template
from tests.empty_project import create_empty
from tests.killing import worker
from tests.pipeline import CountingStudent, counting_student, import_rows
from tests.reflecting import walk
from tests.small_project import COLUMN_MAP, alpaca_rows, rows_with_candidates, save_student
from tests.tiny_students import byte_tokenizer, tiny_llama

ALPACA = load_template("alpaca")


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with create_empty(tmp_path / "p.srt") as store:
        yield store


@pytest.fixture(scope="module")
def student() -> CountingStudent:
    return counting_student()


def scores(store: Store) -> list[Row]:
    return store.rows("SELECT * FROM score ORDER BY scoring_id, candidate_id")


def test_each_distinct_loss_is_computed_once(store: Store) -> None:
    """Four candidates of two instructions need 14 losses of 16, two of one instruction 7 of 8, a duplicate none."""
    rows = rows_with_candidates(8)
    for row in rows[4:]:
        row["New Instruction"] = row["New Response"] = row["Best Response"] = ""
    import_rows(store, [*rows, rows[0]], column_map=COLUMN_MAP)
    student = counting_student()
    walk(score(store, student, ALPACA))
    assert status(store)["candidates"] == 4 * 4 + 4 * 2 + 4
    assert store.value("SELECT count(*) FROM loss") == student.requests == 4 * 14 + 4 * 7
    walk(score(store, student, ALPACA))
    assert student.requests == 4 * 14 + 4 * 7


def test_a_scored_project_scores_only_what_is_new(store: Store) -> None:
    """A second run computes what came since: losses that are kept are read, not computed."""
    rows = rows_with_candidates(4)
    student = counting_student()
    originals_only = {target: column for target, column in COLUMN_MAP.items() if target.startswith("original.")}
    import_rows(store, rows, column_map=originals_only)
    walk(score(store, student, ALPACA))
    assert student.requests == 4 * 4
    before = scores(store)
    import_rows(store, rows, column_map=COLUMN_MAP)
    assert status(store)["unscored"] == 4 * 3
    walk(score(store, student, ALPACA))
    assert student.requests == 4 * 14
    assert scores(store)[: len(before)] == before


def edit_response(store: Store, sample: str, response: str) -> int:
    """Edit the original of a sample by hand; returns the event."""
    pair = candidates.candidates(store, sample)[Origin.ORIGINAL].pair
    edited = Pair(pair.instruction, response, pair.input)
    return decisions.decide(
        store, Decision(sample, Action.EDIT, "ann", Origin.ORIGINAL, edited), expected_event_id=None
    )


def test_an_edited_response_computes_only_its_own_losses(store: Store) -> None:
    """Of an edit of one response three losses are new: alone, given x, and x given it; that of x is kept."""
    import_rows(store, rows_with_candidates(4), column_map=COLUMN_MAP)
    student = counting_student()
    walk(score(store, student, ALPACA))
    before, asked = scores(store), student.requests
    (first, second) = (row["sample_id"] for row in store.rows("SELECT sample_id FROM sample ORDER BY seq LIMIT 2"))
    event = edit_response(store, first, "A response that nobody wrote before.")
    undone = edit_response(store, second, "A response that nobody stands by.")
    decisions.undo(store, undone, "ann")
    assert walk(score(store, student, ALPACA))[-1].done == 1
    assert student.requests == asked + 3
    (found,) = store.rows("SELECT * FROM edit_score")
    assert (found["event_id"], found["status"]) == (event, "ok")
    original = candidates.candidates(store, first)[Origin.ORIGINAL].candidate_id
    assert found["loss_x"] == store.value("SELECT loss_x FROM score WHERE candidate_id = ?", [original])
    assert scores(store) == before
    walk(score(store, student, ALPACA))
    assert student.requests == asked + 3


def test_two_scorings_never_mix(store: Store, student: Student) -> None:
    """Another convention or max length scores everything again, and is the one in use once it is complete."""
    import_rows(store, rows_with_candidates(3), column_map=COLUMN_MAP)
    walk(score(store, student, ALPACA))
    aligned = scores(store)
    walk(score(store, student, ALPACA, convention=Convention.REFERENCE))
    assert store.meta("scoring_id") == "2"
    assert scores(store)[: len(aligned)] == aligned
    assert len(scores(store)) == 2 * len(aligned)
    assert scores(store)[len(aligned)]["r_ifd"] != aligned[0]["r_ifd"]  # glued to its input without a line break


def test_an_unfinished_scoring_is_not_in_use(store: Store, student: Student, monkeypatch: pytest.MonkeyPatch) -> None:
    """The scores in use stay the complete ones until another scoring is complete."""
    import_rows(store, rows_with_candidates(3), column_map=COLUMN_MAP)
    walk(score(store, student, ALPACA))
    before = status(store)
    stop = Event()
    for last in score(store, student, ALPACA, max_length=150, token_budget=64, stop=stop):
        if last.done:
            stop.set()
    assert (last.done, last.total) == (4, 12)
    assert status(store) == before
    assert walk(score(store, student, ALPACA, max_length=150))[-1].done == 8
    assert store.meta("scoring_id") == "2"


def test_what_has_no_number_has_a_status(store: Store, student: Student) -> None:
    """A target that max length leaves nothing of has no number and says so; one that is cut is flagged."""
    rows = alpaca_rows(2)
    rows[0]["output"] = "red " * 400
    rows[1]["instruction"] = "blue " * 500
    import_rows(store, rows)
    last = walk(score(store, student, ALPACA, max_length=200))[-1]
    first, second = scores(store)
    # the response of the first leaves no room for its instruction, the instruction of the second none for its response
    assert (first["status"], second["status"]) == ("no_target", "no_target")
    assert (first["ifd"] is None, first["r_ifd"], second["ifd"]) == (False, None, None)
    assert second["r_ifd"] is not None
    assert (first["loss_x"], first["loss_x_given_y"]) == (None, None)
    assert last.failed == 2
    assert status(store)["unscored"] == 2


def test_a_cut_target_has_numbers_and_a_flag(store: Store, student: Student) -> None:
    """Both losses of a cut target run over its kept tokens, and the score says that it was cut."""
    import_rows(store, alpaca_rows(1))
    walk(score(store, student, ALPACA, max_length=132))
    (found,) = scores(store)
    assert found["status"] == "truncated"
    assert found["ifd"] is not None


def test_a_student_that_gives_nan_gives_no_number(store: Store) -> None:
    """NaN never reaches a score: the number is NULL, the status says non_finite, nothing is selected."""
    tokenizer = byte_tokenizer(has_bos=True)
    model = tiny_llama(len(tokenizer))
    with torch.no_grad():
        cast("Any", model.lm_head).weight.fill_(float("nan"))
    import_rows(store, rows_with_candidates(2), column_map=COLUMN_MAP)
    walk(score(store, Student(model, tokenizer, "nan"), ALPACA))
    assert {(row["status"], row["ifd"], row["r_ifd"], row["loss_y"]) for row in scores(store)} == {
        (str(LossStatus.NON_FINITE), None, None, None)
    }
    found = status(store)
    assert (found["scored"], found["unscored"], found["selected"]["by_reason"]) == (0, 8, {"unscored": 2})


def test_the_same_student_under_another_path_computes_nothing(tmp_path: Path, store: Store) -> None:
    """A copy of the weights, saved again elsewhere, is the same student: its losses are kept, its scoring is found."""
    import_rows(store, rows_with_candidates(3), column_map=COLUMN_MAP)
    folder = save_student(tmp_path / "one")
    walk(score(store, load_student(folder, device="cpu"), ALPACA))
    shutil.copytree(folder, tmp_path / "two")
    with store.transaction() as tx:
        tx.execute("DELETE FROM score")  # the losses alone must do
    again = load_student(tmp_path / "two", device="cpu")
    assert walk(score(store, again, ALPACA))[-1].tokens == 0
    assert (len(scores(store)), store.value("SELECT count(*) FROM scoring")) == (12, 1)


def test_a_finished_scoring_is_known_by_its_stamp(tmp_path: Path, store: Store) -> None:
    """Nothing changed: no student is needed. A new candidate, another setting or a file touched: it is."""
    folder = save_student(tmp_path / "student")
    import_rows(store, rows_with_candidates(3), column_map=COLUMN_MAP)
    stamp = files_stamp(str(folder), "cpu")
    assert not is_scored(store, stamp)
    walk(score(store, load_student(folder, device="cpu"), ALPACA, stamp=stamp))
    walk(score(store, load_student(folder, device="cpu"), ALPACA, convention=Convention.REFERENCE))
    assert store.meta("scoring_id") == "2"
    assert is_scored(store, files_stamp(str(folder), "cpu"))
    assert store.meta("scoring_id") == "1"
    assert not is_scored(store, files_stamp(str(folder), "cuda"))
    (folder / "config.json").touch()
    assert not is_scored(store, files_stamp(str(folder), "cpu"))
    import_rows(store, rows_with_candidates(4)[3:], column_map=COLUMN_MAP, name="more.jsonl")
    assert not is_scored(store, stamp)


def test_a_paused_run_keeps_what_it_computed(store: Store) -> None:
    """Stopped within a chunk, a run has kept the losses of its packs; the next computes only the others."""
    import_rows(store, rows_with_candidates(8), column_map=COLUMN_MAP)
    student = counting_student()
    stop = Event()
    for progress in score(store, student, ALPACA, token_budget=1024, stop=stop):
        if progress.tokens:
            stop.set()
    assert progress.done == 0
    kept = store.value("SELECT count(*) FROM loss")
    assert 0 < kept < 8 * 14
    student.requests = 0
    walk(score(store, student, ALPACA, token_budget=1024))
    assert student.requests == 8 * 14 - kept
    assert status(store)["unscored"] == 0


def test_a_paused_run_goes_on_with_the_same_packs(tmp_path: Path) -> None:
    """Stopped anywhere within a chunk, a run goes on with the packs of an undisturbed one: equal bit for bit."""
    with create_empty(tmp_path / "whole.srt") as whole, create_empty(tmp_path / "paused.srt") as paused:
        for each in (whole, paused):
            import_rows(each, rows_with_candidates(8), column_map=COLUMN_MAP)
        undisturbed, disturbed = counting_student(), counting_student()
        walk(score(whole, undisturbed, ALPACA, token_budget=1024))
        for _ in range(3):
            stop = Event()
            for progress in score(paused, disturbed, ALPACA, token_budget=1024, stop=stop):
                if progress.tokens:
                    stop.set()
            assert paused.value("SELECT count(*) FROM score") == 0
        walk(score(paused, disturbed, ALPACA, token_budget=1024))
        assert disturbed.seen == undisturbed.seen
        losses = "SELECT * FROM loss ORDER BY key"
        assert (scores(paused), paused.rows(losses)) == (scores(whole), whole.rows(losses))


def test_progress_counts_tokens_towards_an_estimate(store: Store, student: Student) -> None:
    """Tokens only grow, end at what was computed, and the estimated total meets them at the end."""
    import_rows(store, rows_with_candidates(30), column_map=COLUMN_MAP)
    seen = walk(score(store, student, ALPACA, token_budget=512))
    tokens = [progress.tokens for progress in seen]
    assert tokens == sorted(tokens)
    assert seen[-1].total_tokens == tokens[-1] > 0
    middle = next(progress for progress in seen if 0 < progress.done < 60)
    assert middle.total_tokens == pytest.approx(tokens[-1], rel=0.3)


def test_a_request_that_does_not_fit_is_a_row_and_the_run_goes_on(store: Store) -> None:
    """Out of memory on one text gives its candidates a status and no number; another run tries them again."""
    rows = alpaca_rows(3)
    rows[1]["output"] = "red blue " * 150
    import_rows(store, rows)
    tokenizer = byte_tokenizer(has_bos=True)
    model = tiny_llama(len(tokenizer), positions=2048)
    student = Student(model, tokenizer, "small memory")
    inner = model.get_input_embeddings()
    narrow = NarrowEmbedding(cast("torch.nn.Embedding", inner))
    model.set_input_embeddings(narrow)
    walk(score(store, student, ALPACA, stamp="stamp"))
    assert [row["status"] for row in scores(store)] == ["ok", "out_of_memory", "ok"]
    assert [row["ifd"] is None for row in scores(store)] == [False, True, False]
    assert not is_scored(store, "stamp")
    model.set_input_embeddings(inner)
    walk(score(store, student, ALPACA))
    assert {row["status"] for row in scores(store)} == {"ok"}


class NarrowEmbedding(torch.nn.Module):
    """A token embedding on a machine with memory for 250 tokens."""

    def __init__(self, inner: torch.nn.Embedding) -> None:
        super().__init__()
        self.inner, self.weight = inner, inner.weight

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        if ids.numel() > 250:
            raise torch.OutOfMemoryError
        found: torch.Tensor = self.inner(ids)
        return found


SCORE_NEEDS = """
from pathlib import Path
import torch, transformers.models.llama.modeling_llama
torch.set_num_threads(1)
import srt_core.score.run as scoring
from srt_core.project.store import Store
from srt_core.score.student import load_student
from srt_core.score.templates import load_template
"""
SCORE = """
with Store.open(Path(sys.argv[1])) as store:
    student = load_student(sys.argv[2], device="cpu")
    for progress in scoring.score(store, student, load_template("alpaca"), token_budget=512):
        if progress.done:
            print(progress.done, flush=True)
"""


def test_a_killed_scoring_goes_on(tmp_path: Path) -> None:
    """`kill -9` five times at any moment, then the same scoring: equal to an undisturbed run bit for bit, all once."""
    seed = random.randrange(2**32)
    chance = random.Random(seed)
    folder = save_student(tmp_path / "student")
    paths = [tmp_path / name for name in ("undisturbed.srt", "killed.srt")]
    for path in paths:
        with create_empty(path) as store:
            import_rows(store, rows_with_candidates(150), column_map=COLUMN_MAP)
    with worker(SCORE_NEEDS, SCORE, paths[1], folder) as work:
        kills = [work.end_at(chance.randrange(1, 4), chance.uniform(0, 0.1)) for _ in range(5)]
    assert kills == [-signal.SIGKILL] * 5, seed
    found = []
    for path in paths:
        with Store.open(path) as store:
            assert (0 < store.value("SELECT count(*) FROM score") < 600) == (path != paths[0]), seed
            walk(score(store, load_student(folder, device="cpu"), ALPACA, token_budget=512))
            found.append((scores(store), store.rows("SELECT * FROM loss ORDER BY key")))
    assert found[1] == found[0], seed
    assert len(found[0][1]) == 150 * 14
