"""The fault server itself, seen by http.client and bare sockets: it does what the name in the path says."""

import gzip
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from srt_core.records import REFLECTIONS, Pair, Stage
from srt_core.reflect.prompts import ParsedReflection, load_prompts, parse_reply, section_keys
from tests.fault_server import (
    ANSWERS,
    ROOT,
    TRANSIENT,
    WIRE_FAULTS,
    FaultServer,
    Mixture,
    read_ledger,
    running_fault_process,
    running_fault_server,
)
from tests.servers.batches import BATCH_FAULTS

PROMPTS = load_prompts()
HELLO = {"model": "m-1", "messages": [{"role": "user", "content": "Say hello."}]}


@pytest.fixture(scope="module")
def server() -> Iterator[FaultServer]:
    with running_fault_server() as running:
        running.hold_seconds = 0.05
        yield running


@pytest.fixture
def own(tmp_path: Path) -> Iterator[FaultServer]:
    """A server of the test's own, with a ledger in a file."""
    with running_fault_server(ledger=tmp_path / "ledger.jsonl") as running:
        yield running


Response = tuple[int, http.client.HTTPMessage, bytes]


def request(url: str, path: str, body: object = None, method: str = "POST", **headers: str) -> Response:
    """Ask on a connection of its own; the body is JSON, or bytes as they are."""
    address = urlsplit(url)
    connection = http.client.HTTPConnection(str(address.hostname), address.port, timeout=20)
    data = body if isinstance(body, bytes) else json.dumps(body).encode() if body is not None else None
    try:
        connection.request(method, address.path + path, data, {"Authorization": "Bearer sk-1", **headers})
        response = connection.getresponse()
        return response.status, response.headers, response.read()
    finally:
        connection.close()


def chat(url: str, body: object = HELLO) -> Response:
    return request(url, "/chat/completions", body)


def text_of(response: Response) -> Any:
    return json.loads(response[2])["choices"][0]["message"]["content"]


def prompt(number: int = 0, stage: Stage = Stage.RESPONSE, more: str = "", **settings: object) -> dict[str, object]:
    """A reflection prompt about some pair."""
    messages = PROMPTS.messages(stage, pair(number))
    messages[-1]["content"] += more
    return {"model": "m-1", "messages": list(messages), **settings}


def pair(number: int) -> Pair:
    return Pair(f"Name colour number {number}.", f"It is red {number}.", "Of the rainbow." if number % 2 else "")


def schema(stage: Stage) -> dict[str, object]:
    return {"type": "json_schema", "json_schema": {"name": "reflection", "schema": PROMPTS.schema(stage)}}


STATUSES = {
    "quota": 429,
    "error_500": 500,
    "empty_502": 502,
    "html_503": 503,
    "error_504": 504,
    "overloaded": 529,
    "timeout_408": 408,
    "echo_key": 401,
    "forbidden": 403,
    "unknown_model": 404,
    "unknown_model_message": 400,
    "too_long": 400,
    "odd_setting": 400,
    "detail_422": 422,
    "no_content": 204,
    "redirect": 302,
    "redirect_same_method": 307,
    "nonsense": 404,
}


@pytest.mark.parametrize("behaviour", [*STATUSES, *(name for name in ANSWERS if name.startswith(("rate_", "retry_")))])
def test_a_refusal_has_its_status(server: FaultServer, behaviour: str) -> None:
    """What is named after a status has it; every limit is a 429."""
    assert chat(server.url(behaviour))[0] == STATUSES.get(behaviour, 429)


@pytest.mark.parametrize("behaviour", [name for name in ANSWERS if name not in STATUSES])
def test_an_answer_is_whole(server: FaultServer, behaviour: str) -> None:
    """Every other behaviour that is one answer has a body of the length it names."""
    status, headers, body = chat(server.url(behaviour))
    assert status in (200, 307, 400, 401, 429)
    assert len(body) == int(headers["Content-Length"])


def test_a_limit_says_when_to_come_back(server: FaultServer) -> None:
    """The wait is given in seconds, as a date, in milliseconds, not at all, or is very long; the reset in headers."""
    told = {name: chat(server.url(f"retry_{name}"))[1] for name in ("seconds", "date", "ms", "absent", "long")}
    assert (told["seconds"]["Retry-After"], told["long"]["Retry-After"]) == ("1", "3600")
    assert parsedate_to_datetime(told["date"]["Retry-After"]).tzinfo is not None
    assert (told["ms"]["Retry-After-Ms"], told["ms"]["Retry-After"]) == ("20", None)
    assert not [name for name in told["absent"] if name.lower().startswith("retry")]
    assert chat(server.url("limits_near"))[1]["x-ratelimit-reset-requests"] == "300ms"
    assert chat(server.url("tokens_spent"))[1]["x-ratelimit-remaining-tokens"] == "0"


def test_the_key_is_echoed(server: FaultServer) -> None:
    """A refused key stands in the message."""
    assert b"sk-1" in chat(server.url("echo_key"))[2]


@pytest.mark.parametrize(
    ("behaviour", "encoding"),
    [("latin1", "latin-1"), ("utf16", "utf-16"), ("bom", "utf-8-sig"), ("plain_utf8", "utf-8")],
)
def test_letters_beyond_ascii_stand_as_they_are(server: FaultServer, behaviour: str, encoding: str) -> None:
    """A body in an odd encoding holds the letter itself, and its header names what it can."""
    body = chat(server.url(behaviour))[2]
    assert "caf\u00e9" in body.decode(encoding)
    assert "\\u" not in body.decode(encoding)


def test_a_compressed_body_is_one(server: FaultServer) -> None:
    """The compressed body holds the usual completion; the broken one is no gzip."""
    assert json.loads(gzip.decompress(chat(server.url("gzip"))[2]))["choices"][0]["message"]["content"] == "Hello."
    with pytest.raises(gzip.BadGzipFile):
        gzip.decompress(chat(server.url("broken_gzip"))[2])


@pytest.mark.parametrize(
    ("behaviour", "error"),
    [
        ("cut_body", http.client.IncompleteRead),
        ("cut_chunks", http.client.IncompleteRead),
        ("slow", http.client.RemoteDisconnected),
        ("hang_up", http.client.RemoteDisconnected),
        ("reset_before", ConnectionResetError),
        ("reset_after_headers", (ConnectionResetError, http.client.IncompleteRead)),
    ],
)
def test_a_broken_connection_breaks(
    server: FaultServer, behaviour: str, error: type[Exception] | tuple[type[Exception], ...]
) -> None:
    """A cut body ends early, a reset is one, and silence ends without a word; none of them is in the ledger."""
    with pytest.raises(error):
        chat(server.url(behaviour))
    assert behaviour not in {entry.behaviour for entry in server.ledger.entries()}


@pytest.mark.parametrize("behaviour", ["http10", "chunked", "extra_answer", "slow_answer"])
def test_an_odd_way_of_sending_brings_the_answer(server: FaultServer, behaviour: str) -> None:
    """An answer that ends with its connection, in chunks, late, or before another one, is the usual one."""
    assert text_of(chat(server.url(behaviour))) == "Hello."


def test_what_http_client_hides_is_on_the_wire(server: FaultServer) -> None:
    """Hints come before the answer, a second answer behind it, a trickle goes on as long as the server holds."""
    body = json.dumps(HELLO).encode()

    def wire(behaviour: str) -> bytes:
        head = f"POST /{behaviour}/v1/chat/completions HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
        with socket.create_connection(("127.0.0.1", server.server_port), timeout=20) as connection:
            connection.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
            return b"".join(iter(lambda: connection.recv(65536), b""))

    assert wire("early_hints").startswith(b"HTTP/1.1 103 ")
    assert wire("early_hints").count(b"HTTP/1.1 200") == 1
    assert wire("extra_answer").count(b"HTTP/1.1 200") == 2
    assert wire("http10").startswith(b"HTTP/1.0 200")
    trickled = wire("trickle").partition(b"\r\n\r\n")[2]
    assert trickled.isspace()


def test_every_transient_fault_is_known() -> None:
    """What a mixture draws from is what the server can do, and no name has two meanings."""
    assert set(TRANSIENT) <= ANSWERS.keys() | WIRE_FAULTS.keys()
    assert not ANSWERS.keys() & WIRE_FAULTS.keys()
    assert len(ANSWERS) + len(WIRE_FAULTS) + len(BATCH_FAULTS) > 90


def test_names_with_commas_are_taken_in_turn(server: FaultServer) -> None:
    """Each question gets the first behaviour at its first call, and the last one from then on; a tag begins again."""
    for tag in ("a", "b"):
        url = server.url("error_500,html_503,good", tag)
        assert [chat(url)[0] for _ in range(4)] == [500, 503, 200, 200]
        assert chat(url, prompt(1))[0] == 500


# ---- teaching


@pytest.mark.parametrize("stage", REFLECTIONS)
def test_a_lesson_is_an_accepted_reply(own: FaultServer, stage: Stage) -> None:
    """Prompts about ordinary pairs get replies that the parser accepts, in tags or by the schema; no two are equal."""
    own.refuses = False
    seen = set()
    for number in range(20):
        tagged = text_of(chat(own.url("teach"), prompt(number, stage)))
        as_json = text_of(chat(own.url("schema_honoured"), prompt(number, stage, response_format=schema(stage))))
        ignored = text_of(chat(own.url("schema_ignored"), prompt(number, stage, response_format=schema(stage))))
        assert tuple(json.loads(as_json)) == section_keys(stage)
        parsed = [parse_reply(stage, text, "stop", pair(number)) for text in (tagged, as_json)]
        assert isinstance(parsed[0], ParsedReflection)
        assert parsed[0] == parsed[1]
        assert ignored == tagged
        seen.add(tagged)
    assert len(seen) == 20


def test_a_pair_is_known_with_a_correction_behind_it(own: FaultServer) -> None:
    """A correction at the prompt's end leaves the reply as it is, and counts as a further attempt."""
    own.refuses = False
    plain, corrected = (
        text_of(chat(own.url("teach"), prompt(3, more=more))) for more in ("", "\n\nYour reply missed a section.")
    )
    assert plain == corrected
    assert list(own.attempts.values()) == [2]


def test_words_of_a_pair_do_not_choose_the_stage(own: FaultServer) -> None:
    """A response prompt about a pair that speaks of new_instruction is still one of the response stage."""
    own.refuses = False
    odd = Pair("What is <new_instruction>?", "A tag: <original_instruction>.")
    body = {"model": "m-1", "messages": list(PROMPTS.messages(Stage.RESPONSE, odd))}
    assert "<new_instruction>" not in text_of(chat(own.url("teach"), body))


def test_some_lessons_are_refused(own: FaultServer) -> None:
    """Some questions are always refused and some once, as many tests rely on."""
    rounds = [
        [text_of(chat(own.url("teach"), prompt(number))).startswith("I would rather not") for number in range(60)]
        for _ in range(2)
    ]
    assert Counter(zip(*rounds, strict=True)).keys() == {(True, True), (True, False), (False, False)}


def test_a_schema_is_refused_where_one_is_sent(server: FaultServer) -> None:
    """A server without structured output refuses a request that asks for it, by code or in words, and no other."""
    for behaviour, code in (("schema_refused", "unsupported_parameter"), ("schema_refused_message", None)):
        status, _, body = chat(server.url(behaviour), prompt(response_format=schema(Stage.RESPONSE)))
        error = json.loads(body)["error"]
        assert (status, error["code"]) == (400, code)
        assert "response_format" in error["message"]
        assert chat(server.url(behaviour), prompt())[0] == 200


# ---- mixture, limits, ledger


def test_a_mixture_is_drawn_by_its_seed(own: FaultServer) -> None:
    """Faults come as often as was asked for, where the seed and the attempt put them, and each is sent."""
    own.mixture = Mixture(0.5, ("error_500", "html_503"), seed=3)
    sent = [chat(own.url("mixture"), prompt(number))[0] for number in range(40)]
    drawn = [own.mixture.draw(question, 1) for question in own.attempts]
    assert sent == [{"error_500": 500, "html_503": 503, "teach": 200}[name] for name in drawn]
    assert {200, 500, 503} == set(sent)
    assert drawn != [Mixture(0.5, ("error_500", "html_503"), seed=4).draw(name, 1) for name in own.attempts]
    assert {Mixture(0.0).draw(name, 1) for name in own.attempts} == {"teach"}
    assert "teach" not in {Mixture(1.0).draw(name, 1) for name in own.attempts}


def test_calls_beyond_the_rate_are_told_to_wait(own: FaultServer) -> None:
    """In one window so many calls are answered; the next one gets 429 with the time that is left."""
    own.requests_per_minute = 3
    assert [chat(own.url("good"))[0] for _ in range(5)] == [200, 200, 200, 429, 429]
    wait = int(chat(own.url("good"))[1]["Retry-After"])
    assert 0 < wait <= 60
    own.window_seconds = 0.0
    assert chat(own.url("good"))[0] == 200


def test_calls_beyond_the_cap_are_refused(own: FaultServer) -> None:
    """Exactly so many calls are answered, however many come at once; then the key is refused."""
    own.replies_left = 7
    with ThreadPoolExecutor(16) as pool:
        sent = list(pool.map(lambda number: chat(own.url("teach"), prompt(number))[0], range(16)))
    assert Counter(sent) == {200: 7, 401: 9}


def test_the_ledger_has_what_was_sent(own: FaultServer, tmp_path: Path) -> None:
    """Each whole answer has one entry, here and in the file, with its reply where it was a completion."""
    own.mixture = Mixture(0.5, ("error_500", "cut_body", "hang_up", "null"), seed=1)
    read: list[tuple[int, object]] = []
    broken = 0
    for number in range(40):
        try:
            response = chat(own.url("mixture"), prompt(number))
        except http.client.HTTPException:
            broken += 1
        else:
            read.append((response[0], text_of(response) if b'"choices"' in response[2] else None))
    assert broken
    own.settle()
    entries = own.ledger.entries()
    # An entry is written after its answer, by the thread of its call: two that follow fast may change places.
    assert Counter((entry.status, entry.reply) for entry in entries) == Counter(read)
    assert read_ledger(tmp_path / "ledger.jsonl") == entries
    assert (own.begun, own.finished) == (40, 40 - broken)
    assert len({entry.request for entry in entries}) == len(entries)


def test_concurrent_calls_are_counted(own: FaultServer) -> None:
    """The server knows how many calls it had at once."""
    own.delay_seconds = 0.2
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: chat(own.url("teach"), prompt(number)), range(8)))
    assert own.most_at_once == 8


# ---- batches


def upload(url: str, lines: bytes, purpose: str = "batch") -> Response:
    parts = [
        f'--xx\r\nContent-Disposition: form-data; name="purpose"\r\n\r\n{purpose}'.encode(),
        b'--xx\r\nContent-Disposition: form-data; name="file"; filename="in.jsonl"\r\n\r\n' + lines,
        b"--xx--\r\n",
    ]
    content_type = "multipart/form-data; boundary=xx"
    return request(url, "/files", b"\r\n".join(parts), **{"Content-Type": content_type})


def batch_lines(count: int) -> bytes:
    asked = (
        {"custom_id": f"r{number}", "method": "POST", "url": "/v1/chat/completions", "body": prompt(number)}
        for number in range(count)
    )
    return b"".join(json.dumps(line).encode() + b"\n" for line in asked)


def create(url: str, lines: bytes) -> dict[str, Any]:
    file_id = json.loads(upload(url, lines)[2])["id"]
    asked = {"input_file_id": file_id, "endpoint": "/v1/chat/completions", "completion_window": "24h"}
    status, _, body = request(url, "/batches", {**asked, "metadata": {"run": "1"}})
    assert status == 200
    found: dict[str, Any] = json.loads(body)
    return found


def poll(url: str, batch: dict[str, Any], times: int = 1) -> dict[str, Any]:
    for _ in range(times):
        status, _, body = request(url, f"/batches/{batch['id']}", method="GET")
        batch = json.loads(body) if status == 200 else batch
    return batch


def lines_of(url: str, file_id: str | None) -> list[Any]:
    if file_id is None:
        return []
    body = request(url, f"/files/{file_id}/content", method="GET")[2]
    return [json.loads(line) for line in body.decode().splitlines()]


def test_a_batch_goes_through_its_states(own: FaultServer) -> None:
    """A batch is validated, worked on and finished poll by poll; its lines are the lessons, in another order."""
    url = own.url("batch")
    content = batch_lines(20)
    batch = create(url, content)
    assert own.batches.files[batch["input_file_id"]][1] == content
    states = []
    for _ in range(4):
        batch = poll(url, batch)
        states.append(batch["status"])
    assert states == ["in_progress", "finalizing", "completed", "completed"]
    assert batch["request_counts"] == {"total": 20, "completed": 20, "failed": 0}
    assert (batch["metadata"], batch["error_file_id"]) == ({"run": "1"}, None)
    lines = lines_of(url, batch["output_file_id"])
    ids = [line["custom_id"] for line in lines]
    assert sorted(ids) == sorted(f"r{number}" for number in range(20))
    assert ids != [f"r{number}" for number in range(20)]
    replies = [line["response"]["body"]["choices"][0]["message"]["content"] for line in lines]
    own.settle()
    assert own.ledger.replies() == replies
    own.attempts.clear()
    assert replies[ids.index("r5")] == text_of(chat(own.url("teach"), prompt(5)))


FILES_OF = {
    "batch_failing_lines": (15, 5),
    "batch_lost_lines": (15, 0),
    "batch_duplicates": (25, 0),
    "batch_foreign_lines": (21, 0),
    "batch_expired": (10, 10),
    "batch_no_output": (0, 20),
    "batch_poll_500": (20, 0),
}


@pytest.mark.parametrize("fault", FILES_OF)
def test_a_batch_goes_wrong(server: FaultServer, fault: str) -> None:
    """Output and error file have as many lines as the fault says; no line of the error file has a completion."""
    url = server.url(fault)
    batch = poll(url, create(url, batch_lines(20)), 6)
    output, errors = lines_of(url, batch["output_file_id"]), lines_of(url, batch["error_file_id"])
    assert batch["status"] == ("expired" if fault == "batch_expired" else "completed")
    assert (len(output), len(errors)) == FILES_OF[fault]
    assert all(line["error"] or line["response"]["status_code"] == 500 for line in errors)
    ids = Counter(line["custom_id"] for line in output)
    assert (max(ids.values(), default=1) == 2) == (fault == "batch_duplicates")


@pytest.mark.parametrize("fault", ["batch_bad_line", "batch_cut_output"])
def test_an_output_file_is_broken(server: FaultServer, fault: str) -> None:
    """One line of the output is no JSON, within it or at its end."""
    url = server.url(fault)
    batch = poll(url, create(url, batch_lines(8)), 3)
    with pytest.raises(json.JSONDecodeError):
        lines_of(url, batch["output_file_id"])


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"{\n", "invalid_json_line"),
        (batch_lines(1) * 2, "duplicate_custom_id"),
        (b"\n", "empty_file"),
        (batch_lines(1) + batch_lines(2).split(b"\n")[1].replace(b"m-1", b"m-2"), "mismatched_model"),
        (batch_lines(1).replace(b"POST", b"GET"), "invalid_url"),
    ],
)
def test_a_bad_input_file_fails_the_batch(server: FaultServer, content: bytes, code: str) -> None:
    """Validation fails a batch whose lines are not what they should be, and says why."""
    batch = poll(server.url("batch"), create(server.url("batch"), content), 3)
    assert (batch["status"], batch["errors"]["data"][0]["code"]) == ("failed", code)


def test_a_batch_is_refused_at_the_door(server: FaultServer) -> None:
    """Uploads and creations are refused where the path says so, for another purpose, and for a file nobody sent."""
    assert upload(server.url("batch_upload_refused"), b"x")[0] == 400
    assert upload(server.url("batch"), b"x", purpose="fine-tune")[0] == 400
    asked = {"input_file_id": "file-none", "endpoint": "/v1/chat/completions", "completion_window": "24h"}
    assert request(server.url("batch"), "/batches", asked)[0] == 404
    assert request(server.url("batch_create_refused"), "/batches", asked)[0] == 429
    assert request(server.url("batch_unknown"), "/batches", asked)[0] == 404
    assert poll(server.url("batch_failed"), create(server.url("batch_failed"), batch_lines(1)))["status"] == "failed"
    stuck = server.url("batch_stuck")
    assert poll(stuck, create(stuck, batch_lines(1)), 9)["status"] == "in_progress"


def test_a_batch_is_cancelled(server: FaultServer) -> None:
    """A batch that is cancelled keeps what was done by then; one that has ended cannot be cancelled."""
    url = server.url("batch")
    batch = poll(url, create(url, batch_lines(8)))
    assert json.loads(request(url, f"/batches/{batch['id']}/cancel")[2])["status"] == "cancelling"
    batch = poll(url, batch)
    assert batch["status"] == "cancelled"
    assert len(lines_of(url, batch["output_file_id"])) == 4
    assert request(url, f"/batches/{batch['id']}/cancel")[0] == 409


def test_batches_are_listed_page_by_page(own: FaultServer) -> None:
    """The list has the newest first, in pages that go on after an id."""
    url = own.url("batch")
    made = [create(url, batch_lines(1))["id"] for _ in range(5)]
    found: list[str] = []
    page: dict[str, Any] = {"has_more": True}
    while page["has_more"]:
        after = f"&after={found[-1]}" if found else ""
        page = json.loads(request(url, f"/batches?limit=2{after}", method="GET")[2])
        found += [batch["id"] for batch in page["data"]]
    assert found == made[::-1]


# ---- in a process of its own

CLIENT = """
import http.client, json, sys
port, path, kept = int(sys.argv[1]), sys.argv[2], open(sys.argv[3], "a")
for number in range(10_000):
    body = {"messages": [{"role": "user", "content": f"<original_instruction>{number}</original_response>"}]}
    connection = http.client.HTTPConnection("127.0.0.1", port)
    connection.request("POST", path + "/chat/completions", json.dumps(body))
    kept.write(json.dumps(json.loads(connection.getresponse().read())["choices"][0]["message"]["content"]) + "\\n")
    kept.flush()
    connection.close()
"""


def test_a_server_of_its_own_outlives_its_client(tmp_path: Path) -> None:
    """After `kill -9` of a client the ledger has all that it kept, and at most one reply more; the server serves on."""
    ledger, kept = tmp_path / "ledger.jsonl", tmp_path / "kept.jsonl"
    kept.touch()
    with running_fault_process("--ledger", str(ledger), "--latency", "0.002", "--never-refuses") as url:
        address = urlsplit(url)
        client = subprocess.Popen([sys.executable, "-c", CLIENT, str(address.port), address.path, str(kept)])
        while len(read_ledger(ledger)) < 20 and client.poll() is None:
            pass
        os.kill(client.pid, signal.SIGKILL)
        assert client.wait() == -signal.SIGKILL
        assert chat(url)[0] == 200
    sent = [entry.reply for entry in read_ledger(ledger)]
    sent.remove("Hello.")
    replies = [json.loads(line) for line in kept.read_text("utf-8").split("\n")[:-1]]
    assert not Counter(replies) - Counter(sent)  # two threads of the server may note theirs the other way round
    assert len(replies) >= len(sent) - 1 >= 19


def test_the_command_line_sets_the_server(tmp_path: Path) -> None:
    """What the command line says holds for the server it starts, and its end ends with its input."""
    command = [sys.executable, "-m", "tests.fault_server", "--mixture", "1", "--faults", "html_503", "--replies", "2"]
    process = subprocess.Popen(
        [*command, "--until-end-of-input"], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        assert url.endswith("/mixture/v1")
        assert [chat(url)[0] for _ in range(3)] == [503, 503, 401]
    assert process.returncode == 0
