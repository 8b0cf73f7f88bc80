"""The step warmup: a student reads some pairs once before it scores, as Cherry's does."""

from collections.abc import Generator
from dataclasses import replace
from pathlib import Path
from threading import Event

from srt_core.errors import StudentError
from srt_core.project.progress import Progress
from srt_core.project.store import Store
from srt_core.score.prompts import prompts_of
from srt_core.score.scorings import scoring_in_use
from srt_core.score.student import load_tokens
from srt_core.score.templates import TEMPLATE_NAMES, load_template
from srt_core.steps.resident import RESIDENT
from srt_core.steps.step import Argument, Arguments, Field, Option, Reach, Row, Step, Widget
from srt_core.steps.train import how_arguments, settings_of
from srt_core.train.exports import read_export
from srt_core.train.plan import Settings
from srt_core.train.runs import RunState
from srt_core.train.training import UNIT, prepare, train
from srt_core.train.warming import choose, place_student, write_export

ARGUMENTS = (
    Argument("out", Path | None,
             option=Option("The folder of the warmed student; that of the run where not given."),
             field=Field("Folder of the warmed student on this server", "Empty: that of the run.", key="warmup_out",
                         placeholder="/models/my-student-warm"),
             reach=Reach.FILE),
    Argument("template", str, "",
             option=Option("The template; that of the scoring in use where not given, else alpaca."),
             field=Field("Template", "The prompt that the student will be trained with.", Widget.LIST,
                         key="warmup_template", choices={"": "that of the scoring"} | {each: each for each
                                                                                       in TEMPLATE_NAMES})),
    Argument("clusters", int, 100, option=Option("Groups of prompts, by k-means.", low=1),
             field=Field("Groups of prompts", widget=Widget.NUMBER, low=1)),
    Argument("take", int, 10, option=Option("Pairs of each group, at most.", low=1),
             field=Field("Pairs of each group, at most", widget=Widget.NUMBER, low=1)),
    Argument("seed", int, 0, option=Option("Of the order of the pairs.", low=0)),
    *how_arguments(),
)  # fmt: skip


def _settings(store: Store, asked: Arguments) -> Settings:
    return replace(settings_of(store, asked, seed=asked["seed"]), epochs=1)


def _run(store: Store, asked: Arguments, stop: Event) -> Generator[Progress, None, None]:
    RESIDENT.release()
    settings, scoring = _settings(store, asked), scoring_in_use(store)
    out = Path(asked["out"]).expanduser().resolve() if asked["out"] else None
    if out and out.exists() and any(out.iterdir()):
        raise StudentError(f"{out} is there already.", "Give another --out.")
    template = load_template(asked["template"] or (scoring.template if scoring else "") or "alpaca")
    prompts = prompts_of(template, load_tokens(settings.student))
    chosen = yield from choose(store, settings, prompts, asked["clusters"], asked["take"], stop)
    if chosen is None:
        return
    yield Progress(UNIT, message=chosen.said)
    student = {"template": template.name, "max_length": settings.max_length, "name": settings.student}
    folder = store.path.parent.resolve() / "warmups"
    data = read_export(write_export(store, chosen, prompts, folder, {"arm": "warm-up", "student": student}))
    run = yield from train(
        store, prepare(store, data, settings, template.name), stop=stop, arm="warm-up", hours=asked["hours"],
        is_measured=asked["measure"], launcher=asked["launcher"], every=asked["save_every"],
    )  # fmt: skip
    if run.state is RunState.DONE:
        if out:
            place_student(run.folder.student, out)
        said = f"{chosen.said}. The warmed student is in {out or run.trained}"
        yield Progress(UNIT, run.steps, run.steps, message=said)


WARMUP = Step(
    "warmup",
    "Warm-up",
    UNIT,
    _run,
    ARGUMENTS,
    help="Have a student read some pairs once before it scores, as Cherry does. No sample that an audit drew is among "
    "them.",
    rows=(
        Row(("student", "lora"), (3, 1)),
        Row(("out", "template"), (3, 1)),
        Row(("clusters", "take", "batch_size")),
        Row(("learning_rate", "max_length", "micro_batch", "device")),
    ),
)
