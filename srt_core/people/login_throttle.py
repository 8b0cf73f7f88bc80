"""Slow down the guessing of passwords, without locking out those who know theirs.

Every try is counted before it is checked, so that tries at the same time cannot get past the limit. An address or an
account with too many tries is refused; a browser in which the person has logged in before is counted by itself, so
that nobody can lock its owner out. Many tries in all refuse nobody: each check only begins later.
"""

import ipaddress
import time
from dataclasses import dataclass

from limits import RateLimitItem, RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

OF_ACCOUNT = RateLimitItemPerMinute(10, 15, namespace="account")
OF_ADDRESS = RateLimitItemPerMinute(30, 15, namespace="address")
IN_TOTAL = RateLimitItemPerMinute(10_000, 1, namespace="total")
PROMPT = 30
"""Tries a minute over all accounts that are checked at once."""
DELAY_A_TRY = 0.02
LONGEST_DELAY = 1.0


@dataclass(frozen=True, slots=True)
class Try:
    """What becomes of a try: it is refused for some seconds (0: it is not), or checked after a delay in seconds."""

    refused: float = 0.0
    delay: float = 0.0


class LoginThrottle:
    """The tries of the last minutes, in the memory of one server."""

    def __init__(self, of_account: RateLimitItem = OF_ACCOUNT, of_address: RateLimitItem = OF_ADDRESS) -> None:
        self._of_account, self._of_address = of_account, of_address
        self._limiter = MovingWindowRateLimiter(MemoryStorage())

    def count(self, name: str, address: str, device: str = "") -> Try:
        """Count a try for an account from an address, and from a known device where `device` names one."""
        keys = self._keys(name, address, device)
        full = [self._limiter.get_window_stats(*key) for key in keys if not self._limiter.test(*key)]
        if full:
            return Try(refused=max(1.0, max(stats.reset_time for stats in full) - time.time()))
        for key in keys:
            self._limiter.hit(*key)
        self._limiter.hit(IN_TOTAL)
        recent = IN_TOTAL.amount - self._limiter.get_window_stats(IN_TOTAL).remaining
        return Try(delay=min(max(0, recent - PROMPT) * DELAY_A_TRY, LONGEST_DELAY))

    def forgive(self, name: str, device: str = "") -> None:
        """Forget the tries for an account, or of its known device: the right password was given."""
        item, *who = self._keys(name, "", device)[0]
        self._limiter.clear(item, *who)

    def _keys(self, name: str, address: str, device: str) -> list[tuple[RateLimitItem, str, str]]:
        if device:
            return [(self._of_account, "device", device)]
        return [(self._of_account, "name", name.casefold()), (self._of_address, "from", _network(address))]


def _network(address: str) -> str:
    """Return what one sender can choose from: an IPv4 address, or an IPv6 network of 64 bits."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    return str(ipaddress.ip_network(f"{found}/64", strict=False)) if found.version == 6 else str(found)
