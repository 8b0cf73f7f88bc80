"""What Trust and Thresholds say of the rule beside random blind reads: in words, and by margin as points with bars."""

from collections.abc import Sequence

import streamlit as st

from srt_core.project.store import Store
from srt_core.records import Policy
from srt_core.review.trust.agreement import Evidence, Group, margins
from srt_core.review.trust.audits import Audit
from srt_core.review.trust.audits.evidence import claim_of
from srt_core.review.trust.claims import Claim
from srt_core.review.trust.readings import Reads
from srt_core.select.derive import remembered
from srt_core.ui.frame.charts import DOWNLOAD, IntervalPoint, interval_points
from srt_core.ui.frame.navigation import PAGES, address
from srt_core.ui.frame.words import said_of_claim

TRUST = "pages/7_Trust.py"
NO_READS = "No random reads yet: nothing is known of how often the rule is right."
RIGHT_HELP = (
    "Over samples that an audit drew at random from all and that were read blind: the rule is right when the version "
    "that it keeps may be trained on, or when it leaves out a sample of which no version may be. What nobody read yet "
    "counts as wrong at the lower end of the interval. Bulk actions, and samples that somebody chose to look at, do "
    "not count."
)
MARGIN_HELP = (
    "By how little a score would have to change for the rule to say otherwise: the distance to the nearest limit "
    "that decided. Bars: 95 % intervals."
)


def show_no_reads(text: str = NO_READS) -> None:
    """Say that there are no random reads, with the way to them."""
    st.markdown(text)
    st.page_link(TRUST, label="Draw an audit on Trust", icon=PAGES[TRUST][1], query_params=address())


def render_agreement(store: Store, policy: Policy) -> None:
    """Draw under `policy` how often the rule is right, by margin; where there are no random reads, what to do."""
    audit, groups = remembered(margins, store, policy)
    if audit is None:
        show_no_reads()
        return
    st.markdown("**Right by random reads, by distance to a limit**", help=f"{RIGHT_HELP} {MARGIN_HELP}")
    draw_margins(groups, audit)


def draw_margins(groups: Sequence[Group], audit: Audit) -> None:
    """Draw how often the rule is right by margin, from near to far."""
    claims = [claim_of(audit, group.sources[Evidence.RANDOM].of_all) for group in groups]
    names = [_margin(groups, place) for place in range(len(groups))]
    labels = [f"{_broken(name)}<br>n = {each.reads.drawn:,}" for name, each in zip(names, claims, strict=True)]
    said = "; ".join(f"{name}: {said_of_claim(each)}" for name, each in zip(names, claims, strict=True))
    figure = interval_points(labels, {"Right": [point(each) for each in claims]})
    st.plotly_chart(figure, key="trust_margins", config=DOWNLOAD,
                    alt=f"Right by random reads, by distance to a limit: {said}")  # fmt: skip


def point(claim: Claim) -> IntervalPoint | None:
    """Return what is drawn of a claim; None where nothing was read."""
    share, interval = claim.reads.share, claim.interval
    if share is None or interval is None:
        return None
    return IntervalPoint(share, interval.low, interval.high, claim.reads.read)


def counts(reads: Reads) -> str:
    """Write how many of how many: "113 of 120"."""
    return f"{reads.right:,} of {reads.read:,}"


def _broken(name: str) -> str:
    """Put a bin's name on two lines, so that all fit in a row."""
    return name.replace(" to ", " to<br>").replace(" and ", "<br>and ").replace("no ", "no<br>")


def _margin(groups: Sequence[Group], place: int) -> str:
    """Name a bin of the margin."""
    low = groups[place].value
    if low is None:
        return "no limit"
    high = groups[place + 1].value if place + 1 < len(groups) else None
    return f"{low:g} to {high:g}" if high is not None else f"{low:g} and more"
