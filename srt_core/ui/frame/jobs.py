"""What a screen says of a job: its state, and how far it is in words."""

import json
from dataclasses import dataclass
from typing import Any

from srt_core.errors import SRTError
from srt_core.project.progress import Progress
from srt_core.steps.jobs import JobState
from srt_core.steps.step import Arguments
from srt_core.steps.steps import STEPS
from srt_core.ui.frame.words import duration
from srt_core.ui.server.runtime import Project


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


def share(progress: Progress) -> float:
    """Return how much of a step is done, from 0 to 1; 0 where its total is not known."""
    return min(progress.done / progress.total, 1.0) if progress.total else 0.0


def figures(kind: str, progress: Progress, *, is_running: bool = True) -> str:
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
