"""The command line, `srt` or `python -m srt_core`: the same core as the screens.

Progress goes to stderr, results to stdout. Exit codes: 0 done, 1 done with failures listed, 2 not done.
"""

import sys

import typer

from srt_core.commands.app import app_
from srt_core.commands.common import NOT_DONE
from srt_core.commands.decide import decide
from srt_core.commands.export import export_
from srt_core.commands.exports import exports_
from srt_core.commands.people import people
from srt_core.commands.project import init, status_
from srt_core.commands.scorings import scorings_
from srt_core.commands.select import select
from srt_core.commands.step import command_of
from srt_core.commands.terminal import errors
from srt_core.commands.texts import prompts_, templates
from srt_core.commands.trust import trust_
from srt_core.errors import SRTError
from srt_core.steps.steps import STEPS

app = typer.Typer(help=__doc__.splitlines()[0] if __doc__ else "", no_args_is_help=True, add_completion=False,
                  pretty_exceptions_enable=False)  # fmt: skip

app.command()(init)
for step in STEPS.values():
    if step.help:
        app.command(step.name)(command_of(step))
app.command("prompts")(prompts_)
app.add_typer(people, name="people")
app.command("scorings")(scorings_)
app.command()(select)
app.command()(decide)
app.command("export")(export_)
app.command("exports")(exports_)
app.command("status")(status_)
app.command("trust")(trust_)
app.command()(templates)
app.command("app")(app_)


def main() -> None:
    """Run the command line; an SRTError becomes a message on stderr and exit code 2, never a traceback."""
    try:
        app()
    except SRTError as error:
        errors.print(f"Error: {error.message}")
        if error.hint:
            errors.print(error.hint)
        sys.exit(NOT_DONE)
