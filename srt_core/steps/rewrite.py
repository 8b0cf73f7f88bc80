"""The step rewrite: what producers that are functions of the texts make of the originals."""

from collections.abc import Generator
from threading import Event

from srt_core.methods import REWRITERS
from srt_core.project.progress import Progress
from srt_core.project.store import Store
from srt_core.reflect.rewriting import rewrite
from srt_core.steps.step import Arguments, Report, Step


def _run(store: Store, _asked: Arguments, stop: Event) -> Generator[Progress, None, None]:
    yield from rewrite(store, stop=stop)


def _report(store: Store, _asked: Arguments, _last: Progress) -> Report:
    rows = store.rows("SELECT producer, count(*) AS candidates FROM candidate GROUP BY producer ORDER BY producer")
    made = {row["producer"]: row["candidates"] for row in rows}
    lines = [f"{producer}: {made.get(producer, 0):,} rewrites" for producer in REWRITERS]
    return Report(lines or ["No method here brings a rewriter."])


REWRITE = Step(
    "rewrite",
    "Rewriting by methods",
    "originals",
    _run,
    help="Make the rewrites that methods bring by functions of the texts, beside those of teachers.",
    report=_report,
)
