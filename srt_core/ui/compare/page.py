"""The Compare screen: policies, methods, two limits and two students side by side. Nothing is applied here."""

from collections.abc import Callable, Mapping

import streamlit as st

from srt_core.project.candidates import count_samples
from srt_core.records import Policy
from srt_core.select.applied import changed_values
from srt_core.select.policy import applied_policy, differing, settings_of
from srt_core.ui.compare.map import render_map
from srt_core.ui.compare.policies import render_methods, render_policies
from srt_core.ui.compare.students import render_students
from srt_core.ui.frame.evidence import render_agreement
from srt_core.ui.frame.navigation import PAGES, address
from srt_core.ui.frame.page import fragment, reporting, show_empty, show_kept_error
from srt_core.ui.frame.words import markdown
from srt_core.ui.server.runtime import Project
from srt_core.ui.thresholds.card import read_limits
from srt_core.ui.thresholds.setting import keep_address

THRESHOLDS = "pages/5_Thresholds.py"


def _render_agreement(project: Project, policy: Policy) -> None:
    render_agreement(project.store, policy)


_VIEWS: Mapping[str, tuple[str, Callable[[Project, Policy], None]]] = {
    "policies": ("Policies", render_policies),
    "methods": ("Methods", render_methods),
    "map": ("Two limits", render_map),
    "students": ("Two students", render_students),
    "distance": ("Right by distance to a limit", _render_agreement),
}


def render_compare(project: Project) -> None:
    """Draw the whole screen."""
    if not count_samples(project.store):
        show_empty("There is nothing to compare yet. Import some samples first.", "pages/1_Import.py", "Import")
        return
    keep_address(project)
    _draw_desk(project)


@fragment
def _draw_desk(project: Project) -> None:
    show_kept_error()
    policy = read_limits(project)
    if policy is None:
        return
    _draw_set(project, policy)
    view = st.segmented_control("Compare", list(_VIEWS), default="policies", key="compare_view", required=True,
                                format_func=lambda name: _VIEWS[name][0], label_visibility="collapsed",
                                persist_state="session")  # fmt: skip
    with reporting():
        _VIEWS[view][1](project, policy)


def _draw_set(project: Project, policy: Policy) -> None:
    """Say what is in use and what is set beside it, with the way to Thresholds, where it is set and applied."""
    applied = applied_policy(project.store)
    said = f"In use: **{markdown(applied.name)}**."
    if differing(policy, applied):
        lines = changed_values(settings_of(applied), settings_of(policy))
        said += f" Set on Thresholds and not applied: {'; '.join(map(markdown, lines))}."
    else:
        said += " The limits stand as in use."
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"{said} Nothing is applied here.", width="content")
        st.page_link(THRESHOLDS, label="Thresholds", icon=PAGES[THRESHOLDS][1], query_params=address())
