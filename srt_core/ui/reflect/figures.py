"""The charts of Reflect."""

from collections.abc import Mapping, Sequence

from srt_core.ui.frame.charts import Figure, Scatter, count_bars, make_figure
from srt_core.ui.frame.palette import NEUTRAL_COLOUR, REFUSED_COLOUR, STUDENT_COLOUR, TEACHER_COLOUR

_CALL_COLOURS: Mapping[str, str] = {"accepted": TEACHER_COLOUR, "refused": REFUSED_COLOUR}


def call_bars(outcomes: Sequence[tuple[str, str, int]]) -> Figure:
    """Draw how many calls came to what, a bar each.

    Args:
        outcomes: (status: accepted, refused or any other; the bar's label; calls), in the order of the bars.
    """
    bars = [(label, calls, _CALL_COLOURS.get(status, NEUTRAL_COLOUR)) for status, label, calls in outcomes]
    figure = count_bars(bars, sum(calls for *_, calls in outcomes), height=40 + 26 * len(outcomes))
    figure.update_layout(margin_t=8)
    return figure


_LINE_COLOURS = (TEACHER_COLOUR, STUDENT_COLOUR, REFUSED_COLOUR, NEUTRAL_COLOUR)
_DASHES = ("solid", "dash", "dot", "dashdot")


def p_lines(lines: Mapping[str, Sequence[float | None]], first: int) -> Figure:
    """Draw the probability of each teacher over steps, with its name at the end of its line.

    Args:
        lines: by name, a number a step; None where the teacher had not come in.
        first: the number of the first step.
    """
    drawn = []
    for place, (name, values) in enumerate(lines.items()):
        colour, dash = _LINE_COLOURS[place % len(_LINE_COLOURS)], _DASHES[place % len(_DASHES)]
        drawn.append(
            Scatter(
                name=name,
                x=list(range(first, first + len(values))),
                y=list(values),
                mode="lines+markers" if len(values) < 2 else "lines",
                line={"shape": "hv", "width": 2, "color": colour, "dash": dash},
                hovertemplate="step %{x}: %{y:.3f}",
            )
        )
    figure = make_figure(drawn, height=240, showlegend=True)
    figure.update_xaxes(title_text="step", tickformat=",d")
    figure.update_yaxes(title_text="p", range=[0, 1])
    return figure
