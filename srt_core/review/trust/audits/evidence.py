"""Evidence in the project: drawn samples with their readings, and what they say of the rule under a policy."""

from collections.abc import Sequence
from dataclasses import dataclass

from srt_core.project.store import Query, Store
from srt_core.records import Action, Policy
from srt_core.review.trust.audits.log import Audit, audits
from srt_core.review.trust.audits.population import holds
from srt_core.review.trust.claims import Claim
from srt_core.review.trust.readings import Later, Outcome, Reading, Reads, count, fit_versions, outcome
from srt_core.select.derive import refresh
from srt_core.select.policy import applied_policy, policy_to_json
from srt_core.select.selection import rule_of


@dataclass(frozen=True, slots=True)
class Drawn:
    """A sample of a draw with the reading that stands for it (None: nobody read it)."""

    place: int
    seq: int
    sample_id: str
    pick: int | None
    """What the rule kept of it at the draw, where the population hangs on the rule."""
    was_decided: bool
    """Whether somebody had decided it by the draw."""
    reading: Reading | None


# Of the standing decisions those that are single ones: a bulk action looked at no sample.
_DRAWN = """
WITH chosen AS (
    SELECT place, seq, sample_id, candidate_id AS pick, was_decided
    FROM drawn JOIN sample USING (sample_id) WHERE audit_id = $audit
), single AS (
    SELECT standing.sample_id, action, standing.candidate_id, first_made(event_id, context) AS made
    FROM standing JOIN event USING (event_id)
    WHERE standing.sample_id IN (SELECT sample_id FROM chosen) AND NOT is_bulk(context)
)
SELECT chosen.*, shown, marked, single.action, single.candidate_id AS decided_for
FROM chosen LEFT JOIN reading USING (sample_id)
    LEFT JOIN single ON single.sample_id = chosen.sample_id AND made > reading.event_id
ORDER BY place
"""


def drawn(store: Store, audit: Audit) -> list[Drawn]:
    """Read the samples of an audit in the order of the draw, each with its last reading and the decision after it."""
    found = []
    for row in store.rows(_DRAWN, {"audit": audit.event_id}):
        later = Later(Action(row["action"]), row["decided_for"]) if row["action"] else None
        reading = None if row["shown"] is None else Reading(tuple(row["shown"]), tuple(row["marked"]), later)
        found.append(Drawn(row["place"], row["seq"], row["sample_id"], row["pick"], row["was_decided"], reading))
    return found


def audit_of_all(store: Store) -> Audit | None:
    """Find the audit whose reads stand for every policy: drawn from all samples there are. None: no such reads yet."""
    last: int | None = store.value("SELECT max(seq) FROM sample")
    for audit in audits(store):
        if audit.is_of_all and last is not None and last <= audit.last_seq and holds(store, audit):
            return audit
    return None


@dataclass(frozen=True, slots=True)
class Claims:
    """What random reads of all samples say of a policy."""

    of_all: Claim
    kept: Claim
    left_out: Claim


def claims(store: Store, policy: Policy) -> Claims | None:
    """Return what the random reads of all samples say of a policy; None where there are none yet."""
    audit = audit_of_all(store)
    if audit is None:
        return None
    samples = drawn(store, audit)
    picks = picks_of(store, policy, [each.seq for each in samples])
    return make_claims(audit, [(picks[each.seq], outcome(each.reading, picks[each.seq])) for each in samples])


def fit_of_all(store: Store) -> tuple[tuple[int, tuple[int, ...]], ...]:
    """Return the samples that were read of those drawn from all, by number, with their fit versions."""
    audit = audit_of_all(store)
    found = [(each.seq, fit_versions(each.reading)) for each in drawn(store, audit) if each.reading] if audit else []
    return tuple((seq, fit) for seq, fit in found if fit is not None)


def make_claims(audit: Audit, judged: Sequence[tuple[int | None, Outcome]]) -> Claims:
    """Make the claims of what the rule keeps of each drawn sample (None: it leaves it out) with its outcome."""
    kept = [outcome for pick, outcome in judged if pick is not None]
    left_out = [outcome for pick, outcome in judged if pick is None]
    return Claims(*(make_claim(audit, part) for part in ([outcome for _, outcome in judged], kept, left_out)))


def make_claim(audit: Audit, outcomes: Sequence[Outcome]) -> Claim:
    """Make the claim of the outcomes of some drawn samples."""
    return claim_of(audit, count(outcomes))


def claim_of(audit: Audit, reads: Reads) -> Claim:
    """Make the claim of some drawn samples, which are a random sample of those like them in the population."""
    is_census = audit.size == audit.population  # then those like them were all drawn
    return Claim(reads, reads.drawn if is_census else audit.population, audit.look)


def picks_of(store: Store, policy: Policy, seqs: Sequence[int]) -> dict[int, int | None]:
    """Return what the rule keeps of some samples under a policy, by their numbers; None where it leaves one out."""
    refresh(store)
    rule = picks(store, policy, "seq IN (SELECT unnest($seqs::BIGINT[]))")
    rows = store.rows(
        f"SELECT seq, candidate_id FROM ({rule.sql}) WHERE seq IN (SELECT unnest($seqs::BIGINT[]))",
        {**rule.values, "seqs": list(seqs)},
    )
    return {row["seq"]: row["candidate_id"] for row in rows}


def picks(store: Store, policy: Policy, which: str = "true", *, with_closeness: bool = False) -> Query:
    """Return the rule's picks, of the samples of a condition at least; those of the applied policy are stored."""
    columns = f"seq, origin, candidate_id{', closeness' if with_closeness else ''}"
    if policy_to_json(policy) == policy_to_json(applied_policy(store)):
        return Query(f"SELECT {columns} FROM selection WHERE {which}", {})
    rule = rule_of(store, policy, with_closeness=with_closeness)
    if policy.takes_share:  # which samples it takes hangs on all of them
        return Query(f"SELECT {columns} FROM ({rule.sql})", rule.values)
    return Query(f"WITH panel AS (FROM main.panel WHERE {which}) SELECT {columns} FROM ({rule.sql})", rule.values)
