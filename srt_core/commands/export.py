"""`srt export`."""

from pathlib import Path
from typing import Annotated

import typer

from srt_core.commands.common import ProjectPath, open_project, user_name
from srt_core.commands.terminal import say
from srt_core.export.before import Before, look_before
from srt_core.export.contents import Contents, Scope
from srt_core.export.export import export
from srt_core.export.formats import FORMATS
from srt_core.export.lines import Conversations
from srt_core.export.prompts import describe_prompts
from srt_core.export.splits import SUGGESTED
from srt_core.review.filter.address import read_written
from srt_core.review.filter.views import find_view


def export_(
    project: ProjectPath,
    out_dir: Annotated[Path, typer.Argument(help="The folder to write to.", show_default=False)],
    format: Annotated[list[str], typer.Option(help=f"One of {', '.join(FORMATS)}; may be given several times.")],
    scope: Annotated[
        Scope,
        typer.Option(
            help="verdicts: decisions, else the rule; with-parked: the rule for what is parked too; approved: "
            "decisions only."
        ),
    ] = Scope.VERDICTS,
    conversations: Annotated[
        Conversations,
        typer.Option(
            help="apart: a line a sample, in its context; joined, for messages: a line a conversation, in which the "
            "answers that are kept have weight 1."
        ),
    ] = Conversations.APART,
    filters: Annotated[
        list[str] | None,
        typer.Option(
            "--filter", help="Only samples of this filter: name=value&name=value, or an address of Explore, in quotes."
        ),
    ] = None,
    view: Annotated[str | None, typer.Option(help="Only samples of this saved view.")] = None,
    validation: Annotated[
        float, typer.Option(help="The share that is put aside for validation; 0 for none.")
    ] = SUGGESTED,
    max_length: Annotated[
        int | None,
        typer.Option(help="Of the training, in tokens: longer lines are counted. The scoring's where it is not given."),
    ] = None,
    licence: Annotated[str, typer.Option(help="For the dataset card, as the hub names it, such as cc-by-4.0.")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count what would be written, and write nothing.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Also replace files that srt did not write.")] = False,
) -> None:
    """Write what stands for training: a folder with data that is read back, a manifest and a dataset card."""
    with open_project(project) as store:
        only = read_written(filters or (), find_view(store, view) if view else None)
        contents = Contents(scope, only, conversations, validation)
        if dry_run:
            _tell(look_before(store, contents, format, max_length), scope)
            return
        written = export(
            store, out_dir, format, contents, by=user_name(), licence=licence, max_length=max_length, force=force
        )
        if written.before:
            _tell(written.before, scope)
        for each in written.files:
            say(f"{each.path}: {each.rows:,} rows, sha256 {each.sha256}")
        for said in filter(None, (describe_prompts(store, name) for name in written.formats)):
            say(f"  {said}")
        say(f"Export {written.export_id}, sha256 of its data {written.sha256}")


def _tell(before: Before, scope: Scope) -> None:
    say(f"{before.lines:,} lines: {before.trained:,} for training, {before.aside:,} put aside for validation.")
    if before.parked and scope is Scope.VERDICTS:
        say(f"{before.parked:,} that the rule keeps are parked, and left out; --scope with-parked takes them too.")
    for said in before.described():
        say(f"  {said}")
