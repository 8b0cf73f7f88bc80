"""The Explore screen: the table, the sample, and what is decided is what the buttons say."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from srt_core.project import events
from srt_core.project.events import EventFilter
from srt_core.records import Origin
from srt_core.review import decisions
from srt_core.review.filter.views import save_view
from tests.empty_project import create_empty
from tests.explore_screen import Screen, explored_project, kinds, served_copy, store_of
from tests.rule_oracle import Case, Numbers
from tests.rule_project import create_project


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return explored_project(tmp_path_factory.mktemp("made") / "project.srt")


@pytest.fixture
def path(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    with served_copy(made, tmp_path, monkeypatch) as path:
        yield path


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
    assert [label for label in labels if "all" in label] == ["Keep all 60", "Leave out all 120", "Park all 120"]


def test_approve_all_decides_the_filter_alone_and_can_be_undone(path: Path) -> None:
    """A bulk action decides what its button said, with the filter in the log, and one press undoes it."""
    screen = Screen(text="sky", state="open")
    screen.press("Leave out all 1")
    assert kinds(path) == ["reject"]
    event = events.events(store_of(path), EventFilter(), 1)[0]
    assert event.sample_id == "s7"
    assert "sky" in event.context["bulk"]
    screen.press("Undo all 1")
    assert kinds(path) == ["undo", "reject"]
    assert "Leave out all 1" in screen.buttons


def test_a_decided_sample_stays_as_it_is(path: Path) -> None:
    """A bulk action passes over samples that somebody decided before."""
    Screen(text="sky").press("Leave out all 1")
    before = decisions.standing(store_of(path), "s7")
    screen = Screen()
    screen.press("Keep all 60")
    screen.press("Leave out all 59")
    assert decisions.standing(store_of(path), "s7") == before
    assert kinds(path).count("reject") == 60


def test_undo_of_a_bulk_action_survives_a_reload(path: Path) -> None:
    """The offer to undo comes from the log, not from the session."""
    Screen().press("Park all 120")
    screen = Screen()
    screen.press("Undo all 120")
    assert kinds(path).count("undo") == 120


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
    screen.show("Distributions")
    assert "no distribution to draw" in screen.text
    assert screen.numbers == [1]


def test_a_filter_without_samples_says_so(path: Path) -> None:
    """Where nothing matches the screen says what to do and offers no bulk action."""
    screen = Screen(text="no such words")
    assert "No sample matches" in screen.text
    assert all(button.disabled for button in screen.app.button if "all" in button.label)
