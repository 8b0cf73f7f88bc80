"""The charts of Explore, from counts and from small samples of dots."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from srt_core.records import ORIGIN_COLOURS, Origin
from srt_core.ui.frame.charts import Bar, Figure, Heatmap, Scatter, make_figure, mark_cut
from srt_core.ui.frame.palette import NEUTRAL_COLOUR, ORIGIN_SYMBOLS, REFUSED_COLOUR, STUDENT_COLOUR, TEACHER_COLOUR
from srt_core.ui.frame.words import ORIGIN_LABELS

FEW_COLOUR = "#8fd0b8"
"""Of a cell with one sample: it shows on a white page and on a dark one."""
ROW_PIXELS, HEAD_PIXELS = 46, 18
"""Of one version in a histogram, and of its name above it."""


def version_bars(
    bins: Sequence[float],
    counts: Mapping[Origin, Sequence[int]],
    x_title: str,
    limit: float | None = None,
    chosen: tuple[float, float] | None = None,
) -> Figure:
    """Draw one row of bars a version, over the same bins, so that none stands in front of another.

    Dragging selects a range of x.

    Args:
        bins: n + 1 ascending edges.
        counts: n counts for each version to show.
        x_title: what is counted, with its unit.
        limit: where a limit of the rule stands; None for none.
        chosen: the range that a filter holds, shaded; None for none.

    Raises:
        ValueError: if a version has not one count a bin.
    """
    shown = [origin for origin in Origin if origin in counts]
    if any(len(counts[origin]) != len(bins) - 1 for origin in shown):
        raise ValueError(f"each version must have {len(bins) - 1} counts")
    plot = max(1, len(shown)) * (ROW_PIXELS + HEAD_PIXELS)
    figure = make_figure([_bars(origin, place, bins, counts[origin]) for place, origin in enumerate(shown)])
    figure.update_layout(height=plot + 62, dragmode="select", selectdirection="h", bargap=0, margin={"t": 18, "b": 44})
    for place, origin in enumerate(shown):
        top = 1 - (place * (ROW_PIXELS + HEAD_PIXELS) + HEAD_PIXELS) / plot
        most = max((*counts[origin], 1))
        figure.update_layout({f"yaxis{place + 1}": {"domain": [top - ROW_PIXELS / plot, top], "range": [0, most],
                              "tickvals": [most], "tickformat": ",d", "anchor": "x", "fixedrange": True}})  # fmt: skip
        name = f"{ORIGIN_LABELS[origin]} · {sum(counts[origin]):,}"
        figure.add_annotation(text=name, x=0, xref="paper", y=top, yref="paper", xanchor="left", yanchor="bottom",
                              showarrow=False)  # fmt: skip
    figure.update_xaxes(title_text=x_title, anchor="free", position=0, range=[bins[0], bins[-1]])
    whole = {"xref": "x", "yref": "paper", "y0": 0, "y1": 1}
    if chosen:
        figure.add_shape(type="rect", fillcolor=NEUTRAL_COLOUR, opacity=0.25, line_width=0, layer="below",
                         x0=chosen[0], x1=chosen[1], **whole)  # fmt: skip
    if limit is not None:
        figure.add_shape(type="line", line={"color": NEUTRAL_COLOUR, "dash": "dash", "width": 2}, x0=limit, x1=limit,
                         **whole)  # fmt: skip
        figure.add_annotation(text=f"limit {limit:.3g}", x=limit, xref="x", y=1, yref="paper", yanchor="bottom",
                              showarrow=False)  # fmt: skip
    return figure


def _bars(origin: Origin, place: int, bins: Sequence[float], counts: Sequence[int]) -> Bar:
    return Bar(
        name=ORIGIN_LABELS[origin],
        x=[(low + high) / 2 for low, high in pairwise(bins)],
        width=[high - low for low, high in pairwise(bins)],
        y=list(counts),
        customdata=list(pairwise(bins)),
        marker={"color": ORIGIN_COLOURS[origin], "line": {"width": 0}},
        yaxis="y" if place == 0 else f"y{place + 1}",
        hovertemplate="%{customdata[0]:,.3~r} to %{customdata[1]:,.3~r}: %{y:,}",
    )


def density(
    x_edges: Sequence[float],
    y_edges: Sequence[float],
    counts: Sequence[Sequence[int]],
    x_title: str,
    y_title: str,
    x_cut: float | None = None,
    y_cut: float | None = None,
) -> Figure:
    """Draw counts over a grid, darker for more (by magnitude), empty cells blank. Dragging selects a box.

    Args:
        x_edges: n + 1 ascending edges.
        y_edges: m + 1 ascending edges.
        counts: m rows of n counts, the row of the lowest y first.
        x_title: name of the x axis.
        y_title: name of the y axis.
        x_cut: where a threshold on x stands; None for none.
        y_cut: where a threshold on y stands; None for none.

    Raises:
        ValueError: if the counts do not fit the edges.
    """
    if len(counts) != len(y_edges) - 1 or any(len(row) != len(x_edges) - 1 for row in counts):
        raise ValueError(f"counts must be {len(y_edges) - 1} rows of {len(x_edges) - 1}")
    heatmap = Heatmap(
        x=list(x_edges),
        y=list(y_edges),
        z=[[round(math.log10(count), 3) if count else None for count in row] for row in counts],
        customdata=[[count or None for count in row] for row in counts],
        colorscale=[[0, FEW_COLOUR], [1, STUDENT_COLOUR]],
        colorbar={"title": {"text": "samples"}, "thickness": 8, **_magnitude_ticks(counts)},
        hovertemplate=f"{x_title} %{{x:.3~r}}, {y_title} %{{y:.3~r}}: %{{customdata:,}}<extra></extra>",
        hoverongaps=False,
    )
    figure = make_figure([heatmap], height=420, dragmode="select")
    figure.update_xaxes(title_text=x_title)
    figure.update_yaxes(title_text=y_title)
    mark_cut(figure, "x", x_cut, "limit")
    mark_cut(figure, "y", y_cut, "limit")
    return figure


def _magnitude_ticks(counts: Sequence[Sequence[int]]) -> dict[str, object]:
    """Label the colours of log10 counts with the counts themselves: 1, 10, 100, ..."""
    largest = max((count for row in counts for count in row), default=0)
    magnitudes = list(range(len(str(largest)))) if largest else []
    return {"tickvals": magnitudes, "ticktext": [f"{10**magnitude:,}" for magnitude in magnitudes]}


def scatter(
    points: Mapping[Origin, Sequence[tuple[float, float]]], x_title: str, y_title: str, *, height: int = 420
) -> Figure:
    """Draw a dot a candidate, in the colour of its origin, with the line on which both numbers are the same.

    Args:
        points: the (x, y) of each candidate, by origin.
        x_title: name of the x axis.
        y_title: name of the y axis.
        height: in pixels.
    """
    shown = [origin for origin in Origin if points.get(origin)]
    figure = make_figure([_dots(origin, points[origin]) for origin in shown], height=height, showlegend=True)
    figure.update_xaxes(title_text=x_title)
    figure.update_yaxes(title_text=y_title)
    numbers = [number for origin in shown for point in points[origin] for number in point]
    if numbers:
        mark_equal(figure, min(numbers), max(numbers))
    return figure


def _dots(origin: Origin, points: Sequence[tuple[float, float]]) -> Scatter:
    return Scatter(
        name=ORIGIN_LABELS[origin],
        x=[x for x, _ in points],
        y=[y for _, y in points],
        mode="markers",
        marker={"color": ORIGIN_COLOURS[origin], "symbol": ORIGIN_SYMBOLS[origin], "size": 6, "opacity": 0.7},
        hovertemplate="%{x:.3f}, %{y:.3f}",
    )


def mark_equal(figure: Figure, low: float, high: float) -> None:
    """Draw the line y = x from `low` to `high`."""
    line = {"color": NEUTRAL_COLOUR, "dash": "dash", "width": 1.5}
    figure.add_shape(type="line", line=line, x0=low, y0=low, x1=high, y1=high, xref="x", yref="y")


def mark_selection(figure: Figure, x: tuple[float, float] | None = None, y: tuple[float, float] | None = None) -> None:
    """Shade the range of each axis that a filter holds; a box where it holds both."""
    if x is None and y is None:
        return
    ends = {
        **({"x0": x[0], "x1": x[1], "xref": "x"} if x else {"x0": 0, "x1": 1, "xref": "x domain"}),
        **({"y0": y[0], "y1": y[1], "yref": "y"} if y else {"y0": 0, "y1": 1, "yref": "y domain"}),
    }
    figure.add_shape(type="rect", fillcolor=NEUTRAL_COLOUR, opacity=0.2, line_width=0, layer="below", **ends)


@dataclass(frozen=True, slots=True)
class CoverageRow:
    """A kind of sample: its name as plotly shows it, samples, those kept, and the share that another policy keeps."""

    name: str
    samples: int
    kept: int
    beside: float | None = None


def coverage_bars(rows: Sequence[CoverageRow], whole: float, beside: str = "") -> Figure:
    """Draw the share kept (solid) and left out (hatched) of each kind as one bar, with a line at the whole set's.

    Args:
        rows: the kinds, in the order of the bars.
        whole: the share kept of the whole set, from 0 to 1.
        beside: the name of the policy whose shares are marked by diamonds; "" for none.
    """
    names = [row.name for row in rows]
    kept = [row.kept / row.samples if row.samples else 0.0 for row in rows]
    counts = [(row.kept, row.samples - row.kept) for row in rows]
    parts = (("kept", kept, STUDENT_COLOUR, ""), ("left out", [1 - share for share in kept], REFUSED_COLOUR, "/"))
    traces: list[object] = [
        Bar(
            name=name,
            orientation="h",
            x=shares,
            y=names,
            customdata=[number[place] for number in counts],
            marker={"color": colour, "opacity": 1 if name == "kept" else 0.55, "pattern": {"shape": shape}},
            hovertemplate=f"%{{y}}: %{{customdata:,}} {name}, %{{x:.0%}}<extra></extra>",
        )
        for place, (name, shares, colour, shape) in enumerate(parts)
    ]
    if beside:
        marks = {"symbol": "diamond", "size": 10, "color": TEACHER_COLOUR, "line": {"color": "white", "width": 1}}
        traces.append(
            Scatter(name=beside, mode="markers", x=[row.beside for row in rows], y=names, marker=marks,
                       hovertemplate="%{y}: %{x:.0%}<extra></extra>")
        )  # fmt: skip
    figure = make_figure(traces, height=92 + 16 * len(rows), barmode="stack", showlegend=True, bargap=0.25)
    figure.update_layout(legend_traceorder="normal", clickmode="event+select", dragmode=False)
    figure.update_xaxes(range=[0, 1], tickformat=".0%", fixedrange=True)
    figure.update_yaxes(autorange="reversed", showgrid=False, fixedrange=True)
    line = {"color": NEUTRAL_COLOUR, "dash": "dash", "width": 2}
    figure.add_shape(type="line", line=line, x0=whole, x1=whole, y0=0, y1=1, xref="x", yref="y domain")
    label = {"text": f"whole set {whole:.0%}", "showarrow": False, "yanchor": "bottom"}
    figure.add_annotation(label, x=whole, y=1, xref="x", yref="y domain")
    return figure
