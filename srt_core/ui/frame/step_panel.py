"""A step beside the main matter of a page: folded away, with its latest job, its form and the button that starts it."""

import streamlit as st

from srt_core.steps.step import Step
from srt_core.ui.frame.form import draw_form
from srt_core.ui.frame.jobs import last_arguments
from srt_core.ui.frame.page import reporting, show_warnings
from srt_core.ui.frame.panels import panel
from srt_core.ui.frame.progress import job_panel
from srt_core.ui.server.identity import may_own
from srt_core.ui.server.runtime import Project


def render_step(project: Project, step: Step, title: str, about: str, verb: str) -> None:
    """Draw a step's job in sight, and its form below a title that unfolds; `verb` is what its button says."""
    job_panel(project, step.name)
    is_running = bool(project.jobs.running(step.name))
    with panel(f"step_{step.name}", title) as is_open:
        if not is_open:
            return
        st.markdown(about)
        asked = step.complete(draw_form(step, last_arguments(project, step.name)))
        with reporting():
            show_warnings(step.warn(project.store, asked))
            if st.button(verb, icon=":material/play_arrow:", key=f"start_{step.name}",
                         disabled=is_running or not may_own()):  # fmt: skip
                project.start(step.name, asked)
                st.rerun()
