"""The file of a project as DuckDB opens it: its settings, whether it is a project and of which version; if not, why.

The only importers of duckdb are this, the store, and what creates a file, writes transactions and translates errors.
"""

import os
import re
import tempfile
from collections.abc import Sequence
from contextlib import closing
from importlib import resources
from pathlib import Path

import duckdb

from srt_core.errors import ProjectError
from srt_core.project.damage import IS_NO_PROJECT, translated

SCHEMA_VERSION = 9
MEMORY_LIMIT = "2GB"
LOG_LIMIT = "64MB"
"""The size of the write-ahead log from which on the next commit writes it into the file."""

TABLES = re.findall(
    r"^CREATE TABLE (\w+)", resources.files(__package__).joinpath("schema.sql").read_text("utf-8"), re.M
)
"""The names of the tables of a project."""

FORMER_VIEWS = {"standing": 3}
"""What was a view up to a schema version and is a table since: it is dropped before anything reads it."""

SMALLEST = 3 * 4096
"""Bytes of the headers of a DuckDB file."""


def connect_to_project(path: Path, *, read_only: bool = False) -> duckdb.DuckDBPyConnection:
    """Connect to the file of a project of this version or an older one; ProjectError for anything else."""
    if not path.is_file():
        raise ProjectError(f"There is no project at {path}.", f"Create it with: srt init {path}")
    if path.stat().st_size < SMALLEST:  # DuckDB would make a new one of an empty file
        raise ProjectError(f"{path} is not a project.", f"{IS_NO_PROJECT} One that was cut off: restore a copy of it.")
    connection = connect(path, read_only=read_only)
    try:
        with translated(path):
            _check_version(path, connection)
    except ProjectError:
        connection.close()
        raise
    return connection


def may_be_written(path: Path) -> bool:
    """Return whether a project file may be written: it and the folder, in which its log stands."""
    return os.access(path, os.W_OK) and os.access(path.absolute().parent, os.W_OK)


def is_older(path: Path) -> bool:
    """Return whether `Store.open` would convert a file first, which can take minutes; False for what it would refuse.

    Asking is safe while this process converts it.
    """
    if not may_be_written(path):
        return False
    try:
        connection = connect_to_project(path)
    except ProjectError:
        return False
    with closing(connection), translated(path):
        sql = """SELECT count(*) FROM meta
                 WHERE key = 'drift_filled' OR (key = 'schema_version' AND value::INTEGER < ?)"""
        return bool(connection.execute(sql, [SCHEMA_VERSION]).fetchall()[0][0])


def connect(path: Path, *, read_only: bool = False) -> duckdb.DuckDBPyConnection:
    """Connect to a DuckDB file, or make it; ProjectError, which says why, where that cannot be."""
    spill = tempfile.gettempdir() if read_only else str(path) + ".tmp"
    with translated(path):
        connection = duckdb.connect(
            str(path),
            read_only=read_only,
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
    found = rows[0] if rows else None
    if found is None or not str(found[0]).isdecimal():
        raise ProjectError(f"{path} is not a project.", IS_NO_PROJECT)
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
