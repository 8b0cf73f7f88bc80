"""README and docs: what they link to is there, and the commands that they show are commands with these options."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from srt_core.commands.main import app

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "ARCHITECTURE.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
LINK = re.compile(r"\]\((?!https?://|#)([^)\s]+)\)")
SHOWN = re.compile(r"^    srt (.*?)(?:  +#.*)?$", re.MULTILINE)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_a_page_links_to_is_there(page: Path) -> None:
    """Every link and picture that is not of another site is a file, from the folder of the page."""
    links = LINK.findall(page.read_text("utf-8"))
    missing = [link for link in links if not (page.parent / link.partition("#")[0]).exists()]
    assert not missing


def shown(page: Path) -> Iterator[list[str]]:
    """The commands that a page shows as code, with lines that go on joined and those that follow each other apart."""
    text = page.read_text("utf-8").replace("\\\n", " ").replace(" && ", "\n    ")
    yield from (command.split() for command in SHOWN.findall(text))


def options_of(words: list[str]) -> set[str]:
    """The options of the command that words begin with; AssertionError where they begin with none."""
    command: Any = typer.main.get_command(app)
    context = typer.Context(command)
    while hasattr(command, "list_commands"):
        word = words.pop(0)
        if word == "COMMAND":  # any
            return {"--help"}
        command = command.get_command(context, word)
        assert command is not None, f"there is no srt {word}"
    return {name for each in command.params for name in (*each.opts, *each.secondary_opts)} | {"--help"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_commands_of_a_page_are_there(page: Path) -> None:
    """Each is a command of srt, and every option that stands behind it is one of its own."""
    for words in shown(page):
        asked = {word.partition("=")[0] for word in words if re.fullmatch(r"--[a-z][a-z-]*(=.*)?", word)}
        assert asked <= options_of(list(words)), f"srt {' '.join(words)}"
