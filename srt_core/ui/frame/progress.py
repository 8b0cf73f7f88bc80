"""A job on a screen: how far it is while it runs, and what to do next when it stands still."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import streamlit as st

from srt_core.errors import SRTError
from srt_core.project.progress import Progress
from srt_core.steps.jobs import Job, JobState
from srt_core.steps.step import Arguments
from srt_core.steps.steps import STEPS
from srt_core.ui.frame.address import run_page_again
from srt_core.ui.frame.page import acting_as_owner, fragment, reporting
from srt_core.ui.frame.words import duration
from srt_core.ui.server.identity import may_own
from srt_core.ui.server.runtime import Project

POLL_SECONDS = 1.0

_UNEXPECTED = "It ended for a reason that was not foreseen. The server's log tells more."
_TITLES: Mapping[JobState, str] = {
    JobState.DONE: ":material/check_circle: **{} is done**",
    JobState.PAUSED: ":material/pause_circle: **{} is paused.** What was done is kept.",
    JobState.INTERRUPTED: ":material/power_off: **{} was cut off when the app ended.** What was done is kept.",
    JobState.FAILED: ":material/error: **{} stopped.** What was done is kept.",
}


@dataclass(frozen=True, slots=True)
class LastJob:
    """The latest job of a kind, of this start of the app or an earlier one. `is_live`: of this start."""

    state: JobState
    progress: Progress
    arguments: Arguments
    error: SRTError | None
    is_live: bool

    @property
    def can_resume(self) -> bool:
        """Whether it stopped before its end."""
        return self.state in (JobState.PAUSED, JobState.INTERRUPTED, JobState.FAILED)


def last_job(project: Project, kind: str) -> LastJob | None:
    """Find the latest job of a kind; None where there was none."""
    if job := project.jobs.latest(kind):
        return LastJob(job.state, job.progress, job.arguments, job.error, is_live=True)
    rows = project.jobs.history(limit=1, kind=kind)
    if not rows:
        return None
    row = rows[0]
    progress = Progress(kind, row["done"], row["total"] or None, row["failed"], message=row["message"])
    return LastJob(JobState(row["state"]), progress, json.loads(row["arguments"]), None, is_live=False)


def last_arguments(project: Project, kind: str) -> dict[str, Any]:
    """Return what the latest job of a kind was started with, to begin a form with; empty where there was none."""
    last = last_job(project, kind)
    return dict(last.arguments) if last else {}


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
        st.progress(_share(progress), text=f"**{STEPS[kind].label}** {_figures(kind, progress)}")
        if job.stop.is_set():
            st.markdown(":material/pause_circle: Pausing: it stops after what it has under way.", width="content")
        else:
            st.button("Pause", icon=":material/pause:", key=f"pause_{kind}", on_click=_pause, args=(project, kind),
                      disabled=not may_own())  # fmt: skip
    if progress.message:
        st.text(progress.message)


def _draw_ended(project: Project, kind: str, last: LastJob) -> None:
    st.markdown(_TITLES[last.state].format(STEPS[kind].label))
    if last.progress.done:
        st.text(_figures(kind, last.progress, is_running=False))
    if last.error:
        st.text(last.error.message)
        st.text(last.error.hint)
    elif last.progress.message and last.state is not JobState.INTERRUPTED:
        st.text(last.progress.message)
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


def _share(progress: Progress) -> float:
    return min(progress.done / progress.total, 1.0) if progress.total else 0.0


def _figures(kind: str, progress: Progress, *, is_running: bool = True) -> str:
    """Write how far a step is, in our own words and numbers alone: it becomes a label."""
    if not progress.done and not progress.total:
        return ""
    total = f" of {progress.total:,}" if progress.total else ""
    parts = [f"{progress.done:,}{total} {STEPS[kind].unit}"]
    if progress.failed:
        parts.append(f"{progress.failed:,} {STEPS[kind].failed}")
    if progress.tokens:
        whole = f" of about {progress.total_tokens:,}" if progress.total_tokens else ""
        parts.append(f"{progress.tokens:,}{whole} tokens")
    if progress.rate:
        parts.append(f"{progress.rate:,.0f} tokens a second" if progress.tokens else f"{progress.rate:,.1f} a second")
    if progress.spent is not None:
        parts.append(f"{progress.spent:,.2f} US dollars spent")
    if progress.remaining_seconds and is_running:
        parts.append(f"about {duration(progress.remaining_seconds)} left")
    return " · ".join(parts)
