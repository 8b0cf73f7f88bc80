"""Replies whose content is no text, and those that only their count of tokens shows to be cut off."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from srt_core.project.store import Store
from srt_core.reflect.outcomes import failed_reflections
from srt_core.reflect.run import Plan
from srt_core.reflect.teacher import CallOutcome
from tests.fault_server import ANSWERS, FaultServer, running_fault_server
from tests.reflecting import outcomes, project, run, teacher_at
from tests.servers.answers import Answer, Call, answer, complete, completion
from tests.test_teacher_settings import ask

THOUGHT = "<think>\nLet me see.\n</think>"
SAID = {"type": "text", "text": "Hello."}


@pytest.fixture(scope="module")
def server() -> Iterator[FaultServer]:
    """A server of teachers whose every reply could be used."""
    with running_fault_server() as running:
        running.refuses = False
        yield running


@pytest.fixture
def behave(monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    """The server's behaviours, to which a test may add."""
    monkeypatch.setattr("tests.servers.server.ANSWERS", found := dict(ANSWERS))
    return found  # type: ignore[return-value]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with project(tmp_path / "p.srt", 1) as store:
        yield store


def message(finish_reason: str = "stop", **fields: object) -> dict[str, object]:
    """Write a completion whose message has these fields."""
    body = completion(None, finish_reason)
    body["choices"] = [{"index": 0, "finish_reason": finish_reason, "message": {"role": "assistant", **fields}}]
    return body


def called(*arguments: object) -> list[dict[str, object]]:
    """Write the tool calls of a message."""
    return [{"type": "function", "function": {"name": "reply", "arguments": each}} for each in arguments]


READ = {
    "text parts": (message(content=[{"type": "text", "text": "Hel"}, {"type": "text", "text": "lo."}]), "Hello."),
    "parts without a type": (message(content=["Hel", {"text": "lo."}]), "Hello."),
    "Magistral: a thought, then the text": (
        message(content=[{"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]}, SAID]), "Hello."),
    "Databricks: a summary of thoughts, then the text": (
        message(content=[{"type": "reasoning", "summary": [{"type": "summary_text", "text": "Hm."}]}, SAID]), "Hello."),
    "Mistral: the text, and where it is from": (
        message(content=[SAID, {"type": "reference", "reference_ids": [1]}]), "Hello."),
    "one part that stands alone": (message(content=SAID), "Hello."),
    "a parsed object": (message(content={"helpfulness": "Good."}), '{"helpfulness": "Good."}'),
    "thoughts beside the text": (message(content="Hello.", reasoning_content="Let me see."), "Hello."),
    "all of it as thoughts": (message(content=None, reasoning_content="Let me see."), THOUGHT),
    "all of it as thoughts, by OpenRouter": (message(content="", reasoning="Let me see."), THOUGHT),
    "only a part of thought": (message(content=[{"type": "thinking", "thinking": "Let me see."}]), THOUGHT),
    "thoughts up to the limit": (message("length", content="", reasoning_content="Let me"), "<think>\nLet me"),
    "nothing up to Gemini's limit": (message("MAX_TOKENS"), ""),
    "nothing up to watsonx's limit": (message("token_limit"), ""),
    "a tool call": (message("tool_calls", content=None, tool_calls=called('{"a": "b"}')), '{"a": "b"}'),
    "a tool call whose arguments are an object": (message(content="", tool_calls=called({"a": "b"})), '{"a": "b"}'),
    "a function call": (message(content=None, function_call={"arguments": '{"a": "b"}'}), '{"a": "b"}'),
    "text beside a tool call": (message(content="Hello.", tool_calls=called("{}")), "Hello."),
    "a refusal": (message(content=None, refusal="I cannot."), "I cannot."),
}  # fmt: skip

UNREAD = {
    "an image": message(content=[{"type": "image_url", "image_url": {"url": "x"}}]),
    "a number": message(content=3),
    "an image beside a text": message(content=[SAID, {"type": "image_url", "image_url": {"url": "x"}}]),
    "no parts": message(content=[]),
    "two tool calls": message(content=None, tool_calls=called("{}", "{}")),
    "nothing": message(content=None),
}


@pytest.mark.parametrize("shape", READ)
def test_a_message_is_read_in_whatever_field_it_comes(
    server: FaultServer, behave: dict[str, object], shape: str
) -> None:
    """Text parts are joined, thoughts left aside, and an answer in another field alone is taken from there."""
    body, text = READ[shape]
    behave["shape"] = lambda call: answer(200, body)
    assert ask(teacher_at(server.url("shape")))[0].text == text


@pytest.mark.parametrize("shape", UNREAD)
def test_a_message_that_is_no_text_is_named(server: FaultServer, behave: dict[str, object], shape: str) -> None:
    """What cannot be read as one text is no reply, and the sentence shows what came."""
    behave["shape"] = lambda call: answer(200, UNREAD[shape])
    (found,) = ask(teacher_at(server.url("shape")))
    assert found.outcome is CallOutcome.NO_COMPLETION
    assert "content is no text" in found.detail


def used(tokens: int) -> dict[str, int]:
    return {"prompt_tokens": 7, "completion_tokens": tokens, "total_tokens": 7 + tokens}


@pytest.mark.parametrize(("tokens", "status"), [(2047, "accepted"), (2048, "refused"), (2900, "accepted")])
def test_a_reply_of_just_as_many_tokens_as_allowed_is_cut_off(
    store: Store, server: FaultServer, behave: dict[str, object], tokens: int, status: str
) -> None:
    """Finish reason `stop` is not believed at the limit; beyond it the server holds to none, and the reply is whole."""
    behave["closed"] = lambda call: complete(call.text, usage=used(tokens))
    run(store, server.url("closed"), Plan(attempts=1))
    assert {row["status"] for row in outcomes(store)} == {status}
    reasons = {row["reason"] for row in outcomes(store)}
    assert reasons == ({"cut_off"} if status == "refused" else {""})
    kept = {row["finish_reason"] for row in store.rows("SELECT finish_reason FROM teacher_call")}
    assert kept == ({"stop at the limit"} if status == "refused" else {"stop"})


@pytest.mark.parametrize(
    "body",
    [message("length", content="", reasoning_content="Let me think. " * 50), message("length", content=""),
     message("MAX_TOKENS"), completion("<think>\nLet me think.", "length"),
     message(content="", reasoning_content="Let me think. ") | {"usage": used(2048)}],
)  # fmt: skip
def test_a_budget_that_went_into_thinking_is_named_with_its_options(
    store: Store, server: FaultServer, behave: dict[str, object], body: dict[str, object]
) -> None:
    """The message names --max-tokens and --retry-failed, and the teacher is told to think less, not to be briefer."""
    behave["thinking"] = lambda call: answer(200, body)
    server.requests.clear()
    run(store, server.url("thinking"))
    for failure in failed_reflections(store, 9, 0):
        assert failure.reason == "thought_only"
        assert "--max-tokens" in failure.detail and "--retry-failed" in failure.detail
    again = [text for text in map(json.dumps, server.requests) if "This is try 2" in text]
    assert len(again) == 2
    assert all("Keep the thinking short" in text and "riefer" not in text and "--" not in text for text in again)


def as_thoughts(call: Call) -> Answer:
    return answer(200, message(content=None, reasoning_content=call.text))


def with_escaped_breaks(call: Call) -> Answer:
    """Reply with line breaks written as backslash and n in the last section."""
    before, opening, last = call.text.rpartition("<new_response>\n")
    return complete(f"{before}{opening}Steps:\\n1. Read.\\n2. {last.capitalize()}")


@pytest.mark.parametrize(
    ("reply", "rule", "said"),
    [(as_thoughts, "answer_in_reasoning", "in its reasoning"), (with_escaped_breaks, "line_breaks", "put right")],
)
def test_what_was_done_to_a_reply_is_kept_with_it(
    store: Store, server: FaultServer, behave: dict[str, object], reply: object, rule: str, said: str
) -> None:
    """An accepted reply that had to be cleaned names the rule, with a sentence for whoever reviews the rewrite."""
    behave["odd"] = reply
    run(store, server.url("odd"))
    rows = store.rows("SELECT status, reason, detail FROM reflection")
    assert {(row["status"], row["reason"]) for row in rows} == {("accepted", rule)}
    assert all(said in row["detail"] for row in rows)
    texts = [row["response"] for row in store.rows("SELECT response FROM candidate WHERE origin <> 'ORIGINAL'")]
    assert texts and not any("\\n" in text for text in texts)


def test_thoughts_alone_are_no_answer(store: Store, server: FaultServer, behave: dict[str, object]) -> None:
    """Where the reasoning holds no whole reply it is refused, and its words are never taken for one."""
    behave["odd"] = lambda call: answer(200, message(content=None, reasoning_content="I shall rewrite it."))
    run(store, server.url("odd"), Plan(attempts=1))
    assert {(row["status"], row["reason"]) for row in outcomes(store)} == {("refused", "empty_reply")}
