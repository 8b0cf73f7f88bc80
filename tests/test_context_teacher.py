"""What the teacher is told of a pair's context."""

import asyncio
import json
from pathlib import Path

import pytest

from srt_core.errors import TeacherStopError
from srt_core.project.candidates import pair_of
from srt_core.records import DERIVATIONS, NO_CONTEXT, REFLECTIONS, Context, Pair, Stage
from srt_core.reflect.estimate import estimate
from srt_core.reflect.prompts import load_prompts, parse_prompts
from srt_core.reflect.run import USUAL_PLAN, reflect
from srt_core.reflect.teacher import Answer, Ask, CallOutcome, ReplayTeacher, record_reply, request_hash
from tests.context_project import create_project, exchanges, turns
from tests.reflecting import PROMPTS, walk
from tests.teaching_server import record_replies

FIRST, LAST = exchanges("Be brief {input}.", "Name a bird.", "A wren.", "</user> Why that one?", "It is small.")


@pytest.mark.parametrize(
    ("stage", "pair", "expected"),
    [
        (Stage.INSTRUCTION, Pair("Why?", "Because."),
         "4fac6cc01e55486c659c92cd24af8b72a2260b35bed6fa2b7ccd1a8b5ba7ee81"),
        (Stage.RESPONSE, Pair("Why?", "Because."),
         "ac94050791f9a03a97276daa59cdea222a66a4098f2db44f8e06976183dbb4d7"),
        (Stage.RESPONSE, Pair("Add.", "4", "2 and 2"),
         "2e5a6230dc99621972fceca4b39c5099bd2eaac8b50b40189d4714dcae61cf87"),
    ],
)  # fmt: skip
def test_a_pair_without_context_is_asked_about_as_ever(stage: Stage, pair: Pair, expected: str) -> None:
    """The prompts and the requests for pairs without context have the hashes of before there were contexts."""
    assert PROMPTS.hash == "6f105a0322386ca6ee1b84a2106605d2cd87be3078f30cd4669bb93f959b1bf1"
    assert request_hash("m", PROMPTS.messages(stage, pair), 0.0, 2048) == expected


@pytest.mark.parametrize("stage", REFLECTIONS)
def test_the_context_stands_before_the_request_as_it_is(stage: Stage) -> None:
    """System text and turns are shown in order and literally; what follows is the request about the pair alone."""
    system, user = PROMPTS.messages(stage, LAST)
    alone = PROMPTS.messages(stage, Pair(LAST.instruction, LAST.response))
    assert system == alone[0]
    assert user["content"].endswith(f"\n\n{alone[1]['content']}")
    shown = "<system>\nBe brief {input}.\n</system>\n<user>\nName a bird.\n</user>\n<assistant>\nA wren.\n</assistant>"
    assert f"<original_context>\n{shown}\n</original_context>" in user["content"]


def test_another_context_is_another_request() -> None:
    """Two pairs that differ by what stands before them are asked about apart."""
    contexts = (NO_CONTEXT, Context("Be brief."), Context(turns=turns("Hello.", "Hi.")))
    pairs = [Pair("thanks", "you're welcome", context=context) for context in contexts]
    assert len({request_hash("m", PROMPTS.messages(Stage.RESPONSE, pair), 0.0, 9) for pair in pairs}) == 3


def test_a_prompts_file_may_word_the_context_or_leave_it_out() -> None:
    """A file without a text for contexts takes the usual one; one of its own is part of the prompts' hash."""
    begin, end = PROMPTS.source.index("# How the context"), PROMPTS.source.index("# Stands as a last")
    older = parse_prompts(PROMPTS.source[:begin] + PROMPTS.source[end:])
    assert (older.hash, older.context_text) == (PROMPTS.hash, load_prompts().context_text)
    other = parse_prompts(PROMPTS.source.replace("The pair below is the end", "This pair is the end"))
    assert other.hash != PROMPTS.hash
    assert other.messages(Stage.RESPONSE, LAST)[1]["content"].startswith("This pair is the end")


def test_only_the_pair_is_rewritten(tmp_path: Path) -> None:
    """Every rewrite that a run makes stands in the context of its original, which is shown in each request."""
    with create_project(tmp_path / "p.srt", [(pair, {}) for pair in (FIRST, LAST)]) as store:
        pairs = [pair_of(row) for row in store.rows("FROM pair")]
        teacher = ReplayTeacher(record_replies(tmp_path / "r.jsonl", PROMPTS, pairs))
        walk(reflect(store, teacher, PROMPTS))
        rows = store.rows("FROM pair JOIN sample USING (sample_id) ORDER BY seq, candidate_id")
        assert {row["origin"] for row in rows} > {"ORIGINAL", "RESPONSE"}
        for row in rows:
            assert pair_of(row).context == (FIRST, LAST)[row["seq"] - 1].context


def test_an_estimate_counts_the_characters_of_contexts(tmp_path: Path) -> None:
    """A context adds its text and the words around it to each of a sample's three prompts."""
    said = "Keep to it. " * 400
    prompt_tokens = []
    for name, context in (("plain", NO_CONTEXT), ("long", Context(said))):
        pair = Pair("Why?", "Because.", context=context)
        with create_project(tmp_path / f"{name}.srt", [(pair, {})]) as store:
            replies = record_replies(tmp_path / f"{name}.jsonl", PROMPTS, [pair])
            prompt_tokens.append(estimate(store, ReplayTeacher(replies), PROMPTS, USUAL_PLAN).prompt_tokens.likely)
    added = len(DERIVATIONS) * (len(said) + len(PROMPTS.context_text)) / 4
    assert prompt_tokens[1] - prompt_tokens[0] == pytest.approx(added, rel=0.05)


def test_a_recording_keeps_the_context(tmp_path: Path) -> None:
    """A recorded reply is replayed for a pair in its context, not for an equal pair in another."""
    ask, other = (Ask((), Stage.RESPONSE, pair) for pair in (LAST, Pair(LAST.instruction, LAST.response)))
    line = json.dumps(record_reply(ask, Answer(CallOutcome.ANSWERED, "Yes.", "stop", "m")))
    (tmp_path / "r.jsonl").write_text(line, encoding="utf-8")
    teacher = ReplayTeacher(tmp_path / "r.jsonl")
    assert asyncio.run(teacher.ask(ask)).text == "Yes."
    assert asyncio.run(teacher.ask(other)).outcome is CallOutcome.NOT_RECORDED
    (tmp_path / "r.jsonl").write_text(line.replace('"role": "system"', '"role": "tool"'), encoding="utf-8")
    with pytest.raises(TeacherStopError, match="context is no list of messages"):
        ReplayTeacher(tmp_path / "r.jsonl")
