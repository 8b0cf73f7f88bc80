"""The distributions of Explore: what is drawn is filtered by everything else, and a dragged box becomes the filter."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import streamlit as st

from srt_core import browse
from srt_core.browse import Filter, Range
from srt_core.figures import density, histogram, mark_selection
from srt_core.scorings import MEASURES
from srt_core.selection import applied_policy
from srt_core.ui.filters import MEASURE_LABELS, filter_from_address, owner_in_bar, range_of, with_range, write_filter
from srt_core.ui.page import acting, address
from srt_core.ui.runtime import Project

BINS = 50
CHART_WIDTH = 300
"""Pixels: three stand side by side where the window is wide enough."""
_CONFIG = {"displayModeBar": False}


def render_charts(project: Project, only: Filter) -> None:
    """Draw IFD and r-IFD by version, and both against each other, of the filter's samples."""
    edges = {measure: browse.bin_edges(project.store, measure, BINS) for measure in MEASURES}
    if not all(edges.values()):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption("No candidate has a score yet, so there is no distribution to draw.", width="content")
            st.page_link("pages/3_Score.py", label="Score", icon=":material/speed:", query_params=address())
        return
    with st.expander("Distributions", expanded=True, key="explore_charts", on_change="rerun") as shown:
        if not shown.open:
            return
        with st.container(horizontal=True):
            for measure in MEASURES:
                with st.container(width=CHART_WIDTH):
                    _draw_histogram(project, only, measure, edges[measure])
            with st.container(width=CHART_WIDTH):
                _draw_density(project, only, edges["ifd"], edges["r_ifd"])
        st.caption(
            "Drag over a chart to filter the table below. A range holds for the winner's score, or for the version "
            "chosen above under scores. The charts span the middle 99 % of all scores; dashed lines are the ceilings."
        )


def _draw_histogram(project: Project, only: Filter, measure: str, edges: Sequence[float]) -> None:
    label = MEASURE_LABELS[measure]
    owner, ends = range_of(only, measure)
    counts = browse.histogram(project.store, measure, edges, with_range(only, measure, owner, None))
    shown = {origin: bins for origin, bins in counts.items() if any(bins)}
    ceiling = applied_policy(project.store)
    figure = histogram(edges, shown, label, _within(getattr(ceiling, f"max_{measure}"), edges), cut_label="ceiling")
    mark_selection(figure, _clip(ends, edges))
    key = f"explore_{measure}"
    total = sum(map(sum, shown.values()))
    st.plotly_chart(figure, key=key, on_select=partial(_take_range, key, measure), selection_mode="box",
                    config=_CONFIG, alt=f"Histogram of {label} by version, {total:,} candidates")  # fmt: skip


def _draw_density(project: Project, only: Filter, x_edges: Sequence[float], y_edges: Sequence[float]) -> None:
    free = replace(only, ifd=None, r_ifd=None)
    counts = browse.density(project.store, x_edges, y_edges, free)
    policy = applied_policy(project.store)
    figure = density(x_edges, y_edges, counts, "IFD of the winner", "r-IFD of the winner",
                     _within(policy.max_ifd, x_edges), _within(policy.max_r_ifd, y_edges))  # fmt: skip
    figure.update_layout(height=280)
    figure.update_traces(showscale=False)
    mark_selection(figure, _clip(only.ifd, x_edges), _clip(only.r_ifd, y_edges))
    st.plotly_chart(figure, key="explore_density", on_select=partial(_take_box, "explore_density"),
                    selection_mode="box", config=_CONFIG,
                    alt=f"Samples by IFD and r-IFD of the winner, {sum(map(sum, counts)):,} samples")  # fmt: skip


@acting
def _take_range(key: str, measure: str) -> None:
    box = _dragged(key)
    if box:
        write_filter(with_range(filter_from_address(), measure, owner_in_bar(measure), box[0]))


@acting
def _take_box(key: str) -> None:
    box = _dragged(key)
    if box:
        only = with_range(filter_from_address(), "ifd", "winner", box[0])
        write_filter(with_range(only, "r_ifd", "winner", box[1]))


def _dragged(key: str) -> tuple[Range, Range] | None:
    """Read the ends of a dragged box; None where a selection was only taken back, as a new figure does by itself."""
    boxes = st.session_state[key]["selection"]["box"]
    if not boxes:
        return None
    x, y = (sorted(boxes[-1][axis]) for axis in ("x", "y"))
    return (round(x[0], 3), round(x[-1], 3)), (round(y[0], 3), round(y[-1], 3))


def _clip(ends: Range | None, edges: Sequence[float]) -> Range | None:
    return (max(ends[0], edges[0]), min(ends[1], edges[-1])) if ends else None


def _within(cut: float | None, edges: Sequence[float]) -> float | None:
    return cut if cut is not None and edges[0] <= cut <= edges[-1] else None
