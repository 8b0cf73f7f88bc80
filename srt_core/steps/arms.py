"""The step arms: students are trained on what policies keep and on controls, evaluated, and compared.

It goes seed by seed through the arms, so that what is there when it is stopped can be compared; the same command goes
on with the run that was cut off.
"""

from collections.abc import Generator, Sequence
from dataclasses import replace
from pathlib import Path
from threading import Event

from srt_core.errors import StudentError
from srt_core.project.progress import Progress
from srt_core.project.store import Store
from srt_core.records import Policy
from srt_core.score.prompts import prompts_of
from srt_core.score.scorings import scoring_in_use
from srt_core.score.student import load_tokens
from srt_core.select.policy import find_policy
from srt_core.steps.resident import RESIDENT
from srt_core.steps.step import Argument, Arguments, Option, Reach, Report, Step
from srt_core.steps.train import how_arguments, settings_of
from srt_core.train.arms import CONTROLS, Experiment, begin_experiment, candidates_of_arm, write_arm
from srt_core.train.comparing import compare
from srt_core.train.evaluating import evaluate, template_of
from srt_core.train.exports import read_export
from srt_core.train.plan import whole_budget
from srt_core.train.runs import Run, RunState, runs
from srt_core.train.tokens import make_tokens
from srt_core.train.training import UNIT, prepare, train

ARGUMENTS = (
    Argument("policies", str, "", option=Option("Names of policies, with commas: presets and saved ones.")),
    Argument("controls", str, ",".join(CONTROLS),
             option=Option(f"Of {', '.join(CONTROLS)}; the first is what others are held to.", "with")),
    Argument("seeds", int, 3, option=Option("Each arm is trained under so many.", low=1)),
    Argument("tokens", int, 100_000, option=Option("That each run reads.", low=1)),
    Argument("put_aside", int, 200, option=Option("Samples that no arm is trained on, to evaluate with.", low=2)),
    Argument("out", Path | None, option=Option("The folder of all runs; arms/ beside the project where not given."),
             reach=Reach.FILE),
    *how_arguments(),
)  # fmt: skip


def _experiment(store: Store, asked: Arguments) -> Experiment:
    controls = _names(asked["controls"])
    unknown = [each for each in controls if each not in CONTROLS]
    if unknown:
        raise StudentError(f"There is no control {unknown[0]}.", f"Choose from {', '.join(CONTROLS)}.")
    policies: Sequence[Policy] = [replace(find_policy(store, name), name=name) for name in _names(asked["policies"])]
    if not policies:
        raise StudentError("No policy is named.", "Give --policies, names with commas, such as selective-code.")
    how = {name: asked[name] for name in ("student", "lora", "learning_rate", "batch_size", "max_length", "dtype")}
    kept = {**how, "controls": controls, "seeds": asked["seeds"], "tokens": asked["tokens"]}
    folder = Path(asked["out"]).expanduser().resolve() if asked["out"] else None
    return begin_experiment(store, kept, policies, asked["put_aside"], folder)


def _names(text: str) -> list[str]:
    return [each.strip() for each in text.split(",") if each.strip()]


def warn(store: Store, asked: Arguments) -> list[str]:
    """Say how many runs it will be, and on how many pairs each arm is trained."""
    experiment = _experiment(store, asked)
    sizes = [f"{arm} {len(candidates_of_arm(store, experiment, arm, 1)):,}" for arm in experiment.arms]
    number = len(sizes) * experiment.seeds
    return [
        f"{number:,} runs of {experiment.tokens:,} tokens: {len(sizes)} arms under {experiment.seeds} seeds each. "
        f"Pairs: {', '.join(sizes)}; {len(experiment.put_aside):,} samples are put aside.",
    ]


def _run(store: Store, asked: Arguments, stop: Event) -> Generator[Progress, None, None]:
    RESIDENT.release()
    experiment = _experiment(store, asked)
    settings = settings_of(store, asked, max_tokens=experiment.tokens)
    reader, scoring = load_tokens(settings.student), scoring_in_use(store)
    template = template_of(store, scoring.template if scoring else "")
    prompts = prompts_of(template, reader)
    said = {"template": template.name, "max_length": settings.max_length, "name": settings.student}
    order = [(arm, seed) for seed in range(1, experiment.seeds + 1) for arm in experiment.arms]
    for place, (arm, seed) in enumerate(order, 1):
        data = read_export(write_arm(store, experiment, arm, seed, prompts, said))
        lengths = [len(each.ids) for each in make_tokens(data.pairs, reader, template.name, settings.max_length).pairs]
        prepared = prepare(store, data, replace(whole_budget(settings, lengths), seed=seed), template.name)
        going = train(
            store, prepared, stop=stop, folder=experiment.folder / f"{arm}-{seed}", arm=arm,
            experiment=experiment.experiment_id, hours=asked["hours"], is_measured=asked["measure"] and place == 1,
            launcher=asked["launcher"], every=asked["save_every"],
        )  # fmt: skip
        run = yield from _told(going, f"{arm}, seed {seed}, run {place} of {len(order)}")
        if stop.is_set() or run.state is not RunState.DONE:
            return
        if not store.value("SELECT count(*) FROM evaluated WHERE run_id = ?", [run.run_id]):
            yield from _told(evaluate(store, run, stop=stop, device=asked["device"]), f"{arm}, seed {seed}")
        if stop.is_set():
            return


def _told(steps: Generator[Progress, None, Run | None], where: str) -> Generator[Progress, None, Run]:
    """Pass progress on, with which run it is of."""
    while True:
        try:
            each = next(steps)
        except StopIteration as end:
            found: Run = end.value
            return found
        yield replace(each, message=f"{where}: {each.message}" if each.message else where)


def _report(store: Store, asked: Arguments, _last: Progress) -> Report:
    experiment = _experiment(store, asked)
    evaluated = {row["run_id"] for row in store.rows("SELECT DISTINCT run_id FROM evaluated")}
    done = [each for each in runs(store, experiment=experiment.experiment_id) if each.run_id in evaluated]
    ordered = sorted(done, key=lambda run: (experiment.arms.index(run.arm), run.seed))
    number = len(experiment.arms) * experiment.seeds
    lines = [f"{len(done):,} of {number:,} runs are done, in {experiment.folder}."]
    if done:
        found = compare(store, [each.run_id for each in ordered], allow_unequal=True)
        lines += [*(each.words() for each in found.differences), *found.notes]
        lines.append(f"srt compare PROJECT {' '.join(str(each.run_id) for each in ordered)}")
    return Report(lines)


ARMS = Step(
    "arms",
    "Arms",
    UNIT,
    _run,
    ARGUMENTS,
    help="Train students on what policies keep and on controls of equal size, evaluate and compare them.",
    warn=warn,
    report=_report,
)
