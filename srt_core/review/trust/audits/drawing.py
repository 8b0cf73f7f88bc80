"""Draw an audit, and draw more for it."""

import secrets
from dataclasses import asdict

from srt_core.errors import SRTError
from srt_core.project import events
from srt_core.project.store import Store
from srt_core.review.trust.audits.log import Audit, Part, Terms, audits, find_audit, written
from srt_core.review.trust.audits.population import (
    WAS_UNDECIDED,
    Population,
    as_drawn,
    changed,
    condition,
    count_population,
    holds,
    holds_whole,
    picks_of,
    selected,
    standing_rule,
)
from srt_core.review.trust.audits.results import next_look, result

_INSERT = """
    INSERT INTO drawn
    WITH shuffled AS (
        SELECT row_number() OVER (ORDER BY md5($seed || sample_id), sample_id) AS place, sample_id, {pick} AS pick,
               {undecided} AS was_undecided
        FROM verdict WHERE {where})
    SELECT $audit_id, place, sample_id, pick, NOT was_undecided
    FROM shuffled WHERE place > $after AND place <= {until}
    ORDER BY place"""

# So far that enough are among them that nobody had decided: the first of these are a random sample of their kind.
_UNTIL_ENOUGH = """(SELECT min(place) FROM (
    SELECT place, count(*) FILTER (was_undecided) OVER (ORDER BY place) AS undecided FROM shuffled)
    WHERE undecided >= $size)"""


def draw(
    store: Store, population: Population, words: str, plan: Terms | int, by: str, *, seed: str | None = None
) -> Audit:
    """Draw an audit of a population and log it; `words` say the filter.

    The plan is what is to be shown for an approval, of what the rule keeps, or how many to read. SRTError where there
    is nothing to draw from, or where an audit of the same population stands already: it can be extended.
    """
    there = count_population(store, population)
    terms = plan if isinstance(plan, Terms) else None
    if terms and population.part is not Part.KEPT:
        raise SRTError("Only what the rule keeps can be approved.", "Draw from that, or say how many to read.")
    if not there.samples or (terms and not there.rest):
        raise SRTError("There is nothing to draw from.", "Take a filter that has samples which nobody decided.")
    if standing := audit_of(store, population):  # drawing until it pleases shows nothing
        raise SRTError(
            f"Audit {standing.event_id} drew from these samples already.", "Go on with it, or draw more for it."
        )
    look = next_look(store, population.only)
    size = terms.needed(there.rest, look) if terms else min(int(plan) if isinstance(plan, int) else 0, there.samples)
    if size < 1:
        raise SRTError("An audit reads at least one sample.", "Say how many to read.")
    where, values = condition(store, population)
    seed = seed or secrets.token_hex(8)
    context = {
        "words": words,
        "filter": written(population.only),
        "part": population.part,
        "look": look,
        **(asdict(terms) if terms else {}),
        "population": there.samples,
        "rest": there.rest,
        "size": size,
        "seed": seed,
        "last_seq": store.value("SELECT max(seq) FROM sample"),
        "picks": picks_of(store, population.part, where, values),
        "selected": selected(store),
        **standing_rule(store),
    }
    sql = _insert(population.part, where, "NOT decided", is_for_approval=terms is not None)
    with store.transaction() as tx:
        audit_id = events.append(tx, "audit", by, context)
        tx.execute(sql, {**values, "seed": seed, "size": size, "after": 0, "audit_id": audit_id})
    return find_audit(store, audit_id)


def extend(store: Store, audit: Audit, by: str, more: int = 0) -> Audit:
    """Draw more, as another look: `more` to read, or what an approval takes after more were wrong than allowed.

    SRTError where there is no need, or no sense.
    """
    found = result(store, audit)
    more = found.more if audit.terms else min(more, audit.population - audit.size)
    if more < 1:
        raise SRTError("This audit needs no more samples.", "Read those that were drawn.")
    if not holds_whole(store, audit):
        raise changed()
    where, values = as_drawn(store, audit)
    size = (found.rest.drawn if audit.terms else audit.size) + more
    allowed = {"allowed": found.rest.wrong} if audit.terms else {}
    context = {"extends": audit.event_id, "look": next_look(store, audit.only), "size": size, **allowed}
    sql = _insert(audit.part, where, WAS_UNDECIDED, is_for_approval=audit.terms is not None)
    numbers = {"seed": audit.seed, "size": size, "after": audit.size, "audit_id": audit.event_id}
    with store.transaction() as tx:
        events.append(tx, "audit", by, context)
        tx.execute(sql, {**values, **numbers, "drawn_at": audit.event_id})
    return find_audit(store, audit.event_id)


def audit_of(store: Store, population: Population) -> Audit | None:
    """Find the audit of a population that still stands."""
    last: int | None = store.value("SELECT max(seq) FROM sample")
    for audit in audits(store):
        same = audit.is_blind and (audit.part, audit.only) == (population.part, population.only)
        if same and last is not None and last <= audit.last_seq and holds(store, audit):
            return audit
    return None


def _insert(part: Part, where: str, undecided: str, *, is_for_approval: bool) -> str:
    pick = "NULL::BIGINT" if part is Part.ALL else "candidate_id"
    return _INSERT.format(
        pick=pick, where=where, undecided=undecided, until=_UNTIL_ENOUGH if is_for_approval else "$size"
    )
