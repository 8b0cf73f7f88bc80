"""The charts of runs: the loss of each step, and differences with their intervals."""

from collections.abc import Mapping, Sequence

from srt_core.train.comparing import Difference
from srt_core.ui.frame.charts import Figure, Scatter, make_figure
from srt_core.ui.frame.palette import NEUTRAL_COLOUR, STUDENT_COLOUR, TEACHER_COLOUR

_FEW = 10
"""Steps of which each has its tick."""
_SYMBOLS = ("circle-open", "diamond-open", "square-open", "triangle-up-open", "x-thin-open")


def loss_lines(curves: Mapping[str, Sequence[tuple[int, float]]]) -> Figure:
    """Draw the loss of each step, a line a run."""
    looks = zip(
        curves.items(), (STUDENT_COLOUR, TEACHER_COLOUR, NEUTRAL_COLOUR), ("solid", "dash", "dot"), strict=False
    )
    traces = [
        Scatter(
            name=name, x=[step for step, _ in points], y=[loss for _, loss in points], mode="lines+markers",
            line={"color": colour, "dash": dash, "width": 2}, marker={"size": 4},
            hovertemplate="step %{x:,}: %{y:.4f}",
        )
        for (name, points), colour, dash in looks
    ]  # fmt: skip
    figure = make_figure(traces, height=280, showlegend=len(traces) > 1)
    last = max((step for points in curves.values() for step, _ in points), default=1)
    figure.update_xaxes(title_text="step", tickformat=",d", rangemode="tozero", dtick=1 if last <= _FEW else None)
    figure.update_yaxes(title_text="loss (nats a token of responses)")
    return figure


def difference_dots(names: Sequence[str], differences: Sequence[Difference], x_title: str) -> Figure:
    """Draw each difference as a dot with its interval, and an open mark for each seed below it.

    Args:
        names: what each difference is called, from the top.
        differences: as many.
        x_title: which way is better.
    """
    ends = [(place, each, each.found.widest) for place, each in enumerate(differences)]
    shown = [(place, each, interval) for place, each, interval in ends if interval]
    dots = Scatter(
        name="mean, 95 % interval",
        x=[each.found.mean for _, each, _ in shown],
        y=[place for place, *_ in shown],
        error_x={
            "array": [interval.high - each.found.mean for _, each, interval in shown],
            "arrayminus": [each.found.mean - interval.low for _, each, interval in shown],
            "thickness": 2,
        },
        mode="markers",
        customdata=[f"{interval.low:+.4f} to {interval.high:+.4f}" for *_, interval in shown],
        marker={"color": STUDENT_COLOUR, "size": 10},
        hovertemplate="%{x:+.4f} (%{customdata})<extra></extra>",
    )
    seeds = sorted({seed for each in differences for seed in each.seeds})
    traces = [
        Scatter(
            name=f"seed {seed}",
            x=[each.found.by_seed[each.seeds.index(seed)] for each in differences if seed in each.seeds],
            y=[place + 0.25 for place, each in enumerate(differences) if seed in each.seeds],
            mode="markers",
            marker={"color": NEUTRAL_COLOUR, "size": 7, "symbol": _SYMBOLS[place % len(_SYMBOLS)]},
            hovertemplate=f"seed {seed}: %{{x:+.4f}}<extra></extra>",
        )
        for place, seed in enumerate(seeds)
    ]
    figure = make_figure([dots, *traces], height=130 + 46 * len(names), showlegend=True)
    figure.add_shape(type="line", x0=0, x1=0, y0=0, y1=1, yref="paper", line={"color": NEUTRAL_COLOUR, "dash": "dash"})
    figure.update_xaxes(title_text=x_title, tickformat="+.3f")
    ticks = {"tickvals": list(range(len(names))), "ticktext": list(names)}
    figure.update_yaxes(**ticks, range=[len(names) - 0.5, -0.5], showgrid=False)
    return figure
