"""The demo project: the samples shipped with the app, a teacher's recorded replies and a student's recorded scores."""

from collections.abc import Iterator
from pathlib import Path
from threading import Event

from srt_core.errors import ProjectError
from srt_core.importing.imports import imports
from srt_core.importing.run import import_file
from srt_core.people.settings import app_folder
from srt_core.project.progress import Progress
from srt_core.project.store import Store
from srt_core.steps.reflect import REFLECT
from srt_core.steps.score import SCORE

FOLDER = app_folder() / "sample_data"
REPLIES = FOLDER / "replies.jsonl"
SCORES = FOLDER / "scores.jsonl"
REFUSED_SAMPLE = "msrisql2akwu"
"""A sample whose fluent rewrite the student refuses, as the tour shows."""


def is_demo(path: Path) -> bool:
    """Whether there is a project at `path` that holds nothing but demo samples, perhaps not all of them yet."""
    if not path.is_file() or not path.stat().st_size:
        return False
    with Store.open(path) as store:
        return all(Path(each.path).parent == FOLDER for each in imports(store))


def fill_demo(store: Store, stop: Event | None = None) -> Iterator[Progress]:
    """Import the demo samples and put in their recorded rewrites and scores. Takes a second or two; safe to call again.

    A few samples come after the reflections and wait for their own, so that there is something to try.
    """
    if not FOLDER.is_dir():
        raise ProjectError(f"The demo data is not at {FOLDER}.", "Install srt again.")
    later = FOLDER / "later.json"
    if all(each.path != str(later) for each in imports(store)):
        yield from import_file(store, FOLDER / "pairs.json", author="demo", stop=stop)
        yield from REFLECT.walk(store, {"replay": REPLIES}, stop)
        yield from import_file(store, later, author="demo", stop=stop)
    yield from SCORE.walk(store, {"replay": SCORES}, stop)
