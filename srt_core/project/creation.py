"""Make a project file: whole, or not at all."""

import hashlib
from contextlib import closing, suppress
from importlib import resources
from pathlib import Path
from typing import Any

import duckdb

from srt_core.errors import ProjectError
from srt_core.project.connection import SCHEMA_VERSION, connect
from srt_core.project.damage import translated
from srt_core.project.derived import define, views
from srt_core.project.log_file import log_of
from srt_core.project.transaction import committing
from srt_core.records import MEASURES


def create_file(path: Path) -> None:
    """Write an empty project to `path`; where that cannot be done, nothing is left of it, and no new folder either.

    ProjectError if something is there already, or why it cannot be made.
    """
    made: list[Path] = []
    try:
        if path.exists() and path.stat().st_size:
            raise ProjectError(f"{path} exists already.", "Choose another name, or open it.")
        made = [folder for folder in (path.parent, *path.parent.parents) if not folder.exists()]
        path.parent.mkdir(parents=True, exist_ok=True)
        _create(path)
    except (ProjectError, OSError) as error:
        for folder in made:
            with suppress(OSError):  # it was not made, or somebody else has put something there
                folder.rmdir()
        if isinstance(error, ProjectError):
            raise
        raise ProjectError(
            f"{path} cannot be made: {error.strerror}.", "Choose a folder you may write to, on a disk with space left."
        ) from error


def table_columns() -> list[tuple[str, str, str]]:
    """Return table, name and type of every column of a new project, but those of the derived tables."""
    found = _of_schema("SELECT table_name, column_name, data_type FROM duckdb_columns() WHERE NOT internal")
    return [(table, column, kind) for table, column, kind in found]


def unique_columns() -> list[tuple[str, list[str]]]:
    """Return the table and columns of every primary key and unique constraint of a new project."""
    found = _of_schema(
        """SELECT table_name, constraint_column_names FROM duckdb_constraints()
           WHERE constraint_type IN ('PRIMARY KEY', 'UNIQUE') ORDER BY ALL"""
    )
    return [(table, list(columns)) for table, columns in found]


def _of_schema(sql: str) -> list[tuple[Any, ...]]:
    with closing(duckdb.connect()) as connection:
        connection.execute(_schema())
        return connection.execute(sql).fetchall()


def _schema() -> str:
    return resources.files(__package__).joinpath("schema.sql").read_text(encoding="utf-8")


def version_of(sql: str) -> str:
    """Return the version of views and macros: a hash of their text."""
    return hashlib.sha256(sql.encode()).hexdigest()[:16]


def _create(path: Path) -> None:
    """Build the file beside its final path and move it there when complete, so that a crash leaves no half project."""
    draft = path.with_name(path.name + ".new")
    try:
        draft.unlink(missing_ok=True)
        with translated(draft), closing(connect(draft)) as connection:
            with committing(connection) as tx:
                tx.execute(_schema())
                tx.execute(define(MEASURES))
                tx.set_meta("schema_version", str(SCHEMA_VERSION))
                tx.set_meta("data_version", "0")
                tx.set_meta("sql_views", version_of(views()))
            connection.execute("CHECKPOINT")  # closing would do so too, and say nothing where the disk is full
        log = log_of(path)
        if log.exists():  # of a project whose file is gone; it must not be taken for the log of the new file
            log.replace(log.with_name(log.name + ".orphan"))
        draft.replace(path)
    finally:
        for left in (draft, log_of(draft)):
            left.unlink(missing_ok=True)
