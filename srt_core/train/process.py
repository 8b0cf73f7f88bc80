"""Starts the process that trains, and passes on what it says."""

import json
import os
import queue
import shlex
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from srt_core.errors import StudentError
from srt_core.train.folder import RunFolder

WORKER = "srt_core.train.worker"
LOOK_SECONDS = 0.2
ROOT = Path(__file__).parents[2]

Event = Mapping[str, Any]
"""What the process says: its kind under `event`, and values."""


def walk_worker(
    folder: RunFolder, should_stop: Callable[[], bool], *, launcher: str = "", is_measured: bool = False
) -> Iterator[Event]:
    """Start the process and yield what it says; once `should_stop`, it is asked to write a checkpoint and end.

    `launcher`: the command that starts it in place of Python, such as `accelerate launch --num_processes 2`. Closing
    the iterator ends the process at once.

    Raises:
        StudentError: it failed, or ended without a word.
    """
    begin = [*shlex.split(launcher), "-m"] if launcher else [sys.executable, "-m"]
    command = [*begin, WORKER, str(folder.path), "--watched", *(["--measure"] if is_measured else [])]
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "TOKENIZERS_PARALLELISM": "false"}
    with folder.log.open("ab") as log:
        try:
            process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, env=environment
            )
        except OSError as error:
            raise StudentError(f"{command[0]} cannot be started: {error.strerror}.", "Correct --launcher.") from error
    try:
        yield from _listen(process, folder, should_stop)
    finally:
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe:
                pipe.close()


def _listen(process: "subprocess.Popen[bytes]", folder: RunFolder, should_stop: Callable[[], bool]) -> Iterator[Event]:
    said: queue.Queue[bytes | None] = queue.Queue()
    threading.Thread(target=_read, args=(process, said), name="srt-training", daemon=True).start()
    is_asked, is_over = False, False
    while True:
        if not is_asked and should_stop():
            process.terminate()
            is_asked = True
        try:
            line = said.get(timeout=LOOK_SECONDS)
        except queue.Empty:
            continue
        if line is None:
            break
        event = json.loads(line)
        if event["event"] == "failed":
            raise StudentError(event["message"], event["hint"])
        is_over = event["event"] in ("done", "stopped", "measured")
        yield event
    code = process.wait()
    if not is_over and not is_asked:
        words = folder.last_words()
        raise StudentError(
            f"The process that trains ended with {code}" + (f": {words}" if words else "."), f"Look into {folder.log}."
        )


def _read(process: "subprocess.Popen[bytes]", said: "queue.Queue[bytes | None]") -> None:
    if process.stdout:
        for line in process.stdout:
            said.put(line)
    said.put(None)
