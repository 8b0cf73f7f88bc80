"""The demo project: the samples shipped with the source, their recorded replies, and a tiny student."""

from collections.abc import Iterator
from pathlib import Path
from threading import Event

from srt_core.errors import ProjectError
from srt_core.pipeline import Progress, import_file, reflect, score
from srt_core.prompts import load_prompts
from srt_core.store import Store
from srt_core.student import load_student
from srt_core.teacher import ReplayTeacher
from srt_core.templates import load_template

FOLDER = Path(__file__).parent.parent / "sample_data"
TEMPLATE = "alpaca"


def fill_demo(store: Store, stop: Event | None = None) -> Iterator[Progress]:
    """Import the demo samples and replay their reflections; takes a second or two. Safe to call again."""
    if not FOLDER.is_dir():
        raise ProjectError(f"The demo data is not at {FOLDER}.", "Run srt from a checkout of its source.")
    yield from import_file(store, FOLDER / "pairs.json", author="demo", stop=stop)
    yield from reflect(store, ReplayTeacher(FOLDER / "replies.jsonl"), load_prompts(), attempts=1, stop=stop)


def score_demo(store: Store, stop: Event | None = None) -> Iterator[Progress]:
    """Score the demo project with its tiny student; well under a minute on two cores."""
    student = load_student(str(FOLDER / "student"))
    yield from score(store, student, load_template(TEMPLATE), stop=stop)
