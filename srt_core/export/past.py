"""What was exported: each file with all that decided it, and which text of which sample each of its rows is."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby, islice
from pathlib import Path

from srt_core.errors import ExportError
from srt_core.export.contents import Contents, export_row
from srt_core.export.files import Exported, make_folder, sha256_of
from srt_core.export.formats import ExportRow, Fields, Format, Line, find_format, write_file
from srt_core.export.lines import Conversations, find_layout, write_fields
from srt_core.project import events
from srt_core.project.candidates import pair_hash
from srt_core.project.store import Row, Store
from srt_core.review.filter.filter import as_json
from srt_core.select.policy import applied_policy, policy_to_json

_CHUNK = 2_000


@dataclass(frozen=True, slots=True)
class PastExport:
    """A file that was exported. `event_id` is the event that logged it, `made_at` when (UTC)."""

    export_id: int
    event_id: int
    made_at: datetime
    author: str
    path: str
    format: str
    scope: str
    conversations: Conversations
    rows: int
    sha256: str


def past_exports(store: Store, sample: str | None = None) -> list[PastExport]:
    """List what was exported, the newest first; with a sample's id, the files that hold a text of it."""
    holds = "WHERE export_id IN (SELECT export_id FROM exported WHERE sample_id = $sample)" if sample else ""
    return store.read(
        PastExport,
        f"""SELECT export_id, event_id, made_at, author, path, format, scope, rows, sha256,
                   coalesce(conversations, '{Conversations.APART}') AS conversations
            FROM export JOIN event USING (event_id) {holds} ORDER BY export_id DESC""",
        {"sample": sample} if sample else {},
    )


def begin(store: Store) -> int:
    """Return the id of a new export, having removed the rows of one that was cut off."""
    with store.transaction() as tx:
        tx.execute("DELETE FROM exported WHERE export_id NOT IN (SELECT export_id FROM export)")
        return int(tx.execute("SELECT nextval('export_ids')")[0][0])


def remember(store: Store, export_id: int, lines: Iterator[tuple[Line, Fields]]) -> Iterator[Fields]:
    """Pass on what is written, remembering each line's pairs; they count once `finish` says that the file is whole."""
    first = 1
    while chunk := list(islice(lines, _CHUNK)):
        with store.transaction() as tx:
            tx.append(
                "exported",
                ["export_id", "row", "sample_id", "candidate_id", "edit_id", "pair_hash"],
                [
                    (export_id, place, row.sample_id, row.candidate_id, row.edit_id, pair_hash(row.pair))
                    for place, (line, _) in enumerate(chunk, start=first)
                    for row in line.rows
                ],
            )
        first += len(chunk)
        yield from (fields for _, fields in chunk)


def finish(store: Store, export_id: int, format: Format, contents: Contents, written: Exported, by: str) -> None:
    """Log a file that was written whole, with all that decided what is in it."""
    scope, conversations = str(contents.scope), str(contents.conversations)
    context = {"file": str(written.path), "rows": written.rows, "scope": scope, "sha256": written.sha256}
    if contents.conversations is Conversations.JOINED:
        context["conversations"] = conversations
    with store.transaction() as tx:
        event_id = events.append(tx, "export", by, context)
        tx.execute(
            """INSERT INTO export (
                   export_id, event_id, path, format, scope, conversations, filter, policy, scoring_id, rows, sha256)
               VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)""",
            [
                export_id, event_id, str(written.path), format.name, scope, conversations,
                json.dumps(as_json(contents.only), ensure_ascii=False),
                policy_to_json(applied_policy(store)), store.scoring_id() or None, written.rows, written.sha256,
            ],
        )  # fmt: skip


def rebuild(store: Store, export_id: int, folder: Path) -> Exported:
    """Write a past export of pairs again to `folder`, with the very texts that it held.

    ExportError if there is none of that id, if it lists candidates (their numbers are those of now), or if a text is
    not what it was.
    """
    past = next((each for each in past_exports(store) if each.export_id == export_id), None)
    if past is None:
        raise ExportError(f"There is no export {export_id}.", "Choose one that `srt exports` lists.")
    format = find_format(past.format)
    if format.fields is None:
        raise ExportError(f"Export {export_id} lists the numbers of every candidate as they stood.", "Export it again.")
    make_folder(folder)
    path = folder / format.file
    samples, values = "SELECT sample_id FROM exported WHERE export_id = $export", {"export": export_id}
    layout = find_layout(store, samples, values, past.conversations)
    left_out: Counter[str] = Counter()
    lines = write_fields(_lines_of(store, export_id), format.fields, layout, left_out)
    rows = write_file(path, format, (fields for _, fields in lines), layout)
    return Exported(path, rows, sha256_of(path), dict(left_out))


def _lines_of(store: Store, export_id: int) -> Iterator[Line]:
    """Stream the lines of a past export, with the texts of their candidates and edits, which never change."""
    found = store.stream(
        """SELECT export_id, exported."row", exported.sample_id, exported.candidate_id, edit_id, pair_hash,
                  coalesce(edit.origin, candidate.origin) AS origin,
                  coalesce(edit.instruction, candidate.instruction) AS instruction,
                  coalesce(edit.input, candidate.input) AS input,
                  coalesce(edit.response, candidate.response) AS response,
                  coalesce(edit.context, candidate.context) AS context, sample.extra, sample.conversation
           FROM exported LEFT JOIN pair AS candidate USING (candidate_id)
               LEFT JOIN edited_pair AS edit ON edit.event_id = edit_id
               JOIN sample ON sample.sample_id = exported.sample_id
           WHERE export_id = ? ORDER BY exported."row", sample.seq""",
        [export_id],
    )
    rows = (row for chunk in found for row in chunk)
    for _, line in groupby(rows, key=lambda row: row["row"]):
        yield Line(tuple(sorted(map(_as_written, line), key=lambda row: len(row.pair.context.turns))))


def _as_written(row: Row) -> ExportRow:
    """Return a row of a past export; ExportError where its text is not what it was."""
    found = export_row(row)
    if pair_hash(found.pair) != row["pair_hash"]:
        raise ExportError(
            f"Row {row['row']} of export {row['export_id']} (sample {row['sample_id']}) is another text now.",
            "The project file is damaged: restore a copy of it.",
        )
    return found
