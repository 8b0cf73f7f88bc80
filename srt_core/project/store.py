"""The project file, open: append rows in transactions, read rows, keep small results.

One process owns the file. Within it every read uses its own cursor, and one writer at a time has a transaction; readers
never wait.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Generator, Hashable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self, TypeVar

import duckdb

from srt_core.errors import ProjectError
from srt_core.project.connection import SCHEMA_VERSION, SMALLEST, connect_to_project, may_be_written
from srt_core.project.creation import create_file, version_of
from srt_core.project.damage import translated
from srt_core.project.derived import views
from srt_core.project.log import LogFolder
from srt_core.project.log_file import AWAITED, BEGUN, MARK, breaks_off_at, has_log, notices_of
from srt_core.project.migrate import migrate
from srt_core.project.progress import Progress
from srt_core.project.rows import make_rows
from srt_core.project.transaction import Parameters, Transaction, committing

SCRATCH = '"/scratch"'
"""The in-memory database of `Store.scratch`, under a name that no file can have."""
REMEMBERED = 256
"""How many results `Store.remember` keeps, the most recently used ones."""


Row = dict[str, Any]
Made = TypeVar("Made")


@dataclass(frozen=True, slots=True)
class Query:
    """A SELECT with one row a sample, and its parameters."""

    sql: str
    values: dict[str, object]


class Store:
    """A project file, open in this process. Use `create` or `open`; `close` merges the write-ahead log into it."""

    def __init__(self, path: Path, connection: duckdb.DuckDBPyConnection, *, is_read_only: bool = False) -> None:
        self.path = path
        self.is_read_only = is_read_only
        self.notices: Sequence[str] = ()
        """What was found when it was opened that people should know: sentences."""
        self._file = path.open("rb")  # kept open: closing any handle of a file frees the lock that DuckDB has on it
        self._place = path.stat().st_dev, path.stat().st_ino
        self._connection = connection
        connection.execute(f"ATTACH ':memory:' AS {SCRATCH} (READ_WRITE)")
        self._use = threading.Condition()
        self._in_use = 0
        self._is_closed = False
        self._write_lock = threading.RLock()
        self._scratch_lock = threading.Lock()
        self.deriving = threading.RLock()
        """Held while derived tables are brought up to date."""
        self._memory_lock = threading.Lock()
        self._memory: OrderedDict[Hashable, Any] = OrderedDict()
        self._lag_lock = threading.Lock()
        self._lagging = 0
        self._log = LogFolder(self._fold_log)
        self._is_log_marked = False
        """Whether the file says that a log belongs beside it, where there is one."""

    @classmethod
    def create(cls, path: Path) -> Self:
        """Create a project file at `path`. ProjectError if something is there already, or it cannot be made."""
        create_file(path)
        return cls.open(path)

    @classmethod
    def open(cls, path: Path, *, read_only: bool = False) -> Self:
        """Open the project file at `path`, to be read only where it may not be written or that is asked for.

        ProjectError if it is missing, is no project, is of a newer version, or is open in another process (the
        message says which). A file of an older version is converted first: see `is_older` and `convert`. `notices`
        says what is missing of its log.
        """
        read_only = read_only or not may_be_written(path)
        broken = breaks_off_at(path)
        store = cls(path, connect_to_project(path, read_only=read_only), is_read_only=read_only)
        try:
            store.notices = notices_of(path, store.meta(MARK), broken, keep=not read_only)
            if read_only:
                store._check_current()
            else:
                for _ in migrate(store, SCHEMA_VERSION):
                    pass
                store._define_views()
                if has_log(path):  # of an app or command that was killed
                    store._fold_log()
        except BaseException:  # nobody else could close it
            store.close()
            raise
        return store

    @classmethod
    def convert(cls, path: Path) -> Generator[Progress, None, None]:
        """Bring a project file of an older version to this one's, as `open` does, and yield how far it is.

        ProjectError as `open`. What was killed goes on from there.
        """
        with cls(path, connect_to_project(path)) as store:
            yield from migrate(store, SCHEMA_VERSION)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file, after the transaction and the reads that are under way; what comes later is refused."""
        self._log.close()
        with self._write_lock, self._use:
            self._is_closed = True
            self._use.wait_for(lambda: not self._in_use)  # DuckDB refuses to close beside a call of another thread
            with translated(self.path), closing(self._file):
                self._connection.close()

    @contextmanager
    def _using(self) -> Iterator[None]:
        """Keep the file open for as long as the block lasts; ProjectError once it is closed."""
        with self._use:
            if self._is_closed:
                raise ProjectError(f"{self.path} is closed.", "Open it again.")
            self._in_use += 1
        try:
            with translated(self.path):
                yield
        finally:
            with self._use:
                self._in_use -= 1
                self._use.notify_all()

    @contextmanager
    def _cursor(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Yield a cursor; the file stays open for as long as the block lasts."""
        with self._using(), closing(self._connection.cursor()) as cursor:
            yield cursor

    def _define_views(self) -> None:
        """Make views and macros as views.sql has them now; a file that has these already is not written."""
        text = views()
        if self.meta("sql_views") != version_of(text):
            with self.transaction() as tx:
                tx.execute(text)
                tx.set_meta("sql_views", version_of(text))

    def _check_current(self) -> None:
        """ProjectError where what may only be read would have to be written first."""
        if self.meta("sql_views") != version_of(views()) or next(migrate(self, SCHEMA_VERSION), None):
            raise ProjectError(
                f"{self.path} was last used with another version of srt and may only be read.",
                f"Open a copy of it, which is brought to this version: srt copy '{self.path}' COPY.srt",
            )

    def rows(self, sql: str, parameters: Parameters = ()) -> list[Row]:
        """Return the rows of a query as dictionaries by column name."""
        with self._cursor() as cursor:
            cursor.execute(sql, parameters)
            names = [column[0] for column in cursor.description or ()]
            return [dict(zip(names, values, strict=True)) for values in cursor.fetchall()]

    def read(self, kind: type[Made], sql: str, parameters: Parameters = ()) -> list[Made]:
        """Read rows as records of a dataclass, by the names of its fields; TypeError where the columns are others."""
        with self._cursor() as cursor:
            cursor.execute(sql, parameters)
            return make_rows(kind, [column[0] for column in cursor.description or ()], cursor.fetchall())

    def find(self, kind: type[Made], sql: str, parameters: Parameters = ()) -> Made | None:
        """Read the first row as a record, as `read` does; None where there is none."""
        found = self.read(kind, sql, parameters)
        return found[0] if found else None

    def value(self, sql: str, parameters: Parameters = ()) -> Any:
        """Return the first column of the first row; None where there is no row."""
        with self._cursor() as cursor:
            first = cursor.execute(sql, parameters).fetchone()
            return first[0] if first else None

    def stream(self, sql: str, parameters: Parameters = (), size: int = 2_000) -> Iterator[list[Row]]:
        """Yield the rows of a query in lists of at most `size`, in bounded memory, from one consistent snapshot."""
        with self._using():
            cursor = self._connection.cursor()
        with closing(cursor):
            with self._using():
                cursor.execute(sql, parameters)
            names = [column[0] for column in cursor.description or ()]
            while chunk := self._fetch(cursor, size):
                yield [dict(zip(names, values, strict=True)) for values in chunk]

    def batches(self, sql: str, parameters: Parameters = (), size: int = 10_000) -> Iterator[Any]:
        """Yield the rows of a query in record batches of Arrow, as `stream`: lists of numbers cost little so."""
        with self._using():
            cursor = self._connection.cursor()
        with closing(cursor):
            with self._using():
                reader = cursor.sql(sql, params=parameters).to_arrow_reader(size)
            while batch := self._next_batch(reader):
                yield batch

    def _next_batch(self, reader: Any) -> Any:
        with self._using():
            return next(iter(reader), None)

    def _fetch(self, cursor: duckdb.DuckDBPyConnection, size: int) -> list[tuple[Any, ...]]:
        with self._using():  # for this chunk alone: whoever has it may leave the stream where it is
            return cursor.fetchmany(size)

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """Yield a write transaction, one at a time in this process; it is committed when the block ends without error.

        ProjectError, with nothing of it written, if the file cannot be written, such as on a full disk, or is gone.
        """
        self._check_writable()
        with self._write_lock, self._cursor() as cursor:
            self._check_place()
            if not (self._is_log_marked and has_log(self.path)):
                self._begin_log(cursor)
            with committing(cursor) as tx:
                yield tx
            self._log.note_commit()

    def _begin_log(self, cursor: duckdb.DuckDBPyConnection) -> None:
        """Have the file say that a log belongs beside it, then begin the log.

        The log takes that word back, and whoever folds it, be it another program, has the file say so too. So the word
        stands only in a file whose log was lost, or whose process was killed between these lines.
        """
        with committing(cursor) as tx:
            tx.set_meta(MARK, AWAITED)
        try:
            cursor.execute("CHECKPOINT")
            self._is_log_marked = True
        except duckdb.TransactionException:  # beside a read that began earlier and goes on; the next commit tries again
            self._is_log_marked = False
        finally:
            with committing(cursor) as tx:
                tx.set_meta(MARK, BEGUN)

    def _check_writable(self) -> None:
        if self.is_read_only:
            raise ProjectError(
                f"{self.path} may only be read, so nothing can be saved into it.",
                f"Make it and its folder writable, or open a copy: srt copy '{self.path}' COPY.srt",
            )

    def _check_place(self) -> None:
        """ProjectError where another file, or none, is at the path by now: what is committed would be in no project."""
        try:
            found = self.path.stat()
        except OSError:
            found = None
        if found is None or (found.st_dev, found.st_ino) != self._place or found.st_size < SMALLEST:
            raise ProjectError(
                f"{self.path} was deleted, moved or replaced while it was open, so nothing can be saved into it.",
                "Put the file back where it was, or close the project and open what is there now.",
            )

    def _fold_log(self) -> bool:
        """Merge the write-ahead log into the file; False where a transaction or the disk does not allow it now.

        Nothing is done where another file is at the path by now: the log beside it may be that file's.
        """
        with self._write_lock:
            try:
                self._check_place()
            except ProjectError:
                return True
            try:
                with self._cursor() as cursor:
                    cursor.execute("CHECKPOINT")
            except ProjectError:
                return self._is_closed  # which merges the log
        return True

    @contextmanager
    def at_rest(self) -> Iterator[BinaryIO]:
        """Yield the file with its log merged, or as it is where it may only be read.

        For as long as the block lasts nothing is committed. The file is to be left open. ProjectError where the log
        cannot be merged, or the file is gone.
        """
        with self._write_lock, self._using():
            self._check_place()
            if not self.is_read_only and not self._fold_log():
                raise ProjectError(
                    f"{self.path} cannot be brought to rest.", "Free space on its disk, or try again in a moment."
                )
            self._file.seek(0)
            yield self._file

    @contextmanager
    def scratch(self) -> Iterator[Transaction]:
        """Yield a transaction on SCRATCH, an in-memory database that ends with the store; one caller at a time.

        Any read may join its tables. The project file is not written, and its writers do not wait.
        """
        with self._scratch_lock, self._cursor() as cursor, committing(cursor) as tx:
            yield tx

    @contextmanager
    def workspace(self) -> Iterator[Transaction]:
        """Yield statements for temporary tables, which nobody else sees and which end with the block.

        Each statement is committed by itself. What does not fit into memory goes to disk; nobody waits meanwhile.
        """
        with translated(self.path), closing(self._connection.cursor()) as cursor:
            yield Transaction(cursor)

    @property
    def may_lag(self) -> bool:
        """Whether derived tables may lag behind the data: somebody brings them up to date now and then."""
        return self._lagging > 0

    @contextmanager
    def lagging(self) -> Iterator[None]:
        """Let derived tables lag behind the data for as long as the block lasts: it brings them up to date itself."""
        with self._lag_lock:  # counted: one of two that end together must not undo what the other says
            self._lagging += 1
        try:
            yield
        finally:
            with self._lag_lock:
                self._lagging -= 1

    def remember(self, key: Hashable, make: Callable[[], Made]) -> Made:
        """Return the cached result for this key, else call `make` and cache it. The key must hold all of its inputs."""
        with self._memory_lock:
            if key in self._memory:
                self._memory.move_to_end(key)
                found: Made = self._memory[key]
                return found
        made = make()
        with self._memory_lock:
            self._memory[key] = made
            while len(self._memory) > REMEMBERED:
                self._memory.popitem(last=False)
        return made

    def meta(self, key: str) -> str | None:
        """Return one of the project's own settings, or None."""
        found: str | None = self.value("SELECT value FROM meta WHERE key = ?", [key])
        return found

    def metas(self, *keys: str) -> dict[str, str]:
        """Return several of the project's own settings; those that are not set are left out."""
        rows = self.rows("SELECT key, value FROM meta WHERE list_contains(?::VARCHAR[], key)", [list(keys)])
        return {row["key"]: row["value"] for row in rows}

    def set_meta(self, key: str, value: str) -> None:
        """Store one of the project's own settings."""
        with self.transaction() as tx:
            tx.set_meta(key, value)

    def scoring_id(self) -> int:
        """Return the id of the scoring in use; 0 where nothing was scored yet."""
        return int(self.meta("scoring_id") or 0)

    def encoding_id(self) -> int:
        """Return the id of the encoding whose vectors are in use; 0 where nothing was encoded yet."""
        return int(self.meta("encoding_id") or 0)
