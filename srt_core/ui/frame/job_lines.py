"""What runs, and what has ended meanwhile: a line a job in the sidebar, so that it is seen on every page."""

from collections.abc import Mapping

import streamlit as st

from srt_core.steps.jobs import Job, JobState
from srt_core.steps.steps import STEPS
from srt_core.ui.frame.jobs import share
from srt_core.ui.frame.navigation import JOB_PAGES, address
from srt_core.ui.server.runtime import Project

POLL_SECONDS = 2.0
_SEEN = "jobs_seen"
_ENDED: Mapping[JobState, tuple[str, str]] = {
    JobState.DONE: ("is done", ":material/check_circle:"),
    JobState.PAUSED: ("is paused", ":material/pause_circle:"),
    JobState.FAILED: ("stopped", ":material/error:"),
}


def draw_job_lines(project: Project, page: str) -> None:
    """Draw a line for each job that runs, and for each that ended since this session last saw the page it is on."""
    jobs = _jobs(project)
    ended = {job.job_id for job in jobs if job.state is not JobState.RUNNING}
    seen = st.session_state.setdefault(f"{_SEEN}|{project.name}", set(ended))  # what ended before is no news
    seen |= {job.job_id for job in jobs if JOB_PAGES[job.kind] == page and job.job_id in ended}
    is_running = len(ended) < len(jobs)
    st.fragment(_draw, run_every=POLL_SECONDS if is_running else None)(project, frozenset(seen))


def _draw(project: Project, seen: frozenset[int]) -> None:
    for job in _jobs(project):
        if job.state is JobState.RUNNING:
            _link(job, _how_far(job), ":material/hourglass_top:")
        elif job.job_id not in seen:
            _link(job, *_ENDED[job.state])


def _jobs(project: Project) -> list[Job]:
    return [job for job in project.jobs.all() if job.kind in JOB_PAGES]


def _link(job: Job, said: str, icon: str) -> None:
    label = f"{STEPS[job.kind].label} {said}".strip()
    st.page_link(JOB_PAGES[job.kind], label=label, icon=icon, query_params=address())


def _how_far(job: Job) -> str:
    """Write the share that is done, or how much, where the total is not known."""
    done, total = job.progress.done, job.progress.total
    return f"{share(job.progress):.0%}" if total else f"{done:,} {STEPS[job.kind].unit}" if done else ""
