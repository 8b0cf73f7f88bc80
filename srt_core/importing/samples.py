"""Store the rows of a file as samples, candidates and rejects.

The id of a sample is a hash of its original pair and of the number of that pair's earlier occurrences in its file. So
importing the same file, or a longer version of it, adds no pair twice, and exact duplicates within a file are counted.
"""

import hashlib
import json
from base64 import b32encode
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from srt_core.importing.files import ImportRow, Reject
from srt_core.importing.kinds import kind_of
from srt_core.importing.rejects import clear_mended
from srt_core.project.appending import NewCandidate, append_candidates, register_files
from srt_core.project.candidates import pair_hash, parts, texts
from srt_core.project.store import Store
from srt_core.project.tombstones import retract_again
from srt_core.project.transaction import Transaction
from srt_core.records import Origin, Pair, ProducerKind

SYNTHETIC = "synthetic"
"""The format of an import whose samples a student wrote, and the mark that they carry."""


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


def add_rows(store: Store, import_id: int, rows: Sequence[ImportRow | Reject], author: str) -> Added:
    """Store a chunk of rows in one transaction, new samples, candidates and rejects; return how many of each."""
    good = [row for row in rows if isinstance(row, ImportRow)]
    with store.transaction() as tx:
        rejects = _new_rejects(tx, import_id, [row for row in rows if isinstance(row, Reject)])
        hashes = [pair_hash(row.original) for row in good]
        named = _name_rows(tx, import_id, good, hashes)
        known = _known(tx, [name for name, _, _ in named])
        fresh = [(name, first, row) for name, first, row in named if name not in known]
        conversations = _name_conversations(named)
        tx.append(
            "sample",
            ["sample_id", "import_id", "row", "duplicate_of", "extra", "conversation", "parent"],
            [
                (
                    name,
                    import_id,
                    row.row,
                    first,
                    json.dumps(row.extra, ensure_ascii=False),
                    conversations.get(name),
                    row.parent,
                )
                for name, first, row in fresh
            ],
        )
        _join_conversations(tx, {name: last for name, last in conversations.items() if name in known})
        append_kinds(tx, [(name, row.original) for name, _, row in fresh])
        tx.append(
            "import_row",
            ["import_id", "row", "pair_hash", "sample_id"],
            [(import_id, row.row, content, name) for content, (name, _, row) in zip(hashes, named, strict=True)],
        )
        candidates = _add_candidates(tx, named, known, author)
        _add_refusals(tx, named, known, author)
        tx.append(
            "reject",
            ["import_id", "row", "line", "lines", "reason", "detail", "raw"],
            [
                (import_id, reject.row, reject.line, reject.lines, reject.reason, reject.detail, reject.raw)
                for reject in rejects
            ],
        )
        contents = dict(zip((name for name, _, _ in named), hashes, strict=True))
        retract_again(tx, [(name, contents[name]) for name, _, _ in fresh], author)
        clear_mended(tx, import_id, [row.row for row in good], [row.mends for row in rows if row.mends])
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


def _name_rows(tx: Transaction, import_id: int, rows: Sequence[ImportRow], hashes: Sequence[str]) -> list[_Named]:
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


def _name_conversations(named: Sequence[_Named]) -> dict[str, str]:
    """Return the conversation of each exchange of one: the id of its last, which comes last among those of its row."""
    last = {row.row: name for name, _, row in named if row.is_exchange}
    return {name: last[row.row] for name, _, row in named if row.is_exchange}


def _join_conversations(tx: Transaction, conversations: Mapping[str, str]) -> None:
    """Note the conversation of samples that were there before and belonged to none."""
    if conversations:
        tx.execute(
            """UPDATE sample SET conversation = found.conversation
               FROM (SELECT unnest(?::VARCHAR[]) AS id, unnest(?::VARCHAR[]) AS conversation) AS found
               WHERE sample_id = found.id AND sample.conversation IS NULL""",
            [list(conversations), list(conversations.values())],
        )


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
