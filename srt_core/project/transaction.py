"""One write transaction on a project file."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import duckdb

Parameters = Sequence[object] | Mapping[str, object]

ANY = ""
"""Stands for all samples in the table `stale`."""


class Transaction:
    """One write transaction: statements and appended rows are committed together or not at all."""

    def __init__(self, cursor: duckdb.DuckDBPyConnection) -> None:
        self._cursor = cursor

    def execute(self, sql: str, parameters: Parameters = ()) -> list[tuple[Any, ...]]:
        """Run one statement and return its rows ([] for none)."""
        return self._cursor.execute(sql, parameters).fetchall()

    def append(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
        """Append `rows`, each a value per column, to `table`."""
        appender = self._cursor.appender(table, columns=list(columns), action="insert")
        try:
            appender.append_rows(rows)
            appender.flush()
        except BaseException:  # an appender warns when it is destroyed with rows that are not flushed
            appender.clear()
            raise

    def meta(self, key: str) -> str | None:
        """Read one of the project's own settings, as this transaction sees it; None where it is not set."""
        found = self.execute("SELECT value FROM meta WHERE key = ?", [key])
        return str(found[0][0]) if found else None

    def set_meta(self, key: str, value: str) -> None:
        """Write one of the project's own settings."""
        self.execute("INSERT INTO meta VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value", [key, value])

    def bump(self, samples: Collection[str] | None = None) -> None:
        """Record whose candidates, reflections or scores changed, so that the rows derived from them are recomputed.

        None: all samples may have changed.
        """
        version = self._cursor.execute(
            "INSERT INTO meta VALUES ('data_version', '1') "
            "ON CONFLICT DO UPDATE SET value = (CAST(meta.value AS BIGINT) + 1)::VARCHAR RETURNING value::BIGINT"
        ).fetchall()[0][0]
        names = [ANY] if samples is None else samples
        self.append("stale", ["sample_id", "version"], [[name, version] for name in names])


@contextmanager
def committing(cursor: duckdb.DuckDBPyConnection) -> Iterator[Transaction]:
    """Yield a transaction on a connection; it is committed when the block ends without error, else rolled back."""
    try:
        cursor.execute("BEGIN")
        yield Transaction(cursor)
        cursor.execute("COMMIT")
    except BaseException:  # Streamlit's rerun and stop are no Exception, and must not leave a partial write
        _roll_back(cursor)
        raise


def _roll_back(cursor: duckdb.DuckDBPyConnection) -> None:
    try:
        cursor.execute("ROLLBACK")
    except duckdb.Error:  # the statement that failed may have ended the transaction already
        return
