"""What the teacher's calls came to: by outcome, and each failed reflection with its raw text."""

from collections.abc import Mapping
from typing import Any

import streamlit as st

from srt_core.errors import TeacherError
from srt_core.project.candidates import beginnings
from srt_core.records import REWRITTEN_ORIGINS, counted
from srt_core.reflect.outcomes import Failure, ReplyCount, failed_reflections, reply_outcomes
from srt_core.steps.parse_again import PARSE_AGAIN
from srt_core.steps.preparing import prepare
from srt_core.steps.step import Arguments
from srt_core.ui.frame.charts import DOWNLOAD
from srt_core.ui.frame.navigation import PAGES, address
from srt_core.ui.frame.page import fragment, reporting, show_error
from srt_core.ui.frame.progress import POLL_SECONDS
from srt_core.ui.frame.words import ORIGIN_LABELS, markdown
from srt_core.ui.reflect.figures import call_bars
from srt_core.ui.reflect.teacher import is_complete
from srt_core.ui.sample.long_texts import draw_code
from srt_core.ui.server.identity import may_own, require_owner
from srt_core.ui.server.runtime import Project

PAGE_FAILURES = 10
REVIEW, EXPLORE = "pages/6_Review.py", "pages/4_Explore.py"

_STATUS_LABELS = {
    "accepted": "Used",
    "kept": "Kept, not used yet",
    "refused": "Could not be used",
    "failed": "No reply",
}


def draw_state(project: Project, counts: Mapping[str, Any]) -> None:
    """Say how far reflection is, and draw the calls by their outcome, again every second while a run is under way."""
    running = bool(project.jobs.running("reflect"))
    st.markdown(f"**{_opening(counts)}**")
    fragment(_draw_calls, run_every=POLL_SECONDS if running else None)(project)


def _opening(counts: Mapping[str, Any]) -> str:
    """Say in numbers what there is: "68 of 69 samples have a rewrite: 66 Response, 61 Instruction, 57 Both."."""
    samples, reflected, by_origin = counts["samples"], counts["reflected"], counts["candidates_by_origin"]
    if not reflected:
        return f"No rewrites yet. The teacher writes up to three of each of the {counted(samples, 'sample')}."
    each = ", ".join(
        f"{by_origin[origin]:,} {ORIGIN_LABELS[origin]}" for origin in REWRITTEN_ORIGINS if by_origin.get(origin)
    )
    failed = counts["failed_reflections"]
    said = f" {counted(failed, 'reflection')} failed, below." if failed else ""
    return f"{reflected:,} of {counted(samples, 'sample| has|')} a rewrite: {each}.{said}"


def _draw_calls(project: Project) -> None:
    found = reply_outcomes(project.store)
    if not found:
        return
    calls = sum(outcome.replies for outcome in found)
    costs = [outcome.cost for outcome in found if outcome.cost is not None]
    cost = f": {sum(costs):,.4f} US dollars, where the price is known" if costs else ""
    st.markdown(f"**What became of {counted(calls, 'call')}**{cost}", help="Every reply is kept, used or not.")
    bars = [(outcome.status, _label(outcome), outcome.replies) for outcome in found]
    said = "; ".join(f"{label} {number:,}" for _, label, number in bars)
    st.plotly_chart(call_bars(bars), key="calls", config=DOWNLOAD, alt=f"Calls: {said}")


def _label(outcome: ReplyCount) -> str:
    label = _STATUS_LABELS[outcome.status]
    return f"{label}: {outcome.reason.replace('_', ' ')}" if outcome.reason else label


def draw_failures(project: Project, asked: Arguments, total: int) -> None:
    """Show one page of the failed reflections that stand: reason, raw text, and the ways to mend each."""
    if not total:
        return
    st.subheader(counted(total, "failed reflection"))
    st.markdown("A reply is used whole or not at all. Repair one by hand in Review, ask again with a note to the "
                "teacher, or read the kept replies again after an update.")  # fmt: skip
    note = _draw_actions(project, asked, total)
    pages = -(-total // PAGE_FAILURES)
    page = st.pagination(pages, key=f"failures_page_{pages}") if pages > 1 else 1
    found = failed_reflections(project.store, PAGE_FAILURES, (page - 1) * PAGE_FAILURES)
    texts = beginnings(project.store, [failure.sample_id for failure in found])
    for failure in found:
        _draw_failure(project, asked, failure, texts[failure.sample_id].text, note)


def _draw_actions(project: Project, asked: Arguments, total: int) -> str:
    note = st.text_input("Note to the teacher", key="retry_note", persist_state="session",
                         placeholder="Keep the new instruction under 100 words.",
                         help="Goes to the teacher after what was wrong with its last reply.")  # fmt: skip
    with st.container(horizontal=True, vertical_alignment="center"), reporting():
        if st.button(f"Ask again for {counted(total, 'failed one')}", icon=":material/refresh:", key="retry_reflect",
                     disabled=_is_blocked(project, asked)):  # fmt: skip
            _retry(project, asked, note or "", [])
        if st.button("Read kept replies again", icon=":material/replay:", key="parse_again", disabled=not may_own(),
                     help="Makes no call. Of use after an update of srt."):  # fmt: skip
            require_owner()
            *_, last = PARSE_AGAIN.walk(project.store, {})
            st.toast(last.message)
        st.page_link(EXPLORE, label="Show their samples in Explore", icon=PAGES[EXPLORE][1],
                     query_params=address(problem="failed reflection"))  # fmt: skip
        if not is_complete(asked):
            st.caption("Name the teacher below to ask again.", width="content")
    return note or ""


def _is_blocked(project: Project, asked: Arguments) -> bool:
    return bool(project.jobs.running("reflect")) or not is_complete(asked) or not may_own()


def _retry(project: Project, asked: Arguments, note: str, only: list[str]) -> None:
    start(project, {**asked, "retry_failed": True, "note": note.strip(), "only": only})


def start(project: Project, asked: Arguments) -> None:
    """Start a run; what is wrong with what it is asked is said before anything is stored."""
    if not asked["arms"]:
        prepare(project.store, asked)
    project.start("reflect", asked)
    st.session_state.pop("trial", None)
    st.rerun()


def _draw_failure(project: Project, asked: Arguments, failure: Failure, text: str, note: str) -> None:
    label = f"**Sample {failure.seq}**, {ORIGIN_LABELS[failure.origin]}: {failure.reason.replace('_', ' ')}"
    with st.expander(f"{label} · {markdown(text)}"):
        st.text(failure.detail)
        with st.container(horizontal=True, vertical_alignment="center"):
            if st.button("Ask again", icon=":material/refresh:", key=f"retry_{failure.reflection_id}",
                         disabled=_is_blocked(project, asked)):  # fmt: skip
                try:
                    _retry(project, asked, note, [failure.sample_id])
                except TeacherError as error:
                    show_error(error)
            st.page_link(REVIEW, label="Repair in Review", icon=PAGES[REVIEW][1],
                         query_params=address(queue="failed", sample=failure.sample_id))  # fmt: skip
        if failure.raw:
            st.caption("Raw reply")
            draw_code(f"failure_{failure.reflection_id}", failure.raw)
