"""A teacher on 127.0.0.1 that answers every reflection prompt with a reply made from the prompt itself.

The same prompt always gets the same reply. One prompt in six gets a reply that is refused, another one in six gets one
at its first call only.
"""

import hashlib
import json
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from srt_core.prompts import ParsedReflection, Prompts, parse_reply, section_keys
from srt_core.records import Pair, Stage
from srt_core.teacher import Ask, Reply, record_reply
from tests.fault_server import FaultHandler, FaultServer, completion, failure
from tests.small_project import texts, write_lines

ALWAYS_REFUSED, REFUSED_ONCE = 0, 1


def kind(request: str) -> int:
    """Which of six kinds of prompt this is."""
    return hashlib.sha256(request.encode()).digest()[0] % 6


def reply_text(request: str, attempt: int) -> str:
    """Write the reply to a reflection prompt; `attempt` counts from 1."""
    if kind(request) == ALWAYS_REFUSED or (kind(request) == REFUSED_ONCE and attempt == 1):
        return f"I would rather not, at attempt {attempt}."
    seed = hashlib.sha256(request.encode()).digest()
    stage = Stage.INSTRUCTION if "<new_instruction>" in request else Stage.RESPONSE
    return "\n".join(
        f"<{key}>\n{texts(seed[1] * 256 + seed[2], 4 + seed[3] % 9)} {key}\n</{key}>" for key in section_keys(stage)
    )


def record_replies(path: Path, prompts: Prompts, pairs: Iterable[Pair]) -> Path:
    """Write the replies to everything that could be asked about these originals, as recorded at the second try."""
    lines = []
    for original in pairs:
        for stage, pair in _asked(prompts, original):
            ask = Ask(prompts.messages(stage, pair), stage, pair)
            reply = Reply(reply_text(ask.messages[-1]["content"], 2), "stop", "m-1", None, None, 0.0)
            lines.append(record_reply(ask, reply))
    return write_lines(path, lines)


def _asked(prompts: Prompts, original: Pair) -> Iterator[tuple[Stage, Pair]]:
    yield from ((stage, original) for stage in Stage)
    text = reply_text(prompts.messages(Stage.INSTRUCTION, original)[-1]["content"], 2)
    parsed = parse_reply(Stage.INSTRUCTION, text, "stop", original)
    if isinstance(parsed, ParsedReflection):
        yield Stage.RESPONSE, parsed.pair


class TeachingHandler(FaultHandler):
    """Answers a chat completion request with the reply to its last message."""

    server: "TeachingServer"

    def do_POST(self) -> None:
        """Reply, or refuse the key once the server has given all the replies it has."""
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        request = str(body["messages"][-1]["content"])
        with self.server.lock:
            self.server.calls[request] += 1
            attempt = self.server.calls[request]
            is_spent = self.server.calls.total() > self.server.replies_left
        time.sleep(self.server.delay_seconds)
        try:
            if is_spent:
                self.send_json(401, failure("invalid_api_key", "No more."))
            else:
                self.send_json(200, completion(reply_text(request, attempt)))
        except ConnectionError:
            self.close_connection = True  # the client was killed


class TeachingServer(FaultServer):
    """Counts calls by the last message of the request."""

    def __init__(self) -> None:
        super().__init__()
        self.RequestHandlerClass = TeachingHandler
        self.replies_left = 1_000_000
        self.delay_seconds = 0.0


@contextmanager
def running_teaching_server() -> Iterator[TeachingServer]:
    """Run a teaching server in a thread for as long as the block lasts."""
    with TeachingServer() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
