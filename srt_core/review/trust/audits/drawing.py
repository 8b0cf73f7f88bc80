"""Draw an audit, and draw more for it."""

import secrets
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from srt_core.errors import SRTError
from srt_core.project import events
from srt_core.project.intervals import needed
from srt_core.project.store import Store
from srt_core.review.filter.filter import Filter
from srt_core.review.trust.audits.log import Audit, Terms, audits, find_audit, written
from srt_core.review.trust.audits.population import (
    as_drawn,
    changed,
    condition,
    holds_whole,
    picks_of,
    population,
    selected,
    standing_rule,
    undecided,
)
from srt_core.review.trust.audits.results import result, stands


def draw(store: Store, only: Filter, words: str, terms: Terms, by: str, *, seed: str | None = None) -> Audit:
    """Draw an audit of a filter and log it; `words` say the filter.

    SRTError where there is nothing to draw from, or where an audit of it stands already.
    """
    only = undecided(only)
    there = population(store, only)
    if not there:
        raise SRTError("There is nothing to draw from.", "Take a filter of which the rule keeps undecided samples.")
    if standing := audit_of(store, only):  # drawing until it pleases shows nothing
        raise SRTError(
            f"Audit {standing.event_id} drew from these samples already.",
            "Go on with it; where more were wrong than allowed, draw more for it.",
        )
    size = needed(terms.bound, terms.confidence, terms.allowed, there)
    seed = seed or secrets.token_hex(8)
    where, values = condition(store, only, "NOT decided")
    context = {
        "words": words,
        "filter": written(only),
        **asdict(terms),
        "population": there,
        "size": size,
        "seed": seed,
        "last_seq": store.value("SELECT max(seq) FROM sample"),
        "picks": picks_of(store, where, values),
        "selected": selected(store),
        **standing_rule(store),
        **_drawn(store, where, values, seed, size),
    }
    return find_audit(store, events.record(store, "audit", by, context))


def extend(store: Store, audit: Audit, by: str) -> Audit:
    """Draw more after more were wrong than allowed, as another look. SRTError where there is no need, or no sense."""
    found = result(store, audit)
    if not found.more:
        raise SRTError("This audit needs no more samples.", "Judge those that were drawn.")
    if not holds_whole(store, audit):
        raise changed()
    where, values = as_drawn(store, audit)
    drawn = _drawn(store, where, values, audit.seed, audit.size + found.more)
    context = {
        "extends": audit.event_id, "allowed": found.progress.wrong, "size": audit.size + found.more,
        "confidence": audit.confidence(found.progress.wrong), "bound": audit.terms.bound,
        **{name: ids[audit.size :] for name, ids in drawn.items()},
    }  # fmt: skip
    events.record(store, "audit", by, context)
    return find_audit(store, audit.event_id)


def audit_of(store: Store, only: Filter) -> Audit | None:
    """Find the audit of a filter that still stands: it holds, and something of its population remains."""
    only = undecided(only)
    for audit in audits(store):
        if audit.only == only and stands(store, audit):
            return audit
    return None


def _drawn(store: Store, where: str, values: Mapping[str, object], seed: str, size: int) -> dict[str, list[Any]]:
    rows = store.rows(
        f"""SELECT sample_id, candidate_id FROM verdict WHERE {where}
            ORDER BY md5($seed || sample_id), sample_id LIMIT $size""",
        {**values, "seed": seed, "size": size},
    )
    return {"sample_ids": [row["sample_id"] for row in rows], "candidate_ids": [row["candidate_id"] for row in rows]}
