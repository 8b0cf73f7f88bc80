"""The audits on Trust: how far each is read, what it shows, and the approval that rests on it."""

import streamlit as st

from srt_core.errors import SRTError
from srt_core.project.intervals import percent
from srt_core.project.store import Store
from srt_core.records import counted
from srt_core.review.trust import audits
from srt_core.review.trust.audits import Approval, Audit, Result
from srt_core.review.trust.audits.words import progress, sentences, source
from srt_core.ui.frame.navigation import PAGES, address
from srt_core.ui.frame.page import acting_as_owner, curator, reporting
from srt_core.ui.sample.texts import local_time
from srt_core.ui.server.identity import may_own
from srt_core.ui.server.runtime import Project
from srt_core.ui.trust.drawing import render_draw, show_audit

REVIEW, TRUST = "pages/6_Review.py", "pages/7_Trust.py"

_ABOUT = (
    "A random sample of a named population, in random order and decided or not, is read blind: versions unnamed and "
    "shuffled, the rule's pick and scores hidden. Only such reads say how often the rule is right."
)


def asked_audit(store: Store) -> Audit:
    """Return the audit that the address names, else the newest. SRTError where there is none."""
    asked = st.query_params.get("audit", "")
    if asked and not asked.isdecimal():
        raise SRTError(f"There is no audit {asked}.", "Draw one on the page Trust.")
    return audits.find_audit(store, int(asked) if asked else None)


def said_of_audit(store: Store, audit: Audit) -> str:
    """Say in Review how far an audit is. Not how many were wrong: that would tell of the rule."""
    if not audit.is_blind:
        return "An open audit of an older version"
    return f"Audit: {audits.count_read(store, audit):,} of {audit.size:,} read blind"


def render_audits(project: Project) -> None:
    """Draw the audits there are, and what to draw next."""
    st.subheader("Random audit", help=_ABOUT)
    found = audits.audits(project.store)
    if found:
        with st.container(border=True), reporting():
            _draw_audit(project, _choose(found))
    with st.container(border=True), reporting():
        render_draw(project)


def _choose(found: list[Audit]) -> Audit:
    if len(found) == 1:
        return found[0]
    ids = [audit.event_id for audit in found]
    asked = st.query_params.get("audit", "")
    place = ids.index(int(asked)) if asked.isdecimal() and int(asked) in ids else 0
    named = {audit.event_id: f"Audit {audit.event_id}: {source(audit)}" for audit in found}
    chosen = st.selectbox("Audit", ids, place, key="trust_audit", format_func=named.__getitem__)
    return found[ids.index(chosen)]


def _draw_audit(project: Project, audit: Audit) -> None:
    st.markdown(f"**Audit {audit.event_id}**: {audit.size:,} of {counted(audit.population, 'sample')}.")
    st.text(f"Drawn by {audit.author}, {local_time(audit.made_at, '%Y-%m-%d %H:%M')}, from: {source(audit)}")
    found = audits.result(project.store, audit) if audit.is_blind else None
    if found:
        st.progress(found.claim.reads.read / audit.size, progress(audit, found))
    for said in sentences(audit, found):
        st.markdown(said if found is None or found.holds else f":material/sync_problem: {said}")
    if found is None:
        return
    if found.holds:
        _draw_next(project, audit, found)
    for approval in audits.approvals(project.store, audit):
        _draw_approval(approval)


def _draw_next(project: Project, audit: Audit, found: Result) -> None:
    terms = audit.terms
    with st.container(horizontal=True, vertical_alignment="center"):
        if found.unread or found.parked:
            st.page_link(REVIEW, label=f"Read {found.unread + found.parked:,} in Review", icon=PAGES[REVIEW][1],
                         query_params=address(queue="drawn", audit=str(audit.event_id)))  # fmt: skip
        if found.more:
            _draw_more_for_approval(project, audit, found)
        elif terms and not found.unread:
            _draw_approve(project, audit, found)
        elif not terms and not found.unread and audit.size < audit.population:
            more = min(50, audit.population - audit.size)
            st.button(f"Draw {more:,} more", icon=":material/casino:", key="trust_extend", on_click=_extend,
                      args=(project, audit, more), disabled=not may_own(),
                      help="Another look at the same samples: its interval takes that into account.")  # fmt: skip
    if terms and found.rest.wrong > audits.MOST_ALLOWED:
        st.markdown("Too many are wrong to go on. Change the policy on Thresholds, or decide these samples one by one.")


def _draw_approve(project: Project, audit: Audit, found: Result) -> None:
    of_all = found.remaining + found.read_right
    st.button(f"Approve {of_all:,}", type="primary", key="trust_approve", icon=":material/done_all:",
              disabled=not found.met or not may_own(), on_click=_approve, args=(project, audit))  # fmt: skip
    st.markdown(
        f"It approves {found.remaining:,} that nobody read and {found.read_right:,} that were read and found right. "
        "What was parked, decided since the draw or found wrong stays as it is.",
        width="stretch",
    )


def _draw_more_for_approval(project: Project, audit: Audit, found: Result) -> None:
    terms = audit.terms
    st.button(f"Draw {found.more:,} more", icon=":material/casino:", key="trust_extend", on_click=_extend,
              args=(project, audit, 0), disabled=not may_own())  # fmt: skip
    if terms:
        st.markdown(
            f"{found.rest.wrong:,} wrong, where {terms.allowed:,} were allowed. With {found.more:,} more and "
            f"{found.rest.wrong:,} wrong in all it would still show {percent(terms.bound)}, as another look, at a "
            f"confidence of {percent(terms.confidence)} over all looks together.",
            width="stretch",
        )


def _draw_approval(approval: Approval) -> None:
    said = (f"{approval.author} approved {counted(approval.samples, 'sample')} on this evidence, "
            f"{local_time(approval.made_at, '%Y-%m-%d %H:%M')}.")  # fmt: skip
    st.text(said)
    if approval.is_broken:
        st.markdown(f":material/warning: {broken_words(approval)}")


def broken_words(approval: Approval) -> str:
    """Say that what was decided since breaks the evidence of an approval."""
    bound = percent(float(approval.evidence["bound"]))
    return (
        f"Drawn samples were found wrong or parked since. The audit now shows only that at most "
        f"{percent(approval.limit_now)} of what was approved unread is wrong, not {bound}: undo the approval in "
        "History, or read on."
    )


@acting_as_owner
def _extend(project: Project, audit: Audit, more: int) -> None:
    show_audit(audits.extend(project.store, audit, curator(), more))


@acting_as_owner
def _approve(project: Project, audit: Audit) -> None:
    done = audits.approve(project.store, audit, curator())
    st.toast(f"{counted(done, 'sample')} approved. One undo in History takes it back.", icon=":material/check:")
