"""What stands above the table of Explore: coverage and charts."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from srt_core.ui.server.runtime import open_project
from tests.explore_screen import SAMPLES, Screen, explored_project, served_copy, store_of


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return explored_project(tmp_path_factory.mktemp("made") / "project.srt")


@pytest.fixture
def path(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    with served_copy(made, tmp_path, monkeypatch) as path:
        yield path


# Coverage


def coverage_screen(**query: str) -> Screen:
    screen = Screen(**query)
    screen.show("Coverage")
    return screen


def test_coverage_says_what_is_kept_far_less(path: Path) -> None:
    """Kept and dropped by kind, those far from the whole first, in a table and in words."""
    with store_of(path).transaction() as tx:
        tx.execute("UPDATE kind SET task = if(cluster = 1, 'code', 'other')")
    screen = coverage_screen()
    assert "keeps 60 of 120 samples (50%)" in screen.text
    assert "Kept far less than the rest: Code: 0% kept. The whole set: 50%." in screen.text
    table = screen.app.dataframe[0].value
    assert [list(table[name]) for name in ("kind", "samples", "kept")] == [["Code", "Other"], [60, 60], [0, 60]]
    chart = screen.app.get("plotly_chart")[0].proto
    assert chart.alt == "Share kept of each of 2 kinds; the whole set 50%"


def test_coverage_is_of_the_whole_set(path: Path) -> None:
    """A filter changes the table and not the coverage; the grouping chosen is the one shown."""
    screen = coverage_screen(reason="kept")
    screen.app.session_state["coverage_by"] = "length"
    screen.run()
    table = screen.app.dataframe[0].value
    assert (list(table["kind"]), list(table["samples"])) == (["0 to 50 characters"], [120])


def test_subjects_show_as_text_alone(path: Path) -> None:
    """The words of a subject come from the data: they stand in cells and options, never in markup or a label."""
    screen = coverage_screen()
    screen.app.session_state["coverage_by"] = "cluster"
    screen.run()
    assert sorted(screen.app.dataframe[0].value["kind"]) == ["0: even, *bold*", "1: <img src=x>, :red[odd]"]
    assert "1: <img src=x>, :red[odd]: 0% kept" in "\n".join(block.value for block in screen.app.text)
    spec = screen.app.get("plotly_chart")[0].proto.spec
    assert "<img" not in spec.replace("\\u003c", "<")
    screen.open_more()
    subject = next(box for box in screen.app.multiselect if box.label == "Subject")
    assert subject.options == ["0: even, *bold*", "1: <img src=x>, :red[odd]"]
    said = [*screen.app.markdown, *screen.app.caption]
    assert not any("img" in block.value or "bold" in block.value for block in said)
    labels = [box.label for box in [*screen.app.button, *screen.app.multiselect, *screen.app.selectbox]]
    assert not any("img" in label or "bold" in label for label in labels)


def test_another_policy_stands_beside_the_one_in_use(path: Path) -> None:
    """A preset's share is shown beside that of the policy in use, which stays in use."""
    screen = coverage_screen()
    beside = next(box for box in screen.app.selectbox if box.label == "Beside the policy in use")
    beside.set_value("reflection-tuning-v1")
    screen.run()
    assert list(screen.app.dataframe[0].value["beside"]) == [100, 100]
    assert "selective-code keeps 60" in screen.text


def test_kinds_are_found_by_a_press(path: Path) -> None:
    """Without kinds the panel says what to do; one press finds task, language and subject of every sample."""
    with store_of(path).transaction() as tx:
        tx.execute("DELETE FROM kind")
        tx.execute("DELETE FROM cluster")
    screen = coverage_screen()
    assert "No sample is grouped this way yet" in screen.text
    screen.press("Find kinds and subjects")
    job = open_project(path).jobs.latest("kinds")
    assert job is not None
    assert job.thread is not None
    job.thread.join(60)
    screen.run()
    assert "Group again" in screen.buttons
    assert sum(screen.app.dataframe[0].value["samples"]) == SAMPLES


# Charts


def test_the_curator_chooses_what_is_drawn(path: Path) -> None:
    """Any measure by version, and any two against each other."""
    screen = Screen()
    screen.show("Distributions")
    screen.app.session_state["charts_of"] = ["drift"]
    screen.app.session_state["density_x"] = "r_ifd"
    screen.app.session_state["density_y"] = "ifd"
    screen.run()
    assert [chart.proto.alt for chart in screen.app.get("plotly_chart")] == [
        "Histogram of Drift by version, 1 version",
        "Samples by r-IFD of the version that won and IFD of the version that won, 120 samples",
    ]


def test_nothing_stands_above_the_table_at_first(path: Path) -> None:
    """Charts are folded until they are asked for: the rows come first."""
    screen = Screen()
    assert not screen.app.get("plotly_chart")
    assert len(screen.numbers) == 100
