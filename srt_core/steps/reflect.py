"""The step reflect: the teacher makes the candidates that are missing."""

from collections.abc import Generator, Sequence
from threading import Event

from srt_core.project.progress import Progress
from srt_core.project.store import Store
from srt_core.reflect.batch.run import reflect_batch
from srt_core.reflect.batch.stored import forget_batches
from srt_core.reflect.learning import describe, forget_changes, known_changes
from srt_core.reflect.prompts import Prompts
from srt_core.reflect.run import Plan, producer_of, reflect
from srt_core.reflect.teacher import OpenAITeacher, Teacher
from srt_core.review.status import status
from srt_core.score.student import load_student
from srt_core.steps.background_scoring import BackgroundScoring
from srt_core.steps.estimate import in_dollars
from srt_core.steps.preparing import make_teacher, prepare
from srt_core.steps.reflect_arguments import ARGUMENTS, ROWS
from srt_core.steps.reflect_arms import arms_lines, reflect_arms, said_of_arms
from srt_core.steps.resident import RESIDENT
from srt_core.steps.score import SCORE, score_with
from srt_core.steps.step import Arguments, Report, Step

LISTED = 20


def _run(store: Store, asked: Arguments, stop: Event) -> Generator[Progress, None, None]:
    if asked["arms"] and not (asked["base_url"] or asked["replay"]):
        yield from reflect_arms(store, asked, stop, _run_one)
    else:
        yield from _run_one(store, *prepare(store, asked), asked, stop)


def _run_one(
    store: Store, teacher: Teacher, prompts: Prompts, plan: Plan, asked: Arguments, stop: Event
) -> Generator[Progress, None, None]:
    if asked["forget_settings"]:
        forget_changes(store, teacher.name)
    if asked["is_batch"] and isinstance(teacher, OpenAITeacher):
        if asked["forget_batch"]:
            forget_batches(store, producer_of(store, teacher, prompts))
        yield from reflect_batch(
            store, teacher, prompts, plan, wait=asked["wait"], poll_seconds=asked["poll_seconds"], stop=stop
        )
    elif asked["student"]:
        RESIDENT.release()
        yield Progress("reflections", message="Loading the student")
        scoring = _scoring(asked)
        student = load_student(scoring["student"])
        with BackgroundScoring(lambda stopped: score_with(store, student, scoring, stopped)) as beside:
            yield from reflect(store, teacher, prompts, plan, stop=stop, scoring=beside)
    else:
        yield from reflect(store, teacher, prompts, plan, stop=stop)


def _warn(store: Store, asked: Arguments) -> Sequence[str]:
    """Say what scoring beside the calls will leave out."""
    return SCORE.warn(store, _scoring(asked)) if asked["student"] else ()


def _scoring(asked: Arguments) -> Arguments:
    return SCORE.complete({name: asked[name] for name in ("student", "template")})


def taken_as(store: Store, asked: Arguments) -> str:
    """Say how requests to the teacher are put since it refused them as they were asked for; "" where it did not."""
    if asked["arms"] or asked["replay"] or not (asked["base_url"] and asked["model"]):
        return ""
    name = make_teacher(asked).name
    changes = known_changes(store, name)
    return f"{name} is asked {describe(changes)}: it refused the request otherwise." if changes else ""


def _report(store: Store, asked: Arguments, last: Progress) -> Report:
    rows = store.rows(f"FROM failed_reflection ORDER BY reflection_id LIMIT {LISTED}")
    lines = [f"{last.done - last.failed:,} reflections used, {last.failed:,} failed in this run."]
    if last.spent is not None:
        lines.append(f"{in_dollars(last.spent)} spent on this teacher and prompts so far.")
    lines.append(taken_as(store, asked))
    if asked["arms"]:
        lines += arms_lines(store)
    failures = [f"{row['sample_id']} {row['origin']}: {row['reason']} {row['detail']}".strip() for row in rows]
    return Report([*filter(None, [*lines, last.message])], status(store)["failed_reflections"], failures)


REFLECT = Step(
    "reflect",
    "Reflection",
    "reflections",
    _run,
    ARGUMENTS,
    help="Ask the teacher for the rewrites that are missing. Again goes on where it stopped; no reply is paid for "
    "twice.",
    report=_report,
    warn=_warn,
    rows=ROWS,
    named=said_of_arms,
)
