"""Notes, tags and the project's reasons for leaving out: what reviewers say of a sample in their own words."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from srt_core.project.store import Store
from srt_core.project.transaction import Transaction

REASONS = ("Wrong", "Incomplete", "Unsafe or private", "Off topic", "Badly written", "Duplicate")
"""Reasons for leaving out that every project begins with."""

_KEY = "leave_out_reasons"


@dataclass(frozen=True, slots=True)
class Beside:
    """What stands beside a sample."""

    note: str = ""
    tags: tuple[str, ...] = ()


def beside(store: Store, samples: Sequence[str]) -> dict[str, Beside]:
    """Read the notes and tags of some samples; those that have neither are not in it."""
    names = [list(samples)]
    within = "WHERE sample_id IN (SELECT unnest(?::VARCHAR[]))"
    notes = {row["sample_id"]: row["text"] for row in store.rows(f"SELECT sample_id, text FROM note {within}", names)}
    sql = f"SELECT sample_id, list(tag ORDER BY tag) AS tags FROM tag {within} GROUP BY sample_id"
    tags = {row["sample_id"]: tuple(row["tags"]) for row in store.rows(sql, names)}
    return {name: Beside(notes.get(name, ""), tags.get(name, ())) for name in {*notes, *tags}}


def tags(store: Store) -> list[str]:
    """List the tags that are in use, the most frequent first."""
    return [row["tag"] for row in store.rows("SELECT tag FROM tag GROUP BY tag ORDER BY count(*) DESC, tag")]


def reasons(store: Store) -> list[str]:
    """List the project's reasons for leaving out, in the order of their digits."""
    return [*REASONS, *_added(store.meta(_KEY))]


def add_reason(tx: Transaction, reason: str) -> None:
    """Add a reason to the project's, unless it is there."""
    added = _added(tx.meta(_KEY))
    if reason not in (*REASONS, *added):
        tx.set_meta(_KEY, json.dumps([*added, reason]))


def _added(text: str | None) -> list[str]:
    found: list[str] = json.loads(text) if text else []
    return found
