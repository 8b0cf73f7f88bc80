"""`srt export`."""

from pathlib import Path
from typing import Annotated

import typer

from srt_core.commands.common import ProjectPath, open_project, user_name
from srt_core.commands.terminal import say
from srt_core.export.contents import Scope, counts
from srt_core.export.export import export
from srt_core.export.formats import FORMATS
from srt_core.export.lines import Conversations
from srt_core.export.prompts import describe_prompts


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
    force: Annotated[bool, typer.Option("--force", help="Also replace files that srt did not write.")] = False,
) -> None:
    """Write the verdicts for training, read them back, and add a manifest."""
    with open_project(project) as store:
        parked = counts(store, scope)["total"]["parked"]
        if parked and scope is Scope.VERDICTS:
            say(f"{parked:,} that the rule keeps are parked, and left out; --scope with-parked takes them too.")
        for name in format:
            written = export(
                store, out_dir, name, scope=scope, conversations=conversations, by=user_name(), force=force
            )
            say(f"{written.path}: {written.rows:,} rows, sha256 {written.sha256}")
            for said in (*written.described(), *filter(None, [describe_prompts(store, name)])):
                say(f"  {said}")
