"""Any long step as a command: its options come from its arguments, its results from its report."""

import shlex
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from inspect import Parameter, Signature
from pathlib import Path
from typing import Annotated, Any

import typer

from srt_core.commands.common import DONE_WITH_FAILURES, PROJECT, open_project, tell_failures
from srt_core.commands.terminal import errors, say, show
from srt_core.errors import TeacherStopError
from srt_core.project.progress import Progress
from srt_core.project.store import Store
from srt_core.steps.step import Argument, Arguments, Option, Step
from srt_core.steps.steps import STEPS


def command_of(step: Step) -> Callable[..., None]:
    """Make the command of a step, as Typer reads one: by its signature."""
    options = {name: (argument, option) for name, argument, option in _options(step)}

    def command(project: Path, **typed: Any) -> None:
        given = {argument.name: _read(option, typed[name]) for name, (argument, option) in options.items()}
        run_step(_asked_for(step, given), project, given, follow=typed.get(step.then, True))

    positional = [Parameter("project", Parameter.KEYWORD_ONLY, annotation=Annotated[Path, PROJECT])]
    named = [_parameter(name, argument, option) for name, (argument, option) in options.items()]
    if step.then:
        named.append(_then_parameter(step.then))
    command.__doc__ = step.help
    command.__annotations__ = {}
    vars(command)["__signature__"] = Signature(positional + named)
    return command


def run_step(step: Step, project: Path, given: Arguments, *, follow: bool = True) -> None:
    """Run a step on a project with a progress bar, and print its report; exit code 1 where something failed.

    `follow` runs the step that follows it too, once its own results are stored and printed.
    """
    with open_project(project) as store:
        asked = step.complete(given)
        for line in step.warn(store, asked):
            errors.print(line)
        try:
            with closing(step.walk(store, given)) as steps:
                last = show(steps)
        except TeacherStopError:
            if step.reports_when_stopped:
                _print(step.report(store, asked, Progress(step.unit)).lines)
            raise
        report = step.report(store, asked, last)
        _print(report.lines)
        tell_failures(report.failed, report.failures)
        if step.then and follow:
            _follow(store, STEPS[step.then], project)
    if report.failed:
        raise typer.Exit(DONE_WITH_FAILURES)


def _follow(store: Store, step: Step, project: Path) -> None:
    """Run the step that follows another, which is done whatever becomes of this one."""
    command = f"srt {step.name} {shlex.quote(str(project))}"
    with closing(step.walk(store, {})) as steps:
        show(steps, resume=f"What came before is done; `{command}` goes on from here.")
    errors.print(f"{step.label}: done. `{command}` counts what was found.")


def _print(lines: Sequence[str]) -> None:
    for line in lines:
        say(line)


def _options(step: Step) -> Iterator[tuple[str, Argument, Option]]:
    """Yield what the command line asks for, by the names that Typer knows it by."""
    for argument in step.arguments:
        if option := argument.option:
            yield option.name if option.is_positional else argument.name, argument, option


def _parameter(name: str, argument: Argument, option: Option) -> Parameter:
    if option.is_positional:
        info: Any = typer.Argument(help=option.help, show_default=False)
        return Parameter(name, Parameter.KEYWORD_ONLY, annotation=Annotated[argument.type, info])
    info = typer.Option(
        _flags(argument, option),
        help=option.help,
        min=option.low,
        max=option.high,
        rich_help_panel=argument.group or None,
    )
    kind = option.type or argument.type
    return Parameter(name, Parameter.KEYWORD_ONLY, default=argument.default, annotation=Annotated[kind, info])


def _then_parameter(name: str) -> Parameter:
    info: Any = typer.Option(f"--{name}/--no-{name}", help=f"Run `srt {name}` too, once this is done.")
    return Parameter(name, Parameter.KEYWORD_ONLY, default=True, annotation=Annotated[bool, info])


def _flags(argument: Argument, option: Option) -> str:
    """Write the names of an option; one that is on by default can be turned off."""
    name = (option.name or argument.name).replace("_", "-")
    return f"--{name}/--no-{name}" if argument.default is True else f"--{name}"


def _read(option: Option, typed: object) -> object:
    return option.read(typed) if option.read else typed


def _asked_for(step: Step, given: Arguments) -> Step:
    """Return the step that an option asks for in place of this one, if one does."""
    instead = [
        argument.option.runs
        for argument in step.arguments
        if argument.option and argument.option.runs and given[argument.name]
    ]
    return STEPS[instead[0]] if instead else step
