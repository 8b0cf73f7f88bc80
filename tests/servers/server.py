"""The fault server: a threaded server on 127.0.0.1 that does what the first part of the path says.

The path is /BEHAVIOUR[/TAG]/v1/chat/completions, or /files and /batches in place of the last two parts. BEHAVIOUR is

- a name of ANSWERS or of WIRE_FAULTS, such as `good`, `teach`, `rate_limit`, `trickle`;
- several names with commas between them: the first call of a question gets the first, the last one is repeated;
- `mixture`: for each call a fault with some probability, else a lesson (see Mixture);
- for the Batch API a name of BATCH_FAULTS, or anything else for one that works.

A TAG is any text. It makes a server that several tests share start counting calls again.
"""

import contextlib
import hashlib
import json
import socket
import struct
import sys
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TypeVar
from urllib.parse import parse_qsl, urlsplit

from tests.servers.answers import ANSWERS, Answer, Call, answer, refuse
from tests.servers.batches import BatchDesk, Posted
from tests.servers.ledger import Entry, Ledger
from tests.servers.lessons import read_question, reply_text, user_text

TRANSIENT = (
    "error_500",
    "empty_502",
    "html_503",
    "overloaded",
    "rate_limit",
    "retry_ms",
    "cut_body",
    "reset_before",
    "reset_after_headers",
    "hang_up",
    "html_200",
    "null",
    "broken_json",
    "no_choices",
    "null_content",
    "length",
    "duplicated",
)
"""Faults of one call that another call may not meet: what a mixture draws from where nothing else is said."""
ALIASES = {"once_500": "error_500,good"}
LAST = 1_000_000


@dataclass(frozen=True, slots=True)
class Mixture:
    """Draws a fault for a call by a hash of the question, its attempt and the seed: the same in every run."""

    probability: float = 0.3
    faults: tuple[str, ...] = TRANSIENT
    seed: int = 0

    def draw(self, question: str, attempt: int) -> str:
        """Name the behaviour of this attempt, which counts from 1: a fault, or `teach`."""
        drawn = hashlib.sha256(f"{self.seed} {question} {attempt}".encode()).digest()
        if int.from_bytes(drawn[:8]) >= self.probability * 2**64:
            return "teach"
        return self.faults[int.from_bytes(drawn[8:16]) % len(self.faults)]


@dataclass(frozen=True, slots=True)
class Taken:
    """A chat request taken down. `refused` is the answer to one beyond the cap or the rate."""

    question: str
    attempt: int
    behaviour: str
    refused: Answer | None


class FaultHandler(BaseHTTPRequestHandler):
    """Answers on one connection, which stays open between answers."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: "FaultServer"

    def setup(self) -> None:
        """Keep the connection, so that the server can end it."""
        super().setup()
        with self.server.lock:
            self.server.connections.add(self.connection)

    def finish(self) -> None:
        """Forget the connection."""
        with self.server.lock:
            self.server.connections.discard(self.connection)
        super().finish()

    def do_POST(self) -> None:  # noqa: N802 - the name that http.server calls
        """Answer a chat request, an upload, or what is asked about a batch."""
        self._serve("POST", self._read_body())

    def do_GET(self) -> None:  # noqa: N802 - the name that http.server calls
        """Answer what is asked about models, files and batches."""
        self._serve("GET", b"")

    def do_DELETE(self) -> None:  # noqa: N802 - the name that http.server calls
        """Delete a file."""
        self._serve("DELETE", b"")

    def _serve(self, method: str, body: bytes | None) -> None:
        if body is None:
            self.close_connection = True  # the client went away before it had asked
            return
        with self.server.counting():
            try:
                self._route(method, body)
            except ConnectionError:
                self.close_connection = True  # the client has given up, as some tests want

    def _read_body(self) -> bytes | None:
        """Read the whole body; None where it ends early."""
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            return self._read_chunks()
        length = int(self.headers.get("Content-Length", "0"))
        body = self.rfile.read(length)
        return body if len(body) == length else None

    def _read_chunks(self) -> bytes | None:
        chunks = []
        while size := int(self.rfile.readline().strip() or b"-1", 16):
            if size < 0:
                return None
            chunks.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(chunks)

    def _route(self, method: str, body: bytes) -> None:
        address = urlsplit(self.path)
        before, _, endpoint = address.path.strip("/").partition("/v1/")
        behaviour = before.split("/")[0]
        steps = endpoint.split("/")
        if method == "POST" and endpoint == "chat/completions":
            self._chat(before, body)
        elif method == "GET" and endpoint == "models":
            self.server.listings += 1
            self.send(answer(200, {"object": "list", "data": [{"id": name} for name in self.server.models]}))
        elif steps[0] in ("files", "batches"):
            posted = Posted(self.headers.get("Content-Type", ""), body)
            served = self.server.batches.serve(method, behaviour, steps, dict(parse_qsl(address.query)), posted)
            self.send(served)
            self.server.note_served(behaviour, body, served, steps)
        else:
            self.send(refuse(404, None, f"Invalid URL ({method} {address.path})"))

    def _chat(self, before: str, body: bytes) -> None:
        """Answer a chat request as the path says, and write down an answer that was sent to its end."""
        try:
            asked = json.loads(body)
        except ValueError:
            asked = None
        if not isinstance(asked, dict):
            self.send(refuse(400, None, "We could not parse the JSON body of your request."))
            return
        taken = self.server.take(before, asked)
        time.sleep(self.server.delay_seconds)
        call = self.server.call(asked, taken.attempt, self.headers.get("Authorization", ""))
        given = self.send(taken.refused) if taken.refused else self._behave(taken.behaviour, call)
        if given is not None:
            self.server.note(taken, body, given)

    def _behave(self, behaviour: str, call: Call) -> Answer | None:
        """Answer; None where no whole answer was sent."""
        if behaviour in WIRE_FAULTS:
            return WIRE_FAULTS[behaviour](self, call)
        if behaviour not in ANSWERS:
            return self.send(refuse(404, None, f"The fault server knows no behaviour {behaviour!r}."))
        return self.send(ANSWERS[behaviour](call))

    def send(self, given: Answer) -> Answer:
        """Send a whole answer."""
        self.put(rendered(given))
        return given

    def put(self, wire: bytes) -> None:
        """Send bytes."""
        self.wfile.write(wire)
        self.wfile.flush()

    def reset(self) -> None:
        """End the connection by RST."""
        with self.server.lock:
            self.server.connections.discard(self.connection)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        socket.close(self.connection.detach())
        self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


def rendered(given: Answer, version: str = "HTTP/1.1", *, with_length: bool = True) -> bytes:
    """Write an answer as it goes over the wire."""
    known = {status.value: status.phrase for status in HTTPStatus}
    lines = [f"{version} {given.status} {known.get(given.status, 'Unknown')}"]
    if given.status != HTTPStatus.NO_CONTENT:
        lines.append(f"Content-Type: {given.content_type}")
        lines += [f"Content-Length: {len(given.body)}"] if with_length else []
    lines += [f"{name}: {value}" for name, value in given.headers]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + given.body


def _hold(handler: FaultHandler, call: Call) -> None:
    """Return no answer until the server ends, or for as long as it holds."""
    handler.server.ends.wait(handler.server.hold_seconds)
    handler.close_connection = True


def _trickle(handler: FaultHandler, call: Call) -> None:
    """Send a byte at a time."""
    handler.close_connection = True
    handler.put(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n")
    until = time.monotonic() + (handler.server.hold_seconds or LAST)
    handler.put(b" ")
    while not handler.server.ends.wait(0.02) and time.monotonic() < until:
        handler.put(b" ")


def _cut_body(handler: FaultHandler, call: Call) -> None:
    """Promise more bytes than are sent."""
    handler.close_connection = True
    handler.put(rendered(ANSWERS["good"](call))[:-20])


def _hang_up(handler: FaultHandler, call: Call) -> None:
    """Close without a word."""
    handler.close_connection = True


def _reset_before(handler: FaultHandler, call: Call) -> None:
    """Reset the connection without a word."""
    handler.reset()


def _reset_after_headers(handler: FaultHandler, call: Call) -> None:
    """Reset the connection within the body."""
    handler.put(rendered(ANSWERS["good"](call))[:-20])
    time.sleep(0.02)  # what the client has not read by then is lost to it
    handler.reset()


def _closing(handler: FaultHandler, call: Call) -> Answer:
    """Answer by HTTP/1.0: the end of the connection is the end of the body."""
    handler.close_connection = True
    given = ANSWERS["good"](call)
    handler.put(rendered(given, "HTTP/1.0", with_length=False))
    return given


def _early_hints(handler: FaultHandler, call: Call) -> Answer:
    """Answer after an answer that is none yet."""
    handler.put(b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n")
    return handler.send(ANSWERS["good"](call))


def _chunks(body: bytes) -> bytes:
    pieces = [body[start : start + 40] for start in range(0, len(body), 40)]
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)


CHUNKED_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"


def _chunked(handler: FaultHandler, call: Call) -> Answer:
    """Answer in chunks."""
    given = ANSWERS["good"](call)
    handler.put(CHUNKED_HEAD + _chunks(given.body) + b"0\r\n\r\n")
    return given


def _cut_chunks(handler: FaultHandler, call: Call) -> None:
    """Answer in chunks, and close before the last one."""
    handler.close_connection = True
    handler.put(CHUNKED_HEAD + _chunks(ANSWERS["good"](call).body))


def _extra_answer(handler: FaultHandler, call: Call) -> Answer:
    """Send an answer that nobody asked for right behind the one that was asked for."""
    given = ANSWERS["good"](call)
    handler.put(rendered(given) + rendered(answer(200, {"choices": []})))
    return given


def _slow_answer(handler: FaultHandler, call: Call) -> Answer | None:
    """Answer as usual, after half a second."""
    return None if handler.server.ends.wait(0.5) else handler.send(ANSWERS["good"](call))


WIRE_FAULTS: dict[str, Callable[[FaultHandler, Call], Answer | None]] = {
    "slow": _hold,
    "slow_answer": _slow_answer,
    "trickle": _trickle,
    "cut_body": _cut_body,
    "hang_up": _hang_up,
    "reset_before": _reset_before,
    "reset_after_headers": _reset_after_headers,
    "http10": _closing,
    "early_hints": _early_hints,
    "chunked": _chunked,
    "cut_chunks": _cut_chunks,
    "extra_answer": _extra_answer,
}
"""Behaviours that are more, or less, than one whole answer."""


class FaultServer(ThreadingHTTPServer):
    """Keeps the requests it got and counts them.

    Its settings may be changed at any time: `mixture`; `delay_seconds` before each answer; `hold_seconds`, after which
    a call that gets no answer is closed; `replies_left`, the number of calls after which the key is refused;
    `requests_per_minute`, beyond which calls get 429, and `window_seconds`, how long that minute is; `honours_schema`,
    whether `teach` replies in JSON where a schema is asked for; `refuses`, whether some lessons are refused replies.
    """

    request_queue_size = 128
    daemon_threads = True

    def __init__(self, *, port: int = 0, ledger: Path | None = None, always: str | None = None) -> None:
        super().__init__(("127.0.0.1", port), FaultHandler)
        self.lock = threading.Lock()
        self._idle = threading.Condition(self.lock)
        self.ends = threading.Event()
        self.always = always
        self.mixture = Mixture()
        self.delay_seconds = 0.0
        self.hold_seconds: float | None = None
        self.replies_left = LAST
        self.requests_per_minute = LAST
        self.window_seconds = 60.0
        self.honours_schema = False
        self.refuses = True
        self.models = ["m-1"]
        self.listings = 0
        """How often the list of models was asked for."""
        self.ledger = Ledger(ledger)
        self.batches = BatchDesk(self._answer_line)
        self.connections: set[socket.socket] = set()
        self.requests: list[dict[str, object]] = []
        self.calls_by_path: Counter[str] = Counter()
        self.attempts: Counter[str] = Counter()
        """Chat requests begun, by question."""
        self.begun = 0
        self.finished = 0
        """Requests begun at any address, and those whose whole answer was sent."""
        self.running = 0
        self.most_at_once = 0
        self.crashes: list[BaseException] = []
        self._visits: Counter[tuple[str, str]] = Counter()
        self._taken: deque[float] = deque()

    def url(self, behaviour: str, tag: str = "") -> str:
        """Name the base URL under which the server behaves like this."""
        return f"http://127.0.0.1:{self.server_port}/{behaviour}{'/' if tag else ''}{tag}/v1"

    @contextmanager
    def counting(self) -> Iterator[None]:
        """Count a request while it is answered."""
        with self.lock:
            self.begun += 1
            self.running += 1
            self.most_at_once = max(self.most_at_once, self.running)
        try:
            yield
        finally:
            with self._idle:
                self.running -= 1
                self._idle.notify_all()

    def settle(self, seconds: float = 60) -> None:
        """Wait until nothing is under way: a client has an answer a moment before the ledger has it."""
        with self._idle:
            self._idle.wait_for(lambda: not self.running, seconds)

    @property
    def calls(self) -> Counter[str]:
        """Chat requests begun, by the first part of the path."""
        return self.calls_by_path

    def take(self, before: str, asked: dict[str, object]) -> Taken:
        """Take down a chat request, and choose what it gets."""
        question = read_question(user_text(asked.get("messages"))).key
        path = before.split("/", maxsplit=1)[0]
        with self.lock:
            self.requests.append(asked)
            self.calls_by_path[path] += 1
            self.attempts[question] += 1
            self._visits[before, question] += 1
            attempt, visit = self.attempts[question], self._visits[before, question]
            refused = self._refusal()
        if refused:
            return Taken(question, attempt, "limits", refused)
        names = (self.always or ALIASES.get(path, path)).split(",")
        name = names[min(visit, len(names)) - 1]
        return Taken(question, attempt, self.mixture.draw(question, attempt) if name == "mixture" else name, None)

    def call(self, asked: Mapping[str, object], attempt: int, authorization: str = "") -> Call:
        """Write what the server would reply to a chat request."""
        request = user_text(asked.get("messages"))
        schema = asked.get("response_format")
        text = reply_text(request, attempt, refuses=self.refuses)
        json_text = text if schema is None else reply_text(request, attempt, refuses=self.refuses, schema=schema)
        usual = json_text if self.honours_schema else text
        return Call(asked, usual, json_text, authorization)

    def _refusal(self) -> Answer | None:
        """Refuse a call beyond the cap or the rate."""
        if self.attempts.total() > self.replies_left:
            return refuse(401, "invalid_api_key", "No more.")
        now = time.monotonic()
        while self._taken and self._taken[0] <= now - self.window_seconds:
            self._taken.popleft()
        if len(self._taken) < self.requests_per_minute:
            self._taken.append(now)
            return None
        wait = self._taken[0] + self.window_seconds - now
        headers = (
            ("Retry-After", str(int(wait) + 1)),
            ("Retry-After-Ms", str(int(wait * 1000) + 1)),
            ("x-ratelimit-limit-requests", str(self.requests_per_minute)),
            ("x-ratelimit-remaining-requests", "0"),
            ("x-ratelimit-reset-requests", f"{int(wait * 1000) + 1}ms"),
        )
        return refuse(429, "rate_limit_exceeded", f"Limit {self.requests_per_minute} requests a minute.", headers)

    def note(self, taken: Taken, body: bytes, given: Answer) -> None:
        """Write down an answer that was sent."""
        about = (taken.question, taken.attempt, given.reply)
        self._note([Entry(time.time(), taken.behaviour, given.status, _sha256(body), *about)])

    def note_served(self, behaviour: str, body: bytes, given: Answer, steps: list[str]) -> None:
        """Write down what was sent about files and batches; with a file of output, each line of it."""
        entries = [Entry(time.time(), behaviour, given.status, _sha256(body), "", 0, None)]
        if steps[2:] == ["content"]:
            for asked, line in self.batches.answers.get(steps[1], []):
                question = read_question(user_text(asked.get("messages"))).key
                hashed = _sha256(json.dumps(asked, sort_keys=True).encode())
                attempt = self.attempts[question]
                entries.append(Entry(time.time(), "batch_line", line.status, hashed, question, attempt, line.reply))
        self._note(entries)

    def _note(self, entries: list[Entry]) -> None:
        self.ledger.add(entries)
        with self.lock:
            self.finished += 1

    def _answer_line(self, asked: Mapping[str, object]) -> Answer:
        """Answer one line of a batch."""
        question = read_question(user_text(asked.get("messages"))).key
        with self.lock:
            self.attempts[question] += 1
            attempt = self.attempts[question]
        return ANSWERS["teach"](self.call(asked, attempt))

    def handle_error(self, request: object, client_address: object) -> None:
        """Keep what went wrong in the server itself; a client that went away is nothing wrong."""
        error = sys.exception()
        if error is not None and not isinstance(error, ConnectionError):
            self.crashes.append(error)

    def end(self) -> None:
        """End what is under way: calls that are held, and connections that clients keep open."""
        self.ends.set()
        self.shutdown()
        self.settle()
        with self.lock:
            for connection in self.connections:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)


def _sha256(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


Server = TypeVar("Server", bound=FaultServer)


@contextmanager
def running(server: Server) -> Iterator[Server]:
    """Run a server in a thread for as long as the block lasts.

    Raises:
        BaseExceptionGroup: the server itself failed at something.
    """
    with server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server
        finally:
            server.end()
            thread.join()
    if server.crashes:
        raise BaseExceptionGroup("The fault server failed", server.crashes)
