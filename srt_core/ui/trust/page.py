"""The Trust screen: how far the rule can be trusted, so that a person need not read everything."""

from collections.abc import Mapping

import streamlit as st

from srt_core.project.candidates import count_samples
from srt_core.project.intervals import percent
from srt_core.project.store import Store
from srt_core.records import counted
from srt_core.review import triage
from srt_core.review.triage import Accuracy
from srt_core.review.trust import audits
from srt_core.review.trust.agreement import Evidence, Figures, Trust, trust
from srt_core.review.trust.audits import Part
from srt_core.review.trust.claims import FIXED_BEFORE, Claim
from srt_core.review.trust.kappa import Kappa, pairings
from srt_core.select.derive import remembered
from srt_core.steps.triage import TRIAGE
from srt_core.ui.frame.charts import DOWNLOAD, interval_points
from srt_core.ui.frame.evidence import RIGHT_HELP, counts, point
from srt_core.ui.frame.navigation import PAGES, address
from srt_core.ui.frame.page import show_empty
from srt_core.ui.frame.step_panel import render_step
from srt_core.ui.frame.words import said_of_claim
from srt_core.ui.server.runtime import Project
from srt_core.ui.trust.audit import REVIEW, render_audits
from srt_core.ui.trust.drawing import EXPLORE
from srt_core.ui.trust.gold import render_gold
from srt_core.ui.trust.groups import CHOSEN_HELP, MEASURES, render_groups

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
    _draw_claims(store, found)
    render_audits(project)
    if found.margins:
        render_groups(found)
    _draw_triage(project)
    if found.overall[Evidence.CHOSEN].of_all.drawn:
        _draw_curators(store)
    render_gold(project)


def _draw_claims(store: Store, found: Trust) -> None:
    """Say what random reads show of the policy in use, and beside it, apart, what people chose to decide."""
    drawn, chosen = found.overall[Evidence.RANDOM], found.overall[Evidence.CHOSEN]
    st.markdown(f"**{found.opening}**", help=RIGHT_HELP)
    _draw_way_on(found)
    for audit, claim in remembered(audits.claims_of_policy, store):
        said = claim.sentence(f"what the policy in use {'keeps' if audit.part is Part.KEPT else 'leaves out'}")
        st.markdown(f"{said} (audit {audit.event_id}, of these alone)")
    if not (drawn.of_all.drawn or chosen.of_all.drawn):
        return
    claims = {name: found.claim(getattr(drawn, name)) for name in MEASURES}
    if drawn.of_all.read:
        both = st.container(horizontal=True, gap="large")  # widths and not shares, so that a narrow window wraps
        with both.container(width=380):
            _draw_chart(claims)
        with both.container(width=600):
            _draw_table(found, claims, chosen)
    else:
        _draw_table(found, claims, chosen)


def _draw_way_on(found: Trust) -> None:
    """Say what is missing for the opening sentence, or for a narrower one, and lead there."""
    if found.audit is None:
        st.markdown("To say it, somebody has to read samples that are drawn at random, without seeing what the rule "
                    "keeps. Draw some below: it says how narrow the interval will be.")  # fmt: skip
        return
    left = found.overall[Evidence.RANDOM].of_all.open
    if left:
        st.page_link(REVIEW, label=f"Read the {counted(left, 'sample| that is| still open')} in Review",
                     icon=PAGES[REVIEW][1],
                     query_params=address(queue="drawn", audit=str(found.audit.event_id)))  # fmt: skip


def _draw_chart(claims: Mapping[str, Claim]) -> None:
    st.markdown("**Share that is right, by random reads**",
                help="Points: the share of what was read. Bars: 95 % intervals.")  # fmt: skip
    labels = [label.replace("what is ", "what<br>is ") for label, _ in MEASURES.values()]
    said = "; ".join(f"{MEASURES[name][0]} {said_of_claim(claim)}" for name, claim in claims.items())
    st.plotly_chart(interval_points(labels, {"Right": [point(claim) for claim in claims.values()]}),
                    key="trust_overall", config=DOWNLOAD, alt=f"Right by random reads: {said}")  # fmt: skip


def _draw_table(found: Trust, claims: Mapping[str, Claim], chosen: Figures) -> None:
    st.dataframe(
        [
            {
                "what": MEASURES[name][0],
                "right": said_of_claim(claim),
                "n": counts(claim.reads),
                "open": claim.reads.open,
                "chosen": counts(getattr(chosen, name)),
            }
            for name, claim in claims.items()
        ],
        hide_index=True,
        column_config={
            "what": st.column_config.TextColumn("", help=" ".join(text for _, text in MEASURES.values())),
            "right": st.column_config.TextColumn("Right, by random reads", help=RIGHT_HELP),
            "n": st.column_config.TextColumn("Right of read", help="Of the random reads."),
            "open": st.column_config.NumberColumn("Still open", help="Drawn and not read, or parked since."),
            "chosen": st.column_config.TextColumn("Chosen decisions", help=CHOSEN_HELP),
        },
        alt="How often the rule is right by random blind reads, with 95 % intervals, and decisions people chose",
    )
    if found.audit:
        st.caption(
            f"The policy in use. Read blind: audit {found.audit.event_id}, {found.audit.size:,} drawn of all "
            f"{counted(found.audit.population, 'sample')}. 95 % intervals, over every audit of these samples together."
        )
        if found.overall[Evidence.RANDOM].of_all.read:
            st.caption(FIXED_BEFORE)
    with st.container(horizontal=True):
        _link("Decided samples", state="decided")
        _link("Where people overrode the rule", state="overridden")


def _draw_triage(project: Project) -> None:
    """Say how well rounds of triage predicted the decisions after them, and offer a round."""
    found = triage.accuracy(project.store)
    st.subheader(
        "Triage", help="A model of the single decisions orders the queue Most telling next; it decides nothing."
    )
    if found.decided:
        _draw_predicted(found)
    elif triage.last_round(project.store) is None:
        st.markdown("No round yet. One is fitted on the samples that were decided one by one and have a vector.")
    if triage.last_round(project.store) is not None:
        st.page_link(REVIEW, label="Most telling next, in Review", icon=PAGES[REVIEW][1],
                     query_params=address(queue="telling"))  # fmt: skip
    render_step(
        project,
        TRIAGE,
        "Fit a round",
        "Ranks every sample by the single decisions so far, for the queue Most telling next. Vectors come first: the "
        "page Score computes them.",
        "Fit a round",
    )


def _draw_predicted(found: Accuracy) -> None:
    st.markdown(
        f"Of {counted(found.decided, 'decision')} made after a round, the round had predicted {found.right:,} right; "
        f"always saying what was more frequent by then gets {found.majority:,}. These samples are no random ones, so "
        "this is no estimate of all: a random audit is."
    )


def _draw_curators(store: Store) -> None:
    st.subheader("Between reviewers", help=_KAPPA_HELP)
    found = remembered(pairings, store)
    if not found:
        st.markdown("No two reviewers have decided the same sample. Let a second one decide some of the first one's.")
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
            "one": "Reviewer",
            "other": "Reviewer ",
            "n": st.column_config.NumberColumn("Samples of both", format="localized"),
            "version": st.column_config.TextColumn("Kappa, version", help="Over the versions, or none."),
            "same version": "Same version",
            "keep": st.column_config.TextColumn("Kappa, keep", help="Over keep and leave out."),
            "same keep": "Both keep or leave out",
        },
        alt="Cohen's kappa for each two reviewers",
    )


def _kappa(kappa: Kappa) -> str:
    interval = kappa.interval()
    if kappa.kappa is None:
        return "–"
    return f"{kappa.kappa:.2f} ({interval.low:.2f} to {interval.high:.2f})" if interval else f"{kappa.kappa:.2f}"


def _observed(kappa: Kappa) -> str:
    return "–" if kappa.observed is None else percent(kappa.observed)


def _link(label: str, **query: str) -> None:
    st.page_link(EXPLORE, label=label, icon=PAGES[EXPLORE][1], query_params=address(**query))
