"""A chat endpoint that answers every request after a fixed time with one reply, some thousand times a second.

    python -m benchmarks.latency_server --latency 0.05

prints its URL and serves until standard input ends. It reads no more of a request than where it ends, in one thread of
a process of its own, so that what is measured against it is the client.
"""

import argparse
import asyncio
import json
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import count
from pathlib import Path

from srt_core.records import Stage
from srt_core.reflect.prompts import placeholder, section_keys

ROOT = Path(__file__).parent.parent
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
MARK = b"#" * 12
"""Stands in a reply for a number, so that no two replies are the same."""
NUMBERS = count()
WORDS = "The answer names one colour and leaves out why it was chosen, which a reader would want to know. "


def reflection_reply(stage: Stage = Stage.RESPONSE) -> str:
    """Write a reply that the parser accepts, of about the length of a real one."""
    return "\n".join(
        f"<{key}>\n{WORDS * (6 if key.startswith('new') else 1)}{placeholder(key)[1:-1]} {MARK.decode()}\n</{key}>"
        for key in section_keys(stage)
    )


def completion_body(text: str) -> bytes:
    """Write the body of a chat completion."""
    choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}
    usage = {"prompt_tokens": 400, "completion_tokens": 200, "total_tokens": 600}
    shown = {"id": "c1", "object": "chat.completion", "created": 0, "model": "m-1", "choices": [choice], "usage": usage}
    return json.dumps(shown).encode()


class Connection(asyncio.Protocol):
    """One connection that stays open. Requests on it come one after the other."""

    def __init__(self, answers: Mapping[Stage, bytes], latency: float) -> None:
        self._answers = answers
        self._latency = latency
        self._received = bytearray()
        self._needed = 0
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer once a request is whole."""
        self._received += data
        if not self._needed:
            head = self._received.find(b"\r\n\r\n")
            if head < 0:
                return
            length = LENGTH.search(self._received, 0, head)
            self._needed = head + 4 + (int(length[1]) if length else 0)
        if len(self._received) >= self._needed:
            is_instruction = self._received.find(b"new_instruction", 0, self._needed) >= 0
            del self._received[: self._needed]
            self._needed = 0
            template = self._answers[Stage.INSTRUCTION if is_instruction else Stage.RESPONSE]
            answer = template.replace(MARK, b"%012d" % next(NUMBERS))
            self._loop.call_later(self._latency, self._send, answer)

    def _send(self, answer: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(answer)


def _answer(body: bytes) -> bytes:
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


async def serve(port: int, latency: float) -> None:
    """Serve until standard input ends."""
    answers = {stage: _answer(completion_body(reflection_reply(stage))) for stage in Stage}
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(answers, latency), "127.0.0.1", port, backlog=1024)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1", flush=True)
    await loop.run_in_executor(None, sys.stdin.buffer.read)
    server.close()


@contextmanager
def running_latency_server(latency: float) -> Iterator[str]:
    """Run a server in a process of its own for as long as the block lasts; give its URL."""
    command = [sys.executable, "-m", "benchmarks.latency_server", "--latency", str(latency)]
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin is not None and process.stdout is not None
    with process:
        try:
            yield process.stdout.readline().strip()
        finally:
            process.stdin.close()


def main() -> None:
    """Serve."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.latency_server")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--latency", type=float, default=0.05, help="seconds before each answer")
    given = parser.parse_args()
    asyncio.run(serve(given.port, given.latency))


if __name__ == "__main__":
    main()
