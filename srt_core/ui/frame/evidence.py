"""What Trust and Thresholds draw of the rule beside people: agreement by margin, as points with interval bars."""

from collections.abc import Sequence

import streamlit as st

from srt_core.project.intervals import Share
from srt_core.project.store import Store
from srt_core.records import Policy
from srt_core.review.trust.agreement import Evidence, Group, margins
from srt_core.ui.frame.charts import IntervalPoint, interval_points
from srt_core.ui.frame.words import share_of

AGREEMENT_HELP = (
    "Decided samples for which the rule has the outcome that a person gave: the same version, or none. Decisions on "
    "single samples only; parked is undecided; an edit counts as the version that it started from."
)
MARGIN_HELP = (
    "By how little a score would have to change for the rule to say otherwise: the distance to the nearest threshold "
    "that decided. Bars: 95 % intervals."
)


def render_agreement(store: Store, policy: Policy) -> None:
    """Draw under `policy` how often the rule agrees with people, by margin; nothing where nobody decided."""
    if not store.value("SELECT count(*) FROM standing"):
        return
    st.markdown("**Agreement with people by margin**", help=f"{AGREEMENT_HELP} {MARGIN_HELP}")
    draw_margins(margins(store, policy), Evidence.ALL)


def draw_margins(groups: Sequence[Group], evidence: Evidence) -> None:
    """Draw agreement by margin, from near to far."""
    shares = [group.sources[evidence].agreement for group in groups]
    names = [_margin(groups, place) for place in range(len(groups))]
    labels = [f"{_broken(name)}<br>n = {share.n:,}" for name, share in zip(names, shares, strict=True)]
    said = "; ".join(f"{name}: {share_of(share, share.exact())}" for name, share in zip(names, shares, strict=True))
    figure = interval_points(labels, {"Agreement": [point(share) for share in shares]})
    st.plotly_chart(figure, key="trust_margins", config={"displayModeBar": False},
                    alt=f"Agreement with people by margin: {said}")  # fmt: skip


def point(share: Share) -> IntervalPoint | None:
    """Return what is drawn of a share; None where there is nothing to divide by."""
    interval = share.exact()
    if share.estimate is None or interval is None:
        return None
    return IntervalPoint(share.estimate, interval.low, interval.high, share.n)


def _broken(name: str) -> str:
    """Put a bin's name on two lines, so that all fit in a row."""
    return name.replace(" to ", " to<br>").replace(" and ", "<br>and ").replace("no ", "no<br>")


def _margin(groups: Sequence[Group], place: int) -> str:
    low = groups[place].value
    if low is None:
        return "no threshold"
    high = groups[place + 1].value if place + 1 < len(groups) else None
    return f"{low:g} to {high:g}" if high is not None else f"{low:g} and more"
