"""Random audits: draw samples of a named population, have reviewers read them blind, and say what that shows.

A draw is an event with a row for each sample (the table `drawn`): who, when, of which population, by which seed, which
samples and what the rule kept of them. It cannot be taken back, and the same population is not drawn from twice, only
further. The order is md5(seed || sample_id), so anybody can draw again from the log, and more are the next ones of that
order. Decided samples are drawn like others, and read again.

An approval rests on an audit of what the rule keeps. Of the drawn samples, those that nobody had decided are a random
sample of all such, and bound how many of the rest are wrong; a drawn sample that is open counts as wrong. The sample
size is fixed by the draw. Each draw or extension is a look, and spends its part of the doubt (claims.confidence_of).
"""

from srt_core.review.trust.audits.drawing import audit_of, draw, extend
from srt_core.review.trust.audits.log import MOST_ALLOWED, Audit, Part, Terms, audits, count_read, find_audit
from srt_core.review.trust.audits.population import Population, Size, count_population
from srt_core.review.trust.audits.results import (
    Approval,
    Result,
    approvals,
    approve,
    broken_approvals,
    claims_of_policy,
    next_look,
    result,
)

__all__ = [
    "MOST_ALLOWED",
    "Approval",
    "Audit",
    "Part",
    "Population",
    "Result",
    "Size",
    "Terms",
    "approvals",
    "approve",
    "audit_of",
    "audits",
    "broken_approvals",
    "claims_of_policy",
    "count_population",
    "count_read",
    "draw",
    "extend",
    "find_audit",
    "next_look",
    "result",
]
