"""A map over two limits: what would be kept, or how often the rule would be right; a click sets both limits."""

from functools import partial
from typing import Literal

import streamlit as st

from srt_core.methods import DIALS, Dial, Method
from srt_core.records import Policy
from srt_core.review.trust.audits.evidence import fit_of_all
from srt_core.select.compare.outcome_map import MAPPED, OutcomeMap, outcome_map, values_of
from srt_core.select.derive import remembered
from srt_core.select.policy import applied_policy, differing, with_settings
from srt_core.ui.compare.figures import Mark, outcome_heatmap
from srt_core.ui.frame.address import generation, has_left
from srt_core.ui.frame.charts import DOWNLOAD
from srt_core.ui.frame.evidence import show_no_reads
from srt_core.ui.frame.page import acting
from srt_core.ui.server.runtime import Project
from srt_core.ui.thresholds.chart import distribution
from srt_core.ui.thresholds.setting import method_as_set, moved, on_step, set_limits

_MAP = "compare_map"
MAP_WIDTH = 680
_NARROW = 5
"""Steps of a limit that make no map: then all of its range is shown."""

Shown = Literal["kept", "right"]
_SHOWN: dict[Shown, str] = {"kept": "Share kept", "right": "Right, by random reads"}


def render_map(project: Project, policy: Policy) -> None:
    """Draw the choice of two limits and the map."""
    method = method_as_set(policy)
    names = [name for name in MAPPED if name in method.dials]
    x, y, shown = _choose(method, names)
    with st.spinner("Counting under every pair of values"):
        found = _counted(project, policy, x, y, shown)
    if not found.samples:
        show_no_reads()
        return
    figure = outcome_heatmap(
        found.x, found.y, found.share(), (x.label, y.label, _SHOWN[shown]), _marks(project, policy, x, y)
    )
    born = generation(_MAP, f"{x.name} {y.name} {shown}")
    key = f"{_MAP}_{born}"
    st.plotly_chart(figure, width=MAP_WIDTH, key=key, config=DOWNLOAD, selection_mode="points",
                    on_select=partial(_take_cell, project, method, x, y, key, born),
                    alt=f"{_SHOWN[shown]} over {x.label} and {y.label}. {_said(found, shown)}")  # fmt: skip
    st.caption(f"{_said(found, shown)} A click on a cell sets both limits, on Thresholds too; the others stay.")


def _choose(method: Method, names: list[str]) -> tuple[Dial, Dial, Shown]:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        across = _choose_dial("Across", names, 0, f"map_x|{method.name}")
        others = [name for name in names if name != across]
        up = _choose_dial("Up", others, 0, f"map_y|{method.name}|{across}")
        shown = st.segmented_control("Colour", list(_SHOWN), default="kept", key="map_shown", required=True,
                                     format_func=_SHOWN.__getitem__)  # fmt: skip
    return DIALS[across], DIALS[up], shown


def _choose_dial(label: str, names: list[str], place: int, key: str) -> str:
    return str(st.selectbox(label, names, place, key=key, width=240, format_func=lambda name: DIALS[name].label))


def _counted(project: Project, policy: Policy, x: Dial, y: Dial, shown: Shown) -> OutcomeMap:
    xs, ys = _values(project, policy, x), _values(project, policy, y)
    # Where the two limits stand changes nothing, so that moving them finds the map again.
    base = with_settings(policy, {"name": "", x.name: xs[0], y.name: ys[0]})
    fit = remembered(fit_of_all, project.store) if shown == "right" else None
    return remembered(outcome_map, project.store, base, (x, xs), (y, ys), fit)


def _values(project: Project, policy: Policy, dial: Dial) -> list[float]:
    """Spread the values of a limit over what it looks at, as far as it goes; a top share over all of it."""
    edges = [] if dial.name == "top_share" else distribution(project, policy, dial.name)[0]
    low, high = (on_step(dial, edges[0]), on_step(dial, edges[-1])) if edges else (dial.low, dial.high)
    return values_of(dial, low, high) if high - low > _NARROW * dial.step else values_of(dial)


def _marks(project: Project, policy: Policy, x: Dial, y: Dial) -> list[Mark]:
    """Mark where the limits are set, and the policy in use where it differs in these two alone."""
    applied = applied_policy(project.store)
    standing = [("As set", policy, "x")]
    if differing(policy, applied) <= {x.name, y.name}:
        standing.insert(0, ("In use", applied, "circle"))
    placed = [(name, each.value(x.name), each.value(y.name), symbol) for name, each, symbol in standing]
    return [
        Mark(name, across, up, symbol)
        for name, across, up, symbol in placed
        if isinstance(across, int | float) and isinstance(up, int | float)  # a limit that is off is nowhere
    ]


def _said(found: OutcomeMap, shown: Shown) -> str:
    of = "samples" if shown == "kept" else "samples that were drawn at random and read"
    if found.is_exact:
        return f"Counted over all {found.population:,} {of}."
    return (
        f"Estimated from {found.samples:,} of {found.population:,} {of}, drawn at random: within ±{found.margin:.1%} "
        "(95 %)."
    )


@acting
def _take_cell(project: Project, method: Method, x: Dial, y: Dial, key: str, born: int) -> None:
    points = st.session_state[key]["selection"]["points"]
    if points and not has_left(_MAP, born):
        cell = {dial.name: on_step(dial, points[-1][axis]) for dial, axis in ((x, "x"), (y, "y"))}
        set_limits(project, moved(project, cell), method)
