"""Bring a project file of an older schema version forward: one SQL script a version, then what is computed once.

Each version, and each chunk of what is computed, is a transaction, so that a conversion that was killed goes on.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from importlib import resources
from typing import Any, Protocol

from srt_core.project.derived import UNDEFINE, define
from srt_core.project.drift import Ruler
from srt_core.project.progress import Progress
from srt_core.project.transaction import Transaction
from srt_core.records import MEASURES, Origin, Pair


class Openable(Protocol):
    """What a conversion needs of the store, which opens a file by it."""

    def meta(self, key: str) -> str | None:
        """Return one of the project's own settings, or None."""

    def value(self, sql: str) -> Any:
        """Return the first column of the first row."""

    def transaction(self) -> AbstractContextManager[Transaction]:
        """Begin a write transaction."""


DRIFT_CHUNK = 5_000
"""Rewrites of an older file whose drift is computed in one transaction."""


def migrate(store: Openable, newest: int) -> Iterator[Progress]:
    """Bring a file to the newest schema version and yield how far that is; yields nothing where it is there.

    Progress is in versions, then in rewrites whose drift a file of version 2 or less did not have.
    """
    version = int(store.meta("schema_version") or newest)
    progress = Progress("versions", total=newest - version)
    for older in range(version, newest):
        yield progress.moved(0, message=f"From version {older} to {older + 1}")
        with store.transaction() as tx:
            tx.execute(resources.files(__package__).joinpath(f"migrate_{older}.sql").read_text(encoding="utf-8"))
            if older + 1 == newest:
                tx.execute(UNDEFINE)
                tx.execute(define(MEASURES))
                tx.execute("DELETE FROM meta WHERE key = 'selection_key'")  # they are empty, and computed when read
            tx.execute("UPDATE meta SET value = ? WHERE key = 'schema_version'", [str(older + 1)])
            tx.execute("DELETE FROM meta WHERE key = 'sql_views'")  # what they read may be another table now
        progress = progress.moved(1)
        yield progress
    yield from _fill_drift(store)


def _fill_drift(store: Openable) -> Iterator[Progress]:
    """Compute the drift of the rewrites that a file of schema version 2 or less brought.

    `meta.drift_filled` is the candidate up to which that is done; it is there until all have it.
    """
    if store.meta("drift_filled") is None:
        return
    progress = Progress("rewrites", total=int(store.value(f"SELECT count(*) {_WITHOUT_DRIFT}")))
    while store.meta("drift_filled") is not None:
        yield progress
        with store.transaction() as tx:
            progress = progress.moved(_fill_drift_chunk(tx), message="Comparing rewrites with their originals")


_WITHOUT_DRIFT = f"""
    FROM candidate WHERE origin <> '{Origin.ORIGINAL}'
    AND candidate_id > (SELECT value::BIGINT FROM meta WHERE key = 'drift_filled')"""


def _fill_drift_chunk(tx: Transaction) -> int:
    """Compute the drift of the next rewrites; returns how many."""
    rows = tx.execute(
        f"""SELECT candidate_id, sample_id, origin, instruction, input, response {_WITHOUT_DRIFT}
           ORDER BY candidate_id LIMIT ?""",
        [DRIFT_CHUNK],
    )
    if not rows:
        tx.execute("DELETE FROM meta WHERE key = 'drift_filled'")
        return 0
    ids = tx.execute(  # apart from their texts, so that only the texts of the chunk are read
        f"""SELECT candidate_id FROM candidate
            WHERE origin = '{Origin.ORIGINAL}' AND sample_id IN (SELECT unnest(?::VARCHAR[]))""",
        [list({row[1] for row in rows})],
    )
    rulers = {
        name: Ruler(Pair(instruction=instruction, input=input_, response=response))
        for name, instruction, input_, response in tx.execute(
            """SELECT sample_id, instruction, input, response FROM candidate
               WHERE candidate_id IN (SELECT unnest(?::BIGINT[]))""",
            [[key for (key,) in ids]],
        )
    }
    drifts = [
        rulers[name].change(Origin(origin), Pair(instruction=instruction, input=input_, response=response)).drift
        for _, name, origin, instruction, input_, response in rows
    ]
    tx.execute(
        """UPDATE candidate SET drift = found.drift
           FROM (SELECT unnest(?::BIGINT[]) AS id, unnest(?::DOUBLE[]) AS drift) AS found
           WHERE candidate_id = found.id""",
        [[row[0] for row in rows], drifts],
    )
    tx.execute("UPDATE meta SET value = ? WHERE key = 'drift_filled'", [str(rows[-1][0])])
    return len(rows)
