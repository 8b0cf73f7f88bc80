"""The Explore screen: the table, the sample, and what is decided is what the buttons say."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from srt_core.project import events
from srt_core.project.events import EventFilter
from srt_core.records import Action, Decision, Origin
from srt_core.review import decisions
from srt_core.review.filter.filter import Filter
from srt_core.review.filter.page import read_page
from srt_core.review.filter.views import save_view
from srt_core.ui.explore.component import KEY
from srt_core.ui.explore.rows import COLUMNS, Column
from tests.empty_project import create_empty
from tests.explore_screen import SAMPLES, Screen, explored_project, kinds, served_copy, store_of
from tests.rule_oracle import Case, Numbers
from tests.rule_project import create_project
from tests.screens import send


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
    numbers = [Screen(page=page).numbers for page in ("1", "2")]
    assert list(map(len, numbers)) == [100, 20]
    assert sorted(numbers[0] + numbers[1]) == list(range(1, 121))
    screen = Screen()
    screen.send(page=2)
    assert (screen.address("page"), screen.numbers) == ("2", numbers[1])
    assert sorted(Screen(reason="kept").numbers) == list(range(1, 121, 2))


@pytest.mark.parametrize("page", ["0", "99", "x"])
def test_a_page_that_is_not_there_is_the_nearest(path: Path, page: str) -> None:
    """A place beyond the end, as after decisions took samples out of the filter, shows samples all the same."""
    assert len(Screen(page=page).numbers) in (100, 20)


@pytest.mark.parametrize("column", COLUMNS, ids=lambda column: column.name)
def test_a_head_sorts_the_whole_set(path: Path, column: Column) -> None:
    """The head of each column puts all samples in its order, from the first page, and the address keeps that."""
    screen = Screen(page="2")
    for order in column.orders:
        screen.send(sort=order)
        assert (screen.address("sort"), screen.address("page")) == (order, None)
        assert screen.told["sort"] == order
        whole = read_page(store_of(path), Filter(), order, SAMPLES, 0)
        assert screen.numbers == [row.seq for row in whole[:100]]


def test_the_orders_of_a_head_are_by_what_its_column_shows(path: Path) -> None:
    """By number backwards the last comes first; by IFD the highest; by the rule what is kept; by length the longest."""
    screen = Screen()
    first = {}
    for order in (order for column in COLUMNS for order in column.orders):
        screen.send(sort=order)
        first[order] = screen.told["rows"][0]
    assert first["number, high first"]["number"] == SAMPLES
    assert first["IFD of the winner, high first"]["number"] == 2
    assert first["what the rule says, kept first"]["rule"] == "Keep Response"
    assert first["what the rule says, left out first"]["rule"] == "Required rewrite not taken"
    assert first["length change of the winner, high first"]["number"] == 9
    assert first["length change of the winner, high first"]["growth"] == "2.5×"


def test_a_sample_opens_beside_the_rows(path: Path) -> None:
    """The sample in the address is told with the rule's words, all its versions and their scores; it can be left."""
    screen = Screen(sample="s7")
    card = screen.told["card"]
    assert (card["seq"], card["rule"]["says"], card["pick"]) == (8, "leave out", None)
    assert [version["label"] for version in card["versions"]] == ["Original", "Response"]
    assert card["scores"]["RESPONSE"] == ["IFD 0.900 · r-IFD 0.875", "By test"]
    assert "Blue <b>sky</b>" in json.dumps(card["versions"][0]["parts"])
    assert "Drift 0.75 · 2.5 × as long" in Screen(sample="s8").told["card"]["scores"]["RESPONSE"]
    screen.send(open="")
    assert (screen.address("sample"), screen.told["card"]) == (None, None)
    assert Screen(sample="8").told["open"] == "s7"


def test_a_sample_that_is_not_there_is_said(path: Path) -> None:
    """A link to a sample that the project has not says so and leaves the table usable."""
    screen = Screen(sample="nowhere")
    assert "nowhere" in screen.told["lost"]
    assert len(screen.numbers) == 100


def test_hits_of_a_search_are_marked(path: Path) -> None:
    """A row shows the place that holds the text: which version and part it is of, and the hit, in whatever capitals."""
    (row,) = Screen(text="SKY").told["rows"]
    assert row["text"] == [[2, "Response: "], [0, "Blue <b>"], [1, "sky"], [0, "</b>"]]


# One sample decided


def press(screen: Screen, kind: str, **more: object) -> None:
    """What a key on the open sample sends."""
    card = screen.told["card"]
    sent = {"id": f"press {card['sample']} {kind} {card['event']}", "kind": kind, "sample": card["sample"]}
    screen.send(press={**sent, "upon": card["event"], **more})


def test_keys_decide_the_open_sample(path: Path) -> None:
    """Keep, leave out, park and undo act on the sample that is open, are in the log, and the row says so at once."""
    screen = Screen(sample="s8", curator="ann")
    candidate = screen.told["card"]["pick"]["candidate"]
    press(screen, "keep", candidate=candidate)
    assert screen.told["answer"] == {"saved": "s8"}
    assert screen.told["rows"][8]["decision"] == "Kept: Response"
    press(screen, "leave_out")
    press(screen, "park")
    press(screen, "undo")
    assert kinds(path) == ["undo", "park", "reject", "approve"]
    assert screen.told["rows"][8]["decision"] == "Left out"
    assert screen.bulk == (59, 119, 119)


def test_a_decision_that_its_reader_did_not_see_refuses_the_press(path: Path) -> None:
    """Where somebody else decided meanwhile nothing is written, and the reason is told beside the new state."""
    screen = Screen(sample="s8", curator="ann")
    decisions.decide(store_of(path), Decision("s8", Action.REJECT, "bob"), expected_event_id=None)
    press(screen, "park")
    assert "bob" in screen.told["answer"]["refused"]
    assert kinds(path) == ["reject"]
    assert screen.told["card"]["state"].startswith("Left out, by bob")


def test_a_message_that_comes_twice_is_taken_once(path: Path) -> None:
    """A message that the browser sends again, since no answer came, does nothing more."""
    screen = Screen()
    for _ in range(2):
        send(screen.app, KEY, {"turn": "same 1", "bulk": "park"})
    assert kinds(path).count("park") == SAMPLES


# All of a filter


def test_buttons_name_how_many_they_decide(path: Path) -> None:
    """Keep counts the open samples that have a pick, leave out and park all open ones of the filter."""
    assert Screen(ifd="0,1").bulk == (60, 120, 120)


def test_a_bulk_action_decides_the_filter_alone_and_can_be_undone(path: Path) -> None:
    """A bulk action decides what its button said, with the filter in the log, and one press undoes it."""
    screen = Screen(text="sky", state="open")
    screen.send(bulk="leave_out")
    assert kinds(path) == ["reject"]
    event = events.events(store_of(path), EventFilter(), 1)[0]
    assert event.sample_id == "s7"
    assert "sky" in event.context["bulk"]
    assert screen.told["undo"] == {"action": event.action_id, "count": 1, "says": "left out"}
    screen.send(undo=event.action_id)
    assert kinds(path) == ["undo", "reject"]
    assert screen.bulk == (0, 1, 1)


def test_a_decided_sample_stays_as_it_is(path: Path) -> None:
    """A bulk action passes over samples that somebody decided before."""
    Screen(text="sky").send(bulk="leave_out")
    before = decisions.standing(store_of(path), "s7")
    screen = Screen()
    screen.send(bulk="keep")
    assert screen.bulk == (0, 59, 59)
    screen.send(bulk="leave_out")
    assert decisions.standing(store_of(path), "s7") == before
    assert kinds(path).count("reject") == 60


def test_undo_of_a_bulk_action_survives_a_reload(path: Path) -> None:
    """The offer to undo comes from the log, not from the session."""
    Screen().send(bulk="park")
    screen = Screen()
    screen.send(undo=screen.told["undo"]["action"])
    assert kinds(path).count("undo") == 120


# Saved views


def test_a_view_is_saved_opened_and_deleted(path: Path) -> None:
    """A filter and its order are kept under a name; opening it puts both in the place of the present ones."""
    screen = Screen(reason="kept", sort="IFD of the winner, high first")
    screen.show("Views")
    next(box for box in screen.app.text_input if box.key == "views_name").set_value("*Mine* <b>")
    screen.press("Save the view")
    assert kinds(path) == ["view"]
    screen.send(clear=True)
    assert screen.address("reason") is None
    screen.press("Open")
    assert (screen.address("reason"), screen.address("sort")) == ("kept", "IFD of the winner, high first")
    assert "Mine" not in screen.text
    screen.press("Delete")
    assert "No view is saved yet." in screen.text
    assert kinds(path) == ["view", "view"]


def test_a_link_opens_a_view(path: Path) -> None:
    """`?view=name` is the view's own address; a name that is not there is said and leaves the filter as it is."""
    save_view(store_of(path), "mine", {"task": "code", "sort": "closest to a limit"}, "ann")
    screen = Screen(view="mine", reason="kept", page="2")
    assert screen.matching == (40, 120)
    assert [screen.address(name) for name in ("task", "sort", "reason", "view", "page")] == [
        "code", "closest to a limit", None, None, None,
    ]  # fmt: skip
    screen = Screen(view="theirs", reason="kept")
    assert "There is no view theirs." in screen.text
    assert screen.matching == (60, 120)


# Retraction


def test_a_filter_is_retracted_and_taken_back(path: Path) -> None:
    """Without a reason nothing happens; then all of the filter, or the open sample, is retracted, and can come back."""
    screen = Screen(reason="kept", sample="1")
    screen.show("Retract")
    screen.press("Retract 1 sample")
    assert "A retraction needs a reason." in screen.text and kinds(path) == []
    next(radio for radio in screen.app.radio if radio.key == "retract_which").set_value(
        "All samples of the filter (60)"
    )
    screen.app.run()
    next(box for box in screen.app.text_input if box.key == "retract_reason").set_value("Ask *Bo* <b>")
    screen.press("Retract 60 samples")
    assert kinds(path).count("retract") == 60
    assert "60 samples retracted." in screen.text and "No export holds a text of them" in screen.text
    assert Screen(state="retracted").matching == (60, 120)
    screen.press("Take back")
    assert kinds(path).count("undo") == 60


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


def test_a_filter_without_samples_offers_nothing(path: Path) -> None:
    """Where nothing matches there is no row, and nothing that could be done to all of them."""
    screen = Screen(text="no such words")
    assert (screen.numbers, screen.bulk) == ([], (0, 0, 0))
