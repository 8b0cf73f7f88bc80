"""`srt imports`: what was imported, and any of it taken back."""

from typing import Annotated

import typer

from srt_core.commands.common import ProjectPath, open_project, user_name
from srt_core.commands.terminal import say
from srt_core.importing.imports import Import, imports
from srt_core.importing.undo import undo_import


def imports_(
    project: ProjectPath,
    undo: Annotated[int | None, typer.Option(help="Take the import of this number back.")] = None,
    by: Annotated[str | None, typer.Option(help="Who does it; your name where not given.")] = None,
) -> None:
    """List the imports with what came of their columns, or take one back: samples that nothing else uses go."""
    with open_project(project) as store:
        if undo is None:
            for each in imports(store):
                _print(each)
            return
        undone = undo_import(store, undo, by or user_name())
    say(f"{undone.path}: {undone.removed:,} samples removed, {sum(undone.kept.values()):,} kept.")
    for why, count in undone.kept.items():
        say(f"{count:,} kept: {why}.")
    for name, why in undone.listed:
        say(f"  {name}: {why}")


def _print(each: Import) -> None:
    state = ", taken back" if each.is_undone else "" if each.finished else ", not finished"
    taken = f"{each.taken:,} rows taken, {each.rejected:,} rejected{state}"
    say(f"{each.import_id}  {each.made_at:%Y-%m-%d %H:%M} UTC  {each.path}: {taken}")
    for line in each.account.lines() if each.account else ():
        say(f"   {line}")
