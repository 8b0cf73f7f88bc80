"""Teachers: real HTTP calls to a misbehaving server on this machine, and the replay of recorded replies."""

import asyncio
import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from srt_core.errors import TeacherStopError
from srt_core.records import Pair, Stage
from srt_core.reflect.teacher import (
    Answer,
    Ask,
    CallOutcome,
    OpenAITeacher,
    ReplayTeacher,
    Teacher,
    record_reply,
    request_hash,
)
from tests.fault_server import FaultServer, running_fault_server

KEY = "sk-test-0123456789abcdefghij"
ASK = Ask(({"role": "user", "content": "Say hello."},), Stage.RESPONSE, Pair("Greet.", "Hi"))


@pytest.fixture(scope="module")
def server() -> Iterator[FaultServer]:
    """A fault server for all tests of this file."""
    with running_fault_server() as running:
        yield running


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_TEACHER_KEY", KEY)


def teacher_at(url: str, *, deadline_seconds: float = 30) -> OpenAITeacher:
    """Make a teacher with the test key."""
    return OpenAITeacher(url, "m", api_key_variable="TEST_TEACHER_KEY", deadline_seconds=deadline_seconds)


def ask_once(teacher: Teacher) -> Answer:
    """Ask one question in a loop of its own."""

    async def ask() -> Answer:
        try:
            return await teacher.ask(ASK)
        finally:
            await teacher.close()

    return asyncio.run(ask())


def test_a_good_reply_comes_with_its_facts(server: FaultServer) -> None:
    """A reply carries text, finish reason, model and tokens, and the request carries the settings."""
    reply = ask_once(teacher_at(server.url("good")))
    assert (reply.text, reply.finish_reason, reply.model) == ("Hello.", "stop", "m-1")
    assert (reply.prompt_tokens, reply.completion_tokens) == (7, 5)
    assert reply.latency_seconds > 0
    sent = server.requests[-1]
    assert sent["messages"] == [{"role": "user", "content": "Say hello."}]
    assert (sent["model"], sent["temperature"], sent["max_tokens"]) == ("m", 0.0, 2048)


@pytest.mark.parametrize(
    ("behaviour", "text", "finish_reason"),
    [
        ("parts", "Hello.", "stop"),
        ("length", "Hel", "length"),
        ("nothing_written", "", "length"),
        ("filtered", "", "content_filter"),
        ("no_usage", "Hello.", ""),
    ],
)
def test_an_odd_but_usable_reply_is_passed_on(
    server: FaultServer, behaviour: str, text: str, finish_reason: str
) -> None:
    """Text in parts, a cut or filtered reply and missing facts give a reply."""
    reply = ask_once(teacher_at(server.url(behaviour)))
    assert (reply.text, reply.finish_reason) == (text, finish_reason)


FAILURES = [
    ("html_200", CallOutcome.WRONG_ADDRESS, "a web page titled 'Sign in'"),
    ("null", CallOutcome.NO_COMPLETION, "null"),
    ("a_list", CallOutcome.NO_COMPLETION, "[1, 2]"),
    ("no_choices", CallOutcome.NO_COMPLETION, "no chat completion"),
    ("null_choice", CallOutcome.NO_COMPLETION, "None"),
    ("odd_choices", CallOutcome.NO_COMPLETION, "no chat completion"),
    ("odd_message", CallOutcome.NO_COMPLETION, "no text but None"),
    ("error_with_200", CallOutcome.NO_COMPLETION, "Too busy"),
    ("null_content", CallOutcome.NO_COMPLETION, "None"),
    ("number_content", CallOutcome.NO_COMPLETION, "3"),
    ("image_part", CallOutcome.NO_COMPLETION, "image_url"),
    ("half_surrogate", CallOutcome.NO_COMPLETION, "ud83d"),
    ("broken_json", CallOutcome.NO_COMPLETION, "JSONDecodeError"),
    ("deep_json", CallOutcome.NO_COMPLETION, "RecursionError"),
    ("no_utf8", CallOutcome.NO_COMPLETION, "Unicode"),
    ("empty_200", CallOutcome.NO_COMPLETION, "an empty body"),
    ("cut_body", CallOutcome.CONNECTION_BROKE, "broke the connection"),
    ("reset_before", CallOutcome.CONNECTION_BROKE, "broke the connection"),
    ("reset_after_headers", CallOutcome.CONNECTION_BROKE, "broke the connection"),
    ("error_500", CallOutcome.SERVER_ERROR, "HTTP 500"),
    ("empty_502", CallOutcome.SERVER_ERROR, "HTTP 502, no text"),
    ("html_503", CallOutcome.SERVER_ERROR, "HTTP 503, a web page titled 'Busy'"),
    ("overloaded", CallOutcome.SERVER_ERROR, "HTTP 529"),
    ("rate_limit", CallOutcome.RATE_LIMITED, "HTTP 429"),
    ("too_long", CallOutcome.TOO_LONG, "HTTP 400"),
    ("echo_key", CallOutcome.KEY_REFUSED, "refuses the key"),
    ("forbidden", CallOutcome.KEY_REFUSED, "refuses the key"),
    ("unknown_model", CallOutcome.UNKNOWN_MODEL, "does not know the model"),
    ("unknown_model_message", CallOutcome.UNKNOWN_MODEL, "does not know the model"),
    ("quota", CallOutcome.QUOTA_SPENT, "the quota is spent"),
    ("odd_setting", CallOutcome.SETTING_REFUSED, "max_completion_tokens"),
]


@pytest.mark.parametrize(("behaviour", "outcome", "said"), FAILURES, ids=[name for name, *_ in FAILURES])
def test_a_failed_call_is_judged_and_names_what_came(
    server: FaultServer, behaviour: str, outcome: CallOutcome, said: str
) -> None:
    """A call that brings no reply is given an outcome, a sentence with what the server sent, and a hint."""
    answer = ask_once(teacher_at(server.url(behaviour)))
    assert answer.outcome is outcome
    assert not answer.is_reply
    assert said in answer.detail
    assert answer.detail.startswith("The teacher m at 127.0.0.1:")
    assert answer.hint


@pytest.mark.parametrize("behaviour", ["echo_key", "long_echo_key"])
def test_the_key_is_never_shown(server: FaultServer, behaviour: str) -> None:
    """A key that the server repeats is in no answer and no repr, whole or in part; its variable is named."""
    teacher = teacher_at(server.url(behaviour))
    answer = ask_once(teacher)
    shown = repr(answer) + repr(teacher) + teacher.name + repr(teacher.reader)
    assert KEY[:8] not in shown
    assert "TEST_TEACHER_KEY" in answer.hint


def test_a_key_in_an_answer_is_taken_out(server: FaultServer) -> None:
    """A key that the server puts into a reply is not stored with it."""
    assert ask_once(teacher_at(server.url("answer_key"))).text == "It is Bearer [key]."


@pytest.mark.parametrize("behaviour", ["slow", "trickle"])
def test_the_deadline_bounds_the_whole_call(server: FaultServer, behaviour: str) -> None:
    """Neither silence nor a trickle of bytes holds a call beyond its deadline."""
    answer = ask_once(teacher_at(server.url(behaviour), deadline_seconds=0.3))
    assert answer.outcome is CallOutcome.TIMED_OUT
    assert "0.3 seconds" in answer.detail


def test_a_refused_connection_is_told_from_one_that_broke() -> None:
    """Where nothing listens the address is named, with what to look at."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    answer = ask_once(teacher_at(f"http://127.0.0.1:{port}/v1"))
    assert answer.outcome is CallOutcome.UNREACHABLE
    assert f"127.0.0.1:{port} cannot be reached" in answer.detail
    assert "Check the address" in answer.hint


def test_a_setting_that_is_refused_is_put_otherwise(server: FaultServer) -> None:
    """A server that wants `max_completion_tokens` gets it, then none; then the option is named."""
    teacher = teacher_at(server.url("odd_setting"))
    answers = [ask_once(teacher) for _ in range(3)]
    refused, stuck = CallOutcome.SETTING_REFUSED, CallOutcome.OPTION_REFUSED
    assert [answer.outcome for answer in answers] == [refused, refused, stuck]
    assert "--max-tokens" in answers[-1].hint
    sent = [[name for name in each if name.startswith("max_")] for each in server.requests[-3:]]
    assert sent == [["max_tokens"], ["max_completion_tokens"], []]


@pytest.mark.parametrize(
    ("behaviour", "seconds"),
    [("retry_seconds", 1.0), ("retry_ms", 0.02), ("retry_long", 3600.0), ("retry_absent", None)],
)
def test_a_server_is_heard_that_asks_to_wait(server: FaultServer, behaviour: str, seconds: float | None) -> None:
    """Retry-After is read in seconds and in milliseconds; where there is none nothing is made up."""
    assert ask_once(teacher_at(server.url(behaviour))).retry_after_seconds == seconds


def test_a_date_to_wait_until_is_read(server: FaultServer) -> None:
    """Retry-After as a date gives the seconds until then."""
    seconds = ask_once(teacher_at(server.url("retry_date"))).retry_after_seconds
    assert seconds is not None
    assert 0 <= seconds <= 5


def test_what_is_left_of_a_limit_is_read(server: FaultServer) -> None:
    """Rate-limit headers give the calls left and the seconds until there are more."""
    headroom = ask_once(teacher_at(server.url("limits_near"))).headroom
    assert (headroom.requests, headroom.requests_reset_seconds) == (0, 0.3)


def test_a_proxy_is_not_asked_for_this_machine(server: FaultServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy in the environment does not stand between the app and a server on the same machine."""
    for variable in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(variable, "http://127.0.0.1:9")
    assert ask_once(teacher_at(server.url("good"))).text == "Hello."


def test_a_teacher_answers_in_one_loop_after_another(server: FaultServer) -> None:
    """A teacher outlives the event loop of its first question."""
    teacher = teacher_at(server.url("good"))
    assert [ask_once(teacher).text for _ in range(3)] == ["Hello."] * 3


def test_many_questions_at_once_are_all_answered(server: FaultServer) -> None:
    """One teacher takes concurrent questions."""

    async def ask_all() -> list[Answer]:
        teacher = teacher_at(server.url("good"))
        try:
            return await asyncio.gather(*(teacher.ask(ASK) for _ in range(64)))
        finally:
            await teacher.close()

    assert {reply.text for reply in asyncio.run(ask_all())} == {"Hello."}


def test_a_server_of_ones_own_needs_no_key(server: FaultServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a key a server other than OpenAI's is asked all the same; OpenAI's is not, and the variable is named."""
    monkeypatch.delenv("TEST_TEACHER_KEY")
    assert ask_once(teacher_at(server.url("good"))).text == "Hello."
    with pytest.raises(TeacherStopError, match="TEST_TEACHER_KEY"):
        teacher_at("https://api.openai.com/v1")


@pytest.mark.parametrize("key", ["sk-two words", "sk-caf\u00e9"])
def test_a_key_that_cannot_be_one_is_refused_unseen(monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    """A key that no header can carry is refused before any call, by the name of its variable alone."""
    monkeypatch.setenv("TEST_TEACHER_KEY", key)
    with pytest.raises(TeacherStopError, match="TEST_TEACHER_KEY") as error:
        teacher_at("http://127.0.0.1:9/v1")
    assert "sk-" not in str(error.value)


@pytest.mark.parametrize(
    "url", ["", "127.0.0.1:8000", "ftp://host/v1", "http://", "http://ho st/v1", "http://[::1", "http://h:99999/v1"]
)
def test_an_address_that_is_none_is_refused(url: str) -> None:
    """What is no web address is refused before any call."""
    with pytest.raises(TeacherStopError, match="not a web address"):
        teacher_at(url)


@pytest.mark.parametrize("url", ["http://user:secret@127.0.0.1:8000/v1", "http://127.0.0.1:8000/v1?key=secret"])
def test_an_address_that_may_hold_a_key_is_refused_unseen(url: str) -> None:
    """A password or a query in the address is refused before any call, and not repeated."""
    with pytest.raises(TeacherStopError, match="more than an address") as error:
        teacher_at(url)
    assert "secret" not in str(error.value)


def test_a_request_is_known_by_all_that_decides_its_reply() -> None:
    """The request hash is the same for the same request and changes with every part of it."""
    usual = request_hash("m", ASK.messages, 0.0, 2048)
    assert usual == request_hash("m", [{"content": "Say hello.", "role": "user"}], 0, 2048)
    others = {
        request_hash("n", ASK.messages, 0.0, 2048),
        request_hash("m", (), 0.0, 2048),
        request_hash("m", ASK.messages, 0.5, 2048),
        request_hash("m", ASK.messages, 0.0, 1024),
        request_hash("m", ASK.messages, 0.0, 2048, {"type": "json_schema"}),
    }
    assert len(others | {usual}) == 6


def test_a_recorded_reply_is_replayed(tmp_path: Path) -> None:
    """What record_reply writes, ReplayTeacher gives back; of two tries the last counts; blank lines do not."""
    first, last = (
        Answer(CallOutcome.ANSWERED, text, "stop", "m-1", 7, 5, 1.5) for text in ("Early.", "Late \u2028 caf\u00e9.")
    )
    path = tmp_path / "replies.jsonl"
    lines = [json.dumps(record_reply(ASK, reply), ensure_ascii=False) for reply in (first, last)]
    path.write_text("\ufeff" + "\n\n".join(lines) + "\n", encoding="utf-8")
    teacher = ReplayTeacher(path)
    assert teacher.name == "replay of replies.jsonl"
    assert ask_once(teacher) == Answer(CallOutcome.ANSWERED, last.text, "stop", "m-1", None, None, 0.0)


def test_a_missing_recording_fails_one_call_only(tmp_path: Path) -> None:
    """A pair that was not recorded, or not at this stage, returns an error that says so and stops nothing."""
    path = tmp_path / "replies.jsonl"
    other = Ask(ASK.messages, Stage.INSTRUCTION, ASK.pair)
    path.write_text(
        json.dumps(record_reply(other, Answer(CallOutcome.ANSWERED, "Hi.", "stop", "m", None, None, 0.0))),
        encoding="utf-8",
    )
    answer = ask_once(ReplayTeacher(path))
    assert answer.outcome is CallOutcome.NOT_RECORDED
    assert "no reply of the response stage" in answer.detail


GOOD_LINE = json.dumps(record_reply(ASK, Answer(CallOutcome.ANSWERED, "Hi.", "stop", "m", None, None, 0.0))).encode()


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b"{", "no JSON"),
        (b"\xff", "no JSON"),
        (b"[" * 100_000, "no JSON"),
        (b"[]", "no JSON object"),
        (GOOD_LINE.replace(b'"reply": "Hi."', b'"reply": null'), "its reply"),
        (GOOD_LINE.replace(b'"input"', b'"put"'), "its input"),
        (GOOD_LINE.replace(b'"Hi."', b'"\\ud83d"'), "its reply"),
        (GOOD_LINE.replace(b'"response", "i', b'"both", "i'), "its stage"),
    ],
)
def test_a_broken_recording_is_named_by_line(tmp_path: Path, line: bytes, said: str) -> None:
    """A line that is no recorded reply is refused with the file, the line and what is wrong with it."""
    path = tmp_path / "replies.jsonl"
    path.write_bytes(GOOD_LINE + b"\n" + line + b"\n")
    with pytest.raises(TeacherStopError) as error:
        ReplayTeacher(path)
    assert error.value.message.startswith(f"Line 2 of {path}")
    assert said in error.value.message


def test_a_recording_that_is_not_there_or_empty_is_refused(tmp_path: Path) -> None:
    """A replay needs a file with at least one reply in it."""
    with pytest.raises(TeacherStopError, match=r"none\.jsonl cannot be read"):
        ReplayTeacher(tmp_path / "none.jsonl")
    (tmp_path / "empty.jsonl").write_bytes(b"\n")
    with pytest.raises(TeacherStopError, match="no recorded reply"):
        ReplayTeacher(tmp_path / "empty.jsonl")
