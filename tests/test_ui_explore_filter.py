"""The filter of Explore: the address is the filter, and widgets and words say the same."""

import math
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from srt_core.errors import SRTError
from srt_core.methods import MEASURES
from srt_core.project import events
from srt_core.project.events import EventFilter
from srt_core.project.store import Store
from srt_core.records import Action, Decision
from srt_core.review import decisions
from srt_core.review.filter.address import NAMES, filter_to_address, read_filter
from srt_core.review.filter.facets import count
from srt_core.review.filter.filter import Filter
from srt_core.review.filter.own import OwnCondition
from srt_core.select.derive import refresh
from srt_core.ui.frame.filter_address import describe_filter
from tests.explore_screen import Screen, explored_project, kinds, served_copy, store_of


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return explored_project(tmp_path_factory.mktemp("made") / "project.srt")


@pytest.fixture(scope="module")
def store(made: Path) -> Iterator[Store]:
    """The same project, for what only reads it."""
    with Store.open(made) as store:
        refresh(store)
        yield store


@pytest.fixture
def path(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    with served_copy(made, tmp_path, monkeypatch) as path:
        yield path


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
    tag=("law, old",),
    note="ask <b>",
    because=("Wrong",),
    similar="17",
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
        "tag": '"law, old"',
        "note": "ask <b>",
        "because": "Wrong",
        "similar": "17",
    }
    assert read_filter(filter_to_address(WHOLE)) == WHOLE
    first = ("ifd", "r_ifd", "drift", "growth")
    later = tuple(measure.name for measure in MEASURES.values() if measure.is_filter and measure.name not in first)
    assert later
    others = {"ifd", "growth", "origin_r_ifd", "origin_drift", *later, *(f"origin_{name}" for name in later)}
    assert set(filter_to_address(WHOLE)) | others == set(NAMES)


def test_the_log_says_a_filter_in_words() -> None:
    """The note of a bulk action names every condition."""
    assert describe_filter(Filter()) == "all samples"
    said = describe_filter(WHOLE, {"cluster": {"3": "poem, sky"}})
    for part in ("a, b & c", "Original, Both", "Kept", "Open", "Failed reflection", "0.25 to 1.5", "*web*",
                 "Drift of the winner 0.5 to 1", "Length change of the both version 2 to 4",
                 "task: Code, Mathematics", "language: en, unknown", "subject: 3: poem, sky",
                 "original of 10 to 2000 characters", 'rewritten by: of "x", y, *z*', "decided by: ann",
                 "decided from 2026-01-02 to the last day", "scoring: No target, Not scored",
                 "reflection failed: Cut off", "imported file: file 1", "tag: law, old", "note contains 'ask <b>'",
                 "left out because: Wrong"):  # fmt: skip
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
    assert screen.matching == (10, 120)
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
    assert not screen.app.get("bidi_component")
    screen.press("Clear the filter")
    assert screen.matching == (120, 120)


def test_widgets_write_the_address(path: Path) -> None:
    """What is put into the bar stands in the address, so that a reload finds the same samples."""
    screen = Screen(page="2")
    screen.choose("Rule says", ["kept"])
    assert (screen.address("reason"), screen.address("page")) == ("kept", None)
    screen.search("done")
    assert (screen.address("reason"), screen.address("text")) == ("kept", "done")
    assert screen.matching == (60, 120)


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


def test_what_reviewers_wrote_of_samples_is_filtered(path: Path) -> None:
    """Tags, notes and reasons for leaving out that the project holds are offered, write the address, and filter."""
    store = store_of(path)
    with store.transaction() as tx:
        for name in ("s1", "s2"):
            events.append(tx, "tag", "ann", {"tag": "law, <b>old</b>"}, sample_id=name)
        events.append(tx, "note", "ann", {"text": "Ask BO about 50 %."}, sample_id="s2")
        said = Decision("s3", Action.REJECT, "ann", context={"because": "Wrong"})
        decisions.decide_within(tx, said, expected_event_id=None)
    screen = Screen()
    screen.open_more()
    screen.choose("Tag", ["law, <b>old</b>"])
    assert screen.address("tag") == '"law, <b>old</b>"'
    assert screen.matching == (2, 120)
    next(box for box in screen.app.text_input if box.label == "Note").set_value("bo about 50 %")
    screen.run()
    assert (screen.address("note"), screen.numbers) == ("bo about 50 %", [3])
    assert count(store, read_filter({"because": "Wrong"})) == 1
    assert count(store, read_filter({"note": "nobody", "because": "Wrong"})) == 0


def test_clear_takes_every_condition(path: Path) -> None:
    """Clear empties the bar and the address."""
    screen = Screen(reason="kept", ifd="0,1", text="done")
    screen.show("Filters")
    screen.send(clear=True)
    assert screen.matching == (120, 120)
    assert [screen.address(name) for name in ("reason", "ifd", "text")] == [None] * 3
    assert all(box.value == [] for box in screen.app.multiselect)


def test_each_condition_is_a_chip_that_takes_it_out(path: Path) -> None:
    """The filter is said condition by condition; a press takes that one out of it, and leaves the others."""
    query = {"text": "done", "reason": "kept", "origin_ifd": "ORIGINAL,0,1", "characters": "2,inf",
             "extra": '{"so:urce": "*web*"}', "cluster": "0"}  # fmt: skip
    names = {"text": "text contains 'done'", "reason": "rule says: Kept", "ifd": "IFD of the original version 0 to 1",
             "characters": "original of 2 and more characters", "own: so:urce": "so:urce is '*web*'",
             "cluster": "subject: 0: even, *bold*"}  # fmt: skip
    assert dict(Screen(**query).told["chips"]) == names
    for chip, name in {"text": "text", "reason": "reason", "ifd": "origin_ifd", "own: so:urce": "extra"}.items():
        screen = Screen(**query)
        screen.send(drop=chip)
        assert [each for each in query if screen.address(each) is None] == [name]
        assert dict(screen.told["chips"]) == {each: said for each, said in names.items() if each != chip}


def test_the_log_says_a_subject_in_words(path: Path) -> None:
    """The note of a bulk action says what a subject was called then: its number may mean another one later."""
    Screen(cluster="0", task="other").send(bulk="park")
    event = events.events(store_of(path), EventFilter(), 1)[0]
    assert event.context["bulk"] == "task: Other; subject: 0: even, *bold*"
    screen = Screen()
    screen.send(undo=screen.told["undo"]["action"])
    assert kinds(path).count("undo") == 40
