"""The chart of a limit: how the versions are spread over what it looks at, one below the other, and where it stands."""

from bisect import bisect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from srt_core.records import ORIGIN_COLOURS, Origin
from srt_core.ui.frame.charts import Bar, Figure, Scatter, make_figure, unseen_points
from srt_core.ui.frame.palette import NEUTRAL_COLOUR
from srt_core.ui.frame.words import ORIGIN_LABELS

PASSES = Literal["above", "below"]
_LEFT_OUT = 0.35
"""How solid a bar is that the limit leaves out."""
_TITLE, _NAME, _AXIS = 30, 20, 48
"""Pixels: of the title, of a version's name above its bars, of the axis below."""


@dataclass(frozen=True, slots=True)
class Line:
    """Where a limit stands, what it is called, and which side of it passes."""

    at: float
    label: str
    passes: PASSES


def spread_by_version(
    edges: Sequence[float],
    counts: Mapping[Origin, Sequence[int]],
    *,
    title: str,
    x_title: str,
    line: Line | None,
    height: int,
) -> Figure:
    """Draw a histogram a version, one below the other over the same axes; paler is what the limit leaves out.

    Args:
        edges: n + 1 ascending edges.
        counts: n counts for each version that is drawn.
        title: what the chart is of.
        x_title: what is measured, with its unit.
        line: the limit; None for none, as where it is off.
        height: in pixels.

    Raises:
        ValueError: if a version has not one count a bin.
    """
    shown = [origin for origin in Origin if origin in counts]
    if any(len(counts[origin]) != len(edges) - 1 for origin in shown):
        raise ValueError(f"each version must have {len(edges) - 1} counts")
    highest = max((count for origin in shown for count in counts[origin]), default=0)
    traces = [_bars(origin, edges, counts[origin], place, line) for place, origin in enumerate(shown, start=1)]
    figure = make_figure(traces, height=height, bargap=0, barmode="overlay")
    figure.update_layout(
        margin={"t": _TITLE, "l": 8, "r": 8, "b": 8},
        title={"text": f"<b>{title}</b>", "x": 0, "xanchor": "left", "y": 1, "yref": "container", "yanchor": "top",
               "pad": {"t": 6, "l": 4}, "font": {"size": 14}},
        xaxis={"anchor": f"y{len(shown)}", "title": {"text": x_title, "standoff": 6}},
    )  # fmt: skip
    each, name_height = 1 / len(shown), _NAME / max(height - _TITLE - _AXIS, 1)
    for place, origin in enumerate(shown, start=1):
        top = 1 - (place - 1) * each
        domain = [max(top - each, 0), top - name_height]
        axis = {"domain": domain, "range": [0, highest * 1.08 or 1], "nticks": 3, "tickformat": ",d",
                "fixedrange": True, "automargin": True, "gridcolor": "rgba(128,128,128,0.2)", "zeroline": True,
                "zerolinecolor": "rgba(128,128,128,0.5)", **_whole(highest)}  # fmt: skip
        figure.update_layout({f"yaxis{place}": axis})
        figure.add_annotation(
            text=f"<b>{ORIGIN_LABELS[origin]}</b>, n = {sum(counts[origin]):,}", x=0, xref="x domain",
            xanchor="left", y=domain[1], yref="paper", yanchor="bottom", showarrow=False,
            font={"color": ORIGIN_COLOURS[origin], "size": 12},
        )  # fmt: skip
    if line:
        dash = {"color": NEUTRAL_COLOUR, "dash": "dash", "width": 2}
        figure.add_shape(type="line", line=dash, x0=line.at, x1=line.at, y0=0, y1=1, xref="x", yref="paper")
        is_right = edges[0] + (edges[-1] - edges[0]) / 2 < line.at
        figure.add_annotation(
            text=line.label,
            x=line.at,
            xref="x",
            y=1 - name_height,
            yref="paper",
            yanchor="bottom",
            xanchor="right" if is_right else "left",
            showarrow=False,
        )
    return figure


def _whole(highest: int) -> dict[str, object]:
    """Keep the ticks of small counts whole."""
    return {"dtick": 1} if 0 < highest <= 2 else {"dtick": 2} if highest <= 5 else {}


def _bars(origin: Origin, edges: Sequence[float], counts: Sequence[int], place: int, line: Line | None) -> Bar:
    middles = [(low + high) / 2 for low, high in zip(edges, edges[1:], strict=False)]
    passing = [line is None or (middle > line.at) == (line.passes == "above") for middle in middles]
    return Bar(
        name=ORIGIN_LABELS[origin],
        x=middles,
        y=list(counts),
        width=[high - low for low, high in zip(edges, edges[1:], strict=False)],
        yaxis=f"y{place}",
        customdata=[[low, high] for low, high in zip(edges, edges[1:], strict=False)],
        marker={"color": ORIGIN_COLOURS[origin], "opacity": [1 if each else _LEFT_OUT for each in passing],
                "line": {"width": 0}},
        hovertemplate="%{customdata[0]:,.3~r} to %{customdata[1]:,.3~r}: %{y:,}",
    )  # fmt: skip


def offer_clicks(figure: Figure, places: Sequence[float]) -> None:
    """Lay unseen points over each histogram at these x, so that a click anywhere gives the nearest of them.

    The points alone answer the mouse, and say the counts of the bin that they are in: plotly takes a click for the
    trace that comes first under it.
    """
    bars = list(figure.data)
    for bar in bars:
        bar.update(hoverinfo="skip", hovertemplate=None)
    for bar in bars:
        top = max(bar.y, default=1) / 2
        points = unseen_points(list(places), [top] * len(places), "set to %{x:.4~g}%{customdata}<extra></extra>")
        points.update(customdata=[_count_at(bar, place) for place in places], yaxis=bar.yaxis)
        figure.add_trace(points)
    figure.update_layout(hovermode="x", dragmode="pan")
    figure.update_xaxes(fixedrange=True)


def _count_at(bar: Scatter, x: float) -> str:
    place = bisect([low for low, _ in bar.customdata], x) - 1
    return f"<br>{bar.name}: {bar.y[max(place, 0)]:,}"
