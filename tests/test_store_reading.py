"""Reading a project: rows by column, and streams of one snapshot in bounded memory."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from srt_core.project.store import Store
from tests.store_files import run_until_line


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A new project."""
    with Store.create(tmp_path / "p.duckdb") as store:
        yield store


def test_rows_are_dictionaries_by_column(store: Store) -> None:
    """Parameters go by place or by name; a query without rows gives [] and None."""
    assert store.rows("SELECT ? AS a, ? AS b", [1, "x"]) == [{"a": 1, "b": "x"}]
    assert store.rows("SELECT $b AS a, $a AS b", {"a": None, "b": 0.5}) == [{"a": 0.5, "b": None}]
    assert store.rows("FROM sample") == []
    assert store.value("SELECT seq FROM sample") is None
    assert store.meta("nothing") is None


@pytest.mark.parametrize(("number", "sizes"), [(0, []), (1, [1]), (10, [10]), (11, [10, 1]), (25, [10, 10, 5])])
def test_a_stream_gives_every_row_once_in_lists_of_a_size(store: Store, number: int, sizes: list[int]) -> None:
    """Lists are full but for the last, in the order of the query, and there is no empty list."""
    lists = list(store.stream("SELECT range AS i FROM range($n) ORDER BY i", {"n": number}, size=10))
    assert [len(rows) for rows in lists] == sizes
    assert [row["i"] for rows in lists for row in rows] == list(range(number))


def test_a_stream_sees_one_snapshot(store: Store) -> None:
    """What is committed while a stream is read does not show in it, and writing does not wait for it."""
    with store.transaction() as tx:
        tx.execute("CREATE TABLE item AS SELECT range AS i, 'old' AS state, repeat('x', 500) FROM range(50_000)")
    stream = store.stream("FROM item", size=1_000)
    seen = next(stream)
    with store.transaction() as tx:
        tx.execute("UPDATE item SET state = 'new'")
        tx.execute("DELETE FROM item WHERE i % 2 = 0")
        tx.execute("INSERT INTO item VALUES (-1, 'new', '')")
    for rows in stream:
        seen += rows
    assert sorted(row["i"] for row in seen) == list(range(50_000))
    assert {row["state"] for row in seen} == {"old"}
    assert store.value("SELECT count(*) FROM item") == 25_001


def test_a_stream_may_be_left_early(store: Store) -> None:
    """A stream that nobody reads to its end is closed without harm to later reads and writes."""
    for _ in range(20):
        stream = store.stream("SELECT range AS i FROM range(1_000_000)", size=10)
        assert len(next(stream)) == 10
        stream.close()  # type: ignore[attr-defined]  # a generator, promised as an iterator
    store.set_meta("a", "1")
    assert store.meta("a") == "1"


STREAM_A_GIGABYTE = """
import resource, sys
from pathlib import Path
from srt_core.project.store import Store
store = Store.open(Path(sys.argv[1]))
print("ready", flush=True)
next(store.stream("SELECT repeat('x', 2000) AS text FROM range(5)"))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
read = sum(len(rows) for rows in store.stream("SELECT repeat(chr(65 + (range % 26)::INTEGER), 2000) || range AS text "
                                              "FROM range(500_000)"))
print(read, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before, flush=True)
"""


def test_a_stream_is_read_in_bounded_memory(store: Store) -> None:
    """Streaming a gigabyte of rows takes less than 200 MB more than streaming none."""
    store.close()
    process = run_until_line(STREAM_A_GIGABYTE, store.path)
    read, kilobytes = process.communicate()[0].split()
    assert process.returncode == 0
    assert int(read) == 500_000
    assert int(kilobytes) < 200_000
