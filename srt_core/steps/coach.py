"""The steps of a coach: what it learns from, an export that one is trained on, its revisions, and how near it comes."""

from collections.abc import Generator, Sequence
from pathlib import Path
from threading import Event

from srt_core.errors import SRTError
from srt_core.methods.coachlm import ALPHA
from srt_core.project.progress import Progress
from srt_core.project.store import Store
from srt_core.reflect.coach.coaches import coaches
from srt_core.reflect.coach.edits import edits, learnt_from
from srt_core.reflect.coach.judging import PUT_ASIDE, judge
from srt_core.reflect.coach.revising import Coach, revise
from srt_core.score.scorings import scoring_in_use
from srt_core.score.templates import TEMPLATE_NAMES
from srt_core.steps.preparing import prepare_calls
from srt_core.steps.reflect_arguments import ARGUMENTS as REFLECTING
from srt_core.steps.reflect_arguments import MONEY, RUN, TEACHER
from srt_core.steps.step import Argument, Arguments, Field, Option, Reach, Report, Row, Step, Widget
from srt_core.train.coaching import write_coach

GROUP = "coach"
LISTED = 20

_ALPHA = Argument("alpha", float, ALPHA,
                  option=Option("The share of the edits that is learnt from, the largest first.", low=0, high=1),
                  field=Field("Share of the edits that is learnt from", "The largest first, by characters changed.",
                              Widget.NUMBER, low=0.0, high=1.0, step=0.05))  # fmt: skip
_EXAMPLES = Argument("examples", int, 4,
                     option=Option("Nearest edits that each request shows; 0: the model was trained on them.", low=0),
                     field=Field("Edits shown with each request", "The nearest ones. 0: the model was trained on them.",
                                 Widget.NUMBER, low=0))  # fmt: skip
_NOT_OF_A_COACH = ("prompts", "mode", "student", "template", "is_batch", "wait", "poll_seconds", "forget_batch",
                   "estimate", "samples", "parse_again")  # fmt: skip
_ASKING = tuple(each for each in REFLECTING if each.name not in _NOT_OF_A_COACH and each.group in (TEACHER, RUN, MONEY))
_ROWS = (
    Row(("base_url", "model", "key_variable"), (3, 2, 2)),
    Row(("examples", "max_calls")),
    Row(("concurrency", "max_tokens", "deadline_seconds")),
)


def _coach(asked: Arguments) -> Coach:
    return Coach(asked["alpha"], asked["examples"])


def _list(store: Store, asked: Arguments, _stop: Event) -> Generator[Progress, None, None]:
    found = edits(store)
    learnt = {each.event_id for each in learnt_from(found, asked["alpha"])}
    able = sum(each.distance.sum > 0 for each in found)
    yield Progress("edits", len(found), len(found), message=f"{len(learnt):,} of {able:,} edits are learnt from")


def _lines(store: Store, asked: Arguments, last: Progress) -> Report:
    found = edits(store)
    learnt = {each.event_id for each in learnt_from(found, asked["alpha"])}
    lines = [
        f"{'*' if each.event_id in learnt else ' '} {each.distance.sum:>7,}  {each.growth:>+7,}  sample {each.seq:,}, "
        f"by {each.author}: {' '.join(each.before.instruction.split())[:60]}"
        for each in found[: asked["most"]]
    ]
    head = "  changed   longer, in characters"
    return Report([last.message, *([head, *lines] if lines else [])])


COACH_EDITS = Step(
    "coach_edits",
    "Edits by distance",
    "edits",
    _list,
    arguments=(_ALPHA, Argument("most", int, LISTED, option=Option("So many of them.", low=0))),
    help="List the edits that stand, the largest first; * marks those that a coach learns from.",
    report=_lines,
    is_work=False,
    group=GROUP,
)


def _export(store: Store, asked: Arguments, _stop: Event) -> Generator[Progress, None, None]:
    if not asked["out"]:
        raise SRTError("No folder is named.", "Give one: srt coach export PROJECT FOLDER.")
    learnt = learnt_from(edits(store), asked["alpha"])
    folder, scoring = Path(asked["out"]).expanduser().resolve(), scoring_in_use(store)
    student = asked["student"] or (scoring.student if scoring else "")
    write_coach(learnt, folder, asked["template"], student, asked["alpha"])
    said = f"{len(learnt):,} edits written to {folder}. Next: srt train {store.path} {folder} --lora r=64 --epochs 7"
    yield Progress("edits", len(learnt), len(learnt), message=said)


COACH_EXPORT = Step(
    "coach_export",
    "Export for a coach",
    "edits",
    _export,
    arguments=(
        Argument("out", str, "", option=Option("The folder to write.", "folder", is_positional=True),
                 field=Field("Folder to write on this server", key="coach_out", placeholder="/data/coach"),
                 reach=Reach.FILE),
        _ALPHA,
        Argument("template", str, "alpaca",
                 option=Option("The template of the prompts; chat: the student's own, as an endpoint will use it."),
                 field=Field("Template", "chat: the student's own, as an endpoint will use it.", Widget.LIST,
                             key="coach_template", choices={name: name for name in TEMPLATE_NAMES})),
        Argument("student", str, "",
                 option=Option("With the template chat: the model to train; that of the scoring where not given."),
                 field=Field("Model to train: folder on this server, or hub name", key="coach_student"),
                 reach=Reach.STUDENT),
    ),
    help="Write the largest edits as pairs that srt train trains a coach on.",
    rows=(Row(("out",)), Row(("student", "template"), (3, 1))),
    is_work=False,
    group=GROUP,
)  # fmt: skip


def _revise(store: Store, asked: Arguments, stop: Event) -> Generator[Progress, None, None]:
    teacher, plan = prepare_calls(store, asked)
    yield from revise(store, teacher, _coach(asked), plan, stop=stop)


def _report(store: Store, _asked: Arguments, last: Progress) -> Report:
    failures = store.rows(
        f"""SELECT sample_id, origin, reason, detail FROM failed_reflection
            WHERE producer IN (SELECT producer FROM producer WHERE kind = 'coach')
            ORDER BY reflection_id LIMIT {LISTED}"""
    )
    lines = [last.message, *said_of_coaches(store)]
    return Report(
        [line for line in lines if line],
        last.failed,
        [f"{row['sample_id']}: {row['reason']} {row['detail']}".strip() for row in failures],
    )


def said_of_coaches(store: Store) -> Sequence[str]:
    """Say of each coach what people made of its revisions, without the samples that it learnt from."""
    return [
        f"{each.producer}: of {each.revisions:,} revisions {each.kept:,} kept by people, {each.edited:,} edited, "
        f"{each.otherwise:,} decided otherwise; {each.learnt:,} samples that it learnt from are left out."
        for each in coaches(store)
        if each.revisions
    ]


COACH_REVISE = Step(
    "coach_revise",
    "Revising by a coach",
    "revisions",
    _revise,
    arguments=(_ALPHA, _EXAMPLES, *_ASKING),
    help="Have a coach revise what nobody edited: a teacher that is shown the nearest edits, or a model trained on "
    "them. Again goes on where it stopped.",
    report=_report,
    reports_when_stopped=True,
    rows=_ROWS,
    group=GROUP,
)


def _try(store: Store, asked: Arguments, stop: Event) -> Generator[Progress, None, None]:
    teacher, plan = prepare_calls(store, asked)
    result = yield from judge(
        store, teacher, _coach(asked), plan, put_aside=asked["put_aside"], seed=asked["seed"], stop=stop
    )
    if result is not None:
        done = len(result.judged)
        yield Progress("revisions", done, done, message="\n".join(result.lines))


COACH_TRIAL = Step(
    "coach_trial",
    "Trial of a coach",
    "revisions",
    _try,
    arguments=(
        _ALPHA,
        _EXAMPLES,
        Argument("put_aside", int, PUT_ASIDE,
                 option=Option("Edits that it is judged on, drawn at random; it learns from the others.", low=2),
                 field=Field("Edits to judge it on", "Drawn at random; it learns from the others.", Widget.NUMBER,
                             low=2)),
        Argument("seed", int, 0, option=Option("Of the draw.", low=0)),
        *_ASKING,
    ),
    help="Judge a coach on edits that it never saw: how near it comes to what people wrote.",
    rows=(*_ROWS, Row(("put_aside",))),
    is_work=False,
    group=GROUP,
)  # fmt: skip
