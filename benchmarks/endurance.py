"""The app under steady work for minutes: is a decision lost or twice there, and does the server's memory stay flat?

    python -m benchmarks.endurance reviewers [--minutes 10] [--sessions 8]
    python -m benchmarks.endurance clicks [--minutes 10]
    python -m benchmarks.endurance uploads [--files 12] [--megabytes 20]

`reviewers`: so many tabs of one browser on one queue of Review, each rejecting sample after sample with the key. A
decision counts as called saved once the next sample is painted. `clicks`: one tab going through the screens, with a
filter, a sample and a dial on its way. `uploads`: one session importing file after file. Each prints the memory of the
server (resident, MB) as it goes, and ends with 1 where a decision is lost or twice there, or memory grows by more than
100 MB after the first minute (after the second file).
"""

import argparse
import asyncio
import json
import os
import random
import shutil
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path

from playwright.async_api import BrowserContext, Page, async_playwright
from playwright.async_api import TimeoutError as BrowserTimeout

from benchmarks.durability import decided
from benchmarks.large import build
from benchmarks.screen import ARGUMENTS, SETTLED, running_app
from srt_core.people import access_token, load, people_path
from srt_core.project.store import Store

SAMPLES = 20_000
WARM_SECONDS = 60
MOST_GROWTH = 100
"""Megabytes."""


def resident(process: int) -> float:
    """Return the memory of a process, in MB (Linux)."""
    status = Path(f"/proc/{process}/status").read_text(encoding="ascii")
    return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1]) / 1024


class Watch:
    """The memory of the server over time."""

    def __init__(self, process: int) -> None:
        self._process = process
        self._started = time.monotonic()
        self._warm: list[float] = []

    @property
    def seconds(self) -> float:
        """Since the start."""
        return time.monotonic() - self._started

    def look(self, said: str, *, is_warm: bool) -> None:
        """Print the memory, and note it where the beginning is over."""
        now = resident(self._process)
        if is_warm:
            self._warm.append(now)
        print(f"{self.seconds:6.0f} s {now:8.0f} MB  {said}", flush=True)

    def grown(self) -> float:
        """Return by how many MB the most is above what was there first, once the beginning was over."""
        return max(self._warm) - self._warm[0]


@asynccontextmanager
async def running_browser(url: str) -> AsyncIterator[BrowserContext]:
    """Run a browser that the app has let in."""
    executable = os.environ.get("SRT_BROWSER") or shutil.which("chromium")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=executable, args=ARGUMENTS)
        context = await browser.new_context()
        page = await context.new_page()
        await page.goto(f"{url}/?token={access_token(load(people_path()).secret)}")
        await settle(page)
        await page.close()
        yield context
        await browser.close()


async def settle(page: Page) -> None:
    """Wait until the script of a page has run."""
    await page.wait_for_selector(SETTLED, timeout=60_000)


async def review(page: Page, url: str, sample: str, until: Callable[[], bool], saved: list[int], place: int) -> None:
    """Reject sample after sample, from one on; count those that the screen went on from."""
    await page.goto(f"{url}/Review?queue=all&sample={sample}")
    await page.wait_for_selector("text=/Sample [0-9]/", timeout=60_000)
    await settle(page)
    while not until():
        before = page.url
        await page.keyboard.press("x")
        try:
            await page.wait_for_function("before => location.href !== before", arg=before, timeout=20_000)
        except BrowserTimeout:  # somebody else decided it: the screen says so and stays
            continue
        await settle(page)
        saved[place] += 1


async def reviewers(url: str, watch: Watch, minutes: float, names: list[str]) -> int:
    """Let one tab a name review, beginning there; return how many decisions the screens called saved."""
    saved = [0] * len(names)

    def is_over() -> bool:
        return watch.seconds > minutes * 60

    async def look() -> None:
        while not is_over():
            watch.look(f"{sum(saved):,} decisions", is_warm=watch.seconds > WARM_SECONDS)
            await asyncio.sleep(10)

    async with running_browser(url) as browser:
        pages = [await browser.new_page() for _ in names]
        work = [review(page, url, name, is_over, saved, place)
                for place, (page, name) in enumerate(zip(pages, names, strict=True))]  # fmt: skip
        await asyncio.gather(look(), *work)
    watch.look(f"{sum(saved):,} decisions, the tabs are closed", is_warm=True)
    return sum(saved)


async def clicks(url: str, watch: Watch, minutes: float, names: list[str]) -> None:
    """Go through the screens with one tab, another sample and another dial each time."""
    rounds, looked = count(), 0
    async with running_browser(url) as browser:
        page = await browser.new_page()
        while watch.seconds < minutes * 60:
            turn = next(rounds)
            await walk(page, url, names[turn % len(names)])
            if watch.seconds >= looked:
                watch.look(f"{turn + 1} rounds", is_warm=watch.seconds > WARM_SECONDS)
                looked += 10


async def walk(page: Page, url: str, sample: str) -> None:
    """Open the screens as somebody does who looks for a policy."""
    await page.goto(f"{url}/Explore?sample={sample}&reason=kept")
    await page.wait_for_selector("text=Open in Review", timeout=60_000)
    await settle(page)
    for name in ("Coverage", "Marks", "Distributions"):
        await page.get_by_text(name, exact=True).first.click()
        await settle(page)
    await page.get_by_role("link", name="Thresholds", exact=True).click()
    slider = page.get_by_role("slider").first
    await slider.wait_for(timeout=60_000)
    await settle(page)
    for key in ("ArrowLeft", "ArrowLeft", "ArrowRight", "ArrowRight"):
        await slider.press(key)
        await settle(page)
    for name in ("Review", "Trust", "Export", "History", "Overview"):
        await page.get_by_role("link", name=name, exact=True).click()
        await page.get_by_role("heading", name=name, exact=True).first.wait_for(timeout=60_000)
        await settle(page)


async def uploads(url: str, watch: Watch, files: int, megabytes: int) -> None:
    """Import uploaded files one after another in one session."""
    draw = random.Random(0)
    words = [f"word{number}" for number in range(5000)]
    async with running_browser(url) as browser:
        page = await browser.new_page()
        await page.goto(f"{url}/Import")
        for number in range(files):
            rows = [
                {"instruction": " ".join(draw.choices(words, k=20)), "output": " ".join(draw.choices(words, k=100))}
                for _ in range(megabytes * 1000)
            ]
            content, name = json.dumps(rows).encode(), f"pairs{number}.json"
            await page.locator("input[type=file]").set_input_files(
                {"name": name, "mimeType": "application/json", "buffer": content}
            )
            await page.locator(".st-key-start_import button").click(timeout=120_000)
            await page.get_by_text(name).first.wait_for(timeout=120_000)
            await page.wait_for_function("!document.body.innerText.includes('Pausing')", timeout=120_000)
            await settle(page)
            watch.look(f"{number + 1} files of {megabytes} MB", is_warm=number > 0)


def judge(watch: Watch) -> bool:
    """Print by how much memory grew; return whether that is allowed."""
    grown = watch.grown()
    print(f"grown by {grown:.0f} MB after the beginning, {MOST_GROWTH} are allowed")
    return grown <= MOST_GROWTH


def main() -> None:
    """Measure as the command line says."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.endurance")
    parser.add_argument("what", choices=("reviewers", "clicks", "uploads"))
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--sessions", type=int, default=8)
    parser.add_argument("--files", type=int, default=12)
    parser.add_argument("--megabytes", type=int, default=20)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder) / "endurance.srt"
        build(project, SAMPLES)
        os.environ["SRT_PROJECTS_DIR"] = folder
        with Store.open(project) as store:
            names = [row["sample_id"] for row in store.rows("SELECT sample_id FROM sample ORDER BY seq")]
        is_whole = True
        with running_app(project) as (url, server):
            watch = Watch(server.pid)
            if given.what == "uploads":
                asyncio.run(uploads(url, watch, given.files, given.megabytes))
            elif given.what == "clicks":
                asyncio.run(clicks(url, watch, given.minutes, names[:100]))
            else:
                firsts = names[:: SAMPLES // given.sessions][: given.sessions]
                saved = asyncio.run(reviewers(url, watch, given.minutes, firsts))
        if given.what == "reviewers":
            stored, twice = decided(project)
            print(f"{saved:,} called saved, {stored:,} stored, {twice} twice")
            is_whole = stored >= saved and not twice
        sys.exit(0 if judge(watch) and is_whole else 1)


if __name__ == "__main__":
    main()
