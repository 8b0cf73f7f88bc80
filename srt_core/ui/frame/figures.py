"""Plotly figures from plain, already counted data. Nothing here holds a row of a data set.

One palette everywhere: the colours keep a contrast of 3:1 on a white and on a near-black page, and those of one chart
stay apart (a CIELAB distance of 20) for readers who lack one of the three cones; lines differ by dash, dots by shape
and bars by pattern as well. Fonts and backgrounds are the page's own.
"""

import html
import math
from bisect import bisect
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import plotly.graph_objects as go

from srt_core.methods import GUARDS, REASONS
from srt_core.records import Origin, Reason

TEACHER_COLOUR = "#8b5ac0"
STUDENT_COLOUR = "#236d58"
NEUTRAL_COLOUR = "#939393"
REFUSED_COLOUR = "#b44b31"

ORIGIN_COLOURS: Mapping[Origin, str] = {
    Origin.ORIGINAL: "#939393",
    Origin.RESPONSE: "#2a7fd4",
    Origin.INSTRUCTION: "#c97e1b",
    Origin.BOTH: "#a92d94",
}
ORIGIN_DASHES: Mapping[Origin, str] = {
    Origin.ORIGINAL: "solid",
    Origin.RESPONSE: "dash",
    Origin.INSTRUCTION: "dashdot",
    Origin.BOTH: "dot",
}
ORIGIN_SYMBOLS: Mapping[Origin, str] = {
    Origin.ORIGINAL: "circle",
    Origin.RESPONSE: "square",
    Origin.INSTRUCTION: "diamond",
    Origin.BOTH: "cross",
}
ORIGIN_PATTERNS: Mapping[Origin, str] = {
    Origin.ORIGINAL: "",
    Origin.RESPONSE: "/",
    Origin.INSTRUCTION: ".",
    Origin.BOTH: "x",
}
_WITHOUT = (Reason.UNSCORED, Reason.NOT_REFLECTED, Reason.REFLECTION_FAILED)
REASON_COLOURS: Mapping[str, str] = {
    reason: STUDENT_COLOUR if reason == Reason.KEPT else NEUTRAL_COLOUR if reason in _WITHOUT else REFUSED_COLOUR
    for reason in REASONS
}
"""By group: kept, refused by the rule, and without what the rule needs."""

_WORDS: Mapping[str, str] = {guard.reason: guard.reason_label for guard in GUARDS.values()}
_OUTCOME_ORDER: Sequence[str] = [*Origin, *REASONS]
_OUTCOME_COLOURS: Mapping[str, str] = dict([*ORIGIN_COLOURS.items(), *REASON_COLOURS.items()])
_STAGE_COLOURS: Mapping[str, str] = {"reflected": TEACHER_COLOUR, "scored": STUDENT_COLOUR}


_PEOPLE_COLOURS = (*ORIGIN_COLOURS.values(), STUDENT_COLOUR, REFUSED_COLOUR)
_PEOPLE_PATTERNS = ("", "/", "x", "-", ".", "|")

_CALL_COLOURS: Mapping[str, str] = {"accepted": TEACHER_COLOUR, "refused": REFUSED_COLOUR}


@dataclass(frozen=True, slots=True)
class StripRow:
    """The two scores of one candidate; None is no score. `is_picked` marks the rule's pick."""

    origin: Origin
    ifd: float | None
    r_ifd: float | None
    is_picked: bool = False


@dataclass(frozen=True, slots=True)
class IntervalPoint:
    """A share of `n` with the ends of its interval."""

    share: float
    low: float
    high: float
    n: int


def call_bars(outcomes: Sequence[tuple[str, str, int]]) -> go.Figure:
    """Draw how many calls came to what, a bar each.

    Args:
        outcomes: (status: accepted, refused or any other; the bar's label; calls), in the order of the bars.
    """
    total = sum(calls for *_, calls in outcomes)
    bars = go.Bar(
        orientation="h",
        x=[calls for *_, calls in outcomes],
        y=[label for _, label, _ in outcomes],
        text=[f"{calls:,}  {calls / total:.0%}" for *_, calls in outcomes],
        textposition="outside",
        marker_color=[_CALL_COLOURS.get(status, NEUTRAL_COLOUR) for status, *_ in outcomes],
        hovertemplate="%{y}: %{x:,}<extra></extra>",
        cliponaxis=False,
    )
    figure = _figure([bars], height=40 + 26 * len(outcomes))
    figure.update_layout(margin_r=80, margin_t=8)
    figure.update_xaxes(visible=False, rangemode="tozero")
    figure.update_yaxes(autorange="reversed", showgrid=False)
    return figure


def outcome_label(outcome: str) -> str:
    """Say an origin or a reason in words: `BELOW_TOP_SHARE` is "Below top share"."""
    return _WORDS.get(outcome, outcome.replace("_", " ").capitalize())


def funnel(stages: Sequence[tuple[str, int]]) -> go.Figure:
    """Draw how many samples reached each step, as bars from the top, each with its share of the first.

    Args:
        stages: (name of the step, samples), in the order of the steps.
    """
    total = stages[0][1] if stages else 0
    names = [name for name, _ in stages]
    counts = [count for _, count in stages]
    bars = go.Bar(
        orientation="h",
        x=counts,
        y=names,
        text=[f"{count:,}  {count / total:.0%}" if total else f"{count:,}" for count in counts],
        textposition="outside",
        marker_color=[_STAGE_COLOURS.get(name.lower(), NEUTRAL_COLOUR) for name in names],
        hovertemplate="%{y}: %{x:,}<extra></extra>",
        cliponaxis=False,
    )
    figure = _figure([bars], height=60 + 36 * len(stages))
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
    cut_label: str = "cut",
    log_counts: bool = False,
) -> go.Figure:
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
    figure = _figure(traces, height=280, dragmode="select", selectdirection="h", showlegend=len(shown) > 1)
    figure.update_xaxes(title_text=x_title)
    figure.update_yaxes(title_text="candidates", type="log" if log_counts else "linear")
    _mark_cut(figure, "x", cut, cut_label)
    return figure


def offer_clicks(figure: go.Figure, places: Sequence[float]) -> None:
    """Lay an unseen point over a histogram at each of these x, so that a click anywhere gives the nearest of them.

    The points alone answer the mouse, and say the counts of the bin that they are in: plotly takes a click for the
    trace that comes first under it.
    """
    lines = list(figure.data)
    highest = max((count for line in lines for count in line.y), default=1)
    points = _unseen(list(places), [highest / 2] * len(places), "set to %{x:.4~g}%{customdata}<extra></extra>")
    points.customdata = [_counts_at(lines, place) for place in places]
    for line in lines:
        line.update(hoverinfo="skip", hovertemplate=None)
    figure.add_trace(points)
    figure.update_layout(hovermode="x", dragmode="pan")
    figure.update_xaxes(fixedrange=True)
    figure.update_yaxes(fixedrange=True)


def _counts_at(lines: Sequence[go.Scatter], x: float) -> str:
    found = ((line.name, line.y[max(bisect(line.x, x) - 1, 0)]) for line in lines)
    return "".join(f"<br>{name}: {count:,}" for name, count in found)


def _unseen(x: Sequence[float], y: Sequence[float], hover: str) -> go.Scatter:
    hidden = {"marker": {"opacity": 0}}
    return go.Scatter(
        x=x, y=y, mode="markers", marker={"opacity": 0, "size": 12}, selected=hidden, unselected=hidden,
        showlegend=False, hovertemplate=hover,
    )  # fmt: skip


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
) -> go.Figure:
    """Draw a share for each pair of two dials' values, darker for more, with marks over it. A click gives a cell.

    Args:
        x: n values of one dial.
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
    heatmap = go.Heatmap(
        x=list(x),
        y=list(y),
        z=[list(row) for row in shares],
        zmin=ends[0],
        zmax=ends[1],
        colorscale=[[0, "rgba(35,109,88,0.08)"], [1, "rgba(35,109,88,1)"]],
        colorbar={"title": {"text": share}, "thickness": 12, "tickformat": ".0%"},
        hoverinfo="skip",
    )
    cells = _unseen(
        [across for _ in y for across in x],
        [up for up in y for _ in x],
        f"{x_title} %{{x:.4~g}}<br>{y_title} %{{y:.4~g}}<br>{share} %{{customdata:.1%}}<extra></extra>",
    )
    cells.customdata = [value for row in shares for value in row]
    figure = _figure([heatmap, *(_marked(mark) for mark in marks), cells], height=440, showlegend=bool(marks))
    figure.update_layout(hoverdistance=30)
    figure.update_xaxes(title_text=x_title, fixedrange=True, range=_around(x), showgrid=False)
    figure.update_yaxes(title_text=y_title, fixedrange=True, range=_around(y), showgrid=False)
    return figure


def _marked(mark: Mark) -> go.Scatter:
    return go.Scatter(
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


def kept_bars(names: Sequence[str], kept: Sequence[Mapping[Origin, int]]) -> go.Figure:
    """Draw what each policy keeps as one bar, a piece an origin, with the sum at its end.

    Args:
        names: what each policy is called, from the top.
        kept: samples by origin, for each policy.
    """
    traces: list[object] = [
        go.Bar(
            name=outcome_label(origin),
            orientation="h",
            x=[by_origin.get(origin, 0) for by_origin in kept],
            y=list(range(len(names))),
            customdata=list(names),
            marker={"color": ORIGIN_COLOURS[origin], "pattern": _pattern(origin)},
            hovertemplate=f"%{{customdata}}, {outcome_label(origin)}: %{{x:,}}<extra></extra>",
        )
        for origin in Origin
        if any(by_origin.get(origin, 0) for by_origin in kept)
    ]
    figure = _figure(traces, height=90 + 40 * len(names), barmode="stack", showlegend=True)
    for place, by_origin in enumerate(kept):
        total = sum(by_origin.values())
        figure.add_annotation(x=total, y=place, text=f" {total:,}", xanchor="left", showarrow=False)
    figure.update_layout(margin_r=70, legend_traceorder="normal")
    figure.update_xaxes(rangemode="tozero")
    _name_rows(figure, names)
    return figure


def _pattern(origin: Origin) -> dict[str, object]:
    return {"shape": ORIGIN_PATTERNS[origin], "fillmode": "overlay", "solidity": 0.15, "size": 7}


def interval_dots(names: Sequence[str], shares: Sequence[tuple[float, float, float] | None], x_title: str) -> go.Figure:
    """Draw a share of each policy as a dot with its interval; nothing where there is none.

    Args:
        names: what each policy is called, from the top.
        shares: (share, low, high) from 0 to 1, for each policy; None is no share.
        x_title: what is shared.
    """
    shown = [(place, found) for place, found in enumerate(shares) if found]
    dots = go.Scatter(
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
        customdata=[f"{low:.1%} to {high:.1%}" for _, (_, low, high) in shown],
        marker={"color": STUDENT_COLOUR, "size": 9},
        hovertemplate="%{x:.1%}, %{customdata}<extra></extra>",
    )
    figure = _figure([dots], height=90 + 40 * len(names))
    figure.update_xaxes(title_text=x_title, tickformat=".0%", range=[0, 1.02])
    _name_rows(figure, names)
    return figure


def _name_rows(figure: go.Figure, names: Sequence[str]) -> None:
    """Put names beside the rows 0, 1, ... from the top: two policies may have one name."""
    ticks = {"tickvals": list(range(len(names))), "ticktext": list(names)}
    figure.update_yaxes(**ticks, range=[len(names) - 0.5, -0.5], showgrid=False)


def density(
    x_edges: Sequence[float],
    y_edges: Sequence[float],
    counts: Sequence[Sequence[int]],
    x_title: str,
    y_title: str,
    x_cut: float | None = None,
    y_cut: float | None = None,
) -> go.Figure:
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
    heatmap = go.Heatmap(
        x=list(x_edges),
        y=list(y_edges),
        z=[[round(math.log10(count), 3) if count else None for count in row] for row in counts],
        customdata=[[count or None for count in row] for row in counts],
        colorscale=[[0, "rgba(35,109,88,0.2)"], [1, "rgba(35,109,88,1)"]],
        colorbar={"title": {"text": "samples"}, "thickness": 12, **_magnitude_ticks(counts)},
        hovertemplate=f"{x_title} %{{x:.3~r}}, {y_title} %{{y:.3~r}}: %{{customdata:,}}<extra></extra>",
        hoverongaps=False,
    )
    figure = _figure([heatmap], height=420, dragmode="select")
    figure.update_xaxes(title_text=x_title)
    figure.update_yaxes(title_text=y_title)
    _mark_cut(figure, "x", x_cut, "cut")
    _mark_cut(figure, "y", y_cut, "cut")
    return figure


def scatter(
    points: Mapping[Origin, Sequence[tuple[float, float]]], x_title: str, y_title: str, *, height: int = 420
) -> go.Figure:
    """Draw a dot a candidate, in the colour of its origin, with the line on which both numbers are the same.

    Args:
        points: the (x, y) of each candidate, by origin.
        x_title: name of the x axis.
        y_title: name of the y axis.
        height: in pixels.
    """
    shown = [origin for origin in Origin if points.get(origin)]
    figure = _figure([_dots(origin, points[origin]) for origin in shown], height=height, showlegend=True)
    figure.update_xaxes(title_text=x_title)
    figure.update_yaxes(title_text=y_title)
    numbers = [number for origin in shown for point in points[origin] for number in point]
    if numbers:
        mark_equal(figure, min(numbers), max(numbers))
    return figure


def mark_equal(figure: go.Figure, low: float, high: float) -> None:
    """Draw the line y = x from `low` to `high`."""
    line = {"color": NEUTRAL_COLOUR, "dash": "dash", "width": 1.5}
    figure.add_shape(type="line", line=line, x0=low, y0=low, x1=high, y1=high, xref="x", yref="y")


def mark_selection(
    figure: go.Figure, x: tuple[float, float] | None = None, y: tuple[float, float] | None = None
) -> None:
    """Shade the range of each axis that a filter holds; a box where it holds both."""
    if x is None and y is None:
        return
    ends = {
        **({"x0": x[0], "x1": x[1], "xref": "x"} if x else {"x0": 0, "x1": 1, "xref": "x domain"}),
        **({"y0": y[0], "y1": y[1], "yref": "y"} if y else {"y0": 0, "y1": 1, "yref": "y domain"}),
    }
    figure.add_shape(type="rect", fillcolor=NEUTRAL_COLOUR, opacity=0.2, line_width=0, layer="below", **ends)


def outcome_bars(
    before: Mapping[str, int],
    after: Mapping[str, int],
    *,
    labels: Mapping[str, str] | None = None,
    log_counts: bool = False,
) -> go.Figure:
    """Draw the count of each outcome before (hatched) and after (solid) a change of policy.

    Args:
        before: samples by outcome, an `Origin` that is kept or a `Reason` why nothing is; a missing one counts 0.
        after: the same under the new policy.
        labels: what each outcome is called; None for `outcome_label`.
        log_counts: draw counts on a logarithmic axis.
    """
    named = {**before, **after}
    said = labels or {outcome: outcome_label(outcome) for outcome in named}
    outcomes = [o for o in _OUTCOME_ORDER if o in named] + [o for o in named if o not in _OUTCOME_ORDER]
    traces = [
        go.Bar(
            name=name,
            orientation="h",
            x=[counts.get(outcome, 0) for outcome in outcomes],
            y=[said[outcome] for outcome in outcomes],
            text=[f"{counts.get(outcome, 0):,}" for outcome in outcomes],
            textposition="outside",
            marker={"color": [_OUTCOME_COLOURS.get(o, NEUTRAL_COLOUR) for o in outcomes], "pattern": {"shape": shape}},
            hovertemplate=f"%{{y}}, {name}: %{{x:,}}<extra></extra>",
            cliponaxis=False,
        )
        for name, counts, shape in (("before", before, "/"), ("after", after, ""))
    ]
    figure = _figure(traces, height=90 + 48 * len(outcomes), barmode="group", showlegend=True)
    figure.update_layout(margin_r=60)
    figure.update_xaxes(type="log" if log_counts else "linear", rangemode="tozero")
    figure.update_yaxes(autorange="reversed", showgrid=False)
    return figure


def activity_bars(counts: Sequence[tuple[date, str, int]], named: int = 5) -> go.Figure:
    """Draw what people did by day, a stacked bar a day.

    Args:
        counts: (day, person, actions), by day.
        named: how many people, those with the most actions, get a colour and a pattern; the rest is one group.
    """
    totals: Counter[str] = Counter()
    for _, person, events in counts:
        totals[person] += events
    shown = {person: html.escape(person, quote=False) for person, _ in totals.most_common(named)}
    grouped: dict[str, Counter[str]] = {name: Counter() for name in shown.values()}
    for day, person, events in counts:
        grouped.setdefault(shown.get(person, "(others)"), Counter())[day.isoformat()] += events
    bars = [
        go.Bar(
            x=list(days),
            y=list(days.values()),
            name=name,
            marker={"color": colour, "pattern": {"shape": pattern}},
            hovertemplate="%{x}: %{y:,}<extra>%{fullData.name}</extra>",
        )
        for (name, days), colour, pattern in zip(grouped.items(), _PEOPLE_COLOURS, _PEOPLE_PATTERNS, strict=False)
    ]
    figure = _figure(bars, barmode="stack", height=190, showlegend=True)
    days = sorted({day.isoformat() for day, *_ in counts})
    figure.update_xaxes(type="category", categoryorder="array", categoryarray=days, nticks=12, showgrid=False)
    figure.update_yaxes(nticks=4)
    return figure


def interval_points(labels: Sequence[str], series: Mapping[str, Sequence[IntervalPoint | None]]) -> go.Figure:
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
    figure = _figure(traces, height=260, showlegend=len(series) > 1, scattermode="group")
    figure.update_xaxes(type="category", categoryorder="array", categoryarray=list(labels), showgrid=False, tickangle=0)
    figure.update_yaxes(range=[-0.02, 1.02], tickformat=".0%")
    return figure


@dataclass(frozen=True, slots=True)
class CoverageRow:
    """A kind of sample: its name as plotly shows it, samples, those kept, and the share that another policy keeps."""

    name: str
    samples: int
    kept: int
    beside: float | None = None


def coverage_bars(rows: Sequence[CoverageRow], whole: float, beside: str = "") -> go.Figure:
    """Draw the share kept (solid) and dropped (hatched) of each kind as one bar, with a line at the whole set's.

    Args:
        rows: the kinds, in the order of the bars.
        whole: the share kept of the whole set, from 0 to 1.
        beside: the name of the policy whose shares are marked by diamonds; "" for none.
    """
    names = [row.name for row in rows]
    kept = [row.kept / row.samples if row.samples else 0.0 for row in rows]
    counts = [(row.kept, row.samples - row.kept) for row in rows]
    parts = (("kept", kept, STUDENT_COLOUR, ""), ("dropped", [1 - share for share in kept], REFUSED_COLOUR, "/"))
    traces: list[object] = [
        go.Bar(
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
            go.Scatter(name=beside, mode="markers", x=[row.beside for row in rows], y=names, marker=marks,
                       hovertemplate="%{y}: %{x:.0%}<extra></extra>")
        )  # fmt: skip
    figure = _figure(traces, height=92 + 16 * len(rows), barmode="stack", showlegend=True, bargap=0.25)
    figure.update_layout(legend_traceorder="normal", clickmode="event+select", dragmode=False)
    figure.update_xaxes(range=[0, 1], tickformat=".0%", fixedrange=True)
    figure.update_yaxes(autorange="reversed", showgrid=False, fixedrange=True)
    line = {"color": NEUTRAL_COLOUR, "dash": "dash", "width": 2}
    figure.add_shape(type="line", line=line, x0=whole, x1=whole, y0=0, y1=1, xref="x", yref="y domain")
    label = {"text": f"whole set {whole:.0%}", "showarrow": False, "yanchor": "bottom"}
    figure.add_annotation(label, x=whole, y=1, xref="x", yref="y domain")
    return figure


def score_strip(rows: Sequence[StripRow], max_ifd: float | None = None, max_r_ifd: float | None = None) -> go.Figure:
    """Draw IFD (left) and r-IFD (right) of a sample's candidates as small bars on one scale, ceilings marked.

    Args:
        rows: the candidates of one sample, in any order.
        max_ifd: the policy's ceiling; None where it is off.
        max_r_ifd: the same for r-IFD.
    """
    ordered = sorted(rows, key=lambda row: list(Origin).index(row.origin))
    scale = 1.1 * max(filter(None, [1.0, max_ifd, max_r_ifd, *(v for row in rows for v in (row.ifd, row.r_ifd))]))
    ifds, r_ifds = [row.ifd for row in ordered], [row.r_ifd for row in ordered]
    figure = _figure(
        [_score_bars("IFD", ordered, ifds, "x"), _score_bars("r-IFD", ordered, r_ifds, "x2")],
        height=80 + 26 * len(rows),
        xaxis={"domain": [0, 0.48], "range": [0, scale], "title": {"text": "IFD"}},
        xaxis2={"domain": [0.52, 1], "range": [0, scale], "title": {"text": "r-IFD"}},
    )
    figure.update_yaxes(autorange="reversed", showgrid=False)
    for axis, values, ceiling in (("x", ifds, max_ifd), ("x2", r_ifds, max_r_ifd)):
        _mark_missing(figure, ordered, values, axis)
        _mark_cut(figure, axis, ceiling, "ceiling")
    return figure


def _figure(traces: Sequence[object], **layout: object) -> go.Figure:
    """Put traces on the page's own background and fonts; plotly's own template is 6 kB of colours nobody sees."""
    figure = go.Figure(traces, layout={"template": go.layout.Template(), "showlegend": False, **layout})
    figure.update_layout(
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        margin={"l": 8, "r": 8, "t": 52 if figure.layout.showlegend else 28, "b": 8},
        legend={"orientation": "h", "x": 0, "y": 1, "yref": "container", "yanchor": "top"},
        hoverlabel={"align": "left"},
        newselection={"line": {"color": NEUTRAL_COLOUR}},
    )
    figure.update_xaxes(automargin=True, zeroline=False, gridcolor="rgba(128,128,128,0.2)")
    figure.update_yaxes(automargin=True, zeroline=False, gridcolor="rgba(128,128,128,0.2)")
    return figure


def _steps(origin: Origin, bins: Sequence[float], counts: Sequence[int]) -> go.Scatter:
    if len(counts) != len(bins) - 1:
        raise ValueError(f"{origin} has {len(counts)} counts for {len(bins) - 1} bins")
    return go.Scatter(
        name=outcome_label(origin),
        x=list(bins),
        y=[*counts, *counts[-1:]],
        customdata=[*bins[1:], *bins[-1:]],
        line={"shape": "hv", "width": 2, "color": ORIGIN_COLOURS[origin], "dash": ORIGIN_DASHES[origin]},
        mode="lines",
        hovertemplate="%{x:,.3~r} to %{customdata:,.3~r}: %{y:,}",
    )


def _dots(origin: Origin, points: Sequence[tuple[float, float]]) -> go.Scatter:
    return go.Scatter(
        name=outcome_label(origin),
        x=[x for x, _ in points],
        y=[y for _, y in points],
        mode="markers",
        marker={"color": ORIGIN_COLOURS[origin], "symbol": ORIGIN_SYMBOLS[origin], "size": 6, "opacity": 0.7},
        hovertemplate="%{x:.3f}, %{y:.3f}",
    )


def _intervals(
    name: str, labels: Sequence[str], points: Sequence[IntervalPoint | None], colour: str, symbol: str
) -> go.Scatter:
    shown = [(label, point) for label, point in zip(labels, points, strict=True) if point]
    return go.Scatter(
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


def _score_bars(measure: str, rows: Sequence[StripRow], values: Sequence[float | None], axis: str) -> go.Bar:
    return go.Bar(
        name=measure,
        orientation="h",
        xaxis=axis,
        x=list(values),
        y=[_strip_label(row) for row in rows],
        text=["" if value is None else f"{value:.2f}" for value in values],
        marker_color=[ORIGIN_COLOURS[row.origin] for row in rows],
        hovertemplate=f"%{{y}}, {measure} %{{x:.3f}}<extra></extra>",
    )


def _strip_label(row: StripRow) -> str:
    return outcome_label(row.origin) + (" ●" if row.is_picked else "")


def _mark_missing(figure: go.Figure, rows: Sequence[StripRow], values: Sequence[float | None], axis: str) -> None:
    """Say so where a candidate has no score: a bar of length 0 would look like the best one."""
    for row, value in zip(rows, values, strict=True):
        if value is None:
            place = {"x": 0, "xref": axis, "xanchor": "left", "y": _strip_label(row), "yref": "y"}
            figure.add_annotation(text="no score", showarrow=False, **place)


def _mark_cut(figure: go.Figure, axis: str, at: float | None, label: str) -> None:
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


def _magnitude_ticks(counts: Sequence[Sequence[int]]) -> dict[str, object]:
    """Label the colours of log10 counts with the counts themselves: 1, 10, 100, ..."""
    largest = max((count for row in counts for count in row), default=0)
    magnitudes = list(range(len(str(largest)))) if largest else []
    return {"tickvals": magnitudes, "ticktext": [f"{10**magnitude:,}" for magnitude in magnitudes]}
