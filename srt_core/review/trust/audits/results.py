"""What an audit shows so far, and the approval that rests on it."""

from dataclasses import dataclass

from srt_core.errors import SRTError
from srt_core.project import events
from srt_core.project.intervals import most_wrong
from srt_core.project.store import Store
from srt_core.records import Action
from srt_core.review import decisions
from srt_core.review.trust.audits.log import MOST_ALLOWED, Audit
from srt_core.review.trust.audits.population import as_drawn, changed, holds_whole, selected, standing_rule
from srt_core.select.derive import refresh


@dataclass(frozen=True, slots=True)
class AuditProgress:
    """How far an audit is."""

    judged: int
    wrong: int
    edited: int
    """Of the wrong ones, those that were edited."""
    in_bulk: int
    """Drawn samples that a bulk action decided, which judges nothing: undo it, or decide them one by one."""


@dataclass(frozen=True, slots=True)
class Result:
    """What an audit shows so far."""

    progress: AuditProgress
    holds: bool
    """Whether the rule still picks what it picked at the draw."""
    remaining: int
    """Of the population, what nobody decided yet."""
    limit: float | None
    """Upper limit of the share of the remaining that is wrong; None until all are judged, and where none remain."""
    confidence: float
    met: bool
    """Whether the remaining may be approved on this evidence."""
    more: int
    """How many more to draw, to go on after more were wrong than allowed; 0 where there is no need or no sense."""


def progress(store: Store, audit: Audit) -> AuditProgress:
    """Count what was judged of an audit, by the decisions that stand; parked is not judged."""
    row = store.rows(
        f"""WITH drawn AS (SELECT unnest($samples::VARCHAR[]) AS sample_id, unnest($candidates::BIGINT[]) AS pick),
                judged AS (
                    SELECT action, {events.IS_BULK} AS in_bulk,
                           action IN ('approve', 'choose') AND standing.candidate_id = pick AS is_right
                    FROM drawn JOIN standing USING (sample_id) JOIN event USING (event_id) WHERE action <> 'park')
           SELECT count(*) FILTER (NOT in_bulk) AS judged, count(*) FILTER (NOT in_bulk AND NOT is_right) AS wrong,
                  count(*) FILTER (NOT in_bulk AND action = 'edit') AS edited, count(*) FILTER (in_bulk) AS in_bulk
           FROM judged""",
        {"samples": list(audit.samples), "candidates": list(audit.candidates)},
    )[0]
    return AuditProgress(**row)


def result(store: Store, audit: Audit) -> Result:
    """Say what an audit shows so far."""
    refresh(store)
    done = progress(store, audit)
    where, values = as_drawn(store, audit)
    remaining = int(store.value(f"SELECT count(*) FROM verdict WHERE NOT decided AND {where}", values))
    remaining -= audit.size - done.judged - done.in_bulk
    holds = _holds(store, audit)
    passed = done.judged == audit.size and done.wrong <= audit.terms.allowed
    limit = None
    if done.judged == audit.size and remaining > 0:
        most = most_wrong(done.wrong, audit.size, audit.population, audit.terms.confidence)
        limit = min(1.0, (most - done.wrong) / remaining)
    more = 0
    if audit.terms.allowed < done.wrong <= MOST_ALLOWED:
        more = audit.size_for(done.wrong) - audit.size
    met = passed and holds and limit is not None and limit <= audit.terms.bound
    return Result(done, holds, remaining, limit, audit.confidence(audit.terms.allowed), met, more)


def stands(store: Store, audit: Audit) -> bool:
    """Whether an audit holds and something of its population is undecided."""
    where, values = as_drawn(store, audit)
    is_open = store.value(f"SELECT 1 FROM verdict WHERE NOT decided AND {where} LIMIT 1", values)
    return bool(is_open) and _holds(store, audit)


def _holds(store: Store, audit: Audit) -> bool:
    return audit.selected == selected(store) or holds_whole(store, audit)


def approve(store: Store, audit: Audit, by: str) -> int:
    """Approve what remains of an audit's population, each event with the evidence; returns how many.

    SRTError where the audit does not show it, or where a pick of the population changed since the draw.
    """
    found = result(store, audit)
    before = selected(store)
    if not holds_whole(store, audit):
        raise changed()
    if not found.met:
        raise SRTError("The audit does not show what it was drawn for.", "Judge all that was drawn, or draw more.")
    where, values = as_drawn(store, audit)
    # The selection may not change between the check and the approval.
    guard = "(SELECT value FROM meta WHERE key = 'selection_key') = $selected"
    evidence = {
        "audit": audit.event_id, "population": audit.population, "n": audit.size, "wrong": found.progress.wrong,
        "bound": audit.terms.bound, "confidence": round(found.confidence, 4), "limit": found.limit,
        **standing_rule(store),
    }  # fmt: skip
    values |= {"selected": before}
    note = f"audit {audit.event_id}: {audit.words}"
    done = decisions.decide_all(store, f"{where} AND {guard}", values, Action.APPROVE, by, note, evidence)
    if not done:
        raise changed()
    return done
