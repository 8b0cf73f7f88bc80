"""`srt similar`: the samples whose originals are nearest to one, by the vectors of `srt encode`."""

from typing import Annotated

import typer

from srt_core.commands.common import ProjectPath, open_project
from srt_core.commands.terminal import say
from srt_core.project.candidates import find_sample
from srt_core.vectors.nearest import nearest


def similar(
    project: ProjectPath,
    sample: Annotated[str, typer.Argument(help="Its id, or its number in the project.", show_default=False)],
    most: Annotated[int, typer.Option(help="So many of them.", min=1)] = 20,
) -> None:
    """List the samples nearest to one: number, cosine of the two vectors, beginning of the instruction."""
    with open_project(project) as store:
        for each in nearest(store, find_sample(store, sample), most):
            say(f"{each.seq:>9,}  {each.similarity:6.3f}  {' '.join(each.instruction.split())[:100]}")
