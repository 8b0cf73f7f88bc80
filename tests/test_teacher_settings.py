"""Settings that a teacher refuses: in vendors' words, each leads to one more request that is put otherwise."""

import asyncio
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from srt_core.errors import TeacherStopError
from srt_core.project.store import Store
from srt_core.records import Pair, Stage
from srt_core.reflect.learning import describe, known_changes
from srt_core.reflect.prompts import ReplyFormat
from srt_core.reflect.run import Plan
from srt_core.reflect.teacher import Answer, Ask, CallOutcome, OpenAITeacher
from tests.command_line import DONE, Command
from tests.fault_server import ANSWERS, FaultServer, running_fault_server
from tests.reflecting import outcomes, place_project, project, run, teacher_at
from tests.servers.answers import Call, complete, refuse
from tests.servers.answers import answer as as_json
from tests.servers.vendors import ABOUT_OTHER_THINGS, FOLDED, NO_TEMPERATURE, RENAMED, SETTINGS, stream

SAMPLES = 2
ASK = Ask(
    ({"role": "system", "content": "You judge."}, {"role": "user", "content": "Say hello."}),
    Stage.RESPONSE,
    Pair("Greet.", "Hi"),
)


@pytest.fixture(scope="module")
def serving() -> Iterator[FaultServer]:
    with running_fault_server() as running:
        running.refuses = False
        yield running


@pytest.fixture
def server(serving: FaultServer) -> FaultServer:
    """The server of all tests here, with no request counted yet."""
    serving.requests.clear()
    return serving


@pytest.fixture
def behave(monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    """The server's behaviours, to which a test may add."""
    monkeypatch.setattr("tests.servers.server.ANSWERS", found := dict(ANSWERS))
    return found  # type: ignore[return-value]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with project(tmp_path / "p.srt", SAMPLES) as store:
        yield store


def ask(teacher: OpenAITeacher, times: int = 1) -> list[Answer]:
    """Ask one question so many times, one after the other."""

    async def all_of_them() -> list[Answer]:
        try:
            return [await teacher.ask(ASK) for _ in range(times)]
        finally:
            await teacher.close()

    return asyncio.run(all_of_them())


@pytest.mark.parametrize("vendor", SETTINGS)
def test_a_refused_setting_costs_one_request(server: FaultServer, behave: dict[str, object], vendor: str) -> None:
    """What a vendor refuses is read in its words, and the next request is put so that it is answered."""
    behave["vendor"] = SETTINGS[vendor].answer
    teacher = teacher_at(server.url("vendor"))
    refused, answered = ask(teacher, 2)
    assert refused.outcome is CallOutcome.SETTING_REFUSED
    assert answered.text == "Hello."
    assert describe(teacher.changes) == SETTINGS[vendor].change
    assert all(change.detail for change in teacher.changes)


@pytest.mark.parametrize("case", ABOUT_OTHER_THINGS)
def test_an_error_about_something_else_changes_no_setting(
    server: FaultServer, behave: dict[str, object], case: str
) -> None:
    """A message that names a setting while it speaks of room, money or pace leaves the request as it is."""
    status, words = ABOUT_OTHER_THINGS[case]
    behave["vendor"] = lambda call: refuse(status, None, words)
    teacher = teacher_at(server.url("vendor"))
    (answer,) = ask(teacher)
    assert answer.outcome not in (CallOutcome.SETTING_REFUSED, CallOutcome.OPTION_REFUSED, CallOutcome.ANSWERED)
    assert teacher.changes == ()


def test_an_echo_of_the_request_names_no_setting(server: FaultServer, behave: dict[str, object]) -> None:
    """A validator that repeats what it was sent refuses only what it names itself."""
    behave["vendor"] = lambda call: as_json(
        422, {"detail": [{"type": "missing", "loc": ["body", "user"], "msg": "Field required", "input": call.body}]}
    )
    teacher = teacher_at(server.url("vendor"))
    assert ask(teacher)[0].outcome is CallOutcome.REQUEST_REFUSED
    assert teacher.changes == ()


def test_a_system_text_is_folded_into_the_users(server: FaultServer, behave: dict[str, object]) -> None:
    """A model without a system role gets the system text before the request, in one message; nothing is lost."""
    behave["vendor"] = SETTINGS["vLLM and SGLang, Gemma"].answer
    ask(teacher_at(server.url("vendor")), 2)
    assert server.requests[-1]["messages"] == [{"role": "user", "content": "You judge.\n\nSay hello."}]


def strict(call: Call) -> object:
    """Refuse one setting after the other, as a reasoning model without a system role does."""
    for name in ("OpenAI, o-series and gpt-5", "OpenAI, gpt-5", "OpenAI, o1-mini"):
        if SETTINGS[name].refuses(call.body):
            return SETTINGS[name].answer(call)
    return complete(call.text)


@pytest.mark.parametrize("plan", [Plan(), Plan(reply_format=ReplyFormat.SECTIONS), Plan(concurrency=1)])
def test_a_run_spends_one_request_on_each_refused_setting(
    store: Store, server: FaultServer, behave: dict[str, object], plan: Plan
) -> None:
    """However many calls may be under way, only the first ones are refused, and no sample fails."""
    behave["strict"] = strict
    run(store, server.url("strict"), plan)
    assert len(server.requests) == 3 * SAMPLES + 3
    assert {row["status"] for row in outcomes(store)} == {"accepted"}


def test_what_was_learnt_is_used_from_the_first_request_of_the_next_run(
    store: Store, server: FaultServer, behave: dict[str, object]
) -> None:
    """It is kept in the project with the teacher: another run of the same asks at once as the teacher takes it."""
    behave["strict"] = strict
    some = tuple(row["sample_id"] for row in store.rows("SELECT sample_id FROM sample ORDER BY seq LIMIT 1"))
    run(store, server.url("strict"), Plan(only=some))
    kept = known_changes(store, teacher_at(server.url("strict")).name)
    assert sorted(map(str, kept)) == sorted([RENAMED, NO_TEMPERATURE, FOLDED])
    server.requests.clear()
    run(store, server.url("strict"))
    assert len(server.requests) == 3 * (SAMPLES - 1)


def test_a_refusal_that_was_no_help_is_not_kept(store: Store, server: FaultServer, behave: dict[str, object]) -> None:
    """How requests are put is kept once a reply shows that the teacher takes them so."""
    behave["never"] = lambda call: refuse(
        400, None, "Unsupported: temperature" if "temperature" in call.body else "No."
    )
    with pytest.raises(TeacherStopError):
        run(store, server.url("never"))
    assert known_changes(store, teacher_at(server.url("never")).name) == ()


def test_a_refused_schema_is_kept_with_the_teacher(store: Store, server: FaultServer) -> None:
    """A teacher that takes no schema is asked for sections from the first request on, whatever the prompts."""
    run(store, server.url("schema_refused"), Plan(only=("none",)))
    run(store, server.url("schema_refused"))
    assert describe(known_changes(store, teacher_at(server.url("x")).name)) == "without response_format"


def test_a_form_that_is_insisted_on_and_refused_ends_the_run(store: Store, server: FaultServer) -> None:
    """With --reply-format json and a teacher that takes no schema, the first call says which option to leave out."""
    with pytest.raises(TeacherStopError) as error:
        run(store, server.url("schema_refused"), Plan(reply_format=ReplyFormat.JSON))
    assert "--reply-format" in error.value.hint
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("words", "option"),
    [
        ("Unsupported value: 'reasoning_effort' does not support 'minimal' with this model.", "--extra-body"),
        ("max_tokens must be greater than 4096 for this model.", "--max-tokens"),
    ],
)
def test_a_setting_that_cannot_be_put_otherwise_ends_the_run_and_names_its_option(
    store: Store, server: FaultServer, behave: dict[str, object], words: str, option: str
) -> None:
    """What only the curator can change is no failure of a sample: the run ends, and the hint says which option."""
    behave["never"] = lambda call: refuse(400, None, words)
    teacher = teacher_at(server.url("never"), extra_body={"reasoning_effort": "minimal"})
    last = ask(teacher, 4)[-1]
    assert last.outcome is CallOutcome.OPTION_REFUSED
    assert last.outcome.stops
    assert option in last.hint


def test_an_extra_body_is_sent_and_part_of_the_hash(server: FaultServer) -> None:
    """What the curator adds to requests, and a temperature left out, make other requests; without them none changes."""
    usual = teacher_at(server.url("good"))
    more = teacher_at(server.url("good"), extra_body={"reasoning_effort": "low"})
    none = teacher_at(server.url("good"), temperature=None)
    asked = {"model": "m-1", "messages": list(ASK.messages), "temperature": 0.0, "max_tokens": 2048}
    assert usual.request_hash(ASK) == hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()
    assert len({each.request_hash(ASK) for each in (usual, more, none)}) == 3
    ask(more)
    assert server.requests[-1]["reasoning_effort"] == "low"
    ask(none)
    assert "temperature" not in server.requests[-1]


@pytest.mark.parametrize("name", ["model", "messages", "max_tokens", "temperature", "stream"])
def test_an_extra_body_holds_nothing_that_has_an_option(name: str) -> None:
    """A field that a request has anyway is not set twice: the message names its option."""
    with pytest.raises(TeacherStopError, match=f"holds {name}"):
        teacher_at("http://127.0.0.1:9/v1", extra_body={name: 1})


# ---- streams


def test_a_stream_is_read_whatever_was_asked_for(server: FaultServer, behave: dict[str, object]) -> None:
    """A server that always sends events gives the same text, finish reason and tokens as one that sends a whole."""
    behave["events"] = lambda call: stream("One \u2028 two.\n\nThree." * 9)
    (answer,) = ask(teacher_at(server.url("events")))
    assert (answer.text, answer.finish_reason) == ("One \u2028 two.\n\nThree." * 9, "stop")
    assert (answer.prompt_tokens, answer.completion_tokens) == (7, 5)


def test_a_stream_that_broke_off_is_no_reply(server: FaultServer, behave: dict[str, object]) -> None:
    """Events without a finish reason and without the mark of their end are not taken for a whole reply."""
    behave["events"] = lambda call: stream("Hello", None, is_done=False)
    (answer,) = ask(teacher_at(server.url("events")))
    assert answer.outcome is CallOutcome.NO_COMPLETION
    assert "broke off" in answer.detail


def test_a_stream_without_a_count_of_tokens_is_asked_for(server: FaultServer, behave: dict[str, object]) -> None:
    """A server that streams only, and knows no `stream_options`, costs one request for each of the two."""

    def old(call: Call) -> object:
        if "stream_options" in call.body:
            return refuse(400, None, "Unrecognized request argument supplied: stream_options")
        return SETTINGS["DashScope, QwQ"].answer(call)

    behave["old"] = old
    answers = ask(teacher_at(server.url("old")), 3)
    refused = CallOutcome.SETTING_REFUSED
    assert [each.outcome for each in answers] == [refused, refused, CallOutcome.ANSWERED]


def test_a_stream_carries_tool_calls_and_thoughts(server: FaultServer, behave: dict[str, object]) -> None:
    """Arguments that come in pieces are put together; thoughts come first and stay apart."""

    def events(call: Call) -> object:
        pieces = ['{"a": ', '"b"}']
        deltas: list[object] = [{"reasoning_content": "Hm."}]
        deltas += [{"tool_calls": [{"index": 0, "function": {"arguments": piece}}]} for piece in pieces]
        lines = [{"choices": [{"index": 0, "delta": delta}]} for delta in deltas]
        found = stream("", "tool_calls")
        head = "".join(f"data: {json.dumps(line)}\r\n\r\n" for line in lines).encode()
        return type(found)(200, head + found.body, "text/event-stream")

    behave["events"] = events
    assert ask(teacher_at(server.url("events")))[0].text == '{"a": "b"}'


# ---- the command line


def test_a_run_says_how_the_teacher_takes_requests(
    tmp_path: Path, server: FaultServer, behave: dict[str, object], command: Command
) -> None:
    """`srt reflect` says what is put otherwise; what --extra-body adds goes along; --forget-settings forgets it."""
    behave["strict"] = strict
    path = place_project(tmp_path / "p.srt", SAMPLES)
    usual = ("reflect", path, "--base-url", server.url("strict"), "--model", "m-1")
    done = command(*usual)
    assert done.returncode == DONE
    assert f"is asked {RENAMED}; {FOLDED}; {NO_TEMPERATURE}: it refused" in done.stdout
    server.requests.clear()
    command(*usual, "--try", "1")
    assert server.requests == []  # what was asked before is not asked again
    command(*usual, "--try", "1", "--no-temperature", "--extra-body", '{"top_p": 0.5}')
    assert len(server.requests) == 2
    assert {("temperature" in sent, sent.get("top_p")) for sent in server.requests} == {(False, 0.5)}
    assert "is asked" not in command(*usual, "--forget-settings").stdout


@pytest.mark.parametrize("body", ["[1]", "{", '{"a": NaN}'])
def test_an_extra_body_that_is_no_object_is_refused(tmp_path: Path, command: Command, body: str) -> None:
    """It is read before any call, and the message shows how to write one."""
    path = place_project(tmp_path / "p.srt", 1)
    done = command("reflect", path, "--base-url", "http://127.0.0.1:9/v1", "--model", "m", "--extra-body", body)
    assert done.returncode != DONE
    assert "no JSON object" in done.stderr
