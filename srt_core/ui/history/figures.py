"""The chart of History."""

import html
from collections import Counter
from collections.abc import Sequence
from datetime import date

from srt_core.ui.frame.charts import Bar, Figure, make_figure
from srt_core.ui.frame.palette import ORIGIN_COLOURS, REFUSED_COLOUR, STUDENT_COLOUR

_PEOPLE_COLOURS = (*ORIGIN_COLOURS.values(), STUDENT_COLOUR, REFUSED_COLOUR)
_PEOPLE_PATTERNS = ("", "/", "x", "-", ".", "|")


def activity_bars(counts: Sequence[tuple[date, str, int]], named: int = 5) -> Figure:
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
        Bar(
            x=list(days),
            y=list(days.values()),
            name=name,
            marker={"color": colour, "pattern": {"shape": pattern}},
            hovertemplate="%{x}: %{y:,}<extra>%{fullData.name}</extra>",
        )
        for (name, days), colour, pattern in zip(grouped.items(), _PEOPLE_COLOURS, _PEOPLE_PATTERNS, strict=False)
    ]
    figure = make_figure(bars, barmode="stack", height=190, showlegend=True)
    days = sorted({day.isoformat() for day, *_ in counts})
    figure.update_xaxes(type="category", categoryorder="array", categoryarray=days, nticks=12, showgrid=False)
    figure.update_yaxes(nticks=4)
    return figure
