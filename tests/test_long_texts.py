"""Texts of a megabyte: a screen draws their beginning and offers the rest, and a decision is on the whole."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from srt_core.project.diff import diff_html
from srt_core.records import Action, Decision, Origin, Pair
from srt_core.review import decisions
from srt_core.ui.explore.component import KEY
from srt_core.ui.sample.long_texts import MOST_CHARACTERS
from srt_core.ui.server.runtime import Project
from srt_core.ui.thresholds.card import CHANGES, TAB
from tests.rule_oracle import Case, Numbers
from tests.rule_project import create_project, sample_name
from tests.screens import open_screen, send, served, told_to

CASES = [Case({Origin.ORIGINAL: Numbers(0.5, 0.75), Origin.RESPONSE: Numbers(0.5, 0.5)})]
SAMPLE = sample_name(0)
LONG = "word " * 200_000
MARK = "the very last words"
EXPLORE, THRESHOLDS, EXPORT, HISTORY = (
    f"pages/{name}.py" for name in ("4_Explore", "5_Thresholds", "8_Export", "9_History")
)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    """A sample whose two versions have a megabyte each in instruction, input and response."""
    path = tmp_path / "own.srt"
    with create_project(path, CASES) as store, store.transaction() as tx:
        text = LONG + MARK
        tx.execute("UPDATE candidate SET instruction = ?, input = ?, response = ? || origin", [text, text, text])
        tx.bump()
    with served(monkeypatch, path) as project:
        yield project


def drawn(app: AppTest) -> str:
    """All that a page sends of texts."""
    return "".join(
        [block.proto.body for block in app.get("html")]
        + [block.value for kind in (app.text, app.code, app.markdown) for block in kind]
        + [table.value.to_csv() for table in app.dataframe]
    )


def open_export() -> AppTest:
    return open_screen(EXPORT)


def open_thresholds() -> AppTest:
    app = open_screen(THRESHOLDS)
    next(slider for slider in app.slider if str(slider.key).startswith("dial_max_r_ifd_")).set_value(0.4).run()
    app.session_state[TAB] = CHANGES
    app.run()
    assert not app.exception
    return app


def open_history() -> AppTest:
    app = open_screen(HISTORY)
    app.session_state["events"] = {"selection": {"rows": [0], "columns": [], "cells": []}}
    app.run()
    assert not app.exception
    return app


SCREENS = {"Export": open_export, "Thresholds": open_thresholds, "History": open_history}


@pytest.mark.parametrize("name", SCREENS)
def test_a_screen_draws_the_beginning_and_offers_the_rest(project: Project, name: str) -> None:
    """No text is drawn beyond the limit until that is asked for; then all of it is."""
    edited = Pair(LONG + MARK, LONG + MARK, LONG + MARK)
    decision = Decision(SAMPLE, Action.EDIT, "Ann", Origin.RESPONSE, edited)
    decisions.decide(project.store, decision, expected_event_id=None)
    app = SCREENS[name]()
    said = drawn(app)
    assert "more characters" in said and MARK not in said
    assert len(said) < 15 * MOST_CHARACTERS
    whole = [toggle for toggle in app.toggle if toggle.label.startswith("Show all")]
    assert "the longest has 1,000,0" in whole[0].label
    whole[0].set_value(True).run()
    assert not app.exception
    assert drawn(app).count(MARK) >= 3


def test_the_sample_beside_the_rows_has_the_beginning_and_gives_the_rest(project: Project) -> None:
    """Explore tells the browser no more of a text than a card's share, its length, and all when asked."""
    app = open_screen(EXPLORE, sample=SAMPLE)
    card = told_to(app, KEY)["card"]
    part = card["versions"][0]["parts"]["response"]
    assert (len(part["text"]), part["cut"] > 1_000_000) == (MOST_CHARACTERS, True)
    assert len(json.dumps(told_to(app, KEY))) < 15 * MOST_CHARACTERS
    send(app, KEY, {"turn": "test 1", "whole": SAMPLE})
    assert all(MARK in text for text in told_to(app, KEY)["card"]["whole"][0].values())


def test_a_decision_is_on_the_whole_text(project: Project, tmp_path: Path) -> None:
    """What was approved from a screen that showed a fiftieth of it is exported whole."""
    decisions.decide(project.store, Decision(SAMPLE, Action.APPROVE, "Ann", Origin.RESPONSE), expected_event_id=None)
    app = open_export()
    app.multiselect(key="formats").set_value(["alpaca"]).run()
    app.text_input(key="folder").input(str(tmp_path / "out")).run()
    next(button for button in app.button if button.label == "Write 1 pair").click().run()
    (row,) = json.loads((tmp_path / "out" / "alpaca.train.json").read_text("utf-8"))
    assert row["instruction"] == LONG + MARK
    assert row["output"] == f"{LONG}{MARK}RESPONSE"


def test_a_cut_difference_says_what_it_leaves_out_as_no_text_can() -> None:
    """The words stand in an element of their own; texts within the limit have none."""
    assert "<i " not in diff_html("one two", "one three", "after", 9)
    assert '<i style="opacity:0.7"> … 4 more characters</i>' in diff_html("one two", "one three", "after", 5)
    assert "<i " not in diff_html('<i style="opacity:0.7"> … 4 more characters</i>', "")
