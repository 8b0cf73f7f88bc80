"""A chat template is a program in another's file. It is run in a process of its own, with bounds the kernel keeps.

Jinja's sandbox keeps a template from the interpreter, not from using it up: `7 ** (10 ** 8)` alone holds every thread
of a process for minutes. So one process a program renders all conversations, one after the other. It is given no
environment variable of ours, starts at the first conversation, and ends with its input; when it goes beyond a bound it
is gone, and the next conversation starts another.

    SECONDS       processor time of a conversation, on any machine however busy
    BYTES         memory of the process, which has 120 MB of its own (kept by Linux alone)
    most_written  characters of a conversation's text
"""

import atexit
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from threading import Lock
from typing import Any

from srt_core.errors import SRTError
from srt_core.score.student.failures import short_reason

SECONDS = 2
BYTES = 2**30

_KEPT = ("HOME", "LD_LIBRARY_PATH", "PATH")
"""Environment variables that Python and its libraries may need."""
_START = "from srt_core.score.student.rendering import serve; serve()"
_FAILURES = (
    *(ArithmeticError, AssertionError, AttributeError, LookupError, MemoryError),
    *(OSError, RuntimeError, TypeError, ValueError),
)
"""What the code of a chat template may raise, besides the errors of its own language."""


class RefusedError(SRTError):
    """The template raised an error, or wrote too much; the message is its reason."""


class BeyondBoundsError(SRTError):
    """The template was stopped; the message says what it did."""


def most_written(messages: Sequence[Mapping[str, str]]) -> int:
    """Return how many characters a template may make of these messages: room for any frame, and for escapes."""
    return 100_000 + 4 * sum(len(message["content"]) for message in messages)


class Renderer:
    """The process that renders. Threads take turns."""

    def __init__(self) -> None:
        self._turn = Lock()
        self._process: subprocess.Popen[bytes] | None = None

    def text(
        self, template: str, messages: Sequence[Mapping[str, str]], special: Mapping[str, str], *, opened: bool
    ) -> str:
        """Return the text of a conversation.

        Args:
            template: the chat template, in Jinja.
            messages: the conversation.
            special: the tokenizer's special tokens, which a template may write.
            opened: up to where the assistant's next answer begins.

        Raises:
            RefusedError: the template fails on this conversation, or writes too much.
            BeyondBoundsError: it was stopped.
        """
        request = {"template": template, "messages": list(messages), "special": dict(special), "opened": opened}
        with self._turn:
            reply = self._answer(_line(request))
        if "refused" in reply:
            raise RefusedError(reply["refused"])
        return str(reply["text"])

    @property
    def pid(self) -> int | None:
        """The process that runs at the moment; None where none does."""
        return self._process.pid if self._process else None

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            _end(self._process)
            self._process = None

    def _answer(self, request: bytes) -> Mapping[str, Any]:
        # Whatever comes between a request and its whole reply ends the process: the next reply is of the next request.
        process, self._process = self._process or _started(), None
        try:
            reply = _exchanged(process, request)
            if not reply.endswith(b"\n"):
                raise BeyondBoundsError(_said_of(process.wait()))
            self._process = process
        finally:
            if self._process is None:
                _end(process)
        return _read(reply)


def _started() -> subprocess.Popen[bytes]:
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    own = {"PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, "-c", _START],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**kept, **own},
        start_new_session=True,  # Ctrl-C is for the program that asks
    )


def _exchanged(process: subprocess.Popen[bytes], request: bytes) -> bytes:
    """Return the line that a request is answered with, or what came of it."""
    assert process.stdin is not None and process.stdout is not None
    try:
        process.stdin.write(request)
        process.stdin.flush()
    except BrokenPipeError:
        return b""
    return process.stdout.readline()


def _line(message: Mapping[str, Any]) -> bytes:
    return json.dumps(message, ensure_ascii=False).encode(errors="surrogatepass") + b"\n"


def _read(line: bytes) -> Mapping[str, Any]:
    return dict(json.loads(line.decode(errors="surrogatepass")))


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.communicate()


def _said_of(status: int) -> str:
    from signal import SIGPROF

    if status == -SIGPROF:
        return f"it took more than {SECONDS} s of processor time"
    return f"the process that it ran in ended ({status})"


def serve() -> None:
    """Answer each line of the input, a conversation, with its text or the reason why there is none."""
    import resource
    from signal import ITIMER_PROF, setitimer

    import transformers.utils.chat_template_utils  # noqa: F401  # its time is not the template's

    resource.setrlimit(resource.RLIMIT_DATA, (BYTES, BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for line in sys.stdin.buffer:
        setitimer(ITIMER_PROF, SECONDS)  # its signal ends a process, whatever that is at
        reply = _rendered(_read(line))
        setitimer(ITIMER_PROF, 0)
        sys.stdout.buffer.write(_line(reply))
        sys.stdout.buffer.flush()


def _rendered(request: Mapping[str, Any]) -> Mapping[str, str]:
    from jinja2 import TemplateError
    from transformers.utils.chat_template_utils import render_jinja_template

    render: Any = render_jinja_template
    try:
        texts, _ = render(
            conversations=[request["messages"]],
            chat_template=request["template"],
            add_generation_prompt=request["opened"],
            **request["special"],
        )
    except (TemplateError, *_FAILURES) as error:
        return {"refused": short_reason(error)}
    most = most_written(request["messages"])
    if len(texts[0]) > most:
        return {"refused": f"it writes {len(texts[0]):,} characters, and {most:,} is the most for these texts"}
    return {"text": texts[0]}


RENDERER = Renderer()
"""The one of this program."""
atexit.register(RENDERER.close)
