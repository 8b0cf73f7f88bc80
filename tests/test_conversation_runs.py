"""Scoring projects of conversations: what is said before, what is stored, and how little is computed."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from threading import Event

import pytest
import torch

from srt_core.errors import StudentError
from srt_core.project.store import Store
from srt_core.records import NO_CONTEXT, Context, LossRequest, Pair, Role, Turn
from srt_core.score.chunks import Unscored
from srt_core.score.contexts import not_carried
from srt_core.score.explain import explain
from srt_core.score.ifd import Convention, plan
from srt_core.score.prompts import prompts_of
from srt_core.score.run import score
from srt_core.score.scorings import score_statuses, scorings
from srt_core.score.student import Batching, Student, computed_tokens
from srt_core.score.student.chat import ChatTemplate
from srt_core.score.templates import load_template
from srt_core.score.token_maps import MapStatus, MapSubject, Part
from tests.command_line import DONE_WITH_FAILURES, NOT_DONE, Command
from tests.conversations import add_exchanges, exchanges
from tests.empty_project import create_empty
from tests.pipeline import CountingStudent
from tests.reflecting import walk
from tests.small_project import save_student
from tests.tiny_students import byte_tokenizer, save, tiny_llama

CHATML, VICUNA, ALPACA, CHAT = map(load_template, ("chatml", "vicuna", "alpaca", "chat"))
WORDS = ("red", "blue", "green", "spider", "rain", "cat", "leg", "sky")
TALK = [
    (f"Tell me of the {word}, number {at}. " * 2, f"The {word} is {at} times as old. " * 3)
    for at, word in enumerate(WORDS)
]
MESSAGES = "{% for m in messages %}[{{ m.role }}] {{ m.content }}\n{% endfor %}"
LOSSES = "SELECT * FROM loss ORDER BY key"
SCORES = "SELECT * FROM score ORDER BY scoring_id, candidate_id"
SPEAKERS = {
    "system": Context("Be brief."),
    "user assistant": Context("", (Turn(Role.USER, "Hello."), Turn(Role.ASSISTANT, "Hello there."))),
    "system user assistant": Context("Be brief.", (Turn(Role.USER, "Hello."), Turn(Role.ASSISTANT, "Hello there."))),
    "assistant": Context("", (Turn(Role.ASSISTANT, "Hello there."),)),
}
CHAT_TEMPLATES = {
    "carries all": (MESSAGES, set()),
    "refuses a system text": (
        "{% if messages[0].role == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}" + MESSAGES,
        {"system", "system user assistant"},
    ),
    "drops the system text": (
        "{% for m in messages if m.role != 'system' %}[{{ m.role }}] {{ m.content }}\n{% endfor %}",
        {"system", "system user assistant"},
    ),
    "keeps the last message": (
        "[{{ messages[-1].role }}] {{ messages[-1].content }}\n", set(SPEAKERS)
    ),
    "wants a message of the user": (
        "{% if messages | selectattr('role', 'equalto', 'user') | list | length == 0 %}"
        "{{ raise_exception('No user query found') }}{% endif %}" + MESSAGES,
        set(),
    ),
    "puts the system text before the last message": (
        "{% for m in messages if m.role != 'system' %}[{{ m.role }}] {% if loop.last and m.role == 'user' %}"
        "{{ messages[0].content if messages[0].role == 'system' }} {% endif %}{{ m.content }}\n{% endfor %}",
        {"system", "system user assistant"},
    ),
    "wants the user first": (
        "{% if messages[0].role == 'assistant' %}{{ raise_exception('user first') }}{% endif %}" + MESSAGES,
        {"assistant"},
    ),
}  # fmt: skip
"""Chat templates, and the orders of speakers before a pair that they cannot carry."""


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with create_empty(tmp_path / "p.srt") as store:
        yield store


def student_of(chat_template: str | None = None) -> CountingStudent:
    """A random Llama with room for a conversation."""
    tokenizer = byte_tokenizer(has_bos=True)
    tokenizer.chat_template = chat_template
    return CountingStudent(tiny_llama(len(tokenizer), positions=4096), tokenizer, "tiny")


def add_single(store: Store, context: Context = NO_CONTEXT) -> None:
    add_exchanges(store, [Pair("Name a colour.", "Red.", context=context)])


def requests_of(student: Student, pairs: list[Pair]) -> set[LossRequest]:
    plans = plan(pairs, CHATML, Convention.ALIGNED, student, 4096)
    return {slot for four in plans for slot in four.slots if isinstance(slot, LossRequest)}


def computed(student: Student, pairs: list[Pair], token_budget: int) -> int:
    packs = student.packs(requests_of(student, pairs), token_budget)
    return sum(computed_tokens(pack, Batching.PACKED) for pack in packs)


# ---- how little is computed


def test_what_exchanges_share_is_computed_once() -> None:
    """In one pack the tokens of eight exchanges are those of their prefix tree, a third of what one by one would be."""
    student = student_of()
    pairs = exchanges(TALK, "You know every animal. " * 4)
    requests = requests_of(student, pairs)
    tree = {request.ids[:end] for request in requests for end in range(1, len(request.ids) + 1)}
    found = computed(student, pairs, 100_000)
    assert len(tree) <= found <= 1.02 * len(tree)
    assert 3 * found < sum(len(request.ids) for request in requests)


def test_packs_that_are_too_small_for_a_conversation_repeat_little_of_it() -> None:
    """Cut into packs, a conversation costs at most half as much again; a pack ends between conversations if it can."""
    student = student_of()
    talks = [exchanges([(f"{name}: {x}", y) for x, y in TALK]) for name in ("A", "B", "C")]
    whole = sum(computed(student, pairs, 100_000) for pairs in talks)
    assert computed(student, [pair for pairs in talks for pair in pairs], 1024) < 1.5 * whole
    largest = max(computed(student, pairs, 100_000) for pairs in talks)
    behind = {request for pairs in talks for request in requests_of(student, pairs[1:]) if request.before}
    packs = student.packs(behind, largest)
    assert [len({request.ids[:20] for request in pack}) for pack in packs] == [1, 1, 1]


def test_exchanges_of_a_conversation_are_in_one_chunk(store: Store) -> None:
    """Wherever conversations begin and end, none is in two chunks, and chunks are no longer than they have to be."""
    for name in ("A", "B", "C", "D", "E", "F"):
        add_exchanges(store, exchanges([(f"{name}: {x}", y) for x, y in TALK[:5]]))
    chunks = list(Unscored(store, 1).chunks(4))
    assert [len(chunk) for chunk in chunks] == [5] * 6
    assert [len({row["conversation"] for row in chunk}) for chunk in chunks] == [1] * 6
    assert [row["seq"] for chunk in chunks for row in chunk] == list(range(1, 31))


def test_a_paused_run_over_conversations_goes_on_with_the_same_packs(tmp_path: Path) -> None:
    """Stopped within a conversation, a run goes on with the packs of an undisturbed one: equal bit for bit."""
    with create_empty(tmp_path / "whole.srt") as whole, create_empty(tmp_path / "paused.srt") as paused:
        for each in (whole, paused):
            for name in ("A", "B", "C"):
                add_exchanges(each, exchanges([(f"{name}: {x}", y) for x, y in TALK[:5]]))
        undisturbed, disturbed = student_of(), student_of()
        walk(score(whole, undisturbed, CHATML, token_budget=512))
        for _ in range(3):
            stop = Event()
            for progress in score(paused, disturbed, CHATML, token_budget=512, stop=stop):
                if progress.tokens:
                    stop.set()
        walk(score(paused, disturbed, CHATML, token_budget=512))
        assert disturbed.seen == undisturbed.seen
        assert (paused.rows(SCORES), paused.rows(LOSSES)) == (whole.rows(SCORES), whole.rows(LOSSES))


# ---- which scoring it is


def test_texts_for_contexts_count_only_where_there_are_contexts(store: Store) -> None:
    """Templates that differ only in them are one scoring of a project without contexts, and two of one with."""
    student = student_of()
    other = replace(VICUNA, assistant="BOT: {response}</s>")
    add_single(store)
    for template in (VICUNA, other):
        walk(score(store, student, template))
    assert [each.template_hash for each in scorings(store)] == [VICUNA.hash]
    asked = student.requests
    add_single(store, SPEAKERS["user assistant"])
    for template in (VICUNA, other):
        walk(score(store, student, template))
    assert len({each.template_hash for each in scorings(store)}) == len(scorings(store)) == 3
    assert student.requests == asked + 2 * 3, "L(y) is behind nothing, and the losses without a context were there"


def test_a_template_without_such_texts_stays_the_scoring_it_was(store: Store) -> None:
    """Conversations that come later get their status in the scoring that is there."""
    student = student_of()
    add_single(store)
    walk(score(store, student, ALPACA))
    add_single(store, SPEAKERS["system"])
    last = walk(score(store, student, ALPACA))[-1]
    assert (last.done, last.failed, student.requests) == (1, 1, 4)
    assert len(scorings(store)) == 1
    assert score_statuses(store) == {"ok": 1, "context_not_carried": 1}


# ---- what is not carried


@pytest.mark.parametrize("name", CHAT_TEMPLATES)
def test_what_a_chat_template_cannot_carry_is_known_before(store: Store, name: str) -> None:
    """What is counted before is what has no score after: refused, dropped or cut, it is never a shorter prompt."""
    template, lacking = CHAT_TEMPLATES[name]
    student = student_of(template)
    add_single(store)
    for context in SPEAKERS.values():
        add_single(store, context)
    counts = not_carried(store, prompts_of(CHAT, student))
    assert sum(counts.values()) == len(lacking)
    walk(score(store, student, CHAT))
    without = store.rows(
        """SELECT roles FROM score JOIN candidate USING (candidate_id) LEFT JOIN context USING (context_id)
           WHERE status = 'context_not_carried'"""
    )
    assert {row["roles"] for row in without} == lacking


def test_a_turn_that_a_template_shortens_is_not_carried(store: Store) -> None:
    """A template that drops the thoughts of earlier answers gives those conversations a status, and no number."""
    shown = "{{ m.content.split('</think>')[-1] if m.role == 'assistant' else m.content }}"
    student = student_of(MESSAGES.replace("{{ m.content }}", shown))
    add_exchanges(store, exchanges([("Hello.", "<think>A greeting.</think>Hello."), ("Thanks.", "You're welcome.")]))
    walk(score(store, student, CHAT))
    assert [row["status"] for row in store.rows(SCORES)] == ["ok", "context_not_carried"]


@pytest.mark.parametrize(
    "template", ["{% for m in messages %}{% for p in m.content %}{{ p.text }}{% endfor %}{% endfor %}", "Hello: "]
)
def test_a_chat_template_that_leaves_out_the_texts_is_refused(template: str) -> None:
    """One that takes lists of parts only, or no text at all, fits no pair: the error says so and what to do."""
    with pytest.raises(StudentError, match="leaves out the texts of messages") as caught:
        prompts_of(CHAT, ChatTemplate(student_of(template)._tokenizer, "tiny"))
    assert "chatml" in caught.value.hint


def test_the_command_says_before_it_scores_what_gets_no_score(tmp_path: Path, command: Command) -> None:
    """The count and the reason come first; after the run each is listed with its status, and the exit code says so."""
    with create_empty(tmp_path / "p.srt") as store:
        add_single(store)
        for context in SPEAKERS.values():
            add_single(store, context)
    asked = ("score", tmp_path / "p.srt", "--student", save_student(tmp_path / "student"))
    plain = command(*asked)
    assert plain.returncode == DONE_WITH_FAILURES
    said = "versions will get no score. The template alpaca has no place for"
    assert f"2 {said} a system text." in plain.stderr and f"2 {said} earlier turns." in plain.stderr
    assert plain.stderr.index(said) < plain.stderr.index("Loading the student")
    assert plain.stderr.count("context_not_carried") == 4
    assert "will get no score" not in command(*asked, "--template", "chatml").stderr
    refused = command(*asked, "--template", "chat")
    assert (refused.returncode, "has no chat template" in refused.stderr) == (NOT_DONE, True)


def test_the_chat_template_of_a_folder_is_read_before_its_weights(tmp_path: Path, command: Command) -> None:
    """What a tokenizer's own template cannot carry is said by its own words."""
    tokenizer = byte_tokenizer(has_bos=True)
    tokenizer.chat_template = CHAT_TEMPLATES["refuses a system text"][0]
    folder = save(tmp_path / "student", tiny_llama(len(tokenizer)), tokenizer)
    with create_empty(tmp_path / "p.srt") as store:
        add_single(store, SPEAKERS["system"])
    found = command("score", tmp_path / "p.srt", "--student", folder, "--template", "chat")
    assert "1 version will get no score." in found.stderr
    assert "System role not supported" in found.stderr


# ---- token losses


@pytest.mark.parametrize("convention", Convention)
def test_a_map_is_of_the_losses_behind_the_conversation(store: Store, convention: Convention) -> None:
    """Under both conventions the means of a map are the score's, and its pieces spell the text, said before or not."""
    student = student_of()
    add_exchanges(
        store, exchanges([("thanks", "thanks"), ("thanks", "You're welcome."), ("Bye.", "thanks")], "Be kind.")
    )
    walk(score(store, student, CHATML, convention=convention))
    for row in store.rows(SCORES):
        maps = explain(store, student, MapSubject("score", row["candidate_id"]))
        for part, given in ((Part.RESPONSE, "y_given_x"), (Part.INSTRUCTION, "x_given_y")):
            assert maps[part].mean_alone == pytest.approx(row[f"loss_{part}"], rel=1e-6)
            assert maps[part].mean_given == pytest.approx(row[f"loss_{given}"], rel=1e-6)
            assert "".join(maps[part].text[span.begin : span.end] for span in maps[part].spans) == maps[part].text


def test_a_map_says_what_stands_in_its_way(store: Store) -> None:
    """Without a place or without room for the conversation a map has no pieces and the reason."""
    student = student_of()
    add_single(store, SPEAKERS["system"])
    walk(score(store, student, ALPACA))
    assert {each.status for each in explain(store, student, MapSubject("score", 1)).values()} == {MapStatus.NOT_CARRIED}
    walk(score(store, student, CHATML, max_length=10))
    store.set_meta("scoring_id", "2")
    found = explain(store, student, MapSubject("score", 1)).values()
    assert {each.status for each in found} == {MapStatus.NO_TARGET}
