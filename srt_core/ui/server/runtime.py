"""What the server process holds: the open projects and their jobs, shared by all its sessions."""

import atexit
import os
import sys
from collections.abc import Generator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import Event, Lock

import streamlit as st
from streamlit import runtime

from srt_core.errors import ProjectError
from srt_core.importing.undo import Undone, undo_import
from srt_core.people.settings import projects_folder
from srt_core.project.connection import is_older
from srt_core.project.progress import Progress
from srt_core.project.store import Store
from srt_core.score.scorings import UNSCORED, score_statuses
from srt_core.steps.demo import fill_demo
from srt_core.steps.jobs import JOIN_SECONDS, Jobs
from srt_core.steps.step import Arguments, Step
from srt_core.steps.steps import STEPS
from srt_core.ui.server.identity import require_owner
from srt_core.ui.server.permission import require_allowed

DEMO = "demo"
SUFFIX = ".srt"
EXIT_SECONDS = 0.7
"""How long each job may take to commit what it has under way when the app ends."""


@dataclass(frozen=True, slots=True)
class Project:
    """An open project: its file and its background work."""

    name: str
    store: Store
    jobs: Jobs

    @property
    def is_demo(self) -> bool:
        """Whether this is the project that the app makes by itself on a first start."""
        return _is_demo(self.store.path)

    def start(self, kind: str, arguments: Arguments) -> None:
        """Start a step in the background (a key of STEPS); ProjectError if one of its kind runs already.

        RoleError if the person at the screen may not: everybody may look at token losses, owners run the rest.
        AccessError if an argument names what may not be named here.
        """
        if not STEPS[kind].is_open_to_all:
            require_owner()
        require_allowed(STEPS[kind], arguments)
        self.start_unasked(kind, arguments)

    def start_unasked(self, kind: str, arguments: Arguments) -> None:
        """Start a step that the app itself wants."""
        self.jobs.start(kind, arguments, partial(self._walk, STEPS[kind], arguments))

    def take_back(self, import_id: int, by: str) -> Undone:
        """Take an import back. What the app itself started after an import is stopped for that, and begins again.

        ProjectError while another job runs, which may be reading the very samples.
        """
        own = {step.then for step in STEPS.values() if step.then}
        if busy := [job.kind for job in self.jobs.running() if job.kind not in own]:
            raise ProjectError(f"The project is busy: {busy[0]} runs.", "Pause it, or wait until it is done.")
        stopped = [kind for kind in sorted(own) if self.jobs.end(kind)]
        undone = undo_import(self.store, import_id, by)
        for kind in stopped:
            self.start_unasked(kind, {})
        return undone

    def _walk(self, step: Step, arguments: Arguments, stop: Event) -> Generator[Progress, None, None]:
        """Walk a step, then start the one that follows it; one that runs already takes in what is new."""
        yield from step.walk(self.store, arguments, stop)
        if step.then and not stop.is_set() and not self.jobs.running(step.then):
            self.start_unasked(step.then, {})

    def close(self, seconds: float = JOIN_SECONDS) -> None:
        """Stop the jobs, wait up to `seconds` for each, then close the file."""
        _OPEN.pop(id(self), None)
        self.jobs.close(seconds)
        self.store.close()


_OPEN: dict[int, Project] = {}
_OPENING: dict[Path, Event] = {}
"""Files that are being opened, each with what is set once that is over."""
_LEAVING = Lock()


def leave() -> None:
    """Close the projects and end a server at once: a thread that loads a student would hold it for seconds."""
    with _LEAVING:  # the server's end and the end of its patience may come together
        for is_over in list(_OPENING.values()):
            is_over.wait(EXIT_SECONDS)
        for project in list(_OPEN.values()):
            project.close(EXIT_SECONDS)
        if runtime.exists():
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(0)


atexit.register(leave)


def project_paths() -> dict[str, Path]:
    """Return the projects that this server may open, by name: the one it was started with first, then the folder's."""
    given = os.environ.get("SRT_PROJECT")
    paths = {Path(given).stem: Path(given)} if given else {DEMO: projects_folder() / f"{DEMO}{SUFFIX}"}
    for path in sorted(projects_folder().glob(f"*{SUFFIX}")):
        paths.setdefault(path.stem, path)
    return paths


def create_project(name: str) -> Path:
    """Create an empty project of that name in the projects' folder; ProjectError for a bad name."""
    if not name or not all(letter.isalnum() or letter in " -_" for letter in name) or name != name.strip():
        raise ProjectError(f"'{name}' cannot be a project's name.", "Use letters, digits, spaces, - and _.")
    if name in project_paths() or name == DEMO:
        raise ProjectError(f"There is a project {name} already.", "Choose another name, or open it in the sidebar.")
    path = projects_folder() / f"{name}{SUFFIX}"
    Store.create(path).close()
    return path


def opening_words(path: Path) -> str | None:
    """Return what to say while `open_project` works; None for a project that is open already."""
    if any(project.store.path == path for project in _OPEN.values()):
        return None
    if is_older(path):
        return (
            "This project is of an older version. Its file is being converted, once; a million samples take some "
            "minutes. If that is cut off, the next start goes on."
        )
    return "Opening the project"


@st.cache_resource(show_spinner=False, on_release=lambda project: project.close())
def open_project(path: Path) -> Project:
    """Open a project once for the whole server; the demo project is made where it is missing."""
    is_over = _OPENING[path] = Event()
    try:
        store = Store.create(path) if _is_demo(path) and not path.exists() else Store.open(path)
        project = Project(path.stem, store, Jobs(store))
        _OPEN[id(project)] = project
    finally:
        is_over.set()
        _OPENING.pop(path, None)
    try:
        _complete_demo(project)
    except BaseException:  # what is not returned is not kept, and would hold the file
        project.close()
        raise
    return project


def _is_demo(path: Path) -> bool:
    return path == projects_folder() / f"{DEMO}{SUFFIX}" and not os.environ.get("SRT_PROJECT")


def _complete_demo(project: Project) -> None:
    """Fill the demo project and start to look for marks, as long as it has no score at all."""
    if not project.is_demo or set(score_statuses(project.store)) - {UNSCORED}:
        return
    for _ in fill_demo(project.store):
        pass
    project.start_unasked("marks", {})
