"""The audit card of Trust: draw at random, judge in Review, approve the rest on that evidence."""

import streamlit as st

from srt_core.errors import SRTError
from srt_core.project.intervals import needed
from srt_core.project.store import Store
from srt_core.review.filter.filter import Filter, is_empty
from srt_core.review.trust import audits
from srt_core.review.trust.audits import Audit, Result, Terms
from srt_core.ui.frame.address import put_in_address
from srt_core.ui.frame.filters import describe_filter, filter_from_address, write_filter
from srt_core.ui.frame.page import PAGES, acting_as_owner, address, curator, reporting
from srt_core.ui.frame.words import percent
from srt_core.ui.server.identity import may_own
from srt_core.ui.server.runtime import Project

REVIEW, EXPLORE, TRUST = "pages/6_Review.py", "pages/4_Explore.py", "pages/7_Trust.py"

_ABOUT = (
    "Read a random sample of what the rule keeps and nobody decided. If few enough of the picks are wrong, the rest "
    "can be approved at once, with the evidence in the log."
)
_WRONG_HELP = (
    "Wrong: a person rejected the pick, chose another version, or edited the text. Approving the rest takes its texts "
    "as they are, so an edit counts here."
)


def asked_audit(store: Store) -> Audit:
    """Return the audit that the address names, else the newest. SRTError where there is none."""
    asked = st.query_params.get("audit", "")
    if asked and not asked.isdecimal():
        raise SRTError(f"There is no audit {asked}.", "Draw one on the page Trust.")
    return audits.find_audit(store, int(asked) if asked else None)


def render_audit_place(store: Store) -> None:
    """Say in Review how far the audit is, with the way back."""
    audit = asked_audit(store)
    done = audits.progress(store, audit)
    st.markdown(f"audited **{done.judged:,}** of {audit.size:,}, {done.wrong:,} wrong so far", help=_WRONG_HELP)
    st.page_link(TRUST, label="Audit", icon=PAGES[TRUST][1], query_params=address(audit=str(audit.event_id)))


def render_audits(project: Project) -> None:
    """Draw the audits there are, and what to draw next."""
    st.subheader("Random audit", help=_ABOUT)
    found = audits.audits(project.store)
    if found:
        with st.container(border=True), reporting():
            _draw_audit(project, _choose(found))
    with st.container(border=True), reporting():
        _draw_draw(project)


def _choose(found: list[Audit]) -> Audit:
    if len(found) == 1:
        return found[0]
    ids = [audit.event_id for audit in found]
    asked = st.query_params.get("audit", "")
    place = ids.index(int(asked)) if asked.isdecimal() and int(asked) in ids else 0
    named = {audit.event_id: f"Audit {audit.event_id}: {audit.words}" for audit in found}
    chosen = st.selectbox("Audit", ids, place, key="trust_audit", format_func=named.__getitem__)
    return found[ids.index(chosen)]


def _draw_audit(project: Project, audit: Audit) -> None:
    found = audits.result(project.store, audit)
    terms, done = audit.terms, found.progress
    st.markdown(
        f"**Audit {audit.event_id}**: {audit.size:,} of {audit.population:,} samples, to show that at most "
        f"{percent(terms.bound)} of the rest is wrong. It does if {_few(terms.allowed)} wrong."
    )
    st.text(f"Drawn by {audit.author}, {audit.made_at:%Y-%m-%d %H:%M} UTC, from: {audit.words}")
    st.progress(done.judged / audit.size, f"{done.judged:,} of {audit.size:,} judged, {_wrong(done)}")
    if found.holds:
        _draw_next(project, audit, found)
    else:
        st.markdown(
            ":material/sync_problem: The policy, the scores or the rewrites changed since the draw, and with them what "
            "the rule picks here. This audit says nothing about the picks of now: draw a new one."
        )


def _few(allowed: int) -> str:
    return f"at most {allowed:,} of them {'is' if allowed == 1 else 'are'}" if allowed else "none of them is"


def _wrong(done: audits.AuditProgress) -> str:
    edited = f" ({done.edited:,} edited)" if done.edited else ""
    return f"{done.wrong:,} wrong{edited}"


def _draw_next(project: Project, audit: Audit, found: Result) -> None:
    if found.progress.in_bulk:
        st.markdown(
            f"A bulk action decided {found.progress.in_bulk:,} of the drawn samples, which judges nothing: undo it in "
            "History."
        )
    if found.limit is not None:
        st.markdown(
            f"At most **{percent(found.limit)}** of the remaining {found.remaining:,} are wrong, at a confidence of "
            f"{percent(found.confidence)}."
        )
    with st.container(horizontal=True, vertical_alignment="center"):
        if left := audit.size - found.progress.judged:
            st.page_link(REVIEW, label=f"Judge {left:,} in Review", icon=PAGES[REVIEW][1],
                         query_params=address(queue="drawn", audit=str(audit.event_id)))  # fmt: skip
        if found.more:
            _draw_more(project, audit, found)
        elif not left:
            st.button(f"Approve the remaining {found.remaining:,}", type="primary", key="trust_approve",
                      icon=":material/done_all:", disabled=not found.met or not may_own(), on_click=_approve,
                      args=(project, audit))  # fmt: skip
    if found.progress.wrong > audits.MOST_ALLOWED:
        st.markdown("Too many are wrong to go on. Change the policy on Thresholds, or decide these samples one by one.")
    if not left and not found.remaining:
        st.caption("Nothing of its population is left to decide.")


def _draw_more(project: Project, audit: Audit, found: Result) -> None:
    wrong = found.progress.wrong
    st.button(f"Draw {found.more:,} more", icon=":material/casino:", key="trust_extend", on_click=_extend,
              args=(project, audit), disabled=not may_own())  # fmt: skip
    st.markdown(
        f"{wrong:,} wrong, where {audit.terms.allowed:,} were allowed. With {found.more:,} more and {wrong:,} wrong in "
        f"all it would show {percent(audit.terms.bound)}, but as another look at the same samples: all looks together "
        f"have a confidence of {percent(audit.confidence(wrong))}.",
        width="stretch",
    )


def _draw_draw(project: Project) -> None:
    only = filter_from_address()
    population = audits.population(project.store, only)
    st.markdown("**Draw an audit**")
    _draw_population(only)
    if audit := audits.audit_of(project.store, only):
        st.markdown(
            f"Audit {audit.event_id} drew from these samples. Go on with it: drawing again until the result pleases "
            "would show nothing."
        )
        return
    first, second, third, fourth = st.columns(4, vertical_alignment="bottom")
    bound = first.number_input("At most wrong, %", 0.1, 50.0, 3.0, 0.5, key="trust_bound", format="%.3g",
                               help="Of the rest, which nobody will have read.")  # fmt: skip
    confidence = second.number_input("Confidence, %", 50.0, 99.9, 95.0, 1.0, key="trust_confidence", format="%.4g",
                                     help="How often an audit that passes is right about it.")  # fmt: skip
    allowed = third.number_input("Wrong allowed", 0, audits.MOST_ALLOWED, 0, 1, key="trust_allowed",
                                 help=f"Fixed before the draw; more takes more samples. {_WRONG_HELP}")  # fmt: skip
    terms = Terms(round(bound / 100, 6), round(confidence / 100, 6), int(allowed))
    size = needed(terms.bound, terms.confidence, terms.allowed, population) if population else 0
    fourth.button(f"Draw {size:,} samples", icon=":material/casino:", key="trust_draw", on_click=_draw,
                  args=(project, only, terms), width="stretch", disabled=not population or not may_own())  # fmt: skip
    if not population:
        st.markdown("The rule keeps no undecided sample here. Take another filter, or another policy on Thresholds.")
        return
    if size == population:
        st.markdown(f"All {size:,} samples that the rule keeps and nobody decided would have to be read to show it.")
        return
    st.markdown(
        f"**{size:,}** of {population:,} samples that the rule keeps and nobody decided. If {_few(terms.allowed)} "
        f"wrong, at most {percent(terms.bound)} of the remaining {population - size:,} are, at "
        f"{percent(terms.confidence)} confidence."
    )


def _draw_population(only: Filter) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        if is_empty(only):
            st.caption("From all samples.", width="content")
            st.page_link(EXPLORE, label="Choose a filter in Explore", icon=PAGES[EXPLORE][1], query_params=address())
            return
        st.text(f"From the filter: {describe_filter(only)}", width="content")
        st.button("Take all samples", icon=":material/filter_alt_off:", on_click=write_filter, args=(Filter(),))


@acting_as_owner
def _draw(project: Project, only: Filter, terms: Terms) -> None:
    audit = audits.draw(project.store, only, describe_filter(only), terms, curator())
    _show(audit)


@acting_as_owner
def _extend(project: Project, audit: Audit) -> None:
    _show(audits.extend(project.store, audit, curator()))


@acting_as_owner
def _approve(project: Project, audit: Audit) -> None:
    done = audits.approve(project.store, audit, curator())
    st.toast(f"{done:,} samples approved. One undo in History takes it back.", icon=":material/check:")


def _show(audit: Audit) -> None:
    put_in_address("audit", str(audit.event_id))
    st.session_state.pop("trust_audit", None)
