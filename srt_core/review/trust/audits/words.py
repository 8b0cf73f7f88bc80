"""What an audit says so far, in sentences: the same on the page Trust and on the command line."""

from collections.abc import Iterator

from srt_core.project.intervals import percent
from srt_core.records import plural
from srt_core.review.trust.audits.log import Audit, Part
from srt_core.review.trust.audits.results import Result

_OF = {
    Part.ALL: "all these samples",
    Part.KEPT: "what the rule keeps of these samples",
    Part.LEFT_OUT: "what the rule leaves out of these samples",
}
_OPEN = (
    "It was drawn by an older version and not read blind. Its decisions are counted among those that people chose to "
    "make; nothing is claimed or approved on them. Draw a new one."
)
_CHANGED = (
    "The samples, the policy, the scores or the rewrites changed since the draw, and with them what the rule picks "
    "here. This audit says nothing about the picks of now: draw a new one."
)


def source(audit: Audit) -> str:
    """Say what an audit drew from: "all samples", "task: code, kept by the rule". It may quote the data set."""
    return audit.words if audit.part is Part.ALL else f"{audit.words}, {audit.part} by the rule"


def progress(audit: Audit, found: Result) -> str:
    """Say how far an audit is read: "87 of 120 read, 3 wrong"."""
    reads = found.claim.reads
    parked = f", {found.parked:,} parked since or with a newer version" if found.parked else ""
    return f"{reads.read:,} of {audit.size:,} read, {reads.wrong:,} wrong{parked}"


def sentences(audit: Audit, found: Result | None) -> Iterator[str]:
    """Say what an audit shows, a sentence or two a line; there is no result of an open one of an older version."""
    if found is None:
        yield _OPEN
        return
    if not found.holds:
        yield _CHANGED
        return
    if found.claim.reads.read:
        yield found.claim.sentence(_OF[audit.part])
    if audit.terms is None:
        return
    yield (
        f"Drawn to show that at most {percent(audit.terms.bound)} of the rest is wrong. It does if "
        f"{few(audit.terms.allowed)} wrong of the {found.rest.drawn:,} that nobody had decided."
    )
    if found.limit is not None and not found.unread:
        yield (
            f"At most {percent(found.limit)} of the remaining {found.remaining:,} are wrong, at a confidence of "
            f"{percent(audit.terms.confidence)}."
        )


def few(allowed: int) -> str:
    """Say how many may be wrong: "none of them is", "at most 2 of them are"."""
    return f"at most {allowed:,} of them {plural(allowed, 'is')}" if allowed else "none of them is"
