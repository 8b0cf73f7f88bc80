"""Screens over a network: an owner names only what is allowed, and a curator learns nothing of the server."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from srt_core.importing.run import import_file
from srt_core.people import People, people_path, save
from srt_core.people.allowed import Kind
from srt_core.review.status import status
from srt_core.ui.importing import upload
from srt_core.ui.importing.upload import ON_SERVER, uploads_folder
from srt_core.ui.reflect.teacher import REPLAY
from srt_core.ui.score.page import OWN_TEMPLATE
from srt_core.ui.server.runtime import Project
from tests.screens import finish, log_in, open_screen, served, words
from tests.small_project import alpaca_rows, write_lines
from tests.teaching_server import running_teaching_server

IMPORT, REFLECT, SCORE, EXPORT = "pages/1_Import.py", "pages/2_Reflect.py", "pages/3_Score.py", "pages/8_Export.py"
REFUSED = "may not be named here"
NEVER = "is never read or written by the app"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    """A server on a project of 3 originals, whose file of people allows the folder `data`."""
    (tmp_path / "data").mkdir()
    with served(monkeypatch, tmp_path / "own.srt") as project:
        for _ in import_file(project.store, write_lines(tmp_path / "data" / "pairs.jsonl", alpaca_rows(3))):
            pass
        save(people_path(), People("0" * 64).allow(Kind.FOLDER, str(tmp_path / "data")))
        yield project


def name_file(path: Path | str) -> AppTest:
    """Open Import and name a file on the server."""
    app = open_screen(IMPORT)
    app.segmented_control(key="file_way").set_value(ON_SERVER).run()
    return app.text_input(key="path_0").set_value(str(path)).run()


def test_files_to_import_lie_in_an_allowed_folder(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file elsewhere is not even looked at, also by a pattern, or a link in a folder; what is allowed is imported."""
    elsewhere = write_lines(tmp_path / "elsewhere.jsonl", alpaca_rows(5))
    (tmp_path / "data" / "links").mkdir()
    (tmp_path / "data" / "links" / "pairs.jsonl").symlink_to(elsewhere)
    (tmp_path / "data" / "links[1].jsonl").symlink_to(elsewhere)
    log_in(monkeypatch, "cy", "owner")
    links = tmp_path / "data" / "links", tmp_path / "data" / "links[1].jsonl"
    for path in (elsewhere, f"{tmp_path}/*.jsonl", *links, "hf://datasets/lab/pairs"):
        app = name_file(path)
        assert REFUSED in words(app)
        assert "Name a colour" not in words(app)
    write_lines(tmp_path / "data" / "more.jsonl", alpaca_rows(5)[3:])
    app = name_file(tmp_path / "data" / "m*.jsonl")
    app.button(key="start_import").click().run()
    finish(project, "import", app)
    assert status(project.store)["samples"] == 5


def test_nobody_imports_the_file_of_people(project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where nobody logs in, and where the whole disk is allowed, it is not read."""
    (tmp_path / "data" / "soft.json").symlink_to(people_path())
    save(people_path(), People("0" * 64).allow(Kind.FOLDER, "/"))
    for who in ("nobody", "cy"):
        if who != "nobody":
            log_in(monkeypatch, who, "owner")
        for path in (people_path(), tmp_path / "data" / "soft.json", tmp_path / "data"):
            app = name_file(path)
            assert NEVER in words(app)
            assert "0" * 64 not in words(app)


def test_no_teacher_is_asked_that_is_not_allowed(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither for its models nor with a key: host and variable are both to be allowed, and say so at their fields."""
    monkeypatch.setenv("SRT_TEST_KEY", "sk-very-secret-0123456789")
    log_in(monkeypatch, "cy", "owner")
    with running_teaching_server() as teacher:
        address = teacher.url("teach")
        app = open_screen(REFLECT)
        assert app.text_input(key="key_variable").value == ""
        app.text_input(key="base_url").set_value(address).run()
        app.text_input(key="key_variable").set_value("SRT_TEST_KEY").run()
        assert words(app).count(REFUSED) == 2
        assert "Name the teacher above to start" in words(app)
        assert app.button(key="start_reflect").disabled
        assert ":material/key" not in words(app)
        assert not app.selectbox(key="model").options
        people = People("0" * 64).allow(Kind.HOST, address.split("/")[2]).allow(Kind.KEY, "SRT_TEST_KEY")
        save(people_path(), people)
        app.run()
        assert REFUSED not in words(app)
        assert ":material/key:" in words(app)
        assert app.selectbox(key="model").options


def test_no_other_file_of_the_server_is_opened(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Recorded replies, prompts, templates and students are files too: elsewhere they are refused unread."""
    secret = tmp_path / "secret.toml"
    secret.write_text("secret words", "utf-8")
    log_in(monkeypatch, "cy", "owner")
    app = open_screen(REFLECT)
    app.segmented_control(key="teacher_way").set_value(REPLAY).run()
    for key in ("replay_path", "prompts_path"):
        app.text_input(key=key).set_value(str(secret)).run()
    assert words(app).count(REFUSED) == 2
    app = open_screen(SCORE)
    app.selectbox(key="template").set_value(OWN_TEMPLATE).run()
    app.text_input(key="template_path").set_value(str(secret)).run()
    app.text_input(key="student").set_value(str(tmp_path)).run()
    assert words(app).count(REFUSED) == 2
    assert app.button(key="start_score").disabled
    app.text_input(key="student").set_value("gpt2").run()
    assert words(app).count(REFUSED) == 2
    assert "secret words" not in words(app)


def test_a_job_goes_on_with_what_is_allowed_alone(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a job was started with stands in the project file, which may be somebody else's: it is checked again."""
    asked = json.dumps({"student": str(tmp_path), "template": "alpaca", "address": "evil.example:6379"})
    with project.store.transaction() as tx:
        tx.execute("INSERT INTO job (kind, state, arguments) VALUES ('score', 'paused', ?)", [asked])
    log_in(monkeypatch, "cy", "owner")
    app = open_screen(SCORE)
    assert app.text_input(key="student").value == ""
    app.button(key="resume_score").click().run()
    assert REFUSED in words(app)
    assert not project.jobs.running("score")


def test_an_export_goes_to_a_folder_that_is_allowed(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One beside the projects always is; elsewhere no folder is made."""
    log_in(monkeypatch, "cy", "owner")
    app = open_screen(EXPORT)
    app.multiselect(key="formats").set_value(["scores"]).run()
    folder = app.text_input(key="folder")
    assert Path(str(folder.value)) == people_path().parent / "exports" / "own"
    folder.set_value(str(tmp_path / "new")).run()
    next(button for button in app.button if button.label == "Write every score").click().run()
    assert REFUSED in words(app)
    assert not (tmp_path / "new").exists()
    app.text_input(key="folder").set_value(str(tmp_path / "data" / "new")).run()
    next(button for button in app.button if button.label == "Write every score").click().run()
    assert (tmp_path / "data" / "new" / "manifest.json").is_file()


def test_a_curator_learns_nothing_of_the_server(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No path and no variable stands on any page: in no field, message, table or event; an owner sees them."""
    monkeypatch.setenv("SRT_TEST_KEY", "x")
    student = str(tmp_path / "students" / "mine")
    asked = {"student": student, "template": str(tmp_path / "own.toml"), "replay": str(tmp_path / "replies.jsonl")}
    asked |= {"base_url": "http://10.1.2.3:8000/v1", "key_variable": "SRT_TEST_KEY", "model": "m-1"}
    said = f"{tmp_path}/x cannot be read: the environment variable SRT_TEST_KEY is not set."
    with project.store.transaction() as tx:
        for kind in ("score", "reflect"):
            tx.execute("INSERT INTO job (kind, state, arguments, message) VALUES (?, 'paused', ?, ?)",
                       [kind, json.dumps(asked), said])  # fmt: skip
    pages = (IMPORT, REFLECT, SCORE, EXPORT, "app.py", "pages/9_History.py", "pages/6_Review.py", "pages/4_Explore.py")
    for role in ("curator", "owner"):
        log_in(monkeypatch, "ben", role)
        told = [
            "\n".join([words(app), *(str(field.value) for field in (*app.text_input, *app.selectbox))])
            for app in map(open_screen, pages)
        ]
        is_told = any(str(tmp_path) in each or "SRT_TEST_KEY" in each for each in told)
        assert is_told is (role == "owner")


def test_too_many_uploads_are_refused_in_words(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """What nobody imported is kept for a week, up to a number and a size; one more is refused and says why."""
    monkeypatch.setattr(upload, "MOST_KEPT", 1)
    (uploads_folder() / "old").mkdir(parents=True)
    (uploads_folder() / "old" / "a.json").write_text("[]", "utf-8")
    app = open_screen(IMPORT)
    app.file_uploader[0].upload("b.json", b"[]", "application/json").run()
    assert "The server keeps 1 uploaded files" in words(app)
    assert [path.name for path in uploads_folder().glob("*/*")] == ["a.json"]
