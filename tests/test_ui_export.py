"""The Export screen without a browser: what it counts is what it writes."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from srt_core.project import events
from srt_core.records import Action, Decision, Origin, Pair
from srt_core.review import decisions
from srt_core.ui.server.runtime import Project
from tests import context_project
from tests.rule_oracle import Case, Numbers
from tests.rule_project import create_project, sample_name
from tests.screens import open_screen, served, words

PAGE = "pages/8_Export.py"

# The rule keeps the response of the first two and leaves the third out.
CASES = [
    Case({Origin.ORIGINAL: Numbers(0.5, 0.75), Origin.RESPONSE: Numbers(0.5, 0.5)}),
    Case({Origin.ORIGINAL: Numbers(0.5, 0.75), Origin.RESPONSE: Numbers(0.5, 0.625)}),
    Case({Origin.ORIGINAL: Numbers(0.5, 0.75), Origin.RESPONSE: Numbers(0.5, 0.875)}),
]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    path = tmp_path / "own.srt"
    create_project(path, CASES).close()
    with served(monkeypatch, path) as project:
        yield project


def test_an_empty_project_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without samples there is nothing to export, and the page leads to Import."""
    with served(monkeypatch, tmp_path / "empty.srt"):
        assert "Import a file first" in words(open_screen(PAGE))


def test_what_is_counted_is_written(project: Project, tmp_path: Path) -> None:
    """The number on the button is the number of rows in the file, which is read back and logged."""
    app = open_screen(PAGE)
    assert app.metric[0].value == "2"
    app.text_input(key="folder").input(str(tmp_path / "out")).run()
    next(button for button in app.button if button.label == "Write 2 pairs").click().run()
    assert "2 rows written and read back the same" in words(app)
    assert len(json.loads((tmp_path / "out" / "alpaca.train.json").read_text("utf-8"))) == 2
    assert events.kinds(project.store) == ["export"]


def test_the_approved_alone_are_a_scope(project: Project) -> None:
    """With the scope of approved samples only decisions count, an approval of what the rule drops too."""
    decisions.decide(
        project.store, Decision(sample_name(2), Action.CHOOSE, "Ann", Origin.ORIGINAL), expected_event_id=None
    )
    assert open_screen(PAGE).metric[0].value == "3"
    assert open_screen(PAGE, scope="Approved by a person only").metric[0].value == "1"


def test_a_filter_from_explore_holds(project: Project) -> None:
    """An address with a filter exports its samples alone, says so, and offers to take all."""
    app = open_screen(PAGE, state="decided")
    assert app.metric[0].value == "0"
    assert "Only the samples of the filter" in words(app)
    next(button for button in app.button if button.label == "Take all samples").click().run()
    assert app.metric[0].value == "2"


def test_conversations_can_be_joined_in_messages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where samples share a conversation, messages offers a line a conversation, and says what was left out."""
    pairs = context_project.exchanges("", "Name a bird.", "A wren.", "Another?", "A tit.")
    rewrite = {0: {Origin.RESPONSE: Pair(pairs[0].instruction, "A robin.")}}
    with context_project.create_project(tmp_path / "own.srt", [(pair, {}) for pair in pairs], rewrite) as store:
        names = context_project.sample_ids(store)
        context_project.join_conversations(store, names)
        for name, origin in zip(names, (Origin.RESPONSE, Origin.ORIGINAL), strict=True):
            context_project.keep(store, name, origin)
    with served(monkeypatch, tmp_path / "own.srt"):
        assert "A line is" not in [radio.label for radio in open_screen(PAGE).radio]
        app = open_screen(PAGE, format="Messages, JSON Lines")
        app.radio(key="conversations").set_value("joined").run()
        app.text_input(key="folder").input(str(tmp_path / "out")).run()
        next(button for button in app.button if button.label == "Write 2 pairs").click().run()
        assert "0 rows written" in words(app)
        assert "1 left out: a kept rewrite stands before" in words(app)


def test_a_folder_that_cannot_be_made_is_said(project: Project, tmp_path: Path) -> None:
    """An export that cannot be written says why and what to do, and logs nothing."""
    (tmp_path / "file").write_text("", "utf-8")
    app = open_screen(PAGE)
    app.text_input(key="folder").input(str(tmp_path / "file" / "out")).run()
    next(button for button in app.button if button.label == "Write 2 pairs").click().run()
    assert "cannot be made" in words(app)
    assert "Choose a folder you may write to." in words(app)
    assert events.kinds(project.store) == []
