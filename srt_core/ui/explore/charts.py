"""The distributions of Explore: what is drawn is filtered by everything else, and a dragged box becomes the filter."""

from collections.abc import Mapping, Sequence
from functools import partial

import streamlit as st

from srt_core.records import Policy, counted
from srt_core.review.filter import facets
from srt_core.review.filter.filter import Filter, Range
from srt_core.review.verdicts import RANGES
from srt_core.score.scorings import COMPARED
from srt_core.select.policy import applied_policy, limits_on
from srt_core.ui.explore.figures import density, mark_selection, version_bars
from srt_core.ui.frame.charts import DOWNLOAD
from srt_core.ui.frame.filters import (
    WINNER,
    filter_from_address,
    owner_in_bar,
    range_of,
    with_range,
    write_filter,
)
from srt_core.ui.frame.navigation import address
from srt_core.ui.frame.page import acting
from srt_core.ui.frame.words import MEASURE_LABELS
from srt_core.ui.server.runtime import Project

BINS = 50
CHOICE_WIDTH = 150
CHART_WIDTH = 268
"""Pixels: three stand beside the choice of them where the window is 1440 wide."""
CHART_HEIGHT = 318

_HELP = (
    "Drag over a chart to filter the table. A range holds for the version that won, or for the version chosen under "
    "Filters. The charts span the middle 99 % of all versions; dashed lines are the limits."
)

Edges = Mapping[str, Sequence[float]]


def render_charts(project: Project, only: Filter) -> None:
    """Draw the chosen measures by version, and two of them against each other, of the filter's samples."""
    edges = {measure: facets.bin_edges(project.store, measure, BINS) for measure in RANGES}
    if not all(edges[measure] for measure in COMPARED):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption("No version has a score yet, so there is no distribution to draw.", width="content")
            st.page_link("pages/3_Score.py", label="Score", icon=":material/speed:", query_params=address())
        return
    _draw_all(project, only, {measure: ends for measure, ends in edges.items() if ends})


def _draw_all(project: Project, only: Filter, edges: Edges) -> None:
    policy = applied_policy(project.store)
    with st.container(horizontal=True, gap="small"):
        with st.container(width=CHOICE_WIDTH, gap="small"):
            shown, (x, y) = _choose(list(edges))
        for measure in shown:
            with st.container(width=CHART_WIDTH):
                _draw_histogram(project, only, measure, edges[measure], policy)
        with st.container(width=CHART_WIDTH):
            _draw_density(project, only, (x, y), edges, policy)


def _choose(measures: Sequence[str]) -> tuple[Sequence[str], tuple[str, str]]:
    """Let the curator choose which measures to draw, and the two axes of the density."""
    shown = st.pills("Distributions", measures, selection_mode="multi", default=list(COMPARED), key="charts_of",
                     format_func=MEASURE_LABELS.__getitem__, persist_state="session", help=_HELP)  # fmt: skip
    x, y = (
        st.selectbox(title, measures, measures.index(first), format_func=MEASURE_LABELS.__getitem__,
                     key=f"density_{name}", persist_state="session")
        for title, name, first in (("Density", "x", "ifd"), ("against", "y", "r_ifd"))
    )  # fmt: skip
    return [measure for measure in measures if measure in shown], (x, y)


def _draw_histogram(project: Project, only: Filter, measure: str, edges: Sequence[float], policy: Policy) -> None:
    label = MEASURE_LABELS[measure]
    owner, ends = range_of(only, measure)
    counts = facets.count_in_bins(project.store, measure, edges, with_range(only, measure, owner, None))
    shown = {origin: bins for origin, bins in counts.items() if any(bins)}
    st.markdown(f"**{label}, versions in each bin**")
    figure = version_bars(edges, shown, label, _limit(policy, measure, edges), _clip(ends, edges))
    key = f"explore_{measure}"
    total = sum(map(sum, shown.values()))
    said = f"Histogram of {label} by version, {counted(total, 'version')}"
    st.plotly_chart(figure, key=key, on_select=partial(_take_range, key, measure), selection_mode="box",
                    config=DOWNLOAD, alt=said)  # fmt: skip


def _draw_density(project: Project, only: Filter, axes: tuple[str, str], edges: Edges, policy: Policy) -> None:
    (x, y), (x_edges, y_edges) = axes, (edges[axis] for axis in axes)
    free = with_range(with_range(only, x, WINNER, None), y, WINNER, None)
    counts = facets.count_in_grid(project.store, x_edges, y_edges, free, x, y)
    x_title, y_title = (f"{MEASURE_LABELS[axis]} of the version that won" for axis in axes)
    figure = density(x_edges, y_edges, counts, x_title, y_title, _limit(policy, x, x_edges),
                     _limit(policy, y, y_edges))  # fmt: skip
    figure.update_layout(height=CHART_HEIGHT)
    st.markdown(f"**{MEASURE_LABELS[x]} and {MEASURE_LABELS[y]}, samples**")
    mark_selection(figure, _clip(_of_winner(only, x), x_edges), _clip(_of_winner(only, y), y_edges))
    st.plotly_chart(figure, key=f"explore_density|{x}|{y}", selection_mode="box", config=DOWNLOAD,
                    on_select=partial(_take_box, f"explore_density|{x}|{y}", axes),
                    alt=f"Samples by {x_title} and {y_title}, {sum(map(sum, counts)):,} samples")  # fmt: skip


@acting
def _take_range(key: str, measure: str) -> None:
    box = _dragged(key)
    if box:
        only = filter_from_address()
        owner, ends = range_of(only, measure)
        write_filter(with_range(only, measure, owner if ends else owner_in_bar(measure), box[0]))


@acting
def _take_box(key: str, axes: tuple[str, str]) -> None:
    box = _dragged(key)
    if box:
        only = with_range(filter_from_address(), axes[0], WINNER, box[0])
        write_filter(with_range(only, axes[1], WINNER, box[1]))


def _dragged(key: str) -> tuple[Range, Range] | None:
    """Read the ends of a dragged box; None where a selection was only taken back, as a new figure does by itself."""
    boxes = st.session_state[key]["selection"]["box"]
    if not boxes:
        return None
    x, y = (sorted(boxes[-1][axis]) for axis in ("x", "y"))
    return (round(x[0], 3), round(x[-1], 3)), (round(y[0], 3), round(y[-1], 3))


def _of_winner(only: Filter, measure: str) -> Range | None:
    owner, ends = range_of(only, measure)
    return ends if owner == WINNER else None


def _clip(ends: Range | None, edges: Sequence[float]) -> Range | None:
    return (max(ends[0], edges[0]), min(ends[1], edges[-1])) if ends else None


def _limit(policy: Policy, measure: str, edges: Sequence[float]) -> float | None:
    """Return the policy's limit on a measure, where there is one and the chart reaches it."""
    return next((limit for limit in limits_on(policy, measure) if edges[0] <= limit <= edges[-1]), None)
