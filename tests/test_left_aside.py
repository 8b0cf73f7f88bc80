"""What is no text is refused by name, or left aside where that is asked for: with a mark, and kept for exports."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.json
import pyarrow.parquet
import pytest

from srt_core.errors import DatasetError
from srt_core.importing.files import Account, ImportRow, NotText, Options, Reject, Turns, parse_take, read_rows
from srt_core.importing.marks import MARKS, find_marks
from srt_core.importing.run import import_file
from srt_core.records import Origin, Pair
from srt_core.review.filter.facets import count
from srt_core.review.filter.filter import Filter
from tests.context_project import keep, sample_ids
from tests.empty_project import create_empty
from tests.exporting import export_one
from tests.small_project import write_lines

ALL = Options(take=tuple(NotText))
IMAGE = {"type": "image_url", "image_url": {"url": "cat.png"}}
CALL = {"id": "1", "type": "function", "function": {"name": "weather", "arguments": '{"city": "Ulm"}'}}
ASKED = {"role": "user", "content": "Is it warm in Ulm?"}
CALLED = {"role": "assistant", "content": None, "tool_calls": [CALL]}
REPLIED = {"role": "tool", "content": '{"degrees": 21}', "tool_call_id": "1"}
ANSWERED = {"role": "assistant", "content": "Yes, 21 degrees."}


def read(folder: Path, record: object, options: Options = ALL) -> ImportRow | Reject:
    (row,) = read_rows(write_lines(folder / "data.jsonl", [record]), options=options)  # type: ignore[list-item]
    return row


def taken(folder: Path, record: object, **more: Any) -> ImportRow:
    row = read(folder, record, Options(take=tuple(NotText), **more))
    assert isinstance(row, ImportRow), row
    return row


def parts(text: str, *more: object) -> dict[str, object]:
    return {"role": "user", "content": [{"type": "text", "text": text}, *more]}


CALLS = [
    [ASKED, CALLED, REPLIED, ANSWERED],
    [{"from": "human", "value": ASKED["content"]}, {"from": "function_call", "value": "{}"},
     {"from": "observation", "value": "{}"}, {"from": "gpt", "value": ANSWERED["content"]}],
    [ASKED, {"role": "assistant", "content": [{"type": "tool_use", "id": "1", "name": "weather", "input": {}}]},
     {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "1", "content": "21"}]}, ANSWERED],
    [ASKED, {"role": "assistant", "content": None, "function_call": {"name": "weather", "arguments": "{}"}},
     {"role": "function", "name": "weather", "content": "21"}, ANSWERED],
]  # fmt: skip


@pytest.mark.parametrize("messages", CALLS)
def test_tool_calls_are_refused_or_left_aside(tmp_path: Path, messages: list[Mapping[str, object]]) -> None:
    """The refusal names the option that takes the texts; with it the pair is what was asked and what was answered."""
    reject = read(tmp_path, {"messages": messages}, Options(take=(NotText.MEDIA,)))
    assert isinstance(reject, Reject)
    assert "--take tool-calls" in reject.reason
    row = taken(tmp_path, {"messages": messages})
    assert row.original == Pair("Is it warm in Ulm?", "Yes, 21 degrees.")
    assert row.extra["left_aside"] == "1 tool call, 1 answer of a tool"
    assert len(row.extra["message_fields"][1]["messages_before"]) == 2  # type: ignore[index]


@pytest.mark.parametrize(
    ("record", "said"),
    [
        ({"messages": [parts("What is it?", IMAGE), ANSWERED]}, "1 image"),
        ({"messages": [parts("Compare.", IMAGE, IMAGE), ANSWERED]}, "2 images"),
        ({"messages": [parts("Hear.", {"type": "input_audio", "input_audio": {"data": "aa"}}), ANSWERED]}, "1 sound"),
        ({"messages": [{"role": "user", "content": "<image>What is it?"}, ANSWERED], "images": ["cat.png"]},
         '1 image or sound (column "images")'),
        ({"instruction": "What is it?", "output": "A cat.", "image": {"bytes": None, "path": "cat.png"}},
         '1 image or sound (column "image")'),
    ],
)  # fmt: skip
def test_images_are_refused_or_left_aside(tmp_path: Path, record: object, said: str) -> None:
    """An image in a message or beside the texts costs the record, or is left aside and counted."""
    reject = read(tmp_path, record, Options(take=(NotText.TOOL_CALLS,)))
    assert isinstance(reject, Reject)
    assert "--take media" in reject.reason
    row = taken(tmp_path, record)
    assert row.original.instruction.endswith(("What is it?", "Compare.", "Hear."))
    assert row.extra["left_aside"] == said


def test_a_turn_that_is_an_image_alone_is_refused(tmp_path: Path) -> None:
    """Without its turn the answers before and after it would run together."""
    row = read(tmp_path, {"messages": [ASKED, ANSWERED, {"role": "user", "content": [IMAGE]}, ANSWERED]})
    assert isinstance(row, Reject)
    assert row.reason == "The user turn has no text beside its image (message 3)."
    row = read(tmp_path, {"messages": [ASKED, CALLED]})
    assert isinstance(row, Reject)
    assert "no assistant turn" in row.reason


def test_text_around_a_call_is_one_answer(tmp_path: Path) -> None:
    """What is said before and after a call is one turn; the call and its result stand before it, in their order."""
    talk = [ASKED, {"role": "assistant", "content": "Let me look.", "tool_calls": [CALL]}, REPLIED, ANSWERED]
    row = taken(tmp_path, {"messages": talk})
    assert row.original.response == "Let me look.\n\nYes, 21 degrees."
    assert row.extra["message_fields"] == [{}, {"messages_before": [CALLED, REPLIED]}]
    assert taken(tmp_path, {"messages": talk}, turns=Turns.FIRST).original == row.original
    last = taken(tmp_path, {"messages": [*talk[:2], REPLIED]})
    assert last.extra["message_fields"] == [{}, {"tool_calls": [CALL], "messages_after": [REPLIED]}]


def test_images_of_a_table_are_not_kept_as_bytes(tmp_path: Path) -> None:
    """Of an image of a Parquet file its path is kept; one without a path is among what is not kept."""
    images = [{"bytes": b"\x89PNG", "path": "cat.png"}, {"bytes": b"\x89PNG", "path": None}, None]
    table = pyarrow.table({"question": ["q"] * 3, "answer": ["a"] * 3, "image": images})
    pyarrow.parquet.write_table(table, tmp_path / "seen.parquet")
    account = Account()
    rows = [
        row for row in read_rows(tmp_path / "seen.parquet", options=ALL, account=account) if isinstance(row, ImportRow)
    ]
    assert [row.extra.get("image") for row in rows] == [{"path": "cat.png"}, None, None]
    assert [bool(row.extra.get("left_aside")) for row in rows] == [True, True, False]
    assert account.dropped == {"image": 1}
    assert sum(account.notes.values()) == 2
    refused = [row for row in read_rows(tmp_path / "seen.parquet") if isinstance(row, Reject)]
    assert [row.row for row in refused] == [1, 2]


def test_what_was_left_aside_has_a_mark_and_comes_back(tmp_path: Path) -> None:
    """The mark finds the samples; an export of messages holds what was left aside, and gives the same samples again."""
    talks: list[Mapping[str, object]] = [
        {"messages": [ASKED, CALLED, REPLIED, ANSWERED, *[parts("And here?", IMAGE), ANSWERED]]},
        {"messages": [ASKED, CALLED, REPLIED, ANSWERED]},
        {"messages": [{"role": "user", "content": "Hi."}, ANSWERED]},
    ]
    with create_empty(tmp_path / "p.srt") as store:
        list(import_file(store, write_lines(tmp_path / "talks.jsonl", talks), options=ALL))
        list(find_marks(store, [mark for mark in MARKS if mark.name == "left_aside"]))
        details = [row["detail"] for row in store.rows("SELECT detail FROM mark ORDER BY seq")]
        call = "1 tool call, 1 answer of a tool"
        assert sorted(details) == [f"without its {call}", f"without its {call}, 1 image"]
        assert count(store, Filter(mark=("left_aside",))) == 2
        for sample in sample_ids(store):
            keep(store, sample)
        path = export_one(store, tmp_path / "out", "messages", by="Ann").path
        names = sample_ids(store)
    lines = [json.loads(line)["messages"] for line in path.read_text("utf-8").splitlines()]
    assert [len(line) for line in lines] == [6, 4, 2]
    assert lines[0][1] == {**CALLED, "weight": 0}
    assert lines[0][2]["content"] == [{"type": "text", "text": REPLIED["content"]}]
    assert lines[0][4]["content"] == [{"type": "text", "text": "And here?"}, IMAGE]
    assert lines[2][0]["content"] == [{"type": "text", "text": "Hi."}]
    assert [[each.get("weight") for each in line if each["role"] == "assistant"] for line in lines] == [
        [0, 0, 1],
        [0, 1],
        [1],
    ]
    pyarrow.json.read_json(path)
    with create_empty(tmp_path / "again.srt") as store:
        list(import_file(store, path, options=ALL))
        assert sorted(sample_ids(store)) == sorted(names)


def test_a_rewrite_has_no_calls_of_the_answer_that_it_replaces(tmp_path: Path) -> None:
    """Calls stand before the answer that came of them, and not before another."""
    with create_empty(tmp_path / "p.srt") as store:
        list(
            import_file(
                store,
                write_lines(tmp_path / "t.jsonl", [{"messages": [ASKED, CALLED, REPLIED, ANSWERED]}]),
                options=ALL,
            )
        )
        keep(store, sample_ids(store)[0], Origin.ORIGINAL, Pair(str(ASKED["content"]), "It is warm."))
        path = export_one(store, tmp_path / "out", "messages", by="Ann").path
    assert [each["role"] for each in json.loads(path.read_text("utf-8"))["messages"]] == ["user", "assistant"]


def test_what_can_be_taken_is_named() -> None:
    """Another word is refused with the words that there are."""
    assert parse_take(["Media"]) == (NotText.MEDIA,)
    with pytest.raises(DatasetError, match="media, tool-calls"):
        parse_take(["smells"])
