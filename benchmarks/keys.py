"""Keys at the desk of Review in a real browser: until the next sample is painted, and until the press is saved."""

import statistics
import time

from playwright.sync_api import Page

GAP_SECONDS = 0.3
"""Between two presses of `press_all`: a person reads a little."""

# For every key: the milliseconds until another sample stood through two frames, and until nothing was unsaved.
_WATCH = """
window.desk = {painted: [], saved: [], waiting: [], seen: []};
const roots = () => [...document.querySelectorAll('*')].map(each => each.shadowRoot).filter(Boolean);
let root = null;
const desk = () => root?.isConnected ? root : (root = roots().find(each => each.querySelector('.desk')));
const part = name => desk()?.querySelector(`[data-part=${name}]`)?.textContent ?? '';
const frame = () => new Promise(requestAnimationFrame);
window.addEventListener('keydown', async () => {
    const began = performance.now(), before = part('copy-id');
    window.desk.waiting.push(began);
    for (let frames = 0; frames < 600; frames++) {
        await frame();
        if (part('copy-id') !== before) {
            await frame();
            window.desk.painted.push(performance.now() - began);
            window.desk.seen.push(part('copy-id'));
            return;
        }
    }
    window.desk.painted.push(null);
}, true);
setInterval(() => {
    if (!desk()) return;
    const unsaved = Number(part('place').match(/([0-9]+) unsaved/)?.[1] ?? 0); // presses are saved in their order
    const { waiting, saved } = window.desk;
    while (waiting.length > unsaved) saved.push(performance.now() - waiting.shift());
}, 10);
"""


def watch_keys(page: Page) -> None:
    """Have every page that is opened from now on take the times of its keys."""
    page.add_init_script(_WATCH)


def open_review(page: Page, url: str, queue: str = "all") -> None:
    """Open Review on a queue and wait for its first sample."""
    page.goto(f"{url}/Review?queue={queue}")
    page.locator("[data-part=keys] button").first.wait_for(timeout=120_000)
    page.wait_for_timeout(1_000)


def press_all(page: Page, name: str, key: str, presses: int, gap_seconds: float = GAP_SECONDS) -> None:
    """Press a key so often; print the milliseconds until the next sample is painted, then until the press is saved."""
    page.evaluate("Object.assign(window.desk, {painted: [], saved: [], waiting: [], seen: []})")
    for _ in range(presses):
        page.keyboard.press(key)
        time.sleep(gap_seconds)
    wait_until_saved(page)
    painted, saved, seen = page.evaluate("[window.desk.painted, window.desk.saved, window.desk.seen]")
    print_times(name, [took for took in painted if took is not None])
    if key not in ("ArrowRight", "ArrowLeft"):
        print_times(f"  saved ({len(set(seen))} of {presses} samples)", saved)
    if vain := presses - len([took for took in painted if took is not None]):
        print(f"{name}: {vain} presses did nothing")


def wait_until_saved(page: Page) -> None:
    """Wait until the header counts nothing unsaved and every press was watched to its end."""
    page.locator("[data-part=place]:not(:has(.unsaved))").wait_for(timeout=60_000)
    page.wait_for_function("window.desk.waiting.length === 0", timeout=60_000)
    page.wait_for_timeout(200)


def print_times(name: str, milliseconds: list[float]) -> None:
    """Print median, 95th percentile and the slowest."""
    slow = statistics.quantiles(milliseconds, n=20)[-1] if len(milliseconds) > 19 else max(milliseconds)
    print(f"{name:42} {statistics.median(milliseconds):9,.0f} {slow:9,.0f} {max(milliseconds):9,.0f}", flush=True)
