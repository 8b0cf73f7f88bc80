"""How much may be uploaded: by owners alone, who alone import, and never more at once than the server should hold."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse, Response
from starlette.types import Scope
from streamlit import config, runtime
from streamlit.runtime.stats import CacheStat

from srt_core.people import Person

PATH: Final = "/_stcore/upload_file/"
FILES_HELD: Final = 2
"""Of the largest size that one file may have: what all sessions hold in memory together, and what is under way."""
_UNDER_WAY: list[int] = []
"""The sizes of the uploads that are arriving."""


def is_upload(scope: Scope, path: str) -> bool:
    """Return whether a request sends a file."""
    return scope.get("method") in ("PUT", "POST") and path.startswith(PATH)


def refusal(scope: Scope, person: Person | None) -> Response | None:
    """Return why a file is not taken; None where it is."""
    if person is None or not person.is_owner:
        return PlainTextResponse("Only an owner may import, so only an owner may upload.", 403)
    size = _size(scope)
    if size is None:
        return PlainTextResponse("Say how long the file is: Content-Length.", 411)
    if size + _held() + sum(_UNDER_WAY) > most_bytes():
        said = f"This server holds at most {most_bytes() / 2**30:,.1f} GB of uploaded files at once."
        return PlainTextResponse(f"{said} Import or remove those that are chosen, then upload this one.", 413)
    return None


@contextmanager
def arriving(scope: Scope) -> Iterator[None]:
    """Count an upload for as long as it arrives; then Streamlit counts it."""
    size = _size(scope) or 0
    _UNDER_WAY.append(size)
    try:
        yield
    finally:
        _UNDER_WAY.remove(size)


def most_bytes() -> int:
    """Return how many bytes of uploads may be held at once."""
    return FILES_HELD * int(config.get_option("server.maxUploadSize")) * 2**20


def _size(scope: Scope) -> int | None:
    written = Headers(scope=scope).get("content-length", "")
    return int(written) if written.isascii() and written.isdigit() else None


def _held() -> int:
    stats = runtime.get_instance().uploaded_file_mgr.get_stats()
    return sum(each.byte_length for found in stats.values() for each in found if isinstance(each, CacheStat))
