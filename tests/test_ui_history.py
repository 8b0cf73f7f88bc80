"""The History screen without a browser: what happened is listed, and can be undone."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from srt_core import browse, ledger, selection
from srt_core.browse import Filter
from srt_core.records import Action, Decision, Origin
from srt_core.ui.runtime import Project
from tests.rule_oracle import Case, Numbers
from tests.rule_project import create_project, sample_name
from tests.screens import open_screen, served, words

PAGE = "pages/9_History.py"
CASES = [Case({Origin.ORIGINAL: Numbers(0.5, 0.75), Origin.RESPONSE: Numbers(0.5, 0.5)})] * 3


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    """Ann chose one sample; Bo approved the two others in one action."""
    path = tmp_path / "own.srt"
    with create_project(path, CASES) as store:
        selection.refresh(store)
        ledger.decide(store, Decision(sample_name(0), Action.CHOOSE, "Ann", Origin.ORIGINAL), upon=None)
        where, values = browse.condition(store, Filter())
        ledger.decide_all(store, where, values, Action.APPROVE, "Bo", "all samples")
    with served(monkeypatch, path) as project:
        yield project


def select(app: AppTest, row: int) -> None:
    """Select a row of the table of events."""
    app.session_state["events"] = {"selection": {"rows": [row], "columns": [], "cells": []}}
    app.run()
    assert not app.exception


def press(app: AppTest, label: str) -> None:
    next(button for button in app.button if button.label == label).click().run()
    assert not app.exception


def test_an_empty_project_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nothing happened the page says so and leads to Import."""
    with served(monkeypatch, tmp_path / "empty.srt"):
        assert "Nothing has happened" in words(open_screen(PAGE))


def test_filters_are_in_the_address(project: Project) -> None:
    """An address with a person lists that person's events alone."""
    assert "**3** events" in words(open_screen(PAGE))
    app = open_screen(PAGE, author="Ann")
    assert "**1** events" in words(app)
    assert sample_name(0) in words(app)


def test_one_decision_is_undone(project: Project) -> None:
    """Undoing a decision adds an event and leaves the sample open; the others stand."""
    app = open_screen(PAGE, author="Ann")
    select(app, 0)
    press(app, "Undo this decision")
    assert ledger.standing(project.store, sample_name(0)) is None
    assert ledger.standing(project.store, sample_name(1)) is not None


def test_a_bulk_action_is_undone_whole(project: Project) -> None:
    """One press undoes every decision of a bulk action and nothing else."""
    app = open_screen(PAGE, author="Bo")
    select(app, 0)
    press(app, "Undo all 2 of this action")
    standing = [ledger.standing(project.store, sample_name(place)) for place in range(3)]
    assert [each is not None for each in standing] == [True, False, False]
