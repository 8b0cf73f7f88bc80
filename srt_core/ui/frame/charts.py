"""What the pages' charts are made of; it alone imports plotly. Nothing here holds a row of a data set.

A page's own charts are in its folder, in `figures`, and take plotly's pieces from here. Fonts and backgrounds are the
page's own.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

# plotly looks these two up among the loaded modules, and would use one that a job's thread has half loaded.
import numpy as np  # noqa: F401
import pandas as pd  # type: ignore[import-untyped]  # noqa: F401
from plotly.graph_objects import Bar, Figure, Heatmap, Scatter
from plotly.graph_objs.layout import Template

from srt_core.records import ORIGIN_COLOURS, Origin
from srt_core.ui.frame.palette import NEUTRAL_COLOUR, ORIGIN_DASHES, STUDENT_COLOUR, TEACHER_COLOUR
from srt_core.ui.frame.words import ORIGIN_LABELS

__all__ = [
    "DOWNLOAD",
    "Bar",
    "Figure",
    "Heatmap",
    "IntervalPoint",
    "Scatter",
    "count_bars",
    "histogram",
    "interval_points",
    "make_figure",
    "mark_cut",
    "unseen_points",
]

DOWNLOAD: dict[str, Any] = {
    "displayModeBar": True,
    "modeBarButtons": [["toImage"]],
    "displaylogo": False,
    "toImageButtonOptions": {"format": "png", "scale": 2, "filename": "srt"},
}
"""The settings of a chart with one button: its download as a picture."""


DOWNLOAD = {"displaylogo": False, "modeBarButtons": [["toImage"]]}
"""The config of a chart that is looked at: under the mouse it offers to be saved as a picture, and nothing else."""


def make_figure(traces: Sequence[object], **layout: object) -> Figure:
    """Put traces on the page's own background and fonts; plotly's own template is 6 kB of colours nobody sees."""
    figure = Figure(traces, layout={"template": Template(), "showlegend": False, **layout})
    figure.update_layout(
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        margin={"l": 8, "r": 8, "t": 52 if figure.layout.showlegend else 28, "b": 8},
        legend={"orientation": "h", "x": 0, "y": 1, "yref": "container", "yanchor": "top"},
        hoverlabel={"align": "left"},
        newselection={"line": {"color": NEUTRAL_COLOUR}},
        modebar={"bgcolor": "rgba(0,0,0,0)", "color": NEUTRAL_COLOUR, "activecolor": STUDENT_COLOUR},
    )
    figure.update_xaxes(automargin=True, zeroline=False, gridcolor="rgba(128,128,128,0.2)")
    figure.update_yaxes(automargin=True, zeroline=False, gridcolor="rgba(128,128,128,0.2)")
    return figure


def count_bars(bars: Sequence[tuple[str, int, str]], of: int, *, height: int) -> Figure:
    """Draw counts as bars from the top, each with its share of a whole.

    Args:
        bars: (name, count, colour), in the order of the bars.
        of: the whole; 0 for no shares.
        height: in pixels.
    """
    drawn = Bar(
        orientation="h",
        x=[count for _, count, _ in bars],
        y=[name for name, *_ in bars],
        text=[f"{count:,}  {count / of:.0%}" if of else f"{count:,}" for _, count, _ in bars],
        textposition="outside",
        marker_color=[colour for *_, colour in bars],
        hovertemplate="%{y}: %{x:,}<extra></extra>",
        cliponaxis=False,
    )
    figure = make_figure([drawn], height=height)
    figure.update_layout(margin_r=80)
    figure.update_xaxes(visible=False, rangemode="tozero")
    figure.update_yaxes(autorange="reversed", showgrid=False)
    return figure


def histogram(
    bins: Sequence[float],
    counts_by_origin: Mapping[Origin, Sequence[int]],
    x_title: str,
    cut: float | None = None,
    *,
    cut_label: str = "limit",
    log_counts: bool = False,
) -> Figure:
    """Draw one step line an origin over shared bins. Dragging selects a range of x.

    Args:
        bins: n + 1 ascending edges.
        counts_by_origin: n counts for each origin to show.
        x_title: what is counted, with its unit.
        cut: where a threshold stands, drawn as a labelled line; None for none.
        cut_label: what the line is called, before its value.
        log_counts: draw counts on a logarithmic axis.

    Raises:
        ValueError: if an origin has not one count a bin.
    """
    shown = [origin for origin in Origin if origin in counts_by_origin]
    traces = [_steps(origin, bins, counts_by_origin[origin]) for origin in shown]
    figure = make_figure(traces, height=280, dragmode="select", selectdirection="h", showlegend=len(shown) > 1)
    figure.update_xaxes(title_text=x_title)
    figure.update_yaxes(title_text="versions", tickformat=",d", type="log" if log_counts else "linear")
    mark_cut(figure, "x", cut, cut_label)
    return figure


def _steps(origin: Origin, bins: Sequence[float], counts: Sequence[int]) -> Scatter:
    if len(counts) != len(bins) - 1:
        raise ValueError(f"{origin} has {len(counts)} counts for {len(bins) - 1} bins")
    return Scatter(
        name=ORIGIN_LABELS[origin],
        x=list(bins),
        y=[*counts, *counts[-1:]],
        customdata=[*bins[1:], *bins[-1:]],
        line={"shape": "hv", "width": 2, "color": ORIGIN_COLOURS[origin], "dash": ORIGIN_DASHES[origin]},
        mode="lines",
        hovertemplate="%{x:,.3~r} to %{customdata:,.3~r}: %{y:,}",
    )


@dataclass(frozen=True, slots=True)
class IntervalPoint:
    """A share of `n` with the ends of its interval."""

    share: float
    low: float
    high: float
    n: int


def interval_points(labels: Sequence[str], series: Mapping[str, Sequence[IntervalPoint | None]]) -> Figure:
    """Draw shares as points with the bars of their intervals, from 0 to 100 %.

    Args:
        labels: what each place along x is.
        series: by name, a point a label; None where there is no share.

    Raises:
        ValueError: if a series has not one point a label.
    """
    if any(len(points) != len(labels) for points in series.values()):
        raise ValueError(f"each series must have {len(labels)} points")
    looks = zip(series.items(), (STUDENT_COLOUR, TEACHER_COLOUR), ("circle", "diamond"), strict=False)
    traces = [_intervals(name, labels, points, colour, symbol) for (name, points), colour, symbol in looks]
    figure = make_figure(traces, height=260, showlegend=len(series) > 1, scattermode="group")
    figure.update_xaxes(type="category", categoryorder="array", categoryarray=list(labels), showgrid=False, tickangle=0)
    figure.update_yaxes(range=[-0.02, 1.02], tickformat=".0%")
    return figure


def _intervals(
    name: str, labels: Sequence[str], points: Sequence[IntervalPoint | None], colour: str, symbol: str
) -> Scatter:
    shown = [(label, point) for label, point in zip(labels, points, strict=True) if point]
    return Scatter(
        name=name,
        x=[label for label, _ in shown],
        y=[point.share for _, point in shown],
        customdata=[[point.low, point.high, point.n] for _, point in shown],
        error_y={
            "array": [point.high - point.share for _, point in shown],
            "arrayminus": [point.share - point.low for _, point in shown],
            "width": 5,
            "thickness": 1.5,
        },
        mode="markers",
        marker={"color": colour, "symbol": symbol, "size": 9},
        hovertemplate="%{x}: %{y:.1%} (%{customdata[0]:.1%} to %{customdata[1]:.1%}) of %{customdata[2]:,}",
    )


def unseen_points(x: Sequence[float], y: Sequence[float], hover: str) -> Scatter:
    """Return points that are not drawn and answer the mouse, each with what it says under it."""
    hidden = {"marker": {"opacity": 0}}
    return Scatter(
        x=x, y=y, mode="markers", marker={"opacity": 0, "size": 12}, selected=hidden, unselected=hidden,
        showlegend=False, hovertemplate=hover,
    )  # fmt: skip


def mark_cut(figure: Figure, axis: str, at: float | None, label: str) -> None:
    """Draw a threshold as a dashed line across the plot, named with its value."""
    if at is None:
        return
    line = {"color": NEUTRAL_COLOUR, "dash": "dash", "width": 2}
    name = {"text": f"{label} {at:.3g}", "showarrow": False, "yanchor": "bottom"}
    if axis == "y":
        figure.add_shape(type="line", line=line, y0=at, y1=at, x0=0, x1=1, yref="y", xref="x domain")
        figure.add_annotation(name, y=at, x=1, yref="y", xref="x domain", xanchor="right")
    else:
        figure.add_shape(type="line", line=line, x0=at, x1=at, y0=0, y1=1, xref=axis, yref="y domain")
        figure.add_annotation(name, x=at, y=1, xref=axis, yref="y domain")
