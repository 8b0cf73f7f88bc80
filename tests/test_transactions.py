"""Writing to a project: whole transactions, one writer at a time, and readers that never wait."""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import Any

import duckdb
import pytest

from srt_core.errors import ProjectError
from srt_core.project.connection import SCHEMA_VERSION
from srt_core.project.store import Row, Store
from tests.store_files import kill, run_until_line

READERS = 8


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A new project."""
    with Store.create(tmp_path / "p.duckdb") as store:
        yield store


class Interruption(BaseException):
    """As Streamlit's signals are: no Exception."""


@pytest.mark.parametrize("access", [Store.transaction, Store.scratch, Store.workspace, Store.rows])
def test_an_interrupt_during_a_statement_is_one(store: Store, access: Callable[..., Any]) -> None:
    """Ctrl-C while DuckDB works is KeyboardInterrupt, as at any other moment, and not an error of a query."""
    with store.transaction() as tx:
        tx.execute("CREATE TABLE number AS SELECT range AS n FROM range(300_000)")
    query = "SELECT count(*) FROM number WHERE md5(md5(n::VARCHAR)) < ''"

    def work() -> None:
        if access is Store.rows:
            access(store, query)
            return
        with access(store) as statements:
            statements.execute(query)

    interrupt = threading.Timer(0.1, os.kill, [os.getpid(), signal.SIGINT])  # wherever the work is by then
    with pytest.raises(KeyboardInterrupt):
        interrupt.start()
        while True:
            work()
    assert store.value("SELECT count(*) FROM number") == 300_000


@pytest.mark.parametrize("error", [Interruption, KeyboardInterrupt, SystemExit, ValueError, GeneratorExit])
def test_a_transaction_that_does_not_end_well_leaves_nothing(store: Store, error: type[BaseException]) -> None:
    """Whatever ends the block early, even what is no Exception, nothing of it is kept and the next one works."""

    def write_half() -> None:
        with store.transaction() as tx:
            tx.execute("INSERT INTO meta VALUES ('half', '1')")
            tx.append("meta", ["key", "value"], [("quarter", "1")])
            tx.bump()
            raise error

    with pytest.raises(error):
        write_half()
    assert (store.meta("half"), store.meta("quarter"), store.meta("data_version")) == (None, None, "0")
    with store.transaction() as tx:
        tx.bump()
    assert store.meta("data_version") == "1"


@pytest.mark.parametrize(
    "rows",
    [[("a", "1"), ("a", "2")], [("a", "1"), ("b", None)], [("a", "1"), ("schema_version", "9")], [("a", "1"), ("b",)]],
    ids=["same key", "null", "key is there", "too short"],
)
def test_rows_that_do_not_fit_leave_nothing(store: Store, rows: list[tuple[object, ...]]) -> None:
    """When one appended row breaks a rule of the table, none of the transaction is kept."""

    def write() -> None:
        with store.transaction() as tx:
            tx.execute("INSERT INTO meta VALUES ('before', '1')")
            tx.append("meta", ["key", "value"], rows)

    with pytest.raises(duckdb.Error):
        write()
    assert [store.meta(key) for key in ("a", "b", "before")] == [None, None, None]
    assert store.meta("schema_version") == str(SCHEMA_VERSION)


def test_an_iterator_that_breaks_leaves_nothing(store: Store) -> None:
    """Rows may come from a reader; when it fails half way, what came before is not kept."""

    def rows() -> Iterator[tuple[str, str]]:
        yield "a", "1"
        raise OSError("the file ended")

    with pytest.raises(OSError, match="the file ended"), store.transaction() as tx:
        tx.append("meta", ["key", "value"], rows())
    assert store.meta("a") is None


def test_a_transaction_sees_its_own_rows_and_others_do_not(store: Store) -> None:
    """Appended rows are visible inside the transaction at once, outside only when it has ended."""
    with store.transaction() as tx:
        tx.append("meta", ["key", "value"], [("a", "1")])
        assert tx.execute("SELECT value FROM meta WHERE key = ?", ["a"]) == [("1",)]
        assert store.meta("a") is None
    assert store.meta("a") == "1"


def test_columns_that_are_not_named_take_their_defaults(store: Store) -> None:
    """Appending some columns, in any order, leaves the others to the schema: sequences and times."""
    with store.transaction() as tx:
        rows = [("{}", place, 1, f"s{place}") for place in (5, 6)]
        tx.append("sample", ["extra", "row", "import_id", "sample_id"], rows)
    first, second = store.rows('SELECT sample_id, "row", seq FROM sample ORDER BY seq')
    assert [(row["sample_id"], row["row"]) for row in (first, second)] == [("s5", 5), ("s6", 6)]
    assert first["seq"] + 1 == second["seq"]


NO_NUMBERS = [float("nan"), float("inf"), float("-inf")]


@pytest.mark.parametrize("value", NO_NUMBERS, ids=str)
@pytest.mark.parametrize(
    "column", ["loss_y", "loss_y_given_x", "loss_x", "loss_x_given_y", "ifd", "r_ifd", "loss_ratio"]
)
def test_a_score_that_is_no_number_is_refused(store: Store, column: str, value: float) -> None:
    """DuckDB sorts NaN above all numbers, so the file takes a finite number or NULL, whoever writes it."""
    columns = ["scoring_id", "candidate_id", "tokens_y", "tokens_x", "status", column]
    with store.transaction() as tx:
        tx.append("score", columns, [(1, 1, 1, 1, "ok", 0.0), (1, 2, 1, 1, "non_finite", None)])
    with pytest.raises(duckdb.ConstraintException), store.transaction() as tx:
        tx.append("score", columns, [(1, 3, 1, 1, "ok", value)])
    assert store.value("SELECT count(*) FROM score") == 2


@pytest.mark.parametrize("value", NO_NUMBERS, ids=str)
def test_a_loss_that_is_no_number_is_refused(store: Store, value: float) -> None:
    """A kept loss is a finite number or NULL; another one would come back as a score at the next run."""
    with pytest.raises(duckdb.ConstraintException), store.transaction() as tx:
        tx.append("loss", ["key", "mean", "tokens", "status"], [("a", 0.0, 1, "ok"), ("b", value, 1, "ok")])
    assert store.value("SELECT count(*) FROM loss") == 0


def test_texts_are_read_back_to_the_letter(store: Store) -> None:
    """Any text that Python can hold in UTF-8, the long, the empty and the NUL among it, comes back as it went in."""
    texts = ["", " ", "é北\U0001f600", "a\r\nb\rc\u2028d", "'; DROP TABLE meta; --", "\\N", "NULL", "a\x00b"]
    texts.append("x" * 200_000)
    with store.transaction() as tx:
        tx.append("meta", ["key", "value"], [(f"appended {place}", text) for place, text in enumerate(texts)])
    for place, text in enumerate(texts):
        store.set_meta(f"set {place}", text)
        assert store.meta(f"appended {place}") == text == store.meta(f"set {place}")


WRITE_AND_WAIT = """
import sys
from pathlib import Path
from srt_core.project.store import Store
store = Store.open(Path(sys.argv[1]))
store.set_meta("whole", "1")
with store.transaction() as tx:
    tx.append("meta", ["key", "value"], [("half", "1")])
    print("ready", flush=True)
    sys.stdin.read()
"""


def test_a_kill_keeps_whole_transactions_only(store: Store) -> None:
    """After `kill -9` in a transaction the ones before are there, the one under way is not, and the file opens."""
    store.close()
    kill(run_until_line(WRITE_AND_WAIT, store.path))
    with Store.open(store.path) as again:
        assert (again.meta("whole"), again.meta("half")) == ("1", None)


def test_writers_take_turns(store: Store) -> None:
    """Eight threads that write lose no update and see no conflict."""

    def write(_: int) -> None:
        for _ in range(20):
            with store.transaction() as tx:
                tx.bump()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(8)))
    assert store.meta("data_version") == "160"


def test_readers_in_parallel_see_whole_transactions(store: Store) -> None:
    """While one thread moves amounts between two rows, eight readers always see the same sum, and never go back."""
    with store.transaction() as tx:
        tx.execute("CREATE TABLE account (name VARCHAR, amount INTEGER, version INTEGER)")
        tx.append("account", ["name", "amount", "version"], [("a", 500, 0), ("b", 500, 0)])
    done, started = threading.Event(), threading.Barrier(READERS + 1)

    def read(_: int) -> list[Row]:
        seen: list[Row] = []
        started.wait()
        while not (done.is_set() and seen):
            seen += store.rows("SELECT sum(amount) AS total, min(version) AS low, max(version) AS high FROM account")
            assert store.value("SELECT count(*) FROM account WHERE version >= ?", [0]) == 2
        return seen

    with ThreadPoolExecutor(READERS) as pool:
        reading = [pool.submit(read, number) for number in range(READERS)]
        started.wait()
        try:
            for _ in range(60):
                with store.transaction() as tx:
                    tx.execute("UPDATE account SET amount = amount - 1, version = version + 1 WHERE name = 'a'")
                    tx.execute("UPDATE account SET amount = amount + 1, version = version + 1 WHERE name = 'b'")
        finally:
            done.set()
        for result in reading:
            seen = result.result()
            assert all(row["total"] == 1_000 and row["low"] == row["high"] for row in seen)
            assert all(before["low"] <= after["low"] for before, after in pairwise(seen))
    assert store.value("SELECT amount FROM account WHERE name = 'a'") == 440


def test_a_reader_does_not_wait_for_a_writer(store: Store) -> None:
    """Inside a transaction of one thread another thread reads, and reads what was before."""
    with store.transaction() as tx, ThreadPoolExecutor(1) as pool:
        tx.bump()
        assert pool.submit(store.meta, "data_version").result(timeout=30) == "0"


def test_close_waits_for_the_transaction_under_way(store: Store) -> None:
    """Closing from another thread while one writes loses nothing of what it writes."""
    with ThreadPoolExecutor(1) as pool:
        with store.transaction() as tx:
            tx.bump()
            closing = pool.submit(store.close)
            tx.execute("INSERT INTO meta VALUES ('late', '1')")
        closing.result(timeout=30)
    with Store.open(store.path) as again:
        assert (again.meta("late"), again.meta("data_version")) == ("1", "1")


def test_close_waits_for_the_reads_under_way(store: Store) -> None:
    """Closed among eight threads that read without end it ends no read amid; those that come later are refused."""
    begun = threading.Semaphore(0)

    def read(_: int) -> None:
        while True:
            assert store.value("SELECT sum(range) FROM range(3_000_000)") == 4_499_998_500_000
            assert len(next(store.stream("FROM range(3_000_000)", size=10))) == 10
            begun.release()

    with ThreadPoolExecutor(READERS) as pool:
        reading = [pool.submit(read, number) for number in range(READERS)]
        for _ in range(READERS):
            begun.acquire()
        store.close()
        for each in reading:
            with pytest.raises(ProjectError, match="is closed"):
                each.result(timeout=60)
    with pytest.raises(ProjectError, match="is closed"), store.transaction():
        pass
    Store.open(store.path).close()
