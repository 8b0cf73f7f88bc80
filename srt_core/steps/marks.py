"""The step marks: what may be wrong with each sample."""

from collections.abc import Generator
from threading import Event

from srt_core.importing.marks import count_marks, find_marks
from srt_core.project.progress import Progress
from srt_core.project.store import Store
from srt_core.steps.step import Arguments, Report, Step


def _run(store: Store, _asked: Arguments, stop: Event) -> Generator[Progress, None, None]:
    yield from find_marks(store, stop=stop)


def _report(store: Store, _asked: Arguments, _last: Progress) -> Report:
    total = int(store.value("SELECT count(*) FROM sample"))
    counts = [(each.mark.label, each.samples or 0) for each in count_marks(store)]
    width = max(len(label) for label, _ in counts)
    return Report([f"{label:<{width}}  {samples:>9,}  {samples / max(total, 1):7.2%}" for label, samples in counts])


MARKS = Step(
    "marks",
    "Looking for quality marks",
    "samples",
    _run,
    help="Look for quality marks in every sample that was not looked at yet, and count them.",
    report=_report,
    is_work=False,
)
