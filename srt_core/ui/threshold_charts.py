"""The distributions under the dials, each with the line where its dial cuts."""

from collections.abc import Mapping, Sequence

import streamlit as st

from srt_core.figures import histogram
from srt_core.methods import Method
from srt_core.records import Acceptance, Origin, Policy, Stage
from srt_core.scorings import MEASURES
from srt_core.store import Store
from srt_core.ui.filters import MEASURE_LABELS
from srt_core.ui.page import address
from srt_core.whatif import gains, spread

_STAGES = {
    Stage.INSTRUCTION: ("instruction_margin", "accept_instruction", "Rise of IFD by a new instruction"),
    Stage.RESPONSE: ("response_margin", "accept_response", "Fall of r-IFD by a new response"),
}


CHART_WIDTH = 325
"""Pixels: two stand side by side where the window is wide enough."""


def render_cuts(store: Store, policy: Policy, method: Method) -> None:
    """Draw a histogram for each dial of the method that cuts a score."""
    drawn = [
        (title, edges, counts, cut)
        for title, edges, counts, cut in (*_margins(store, policy, method), *_ceilings(store, policy, method))
        if edges
    ]
    if not drawn:
        _draw_unscored(method)
        return
    with st.container(horizontal=True):
        for title, edges, counts, cut in drawn:
            with st.container(width=CHART_WIDTH):
                _draw(title, edges, counts, cut)
    st.caption("Candidates by version, over the middle 99 % of the scores. The dashed line is the dial.")


_Cut = tuple[str, Sequence[float], Mapping[Origin, Sequence[int]], float | None]


def _margins(store: Store, policy: Policy, method: Method) -> list[_Cut]:
    found: list[_Cut] = []
    for stage, (margin, accept, title) in _STAGES.items():
        if margin in method.dials:
            edges, counts = gains(store, stage, policy)
            cut = getattr(policy, margin) if getattr(policy, accept) is Acceptance.IMPROVED else None
            found.append((title, edges, counts, cut))
    return found


def _ceilings(store: Store, policy: Policy, method: Method) -> list[_Cut]:
    found: list[_Cut] = []
    for measure in MEASURES:
        if f"max_{measure}" in method.dials:
            edges, counts = spread(store, measure, policy)
            found.append((MEASURE_LABELS[measure], edges, counts, getattr(policy, f"max_{measure}")))
    return found


def _draw(title: str, edges: Sequence[float], counts: Mapping[Origin, Sequence[int]], cut: float | None) -> None:
    shown = {origin: bins for origin, bins in counts.items() if any(bins)}
    figure = histogram(edges, shown, title, cut, cut_label="dial")
    figure.update_layout(height=220)
    total = sum(map(sum, shown.values()))
    st.plotly_chart(figure, key=f"cut|{title}", config={"staticPlot": True},
                    alt=f"{title}: {total:,} candidates, dial {'off' if cut is None else f'at {cut:g}'}")  # fmt: skip


def _draw_unscored(method: Method) -> None:
    if not method.needs_student:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption("No candidate has a score yet, so there is nothing for these dials to cut.", width="content")
        st.page_link("pages/3_Score.py", label="Score", icon=":material/speed:", query_params=address())
