"""Policies side by side with what random reads say of each: one look at the whole set for all of them."""

from collections.abc import Sequence
from dataclasses import dataclass

from srt_core.project.store import Store
from srt_core.records import Policy
from srt_core.review.trust.audits.evidence import Claims, audit_of_all, drawn, make_claims
from srt_core.review.trust.readings import outcome
from srt_core.select.compare.overlap import Overlap, overlap


@dataclass(frozen=True, slots=True)
class Beside:
    """What policies keep, and what random reads say of each, in the order asked for; None: nobody read any yet."""

    overlap: Overlap
    claims: tuple[Claims | None, ...]


def beside(store: Store, policies: Sequence[Policy]) -> Beside:
    """Set policies side by side; PolicyError where one of them cannot select here."""
    audit = audit_of_all(store)
    samples = drawn(store, audit) if audit else []
    found = overlap(store, policies, [each.seq for each in samples])
    if audit is None:
        return Beside(found, (None,) * len(policies))
    judged = [
        [(pick, outcome(each.reading, pick)) for each in samples for pick in [found.picks[each.seq][place]]]
        for place in range(len(policies))
    ]
    return Beside(found, tuple(make_claims(audit, each) for each in judged))
