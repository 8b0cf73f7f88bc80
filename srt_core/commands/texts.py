"""`srt prompts` and `srt templates`: the texts that teacher and student are asked with."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from srt_core.commands.terminal import say
from srt_core.reflect.prompts import load_prompts
from srt_core.score.templates import TEMPLATE_NAMES, load_template


def prompts_(
    file: Annotated[Path | None, typer.Argument(help="A prompts file to check; ours where not given.")] = None,
) -> None:
    """Print the reflection prompts: copy, edit, and give them with --prompts."""
    say(load_prompts(file).source, nl=False)


def templates(
    name: Annotated[str | None, typer.Argument(help="A template; all where not given.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Show the student's prompt templates, exactly as they are filled in."""
    shown = [load_template(each) for each in ([name] if name else TEMPLATE_NAMES)]
    texts: list[dict[str, Any]] = [{"name": each.name, **each.texts, "is_chat": each.is_chat} for each in shown]
    if as_json:
        say(json.dumps(texts[0] if name else texts, ensure_ascii=False, indent=2))
        return
    for each in texts:
        say("\n".join(f"{each['name']}.{part} = {text!r}" for part, text in each.items() if part != "name"))
