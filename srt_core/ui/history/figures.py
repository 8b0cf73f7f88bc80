"""The chart of History."""

import html
from collections import Counter
from collections.abc import Sequence
from datetime import date, timedelta

from srt_core.records import REVIEWER_COLOUR
from srt_core.ui.frame.charts import Bar, Figure, make_figure

MOST_NAMED = 5
_ROW = 64
_DAY = 86_400_000
"""Milliseconds, in which a bar's width on an axis of days is given."""


def activity_bars(counts: Sequence[tuple[date, str, int]], named: int = MOST_NAMED) -> Figure:
    """Draw what people did by day: a row of bars a person, all over the same days and to the same scale.

    Args:
        counts: (day, person, actions), by day.
        named: how many people, those with the most actions, get a row; the rest is one more.
    """
    totals: Counter[str] = Counter()
    for _, person, events in counts:
        totals[person] += events
    shown = [person for person, _ in totals.most_common(named)]
    others = "(others)"
    rows: dict[str, Counter[date]] = {person: Counter() for person in shown}
    for day, person, events in counts:
        rows.setdefault(person if person in shown else others, Counter())[day] += events
    days = [day for day, *_ in counts]
    most = max(max(held.values()) for held in rows.values())
    bars = [_row(person, held, place) for place, (person, held) in enumerate(rows.items(), start=1)]
    figure = make_figure(bars, height=40 + _ROW * len(rows))
    margin = timedelta(days=max(1, 4 - len(set(days))))
    figure.update_layout(
        **{
            _axis("yaxis", place): {
                "domain": [1 - (place - 0.2) / len(rows), 1 - (place - 1) / len(rows)],
                "range": [0, most * 1.15], "nticks": 3, "tickformat": ",d", "title": {"text": _short(person)},
            }
            for place, person in enumerate(rows, start=1)
        }
    )  # fmt: skip
    figure.update_xaxes(
        type="date", range=[min(days) - margin, max(days) + margin], tickformat="%-d %b", nticks=12, showgrid=False,
        anchor=_axis("y", len(rows)), minallowed=min(days) - margin, dtick=_DAY if len(set(days)) < 12 else None,
    )  # fmt: skip
    return figure


def _row(person: str, held: Counter[date], place: int) -> Bar:
    return Bar(
        x=[day.isoformat() for day in held],
        y=list(held.values()),
        width=0.7 * _DAY,
        name=html.escape(person, quote=False),
        marker_color=REVIEWER_COLOUR,
        yaxis=_axis("y", place),
        hovertemplate="%{x|%-d %b %Y}: %{y:,}<extra>%{fullData.name}</extra>",
    )


def _axis(name: str, place: int) -> str:
    return name if place == 1 else f"{name}{place}"


def _short(person: str, most: int = 14) -> str:
    return html.escape(person if len(person) <= most else f"{person[: most - 1]}…", quote=False)
