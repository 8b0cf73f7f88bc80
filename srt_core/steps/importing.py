"""The step import: a file's rows become samples."""

from collections.abc import Generator
from pathlib import Path
from threading import Event

from srt_core.importing.files import FORMATS, parse_map
from srt_core.importing.run import import_file
from srt_core.project.progress import Progress
from srt_core.project.store import Row, Store
from srt_core.steps.step import Argument, Arguments, Field, Option, Report, Step, Widget

LISTED = 20

FORMAT_LABELS = {
    "alpaca": "Alpaca JSON: one list of records",
    "jsonl": "JSON Lines: one record a line",
    "messages": "Messages or ShareGPT: conversations",
    "csv": "CSV: a table with a header",
    "parquet": "Parquet",
}

ARGUMENTS = (
    Argument("path", Path, option=Option("The file to import.", "file", is_positional=True)),
    Argument(
        "format",
        str | None,
        option=Option(f"One of {', '.join(FORMATS)}; detected where not given."),
        field=Field(
            "Format",
            widget=Widget.LIST,
            choices={name: FORMAT_LABELS[name] for name in FORMATS},
            placeholder="Choose the format by hand",
            width=480,
        ),
    ),
    Argument(
        "columns",
        dict[str, str],
        option=Option(
            'A column: original.instruction="Raw Instruction", reflected.response=..., once each.',
            "map",
            type=list[str] | None,
            read=lambda written: parse_map(written) if written else None,
        ),
    ),
    Argument(
        "first_turn_only",
        bool,
        False,
        option=Option("Take the first turn of conversations."),
        field=Field(
            "Take the first turn only",
            "A conversation of several turns is refused without this. With it, the first question "
            "and its answer are taken and the rest is left.",
            Widget.SWITCH,
        ),
    ),
    Argument("uploaded", bool, False),
)


def _run(store: Store, asked: Arguments, stop: Event) -> Generator[Progress, None, None]:
    path = Path(asked["path"])
    yield from import_file(
        store,
        path,
        format=asked["format"],
        column_map=asked["columns"] or None,
        first_turn_only=asked["first_turn_only"],
        author=f"import of {path.name}",
        stop=stop,
    )
    if asked["uploaded"] and not stop.is_set():  # kept until then, so that an import can be resumed
        path.unlink(missing_ok=True)


def _report(store: Store, _asked: Arguments, last: Progress) -> Report:
    sql = 'SELECT "row", line, reason FROM reject ORDER BY rowid DESC LIMIT ?'
    rows = store.rows(sql, [min(last.failed, LISTED)])
    return Report([f"{last.message}."], last.failed, [_line(row) for row in reversed(rows)])


def _line(row: Row) -> str:
    line = f" (line {row['line']})" if row["line"] else ""
    return f"row {row['row']}{line}: {row['reason']}"


IMPORT = Step(
    "import",
    "Import",
    "rows",
    _run,
    ARGUMENTS,
    help="Import pairs, and rewrites of them where the file has any. Again is safe: nothing is added twice.",
    failed="rejected",
    report=_report,
    then="marks",
)
