"""`srt diff-exports`: what differs between two exported folders."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from srt_core.commands.common import LISTED
from srt_core.commands.terminal import say
from srt_core.export.differences import compare_written

_SIGNS = {"added": "+", "left": "-", "changed": "~"}


def diff_exports(
    earlier: Annotated[Path, typer.Argument(help="A folder that was exported, or its manifest.", show_default=False)],
    later: Annotated[Path, typer.Argument(help="Another one.", show_default=False)],
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, with every sample that differs.")] = False,
) -> None:
    """Say which samples came, left, or have another text, with the beginning of the texts."""
    found = compare_written(earlier, later, None if as_json else LISTED)
    if as_json:
        say(json.dumps(asdict(found), ensure_ascii=False))
        return
    say(found.described())
    for kind, listed in found.changes.items():
        for each in listed:
            texts = " → ".join(filter(None, (each.before, each.after)))
            say(f"{_SIGNS[kind]} {each.sample_id}  {texts}")
        if (more := getattr(found, kind) - len(listed)) > 0:
            say(f"{_SIGNS[kind]} … and {more:,} more; --json lists all.")
