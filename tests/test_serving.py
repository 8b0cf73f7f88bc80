"""The teacher against a server that somebody else wrote: `transformers serve` over a tiny random model."""

import asyncio
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from srt_core.records import REFLECTIONS, Pair, Stage
from srt_core.reflect.prompts import Refusal, RefusalReason, load_prompts, parse_reply
from srt_core.reflect.run import Plan, reflect
from srt_core.reflect.teacher import Answer, Ask, CallOutcome, OpenAITeacher
from tests.reflecting import outcomes, project, walk
from tests.serving import Serving, running_serving

pytestmark = pytest.mark.slow

MAX_TOKENS = 16


@pytest.fixture(scope="module")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    with running_serving(tmp_path_factory.mktemp("serving")) as running:
        yield running


def question(text: str) -> Ask:
    return Ask(({"role": "user", "content": text},), Stage.RESPONSE, Pair("Greet.", "Hi"))


def ask_all(serving: Serving, asks: Sequence[Ask], model: str | None = None) -> list[Answer]:
    """Ask all at once, with one teacher."""

    async def ask() -> list[Answer]:
        teacher = OpenAITeacher(serving.url, model or serving.model, max_tokens=MAX_TOKENS, deadline_seconds=60)
        try:
            return await asyncio.gather(*(teacher.ask(one) for one in asks))
        finally:
            await teacher.close()

    return asyncio.run(ask())


def test_a_question_is_answered_with_its_facts(serving: Serving) -> None:
    """A reply has text, a finish reason, the model's name and token counts, and is the same at temperature 0."""
    first, second = (ask_all(serving, [question("Say hello.")])[0] for _ in range(2))
    assert first.text
    assert first.text == second.text
    assert (first.finish_reason, first.model, first.completion_tokens) == ("length", serving.model, MAX_TOKENS)
    assert first.prompt_tokens is not None
    assert first.prompt_tokens > 0


def test_a_reflection_of_a_model_that_knows_nothing_is_refused(serving: Serving) -> None:
    """A prompt of ours is taken, chat roles and all; what a random model makes of it is never a candidate."""
    pair = Pair("Name a colour.", "Red.", "Of the rainbow.")
    for stage in REFLECTIONS:
        reply = ask_all(serving, [Ask(load_prompts().messages(stage, pair), stage, pair)])[0]
        assert isinstance(parse_reply(stage, reply.text or "", reply.finish_reason, pair), Refusal)


def test_a_prompt_beyond_the_model_is_told_by_its_tokens(serving: Serving) -> None:
    """This server takes a prompt longer than its model was made for: only the count of its tokens tells."""
    reply = ask_all(serving, [question("Say hello. " * 300)])[0]
    assert reply.prompt_tokens is not None
    assert reply.prompt_tokens > serving.positions


def test_many_questions_at_once_get_their_own_answers(serving: Serving) -> None:
    """Questions asked at once get the replies that they get one by one."""
    asks = [question(f"Say {number}.") for number in range(12)]
    one_by_one = [ask_all(serving, [ask])[0].text for ask in asks]
    assert len(set(one_by_one)) > 1
    assert [reply.text for reply in ask_all(serving, asks * 2)] == one_by_one * 2


def test_a_model_that_is_not_served_is_named(serving: Serving) -> None:
    """A wrong model name is an error that says what the server has, though it comes as 400 and without a code."""
    answer = ask_all(serving, [question("Say hello.")], model="other")[0]
    assert answer.outcome is CallOutcome.UNKNOWN_MODEL
    assert "is pinned to" in answer.detail


def test_no_message_at_all_is_an_error(serving: Serving) -> None:
    """What this server fails at itself, a question without messages, is an error of that call."""
    answer = ask_all(serving, [Ask((), Stage.RESPONSE, Pair("Greet.", "Hi"))])[0]
    assert answer.outcome is CallOutcome.SERVER_ERROR
    assert "HTTP 500" in answer.detail


def test_a_run_against_it_ends_with_a_reason_for_each_sample(serving: Serving, tmp_path: Path) -> None:
    """Every reply of a model that knows nothing is kept, and each sample ends as a failed reflection with a reason."""
    with project(tmp_path / "p.srt", 3) as store:
        teacher = OpenAITeacher(serving.url, serving.model, max_tokens=MAX_TOKENS, deadline_seconds=60)
        walk(reflect(store, teacher, load_prompts(), Plan(concurrency=4)))
        found = outcomes(store)
        assert {(row["origin"], row["status"]) for row in found} == {
            ("INSTRUCTION", "refused"),
            ("RESPONSE", "refused"),
        }
        assert len(found) == 6
        assert {row["reason"] for row in found} <= set(RefusalReason)
        assert store.value("SELECT count(*) FROM teacher_call WHERE raw <> '' AND completion_tokens > 0") >= 12
