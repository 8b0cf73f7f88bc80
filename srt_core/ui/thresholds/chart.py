"""The one chart of Thresholds: what the limit last touched looks at, by version. A click moves the limit there."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import streamlit as st

from srt_core.methods import DIALS, GUARDS, Dial, Method
from srt_core.records import Acceptance, Origin, Policy, Stage
from srt_core.select.compare.whatif import Bins, gains, spread
from srt_core.select.derive import remembered
from srt_core.select.policy import applied_policy, differing
from srt_core.ui.frame.address import generation, has_left
from srt_core.ui.frame.charts import DOWNLOAD
from srt_core.ui.frame.navigation import address
from srt_core.ui.frame.page import acting
from srt_core.ui.frame.words import MEASURE_LABELS
from srt_core.ui.server.runtime import Project
from srt_core.ui.thresholds.figures import PASSES, Line, offer_clicks, spread_by_version
from srt_core.ui.thresholds.limits import touch, touched
from srt_core.ui.thresholds.setting import moved, on_step, set_limits

_STAGES: Mapping[str, tuple[Stage, str, str]] = {
    "instruction_margin": (Stage.INSTRUCTION, "accept_instruction", "rise of IFD"),
    "response_margin": (Stage.RESPONSE, "accept_response", "fall of r-IFD"),
}
_SHARE = "top_share"
_CHOICE, _CHART = "thresholds_which_chart", "thresholds_chart"
_SHOWN_BY = {
    "accept_instruction": "instruction_margin",
    "accept_response": "response_margin",
    **dict.fromkeys(("rank_by", "share_of", "share_rounding"), _SHARE),
}
"""The limit in whose chart one sees what an option does."""
STILL, HEIGHTS = 80, (120, 56)
"""Pixels of the chart's title and axis, and of a version, at most and at least."""


@dataclass(frozen=True, slots=True)
class _Cut:
    """What a limit looks at, and where it stands. `passes`: on which side; `is_on`: whether it has a say."""

    dial: Dial
    measured: str
    bins: Bins
    at: float | None
    passes: PASSES
    is_on: bool = True


def render_chart(project: Project, policy: Policy, method: Method, room: int) -> None:
    """Draw the chart of the limit last touched, else of the first that is moved, with a choice of the others.

    `room` is the height that it shares with what is below.
    """
    names = list(_charted(method))
    if not names:
        return
    moved_ones = differing(policy, applied_policy(project.store))
    asked = [_SHOWN_BY.get(name, name) for name in (touched(), *(name for name in DIALS if name in moved_ones))]
    known = [name for name in asked if name in names]
    name = known[0] if known else next((each for each in names if distribution(project, policy, each)[0]), "")
    if not name:
        _draw_unscored(method)
        return
    cut = _cut(project, policy, name)
    if cut.bins[0]:
        _draw(project, method, cut, room)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        born = generation(_CHOICE, name)
        key = f"{_CHOICE}_{born}"
        st.selectbox("Chart of", names, names.index(name), key=key, label_visibility="collapsed", width=240,
                     format_func=lambda each: DIALS[each].label, on_change=_choose, args=(key, born),
                     help="The chart follows the limit that was moved last.")  # fmt: skip
        st.caption(_said_below(cut), width="content")


def distribution(project: Project, policy: Policy, name: str) -> Bins:
    """Count what the limit of this name looks at."""
    only = Policy(producer=policy.producer)  # no other option changes what is counted
    if name in _STAGES:
        return remembered(gains, project.store, _STAGES[name][0], only)
    measure = policy.rank_by if name == _SHARE else GUARDS[name].measure
    return remembered(spread, project.store, measure, only)


def _charted(method: Method) -> Iterator[str]:
    for name in method.dials:
        if name in _STAGES or name in GUARDS or (name == _SHARE and method.needs_student):
            yield name


def _cut(project: Project, policy: Policy, name: str) -> _Cut:
    bins = distribution(project, policy, name)
    if name in _STAGES:
        _, accept, measured = _STAGES[name]
        is_on = getattr(policy, accept) is Acceptance.IMPROVED
        at = getattr(policy, name)
        return _Cut(DIALS[name], measured, bins, at if is_on else None, "above", is_on)
    if name == _SHARE:  # a share stands at no number of its own: which one it comes to hangs on all the rest
        return _Cut(DIALS[name], MEASURE_LABELS[policy.rank_by], bins, None, "above", is_on=False)
    guard = GUARDS[name]
    passes: PASSES = "below" if guard.side == "high" else "above"
    return _Cut(DIALS[name], MEASURE_LABELS[guard.measure], bins, policy.limit(name), passes)


def _draw(project: Project, method: Method, cut: _Cut, room: int) -> None:
    edges, counts = cut.bins
    shown = {origin: counts[origin] for origin in Origin if any(counts.get(origin, ()))}
    total = sum(map(sum, shown.values()))
    line = None if cut.at is None else Line(cut.at, f"limit {cut.at:.3g}", cut.passes)
    most, least = (STILL + len(shown) * height for height in HEIGHTS)
    figure = spread_by_version(edges, shown, title=cut.dial.label, line=line,
                               x_title=f"{cut.measured} (versions, in bars of {edges[1] - edges[0]:.2g})",
                               height=max(min(room, most), least))  # fmt: skip
    alt = f"{cut.dial.label}: {total:,} versions by {cut.measured}, {_said_of_line(cut)}"
    born = generation(_CHART, f"{cut.dial.name} {cut.is_on}")
    key = f"{_CHART}_{born}"
    if not cut.is_on:
        st.plotly_chart(figure, key=key, config=DOWNLOAD, alt=alt)
        return
    offer_clicks(figure, _places(cut.dial, edges[0], edges[-1]))
    st.plotly_chart(figure, key=key, config=DOWNLOAD, alt=alt, selection_mode="points",
                    on_select=partial(_take_cut, project, method, cut.dial, key, born))  # fmt: skip


def _said_of_line(cut: _Cut) -> str:
    return "limit off" if cut.at is None else f"limit at {cut.at:g}"


def _said_below(cut: _Cut) -> str:
    if not cut.bins[0]:
        return "No version has the number that this limit looks at."
    if cut.dial.name == _SHARE:
        return "What the share is taken by; where it ends hangs on all other limits."
    if not cut.is_on:
        return "It has no say now: what it looks at is always or never taken."
    if cut.at is None:
        return "It is off. Click in the chart to put it there."
    return "Paler bars: left out by it. Click in the chart to move it."


def _places(dial: Dial, low: float, high: float) -> Sequence[float]:
    """Return the values that the limit's slider can hit between the ends of its chart."""
    first, last = round(max(low, dial.low) / dial.step), round(min(high, dial.high) / dial.step)
    return [round(step * dial.step, 6) for step in range(first, last + 1)]


def _choose(key: str, born: int) -> None:
    if not has_left(_CHOICE, born):
        touch(str(st.session_state[key]))


@acting
def _take_cut(project: Project, method: Method, dial: Dial, key: str, born: int) -> None:
    points = st.session_state[key]["selection"]["points"]
    if points and not has_left(
        _CHART, born
    ):  # a selection that was only taken back, as a new figure does by itself, has none
        touch(dial.name)
        set_limits(project, moved(project, {dial.name: on_step(dial, points[-1]["x"])}), method)


def _draw_unscored(method: Method) -> None:
    if not method.needs_student:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption("No version has a score yet, so there is nothing for these limits to look at.", width="content")
        st.page_link("pages/3_Score.py", label="Score", icon=":material/speed:", query_params=address())
