"""The app as a server: Streamlit behind the gate, and what happens when it begins and ends."""

import asyncio
import logging
import os
import signal
import sys
import threading
import webbrowser
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import FrameType

from starlette.middleware import Middleware
from streamlit import config
from streamlit.starlette import App

from srt_core.errors import PeopleError
from srt_core.people import access_token, app_address, keep_secret, opening_page, people_path
from srt_core.people.login_methods import NOBODY_CAN
from srt_core.ui.server.gate import Gate, base_path, read_ways
from srt_core.ui.server.runtime import leave

MIDDLEWARE = [Middleware(Gate)]
_LOG = logging.getLogger("srt")
NOT_DONE = 2
GRACE_SECONDS = 0.5
"""How long requests under way may take once the server was told to end: a decision is written in milliseconds."""


@asynccontextmanager
async def lifespan(_: App) -> AsyncIterator[None]:
    """Say where the app is, open the browser where one is wanted; at the end close the projects, whatever ends it."""
    _end_in_time()
    try:
        address = _announce()
    except PeopleError as error:
        _LOG.error("%s %s", error.message, error.hint)
        _end_if_nobody_can_enter()
        address = ""
    if address and not config.get_option("server.headless"):
        page = opening_page(address, config.get_option("server.port"))
        asyncio.get_running_loop().call_later(0.5, webbrowser.open, page.as_uri())
    yield
    leave()


def _end_in_time() -> None:
    """Have SIGTERM and Ctrl-C end the process soon: uvicorn waits for every request, also one that never ends."""
    before = {int(each): signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)}

    def end(number: int, frame: FrameType | None) -> None:
        timer = threading.Timer(GRACE_SECONDS, leave)
        timer.daemon = True
        timer.start()
        usual = before[number]
        if callable(usual):
            usual(number, frame)

    for number in before:
        signal.signal(number, end)


def _announce() -> str:
    """Print where the app is, and return the address for a browser of this machine; PeopleError if nobody can enter.

    The token is printed to a terminal alone: a log may be read by others.
    """
    ways = read_ways()
    port = int(config.get_option("server.port"))
    if not ways.is_open and not ways.has_any:
        raise PeopleError(NOBODY_CAN)
    if not ways.is_local:
        print(f"Listening on {ways.address}, port {port}. People have to log in.", flush=True)
        return app_address(None, port, base_path())
    token = access_token(keep_secret(people_path()).secret) if ways.is_open else ""
    shown = app_address(ways.address, port, base_path(), token if sys.stdout.isatty() else "")
    how = f"\n  srt link --port {port} prints it with the token that opens it." if token not in shown else ""
    print(f"\n  srt is at {shown}{how}\n", flush=True)
    return app_address(ways.address, port, base_path(), token)


def _end_if_nobody_can_enter() -> None:
    if os.environ.get("SRT_MUST_LET_IN"):
        sys.stderr.flush()
        os._exit(NOT_DONE)
