"""`srt rubric`: what versions were given by the rubric, and the caps of its flaws."""

from typing import Annotated

import typer

from srt_core.commands.common import ProjectPath, open_project
from srt_core.commands.terminal import say
from srt_core.errors import SRTError
from srt_core.methods.coachlm import RUBRIC
from srt_core.review import rubric


def rubric_(
    project: ProjectPath,
    cap: Annotated[
        list[str] | None,
        typer.Option(help="What a flaw in a dimension leaves of its side at most: feasibility=80, or =none."),
    ] = None,
) -> None:
    """Say what versions were given on Review, by who made them, and which flaws cap a side; at first none does."""
    with open_project(project) as store:
        if cap:
            rubric.set_caps(store, dict(map(_cap, cap)))
        caps = rubric.caps(store)
        for each in RUBRIC:
            limit = f", a flaw leaves at most {caps[each.name]:g}" if each.name in caps else ""
            say(f"{each.name} ({each.side}): {each.most} points{limit}")
        for mean in rubric.means(store):
            say(f"{mean.version}: {mean.side} {mean.score:.1f} of 100, the mean of {mean.ratings:,}")


def _cap(text: str) -> tuple[str, float | None]:
    name, equals, value = (part.strip() for part in text.partition("="))
    try:
        return name, None if equals and value == "none" else float(value)
    except ValueError as error:
        raise SRTError(f"'{text}' is no cap.", "Write --cap feasibility=80, or --cap feasibility=none.") from error
