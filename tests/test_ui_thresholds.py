"""The Thresholds screen without a browser: dials say what would change, and only Apply changes it."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from srt_core.errors import PolicyError
from srt_core.methods import DIALS, METHODS
from srt_core.project.appending import NewCandidate, append_candidates
from srt_core.project.store import Store
from srt_core.records import Action, Decision, Origin, Pair, Policy
from srt_core.reflect.producers import register_producer
from srt_core.review import decisions
from srt_core.review.trust import audits
from srt_core.review.trust.audits import Population
from srt_core.select import policy as policies
from srt_core.select.policy import applied_policy
from srt_core.ui.server.runtime import open_project
from tests.blind_reading import read_one, versions_of
from tests.empty_project import create_empty
from tests.rule_oracle import Case, Numbers
from tests.rule_project import append_scores, create_project

ROOT = Path(__file__).parent.parent
# Three samples whose response the rule keeps, at r-IFD 0.5, 0.7 and 0.9, and one that it does not.
CASES = [
    Case({Origin.ORIGINAL: Numbers(0.5, 0.95), Origin.RESPONSE: Numbers(0.5, r_ifd)}) for r_ifd in (0.5, 0.7, 0.9, 1.1)
]


class Screen:
    """Thresholds open in a session."""

    def __init__(self, **query: str) -> None:
        self.app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
        self.open("pages/5_Thresholds.py", **query)

    def open(self, page: str, **query: str) -> None:
        self.app.switch_page(page)
        for name, value in query.items():
            self.app.query_params[name] = value
        self.run()

    def run(self) -> None:
        self.app.run()
        assert not self.app.exception

    def turn(self, dial: str, value: Any) -> None:
        """Turn a dial by its widget, whatever kind it is."""
        widgets: Any = [*self.app.slider, *self.app.toggle, *self.app.number_input, *self.app.get("button_group")]
        next(widget for widget in widgets if widget.key and widget.key.startswith(f"dial_{dial}_")).set_value(value)
        self.run()

    def press(self, label: str) -> None:
        next(button for button in self.app.button if button.label == label).click()
        self.run()

    def choose(self, label: str, value: str) -> None:
        next(box for box in self.app.selectbox if box.label == label).set_value(value)
        self.run()

    def look_at(self, view: str) -> None:
        """Open one of the views below the dials."""
        self.app.session_state["thresholds_view"] = view
        self.run()

    @property
    def kept(self) -> int:
        return int(next(metric.value for metric in self.app.metric if metric.label == "Samples kept"))

    @property
    def text(self) -> str:
        return "\n".join(block.value for block in [*self.app.text, *self.app.markdown, *self.app.caption])

    def address(self, name: str) -> str | None:
        found = self.app.query_params.get(name)
        return found[0] if isinstance(found, list) else found


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    path = tmp_path / "project.srt"
    create_project(path, CASES).close()
    monkeypatch.setenv("SRT_PROJECT", str(path))
    monkeypatch.setenv("SRT_PROJECTS_DIR", str(tmp_path))
    st.cache_resource.clear()
    yield path
    st.cache_resource.clear()


def store_of(path: Path) -> Store:
    return open_project(path).store


def test_a_dial_counts_without_applying(path: Path) -> None:
    """Turning a dial shows what would be kept; the policy in use and its selections stay."""
    screen = Screen()
    assert screen.kept == 3
    screen.turn("max_r_ifd", 0.8)
    assert screen.kept == 2
    assert "Highest r-IFD: 1 → **0.8**" in screen.text
    assert "**1** samples: 1 go out" in screen.text
    assert applied_policy(store_of(path)) == Policy()


@pytest.mark.parametrize("method", list(METHODS))
def test_every_dial_of_a_method_has_a_widget(path: Path, method: str) -> None:
    """Choosing a method shows a widget for each of its dials and no other; one producer leaves no choice of whose."""
    screen = Screen()
    screen.choose("Method", method)
    widgets: Any = [*screen.app.slider, *screen.app.toggle, *screen.app.get("button_group")]
    keys = {widget.key for widget in widgets if widget.key and widget.key.startswith("dial_")}
    assert {name for name in DIALS if any(key.startswith(f"dial_{name}_") for key in keys)} == {
        *METHODS[method].dials
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
    screen.look_at("changes")
    assert "Whose rewrites: the earliest of each version → **\\*B\\*\\, prompts 1**" in screen.text
    assert "**1** samples: 1 take another version" in screen.text
    assert "keep Response by test → **keep Response by \\*B\\*\\, prompts 1**" in screen.text
    shown = "".join(block.proto.body for block in screen.app.get("html"))
    assert " by &lt;b&gt;B&lt;/b&gt;" in shown
    assert "dialled, by *B*, prompts 1" in shown
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
def test_apply_puts_the_dialled_policy_in_use(path: Path, dial: str, value: Any, expected: Policy) -> None:
    """After Apply the policy in use is the one that the dials stood at, under a name that says it was changed."""
    screen = Screen()
    if value is False:
        next(toggle for toggle in screen.app.toggle if str(toggle.key).startswith(f"dial_{dial}_on")).set_value(False)
        screen.run()
    elif value is not True and dial.startswith("max"):
        next(slider for slider in screen.app.slider if str(slider.key).startswith(f"dial_{dial}_")).set_value(value)
        screen.run()
    else:
        screen.turn(dial, value)
    shown = screen.kept
    screen.press("Apply")
    store = store_of(path)
    assert applied_policy(store) == replace(expected, name="selective-code (changed)")
    assert store.value("SELECT count(origin) FROM selection") == shown == screen.kept
    assert "stand at the policy in use" in screen.text


def test_apply_leaves_human_decisions(path: Path) -> None:
    """A new policy changes picks and no decision, and the screen says so beforehand."""
    store = store_of(path)
    event = decisions.decide(store, Decision("s2", Action.APPROVE, "ann", Origin.RESPONSE), expected_event_id=None)
    screen = Screen()
    screen.turn("max_r_ifd", 0.6)
    assert "People decided 1 of these. Human decisions stay as they are." in screen.text
    screen.press("Apply")
    assert decisions.standing(store, "s2").event_id == event  # type: ignore[union-attr]
    row = store.rows("SELECT origin, verdict_origin FROM verdict WHERE sample_id = 's2'")[0]
    assert row == {"origin": None, "verdict_origin": "RESPONSE"}


def test_the_samples_that_change_are_there_to_read(path: Path) -> None:
    """Before applying, each sample that comes in or goes out is shown with the rule's path in numbers."""
    screen = Screen()
    screen.turn("max_r_ifd", 0.6)
    assert "**Sample 2**" not in screen.text
    screen.look_at("changes")
    assert "**Sample 2**" in screen.text
    assert "**Sample 3**" in screen.text
    assert "its r-IFD of 0.90 is not below the limit of 0.60" in screen.text
    assert "**Sample 1**" not in screen.text


def read_blind(store: Store, **fit: list[int]) -> None:
    """Draw all samples, and read some of them: name to the places of the versions that may be trained on."""
    audit = audits.draw(store, Population(), "all", 4, "ann", seed="s")
    for name, places in fit.items():
        read_one(store, audit, name, [versions_of(store, name)[place] for place in places])


def test_random_reads_compare_with_the_policy_in_use(path: Path) -> None:
    """Of the random reads it is said on how many the dialled policy is right, and whether that is more."""
    store = store_of(path)
    decisions.decide(store, Decision("s1", Action.REJECT, "ann"), expected_event_id=None)  # nobody drew it for that
    read_blind(store, s0=[1], s2=[])
    screen = Screen()
    right = next(metric for metric in screen.app.metric if metric.label == "Right, by random reads")
    assert (right.value, right.delta) == ("50.0%", "")
    assert "1 of 2 random reads. 95 % interval: 50.0 % (25.0 to 75.0), for one policy" in screen.text
    assert "chosen by this number seem better than they are" in screen.text
    screen.turn("max_r_ifd", 0.8)
    right = next(metric for metric in screen.app.metric if metric.label == "Right, by random reads")
    assert (right.value, right.delta) == ("100.0%", "+1")
    assert "2 of 2 random reads." in screen.text


def test_without_random_reads_there_is_no_number(path: Path) -> None:
    """What people chose to decide is no random read: no number is shown, but where to draw."""
    decisions.decide(store_of(path), Decision("s2", Action.REJECT, "ann"), expected_event_id=None)
    screen = Screen()
    metric = next(metric for metric in screen.app.metric if metric.label == "Right, by random reads")
    assert metric.value == "–"
    assert "No random reads yet." in screen.text


def test_dials_survive_another_page_and_a_reload(path: Path) -> None:
    """The dialled policy comes back from the session after another page, and from the address after a reload."""
    screen = Screen()
    screen.turn("max_r_ifd", 0.8)
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
    screen.turn("top_share", 50.0)
    screen.turn("top_share", 100.0)
    assert "stand at the policy in use" in screen.text
    assert screen.address("dials") is None


def test_reset_goes_back_to_the_policy_in_use(path: Path) -> None:
    """One press puts every dial back, and the widgets show it."""
    screen = Screen()
    screen.turn("top_share", 50.0)
    screen.press("Back to the policy in use")
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
    screen.turn("max_r_ifd", 0.8)
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
    screen.turn("max_r_ifd", 0.8)
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
    screen.press("Back to the policy in use")
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
    screen.turn("max_r_ifd", 0.8)
    save(screen, "strict")
    screen.press("Apply")
    screen.press("Delete")
    store = store_of(path)
    assert "strict" not in policies.saved_policies(store)
    assert applied_policy(store).name == "strict"
    with pytest.raises(PolicyError):
        policies.delete_policy(store, "cherry")


def test_policies_stand_side_by_side(path: Path) -> None:
    """The policy in use comes first, the dials next, then what is chosen, each with what it keeps and its reads."""
    read_blind(store_of(path), s2=[])
    screen = Screen()
    screen.look_at("beside")
    assert "Choose a policy to set beside the one in use" in screen.text
    screen.turn("max_r_ifd", 0.8)
    next(box for box in screen.app.multiselect if box.key == "beside").set_value(["reflection-tuning-v1"])
    screen.run()
    table, pairs = screen.app.dataframe[0].value, screen.app.dataframe[1].value
    assert list(table["Policy"]) == [
        "In use: selective-code", "Dials: selective-code (changed)", "reflection-tuning-v1",
    ]  # fmt: skip
    assert list(table["Kept"]) == [3, 2, 4]
    assert list(table["Right"]) == ["0.0 % (0.0 to 75.0)", "100.0 % (25.0 to 100.0)", "0.0 % (0.0 to 75.0)"]
    assert list(pairs["1"]) == [100.0, 75.0, 75.0]


def charts(screen: Screen) -> dict[str, str]:
    """The charts of the page: key to what they say without the picture."""
    found = screen.app.get("plotly_chart")
    return {chart.proto.id.split("-")[-1]: chart.proto.alt for chart in found}


def test_a_map_of_two_dials_says_what_it_counted(path: Path) -> None:
    """The map stands over the two dials chosen; without random reads there is nothing more to colour it by."""
    screen = Screen()
    screen.look_at("map")
    assert "Counted over all 4 samples." in screen.text
    drawn = [alt for alt in charts(screen).values() if alt.startswith("Share kept over IFD must rise by more than")]
    assert drawn
    next(box for box in screen.app.selectbox if box.label == "Up").set_value("max_r_ifd")
    screen.run()
    assert any(alt.startswith("Share kept over IFD must rise by more than and Highest r-IFD") for alt in
               charts(screen).values())  # fmt: skip
    screen.app.session_state["map_shown"] = "right"
    screen.run()
    assert "No random reads yet" in screen.text


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
    assert "nothing for these dials to cut" in screen.text
