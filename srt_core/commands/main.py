"""The command line, `srt` or `python -m srt_core`: the same core as the screens.

Progress goes to stderr, results to stdout. Exit codes: 0 done, 1 done with failures listed, 2 not done.
"""

import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup
from typer.main import get_command, get_group

from srt_core.commands.common import NOT_DONE
from srt_core.commands.terminal import errors
from srt_core.errors import SRTError

COMMANDS = {
    "init": "project:init",
    "prompts": "texts:prompts_",
    "people": "people:people",
    "imports": "imports:imports_",
    "rejects": "rejects:rejects_",
    "scorings": "scorings:scorings_",
    "runs": "runs:runs_",
    "compare": "runs:compare_",
    "select": "select:select",
    "decide": "decide:decide",
    "rate": "rate:rate",
    "retract": "retract:retract_",
    "export": "export:export_",
    "exports": "exports:exports_",
    "diff-exports": "differences:diff_exports",
    "push": "push:push_",
    "status": "project:status_",
    "check": "check:check_",
    "copy": "project:copy",
    "audit": "audit:audit",
    "similar": "similar:similar",
    "trust": "trust:trust_",
    "gold": "gold:gold_",
    "guards": "guards:guards",
    "teachers": "teachers:teachers",
    "rubric": "rubric:rubric_",
    "templates": "texts:templates",
    "app": "app:app_",
    "link": "app:link",
}
"""Module and function of each command that is no long step; those are made from their records."""
_GROUPS = {"coach": "What a coach learns from people's edits, and what it revises."}
"""What the help says of a group of steps."""


class Commands(TyperGroup):
    """The commands, each loaded when it is asked for: `srt status` does not wait for what `srt reflect` needs."""

    def list_commands(self, ctx: Any) -> list[str]:
        """List the names in the order of the help: a project, the steps on it, the rest."""
        first, *others = COMMANDS
        return [first, *_steps(), *others]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Load a command; None where there is none of that name."""
        found = _load(COMMANDS[cmd_name]) if cmd_name in COMMANDS else _steps().get(cmd_name)
        if found is None:
            return None
        if isinstance(found, typer.Typer):
            group = get_group(found)
            group.name = cmd_name
            return group
        alone = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
        alone.command(cmd_name)(found)
        return get_command(alone)


def _load(place: str) -> Callable[..., None] | typer.Typer:
    module, _, name = place.partition(":")
    found: Callable[..., None] | typer.Typer = getattr(import_module(f"srt_core.commands.{module}"), name)
    return found


def _steps() -> dict[str, Callable[..., None] | typer.Typer]:
    """Return the commands of the long steps, those of a group together: loading them loads most of the core."""
    from srt_core.commands.step import command_of
    from srt_core.steps.steps import STEPS

    found: dict[str, Callable[..., None] | typer.Typer] = {}
    groups: dict[str, typer.Typer] = {}
    for step in STEPS.values():
        if not step.help:
            continue
        command = command_of(step)
        if step.group:
            if step.group not in groups:
                groups[step.group] = typer.Typer(no_args_is_help=True, help=_GROUPS[step.group])
            groups[step.group].command(step.command)(command)
            found[step.group] = groups[step.group]
        else:
            found[step.name] = command
    return found


app = typer.Typer(cls=Commands, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


@app.callback(help=__doc__.splitlines()[0] if __doc__ else "")
def _srt() -> None: ...


def main() -> None:
    """Run the command line; an SRTError becomes a message on stderr and exit code 2, never a traceback."""
    try:
        app()
    except SRTError as error:
        errors.print(f"Error: {error.message}")
        if error.hint:
            errors.print(error.hint)
        sys.exit(NOT_DONE)
