"""The step kinds: what each sample is about."""

from collections.abc import Generator
from threading import Event

from srt_core.importing.grouping import find_kinds, group_subjects
from srt_core.project.progress import Progress
from srt_core.project.store import Store
from srt_core.steps.step import Arguments, Report, Step


def _run(store: Store, _asked: Arguments, stop: Event) -> Generator[Progress, None, None]:
    """Find the kinds that are missing, then group by subject."""
    yield from find_kinds(store, stop=stop)
    if not stop.is_set():
        yield from group_subjects(store, stop=stop)


def _report(store: Store, _asked: Arguments, _last: Progress) -> Report:
    tasks = store.rows("SELECT task, count(*) AS samples FROM kind GROUP BY task ORDER BY samples DESC, task")
    groups = store.rows(
        """SELECT cluster, words, count(*) AS samples FROM kind JOIN cluster USING (cluster)
           GROUP BY ALL ORDER BY cluster"""
    )
    return Report(
        [
            *(f"{row['task']}: {row['samples']:,}" for row in tasks),
            *(f"subject {row['cluster']} ({row['words']}): {row['samples']:,}" for row in groups),
        ]
    )


KINDS = Step(
    "kinds",
    "Finding kinds and subjects",
    "samples",
    _run,
    help="Find what each sample is about: task and language where they are missing, then group all by subject again.",
    report=_report,
)
