"""Decisions in a real browser while the server is killed: is every one there that the screen went on from?

    python -m benchmarks.durability [--decisions 2000] [--kills 10] [--samples 3000]

Leaves out sample after sample with the key in Review; kills the server with SIGKILL at random moments, opens the
project and counts. A decision counts as called saved once the header counts nothing unsaved. Prints one line a kill;
ends with 1 where one is lost or twice there.
"""

import argparse
import os
import random
import shutil
import signal
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from benchmarks.keys import open_review, wait_until_saved, watch_keys
from benchmarks.large import build
from benchmarks.screen import ARGUMENTS, let_in, running_app
from srt_core.project.store import Store


def leave_out(page: Page, presses: int) -> None:
    """Press the key so often, each time when the one before is called saved."""
    for _ in range(presses):
        page.keyboard.press("x")
        wait_until_saved(page)


def decided(project: Path) -> tuple[int, int]:
    """Count the decisions of a project, and the samples that have more than one."""
    with Store.open(project) as store:
        decisions = store.value("SELECT count(*) FROM event WHERE kind = 'reject'")
        twice = store.value("SELECT count(*) FROM (SELECT sample_id FROM event GROUP BY sample_id HAVING count(*) > 1)")
    return int(decisions), int(twice)


def measure(decisions: int, kills: int, samples: int, seed: int) -> bool:
    """Decide and kill; give whether nothing was lost and nothing stands twice."""
    draw = random.Random(seed)
    executable = os.environ.get("SRT_BROWSER") or shutil.which("chromium")
    is_whole, saved = True, 0
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        project = Path(folder) / "durability.srt"
        build(project, samples)
        for kill in range(1, kills + 1):
            with running_app(project) as (url, server):
                browser = playwright.chromium.launch(executable_path=executable, args=ARGUMENTS)
                page = browser.new_page()
                watch_keys(page)
                let_in(page, url, project)
                open_review(page, url)
                share = decisions / kills
                presses = draw.randint(round(share * 0.5), round(share * 1.5))
                leave_out(page, presses)
                saved += presses
                page.keyboard.press("x")  # one in flight
                page.wait_for_timeout(draw.uniform(0, 200))
                server.send_signal(signal.SIGKILL)
                server.wait()
                browser.close()
            stored, twice = decided(project)
            print(f"kill {kill}: {saved:,} called saved, {stored:,} stored, {twice} twice", flush=True)
            is_whole &= stored >= saved and not twice
            saved = stored
    return is_whole


def main() -> None:
    """Measure as the command line says."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.durability")
    parser.add_argument("--decisions", type=int, default=2000)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--samples", type=int, default=4000)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    sys.exit(0 if measure(given.decisions, given.kills, given.samples, given.seed) else 1)


if __name__ == "__main__":
    main()
