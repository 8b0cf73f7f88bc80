"""The Export screen without a browser: what it counts is what it writes."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from srt_core.export.contents import Scope
from srt_core.project import events
from srt_core.records import Action, Decision, Origin, Pair
from srt_core.review import decisions
from srt_core.ui.export.choices import SCOPE_LABELS
from srt_core.ui.server.runtime import Project
from tests import context_project
from tests.rule_oracle import Case, Numbers
from tests.rule_project import create_project, sample_name
from tests.screens import links, log_in, open_screen, served, words

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


def press_write(app: AppTest, folder: Path) -> AppTest:
    app.text_input(key="folder").input(str(folder)).run()
    app.button(key="write").click().run()
    assert not app.exception
    return app


def test_what_is_counted_is_written_and_compared(project: Project, tmp_path: Path) -> None:
    """The number on the button is the number of rows in the file, which is read back and logged; the folder is an
    absolute one beside the project; afterwards the page says what differs from what was written, and lists it."""
    app = open_screen(PAGE, formats="Alpaca JSON")
    assert app.text_input(key="folder").value == str(tmp_path / "exports" / "own")
    assert "2 pairs are ready for training" in words(app)
    assert "Nothing was exported yet." in words(app)
    app.number_input(key="validation").set_value(0.0).run()
    assert app.button(key="write").label == "Write 2 pairs"
    app = press_write(app, tmp_path / "out")
    assert "2 rows written and read back the same" in words(app)
    assert len(json.loads((tmp_path / "out" / "alpaca.train.json").read_text("utf-8"))) == 2
    assert events.kinds(project.store) == ["export"]
    assert "No difference: the same 2 texts." in words(app)
    sample = sample_name(0)
    decisions.decide(project.store, Decision(sample, Action.REJECT, "Ann"), expected_event_id=None)
    app = open_screen(PAGE, formats="Alpaca JSON")
    assert "0 came, 1 left, 0 have another text, 1 are the same." in words(app)
    assert str(tmp_path / "out") in words(app)
    assert links(app)["1 left out by reviewers"] == "project=own&state=rejected"


def test_what_is_left_out_is_counted_with_the_way_there(project: Project) -> None:
    """What is parked, and what the rule leaves out, each with its number and its samples; parked ones are taken on
    request; what reviewers keep alone is a choice of its own, an original that the rule leaves out too."""
    decisions.decide(project.store, Decision(sample_name(0), Action.PARK, "Ann"), expected_event_id=None)
    app = open_screen(PAGE)
    assert "1 pair is ready for training, 1 parked are left out." in words(app)
    said = links(app)
    assert said["1 parked, which the rule keeps"] == "project=own&reason=kept&state=parked"
    assert said["1 left out by the rule"].startswith("project=own&reason=")
    assert open_screen(PAGE, scope=SCOPE_LABELS[Scope.WITH_PARKED]).button(key="write").label == "Write 2 pairs"
    kept = Decision(sample_name(2), Action.CHOOSE, "Ann", Origin.ORIGINAL)
    decisions.decide(project.store, kept, expected_event_id=None)
    app = open_screen(PAGE, scope=SCOPE_LABELS[Scope.APPROVED])
    assert app.button(key="write").label == "Write 1 pair"
    assert "2 kept by the rule, which nobody decided, 1 of them parked" in links(app)


def test_a_filter_from_explore_holds(project: Project) -> None:
    """An address with a filter exports its samples alone, says so, and offers to take all."""
    app = open_screen(PAGE, state="decided")
    assert app.button(key="write").disabled
    assert "Nothing would be written" in words(app)
    assert "Only the samples of the filter" in words(app)
    next(button for button in app.button if button.label == "Take all samples").click().run()
    assert app.button(key="write").label == "Write 2 pairs"


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
        assert "A line is" not in [radio.label for radio in open_screen(PAGE, formats="Alpaca JSON").radio]
        app = open_screen(PAGE, formats="Messages, JSON Lines")
        app.radio(key="conversations").set_value("joined").run()
        app = press_write(app, tmp_path / "out")
        assert "0 rows written" in words(app)
        assert "1 left out: a kept rewrite stands before" in words(app)


def test_a_folder_that_cannot_be_made_is_said(project: Project, tmp_path: Path) -> None:
    """An export that cannot be written says why and what to do, and logs nothing."""
    (tmp_path / "file").write_text("", "utf-8")
    app = press_write(open_screen(PAGE), tmp_path / "file" / "out")
    assert "cannot be made" in words(app)
    assert "Choose a folder you may write to." in words(app)
    assert events.kinds(project.store) == []


def test_a_push_asks_for_a_token_and_for_leave(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a token the page says where to set one; where people log in, an owner pushes only to what is allowed."""
    monkeypatch.delenv("HF_TOKEN", raising=False)
    app = press_write(open_screen(PAGE), tmp_path / "projects" / "exports" / "out")
    assert "set the environment variable `HF_TOKEN`" in words(app)
    monkeypatch.setenv("HF_TOKEN", "hf_never_shown")
    log_in(monkeypatch, "olga", "owner")
    app = open_screen(PAGE)
    app.text_input(key="push_name").input("kitchen/cooks").run()
    app.button(key="push").click().run()
    assert "datasets/kitchen/cooks may not be named here" in words(app)
    assert "hf_never_shown" not in words(app)
    assert events.kinds(project.store) == ["export"]
