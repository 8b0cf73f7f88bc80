"""Which ways there are to log in, and whether one is asked for: decided in this one place, from values alone."""

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass

from srt_core.people.accounts import People

LOOPBACK_NAMES = ("localhost", "127.0.0.1", "::1")
FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip")
NOBODY_CAN = (
    "This server can be reached from other machines, and nobody can log in yet. Nothing is shown until somebody can: "
    "on the server, add a person with `srt people add NAME --role owner`, or name the header of a proxy that logs "
    "people in (server.trustedUserHeaders), or set up OpenID Connect. Or bind it to 127.0.0.1."
)


@dataclass(frozen=True, slots=True)
class LoginMethods:
    """How a server is bound (`address`: None is every interface), and by what people can log in."""

    address: str | None
    header: str | None
    """The header of a proxy that names the person."""
    has_openid: bool
    people: People

    @property
    def is_local(self) -> bool:
        """Whether the server is bound to this machine alone."""
        return is_loopback(self.address)

    @property
    def has_any(self) -> bool:
        """Whether somebody can log in at all."""
        return bool(self.header or self.has_openid or any(account.password for account in self.people.accounts))

    @property
    def is_open(self) -> bool:
        """Whether nobody has to log in: one person's machine, where no way to log in was set up."""
        return self.is_local and not self.header and not self.has_openid and not self.people.accounts


def is_loopback(address: str | None) -> bool:
    """Whether an address or a host name means this machine alone; not so for None, which is every interface."""
    name = (address or "").strip().strip("[]").casefold()
    if name in LOOPBACK_NAMES:
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def is_from_here(headers: Mapping[str, str], server: str | None) -> bool:
    """Whether a request was sent on this machine, by the name of this machine, and passed on by nobody.

    `headers` by their names in small letters; `server` is the address it arrived at. A page of another site that has
    its name point to 127.0.0.1 comes with a Host of its own and is refused.
    """
    host = headers.get("host", "").rsplit(":", 1)[0] if not headers.get("host", "").endswith("]") else headers["host"]
    return (
        (server is None or is_loopback(server)) and is_loopback(host) and not any(name in headers for name in FORWARDED)
    )


def is_trusted_proxy(peer: tuple[str, int] | None, trusted: str) -> bool:
    """Whether a request comes from a proxy whose headers say who somebody is.

    `trusted` is a list of addresses and networks with commas. uvicorn, which knows the same list, returns a request of
    such a proxy the port 0 once it has put the sender's address in the place of the proxy's.
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
