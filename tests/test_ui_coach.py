"""The Coach screen: what is learnt from, a coach that revises, and what people made of it."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from srt_core.records import Action, Decision, Origin
from srt_core.review import decisions
from srt_core.steps.jobs import JobState
from srt_core.ui.server.runtime import Project
from tests.coaching_server import coaching
from tests.reflecting import place_project
from tests.screens import finish, links, open_screen, served, words
from tests.test_coach import better, edit, longer, original

PAGE = "pages/15_Coach.py"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    """A server on a project of a few originals."""
    with served(monkeypatch, place_project(tmp_path / "p.srt", 6)) as project:
        yield project


def test_an_empty_screen_says_what_to_do(project: Project) -> None:
    """Without an edit there is nothing to learn from, and Review is where one makes some."""
    app = open_screen(PAGE)
    assert "Nobody has edited a version yet" in words(app)
    assert "Review" in links(app)


def test_a_coach_is_started_and_what_people_made_of_it_is_told(project: Project) -> None:
    """Edits stand by distance; a share that keeps none is said; a run by a trained coach, and people's decisions."""
    store = project.store
    for seq in (1, 2):
        edit(store, seq, longer(3 * seq))
    app = open_screen(PAGE)
    assert "2 edits" in words(app) and "learns from 0 of 2" in words(app)
    assert "keeps none" in words(app)
    listed = app.dataframe[0].value
    assert list(listed["Changed"]) == [30, 15] and not any(listed["Learnt from"])
    app.number_input(key="alpha").set_value(1.0).run()
    assert "learns from 2 of 2" in words(app)
    assert app.button(key="start_coach_revise").disabled
    with coaching(better) as server:
        app.text_input(key="base_url").set_value(server.url)
        app.text_input(key="model").set_value("c-1")
        app.number_input(key="examples").set_value(0).run()
        app.button(key="start_coach_revise").click().run()
        finish(project, "coach_revise", app)
    job = project.jobs.latest("coach_revise")
    assert job is not None and job.state is JobState.DONE
    made = store.rows("SELECT sample_id, candidate_id FROM candidate WHERE origin = 'RESPONSE' ORDER BY candidate_id")
    assert len(made) == 4
    decision = Decision(made[0]["sample_id"], Action.CHOOSE, "bob", Origin.RESPONSE)
    decisions.decide(store, replace(decision, candidate_id=made[0]["candidate_id"]), expected_event_id=None)
    app.run()
    coaches = next(each.value for each in app.dataframe if "Kept by people" in each.value)
    assert coaches[["Learnt from", "Revisions", "Kept by people"]].to_numpy().tolist() == [[2, 4, 1]]
    assert original(store, 3)[0] == made[0]["sample_id"]
