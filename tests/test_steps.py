"""The long steps: one record each, which the app's jobs and the command line run alike."""

from collections.abc import Generator, Iterator
from pathlib import Path
from threading import Event

import pytest
import torch
import typer
from streamlit.testing.v1 import AppTest
from typer.testing import CliRunner

from srt_core.commands.main import app
from srt_core.commands.step import command_of
from srt_core.importing.run import import_file
from srt_core.project.progress import Progress
from srt_core.project.store import Store
from srt_core.reflect.prompts import ReplyFormat
from srt_core.score.student import load_student
from srt_core.steps.background_scoring import BackgroundScoring
from srt_core.steps.jobs import Jobs, JobState
from srt_core.steps.preparing import make_plan
from srt_core.steps.score import score_with
from srt_core.steps.step import Argument, Arguments, Field, Option, Report, Step, Widget
from srt_core.steps.steps import STEPS
from tests.small_project import alpaca_rows, save_student, write_lines

SAMPLES = 2


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project of two originals."""
    path = tmp_path / "p.srt"
    with Store.create(path) as store:
        for _ in import_file(store, write_lines(tmp_path / "data.jsonl", alpaca_rows(SAMPLES))):
            pass
    return path


@pytest.fixture
def student(tmp_path: Path) -> Iterator[str]:
    """The folder of a tiny student."""
    torch.set_num_threads(1)
    yield str(save_student(tmp_path / "student"))


def _measure(store: Store, asked: Arguments, stop: Event) -> Generator[Progress, None, None]:
    done = 0
    while done < asked["rounds"] and not stop.is_set():
        done += 1
        yield Progress("rounds", done, asked["rounds"])
    store.set_meta("measured", asked["name"])


MEASURE = Step(
    "measure",
    "Measuring",
    "rounds",
    _measure,
    (
        Argument("name", str, "length", Option("What to measure."), Field("Measure", placeholder="length")),
        Argument("rounds", int, 3, Option("How often.", "times", low=1), Field("Rounds", widget=Widget.NUMBER, low=1),
                 group="How"),
        Argument("is_thorough", bool, False, Option("Take longer."), Field("Thorough", widget=Widget.SWITCH),
                 is_expert=True),
    ),
    help="Measure every sample.",
    report=lambda _store, asked, last: Report([f"{last.done} rounds of {asked['name']}."]),
)  # fmt: skip


def test_a_record_is_a_command(project: Path) -> None:
    """A step's record alone makes a command: its options, their limits and help, its progress and its report."""
    own = typer.Typer()
    own.command("measure")(command_of(MEASURE))
    own.command("other")(lambda: None)
    run = CliRunner().invoke
    assert run(own, ["measure", str(project), "--times", "5", "--is-thorough"]).stdout == "5 rounds of length.\n"
    assert run(own, ["measure", str(project), "--times", "0"]).exit_code == 2
    helped = run(own, ["measure", "--help"]).stdout
    assert "Measure every sample." in helped and "How often." in helped and "--no-is-thorough" not in helped


def test_a_record_is_a_job(project: Path) -> None:
    """The app runs the same record from what the job is stored with; what is not given has its default."""
    with Store.open(project) as store:
        job = Jobs(store).start("measure", {"name": "drift"}, lambda stop: MEASURE.walk(store, {"name": "drift"}, stop))
        assert job.thread is not None
        job.thread.join()
        assert (job.state, job.progress.done, store.meta("measured")) == (JobState.DONE, 3, "drift")


def _form() -> None:
    import streamlit as st

    from srt_core.ui.frame.form import draw_form
    from tests.test_steps import MEASURE

    st.session_state["chosen"] = draw_form(MEASURE, {"rounds": 7, "of an older version": 1})


def test_a_record_is_a_form() -> None:
    """A step's record alone makes a form that begins with what the latest run was told; experts' fields are folded."""
    form = AppTest.from_function(_form).run()
    assert form.session_state["chosen"] == {"name": "length", "rounds": 7, "is_thorough": False}
    assert form.expander[0].toggle[0].label == "Thorough"
    form.text_input(key="name").set_value(" drift ").run()
    form.number_input(key="rounds").set_value(2).run()
    assert form.session_state["chosen"] == {"name": "drift", "rounds": 2, "is_thorough": False}


@pytest.mark.parametrize("step", STEPS.values(), ids=STEPS)
def test_every_record_is_whole(step: Step) -> None:
    """Names are unique, a form's rows name fields, and what an option runs instead is a step."""
    names = [each.name for each in step.arguments]
    assert len(names) == len(set(names))
    in_rows = [name for row in step.rows for name in row.names]
    assert len(in_rows) == len(set(in_rows))
    assert all(step.argument(name).field for name in in_rows)
    instead = [each.option.runs for each in step.arguments if each.option and each.option.runs]
    assert set(instead) <= set(STEPS)


def test_a_job_of_an_older_version_can_be_resumed() -> None:
    """Arguments as earlier versions stored them, with "" for what was not given, and without what came later."""
    stored = {"replay": "", "base_url": "http://127.0.0.1/v1", "model": "m", "mode": "full", "concurrency": 4,
              "prompts": "", "reply_format": "", "max_calls": None, "max_cost": None, "student": ""}  # fmt: skip
    plan = make_plan(STEPS["reflect"].complete(stored))
    assert (plan.concurrency, plan.reply_format, plan.settled, plan.only) == (4, None, None, ())
    assert make_plan(STEPS["reflect"].complete({**stored, "reply_format": "json"})).reply_format is ReplyFormat.JSON


@pytest.mark.parametrize("is_app_first", [True, False], ids=["app first", "command first"])
def test_app_and_command_line_know_what_the_other_scored(project: Path, student: str, is_app_first: bool) -> None:
    """What one of the two has scored whole the other does not load a student for."""
    asked = {"student": student, "template": "alpaca", "convention": "aligned", "max_length": 2048, "device": "auto",
             "dtype": "auto"}  # fmt: skip

    def by_app() -> str:
        with Store.open(project) as store:
            *_, last = STEPS["score"].walk(store, asked)
        return last.message

    def by_command() -> str:
        finished = CliRunner().invoke(app, ["score", str(project), "--student", student])
        assert finished.exit_code == 0, finished.output
        return finished.stdout

    first, second = (by_app, by_command) if is_app_first else (by_command, by_app)
    assert "scored before" not in first()
    assert "Everything was scored before." in second()


def test_a_student_beside_the_calls_leaves_a_stamp(project: Path, student: str) -> None:
    """What was scored in the background of a sequential run needs no student afterwards either."""
    asked = STEPS["score"].complete({"student": student, "template": "alpaca"})
    with Store.open(project) as store:
        loaded = load_student(student)
        with BackgroundScoring(lambda stop: score_with(store, loaded, asked, stop)) as beside:
            while beside.is_busy:
                beside.rounds()
            assert beside.rounds() == 1
        *_, last = STEPS["score"].walk(store, asked)
    assert last.message == "Everything was scored before."
