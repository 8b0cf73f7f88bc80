"""The Score screen: which student, the run, and what has no score."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from srt_core.importing.run import import_file
from srt_core.review.status import status
from srt_core.score.scorings import score_statuses, scorings
from srt_core.ui.score.page import OWN_TEMPLATE
from srt_core.ui.server.runtime import Project
from tests.conversations import add_exchanges, exchanges
from tests.screens import APP, finish, links, open_screen, served, words
from tests.small_project import alpaca_rows, save_student, write_lines

PAGE = "pages/3_Score.py"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    """A server on a project of three originals; max length leaves nothing of the first one's response."""
    rows = alpaca_rows(3)
    rows[0]["instruction"] = "blue " * 600
    with served(monkeypatch, tmp_path / "own.srt") as project:
        for _ in import_file(project.store, write_lines(tmp_path / "pairs.jsonl", rows)):
            pass
        yield project


def test_a_student_scores_the_project(project: Project, tmp_path: Path) -> None:
    """A run scores every candidate; what has no score is counted with its reason and a link to the rows."""
    app = open_screen(PAGE)
    assert app.button(key="start_score").disabled
    app.text_input(key="student").set_value(str(save_student(tmp_path / "student"))).run()
    app.button(key="start_score").click().run()
    finish(project, "score", app)
    assert score_statuses(project.store) == {"ok": 2, "no_target": 1}
    assert "Nothing to score" in words(app)
    assert "problem=without+a+score" in links(app)["Show samples without a score"]
    assert status(project.store)["scored"] == 2


def test_what_a_template_cannot_carry_is_said_before(project: Project, tmp_path: Path) -> None:
    """The screen counts what will get no score under the chosen template, and says nothing where all is carried."""
    add_exchanges(project.store, exchanges([("Hello.", "Hello there."), ("thanks", "You're welcome.")], "Be brief."))
    app = open_screen(PAGE)
    app.text_input(key="student").set_value(str(save_student(tmp_path / "student"))).run()
    assert "2 versions will get no score. The template alpaca has no place for a system text." in words(app)
    app.selectbox(key="template").set_value("chatml").run()
    assert "will get no score" not in words(app)
    app.selectbox(key="template").set_value("chat").run()
    assert "has no chat template" in words(app)
    app.selectbox(key="template").set_value("alpaca").run()
    app.button(key="start_score").click().run()
    finish(project, "score", app)
    assert score_statuses(project.store)["context_not_carried"] == 2
    assert "Context not carried" in words(app)


def test_another_scoring_can_be_used(project: Project, tmp_path: Path) -> None:
    """Each way of scoring is listed; the one in use can be changed, and the selections follow it."""
    student = str(save_student(tmp_path / "student"))
    app = open_screen(PAGE)
    app.text_input(key="student").set_value(student).run()
    for convention in ("aligned", "reference"):
        app.radio(key="convention").set_value(convention).run()
        app.button(key="start_score").click().run()
        finish(project, "score", app)
    assert [each.scoring_id for each in scorings(project.store) if each.in_use] == [2]
    app.button(key="use_scoring").click().run()
    assert [each.scoring_id for each in scorings(project.store) if each.in_use] == [1]


def test_the_fields_can_be_filled_as_a_paper_did(project: Project) -> None:
    """A press puts a method's student and template into the fields; what the method leaves open stays as it was."""
    app = open_screen(PAGE)
    assert app.button(key="start_score").disabled
    app.button(key="score_as_superfiltering").click().run()
    assert (app.text_input(key="student").value, app.selectbox(key="template").value) == ("gpt2", "plain")
    assert not app.button(key="start_score").disabled
    app.button(key="score_as_selective_reflection").click().run()
    assert (app.text_input(key="student").value, app.selectbox(key="template").value) == ("gpt2", "vicuna")


@pytest.mark.parametrize("name", ["missing", "own.srt"])
def test_a_student_that_is_none_is_told(project: Project, tmp_path: Path, name: str) -> None:
    """A path that holds no model ends the run with what to do next; no score is touched."""
    app = open_screen(PAGE)
    app.text_input(key="student").set_value(str(tmp_path / name)).run()
    app.button(key="start_score").click().run()
    finish(project, "score", app)
    assert "Scoring stopped" in words(app)
    assert str(tmp_path / name) in words(app)
    assert score_statuses(project.store) == {"unscored": 3}


def test_a_template_of_ones_own_is_checked(project: Project, tmp_path: Path) -> None:
    """A template file is read when it is named: its texts are shown, or what is wrong with it."""
    path = tmp_path / "own.toml"
    path.write_text(
        'with_input = "{instruction} {input}"\nno_input = "![x] {instruction}"\nreverse_request = "{response}?"'
    )
    app = open_screen(PAGE)
    app.selectbox(key="template").set_value(OWN_TEMPLATE).run()
    app.text_input(key="template_path").set_value(str(path)).run()
    assert "![x] {instruction}" in [code.value for code in app.code]
    path.write_text('no_input = "nothing"')
    assert "has no text 'with_input'" in words(app.run())


def test_no_screen_loads_torch(project: Project) -> None:
    """Pages open without torch, transformers and openai: these load in the thread of a job that needs them."""
    project.close()
    script = (
        "import sys\n"
        "from streamlit.testing.v1 import AppTest\n"
        "app = AppTest.from_file(sys.argv[1], default_timeout=60).run()\n"
        "for page in ('1_Import', '2_Reflect', '3_Score'):\n"
        "    app.switch_page(f'pages/{page}.py').run()\n"
        "    assert not app.exception, app.exception\n"
        "print(*sorted({'torch', 'transformers', 'openai'} & set(sys.modules)))"
    )
    finished = subprocess.run(
        [sys.executable, "-c", script, str(APP)], cwd=APP.parent, capture_output=True, text=True, check=False
    )
    assert (finished.returncode, finished.stdout.strip()) == (0, ""), finished.stderr


def test_a_paper_fills_in_the_losses_that_it_adds(project: Project) -> None:
    """A method's button turns on the switch of its own loss, and another method's turns it off again."""
    app = open_screen(PAGE)
    assert not app.toggle(key="cherry_ifd").value
    app.button(key="score_as_cherry").click().run()
    assert app.toggle(key="cherry_ifd").value
    assert (app.selectbox(key="template").value, app.number_input(key="max_length").value) == ("alpaca", 512)
    app.button(key="score_as_superfiltering").click().run()
    assert not app.toggle(key="cherry_ifd").value
