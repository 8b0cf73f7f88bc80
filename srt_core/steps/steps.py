"""The long steps as the app starts them: each from a job's stored arguments alone, so that any screen can resume it."""

from collections.abc import Callable, Iterator, Mapping
from enum import StrEnum
from functools import partial
from pathlib import Path
from threading import Event
from typing import Any

from srt_core.importing.grouping import find_kinds, group_subjects
from srt_core.importing.run import import_file
from srt_core.project.progress import Progress
from srt_core.project.store import Store
from srt_core.reflect.along import Scoring
from srt_core.reflect.batch.run import reflect_batch
from srt_core.reflect.missing import SettledBy
from srt_core.reflect.prompts import Prompts, ReplyFormat, load_prompts
from srt_core.reflect.run import Plan, reflect
from srt_core.reflect.spending import Caps
from srt_core.reflect.teacher import OpenAITeacher, ReplayTeacher, Teacher
from srt_core.score.explain import explain
from srt_core.score.ifd import Convention
from srt_core.score.resident import RESIDENT, StudentChoice
from srt_core.score.run import is_scored, score
from srt_core.score.student import Student, files_stamp, load_student
from srt_core.score.templates import Template, load_template
from srt_core.score.token_maps import MapSubject, stored_maps
from srt_core.select.settled import settled_by_rule

Arguments = Mapping[str, Any]
"""What a job was started with, as JSON keeps it."""


class Mode(StrEnum):
    """Two ways to spend a teacher's calls, the same decisions from both (METHOD, section 2)."""

    FULL = "full"
    """All four candidates: 3 calls a sample, any threshold can move later."""
    SEQUENTIAL = "sequential"
    """The response reflection only for the winner of the instruction stage: 2 calls a sample."""


def settled_by(mode: Mode) -> SettledBy | None:
    """Return what a plan in this mode asks about the instruction stage."""
    return settled_by_rule if mode is Mode.SEQUENTIAL else None


Step = Callable[[Store, Arguments, Event], Iterator[Progress]]


def make_teacher(asked: Arguments) -> Teacher:
    """Make the teacher of a reflect job: a replay file, or an endpoint whose key is in an environment variable."""
    if asked.get("replay"):
        return ReplayTeacher(Path(asked["replay"]).expanduser())
    return OpenAITeacher(
        asked["base_url"],
        asked["model"],
        api_key_variable=asked["key_variable"],
        temperature=asked.get("temperature", 0.0),
        max_tokens=asked.get("max_tokens", 2048),
        deadline_seconds=asked.get("deadline_seconds", 120.0),
    )


def make_prompts(asked: Arguments) -> Prompts:
    """Read the prompts of a reflect job: those that come with the source where no file is named."""
    return load_prompts(Path(asked["prompts"]).expanduser() if asked.get("prompts") else None)


def make_plan(asked: Arguments) -> Plan:
    """Make the plan of a reflect job."""
    reply_format = asked.get("reply_format")
    return Plan(
        settled_by(Mode(asked["mode"])),
        asked["concurrency"],
        retry_failed=asked.get("retry_failed", False),
        note=asked.get("note", ""),
        requests_per_minute=asked.get("requests_per_minute"),
        tokens_per_minute=asked.get("tokens_per_minute"),
        caps=Caps(asked.get("max_calls"), asked.get("max_cost")),
        reply_format=ReplyFormat(reply_format) if reply_format else None,
        only=tuple(asked.get("only", ())),
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
    teacher, prompts, plan = make_teacher(asked), make_prompts(asked), make_plan(asked)
    if asked.get("is_batch") and isinstance(teacher, OpenAITeacher):
        yield from reflect_batch(store, teacher, prompts, plan, stop=stop)
        return
    scoring: Scoring | None = None
    if asked.get("student") and plan.settled:
        RESIDENT.release()
        yield Progress("reflections", message="Loading the student")
        student, template = load_student(asked["student"]), load_template(asked["template"])
        scoring = partial(_score_along, store, student, template)
    yield from reflect(store, teacher, prompts, plan, stop=stop, scoring=scoring)


def _score_along(store: Store, student: Student, template: Template, stop: Event) -> Iterator[Progress]:
    return score(store, student, template, stop=stop)


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


def _kinds(store: Store, asked: Arguments, stop: Event) -> Iterator[Progress]:
    """Find the kinds that are missing, then group by subject."""
    yield from find_kinds(store, stop=stop)
    if not stop.is_set():
        yield from group_subjects(store, stop=stop)


def _explain(store: Store, asked: Arguments, stop: Event) -> Iterator[Progress]:
    """Compute the token losses of some versions of a sample, with the student that stays loaded."""
    subjects = [MapSubject(table, number) for table, number in asked["subjects"]]
    progress = Progress("versions", total=len(subjects), message="Loading the student")
    yield progress
    student = RESIDENT.get(StudentChoice(asked["student"], asked["device"], asked["dtype"]))
    yield progress.moved(0, message="The student reads the texts with and without their context")
    for subject in subjects:
        if stop.is_set():
            return
        if not stored_maps(store, subject):
            explain(store, student, subject)
        progress = progress.moved(1)
        yield progress


EXPLAIN = "explain"
"""The one kind that is no step of the work: it runs because somebody looks at a sample."""

KINDS = "kinds"

STEPS: Mapping[str, Step] = {
    "import": _import, "reflect": _reflect, "score": _score, KINDS: _kinds, EXPLAIN: _explain,
}  # fmt: skip
"""By the kind of the job, in the order of the work."""
