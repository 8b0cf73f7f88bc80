"""The figures show the numbers they are given, in one palette and one order."""

import json
import math
from collections.abc import Sequence
from datetime import date
from itertools import combinations, pairwise
from operator import mul
from typing import Any

import plotly.graph_objects as go
import pytest

from srt_core.methods import GUARDS, REASONS
from srt_core.records import ORIGIN_COLOURS, REVIEWER_COLOUR, Origin, Reason
from srt_core.ui.compare.figures import Mark, interval_dots, kept_bars, outcome_heatmap
from srt_core.ui.explore.figures import density, mark_equal, mark_selection, scatter, version_bars
from srt_core.ui.frame.charts import IntervalPoint, count_bars, histogram, interval_points
from srt_core.ui.frame.palette import (
    NEUTRAL_COLOUR,
    ORIGIN_DASHES,
    ORIGIN_PATTERNS,
    ORIGIN_SYMBOLS,
    REASON_COLOURS,
    REFUSED_COLOUR,
    STUDENT_COLOUR,
    TEACHER_COLOUR,
)
from srt_core.ui.history.figures import activity_bars
from srt_core.ui.thresholds.figures import Line, offer_clicks, spread_by_version

ALL_COLOURS = {
    *ORIGIN_COLOURS.values(),
    TEACHER_COLOUR,
    STUDENT_COLOUR,
    REFUSED_COLOUR,
    NEUTRAL_COLOUR,
    REVIEWER_COLOUR,
}


def layout_of(figure: go.Figure) -> dict[str, Any]:
    """The layout as the browser gets it."""
    layout: dict[str, Any] = json.loads(figure.to_json())["layout"]
    return layout


def annotations_of(figure: go.Figure) -> list[str]:
    return [annotation["text"] for annotation in layout_of(figure).get("annotations", [])]


def luminance(colour: str) -> float:
    """Relative luminance of #rrggbb (WCAG 2)."""
    channels = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("colour", sorted(ALL_COLOURS))
def test_every_colour_is_seen_on_a_light_and_on_a_dark_page(colour: str) -> None:
    """Graphics keep a contrast of 3:1 (WCAG 1.4.11) on white and on Streamlit's dark background."""
    assert 1.05 / (luminance(colour) + 0.05) >= 3
    assert (luminance(colour) + 0.05) / (luminance("#0e1117") + 0.05) >= 3


# How #rrggbb in linear light is seen without one kind of cone (Machado, Oliveira and Fernandes, 2009, severity 1).
CONES = {
    "all": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "protanopia": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "deuteranopia": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.01182, 0.04294, 0.968881)),
    "tritanopia": ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.3039)),
}
# Colours that stand side by side in one chart: outcomes, steps of the funnel, calls.
CHARTS = (
    (*ORIGIN_COLOURS.values(), REFUSED_COLOUR),
    (TEACHER_COLOUR, STUDENT_COLOUR, NEUTRAL_COLOUR),
    (TEACHER_COLOUR, REFUSED_COLOUR, NEUTRAL_COLOUR),
)


def lab(colour: str, cones: Sequence[Sequence[float]]) -> list[float]:
    """CIELAB (D65) of #rrggbb as seen with these cones."""
    channels = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    light = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    red, green, blue = (min(1, max(0, sum(map(mul, row, light)))) for row in cones)
    xyz = (
        (0.4124564 * red + 0.3575761 * green + 0.1804375 * blue) / 0.95047,
        0.2126729 * red + 0.7151522 * green + 0.072175 * blue,
        (0.0193339 * red + 0.119192 * green + 0.9503041 * blue) / 1.08883,
    )
    x, y, z = (c ** (1 / 3) if c > 216 / 24389 else (24389 / 27 * c + 16) / 116 for c in xyz)
    return [116 * y - 16, 500 * (x - y), 200 * (y - z)]


@pytest.mark.parametrize("cones", list(CONES))
@pytest.mark.parametrize(("one", "other"), sorted({pair for chart in CHARTS for pair in combinations(chart, 2)}))
def test_colours_of_one_chart_are_told_apart_by_the_colour_blind(one: str, other: str, cones: str) -> None:
    """Whichever cone is missing, two colours of a chart lie 20 apart in CIELAB (2.3 is just noticeable)."""
    assert math.dist(lab(one, CONES[cones]), lab(other, CONES[cones])) >= 20


def test_every_origin_has_its_own_colour_and_dash() -> None:
    """Origins differ in colour, and where lines cross in dash, where dots mix in shape, where bars touch in pattern."""
    for own in (ORIGIN_COLOURS, ORIGIN_DASHES, ORIGIN_SYMBOLS, ORIGIN_PATTERNS):
        assert len(set(own.values())) == len(Origin)


def test_reasons_are_coloured_by_group() -> None:
    """What the rule refused shares one colour, what it could not judge another."""
    groups = {colour: {r for r in REASONS if REASON_COLOURS[r] == colour} for colour in REASON_COLOURS.values()}
    assert groups == {
        STUDENT_COLOUR: {Reason.KEPT},
        REFUSED_COLOUR: {
            Reason.NOT_IMPROVED, Reason.BELOW_TOP_SHARE, Reason.BELOW_DIVERSE_SHARE,
            *(guard.reason for guard in GUARDS.values()),
        },
        NEUTRAL_COLOUR: {Reason.UNSCORED, Reason.NOT_REFLECTED, Reason.REFLECTION_FAILED},
    }  # fmt: skip


def test_bars_of_counts_keep_the_order_and_show_shares_of_the_whole() -> None:
    """A bar a count, top to bottom, with its number and its share."""
    figure = count_bars([("Imported", 64, NEUTRAL_COLOUR), ("Scored", 16, STUDENT_COLOUR)], 64, height=90)
    (bars,) = figure.data
    assert (bars.y, bars.x) == (("Imported", "Scored"), (64, 16))
    assert bars.text == ("64  100%", "16  25%")
    assert bars.marker.color == (NEUTRAL_COLOUR, STUDENT_COLOUR)
    assert layout_of(figure)["yaxis"]["autorange"] == "reversed"


@pytest.mark.parametrize("bars", [[], [("Imported", 0, NEUTRAL_COLOUR)]])
def test_bars_of_nothing_have_no_share(bars: list[tuple[str, int, str]]) -> None:
    """A whole of 0 is no division by zero."""
    assert [str(text) for bar in count_bars(bars, 0, height=90).data for text in bar.text or ()] == ["0"] * len(bars)


def test_histogram_draws_each_bin_as_a_step_in_the_order_of_origins() -> None:
    """A step runs from edge to edge at the height of its count, whatever order the counts came in."""
    figure = histogram([0.0, 0.5, 1.0], {Origin.INSTRUCTION: [3, 4], Origin.ORIGINAL: [1, 2]}, "IFD")
    assert [trace.name for trace in figure.data] == ["Original", "Instruction"]
    assert [trace.line.color for trace in figure.data] == [
        ORIGIN_COLOURS[Origin.ORIGINAL],
        ORIGIN_COLOURS[Origin.INSTRUCTION],
    ]
    original = figure.data[0]
    assert (original.x, original.y, original.line.shape) == ((0.0, 0.5, 1.0), (1, 2, 2), "hv")
    assert (layout_of(figure)["dragmode"], layout_of(figure)["selectdirection"]) == ("select", "h")


def test_versions_have_a_row_of_bars_each() -> None:
    """Bars of versions stand in rows of their own over the same bins, in their colours; counts are whole."""
    bars = {Origin.INSTRUCTION: [3, 4], Origin.ORIGINAL: [1, 0]}
    figure = version_bars([0.0, 0.5, 1.0], bars, "IFD", limit=0.75, chosen=(0.1, 0.2))
    assert [(trace.name, trace.y, trace.yaxis) for trace in figure.data] == [
        ("Original", (1, 0), "y"), ("Instruction", (3, 4), "y2"),
    ]  # fmt: skip
    assert [trace.marker.color for trace in figure.data] == [ORIGIN_COLOURS[each] for each in reversed(bars)]
    layout = layout_of(figure)
    upper, lower = layout["yaxis"]["domain"], layout["yaxis2"]["domain"]
    assert 0 <= lower[0] < lower[1] < upper[0] < upper[1] <= 1
    assert (layout["yaxis"]["tickvals"], layout["yaxis2"]["tickvals"]) == ([1], [4])
    assert annotations_of(figure) == ["Original · 1", "Instruction · 7", "limit 0.75"]
    assert [(shape["x0"], shape["x1"]) for shape in layout["shapes"]] == [(0.1, 0.2), (0.75, 0.75)]
    with pytest.raises(ValueError, match="1 counts"):
        version_bars([0.0, 1.0], {Origin.BOTH: [1, 2]}, "IFD")


def test_histogram_marks_the_cut_with_its_value() -> None:
    """The threshold is a line at its value with the value beside it; without one there is no line."""
    counts = {Origin.ORIGINAL: [1, 2]}
    layout = layout_of(histogram([0.0, 0.5, 1.0], counts, "IFD", 0.85, cut_label="ceiling", log_counts=True))
    assert [(shape["x0"], shape["x1"]) for shape in layout["shapes"]] == [(0.85, 0.85)]
    assert [note["text"] for note in layout["annotations"]] == ["ceiling 0.85"]
    assert layout["yaxis"]["type"] == "log"
    assert "shapes" not in layout_of(histogram([0.0, 0.5, 1.0], counts, "IFD"))


def test_counts_that_do_not_fit_the_edges_are_refused() -> None:
    """A histogram or a grid with a count too many or too few is a mistake of the caller."""
    with pytest.raises(ValueError, match="2 counts for 1 bins"):
        histogram([0.0, 1.0], {Origin.BOTH: [1, 2]}, "IFD")
    with pytest.raises(ValueError, match="2 rows of 1"):
        density([0.0, 1.0], [0.0, 0.5, 1.0], [[1]], "IFD", "r-IFD")


def test_density_leaves_empty_cells_blank_and_shades_by_magnitude() -> None:
    """An empty cell has no colour; a cell of 1 differs from it; hover and legend speak in counts."""
    figure = density([0, 1, 2], [0, 1], [[0, 100]], "IFD", "r-IFD", x_cut=1.5, y_cut=0.5)
    (heatmap,) = figure.data
    assert [list(row) for row in heatmap.z] == [[None, 2.0]]
    assert [list(row) for row in heatmap.customdata] == [[None, 100]]
    assert heatmap.colorbar.ticktext == ("1", "10", "100")
    layout = layout_of(figure)
    assert layout["dragmode"] == "select"
    assert [(s["x0"], s["y0"]) for s in layout["shapes"]] == [(1.5, 0), (0, 0.5)]


def test_a_grid_of_ten_thousand_cells_stays_small() -> None:
    """What goes to the browser is the bins, not the rows: 100 x 100 cells take less than 200 kB."""
    edges = [step / 100 for step in range(101)]
    figure = density(edges, edges, [[x * y for x in range(100)] for y in range(100)], "IFD", "r-IFD")
    assert len(figure.to_json()) < 200_000


def test_a_limit_is_drawn_over_a_histogram_a_version() -> None:
    """Versions stand one below the other over the same axes, in order; what is left out is paler, counts are whole."""
    counts = {Origin.BOTH: [2, 2], Origin.ORIGINAL: [1, 5]}
    line = Line(0.5, "limit 0.5", "below")
    figure = spread_by_version([0.0, 0.5, 1.0], counts, title="Highest IFD", x_title="IFD", line=line, height=300)
    original, both = figure.data
    assert (original.name, original.x, original.y) == ("Original", (0.25, 0.75), (1, 5))
    assert (both.name, both.marker.color) == ("Both", ORIGIN_COLOURS[Origin.BOTH])
    assert original.marker.opacity == both.marker.opacity == (1, 0.35)
    layout = layout_of(figure)
    assert (layout["title"]["text"], layout["xaxis"]["title"]["text"]) == ("<b>Highest IFD</b>", "IFD")
    first, second = layout["yaxis"], layout["yaxis2"]
    assert first["domain"][0] >= second["domain"][1], "no version stands over another"
    assert first["range"] == second["range"], "heights mean the same"
    assert (first["dtick"], first["tickformat"]) == (2, ",d")
    assert [shape["x0"] for shape in layout["shapes"]] == [0.5]
    assert annotations_of(figure) == ["<b>Original</b>, n = 6", "<b>Both</b>, n = 4", "limit 0.5"]
    assert not layout["showlegend"]
    above = spread_by_version([0.0, 0.5, 1.0], counts, title="t", x_title="x", line=Line(0.5, "l", "above"), height=300)
    assert above.data[0].marker.opacity == (0.35, 1)
    off = spread_by_version([0.0, 0.5, 1.0], counts, title="t", x_title="x", line=None, height=300)
    assert (off.data[0].marker.opacity, "shapes" in layout_of(off)) == ((1, 1), False)
    with pytest.raises(ValueError, match="2 counts"):
        spread_by_version([0.0, 0.5, 1.0], {Origin.BOTH: [1]}, title="t", x_title="x", line=None, height=300)


def test_figures_take_the_look_of_the_page() -> None:
    """Backgrounds are transparent and no font is set, so that both themes show through."""
    layout = layout_of(count_bars([("Imported", 1, NEUTRAL_COLOUR)], 1, height=90))
    assert layout["paper_bgcolor"] == layout["plot_bgcolor"] == "rgba(0,0,0,0)"
    assert "font" not in layout
    assert len(json.dumps(layout["template"])) < 200


@pytest.mark.parametrize(
    ("x", "y", "ends"),
    [
        ((0.2, 0.4), None, {"x0": 0.2, "x1": 0.4, "y0": 0, "y1": 1, "xref": "x", "yref": "y domain"}),
        ((0.2, 0.4), (0.5, 0.9), {"x0": 0.2, "x1": 0.4, "y0": 0.5, "y1": 0.9, "xref": "x", "yref": "y"}),
    ],
)
def test_a_range_in_the_filter_is_shaded(
    x: tuple[float, float], y: tuple[float, float] | None, ends: dict[str, object]
) -> None:
    """A range spans the plot in the direction that it leaves open."""
    figure = histogram([0, 1], {Origin.ORIGINAL: [1]}, "IFD")
    mark_selection(figure, x, y)
    shape = layout_of(figure)["shapes"][0]
    assert {name: shape[name] for name in ends} == ends


def test_no_range_is_no_shade() -> None:
    """Without a range nothing is drawn over the chart."""
    figure = histogram([0, 1], {Origin.ORIGINAL: [1]}, "IFD")
    mark_selection(figure)
    assert "shapes" not in layout_of(figure)


def test_a_scatter_has_a_dot_a_candidate_in_the_colour_of_its_origin() -> None:
    """Origins stand in their usual order, those without a candidate not at all; the axes name what they measure."""
    figure = scatter(
        {Origin.BOTH: [(0.5, 0.7)], Origin.ORIGINAL: [(0.2, 0.3), (0.4, 0.1)], Origin.RESPONSE: []}, "A", "B"
    )
    original, both = figure.data
    assert (original.name, original.x, original.y) == ("Original", (0.2, 0.4), (0.3, 0.1))
    assert (both.name, both.marker.color) == ("Both", ORIGIN_COLOURS[Origin.BOTH])
    layout = layout_of(figure)
    assert (layout["xaxis"]["title"]["text"], layout["yaxis"]["title"]["text"]) == ("A", "B")


def test_a_scatter_marks_where_both_say_the_same() -> None:
    """The line y = x goes from the lowest to the highest number, in the neutral colour; without dots there is none."""
    (line,) = layout_of(scatter({Origin.BOTH: [(0.5, 0.7), (0.2, 0.6)]}, "A", "B"))["shapes"]
    assert (line["x0"], line["y0"], line["x1"], line["y1"]) == (0.2, 0.2, 0.7, 0.7)
    assert line["line"]["color"] == NEUTRAL_COLOUR
    assert "shapes" not in layout_of(scatter({}, "A", "B"))


def test_the_line_of_equal_numbers_can_stand_on_a_grid() -> None:
    """Many candidates are drawn as counts, with the same line."""
    figure = density([0, 1], [0, 1], [[1]], "A", "B")
    mark_equal(figure, 0, 1)
    (line,) = layout_of(figure)["shapes"]
    assert (line["x0"], line["y0"], line["x1"], line["y1"]) == (0, 0, 1, 1)


def test_activity_has_a_row_a_person_to_one_scale_and_the_rest_in_one() -> None:
    """People stand by how much they did, each in a row of their own over the same days; names are no markup."""
    first, second = date(2026, 5, 1), date(2026, 5, 2)
    counts = [(first, "<b>Ann</b>", 5), (second, "Ben", 9), (second, "Cy", 1), (second, "Dee", 2)]
    figure = activity_bars(counts, named=2)
    bars = [(bar.name, list(bar.x), list(bar.y), bar.yaxis) for bar in figure.data]
    assert bars == [
        ("Ben", ["2026-05-02"], [9], "y"),
        ("&lt;b&gt;Ann&lt;/b&gt;", ["2026-05-01"], [5], "y2"),
        ("(others)", ["2026-05-02"], [3], "y3"),
    ]
    axes = [layout_of(figure)[name] for name in ("yaxis", "yaxis2", "yaxis3")]
    assert len({tuple(axis["range"]) for axis in axes}) == 1
    assert [axis["title"]["text"] for axis in axes] == ["Ben", "&lt;b&gt;Ann&lt;/b&gt;", "(others)"]
    assert all(upper["domain"][0] > lower["domain"][1] for upper, lower in pairwise(axes))
    assert {axis["tickformat"] for axis in axes} == {",d"}


def test_intervals_are_bars_around_their_share() -> None:
    """A point stands at its share with a bar to each end; a place without a share stays empty, series stand apart."""
    points = [IntervalPoint(0.5, 0.25, 0.875, 8), None]
    figure = interval_points(["near", "far"], {"all": points, "drawn": [None, None]})
    first = figure.data[0]
    assert (list(first.x), list(first.y)) == (["near"], [0.5])
    assert (list(first.error_y.array), list(first.error_y.arrayminus)) == ([0.375], [0.25])
    assert list(figure.layout.xaxis.categoryarray) == ["near", "far"]
    assert (
        len({trace.marker.symbol for trace in figure.data}) == len({trace.marker.color for trace in figure.data}) == 2
    )
    assert len(figure.data[1].x) == 0
    with pytest.raises(ValueError, match="2 points"):
        interval_points(["near", "far"], {"all": points[:1]})


def test_a_click_on_a_histogram_gives_a_value_of_the_limit() -> None:
    """In each version's part an unseen point stands at each value and says the count there; the bars stay."""
    counts = {Origin.ORIGINAL: [1, 6], Origin.BOTH: [2, 2]}
    figure = spread_by_version([0.0, 0.5, 1.0], counts, title="t", x_title="x", line=None, height=300)
    offer_clicks(figure, [0.0, 0.25, 0.5])
    original, both, points, more = figure.data
    assert [(each.name, each.hoverinfo) for each in (original, both)] == [("Original", "skip"), ("Both", "skip")]
    assert (points.x, points.y, points.marker.opacity) == ((0.0, 0.25, 0.5), (3, 3, 3), 0)
    assert (points.selected.marker.opacity, points.unselected.marker.opacity, points.showlegend) == (0, 0, False)
    assert points.customdata == ("<br>Original: 1", "<br>Original: 1", "<br>Original: 6")
    assert (more.customdata[0], more.yaxis) == ("<br>Both: 2", both.yaxis)
    assert layout_of(figure)["hovermode"] == "x"


def test_a_map_has_a_cell_for_each_pair_of_values_and_marks_over_it() -> None:
    """Shares stand row by row from the lowest y; a cell's point carries its share; a cell without one has none."""
    mark = Mark("in use", 0.5, 2.0, "x")
    figure = outcome_heatmap([0.0, 0.5], [1.0, 2.0], [[0.1, 0.2], [None, 0.4]], ("a", "b", "kept"), [mark])
    heatmap, marked, cells = figure.data
    assert list(heatmap.z) == [[0.1, 0.2], [None, 0.4]]
    assert (marked.name, marked.x, marked.y, marked.marker.symbol) == ("in use", (0.5,), (2.0,), "x")
    assert list(zip(cells.x, cells.y, cells.customdata, strict=True)) == [
        (0.0, 1.0, 0.1), (0.5, 1.0, 0.2), (0.0, 2.0, None), (0.5, 2.0, 0.4),
    ]  # fmt: skip
    assert layout_of(figure)["xaxis"]["range"] == [-0.25, 0.75]
    with pytest.raises(ValueError, match="2 rows of 2"):
        outcome_heatmap([0.0, 0.5], [1.0, 2.0], [[0.1, 0.2]], ("a", "b", "kept"), [])


def test_what_policies_keep_is_a_bar_each_with_a_piece_an_origin() -> None:
    """Pieces add up to the number at the end of the bar; two policies of one name are two bars."""
    figure = kept_bars(["one", "one"], [{Origin.ORIGINAL: 2, Origin.BOTH: 3}, {Origin.BOTH: 4}])
    assert [(trace.name, trace.x) for trace in figure.data] == [("Original", (2, 0)), ("Both", (3, 4))]
    assert annotations_of(figure) == [" 5", " 4"]
    assert layout_of(figure)["yaxis"]["ticktext"] == ["one", "one"]


def test_a_share_is_a_dot_with_its_interval() -> None:
    """The bars beside a dot reach to the ends of its interval; a policy without a share has no dot."""
    (dots,) = interval_dots(["a", "b", "c"], [(0.5, 0.375, 0.75), None, (1.0, 0.75, 1.0)], "share").data
    assert (dots.x, dots.y) == ((0.5, 1.0), (0, 2))
    assert (dots.error_x.array, dots.error_x.arrayminus) == ((0.25, 0.0), (0.125, 0.25))
    assert dots.text == ("50.0%", "100.0%")
