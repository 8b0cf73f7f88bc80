"""The chart of the Overview."""

from collections.abc import Mapping, Sequence

from srt_core.ui.frame.charts import Figure, count_bars
from srt_core.ui.frame.palette import NEUTRAL_COLOUR, STUDENT_COLOUR, TEACHER_COLOUR

_STAGE_COLOURS: Mapping[str, str] = {"reflected": TEACHER_COLOUR, "scored": STUDENT_COLOUR}


def funnel(stages: Sequence[tuple[str, int]]) -> Figure:
    """Draw how many samples reached each step, as bars from the top, each with its share of the first.

    Args:
        stages: (name of the step, samples), in the order of the steps.
    """
    bars = [(name, count, _STAGE_COLOURS.get(name.lower(), NEUTRAL_COLOUR)) for name, count in stages]
    return count_bars(bars, stages[0][1] if stages else 0, height=60 + 36 * len(stages))
