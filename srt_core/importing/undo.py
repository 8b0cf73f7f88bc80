"""Take an import back: its samples go, but for those that something else uses by now; an event says so."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from srt_core.errors import DatasetError
from srt_core.importing.marks.run import forget
from srt_core.project.events import append
from srt_core.project.store import Store
from srt_core.project.transaction import Transaction
from srt_core.records import ProducerKind

LISTED = 20

_USES: Mapping[str, str] = {
    "somebody decided or changed it": "sample_id IN (SELECT sample_id FROM event WHERE sample_id IS NOT NULL)",
    "it was rewritten": f"""sample_id IN (SELECT sample_id FROM candidate JOIN producer USING (producer)
                            WHERE kind <> '{ProducerKind.FILE}')
                            OR sample_id IN (SELECT sample_id FROM reflection WHERE call_id IS NOT NULL)""",
    "it was exported": "sample_id IN (SELECT sample_id FROM exported)",
    "an audit drew it": "sample_id IN (SELECT sample_id FROM drawn)",
    "a student was trained or evaluated on it": """sample_id IN (SELECT sample_id FROM trained)
                                                   OR sample_id IN (SELECT sample_id FROM evaluated)""",
    "another import has it too": "sample_id IN (SELECT sample_id FROM import_row WHERE import_id <> $id)",
    "somebody judged it": """sample_id IN (SELECT sample_id FROM candidate JOIN judgement USING (candidate_id))""",
    "others were made of it": "sample_id IN (SELECT parent FROM sample WHERE parent IS NOT NULL)",
}
"""What keeps a sample, as a condition on it."""


@dataclass(frozen=True, slots=True)
class Undone:
    """What the undo of an import came to."""

    path: str
    removed: int
    kept: Mapping[str, int]
    """How many samples stay, by why."""
    listed: Sequence[tuple[str, str]]
    """The first of them, with why."""


def undo_import(store: Store, import_id: int, by: str) -> Undone:
    """Remove the samples that an import brought and nothing else uses, with its rejects; log it.

    The same file can be imported again.

    Raises:
        DatasetError: there is no such import, or it was taken back before.
    """
    with store.transaction() as tx:
        found = tx.execute("SELECT path, undone_by FROM import WHERE import_id = ?", [import_id])
        if not found or found[0][1] is not None:
            message = f"There is no import {import_id}." if not found else f"Import {import_id} was taken back before."
            raise DatasetError(message, "`srt imports` lists the imports.")
        path = str(found[0][0])
        cases = " ".join(f"WHEN {condition} THEN '{use}'" for use, condition in _USES.items())
        tx.execute(
            f"""CREATE TEMP TABLE taken_back AS SELECT seq, sample_id, CASE {cases} END AS used
                FROM sample WHERE import_id = $id""",
            {"id": import_id},
        )
        kept = dict(
            tx.execute("SELECT used, count(*) FROM taken_back WHERE used IS NOT NULL GROUP BY used ORDER BY used")
        )
        sql = "SELECT sample_id, used FROM taken_back WHERE used IS NOT NULL ORDER BY seq LIMIT ?"
        listed = [(name, why) for name, why in tx.execute(sql, [LISTED])]
        tx.execute("DELETE FROM taken_back WHERE used IS NOT NULL")
        removed = int(tx.execute("SELECT count(*) FROM taken_back")[0][0])
        forget(tx, [seq for (seq,) in tx.execute("SELECT seq FROM taken_back")])
        _remove(tx, import_id)
        about = {"import_id": import_id, "path": path, "removed": removed, "kept": sum(kept.values())}
        event = append(tx, "undo_import", by, about)
        tx.execute("UPDATE import SET undone_by = ?, finished = false WHERE import_id = ?", [event, import_id])
        tx.execute("DROP TABLE taken_back")
        tx.bump()
    return Undone(path, removed, kept, listed)


def _remove(tx: Transaction, import_id: int) -> None:
    gone = "sample_id IN (SELECT sample_id FROM taken_back)"
    candidates = f"SELECT candidate_id FROM candidate WHERE {gone}"
    for statement in (
        f"DELETE FROM score WHERE candidate_id IN ({candidates})",
        f"DELETE FROM token_map WHERE subject = 'score' AND subject_id IN ({candidates})",
        f"""DELETE FROM measurement WHERE (subject = 'candidate' AND subject_id IN ({candidates}))
            OR (subject = 'sample' AND subject_id IN (SELECT seq FROM taken_back))""",
        f"DELETE FROM vector WHERE candidate_id IN ({candidates})",
        "DELETE FROM triage WHERE seq IN (SELECT seq FROM taken_back)",
        f"DELETE FROM candidate WHERE {gone}",
        "DELETE FROM context WHERE context_id NOT IN (SELECT context_id FROM candidate WHERE context_id IS NOT NULL)",
        f"DELETE FROM reflection WHERE {gone}",
        f"DELETE FROM kind WHERE {gone}",
        f"DELETE FROM sample WHERE {gone}",
        "UPDATE sample SET duplicate_of = NULL WHERE duplicate_of IN (SELECT sample_id FROM taken_back)",
        f"DELETE FROM import_row WHERE import_id = {int(import_id)}",
        f"DELETE FROM reject WHERE import_id = {int(import_id)}",
        f"UPDATE reject SET mended_by = NULL WHERE mended_by = {int(import_id)}",
    ):
        tx.execute(statement)
