"""A job on a screen: how far it is while it runs, and what to do next when it stands still."""

from collections.abc import Mapping

import streamlit as st

from srt_core.steps.jobs import Job, JobState
from srt_core.steps.steps import STEPS
from srt_core.ui.frame.address import run_page_again
from srt_core.ui.frame.jobs import LastJob, figures, last_job, share
from srt_core.ui.frame.page import acting_as_owner, fragment, reporting
from srt_core.ui.server.identity import may_own
from srt_core.ui.server.permission import told
from srt_core.ui.server.runtime import Project

POLL_SECONDS = 1.0

_UNEXPECTED = "It ended for a reason that was not foreseen. The server's log tells more."
_TITLES: Mapping[JobState, str] = {
    JobState.DONE: ":material/check_circle: **{} is done**",
    JobState.PAUSED: ":material/pause_circle: **{} is paused.** What was done is kept.",
    JobState.INTERRUPTED: ":material/power_off: **{} was cut off when the app ended.** What was done is kept.",
    JobState.FAILED: ":material/error: **{} stopped.** What was done is kept.",
}


def job_panel(project: Project, kind: str) -> None:
    """Show the latest job of a kind, if there was one; it refreshes itself while the job runs, then the whole page."""
    running = bool(project.jobs.running(kind))
    fragment(_draw_panel, run_every=POLL_SECONDS if running else None)(project, kind, running)


def _draw_panel(project: Project, kind: str, was_running: bool) -> None:
    job = project.jobs.latest(kind)
    if job and job.state is JobState.RUNNING:
        with st.container(border=True):
            _draw_running(project, kind, job)
        return
    if was_running:
        run_page_again()
    last = last_job(project, kind)
    if last and (last.is_live or last.can_resume):
        with st.container(border=True):
            _draw_ended(project, kind, last)


def _draw_running(project: Project, kind: str, job: Job) -> None:
    progress = job.progress
    with st.container(horizontal=True, vertical_alignment="center"):
        st.progress(share(progress), text=f"**{STEPS[kind].label}** {figures(kind, progress)}")
        if job.stop.is_set():
            st.markdown(":material/pause_circle: Pausing: it stops after what it has under way.", width="content")
        else:
            st.button("Pause", icon=":material/pause:", key=f"pause_{kind}", on_click=_pause, args=(project, kind),
                      disabled=not may_own())  # fmt: skip
    if progress.message:
        st.text(told(progress.message))


def _draw_ended(project: Project, kind: str, last: LastJob) -> None:
    st.markdown(_TITLES[last.state].format(STEPS[kind].label))
    if last.progress.done:
        st.text(figures(kind, last.progress, is_running=False))
    if last.error:
        st.text(told(last.error.message))
        st.text(told(last.error.hint))
    elif last.progress.message and last.state is not JobState.INTERRUPTED:
        st.text(told(last.progress.message))
    elif last.state is JobState.FAILED:
        st.text(_UNEXPECTED)
    if last.can_resume:
        label = "Try again" if last.state is JobState.FAILED else "Resume"
        if st.button(label, icon=":material/play_arrow:", key=f"resume_{kind}", disabled=not may_own()):
            with reporting():
                project.start(kind, last.arguments)
                st.rerun()


@acting_as_owner
def _pause(project: Project, kind: str) -> None:
    project.jobs.pause(kind)
