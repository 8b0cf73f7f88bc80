"""Commands as tests run them: in this process, or in one of their own where that is what is tested."""

import io
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest

from srt_core.commands.main import main

ROOT = Path(__file__).parent.parent
DONE, DONE_WITH_FAILURES, NOT_DONE = 0, 1, 2
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "200", "NO_COLOR": "1", "OMP_NUM_THREADS": "1"}

Finished = subprocess.CompletedProcess[str]
Command = Callable[..., Finished]


def srt(*arguments: object, **environment: str) -> Finished:
    """Run a command in a process of its own. Whatever happens, a person never sees a traceback."""
    finished = subprocess.run(
        [sys.executable, "-m", "srt_core", *map(str, arguments)],
        env=ENVIRONMENT | environment,
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    assert "Traceback" not in finished.stderr + finished.stdout, finished.stderr
    assert "Warning" not in finished.stderr and "leaked" not in finished.stderr, finished.stderr
    return finished


def run_main(*arguments: object) -> int:
    """Run a command's main() in this process, which saves the second that a process takes to start."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["srt", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
    code = ended.value.code or 0
    assert isinstance(code, int)
    return code


def called(*arguments: object) -> Finished:
    """Run a command in this process, for what a whole module shares."""
    said, errors = io.StringIO(), io.StringIO()
    with redirect_stdout(said), redirect_stderr(errors):
        code = run_main(*arguments)
    return Finished("srt", code, said.getvalue(), errors.getvalue())


def refused(finished: Finished) -> str:
    """Return what a command said that was not done: exit code 2, nothing on stdout, a message and what to do next."""
    assert (finished.returncode, finished.stdout) == (NOT_DONE, ""), finished
    lines = finished.stderr.splitlines()
    place = next(number for number, line in enumerate(lines) if line.startswith("Error: "))
    assert len(lines) > place + 1, "there is no hint"
    return finished.stderr
