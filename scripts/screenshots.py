"""Take a picture of every screen: python scripts/screenshots.py [OUT_DIR] [--project FILE] [--all].

Starts the app on a fresh demo project (or on a copy of FILE), waits until its jobs are done, has two curators decide
some samples, and photographs each page in light and dark at 1440 pixels. --all takes each page whole, at 1024 pixels
too.
"""

import argparse
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable
from functools import partial
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from srt_core.people import access_token, load
from srt_core.ui.frame.navigation import PAGES

Address = Callable[[str], str]
ROOT = Path(__file__).parent.parent
ADDRESSES = ["" if page == "app.py" else Path(page).stem.partition("_")[2] for page in PAGES]
CURATORS = {"Ann": "aaxaa2aaxa", "Ben": "axaaa"}
"""Who decides before the pictures are taken, and with which keys."""
ARGUMENTS = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
SECONDS_OF_JOBS = 120
HEIGHT = 900


def main() -> None:
    """Take the pictures that were asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out_dir", nargs="?", type=Path, default=ROOT / "docs" / "screenshots")
    parser.add_argument("--project", type=Path)
    parser.add_argument("--all", action="store_true")
    options = parser.parse_args()
    options.out_dir.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        server, address = _start(Path(folder), options.project)
        try:
            with sync_playwright() as playwright:
                path = shutil.which("chromium") or shutil.which("google-chrome")
                browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
                _wait_for_jobs(browser, address)
                _decide(browser, address)
                _photograph(browser, address, options.out_dir, is_whole=options.all)
                browser.close()
        finally:
            server.terminate()
            server.wait()


def _start(folder: Path, project: Path | None) -> tuple[subprocess.Popen[bytes], Address]:
    """Start the app; give its process, and the address of each page with the token that lets a browser in."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {**os.environ, "SRT_PROJECTS_DIR": str(folder)}
    if project:
        environment["SRT_PROJECT"] = str(shutil.copy(project, folder))
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(port), "--server.headless=true"]
    server = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"
    for _ in range(300):
        try:
            urllib.request.urlopen(f"{url}/_stcore/health", timeout=5).close()
            token = access_token(load(folder / "people.toml").secret)
            return server, partial(_address, url, token)
        except OSError:  # not there yet, or too busy to answer
            time.sleep(0.2)
    server.kill()
    raise SystemExit("The app did not start.")


def _address(url: str, token: str, path: str) -> str:
    return f"{url}/{path}{'&' if '?' in path else '?'}token={token}"


def _photograph(browser: Browser, address: Address, out_dir: Path, *, is_whole: bool) -> None:
    for width in (1440, 1024) if is_whole else (1440,):
        for scheme in ("light", "dark"):
            context = browser.new_context(
                viewport={"width": width, "height": HEIGHT}, color_scheme="dark" if scheme == "dark" else "light"
            )
            page = context.new_page()
            size = "" if width == 1440 else f"-{width}"
            for name in ADDRESSES:
                page.set_viewport_size({"width": width, "height": HEIGHT})
                _open(page, address(name))
                if is_whole:
                    _unroll(page, width)
                page.screenshot(path=out_dir / f"{name.lower() or 'overview'}-{scheme}{size}.png")
                if name == "Review" and _show_token_losses(page):
                    page.screenshot(path=out_dir / f"review-tokens-{scheme}{size}.png")
            context.close()


def _unroll(page: Page, width: int) -> None:
    """Make the window as high as the page."""
    height = page.evaluate("document.querySelector('[data-testid=stMain]').scrollHeight")
    page.set_viewport_size({"width": width, "height": max(HEIGHT, min(height, 4_000))})
    page.wait_for_timeout(1_500)


def _decide(browser: Browser, address: Address) -> None:
    """Have each curator decide from the first sample on, so that they decide some in common."""
    for curator, keys in CURATORS.items():
        page = browser.new_page()
        for number, key in enumerate(keys, start=1):
            _open(page, address(f"Review?queue=all&curator={curator}&sample={number}"))
            page.keyboard.press(key)
            page.wait_for_timeout(1_200)
        page.close()


def _wait_for_jobs(browser: Browser, address: Address) -> None:
    page = browser.new_page()
    _open(page, address(""))
    deadline = time.monotonic() + SECONDS_OF_JOBS
    while page.get_by_role("button", name="Pause").count() and time.monotonic() < deadline:
        page.wait_for_timeout(1_000)
    page.close()


def _show_token_losses(page: Page) -> bool:
    """Open the token losses; False where the project has no score to show them of."""
    page.set_viewport_size({"width": page.viewport_size["width"] if page.viewport_size else 1440, "height": HEIGHT})
    page.get_by_role("button", name="Token losses").click()
    page.wait_for_timeout(1_500)
    button = page.get_by_role("button", name="Show token losses")
    if button.count():
        button.click()
    elif not page.get_by_text("Each coloured piece is a token").count():
        return False
    page.get_by_text("Each coloured piece is a token").wait_for(timeout=60_000)
    page.wait_for_timeout(1_500)
    return True


def _open(page: Page, url: str) -> None:
    page.goto(url)
    page.wait_for_selector("[data-testid=stApp][data-test-script-state=notRunning]", timeout=60_000)
    page.wait_for_function("!document.querySelector('[data-testid=stSkeleton]')")
    page.wait_for_timeout(1_500)  # charts and tables draw after the script has run


if __name__ == "__main__":
    main()
