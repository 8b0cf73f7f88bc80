"""Exports are loaded by `datasets` as they were written, and what `datasets` saves is read."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from srt_core.export.lines import Conversations
from srt_core.importing.files import ImportRow, find_sources, read_rows
from srt_core.project.store import Store
from srt_core.records import Context, Pair, Role, Turn
from tests.context_project import create_project, exchanges, join_conversations, keep, sample_ids
from tests.exporting import export_one

datasets = pytest.importorskip("datasets")

BIRDS = exchanges("Be brief.", "Name a bird.", "A wren.", "Another?", "A tit.")
ODD = Pair("Say “ü”.\r\n\tNow.", 'A "b"\\n \u2028 \U0001f426', "null")
CALL = {"id": "1", "type": "function", "function": {"name": "weather", "arguments": "{}"}}
CALLED = {"role": "assistant", "content": None, "tool_calls": [CALL]}
ASIDE = [
    {},
    {"content": [{"type": "text", "text": "Warm?"}, {"type": "image_url", "image_url": {"url": "a.png"}}]},
    {
        "messages_before": [
            {"role": "assistant", "content": None, "tool_calls": [CALL]},
            {"role": "tool", "content": "21"},
        ]
    },
]
WARM = Pair("Warm?", "Yes.", context=Context("Be brief."))
OWN: Mapping[str, object] = {"source": "web", "score": 0.5, "votes": 3, "tags": ["a"], "of": {"page": 7}, "text": "t"}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A project of which everything is kept: an exchange of a conversation, odd texts, own columns, calls of tools."""
    rows = [(ODD, {}), (BIRDS[0], OWN), (BIRDS[1], OWN), (WARM, {"message_fields": ASIDE})]
    with create_project(tmp_path_factory.mktemp("kept") / "p.srt", rows) as store:
        names = sample_ids(store)
        join_conversations(store, names[1:3])
        for name in names:
            keep(store, name)
        yield store


def loaded(path: Path, folder: Path) -> list[dict[str, Any]]:
    """The lines of a file as `datasets` loads them, by their sample."""
    kind = "parquet" if path.suffix == ".parquet" else "json"
    found = datasets.load_dataset(kind, data_files=str(path), split="train", cache_dir=str(folder / "cache"))
    return sorted(found.to_list(), key=lambda row: str(row["sample_id"]))


def in_order(store: Store, pairs: Sequence[Pair]) -> list[Pair]:
    """Pairs in the order of their samples' ids."""
    return [pair for _, pair in sorted(zip(sample_ids(store), pairs, strict=True), key=lambda each: each[0])]


PAIRS = [ODD, *BIRDS, WARM]


@pytest.mark.parametrize("format", ["alpaca", "parquet"])
def test_a_table_is_loaded_with_equal_texts(store: Store, tmp_path: Path, format: str) -> None:
    """Instruction, input, output, system and history are what was kept, and own columns have their values."""
    rows = loaded(export_one(store, tmp_path, format, by="Ann").path, tmp_path)
    pairs = in_order(store, PAIRS)
    assert [(row["instruction"], row["output"], row["input"]) for row in rows] == [
        (pair.instruction, pair.response, pair.input) for pair in pairs
    ]
    assert [row["system"] or "" for row in rows] == [pair.context.system for pair in pairs]
    assert [row["history"] or [] for row in rows] == [
        [[turn.text for turn in pair.context.turns]] if pair.context.turns else [] for pair in pairs
    ]
    assert sorted(row["own_text"] or "" for row in rows) == ["", "", "t", "t"]
    assert sorted(row["votes"] or 0 for row in rows) == [0, 0, 3, 3]


@pytest.mark.parametrize("conversations", Conversations)
def test_messages_are_loaded_with_equal_texts(store: Store, tmp_path: Path, conversations: Conversations) -> None:
    """Every message has its text, as parts where any has an image, and those of tools stand where they stood."""
    path = export_one(store, tmp_path, "messages", conversations=conversations, by="Ann").path
    lines = {row["sample_id"]: row["messages"] for row in loaded(path, tmp_path)}
    by_sample = dict(zip(sample_ids(store), PAIRS, strict=True))
    assert len(lines) == (4 if conversations is Conversations.APART else 3)
    for sample, messages in lines.items():
        pair = by_sample[sample]
        said = [
            (each["role"], "".join(part.get("text") or "" for part in each["content"]))
            for each in messages
            if each["content"] and each["role"] != "tool"
        ]
        asked = Turn(Role.USER, f"{pair.instruction}\n\n{pair.input}" if pair.input else pair.instruction)
        turns = (*pair.context.turns, asked, Turn(Role.ASSISTANT, pair.response))
        system = [("system", pair.context.system)] if pair.context.system else []
        assert said == [*system, *((str(turn.role), turn.text) for turn in turns)]
    (called,) = [messages for messages in lines.values() if "tool" in [each["role"] for each in messages]]
    assert called[2]["tool_calls"][0]["function"]["name"] == "weather"
    assert called[1]["content"][1]["image_url"] == {"url": "a.png"}
    assert [each.get("weight") for each in called] == [None, None, 0, None, 1]


def test_scores_are_loaded(store: Store, tmp_path: Path) -> None:
    """Every candidate is a row with its sample, its file and its row in that."""
    rows = loaded(export_one(store, tmp_path, "scores", by="Ann").path, tmp_path)
    assert [row["sample_id"] for row in rows] == sorted(sample_ids(store))
    assert sorted(row["row"] for row in rows) == [1, 2, 3, 4]


@pytest.mark.parametrize("shards", [1, 2])
def test_what_datasets_saves_is_read(tmp_path: Path, shards: int) -> None:
    """Folders of a data set and of its splits, made by the library itself, give the rows that went in."""
    rows = [{"question": f"q{at}", "answer": f"a{at}", "score": at / 2} for at in range(5)]
    saved = datasets.DatasetDict(
        {"train": datasets.Dataset.from_list(rows), "test": datasets.Dataset.from_list(rows[:2])}
    )
    saved.save_to_disk(str(tmp_path / "all"), num_shards={"train": shards, "test": 1})
    for sources, count in (
        (find_sources(str(tmp_path / "all"), "train"), 5),
        (find_sources(str(tmp_path / "all" / "test")), 2),
    ):
        items = [item for source in sources for item in read_rows(source)]
        found = [item for item in items if isinstance(item, ImportRow)]
        assert [(row.original, row.extra) for row in found] == [
            (Pair(str(row["question"]), str(row["answer"])), {"score": row["score"]}) for row in rows[:count]
        ]
