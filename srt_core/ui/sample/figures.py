"""The chart of one sample's scores."""

from collections.abc import Sequence
from dataclasses import dataclass

from srt_core.records import Origin
from srt_core.ui.frame.charts import Bar, Figure, make_figure, mark_cut
from srt_core.ui.frame.palette import ORIGIN_COLOURS
from srt_core.ui.frame.words import ORIGIN_LABELS


@dataclass(frozen=True, slots=True)
class StripRow:
    """The two scores of one candidate; None is no score. `is_picked` marks the rule's pick."""

    origin: Origin
    ifd: float | None
    r_ifd: float | None
    is_picked: bool = False


def score_strip(rows: Sequence[StripRow], max_ifd: float | None = None, max_r_ifd: float | None = None) -> Figure:
    """Draw IFD (left) and r-IFD (right) of a sample's candidates as small bars on one scale, limits marked.

    Args:
        rows: the candidates of one sample, in any order.
        max_ifd: the policy's limit on IFD; None where it is off.
        max_r_ifd: the same for r-IFD.
    """
    ordered = sorted(rows, key=lambda row: list(Origin).index(row.origin))
    scale = 1.1 * max(filter(None, [1.0, max_ifd, max_r_ifd, *(v for row in rows for v in (row.ifd, row.r_ifd))]))
    ifds, r_ifds = [row.ifd for row in ordered], [row.r_ifd for row in ordered]
    figure = make_figure(
        [_score_bars("IFD", ordered, ifds, "x"), _score_bars("r-IFD", ordered, r_ifds, "x2")],
        height=80 + 26 * len(rows),
        xaxis={"domain": [0, 0.48], "range": [0, scale], "title": {"text": "IFD"}},
        xaxis2={"domain": [0.52, 1], "range": [0, scale], "title": {"text": "r-IFD"}},
    )
    figure.update_yaxes(autorange="reversed", showgrid=False)
    for axis, values, limit in (("x", ifds, max_ifd), ("x2", r_ifds, max_r_ifd)):
        _mark_missing(figure, ordered, values, axis)
        mark_cut(figure, axis, limit, "limit")
    return figure


def _score_bars(measure: str, rows: Sequence[StripRow], values: Sequence[float | None], axis: str) -> Bar:
    return Bar(
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
    return ORIGIN_LABELS[row.origin] + (" ●" if row.is_picked else "")


def _mark_missing(figure: Figure, rows: Sequence[StripRow], values: Sequence[float | None], axis: str) -> None:
    """Say so where a candidate has no score: a bar of length 0 would look like the best one."""
    for row, value in zip(rows, values, strict=True):
        if value is None:
            place = {"x": 0, "xref": axis, "xanchor": "left", "y": _strip_label(row), "yref": "y"}
            figure.add_annotation(text="no score", showarrow=False, **place)
