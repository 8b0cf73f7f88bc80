"""The app as a server: Streamlit behind the gate, and what happens when it begins and ends."""

import asyncio
import logging
import webbrowser
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.middleware import Middleware
from streamlit import config
from streamlit.starlette import App

from srt_core.errors import PeopleError
from srt_core.people.ways import NOBODY_CAN
from srt_core.ui.gate import Gate, read_ways
from srt_core.ui.runtime import leave

MIDDLEWARE = [Middleware(Gate)]
_LOG = logging.getLogger("srt")


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
    try:
        ways = read_ways()
    except PeopleError as error:
        _LOG.error("%s %s", error.message, error.hint)
        return
    if not ways.is_open and not ways.has_any:
        _LOG.error(NOBODY_CAN)
