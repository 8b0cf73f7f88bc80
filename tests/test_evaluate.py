"""Evaluation and comparison: kept losses are the students' own, and reports and words follow from them."""

import json
import math
import subprocess
from pathlib import Path
from statistics import fmean

import pytest

from srt_core.errors import StudentError
from srt_core.project.candidates import pairs
from srt_core.project.store import Store
from srt_core.records import Origin
from srt_core.score.ifd import Convention, plan
from srt_core.score.student import load_student
from srt_core.score.templates import load_template
from srt_core.train.comparing import PARENT, compare
from srt_core.train.evaluating import Side, summary
from srt_core.train.runs import runs
from tests.command_line import DONE, NOT_DONE, called
from tests.small_project import create_scored_project, save_student
from tests.test_train import ASIDE, PAIRS, ROOT, train_command
from tests.training import write_export

SEEDS = (1, 2)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with one run, done and evaluated, and three that are made of its rows: two arms under two seeds."""
    folder = tmp_path_factory.mktemp("evaluated")
    student = save_student(folder / "student")
    with create_scored_project(folder / "p.srt", student, PAIRS) as store:
        write_export(store, folder / "export", Origin.RESPONSE, ASIDE)
    subprocess.run(train_command(folder, "--arm", "rewrites"), check=True, cwd=ROOT, capture_output=True)
    done = called("evaluate", folder / "p.srt", "1", "--also-trained", "4", "--device", "cpu")
    assert done.returncode == DONE, done.stderr
    with Store.open(folder / "p.srt") as store, store.transaction() as tx:
        for run_id, arm, seed, more in ((2, "rewrites", 2, 0.0), (3, "others", 1, 0.25), (4, "others", 2, 0.25)):
            tx.execute(f"INSERT INTO run SELECT * REPLACE ({run_id} AS run_id, '{arm}' AS arm, {seed} AS seed) "
                       "FROM run WHERE run_id = 1")  # fmt: skip
            tx.execute(f"INSERT INTO evaluated SELECT * REPLACE ({run_id} AS run_id, loss_y_given_x + {more} + "
                       f"{seed} * 0.01 * ((candidate_id * 7 + {run_id} * 3) % 5) AS loss_y_given_x) "
                       "FROM evaluated WHERE run_id = 1")  # fmt: skip
    return folder


@pytest.mark.slow
def test_kept_losses_are_those_of_the_students(made: Path) -> None:
    """Both sides of each sample that was put aside have the loss that student and parent give when asked directly."""
    with Store.open(made / "p.srt") as store:
        rows = store.rows("FROM evaluated WHERE run_id = 1 ORDER BY candidate_id")
        texts = pairs(store, [row["candidate_id"] for row in rows])
        run = next(each for each in runs(store) if each.run_id == 1)
    for folder, columns in ((run.trained, ("loss_y", "loss_y_given_x")),
                            (run.student, ("parent_loss_y", "parent_loss_y_given_x"))):  # fmt: skip
        student = load_student(folder, device="cpu")
        plans = plan(
            [texts[row["candidate_id"]] for row in rows], load_template("alpaca"), Convention.ALIGNED, student, 512
        )
        requests = [slot for each in plans for slot in (each.y, each.y_given_x)]
        found = dict(student.losses(requests))  # type: ignore[arg-type]
        expected = [found[place].mean for place in range(len(requests))]
        assert [row[column] for row in rows for column in columns] == pytest.approx(expected, abs=1e-5)
    assert {(row["side"], row["seen"]) for row in rows} == {(side, seen) for side in Side for seen in (False, True)}
    assert [sum(not row["seen"] for row in rows), sum(row["seen"] for row in rows)] == [2 * ASIDE, 8]


@pytest.mark.slow
def test_the_report_is_computed_from_the_kept_losses(made: Path) -> None:
    """Means, tasks and IFD before and after are those of the rows; tasks together are the whole."""
    with Store.open(made / "p.srt") as store:
        whole, tasks = summary(store, 1), summary(store, 1, by_task=True)
        rows = store.rows("FROM evaluated WHERE run_id = 1")
    for each in whole:
        own = [row for row in rows if (row["side"], row["seen"]) == (each["side"], each["seen"])]
        assert each["versions"] == len(own)
        assert each["loss"] == pytest.approx(fmean(row["loss_y_given_x"] for row in own))
        assert each["parent_ifd"] == pytest.approx(
            fmean(math.exp(row["parent_loss_y_given_x"] - row["parent_loss_y"]) for row in own)
        )
    assert sum(row["versions"] for row in tasks) == sum(row["versions"] for row in whole) == len(rows)


@pytest.mark.slow
def test_arms_are_compared_by_the_same_pairs_and_seeds(made: Path) -> None:
    """The difference is the mean over samples and seeds of the differences; words say whether one was found."""
    with Store.open(made / "p.srt") as store:
        found = compare(store, [1, 2, 3, 4])
        rows = store.rows("FROM evaluated WHERE NOT seen")
        losses = {(row["run_id"], row["candidate_id"]): row["loss_y_given_x"] for row in rows}
    for each in (one for one in found.differences if one.base == "rewrites"):
        ids = {row["candidate_id"] for row in rows if row["side"] == each.side}
        means = [fmean(losses[run + 2, one] - losses[run, one] for one in ids) for run in (1, 2)]
        assert (each.arm, each.seeds, each.found.units) == ("others", SEEDS, ASIDE)
        assert each.found.by_seed == pytest.approx(means)
        assert each.found.mean == pytest.approx(fmean(means))
        assert [name for name, _ in each.intervals()] == ["pairs", "seeds", "both"]
        assert ("no difference found" in each.words()) == (not each.found.is_found)
    assert sum(each.base == PARENT for each in found.differences) == 4
    with Store.open(made / "p.srt") as store:
        same = compare(store, [1, 3])
    assert any("one seed" in note for note in same.notes)
    said = called("compare", made / "p.srt", "1", "2", "3", "4", "--json")
    assert len(json.loads(said.stdout)["differences"]) == len(found.differences)
    assert "by seed: 1:" in called("compare", made / "p.srt", "1", "2", "3", "4").stdout


@pytest.mark.slow
def test_what_cannot_be_compared_is_said(made: Path) -> None:
    """Unequal reading, one seed twice and a run without an evaluation are refused, each with what to do."""
    path = made / "p.srt"
    with Store.open(path) as store:
        with store.transaction() as tx:
            tx.execute("INSERT INTO run SELECT * REPLACE (5 AS run_id, 'short' AS arm, 10 AS tokens) FROM run "
                       "WHERE run_id = 1")  # fmt: skip
            tx.execute("INSERT INTO run SELECT * REPLACE (6 AS run_id) FROM run WHERE run_id = 1")
            tx.execute("INSERT INTO evaluated SELECT * REPLACE (5 AS run_id) FROM evaluated WHERE run_id = 1")
        with pytest.raises(StudentError, match="More reading alone"):
            compare(store, [1, 5])
        assert "seed 1) 10." in compare(store, [1, 5], allow_unequal=True).notes[0]
        with pytest.raises(StudentError, match="one arm and seed"):
            compare(store, [1, 6])
    missing = called("evaluate", path, "99")
    assert missing.returncode == NOT_DONE and "There is no run 99" in missing.stderr
    assert "killed" not in called("runs", path).stdout
