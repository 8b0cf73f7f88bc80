"""`srt exports`: what was exported, and any of it again."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from srt_core.commands.common import ProjectPath, open_project
from srt_core.commands.terminal import say
from srt_core.errors import ExportError
from srt_core.export.export import rebuild
from srt_core.export.lines import Conversations
from srt_core.export.past import count_retracted_lines, past_exports
from srt_core.project.candidates import find_sample
from srt_core.records import counted


def exports_(
    project: ProjectPath,
    sample: Annotated[str | None, typer.Option(help="Only what holds a text of this sample.")] = None,
    again: Annotated[int | None, typer.Option(help="Write the export of this number again, to --out.")] = None,
    out: Annotated[Path | None, typer.Option(help="The folder for --again.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """List what was exported, or write one again with the very texts that it held."""
    if (again is None) != (out is None):
        raise ExportError("--again and --out go together.", "Give the number of an export and a folder.")
    with open_project(project) as store:
        if again is not None and out is not None:
            written = rebuild(store, again, out)
            if without := count_retracted_lines(store, again):
                say(f"{counted(without, 'line')} left out: what they hold was retracted since.")
            for file in written.files:
                say(f"{file.path}: {file.rows:,} rows, sha256 {file.sha256}")
            return
        found = past_exports(store, find_sample(store, sample) if sample else None)
    if as_json:
        say(json.dumps([asdict(each) for each in found], default=str))
        return
    for each in found:
        made, joined = f"{each.made_at:%Y-%m-%d %H:%M} UTC", each.conversations is Conversations.JOINED
        rows = f"{each.rows:,} {'conversations' if joined else 'rows'}"
        say(f"{each.export_id}  {made}  {each.path}: {rows} by {each.author} ({', '.join(each.formats)})")
