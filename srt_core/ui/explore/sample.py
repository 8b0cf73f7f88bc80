"""One sample read in place: the rule's words, and its versions side by side as plain text."""

from collections.abc import Mapping

import streamlit as st

from srt_core.project.diff import plain_html
from srt_core.project.store import Row
from srt_core.records import Action, Origin
from srt_core.ui.frame.page import address
from srt_core.ui.frame.words import (
    ACTION_LABELS,
    MEASURE_HELP,
    ORIGIN_HELP,
    ORIGIN_LABELS,
    changed,
    number,
)
from srt_core.ui.sample.summary import Sample, read_sample
from srt_core.ui.server.runtime import Project

_PARTS = ("instruction", "input", "response")


def render_sample(project: Project, name: str, view: Mapping[str, str]) -> None:
    """Draw a sample by its id; `view` is the filter it was found with, as query parameters."""
    sample = read_sample(project.store, name)
    with st.container(border=True):
        _draw_head(sample, name, view)
        for column, (origin, row) in zip(st.columns(len(sample.candidates)), sample.candidates.items(), strict=True):
            with column:
                _draw_candidate(sample, origin, row)
        for origin, failure in sample.failures.items():
            _draw_failure(origin, failure)


def _draw_head(sample: Sample, name: str, view: Mapping[str, str]) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**Sample {sample.selection['seq']:,}** · `{name}`", width="content")
        if decision := _decision(sample.selection):
            st.text(decision, width="content")
        st.page_link("pages/6_Review.py", label="Open in Review", icon=":material/fact_check:",
                     query_params=address(queue="filter", sample=name, **view))  # fmt: skip
        st.page_link("pages/9_History.py", label="Its history", icon=":material/history:",
                     query_params=address(of_sample=name))  # fmt: skip
    st.text(" ".join(sample.walk()))


def _decision(row: Row) -> str:
    """Say what stands decided and by whom; "" where nothing is."""
    if not row["action"]:
        return ""
    chosen = f": {ORIGIN_LABELS[Origin(row['verdict_origin'])]}" if row["approved"] else ""
    return f"{ACTION_LABELS[Action(row['action'])]}{chosen}, by {row['author']}"


def _draw_candidate(sample: Sample, origin: Origin, row: Row) -> None:
    picked = " · the rule's pick" if sample.is_pick(origin) else ""
    st.markdown(f"**{ORIGIN_LABELS[origin]}**{picked}", help=ORIGIN_HELP[origin])
    scores = f"IFD {number(row['ifd'], 3)} · r-IFD {number(row['r_ifd'], 3)}"
    status = row["status"]
    if status is None:
        scores = "Not scored yet"
    elif status != "ok":
        scores += f" · {status.replace('_', ' ')}"
    st.text(scores)
    if said := changed(row):
        st.text(said, help=f"{MEASURE_HELP['drift']}\n\n{MEASURE_HELP['growth']}")
    if origin is not Origin.ORIGINAL:
        st.text(f"By {row['producer']}")
    for part in _PARTS:
        if row[part]:
            st.caption(part.capitalize())
            with st.container(height=320 if len(row[part]) > 800 else "content", border=False):
                st.html(plain_html(row[part]))


def _draw_failure(origin: Origin, failure: Row) -> None:
    with st.expander(f"Failed reflection: {ORIGIN_LABELS[origin]}", icon=":material/error:"):
        st.text(f"{failure['reason'].replace('_', ' ').capitalize()}. {failure['detail']}")
        if failure["raw"]:
            st.code(failure["raw"], language=None, wrap_lines=True)
        else:
            st.caption("There is no reply to show.")
