"""`srt rate`: what a person says of a version, in four parts."""

from typing import Annotated

import typer

from srt_core.commands.common import ProjectPath, open_project, user_name
from srt_core.commands.terminal import say
from srt_core.errors import DecisionError
from srt_core.expand.judging import bounds, judge_by_hand
from srt_core.methods.lift import PARTS
from srt_core.project.candidates import candidates, find_sample
from srt_core.records import Origin


def rate(
    project: ProjectPath,
    sample: Annotated[str, typer.Argument(help="The sample's id or number.", show_default=False)],
    points: Annotated[
        list[float], typer.Argument(help="Clarity, difficulty, explanation, accuracy: at most 15, 25, 25, 35.")
    ],
    version: Annotated[str, typer.Option(help=f"Which version: {', '.join(Origin)}.")] = str(Origin.ORIGINAL),
    by: Annotated[str | None, typer.Option(help="Your name; the system's user name where not given.")] = None,
) -> None:
    """Rate a version in four parts. A person's points stand above a judge's."""
    if len(points) != len(PARTS):
        raise DecisionError(f"{len(points)} parts were given.", f"Give four: {bounds()}.")
    author = by or user_name()
    with open_project(project) as store:
        held = candidates(store, find_sample(store, sample))
        if version.upper() not in list(Origin) or Origin(version.upper()) not in held:
            raise DecisionError(f"Sample {sample} has no version {version}.", f"It has: {', '.join(held)}.")
        chosen = held[Origin(version.upper())]
        total = judge_by_hand(store, chosen.candidate_id, author, dict(zip(PARTS, points, strict=True)))
    say(f"{chosen.sample_id} {chosen.origin}: {total:g} of 100 points by {author}.")
