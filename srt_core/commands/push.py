"""`srt push`: a written folder goes to the Hugging Face hub."""

import json
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from srt_core.commands.common import open_project, user_name
from srt_core.commands.terminal import say
from srt_core.export.affected import require_none_retracted
from srt_core.export.push import TOKEN_VARIABLE, Pushed, log_push, push, pushes


def push_(
    out_dir: Annotated[Path, typer.Argument(help="The folder that was exported.", show_default=False)],
    name: Annotated[
        str | None, typer.Argument(help="OWNER/NAME on the hub; without it, what was pushed is listed.")
    ] = None,
    private: Annotated[
        bool, typer.Option("--private/--public", help="Who may see a data set that is made by this.")
    ] = True,
    replace: Annotated[
        bool, typer.Option("--replace", help="Also write to a data set that this folder was never pushed to.")
    ] = False,
    project: Annotated[
        Path | None, typer.Option(help="Also log it in the history of this project.", show_default=False)
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Push a written folder to the Hugging Face hub as a data set, in one commit.

    The token is that of the environment variable HF_TOKEN. A folder that srt did not write, or whose files were changed
    since, is not pushed.
    """
    if name is None:
        found = pushes(out_dir)
    else:
        with open_project(project) if project else nullcontext() as store:
            if store is not None:
                require_none_retracted(store, out_dir)
            done = push(out_dir, name, is_private=private, replace=replace, by=user_name())
            if store is not None:
                log_push(store, out_dir, done)
        found = [done]
    if as_json:
        say(json.dumps([asdict(each) for each in found]))
        return
    for each in found:
        say(_line(each))
    if not found:
        say(f"Nothing of {out_dir} was pushed yet. Give OWNER/NAME, and a token in {TOKEN_VARIABLE}.")


def _line(each: Pushed) -> str:
    seen = "private" if each.is_private else "public"
    if not each.commit:
        return f"{each.url} ({seen}): made, and the files did not arrive. Push again."
    return f"{each.url} ({seen}): {len(each.files):,} files, commit {each.commit}, {each.pushed_at} by {each.author}"
