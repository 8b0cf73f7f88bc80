"""The state of a project in numbers: the one source of the funnel on screen and of `srt status`."""

from typing import Any

from srt_core.project.store import Row, Store
from srt_core.select.derive import refresh
from srt_core.select.policy import applied_policy

# A failed reflection stands as long as the candidate that it was to make is not there: of the same producer, or of a
# file, which stands in for any.
FAILED_REFLECTIONS = """
    SELECT sample_id, origin, producer, max(reflection_id) AS reflection_id, arg_max(status, reflection_id) AS status,
           arg_max(reason, reflection_id) AS reason, arg_max(detail, reflection_id) AS detail,
           arg_max_null(call_id, reflection_id) AS call_id, arg_max_null(raw, reflection_id) AS raw
    FROM reflected
    WHERE status <> 'accepted'
      AND NOT EXISTS (
          FROM candidate WHERE candidate.sample_id = reflected.sample_id AND candidate.origin = reflected.origin
          AND (candidate.producer = reflected.producer
               OR reflected.producer IN (SELECT producer FROM producer WHERE kind = 'file')
               OR candidate.producer IN (SELECT producer FROM producer WHERE kind = 'file')))
    GROUP BY sample_id, origin, producer
"""

_COUNTS = {
    "samples": "SELECT count(*) FROM sample",
    "candidates": "SELECT count(*) FROM candidate",
    "scored": """SELECT count(*) FROM score WHERE ifd IS NOT NULL AND r_ifd IS NOT NULL
                 AND scoring_id = (FROM scoring_in_use)""",
    "duplicates": "SELECT count(*) FROM sample WHERE duplicate_of IS NOT NULL",
    "rejected_rows": "SELECT count(*) FROM reject",
    "reflected": "SELECT count(DISTINCT sample_id) FROM candidate WHERE origin <> 'ORIGINAL'",
    "failed_reflections": f"SELECT count(*) FROM ({FAILED_REFLECTIONS})",
    "decided": "SELECT count(*) FROM verdict WHERE decided",
    "approved": "SELECT count(*) FROM verdict WHERE approved",
    "parked": "SELECT count(*) FROM verdict WHERE action = 'park'",
    "verdicts": "SELECT count(*) FROM verdict WHERE verdict_origin IS NOT NULL",
    "exports": "SELECT count(*) FROM event WHERE kind = 'export'",
    "exported": """SELECT coalesce(max_by((context ->> 'rows')::BIGINT, event_id), 0) FROM event
                   WHERE kind = 'export' AND NOT suffix(context ->> 'file', 'scores.jsonl')""",
}


def status(store: Store) -> dict[str, Any]:
    """Count everything: samples, candidates, rejects, scores, selections by origin and reason, decisions.

    `scored` counts candidates with both an IFD and an r-IFD under the scoring in use, `unscored` all others, of every
    producer; `scored_samples` counts samples of which every candidate that the policy may take is scored; `exported`
    the pairs of the latest export.
    """
    refresh(store)
    found: dict[str, Any] = {name: int(store.value(sql)) for name, sql in _COUNTS.items()}
    found |= {
        "unscored": found["candidates"] - found["scored"],
        "scored_samples": int(store.value("SELECT count(*) FROM panel WHERE unscored = 0")),
        "candidates_by_origin": _counted(store, "SELECT origin, count(*) FROM candidate GROUP BY ALL ORDER BY ALL"),
        "selected": {
            "total": int(store.value("SELECT count(origin) FROM selection")),
            "by_origin": _counted(
                store, "SELECT origin, count(*) FROM selection WHERE origin IS NOT NULL GROUP BY ALL ORDER BY ALL"
            ),
            "by_reason": _counted(store, "SELECT reason, count(*) FROM selection GROUP BY ALL ORDER BY ALL"),
        },
        "decisions": _counted(store, "SELECT action, count(*) FROM standing GROUP BY ALL ORDER BY ALL"),
        "policy": applied_policy(store).name,
        "student": store.value("SELECT student FROM scoring WHERE scoring_id = (FROM scoring_in_use)"),
    }
    return found


def reply_outcomes(store: Store) -> list[Row]:
    """Count the teachers' calls by what became of them, `cost` in US dollars (None: not known).

    `status` is accepted, refused or kept (a reply that is yet to be used), or failed where a call brought no reply;
    `reason` says why one was refused or failed.
    """
    return store.rows(
        """SELECT status, reason, count(*) AS replies, sum(cost) AS cost FROM (
               SELECT cost,
                      CASE WHEN outcome <> 'answered' THEN 'failed' ELSE coalesce(judged.status, 'kept') END AS status,
                      CASE WHEN outcome <> 'answered' THEN outcome ELSE coalesce(judged.reason, '') END AS reason
               FROM teacher_call LEFT JOIN (
                   SELECT call_id, arg_max(status, reflection_id) AS status, arg_max(reason, reflection_id) AS reason
                   FROM reflection WHERE call_id IS NOT NULL GROUP BY call_id) AS judged USING (call_id))
           GROUP BY status, reason
           ORDER BY list_position(['accepted', 'kept', 'refused', 'failed'], status), replies DESC, reason"""
    )


def failed_reflections(store: Store, limit: int, offset: int) -> list[Row]:
    """Read one page of the failed reflections that stand, each with its latest raw reply and its sample's number."""
    return store.rows(
        f"""SELECT failure.*, sample.seq FROM ({FAILED_REFLECTIONS}) AS failure JOIN sample USING (sample_id)
            ORDER BY sample.seq, origin LIMIT ? OFFSET ?""",
        [limit, offset],
    )


def _counted(store: Store, sql: str) -> dict[str, int]:
    return {name: int(number) for name, number in ((tuple(row.values())) for row in store.rows(sql))}
