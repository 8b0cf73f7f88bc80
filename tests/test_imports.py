"""What an import keeps of itself: what came of the columns, rejects that can be mended, and the way back."""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from srt_core.errors import DatasetError
from srt_core.importing.files import Options, Source, Turns, find_sources
from srt_core.importing.imports import imports
from srt_core.importing.marks.run import find_marks
from srt_core.importing.rejects import rejects_by_reason, write_rejects
from srt_core.importing.run import import_file, import_files
from srt_core.importing.undo import undo_import
from srt_core.project.store import Store
from srt_core.records import Action, Decision, Origin
from srt_core.review import decisions
from srt_core.review.status import status
from tests.empty_project import create_empty
from tests.small_project import alpaca_rows, write_lines


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with create_empty(tmp_path / "p.srt") as store:
        yield store


def bring(store: Store, path: Path | Source, **options: Any) -> str:
    return list(import_file(store, path, **options))[-1].message


def test_an_import_keeps_what_came_of_the_columns(store: Store, tmp_path: Path) -> None:
    """What each column was used as, what was kept and what was noted stands with the import, in words."""
    rows: list[dict[str, object]] = [
        {"question": "q", "answer": "a", "id": 1},
        {"question": "r", "answer": "b", "context": "nan"},
    ]
    bring(store, write_lines(tmp_path / "a.jsonl", rows))
    account = imports(store)[0].account
    assert account is not None
    assert account.lines() == [
        'Used as instruction: "question"; input: "context" (1); response: "answer".',
        'Kept: "id" (1).',
        'Columns that came later: "context" in row 2.',
        'Inputs that only say that there is none, such as "nan" or "<noinput>", taken as empty: 1.',
    ]


def test_a_mended_row_clears_its_reject(store: Store, tmp_path: Path) -> None:
    """Rejects are written whole, records as records; what comes back mended clears, what does not stays one reject."""
    lines = [*(json.dumps(row) for row in alpaca_rows(2)), '{"instruction": "Why?"}', '{"instruction": "How?", "output']
    (tmp_path / "a.jsonl").write_text("\n".join([*lines, '{"instruction": "When?"}']))
    bring(store, tmp_path / "a.jsonl")
    assert sum(rejects_by_reason(store).values()) == 3
    assert write_rejects(store, tmp_path / "rejects.jsonl") == 3
    written = [json.loads(line) for line in (tmp_path / "rejects.jsonl").read_text().splitlines()]
    assert [(each["row"], each["line"]) for each in written] == [(3, 3), (4, 4), (5, 5)]
    assert (written[0]["record"], written[1]["text"]) == ({"instruction": "Why?"}, lines[3])
    written[0]["record"]["output"] = "So."
    written[1]["text"] = '{"instruction": "How?", "output": "Thus."}'
    bring(store, write_lines(tmp_path / "rejects.jsonl", written))
    assert (status(store)["samples"], status(store)["rejected_rows"]) == (4, 1)


def test_a_row_that_is_mended_in_its_file_clears(store: Store, tmp_path: Path) -> None:
    """The same file with a row corrected brings that row alone, and its reject is gone."""
    path = write_lines(tmp_path / "a.jsonl", [*alpaca_rows(2), {"instruction": "Why?"}])
    bring(store, path)
    write_lines(path, [*alpaca_rows(2), {"instruction": "Why?", "output": "So."}])
    assert bring(store, path).startswith("1 sample added, 0 rewrites, 2 known before")
    assert status(store)["rejected_rows"] == 0


def test_an_import_is_taken_back(store: Store, tmp_path: Path) -> None:
    """Samples that nobody decided and nothing uses go, the others stay and are listed; it can be imported again."""
    first = write_lines(tmp_path / "a.jsonl", alpaca_rows(6))
    second = write_lines(tmp_path / "b.jsonl", [*alpaca_rows(8)[5:], {"instruction": "No answer."}])
    bring(store, first)
    bring(store, second)
    names = [row["sample_id"] for row in store.rows("SELECT sample_id FROM sample ORDER BY seq")]
    decisions.decide(store, Decision(names[6], Action.APPROVE, "Ann", Origin.ORIGINAL), expected_event_id=None)
    assert status(store)["samples"] == 8
    undone = undo_import(store, 2, "Ann")
    assert (undone.removed, undone.kept) == (1, {"somebody decided or changed it": 1})
    assert list(undone.listed) == [(names[6], "somebody decided or changed it")]
    found = status(store)
    assert (found["samples"], found["candidates"], found["rejected_rows"], found["approved"]) == (7, 7, 0, 1)
    assert store.value("SELECT count(*) FROM panel") == 7
    assert [each.is_undone for each in imports(store)] == [True, False]
    assert store.rows("SELECT kind, author FROM event ORDER BY event_id DESC LIMIT 1")[0] == {
        "kind": "undo_import", "author": "Ann"
    }  # fmt: skip
    with pytest.raises(DatasetError, match="taken back before"):
        undo_import(store, 2, "Ann")
    assert bring(store, second).startswith("1 sample added")
    assert undo_import(store, 1, "Ann").kept == {"another import has it too": 1}


def test_marks_go_with_the_import_that_brought_them(store: Store, tmp_path: Path) -> None:
    """What was found in samples that went is gone, also in one that stays and was marked for their sake."""
    bring(store, write_lines(tmp_path / "a.jsonl", [{"instruction": "Name a tree.", "output": "An oak."}]))
    twin = [{"instruction": "NAME A TREE.", "output": "An oak."}, {"instruction": "End it.", "output": "Done</s>"}]
    bring(store, write_lines(tmp_path / "b.jsonl", twin))
    list(find_marks(store))
    assert store.value("SELECT count(*) FROM mark") > 1
    undo_import(store, 2, "Ann")
    list(find_marks(store))
    assert store.value("SELECT count(*) FROM mark") == 0


def test_numbers_go_with_the_import_that_brought_their_texts(store: Store, tmp_path: Path) -> None:
    """Scores and token losses of what went are gone; those of what stays stay."""
    bring(store, write_lines(tmp_path / "a.jsonl", alpaca_rows(1)))
    bring(store, write_lines(tmp_path / "b.jsonl", alpaca_rows(2)[1:]))
    with store.transaction() as tx:
        tx.execute(
            """INSERT INTO score (scoring_id, candidate_id, tokens_y, tokens_x, status)
               SELECT 1, candidate_id, 1, 1, 'ok' FROM candidate"""
        )
        tx.execute(
            """INSERT INTO token_map (scoring_id, subject, subject_id, part, status, tokens_alone, tokens_given, begins,
                                      ends, alone, given)
               SELECT 1, 'score', candidate_id, 'y', 'ok', 1, 1, [0], [1], [0.5], [0.5] FROM candidate"""
        )
    undo_import(store, 2, "Ann")
    assert store.rows("SELECT candidate_id FROM score") == [{"candidate_id": 1}]
    assert store.rows("SELECT subject_id FROM token_map") == [{"subject_id": 1}]


def test_exchanges_of_a_conversation_know_each_other(store: Store, tmp_path: Path, monkeypatch: Any) -> None:
    """Every exchange is a sample; all have the id of the last one, also where a chunk is full in their middle."""
    monkeypatch.setattr("srt_core.importing.run.CHUNK_ROWS", 4)
    chats = [
        {"messages": [{"role": role, "content": f"{role} {at} of {chat}"} for at in range(3)
                      for role in ("user", "assistant")]}
        for chat in range(5)
    ]  # fmt: skip
    bring(store, write_lines(tmp_path / "a.jsonl", chats), options=Options(turns=Turns.EVERY))
    rows = store.rows('SELECT "row", sample_id, conversation FROM sample ORDER BY seq')
    assert [row["row"] for row in rows] == [row for row in range(1, 6) for _ in range(3)]
    assert [row["conversation"] for row in rows] == [rows[at - at % 3 + 2]["sample_id"] for at in range(15)]
    assert store.value("SELECT count(*) FROM candidate WHERE context_id IS NULL") == 5


def test_a_folder_is_imported_file_by_file(store: Store, tmp_path: Path) -> None:
    """Each file of a folder or a pattern is an import; what is no data is passed over, a split is told by names."""
    folder = tmp_path / "set"
    (folder / "data").mkdir(parents=True)
    (folder / "README.md").write_text("# A set")
    (folder / "dataset_info.json").write_text("{}")
    write_lines(folder / "data" / "train-00000-of-00002.jsonl", alpaca_rows(3))
    (folder / "data" / "train-00001-of-00002.jsonl.gz").write_bytes(
        gzip.compress("".join(json.dumps(row) + "\n" for row in alpaca_rows(5)[2:]).encode())
    )
    write_lines(folder / "data" / "test-00000-of-00001.jsonl", alpaca_rows(6)[5:])
    assert len(find_sources(str(folder))) == 3
    sources = find_sources(str(folder), "train")
    last = list(import_files(store, sources))[-1]
    assert last.message.startswith("5 samples added, 0 rewrites, 1 known before")
    assert len(imports(store)) == 2
    assert len(find_sources(str(folder / "data" / "*.jsonl"))) == 2
    with pytest.raises(DatasetError, match='no file of the split "dev"'):
        find_sources(str(folder), "dev")
