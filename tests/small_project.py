"""A small project for tests of the steps: a file with all four candidates, a folder with a tiny student."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

import torch

from srt_core.importing.run import import_file
from srt_core.project.store import Store
from srt_core.records import Origin
from srt_core.score.run import score
from srt_core.score.student import load_student
from srt_core.score.templates import load_template
from srt_core.select.derive import refresh
from tests.empty_project import create_empty
from tests.tiny_students import byte_tokenizer, save, tiny_llama

COLUMN_MAP = {
    "original.instruction": "Raw Instruction",
    "original.input": "Raw Input",
    "original.response": "Raw Response",
    "instruction.instruction": "New Instruction",
    "instruction.response": "New Response",
    "response.response": "Better Response",
    "both.response": "Best Response",
}
"""How the columns of `rows_with_candidates` make four candidates a row."""

TASKS = ("Name a colour", "Add the numbers", "Translate the word", "Describe the animal", "Sort the list")
WORDS = ("red", "spider", "rainbow", "sentence", "insect", "cat", "rain", "leg", "green", "eight", "blue")


def texts(number: int, length: int) -> str:
    """Some words that no other number and length has."""
    return " ".join(WORDS[(number * 7 + place * place + length) % len(WORDS)] for place in range(length)) + f" {number}"


def rows_with_candidates(count: int) -> list[dict[str, str]]:
    """Rows that make four distinct candidates each; every third has an input."""
    return [
        {
            "Raw Instruction": f"{TASKS[number % len(TASKS)]}: {texts(number, 3)}.",
            "Raw Input": f"Take {texts(number, 2)}." if number % 3 == 0 else "",
            "Raw Response": texts(number, 4) + ".",
            "New Instruction": f"{TASKS[number % len(TASKS)]} and explain {texts(number, 5)}.",
            "New Response": texts(number, 9) + ".",
            "Better Response": texts(number, 6) + "!",
            "Best Response": texts(number, 12) + "!",
        }
        for number in range(count)
    ]


def alpaca_rows(count: int) -> list[dict[str, str]]:
    """The same originals alone, in Alpaca's columns."""
    return [
        {"instruction": row["Raw Instruction"], "input": row["Raw Input"], "output": row["Raw Response"]}
        for row in rows_with_candidates(count)
    ]


def write_lines(path: Path, rows: Iterable[Mapping[str, object]]) -> Path:
    """Write JSON Lines."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def save_student(folder: Path) -> Path:
    """Save a random Llama of two layers with its tokenizer."""
    tokenizer = byte_tokenizer(has_bos=True)
    return save(folder, tiny_llama(len(tokenizer)), tokenizer)


def create_scored_project(path: Path, student_folder: Path, count: int) -> Store:
    """Create a project of `count` samples with four candidates each, scored."""
    torch.set_num_threads(1)
    data = write_lines(path.with_suffix(".jsonl"), rows_with_candidates(count))
    store = create_empty(path)
    for _ in import_file(store, data, column_map=COLUMN_MAP):
        pass
    for _ in score(store, load_student(student_folder, device="cpu"), load_template("alpaca")):
        pass
    refresh(store)
    return store


def sample_with(store: Store, verdict: Origin) -> str:
    """Find the first sample that the rule keeps with this origin."""
    found = store.value("SELECT min_by(sample_id, seq) FROM selection WHERE origin = ?", [str(verdict)])
    assert found is not None, f"no sample is kept as {verdict}"
    return str(found)
