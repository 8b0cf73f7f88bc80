"""A job on a screen: how far it is, and what to do next when it stands still."""

import json
import threading
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
import streamlit as st

from srt_core.errors import DatasetError
from srt_core.project.progress import Progress
from srt_core.steps.jobs import JobState
from srt_core.ui.server.runtime import Project, open_project
from tests.screens import finish, open_screen, served, words
from tests.small_project import alpaca_rows, write_lines


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    """A server on an empty project."""
    with served(monkeypatch, tmp_path / "own.srt") as project:
        yield project


def importing(path: Path) -> dict[str, object]:
    """What an import job is started with."""
    return {"paths": [str(path)], "format": "json", "columns": {}, "uploaded": False}


def test_a_running_job_shows_how_far_it_is(project: Project) -> None:
    """While a job runs, its numbers, rate and time left are shown; after Pause it is paused and can be resumed."""

    def step(stop: threading.Event) -> Generator[Progress, None, None]:
        yield Progress("rows", done=300, total=1200, failed=4, elapsed_seconds=10.0)
        stop.wait(60)

    project.jobs.start("import", {}, step)
    app = open_screen(project=project.name)
    while not (shown := app.get("progress")) or "300" not in shown[0].proto.text:
        app.run()
    assert shown[0].proto.text == "**Import** 300 of 1,200 rows · 4 rejected · 30.0 a second · about 30 s left"
    assert shown[0].proto.value == 25
    app.button(key="pause_import").click().run()
    finish(project, "import", app)
    assert "Import is paused" in words(app)
    assert app.button(key="resume_import").label == "Resume"


def test_a_failed_job_says_why(project: Project) -> None:
    """A job that ended with an error shows it with what to do next, as plain text, and can be tried again."""

    def step(_stop: threading.Event) -> Generator[Progress, None, None]:
        yield Progress("rows")
        raise DatasetError("The file ![x](http://evil.test) is gone.", "Bring it back.")

    project.jobs.start("import", {}, step)
    app = finish(project, "import", open_screen(project=project.name))
    texts = [text.value for text in app.text]
    assert "The file ![x](http://evil.test) is gone." in texts
    assert "Bring it back." in texts
    assert app.button(key="resume_import").label == "Try again"


def test_a_job_cut_off_is_resumed(project: Project, tmp_path: Path) -> None:
    """After a restart the job that ran is offered again, and goes on with what it was started with."""
    data = write_lines(tmp_path / "pairs.jsonl", alpaca_rows(3))
    with project.store.transaction() as tx:
        tx.execute(
            "INSERT INTO job (kind, state, arguments) VALUES ('import', 'running', ?)",
            [json.dumps(importing(data))],
        )
    st.cache_resource.clear()
    project = open_project(project.store.path)
    app = open_screen(project=project.name)
    assert "cut off" in words(app)
    app.button(key="resume_import").click().run()
    finish(project, "import", app)
    job = project.jobs.latest("import")
    assert job is not None
    assert job.state is JobState.DONE
    assert project.store.value("SELECT count(*) FROM sample") == 3
