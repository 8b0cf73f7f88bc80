"""`srt runs` and `srt compare`: the trained students of a project, and what their losses say of each other."""

import json
from dataclasses import asdict
from typing import Annotated

import typer

from srt_core.commands.common import ProjectPath, open_project
from srt_core.commands.terminal import say
from srt_core.train.comparing import Difference, compare
from srt_core.train.runs import Run, RunState, runs

_STATES = {
    RunState.RUNNING: "running",
    RunState.DONE: "done",
    RunState.PAUSED: "paused, can go on",
    RunState.FAILED: "failed",
    RunState.INTERRUPTED: "killed, can go on",
}


def runs_(project: ProjectPath, as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False) -> None:
    """List the trained students: how far each is, on which export it was trained, and where it is."""
    with open_project(project) as store:
        found = runs(store)
    if as_json:
        say(json.dumps([asdict(each) for each in found], default=str))
        return
    for each in found:
        say(_line(each))


def _line(run: Run) -> str:
    steps = f"{run.steps:,} of {run.plan['steps']:,} steps, {run.tokens:,} tokens"
    place = run.trained if run.state is RunState.DONE else run.message or str(run.folder.path)
    return f"{run.run_id}  {run.arm}, seed {run.seed}: {_STATES[run.state]}, {steps}, {run.export_folder}: {place}"


def compare_(
    project: ProjectPath,
    run: Annotated[list[int], typer.Argument(help="Numbers of runs; the arm of the first is what others are held to.")],
    unequal: Annotated[bool, typer.Option("--unequal", help="Also runs that read unlike many tokens.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Compare trained students on what was put aside: paired differences, over pairs and over seeds."""
    with open_project(project) as store:
        found = compare(store, run, allow_unequal=unequal)
    if as_json:
        say(json.dumps(asdict(found)))
        return
    for each in found.differences:
        say(each.words())
        for line in _details(each):
            say(f"  {line}")
    for note in found.notes:
        say(note)


def _details(difference: Difference) -> list[str]:
    lines = [f"over {name}: {each.low:+.4f} to {each.high:+.4f}" for name, each in difference.intervals()]
    seeds = zip(difference.seeds, difference.found.by_seed, strict=True)
    return [*lines, "by seed: " + ", ".join(f"{seed}: {mean:+.4f}" for seed, mean in seeds)]
