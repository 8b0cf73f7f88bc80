"""The History screen without a browser: what happened is listed, and can be undone."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from srt_core.project import events
from srt_core.records import Action, Decision, Origin
from srt_core.review import decisions
from srt_core.review.filter.filter import Filter, filter_condition
from srt_core.select import selection
from srt_core.select.derive import refresh
from srt_core.select.policy import applied_policy
from srt_core.ui.server.runtime import Project
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
        refresh(store)
        decisions.decide(store, Decision(sample_name(0), Action.CHOOSE, "Ann", Origin.ORIGINAL), expected_event_id=None)
        where, values = filter_condition(store, Filter())
        decisions.decide_all(store, where, values, Action.APPROVE, "Bo", "all samples")
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
    assert "**1** event. " in words(app)
    assert "Keep Original" in words(app) and "Do it." in words(app)


def test_one_decision_is_undone(project: Project) -> None:
    """Undoing a decision adds an event and leaves the sample open; the others stand."""
    app = open_screen(PAGE, author="Ann")
    select(app, 0)
    press(app, "Undo this decision")
    assert decisions.standing(project.store, sample_name(0)) is None
    assert decisions.standing(project.store, sample_name(1)) is not None


def test_a_bulk_action_is_undone_whole(project: Project) -> None:
    """One press, offered before that for one alone, undoes every decision of a bulk action and nothing else."""
    app = open_screen(PAGE, author="Bo")
    select(app, 0)
    labels = [button.label for button in app.button]
    assert labels.index("Undo all 2 of this action") + 1 == labels.index("Undo this one alone")
    press(app, "Undo all 2 of this action")
    standing = [decisions.standing(project.store, sample_name(place)) for place in range(3)]
    assert [each is not None for each in standing] == [True, False, False]


def test_the_undo_of_a_bulk_action_is_taken_back(project: Project) -> None:
    """An undo of many is one action in the list, and one press has all its decisions stand again."""
    action = events.events(project.store, events.EventFilter(author="Bo"), 1)[0].action_id
    decisions.undo_action(project.store, action, "Bo")
    app = open_screen(PAGE, kind="undo")
    select(app, 0)
    press(app, "Take all 2 of this action back")
    assert all(decisions.standing(project.store, sample_name(place)) for place in range(3))


def test_the_last_policy_is_undone_and_its_values_are_readable(project: Project) -> None:
    """What a policy changed stands in words; the last one is undone here, one before it says which is to go first."""
    before = applied_policy(project.store)
    for limit in (0.8, 0.7):
        selection.apply(project.store, before.limited(max_ifd=limit), "Ann")
    app = open_screen(PAGE, kind="policy")
    select(app, 1)
    assert "undo event" in "".join(caption.value for caption in app.caption)
    assert "1 → 0.8" in words(app)
    assert not app.code
    select(app, 0)
    press(app, "Undo this policy")
    assert applied_policy(project.store) == before.limited(max_ifd=0.8)
    assert "Undone: Policy applied" in words(app)
    decided = [decisions.standing(project.store, sample_name(place)) for place in range(3)]
    assert all(decided)


def test_an_import_is_nobodys_and_samples_are_found_by_number(project: Project) -> None:
    """Who imported is not asked for among people; a sample is found by its number, a missing one is said."""
    events.record(project.store, "import", "import of pairs.json", {"path": "pairs.json", "samples": 1, "rejected": 0})
    app = open_screen(PAGE)
    assert "import of" not in words(app)
    assert "1 sample from pairs.json" in words(app)
    assert app.selectbox(key="author").options == ["Ann", "Bo"]
    assert "**1** event. " in words(open_screen(PAGE, of_sample="1"))
    assert "There is no sample 99" in words(open_screen(PAGE, of_sample="99"))


def test_the_state_as_of_an_event_is_shown_and_gone_back_to(project: Project) -> None:
    """From a selected event to the state after it, in the address; one press makes its decisions stand again."""
    app = open_screen(PAGE, author="Ann")
    select(app, 0)
    press(app, "Show the state after it")
    assert app.query_params["asof"]
    assert "**2 samples have** another decision now" in words(app)
    assert [metric.value for metric in app.metric] == ["1", "1", "0", "0", "0"]
    press(app, "Go back to these decisions (2 samples)")
    standing = [decisions.standing(project.store, sample_name(place)) for place in range(3)]
    assert [each is not None for each in standing] == [True, False, False]
    assert "Every decision that stood then stands now" in words(app)
    press(app, "Close")
    assert not app.metric
    assert "There is no event 99999" in words(open_screen(PAGE, asof="99999"))


def test_days_and_notes_filter_by_the_address(project: Project) -> None:
    """A day before anything happened lists nothing; a note lists the action that it stands with."""
    assert "No event matches" in words(open_screen(PAGE, until="2020-01-01"))
    assert "**3** events" in words(open_screen(PAGE, since="2020-01-01"))
    assert "**2** events" in words(open_screen(PAGE, note="ALL samples"))
    assert "**2** events" in words(open_screen(PAGE, bulk="true"))
