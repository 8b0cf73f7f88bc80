"""Work that a file of an older schema version leaves to be done once, beside its migration in SQL."""

from srt_core.project.drift import Ruler
from srt_core.project.store import Store, Transaction
from srt_core.records import Origin, Pair

DRIFT_CHUNK = 5_000
"""Rewrites of an older file whose drift is computed in one transaction."""


def fill_drift(store: Store) -> None:
    """Compute the drift of rewrites that a file of schema version 2 or less brought, once.

    `meta.drift_filled` is the candidate up to which that is done; it is there until all have it.
    """
    while store.meta("drift_filled") is not None:
        with store.transaction() as tx:
            _fill_drift_chunk(tx)


def _fill_drift_chunk(tx: Transaction) -> None:
    rows = tx.execute(
        f"""SELECT candidate_id, sample_id, origin, instruction, input, response FROM candidate
           WHERE candidate_id > (SELECT value::BIGINT FROM meta WHERE key = 'drift_filled')
             AND origin <> '{Origin.ORIGINAL}'
           ORDER BY candidate_id LIMIT ?""",
        [DRIFT_CHUNK],
    )
    if not rows:
        tx.execute("DELETE FROM meta WHERE key = 'drift_filled'")
        return
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
