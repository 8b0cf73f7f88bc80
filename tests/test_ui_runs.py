"""The Runs screen: what is trained and how far, a plan before it starts, and what runs say of each other."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from srt_core.project.store import Store
from srt_core.records import Origin
from srt_core.train.exports import read_export
from srt_core.train.plan import Settings
from srt_core.train.runs import RunState, begin, keep_step, note, runs
from srt_core.train.training import prepare
from srt_core.ui.server.runtime import Project
from tests.exporting import export_one
from tests.rule_oracle import Case, Numbers
from tests.rule_project import create_project
from tests.screens import finish, links, open_screen, served, words
from tests.small_project import create_scored_project, save_student
from tests.training import write_export

PAGE = "pages/13_Runs.py"
PAIRS, ASIDE = 12, 4
TRAINING_SECONDS = 400.0


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a scored project, its student and an export of eight pairs."""
    folder = tmp_path_factory.mktemp("runs")
    with create_scored_project(folder / "own.srt", save_student(folder / "student"), PAIRS) as store:
        write_export(store, folder / "export", Origin.RESPONSE, ASIDE)
    return folder


@pytest.fixture
def project(made: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    """A server on that project."""
    with served(monkeypatch, made / "own.srt") as project:
        yield project


def add_run(store: Store, made: Path, arm: str, seed: int, state: RunState, more: float) -> None:
    """Put a run into the project as training and evaluation would, with losses that differ by `more`."""
    data = read_export(made / "export")
    prepared = prepare(store, data, Settings(str(made / "student"), max_length=512, batch_size=4, seed=seed), "alpaca")
    key = f"{arm}{seed}"
    run = begin(store, key, data, prepared.settings, prepared.plan, made / key, arm, None, "alpaca")
    for step in (1, 2):
        event = {"step": step, "loss": 4.0 - step / 4, "learning_rate": 0.1, "tokens": 100 * step, "seconds": 0.5}
        keep_step(store, run.run_id, event)
    with store.transaction() as tx:
        tx.execute(
            """INSERT INTO evaluated
               SELECT $run, candidate_id, sample_id, if(origin = $original, 'original', 'rewritten'), false, 5,
                       5.0, 3.0 + $more + candidate_id / 100, 5.0, 3.5, 'ok'
               FROM candidate
               WHERE sample_id IN (SELECT unnest($aside::VARCHAR[])) AND origin IN ($original, $rewrite)""",
            {"run": run.run_id, "original": str(Origin.ORIGINAL), "rewrite": str(Origin.RESPONSE), "more": more,
             "aside": list(data.put_aside)},
        )  # fmt: skip
    note(store, run.run_id, state=str(state))


def test_an_empty_screen_says_what_to_do(project: Project) -> None:
    """Without a run the page says what it is for, leads to Export, and asks for the folder of one."""
    app = open_screen(PAGE)
    assert not app.exception
    assert "No student is trained yet" in words(app) and "Export first" in words(app)
    assert "Export" in links(app)
    assert app.button(key="start_train").disabled


@pytest.mark.slow
@pytest.mark.thorough
def test_a_student_is_trained_and_evaluated_here(project: Project, made: Path) -> None:
    """The plan stands there before the start; the run ends in the list, and its evaluation says both sides."""
    app = open_screen(PAGE)
    app.text_input(key="export").set_value(str(made / "export")).run()
    app.text_input(key="student").set_value(str(made / "student")).run()
    app.number_input(key="batch_size").set_value(8).run()
    app.number_input(key="max_steps").set_value(2).run()
    assert "8 of 8 pairs have the token ids that were scored" in words(app)
    assert not app.exception
    app.button(key="start_train").click().run()
    finish(project, "train", app, TRAINING_SECONDS)
    run = runs(project.store)[0]
    assert (run.state, run.steps) == (RunState.DONE, 2)
    assert "Students of this project: 1 trained." in words(app)
    app.button(key="evaluate").click().run()
    finish(project, "evaluate", app, TRAINING_SECONDS)
    assert not app.exception
    said = words(app)
    assert "Put aside" in said and "Rewritten" in said and "On original responses" in said
    with project.store.transaction() as tx:
        tx.execute("DELETE FROM run"), tx.execute("DELETE FROM evaluated")


def test_the_form_begins_with_the_latest_export_that_can_be_trained_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The folder of the last export with prompts and completions stands in the form; one of another format does not."""
    path = tmp_path / "own.srt"
    with create_project(
        path, [Case({Origin.ORIGINAL: Numbers(0.5, 0.5), Origin.RESPONSE: Numbers(0.5, 0.4)})]
    ) as store:
        export_one(store, tmp_path / "first", "prompt_completion")
        export_one(store, tmp_path / "second", "alpaca")
    with served(monkeypatch, path):
        app = open_screen(PAGE)
    assert app.text_input(key="export").value == str(tmp_path / "first")
    assert "Export first" not in words(app)


def test_runs_are_listed_with_their_state_and_compared(project: Project, made: Path) -> None:
    """A killed run can go on; arms are compared in words with every interval, and unequal reading is refused."""
    for arm, more in (("random", 0.0), ("selected", 0.5)):
        for seed in (1, 2):
            add_run(project.store, made, arm, seed, RunState.DONE, more + seed / 1000)
    add_run(project.store, made, "late", 1, RunState.RUNNING, 0.0)
    app = open_screen(PAGE)
    assert not app.exception
    assert "Killed, can go on" in words(app)
    assert "4 trained, 1 stopped, which can go on" in words(app)
    ids = {(run.arm, run.seed): run.run_id for run in runs(project.store)}
    chosen = [ids[arm, seed] for arm in ("random", "selected") for seed in (1, 2)]
    app.multiselect(key="compared").set_value(chosen).run()
    assert "On original responses selected has a loss of" in words(app)
    assert "higher by 0.5000" in words(app)
    assert "Over seeds" in words(app)
    note(project.store, ids["random", 1], tokens=10)
    app.run()
    assert "More reading alone may make the difference" in words(app)
