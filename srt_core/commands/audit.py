"""`srt audit`: draw samples to be read blind in the app, and say how far each audit is and what it shows."""

from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from srt_core.commands.common import ProjectPath, open_project, user_name
from srt_core.commands.terminal import say
from srt_core.errors import SRTError
from srt_core.project.store import Store
from srt_core.review.filter.filter import Filter
from srt_core.review.trust import audits
from srt_core.review.trust.agreement import Evidence, Trust, trust
from srt_core.review.trust.audits import Audit, Part, Population, Terms
from srt_core.review.trust.audits.words import progress, sentences, source
from srt_core.review.trust.claims import FIXED_BEFORE
from srt_core.select.derive import remembered


class DrawFrom(StrEnum):
    """Which samples of the narrowed set an audit draws from."""

    ALL = "all"
    KEPT = "kept"
    LEFT_OUT = "left-out"


_PARTS = {DrawFrom.ALL: Part.ALL, DrawFrom.KEPT: Part.KEPT, DrawFrom.LEFT_OUT: Part.LEFT_OUT}
_TERMS = Terms()
_DRAW, _APPROVE, _NARROW = "Draw", "Draw for an approval", "Of which samples"
Values = list[str] | None


def audit(
    project: ProjectPath,
    reads: Annotated[int | None, typer.Option(help="Draw so many samples.", min=1, rich_help_panel=_DRAW)] = None,
    more: Annotated[
        int | None, typer.Option(help="Draw so many more for an audit.", min=1, rich_help_panel=_DRAW)
    ] = None,
    number: Annotated[
        int | None, typer.Option("--audit", help="Only this audit; with --more, for it. The newest where not given.")
    ] = None,
    bound: Annotated[
        float | None,
        typer.Option(
            help="Draw as many as show that at most this share of the rest of what the rule keeps is wrong.",
            rich_help_panel=_APPROVE,
        ),
    ] = None,
    confidence: Annotated[
        float, typer.Option(help="Over every audit of these samples.", rich_help_panel=_APPROVE)
    ] = _TERMS.confidence,
    allowed: Annotated[
        int, typer.Option(help="Wrong ones that it may find and still show it.", rich_help_panel=_APPROVE)
    ] = _TERMS.allowed,
    draw_from: Annotated[
        DrawFrom,
        typer.Option("--from", help="Reads of all stand for every policy, others for that in use.",
                     rich_help_panel=_NARROW),
    ] = DrawFrom.ALL,
    task: Annotated[Values, typer.Option(help="Only of this task. Repeatable.", rich_help_panel=_NARROW)] = None,
    language: Annotated[Values, typer.Option(help="Of this language. Repeatable.", rich_help_panel=_NARROW)] = None,
    imported: Annotated[
        list[int] | None, typer.Option("--import", help="Of this import, by number.", rich_help_panel=_NARROW)
    ] = None,
    by: Annotated[str | None, typer.Option(help="Your name; the system's user name where not given.")] = None,
) -> None:  # fmt: skip
    """Draw a random audit, or say how far those drawn are and what they show, as the page Trust does.

    The samples are read blind in the app, on Review: versions unnamed and shuffled, the rule's pick and scores hidden.
    """
    asked = [name for name, value in (("--reads", reads), ("--more", more), ("--bound", bound)) if value is not None]
    if len(asked) > 1:
        raise SRTError(f"{' and '.join(asked)} are two ways to draw.", "Give one of them.")
    author = by or user_name()
    with open_project(project) as store:
        if more is not None:
            drawn: Audit | None = audits.extend(store, audits.find_audit(store, number), author, more)
        elif asked:
            only = Filter(
                task=tuple(task or ()), language=tuple(language or ()), imported=tuple(map(str, imported or ()))
            )
            part = Part.KEPT if bound is not None else _PARTS[draw_from]
            plan = Terms(bound, confidence, allowed) if bound is not None else reads or 0
            drawn = audits.draw(store, Population(part, only), _words(only), plan, author)
        else:
            drawn = audits.find_audit(store, number) if number is not None else None
            if drawn is None:
                _say_opening(remembered(trust, store))
        for each in [drawn] if drawn else audits.audits(store):
            for line in _lines(store, each, project):
                say(line)


def _say_opening(found: Trust) -> None:
    """Say what Trust opens with."""
    say(found.opening)
    if found.overall[Evidence.RANDOM].of_all.read:
        say(FIXED_BEFORE)


def _words(only: Filter) -> str:
    """Say a filter for the log, as Explore does."""
    said = {"task": only.task, "language": only.language, "file": only.imported}
    return "; ".join(f"{name}: {', '.join(values)}" for name, values in said.items() if values) or "all samples"


def _lines(store: Store, audit: Audit, project: Path) -> Iterator[str]:
    made = f"{audit.made_at:%Y-%m-%d %H:%M} UTC"
    yield (
        f"Audit {audit.event_id}: {audit.size:,} of {audit.population:,} samples, drawn by {audit.author}, {made}, "
        f"from: {source(audit)}"
    )
    found = audits.result(store, audit) if audit.is_blind else None
    if found:
        yield f"  {progress(audit, found)}"
    for said in sentences(audit, found):
        yield f"  {said}"
    if found and found.holds and (left := found.unread + found.parked):
        yield f"  Read {left:,} in the app: `srt app {project}`, Review, a random audit."
