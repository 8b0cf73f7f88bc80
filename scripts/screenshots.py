"""Take a picture of every screen: python scripts/screenshots.py [OUT_DIR] [--project FILE] [--all].

Starts the app on a fresh demo project (or on a copy of FILE), waits until it is scored, and photographs each page in
light and dark at 1440 pixels, with --all at 1024 pixels too.
"""

import argparse
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).parent.parent
PAGES = ("", "Import", "Reflect", "Score", "Explore", "Thresholds", "Review", "Export", "History")
ARGUMENTS = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
SECONDS_TO_SCORE = 120


def main() -> None:
    """Take the pictures that were asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out_dir", nargs="?", type=Path, default=ROOT / "docs" / "screenshots")
    parser.add_argument("--project", type=Path)
    parser.add_argument("--all", action="store_true")
    options = parser.parse_args()
    options.out_dir.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        server, url = _start(Path(folder), options.project)
        try:
            with sync_playwright() as playwright:
                path = shutil.which("chromium") or shutil.which("google-chrome")
                browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
                _photograph(browser, url, options.out_dir, (1440, 1024) if options.all else (1440,))
                browser.close()
        finally:
            server.terminate()
            server.wait()


def _start(folder: Path, project: Path | None) -> tuple[subprocess.Popen[bytes], str]:
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
            return server, url
        except urllib.error.URLError:
            time.sleep(0.2)
    server.kill()
    raise SystemExit("The app did not start.")


def _photograph(browser: Browser, url: str, out_dir: Path, widths: tuple[int, ...]) -> None:
    _wait_until_scored(browser, url)
    for width in widths:
        for scheme in ("light", "dark"):
            context = browser.new_context(
                viewport={"width": width, "height": 900}, color_scheme="dark" if scheme == "dark" else "light"
            )
            page = context.new_page()
            for name in PAGES:
                _open(page, f"{url}/{name}")
                size = "" if width == 1440 else f"-{width}"
                page.screenshot(path=out_dir / f"{name.lower() or 'overview'}-{scheme}{size}.png", full_page=False)
                if name == "Review":
                    _show_token_losses(page)
                    page.screenshot(path=out_dir / f"review-tokens-{scheme}{size}.png", full_page=False)
            context.close()


def _wait_until_scored(browser: Browser, url: str) -> None:
    page = browser.new_page()
    _open(page, url)
    deadline = time.monotonic() + SECONDS_TO_SCORE
    while page.get_by_role("button", name="Pause").count() and time.monotonic() < deadline:
        page.wait_for_timeout(1_000)
    page.close()


def _show_token_losses(page: Page) -> None:
    page.get_by_role("tab", name="Token losses").click()
    page.wait_for_timeout(1_500)
    button = page.get_by_role("button", name="Show token losses")
    if button.count():
        button.click()
    legend = page.get_by_text("Each coloured piece is a token")
    legend.wait_for(timeout=60_000)
    legend.evaluate("element => element.scrollIntoView({block: 'start'})")
    page.wait_for_timeout(1_500)


def _open(page: Page, url: str) -> None:
    page.goto(url)
    page.wait_for_selector("[data-testid=stApp][data-test-script-state=notRunning]", timeout=60_000)
    page.wait_for_function("!document.querySelector('[data-testid=stSkeleton]')")
    page.wait_for_timeout(1_500)  # charts and tables draw after the script has run


if __name__ == "__main__":
    main()
