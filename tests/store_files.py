"""Project files as other processes and other programs write them, for tests of the store."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import duckdb

from srt_core.project.store import Row, Store

ROOT = Path(__file__).parent.parent


def make_database(path: Path, *statements: str) -> Path:
    """Write a DuckDB file that is not ours."""
    with duckdb.connect(str(path)) as connection:
        for statement in statements:
            connection.execute(statement)
    return path


def run_until_line(script: str, path: Path) -> subprocess.Popen[str]:
    """Start another process that works on the file; returns when it has printed its first line."""
    command = [sys.executable, "-c", script, str(path)]
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def kill(process: subprocess.Popen[str]) -> None:
    """End a process as `kill -9` does."""
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()


def columns_of(store: Store) -> list[Row]:
    """Every table and view with its columns and their types."""
    return store.rows("SELECT table_name, column_name, data_type FROM duckdb_columns() WHERE NOT internal ORDER BY ALL")


HOLD = """
import sys
from pathlib import Path
from srt_core.project.store import Store
store = Store.open(Path(sys.argv[1]))
print("ready", flush=True)
sys.stdin.read()
"""
