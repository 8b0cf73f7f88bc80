"""The charts of a turned dial: distributions with the line where it cuts, and the samples by outcome.

A click in a distribution puts its dial there.
"""

from bisect import bisect
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import streamlit as st

from srt_core.methods import DIALS, GUARDS, REASONS, Dial, Method
from srt_core.records import Acceptance, Origin, Policy, Stage
from srt_core.select.compare.whatif import Bins, gains, spread
from srt_core.select.derive import remembered
from srt_core.ui.frame.charts import Bar, Figure, Scatter, histogram, make_figure, unseen_points
from srt_core.ui.frame.navigation import address
from srt_core.ui.frame.page import acting
from srt_core.ui.frame.palette import NEUTRAL_COLOUR, ORIGIN_COLOURS, ORIGIN_DASHES, REASON_COLOURS
from srt_core.ui.frame.words import MEASURE_LABELS, ORIGIN_LABELS
from srt_core.ui.server.runtime import Project
from srt_core.ui.thresholds.dials import dial_to, on_step, turned

_STAGES = {
    Stage.INSTRUCTION: ("instruction_margin", "accept_instruction", "Rise of IFD by a new instruction"),
    Stage.RESPONSE: ("response_margin", "accept_response", "Fall of r-IFD by a new response"),
}

CHART_WIDTH = 325
"""Pixels: two stand side by side where the window is wide enough."""


@dataclass(frozen=True, slots=True)
class _Cut:
    """A histogram and the dial that cuts it. `is_on`: whether the dial has a say under the policy."""

    dial: Dial
    title: str
    bins: Bins
    at: float | None
    is_on: bool = True


def render_cuts(project: Project, policy: Policy, method: Method) -> None:
    """Draw a histogram for each dial of the method that cuts a score."""
    drawn = [cut for cut in (*_margins(project, policy, method), *_limits(project, policy, method)) if cut.bins[0]]
    if not drawn:
        _draw_unscored(method)
        return
    _draw_legend({origin for cut in drawn for origin, counts in cut.bins[1].items() if any(counts)})
    with st.container(horizontal=True):
        for cut in drawn:
            with st.container(width=CHART_WIDTH):
                _draw(project, method, cut)
    st.caption(
        "Candidates by version, over the middle 99 % of the scores. The dashed line is the dial: click anywhere in a "
        "chart to put it there."
    )


_STROKES = {"solid": "solid", "dash": "dashed", "dashdot": "dashed", "dot": "dotted"}


def _draw_legend(origins: set[Origin]) -> None:
    """Name the lines once for all charts: each would take a third of its own room for it."""
    samples = "".join(
        f'<span style="margin-right:1.2rem;white-space:nowrap"><span style="display:inline-block;width:1.8rem;'
        f"vertical-align:middle;margin-right:0.4rem;border-top:3px {_STROKES[ORIGIN_DASHES[origin]]} "
        f'{ORIGIN_COLOURS[origin]}"></span>{ORIGIN_LABELS[origin]}</span>'
        for origin in Origin
        if origin in origins
    )
    st.html(f'<div style="font-size:0.85rem">{samples}</div>')


def distribution(project: Project, policy: Policy, name: str) -> Bins:
    """Count what the dial of this name cuts; it must be a margin or a limit."""
    only = Policy(producer=policy.producer)  # no other option changes what is counted
    for stage, (margin, _, _) in _STAGES.items():
        if name == margin:
            return remembered(gains, project.store, stage, only)
    return remembered(spread, project.store, GUARDS[name].measure, only)


def _margins(project: Project, policy: Policy, method: Method) -> Iterator[_Cut]:
    for margin, accept, title in _STAGES.values():
        if margin in method.dials:
            is_on = getattr(policy, accept) is Acceptance.IMPROVED
            at = getattr(policy, margin) if is_on else None
            yield _Cut(DIALS[margin], title, distribution(project, policy, margin), at, is_on)


def _limits(project: Project, policy: Policy, method: Method) -> Iterator[_Cut]:
    for name, guard in GUARDS.items():
        if name in method.dials:
            bins = distribution(project, policy, name)
            yield _Cut(DIALS[name], MEASURE_LABELS[guard.measure], bins, policy.limit(name))


def _draw(project: Project, method: Method, cut: _Cut) -> None:
    edges, counts = cut.bins
    shown = {origin: counts[origin] for origin in Origin if any(counts.get(origin, ()))}
    figure = histogram(edges, shown, cut.title, cut.at, cut_label="dial")
    figure.update_layout(height=200, showlegend=False, margin_t=24)
    total = sum(map(sum, shown.values()))
    alt = f"{cut.title}: {total:,} candidates, dial {'off' if cut.at is None else f'at {cut.at:g}'}"
    key = f"cut|{cut.dial.name}"
    if not cut.is_on:
        st.plotly_chart(figure, key=f"{key}|still", config={"staticPlot": True}, alt=alt)
        return
    offer_clicks(figure, _places(cut.dial, edges[0], edges[-1]))
    st.plotly_chart(figure, key=key, config={"displayModeBar": False}, alt=alt, selection_mode="points",
                    on_select=partial(_take_cut, project, method, cut.dial, key))  # fmt: skip


def offer_clicks(figure: Figure, places: Sequence[float]) -> None:
    """Lay an unseen point over a histogram at each of these x, so that a click anywhere gives the nearest of them.

    The points alone answer the mouse, and say the counts of the bin that they are in: plotly takes a click for the
    trace that comes first under it.
    """
    lines = list(figure.data)
    highest = max((count for line in lines for count in line.y), default=1)
    points = unseen_points(list(places), [highest / 2] * len(places), "set to %{x:.4~g}%{customdata}<extra></extra>")
    points.customdata = [_counts_at(lines, place) for place in places]
    for line in lines:
        line.update(hoverinfo="skip", hovertemplate=None)
    figure.add_trace(points)
    figure.update_layout(hovermode="x", dragmode="pan")
    figure.update_xaxes(fixedrange=True)
    figure.update_yaxes(fixedrange=True)


def _counts_at(lines: Sequence[Scatter], x: float) -> str:
    found = ((line.name, line.y[max(bisect(line.x, x) - 1, 0)]) for line in lines)
    return "".join(f"<br>{name}: {count:,}" for name, count in found)


def _places(dial: Dial, low: float, high: float) -> list[float]:
    """Return the values that the dial's slider can hit between the ends of its histogram."""
    first, last = round(max(low, dial.low) / dial.step), round(min(high, dial.high) / dial.step)
    return [round(step * dial.step, 6) for step in range(first, last + 1)]


@acting
def _take_cut(project: Project, method: Method, dial: Dial, key: str) -> None:
    points = st.session_state[key]["selection"]["points"]
    if points:  # a selection that was only taken back, as a new figure does by itself, has none
        dial_to(project, turned(project, {dial.name: on_step(dial, points[-1]["x"])}), method)


def _draw_unscored(method: Method) -> None:
    if not method.needs_student:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption("No candidate has a score yet, so there is nothing for these dials to cut.", width="content")
        st.page_link("pages/3_Score.py", label="Score", icon=":material/speed:", query_params=address())


_OUTCOME_ORDER: Sequence[str] = [*Origin, *REASONS]
_OUTCOME_COLOURS: Mapping[str, str] = dict([*ORIGIN_COLOURS.items(), *REASON_COLOURS.items()])


def outcome_bars(
    before: Mapping[str, int],
    after: Mapping[str, int],
    *,
    labels: Mapping[str, str],
    log_counts: bool = False,
) -> Figure:
    """Draw the count of each outcome before (hatched) and after (solid) a change of policy.

    Args:
        before: samples by outcome, an `Origin` that is kept or a `Reason` why nothing is; a missing one counts 0.
        after: the same under the new policy.
        labels: what each outcome is called.
        log_counts: draw counts on a logarithmic axis.
    """
    named = {**before, **after}
    outcomes = [o for o in _OUTCOME_ORDER if o in named] + [o for o in named if o not in _OUTCOME_ORDER]
    traces = [
        Bar(
            name=name,
            orientation="h",
            x=[counts.get(outcome, 0) for outcome in outcomes],
            y=[labels[outcome] for outcome in outcomes],
            text=[f"{counts.get(outcome, 0):,}" for outcome in outcomes],
            textposition="outside",
            marker={"color": [_OUTCOME_COLOURS.get(o, NEUTRAL_COLOUR) for o in outcomes], "pattern": {"shape": shape}},
            hovertemplate=f"%{{y}}, {name}: %{{x:,}}<extra></extra>",
            cliponaxis=False,
        )
        for name, counts, shape in (("before", before, "/"), ("after", after, ""))
    ]
    figure = make_figure(traces, height=90 + 48 * len(outcomes), barmode="group", showlegend=True)
    figure.update_layout(margin_r=60)
    figure.update_xaxes(type="log" if log_counts else "linear", rangemode="tozero")
    figure.update_yaxes(autorange="reversed", showgrid=False)
    return figure
