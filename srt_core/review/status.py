"""The state of a project in numbers: the one source of the funnel on screen and of `srt status`."""

from collections.abc import Hashable, Mapping
from typing import Any

from srt_core.project.store import Store
from srt_core.records import Origin, counted, plural
from srt_core.select.derive import refresh
from srt_core.select.policy import applied_policy

_COUNTS = {
    "samples": "SELECT count(*) FROM sample",
    "candidates": "SELECT count(*) FROM candidate",
    "scored": """SELECT count(*) FROM score WHERE ifd IS NOT NULL AND r_ifd IS NOT NULL
                 AND scoring_id = (FROM scoring_in_use)""",
    "duplicates": "SELECT count(*) FROM sample WHERE duplicate_of IS NOT NULL",
    "rejected_rows": "SELECT count(*) FROM reject WHERE mended_by IS NULL",
    "reflected": f"SELECT count(DISTINCT sample_id) FROM candidate WHERE origin <> '{Origin.ORIGINAL}'",
    "failed_reflections": "SELECT count(*) FROM failed_reflection",
    "decided": "SELECT count(*) FROM verdict WHERE decided",
    "approved": "SELECT count(*) FROM verdict WHERE approved",
    "parked": "SELECT count(*) FROM verdict WHERE action = 'park'",
    "parked_kept": "SELECT count(*) FROM verdict WHERE action = 'park' AND origin IS NOT NULL",
    "retracted": "SELECT count(*) FROM standing WHERE action = 'retract'",
    "verdicts": "SELECT count(*) FROM verdict WHERE verdict_origin IS NOT NULL",
    "exports": "SELECT count(*) FROM event WHERE kind = 'export'",
    "exported": """SELECT coalesce(max_by((context ->> 'rows')::BIGINT, event_id), 0) FROM event
                   WHERE kind = 'export' AND context ->> 'rows' IS NOT NULL
                     AND NOT suffix(context ->> 'file', 'scores.jsonl')""",
}


def status(store: Store) -> dict[str, Any]:
    """Count everything: samples, candidates, rejects, scores, selections by origin and reason, decisions.

    `scored` counts candidates with both an IFD and an r-IFD under the scoring in use, `unscored` all others, of every
    producer; `scored_samples` counts samples of which every candidate that the policy may take is scored; `exported`
    the pairs of the latest export. `verdicts` are the pairs that an export holds now, without `parked_kept`, what is
    parked of what the policy keeps.
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


_DONE_OF_DATA = {
    "import": "SELECT EXISTS (FROM sample)",
    "reflect": f"""SELECT NOT EXISTS (FROM sample ANTI JOIN
                   (SELECT sample_id FROM candidate WHERE origin <> '{Origin.ORIGINAL}') USING (sample_id))""",
    "score": "SELECT NOT EXISTS (FROM panel WHERE unscored > 0)",
}
_DONE_OF_EVENTS = {
    "review": "SELECT NOT EXISTS (FROM verdict WHERE NOT decided)",
    "export": "SELECT EXISTS (FROM event WHERE kind = 'export')",
}


def steps_done(store: Store) -> frozenset[str]:
    """Return the steps, by name, that have reached every sample; none of a project without samples."""
    refresh(store)
    derived = store.meta("selection_key")
    of_data = _true(store, _DONE_OF_DATA, derived)
    if "import" not in of_data:
        return frozenset()
    return of_data | _true(store, _DONE_OF_EVENTS, derived, store.value("SELECT max(event_id) FROM event"))


def _true(store: Store, asked: Mapping[str, str], *key: Hashable) -> frozenset[str]:
    """Return the names whose query says so, asked once for each `key`."""
    return store.remember(
        ("steps done", *asked, *key), lambda: frozenset(name for name, sql in asked.items() if store.value(sql))
    )


def describe_export(pairs: int, parked: int) -> str:
    """Say how many pairs an export of the verdicts holds, and how many parked samples it leaves out for being open."""
    left_out = f" {parked:,} more that the rule keeps {plural(parked, 'is')} parked, and left out."
    return f"An export holds {counted(pairs, 'pair')}." + (left_out if parked else "")


def _counted(store: Store, sql: str) -> dict[str, int]:
    return {name: int(number) for name, number in ((tuple(row.values())) for row in store.rows(sql))}
