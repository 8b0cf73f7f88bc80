"""The losses of pairs in a conversation, against prompts put together here from the formats' descriptions."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from transformers import PreTrainedTokenizerFast

from srt_core.records import CandidateLosses, Context, Loss, LossRequest, LossStatus, Pair, Role, Score, Turn
from srt_core.score.ifd import Convention, plan, score_of
from srt_core.score.student import Student
from srt_core.score.templates import load_template
from tests.plain_scorer import PlainScorer
from tests.tiny_students import byte_tokenizer, tiny_gpt2, tiny_llama

LENGTH = 1500
VICUNA = (
    "A chat between a curious user and an artificial intelligence assistant. "
    "The assistant gives helpful, detailed, and polite answers to the user's questions."
)
LLAMA_3 = (
    "{{ bos_token }}{% for m in messages %}<|{{ m.role }}|>\n\n{{ m.content | trim }}<|eot|>{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>\n\n{% endif %}"
)
QWEN_3 = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n"
    "{% if m.role == 'assistant' and loop.last %}<think>\n\n</think>\n\n{% endif %}"
    "{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
"""A last answer gets an empty thought before it; an earlier one has none."""
LLAMA_2 = (
    "{% if messages[0].role == 'system' %}{% set system = messages[0].content %}{% set rest = messages[1:] %}"
    "{% else %}{% set system = '' %}{% set rest = messages %}{% endif %}"
    "{% for m in rest %}{% if m.role == 'user' %}<s>[INST] "
    "{% if loop.first and system %}<<SYS>>\n{{ system }}\n<</SYS>>\n\n{% endif %}{{ m.content }} [/INST]"
    "{% else %} {{ m.content }} </s>{% endif %}{% endfor %}"
)
"""A system text stands within the first turn of the user."""

USER, ASSISTANT = Role.USER, Role.ASSISTANT
TWO = (Turn(USER, "Name a colour."), Turn(ASSISTANT, "Red, or {instruction} blue."))
CONTEXTS = [
    Context(),
    Context("Answer in French."),
    Context("", TWO),
    Context(
        "You are {system} a <s>painter</s>.\n", (*TWO, Turn(USER, "Another?"), Turn(ASSISTANT, "  Vert \U0001f642 "))
    ),
    Context("Short.", (Turn(ASSISTANT, "Hello, what shall it be?"),)),
    Context("", (Turn(USER, "Are you there?"),)),
]
TEXTS = [
    ("Translate the sentence.", "The cat sleeps.", "Le chat dort."),
    ("thanks", "", "You're welcome."),
    ("?", "", "a"),
]
PAIRS = [Pair(x, y, given, context) for context in CONTEXTS for x, given, y in TEXTS]

Filled = tuple[str, str, str]
"""What stands before a pair, the prompt of its response, and the reverse prompt."""


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def student_of(chat_template: str | None = None, *, has_bos: bool = True) -> Student:
    tokenizer = byte_tokenizer(has_bos=has_bos)
    tokenizer.chat_template = chat_template
    make: Any = tiny_llama if has_bos else tiny_gpt2
    return Student(make(len(tokenizer), positions=LENGTH), tokenizer, "tiny")


def request(response: str) -> str:
    return load_template("plain").reverse_request.replace("{response}", response)


def vicuna(pair: Pair) -> Filled:
    """As FastChat writes it: a space behind the system text and the user's turns, </s> behind the assistant's."""
    context = pair.context
    before = (context.system or VICUNA) + " "
    for turn in context.turns:
        before += f"USER: {turn.text} " if turn.role is USER else f"ASSISTANT: {turn.text}</s>"
    asked = f"{pair.instruction}\nInput:\n{pair.input}" if pair.input else pair.instruction
    forward, backward = (before + f"USER: {text} ASSISTANT:" for text in (asked, request(pair.response)))
    return before if context else "", forward, backward


def chatml(pair: Pair) -> Filled:
    """<|im_start|>, the role, a line, the text, <|im_end|>, a line; nothing stands before a conversation."""

    def message(role: str, text: str) -> str:
        return f"<|im_start|>{role}\n{text}<|im_end|>\n"

    before = "".join(message(each["role"], each["content"]) for each in pair.context.messages)
    asked = f"{pair.instruction}\n{pair.input}" if pair.input else pair.instruction
    end = "<|im_start|>assistant\n"
    forward, backward = (before + message("user", text) + end for text in (asked, request(pair.response)))
    return before, forward, backward


def chat_of(tokenizer: PreTrainedTokenizerFast) -> Callable[[Pair], Filled]:
    """The tokenizer's own template, all of a conversation at once."""

    def fill(pair: Pair) -> Filled:
        earlier = pair.context.messages
        asked = f"{pair.instruction}\n\n{pair.input}" if pair.input else pair.instruction
        forward, backward = (
            str(tokenizer.apply_chat_template([*earlier, {"role": "user", "content": text}], tokenize=False,
                                              add_generation_prompt=True))
            for text in (asked, request(pair.response))
        )  # fmt: skip
        before = str(tokenizer.apply_chat_template(earlier, tokenize=False)) if earlier else ""
        return before.replace("<think>\n\n</think>\n\n", ""), forward, backward

    return fill


def scored(
    student: Student, pairs: list[Pair], template: str, convention: Convention, length: int = LENGTH
) -> list[Score]:
    plans = plan(pairs, load_template(template), convention, student, length)
    requests = [slot for four in plans for slot in four.slots if isinstance(slot, LossRequest)]
    found = dict(student.losses(requests))
    known: dict[LossRequest, Loss] = {each: found[place] for place, each in enumerate(requests)}
    losses = [[known[slot] if isinstance(slot, LossRequest) else slot for slot in four.slots] for four in plans]
    return [score_of(CandidateLosses(*four)) for four in losses]


def assert_agreement(
    student: Student, fill: Callable[[Pair], Filled], template: str, convention: Convention, length: int = LENGTH
) -> set[LossStatus]:
    """Losses, token counts and ratios are those of the plain computation behind these prompts, to 1e-5."""
    plain = PlainScorer(student._model, student._tokenizer, "", "", "", convention.value, length, template == "chat")
    found = scored(student, PAIRS, template, convention, length)
    for pair, score in zip(PAIRS, found, strict=True):
        expected = plain.score_texts(*fill(pair), pair.instruction, pair.input, pair.response)
        four = (score.losses.y, score.losses.y_given_x, score.losses.x, score.losses.x_given_y)
        assert tuple(loss.tokens for loss in four) == expected.tokens, pair
        means = [expected.y, expected.y_given_x, expected.x, expected.x_given_y, expected.ifd, expected.r_ifd]
        for number, wanted in zip([*(loss.mean for loss in four), score.ifd, score.r_ifd], means, strict=True):
            assert number == (wanted if wanted is None else pytest.approx(wanted, rel=1e-5)), pair
    return {score.status for score in found}


@pytest.mark.parametrize("convention", Convention)
@pytest.mark.parametrize("has_bos", [True, False], ids=["bos", "no bos"])
@pytest.mark.parametrize("template", ["vicuna", "chatml"])
def test_losses_behind_a_conversation_agree_with_the_plain_computation(
    template: str, has_bos: bool, convention: Convention
) -> None:
    """With and without system text and turns, under both conventions: every loss is that of the format's own text."""
    fill = {"vicuna": vicuna, "chatml": chatml}[template]
    assert_agreement(student_of(has_bos=has_bos), fill, template, convention)


@pytest.mark.parametrize("convention", Convention)
@pytest.mark.parametrize("chat_template", [LLAMA_3, QWEN_3], ids=["with bos, trimmed", "thoughts in the last answer"])
def test_the_tokenizers_own_template_agrees_with_the_plain_computation(
    chat_template: str, convention: Convention
) -> None:
    """What stands before the pair is what the prompt begins with, also where a last turn is written otherwise."""
    student = student_of(chat_template)
    assert_agreement(student, chat_of(student._tokenizer), "chat", convention)  # type: ignore[arg-type]


@pytest.mark.parametrize("convention", Convention)
@pytest.mark.parametrize("length", [100, 200])
def test_turns_are_never_cut(length: int, convention: Convention) -> None:
    """Where system text and turns leave no room the status says so; where a part of the target fits, that is scored."""
    seen = assert_agreement(student_of(), chatml, "chatml", convention, length)
    assert LossStatus.CONTEXT_TOO_LONG in seen
    assert seen & {LossStatus.OK, LossStatus.TRUNCATED}


def test_a_prompt_that_is_too_long_by_itself_is_not_the_contexts_fault() -> None:
    """Too long is the context only where the pair alone would have had room, and there is something to score."""
    student, context = student_of(), Context("Be brief.")
    pairs = [Pair("blue " * 200, "Yes.", context=context), Pair("Hi.", "", context=context),
             Pair("Hi.", "Yes.", context=Context("blue " * 200))]  # fmt: skip
    found = plan(pairs, load_template("chatml"), Convention.ALIGNED, student, 150)
    statuses = [four.y_given_x.status for four in found]
    assert statuses == [LossStatus.NO_TARGET, LossStatus.NO_TARGET, LossStatus.CONTEXT_TOO_LONG]


@pytest.mark.parametrize("template", ["alpaca", "wizardlm", "plain"])
def test_a_template_without_a_place_for_a_context_gives_a_status(template: str) -> None:
    """No loss is of a shorter prompt: with a system text or turns all four have the status and no number."""
    for pair, score in zip(PAIRS, scored(student_of(), PAIRS, template, Convention.ALIGNED), strict=True):
        assert (score.status is LossStatus.NOT_CARRIED) == bool(pair.context)
        assert (score.losses.y.mean is None) == bool(pair.context)


def test_a_system_text_within_the_users_turn_is_carried_only_behind_turns() -> None:
    """A chat template that writes the system text into the turn that follows has no text of it alone."""
    statuses = [four.y.status for four in plan(
        [Pair("Hi.", "Yes.", context=context) for context in CONTEXTS[:4]], load_template("chat"), Convention.ALIGNED,
        student_of(LLAMA_2), LENGTH)]  # fmt: skip
    assert statuses == [LossStatus.OK, LossStatus.NOT_CARRIED, LossStatus.OK, LossStatus.OK]
