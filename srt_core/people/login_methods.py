"""By which methods one can log in to a server, and whether a login is required: decided here, from values only."""

import ipaddress
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from srt_core.people.accounts import People

LOOPBACK_NAMES = ("localhost", "127.0.0.1", "::1")
FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip")
NOBODY_CAN = (
    "This server can be reached from other machines, and nobody can log in yet. Nothing is shown until somebody can: "
    "on the server, add a person with `srt people add NAME --role owner`, or name the header of a proxy that logs "
    "people in (server.trustedUserHeaders), or set up OpenID Connect. Or bind it to 127.0.0.1."
)
THIS_MACHINE_ALONE = (
    "This app answers browsers of its own machine alone, by the names 127.0.0.1 and localhost. To let others in, or a "
    "proxy before it, add a person on the server with `srt people add NAME --role owner`."
)


@dataclass(frozen=True, slots=True)
class LoginMethods:
    """The address that a server is bound to (None: every interface), and the methods to log in to it."""

    address: str | None
    header: str | None
    """The header in which a proxy names the person."""
    has_openid: bool
    people: People
    ended: Collection[str] = ()
    """The logins that were ended before their time."""

    @property
    def is_local(self) -> bool:
        """Whether the server is bound to this machine alone."""
        return is_loopback(self.address)

    @property
    def has_any(self) -> bool:
        """Whether anybody can log in at all."""
        return bool(self.header or self.has_openid or any(account.password for account in self.people.accounts))

    @property
    def is_open(self) -> bool:
        """Whether no login is required: one person's machine, where no method was set up."""
        return self.is_local and not self.header and not self.has_openid and not self.people.accounts


def is_loopback(address: str | None) -> bool:
    """Return whether an address or host name is this machine's only; False for None, which is every interface."""
    name = (address or "").strip().strip("[]").casefold()
    if name in LOOPBACK_NAMES:
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def is_local_request(headers: Mapping[str, str], server: str | None) -> bool:
    """Return whether a request was sent on this machine, to a name of this machine, and not forwarded by a proxy.

    `headers` by their names in lower case; `server` is the address where it arrived. The Host header is checked because
    another site can let its name point to 127.0.0.1 (DNS rebinding): its requests carry its own name and are refused.
    """
    host = headers.get("host", "").rsplit(":", 1)[0] if not headers.get("host", "").endswith("]") else headers["host"]
    return (
        (server is None or is_loopback(server)) and is_loopback(host) and not any(name in headers for name in FORWARDED)
    )


def is_same_origin(headers: Mapping[str, str], allowed: Collection[str] = ()) -> bool:
    """Return whether a request was not sent by another site, as far as its browser says.

    `headers` by their names in lower case; `allowed` are other origins whose pages may send them. Another port is
    another site: any program of this machine may listen there. What is no browser sends neither of the two headers,
    and carries no cookie that it was not given.
    """
    origin = headers.get("origin")
    if origin is None:
        return headers.get("sec-fetch-site", "none") in ("none", "same-origin")
    return origin in allowed or origin.partition("://")[2].casefold() == headers.get("host", "").casefold()


def is_trusted_proxy(peer: tuple[str, int] | None, trusted: str) -> bool:
    """Return whether a request comes from a proxy whose headers are trusted to name the person.

    `trusted` is a comma-separated list of addresses and networks. uvicorn has the same list: it replaces the address of
    such a proxy by the sender's and sets the port to 0, by which such a request is recognised here.
    """
    if peer is None:
        return False
    host, port = peer
    entries = [entry.strip() for entry in trusted.split(",") if entry.strip()]
    return port == 0 or host in entries or any(_contains(entry, host) for entry in entries)


def _contains(network: str, host: str) -> bool:
    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(network)
    except ValueError:
        return network == "*"
