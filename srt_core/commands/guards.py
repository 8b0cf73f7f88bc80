"""`srt guards`: what became of the tries of a synthesis, and what is taken though a guard held it back."""

from typing import Annotated

import typer

from srt_core.commands.common import ProjectPath, open_project, user_name
from srt_core.commands.terminal import say
from srt_core.errors import SRTError
from srt_core.records import counted


def guards(
    project: ProjectPath,
    restore: Annotated[
        list[int] | None, typer.Option(help="Take this try though a guard held it back. Repeatable.")
    ] = None,
    undo: Annotated[int | None, typer.Option(help="Undo that this try was taken by hand.")] = None,
    guard: Annotated[str, typer.Option(help="List what this guard held back.")] = "",
    by: Annotated[str | None, typer.Option(help="Your name; the system's user name where not given.")] = None,
) -> None:
    """Count what each guard held back of what students wrote, and list the latest with why."""
    from srt_core.reflect import synthesis
    from srt_core.steps.synthesize import funnel_lines, held_lines

    author = by or user_name()
    with open_project(project) as store:
        if restore:
            number = synthesis.restore(store, restore, author)
            say(f"{counted(number, 'try')} taken; `srt synthesize` goes on with them.")
        if undo is not None:
            synthesis.taken_back(store, undo, author)
        found = synthesis.syntheses(store)
        if not found:
            raise SRTError("No student wrote samples here.", "See `srt synthesize --help`.")
        for each in found:
            say(f"{each.name}, by {each.student}: {counted(each.tries, 'try')}")
            for line in (
                *funnel_lines(store, each.task, each.student),
                *held_lines(store, each.task, each.student, guard),
            ):
                say(f"  {line}")
