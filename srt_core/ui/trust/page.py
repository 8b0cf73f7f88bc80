"""The Trust screen: how far the rule can be trusted, so that a person need not read everything."""

import streamlit as st

from srt_core.project.candidates import count_samples
from srt_core.project.intervals import Share
from srt_core.project.store import Store
from srt_core.review.trust.agreement import Evidence, Figures, trust
from srt_core.review.trust.kappa import Kappa, pairings
from srt_core.select.derive import remembered
from srt_core.ui.frame.charts import interval_points
from srt_core.ui.frame.evidence import point
from srt_core.ui.frame.page import PAGES, address, show_empty
from srt_core.ui.frame.words import percent, share_of
from srt_core.ui.server.runtime import Project
from srt_core.ui.trust.audit import EXPLORE, REVIEW, render_audits
from srt_core.ui.trust.groups import EVIDENCE, EVIDENCE_HELP, MEASURES, render_evidence

_MEASURES_HELP = " ".join(f"{label}: {text}" for label, text in MEASURES.values())
_KAPPA_HELP = (
    "Cohen's kappa: agreement beyond what chance alone would give; 1 is full, 0 is chance. Over samples that both "
    "decided one by one, each with their own last decision. The second may have seen what the first decided."
)


def render_trust(project: Project) -> None:
    """Draw the whole screen."""
    store = project.store
    if not count_samples(store):
        show_empty("There are no samples yet. Import some first.", "pages/1_Import.py", "Import")
        return
    found = remembered(trust, store)
    if found.overall[Evidence.ALL].agreement.n:
        _draw_overall(found.overall[Evidence.ALL], found.overall[Evidence.RANDOM])
    else:
        show_empty(
            "Nobody has decided a sample yet, so nothing is known of how far the rule agrees with people. "
            "Decide some in Review, or draw an audit below.", REVIEW, "Review"
        )  # fmt: skip
    render_audits(project)
    if found.overall[Evidence.ALL].agreement.n:
        render_evidence(found)
        _draw_curators(store)


def _draw_overall(every: Figures, drawn: Figures) -> None:
    both = st.container(horizontal=True, gap="large")
    shares = {name: (getattr(every, name), getattr(drawn, name)) for name in MEASURES}
    with both.container(width=320):
        labels = [label for label, _ in MEASURES.values()]
        series = {EVIDENCE[Evidence.ALL]: [point(one) for one, _ in shares.values()],
                  EVIDENCE[Evidence.RANDOM]: [point(other) for _, other in shares.values()]}  # fmt: skip
        said = "; ".join(f"{MEASURES[name][0]} {_said(one)}" for name, (one, _) in shares.items())
        st.plotly_chart(interval_points(labels, series), key="trust_overall", config={"displayModeBar": False},
                        alt=f"The rule beside people, every single decision: {said}")  # fmt: skip
    with both.container(width=560):
        _draw_table(shares)
        edits = f" {every.edits:,} of them are edits." if every.edits else ""
        st.caption(
            f"The policy in use, beside {every.agreement.n:,} decisions on single samples; bulk actions do not count."
            f"{edits} Exact 95 % intervals.",
            help=EVIDENCE_HELP,
        )
        with st.container(horizontal=True):
            _link("Decided samples", state="decided")
            _link("Where people overrode the rule", state="overridden")


def _draw_table(shares: dict[str, tuple[Share, Share]]) -> None:
    st.dataframe(
        [
            {
                "what": MEASURES[name][0],
                "every": _said(one),
                "n": _of(one),
                "drawn": _said(other),
                "drawn_n": _of(other),
            }
            for name, (one, other) in shares.items()
        ],
        hide_index=True,
        column_config={
            "what": st.column_config.TextColumn("", help=_MEASURES_HELP),
            "every": EVIDENCE[Evidence.ALL],
            "n": "Samples",
            "drawn": st.column_config.TextColumn(EVIDENCE[Evidence.RANDOM], help=EVIDENCE_HELP),
            "drawn_n": "Drawn samples",
        },
        alt="Agreement, precision and recall of the rule, with exact 95 % intervals",
    )


def _draw_curators(store: Store) -> None:
    st.subheader("Between curators", help=_KAPPA_HELP)
    found = remembered(pairings, store)
    if not found:
        st.markdown("No two curators have decided the same sample. Let a second one decide some of the first one's.")
        return
    st.dataframe(
        [
            {
                "one": pair.one,
                "other": pair.other,
                "n": pair.version.n,
                "version": _kappa(pair.version),
                "same version": _observed(pair.version),
                "keep": _kappa(pair.keep),
                "same keep": _observed(pair.keep),
            }
            for pair in found
        ],  # fmt: skip
        hide_index=True,
        column_config={
            "one": "Curator",
            "other": "Curator ",
            "n": st.column_config.NumberColumn("Samples of both", format="localized"),
            "version": st.column_config.TextColumn("Kappa, version", help="Over the versions, or none."),
            "same version": "Same version",
            "keep": st.column_config.TextColumn("Kappa, keep", help="Over keep and drop."),
            "same keep": "Both keep or drop",
        },
        alt="Cohen's kappa for each two curators",
    )


def _kappa(kappa: Kappa) -> str:
    interval = kappa.interval()
    if kappa.kappa is None:
        return "–"
    return f"{kappa.kappa:.2f} ({interval.low:.2f} to {interval.high:.2f})" if interval else f"{kappa.kappa:.2f}"


def _observed(kappa: Kappa) -> str:
    return "–" if kappa.observed is None else percent(kappa.observed)


def _said(share: Share) -> str:
    return share_of(share, share.exact())


def _of(share: Share) -> str:
    return f"{share.hits:,} of {share.n:,}"


def _link(label: str, **query: str) -> None:
    st.page_link(EXPLORE, label=label, icon=PAGES[EXPLORE][1], query_params=address(**query))
