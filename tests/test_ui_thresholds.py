"""The Thresholds screen without a browser: limits say what would change, and only Apply changes it."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import streamlit as st

from srt_core.errors import PolicyError
from srt_core.methods import DIALS, SELECTING
from srt_core.project import events
from srt_core.project.appending import NewCandidate, append_candidates
from srt_core.project.events import EventFilter
from srt_core.records import Action, Decision, Origin, Pair, Policy
from srt_core.reflect.producers import register_producer
from srt_core.review import decisions
from srt_core.select import policy as policies
from srt_core.select import selection
from srt_core.select.policy import applied_policy
from tests.empty_project import create_empty
from tests.limits_screen import CASES, Screen, read_blind, store_of
from tests.rule_oracle import Case, Numbers
from tests.rule_project import append_scores, create_project
from tests.screens import links


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    path = tmp_path / "project.srt"
    create_project(path, CASES).close()
    monkeypatch.setenv("SRT_PROJECT", str(path))
    monkeypatch.setenv("SRT_PROJECTS_DIR", str(tmp_path))
    st.cache_resource.clear()
    yield path
    st.cache_resource.clear()


def test_a_limit_counts_without_applying(path: Path) -> None:
    """Moving a limit shows what would be kept and change; the policy in use and its selections stay."""
    screen = Screen()
    assert screen.kept == 3
    screen.move("max_r_ifd", 0.8)
    assert screen.kept == 2
    assert "kept **2** (−1) of 4" in screen.text
    assert ":material/edit: In use: 1" in screen.text
    assert (screen.changed.label, screen.changed.help) == ("would change **1** →", "Read them: 1 go out.")
    assert screen.charts == ["Highest r-IFD: 8 versions by r-IFD, limit at 0.8"]
    assert applied_policy(store_of(path)) == Policy()


@pytest.mark.parametrize("method", list(SELECTING))
def test_every_dial_of_a_method_has_a_widget(path: Path, method: str) -> None:
    """Choosing a method shows a widget for each of its dials and no other; one producer leaves no choice of whose."""
    screen = Screen()
    screen.choose("Method", method)
    widgets: Any = [*screen.app.slider, *screen.app.toggle, *screen.app.get("button_group")]
    keys = {widget.key for widget in widgets if widget.key and widget.key.startswith("dial_")}
    assert {name for name in DIALS if any(key.startswith(f"dial_{name}_") for key in keys)} == {
        *SELECTING[method].dials
    } - {"producer"}
    assert "Whose rewrites" not in [box.label for box in screen.app.selectbox]


def test_whose_rewrites_are_taken_is_a_dial_of_two_producers(path: Path) -> None:
    """Naming a teacher counts the samples that would take its text, shows both texts, and Apply takes them."""
    store = store_of(path)
    teacher = register_producer(store, "*B*", "1", "h", "{}")
    with store.transaction() as tx:
        pair = Pair("Do it.", "Done by <b>B</b>.")
        append_candidates(tx, [NewCandidate("s0", Origin.RESPONSE, teacher, pair, None)])
        key = int(tx.execute("SELECT max(candidate_id) FROM candidate")[0][0])
        append_scores(tx, 1, [(key, Numbers(0.5, 0.25))])
        tx.bump()
    screen = Screen()
    screen.choose("Whose rewrites", teacher)
    screen.read_changes()
    assert ":material/edit: In use: the earliest of each version" in screen.text
    assert screen.changed.help == "Read them: 1 take another version."
    assert "keep Response by test → **keep Response by \\*B\\*\\, prompts 1**" in screen.text
    shown = "".join(block.proto.body for block in screen.app.get("html"))
    assert " by &lt;b&gt;B&lt;/b&gt;" in shown
    assert "under these limits, by *B*, prompts 1" in shown
    screen.press("Apply")
    assert applied_policy(store).producer == teacher
    assert store.value("SELECT candidate_id FROM selection WHERE sample_id = 's0'") == key


@pytest.mark.parametrize(
    ("dial", "value", "expected"),
    [
        ("max_ifd", 0.4, Policy().limited(max_ifd=0.4)),
        ("max_r_ifd", False, Policy().limited(max_r_ifd=None)),
        ("instruction_margin", 0.1, Policy(instruction_margin=0.1)),
        ("require_reflection", True, Policy(require_reflection=True)),
        ("top_share", 50.0, Policy(top_share=50.0)),
    ],
)
def test_apply_puts_the_policy_that_is_set_in_use(path: Path, dial: str, value: Any, expected: Policy) -> None:
    """After Apply the policy in use is the one that was set, under a name that says it was changed."""
    screen = Screen()
    if value is False:
        next(toggle for toggle in screen.app.toggle if str(toggle.key).startswith(f"dial_{dial}_on")).set_value(False)
        screen.run()
    elif value is not True and dial.startswith("max"):
        next(slider for slider in screen.app.slider if str(slider.key).startswith(f"dial_{dial}_")).set_value(value)
        screen.run()
    else:
        screen.move(dial, value)
    shown = screen.kept
    screen.press("Apply")
    store = store_of(path)
    assert applied_policy(store) == replace(expected, name="selective-code (changed)")
    assert store.value("SELECT count(origin) FROM selection") == shown == screen.kept
    assert screen.is_as_in_use


def test_apply_leaves_human_decisions(path: Path) -> None:
    """A new policy changes picks and no decision, and the screen says so beforehand."""
    store = store_of(path)
    event = decisions.decide(store, Decision("s2", Action.APPROVE, "ann", Origin.RESPONSE), expected_event_id=None)
    screen = Screen()
    screen.move("max_r_ifd", 0.6)
    assert "Of the samples that would change reviewers decided 1: those stay." in screen.text
    screen.press("Apply")
    assert decisions.standing(store, "s2").event_id == event  # type: ignore[union-attr]
    row = store.rows("SELECT origin, verdict_origin FROM verdict WHERE sample_id = 's2'")[0]
    assert row == {"origin": None, "verdict_origin": "RESPONSE"}


def test_what_was_applied_can_be_undone_once_and_by_one(path: Path) -> None:
    """Undo last puts the selection back bit for bit and says what it will do; one that saw less is refused."""
    store = store_of(path)
    decisions.decide(store, Decision("s2", Action.APPROVE, "ann", Origin.RESPONSE), expected_event_id=None)
    screen = Screen()
    assert screen.button("Undo last").disabled
    rows = "FROM verdict ORDER BY seq"
    before = store.rows(rows)
    screen.move("max_r_ifd", 0.6)
    screen.press("Apply")
    assert store.rows(rows) != before
    assert "Highest r\\-IFD\\: 1 → 0\\.6" in screen.button("Undo last").help
    screen.move("top_share", 50.0)
    selection.apply(store, Policy(name="of bob", top_share=10), "bob")
    screen.press("Undo last")
    assert "bob applied of bob since, so nothing was undone" in screen.text
    selection.apply(store, Policy(name="of cy", top_share=20), "cy")
    screen.press("Apply")
    assert "Another policy was put in use meanwhile, of cy, so nothing was applied" in screen.text
    assert applied_policy(store).name == "of cy"
    screen.press("Undo last")
    screen.press("Undo last")
    screen.press("Undo last")
    assert store.rows(rows) == before
    assert screen.button("Undo last").disabled
    assert events.count_events(store, EventFilter(kind="policy")) == 6


def test_the_samples_that_change_are_there_to_read(path: Path) -> None:
    """Before applying, those that come in or go out are listed with their text, and one shown with the rule's path."""
    screen = Screen()
    screen.move("max_r_ifd", 0.6)
    assert "**Sample 2**" not in screen.text
    screen.read_changes()
    table = screen.app.dataframe[0].value
    assert [address.rpartition("#")[2] for address in table["number"]] == ["2", "3"]
    assert list(table["before"]) == ["keep Response"] * 2
    assert list(table["after"]) == ["leave out (r-IFD too high)"] * 2
    assert list(table["text"]) == ["Do it."] * 2
    assert "**Sample 2** · keep Response → **leave out (r-IFD too high)**" in screen.text
    assert "its r-IFD of 0.70 is not below the limit of 0.60" in screen.text
    assert "sample=s1" in links(screen.app)["Open in Review"]
    screen.app.session_state["thresholds_changed_rows|leaving|1|1"] = {
        "selection": {"rows": [1], "columns": [], "cells": []}
    }
    screen.run()
    assert "its r-IFD of 0.90 is not below the limit of 0.60" in screen.text
    assert "**Sample 2**" not in screen.text


def test_random_reads_compare_with_the_policy_in_use(path: Path) -> None:
    """Random reads alone say how often the policy that is set is right, with what their interval takes account of."""
    store = store_of(path)
    decisions.decide(store, Decision("s1", Action.REJECT, "ann"), expected_event_id=None)  # nobody drew it for that
    read_blind(store, s0=[1], s2=[])
    screen = Screen()
    assert "agrees with reviewers (random reads) **50.0 % (25.0 to 75.0)**" in screen.text
    assert "95 % interval by 2 blind random reads, corrected for the one look at them and not for" in screen.text
    screen.move("max_r_ifd", 0.8)
    assert "agrees with reviewers (random reads) **100.0 % (50.0 to 100.0)** (+1)" in screen.text


def test_without_random_reads_there_is_no_number(path: Path) -> None:
    """What people chose to decide is no random read: no number is shown, but where to draw."""
    decisions.decide(store_of(path), Decision("s2", Action.REJECT, "ann"), expected_event_id=None)
    screen = Screen()
    assert "no random reads yet" in links(screen.app)
    assert "agrees with reviewers" not in screen.text
    assert "interval" not in screen.text


def test_dials_survive_another_page_and_a_reload(path: Path) -> None:
    """The dialled policy comes back from the session after another page, and from the address after a reload."""
    screen = Screen()
    screen.move("max_r_ifd", 0.8)
    dials = screen.address("dials")
    assert dials
    screen.open("pages/9_History.py")
    screen.app.query_params.clear()
    screen.open("pages/5_Thresholds.py")
    assert (screen.kept, screen.address("dials")) == (2, dials)
    assert Screen(dials=dials).kept == 2


def test_turning_back_is_no_change(path: Path) -> None:
    """A dial put back where it was leaves nothing to apply, and no policy in the address."""
    screen = Screen()
    screen.move("top_share", 50.0)
    screen.move("top_share", 100.0)
    assert screen.is_as_in_use
    assert screen.address("dials") is None


def test_reset_goes_back_to_the_policy_in_use(path: Path) -> None:
    """One press puts every dial back, and the widgets show it."""
    screen = Screen()
    screen.move("top_share", 50.0)
    screen.press("Reset")
    assert screen.kept == 3
    assert next(slider.value for slider in screen.app.slider if str(slider.key).startswith("dial_top_share")) == 100.0


def test_exact_numbers_can_be_typed(path: Path) -> None:
    """Boxes take a value that no slider hits."""
    screen = Screen()
    next(toggle for toggle in screen.app.toggle if toggle.key == "dials_exact").set_value(True)
    screen.run()
    next(box for box in screen.app.number_input if str(box.key).startswith("dial_max_r_ifd")).set_value(0.7001)
    screen.run()
    assert json.loads(screen.address("dials") or "")["max_r_ifd"] == 0.7001
    assert screen.kept == 2


def test_a_value_out_of_range_is_said(path: Path) -> None:
    """A number that no policy can have is refused in words and the dials stay."""
    screen = Screen()
    next(toggle for toggle in screen.app.toggle if toggle.key == "dials_exact").set_value(True)
    screen.run()
    next(box for box in screen.app.number_input if str(box.key).startswith("dial_top_share")).set_value(400.0)
    screen.run()
    assert "top_share is 400.0." in screen.text
    assert screen.kept == 3


def test_a_policy_is_saved_under_a_name_and_found_again(path: Path) -> None:
    """Saving keeps the dialled policy by name without applying it; choosing the name puts the dials there."""
    screen = Screen()
    screen.move("max_r_ifd", 0.8)
    save(screen, "strict")
    assert policies.find_policy(store_of(path), "strict") == Policy(name="strict").limited(max_r_ifd=0.8)
    assert applied_policy(store_of(path)) == Policy()
    screen.choose("Policy", "selective-code")
    assert screen.kept == 3
    screen.choose("Policy", "strict")
    assert screen.kept == 2
    screen.press("Apply")
    assert applied_policy(store_of(path)).name == "strict"


def test_a_presets_name_is_refused(path: Path) -> None:
    """A policy cannot take the name of a preset; the dials stay."""
    screen = Screen()
    screen.move("max_r_ifd", 0.8)
    save(screen, "cherry")
    assert "A policy cannot be saved as 'cherry'." in screen.text
    assert screen.kept == 2


def save(screen: Screen, name: str) -> None:
    next(box for box in screen.app.text_input if box.key == "thresholds_name").set_value(name)
    screen.press("Save")


@pytest.mark.parametrize(
    "dials", ["{", "[]", '{"method": ["x"]}', '{"max_ifd": -1}', '{"luck": 1}', '{"max_ifd": "x"}']
)
def test_a_broken_address_is_said(path: Path, dials: str) -> None:
    """Dials that no policy can have are refused in words, with a way back."""
    screen = Screen(dials=dials)
    assert "That did not work" in screen.text
    screen.press("Back to what is in use")
    assert screen.kept == 3


def test_a_saved_policy_of_a_method_that_is_gone_is_named(path: Path) -> None:
    """A saved policy that cannot be applied here is said with its cause; the others are offered as before."""
    with store_of(path).transaction() as tx:
        body = json.dumps({"name": "old", "method": "gone", "most_luck": 3})
        tx.execute("INSERT INTO policy (name, body) VALUES ('old', ?)", [body])
    screen = Screen()
    assert "The saved policy old cannot be used here: There is no method gone." in screen.text
    assert screen.kept == 3
    with pytest.raises(PolicyError, match="There is no method gone"):
        policies.find_policy(store_of(path), "old")
    policies.delete_policy(store_of(path), "old")
    screen.run()
    assert "cannot be used here" not in screen.text


def test_a_saved_policy_can_be_deleted(path: Path) -> None:
    """Deleting forgets the name; what is in use stays so, and a preset cannot be deleted."""
    screen = Screen()
    screen.move("max_r_ifd", 0.8)
    save(screen, "strict")
    screen.press("Apply")
    screen.press("Delete")
    store = store_of(path)
    assert "strict" not in policies.saved_policies(store)
    assert applied_policy(store).name == "strict"
    with pytest.raises(PolicyError):
        policies.delete_policy(store, "cherry")


def test_an_empty_project_says_what_to_do(tmp_path: Path, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without samples the screen leads to Import."""
    create_empty(tmp_path / "empty.srt").close()
    monkeypatch.setenv("SRT_PROJECT", str(tmp_path / "empty.srt"))
    assert "Import some first" in Screen().text


def test_without_scores_the_dials_are_there(tmp_path: Path, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before scoring nothing is kept, there is no chart, and the screen leads to Score."""
    raw = create_project(tmp_path / "raw.srt", [Case({Origin.ORIGINAL: Numbers(None, None)})])
    with raw as store, store.transaction() as tx:
        tx.execute("DELETE FROM score")
        tx.bump()
    monkeypatch.setenv("SRT_PROJECT", str(tmp_path / "raw.srt"))
    screen = Screen()
    assert screen.kept == 0
    assert "nothing for these limits to look at" in screen.text
