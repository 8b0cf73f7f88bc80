"""The file of a project as DuckDB opens it: its settings, whether it is a project and of which version; if not, why.

With the store the only importer of duckdb.
"""

import re
from collections.abc import Sequence
from contextlib import closing
from importlib import resources
from pathlib import Path

import duckdb

from srt_core.errors import ProjectError

SCHEMA_VERSION = 8
MEMORY_LIMIT = "2GB"
LOG_LIMIT = "64MB"
"""The size of the write-ahead log from which on the next commit writes it into the file."""

TABLES = re.findall(
    r"^CREATE TABLE (\w+)", resources.files(__package__).joinpath("schema.sql").read_text("utf-8"), re.M
)
"""The names of the tables of a project."""

FORMER_VIEWS = {"standing": 3}
"""What was a view up to a schema version and is a table since: it is dropped before anything reads it."""

_HOLDER = re.compile(r"held in (?P<program>.*?) \(PID (?P<pid>\d+)\)")


def connect_to_project(path: Path) -> duckdb.DuckDBPyConnection:
    """Connect to the file of a project of this version or an older one; ProjectError for anything else."""
    if not path.is_file():
        raise ProjectError(f"There is no project at {path}.", f"Create it with: srt init {path}")
    if not _is_duckdb(path):  # checked first: DuckDB would look online for an extension that reads another format
        raise ProjectError(f"{path} is not a project.", "Give the path of a file made by srt init.")
    connection = connect(path)
    try:
        _check_version(path, connection)
    except ProjectError:
        connection.close()
        raise
    return connection


def is_older(path: Path) -> bool:
    """Return whether `Store.open` would convert a file first, which can take minutes; False for what it would refuse.

    Asking is safe while this process converts it.
    """
    try:
        connection = connect_to_project(path)
    except ProjectError:
        return False
    with closing(connection):
        sql = """SELECT count(*) FROM meta
                 WHERE key = 'drift_filled' OR (key = 'schema_version' AND value::INTEGER < ?)"""
        return bool(connection.execute(sql, [SCHEMA_VERSION]).fetchall()[0][0])


def connect(path: Path) -> duckdb.DuckDBPyConnection:
    """Connect to a DuckDB file, or make it; ProjectError, which says why, where that cannot be."""
    spill = str(path) + ".tmp"
    try:
        connection = duckdb.connect(
            str(path),
            config={
                "memory_limit": MEMORY_LIMIT,
                "temp_directory": spill,
                "checkpoint_threshold": LOG_LIMIT,
                "autoload_known_extensions": "false",
                "autoinstall_known_extensions": "false",
            },
        )
        connection.execute("SET enable_external_access = false")  # no view of somebody else's file may read files
        return connection
    except duckdb.IOException as error:
        raise _explain_refusal(path, str(error)) from error
    except duckdb.Error as error:
        raise ProjectError(
            f"{path} cannot be opened: it was written by another version or is damaged.",
            "Open it with the version of srt that wrote it.",
        ) from error


def _check_version(path: Path, connection: duckdb.DuckDBPyConnection) -> None:
    """Check that this is a project, of a version that is known, whose tables are tables.

    In a file that somebody else made, a view could stand in for a table and show what it likes.
    """
    try:
        views = connection.execute(
            "SELECT lower(view_name) FROM duckdb_views() WHERE NOT internal AND list_contains(?, lower(view_name))",
            [TABLES],
        ).fetchall()
        _refuse_views(path, [name for (name,) in views if name not in FORMER_VIEWS])
        # All rows: a result that is only read in part keeps its transaction open, which blocks checkpoints.
        rows = connection.execute("SELECT value FROM meta WHERE key = 'schema_version'").fetchall()
    except (duckdb.CatalogException, duckdb.BinderException):
        rows = []
    except duckdb.IOException as error:
        raise ProjectError(f"{path} is damaged.", "Restore a copy of it.") from error
    found = rows[0] if rows else None
    if found is None or not str(found[0]).isdecimal():
        raise ProjectError(f"{path} is not a project.", "Give the path of a file made by srt init.")
    _refuse_views(path, [name for (name,) in views if FORMER_VIEWS.get(name, 0) < int(found[0])])
    if int(found[0]) > SCHEMA_VERSION:
        raise ProjectError(
            f"{path} has schema version {found[0]}; this version of srt reads up to {SCHEMA_VERSION}.",
            "Update srt, then open it again.",
        )


def _refuse_views(path: Path, names: Sequence[str]) -> None:
    if names:
        raise ProjectError(
            f"{path} was not made by srt: {names[0]} is a view in it, and should be a table.",
            "Do not use it, unless you know who made it and why.",
        )


def _is_duckdb(path: Path) -> bool:
    """Return whether a file begins as DuckDB's do; ProjectError if it cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(12)[8:] == b"DUCK"
    except OSError as error:
        raise ProjectError(
            f"{path} cannot be read: {error.strerror}.", "Check that the file may be read and written."
        ) from error


def _explain_refusal(path: Path, text: str) -> ProjectError:
    """Return the error for a file that DuckDB does not open, from the text of its own."""
    if "lock" in text:
        held = _HOLDER.search(text)
        holder = f"process {held['pid']} ({held['program']})" if held else "another process"
        return ProjectError(
            f"{path} is open in {holder}.", "Close the app or command that has it open, then try again."
        )
    if "not a valid DuckDB database" in text:
        return ProjectError(f"{path} is not a project.", "Give the path of a file made by srt init.")
    return ProjectError(f"{path} cannot be opened: {text}", "Check that the file may be read and written.")
