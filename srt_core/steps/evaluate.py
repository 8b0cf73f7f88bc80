"""The step evaluate: what a trained student makes of versions that were put aside, beside its parent."""

from collections.abc import Generator
from threading import Event

from srt_core.project.progress import Progress
from srt_core.project.store import Row, Store
from srt_core.reflect.teacher import OpenAITeacher
from srt_core.steps.resident import RESIDENT
from srt_core.steps.step import Argument, Arguments, Field, Option, Reach, Report, Step, Widget
from srt_core.train.benchmarks import benchmark_lines, run_benchmarks
from srt_core.train.evaluating import UNIT, evaluate, summary
from srt_core.train.judging import judge, judgements
from srt_core.train.runs import find_run

JUDGE = "Judge"

ARGUMENTS = (
    Argument("run", int, 0, option=Option("The number of a run, as srt runs lists it.", "run", is_positional=True),
             field=Field("Run", widget=Widget.NUMBER, low=1)),
    Argument("also_trained", int, 0,
             option=Option("Read so many samples too that were trained on: they stand apart.", low=0)),
    Argument("judge_url", str, "",
             option=Option("Have a teacher here say who answers better, the student or its parent."), group=JUDGE,
             reach=Reach.HOST),
    Argument("judge_model", str, "", option=Option("Its model."), group=JUDGE),
    Argument("judge_key", str, "", option=Option("The environment variable with its key."), group=JUDGE,
             reach=Reach.KEY),
    Argument("judged", int, 50, option=Option("Instructions that it judges.", low=1), group=JUDGE),
    Argument("against", int, 0, option=Option("Another run, in place of the parent.", low=0), group=JUDGE),
    Argument("lm_eval", str, "", option=Option("Tasks of lm_eval, with commas, where that is installed.")),
    Argument("device", str, "auto", option=Option("auto, cpu or cuda.")),
    Argument("dtype", str, "auto", option=Option("auto (float32 on a CPU, bfloat16 on a GPU), float32, bfloat16.")),
)  # fmt: skip


def _run(store: Store, asked: Arguments, stop: Event) -> Generator[Progress, None, None]:
    RESIDENT.release()
    run = find_run(store, asked["run"])
    yield from evaluate(
        store, run, stop=stop, also_trained=asked["also_trained"], device=asked["device"], dtype=asked["dtype"]
    )
    if asked["judge_url"] and not stop.is_set():
        teacher = OpenAITeacher(asked["judge_url"], asked["judge_model"], api_key_variable=asked["judge_key"])
        other = find_run(store, asked["against"]) if asked["against"] else None
        yield from judge(store, run, other, teacher, asked["judged"], stop=stop, device=asked["device"])
    if asked["lm_eval"] and not stop.is_set():
        yield from run_benchmarks(store, run, asked["lm_eval"], stop=stop, device=asked["device"])


def said_of(row: Row) -> str:
    """Say what a row of `summary` holds: one side, before and after training."""
    seen = "trained on" if row["seen"] else "put aside"
    task = f", {row['task']}" if row["task"] else ""
    if row["loss"] is None:
        return f"{row['side']}, {seen}{task}: {row['versions']:,} versions, none with a loss."
    without = f" ({row['without']:,} without a number)" if row["without"] else ""
    return (
        f"{row['side']}, {seen}{task}: {row['versions']:,} versions{without}, loss {row['parent_loss']:.4f} before, "
        f"{row['loss']:.4f} after; without the instruction {row['parent_alone']:.4f}, {row['alone']:.4f}; "
        f"IFD {row['parent_ifd']:.3f}, {row['ifd']:.3f}."
    )


def _report(store: Store, asked: Arguments, _last: Progress) -> Report:
    rows = [*summary(store, asked["run"]), *summary(store, asked["run"], by_task=True)]
    said = [said_of(row) for row in rows]
    other = f"run {asked['against']}" if asked["against"] else "its parent"
    for each in judgements(store, asked["run"], asked["against"]):
        said += each.words(f"run {asked['run']}", other)
    return Report([*said, *benchmark_lines(store, asked["run"])])


EVALUATE = Step(
    "evaluate",
    "Evaluation",
    UNIT,
    _run,
    ARGUMENTS,
    help="Compute the losses of what was put aside, original and rewritten, by a trained student and its parent.",
    report=_report,
)
