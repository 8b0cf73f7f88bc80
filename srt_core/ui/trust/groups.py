"""Agreement by margin and by kind, and the margin that is suggested for a wanted agreement."""

from dataclasses import fields
from urllib.parse import urlencode

import streamlit as st

from srt_core.project.intervals import Share
from srt_core.records import Origin
from srt_core.review.filter.filter import Filter
from srt_core.review.trust.agreement import Evidence, Figures, Group, Suggestion, Trust, suggest
from srt_core.ui.frame.evidence import AGREEMENT_HELP, MARGIN_HELP, draw_margins
from srt_core.ui.frame.page import address
from srt_core.ui.frame.words import ORIGIN_LABELS, percent, share_of

EVIDENCE = {Evidence.ALL: "Every single decision", Evidence.RANDOM: "Drawn at random"}
EVIDENCE_HELP = (
    "What people picked to read is a biased sample: the doubtful ones, say. What an audit or the queue Random audit in "
    "Review drew is not; take its figures for any claim. Bulk decisions copy the rule and are no evidence."
)
MEASURES = {
    "agreement": ("Agreement", AGREEMENT_HELP),
    "precision": (
        "Precision",
        "Of the decided samples that the rule keeps: how many a person approved as the same version.",
    ),
    "recall": ("Recall", "Of the samples that a person approved: how many the rule keeps as the same version."),
}
_KINDS = {
    "origin": "Version that the rule keeps",
    "length": "Length of the original response",
    "task": "Task",
    "language": "Language",
    "cluster": "Subject",
}
_FILTER_OF = {"origin": "winner"}


def render_evidence(found: Trust) -> None:
    """Draw the figures by margin and by kind, over the decisions that are chosen to count."""
    st.subheader("By margin and by kind")
    chosen = st.segmented_control(
        "Decisions that count", list(Evidence), default=Evidence.ALL, key="trust_evidence", required=True,
        format_func=EVIDENCE.__getitem__, help=EVIDENCE_HELP,
    )  # fmt: skip
    evidence = Evidence(chosen or Evidence.ALL)
    both = st.container(horizontal=True, gap="large")  # widths and not shares, so that a narrow window wraps
    with both.container(width=560):
        st.markdown("**Agreement by margin**", help=f"{AGREEMENT_HELP} {MARGIN_HELP}")
        draw_margins(found.margins, evidence)
    with both.container(width=340):
        _draw_suggestion(found, evidence)
    _draw_kinds(found, evidence)


def _draw_suggestion(found: Trust, evidence: Evidence) -> None:
    wanted = st.number_input("Wanted agreement, %", 50.0, 99.9, 95.0, 1.0, key="trust_wanted", format="%.3g", width=200)
    for by_limit, label in ((True, "lower 95 % limit"), (False, "estimate")):
        best = suggest(found, wanted / 100, evidence, by_limit=by_limit)
        st.markdown(f"By the {label}: {_suggested(best, found.samples)}")
    st.caption("A suggestion, no guarantee: the best of many margins on the same decisions. To be sure, draw an audit.")


def _suggested(best: Suggestion | None, samples: int) -> str:
    if best is None:
        return (
            "no margin reaches it. More decisions on samples far from a threshold would narrow the interval; where "
            "people and the rule part there too, change the policy."
        )
    return (
        f"at a margin of at least **{best.closeness:g}** the rule agrees with people in "
        f"{share_of(best.agreement, best.interval)} of {best.agreement.n:,}; that covers "
        f"**{percent(best.covers / samples)}** of the set."
    )


def _draw_kinds(found: Trust, evidence: Evidence) -> None:
    kind = st.selectbox("Kind", list(found.kinds), key="trust_kind", format_func=_KINDS.__getitem__, width=300)
    st.dataframe(
        [_kind_row(kind, group, group.sources[evidence]) for group in found.kinds[kind]],
        hide_index=True,
        column_config={
            "group": _KINDS[kind],
            "agreement": st.column_config.TextColumn("Agreement", help="With 95 % intervals."),
            "n": st.column_config.NumberColumn("Decided", format="localized"),
            "precision": "Precision",
            "recall": "Recall",
            "rows": st.column_config.LinkColumn("Rows", display_text="open", help="Decided samples, in Explore."),
        },
        placeholder="–",
        alt=f"The rule beside people by {_KINDS[kind].lower()}",
    )


def _kind_row(kind: str, group: Group, figures: Figures) -> dict[str, object]:
    value = group.value
    return {
        "group": _named(kind, value),
        "n": figures.agreement.n,
        **{name: share_of(share, share.exact()) for name, share in _shares(figures).items()},
        "rows": _rows(kind, value),
    }


def _named(kind: str, value: object) -> object:
    if kind != "origin":
        return value
    return "Left out" if value == "none" else ORIGIN_LABELS[Origin(str(value))]


def _shares(figures: Figures) -> dict[str, Share]:
    return {name: getattr(figures, name) for name in MEASURES}


def _rows(kind: str, value: object) -> str | None:
    """Return the address in Explore of a group's decided samples; None where no filter can say it."""
    name = _FILTER_OF.get(kind, kind)
    if value == "none" or name not in {item.name for item in fields(Filter)}:
        return None
    kept = {"reason": "kept"} if kind == "origin" else {}
    return f"Explore?{urlencode(address(state='decided', **{name: str(value)}, **kept))}"
