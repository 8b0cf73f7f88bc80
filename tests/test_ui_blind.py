"""The desk of a blind audit: what is recorded is what was painted, and nothing tells the versions apart."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from srt_core.project import events
from srt_core.project.events import EventFilter
from srt_core.project.store import Store
from srt_core.records import Action, Decision, Origin
from srt_core.review import decisions
from srt_core.review.trust import audits, blind
from srt_core.review.trust.audits import Audit, Population
from srt_core.ui.server.runtime import Project
from tests.blind_reading import versions_of
from tests.rule_oracle import Case, Numbers
from tests.rule_project import create_project
from tests.screens import links, open_screen, served, words

PAGE = "pages/6_Review.py"
CASE = Case({origin: Numbers(0.5, 0.75 - place / 10) for place, origin in enumerate(Origin)})


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    """Ten samples with four versions each."""
    create_project(tmp_path / "own.srt", [CASE] * 10).close()
    with served(monkeypatch, tmp_path / "own.srt") as project:
        with project.store.transaction() as tx:
            tx.execute("UPDATE candidate SET response = 'Text ' || candidate_id")
        yield project


def open_audit(project: Project) -> tuple[AppTest, Audit]:
    audit = audits.draw(project.store, Population(), "all", 5, "ann", seed="s")
    return open_screen(PAGE, queue="drawn", audit=str(audit.event_id), curator="ann"), audit


def press(app: AppTest, name: str) -> None:
    next(button for button in app.button if button.key and button.key.startswith(f"{name}:")).click().run()
    assert not app.exception


def labels(app: AppTest) -> list[str]:
    return [button.label for button in app.button if button.key and button.key.startswith("mark:")]


def read_events(store: Store) -> list[events.Event]:
    return events.events(store, EventFilter(kind="reading"), 20)


def test_versions_stand_unnamed_in_the_order_that_is_recorded(project: Project) -> None:
    """Nothing is marked at first; the texts are in the order of the record; marks, best and Enter store a reading."""
    app, audit = open_audit(project)
    name = audit.samples[0]
    shown = blind.shuffled(audit, name, "ann", versions_of(project.store, name))
    assert labels(app) == [f"{place}: not marked" for place in (1, 2, 3, 4)]
    html = "".join(block.proto.body for block in app.get("html"))
    places = [html.index(f"Text {key}<") for key in shown]
    assert places == sorted(places)
    press(app, "done")
    assert "Nothing is marked yet" in words(app)
    assert read_events(project.store) == []
    press(app, "mark:2")
    press(app, "mark:4")
    press(app, "mark:1")
    press(app, "mark:1")
    press(app, "best")
    assert labels(app) == ["1: may not", "2: may be trained on (best)", "3: may not", "4: may be trained on"]
    press(app, "done")
    (event,) = read_events(project.store)
    assert (event.sample_id, event.author) == (name, "ann")
    assert event.context == {
        "audit": audit.event_id, "shown": list(shown), "marked": [shown[1], shown[3]], "best": shown[1],
    }  # fmt: skip
    assert labels(app) == [f"{place}: not marked" for place in (1, 2, 3, 4)]
    assert "read blind **1** of 5" in words(app)
    assert decisions.standing(project.store, name) is None


def test_nothing_on_the_desk_tells_the_versions_apart(project: Project) -> None:
    """No origin, score, pick, critique, history or decision is on the page, and how many were wrong is not said."""
    judged = [f"s{place}" for place in range(10)]
    for name in judged:
        decisions.decide(project.store, Decision(name, Action.APPROVE, "bob", Origin.BOTH), expected_event_id=None)
    app, _ = open_audit(project)
    html = "".join(block.proto.body for block in app.get("html"))
    said = " ".join([words(app), html, *(button.label for button in app.button), *(each.value for each in app.caption)])
    for telling in ("Original", "Both", "IFD", "RULE", "Keep", "bob", "pick", "wrong", "Approved", "#"):
        assert telling not in said
    assert not app.get("plotly_chart")
    assert not app.tabs
    assert "audit=" in links(app)["Audit"]


def test_all_none_and_undo(project: Project) -> None:
    """A marks all and X none; undo takes the last reading back and shows its sample again."""
    app, audit = open_audit(project)
    press(app, "mark_all")
    press(app, "done")
    press(app, "mark_none")
    press(app, "done")
    found = {event.sample_id: len(event.context["marked"]) for event in read_events(project.store)}
    assert found == {audit.samples[0]: 4, audit.samples[1]: 0}
    press(app, "undo")
    assert project.store.value("SELECT count(*) FROM reading") == 1
    press(app, "mark_all")
    press(app, "done")
    assert project.store.value("SELECT len(marked) FROM reading WHERE sample_id = ?", [audit.samples[1]]) == 4


@pytest.mark.parametrize("answer", ["keep_decision", "keep_reading:0", "ask_later"])
def test_where_a_reading_contradicts_the_decision_the_reader_is_asked(project: Project, answer: str) -> None:
    """Only afterwards: the decision stands and becomes the evidence, the reading decides anew, or it is left open."""
    audit = audits.draw(project.store, Population(), "all", 5, "ann", seed="s")
    name = audit.samples[0]
    decisions.decide(project.store, Decision(name, Action.APPROVE, "bob", Origin.RESPONSE), expected_event_id=None)
    app = open_screen(PAGE, queue="drawn", audit=str(audit.event_id), curator="ann")
    press(app, "mark_none")
    press(app, "done")
    assert "Your reading and the decision that stands differ" in words(app)
    assert "You marked: no version. Decided before: Approved: Response, by bob." in words(app)
    press(app, answer)
    assert "differ" not in words(app)
    standing = decisions.standing(project.store, name)
    assert standing
    rejected = answer == "keep_reading:0"
    assert standing.action is (Action.REJECT if rejected else Action.APPROVE)
    assert (standing.author == "bob") == (answer == "ask_later")
    reads = audits.result(project.store, audit).claim.reads
    assert (reads.right, reads.wrong) == ((1, 0) if answer == "keep_decision" else (0, 1))
