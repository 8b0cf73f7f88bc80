"""The warm-up of a student: the middle of each group, nothing that an audit drew, a student of its own in the end."""

from pathlib import Path

import pytest

from srt_core.errors import StudentError
from srt_core.methods.cherry import middle
from srt_core.project.events import append
from srt_core.project.store import Store
from srt_core.score.student import load_student
from srt_core.train.runs import runs
from srt_core.train.warming import place_student, taken
from tests.command_line import DONE, called, refused
from tests.small_project import create_scored_project, save_student

PPL = [5.0, 9.0, 7.0, 20.0, 6.0, 8.0, 30.0, 10.0, 7.5, 12.0, 4.0, 11.0]
SAMPLES = 24
HOW = ["--batch-size", "4", "--threads", "1", "--learning-rate", "0.01", "--no-measure", "--clusters", "3",
       "--take", "4"]  # fmt: skip


@pytest.mark.parametrize(
    ("take", "expected"), [(2, [1, 7]), (3, [1, 5, 8]), (4, [1, 2, 5, 7]), (10, [1, 2, 5, 7, 8, 11])]
)
def test_the_middle_of_a_group_is_that_of_the_worked_examples(take: int, expected: list[int]) -> None:
    """Between 6.75 and 11.25, both included, thinned evenly in the order of the rows."""
    assert middle(PPL, take) == expected


def test_a_small_group_is_taken_whole_and_an_empty_one_not_at_all() -> None:
    """Of a group of two, both, whatever their numbers; groups without a member ask for nothing."""
    assert middle([1e9, 1.0], 10) == [0, 1]
    assert middle([], 10) == []
    assert taken([], [], [], 10) == []
    assert taken([30, 31, 32], [7, 2, 7], [1.0, 9.0, 5.0], 10) == [30, 31, 32]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a scored project, of which an audit drew six samples, and its student."""
    folder = tmp_path_factory.mktemp("warmup")
    student = save_student(folder / "student")
    with create_scored_project(folder / "p.srt", student, SAMPLES) as store:
        names = [row["sample_id"] for row in store.rows("SELECT sample_id FROM sample ORDER BY seq LIMIT 6")]
        with store.transaction() as tx:
            event = append(tx, "audit", "ann", {})
            tx.append(
                "drawn",
                ["audit_id", "place", "sample_id", "was_decided"],
                [(event, place, name, False) for place, name in enumerate(names, 1)],
            )
    return folder


def test_a_warm_up_makes_another_student_and_never_reads_what_was_audited(made: Path) -> None:
    """One epoch over at most so many of each group; in the end another fingerprint."""
    done = called("warmup", made / "p.srt", "--out", made / "warm", *HOW)
    assert done.returncode == DONE, done
    assert f"The warmed student is in {made / 'warm'}" in done.stdout
    assert "6 samples are kept from it" in done.stdout
    with Store.open(made / "p.srt") as store:
        (run,) = runs(store)
        assert run.arm == "warm-up" and run.settings["epochs"] == 1
        read = {row["sample_id"] for row in store.rows("SELECT sample_id FROM trained")}
        audited = {row["sample_id"] for row in store.rows("SELECT sample_id FROM drawn")}
        assert 0 < len(read) <= 12 and not read & audited
        in_use = store.encoding_id()
        assert in_use == 0, "a warm-up's vectors are not those that searches read"
    assert load_student(made / "warm").fingerprint != load_student(made / "student").fingerprint


def test_what_cannot_be_warmed_up_is_a_sentence(made: Path, tmp_path: Path) -> None:
    """A folder with something in it, no student, no sample left: refused before anything is computed."""
    (made / "full").mkdir()
    (made / "full" / "notes.txt").write_text("mine")
    assert "is there already" in refused(called("warmup", made / "p.srt", "--out", made / "full"))
    with pytest.raises(StudentError, match="is there already"):
        place_student(made / "student", made / "full")
    assert called("init", tmp_path / "empty.srt").returncode == DONE
    assert "No student is named" in refused(called("warmup", tmp_path / "empty.srt"))
    nothing = called("warmup", tmp_path / "empty.srt", "--student", made / "student")
    assert "There is no sample to warm a student up on" in refused(nothing)
