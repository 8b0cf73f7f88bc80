"""Store the rows of a file as samples, candidates and rejects; list imports and rejects.

The id of a sample is a hash of its original pair and of the number of that pair's earlier occurrences in its file. So
importing the same file, or a longer version of it, adds no pair twice, and exact duplicates within a file are counted.
"""

import hashlib
import json
from base64 import b32encode
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from srt_core.importing.files import ImportRow, Reject
from srt_core.importing.kinds import kind_of
from srt_core.project.appending import NewCandidate, append_candidates, register_files
from srt_core.project.candidates import pair_hash, parts, texts
from srt_core.project.events import append
from srt_core.project.store import Store, Transaction
from srt_core.records import Origin, Pair, ProducerKind


@dataclass(frozen=True, slots=True)
class Added:
    """How many of a chunk's rows were added, known before, duplicates or rejected, and the candidates added."""

    samples: int
    known: int
    duplicates: int
    candidates: int
    rejected: int

    def __add__(self, other: "Added") -> "Added":
        mine, theirs = asdict(self), asdict(other)
        return Added(**{name: mine[name] + theirs[name] for name in mine})


NOTHING_ADDED = Added(0, 0, 0, 0, 0)


def sample_id(pair: Pair, occurrence: int) -> str:
    """Return a sample's id: 12 letters and digits (60 bits) from its original pair and occurrence (0 for the first)."""
    text = json.dumps([*parts(pair), occurrence], ensure_ascii=False)
    return b32encode(hashlib.sha256(text.encode()).digest())[:12].decode().lower()


def begin_import(store: Store, path: str, sha256: str, format: str, options: dict[str, object]) -> int:
    """Return the id of the import of this content with these options, to be continued; create it if there is none."""
    key = [sha256, format, json.dumps(options, sort_keys=True)]
    with store.transaction() as tx:
        found = tx.execute("SELECT import_id FROM import WHERE sha256 = ? AND format = ? AND options = ?", key)
        if not found:
            found = tx.execute(
                "INSERT INTO import (path, sha256, format, options) VALUES (?, ?, ?, ?) RETURNING import_id",
                [path, *key],
            )
    return int(found[0][0])


def last_row(store: Store, import_id: int) -> int:
    """Return the last row of the file that an import has stored or rejected; -1 for none."""
    sql = """SELECT greatest((SELECT coalesce(max("row"), -1) FROM import_row WHERE import_id = $id),
                             (SELECT coalesce(max("row"), -1) FROM reject WHERE import_id = $id))"""
    return int(store.value(sql, {"id": import_id}))


def add_rows(store: Store, import_id: int, rows: Sequence[ImportRow | Reject], author: str) -> Added:
    """Store a chunk of rows in one transaction, new samples, candidates and rejects; return how many of each."""
    good = [row for row in rows if isinstance(row, ImportRow)]
    with store.transaction() as tx:
        rejects = _new_rejects(tx, import_id, [row for row in rows if isinstance(row, Reject)])
        named = _name_rows(tx, import_id, good)
        known = _known(tx, [name for name, _, _ in named])
        fresh = [(name, first, row) for name, first, row in named if name not in known]
        tx.append(
            "sample",
            ["sample_id", "import_id", "row", "duplicate_of", "extra"],
            [
                (name, import_id, row.row, first, json.dumps(row.extra, ensure_ascii=False))
                for name, first, row in fresh
            ],
        )
        append_kinds(tx, [(name, row.original) for name, _, row in fresh])
        tx.append(
            "import_row",
            ["import_id", "row", "pair_hash", "sample_id"],
            [(import_id, row.row, pair_hash(row.original), name) for name, _, row in named],
        )
        candidates = _add_candidates(tx, named, known, author)
        _add_refusals(tx, named, known, author)
        tx.append(
            "reject",
            ["import_id", "row", "line", "reason", "raw"],
            [(import_id, reject.row, reject.line, reject.reason, reject.raw) for reject in rejects],
        )
        tx.bump({name for name, _, _ in named})
    duplicates = sum(first is not None for _, first, _ in fresh)
    return Added(len(fresh), len(rows) - len(fresh) - len(rejects), duplicates, candidates, len(rejects))


def append_kinds(tx: Transaction, originals: Sequence[tuple[str, Pair]]) -> None:
    """Store the kind of samples that have none, given by id and original pair; their subject is found by grouping."""
    kinds = [(name, kind_of(pair)) for name, pair in originals]
    columns = ["sample_id", "task", "language"]
    tx.append("kind", columns, [(name, str(kind.task), kind.language) for name, kind in kinds])


_Named = tuple[str, str | None, ImportRow]
"""A row with its sample's id, and the id of the first sample of the same pair where it is a duplicate."""


def _name_rows(tx: Transaction, import_id: int, rows: Sequence[ImportRow]) -> list[_Named]:
    hashes = [pair_hash(row.original) for row in rows]
    seen: Counter[str] = Counter(
        dict(
            tx.execute(
                """SELECT pair_hash, count(*) FROM import_row
                   WHERE import_id = ? AND pair_hash IN (SELECT unnest(?::VARCHAR[])) GROUP BY pair_hash""",
                [import_id, list(set(hashes))],
            )
        )
    )
    named: list[_Named] = []
    for content, row in zip(hashes, rows, strict=True):
        occurrence = seen[content]
        seen[content] += 1
        named.append((sample_id(row.original, occurrence), sample_id(row.original, 0) if occurrence else None, row))
    return named


def _known(tx: Transaction, names: Sequence[str]) -> set[str]:
    sql = "SELECT sample_id FROM sample WHERE sample_id IN (SELECT unnest(?::VARCHAR[]))"
    return {name for (name,) in tx.execute(sql, [list(names)])}


def _add_candidates(tx: Transaction, named: Sequence[_Named], known: set[str], author: str) -> int:
    held = _texts_of_files(tx, [name for name, _, row in named if name in known and row.candidates])
    return append_candidates(
        tx,
        [
            NewCandidate(name, origin, author, pair)
            for name, _, row in named
            for origin, pair in [(Origin.ORIGINAL, row.original), *row.candidates.items()]
            if (name, origin, pair) not in held
        ],
    )


def _texts_of_files(tx: Transaction, names: Sequence[str]) -> set[tuple[str, Origin, Pair]]:
    """Return the rewrites of samples that came with files, so that an equal text in another file is not added again."""
    if not names:
        return set()
    ids = tx.execute(  # the ids first: a scan for them that also read texts would read those of all candidates
        f"""SELECT candidate_id FROM candidate
           WHERE origin <> '{Origin.ORIGINAL}' AND producer IN
               (SELECT producer.producer FROM producer WHERE kind = '{ProducerKind.FILE}')
             AND sample_id IN (SELECT unnest(?::VARCHAR[]))""",
        [list(names)],
    )
    return {(name, Origin(origin), pair) for name, origin, pair in texts(tx, [key for (key,) in ids])}


def _new_rejects(tx: Transaction, import_id: int, rejects: Sequence[Reject]) -> list[Reject]:
    """Return the rejects that are not stored yet from an earlier, shorter version of the file of this name."""
    if not rejects:
        return []
    known = set(
        tx.execute(
            """SELECT "row", reason, raw FROM reject JOIN import USING (import_id)
               WHERE "row" BETWEEN ? AND ? AND parse_filename(path) =
                   (SELECT parse_filename(path) FROM import WHERE import_id = ?)""",
            [rejects[0].row, rejects[-1].row, import_id],
        )
    )
    return [reject for reject in rejects if (reject.row, reject.reason, reject.raw) not in known]


def _add_refusals(tx: Transaction, named: Sequence[_Named], known: set[str], author: str) -> None:
    """Store unusable rewrites of the file as refused reflections, each once, so that the curator sees them."""
    held = set(
        tx.execute(
            """SELECT sample_id, origin, detail FROM reflection
               WHERE reason = 'unusable_in_file' AND sample_id IN (SELECT unnest(?::VARCHAR[]))""",
            [list(known)],
        )
    )
    register_files(tx, [author])
    columns = ["sample_id", "origin", "producer", "status", "reason", "detail"]
    tx.append(
        "reflection",
        columns,
        [
            (name, str(origin), author, "refused", "unusable_in_file", detail)
            for name, _, row in named
            for origin, detail in row.refused.items()
            if (name, str(origin), detail) not in held
        ],
    )


def finish_import(store: Store, import_id: int, author: str, added: Added) -> None:
    """Mark an import as complete and log it."""
    with store.transaction() as tx:
        tx.execute("UPDATE import SET finished = true WHERE import_id = ?", [import_id])
        path = tx.execute("SELECT path FROM import WHERE import_id = ?", [import_id])[0][0]
        append(tx, "import", author, {"path": path, "samples": added.samples, "rejected": added.rejected})


@dataclass(frozen=True, slots=True)
class Import:
    """One run of the importer over one file."""

    import_id: int
    made_at: datetime
    path: str
    format: str
    finished: bool
    """Whether it came to the end of the file."""
    taken: int
    rejected: int


def imports(store: Store) -> list[Import]:
    """List the imported files, the newest first."""
    return store.read(
        Import,
        """SELECT import_id, made_at, path, format, finished,
                  (SELECT count(*) FROM import_row WHERE import_row.import_id = import.import_id) AS taken,
                  (SELECT count(*) FROM reject WHERE reject.import_id = import.import_id) AS rejected
           FROM import ORDER BY import_id DESC""",
    )


def rejects_by_reason(store: Store) -> dict[str, int]:
    """Count rejected rows by reason, the most frequent first."""
    rows = store.rows("SELECT reason, count(*) AS rejected FROM reject GROUP BY reason ORDER BY rejected DESC, reason")
    return {row["reason"]: row["rejected"] for row in rows}


@dataclass(frozen=True, slots=True)
class RejectedRow:
    """A row of a file that could not be used."""

    path: str
    row: int
    """Counted from 0."""
    line: int | None
    """Counted from 1; None where it is not known."""
    reason: str
    raw: str
    """The start of the row as it stands in the file."""


def rejects(store: Store, limit: int, offset: int) -> list[RejectedRow]:
    """Read one page of the rejected rows, those of the newest file first."""
    return store.read(
        RejectedRow,
        """SELECT import.path, reject."row", line, reason, raw FROM reject JOIN import USING (import_id)
           ORDER BY import_id DESC, reject."row" LIMIT ? OFFSET ?""",
        [limit, offset],
    )
