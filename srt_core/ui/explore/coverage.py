"""Coverage on Explore: how much of each kind of sample the policy keeps; a click filters the table to that kind."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from html import escape
from typing import Any

import streamlit as st

from srt_core.importing.grouping import count_unknown
from srt_core.review.filter.facets import choices
from srt_core.review.filter.filter import Filter
from srt_core.select.compare.coverage import GROUPINGS, Coverage, Covered, band_of, coverage
from srt_core.select.policy import applied_policy, find_policy, saved_policies
from srt_core.steps.kinds import KINDS
from srt_core.ui.explore.figures import CoverageRow, coverage_bars
from srt_core.ui.frame.charts import DOWNLOAD
from srt_core.ui.frame.filters import filter_from_address, write_filter
from srt_core.ui.frame.page import acting, reporting
from srt_core.ui.frame.progress import job_panel
from srt_core.ui.server.identity import may_own
from srt_core.ui.server.runtime import Project

BARS = 12
"""Kinds that are drawn; the table beside holds them all."""
POINTED_OUT = 5
TABLE_HEIGHT = 248
CHOICE_WIDTH, CHART_WIDTH, TABLE_WIDTH = 176, 300, 420
"""Pixels: side by side where the window is 1440 wide."""
GROUPING_LABELS: Mapping[str, str] = {
    "task": "Task", "length": "Length of the original", "language": "Language", "cluster": "Subject",
}  # fmt: skip
_NO_POLICY = ""


def render_coverage(project: Project, only: Filter) -> None:
    """Draw the coverage of the policy in use, and of another one beside it where the curator asks for that."""
    with reporting():
        _draw(project, only)


def _draw(project: Project, only: Filter) -> None:
    job_panel(project, KINDS.name)
    words = st.container()
    with st.container(horizontal=True, gap="small"):
        with st.container(width=CHOICE_WIDTH):
            grouping, beside = _choose(project)
        other = find_policy(project.store, beside) if beside else None
        found = coverage(project.store, grouping, other)
        said = choices(project.store, "cluster") if grouping == "cluster" else {}
        names = [name_kind(grouping, kind, said) for kind in found.kinds]
        if all(kind.kind is None for kind in found.kinds):
            st.markdown("No sample is grouped this way yet. **Find kinds and subjects** does it for all of them.")
            return
        with words:
            _draw_words(project, found, names)
        _draw_both(found, names, grouping, only, beside)


def _choose(project: Project) -> tuple[str, str]:
    """Let the curator choose the grouping and the policy beside ("" for none)."""
    grouping = st.selectbox("Coverage by", GROUPINGS, key="coverage_by", format_func=GROUPING_LABELS.__getitem__,
                            persist_state="session", help="Over all samples, whatever the filter.")  # fmt: skip
    beside = st.selectbox("Beside the policy in use", [_NO_POLICY, *saved_policies(project.store)],
                          key="coverage_beside", format_func=lambda name: name or "None", persist_state="session",
                          help="A preset or a saved policy, to see what it would keep.")  # fmt: skip
    _draw_start(project)
    return grouping, beside


def _draw_start(project: Project) -> None:
    unknown = count_unknown(project.store)
    is_grouped = bool(choices(project.store, "cluster"))
    label = "Group again" if is_grouped and not unknown else "Find kinds and subjects"
    st.button(label, icon=":material/category:", key="coverage_start", on_click=_start, args=(project,),
              type="secondary" if is_grouped and not unknown else "primary",
              disabled=bool(project.jobs.running(KINDS.name)) or not may_own(),
              help="An owner may find task and language of samples that have none yet, and group all by subject. "
                   "A million take some minutes; everything else goes on meanwhile.")  # fmt: skip


@acting
def _start(project: Project) -> None:
    project.start(KINDS.name, {})


def name_kind(grouping: str, kind: Covered, said: Mapping[str, str]) -> str:
    """Say a kind. A subject's words are of the data set: never markdown."""
    if kind.kind is None:
        return "Not grouped yet" if grouping == "cluster" else "Not found yet"
    if grouping == "length":
        low, high = band_of(kind.kind)
        return f"{low:,} to {high:,} characters" if high is not None else f"{low:,} characters and more"
    if grouping == "cluster":
        return f"{kind.kind}: {said.get(kind.kind, '')}"
    return kind.kind if grouping == "language" else kind.kind.capitalize()


def _draw_words(project: Project, found: Coverage, names: Sequence[str]) -> None:
    whole = found.whole
    said = (
        f"{applied_policy(project.store).name} keeps {whole.kept:,} of {whole.samples:,} samples ({whole.share:.0%})."
    )
    by_kind = dict(zip(found.kinds, names, strict=True))
    thin = found.thin
    if thin:
        listed = "; ".join(f"{by_kind[kind]}: {kind.share:.0%} kept" for kind in thin[:POINTED_OUT])
        more = f"; and {len(thin) - POINTED_OUT} more" if len(thin) > POINTED_OUT else ""
        said += f"\nKept far less than the rest: {listed}{more}. The whole set: {whole.share:.0%}."
    st.text(said)


def _draw_both(found: Coverage, names: Sequence[str], grouping: str, only: Filter, beside: str) -> None:
    key = f"coverage|{grouping}|{beside}|{hash(only)}"  # of this filter: a click is taken once
    kinds = [kind.kind for kind in found.kinds]
    rows = [
        CoverageRow(escape(name, quote=False), kind.samples, kind.kept, kind.share_beside)
        for name, kind in list(zip(names, found.kinds, strict=True))[:BARS]
    ]
    with st.container(width=CHART_WIDTH):
        st.plotly_chart(
            coverage_bars(rows, found.whole.share, escape(beside, quote=False)), key=f"{key}|bars",
            on_select=partial(_take_bar, f"{key}|bars", grouping, kinds), selection_mode="points",
            config=DOWNLOAD,
            alt=f"Share kept of each of {len(rows)} kinds; the whole set {found.whole.share:.0%}",
        )  # fmt: skip
    with st.container(width=TABLE_WIDTH, gap="small"):
        st.dataframe(
            [_cells(name, kind, found.whole) for name, kind in zip(names, found.kinds, strict=True)],
            key=f"{key}|rows", hide_index=True, height=min(TABLE_HEIGHT, 38 + 35 * len(kinds)),
            on_select=partial(_take_row, f"{key}|rows", grouping, kinds), selection_mode="single-row",
            column_config=_columns(bool(beside)), alt="How much is kept of each kind, one row each",
        )  # fmt: skip
        st.caption("A row or a bar shows its samples. Kinds of fewer than 20 come last.")


def _cells(name: str, kind: Covered, whole: Covered) -> dict[str, object]:
    beside = kind.share_beside
    return {
        "kind": name,
        "samples": kind.samples,
        "kept": kind.kept,
        "dropped": kind.samples - kind.kept,
        "share": 100 * kind.share,
        "apart": 100 * (kind.share - whole.share),
        "beside": None if beside is None else 100 * beside,
    }


def _columns(is_beside: bool) -> dict[str, Any]:
    number = st.column_config.NumberColumn
    shown: dict[str, Any] = {
        "kind": st.column_config.TextColumn("Kind", width=110),
        "samples": number("Samples", format="localized", width=62),
        "kept": number("Kept", format="localized", width=46),
        "dropped": number("Left out", format="localized", width=62),
        "share": number("Share", format="%.0f %%", width=48, help="Share kept."),
        "apart": number("Apart", format="%+.0f", width=48, help="Percentage points above or below the whole set."),
        "beside": number("Beside", format="%.0f %%", width=70, help="Share kept under the policy set beside."),
    }
    return shown if is_beside else {**shown, "beside": None}


@acting
def _take_bar(key: str, grouping: str, kinds: Sequence[str | None]) -> None:
    points = st.session_state[key]["selection"]["points"]
    if points and 0 <= points[0]["point_index"] < len(kinds):
        _take(grouping, kinds[points[0]["point_index"]])


@acting
def _take_row(key: str, grouping: str, kinds: Sequence[str | None]) -> None:
    rows = st.session_state[key]["selection"]["rows"]
    if rows and rows[0] < len(kinds):
        _take(grouping, kinds[rows[0]])


def _take(grouping: str, kind: str | None) -> None:
    """Filter to a kind, beside what the filter asks for already; what was not found yet has no filter."""
    if kind is None:
        return
    only = filter_from_address()
    if grouping == "length":
        low, high = band_of(kind)
        write_filter(replace(only, characters=(float(low), math.inf if high is None else float(high))))
    elif grouping == "task":
        write_filter(replace(only, task=(kind,)))
    elif grouping == "language":
        write_filter(replace(only, language=(kind,)))
    else:
        write_filter(replace(only, cluster=(kind,)))
