"""Find similar: the samples nearest to one, as a filter of Explore and in the drawer of Review; the forms beside it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from srt_core.importing.run import import_file
from srt_core.project.store import Store
from srt_core.records import Action, Decision, Origin
from srt_core.review.decisions import decide
from srt_core.review.filter.filter import SIMILAR, Filter
from srt_core.review.filter.page import MOST_SIMILAR
from srt_core.review.queues import coming, filter_queue
from srt_core.review.triage import last_round
from srt_core.ui.server.runtime import Project
from srt_core.vectors.encodings import encoding_in_use
from srt_core.vectors.keeping import encode
from srt_core.vectors.nearest import nearest
from tests.desk_talk import Talk
from tests.explore_screen import Screen
from tests.screens import finish, links, open_screen, served, words
from tests.small_project import alpaca_rows, write_lines
from tests.test_vectors import Letters, run_through

SAMPLES = SIMILAR + 10
ONE = 8


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    """A server on originals of which none has a vector yet."""
    with served(monkeypatch, tmp_path / "p.srt") as project:
        run_through(import_file(project.store, write_lines(tmp_path / "p.jsonl", alpaca_rows(SAMPLES))))
        yield project


def sample_of(store: Store, seq: int) -> str:
    return str(store.value("SELECT sample_id FROM sample WHERE seq = ?", [seq]))


def test_similar_samples_are_a_filter_of_explore_in_their_order(project: Project) -> None:
    """Where nothing was encoded it says what to do; then the nearest stand as rows, are acted on, and go to Review."""
    screen = Screen(sample=str(ONE))
    screen.send(similar=str(ONE))
    assert "on the page Score, or by `srt encode`" in screen.told["answer"]["hint"]
    assert len(screen.numbers) == SAMPLES
    run_through(encode(project.store, Letters("aeo")))
    found = nearest(project.store, sample_of(project.store, ONE), SIMILAR)
    screen.send(similar=str(ONE))
    assert screen.numbers == [each.seq for each in found]
    assert [row["text"][0] for row in screen.told["rows"]] == [[2, f"{each.similarity:.2f}  "] for each in found]
    assert (screen.address("similar"), screen.address("sort")) == (str(ONE), MOST_SIMILAR)
    assert screen.told["chips"] == [["similar", f"similar to #{ONE}"]]
    assert screen.bulk[1] == SIMILAR
    queue = filter_queue(Filter(similar=str(ONE)), MOST_SIMILAR)
    names = [each.sample_id for each in found]
    assert coming(project.store, queue, None, SIMILAR) == names
    assert coming(project.store, queue, names[3], 2) == names[4:6]
    screen.send(drop="similar")
    assert (len(screen.numbers), screen.told["sort"]) == (SAMPLES, "number")


def test_similar_samples_stand_in_the_drawer(project: Project) -> None:
    """The drawer leads to Score where nothing was encoded, else lists the nearest and what became of each."""
    store, one = project.store, sample_of(project.store, ONE)
    talk = Talk(project)
    asked = {"tab": "similar", "sample": one, "shown": "ORIGINAL"}
    (block,) = talk.say(drawer=asked)["drawer"]["blocks"]
    assert block["leave"]["to"] == "score"
    run_through(encode(store, Letters("aeo")))
    found = nearest(store, one, SIMILAR)
    decide(store, Decision(found[0].sample_id, Action.REJECT, "ben"), expected_event_id=None)
    blocks = talk.say(drawer=asked)["drawer"]["blocks"]
    assert [each["similar"]["seq"] for each in blocks] == [each.seq for each in found[: len(blocks)]]
    assert [each["similar"]["says"] for each in blocks[:2]] == ["Left out", "rule: leave out"]


def test_vectors_and_triage_have_a_form_where_they_are_looked_for(project: Project) -> None:
    """Score computes vectors and Trust fits a round, each as a job that can be seen, and each says what there is."""
    app = open_screen("pages/3_Score.py")
    assert "No version has a vector yet" in words(app)
    app.session_state["step_encode"] = True
    app.run()
    app.button(key="start_encode").click().run()
    finish(project, "encode", app)
    found = encoding_in_use(project.store)
    assert found is not None
    assert f"{SAMPLES} versions have a vector, by the encoder {found.encoder}" in words(app)
    for seq in range(1, 7):
        action, origin = (Action.CHOOSE, Origin.ORIGINAL) if seq % 2 else (Action.REJECT, None)
        decision = Decision(sample_of(project.store, seq), action, "ann", origin)
        decide(project.store, decision, expected_event_id=None)
    app = open_screen("pages/7_Trust.py")
    assert "No round yet" in words(app)
    app.session_state["step_triage"] = True
    app.run()
    app.button(key="start_triage").click().run()
    finish(project, "triage", app)
    assert last_round(project.store) == 1
    assert "queue=telling" in links(app)["Most telling next, in Review"]
