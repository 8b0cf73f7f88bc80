"""The Explore screen without a browser: the address is the filter, and what is decided is what the buttons say."""

import json
import math
import shutil
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from srt_core.errors import SRTError
from srt_core.project import events
from srt_core.project.events import EventFilter
from srt_core.project.store import Store
from srt_core.records import Origin
from srt_core.review import decisions
from srt_core.review.filter.facets import count
from srt_core.review.filter.filter import Filter
from srt_core.review.filter.own import OwnCondition
from srt_core.review.filter.views import save_view
from srt_core.select.compare.students import POINTS
from srt_core.select.derive import refresh
from srt_core.ui.frame.filter_address import NAMES, describe_filter, filter_to_address, read_filter
from srt_core.ui.server.runtime import open_project
from tests.empty_project import create_empty
from tests.rule_oracle import Case, Numbers
from tests.rule_project import add_scoring, create_project

ROOT = Path(__file__).parent.parent
# The rule keeps the response of the even samples and leaves the odd ones out.
KEPT = Case({Origin.ORIGINAL: Numbers(0.5, 0.75), Origin.RESPONSE: Numbers(0.5, 0.5)})
LEFT_OUT = Case({Origin.ORIGINAL: Numbers(0.9, 0.75), Origin.RESPONSE: Numbers(0.9, 0.875)})
SAMPLES = 120


class Screen:
    """Explore open in a session at an address."""

    def __init__(self, **query: str) -> None:
        self.app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
        self.app.switch_page("pages/4_Explore.py")
        for name, value in query.items():
            self.app.query_params[name] = value
        self.run()

    def run(self) -> None:
        self.app.run()
        assert not self.app.exception

    def choose(self, label: str, values: list[str]) -> None:
        """Choose values in a box of the filter."""
        next(box for box in self.app.multiselect if box.label == label).set_value(values)
        self.run()

    def open_more(self) -> None:
        """Unfold the filters that are not in the bar."""
        self.app.session_state["filter_more"] = True
        self.run()

    def show(self, panel: str) -> None:
        """Choose what stands above the table."""
        self.app.session_state["explore_panel"] = panel
        self.run()

    def press(self, label: str) -> None:
        next(button for button in self.app.button if button.label == label).click()
        self.run()

    @property
    def buttons(self) -> list[str]:
        return [button.label for button in self.app.button]

    @property
    def numbers(self) -> list[int]:
        """The numbers of the samples in the table."""
        return [int(number) for number in self.app.dataframe[0].value["number"]]

    @property
    def text(self) -> str:
        return "\n".join(block.value for block in [*self.app.text, *self.app.markdown, *self.app.caption])

    def address(self, name: str) -> str | None:
        found = self.app.query_params.get(name)
        return found[0] if isinstance(found, list) else found


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project of 60 samples that the rule keeps and 60 that it leaves out, in turn."""
    path = tmp_path_factory.mktemp("made") / "project.srt"
    with create_project(path, [KEPT, LEFT_OUT] * (SAMPLES // 2)) as store, store.transaction() as tx:
        tx.execute('UPDATE sample SET extra = \'{"so:urce": "*web*"}\' WHERE seq <= 30')
        tx.execute("UPDATE candidate SET drift = 0.75, growth = 2.5 WHERE sample_id = 's8' AND origin = 'RESPONSE'")
        tx.execute("UPDATE candidate SET response = 'Blue <b>sky</b>' WHERE sample_id = 's7'")
        tx.append("kind", ["sample_id", "task", "language", "cluster"], [
            (f"s{place}", "code" if place % 3 == 0 else "other", "de" if place % 2 == place % 4 else "en", place % 2)
            for place in range(SAMPLES)
        ])  # fmt: skip
        tx.append("cluster", ["cluster", "words"], [(0, "even, *bold*"), (1, "<img src=x>, :red[odd]")])
    return path


@pytest.fixture(scope="module")
def store(made: Path) -> Iterator[Store]:
    """The same project, for what only reads it."""
    with Store.open(made) as store:
        refresh(store)
        yield store


@pytest.fixture
def path(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A server on a copy of that project."""
    path = Path(shutil.copy(made, tmp_path / "project.srt"))
    monkeypatch.setenv("SRT_PROJECT", str(path))
    monkeypatch.setenv("SRT_PROJECTS_DIR", str(tmp_path))
    st.cache_resource.clear()
    yield path
    st.cache_resource.clear()


def store_of(path: Path) -> Store:
    return open_project(path).store


def kinds(path: Path) -> list[str]:
    found = events.events(store_of(path), EventFilter(), limit=1000)
    return [event.kind for event in found]


# The filter and the address


WHOLE = Filter(
    text="a, b & c",
    winner=("ORIGINAL", "BOTH"),
    reason=("kept",),
    state=("open",),
    problem=("failed reflection",),
    own=(OwnCondition("so:urce", ("*web*",)),),
    task=("code", "mathematics"),
    language=("en", "unknown"),
    cluster=("3",),
    characters=(10.0, 2000.0),
    winner_characters=(0.0, math.inf),
    producer=('of "x", y', "*z*"),
    author=("ann",),
    decided=(date(2026, 1, 2), None),
    score=("no_target", "not scored"),
    failure=("cut_off",),
    imported=("1",),
    mark=("refusal",),
    winner_ranges=(
        ("drift", 0.5, 1.0),
        ("r_ifd", 0.25, 1.5),
    ),
    origin_ranges=(
        ("growth", "BOTH", 2.0, 4.0),
        ("ifd", "RESPONSE", 0.0, 0.75),
    ),
)


def test_the_address_says_all_of_a_filter() -> None:
    """Each condition has its own query parameter, in words and numbers."""
    assert filter_to_address(Filter()) == {}
    assert filter_to_address(WHOLE) == {
        "text": "a, b & c",
        "winner": "ORIGINAL,BOTH",
        "reason": "kept",
        "state": "open",
        "problem": "failed reflection",
        "r_ifd": "0.25,1.5",
        "extra": '{"so:urce": "*web*"}',
        "origin_ifd": "RESPONSE,0,0.75",
        "drift": "0.5,1",
        "origin_growth": "BOTH,2,4",
        "task": "code,mathematics",
        "language": "en,unknown",
        "cluster": "3",
        "characters": "10,2000",
        "winner_characters": "0,inf",
        "producer": '"of ""x"", y",*z*',
        "author": "ann",
        "decided": "2026-01-02,",
        "score": "no_target,not scored",
        "failure": "cut_off",
        "imported": "1",
        "mark": "refusal",
    }
    assert read_filter(filter_to_address(WHOLE)) == WHOLE
    assert set(filter_to_address(WHOLE)) | {"ifd", "growth", "origin_r_ifd", "origin_drift"} == set(NAMES)


def test_the_log_says_a_filter_in_words() -> None:
    """The note of a bulk action names every condition."""
    assert describe_filter(Filter()) == "all samples"
    said = describe_filter(WHOLE, {"cluster": {"3": "poem, sky"}})
    for part in ("a, b & c", "Original, Both", "Kept", "Open", "Failed reflection", "0.25 to 1.5", "*web*",
                 "Drift of the winner 0.5 to 1", "Length change of the both version 2 to 4",
                 "task: Code, Mathematics", "language: en, unknown", "subject: 3: poem, sky",
                 "original of 10 to 2000 characters", 'rewritten by: of "x", y, *z*', "decided by: ann",
                 "decided from 2026-01-02 to the last day", "scoring: No target, Not scored",
                 "reflection failed: Cut off", "imported file: file 1"):  # fmt: skip
        assert part in said


@pytest.mark.parametrize(
    ("query", "samples"),
    [
        ({}, 120),
        ({"reason": "kept"}, 60),
        ({"reason": "kept,not_improved", "winner": "ORIGINAL"}, 60),
        ({"ifd": "0.8,1"}, 60),
        ({"ifd": "0,inf"}, 120),
        ({"origin_r_ifd": "RESPONSE,0.4,0.6"}, 60),
        ({"extra": '{"so:urce": "*web*"}'}, 30),
        ({"text": "SKY"}, 1),
        ({"drift": "0.7,1"}, 1),
        ({"origin_growth": "RESPONSE,2,inf"}, 1),
        ({"origin_growth": "RESPONSE,3,inf"}, 0),
        ({"state": "decided"}, 0),
        ({"task": "code"}, 40),
        ({"task": "code", "language": "de", "reason": "kept"}, 10),
        ({"cluster": "1"}, 60),
        ({"characters": "5,inf"}, 120),
        ({"characters": "6,inf"}, 1),
        ({"producer": "test"}, 120),
        ({"producer": "nobody"}, 0),
        ({"score": "not scored"}, 0),
        ({"imported": "1"}, 120),
        ({"decided": "2026-01-01,"}, 0),
    ],
    ids=str,
)
def test_an_address_filters(store: Store, query: dict[str, str], samples: int) -> None:
    """Each parameter of an address takes the samples that it says."""
    assert count(store, read_filter(query)) == samples


def test_a_link_shows_what_its_address_takes(path: Path) -> None:
    """A link with filter parameters shows the samples that they take, and says how many."""
    screen = Screen(task="code", language="de", reason="kept")
    assert "**10** of 120 samples match" in screen.text
    assert len(screen.numbers) == 10


@pytest.mark.parametrize(
    "query",
    [
        {"state": "lost"},
        {"winner": "ORIGINAL,BEST"},
        {"ifd": "low,high"},
        {"ifd": "nan,1"},
        {"origin_ifd": "BEST,0,1"},
        {"origin_ifd": "ORIGINAL"},
        {"drift": "far"},
        {"origin_drift": "ORIGINAL,0,1"},
        {"extra": "web"},
        {"extra": '["web"]'},
        {"task": "cooking"},
        {"cluster": "first"},
        {"imported": "1;2"},
        {"score": "lost"},
        {"decided": "yesterday,"},
        {"decided": "2026-01-01"},
        {"characters": "many"},
    ],
    ids=str,
)
def test_a_broken_address_is_no_filter(query: dict[str, str]) -> None:
    """Whatever is wrong in an address, it is an error that says how to write it, never a wider filter."""
    with pytest.raises(SRTError) as raised:
        read_filter(query)
    assert raised.value.hint


def test_a_broken_address_is_said_and_acts_on_nothing(path: Path) -> None:
    """Where the address holds no filter there is no table and no bulk action, and one press takes it away."""
    screen = Screen(ifd="low,high")
    assert "That did not work" in screen.text
    assert not [label for label in screen.buttons if "all" in label]
    screen.press("Clear the filter")
    assert "**120** of 120 samples match" in screen.text


def test_widgets_write_the_address(path: Path) -> None:
    """What is put into the bar stands in the address, so that a reload finds the same samples."""
    screen = Screen(page="2")
    screen.choose("Rule says", ["kept"])
    assert (screen.address("reason"), screen.address("page")) == ("kept", None)
    next(box for box in screen.app.text_input if box.label == "Text").set_value("done")
    screen.run()
    assert (screen.address("reason"), screen.address("text")) == ("kept", "done")
    assert "**60** of 120 samples match" in screen.text


def test_a_range_holds_for_the_version_chosen(path: Path) -> None:
    """A range of scores is of the winner, or of one version where that is chosen."""
    screen = Screen()
    screen.open_more()
    low = next(box for box in screen.app.number_input if box.key and box.key.startswith("filter_ifd_from"))
    low.set_value(0.8)
    screen.run()
    assert screen.address("ifd") == "0.8,inf"
    owner = next(box for box in screen.app.selectbox if box.key and box.key.startswith("filter_ifd_of"))
    owner.set_value("ORIGINAL")
    screen.run()
    assert (screen.address("ifd"), screen.address("origin_ifd")) == (None, "ORIGINAL,0.8,inf")


def test_clear_takes_every_condition(path: Path) -> None:
    """Clear empties the bar and the address."""
    screen = Screen(reason="kept", ifd="0,1", text="done")
    screen.press("Clear")
    assert "**120** of 120 samples match" in screen.text
    assert [screen.address(name) for name in ("reason", "ifd", "text")] == [None] * 3
    assert all(box.value == [] for box in screen.app.multiselect)


# The table and the sample


def test_pages_walk_through_all_samples_of_the_filter(path: Path) -> None:
    """The pages of the table hold every sample of the filter once, and the address keeps the place."""
    numbers = [Screen(reason="kept", page=page).numbers for page in ("1", "2")]
    assert list(map(len, numbers)) == [50, 10]
    assert sorted(numbers[0] + numbers[1]) == list(range(1, 121, 2))


@pytest.mark.parametrize("page", ["0", "99", "x"])
def test_a_page_that_is_not_there_is_the_nearest(path: Path, page: str) -> None:
    """A place beyond the end, as after decisions took samples out of the filter, shows samples all the same."""
    assert len(Screen(page=page).numbers) in (50, 20)


def test_the_order_is_kept_in_the_address(path: Path) -> None:
    """Choosing an order sorts the whole set, from its first page, and stands in the address."""
    screen = Screen(page="2")
    order = next(box for box in screen.app.selectbox if box.label == "Order")
    order.set_value("IFD of the winner, high first")
    screen.run()
    assert (screen.address("sort"), screen.address("page")) == ("IFD of the winner, high first", None)
    assert screen.numbers[0] == 2


def test_drift_and_length_stand_in_the_table_and_beside_the_scores(path: Path) -> None:
    """The largest drift comes first in its order, and a sample says both in words with who made the rewrite."""
    screen = Screen(sort="drift of the winner, high first", sample="s8")
    assert screen.numbers[0] == 9
    table = screen.app.dataframe[0].value
    assert (table["drift"][0], table["growth"][0]) == (0.75, 2.5)
    assert "Drift 0.75 · 2.5 × as long" in screen.text
    assert "By test" in screen.text


def test_a_sample_opens_below_the_table(path: Path) -> None:
    """The sample in the address is shown with the rule's words, all its versions and their scores, as plain text."""
    screen = Screen(sample="s7")
    for part in ("**Sample 8**", "Left out", "**Original**", "**Response**", "IFD 0.900 · r-IFD 0.875"):
        assert part in screen.text
    blocks = "".join(block.proto.body for block in screen.app.get("html"))
    assert "Blue &lt;b&gt;sky&lt;/b&gt;" in blocks


def test_a_sample_that_is_not_there_is_said(path: Path) -> None:
    """A link to a sample that the project has not says so and leaves the table usable."""
    screen = Screen(sample="nowhere")
    assert "That did not work" in screen.text
    assert len(screen.numbers) == 50


# All of a filter


def test_buttons_name_how_many_they_decide(path: Path) -> None:
    """Approve counts the open samples that have a pick, reject and park all open ones of the filter."""
    labels = Screen(ifd="0,1").buttons
    assert [label for label in labels if "all" in label] == ["Approve all 60", "Reject all 120", "Park all 120"]


def test_approve_all_decides_the_filter_alone_and_can_be_undone(path: Path) -> None:
    """A bulk action decides what its button said, with the filter in the log, and one press undoes it."""
    screen = Screen(text="sky", state="open")
    screen.press("Reject all 1")
    assert kinds(path) == ["reject"]
    event = events.events(store_of(path), EventFilter(), 1)[0]
    assert event.sample_id == "s7"
    assert "sky" in event.context["bulk"]
    screen.press("Undo all 1")
    assert kinds(path) == ["undo", "reject"]
    assert "Reject all 1" in screen.buttons


def test_a_decided_sample_stays_as_it_is(path: Path) -> None:
    """A bulk action passes over samples that somebody decided before."""
    Screen(text="sky").press("Reject all 1")
    before = decisions.standing(store_of(path), "s7")
    screen = Screen()
    screen.press("Approve all 60")
    screen.press("Reject all 59")
    assert decisions.standing(store_of(path), "s7") == before
    assert kinds(path).count("reject") == 60


def test_undo_of_a_bulk_action_survives_a_reload(path: Path) -> None:
    """The offer to undo comes from the log, not from the session."""
    Screen().press("Park all 120")
    screen = Screen()
    screen.press("Undo all 120")
    assert kinds(path).count("undo") == 120


# Two students


def add_student(path: Path, name: str, convention: str = "aligned") -> int:
    """Another student, for which the odd samples' response is the better one and the even samples' is not."""
    return add_scoring(store_of(path), name, [LEFT_OUT, KEPT] * (SAMPLES // 2), convention)


def panels(screen: Screen) -> list[str]:
    """What can stand above the table."""
    return [option.content for option in next(group for group in screen.app.get("button_group")).proto.options]


def open_students() -> Screen:
    """Explore with the two students side by side."""
    screen = Screen()
    screen.show("Students")
    return screen


def test_students_stand_side_by_side(path: Path) -> None:
    """How alike two students score and select is said in numbers, with a chart of each measure."""
    add_student(path, "/models/a *bold* name/of-a-student")
    screen = open_students()
    assert "**IFD**: Spearman's ρ **-1.000** over 240 candidates" in screen.text
    assert "both select the same for **0%** of 120 samples" in screen.text
    assert "Of 120 samples that at least one of them keeps, both keep the same version of **0**" in screen.text
    alternatives = [chart.proto.alt for chart in screen.app.get("plotly_chart")]
    assert [text for text in alternatives if "both students" in text] == [
        f"{measure} from both students, 240 candidates" for measure in ("IFD", "r-IFD")
    ]


def test_a_students_path_is_shortened_and_no_markup(path: Path) -> None:
    """A student is named by its number and the last two parts of its path, and never as markdown or as HTML."""
    add_student(path, "/models/a *bold* name/of-<b>a<b>-student")
    screen = open_students()
    other = next(box for box in screen.app.selectbox if box.label == "Beside it")
    assert other.options == ["Number 2 · a *bold* name/of-<b>a<b>-student · plain"]
    assert "bold" not in screen.text
    layout = json.loads(screen.app.get("plotly_chart")[-1].proto.spec)["layout"]
    assert layout["yaxis"]["title"]["text"] == "Number 2 · a *bold* name/of-&lt;b&gt;a&lt;b&gt;-student · plain"


def test_either_student_can_be_let_select(path: Path) -> None:
    """One press puts the other scoring in use; the selections on this screen follow it."""
    add_student(path, "other")
    screen = open_students()
    assert "Number 1 is in use and selects." in screen.text
    screen.press("Let number 2 select")
    assert "Number 2 is in use and selects." in screen.text
    assert store_of(path).meta("scoring_id") == "2"
    assert sorted(Screen(reason="kept").numbers)[:3] == [2, 4, 6]


def test_scorings_of_two_conventions_are_not_set_side_by_side(path: Path) -> None:
    """Where no two scorings have one convention there is nothing to compare."""
    add_student(path, "other", "reference")
    assert "Students" not in panels(Screen())
    add_student(path, "third")
    assert "Students" in panels(Screen())


def test_many_candidates_are_drawn_as_counts(tmp_path: Path, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond two thousand candidates the chart shows how many lie where, instead of a dot each."""
    cases = [KEPT] * (POINTS // 2 + 1)
    with create_project(tmp_path / "many.srt", cases) as store:
        add_scoring(store, "other", cases)
    monkeypatch.setenv("SRT_PROJECT", str(tmp_path / "many.srt"))
    drawn = [json.loads(chart.proto.spec)["data"] for chart in open_students().app.get("plotly_chart")[-2:]]
    assert [traces[0]["type"] for traces in drawn] == ["heatmap", "heatmap"]


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
    screen.app.session_state["charts_of"] = ["drift"]
    screen.app.session_state["density_x"] = "r_ifd"
    screen.app.session_state["density_y"] = "ifd"
    screen.run()
    assert [chart.proto.alt for chart in screen.app.get("plotly_chart")] == [
        "Histogram of Drift by version, 1 candidates",
        "Samples by r-IFD of the winner and IFD of the winner, 120 samples",
    ]


def test_nothing_need_stand_above_the_table(path: Path) -> None:
    """Where the curator folds the panel away, only the table is left."""
    screen = Screen()
    screen.app.session_state["explore_panel"] = None
    screen.run()
    assert not screen.app.get("plotly_chart")
    assert len(screen.numbers) == 50


# Saved views


def test_a_view_is_saved_opened_and_deleted(path: Path) -> None:
    """A filter and its order are kept under a name; opening it puts both in the place of the present ones."""
    screen = Screen(reason="kept", sort="IFD of the winner, high first")
    next(box for box in screen.app.text_input if box.key == "views_name").set_value("*Mine* <b>")
    screen.press("Save the view")
    assert kinds(path) == ["view"]
    screen.press("Clear")
    screen.press("Open")
    assert (screen.address("reason"), screen.address("sort")) == ("kept", "IFD of the winner, high first")
    assert "Mine" not in screen.text
    screen.press("Delete")
    assert "No view is saved yet." in screen.text
    assert kinds(path) == ["view", "view"]


def test_a_link_opens_a_view(path: Path) -> None:
    """`?view=name` is the view's own address; a name that is not there is said and leaves the filter as it is."""
    save_view(store_of(path), "mine", {"task": "code", "sort": "closest to a threshold"}, "ann")
    screen = Screen(view="mine", reason="kept", page="2")
    assert "**40** of 120 samples match" in screen.text
    assert [screen.address(name) for name in ("task", "sort", "reason", "view", "page")] == [
        "code", "closest to a threshold", None, None, None,
    ]  # fmt: skip
    screen = Screen(view="theirs", reason="kept")
    assert "There is no view theirs." in screen.text
    assert "**60** of 120 samples match" in screen.text


def test_the_log_says_a_subject_in_words(path: Path) -> None:
    """The note of a bulk action says what a subject was called then: its number may mean another one later."""
    Screen(cluster="0", task="other").press("Park all 40")
    event = events.events(store_of(path), EventFilter(), 1)[0]
    assert event.context["bulk"] == "task: Other; subject: 0: even, *bold*"
    Screen().press("Undo all 40")
    assert kinds(path).count("undo") == 40


# Nothing to show


def test_an_empty_project_says_what_to_do(tmp_path: Path, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without samples the screen leads to Import."""
    create_empty(tmp_path / "empty.srt").close()
    monkeypatch.setenv("SRT_PROJECT", str(tmp_path / "empty.srt"))
    assert "Import some first" in Screen().text


def test_without_scores_the_table_is_there(tmp_path: Path, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before scoring there is no chart, a way to Score, and the table all the same."""
    create_project(tmp_path / "raw.srt", [Case({Origin.ORIGINAL: Numbers(None, None)})]).close()
    monkeypatch.setenv("SRT_PROJECT", str(tmp_path / "raw.srt"))
    screen = Screen()
    assert "no distribution to draw" in screen.text
    assert screen.numbers == [1]


def test_a_filter_without_samples_says_so(path: Path) -> None:
    """Where nothing matches the screen says what to do and offers no bulk action."""
    screen = Screen(text="no such words")
    assert "No sample matches" in screen.text
    assert all(button.disabled for button in screen.app.button if "all" in button.label)
