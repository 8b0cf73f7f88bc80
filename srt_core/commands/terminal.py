"""What a step looks like in a terminal: a bar that moves, lines where nobody looks."""

import sys
import unicodedata
from collections.abc import Iterator
from contextlib import redirect_stdout

from srt_core.errors import SRTError
from srt_core.project.progress import Progress

LINE_SECONDS = 5.0


_STAYS = "\n\t"
_TURNS = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
"""The characters that turn the direction of what follows."""


def visible(text: str) -> str:
    """Return a text as it may be shown in a terminal: what would steer it is shown as an escape, as in JSON.

    Texts come from files and from teachers; a control character among them could clear the screen, change the title
    of the window or write over the line above.
    """
    return "".join(f"\\u{ord(letter):04x}" if _steers(letter) else letter for letter in text)


def _steers(letter: str) -> bool:
    return letter not in _STAYS and (letter in _TURNS or unicodedata.category(letter) in ("Cc", "Cs"))


def say(text: str, *, nl: bool = True) -> None:
    """Write a result to stdout. Everything that a command writes goes through here or `errors`."""
    print(visible(text), end="\n" if nl else "", flush=True)


class Errors:
    """Where everything goes that is no result: stderr."""

    def print(self, line: str) -> None:
        """Write a line."""
        print(visible(line), file=sys.stderr, flush=True)


errors = Errors()


RESUME = "What was done is kept; the same command goes on from here."


def show(steps: Iterator[Progress], resume: str = RESUME) -> Progress:
    """Walk a step with a progress bar on stderr (lines where that is no terminal); returns the last progress.

    `resume` says how to go on where it is interrupted.
    What libraries print meanwhile goes to stderr too: Ray tells of lost workers on stdout, where results go.
    """
    try:
        with redirect_stdout(sys.stderr):
            return _walk(steps)
    except KeyboardInterrupt:
        raise SRTError("Stopped.", resume) from None


def _walk(steps: Iterator[Progress]) -> Progress:
    from rich.console import Console  # nothing but a step that runs needs it
    from rich.progress import BarColumn, SpinnerColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bar

    console = Console(stderr=True, highlight=False, markup=False, soft_wrap=True)
    last = Progress("")
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[figures]}"),
               TimeElapsedColumn())  # fmt: skip
    with Bar(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=None, figures="")
        printed, message = 0.0, ""
        for last in steps:
            bar.update(task, description=last.unit, completed=last.done, total=last.total, figures=_figures(last))
            if console.is_terminal:
                continue
            if last.elapsed_seconds - printed > LINE_SECONDS:
                printed = last.elapsed_seconds
                errors.print(f"{last.unit}: {_figures(last)}")
            elif last.total is None and not last.done and last.message not in ("", message):
                message = last.message  # before there is anything to count, such as that a student is loaded
                errors.print(message)
    return last


def _figures(progress: Progress) -> str:
    total = f" of {progress.total:,}" if progress.total else ""
    failed = f", {progress.failed:,} failed" if progress.failed else ""
    left = f", {progress.remaining_seconds:.0f} s left" if progress.remaining_seconds else ""
    tokens = f", {progress.tokens:,} tokens" if progress.tokens else ""
    whole = f" of about {progress.total_tokens:,}" if tokens and progress.total_tokens else ""
    spent = f", {progress.spent:,.2f} US dollars spent" if progress.spent is not None else ""
    rate = f", {progress.rate:,.1f} {progress.rate_unit}/s"
    said = f". {visible(progress.message)}" if progress.message else ""
    return f"{progress.done:,}{total}{failed}{tokens}{whole}{spent}{rate}{left}{said}"
