"""Student templates: the exact texts, one-pass filling, and files of a user's own."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from srt_core.errors import TemplateError
from srt_core.records import Context, Pair, Role, Turn
from srt_core.score.prompts import prompts_of
from srt_core.score.templates import (
    TEMPLATE_NAMES,
    Template,
    load_template,
    prompt,
    render,
    reverse_prompt,
    stored_template,
)

ALPACA_HEAD = "Below is an instruction that describes a task"
VICUNA_HEAD = (
    "A chat between a curious user and an artificial intelligence assistant. "
    "The assistant gives helpful, detailed, and polite answers to the user's questions. "
)

OWN_FILE = """
name = "mine"
with_input = "Q: {instruction} / {input}\\nA:"
no_input = "Q: {instruction}\\nA:"
reverse_request = "What was asked? {response}"
"""


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_the_built_in_templates_are_those_of_the_method() -> None:
    """alpaca comes first, and chat uses the tokenizer's own template."""
    assert TEMPLATE_NAMES == (
        "alpaca", "alpaca-axolotl", "alpaca-llamafactory", "vicuna", "vicuna-fastchat", "vicuna-llamafactory",
        "wizardlm", "plain", "chatml", "chat",
    )  # fmt: skip
    assert [name for name in TEMPLATE_NAMES if load_template(name).is_chat] == ["chat"]


@pytest.mark.parametrize(
    ("name", "with_input", "no_input"),
    [
        (
            "alpaca",
            f"{ALPACA_HEAD}, paired with an input that provides further context. Write a response that appropriately "
            "completes the request.\n\n### Instruction:\nX\n\n### Input:\nI\n\n### Response:",
            f"{ALPACA_HEAD}. Write a response that appropriately completes the request.\n\n"
            "### Instruction:\nX\n\n### Response:",
        ),
        ("vicuna", f"{VICUNA_HEAD}USER: X\nInput:\nI ASSISTANT:", f"{VICUNA_HEAD}USER: X ASSISTANT:"),
        ("wizardlm", "X\nI\n\n### Response:", "X\n\n### Response:"),
        ("plain", "X\nI\n", "X\n"),
        (
            "chatml",
            "<|im_start|>user\nX\nI<|im_end|>\n<|im_start|>assistant\n",
            "<|im_start|>user\nX<|im_end|>\n<|im_start|>assistant\n",
        ),
        ("chat", "X\n\nI", "X"),
    ],
)
def test_a_prompt_is_exactly_what_trainers_use(name: str, with_input: str, no_input: str) -> None:
    """An interchange format is byte for byte its format, with and without an input."""
    template = load_template(name)
    assert prompt(template, Pair("X", "Y", "I")) == with_input
    assert prompt(template, Pair("X", "Y")) == no_input


def test_the_reverse_prompt_is_the_prompt_of_the_filled_reverse_request() -> None:
    """y' is the no-input text with the request in the instruction's place, and shows the response once."""
    template = load_template("alpaca")
    request = render(template.reverse_request, {"response": "ANSWER"})
    assert reverse_prompt(template, "ANSWER") == prompt(template, Pair(request, ""))
    assert reverse_prompt(template, "ANSWER").count("ANSWER") == 1


@pytest.mark.parametrize("text", ["{input}", "{response}", "{instruction}", "{", "}", "{0}", "\\1 \\g<0>", "{{input}}"])
def test_braces_in_a_text_stay_as_they_are(text: str) -> None:
    """Placeholders are filled in one pass: what a user wrote is never read as a placeholder or as a pattern."""
    template = load_template("plain")
    assert prompt(template, Pair(text, "y", text)) == f"{text}\n{text}\n"
    assert f"\n{text}\n" in reverse_prompt(template, text)


def test_a_users_file_is_a_template(tmp_path: Path) -> None:
    """A TOML file with the three texts loads, under its own name or its file's."""
    template = load_template(write(tmp_path / "other.toml", OWN_FILE))
    assert template.name == "mine"
    assert prompt(template, Pair("x", "y", "i")) == "Q: x / i\nA:"
    unnamed = load_template(write(tmp_path / "other.toml", OWN_FILE.replace('name = "mine"', "")))
    assert (unnamed.name, unnamed.hash) == ("other", template.hash)


def test_the_hash_is_of_the_three_texts() -> None:
    """A score remembers the texts: the name does not count, every text does, and where one ends counts too."""
    base = Template("a", "1", "2", "3")
    others = [Template("a", "12", "", "3"), Template("a", "1", "23", ""), Template("a", "1", "2", "4")]
    assert base.hash == Template("b", "1", "2", "3").hash
    assert len({base.hash, *(other.hash for other in others)}) == 4
    assert len(base.hash) == 16


def test_the_texts_for_contexts_are_in_a_hash_of_their_own() -> None:
    """Where a project has contexts every text counts; a template without such texts has one hash for both."""
    base = Template("a", "1", "2", "3", system="4", user="5", assistant="6")
    others = [
        replace(base, system="7"),
        replace(base, user="7"),
        replace(base, assistant="7"),
        replace(base, preamble="7"),
    ]
    assert {each.hash for each in (base, *others)} == {Template("b", "1", "2", "3").hash}
    assert len({base.hash, base.hash_with_contexts, *(each.hash_with_contexts for each in others)}) == 6
    assert load_template("alpaca").hash_with_contexts == load_template("alpaca").hash


def test_hashes_are_those_that_scorings_were_stored_under() -> None:
    """Pairs without a context are filled into the texts of before: their scorings are found again by these hashes."""
    kept = {
        "alpaca": "446e331d442a109f", "vicuna": "61a033b6dcf95fb9", "wizardlm": "39f973eda52726a5",
        "plain": "ba8fe0e03e54d809", "chat": "e453882cb3deb961",
    }  # fmt: skip
    assert {name: load_template(name).hash for name in kept} == kept


CONTEXT_TEXTS = """
preamble = "Q: "
system = "S: {system}. "
user = "Q: {instruction} "
assistant = "A: {response}; "
"""


def test_a_users_file_may_carry_contexts(tmp_path: Path) -> None:
    """With texts for them a system text takes the preamble's place and turns stand before the pair, closed."""
    template = load_template(write(tmp_path / "own.toml", OWN_FILE + CONTEXT_TEXTS))
    prompts = prompts_of(template)
    turns = (Turn(Role.USER, "u {response}"), Turn(Role.ASSISTANT, "a {system}"))
    assert prompts.prompt(Pair("x", "y", "i")) == "Q: x / i\nA:"
    assert prompts.prompt(Pair("x", "y", context=Context("s {instruction}"))) == "S: s {instruction}. x\nA:"
    assert prompts.before(Context("", turns)) == "Q: Q: u {response} A: a {system}; "
    assert prompts.reverse(Pair("x", "y", context=Context("s", turns))) == (
        "S: s. Q: u {response} A: a {system}; What was asked? y\nA:"
    )
    assert stored_template("mine", template.json) == template


@pytest.mark.parametrize(
    ("added", "said"),
    [
        ('system = "S: "', r"needs the placeholders \{system\} and has none"),
        ('user = "{instruction} "', "has no text 'assistant'"),
        ('assistant = "{response} "', "has no text 'user'"),
        ('preamble = "{instruction}"', r"needs no placeholders and has \{instruction\}"),
        ('preamble = "Hello. "', "do not begin with its preamble"),
        ('is_chat = true\nsystem = "{system} "', "has its own turns"),
    ],
)
def test_texts_for_contexts_that_do_not_fit_are_refused(tmp_path: Path, added: str, said: str) -> None:
    """A placeholder too few or too many, one side of a conversation, a preamble of another prompt: each is named."""
    with pytest.raises(TemplateError, match=said) as caught:
        load_template(write(tmp_path / "own.toml", OWN_FILE + added))
    assert caught.value.hint


def test_the_word_system_in_braces_is_a_text_elsewhere(tmp_path: Path) -> None:
    """Only the text for a system text has that placeholder: prompts that hold the word are filled as before."""
    template = load_template(write(tmp_path / "own.toml", OWN_FILE.replace("Q: ", "Q {system}: ")))
    assert prompt(template, Pair("x", "y")) == "Q {system}: x\nA:"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("{instruction} / {input}", "{instruction}"), "'with_input'"),
        (("{instruction}\\nA", "\\nA"), "'no_input'"),
        (("{response}", ""), "'reverse_request'"),
        (("{instruction}\\nA:", "{instruction}\\nA: {response}"), r"has \{instruction\} and \{response\}"),
        (("no_input", "no_imput"), "has no text 'no_input'"),
        (('"Q: {instruction}\\nA:"', "7"), "has no text 'no_input'"),
        (('"mine"', '"mine'), "cannot be read"),
    ],
)
def test_a_file_that_is_no_template_is_refused(tmp_path: Path, change: tuple[str, str], said: str) -> None:
    """A missing or misplaced placeholder, a missing text or broken TOML is named, with a hint."""
    path = write(tmp_path / "own.toml", OWN_FILE.replace(*change))
    with pytest.raises(TemplateError, match=said) as caught:
        load_template(path)
    assert caught.value.hint


def test_an_unknown_name_lists_those_there_are(tmp_path: Path) -> None:
    """Neither a built-in name nor a file: the hint lists the names."""
    for name in ("alpca", tmp_path):
        with pytest.raises(TemplateError, match="There is no template") as caught:
            load_template(name)
        assert "alpaca, alpaca-axolotl" in caught.value.hint


def test_a_file_in_another_encoding_is_refused(tmp_path: Path) -> None:
    """A file that is not UTF-8 is refused instead of read as something else."""
    path = tmp_path / "own.toml"
    path.write_bytes(OWN_FILE.encode("utf-16"))
    with pytest.raises(TemplateError, match="cannot be read"):
        load_template(path)


@pytest.mark.parametrize("name", TEMPLATE_NAMES)
def test_a_stored_template_is_the_same_template(name: str) -> None:
    """What a project file keeps of a template makes it again, that it is for chat too."""
    template = load_template(name)
    assert stored_template(name, template.json) == template


def test_a_template_of_an_older_project_file_is_made_again() -> None:
    """Project files that do not say whether a template is for chat mean the built-in one by its name."""
    chat = load_template("chat")
    kept = json.loads(chat.json)
    del kept["is_chat"]
    assert stored_template("chat", json.dumps(kept)) == chat
    assert not stored_template("alpaca", json.dumps(kept)).is_chat
