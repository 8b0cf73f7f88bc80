"""Importing: what it stores, that a second run adds nothing, and that a killed one loses nothing."""

import json
import random
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Event

import pytest

from srt_core.errors import DatasetError
from srt_core.importing import imports
from srt_core.importing.files import ColumnMap
from srt_core.importing.run import import_file
from srt_core.project.store import Store
from srt_core.review.status import status
from tests.empty_project import create_empty
from tests.killing import worker
from tests.pipeline import content, import_rows
from tests.reflecting import walk
from tests.small_project import COLUMN_MAP, alpaca_rows, rows_with_candidates, write_lines


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with create_empty(tmp_path / "p.srt") as store:
        yield store


def test_the_same_file_twice_adds_nothing(store: Store) -> None:
    """A second import of a file leaves samples, candidates and rejects as they are, and says what it knew."""
    rows = [*rows_with_candidates(5), {"Raw Instruction": 3}]
    import_rows(store, rows, column_map=COLUMN_MAP)
    before = content(store)
    last = import_rows(store, rows, column_map=COLUMN_MAP)
    assert content(store) == before
    assert (len(before["candidate"]), len(before["reject"])) == (20, 1)
    assert "0 samples added, 0 rewrites, 6 known before" in last.message


def test_the_same_content_under_another_name_adds_nothing(store: Store) -> None:
    """A copy of an imported file is the same file."""
    import_rows(store, [*alpaca_rows(3), "{"])
    before = content(store)
    import_rows(store, [*alpaca_rows(3), "{"], name="copy.jsonl")
    assert content(store) == before


def test_a_grown_file_adds_only_its_new_rows(store: Store) -> None:
    """Of a file that has grown at its end only the new rows become samples; rows that were rejected stay one reject."""
    import_rows(store, [*alpaca_rows(3), "{", {"instruction": "Only this."}])
    before = content(store)
    last = import_rows(store, [*alpaca_rows(3), "{", {"instruction": "Only this."}, *alpaca_rows(5)[3:], "nothing"])
    after = content(store)
    assert after["sample"][:3] == before["sample"]
    assert [row["row"] for row in after["sample"]] == [1, 2, 3, 6, 7]
    assert [row["row"] for row in after["reject"]] == [4, 5, 8]
    assert last.message.startswith("2 samples added")


def test_a_grown_file_keeps_unusable_rewrites_once(store: Store) -> None:
    """A rewrite in a file that cannot be used stands once as a failed reflection, however often the file grows."""
    rows = rows_with_candidates(3)
    rows[1]["Better Response"] = ""
    import_rows(store, rows[:2], column_map=COLUMN_MAP)
    import_rows(store, rows, column_map=COLUMN_MAP)
    found = store.rows("SELECT origin, status, reason FROM reflection")
    assert found == [{"origin": "RESPONSE", "status": "refused", "reason": "unusable_in_file"}]
    assert status(store)["failed_reflections"] == 1


def test_duplicates_are_kept_counted_and_flagged(store: Store) -> None:
    """Equal pairs of one file stay samples of their own, each after the first naming the first."""
    one, two = alpaca_rows(2)
    last = import_rows(store, [one, two, one, one])
    found = store.rows("SELECT sample_id, duplicate_of FROM sample ORDER BY seq")
    first = found[0]["sample_id"]
    assert [row["duplicate_of"] for row in found] == [None, None, first, first]
    assert len({row["sample_id"] for row in found}) == 4
    assert "2 exact duplicates" in last.message
    assert status(store)["duplicates"] == 2


def test_a_later_mapping_adds_the_rewrites(store: Store) -> None:
    """The same file with more columns mapped adds candidates to the samples that are there."""
    rows = rows_with_candidates(4)
    originals = {target: column for target, column in COLUMN_MAP.items() if target.startswith("original.")}
    import_rows(store, rows, column_map=originals)
    import_rows(store, rows, column_map=COLUMN_MAP)
    assert status(store)["candidates_by_origin"] == {"BOTH": 4, "INSTRUCTION": 4, "ORIGINAL": 4, "RESPONSE": 4}
    assert status(store)["samples"] == 4


REFLECTED: ColumnMap = {
    "original.instruction": "a",
    "original.response": "b",
    "reflected.instruction": "c",
    "reflected.response": "d",
}


@pytest.mark.parametrize(
    ("rewritten", "origins"),
    [
        ({"c": "Do it well.", "d": "Well done."}, {"ORIGINAL", "INSTRUCTION"}),
        ({"c": "Do it.", "d": "Well done."}, {"ORIGINAL", "RESPONSE"}),
        ({"c": "Do it well.", "d": "Done."}, {"ORIGINAL", "INSTRUCTION"}),
        ({"c": "Do it.", "d": "Done."}, {"ORIGINAL"}),
    ],
)
def test_what_a_reflected_pair_becomes(store: Store, rewritten: dict[str, str], origins: set[str]) -> None:
    """Another instruction makes an INSTRUCTION candidate, another response alone a RESPONSE one, no difference none."""
    import_rows(store, [{"a": "Do it.", "b": "Done."} | rewritten], column_map=REFLECTED)
    assert {row["origin"] for row in store.rows("SELECT origin FROM candidate")} == origins


def test_a_file_without_rows_is_no_import(store: Store, tmp_path: Path) -> None:
    """A list without records is an error and leaves no trace."""
    path = tmp_path / "none.json"
    path.write_text("[]", encoding="utf-8")
    with pytest.raises(DatasetError, match="has no rows"):
        walk(import_file(store, path))
    assert imports.imports(store) == []


def test_a_stopped_import_goes_on(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """An import that was asked to stop keeps whole chunks; the same call adds the rest, rows in their order."""
    monkeypatch.setattr("srt_core.importing.run.CHUNK_ROWS", 4)
    stop = Event()
    stop.set()
    path = write_lines(store.path.parent / "data.jsonl", alpaca_rows(10))
    walk(import_file(store, path, stop=stop))
    assert status(store)["samples"] == 4
    assert [each.finished for each in imports.imports(store)] == [False]
    last = walk(import_file(store, path))[-1]
    assert [row["row"] for row in store.rows('SELECT "row" FROM sample ORDER BY seq')] == list(range(1, 11))
    assert last.message.startswith("6 samples added, 0 rewrites, 4 known")
    assert [each.finished for each in imports.imports(store)] == [True]


IMPORT_NEEDS = """
from pathlib import Path
from srt_core.importing.run import import_file
from srt_core.project.store import Store
"""
IMPORT = """
with Store.open(Path(sys.argv[1])) as store:
    for progress in import_file(store, Path(sys.argv[2])):
        print(progress.done, flush=True)
"""


def test_a_killed_import_goes_on(tmp_path: Path) -> None:
    """`kill -9` at any moment, then the same import again: the project equals one that was never disturbed."""
    seed = random.randrange(2**32)
    chance = random.Random(seed)
    rows: list[str] = [json.dumps(row) for row in alpaca_rows(12_000)]
    for place in range(0, len(rows), 7):
        rows[place] = chance.choice(["{", rows[0], rows[(place * 31) % 5000], '{"instruction": "No answer."}'])
    data = tmp_path / "big.jsonl"
    data.write_text("\n".join(rows) + "\n", encoding="utf-8")
    with create_empty(tmp_path / "undisturbed.srt") as whole:
        started = time.monotonic()
        walk(import_file(whole, data))
        chunk_seconds = (time.monotonic() - started) / 12
        expected = content(whole)

    path = tmp_path / "killed.srt"
    create_empty(path).close()
    with worker(IMPORT_NEEDS, IMPORT, path, data) as work:
        for _ in range(4):
            work.end_at(chance.randrange(3), chance.uniform(0, 3 * chunk_seconds))
    with Store.open(path) as killed:
        walk(import_file(killed, data))
        assert content(killed) == expected, seed
        assert len(imports.imports(killed)) == 1
