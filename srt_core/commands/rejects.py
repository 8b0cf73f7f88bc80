"""`srt rejects`: the rows that could not be used, counted, or as a file to mend and import."""

from pathlib import Path
from typing import Annotated

import typer

from srt_core.commands.common import ProjectPath, open_project
from srt_core.commands.terminal import say
from srt_core.importing.rejects import rejects_by_reason, write_rejects


def rejects_(
    project: ProjectPath,
    out: Annotated[Path | None, typer.Argument(help="A file to write them to, one a line.", show_default=False)] = None,
) -> None:
    """Count the rows that were not imported by reason, or write them to a file to mend and import: they clear."""
    with open_project(project) as store:
        if out is not None:
            say(f"{out}: {write_rejects(store, out):,} rejected rows")
            return
        found = rejects_by_reason(store)
    for reason, count in found.items():
        say(f"{count:,}  {reason}")
