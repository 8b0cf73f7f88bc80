"""Rows that could not be used: count them, list them, write them to be mended, and clear those that came mended."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from srt_core.errors import DatasetError
from srt_core.project.store import Row, Store
from srt_core.project.transaction import Transaction

PREVIEW_CHARACTERS = 2_000
_WRITTEN_AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class RejectedRow:
    """A row of a file that could not be used."""

    path: str
    row: int
    """Counted from 1, as lines are."""
    line: int | None
    """None where it is not known."""
    lines: int
    """How many were skipped with it."""
    reason: str
    detail: str
    raw: str
    """The start of the row as it stands in the file."""


def rejects_by_reason(store: Store, import_ids: Sequence[int] | None = None) -> dict[str, int]:
    """Count rejected rows by reason, the most frequent first: all of them, or those of some imports."""
    rows = store.rows(
        """SELECT reason, count(*) AS rejected FROM reject
           WHERE mended_by IS NULL AND ($ids::BIGINT[] IS NULL OR list_contains($ids::BIGINT[], import_id))
           GROUP BY reason ORDER BY rejected DESC, reason""",
        {"ids": import_ids if import_ids is None else list(import_ids)},
    )
    return {row["reason"]: row["rejected"] for row in rows}


def rejects(store: Store, limit: int, offset: int) -> list[RejectedRow]:
    """Read one page of the rejected rows, those of the newest file first."""
    return store.read(
        RejectedRow,
        f"""SELECT import.path, reject."row", line, lines, reason, detail, left(raw, {PREVIEW_CHARACTERS}) AS raw
           FROM reject JOIN import USING (import_id) WHERE mended_by IS NULL
           ORDER BY import_id DESC, reject."row", reject_id LIMIT ? OFFSET ?""",
        [limit, offset],
    )


def write_rejects(store: Store, path: Path) -> int:
    """Write the rejected rows to a file, one a line, to be mended and imported; return how many.

    A line holds the record where it could be read, else its text, beside the number by which a mended one is known.

    Raises:
        DatasetError: the file cannot be written.
    """
    sql = """SELECT reject_id, path, reject."row", line, reason, detail, raw FROM reject JOIN import USING (import_id)
             WHERE mended_by IS NULL ORDER BY import_id, reject."row", reject_id"""
    count = 0
    try:
        with path.open("w", encoding="utf-8") as file:
            for rows in store.stream(sql, size=_WRITTEN_AT_ONCE):
                file.writelines(json.dumps(_mendable(row), ensure_ascii=False) + "\n" for row in rows)
                count += len(rows)
    except OSError as error:
        raise DatasetError(f"{path} cannot be written: {error.strerror}.", "Choose another place.") from error
    return count


def _mendable(row: Row) -> dict[str, object]:
    about: dict[str, object] = {
        "reject": row["reject_id"],
        "file": Path(row["path"]).name,
        "row": row["row"],
        "line": row["line"],
    }
    about["reason"] = f"{row['reason']} {row['detail']}".strip()
    try:
        record = json.loads(row["raw"])
    except (ValueError, RecursionError):
        record = None
    return about | ({"record": record} if isinstance(record, dict | list) else {"text": row["raw"]})


def clear_mended(tx: Transaction, import_id: int, rows: Sequence[int], numbers: Sequence[int]) -> None:
    """Note that rejects came mended: those of these numbers, and of the same rows of an older file at this path."""
    tx.execute(
        """UPDATE reject SET mended_by = $id
           WHERE mended_by IS NULL AND import_id <> $id AND (
               reject_id IN (SELECT unnest($numbers::BIGINT[]))
               OR ("row" IN (SELECT unnest($rows::BIGINT[])) AND import_id IN
                   (SELECT old.import_id FROM import AS old JOIN import AS new ON old.path = new.path
                    WHERE new.import_id = $id)))""",
        {"id": import_id, "rows": list(rows), "numbers": list(numbers)},
    )
