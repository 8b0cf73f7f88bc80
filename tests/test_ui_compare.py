"""The Compare screen without a browser: policies, methods, two limits and two students beside each other."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import streamlit as st

from srt_core.methods import SELECTING
from srt_core.records import Policy
from srt_core.review.trust import audits
from srt_core.select.compare.students import POINTS
from srt_core.select.policy import applied_policy
from tests.empty_project import create_empty
from tests.explore_screen import KEPT, LEFT_OUT
from tests.limits_screen import CASES, COMPARE, THRESHOLDS, Screen, read_blind, store_of
from tests.rule_project import add_scoring, create_project
from tests.screens import links

SAMPLES = 120


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    path = tmp_path / "project.srt"
    create_project(path, CASES).close()
    monkeypatch.setenv("SRT_PROJECT", str(path))
    monkeypatch.setenv("SRT_PROJECTS_DIR", str(tmp_path))
    st.cache_resource.clear()
    yield path
    st.cache_resource.clear()


def test_policies_stand_side_by_side(path: Path) -> None:
    """First the policy in use and the others of its method; with limits as set and what is chosen, what each keeps."""
    read_blind(store_of(path), s2=[])
    screen = Screen(COMPARE)
    assert "The limits stand as in use." in screen.text
    assert list(screen.app.dataframe[0].value["Policy"])[:2] == ["In use: selective-code", "selective-paper"]
    next(box for box in screen.app.multiselect if box.key == "beside").set_value([])
    screen.run()
    assert "Choose a policy to set beside the one in use" in screen.text
    screen.open(THRESHOLDS)
    screen.move("max_r_ifd", 0.8)
    screen.open(COMPARE)
    assert "Set on Thresholds and not applied: Highest r\\-IFD\\: 1 → 0\\.8." in screen.text
    next(box for box in screen.app.multiselect if box.key == "beside").set_value(["reflection-tuning-v1"])
    screen.run()
    table, pairs = screen.app.dataframe[0].value, screen.app.dataframe[1].value
    assert list(table["Policy"]) == [
        "In use: selective-code", "As set: selective-code (changed)", "reflection-tuning-v1",
    ]  # fmt: skip
    assert list(table["Kept"]) == [3, 2, 4]
    assert "Instruction" not in table, "what none has needs no column"
    assert list(table["Right"]) == ["0.0 % (0.0 to 75.0)", "100.0 % (25.0 to 100.0)", "0.0 % (0.0 to 75.0)"]
    assert list(pairs["1"]) == [100.0, 75.0, 75.0]
    assert applied_policy(store_of(path)) == Policy()


def test_methods_stand_side_by_side(path: Path) -> None:
    """Each method is counted under its own policy, or says what it lacks; without random reads there is no number."""
    screen = Screen(COMPARE)
    screen.look_at("methods")
    table = screen.app.dataframe[0].value
    able = [method.label for method in SELECTING.values() if method.name != "star_agents"]
    assert list(table["Policy"]) == ["In use: selective-code", *able]
    assert "Star-Agents: There are no rewrites by best by reward." in screen.text
    assert list(table["Kept"])[:3] == [3, 3, 4]
    assert "Right" not in table
    assert "Draw an audit on Trust" in links(screen.app)


def test_a_map_of_two_limits_says_what_it_counted(path: Path) -> None:
    """The map stands over the two limits chosen; without random reads there is nothing more to colour it by."""
    screen = Screen(COMPARE)
    screen.look_at("map")
    assert "Counted over all 4 samples." in screen.text
    assert screen.charts[0].startswith("Share kept over IFD must rise by more than and r-IFD must fall by more than")
    next(box for box in screen.app.selectbox if box.label == "Up").set_value("max_r_ifd")
    screen.run()
    assert screen.charts[0].startswith("Share kept over IFD must rise by more than and Highest r-IFD")
    screen.app.session_state["map_shown"] = "right"
    screen.run()
    assert "No random reads yet" in screen.text


def test_an_empty_project_and_a_broken_address_say_what_to_do(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Limits that no policy can have are refused with a way back; without samples the screen leads to Import."""
    screen = Screen(COMPARE, dials='{"max_ifd": -1}')
    assert "That did not work" in screen.text
    screen.press("Back to what is in use")
    assert "The limits stand as in use." in screen.text
    create_empty(path.parent / "empty.srt").close()
    monkeypatch.setenv("SRT_PROJECT", str(path.parent / "empty.srt"))
    assert "Import some samples first" in Screen(COMPARE).text


def test_right_by_distance_is_drawn_once_somebody_read(path: Path) -> None:
    """Without random reads there is a way to draw them; with some, the policy that is set is drawn by distance."""
    screen = Screen(COMPARE)
    screen.look_at("distance")
    assert "No random reads yet" in screen.text
    read_blind(store_of(path), s0=[1], s2=[])
    assert audits.audits(store_of(path))
    screen.run()
    assert any(alt.startswith("Right by random reads, by distance to a limit") for alt in screen.charts)


# Two students


@pytest.fixture
def scored(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project of a hundred and twenty samples of which a student lets every second one be kept."""
    path = tmp_path / "scored.srt"
    create_project(path, [KEPT, LEFT_OUT] * (SAMPLES // 2)).close()
    monkeypatch.setenv("SRT_PROJECT", str(path))
    return path


def add_student(path: Path, name: str, convention: str = "aligned") -> int:
    """Another student, for which the odd samples' response is the better one and the even samples' is not."""
    return add_scoring(store_of(path), name, [LEFT_OUT, KEPT] * (SAMPLES // 2), convention)


def open_students() -> Screen:
    """Compare with the two students side by side."""
    screen = Screen(COMPARE)
    screen.look_at("students")
    return screen


def test_students_stand_side_by_side(scored: Path) -> None:
    """How alike two students score and select is said in numbers, with a chart of each measure."""
    add_student(scored, "/models/a *bold* name/of-a-student")
    screen = open_students()
    assert "**IFD**: Spearman's ρ **-1.000** over 240 versions" in screen.text
    assert "both select the same for **0%** of 120 samples" in screen.text
    assert "Of 120 samples that at least one of them keeps, both keep the same version of **0**" in screen.text
    alternatives = [chart.proto.alt for chart in screen.app.get("plotly_chart")]
    assert [text for text in alternatives if "both students" in text] == [
        f"{measure} from both students, 240 versions" for measure in ("IFD", "r-IFD")
    ]


def test_a_students_path_is_shortened_and_no_markup(scored: Path) -> None:
    """A student is named by its number and the last two parts of its path, and never as markdown or as HTML."""
    add_student(scored, "/models/a *bold* name/of-<b>a<b>-student")
    screen = open_students()
    other = next(box for box in screen.app.selectbox if box.label == "Beside it")
    assert other.options == ["Number 2 · a *bold* name/of-<b>a<b>-student · plain"]
    assert "bold" not in screen.text
    layout = json.loads(screen.app.get("plotly_chart")[-1].proto.spec)["layout"]
    assert layout["yaxis"]["title"]["text"] == "Number 2 · a *bold* name/of-&lt;b&gt;a&lt;b&gt;-student · plain"


def test_either_student_can_be_let_select(scored: Path) -> None:
    """One press puts the other scoring in use; what is selected follows it."""
    add_student(scored, "other")
    screen = open_students()
    assert "Number 1 is in use and selects." in screen.text
    screen.press("Let number 2 select")
    assert "Number 2 is in use and selects." in screen.text
    assert store_of(scored).meta("scoring_id") == "2"
    kept = store_of(scored).rows("SELECT seq FROM selection WHERE origin IS NOT NULL ORDER BY seq LIMIT 3")
    assert [row["seq"] for row in kept] == [2, 4, 6]


def test_scorings_of_two_conventions_are_not_set_side_by_side(scored: Path) -> None:
    """Where no two scorings have one convention there is nothing to compare."""
    add_student(scored, "other", "reference")
    assert "There is one student here" in open_students().text
    add_student(scored, "third")
    assert "Spearman" in open_students().text


def test_many_versions_are_drawn_as_counts(scored: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond two thousand versions the chart shows how many lie where, instead of a dot each."""
    cases = [KEPT] * (POINTS // 2 + 1)
    with create_project(scored.parent / "many.srt", cases) as store:
        add_scoring(store, "other", cases)
    monkeypatch.setenv("SRT_PROJECT", str(scored.parent / "many.srt"))
    drawn = [json.loads(chart.proto.spec)["data"] for chart in open_students().app.get("plotly_chart")[-2:]]
    assert [traces[0]["type"] for traces in drawn] == ["heatmap", "heatmap"]
