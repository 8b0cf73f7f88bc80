"""How soon the buttons of a screen stand beside texts of a megabyte: a real browser, the running app.

    python -m benchmarks.long_texts [--characters 1000000] [--samples 3] [--rounds 5]

Adds samples to the demo project, each of four versions whose instruction and response are that long, and opens the
screens that show them. Milliseconds until the button or link that is named can be pressed, and of what the page weighs.
"""

import argparse
import json
import os
import random
import shutil
import tempfile
import time
from pathlib import Path
from statistics import median

from playwright.sync_api import Page, sync_playwright

from benchmarks.screen import ARGUMENTS, SETTLED, let_in, running_app
from srt_core.importing.run import import_file
from srt_core.project.store import Store
from srt_core.records import Action, Decision, Origin, Pair
from srt_core.review.decisions import decide
from srt_core.steps.demo import FOLDER, fill_demo
from srt_core.steps.score import SCORE

PARTS = ("instruction", "response")
VERSIONS = ("original", "instruction", "response", "both")
WORDS = [f"word{number}" for number in range(5000)]


def text(draw: random.Random, characters: int) -> str:
    """Return a text of that length, in words and paragraphs."""
    words = draw.choices(WORDS, k=characters // 8 + 1)
    lines = [" ".join(words[at : at + 40]) for at in range(0, len(words), 40)]
    return "\n\n".join(lines)[:characters]


def add_long_samples(store: Store, folder: Path, samples: int, characters: int) -> list[str]:
    """Import samples of long texts; return their ids."""
    draw = random.Random(1)
    columns = {f"{version}.{part}": f"{version}_{part}" for version in VERSIONS for part in PARTS}
    rows = [{name: text(draw, characters) for name in columns.values()} for _ in range(samples)]
    file = folder / "long.json"
    file.write_text(json.dumps(rows), encoding="utf-8")
    for _ in import_file(store, file, column_map=columns):
        pass
    return [row["sample_id"] for row in store.rows("SELECT sample_id FROM sample ORDER BY seq DESC LIMIT ?", [samples])]


def build(project: Path, folder: Path, samples: int, characters: int) -> list[str]:
    """Make the demo project with long samples, the first approved and the second edited; return their ids."""
    with Store.create(project) as store:
        for _ in fill_demo(store):
            pass
        names = add_long_samples(store, folder, samples, characters)
        for _ in SCORE.walk(store, {"student": str(FOLDER / "student"), "template": "alpaca"}):
            pass
        edited = Pair(text(random.Random(2), characters), text(random.Random(3), characters))
        decide(store, Decision(names[0], Action.APPROVE, "somebody", Origin.ORIGINAL), expected_event_id=None)
        decide(store, Decision(names[1], Action.EDIT, "somebody", Origin.RESPONSE, edited), expected_event_id=None)
    return names


def wait_for(page: Page, awaited: str, started: float) -> tuple[float, int]:
    """Wait for a button or link; give the milliseconds until it can be pressed, and the size of the page then."""
    page.locator(awaited).first.wait_for(timeout=180_000)
    page.locator(awaited).first.click(trial=True, timeout=180_000)
    took = (time.perf_counter() - started) * 1000
    page.wait_for_selector(SETTLED, timeout=180_000)
    return took, int(page.evaluate("document.documentElement.outerHTML.length"))


def open_at(page: Page, url: str, awaited: str) -> tuple[float, int]:
    """Open an address, and wait."""
    page.goto("about:blank")
    started = time.perf_counter()
    page.goto(url)
    return wait_for(page, awaited, started)


def read_edit(page: Page, url: str, sample: str) -> tuple[float, int]:
    """Open the edit of a sample on History, and wait."""
    open_at(page, f"{url}/History?of_sample={sample}", ".dvn-scroller")
    started = time.perf_counter()
    page.locator(".dvn-scroller").first.click(position={"x": 15, "y": 52})
    return wait_for(page, "button:has-text('Undo this decision')", started)


def measure(samples: int, characters: int, rounds: int) -> None:
    """Print a line a screen: medians of the rounds."""
    executable = os.environ.get("SRT_BROWSER") or shutil.which("chromium")
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder) / "long.srt"
        names = build(project, Path(folder), samples, characters)
        with Store.open(project) as store:
            short = store.value("SELECT sample_id FROM sample WHERE seq = 1")
        screens = {
            "Explore, a short sample": (f"Explore?sample={short}", "text=Open in Review"),
            "Explore, a long sample": (f"Explore?sample={names[2]}", "text=Open in Review"),
            "Review, a short sample": (
                f"Review?queue=all&sample={short}",
                "[data-part=keys] button:has-text('Leave out')",
            ),
            "Review, a long sample": (
                f"Review?queue=all&sample={names[2]}",
                "[data-part=keys] button:has-text('Leave out')",
            ),
            "Export, long samples": ("Export?scope=Approved+by+a+person+only", "button:has-text('Write')"),
        }
        with running_app(project) as (url, _), sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=executable, args=ARGUMENTS)
            page = browser.new_page()
            let_in(page, url, project)
            open_at(page, f"{url}/Explore", "text=Review these")
            print(f"{'':34} {'ms':>9} {'characters':>12}")
            for name, (address, awaited) in screens.items():
                tell(name, [open_at(page, f"{url}/{address}", awaited) for _ in range(rounds)])
            tell("History, a long edit", [read_edit(page, url, names[1]) for _ in range(rounds)])
            browser.close()


def tell(name: str, found: list[tuple[float, int]]) -> None:
    """Print the median time of a screen and its size."""
    print(f"{name:34} {median(took for took, _ in found):9,.0f} {found[-1][1]:12,}", flush=True)


def main() -> None:
    """Measure as the command line says."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.long_texts")
    parser.add_argument("--samples", type=int, default=3)
    parser.add_argument("--characters", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    measure(given.samples, given.characters, given.rounds)


if __name__ == "__main__":
    main()
