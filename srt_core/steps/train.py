"""The step train: a student is trained on an export. With --plan it only says what that would take."""

from collections.abc import Generator
from pathlib import Path
from threading import Event
from typing import Any

from srt_core.errors import StudentError
from srt_core.project.progress import Progress
from srt_core.project.store import Store
from srt_core.score.scorings import scoring_in_use
from srt_core.steps.resident import RESIDENT
from srt_core.steps.step import Argument, Arguments, Field, Option, Reach, Row, Step, Widget
from srt_core.train.config import elsewhere
from srt_core.train.exports import TrainingSet, read_export
from srt_core.train.plan import Settings, parse_lora
from srt_core.train.training import UNIT, Prepared, measure, prepare, train

CAPS, MACHINE, SEEING = "Caps", "Machine", "Before it starts"
DEVICES = {name: name for name in ("auto", "cpu", "cuda")}


def how_arguments() -> tuple[Argument, ...]:
    """Return the arguments that say how a student is trained, which arms have too."""
    return (
        Argument("student", str, "",
                 option=Option("A model folder or hub name; the student of the scoring in use where not given."),
                 field=Field("Student: model folder on this server, or hub name",
                             "The one that scored, before training. Empty: the student of the scoring in use."),
                 reach=Reach.STUDENT),
        Argument("lora", str, "",
                 option=Option("Train an adapter of this rank, r=16; all weights where not given."),
                 field=Field("LoRA rank", "An adapter beside the weights, r=16. Empty: all weights are trained.",
                             placeholder="r=16")),
        Argument("learning_rate", float | None,
                 option=Option("At its highest; 2e-5 where not given, 2e-4 for an adapter.", low=0.0),
                 is_expert=True, field=Field("Learning rate", "At its highest. Empty: 2e-5, and 2e-4 for an adapter.",
                                             Widget.NUMBER, low=0.0)),
        Argument("batch_size", int, 128, option=Option("Pairs a step.", low=1),
                 field=Field("Pairs a step", widget=Widget.NUMBER, low=1)),
        Argument("micro_batch", int, 4, option=Option("Pairs computed at once; fewer take less memory.", low=1),
                 group=MACHINE, is_expert=True,
                 field=Field("Pairs at once", "Fewer take less memory.", Widget.NUMBER, low=1)),
        Argument("max_length", int | None, option=Option("Tokens; that of the scoring where not given.", low=2),
                 is_expert=True,
                 field=Field("Max length (tokens)", "Empty: that of the scoring.", Widget.NUMBER, low=2)),
        Argument("device", str, "auto", option=Option("auto, cpu or cuda."), group=MACHINE, is_expert=True,
                 field=Field("Device", "auto: a GPU where there is one.", Widget.LIST, choices=DEVICES)),
        Argument("dtype", str, "auto",
                 option=Option("Of the weights; auto: float32, bfloat16 under an adapter on a GPU."), group=MACHINE),
        Argument("threads", int | None, option=Option("Of a CPU; one a core where not given.", low=1), group=MACHINE),
        Argument("launcher", str, "",
                 option=Option('What starts the process, such as "accelerate launch --num_processes 2".'),
                 group=MACHINE),
        Argument("hours", float | None,
                 option=Option("Pause with a checkpoint after so many hours.", low=0.0), group=CAPS, is_expert=True,
                 field=Field("Pause after (hours)", "With a checkpoint, to go on later.", Widget.NUMBER, low=0.0)),
        Argument("save_every", int | None,
                 option=Option("Steps from one checkpoint to the next; some minutes of work where not given.", low=1),
                 group=MACHINE),
        Argument("measure", bool, True, option=Option("Time a few steps first."), group=SEEING),
    )  # fmt: skip


ARGUMENTS = (
    Argument("export", str, "",
             option=Option("The folder of an export.", "export", is_positional=True),
             field=Field("Folder of an export on this server", "One with prompt_completion.", placeholder="/data/out"),
             reach=Reach.FILE),
    Argument("epochs", int, 3, option=Option("How often each pair is read.", low=1),
             field=Field("Epochs", "How often each pair is read.", Widget.NUMBER, low=1)),
    Argument("seed", int, 1, option=Option("Of the order of the pairs, and of an adapter's first weights.", low=0),
             field=Field("Seed", "Of the order of pairs, and of an adapter's first weights.", Widget.NUMBER, low=0)),
    Argument("arm", str, "", option=Option("What this run is called beside others; runs of one arm differ in seeds.")),
    Argument("out", Path | None, option=Option("The run's folder; runs/ beside the project where not given."),
             reach=Reach.FILE),
    *how_arguments(),
    Argument("max_tokens", int | None, option=Option("Read at most so many tokens.", low=1), group=CAPS,
             is_expert=True, field=Field("At most so many tokens", widget=Widget.NUMBER, low=1)),
    Argument("max_steps", int | None, option=Option("Make at most so many steps.", low=1), group=CAPS,
             is_expert=True, field=Field("At most so many steps", widget=Widget.NUMBER, low=1)),
    Argument("plan", bool, False, option=Option("Say what it takes, measured; stop.", runs="plan_training"),
             group=SEEING),
    Argument("print_config", bool, False,
             option=Option("Print the file that `trl sft --config` reads; stop.", runs="print_training"), group=SEEING),
)  # fmt: skip


def settings_of(store: Store, asked: Arguments, data: TrainingSet | None = None, **more: Any) -> Settings:
    """Return how a run is asked for, with what an export and the scoring in use say where it is not given.

    StudentError where no student is named anywhere.
    """
    scoring = scoring_in_use(store)
    student = asked["student"] or (scoring.student if scoring else "")
    if not student:
        raise StudentError("No student is named.", "Give --student, the model to train.")
    rank, alpha = parse_lora(asked["lora"])
    usual = (data.max_length if data else None) or (scoring.max_length if scoring else None) or 2048
    names = ("learning_rate", "batch_size", "micro_batch", "device", "dtype", "threads")
    return Settings(
        student, rank, alpha, max_length=asked["max_length"] or usual, **{name: asked[name] for name in names}, **more
    )


def _prepared(store: Store, asked: Arguments) -> Prepared:
    if not asked["export"]:
        raise StudentError("No export is named.", "Give the folder of one: srt export … --format prompt_completion.")
    data = read_export(Path(asked["export"]))
    more = {name: asked[name] for name in ("epochs", "seed", "max_tokens", "max_steps")}
    return prepare(store, data, settings_of(store, asked, data, **more), data.template)


def warn(store: Store, asked: Arguments) -> list[str]:
    """Say what a run will be: pairs, tokens, steps, and what is cut or left out. Errors as the run's."""
    return [] if asked["plan"] or asked["print_config"] else _prepared(store, asked).lines()


def _run(store: Store, asked: Arguments, stop: Event) -> Generator[Progress, None, None]:
    RESIDENT.release()
    yield from train(
        store, _prepared(store, asked), stop=stop,
        folder=Path(asked["out"]).expanduser().resolve() if asked["out"] else None, arm=asked["arm"],
        hours=asked["hours"], is_measured=asked["measure"], launcher=asked["launcher"], every=asked["save_every"],
    )  # fmt: skip


def _plan(store: Store, asked: Arguments, stop: Event) -> Generator[Progress, None, None]:
    RESIDENT.release()
    prepared = _prepared(store, asked)
    yield Progress(UNIT, total=prepared.plan.steps, message="Measuring a few steps")
    measured = yield from measure(prepared, stop, asked["launcher"])
    yield Progress(UNIT, total=prepared.plan.steps, message=" ".join([*prepared.lines(), *measured]))


def _print(store: Store, asked: Arguments, _stop: Event) -> Generator[Progress, None, None]:
    prepared = _prepared(store, asked)
    yield Progress(UNIT, message=elsewhere(prepared.data.folder, prepared.settings, prepared.plan))


TRAIN = Step(
    "train",
    "Training",
    UNIT,
    _run,
    ARGUMENTS,
    help="Train a student on an export. Again goes on from the last checkpoint.",
    warn=warn,
    rows=(
        Row(("export",)),
        Row(("student", "lora"), (3, 1)),
        Row(("epochs", "batch_size", "seed")),
        Row(("learning_rate", "max_length", "micro_batch")),
        Row(("max_tokens", "max_steps", "hours", "device")),
    ),
)
PLAN_TRAINING = Step("plan_training", "Plan of a training", UNIT, _plan, ARGUMENTS, is_work=False)
PRINT_TRAINING = Step("print_training", "Settings for another trainer", UNIT, _print, ARGUMENTS, is_work=False)
