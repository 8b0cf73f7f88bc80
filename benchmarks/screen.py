"""How fast the screen answers while the teacher is asked at full speed: a real browser, the running app.

    python -m benchmarks.screen [--samples 5000] [--presses 40] [--concurrency 16]

Presses the arrow key in Review, before a run and during it, and measures from the press until the next sample is
painted; opens the Reflect page as well. Medians and the slowest of twenty, in milliseconds.
"""

import argparse
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page, sync_playwright
from playwright.sync_api import TimeoutError as BrowserTimeout

from benchmarks.bare_client import KEY
from benchmarks.latency_server import running_latency_server
from benchmarks.reflecting import write_pairs
from srt_core.importing.run import import_file
from srt_core.people import access_token, load
from srt_core.project.store import Store

ROOT = Path(__file__).parent.parent
SETTLED = "[data-testid=stApp][data-test-script-state=notRunning]"
GAP_SECONDS = 0.3
"""Between two presses, once the next sample is painted."""
ARGUMENTS = ["--headless", "--no-sandbox", "--disable-gpu", "--no-proxy-server"]


@contextmanager
def running_app(project: Path) -> Iterator[tuple[str, "subprocess.Popen[bytes]"]]:
    """Run the app on a project in a process of its own; give its URL once it answers, and the process."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {**os.environ, "SRT_PROJECT": str(project), "SRT_PROJECTS_DIR": str(project.parent),
                   "SRT_BENCHMARK_KEY": KEY}  # fmt: skip
    command = [sys.executable, "-m", "streamlit", "run", str(ROOT / "app.py"), "--server.port", str(port),
               "--server.headless", "true"]  # fmt: skip
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(100):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0 and (project.parent / "people.toml").exists():
                    break
            time.sleep(0.2)
        yield f"http://127.0.0.1:{port}", process
    finally:
        process.terminate()
        process.wait()


def let_in(page: Page, url: str, project: Path) -> None:
    """Open the app by its token, which its browser is not asked for again."""
    page.goto(f"{url}/?token={access_token(load(project.parent / 'people.toml').secret)}")
    page.wait_for_selector(SETTLED)


def press_all(page: Page, name: str, key: str, presses: int) -> None:
    """Press a key in Review so often; print the milliseconds until the next sample is painted, and presses in vain."""
    taken = [press(page, key) for _ in range(presses)]
    print_times(name, [took for took in taken if took is not None])
    if vain := taken.count(None):
        print(f"{name}: {vain} presses did nothing")


def press(page: Page, key: str) -> float | None:
    """Press a key in Review; give the milliseconds until the next sample is painted, None if none is."""
    before = page.url
    started = time.perf_counter()
    page.keyboard.press(key)
    try:
        page.wait_for_function("before => location.href !== before", arg=before, timeout=5_000)
    except BrowserTimeout:
        return None
    page.wait_for_selector(SETTLED)
    took = (time.perf_counter() - started) * 1000
    time.sleep(GAP_SECONDS)
    return took


def open_review(page: Page, url: str, queue: str = "all") -> None:
    """Open Review on a queue."""
    page.goto(f"{url}/Review?queue={queue}")
    page.wait_for_selector("text=/Sample [0-9]/", timeout=60_000)
    page.wait_for_selector(SETTLED)


def start_run(page: Page, url: str, teacher: str, concurrency: int) -> None:
    """Start a run on the Reflect page."""
    page.goto(f"{url}/Reflect")
    for label, text in (("Base URL", teacher), ("Model", "m-1"), ("Variable with the key", "SRT_BENCHMARK_KEY")):
        page.get_by_role("textbox", name=label).fill(text)
        page.keyboard.press("Tab")
        page.wait_for_selector(SETTLED)
    page.get_by_text("More settings").click()
    page.get_by_role("spinbutton", name="Calls at once").fill(str(concurrency))
    page.keyboard.press("Tab")
    time.sleep(2)
    page.get_by_role("button", name="Start", exact=True).click()
    page.wait_for_selector("text=reflections ·")


def print_times(name: str, milliseconds: list[float]) -> None:
    """Print median, 95th percentile and the slowest."""
    slow = statistics.quantiles(milliseconds, n=20)[-1] if len(milliseconds) > 19 else max(milliseconds)
    print(f"{name:34} {statistics.median(milliseconds):9,.0f} {slow:9,.0f} {max(milliseconds):9,.0f}", flush=True)


def measure(samples: int, presses: int, concurrency: int) -> None:
    """Print a table."""
    executable = os.environ.get("SRT_BROWSER") or shutil.which("chromium")
    with tempfile.TemporaryDirectory() as folder, running_latency_server(0.05) as teacher:
        project = Path(folder) / "screen.srt"
        with Store.create(project) as store:
            for _ in import_file(store, write_pairs(Path(folder) / "pairs.jsonl", samples)):
                pass
        with running_app(project) as (url, _), sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=executable, args=ARGUMENTS)
            page = browser.new_page()
            let_in(page, url, project)
            open_review(page, url)
            print(f"{'milliseconds':34} {'median':>9} {'95 %':>9} {'slowest':>9}")
            press_all(page, "next sample, nothing runs", "ArrowRight", presses)
            start_run(page, url, teacher, concurrency)
            open_review(page, url)
            press_all(page, f"a run, {concurrency} calls at once", "ArrowRight", presses)
            page.goto(f"{url}/Reflect")
            page.wait_for_selector("text=reflections ·")
            figures = page.get_by_text("reflections ·").first.inner_text()
            browser.close()
    print(figures)


def main() -> None:
    """Measure as the command line says."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.screen")
    parser.add_argument("--samples", type=int, default=5000)
    parser.add_argument("--presses", type=int, default=40)
    parser.add_argument("--concurrency", type=int, default=16)
    given = parser.parse_args()
    measure(given.samples, given.presses, given.concurrency)


if __name__ == "__main__":
    main()
