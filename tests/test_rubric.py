"""The rubric: ratings are events of a reviewer on a version, the last one counts, caps are a setting."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from srt_core.errors import DecisionError
from srt_core.methods.coachlm import RUBRIC
from srt_core.project.store import Store
from srt_core.records import Action, Decision, Origin, Pair
from srt_core.review import decisions, rubric
from srt_core.review.presses import Refused, Saved, Sitting, parse, take
from tests.command_line import DONE, called, refused
from tests.reflecting import project

FULL: dict[str, Sequence[object]] = {each.name: [each.most, False] for each in RUBRIC}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with project(tmp_path / "p.srt", 3) as store:
        yield store


def press(
    store: Store, by: str, given: Mapping[str, Sequence[object]], name: str = "1", **more: object
) -> Saved | Refused:
    """Send a rating of the first sample as the desk does."""
    row = store.rows("SELECT sample_id, candidate_id FROM candidate ORDER BY candidate_id LIMIT 1")[0]
    sent = {"id": name, "kind": "rate", "sample": row["sample_id"], "candidate": row["candidate_id"], "rubric": given}
    return take(Sitting(store, by, "all"), [parse({**sent, **more})])[name]


def test_the_last_rating_of_each_reviewer_counts(store: Store) -> None:
    """A row a dimension; a press that comes again is written once; another reviewer's stands beside it."""
    press(store, "ann", {**FULL, "feasibility": [8, True]})
    press(store, "ann", {**FULL, "feasibility": [8, True]})
    assert store.value("SELECT count(*) FROM event WHERE kind = 'rubric'") == 1
    press(store, "bob", FULL, "2")
    press(store, "ann", {**FULL, "feasibility": [40, True]}, "3")
    rows = store.rows(
        "SELECT rater, side, dimension, points, flaw FROM rubric WHERE dimension = 'feasibility' ORDER BY 1"
    )
    assert [tuple(row.values()) for row in rows] == [
        ("ann", "instruction", "feasibility", 40, True), ("bob", "instruction", "feasibility", 40, False),
    ]  # fmt: skip
    assert store.value("SELECT count(*) FROM rubric") == 2 * len(RUBRIC)
    assert {(each.side, each.ratings, each.score) for each in rubric.means(store)} == {
        ("instruction", 2, 100.0), ("response", 2, 100.0),
    }  # fmt: skip
    rubric.set_caps(store, {"feasibility": 80.0})
    assert {(each.side, each.score) for each in rubric.means(store)} == {("instruction", 90.0), ("response", 100.0)}


def test_an_edit_is_rated_by_its_event(store: Store) -> None:
    """The text of an edit is no candidate; a decision that is no edit cannot be rated."""
    name = store.value("SELECT sample_id FROM candidate ORDER BY candidate_id LIMIT 1")
    edit = decisions.decide(
        store, Decision(name, Action.EDIT, "ann", Origin.ORIGINAL, Pair("Mine.", "Mine too.")), expected_event_id=None
    )
    assert isinstance(press(store, "ann", FULL, candidate=None, upon=edit), Saved)
    assert store.rows("SELECT DISTINCT candidate_id, event_id FROM rubric") == [
        {"candidate_id": None, "event_id": edit}
    ]
    assert rubric.given_by(store, "ann", candidate_id=None, edit_id=edit)["safety"] == (10, False)
    assert isinstance(press(store, "ann", FULL, "2", candidate=None, upon=edit - 1), Refused)


@pytest.mark.parametrize("given", [{"charm": [1, False]}, {"safety": [11, False]}, {"safety": [-1, False]}, {}])
def test_a_rating_that_is_none_is_refused(store: Store, given: dict[str, list[object]]) -> None:
    """An unknown dimension, points out of range, nothing at all: a sentence, and nothing is written."""
    assert isinstance(press(store, "ann", given), Refused)
    assert store.value("SELECT count(*) FROM event WHERE kind = 'rubric'") == 0


def test_caps_are_a_setting_of_the_project(store: Store) -> None:
    """None at first; set and taken off by name on the command line; what is none is a sentence."""
    assert rubric.caps(store) == {}
    with pytest.raises(DecisionError):
        rubric.set_caps(store, {"charm": 80.0})
    store.close()
    done = called("rubric", store.path, "--cap", "feasibility=80", "--cap", "safety=40")
    assert done.returncode == DONE and "feasibility (instruction): 40 points, a flaw leaves at most 80" in done.stdout
    assert "at most 80" not in called("rubric", store.path, "--cap", "feasibility=none").stdout
    assert "is no cap" in refused(called("rubric", store.path, "--cap", "feasibility"))
    assert "The cap of safety is 101" in refused(called("rubric", store.path, "--cap", "safety=101"))
