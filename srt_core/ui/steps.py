"""The long steps as the app starts them: each from a job's stored arguments alone, so that any screen can resume it."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from threading import Event
from typing import Any
from urllib.parse import urlsplit

from srt_core.errors import TeacherStopError
from srt_core.explain import Subject, explain, kept_maps
from srt_core.ifd import Convention
from srt_core.pipeline import Mode, Progress, import_file, is_scored, reflect, score
from srt_core.prompts import load_prompts
from srt_core.store import Store
from srt_core.student import files_stamp, load_student
from srt_core.teacher import OpenAITeacher, ReplayTeacher, Teacher
from srt_core.templates import load_template
from srt_core.ui.resident import RESIDENT, Wanted

Arguments = Mapping[str, Any]
"""What a job was started with, as JSON keeps it."""

Step = Callable[[Store, Arguments, Event], Iterator[Progress]]


def make_teacher(asked: Arguments) -> Teacher:
    """Make the teacher of a reflect job: a replay file, or an endpoint whose key is in an environment variable."""
    if asked.get("replay"):
        return ReplayTeacher(Path(asked["replay"]).expanduser())
    if not asked.get("model"):
        raise TeacherStopError("No model is named.", "Give the model's name as its endpoint knows it.")
    _refuse_secret(asked["base_url"])
    return OpenAITeacher(asked["base_url"], asked["model"], api_key_variable=asked["key_variable"])


def _refuse_secret(base_url: str) -> None:
    """Refuse an address with a key in it: the arguments of a job are stored in the project file."""
    try:
        address = urlsplit(base_url)
    except ValueError:
        return  # the teacher says what is wrong with it
    if "@" in address.netloc or address.query:
        raise TeacherStopError(
            "The address holds more than an address, perhaps a key.",
            "Leave out what stands before @ or after ?, and put the key into an environment variable.",
        )


def _import(store: Store, asked: Arguments, stop: Event) -> Iterator[Progress]:
    path = Path(asked["path"])
    yield from import_file(
        store,
        path,
        format=asked["format"],
        column_map=asked["columns"] or None,
        first_turn_only=asked["first_turn_only"],
        author=f"import of {path.name}",
        stop=stop,
    )
    if asked["uploaded"] and not stop.is_set():  # kept until then, so that an import can be resumed
        path.unlink(missing_ok=True)


def _reflect(store: Store, asked: Arguments, stop: Event) -> Iterator[Progress]:
    yield from reflect(
        store,
        make_teacher(asked),
        load_prompts(),
        mode=Mode(asked["mode"]),
        concurrency=asked["concurrency"],
        attempts=1 if asked.get("replay") else 2,
        retry_failed=asked["retry_failed"],
        stop=stop,
    )


def _score(store: Store, asked: Arguments, stop: Event) -> Iterator[Progress]:
    template, convention, max_length = load_template(asked["template"]), asked["convention"], asked["max_length"]
    how = (asked["device"], asked.get("dtype", "auto"))
    stamp = files_stamp(asked["student"], *how, template.hash, convention, str(max_length))
    if is_scored(store, stamp):
        yield Progress("candidates", message="Everything was scored before.")
        return
    RESIDENT.release()
    yield Progress("candidates", message="Loading the student")
    student = load_student(asked["student"], device=how[0], dtype=how[1])
    yield from score(
        store, student, template, convention=Convention(convention), max_length=max_length, stop=stop, stamp=stamp
    )


def _explain(store: Store, asked: Arguments, stop: Event) -> Iterator[Progress]:
    """Compute the token losses of some versions of a sample, with the student that stays loaded."""
    subjects = [Subject(table, number) for table, number in asked["subjects"]]
    progress = Progress("versions", total=len(subjects), message="Loading the student")
    yield progress
    student = RESIDENT.get(Wanted(asked["student"], asked["device"], asked["dtype"]))
    yield progress.moved(0, message="The student reads the texts with and without their context")
    for subject in subjects:
        if stop.is_set():
            return
        if not kept_maps(store, subject):
            explain(store, student, subject)
        progress = progress.moved(1)
        yield progress


EXPLAIN = "explain"
"""The one kind that is no step of the work: it runs because somebody looks at a sample."""

STEPS: Mapping[str, Step] = {"import": _import, "reflect": _reflect, "score": _score, EXPLAIN: _explain}
"""By the kind of the job, in the order of the work."""
