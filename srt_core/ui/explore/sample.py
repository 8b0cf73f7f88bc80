"""One sample read in place: the rule's words, and its versions side by side as plain text."""

from collections.abc import Mapping

import streamlit as st

from srt_core.project.diff import plain_html
from srt_core.records import Candidate, LossStatus, Origin
from srt_core.reflect.outcomes import Failure
from srt_core.review.verdicts import Verdict
from srt_core.ui.frame.navigation import address
from srt_core.ui.frame.words import (
    ACTION_LABELS,
    MEASURE_HELP,
    ORIGIN_HELP,
    ORIGIN_LABELS,
    describe_rewrite,
    number,
)
from srt_core.ui.sample.long_texts import draw_code, offer_whole
from srt_core.ui.sample.summary import Sample, read_sample
from srt_core.ui.sample.texts import context_html, own_html, texts_of
from srt_core.ui.server.runtime import Project

_PARTS = ("instruction", "input", "response")


def render_sample(project: Project, name: str, view: Mapping[str, str]) -> None:
    """Draw a sample by its id; `view` is the filter it was found with, as query parameters."""
    sample = read_sample(project.store, name)
    with st.container(border=True):
        _draw_head(sample, name, view)
        most = offer_whole(name, *texts_of(*sample.candidates.values(), own=sample.own))
        if context := context_html(sample.candidates[Origin.ORIGINAL].pair.context, most):
            st.html(context)
        versions = list(sample.candidates.values())
        labels = [ORIGIN_LABELS[each.origin] for each in versions]
        pick = next((label for label, each in zip(labels, versions, strict=True) if sample.is_pick(each.origin)), None)
        for tab, candidate in zip(st.tabs(labels, default=pick), versions, strict=True):
            with tab:
                _draw_candidate(sample, candidate, most)
        if own := own_html(sample.own, most):
            st.html(own)
        for origin, failure in sample.failures.items():
            _draw_failure(origin, failure)


def _draw_head(sample: Sample, name: str, view: Mapping[str, str]) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**Sample {sample.verdict.seq:,}** · `{name}`", width="content")
        if decision := _decision(sample.verdict):
            st.text(decision, width="content")
        st.page_link("pages/6_Review.py", label="Open in Review", icon=":material/fact_check:",
                     query_params=address(queue="filter", sample=name, **view))  # fmt: skip
        st.page_link("pages/9_History.py", label="Its history", icon=":material/history:",
                     query_params=address(of_sample=name))  # fmt: skip
    st.text(" ".join(sample.walk()))
    if marks := sample.said_of_marks():
        st.text(f"Marks: {marks}")


def _decision(verdict: Verdict) -> str:
    """Say what stands decided and by whom; "" where nothing is."""
    if not verdict.action:
        return ""
    chosen = f": {ORIGIN_LABELS[verdict.origin]}" if verdict.approved and verdict.origin else ""
    return f"{ACTION_LABELS[verdict.action]}{chosen}, by {verdict.author}"


def _draw_candidate(sample: Sample, candidate: Candidate, most: int | None) -> None:
    origin, measures, status = candidate.origin, candidate.measures, candidate.status
    picked = " · the rule's pick" if sample.is_pick(origin) else ""
    st.markdown(f"**{ORIGIN_LABELS[origin]}**{picked}", help=ORIGIN_HELP[origin])
    scores = f"IFD {number(measures['ifd'], 3)} · r-IFD {number(measures['r_ifd'], 3)}"
    if status is None:
        scores = "Not scored yet"
    elif status is not LossStatus.OK:
        scores += f" · {status.replace('_', ' ')}"
    st.text(scores)
    if said := describe_rewrite(candidate):
        st.text(said, help=f"{MEASURE_HELP['drift']}\n\n{MEASURE_HELP['growth']}")
    if origin is not Origin.ORIGINAL:
        st.text(f"By {candidate.producer}")
    for part in _PARTS:
        if text := getattr(candidate.pair, part):
            st.caption(part.capitalize())
            with st.container(height=320 if len(text) > 800 else "content", border=False):
                st.html(plain_html(text, most))


def _draw_failure(origin: Origin, failure: Failure) -> None:
    with st.expander(f"Failed reflection: {ORIGIN_LABELS[origin]}", icon=":material/error:"):
        st.text(f"{failure.reason.replace('_', ' ').capitalize()}. {failure.detail}")
        if failure.raw:
            draw_code(f"failure_{failure.reflection_id}", failure.raw)
        else:
            st.caption("There is no reply to show.")
