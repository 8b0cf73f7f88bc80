"""The charts of policies beside each other: what several keep, and a share over two limits."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from srt_core.records import ORIGIN_COLOURS, Origin
from srt_core.ui.frame.charts import Bar, Figure, Heatmap, Scatter, make_figure, unseen_points
from srt_core.ui.frame.palette import ORIGIN_PATTERNS, STUDENT_COLOUR
from srt_core.ui.frame.words import ORIGIN_LABELS

FEW = 5
"""Samples below which an axis has a tick for each, since a part of a sample is none."""


def kept_bars(names: Sequence[str], kept: Sequence[Mapping[Origin, int]]) -> Figure:
    """Draw what each policy keeps as one bar, a piece an origin, with the sum at its end.

    Args:
        names: what each policy is called, from the top.
        kept: samples by origin, for each policy.
    """
    traces: list[object] = [
        Bar(
            name=ORIGIN_LABELS[origin],
            orientation="h",
            x=[by_origin.get(origin, 0) for by_origin in kept],
            y=list(range(len(names))),
            customdata=list(names),
            marker={"color": ORIGIN_COLOURS[origin], "pattern": _pattern(origin)},
            hovertemplate=f"%{{customdata}}, {ORIGIN_LABELS[origin]}: %{{x:,}}<extra></extra>",
        )
        for origin in Origin
        if any(by_origin.get(origin, 0) for by_origin in kept)
    ]
    figure = make_figure(traces, height=90 + 40 * len(names), barmode="stack", showlegend=True)
    for place, by_origin in enumerate(kept):
        total = sum(by_origin.values())
        figure.add_annotation(x=total, y=place, text=f" {total:,}", xanchor="left", showarrow=False)
    figure.update_layout(margin_r=70, legend_traceorder="normal")
    most = max((sum(by_origin.values()) for by_origin in kept), default=0)
    figure.update_xaxes(title_text="samples kept", rangemode="tozero", tickformat=",d", nticks=6)
    if most <= FEW:
        figure.update_xaxes(dtick=1)
    _name_rows(figure, names)
    return figure


def _pattern(origin: Origin) -> dict[str, object]:
    return {"shape": ORIGIN_PATTERNS[origin], "fillmode": "overlay", "solidity": 0.15, "size": 7}


def interval_dots(names: Sequence[str], shares: Sequence[tuple[float, float, float] | None], x_title: str) -> Figure:
    """Draw a share of each policy as a dot with its interval; nothing where there is none.

    Args:
        names: what each policy is called, from the top.
        shares: (share, low, high) from 0 to 1, for each policy; None is no share.
        x_title: what is shared.
    """
    shown = [(place, found) for place, found in enumerate(shares) if found]
    dots = Scatter(
        x=[share for _, (share, _, _) in shown],
        y=[place for place, _ in shown],
        error_x={
            "array": [high - share for _, (share, _, high) in shown],
            "arrayminus": [share - low for _, (share, low, _) in shown],
            "thickness": 2,
        },
        mode="markers+text",
        text=[f"{share:.1%}" for _, (share, _, _) in shown],
        textposition="top center",
        cliponaxis=False,
        customdata=[f"{low:.1%} to {high:.1%}" for _, (_, low, high) in shown],
        marker={"color": STUDENT_COLOUR, "size": 9},
        hovertemplate="%{x:.1%}, %{customdata}<extra></extra>",
    )
    figure = make_figure([dots], height=90 + 40 * len(names))
    figure.update_xaxes(title_text=x_title, tickformat=".0%", range=[0, 1.02])
    _name_rows(figure, names)
    return figure


def _name_rows(figure: Figure, names: Sequence[str]) -> None:
    """Put names beside the rows 0, 1, ... from the top: two policies may have one name."""
    ticks = {"tickvals": list(range(len(names))), "ticktext": list(names)}
    figure.update_yaxes(**ticks, range=[len(names) - 0.5, -0.5], showgrid=False)


_SHARES = ((0, "#e4f3ec"), (0.5, "#5fae95"), (1, "#0d4636"))


@dataclass(frozen=True, slots=True)
class Mark:
    """A place on a map, with the name that stands in its legend."""

    name: str
    x: float
    y: float
    symbol: str


def outcome_heatmap(
    x: Sequence[float],
    y: Sequence[float],
    shares: Sequence[Sequence[float | None]],
    titles: tuple[str, str, str],
    marks: Sequence[Mark],
) -> Figure:
    """Draw a share for each pair of two limits' values, darker for more, with marks over it. A click gives a cell.

    Args:
        x: n values of one limit.
        y: m values of the other.
        shares: m rows of n shares from 0 to 1, the row of the lowest y first; None is no share.
        titles: names of the x axis, the y axis and the share.
        marks: where a policy stands, drawn where it is within the map.

    Raises:
        ValueError: if the shares do not fit the values.
    """
    if len(shares) != len(y) or any(len(row) != len(x) for row in shares):
        raise ValueError(f"shares must be {len(y)} rows of {len(x)}")
    x_title, y_title, share = titles
    known = [value for row in shares for value in row if value is not None]
    ends = (min(known), max(known)) if len(set(known)) > 1 else (0.0, 1.0)
    heatmap = Heatmap(
        x=list(x),
        y=list(y),
        z=[list(row) for row in shares],
        zmin=ends[0],
        zmax=ends[1],
        colorscale=list(map(list, _SHARES)),  # opaque, so that the least is seen on a dark page
        colorbar={"title": {"text": share}, "thickness": 12, "tickformat": ".0%"},
        hoverinfo="skip",
    )
    cells = unseen_points(
        [across for _ in y for across in x],
        [up for up in y for _ in x],
        f"{x_title} %{{x:.4~g}}<br>{y_title} %{{y:.4~g}}<br>{share} %{{customdata:.1%}}<extra></extra>",
    )
    cells.customdata = [value for row in shares for value in row]
    figure = make_figure([heatmap, *(_marked(mark) for mark in marks), cells], height=440, showlegend=bool(marks))
    figure.update_layout(hoverdistance=30)
    figure.update_xaxes(title_text=x_title, fixedrange=True, range=_around(x), showgrid=False)
    figure.update_yaxes(title_text=y_title, fixedrange=True, range=_around(y), showgrid=False)
    return figure


def _marked(mark: Mark) -> Scatter:
    return Scatter(
        name=mark.name,
        x=[mark.x],
        y=[mark.y],
        mode="markers",
        marker={"symbol": mark.symbol, "size": 15, "color": "#ffffff", "line": {"width": 2, "color": "#1a1a1a"}},
        hoverinfo="skip",
    )


def _around(values: Sequence[float]) -> list[float]:
    """Return the ends of an axis whose outer cells are whole."""
    first, last = (values[1] - values[0], values[-1] - values[-2]) if len(values) > 1 else (1.0, 1.0)
    return [values[0] - first / 2, values[-1] + last / 2]
