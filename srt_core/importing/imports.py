"""The runs of the importer: begin and finish one, list them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from srt_core.importing.files import Account
from srt_core.importing.samples import Added
from srt_core.project.events import append
from srt_core.project.store import Store


def begin_import(store: Store, path: str, sha256: str, format: str, options: Mapping[str, object]) -> int:
    """Return the id of the import of this content with these options, to be continued; create it if there is none."""
    key = [sha256, format, json.dumps(options, sort_keys=True)]
    with store.transaction() as tx:
        found = tx.execute("SELECT import_id FROM import WHERE sha256 = ? AND format = ? AND options = ?", key)
        if not found:
            found = tx.execute(
                "INSERT INTO import (path, sha256, format, options) VALUES (?, ?, ?, ?) RETURNING import_id",
                [path, *key],
            )
        tx.execute("UPDATE import SET undone_by = NULL WHERE import_id = ? AND undone_by IS NOT NULL", [found[0][0]])
    return int(found[0][0])


def last_row(store: Store, import_id: int) -> int:
    """Return the last row of the file that an import has stored or rejected; 0 for none."""
    sql = """SELECT greatest((SELECT coalesce(max("row"), 0) FROM import_row WHERE import_id = $id),
                             (SELECT coalesce(max("row"), 0) FROM reject WHERE import_id = $id))"""
    return int(store.value(sql, {"id": import_id}))


def finish_import(store: Store, import_id: int, author: str, added: Added, account: Account) -> None:
    """Mark an import as complete, keep what came of the columns, and log it."""
    with store.transaction() as tx:
        kept = json.dumps(account.as_json(), ensure_ascii=False)
        tx.execute("UPDATE import SET finished = true, account = ? WHERE import_id = ?", [kept, import_id])
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
    is_undone: bool
    taken: int
    rejected: int
    account_json: str | None

    @property
    def account(self) -> Account | None:
        """What came of the columns; None of an import that did not come to its end, or is older."""
        return Account.from_json(json.loads(self.account_json)) if self.account_json else None


def imports(store: Store) -> list[Import]:
    """List the imported files, the newest first."""
    return store.read(
        Import,
        """SELECT import_id, made_at, path, format, finished, undone_by IS NOT NULL AS is_undone,
                  (SELECT count(*) FROM import_row WHERE import_row.import_id = import.import_id) AS taken,
                  (SELECT count(*) FROM reject
                   WHERE reject.import_id = import.import_id AND mended_by IS NULL) AS rejected,
                  account AS account_json
           FROM import ORDER BY import_id DESC""",
    )
