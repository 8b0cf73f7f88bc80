"""The app as a server: Streamlit behind the gate, and what happens when it begins and ends."""

import asyncio
import logging
import os
import sys
import webbrowser
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.middleware import Middleware
from streamlit import config
from streamlit.starlette import App

from srt_core.errors import PeopleError
from srt_core.people.login_methods import NOBODY_CAN
from srt_core.ui.server.gate import Gate, read_ways
from srt_core.ui.server.runtime import leave

MIDDLEWARE = [Middleware(Gate)]
_LOG = logging.getLogger("srt")
NOT_DONE = 2


@asynccontextmanager
async def lifespan(_: App) -> AsyncIterator[None]:
    """Open the browser where one is wanted; at the end close the projects, whatever ends the server."""
    _say_who_may_enter()
    if not config.get_option("server.headless"):
        address = f"http://127.0.0.1:{config.get_option('server.port')}"
        asyncio.get_running_loop().call_later(0.5, webbrowser.open, address)
    yield
    leave()


def _say_who_may_enter() -> None:
    """Say where the app listens; under `srt app`, end it where people would have to log in and nobody can."""
    try:
        ways = read_ways()
    except PeopleError as error:
        _LOG.error("%s %s", error.message, error.hint)
        return
    if not ways.is_open and not ways.has_any:
        _LOG.error(NOBODY_CAN)
        if os.environ.get("SRT_MUST_LOG_IN"):
            sys.stderr.flush()
            os._exit(NOT_DONE)
    elif not ways.is_local:
        print(f"Listening on {ways.address}, port {config.get_option('server.port')}. People have to log in.",
              flush=True)  # fmt: skip
