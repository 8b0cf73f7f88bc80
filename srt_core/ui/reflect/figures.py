"""The chart of Reflect."""

from collections.abc import Mapping, Sequence

from srt_core.ui.frame.charts import Figure, count_bars
from srt_core.ui.frame.palette import NEUTRAL_COLOUR, REFUSED_COLOUR, TEACHER_COLOUR

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
