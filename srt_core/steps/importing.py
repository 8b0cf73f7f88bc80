"""The step import: the rows of files become samples."""

from collections.abc import Generator
from pathlib import Path
from threading import Event

from srt_core.importing.files import (
    FORMATS,
    NotText,
    Options,
    Placeholders,
    Source,
    Speaker,
    Turns,
    find_sources,
    parse_map,
    parse_roles,
    parse_take,
)
from srt_core.importing.run import import_files
from srt_core.project.progress import Progress
from srt_core.project.store import Row, Store
from srt_core.steps.step import Argument, Arguments, Field, Option, Reach, Report, Step, Widget

LISTED = 20
COLUMNS, CONVERSATIONS, FILES = "Columns", "Conversations", "Files"

FORMAT_LABELS = {
    "json": "JSON: records in a list, one a line, or one after another",
    "csv": "CSV: a table with a header",
    "parquet": "Parquet",
    "arrow": "Arrow or Feather",
}
TAKE_LABELS = {
    str(NotText.MEDIA): "Images, sounds, videos",
    str(NotText.TOOL_CALLS): "Tool calls",
}
TURNS_LABELS = {
    str(Turns.LAST): "The last answer, with what stands before it as its context",
    str(Turns.EVERY): "Every answer, each a sample with what stands before it",
    str(Turns.FIRST): "The first answer only",
}
PLACEHOLDER_LABELS = {
    str(Placeholders.INPUT): "An empty input",
    str(Placeholders.REFUSE): "An empty input; a row whose response is one is refused",
    str(Placeholders.KEEP): "The text that it is",
}

ARGUMENTS = (
    Argument(
        "paths",
        list[str],
        option=Option(
            "Files, folders, patterns, or hf://datasets/OWNER/NAME; packed ones too.", "files", is_positional=True
        ),
        reach=Reach.SOURCE,
    ),
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
        group=FILES,
    ),
    Argument(
        "encoding",
        str | None,
        option=Option("Of text that is not UTF-8: gb18030, cp1252, utf-16-le."),
        field=Field("Encoding", "Of text that is not UTF-8: gb18030, cp1252, utf-16-le.", placeholder="UTF-8"),
        group=FILES,
    ),
    Argument(
        "key",
        str | None,
        option=Option("The key under which the list of records stands, where an object has several."),
        field=Field("Key of the list", "Where an object holds several lists of records.", placeholder="the only one"),
        group=FILES,
    ),
    Argument("split", str | None, option=Option("Of a folder or a data set on the hub: this split."), group=FILES),
    Argument("config", str | None, option=Option("Of a data set on the hub: this config."), group=FILES),
    Argument(
        "revision", str | None, option=Option("Of a data set on the hub: this branch, tag or commit."), group=FILES
    ),
    Argument(
        "columns",
        dict[str, str],
        option=Option(
            'A column: instruction="Raw Instruction", system=Prompt, messages=dialog, reflected.response=...',
            "map",
            type=list[str] | None,
            read=lambda written: parse_map(written) if written else None,
        ),
        group=COLUMNS,
    ),
    Argument(
        "separators",
        tuple[str, ...],
        (),
        option=Option(
            "Of a text with instruction and response: what stands before the one, then before the other.",
            "separator",
            type=list[str] | None,
            read=lambda written: tuple(written or ()),
        ),
        group=COLUMNS,
    ),
    Argument(
        "placeholders",
        Placeholders,
        Placeholders.INPUT,
        option=Option(
            'What "nan", "<noinput>", "None", "N/A" are: an empty input, refused in a response too, or kept.'
        ),
        field=Field(
            'What "nan", "<noinput>", "None" or "N/A" is',
            "Words for nothing in the place of an input or a response; they are counted.",
            Widget.LIST,
            choices=PLACEHOLDER_LABELS,
            width=480,
        ),
        group=COLUMNS,
    ),
    Argument(
        "turns",
        Turns,
        Turns.LAST,
        option=Option("Which answers of a conversation become samples: the last, every, the first."),
        field=Field(
            "Of a conversation of several turns",
            "What stands before an answer is its context: it is given to the student and the teacher, and exported.",
            Widget.LIST,
            choices=TURNS_LABELS,
            width=480,
        ),
        group=CONVERSATIONS,
    ),
    Argument(
        "roles",
        dict[str, str],
        option=Option(
            f"A speaker: Librarian=assistant; ours are {', '.join(Speaker)}.",
            "role",
            type=list[str] | None,
            read=lambda written: parse_roles(written or ()),
        ),
        group=CONVERSATIONS,
    ),
    Argument(
        "take",
        list[str],
        option=Option(
            f"What is no text is left aside, with a mark, and the record is taken: {', '.join(NotText)}.",
            type=list[str] | None,
            read=lambda written: list(parse_take(written or ())),
        ),
        group=CONVERSATIONS,
    ),
    Argument("uploaded", bool, False),
)


def find_all(asked: Arguments) -> list[Source]:
    """Return the files that the paths mean.

    Raises:
        DatasetError: one of them means none.
    """
    return [
        source
        for path in asked["paths"] or ()
        for source in find_sources(path, *(asked[name] for name in ("split", "config", "revision")))
    ]


def options_of(asked: Arguments) -> Options:
    """Return how the files are to be read."""
    return Options(
        turns=Turns(asked["turns"]),
        roles=asked["roles"] or {},
        separators=tuple(asked["separators"] or ()),
        placeholders=Placeholders(asked["placeholders"]),
        take=parse_take(asked["take"] or ()),
        encoding=asked["encoding"] or None,
        key=asked["key"] or None,
    )


def _run(store: Store, asked: Arguments, stop: Event) -> Generator[Progress, None, None]:
    yield from import_files(
        store,
        find_all(asked),
        format=asked["format"],
        column_map=asked["columns"] or None,
        options=options_of(asked),
        stop=stop,
    )
    if asked["uploaded"] and not stop.is_set():  # kept until then, so that an import can be resumed
        for path in asked["paths"]:
            Path(path).unlink(missing_ok=True)


def _report(store: Store, _asked: Arguments, last: Progress) -> Report:
    sql = """SELECT "row", line, lines, reason, detail FROM
                 (SELECT * FROM reject ORDER BY reject_id DESC LIMIT $failed) ORDER BY reject_id LIMIT $listed"""
    rows = store.rows(sql, {"failed": last.failed, "listed": LISTED})
    more = ["Write them to a file to mend with `srt rejects`."] if last.failed else []
    return Report([f"{last.message}.", *last.details, *more], last.failed, [_line(row) for row in rows])


def _line(row: Row) -> str:
    skipped = f", {row['lines']:,} lines skipped" if row["lines"] > 1 else ""
    line = f" (line {row['line']}{skipped})" if row["line"] else ""
    detail = f" ({row['detail']})" if row["detail"] else ""
    return f"row {row['row']}{line}: {row['reason']}{detail}"


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
