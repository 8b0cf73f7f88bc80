"""HTTP to one teacher: as few steps as a request can have, since these are most of what a call costs here."""

import asyncio
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from srt_core.errors import TeacherStopError
from srt_core.reflect.teacher.address import Address, Key

if TYPE_CHECKING:
    import aiohttp

CONNECT_SECONDS: Final = 10
MOST_CONNECTIONS: Final = 1024
MOST_LISTED_BYTES: Final = 8_000_000


@dataclass(frozen=True, slots=True)
class Response:
    """What a server sent: status, headers (by any case), the whole body, and the charset that its header names."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    charset: str | None


class Transport:
    """The connections of one event loop to the server at an address, kept open between calls.

    It raises aiohttp.ClientError where no whole response came. A server on this machine is never asked by a proxy.

    Raises:
        TeacherStopError: SSL_CERT_FILE names no certificates.
    """

    def __init__(self, address: Address, key: Key) -> None:
        import aiohttp

        self.loop = asyncio.get_running_loop()
        self._address = address
        self._headers = headers_of(address, key)
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=MOST_CONNECTIONS, ssl=certificates(address)),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS),
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=not address.is_loopback,
        )

    async def post(self, path: str, body: bytes) -> Response:
        """Send JSON to an endpoint. A redirect is followed, to another host without the key."""
        async with self._session.post(
            self._address.endpoint(path),
            data=body,
            headers=self._headers,
            allow_redirects=not self._address.api_version,
        ) as found:
            return await _whole(found)

    async def get(self, path: str) -> Response:
        """Ask an endpoint. No redirect is followed, so the key goes to this host alone."""
        async with self._session.get(
            self._address.endpoint(path), headers=self._headers, allow_redirects=False
        ) as found:
            if (found.content_length or 0) > MOST_LISTED_BYTES:
                return Response(413, {}, b"The list is too long to read.", None)
            return await _whole(found)

    async def close(self) -> None:
        """Close the connections."""
        await self._session.close()


async def _whole(found: "aiohttp.ClientResponse") -> Response:
    return Response(found.status, found.headers, await found.read(), found.charset)


def headers_of(address: Address, key: Key) -> dict[str, str]:
    """Return the headers by which a request shows its key. Azure's older addresses want it in a header of their own."""
    shown = {"api-key": key.value} if address.api_version else {"Authorization": f"Bearer {key.value}"}
    return {**shown, "Content-Type": "application/json"}


def certificates(address: Address) -> "ssl.SSLContext | bool":
    """Return whom to trust: for every address, also one on this machine, as SSL_CERT_FILE and SSL_CERT_DIR say.

    TeacherStopError where they name no certificates.
    """
    import httpx2

    if address.base_url.startswith("http:"):
        return True
    try:
        return httpx2.create_ssl_context()
    except OSError as error:  # among them ssl.SSLError
        raise TeacherStopError(
            f"The certificates that SSL_CERT_FILE or SSL_CERT_DIR names cannot be read: {error}.",
            "Set it to a file of certificates (PEM), or unset it.",
        ) from error
