"""The step measure: the measures that are functions of the texts."""

from collections.abc import Generator
from threading import Event

from srt_core.project.progress import Progress
from srt_core.project.store import Store
from srt_core.score.measuring import functions, measure
from srt_core.steps.step import Arguments, Report, Step


def _run(store: Store, _asked: Arguments, stop: Event) -> Generator[Progress, None, None]:
    yield from measure(store, stop=stop)


def _report(store: Store, _asked: Arguments, _last: Progress) -> Report:
    rows = store.rows("SELECT measure, source, status, count(*) AS numbers FROM measurement GROUP BY ALL ORDER BY ALL")
    known = {(each.name, each.version): each.label for each in functions()}
    lines = [
        f"{known[row['measure'], row['source']]}: {row['numbers']:,} {row['status']}"
        for row in rows
        if (row["measure"], row["source"]) in known
    ]
    return Report(lines or ["No method here brings a measure of its own."])


MEASURE = Step(
    "measure",
    "Measuring texts",
    "numbers",
    _run,
    help="Compute the measures that methods bring, for every version that lacks them.",
    failed="not defined",
    report=_report,
)
