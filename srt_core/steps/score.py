"""The step score: the student scores every candidate. Also beside a teacher's calls, in sequential mode."""

from collections.abc import Generator, Sequence
from functools import lru_cache
from pathlib import Path
from threading import Event

from srt_core.errors import StudentError
from srt_core.methods import LOSSES, MEASURES, METHODS, scoring_settings
from srt_core.project.progress import Progress
from srt_core.project.store import Store
from srt_core.records import AddedLoss, counted
from srt_core.review.status import status
from srt_core.score.contexts import has_contexts, not_carried, template_hash
from srt_core.score.ifd import Convention
from srt_core.score.prompts import prompts_of
from srt_core.score.recorded import read_recording, replay_scores
from srt_core.score.run import is_scored, score
from srt_core.score.student import (
    ChatTemplate,
    Engine,
    Scorer,
    files_stamp,
    load_chat_template,
    loading_message,
    open_student,
)
from srt_core.score.templates import TEMPLATE_NAMES, Template, load_template
from srt_core.select.derive import refresh
from srt_core.steps.resident import RESIDENT
from srt_core.steps.step import Argument, Arguments, Field, Option, Reach, Report, Row, Step, Widget

LISTED = 20
STUDENT_FORM, RECORDING_FORM = "student", "recording"
"""Parts of the form: where the scores come from."""
CONVENTION_HELP = {
    Convention.ALIGNED: "Token by token the same text with and without its context. Use this one.",
    Convention.REFERENCE: "Cuts tokens the way the authors' code does, to compare with their numbers.",
}
_SUGGESTING = [name for name, method in METHODS.items() if method.student or method.template]
"""The methods whose papers say how they scored."""


def _choices(*names: str) -> dict[str, str]:
    return {name: name for name in names}


def _added(loss: AddedLoss) -> Argument:
    """Return the argument that asks for a loss, under the name of the measure that is made of it."""
    label = MEASURES[loss.measure].label
    return Argument(
        loss.measure,
        bool,
        False,
        option=Option(f"Compute {label} too, by one more loss."),
        field=Field(
            f"{label} too",
            f"One more loss a version: of the {loss.target} after the template's text {loss.after}.",
            Widget.SWITCH,
        ),
        is_expert=True,
    )


ARGUMENTS = (
    Argument(
        "student",
        str,
        "",
        option=Option("A model folder or hub name; the method's where not given."),
        field=Field(
            "Model folder on this server, or hub name",
            "A Hugging Face causal language model: the one you will train, before training.",
            placeholder="/models/my-student",
        ),
        reach=Reach.STUDENT,
    ),
    Argument(
        "replay",
        Path | None,
        option=Option("A file of recorded scores, in place of a student."),
        field=Field(
            "File of recorded scores on this server",
            "JSON Lines, one pair a line, as scripts/record_scores.py writes it. It says how it was scored.",
            key="recorded_scores",
            placeholder="/data/scores.jsonl",
        ),
        reach=Reach.FILE,
    ),
    Argument(
        "template",
        str,
        "",
        option=Option(f"One of {', '.join(TEMPLATE_NAMES)}, or a TOML file; else the method's, else alpaca."),
        field=Field(
            "Template",
            "The prompt that the student will be trained with.",
            Widget.LIST,
            first=TEMPLATE_NAMES[0],
            choices=_choices(*TEMPLATE_NAMES),
        ),
        reach=Reach.FILE,
    ),
    Argument("method", str, "", option=Option(f"Score as its paper does: {', '.join(_SUGGESTING)}.")),
    Argument(
        "convention",
        Convention | None,
        option=Option("How texts become tokens; the method's where not given, else aligned."),
        field=Field(
            "Convention",
            widget=Widget.RADIO,
            first=Convention.ALIGNED,
            choices={str(each): each.capitalize() for each in Convention},
            captions=[CONVENTION_HELP[each] for each in Convention],
        ),
        is_expert=True,
    ),
    Argument(
        "max_length",
        int | None,
        option=Option("Tokens, or the student's own limit where less; the method's where not given, else 2048.", low=2),
        field=Field(
            "Max length (tokens)",
            "Prompt and text together. The student's own limit where that is less.",
            Widget.NUMBER,
            first=2048,
            low=16,
            high=1_000_000,
        ),
    ),
    *map(_added, LOSSES.values()),
    Argument(
        "device",
        str,
        "auto",
        option=Option("auto, cpu or cuda."),
        field=Field("Device", "auto: a GPU where there is one.", Widget.LIST, choices=_choices("auto", "cpu", "cuda")),
        is_expert=True,
    ),
    Argument(
        "dtype",
        str,
        "auto",
        option=Option("auto (float32 on a CPU, bfloat16 on a GPU), float32, bfloat16."),
        field=Field(
            "Precision",
            "auto: float32 on a CPU, which is exact, and bfloat16 on a GPU. bfloat16 on a CPU is a faster preview: "
            "its losses are off by about 0.1 %, and a close comparison may come out the other way.",
            Widget.LIST,
            choices=_choices("auto", "float32", "bfloat16", "float16"),
        ),
        is_expert=True,
    ),
    Argument(
        "token_budget",
        int | None,
        option=Option("Tokens computed at once; 2048 on a CPU, 4096 on a GPU.", low=64),
    ),
    Argument("engine", Engine, Engine.LOCAL, option=Option("ray: on a cluster; needs the extra srt-curator[ray].")),
    Argument(
        "address",
        str | None,
        option=Option("The Ray cluster, host:port or auto; one is started here where not given."),
        reach=Reach.HOST,
    ),
    Argument(
        "workers",
        int | None,
        option=Option("Ray workers; one a GPU where not given, or one a core without GPUs.", low=1),
    ),
)


def score_with(store: Store, student: Scorer, asked: Arguments, stop: Event) -> Generator[Progress, None, None]:
    """Score what has no score yet with a student that is loaded, as the arguments of the step ask it."""
    asked = _resolved(asked)
    template = _template(asked)
    yield from score(
        store,
        student,
        template,
        added=_losses(asked),
        convention=Convention(asked["convention"]),
        max_length=asked["max_length"],
        token_budget=asked["token_budget"],
        stop=stop,
        stamp=_stamp(store, asked, template),
    )


def _losses(asked: Arguments) -> Sequence[AddedLoss]:
    return [loss for loss in LOSSES.values() if asked[loss.measure]]


def _template(asked: Arguments) -> Template:
    """Return the template; TemplateError as `load_template`, and where it lacks the text before a loss asked for."""
    template = load_template(asked["template"])
    for loss in _losses(asked):
        template.text(loss.after)
    return template


def _stamp(store: Store, asked: Arguments, template: Template) -> str:
    """Say what a scoring was asked with: a run with the same stamp that has scored all there is needs no student."""
    texts = template_hash(store, template, _losses(asked))
    settings = (asked["engine"], asked["device"], asked["dtype"], texts, asked["convention"])
    return files_stamp(asked["student"], *settings, str(asked["max_length"]))


def _resolved(asked: Arguments) -> Arguments:
    """Return the arguments with those of the method's paper, or the usual ones, where they are not given."""
    return {**asked, **scoring_settings(asked["method"], asked)}


def warn(store: Store, asked: Arguments) -> list[str]:
    """Say how many candidates get no score because the template cannot carry what stands before them, and why.

    Raises:
        StudentError: the template is `chat`, and the student's tokenizer cannot be read or has none that fits.
        TemplateError: there is no such template, or it lacks the text before a loss that is asked for.
    """
    if asked["replay"]:
        return []
    asked = _resolved(asked)
    template = _template(asked)
    if not has_contexts(store):
        return []
    student = asked["student"]
    writer = _chat_template(student, files_stamp(student)) if template.is_chat else None
    counts = not_carried(store, prompts_of(template, writer))
    return [f"{counted(number, 'version')} will get no score. {why}" for why, number in counts.items()]


@lru_cache(maxsize=2)
def _chat_template(student: str, _stamp: str) -> ChatTemplate:
    """Load a chat template once for the same files: a screen asks for it with each of its runs."""
    return load_chat_template(student)


def _run(store: Store, asked: Arguments, stop: Event) -> Generator[Progress, None, None]:
    if asked["replay"]:
        if asked["student"]:
            raise StudentError("A student and a recording were given.", "Give one of them.")
        yield from replay_scores(store, read_recording(Path(asked["replay"]).expanduser()), stop)
        return
    asked = _resolved(asked)
    student, template = asked["student"], _template(asked)
    if is_scored(store, _stamp(store, asked, template)):
        yield Progress("versions", total=0, message="Everything was scored before.")
        return
    RESIDENT.release()
    yield Progress("versions", message=loading_message(student))
    where = {name: asked[name] for name in ("address", "workers", "device", "dtype")}
    with open_student(student, engine=Engine(asked["engine"]), **where) as loaded:
        yield from score_with(store, loaded, asked, stop)


def _report(store: Store, _asked: Arguments, last: Progress) -> Report:
    refresh(store)
    rows = store.rows(
        """SELECT sample_id, origin, status FROM score JOIN candidate USING (candidate_id)
           WHERE scoring_id = ? AND (ifd IS NULL OR r_ifd IS NULL) ORDER BY candidate_id LIMIT ?""",
        [store.scoring_id(), LISTED],
    )
    without = status(store)["unscored"]
    summary = f"{last.done:,} versions scored in {last.elapsed_seconds:.1f} s, {without:,} without IFD or r-IFD."
    failures = [f"{row['sample_id']} {row['origin']}: {row['status']}" for row in rows]
    return Report([summary, *filter(None, [last.message])], without, failures)


SCORE = Step(
    "score",
    "Scoring",
    "versions",
    _run,
    ARGUMENTS,
    help="Score every version with the student. Again goes on where it stopped.",
    failed="without a score",
    report=_report,
    warn=warn,
    rows=(
        Row(("student", "template", "max_length"), (4, 2, 2), STUDENT_FORM),
        Row(("convention", "device", "dtype"), (4, 2, 2), STUDENT_FORM),
        *(Row((loss.measure,), part=STUDENT_FORM) for loss in LOSSES.values()),
        Row(("replay",), part=RECORDING_FORM),
    ),
)
