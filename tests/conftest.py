"""What tests share: the running app, a real browser, and real data where the machine has it."""

import http.client
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Locator, Page, Request, expect, sync_playwright
from playwright.sync_api import TimeoutError as NotInTimeError
from streamlit.components.v2 import manifest_scanner

from srt_core.people import access_token, load
from srt_core.project.log_file import log_of

if TYPE_CHECKING:
    from tests.command_line import Command
    from tests.walked_project import Walked

ROOT = Path(__file__).parent.parent
START_SECONDS = 120
WAIT_MILLISECONDS = 240_000
"""How long a test waits for what the browser should show: long, since the machine may be busy with other work."""

LOOK_MILLISECONDS = 250
TRIES = 20
TRY_MILLISECONDS = 3_000
GOES_ON = """before => location.href !== before
    || document.querySelector('[data-testid=stApp]').dataset.testScriptState !== 'notRunning'"""

expect.set_options(timeout=WAIT_MILLISECONDS)

BROWSER_ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--disable-sync",
    "--disable-component-update",
    "--disable-background-networking",
    "--no-first-run",
    "--no-proxy-server",
]


def pytest_configure() -> None:
    """Undo what a background job or `nohup` hands down: children that ignore Ctrl-C from their start on.

    A program keeps to what it inherits, srt too; only the tests that send Ctrl-C need it as a terminal leaves it.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run browser tests last, so that a failure of the core is seen first; leave out what only `make test-all` runs."""
    items.sort(key=lambda item: item.get_closest_marker("browser") is not None)
    if not os.environ.get("SRT_ALL"):
        skip = pytest.mark.skip(reason="SRT_ALL is not set: `make test-all` runs it")
        for item in items:
            if item.get_closest_marker("thorough"):
                item.add_marker(skip)


@pytest.fixture(scope="session", autouse=True)
def installed_once() -> Iterator[None]:
    """Have Streamlit read what is installed once: its AppTest else reads every package again at each run of a page."""
    with pytest.MonkeyPatch.context() as patch:
        found = cache(manifest_scanner.scan_component_manifests)
        patch.setattr(manifest_scanner, "scan_component_manifests", found)
        yield


@pytest.fixture(scope="session")
def shared_dir() -> Path:
    """The folder of real data and a real student; a test that asks for it is skipped where there is none."""
    folder = os.environ.get("SRT_SHARED")
    if not folder:
        pytest.skip("SRT_SHARED names no folder of real data")
    return Path(folder)


@pytest.fixture(scope="session")
def small_student() -> Path:
    """The folder of a real small student that `make test-all` makes; without it a test that asks for it is skipped."""
    folder = os.environ.get("SRT_SMOLLM2")
    if not folder:
        pytest.skip("SRT_SMOLLM2 names no student's folder: `make test-all` makes one")
    return Path(folder)


@pytest.fixture(scope="session")
def chromium_path() -> str:
    """The browser's executable. A machine without one fails: a screen nobody opened is not tested."""
    for name in (os.environ.get("SRT_BROWSER"), "chromium", "chromium-browser", "google-chrome"):
        if path := name and shutil.which(name):
            return path
    pytest.fail("The browser tests need Chromium: install it, or set SRT_BROWSER to its path.", pytrace=False)


@pytest.fixture(scope="module")
def browser(chromium_path: str) -> Iterator[Browser]:
    """A headless browser. It lives for one module: its event loop would be in the way of asyncio in others."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path, args=BROWSER_ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A fresh page. At the end it must have raised no script error and asked no other host for anything."""
    faults: list[str] = []

    def note_foreign(request: Request) -> None:
        address = urlsplit(request.url)
        if address.scheme in ("http", "https", "ws", "wss") and address.hostname != "127.0.0.1":
            faults.append(f"asked {request.url}")

    with browser.new_context(viewport={"width": 1400, "height": 1000}) as context:
        page = context.new_page()
        page.set_default_timeout(WAIT_MILLISECONDS)
        page.on("request", note_foreign)
        page.on("pageerror", lambda error: faults.append(f"script error: {error}"))
        yield page
    assert faults == []


@pytest.fixture(scope="session")
def walked(tmp_path_factory: pytest.TempPathFactory) -> "Walked":
    """A project that went through all steps by command; tests only read it, or copy its file."""
    from tests.walked_project import walk

    return walk(tmp_path_factory.mktemp("walked"))


@pytest.fixture
def command(capfd: pytest.CaptureFixture[str]) -> "Command":
    """Run a command in this process, all it prints captured."""
    from tests.command_line import Finished, run_main  # the command line's imports, for the tests that need them

    def run(*arguments: object) -> Finished:
        capfd.readouterr()
        code = run_main(*arguments)
        return Finished("srt", code, *capfd.readouterr())

    return run


@dataclass(frozen=True)
class AppServer:
    """The app running in a process of its own, over a folder of projects of its own."""

    url: str
    projects_dir: Path
    log_path: Path
    process: subprocess.Popen[bytes]

    @property
    def token(self) -> str:
        """What lets somebody in where nobody has to log in."""
        return access_token(load(self.projects_dir / "people.toml").secret)

    def link(self, path: str = "/") -> str:
        """The address of a page with the token: it lets the browser that opens it in, from then on."""
        return f"{self.url}{path}{'&' if '?' in path else '?'}token={self.token}"

    def cookie(self, name: str = "login") -> str:
        """The name of a cookie of this server."""
        return f"srt_{name}_{urlsplit(self.url).port}"

    def kill(self) -> None:
        """End the process at once, as `kill -9` does."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        """End the process as a service manager does, by force after a while."""
        self.process.terminate()
        try:
            self.process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            self.kill()


StartApp = Callable[..., AppServer]


@pytest.fixture
def app_server(tmp_path: Path) -> Iterator[StartApp]:
    """A function (project=None, …) -> AppServer that starts the app on a free port, waits for it, and ends it later."""
    with _servers(tmp_path) as start:
        yield start


@pytest.fixture(scope="module")
def shared_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AppServer]:
    """One app for a module's tests that do not end it: each opens a project of its own, by `?project=name`."""
    with _servers(tmp_path_factory.mktemp("server")) as start:
        server = start()
        yield server


@contextmanager
def _servers(folder: Path) -> Iterator[StartApp]:
    servers: list[AppServer] = []

    def start(
        project: Path | None = None,
        *,
        script: str = "app.py",
        address: str = "127.0.0.1",
        port: int | None = None,
        **environment: str,
    ) -> AppServer:
        bound = (address, port or free_port())
        server = _launch(folder, project, script, bound, environment, number=len(servers))
        servers.append(server)
        _wait_until_healthy(server)
        return server

    try:
        yield start
    finally:
        for server in servers:
            server.stop()


def _launch(
    folder: Path, project: Path | None, script: str, bound: tuple[str, int], more: Mapping[str, str], number: int
) -> AppServer:
    address, port = bound
    projects_dir = folder / "projects"
    environment = {**os.environ, "SRT_PROJECTS_DIR": str(projects_dir), **more}
    environment.pop("SRT_PROJECT", None)
    if project is not None:
        environment["SRT_PROJECT"] = str(project)
    command = [sys.executable, "-m", "streamlit", "run", script]
    command += ["--server.address", address, "--server.port", str(port), "--server.headless", "true"]
    command += ["--server.fileWatcherType", "none"]
    log_path = folder / f"app-{number}.log"
    with log_path.open("wb") as log:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=subprocess.STDOUT)
    return AppServer(f"http://127.0.0.1:{port}", projects_dir, log_path, process)


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_until_healthy(server: AppServer) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and server.process.poll() is None:
        if _is_healthy(server):
            return
        time.sleep(0.1)
    pytest.fail(f"The app did not start:\n{server.log_path.read_text('utf-8', errors='replace')[-4000:]}")


def _is_healthy(server: AppServer) -> bool:
    address = urlsplit(server.url)
    connection = http.client.HTTPConnection(str(address.hostname), address.port, timeout=5)
    try:
        connection.request("GET", "/_stcore/health")
        return connection.getresponse().status == http.HTTPStatus.OK
    except OSError:
        return False
    finally:
        connection.close()


def as_killed(path: Path) -> Path:
    """Copy the file of a project that a server has open, with its log: what `kill -9` would leave at this moment.

    Copied again where the server wrote meanwhile: a log that was folded in between the two copies would be in neither.
    """
    copy = path.with_suffix(".killed")
    files = {each: copy.with_name(each.name.replace(path.name, copy.name)) for each in (path, log_of(path))}
    while True:
        before = [_written(each) for each in files]
        for each, copied in files.items():
            copied.unlink(missing_ok=True)
            with suppress(FileNotFoundError):
                shutil.copyfile(each, copied)
        if [_written(each) for each in files] == before:
            return copy


def _written(path: Path) -> tuple[int, int, int] | None:
    """When a file was last written, its size and which file it is; None where there is none."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def keyed(page: Page, key: str) -> Locator:
    """Find the element whose key begins so. Its kind and place would also fit what the page showed before."""
    return page.locator(f"[class*='st-key-{key}']")


def address_of(page: Page) -> str:
    """Ask the browser for the address. `page.url` is what it last told by itself, which may be a moment old."""
    return str(page.evaluate("location.href"))


def click_at(page: Page, across: float, down: float) -> None:
    """Move the mouse to a place of the window and click."""
    page.mouse.move(across - 3, down)
    page.mouse.move(across, down)
    page.mouse.click(across, down)


def scroll_to(element: Locator) -> None:
    """Bring an element into view in one step. Playwright's own way waits, and fails where the page draws it anew."""
    element.evaluate("element => element.scrollIntoView({ block: 'center' })")


def wait_for_script(page: Page) -> None:
    """Wait until Streamlit has run the page to its end."""
    page.wait_for_selector("[data-testid=stApp][data-test-script-state=notRunning]")


def until(page: Page, happened: Callable[[], bool]) -> None:
    """Wait for something outside of the page, which goes on meanwhile."""
    for _ in range(0, WAIT_MILLISECONDS, LOOK_MILLISECONDS):
        if happened():
            return
        page.wait_for_timeout(LOOK_MILLISECONDS)
    pytest.fail("What was waited for did not happen.")


def until_taken(page: Page, act: Callable[[], None]) -> None:
    """Do something with the mouse in a chart or a grid until the page goes on from it and its address has changed.

    Neither tells when it takes a click, and plotly takes one only for what it has shown under the mouse.
    """
    before = address_of(page)
    for _ in range(TRIES):
        act()
        try:
            page.wait_for_function(GOES_ON, arg=before, timeout=TRY_MILLISECONDS)
        except NotInTimeError:
            continue
        page.wait_for_function("before => location.href !== before", arg=before)
        wait_for_script(page)
        return
    pytest.fail(f"Nothing came of {TRIES} tries.")
