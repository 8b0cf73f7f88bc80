"""Work that is ended amid: a process imports what the work needs once, and forks one that does it each time."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
INTERRUPTED = 130

# The child says its number first. Nothing in the process that forks may have started a thread.
FORK = """
{imports}
import os, sys, traceback
for _ in sys.stdin:
    if (child := os.fork()) == 0:
        print(os.getpid(), flush=True)
        try:
{work}
        except KeyboardInterrupt:
            os._exit({interrupted})
        except BaseException:
            traceback.print_exc()  # the exit below would hide it
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(1)
    ended = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    print("ended", ended, flush=True)
"""


@dataclass(frozen=True, slots=True)
class Worker:
    """A process that does the work as often as it is asked to."""

    process: subprocess.Popen[str]

    def end_at(self, lines: int, seconds: float = 0.0, by: signal.Signals = signal.SIGKILL) -> int:
        """Do the work, wait for so many lines of it and a little more, send a signal; return the exit code."""
        assert self.process.stdin is not None and self.process.stdout is not None
        print(file=self.process.stdin, flush=True)
        number = int(self.process.stdout.readline())
        for _ in range(lines):
            line = self.process.stdout.readline()
            assert "ended" not in line, "it was done before"
        time.sleep(seconds)  # so that the signal hits any moment; nothing waits for this
        os.kill(number, by)
        for line in self.process.stdout:
            if "ended" in line:  # perhaps behind the half of a line that the child was saying
                return int(line.split()[-1])
        raise AssertionError("the process that forks has ended")


@contextmanager
def worker(imports: str, work: str, *arguments: object, package: Path = ROOT) -> Iterator[Worker]:
    """Start a process for work that prints a line for each step, with `sys.argv[1:]` as given.

    `package` is the folder of the `srt_core` that it imports.
    """
    indented = "\n".join(" " * 12 + line for line in work.strip().splitlines())
    script = FORK.format(imports=imports, work=indented, interrupted=INTERRUPTED)
    command = [sys.executable, "-c", script, *map(str, arguments)]
    environment = {**os.environ, "PYTHONPATH": str(package)}
    with subprocess.Popen(
        command, cwd=package, env=environment, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        try:
            yield Worker(process)
        finally:
            process.kill()
