"""Templates that are named after a trainer are what that trainer makes of a pair, by its own recorded output.

scripts/trainer_records.py makes the records. Trainers end a response with the end token, which no scoring does.
"""

import json
from pathlib import Path
from typing import Any

import pytest
from transformers import AutoTokenizer

from srt_core.records import LossRequest, Pair
from srt_core.score.ifd import Convention, plan
from srt_core.score.prompts import prompts_of
from srt_core.score.student import ChatTemplate, load_tokens
from srt_core.score.templates import load_template, prompt
from tests.context_project import sample_ids
from tests.hostile_pairs import HOSTILE, hostile_project

RECORDS = Path(__file__).parent / "data" / "trainers"
STUDENT = Path(__file__).parent.parent / "sample_data" / "student"
TEMPLATES = {
    ("axolotl", "alpaca"): "alpaca-axolotl",
    ("torchtune", "alpaca"): "alpaca-axolotl",
    ("llamafactory", "alpaca"): "alpaca-llamafactory",
    ("llamafactory", "vicuna"): "vicuna-llamafactory",
    ("llamafactory", "chatml"): "chatml",
    ("fastchat", "vicuna"): "vicuna-fastchat",
}
"""Our template for what a trainer calls so. Axolotl's own chatml of Alpaca rows has a system text that nobody gave."""


def records() -> list[Any]:
    """Every recorded pair of a template that is one of ours, with its name."""
    found: list[Any] = []
    for path in sorted(RECORDS.glob("*.json")):
        for record in json.loads(path.read_text("utf-8"))["records"]:
            if name := TEMPLATES.get((path.stem, record["template"])):
                found.append(pytest.param(name, record, id=f"{path.stem}-{name}-{len(found)}"))
    return found


def pair_of(record: dict[str, Any]) -> Pair:
    row = record["pair"]
    return Pair(row["instruction"], row["output"], row["input"])


@pytest.mark.parametrize(("name", "record"), records())
def test_a_template_is_what_its_trainer_writes(name: str, record: dict[str, Any]) -> None:
    """The prompt is the trainer's letter for letter, after its start token, and the response follows as it is."""
    pair = pair_of(record)
    assert prompt(load_template(name), pair) == record["prompt"].removeprefix("<s>")
    assert record["response"].startswith(pair.response)


@pytest.mark.parametrize(("name", "record"), records())
def test_the_aligned_convention_has_the_trainers_tokens(name: str, record: dict[str, Any]) -> None:
    """Prompt and response made into tokens apart, as the aligned convention does, are those that are trained on."""
    tokenizer = AutoTokenizer.from_pretrained(STUDENT)
    pair = pair_of(record)
    start = [tokenizer.bos_token_id] if record["prompt_ids"][0] == tokenizer.bos_token_id else []
    assert start + tokenizer.encode(prompt(load_template(name), pair), add_special_tokens=False) == record["prompt_ids"]
    target = tokenizer.encode(pair.response, add_special_tokens=False)
    assert record["response_ids"][: len(target)] == target


TRL = json.loads((RECORDS / "trl.json").read_text("utf-8"))["records"]


@pytest.mark.parametrize("record", [each for each in TRL if each["template"] == "chat"])
def test_chat_is_what_trl_makes_of_messages(record: dict[str, Any]) -> None:
    """TRL writes messages in the tokenizer's chat template, letter for letter and token for token as `chat` does."""
    tokenizer = AutoTokenizer.from_pretrained(STUDENT)
    tokenizer.chat_template = record["chat_template"]
    pair = pair_of(record)
    made = prompts_of(load_template("chat"), ChatTemplate(tokenizer, "demo")).prompt(pair)
    assert made == record["prompt"]
    assert record["response"].startswith(pair.response)
    assert tokenizer.encode(made, add_special_tokens=False) == record["prompt_ids"]


@pytest.mark.parametrize("record", [each for each in TRL if each["template"] == "text"])
def test_trl_makes_tokens_of_the_whole_text(record: dict[str, Any]) -> None:
    """Of a prompt and a completion as texts TRL makes tokens together, and ends with the end token."""
    tokenizer = AutoTokenizer.from_pretrained(STUDENT)
    whole = record["prompt"] + record["response"]
    assert whole.endswith(record["pair"]["output"] + tokenizer.eos_token)
    assert tokenizer.encode(whole.removeprefix("<s>")) == record["prompt_ids"] + record["response_ids"]


READ_FOLDERS = ("axolotl", "llamafactory")


@pytest.mark.parametrize("trainer", READ_FOLDERS)
def test_a_trainer_reads_an_exported_folder_as_it_was_scored(trainer: str, tmp_path: Path) -> None:
    """Of hostile pairs too: the tokens of prompt and response, after a start token and up to the end token, are ours.

    A conversation has a blank line between instruction and input, where LLaMA-Factory's Alpaca has none: there the
    pairs without an input are compared.
    """
    record = json.loads((RECORDS / f"{trainer}.json").read_text("utf-8"))
    with hostile_project(tmp_path / "p.srt", record["template"]) as store:
        pairs = dict(zip(sample_ids(store), HOSTILE, strict=True))
    tokens = load_tokens(STUDENT)
    planned = plan(list(pairs.values()), load_template(record["template"]), Convention.ALIGNED, tokens, 4096)
    scored = dict(zip(pairs, planned, strict=True))
    compared = set()
    for row in record["folder"]:
        made = scored[row["sample_id"]].y_given_x
        assert isinstance(made, LossRequest)
        if row["data"] in ("sharegpt", "messages") and pairs[row["sample_id"]].input:
            continue
        own = len(tokens.start_ids)
        prompt, response = list(made.ids[own : made.start]), list(made.ids[made.start :])
        begun = own if tuple(row["prompt_ids"][:own]) == tokens.start_ids else 0
        assert row["prompt_ids"][begun:] == prompt
        assert row["response_ids"][: len(response)] == response
        compared.add((row["data"], row["sample_id"]))
    datas = {row["data"] for row in record["folder"]}
    assert len(record["folder"]) == len(datas) * len(HOSTILE)
    assert {sample for _, sample in compared} == set(pairs)


def test_every_trainers_template_is_checked_or_named() -> None:
    """The templates named after trainers without a record are those that the documentation calls unchecked."""
    recorded = {path.stem for path in RECORDS.glob("*.json")}
    unchecked = {name for (trainer, _), name in TEMPLATES.items() if trainer not in recorded and "-" in name}
    said = (Path(__file__).parent.parent / "docs" / "templates.md").read_text("utf-8")
    for name in {name for name in TEMPLATES.values() if "-" in name}:
        assert f"`{name}`" in said
        assert (f"`{name}` is unchecked" in said) == (name in unchecked)
