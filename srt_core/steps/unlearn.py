"""The step unlearn: an adapter under which a student answers as if it had not read what was retracted."""

from collections.abc import Generator
from pathlib import Path
from threading import Event

from srt_core.errors import StudentError
from srt_core.methods.unlearning import Weights
from srt_core.project.progress import Progress
from srt_core.project.store import Store
from srt_core.steps.resident import RESIDENT
from srt_core.steps.step import Argument, Arguments, Option, Reach, Report, Step
from srt_core.train.unlearner import Recipe
from srt_core.train.unlearning import UNIT, Asked, unlearn, unlearnings

LOSS = "Loss"
_RECIPE, _WEIGHTS = Recipe(), Weights()

ARGUMENTS = (
    Argument("student", str, "", option=Option("The folder of a student that was trained on them."),
             reach=Reach.STUDENT),
    Argument("out", Path | None, option=Option("The folder of the adapter."), reach=Reach.FILE),
    Argument("files", Path | None,
             option=Option("A folder with keep.jsonl and forget.jsonl; what its run read where not given."),
             reach=Reach.FILE),
    Argument("reference", str, "",
             option=Option("A student that was retrained without them, to compare with."), reach=Reach.STUDENT),
    Argument("rank", int, _RECIPE.rank, option=Option("Of the adapter.", low=1)),
    Argument("steps", int, _RECIPE.steps, option=Option("Steps of training.", low=1)),
    Argument("batch", int, _RECIPE.batch, option=Option("Pairs of each side in a step, at most.", low=1)),
    Argument("learning_rate", float, _RECIPE.learning_rate, option=Option("Of the adapter.", low=0.0)),
    Argument("seed", int, _RECIPE.seed, option=Option("Of the order of pairs and the first weights.", low=0)),
    Argument("cap", float | None, _WEIGHTS.cap,
             option=Option("Nats a token from which on a forgotten pair is driven no further.", low=0.0), group=LOSS),
    Argument("alpha", float, _WEIGHTS.alpha, option=Option("Weight of staying like the student on what is kept.",
                                                           low=0.0), group=LOSS),
    Argument("kept", float, _WEIGHTS.kept, option=Option("Weight of the loss of what is kept.", low=0.0), group=LOSS),
    Argument("gamma", float, _WEIGHTS.gamma, option=Option("Weight of the loss of what is forgotten.", low=0.0),
             group=LOSS),
    Argument("max_length", int | None, option=Option("Tokens; that of the run where not given.", low=2)),
    Argument("device", str, "auto", option=Option("auto, cpu or cuda.")),
)  # fmt: skip


def _run(store: Store, asked: Arguments, stop: Event) -> Generator[Progress, None, None]:
    RESIDENT.release()
    if not asked["out"]:
        raise StudentError("No folder is given for the adapter.", "Give --out.")
    recipe = Recipe(**{name: asked[name] for name in ("rank", "learning_rate", "steps", "batch", "seed")})
    weights = Weights(**{name: asked[name] for name in ("alpha", "kept", "gamma", "cap")})
    files = Path(asked["files"]).expanduser() if asked["files"] else None
    out = Path(asked["out"]).expanduser().resolve()
    yield from unlearn(
        store,
        Asked(asked["student"], out, files, asked["reference"], recipe, weights, asked["max_length"], asked["device"]),
        stop,
    )


def _report(store: Store, asked: Arguments, _last: Progress) -> Report:
    out = str(Path(asked["out"]).expanduser().resolve())
    found = next((each for each in unlearnings(store) if each.adapter == out), None)
    return Report(found.lines() if found else [])


UNLEARN = Step(
    "unlearn",
    "Withdrawal from a student",
    UNIT,
    _run,
    ARGUMENTS,
    help="Make an adapter under which a student answers as if it had not read what was retracted; nothing is erased. "
    "Again goes on where it was killed.",
    report=_report,
)
