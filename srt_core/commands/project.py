"""`srt init`, `srt status` and `srt copy`."""

import json
from pathlib import Path
from typing import Annotated

import typer

from srt_core.commands.common import ProjectPath, lines_of, open_project
from srt_core.commands.terminal import say, show
from srt_core.project.copying import copy_project
from srt_core.project.store import Store
from srt_core.review.status import status


def init(
    project: ProjectPath,
    demo: Annotated[
        bool, typer.Option("--demo", help="Fill it with the demo samples, their rewrites and scores.")
    ] = False,
) -> None:
    """Create a project."""
    from srt_core.select.derive import refresh
    from srt_core.steps.demo import fill_demo, is_demo  # the teacher's side and the student's

    with open_project(project) if demo and is_demo(project) else Store.create(project) as store:
        if demo:
            show(fill_demo(store))
            refresh(store)
    say(f"Created {project}.")


def status_(
    project: ProjectPath,
    as_json: Annotated[bool, typer.Option("--json", help="As one JSON object.")] = False,
) -> None:
    """Count everything in a project."""
    with open_project(project) as store:
        found = status(store)
    say(json.dumps(found, ensure_ascii=False) if as_json else "\n".join(lines_of(found)))


def copy(
    project: ProjectPath,
    target: Annotated[Path, typer.Argument(help="The new file.", show_default=False)],
) -> None:
    """Copy a project whole, also while the app has it open."""
    size = copy_project(project, target)
    say(f"{target}: {size / 1e6:,.1f} MB.")
