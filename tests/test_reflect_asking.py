"""How the teacher is asked: the form of reply it keeps to, corrections of refused replies, the curator's note."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from srt_core.project.store import Store
from srt_core.reflect.prompts import ReplyFormat
from srt_core.reflect.run import Plan, reflect
from srt_core.reflect.teacher import ReplayTeacher
from tests.fault_server import ANSWERS, FaultServer, running_fault_server
from tests.reflecting import PROMPTS, outcomes, project, run, walk
from tests.servers.answers import Answer, Call, complete, refuse

SAMPLES = 12


@pytest.fixture
def server() -> Iterator[FaultServer]:
    with running_fault_server() as server:
        server.refuses = False
        yield server


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with project(tmp_path / "p.srt", SAMPLES) as store:
        yield store


@pytest.fixture
def behave(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, object]]:
    """The server's behaviours, to which a test may add."""
    monkeypatch.setattr("tests.servers.server.ANSWERS", found := dict(ANSWERS))
    yield found  # type: ignore[misc]


def with_schema(server: FaultServer) -> list[bool]:
    return ["response_format" in asked for asked in server.requests]


def user_texts(server: FaultServer) -> list[str]:
    texts = []
    for asked in server.requests:
        messages = asked["messages"]
        assert isinstance(messages, list)
        assert [each["role"] for each in messages] == ["system", "user"]
        texts.append(str(messages[1]["content"]))
    return texts


@pytest.mark.parametrize(
    ("behaviour", "form", "asked_with"),
    [
        ("schema_honoured", "json", 3 * SAMPLES),
        ("schema_ignored", "sections", 1),
        ("schema_refused", "sections", 1),
        ("schema_refused_message", "sections", 1),
    ],
)
def test_the_form_of_reply_is_found_by_one_call(
    store: Store, server: FaultServer, behaviour: str, form: str, asked_with: int
) -> None:
    """The first call asks by a schema, alone; all later ones ask as it turned out, also those of a resumed run."""
    some = tuple(row["sample_id"] for row in store.rows("SELECT sample_id FROM sample ORDER BY seq LIMIT 4"))
    run(store, server.url(behaviour), Plan(only=some))
    assert [row["value"] for row in store.rows("SELECT value FROM meta WHERE key LIKE 'reply_format:%'")] == [form]
    run(store, server.url(behaviour))
    assert sum(with_schema(server)) == asked_with
    assert with_schema(server)[0]
    assert {row["status"] for row in outcomes(store)} == {"accepted"}
    assert len(outcomes(store)) == 3 * SAMPLES


def _refuse_silently(call: Call) -> Answer:
    return refuse(400, None, "Bad request.") if call.wants_schema else complete(call.text)


def _fail_on_schema(call: Call) -> Answer:
    return refuse(500, None, "Internal error.") if call.wants_schema else complete(call.text)


@pytest.mark.parametrize(("answer", "most"), [(_refuse_silently, 1), (_fail_on_schema, 4)])
def test_a_server_that_gives_no_reason_is_asked_without_a_schema(
    store: Store, server: FaultServer, behave: dict[str, object], answer: object, most: int
) -> None:
    """Where a request with a schema fails for no named reason the same one is tried without; no sample fails."""
    behave["odd"] = answer
    run(store, server.url("odd"))
    assert {row["status"] for row in outcomes(store)} == {"accepted"}
    assert sum(with_schema(server)) <= most


def test_a_teacher_that_declines_at_first_is_still_asked_by_schema(
    store: Store, server: FaultServer, behave: dict[str, object]
) -> None:
    """A first reply that is no JSON because it declines does not speak against the schema."""
    behave["declining"] = lambda call: complete("I would rather not.")
    run(store, server.url("declining,schema_honoured"), Plan(only=(store.value("SELECT min(sample_id) FROM sample"),)))
    run(store, server.url("schema_honoured"))
    assert all(with_schema(server))


def test_a_schema_that_is_refused_later_is_left_out(store: Store, server: FaultServer) -> None:
    """A teacher that took the schema once and refuses it now is asked for sections; no sample fails."""
    some = tuple(row["sample_id"] for row in store.rows("SELECT sample_id FROM sample ORDER BY seq LIMIT 2"))
    run(store, server.url("schema_honoured"), Plan(only=some))
    run(store, server.url("schema_refused"))
    assert {row["status"] for row in outcomes(store)} == {"accepted"}
    assert len(outcomes(store)) == 3 * SAMPLES


@pytest.mark.parametrize("form", list(ReplyFormat))
def test_a_form_that_is_given_is_kept_to(store: Store, server: FaultServer, form: ReplyFormat) -> None:
    """A form that the plan names is asked for in every call."""
    run(store, server.url("schema_honoured"), Plan(reply_format=form))
    assert set(with_schema(server)) == {form is ReplyFormat.JSON}


def test_a_recording_is_never_asked_for_a_schema(tmp_path: Path, store: Store) -> None:
    """What a replay is asked are sections: its call's hash is the same in every run, and nothing is settled."""
    lines = [{"stage": "response", "instruction": "a", "input": "", "response": "b", "reply": "c", "finish_reason": ""}]
    (tmp_path / "r.jsonl").write_text(json.dumps(lines[0]) + "\n")
    walk(reflect(store, ReplayTeacher(tmp_path / "r.jsonl"), PROMPTS))
    assert {(row["status"], row["reason"]) for row in outcomes(store)} == {("failed", "not_recorded")}
    assert store.rows("SELECT value FROM meta WHERE key LIKE 'reply_format:%'") == []


@pytest.mark.parametrize("concurrency", [1, 8])
def test_a_setting_in_other_words_fails_nobody(
    store: Store, server: FaultServer, behave: dict[str, object], concurrency: int
) -> None:
    """Where a server wants `max_completion_tokens` and no temperature, calls already under way are asked again too."""

    def picky(call: Call) -> Answer:
        if "max_tokens" in call.body:
            return refuse(400, "unsupported_parameter", "Unsupported 'max_tokens': use 'max_completion_tokens'.")
        if "temperature" in call.body:
            return refuse(400, "unsupported_value", "Unsupported value: 'temperature' is fixed.")
        return complete(call.text)

    behave["picky"] = picky
    run(store, server.url("picky"), Plan(concurrency=concurrency, reply_format=ReplyFormat.SECTIONS))
    assert {row["status"] for row in outcomes(store)} == {"accepted"}
    assert server.attempts.total() <= 3 * SAMPLES + 2 * concurrency


@pytest.mark.parametrize("attempts", [1, 2, 3])
def test_a_refused_reply_is_asked_for_again_with_a_correction(store: Store, server: FaultServer, attempts: int) -> None:
    """Each further try says in the same user message what was wrong, and there are no more than allowed."""
    server.refuses = True
    run(store, server.url("teach"), Plan(attempts=attempts))
    assert set(server.attempts.values()) == set(range(1, attempts + 1))
    texts = user_texts(server)
    assert len(texts) == len(set(texts))
    again = [text for text in texts if "This is try" in text]
    assert len(again) == sum(server.attempts.values()) - len(server.attempts)
    assert all("A part that was asked for was missing" in text for text in again)
    run(store, server.url("teach"), Plan(attempts=attempts))
    assert len(server.requests) == len(texts)


def test_a_note_reaches_the_teacher_when_failures_are_tried_again(store: Store, server: FaultServer) -> None:
    """With `retry_failed` refused replies are asked for again, the note in each message; others are left alone."""
    server.refuses = True
    run(store, server.url("teach"))
    refused = [row for row in outcomes(store) if row["status"] == "refused"]
    server.requests.clear()
    run(store, server.url("teach"), Plan(retry_failed=True, attempts=1, note="Please think of spiders."))
    assert len(server.requests) == len(refused) > 0
    assert all("Please think of spiders." in text for text in user_texts(server))


def test_a_note_reaches_the_teacher_where_no_reply_came(store: Store, server: FaultServer) -> None:
    """With `retry_failed` a request that was filtered is asked again, with the note; without it is not."""
    run(store, server.url("filtered_prompt"))
    server.requests.clear()
    run(store, server.url("filtered_prompt"))
    assert server.requests == []
    run(store, server.url("teach"), Plan(retry_failed=True, note="It is harmless.", only=chosen(store)))
    texts = user_texts(server)
    assert len(texts) == 2 * 3
    assert sum("It is harmless." in text for text in texts) == 2 * 2  # BOTH is asked for the first time
    assert {row["sample_id"] for row in outcomes(store) if row["status"] == "accepted"} == set(chosen(store))


def chosen(store: Store) -> tuple[str, ...]:
    return tuple(row["sample_id"] for row in store.rows("SELECT sample_id FROM sample ORDER BY seq LIMIT 2"))


def test_refused_replies_of_one_sample_are_retried_alone(store: Store, server: FaultServer) -> None:
    """With `only` nothing is asked about another sample."""
    run(store, server.url("teach"), Plan(only=chosen(store)))
    assert {row["sample_id"] for row in outcomes(store)} == set(chosen(store))
    assert server.attempts.total() == 2 * 3
