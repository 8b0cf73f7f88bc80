"""`srt gold`: samples with a known answer, how often they are mixed into queues, and how far reviewers agree."""

from pathlib import Path
from typing import Annotated

import typer

from srt_core.commands.common import LISTED, ProjectPath, open_project, tell_failures, user_name
from srt_core.commands.terminal import say
from srt_core.project.candidates import find_sample
from srt_core.review import gold
from srt_core.review.gold import EXAMPLE, Marked


def gold_(
    project: ProjectPath,
    answers: Annotated[
        Path | None,
        typer.Option("--import", help=f"Take answers of JSON Lines: {EXAMPLE}, null for none."),
    ] = None,
    tag: Annotated[str | None, typer.Option(help="Take the decisions on the samples with this tag as answers.")] = None,
    remove: Annotated[list[str] | None, typer.Option(help="Let this sample be gold no more. Repeatable.")] = None,
    percent: Annotated[
        float | None, typer.Option(help="So many of 100 samples that a reviewer is shown are gold; 0: none.")
    ] = None,
    by: Annotated[str | None, typer.Option(help="Your name; the system's user name where not given.")] = None,
) -> None:
    """Say which samples have a known answer, or how far reviewers agree with the answers.

    A gold sample is decided as its answer says. Reviewers meet it unmarked among others; what they do with it there
    decides nothing and changes no export.
    """
    author = by or user_name()
    with open_project(project) as store:
        if answers:
            with answers.open(encoding="utf-8") as lines:
                _tell(gold.mark(store, gold.read_answers(store, lines), author))
        if tag:
            _tell(gold.mark(store, gold.answers_of_tag(store, tag), author))
        if remove:
            gold.unmark(store, [find_sample(store, name) for name in remove], author)
        if percent is not None:
            gold.set_percent(store, percent, author)
        say(gold.described(store))
        for each in gold.agreements(store):
            say(f"  {each.described()}")


def _tell(marked: Marked) -> None:
    say(marked.described())
    tell_failures(len(marked.refused), [why for _, why in marked.refused[:LISTED]])
