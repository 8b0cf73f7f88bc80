"""The Review screen without a browser: what a button does to the log, and what the curator is told."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Button

from srt_core.project import events
from srt_core.project.appending import NewCandidate, append_candidates
from srt_core.project.events import EventFilter
from srt_core.project.store import Store
from srt_core.records import Action, Decision, Origin, Pair
from srt_core.reflect.producers import register_producer
from srt_core.review import decisions
from srt_core.ui.server.runtime import open_project
from tests.rule_oracle import Case, Numbers
from tests.rule_project import create_project

# The rule keeps the response of s0 and s1 and leaves s2 out; the teacher's reply for s3 could not be used.
CASES = [
    Case({Origin.ORIGINAL: Numbers(0.5, 0.75), Origin.RESPONSE: Numbers(0.5, 0.5)}),
    Case({Origin.ORIGINAL: Numbers(0.5, 0.75), Origin.RESPONSE: Numbers(0.5, 0.625)}),
    Case({Origin.ORIGINAL: Numbers(0.5, 0.75), Origin.RESPONSE: Numbers(0.5, 0.875)}),
    Case({Origin.ORIGINAL: Numbers(0.5, 0.5)}, failed=frozenset({Origin.RESPONSE})),
]


class Screen:
    """Review open in a session, over a project whose log the test reads."""

    def __init__(self, path: Path, **query: str) -> None:
        app = Path(__file__).parent.parent / "app.py"
        self.app = AppTest.from_file(str(app), default_timeout=60)
        self.app.switch_page("pages/6_Review.py")
        for name, value in {"queue": "all", **query}.items():
            self.app.query_params[name] = value
        self.app.run()
        assert not self.app.exception

    def press(self, name: str) -> None:
        """Press the button of that name, with the key that it has now."""
        self.button(name).click().run()
        assert not self.app.exception

    def button(self, name: str) -> Button:
        return next(button for button in self.app.button if button.key and button.key.startswith(name))

    @property
    def sample(self) -> str:
        """The sample in the address; AppTest gives what it set itself as a list."""
        found = self.app.query_params["sample"]
        return found if isinstance(found, str) else found[0]

    @property
    def text(self) -> str:
        return "\n".join(block.value for block in [*self.app.text, *self.app.markdown, *self.app.caption])


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


def log(path: Path) -> list[events.Event]:
    """The events of the project, the oldest first."""
    return events.events(store_of(path), EventFilter(), limit=100)[::-1]


def decided(path: Path) -> list[tuple[str | None, str, str | None]]:
    return [(event.sample_id, event.kind, event.origin) for event in log(path)]


def test_accept_takes_the_rules_pick_and_goes_on(path: Path) -> None:
    """One key approves what the rule keeps, and the next open sample comes up."""
    screen = Screen(path)
    assert screen.button("accept").label == "Accept: Response"
    screen.press("accept")
    assert decided(path) == [("s0", "approve", "RESPONSE")]
    assert screen.sample == "s1"


def test_accept_of_a_sample_left_out_rejects_it(path: Path) -> None:
    """To agree with the rule on a sample that it leaves out is a rejection that says so."""
    screen = Screen(path, sample="s2")
    assert screen.button("accept").label == "Accept: leave out"
    screen.press("accept")
    assert decided(path) == [("s2", "reject", None)]
    assert log(path)[0].context["agrees"] == "rule"


def test_choosing_is_an_approval_only_where_the_rule_agrees(path: Path) -> None:
    """A digit decides for that candidate: approved where the rule picks it too, chosen by hand where not."""
    screen = Screen(path)
    screen.press("choose:RESPONSE")
    screen.press("choose:ORIGINAL")
    assert decided(path) == [("s0", "approve", "RESPONSE"), ("s1", "choose", "ORIGINAL")]


def test_a_candidate_that_is_not_there_cannot_be_chosen(path: Path) -> None:
    """The button of a missing candidate is disabled."""
    screen = Screen(path)
    assert [screen.button(f"choose:{origin}").disabled for origin in Origin] == [False, False, True, True]


def test_reject_park_and_undo(path: Path) -> None:
    """Undo takes back the person's own last decision and shows its sample again."""
    screen = Screen(path)
    screen.press("reject")
    screen.press("park")
    assert (screen.sample, decisions.standing(store_of(path), "s1") is None) == ("s2", False)
    screen.press("undo")
    assert (screen.sample, decisions.standing(store_of(path), "s1")) == ("s1", None)
    screen.press("undo")
    assert (screen.sample, decisions.standing(store_of(path), "s0")) == ("s0", None)
    assert screen.button("undo").disabled


def test_arrows_move_without_deciding(path: Path) -> None:
    """The arrows show neighbours, decided or not, and stay at the ends."""
    screen = Screen(path)
    screen.press("reject")
    screen.press("back")
    assert screen.sample == "s0"
    screen.press("back")
    assert screen.sample == "s0"
    screen.press("next")
    assert (screen.sample, len(log(path))) == ("s1", 1)


def test_the_place_is_in_the_address(path: Path) -> None:
    """A new session with the same address shows the same sample of the same queue."""
    screen = Screen(path, queue="closest")
    screen.press("next")
    again = Screen(path, queue="closest", sample=screen.sample)
    assert again.sample == screen.sample
    assert "**2** of 3" in again.text


def test_an_edit_is_stored_with_its_texts(path: Path) -> None:
    """The edited pair is the decision, upon the candidate that was edited; its draft does not show on the next."""
    screen = Screen(path)
    screen.press("edit")
    area = screen.app.text_area
    assert [box.value for box in area] == ["Do it.", "", "Done."]
    area[2].input("Done well.")
    screen.press("save")
    event = log(path)[0]
    assert (event.kind, event.origin, event.edited and event.edited.response) == ("edit", "RESPONSE", "Done well.")
    screen.press("edit")
    assert [box.value for box in screen.app.text_area] == ["Do it.", "", "Done."]


def test_an_edit_that_was_left_keeps_its_draft(path: Path) -> None:
    """Leaving the form stores nothing in the log, and the draft is there when the same pair is edited again."""
    screen = Screen(path)
    screen.press("edit")
    screen.app.text_area[2].input("Half an idea")
    screen.press("leave")
    assert log(path) == []
    screen.press("edit")
    assert screen.app.text_area[2].value == "Half an idea"


def test_an_edit_without_a_response_stays_in_the_form(path: Path) -> None:
    """A pair that cannot be stored is refused in words, and nothing that was typed is lost."""
    screen = Screen(path)
    screen.press("edit")
    screen.app.text_area[0].input("Do it better.")
    screen.app.text_area[2].input("  ")
    screen.press("save")
    assert "needs an instruction and a response" in screen.text
    assert (screen.app.text_area[0].value, log(path)) == ("Do it better.", [])


def test_a_failed_reflection_is_repaired_by_hand(path: Path) -> None:
    """A repair starts from the pair that was to be rewritten and says which candidate it stands for."""
    screen = Screen(path, queue="failed")
    screen.press("repair:RESPONSE")
    screen.app.text_area[2].input("Done by hand.")
    screen.press("save")
    event = log(path)[0]
    assert (event.sample_id, event.origin) == ("s3", "RESPONSE")
    assert event.edited and event.edited.response == "Done by hand."
    assert event.context["repairs"] == "RESPONSE"


def test_the_second_of_two_curators_is_told_who_decided(path: Path) -> None:
    """A decision upon a state that is gone is refused, names the other person, and shows the sample again."""
    screen = Screen(path)
    decisions.decide(store_of(path), Decision("s0", Action.REJECT, "bob"), expected_event_id=None)
    screen.press("accept")
    assert "decided meanwhile: reject by bob" in screen.text
    assert (screen.sample, len(log(path))) == ("s0", 1)
    screen.press("accept")
    assert decided(path)[1] == ("s0", "approve", "RESPONSE")


def test_a_press_from_an_older_view_does_nothing(path: Path) -> None:
    """A key press names the view it was made on; one that comes twice, or late, decides nothing."""
    screen = Screen(path)
    desk = screen.app.session_state["desk"]
    desk.view += 1  # what another press did before this one came in
    screen.press("accept")
    assert log(path) == []


def test_a_queue_that_is_done_says_what_next(path: Path) -> None:
    """After the last decision there is a way on, and the last decision can still be undone."""
    screen = Screen(path, queue="failed")
    screen.press("reject")
    assert "Nothing in this queue waits for a decision" in screen.text
    screen.press("undo")
    assert screen.sample == "s3"


def test_the_last_decisions_open_their_sample(path: Path) -> None:
    """The list of the last decisions leads back to each sample."""
    screen = Screen(path)
    screen.press("accept")
    screen.press("last:")
    assert screen.sample == "s0"


def test_the_filter_queue_reads_the_filter_in_the_address(path: Path) -> None:
    """ "This filter" holds what Explore shows for the same address."""
    screen = Screen(path, queue="filter", reason="not_improved")
    assert screen.sample == "s2"
    assert "**1** of 1" in screen.text


def test_an_unknown_sample_is_an_error_in_words(path: Path) -> None:
    """A link to a sample that is not in the project says so."""
    assert "There is no sample nowhere" in Screen(path, sample="nowhere").text


def test_an_empty_project_says_what_to_do(tmp_path: Path, path: Path) -> None:
    """Without samples the screen leads to Import."""
    with store_of(path).transaction() as tx:
        tx.execute("DELETE FROM sample")
    assert "There are no samples to review yet" in Screen(path).text


def test_a_decision_on_another_producers_text_is_shown_and_chosen_again(path: Path) -> None:
    """The text that was decided for stands in its place with its producer named, and a digit decides for it."""
    store = store_of(path)
    teacher = register_producer(store, "B_B", "1", "h", "{}")
    with store.transaction() as tx:
        append_candidates(
            tx, [NewCandidate("s0", Origin.RESPONSE, teacher, Pair("Do it.", "Blue <b>sky</b>, done."), None)]
        )
        tx.bump()
    key = store.value("SELECT max(candidate_id) FROM candidate")
    decisions.decide(
        store, Decision("s0", Action.CHOOSE, "ann", Origin.RESPONSE, candidate_id=key), expected_event_id=None
    )
    screen = Screen(path, sample="s0")
    shown = "".join(block.proto.body for block in screen.app.get("html"))
    assert "decided for, by B_B, prompts 1" in shown
    assert "Blue &lt;b&gt;sky&lt;/b&gt;," in shown
    assert "Drift 0.00 · 4.4 × as long" in screen.text  # "done" is in both; 22 characters for 5
    assert screen.button("accept").label == "Accept: Response by test"
    assert screen.button("choose:RESPONSE").label == "Response"
    screen.press("choose:RESPONSE")
    assert [(event.kind, event.candidate_id) for event in log(path)] == [("choose", key), ("choose", key)]
    screen = Screen(path, sample="s0")
    screen.press("accept")
    last = log(path)[-1]
    assert (last.kind, last.candidate_id) == ("approve", 2)


def test_an_edit_keeps_the_candidate_that_it_was_made_of(path: Path) -> None:
    """The event of an edit names the version on the right, which its text began from."""
    screen = Screen(path, sample="s1")
    screen.press("edit")
    screen.press("save")
    assert [(event.kind, event.candidate_id) for event in log(path)] == [("edit", 4)]
