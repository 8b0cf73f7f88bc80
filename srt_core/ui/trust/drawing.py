"""The card of Trust that draws an audit: of which samples, to read or to approve on."""

import streamlit as st

from srt_core.project.intervals import percent
from srt_core.records import counted
from srt_core.review.filter.filter import Filter, is_empty
from srt_core.review.trust import audits
from srt_core.review.trust.audits import Part, Population, Terms
from srt_core.review.trust.audits.words import few
from srt_core.review.trust.claims import Claim
from srt_core.review.trust.readings import Reads
from srt_core.ui.frame.address import put_in_address
from srt_core.ui.frame.filters import describe_filter, filter_from_address, write_filter
from srt_core.ui.frame.navigation import PAGES, address
from srt_core.ui.frame.page import acting_as_owner, curator
from srt_core.ui.server.identity import may_own
from srt_core.ui.server.runtime import Project

EXPLORE = "pages/4_Explore.py"
_PARTS = {
    Part.ALL: "All of these samples",
    Part.KEPT: "What the rule keeps, to approve the rest",
    Part.LEFT_OUT: "What the rule leaves out",
}
_PART_HELP = (
    "Reads of all samples stand for every policy, whatever is changed on Thresholds. Reads of what the rule keeps or "
    "leaves out stand for the policy in use alone."
)
_WRONG_HELP = "Wrong: the version that the rule keeps was not marked as fit to train on. Not read or parked counts too."


def render_draw(project: Project) -> None:
    """Draw the form."""
    only = filter_from_address()
    st.markdown("**Draw an audit**")
    _draw_filter(only)
    part = Part(
        st.segmented_control(
            "Draw from",
            list(Part),
            default=Part.ALL,
            key="trust_part",
            required=True,
            format_func=_PARTS.__getitem__,
            help=_PART_HELP,
        )  # fmt: skip
        or Part.ALL
    )
    population = Population(part, only)
    if audit := audits.audit_of(project.store, population):
        st.markdown(
            f"Audit {audit.event_id} drew from these samples. Go on with it, or draw more for it: drawing again until "
            "the result pleases would show nothing."
        )
        return
    there = audits.count_population(project.store, population)
    look = audits.next_look(project.store, only)
    if look > 1:
        st.caption(f"Look number {look} at these samples or some of them: all looks together keep the stated error, so "
                   "each later one takes more reads.")  # fmt: skip
    if part is Part.KEPT:
        _draw_approval(project, population, there, look)
    else:
        _draw_reading(project, population, there, look)


def _draw_filter(only: Filter) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        if is_empty(only):
            st.caption("Of all samples.", width="content")
            st.page_link(EXPLORE, label="Choose a filter in Explore", icon=PAGES[EXPLORE][1], query_params=address())
            return
        st.text(f"Of the filter: {describe_filter(only)}", width="content")
        st.button("Take all samples", icon=":material/filter_alt_off:", on_click=write_filter, args=(Filter(),))


def _draw_reading(project: Project, population: Population, there: audits.Size, look: int) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        size = int(st.number_input("Samples to read", 1, max(1, there.samples), min(120, max(1, there.samples)), 10,
                                   key="trust_size", width=180))  # fmt: skip
        st.button(f"Draw {counted(size, 'sample')}", icon=":material/casino:", key="trust_draw", on_click=_draw,
                  args=(project, population, size), disabled=not there.samples or not may_own())  # fmt: skip
    if not there.samples:
        st.markdown("There is no sample here. Take another filter.")
        return
    likely = Claim(Reads(round(size * 0.9), size - round(size * 0.9)), there.samples, look).interval
    if size == there.samples:
        st.markdown(
            f"All {counted(size, 'sample')} in random order, decided or not. Once all are read, no doubt is left."
        )
    elif likely:
        st.markdown(
            f"**{size:,}** of {counted(there.samples, 'sample')} in random order, decided or not. If 90 of 100 are "
            f"right, it will show between {percent(likely.low)} and {percent(likely.high)}."
        )


def _draw_approval(project: Project, population: Population, there: audits.Size, look: int) -> None:
    first, second, third, fourth = st.columns(4, vertical_alignment="bottom")
    bound = first.number_input("At most wrong, %", 0.1, 50.0, 3.0, 0.5, key="trust_bound", format="%.3g",
                               help="Of the rest, which nobody will have read.")  # fmt: skip
    confidence = second.number_input("Confidence, %", 50.0, 99.9, 95.0, 1.0, key="trust_confidence", format="%.4g",
                                     help="How often no audit of these samples that passes is wrong about it, "
                                     "however many are drawn.")  # fmt: skip
    allowed = third.number_input("Wrong allowed", 0, audits.MOST_ALLOWED, 0, 1, key="trust_allowed",
                                 help=f"Fixed before the draw; more takes more samples. {_WRONG_HELP}")  # fmt: skip
    terms = Terms(round(bound / 100, 6), round(confidence / 100, 6), int(allowed))
    size = terms.needed(there.rest, look) if there.rest else 0
    may_draw = there.rest > 0 and may_own()
    fourth.button(f"Draw {counted(size, 'sample')}", icon=":material/casino:", key="trust_draw", on_click=_draw,
                  args=(project, population, terms), width="stretch", disabled=not may_draw)  # fmt: skip
    if not there.rest:
        st.markdown("The rule keeps no undecided sample here. Take another filter, or another policy on Thresholds.")
        return
    if size == there.rest:
        st.markdown(
            f"All {counted(size, 'sample')} that the rule keeps and nobody decided would have to be read to show it."
        )
        return
    decided = " and, in random order with them, decided ones" if there.rest < there.samples else ""
    st.markdown(
        f"**{size:,}** of {counted(there.rest, 'sample')} that the rule keeps and nobody decided{decided}. If "
        f"{few(terms.allowed)} wrong, at most {percent(terms.bound)} of the remaining {there.rest - size:,} are, at "
        f"{percent(terms.confidence)} confidence."
    )


@acting_as_owner
def _draw(project: Project, population: Population, plan: Terms | int) -> None:
    words = describe_filter(population.only)
    show_audit(audits.draw(project.store, population, words, plan, curator()))


def show_audit(audit: audits.Audit) -> None:
    """Put an audit into the address, so that its card is the one that is open."""
    put_in_address("audit", str(audit.event_id))
    st.session_state.pop("trust_audit", None)
