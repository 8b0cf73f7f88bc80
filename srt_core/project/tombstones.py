"""Tombstones: the pairs of retracted samples, so that a file that brings one of them again brings it retracted.

They are the original pair of each sample and every text of it that was exported. They count as long as the sample is
retracted, so undoing the retraction needs nothing else.
"""

import json
from collections.abc import Sequence

from srt_core.project import events
from srt_core.project.store import Store
from srt_core.project.transaction import Transaction


def keep_tombstones(tx: Transaction, action_id: int) -> None:
    """Keep the pairs of the samples that an action has just retracted."""
    tx.execute(
        """INSERT INTO retraction
           SELECT DISTINCT event_id, sample_id, pair_hash
           FROM (SELECT event_id, sample_id FROM event WHERE action_id = $action AND kind = 'retract'
                   AND event_id NOT IN (SELECT event_id FROM retraction)) AS made
           JOIN (SELECT sample_id, pair_hash FROM import_row UNION ALL SELECT sample_id, pair_hash FROM exported)
               USING (sample_id)""",
        {"action": action_id},
    )


def retract_again(tx: Transaction, samples: Sequence[tuple[str, str]], by: str) -> None:
    """Retract, in the transaction that stored them, new samples whose original is a retracted pair.

    `samples` has the name of each and the hash of its original pair; `by` is who brought them.
    """
    found = tx.execute(
        """SELECT pair_hash, event.context ->> 'bulk', event.event_id
           FROM retraction JOIN standing USING (sample_id) JOIN event ON event.event_id = standing.event_id
           WHERE action = 'retract' AND pair_hash IN (SELECT unnest(?::VARCHAR[])) ORDER BY event.event_id DESC""",
        [sorted({content for _, content in samples})],
    )
    reasons = {content: (reason, event_id) for content, reason, event_id in found}
    again = {name: reasons[content] for name, content in samples if content in reasons}
    if again:
        action_id = events.start_action(tx)
        contexts = [context_of(reason, again_of=event_id) for reason, event_id in again.values()]
        events.append_all(
            tx, action_id, by,
            """SELECT $action_id AS action_id, $made_by AS author, 'retract' AS kind,
                      unnest($samples::VARCHAR[]) AS sample_id, unnest($contexts::VARCHAR[]) AS context""",
            {"samples": list(again), "contexts": contexts},
        )  # fmt: skip
        keep_tombstones(tx, action_id)
        events.fold_action(tx, action_id)


def count_retracted_rows(store: Store, import_id: int) -> int:
    """Count the rows of an imported file whose sample is retracted."""
    sql = """SELECT count(*) FROM import_row
             WHERE import_id = ? AND sample_id IN (SELECT sample_id FROM standing WHERE action = 'retract')"""
    return int(store.value(sql, [import_id]))


def context_of(reason: str, again_of: int | None = None) -> str:
    """Return what an event of a retraction says, as JSON: it judges no sample by itself, so it is of a bulk action."""
    again = {} if again_of is None else {"again_of": again_of}
    return json.dumps({"bulk": reason, **again})
