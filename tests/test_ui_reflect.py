"""The Reflect screen: which teacher, a trial that stores nothing, the run, and what failed."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from srt_core.importing.run import import_file
from srt_core.project.candidates import pair_of
from srt_core.reflect.learning import keep_changes
from srt_core.reflect.outcomes import failed_reflections
from srt_core.reflect.producers import producers
from srt_core.reflect.prompts import load_prompts
from srt_core.reflect.teacher import OpenAITeacher
from srt_core.reflect.teacher.settings import Change, Remedy
from srt_core.review.status import status
from srt_core.ui.reflect.teacher import REPLAY
from srt_core.ui.server.runtime import Project
from tests.screens import finish, open_screen, served, words
from tests.small_project import alpaca_rows, write_lines
from tests.teaching_server import TeachingServer, record_replies, running_teaching_server

PAGE = "pages/2_Reflect.py"
KEY = "sk-very-secret-0123456789"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    """A server on a project of 12 originals."""
    with served(monkeypatch, tmp_path / "own.srt") as project:
        for _ in import_file(project.store, write_lines(tmp_path / "pairs.jsonl", alpaca_rows(12))):
            pass
        yield project


@pytest.fixture
def recording(project: Project, tmp_path: Path) -> Path:
    """Recorded replies to all that can be asked about them; some cannot be used."""
    rows = project.store.rows("SELECT * FROM pair WHERE origin = 'ORIGINAL'")
    return record_replies(tmp_path / "replies.jsonl", load_prompts(), [pair_of(row) for row in rows])


@pytest.fixture
def live() -> Iterator[TeachingServer]:
    """A live teacher."""
    with running_teaching_server() as server:
        yield server


def replay(path: Path) -> AppTest:
    """Open Reflect and name a recording."""
    app = open_screen(PAGE)
    app.segmented_control(key="teacher_way").set_value(REPLAY).run()
    return app.text_input(key="replay_path").set_value(str(path)).run()


def type_model(app: AppTest, name: str) -> None:
    """Type a name into the box of models, which need not offer it."""
    box = app.selectbox(key="model")
    box.options.append(name)
    box.set_value(name)


def endpoint(base_url: str) -> AppTest:
    """Open Reflect and name a model at an endpoint."""
    app = open_screen(PAGE)
    app.text_input(key="base_url").set_value(base_url)
    type_model(app, "m-1")
    app.text_input(key="key_variable").set_value("SRT_TEST_KEY")
    return app.run()


def test_a_teacher_must_be_named(project: Project) -> None:
    """Without a teacher neither a trial nor a run can be started; the number of calls is told."""
    app = open_screen(PAGE)
    assert "**36 calls**" in words(app)
    assert app.button(key="start_reflect").disabled
    assert app.button(key="try_teacher").disabled


def test_the_model_box_offers_what_the_server_lists(project: Project, live: TeachingServer) -> None:
    """The box offers the server's models, asked for once and without the key; the name that was typed stays."""
    live.models = ["m-1", "m-2"]
    app = endpoint(live.url("good"))
    assert app.selectbox(key="model").options == ["m-1", "m-2"]
    app.selectbox(key="model").set_value("m-2").run()
    assert app.selectbox(key="model").value == "m-2"
    assert live.listings == 1
    type_model(app, "of-my-own")
    assert app.run().selectbox(key="model").value == "of-my-own"


def test_a_server_without_a_list_takes_a_typed_name(project: Project, live: TeachingServer) -> None:
    """Where nothing is listed the box says so and takes the name that is typed."""
    live.models = []
    app = endpoint(live.url("good"))
    assert app.selectbox(key="model").value == "m-1"
    assert "It lists no models." in words(app)


def test_a_trial_makes_no_candidate(project: Project, recording: Path) -> None:
    """A trial shows what is sent about three samples and the raw replies, keeps these, and makes no candidate."""
    app = replay(recording)
    app.button(key="try_teacher").click().run()
    shown = words(app)
    assert "No version is made" in shown
    assert "<new_instruction>" in shown
    assert "<original_instruction>" in shown
    assert project.store.value("SELECT count(*) FROM teacher_call") == 6
    assert project.store.value("SELECT count(*) FROM reflection") == 0
    assert status(project.store)["reflected"] == 0


def test_a_replay_is_run(project: Project, recording: Path) -> None:
    """A run stores every reply; those that cannot be used are listed with raw text and the way to Review."""
    app = replay(recording)
    app.button(key="start_reflect").click().run()
    finish(project, "reflect", app)
    found = status(project.store)
    failures = failed_reflections(project.store, 100, 0)
    assert found["reflected"] > 0
    assert 0 < len(failures) == found["failed_reflections"]
    assert failures[0].raw in [code.value for code in app.code]
    queries = [link.proto.query_string for link in app.get("page_link")]
    assert any(f"sample={failures[0].sample_id}" in query for query in queries)
    assert app.button(key="retry_reflect").label == f"Ask again for {len(failures)} failed ones"
    assert "Used" in app.get("plotly_chart")[0].proto.spec


def test_a_live_teacher_is_run_with_its_key_unseen(
    project: Project, live: TeachingServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The key is read from the variable named, is said to be set, and is neither shown nor stored."""
    monkeypatch.setenv("SRT_TEST_KEY", KEY)
    app = endpoint(live.url("good"))
    app.button(key="start_reflect").click().run()
    finish(project, "reflect", app)
    assert status(project.store)["reflected"] > 0
    shown = words(app)
    assert ":material/key: set" in shown
    assert KEY not in shown
    assert not any(KEY in str(row) for row in project.jobs.history())


def test_a_look_registers_nobody(project: Project, live: TeachingServer) -> None:
    """Naming a teacher shows what a run would take and leaves no producer behind; a trial registers it."""
    app = endpoint(live.url("good"))
    assert [metric.value for metric in app.metric if metric.label == "Calls"] == ["36"]
    assert producers(project.store) == []
    app.button(key="try_teacher").click().run()
    assert len(producers(project.store)) == 1


def test_a_trial_stops_at_the_cap(project: Project, live: TeachingServer) -> None:
    """The cap that is set for a run holds for a trial: what came is shown, and why there is no more."""
    app = endpoint(live.url("good"))
    app.number_input(key="max_calls").set_value(2).run()
    app.button(key="try_teacher").click().run()
    assert "The cap of 2 calls is reached." in words(app)
    assert project.store.value("SELECT count(*) FROM teacher_call") == 2


def test_what_a_teacher_refused_is_said(project: Project, live: TeachingServer) -> None:
    """How requests are put otherwise than asked for stands beside what a run will take, for this teacher alone."""
    name = OpenAITeacher(live.url("teach"), "m-1").name
    keep_changes(
        project.store, name, [Change("temperature", Remedy.LEFT_OUT), Change("max_tokens", Remedy.LIMITED, "9")]
    )
    app = endpoint(live.url("teach"))
    assert f"{name} is asked max_tokens at most 9; without temperature" in words(app)
    type_model(app, "m-2")
    assert "without temperature" not in words(app.run())


def test_further_fields_of_a_request_are_asked_for(project: Project, live: TeachingServer) -> None:
    """They go into every request of the run; what is no JSON object is told before one."""
    app = endpoint(live.url("teach"))
    assert "no JSON object" in words(app.text_input(key="extra_body").set_value("low").run())
    app.text_input(key="extra_body").set_value('{"reasoning_effort": "low"}')
    app.toggle(key="is_without_temperature").set_value(True).run().button(key="try_teacher").click().run()
    assert {(sent.get("reasoning_effort"), "temperature" in sent) for sent in live.requests} == {("low", False)}


def test_an_unset_key_is_told(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable that holds nothing is shown as not set."""
    monkeypatch.delenv("SRT_TEST_KEY", raising=False)
    assert ":material/key_off: not set" in words(endpoint("http://127.0.0.1:9/v1"))


@pytest.mark.parametrize("address", ["http://me:secret@127.0.0.1:9/v1", "http://127.0.0.1:9/v1?key=secret"])
def test_an_address_with_a_key_is_refused(project: Project, address: str) -> None:
    """A key in the address is refused before it is stored with the job."""
    app = endpoint(address)
    assert "put the key into an environment variable" in words(app)
    assert not project.jobs.history()


def test_a_teacher_out_of_reach_is_told(project: Project) -> None:
    """A refused connection ends trial and run with a reason, and nothing is stored."""
    app = endpoint("http://127.0.0.1:9/v1")
    app.button(key="try_teacher").click().run()
    assert "cannot be reached" in words(app)
    app.button(key="start_reflect").click().run()
    finish(project, "reflect", app)
    assert "cannot be reached" in words(app)
    assert status(project.store)["reflected"] == 0
