"""A chat endpoint on 127.0.0.1 that misbehaves on request: the first part of the path says how."""

import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def completion(content: object, finish_reason: object = "stop", **more: object) -> dict[str, object]:
    """Write the body of a chat completion."""
    choice = {"index": 0, "finish_reason": finish_reason, "message": {"role": "assistant", "content": content}}
    usage = {"prompt_tokens": 7, "completion_tokens": 5, "total_tokens": 12}
    return {
        "id": "c1",
        "object": "chat.completion",
        "created": 0,
        "model": "m-1",
        "choices": [choice],
        "usage": usage,
    } | more


def failure(code: str, message: str) -> dict[str, object]:
    """Write the body of an error."""
    return {"error": {"message": message, "type": "error", "code": code, "param": None}}


BODIES: dict[str, tuple[int, object]] = {
    "good": (200, completion("Hello.")),
    "parts": (200, completion([{"type": "text", "text": "Hel"}, {"type": "text", "text": "lo."}])),
    "image_part": (200, completion([{"type": "image_url", "image_url": {"url": "x"}}])),
    "length": (200, completion("Hel", "length")),
    "nothing_written": (200, completion(None, "length")),
    "filtered": (200, completion(None, "content_filter")),
    "no_usage": (200, completion("Hello.", None, usage=None, model=None)),
    "null": (200, None),
    "a_list": (200, [1, 2]),
    "no_choices": (200, completion("") | {"choices": []}),
    "null_choice": (200, completion("") | {"choices": [None]}),
    "odd_choices": (200, completion("") | {"choices": {"a": 1}}),
    "odd_message": (200, completion("") | {"choices": [{"message": "Hello."}]}),
    "null_content": (200, completion(None)),
    "number_content": (200, completion(3)),
    "half_surrogate": (200, completion("\ud83d")),
    "error_with_200": (200, failure("overloaded", "Too busy.")),
    "unknown_model": (404, failure("model_not_found", "The model `m` does not exist.")),
    "forbidden": (403, failure("forbidden", "Not for you.")),
    "quota": (429, failure("insufficient_quota", "You exceeded your current quota.")),
    "rate_limit": (429, failure("rate_limit_exceeded", "Slow down.")),
    "too_long": (400, failure("context_length_exceeded", "Too many tokens.")),
    "odd_setting": (400, failure("unsupported_parameter", "Use 'max_completion_tokens' instead.")),
}
"""Behaviours that are nothing but a status and a JSON body."""


class FaultHandler(BaseHTTPRequestHandler):
    """Answers a POST to /BEHAVIOUR/v1/chat/completions."""

    server: "FaultServer"

    def do_POST(self) -> None:  # noqa: N802 - the name that http.server calls
        """Keep the request, then behave as the path says."""
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        behaviour = self.path.split("/")[1]
        with self.server.lock:
            self.server.requests.append(body)
            self.server.calls[behaviour] += 1
        special: dict[str, Callable[[], None]] = {
            "echo_key": self.echo_key,
            "long_echo_key": lambda: self.echo_key("x" * 190),
            "answer_key": lambda: self.send_json(200, completion(f"It is {self.headers['Authorization']}.")),
            "once_500": self.fail_once,
            "html_503": lambda: self.send(503, "text/html", b"<html><h1>Busy</h1></html>"),
            "html_200": lambda: self.send(200, "text/html", b"<html><h1>Sign in</h1></html>"),
            "broken_json": lambda: self.send(200, "application/json", b'{"choices": ['),
            "deep_json": lambda: self.send(200, "application/json", b"[" * 100_000),
            "no_utf8": lambda: self.send(200, "application/json", b'{"choices": "\xff\xfe"}'),
            "cut_body": self.cut_body,
            "slow": lambda: self.hold(self.server.ends),
            "trickle": self.trickle,
        }
        try:
            special.get(behaviour, lambda: self.send_json(*BODIES[behaviour]))()
        except ConnectionError:
            self.close_connection = True  # the client has given up, as some tests want

    def send(self, status: int, content_type: str, body: bytes) -> None:
        """Send a whole answer. Errors ask for no wait before a retry."""
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Retry-After-Ms", "1")
        self.end_headers()
        self.wfile.write(body)

    def send_json(self, status: int, body: object) -> None:
        """Send a JSON body."""
        self.send(status, "application/json", json.dumps(body).encode())

    def echo_key(self, before: str = "") -> None:
        """Refuse the key and repeat it in the message."""
        self.send_json(401, failure("invalid_api_key", f"{before}Incorrect key: {self.headers['Authorization']}"))

    def fail_once(self) -> None:
        """Fail on the first call only."""
        self.send_json(*((500, failure("server", "Oops.")) if self.server.calls["once_500"] == 1 else BODIES["good"]))

    def cut_body(self) -> None:
        """Promise more bytes than are sent."""
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", "1000")
        self.end_headers()
        self.wfile.write(b'{"choices": [')
        self.close_connection = True

    def hold(self, until: threading.Event) -> None:
        """Give no answer until the server ends."""
        until.wait()
        self.close_connection = True

    def trickle(self) -> None:
        """Send a byte at a time, without end."""
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        while not self.server.ends.wait(0.02):
            self.wfile.write(b" ")
            self.wfile.flush()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


class FaultServer(ThreadingHTTPServer):
    """Keeps the requests it got and counts them by behaviour."""

    request_queue_size = 128
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), FaultHandler)
        self.lock = threading.Lock()
        self.ends = threading.Event()
        self.requests: list[dict[str, object]] = []
        self.calls: Counter[str] = Counter()

    def url(self, behaviour: str) -> str:
        """Name the base URL under which the server behaves like this."""
        return f"http://127.0.0.1:{self.server_port}/{behaviour}/v1"


@contextmanager
def running_fault_server() -> Iterator[FaultServer]:
    """Run a fault server in a thread for as long as the block lasts."""
    with FaultServer() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server
        finally:
            server.ends.set()
            server.shutdown()
            thread.join()
