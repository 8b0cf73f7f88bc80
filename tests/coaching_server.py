"""A coach on 127.0.0.1: it reads the pair of each request, and revises it by a function that the test gives."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from srt_core.records import Pair
from srt_core.reflect.coach.wording import reply_text

_PAIR = "The pair to revise: "


@dataclass
class Coaching:
    """What was asked: the text of each request, in the order in which they came."""

    url: str = ""
    asked: list[str] = field(default_factory=list)

    def pairs(self) -> list[str]:
        """The instructions that a revision was asked for of."""
        return [read_pair(text).instruction for text in self.asked]


def read_pair(text: str) -> Pair:
    """The pair that a request shows last."""
    parts = json.JSONDecoder().raw_decode(text[text.rindex(_PAIR) + len(_PAIR) :])[0]
    return Pair(parts["instruction"], parts["response"], parts["input"])


@contextmanager
def coaching(revise: Callable[[Pair], Pair | str]) -> Iterator[Coaching]:
    """Run the coach for as long as the block lasts; a text that `revise` gives is the reply as it is."""
    found = Coaching()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            text = asked["messages"][-1]["content"]
            found.asked.append(text)
            revised = revise(read_pair(text))
            reply = revised if isinstance(revised, str) else reply_text(revised)
            choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": reply}}
            usage = {"prompt_tokens": 7, "completion_tokens": 5}
            body = json.dumps({"model": "c-1", "choices": [choice], "usage": usage}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    found.url = f"http://127.0.0.1:{server.server_port}/v1"
    try:
        yield found
    finally:
        server.shutdown()
        server.server_close()
