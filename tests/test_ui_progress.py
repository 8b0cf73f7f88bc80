"""A job on a screen: how far it is, and what to do next when it stands still."""

import json
import threading
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
import streamlit as st

from srt_core.errors import DatasetError
from srt_core.importing.run import import_file
from srt_core.project.progress import Progress
from srt_core.steps.jobs import JobState
from srt_core.steps.steps import STEPS
from srt_core.ui.frame.navigation import GROUPS, JOB_PAGES, PAGES, STEP_PAGES
from srt_core.ui.server.runtime import Project, open_project
from tests.screens import finish, links, open_screen, served, words
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


def test_a_job_is_seen_on_every_page(project: Project) -> None:
    """While it runs a line on each page says how far it is; once it has ended, that, until its own page was opened."""

    def step(stop: threading.Event) -> Generator[Progress, None, None]:
        yield Progress("rows", done=3, total=12)
        stop.wait(60)

    app = open_screen("pages/8_Export.py", project=project.name)
    project.jobs.start("import", {}, step)
    while "Import 25%" not in links(app):
        app.run()
    project.jobs.pause("import")
    finish(project, "import", app)
    assert "Import is paused" in links(app)
    app.switch_page("pages/1_Import.py").run()
    assert "Import is paused" not in links(app)
    app.switch_page("pages/9_History.py").run()
    assert "Import is paused" not in links(app)


def test_every_step_of_the_work_has_its_page() -> None:
    """Whoever sees that a step runs can go to where it is looked after."""
    assert {step.name for step in STEPS.values() if step.is_work} <= JOB_PAGES.keys()
    assert {*JOB_PAGES.values(), *STEP_PAGES.values()} <= PAGES.keys()


def test_the_sidebar_lists_every_page_once() -> None:
    """No page is left out of the groups or stands in two."""
    assert [page for pages in GROUPS.values() for page in pages] == list(PAGES)


def test_a_step_that_is_done_has_a_tick(project: Project, tmp_path: Path) -> None:
    """Of a new project no step is done; after an import that is, and nothing that waits for it."""
    tick = " :material/check:"
    app = open_screen(project=project.name)
    assert not [label for label in links(app) if label.endswith(tick)]
    for _ in import_file(project.store, write_lines(tmp_path / "pairs.jsonl", alpaca_rows(3))):
        pass
    app = open_screen("pages/9_History.py", project=project.name)
    assert [label for label in links(app) if label.endswith(tick)] == [f"Import{tick}"]
