"""What was exported: each export with all that decided it, and which text of which sample each of its lines is."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby, islice

from srt_core.errors import ExportError
from srt_core.export.contents import export_row
from srt_core.export.exporting import Export
from srt_core.export.files import Exported
from srt_core.export.formats import ExportRow, Layout, Line, Split
from srt_core.export.formats.lines import Filling
from srt_core.export.lines import Conversations, find_layout
from srt_core.project import events
from srt_core.project.candidates import pair_hash
from srt_core.project.store import Row, Store
from srt_core.review.filter.filter import as_json
from srt_core.review.retracting import IS_RETRACTED
from srt_core.select.policy import applied_policy, policy_to_json

_CHUNK = 2_000


_BETWEEN = ","
"""Between the formats of an export, where it is stored."""


@dataclass(frozen=True, slots=True)
class PastExport:
    """What was exported. `event_id` is the event that logged it, `made_at` when (UTC)."""

    export_id: int
    event_id: int
    made_at: datetime
    author: str
    path: str
    """Its folder; of an older export its one file."""
    format: str
    """The formats, with commas between them."""
    scope: str
    conversations: Conversations
    rows: int
    """Lines: samples, or conversations."""
    trained: int
    """How many of them are trained on, the first ones."""
    sha256: str
    """Of the hashes of its files; of an older export of its one file."""

    @property
    def formats(self) -> tuple[str, ...]:
        """The names of its formats."""
        return tuple(self.format.split(_BETWEEN))


def past_exports(store: Store, sample: str | None = None) -> list[PastExport]:
    """List what was exported, the newest first; with a sample's id, what holds a text of it."""
    holds = "WHERE export_id IN (SELECT export_id FROM exported WHERE sample_id = $sample)" if sample else ""
    return store.read(
        PastExport,
        f"""SELECT export_id, event_id, made_at, author, path, format, scope, rows, sha256,
                   coalesce((context ->> 'trained')::BIGINT, rows) AS trained,
                   coalesce(conversations, '{Conversations.APART}') AS conversations
            FROM export JOIN event USING (event_id) {holds} ORDER BY export_id DESC""",
        {"sample": sample} if sample else {},
    )


def begin(store: Store) -> int:
    """Return the id of a new export, having removed the rows of one that was cut off."""
    with store.transaction() as tx:
        tx.execute("DELETE FROM exported WHERE export_id NOT IN (SELECT export_id FROM export)")
        return int(tx.execute("SELECT nextval('export_ids')")[0][0])


def remember(store: Store, export_id: int, lines: Iterable[tuple[Line, Split]]) -> Counter[Split]:
    """Remember the pairs of each line, and return how many lines there are of each part.

    All that is written is read from here: one state of the project, whatever is decided meanwhile. The lines count once
    `finish` says that all files are whole.
    """
    found: Counter[Split] = Counter()
    lines = iter(lines)
    while chunk := list(islice(lines, _CHUNK)):
        first = found.total() + 1
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
        found.update(split for _, split in chunk)
    return found


def forget(store: Store, export_id: int, lines: Sequence[int]) -> None:
    """Forget lines that no file of the export has a place for."""
    with store.transaction() as tx:
        tx.execute(
            """DELETE FROM exported WHERE export_id = ? AND "row" IN (SELECT unnest(?::BIGINT[]))""",
            [export_id, list(lines)],
        )


def finish(store: Store, export: Export, exported: Exported, by: str) -> None:
    """Log an export whose files were written whole, with all that decided what is in them."""
    contents = export.contents
    scope, conversations = str(contents.scope), str(contents.conversations)
    context: dict[str, object] = {
        "file": str(exported.folder),
        "scope": scope,
        "sha256": exported.sha256,
        "formats": list(exported.formats),
        "trained": export.trained,
        "files": {each.path.name: {"rows": each.rows, "sha256": each.sha256} for each in exported.files},
    }
    if exported.holds_texts:
        context["rows"] = exported.rows
    if contents.conversations is Conversations.JOINED:
        context["conversations"] = conversations
    with store.transaction() as tx:
        event_id = events.append(tx, "export", by, context)
        tx.execute(
            """INSERT INTO export (
                   export_id, event_id, path, format, scope, conversations, filter, policy, scoring_id, rows, sha256)
               VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)""",
            [
                export.export_id, event_id, str(exported.folder), _BETWEEN.join(exported.formats), scope, conversations,
                json.dumps(as_json(contents.only), ensure_ascii=False),
                policy_to_json(applied_policy(store)), store.scoring_id() or None, exported.rows, exported.sha256,
            ],
        )  # fmt: skip


def find_past(store: Store, export_id: int) -> PastExport:
    """Read a past export; ExportError if there is none of that id."""
    past = next((each for each in past_exports(store) if each.export_id == export_id), None)
    if past is None:
        raise ExportError(f"There is no export {export_id}.", "Choose one that `srt exports` lists.")
    return past


def remembered_layout(store: Store, past: PastExport, prompts: Filling | None) -> Layout:
    """Return what the lines of a past export have in common."""
    samples, values = "SELECT sample_id FROM exported WHERE export_id = $export", {"export": past.export_id}
    return find_layout(store, samples, values, past.conversations, prompts)


def count_retracted_lines(store: Store, export_id: int) -> int:
    """Count the lines of a past export that hold a sample that is retracted now."""
    sql = f"""SELECT count(DISTINCT "row") FROM exported WHERE export_id = ? AND {IS_RETRACTED}"""
    return int(store.value(sql, [export_id]))


def remembered_lines(store: Store, export: Export, split: Split) -> Iterator[tuple[int, Line]]:
    """Stream the lines of an export by number, with the texts of their candidates and edits, which never change.

    Lines that hold a retracted sample are left out, whenever it was retracted.
    """
    first, last = export.rows_of(split)
    found = store.stream(
        f"""SELECT export_id, exported."row", exported.sample_id, exported.candidate_id, edit_id, pair_hash,
                  coalesce(edit.origin, candidate.origin) AS origin,
                  coalesce(edit.instruction, candidate.instruction) AS instruction,
                  coalesce(edit.input, candidate.input) AS input,
                  coalesce(edit.response, candidate.response) AS response,
                  coalesce(edit.context, candidate.context) AS context, sample.extra, sample.conversation
           FROM exported LEFT JOIN pair AS candidate USING (candidate_id)
               LEFT JOIN edited_pair AS edit ON edit.event_id = edit_id
               JOIN sample ON sample.sample_id = exported.sample_id
           WHERE export_id = $export AND exported."row" BETWEEN $first AND $last
             AND exported."row" NOT IN (SELECT "row" FROM exported WHERE export_id = $export AND {IS_RETRACTED})
           ORDER BY exported."row", sample.seq""",
        {"export": export.export_id, "first": first, "last": last},
    )
    rows = (row for chunk in found for row in chunk)
    for number, line in groupby(rows, key=lambda row: int(row["row"])):
        yield number, Line(tuple(sorted(map(_as_written, line), key=lambda row: len(row.pair.context.turns))))


def _as_written(row: Row) -> ExportRow:
    """Return a row of an export; ExportError where its text is not what it was."""
    found = export_row(row)
    if pair_hash(found.pair) != row["pair_hash"]:
        raise ExportError(
            f"Row {row['row']} of export {row['export_id']} (sample {row['sample_id']}) is another text now.",
            "The project file is damaged: restore a copy of it.",
        )
    return found
