"""The curator's desk at a million samples: statements in this process, then the running app in a real browser.

    python -m benchmarks.desk [project.srt] [--samples 1000000] [--presses 60] [--jobs]

Without a project one is built (benchmarks.large) and removed again; one that is given is changed. Prints medians, 95th
percentiles and the slowest, in milliseconds, and the most memory that the server held. `--jobs` also presses keys
while a scoring and a reflection run.
"""

import argparse
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from benchmarks.keys import open_review, press_all, print_times, watch_keys
from benchmarks.large import build
from benchmarks.latency_server import running_latency_server
from benchmarks.screen import ARGUMENTS, SETTLED, let_in, running_app, start_run
from srt_core.project.store import Store
from srt_core.records import Action, Stage
from srt_core.review import decisions
from srt_core.review.filter import facets
from srt_core.review.filter.filter import Filter, membership
from srt_core.review.filter.own import OwnCondition
from srt_core.select.compare import whatif
from srt_core.select.derive import refresh
from srt_core.select.policy import applied_policy

PAGES = (
    "",
    "Import",
    "Reflect",
    "Score",
    "Methods",
    "Explore",
    "Thresholds",
    "Compare",
    "Review",
    "Trust",
    "Export",
    "History",
)
BULK = 100_000
BURST = 100
_FILTERS = {
    "reason and IFD": Filter(reason=("kept",), winner_ranges=(("ifd", 0.5, 0.8),)),
    "state and winner": Filter(state=("open",), winner=("BOTH", "RESPONSE")),
    "problem and column": Filter(problem=("without a score",), own=(OwnCondition("source", ("web",)),)),
}


_TWICE = """
    SELECT count(*) FROM (
        SELECT sample_id FROM event WHERE is_decision(kind) AND NOT is_bulk(context)
        GROUP BY sample_id HAVING count(*) > 1)"""


def measure_statements(store: Store) -> None:
    """Print what the statements behind the screens take."""
    print_times("derived tables, all samples", [timed(lambda: _derive(store))])
    print_times("derived tables, 500 changed", [timed(lambda: _derive_some(store)) for _ in range(3)])
    for name, only in _FILTERS.items():
        print_times(f"count: {name}", [timed(partial(facets.count, store, only)) for _ in range(7)])
    for text in ("zzqq", "write a python", "twd"):
        only = Filter(text=text)
        print_times(f"full text, first time: {text}", [timed(partial(facets.count, store, only))])
        print_times("full text, again", [timed(partial(facets.count, store, only)) for _ in range(5)])
    edges = facets.bin_edges(store, "ifd")
    for only in (Filter(), Filter(reason=("kept",))):
        print_times("histogram", [timed(partial(facets.count_in_bins, store, "ifd", edges, only)) for _ in range(7)])
    print_times("density", [timed(lambda: facets.count_in_grid(store, edges, edges, Filter())) for _ in range(7)])
    policy = applied_policy(store)
    for name, dialled in (
        ("a ceiling", policy.limited(max_ifd=0.9)),
        ("a margin", replace(policy, instruction_margin=0.05)),
        ("a top share", replace(policy, top_share=40.0)),
    ):
        print_times(f"what if: {name}", [timed(partial(whatif.compare, store, dialled)) for _ in range(7)])
    print_times("gains of a dial", [timed(lambda: whatif.gains(store, Stage.INSTRUCTION, policy)) for _ in range(7)])
    print_times(f"bulk decision on {BULK:,}", [timed(lambda: _decide(store))])
    print_times("its undo", [timed(lambda: decisions.undo_action(store, _last_action(store), "benchmark"))])
    _decide(store)


def _derive(store: Store) -> None:
    with store.transaction() as tx:
        tx.bump()
    refresh(store)


def _derive_some(store: Store) -> None:
    rows = store.rows("SELECT sample_id FROM sample WHERE seq BETWEEN 1000 AND 1499")
    with store.transaction() as tx:
        tx.bump([row["sample_id"] for row in rows])
    refresh(store)


def _decide(store: Store) -> None:
    where, values = membership(store, Filter(state=("open",)))
    decisions.decide_all(
        store, f"{where} AND seq <= $last", {**values, "last": BULK}, Action.APPROVE, "benchmark", "bulk"
    )


def _last_action(store: Store) -> int:
    return int(store.value("SELECT max(action_id) FROM event"))


def measure_screens(page: Page, url: str, presses: int) -> None:
    """Print the first paint of each page, the second time it is opened, and the next sample's time by key."""
    for name in PAGES:
        open_page(page, url, name)
        print_times(f"first paint: {name or 'Overview'}", [open_page(page, url, name) for _ in range(3)])
    for queue in ("all", "closest", "filter&reason=kept&ifd=0.5,0.8"):
        open_review(page, url, queue)
        press_all(page, f"next sample, {queue.partition('&')[0]}", "ArrowRight", presses)
    open_review(page, url, "closest")
    press_all(page, "next sample after a decision", "x", presses)
    for gap in (30, 100, 250):
        press_all(page, f"{BURST} keys, {gap} ms apart", "x", BURST, gap / 1000)


def open_page(page: Page, url: str, name: str) -> float:
    """Open a page by its address; give the milliseconds until everything on it is drawn."""
    started = time.perf_counter()
    page.goto(f"{url}/{name}")
    page.locator("h1").first.wait_for()
    page.wait_for_selector(SETTLED, timeout=120_000)
    return (time.perf_counter() - started) * 1000


def start_scoring(page: Page, url: str, student: Path) -> None:
    """Start a scoring by another student on the Score page."""
    page.goto(f"{url}/Score")
    box = page.get_by_role("textbox", name="Model folder")
    box.fill(str(student))
    page.keyboard.press("Tab")
    time.sleep(2)
    page.wait_for_selector(SETTLED)
    page.get_by_role("button", name="Start scoring").click()
    page.get_by_role("button", name="Pause", exact=True).wait_for(timeout=120_000)


def measure_beside_jobs(page: Page, url: str, presses: int) -> None:
    """Press keys while a scoring and a reflection run."""
    with running_latency_server(0.05) as teacher:
        start_run(page, url, teacher, 8)
        start_scoring(page, url, Path(__file__).parent.parent / "sample_data" / "student")
        time.sleep(10)
        open_review(page, url, "closest")
        press_all(page, "next sample beside two jobs", "ArrowRight", presses)
        press_all(page, "a decision beside two jobs", "x", presses)


@contextmanager
def given_project(path: Path | None, samples: int) -> Iterator[Path]:
    """The project that was given, or one that is built for the measurement."""
    if path:
        yield path
        return
    with tempfile.TemporaryDirectory() as folder:
        built = Path(folder) / "large.srt"
        build(built, samples)
        yield built


def most_memory(pid: int) -> float:
    """Return the most memory that a process of this machine was resident in, in MB."""
    status = Path(f"/proc/{pid}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")) / 1024


def timed(act: Callable[[], object]) -> float:
    """Return the milliseconds that a call takes."""
    started = time.perf_counter()
    act()
    return (time.perf_counter() - started) * 1000


def main() -> None:
    """Measure as the command line says."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.desk")
    parser.add_argument("project", type=Path, nargs="?")
    parser.add_argument("--samples", type=int, default=1_000_000)
    parser.add_argument("--presses", type=int, default=60)
    parser.add_argument("--jobs", action="store_true")
    given = parser.parse_args()
    print(f"{'milliseconds':42} {'median':>9} {'95 %':>9} {'slowest':>9}")
    with given_project(given.project, given.samples) as path:
        with Store.open(path) as store:
            measure_statements(store)
        executable = os.environ.get("SRT_BROWSER") or shutil.which("chromium")
        with running_app(path) as (url, server), sync_playwright() as playwright:
            page = playwright.chromium.launch(executable_path=executable, args=ARGUMENTS).new_page()
            watch_keys(page)
            let_in(page, url, path)
            measure_screens(page, url, given.presses)
            if given.jobs:
                measure_beside_jobs(page, url, given.presses)
            print(f"server's most memory: {most_memory(server.pid):,.0f} MB")
        with Store.open(path) as store:
            print(f"samples that were decided twice by a key: {store.value(_TWICE)}")


if __name__ == "__main__":
    main()
