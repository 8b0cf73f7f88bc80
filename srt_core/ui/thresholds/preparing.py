"""What a method brings and has yet to compute for this project, with a button for it."""

from collections.abc import Iterator

import streamlit as st

from srt_core.methods import Method
from srt_core.project.store import Store
from srt_core.reflect.rewriting import untouched
from srt_core.score.measuring import count_unmeasured
from srt_core.select.covering import count_unranked
from srt_core.select.derive import remembered
from srt_core.steps.cover import COVER
from srt_core.steps.measure import MEASURE
from srt_core.steps.rewrite import REWRITE
from srt_core.steps.step import Step
from srt_core.ui.frame.page import acting_as_owner
from srt_core.ui.frame.progress import job_panel
from srt_core.ui.server.identity import may_own
from srt_core.ui.server.runtime import Project


def render_preparing(project: Project, method: Method) -> None:
    """Offer the steps that the limits of a method with measures or rewriters of its own wait for."""
    for step in (REWRITE, MEASURE, COVER):
        job_panel(project, step.name)
    for step, text in _missing(project.store, method):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption(text, width="content")
            st.button(step.label, key=f"prepare_{step.name}", on_click=_start, args=(project, step),
                      disabled=bool(project.jobs.running(step.name)) or not may_own(),
                      help="An owner may start it. It can be paused at any time.")  # fmt: skip


def _missing(store: Store, method: Method) -> Iterator[tuple[Step, str]]:
    if {each.producer for each in method.rewriters} & set(remembered(untouched, store)):
        yield REWRITE, f"{method.label} brings rewrites of its own, which were not made yet."
    if method.measures and (missing := remembered(count_unmeasured, store)):
        yield MEASURE, f"{missing:,} numbers that {method.label} selects by were not computed yet."
    if "diverse_share" in method.dials and (unranked := remembered(count_unranked, store)):
        yield (
            COVER,
            f"{unranked:,} samples that the rule leaves have no coverage rank, by which the diverse share is taken.",
        )


@acting_as_owner
def _start(project: Project, step: Step) -> None:
    project.start(step.name, {})
