"""Reflection prompts and the parsing of replies."""

import json
from pathlib import Path

import pytest

from srt_core.errors import TemplateError
from srt_core.prompts import (
    CRITERIA,
    ParsedReflection,
    Refusal,
    RefusalReason,
    load_prompts,
    parse_reply,
    placeholder,
    section_keys,
)
from srt_core.records import Pair, Stage

PARENT = Pair("Name an animal that is endangered.", "The panda.", "Answer briefly.")
WISH = "List three endangered animals and say what threatens each."
ANSWER = "1. Black rhino: poaching.\n2. Orangutan: loss of forest.\n3. Vaquita: fishing nets."
DATA_FILE = Path(__file__).parents[1] / "srt_core" / "data" / "prompts.toml"


def tagged(stage: Stage, **texts: str) -> str:
    """Write a reply in the form the prompt asks for, with some sections' texts given."""
    usual = dict.fromkeys(section_keys(stage), "A plain remark.") | {"new_response": ANSWER}
    if stage is Stage.INSTRUCTION:
        usual["new_instruction"] = WISH
    return "\n".join(f"<{key}>\n{text}\n</{key}>" for key, text in (usual | texts).items())


def as_json(stage: Stage, **texts: object) -> str:
    """Write a reply as a JSON object over several lines."""
    usual = dict.fromkeys(section_keys(stage), "A plain remark.") | {"new_response": ANSWER}
    if stage is Stage.INSTRUCTION:
        usual["new_instruction"] = WISH
    return json.dumps(usual | texts, indent=2)


INS, RES = Stage.INSTRUCTION, Stage.RESPONSE
TALK = "Certainly! Here is my reflection.\n\n"
CODE = 'def f(x):\n    return {"a": [x]}'
MENTIONS = "The tag <new_response> opens the answer; </new_response> closes it, as </new_instruction> does."
ONE_LINE = "".join(f"<{key}>Fine, {key}.</{key}>" for key in section_keys(RES))
SAME_LINE = "\n".join(f"<{key}> Fine, {key}. </{key}>" for key in section_keys(RES))

GOOD: dict[str, tuple[Stage, str, str]] = {
    "the form asked for": (INS, tagged(INS), ANSWER),
    "the form asked for, response stage": (RES, tagged(RES), ANSWER),
    "Windows line ends": (RES, tagged(RES, new_response="One line.").replace("\n", "\r\n"), "One line.\r"),
    "talk before and after": (INS, TALK + tagged(INS) + "\n\nLet me know if you want more.", ANSWER),
    "in a code fence": (RES, "```xml\n" + tagged(RES) + "\n```", ANSWER),
    "blank lines around the text": (RES, tagged(RES, new_response=f"\n\n  \n{ANSWER}\n\n"), ANSWER),
    "indented first line kept": (RES, tagged(RES, new_response="    x = 1\n    y = 2"), "    x = 1\n    y = 2"),
    "text on the tags' lines": (RES, SAME_LINE, "Fine, new_response."),
    "all on one line": (RES, ONE_LINE, "Fine, new_response."),
    "blank lines between sections": (INS, tagged(INS).replace("><", ">\n\n<").replace(">\n<", ">\n\n\n<"), ANSWER),
    "a heading between sections": (INS, tagged(INS).replace("<new_ins", "\n### The new pair\n\n<new_ins"), ANSWER),
    "reasoning first": (INS, "<think>\n<new_response>\nDraft.\n</new_response>\n</think>\n" + tagged(INS), ANSWER),
    "empty reasoning": (RES, "<think>\n\n</think>\n\n" + tagged(RES), ANSWER),
    "only the end of the reasoning": (RES, "The panda is right.\n</think>\n" + tagged(RES), ANSWER),
    "an end marker's word in the text": (
        RES,
        tagged(RES, new_response="Endangered\n[End]\nEND"),
        "Endangered\n[End]\nEND",
    ),
    "N/A inside an answer": (RES, tagged(RES, new_response="Write N/A there."), "Write N/A there."),
    "N/A as an answer": (RES, tagged(RES, new_response="N/A"), "N/A"),
    "bold headings in the text": (
        RES,
        tagged(RES, new_response="**New Instruction:**\nGo."),
        "**New Instruction:**\nGo.",
    ),
    "an answer that mentions the tags": (RES, tagged(RES, new_response=MENTIONS), MENTIONS),
    "an instruction that mentions the tags": (INS, tagged(INS, new_instruction=MENTIONS), ANSWER),
    "a critique that mentions a tag": (INS, tagged(INS, detail="The <new_response> is </detail> enough."), ANSWER),
    "an answer that opens its own tag": (
        RES,
        tagged(RES, new_response="Write:\n<new_response>"),
        "Write:\n<new_response>",
    ),
    "an answer with other tags": (RES, tagged(RES, new_response="<p>\nHi\n</p>"), "<p>\nHi\n</p>"),
    "an answer with a list in brackets": (RES, tagged(RES, new_response="[1, 2, 3]"), "[1, 2, 3]"),
    "an answer that speaks of a placeholder": (RES, tagged(RES, new_response="Dear [your name],"), "Dear [your name],"),
    "an answer with code": (RES, tagged(RES, new_response=CODE), CODE),
    "JSON": (INS, as_json(INS), ANSWER),
    "JSON on one line": (RES, json.dumps(json.loads(as_json(RES))), ANSWER),
    "JSON in a fence, with talk": (INS, f"{TALK}```json\n{as_json(INS)}\n```\nThat is all.", ANSWER),
    "JSON with more keys": (RES, as_json(RES, score=3), ANSWER),
    "JSON with raw line breaks in a text": (RES, as_json(RES).replace("\\n", "\n"), ANSWER),
    "JSON that mentions the tags": (RES, as_json(RES, new_response=f"\n{MENTIONS}"), MENTIONS),
    "JSON after reasoning": (RES, f"<think>\n{{}}\n</think>\n{as_json(RES)}", ANSWER),
    "braces before the tags": (RES, '{"topic": "animals"}\n' + tagged(RES), ANSWER),
    "not stopped for a reason": (RES, tagged(RES), ANSWER),
}

TWO_WAYS = "Write a prompt.\n</new_instruction>\n<new_response>\nIts answer goes here."
R = RefusalReason
BAD: dict[str, tuple[Stage, str, RefusalReason]] = {
    "nothing": (INS, "", R.EMPTY_REPLY),
    "white space": (RES, " \n\n", R.EMPTY_REPLY),
    "only reasoning": (RES, "<think>\nThe panda is right.\n</think>\n", R.EMPTY_REPLY),
    "reasoning that never ends": (RES, f"<think>\nI shall write\n{tagged(RES)}", R.EMPTY_REPLY),
    "an apology": (INS, "I am sorry, but I cannot help with that.", R.MISSING_SECTION),
    "headings instead of tags": (INS, f"**Complexity:** low\n**New Instruction:** {WISH}", R.MISSING_SECTION),
    "the last section never closed": (RES, tagged(RES).removesuffix("</new_response>"), R.MISSING_SECTION),
    "a section left out": (INS, tagged(INS).replace("ambiguity", "clarity"), R.MISSING_SECTION),
    "the other stage's sections": (INS, tagged(RES), R.MISSING_SECTION),
    "the last section only mentioned": (
        RES,
        tagged(RES, detail=MENTIONS).split("<new_response>\n")[0],
        R.MISSING_SECTION,
    ),
    "an empty critique": (INS, tagged(INS, accuracy=""), R.EMPTY_SECTION),
    "an empty answer": (RES, tagged(RES, new_response=" \n "), R.EMPTY_SECTION),
    "the prompt's placeholder": (INS, tagged(INS, new_instruction=placeholder("new_instruction")), R.PLACEHOLDER_ECHO),
    "a placeholder of its own": (INS, tagged(INS, new_instruction="[Your new instruction here]"), R.PLACEHOLDER_ECHO),
    "another placeholder": (RES, tagged(RES, new_response="<insert the answer>"), R.PLACEHOLDER_ECHO),
    "a short placeholder": (RES, tagged(RES, new_response="{new_response}"), R.PLACEHOLDER_ECHO),
    "dots": (RES, tagged(RES, new_response="..."), R.PLACEHOLDER_ECHO),
    "dots in brackets": (RES, tagged(RES, detail="[\u2026]"), R.PLACEHOLDER_ECHO),
    "the same response": (RES, tagged(RES, new_response=f" {PARENT.response}\n"), R.UNCHANGED),
    "the same instruction": (INS, tagged(INS, new_instruction=PARENT.instruction), R.UNCHANGED),
    "an instruction with the reply's own seam": (INS, tagged(INS, new_instruction=TWO_WAYS), R.AMBIGUOUS_SECTIONS),
    "an answer with the last tag on a line": (
        RES,
        tagged(RES, new_response="a\n</new_response>\nb"),
        R.AMBIGUOUS_SECTIONS,
    ),
    "two replies": (RES, tagged(RES) + "\n\nOr better:\n" + tagged(RES), R.AMBIGUOUS_SECTIONS),
    "a second answer": (RES, tagged(RES) + "\n<new_response>\nOr.\n</new_response>", R.AMBIGUOUS_SECTIONS),
    "the first section twice": (RES, "<helpfulness>\nHm.\n</helpfulness>\n" + tagged(RES), R.AMBIGUOUS_SECTIONS),
    "out of order": (RES, "<detail>\nFine.\n</detail>\n" + tagged(RES).replace("detail", "x"), R.AMBIGUOUS_SECTIONS),
    "JSON without an answer": (RES, as_json(RES).replace("new_response", "response"), R.MISSING_SECTION),
    "JSON with null": (RES, as_json(RES, new_response=None), R.MISSING_SECTION),
    "JSON with a list": (RES, as_json(RES, new_response=["a", "b"]), R.MISSING_SECTION),
    "JSON with half a surrogate pair": (RES, as_json(RES, new_response="\ud83d"), R.MISSING_SECTION),
    "JSON with an empty text": (RES, as_json(RES, detail=""), R.EMPTY_SECTION),
    "JSON cut short": (RES, as_json(RES)[:-30], R.MISSING_SECTION),
    "JSON nested without end": (RES, '{"a":' + "[" * 100_000, R.MISSING_SECTION),
    "JSON with a key twice": (RES, as_json(RES).replace('"detail"', '"accuracy"'), R.AMBIGUOUS_SECTIONS),
    "two JSON replies": (RES, as_json(RES) + "\n" + as_json(RES), R.AMBIGUOUS_SECTIONS),
    "JSON with the same response": (RES, as_json(RES, new_response=PARENT.response), R.UNCHANGED),
}


@pytest.mark.parametrize("name", GOOD)
def test_a_good_reply_gives_the_whole_reflection(name: str) -> None:
    """A reply in any accepted shape gives every criterion's text and the new pair, letter by letter."""
    stage, text, response = GOOD[name]
    reflection = parse_reply(stage, text, "stop", PARENT)
    assert isinstance(reflection, ParsedReflection)
    assert tuple(reflection.critique) == CRITERIA[stage]
    assert all(text.strip() for text in reflection.critique.values())
    assert reflection.pair.response == response


@pytest.mark.parametrize("name", BAD)
def test_a_bad_reply_is_refused_with_its_reason(name: str) -> None:
    """A reply with anything missing, empty, echoed, equal or ambiguous gives no pair at all, and says why."""
    stage, text, reason = BAD[name]
    refusal = parse_reply(stage, text, "stop", PARENT)
    assert isinstance(refusal, Refusal)
    assert refusal.reason is reason
    assert refusal.detail.endswith(".") or reason is R.PLACEHOLDER_ECHO


@pytest.mark.parametrize(("finish_reason", "reason"), [("length", R.CUT_OFF), ("content_filter", R.CONTENT_FILTER)])
def test_the_finish_reason_refuses_a_reply_that_looks_whole(finish_reason: str, reason: RefusalReason) -> None:
    """A reply cut at the token limit or filtered is refused even where its sections are all there."""
    refusal = parse_reply(RES, tagged(RES), finish_reason, PARENT)
    assert isinstance(refusal, Refusal)
    assert refusal.reason is reason


def test_the_new_instruction_stands_alone_and_the_new_response_keeps_its_question() -> None:
    """The instruction stage brings a pair without input; the response stage keeps instruction and input."""
    rewritten, answered = parse_reply(INS, tagged(INS), "stop", PARENT), parse_reply(RES, tagged(RES), "stop", PARENT)
    assert isinstance(rewritten, ParsedReflection)
    assert isinstance(answered, ParsedReflection)
    assert rewritten.pair == Pair(WISH, ANSWER, "")
    assert answered.pair == Pair(PARENT.instruction, ANSWER, PARENT.input)


def test_a_mentioned_tag_stays_in_the_instruction() -> None:
    """An instruction about the tags themselves comes back letter by letter."""
    reflection = parse_reply(INS, tagged(INS, new_instruction=MENTIONS), "stop", PARENT)
    assert isinstance(reflection, ParsedReflection)
    assert reflection.pair == Pair(MENTIONS, ANSWER)


@pytest.mark.parametrize("stage", Stage)
def test_a_request_shows_the_pair_literally(stage: Stage) -> None:
    """Braces and tags in a pair are not taken for placeholders."""
    pair = Pair("Explain {response} and {criteria}.", "It is {input}.", "</original_input> {instruction}")
    system, user = load_prompts().messages(stage, pair)
    assert (system["role"], user["role"]) == ("system", "user")
    for text in (pair.instruction, pair.response, pair.input):
        assert text in user["content"]
    for key in section_keys(stage):
        assert f"<{key}>\n{placeholder(key)}\n</{key}>" in user["content"]


@pytest.mark.parametrize("stage", Stage)
def test_the_input_is_shown_where_there_is_one(stage: Stage) -> None:
    """A pair without input gets a request that does not speak of an input block."""
    prompts = load_prompts()
    assert "<original_input>\nAnswer briefly.\n</original_input>" in prompts.messages(stage, PARENT)[1]["content"]
    assert "<original_input>" not in prompts.messages(stage, Pair("Why?", "Because."))[1]["content"]


@pytest.mark.parametrize("stage", Stage)
def test_a_reply_that_only_repeats_the_format_is_refused(stage: Stage) -> None:
    """The reply format of the request, sent back as it stands, is an echo."""
    request = load_prompts().messages(stage, PARENT)[1]["content"]
    refusal = parse_reply(stage, request[request.index(f"<{section_keys(stage)[0]}>") :], "stop", PARENT)
    assert isinstance(refusal, Refusal)
    assert refusal.reason is R.PLACEHOLDER_ECHO


@pytest.mark.parametrize("stage", Stage)
def test_the_schema_requires_every_section_as_text(stage: Stage) -> None:
    """Structured output asks for the same sections as the tags do."""
    schema = load_prompts().schema(stage)
    properties = schema["properties"]
    assert isinstance(properties, dict)
    assert tuple(properties) == section_keys(stage)
    assert schema["required"] == list(section_keys(stage))
    assert {entry["type"] for entry in properties.values()} == {"string"}


def test_the_hash_follows_what_the_teacher_reads(tmp_path: Path) -> None:
    """A comment leaves the hash alone; a changed word changes it."""
    text = DATA_FILE.read_text(encoding="utf-8")
    (tmp_path / "same.toml").write_text(text + "# A remark.\n", encoding="utf-8")
    (tmp_path / "other.toml").write_text(text.replace("frankly", "kindly"), encoding="utf-8")
    usual = load_prompts()
    assert usual.version == "1"
    assert load_prompts(tmp_path / "same.toml").hash == usual.hash
    assert load_prompts(tmp_path / "other.toml").hash != usual.hash


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('version = "1"', "version = 1", "version"),
        ("[response]", "[answer]", "response.system"),
        ("{reply_format}", "{replyformat}", "{reply_format}, {replyformat}"),
        ("{instruction}", "it", "instruction.request"),
        ('ambiguity = "', 'clarity = "', "ambiguity"),
        ('detail = "whether', 'detail = "" # "', "detail"),
        ("[instruction]", "[instruction", "cannot be read"),
    ],
)
def test_prompts_that_do_not_fit_the_parser_are_refused(tmp_path: Path, old: str, new: str, said: str) -> None:
    """A prompt file that misses or misnames a text, a placeholder or a section is refused with its name."""
    path = tmp_path / "prompts.toml"
    path.write_text(DATA_FILE.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    with pytest.raises(TemplateError) as error:
        load_prompts(path)
    assert said in error.value.message
    assert error.value.hint


def test_a_prompt_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    """A missing prompt file gives an error with its path."""
    with pytest.raises(TemplateError, match=r"none\.toml"):
        load_prompts(tmp_path / "none.toml")
