"""An exported folder trains unchanged: what TRL's own loader makes of it is what was scored, token for token."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from transformers import AutoModelForCausalLM, AutoTokenizer

from srt_core.export.contents import Contents
from srt_core.export.export import export
from srt_core.export.files import Exported
from srt_core.export.formats import FORMATS, Split
from srt_core.importing.files import ImportRow, read_rows
from srt_core.records import Context, LossRequest, Pair, Role, Turn
from srt_core.score.ifd import Convention, plan
from srt_core.score.student import load_tokens
from srt_core.score.templates import load_template
from tests.context_project import sample_ids
from tests.hostile_pairs import HOSTILE, STUDENT, TALK, hostile_project

datasets = pytest.importorskip("datasets")
SPOKEN = [Pair("Another?", "A tit.", context=TALK), Pair("Which one?", "This.", context=Context("Only a system text."))]
MAX_LENGTH = 1024


def loaded(folder: Path, format: str, cache: Path) -> dict[str, dict[str, Any]]:
    """All lines of a format as `load_dataset` of the folder gives them, by sample."""
    found = datasets.load_dataset(str(folder), format, cache_dir=str(cache))
    return {row["sample_id"]: row for part in found.values() for row in part.to_list()}


def trained_on(folder: Path, cache: Path) -> list[tuple[list[int], list[int]]]:
    """The tokens that TRL trains on of the training part: those without loss, and those with, of each line."""
    from trl.trainer.sft_config import SFTConfig
    from trl.trainer.sft_trainer import SFTTrainer

    tokenizer: Any = AutoTokenizer.from_pretrained(STUDENT)
    settings = SFTConfig(
        str(cache / "out"), use_cpu=True, report_to="none", packing=False, completion_only_loss=True,
        max_length=MAX_LENGTH, bf16=False,
    )  # fmt: skip
    data = datasets.load_dataset(str(folder), "prompt_completion", split="train", cache_dir=str(cache))
    model: Any = AutoModelForCausalLM.from_pretrained(STUDENT)
    trainer: Any = SFTTrainer(model, settings, train_dataset=data, processing_class=tokenizer)
    found = []
    for row in trainer.train_dataset:
        first = next(place for place, label in enumerate(row["labels"]) if label != -100)
        assert row["labels"][first:] == row["input_ids"][first:]
        found.append((row["input_ids"][:first], row["input_ids"][first:]))
    return found


def scored_tokens(pairs: list[Pair], template: str, convention: Convention) -> list[tuple[list[int], list[int]]]:
    """The tokens that were scored: of the prompt, without the scorer's start token, and of the response."""
    tokens = load_tokens(STUDENT)
    found = []
    for made in plan(pairs, load_template(template), convention, tokens, MAX_LENGTH):
        assert isinstance(made.y_given_x, LossRequest)
        ids, start = list(made.y_given_x.ids), made.y_given_x.start
        own = len(tokens.start_ids) if tuple(ids[: len(tokens.start_ids)]) == tokens.start_ids else 0
        found.append((ids[own:start], ids[start:]))
    return found


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:`gradient_checkpointing` is deprecated:FutureWarning")  # TRL's own setting
@pytest.mark.parametrize("template", ["alpaca", "chatml", "vicuna-fastchat"])
def test_trl_trains_on_the_tokens_that_were_scored(tmp_path: Path, template: str) -> None:
    """All but the pairs that were counted before: their border is another one where tokens of the whole are made."""
    spoken = SPOKEN if template == "chatml" else []
    pairs = HOSTILE + spoken
    with hostile_project(tmp_path / "p.srt", template, pairs) as store:
        written = export(store, tmp_path / "out", ["prompt_completion"], by="ann", max_length=MAX_LENGTH)
        names = sample_ids(store)
        lines = (tmp_path / "out" / "prompt_completion.train.jsonl").read_text("utf-8").split("\n")[:-1]
    assert written.before and written.rows == len(pairs) == len(lines)
    counted = {each.name: each for each in written.before.concerns}
    found = [json.loads(line)["sample_id"] for line in lines]
    order = [names.index(name) for name in found if name not in counted["no_room"].samples]
    assert len(found) - len(order) == counted["no_room"].lines == 1  # which TRL leaves out
    bos, eos = load_tokens(STUDENT).start_ids[0], AutoTokenizer.from_pretrained(STUDENT).eos_token_id
    differing, cut = [], []
    for place, (before, after) in zip(order, trained_on(tmp_path / "out", tmp_path / "cache"), strict=True):
        ((prompt, response),) = scored_tokens([pairs[place]], template, Convention.ALIGNED)
        prompt_ids = before[1:] if before[0] == bos else before
        is_whole = after[-1] == eos and len(before) + len(after) < MAX_LENGTH
        target = after[:-1] if is_whole else after
        if not is_whole:
            cut.append(names[place])
        if (prompt_ids, target) != (prompt, response[: len(target)]):
            differing.append(names[place])
    assert len(differing) == counted["boundary"].lines < len(pairs)
    assert set(counted["boundary"].samples) <= set(differing)
    assert cut == counted["too_long"].samples and len(cut) == counted["too_long"].lines == 1


@pytest.mark.parametrize("format", ["prompt_completion", "alpaca", "messages", "sharegpt", "parquet"])
def test_hostile_texts_come_back_equal(tmp_path: Path, format: str) -> None:
    """`load_dataset` of the folder, by the card's configs, gives every text as it was, of both parts."""
    with hostile_project(tmp_path / "p.srt", "alpaca") as store:
        written = export(store, tmp_path / "out", [format], Contents(validation=0.3), by="ann")
        wanted = dict(zip(sample_ids(store), HOSTILE, strict=True))
    rows = loaded(tmp_path / "out", format, tmp_path / "cache")
    assert {each.split for each in written.files} == set(Split)
    assert {name: pair_in(format, row) for name, row in rows.items()} == {
        name: in_format(format, pair) for name, pair in wanted.items()
    }
    for path in (tmp_path / "out").glob("*.json*"):
        assert not {"\u2028", "\u2029", "\x85"} & set(path.read_text("utf-8"))


def pair_in(format: str, row: Mapping[str, Any]) -> tuple[str, ...]:
    """The texts of a loaded line."""
    if format == "prompt_completion":
        return row["prompt"], row["completion"]
    if format == "messages":
        return tuple(message["content"] for message in row["messages"])
    if format == "sharegpt":
        return tuple(turn["value"] for turn in row["conversations"])
    return row["instruction"], row["input"], row["output"]


def in_format(format: str, pair: Pair) -> tuple[str, ...]:
    """The texts that a line has to have, worked out here."""
    if format == "prompt_completion":
        part = f"\n\n### Input:\n{pair.input}" if pair.input else ""
        beside = ", paired with an input that provides further context" if pair.input else ""
        begin = f"Below is an instruction that describes a task{beside}."
        ask = "Write a response that appropriately completes the request."
        return f"{begin} {ask}\n\n### Instruction:\n{pair.instruction}{part}\n\n### Response:", pair.response
    if format in ("messages", "sharegpt"):
        return (f"{pair.instruction}\n\n{pair.input}" if pair.input else pair.instruction), pair.response
    return pair.instruction, pair.input, pair.response


def test_every_config_of_the_card_loads(tmp_path: Path) -> None:
    """One config a format, the first of them by default, each with its parts; all that is in the files is loaded."""
    with hostile_project(tmp_path / "p.srt", "chatml", [*HOSTILE, *SPOKEN]) as store:
        asked = [name for name, format in FORMATS.items() if format.source.holds_texts]
        written = export(store, tmp_path / "out", asked, Contents(validation=0.3), by="ann")
    assert {each.format for each in written.files if each.rows} == {*asked} - {"dpo", "dpo_chat", "ranking"}
    for format in {each.format for each in written.files if each.rows} - {"parquet"}:
        found = datasets.load_dataset(str(tmp_path / "out"), format, cache_dir=str(tmp_path / "cache"))
        rows = {each.split: each.rows for each in written.files if each.format == format and each.rows}
        assert {Split(name): len(part) for name, part in found.items()} == rows
    parquet = {str(each.split): str(each.path) for each in written.files if each.format == "parquet"}
    found = datasets.load_dataset("parquet", data_files=parquet, cache_dir=str(tmp_path / "cache"))
    assert sum(len(part) for part in found.values()) == len(HOSTILE) + len(SPOKEN)
    default = datasets.load_dataset(str(tmp_path / "out"), cache_dir=str(tmp_path / "cache"))
    assert set(default["train"].column_names) == {"prompt", "completion", "sample_id"}


def test_half_of_a_surrogate_pair_never_gets_into_an_export(tmp_path: Path) -> None:
    """No file is Unicode with one: an import rejects such a row by name, so that no trainer meets it."""
    path = tmp_path / "half.jsonl"
    path.write_text('{"instruction": "a \\ud83d b", "output": "c"}\n{"instruction": "d", "output": "e"}\n', "utf-8")
    found = list(read_rows(path))
    assert [isinstance(each, ImportRow) for each in found] == [False, True]


def check_openai(lines: list[str]) -> None:
    """The published checks of OpenAI's fine-tuning: examples, messages, keys, roles, contents, an answer, weights."""
    for line in lines:
        example = json.loads(line)
        assert isinstance(example, dict) and set(example) == {"messages"} and example["messages"]
        for message in example["messages"]:
            assert {"role", "content"} <= set(message) <= {"role", "content", "name", "weight", "function_call"}
            assert message["role"] in ("system", "user", "assistant", "function")
            assert isinstance(message["content"], str) and message["content"]
            assert "weight" not in message or (message["role"] == "assistant" and message["weight"] in (0, 1))
        assert example["messages"][-1]["role"] == "assistant"
        weights = [each.get("weight", 1) for each in example["messages"] if each["role"] == "assistant"]
        assert any(weights)


def test_openais_format_passes_its_published_checks(tmp_path: Path) -> None:
    """Messages alone, an answer at the end, weights of 0 and 1; a message without a text is left out and counted."""
    silent = Pair("Go on.", "Yes.", context=Context(turns=(Turn(Role.USER, ""), Turn(Role.ASSISTANT, "Hm."))))
    with hostile_project(tmp_path / "p.srt", "chatml", [*HOSTILE, *SPOKEN, silent]) as store:
        written: Exported = export(store, tmp_path / "out", ["openai"], by="ann")
    (file,) = written.files
    lines = file.path.read_text("utf-8").split("\n")[:-1]
    check_openai(lines)
    assert (len(lines), list(file.left_out.values())) == (len(HOSTILE) + len(SPOKEN), [1])
    talk = next(json.loads(line)["messages"] for line in lines if "wren" in line)
    assert [message.get("weight") for message in talk] == [None, None, 0, None, 1]
