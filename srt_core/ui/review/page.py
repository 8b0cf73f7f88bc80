"""The Review screen: one sample at a time, the rule's pick pre-selected, one key a decision."""

from collections.abc import Sequence

import streamlit as st

from srt_core.errors import SRTError
from srt_core.project.candidates import Edited, count_samples
from srt_core.project.store import Store
from srt_core.records import LossStatus, Origin
from srt_core.review import decisions, shares
from srt_core.review import queues as review
from srt_core.review.decisions import RecentDecision
from srt_core.review.queues import QUEUES, Queue
from srt_core.review.shares import Share, read_assignment
from srt_core.ui.frame.address import put_in_address
from srt_core.ui.frame.filters import filter_from_address, filter_to_address
from srt_core.ui.frame.navigation import PAGES, address
from srt_core.ui.frame.page import curator, fragment, reporting, show_empty, show_error
from srt_core.ui.frame.students import why_not_scored
from srt_core.ui.frame.words import MEASURE_HELP, ORIGIN_LABELS, describe_rewrite, number
from srt_core.ui.review.actions import render_actions, render_done_actions, render_help, render_last
from srt_core.ui.review.blind import render_blind
from srt_core.ui.review.desk import Desk, View, open_desk
from srt_core.ui.review.edit import render_failures, render_form
from srt_core.ui.review.tokens import render_tokens, watch_tokens
from srt_core.ui.sample.figures import score_strip
from srt_core.ui.sample.summary import Sample, read_sample
from srt_core.ui.sample.texts import (
    describe_event,
    local_time,
    render_critique,
    render_history,
    render_pair,
    render_replies,
)
from srt_core.ui.server.runtime import Project
from srt_core.ui.trust.audit import asked_audit, render_audit_place

DEFAULT = "closest"
EXPLORE = "pages/4_Explore.py"
ALL = "all"
"""What stands in the address for the whole queue instead of the person's share."""
FAILED_TAB = "Failed reflections"
TOKENS_TAB = "Token losses"


def render_review(project: Project) -> None:
    """Draw the page: follow the address to its sample, then hand over to the fragment that a key press reruns."""
    store = project.store
    if not count_samples(store):
        show_empty("There are no samples to review yet. Import some first.", "pages/1_Import.py", "Import")
        return
    desk = open_desk(store)
    _follow_queue(desk)
    with reporting(stop=True):
        desk.arrive(st.query_params.get("sample", ""), _queue(desk))
    watch_tokens(project, desk)
    _render_desk(project, desk)


@fragment
def _render_desk(project: Project, desk: Desk) -> None:
    with reporting():
        header = st.container(horizontal=True, vertical_alignment="center")
        with header:
            _choose_queue(desk)
            _choose_share(desk)
        if desk.error:
            show_error(desk.error)
        sample = read_sample(desk.store, desk.sample) if desk.sample else None
        share = _share(desk)
        is_blind = share is not None and sample is not None and shares.is_blind(desk.store, share, desk.sample or "")
        view = View(desk, desk.view, desk.sample or "", sample.event_id if sample else None, *_queue(desk), is_blind)
        with header:
            _render_place(view)
        _write_address(desk)
        last = decisions.last_decisions(desk.store, curator())
        audit = asked_audit(desk.store) if view.queue_name == "drawn" else None
        if sample and audit and audit.is_blind:
            render_blind(view, audit, sample)
        elif sample:
            _render_sample(project, view, sample, last)
        else:
            _render_done(view, last)


def _follow_queue(desk: Desk) -> None:
    """Take the queue from the address where it names another than the desk wrote there, else keep the desk's.

    Whoever comes to the page without naming one gets a queue in which something waits.
    """
    asked = st.query_params.get("queue", "")
    asked = asked if asked in QUEUES else ""
    if "queue" not in st.session_state:
        st.session_state["queue"] = asked or _waiting(desk)
    elif asked and asked != (desk.queue[0] if desk.queue else DEFAULT):
        st.session_state["queue"] = asked


def _waiting(desk: Desk) -> str:
    """Name the first queue that has an open sample: the desk's, the usual one, all; the first of these for none."""
    queues = ([desk.queue] if desk.queue else []) + [(name, QUEUES[name]) for name in (DEFAULT, "all")]
    open_ones = (name for name, queue in queues if review.next_open(desk.store, queue, None))
    return next(open_ones, queues[0][0])


def _queue(desk: Desk) -> tuple[str, Queue]:
    """Return the queue's name and what it holds.

    "filter" takes its filter and order from the address, as in Explore; "drawn" its audit, the newest where none is
    named.
    """
    name = st.session_state["queue"]
    queue = asked_audit(desk.store).queue if name == "drawn" else QUEUES[name]
    if name == "filter":
        queue = review.filter_queue(filter_from_address(), st.query_params.get("sort", "number"))
    share = _share(desk)
    return name, review.shared(queue, share) if share else queue


def _share(desk: Desk) -> Share | None:
    """Return the person's share of the queue; None where they have none, or want to see all of it."""
    if st.query_params.get("share") == ALL:
        return None
    return read_assignment(desk.store, st.session_state["queue"]).share(curator())


def _choose_share(desk: Desk) -> None:
    """Offer to see all of a queue to somebody who has a share of it."""
    if read_assignment(desk.store, st.session_state["queue"]).share(curator()) is None:
        return
    st.session_state["my_share"] = st.query_params.get("share") != ALL
    st.toggle("My share", key="my_share", on_change=_turn_share, args=(desk,), disabled=desk.edit is not None)


def _turn_share(desk: Desk) -> None:
    put_in_address("share", "" if st.session_state["my_share"] else ALL)
    _start_queue(desk)


def _choose_queue(desk: Desk) -> None:
    st.selectbox(
        "Queue", list(QUEUES), key="queue", format_func=lambda name: QUEUES[name].label,
        label_visibility="collapsed", width=280, disabled=desk.edit is not None, on_change=_start_queue, args=(desk,),
    )  # fmt: skip


def _start_queue(desk: Desk) -> None:
    desk.view += 1
    desk.error = None
    if st.session_state["queue"] == "failed":
        st.session_state["review_tab"] = FAILED_TAB
    try:
        desk.start(_queue(desk))
    except SRTError as error:
        desk.error = error


def _write_address(desk: Desk) -> None:
    """Name the queue and the sample in the address, so that the place survives a reload."""
    desk.address = desk.sample or ""
    for name, value in (("queue", st.session_state["queue"]), ("sample", desk.address)):
        if st.query_params.get(name, "") != value:
            put_in_address(name, value)


def _render_place(view: View) -> None:
    place = review.place(view.desk.store, view.queue, view.sample)
    tempo = review.tempo(view.desk.store, curator())
    position = f"**{place.position:,}** of {place.samples:,}" if place.position else f"{place.samples:,} samples"
    said = [position, f"{place.open:,} open", f"{place.parked:,} parked"]
    if tempo.saved_at:
        said.append(f"saved {local_time(tempo.saved_at, '%H:%M:%S')}")
    if tempo.per_hour:
        said.append(f"{tempo.per_hour:,} an hour")
    st.markdown(" · ".join(said), help=view.queue.about)
    if QUEUES[view.queue_name].where == "true":  # all that Explore can show of a queue is its filter
        st.page_link(EXPLORE, label="See all in Explore", icon=PAGES[EXPLORE][1],
                     query_params=address(**filter_to_address(view.queue.only)))  # fmt: skip
    if view.queue_name == "drawn":
        render_audit_place(view.desk.store)


def _render_sample(project: Project, view: View, sample: Sample, last: Sequence[RecentDecision]) -> None:
    desk = view.desk
    shown = desk.shown if desk.shown in sample.rewrites else sample.in_question
    words, scores = st.columns([5, 6], vertical_alignment="center")
    with words:
        _render_words(view, sample, shown)
    if (marks := sample.said_of_marks()) and not view.is_blind:
        st.text(f"Marks: {marks}")
    actions = st.container()
    with st.container():
        if desk.edit:
            _render_edit(view, sample)
        else:
            render_pair(sample.candidates, shown, "" if view.is_blind else _note(sample, shown), desk.diff, sample.own)
    with scores:
        _render_strip(sample)
    _render_more(project, view, sample, shown, last)
    # Last of all: a key is live only once everything that it decides on is on screen.
    with actions:
        if not desk.edit:
            render_actions(view, sample, shown, last)
            render_help(view)


def _render_words(view: View, sample: Sample, shown: Origin | None) -> None:
    verdict = sample.verdict
    *stages, outcome = sample.walk()
    st.text(" ".join(stages))
    st.text(outcome)
    why = review.why(view.queue_name, verdict, sample.policy)
    # Of our own words and numbers only: a caption reads Markdown.
    measured = describe_rewrite(sample.candidates[shown]) if shown else ""
    said = (f"Sample {verdict.seq:,} · `{view.sample}`", measured, why)
    st.caption(
        " · ".join(filter(None, said)),
        help="\n\n".join((MEASURE_HELP["ifd"], MEASURE_HELP["r_ifd"], MEASURE_HELP["drift"], MEASURE_HELP["growth"])),
    )
    if view.is_blind:
        st.caption("Everybody who has a share decides this sample. What others decided is not shown until you did.")
        return
    if verdict.action and verdict.made_at:
        decided = describe_event(verdict.action, verdict.origin if verdict.approved else None)
        st.text(f"{decided}, by {verdict.author}, {local_time(verdict.made_at)}")
    if sample.edit:
        st.text(_edit_scores(view.desk.store, sample.edit))


def _edit_scores(store: Store, edit: Edited) -> str:
    """Say the scores of the edited pair, which the strip of the candidates does not hold."""
    if edit.status is None:
        return f"Edited: {why_not_scored(store)}"
    said = f"Edited: IFD {number(edit.measures['ifd'])}, r-IFD {number(edit.measures['r_ifd'])}"
    return said if edit.status is LossStatus.OK else f"{said} ({edit.status.replace('_', ' ')})"


def _render_strip(sample: Sample) -> None:
    policy = sample.policy
    rows = sample.strip()
    said = "; ".join(f"{ORIGIN_LABELS[row.origin]} IFD {number(row.ifd)}, r-IFD {number(row.r_ifd)}" for row in rows)
    figure = score_strip(rows, policy.limit("max_ifd"), policy.limit("max_r_ifd"))
    st.plotly_chart(figure, key="strip", config={"staticPlot": True}, alt=f"Scores: {said}")


def _note(sample: Sample, shown: Origin | None) -> str:
    if not shown:
        return ""
    other = sample.other_producer(shown)
    return f"decided for, by {other}" if other else "the rule's pick" if sample.is_pick(shown) else ""


def _render_edit(view: View, sample: Sample) -> None:
    edit = view.desk.edit
    if edit is None:
        return
    left, right = st.columns(2)
    with left:
        render_pair(sample.candidates, None, "", "plain")
        if edit.repairs:
            raw = sample.failures[edit.repairs].raw if edit.repairs in sample.failures else None
            st.code(raw or "", language=None, wrap_lines=True, height=260)
    with right:
        render_form(view, edit)


def _render_more(
    project: Project, view: View, sample: Sample, shown: Origin | None, last: Sequence[RecentDecision]
) -> None:
    if view.desk.edit:
        if "review_tab" in st.session_state:  # set again, or Streamlit forgets it while the tabs are not drawn
            st.session_state["review_tab"] = st.session_state["review_tab"]
        return
    detail, recent = st.columns([3, 1])
    with detail:
        _render_tabs(project, view, sample, shown)
    with recent:
        render_last(view, last)


def _render_tabs(project: Project, view: View, sample: Sample, shown: Origin | None) -> None:
    """Draw the open tab alone: the others would cost every key press their time."""
    if view.queue_name == "failed":
        st.session_state.setdefault("review_tab", FAILED_TAB)
    critique, tokens, replies, history, failures = st.tabs(
        ["Critique", TOKENS_TAB, "Raw replies", "History", FAILED_TAB], key="review_tab", on_change="rerun"
    )
    if critique.open:
        with critique:
            render_critique(sample.reflections, sample.candidates[shown] if shown else None)
    if tokens.open:
        with tokens:
            render_tokens(project, view.desk, sample, shown)
    if replies.open:
        with replies:
            render_replies(sample.reflections)
    if history.open:
        with history:
            render_history(view.desk.store, view.sample, curator() if view.is_blind else None)
    if failures.open:
        with failures:
            render_failures(view, sample.candidates, sample.failures)


def _render_done(view: View, last: Sequence[RecentDecision]) -> None:
    with st.container(border=True):
        st.markdown("Nothing in this queue waits for a decision. Choose another queue above, or export.")
        st.page_link("pages/8_Export.py", label="Export", icon=":material/download:", query_params=address())
    render_last(view, last)
    render_done_actions(view, last)
    render_help(view)
