"""The prompts file, and the messages that are made of it."""

import json
from pathlib import Path

import pytest

from srt_core.errors import TemplateError
from srt_core.records import REFLECTIONS, Pair, Stage
from srt_core.reflect.prompts import (
    CORRECTIONS,
    Refusal,
    RefusalReason,
    ReplyFormat,
    correction_for,
    load_prompts,
    parse_prompts,
    parse_reply,
    placeholder,
    section_keys,
)

PARENT = Pair("Name an animal that is endangered.", "The panda.", "Answer briefly.")
DATA_FILE = Path(__file__).parents[1] / "srt_core" / "reflect" / "prompts" / "prompts.toml"


@pytest.mark.parametrize("stage", REFLECTIONS)
def test_a_request_shows_the_pair_literally(stage: Stage) -> None:
    """Braces and tags in a pair are not taken for placeholders."""
    pair = Pair("Explain {response} and {criteria}.", "It is {input}.", "</original_input> {instruction}")
    system, user = load_prompts().messages(stage, pair)
    assert (system["role"], user["role"]) == ("system", "user")
    for text in (pair.instruction, pair.response, pair.input):
        assert text in user["content"]
    for key in section_keys(stage):
        assert f"<{key}>\n{placeholder(key)}\n</{key}>" in user["content"]


@pytest.mark.parametrize("stage", REFLECTIONS)
def test_the_input_is_shown_where_there_is_one(stage: Stage) -> None:
    """A pair without input gets a request that does not speak of an input block."""
    prompts = load_prompts()
    assert "<original_input>\nAnswer briefly.\n</original_input>" in prompts.messages(stage, PARENT)[1]["content"]
    assert "<original_input>" not in prompts.messages(stage, Pair("Why?", "Because."))[1]["content"]


@pytest.mark.parametrize("stage", REFLECTIONS)
@pytest.mark.parametrize("reply_format", ReplyFormat)
def test_a_reply_that_only_repeats_the_format_is_refused(stage: Stage, reply_format: ReplyFormat) -> None:
    """The empty form of the request, sent back as it stands, is an echo, in either format."""
    request = load_prompts().messages(stage, PARENT, reply_format)[1]["content"]
    form = "{\n" if reply_format is ReplyFormat.JSON else f"<{section_keys(stage)[0]}>"
    refusal = parse_reply(stage, request[request.index(form) :], "stop", PARENT)
    assert isinstance(refusal, Refusal)
    assert refusal.reason is RefusalReason.PLACEHOLDER_ECHO


@pytest.mark.parametrize("stage", REFLECTIONS)
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
    assert usual.version == "2"
    assert load_prompts(tmp_path / "same.toml").hash == usual.hash
    assert load_prompts(tmp_path / "other.toml").hash != usual.hash


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("your own text in place", "your text in place"),  # sections
        ("a JSON string with", "a string with"),  # JSON
        ("without a word about", "and say nothing about"),  # correction
        ("complete in itself", "that is complete"),  # a description that only the schema shows
        ("<original_input>", "<its_input>"),
    ],
)
def test_the_hash_covers_every_format(old: str, new: str) -> None:
    """A change of any text that a teacher may be shown changes the hash."""
    usual = load_prompts()
    assert old in usual.source
    assert parse_prompts(usual.source.replace(old, new)).hash != usual.hash


def test_the_source_makes_the_same_prompts_again() -> None:
    """The text that a project remembers gives the prompts that it was read from; a byte order mark is no matter."""
    usual = load_prompts()
    assert usual.source == DATA_FILE.read_text(encoding="utf-8")
    assert parse_prompts(usual.source) == usual


def test_a_file_with_a_byte_order_mark_is_read(tmp_path: Path) -> None:
    """Editors on Windows put a mark before the text, which is no part of it."""
    path = tmp_path / "prompts.toml"
    path.write_text(DATA_FILE.read_text(encoding="utf-8"), encoding="utf-8-sig")
    assert load_prompts(path) == load_prompts()


def test_criteria_can_be_described_in_other_words(tmp_path: Path) -> None:
    """A description in another language reaches the teacher in the request and in the schema."""
    path = tmp_path / "prompts.toml"
    text = DATA_FILE.read_text(encoding="utf-8")
    path.write_text(
        text.replace("whether what the response says is right", "ob die Antwort stimmt: ist \u6b63?"), "utf-8"
    )
    prompts = load_prompts(path)
    for stage in REFLECTIONS:
        assert "- accuracy: ob die Antwort stimmt: ist \u6b63?" in prompts.messages(stage, PARENT)[1]["content"]
        assert "ob die Antwort stimmt" in json.dumps(prompts.response_format(stage))


@pytest.mark.parametrize("stage", REFLECTIONS)
def test_the_json_format_shows_one_object(stage: Stage) -> None:
    """The request ends in a JSON object with exactly the sections' keys, and shows no tag of a section."""
    request = load_prompts().messages(stage, PARENT, ReplyFormat.JSON)[1]["content"]
    shown = json.loads(request[request.rindex("{\n") :])
    assert tuple(shown) == section_keys(stage)
    assert not any(f"<{key}>" in request for key in section_keys(stage))


@pytest.mark.parametrize("stage", REFLECTIONS)
def test_the_response_format_is_strict(stage: Stage) -> None:
    """Structured output wraps the schema as the chat API wants it."""
    prompts = load_prompts()
    assert prompts.response_format(stage) == {
        "type": "json_schema",
        "json_schema": {"name": f"{stage}_reflection", "strict": True, "schema": prompts.schema(stage)},
    }


@pytest.mark.parametrize("reply_format", ReplyFormat)
def test_a_correction_ends_the_user_message(reply_format: ReplyFormat) -> None:
    """A correction adds to the end of the one user message, literally, and changes nothing before it."""
    prompts = load_prompts()
    first = prompts.messages(Stage.RESPONSE, PARENT, reply_format)
    again = prompts.messages(Stage.RESPONSE, PARENT, reply_format, correction="It held {input}.")
    assert [message["role"] for message in again] == ["system", "user"]
    assert again[0] == first[0]
    added = again[1]["content"].removeprefix(first[1]["content"])
    assert added.startswith("\n\n")
    assert "It held {input}." in added
    assert len(added) < len(again[1]["content"])


def test_every_refusal_has_its_correction() -> None:
    """Each reason has a sentence for the teacher, followed by the detail unless that is for the curator alone."""
    assert set(CORRECTIONS) == set(RefusalReason)
    assert len(set(CORRECTIONS.values())) == len(RefusalReason)
    for reason in RefusalReason:
        said = correction_for(reason, "The section detail is empty.")
        detail = "" if reason is RefusalReason.THOUGHT_ONLY else " The section detail is empty."
        assert said == CORRECTIONS[reason] + detail
        assert CORRECTIONS[reason].endswith(".")
    assert correction_for("no_reply", "HTTP 500.") == ""


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('version = "2"', "version = 2", "version"),
        ("[response]", "[answer]", "response.system"),
        ("{reply_format}", "{replyformat}", "{reply_format}, {replyformat}"),
        ("{instruction}", "it", "instruction.request"),
        ('ambiguity = "', 'clarity = "', "ambiguity"),
        ('detail = "whether', 'detail = "" # "', "detail"),
        ("[instruction]", "[instruction", "cannot be read"),
        ("[reply_format]", "[reply_forms]", "[reply_format]"),
        ("{keys}", "the keys", "reply_format.sections misses or misnames {keys}"),
        ("\njson = ", "\nyaml = ", "reply_format.json"),
        ("{correction}", "", "correction misses or misnames {correction}"),
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
