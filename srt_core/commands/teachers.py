"""`srt teachers`: the teachers that are drawn from, and the steps that made their probabilities."""

from typing import Annotated

import typer

from srt_core.commands.common import ProjectPath, open_project
from srt_core.commands.terminal import say
from srt_core.errors import SRTError
from srt_core.records import counted


def teachers(
    project: ProjectPath,
    steps: Annotated[int, typer.Option(help="List so many steps, the last ones.", min=0)] = 0,
) -> None:
    """List the teachers that are drawn from, with how likely each is drawn now, by what people chose."""
    from srt_core.reflect.arms import keep_up, p_over_steps
    from srt_core.steps.reflect_arms import arms_lines

    with open_project(project) as store:
        found = keep_up(store)
        lines = arms_lines(store)
        if len(lines) == 1:
            raise SRTError("No teachers are drawn from here.", "Give a file of them: srt reflect PROJECT --arms FILE.")
        for line in lines:
            say(line)
        if found.waiting:
            say(f"{counted(found.waiting, 'choice| waits|')} for scores of both students.")
        for row in p_over_steps(store)[-steps:] if steps else ():
            p = " ".join(f"{each:.9f}" for each in row["p_after"])
            say(f"{row['step']} {row['source']} {row['name'] or ''} {p}".replace("  ", " "))
