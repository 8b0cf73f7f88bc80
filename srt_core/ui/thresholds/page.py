"""The Thresholds screen: move the limits of the rule at the left, see what would change, read it, apply it, undo it."""

import streamlit as st

from srt_core.methods import SELECTING, Method
from srt_core.project.candidates import count_samples
from srt_core.records import Policy
from srt_core.select.compare.whatif import Comparison, compare
from srt_core.select.derive import remembered
from srt_core.select.policy import differing, find_policy, saved_policies, unusable_policies
from srt_core.ui.frame.address import generation, has_left
from srt_core.ui.frame.navigation import PAGES, address
from srt_core.ui.frame.page import acting, fragment, reporting, show_empty, show_kept_error
from srt_core.ui.frame.room import SMALLEST, room_of
from srt_core.ui.server.runtime import Project
from srt_core.ui.thresholds.card import CHANGES, OUTCOMES, TAB, draw_said, read_limits, render_card
from srt_core.ui.thresholds.changes import render_changes
from srt_core.ui.thresholds.chart import render_chart
from srt_core.ui.thresholds.limits import render_limits
from srt_core.ui.thresholds.outcomes import render_outcomes
from srt_core.ui.thresholds.preparing import render_preparing
from srt_core.ui.thresholds.saving import render_saving
from srt_core.ui.thresholds.setting import keep_address, method_as_set, set_limits

LIMITS_WIDTH = 260
COMPARE = "pages/12_Compare.py"
_RESULT = "thresholds_result"
_METHOD, _POLICY = "thresholds_method", "thresholds_policy"


def render_thresholds(project: Project) -> None:
    """Draw the whole screen."""
    if not count_samples(project.store):
        show_empty("There are no samples to select from yet. Import some first.", "pages/1_Import.py", "Import")
        return
    keep_address(project)
    _draw_desk(project)


@fragment
def _draw_desk(project: Project) -> None:
    """Draw limits and outcome. A fragment: a limit that moves runs this alone. No model is ever asked here."""
    show_kept_error()
    draw_said()
    policy = read_limits(project)
    if policy is None:
        return
    with reporting():
        method = method_as_set(policy)
        desk = st.container(horizontal=True, gap="small")
        at_left = desk.container(width=LIMITS_WIDTH, gap=None)
        height = SMALLEST
        # Where a policy cannot be counted here, the way to another one stays.
        with desk.container(width="stretch", gap="small", key=_RESULT), reporting():
            found = remembered(compare, project.store, policy)
            render_card(project, policy, found)
            with st.container(gap=None):
                room = room_of(_RESULT)
                height = room.part
                _draw_below(project, policy, method, found, room.below)
        with at_left.container(height=height, border=True, key="thresholds_limits"):
            _choose_method(project, method)
            _choose_policy(project, policy)
            render_limits(project, policy, method)
            render_saving(project, policy)


def _draw_below(project: Project, policy: Policy, method: Method, found: Comparison, room: int) -> None:
    """Draw what is below the card. It scrolls by itself, as the limits do, so that the card stays in sight."""
    with st.container(height=room, border=False, gap="small"):
        if method.measures or method.rewriters:
            render_preparing(project, method)
        is_reading = st.session_state.get(TAB) == CHANGES  # the samples need the room more then
        render_chart(project, policy, method, round(room * (0.25 if is_reading else 0.45)))
        _draw_tabs(project, policy, found)


def _draw_tabs(project: Project, policy: Policy, found: Comparison) -> None:
    outcomes, changed = st.tabs([OUTCOMES, CHANGES], key=TAB, on_change="rerun")
    if changed.open:
        with changed:
            render_changes(project.store, policy, found)
    else:
        with outcomes:
            render_outcomes(found)
            st.page_link(COMPARE, label="Compare with other policies, methods and students", icon=PAGES[COMPARE][1],
                         query_params=address())  # fmt: skip


def _choose_method(project: Project, method: Method) -> None:
    names = list(SELECTING)
    born = generation(_METHOD, method.name)
    key = f"{_METHOD}_{born}"
    st.selectbox(
        "Method",
        names,
        names.index(method.name),
        key=key,
        format_func=lambda name: SELECTING[name].label,
        on_change=_turn_method,
        args=(project, key, born),
        help=f"{method.summary} Source: {method.paper}.",
    )


@acting
def _turn_method(project: Project, key: str, born: int) -> None:
    if has_left(_METHOD, born):
        return
    method = SELECTING[st.session_state[key]]
    set_limits(project, method.policies[0], method)


def _choose_policy(project: Project, policy: Policy) -> None:
    known = saved_policies(project.store)
    same = [name for name, saved in known.items() if not differing(policy, saved)]
    named = policy.name if policy.name in same else next(iter(same), None)
    names = list(known)
    born = generation(_POLICY, named or "")
    key = f"{_POLICY}_{born}"
    st.selectbox(
        "Policy",
        names,
        names.index(named) if named else None,
        key=key,
        on_change=_turn_policy,
        args=(project, key, born),
        placeholder="Changed by hand",
        help="Start from a preset, or from a policy that you saved.",
    )
    for name, message in unusable_policies(project.store).items():
        st.text(f"The saved policy {name} cannot be used here: {message}")


@acting
def _turn_policy(project: Project, key: str, born: int) -> None:
    name = st.session_state[key]
    if name and not has_left(_POLICY, born):
        set_limits(project, find_policy(project.store, name))
