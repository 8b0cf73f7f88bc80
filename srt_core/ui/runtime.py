"""What the server process holds: the open projects and their jobs, shared by all its sessions."""

import atexit
import os
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from srt_core.demo import fill_demo, score_demo
from srt_core.errors import ProjectError
from srt_core.jobs import Jobs
from srt_core.store import Store

DEMO = "demo"
SUFFIX = ".srt"


@dataclass(frozen=True, slots=True)
class Project:
    """An open project: its file and its background work."""

    name: str
    store: Store
    jobs: Jobs

    def close(self) -> None:
        """Stop the jobs, then close the file."""
        self.jobs.close()
        self.store.close()


def projects_folder() -> Path:
    """Give the folder of the projects: SRT_PROJECTS_DIR, else `projects` beside app.py."""
    return Path(os.environ.get("SRT_PROJECTS_DIR") or Path(__file__).parent.parent.parent / "projects")


def project_paths() -> dict[str, Path]:
    """Give the projects that this server may open, by name: the one it was started with first, then the folder's."""
    given = os.environ.get("SRT_PROJECT")
    paths = {Path(given).stem: Path(given)} if given else {}
    for path in sorted(projects_folder().glob(f"*{SUFFIX}")):
        paths.setdefault(path.stem, path)
    if not given:
        paths = {DEMO: projects_folder() / f"{DEMO}{SUFFIX}", **paths}
    return paths


def create_project(name: str) -> Path:
    """Create an empty project of that name in the projects' folder; ProjectError for a bad name."""
    if not name or not all(letter.isalnum() or letter in " -_" for letter in name) or name != name.strip():
        raise ProjectError(f"'{name}' cannot be a project's name.", "Use letters, digits, spaces, - and _.")
    path = projects_folder() / f"{name}{SUFFIX}"
    Store.create(path).close()
    return path


@st.cache_resource(show_spinner="Opening the project", on_release=lambda project: project.close())
def open_project(path: Path) -> Project:
    """Open a project once for the whole server; the demo project is made where it is missing."""
    is_demo = path.stem == DEMO and not os.environ.get("SRT_PROJECT")
    fresh = is_demo and not path.exists()
    store = Store.create(path) if fresh else Store.open(path)
    project = Project(path.stem, store, Jobs(store))
    atexit.register(project.close)
    if is_demo and not store.meta("scoring_id"):
        for _ in fill_demo(store):
            pass
        project.jobs.start("score", {"student": "demo"}, lambda stop: score_demo(store, stop))
    return project
