"""Random audits: draw samples that the rule keeps, have reviewers judge them, then approve the rest on that evidence.

A draw is an event: who, when, of which population, by which seed, which samples and which of their candidates. It
cannot be taken back, and the same population is not drawn from twice. The order is md5(seed || sample_id), so anybody
can draw again from the log, and more are the next ones of that order.

A pick is wrong where a person rejected it, chose another candidate, or edited it: approving the rest would take the
texts as they are. The sample size is fixed by the draw. Who goes on after too many were wrong takes another look at
the same population; the confidence is then that of all the looks together (intervals.doubt_of).
"""

from srt_core.review.trust.audits.drawing import audit_of, draw, extend
from srt_core.review.trust.audits.log import MOST_ALLOWED, Audit, Terms, audits, find_audit
from srt_core.review.trust.audits.population import population
from srt_core.review.trust.audits.results import AuditProgress, Result, approve, progress, result

__all__ = [
    "MOST_ALLOWED",
    "Audit",
    "AuditProgress",
    "Result",
    "Terms",
    "approve",
    "audit_of",
    "audits",
    "draw",
    "extend",
    "find_audit",
    "population",
    "progress",
    "result",
]
