"""Slow down the guessing of passwords: after some failed attempts, by name and in total, each next one has to wait."""

from collections import deque
from dataclasses import dataclass, field

WINDOW_SECONDS = 900
FREE_ATTEMPTS = 5
FREE_ATTEMPTS_IN_TOTAL = 50
LONGEST_WAIT_SECONDS = 60
MOST_NAMES = 1_000


@dataclass
class LoginThrottle:
    """The failed attempts of the last WINDOW_SECONDS. Times are seconds of a monotonic clock."""

    _by_name: dict[str, deque[float]] = field(default_factory=dict)
    _total: deque[float] = field(default_factory=deque)

    def wait(self, name: str, now: float) -> float:
        """Return how many seconds an attempt for `name` has to wait; 0 where it need not."""
        failed = self._by_name.get(name.casefold(), deque())
        return max(_wait(failed, FREE_ATTEMPTS, now), _wait(self._total, FREE_ATTEMPTS_IN_TOTAL, now))

    def note_failure(self, name: str, now: float) -> None:
        """Count a failed attempt."""
        # Bounded memory: an attacker who tries many names pushes old ones out, but the limit in total still holds.
        if len(self._by_name) >= MOST_NAMES:
            self._by_name.pop(next(iter(self._by_name)))
        self._by_name.setdefault(name.casefold(), deque(maxlen=20)).append(now)
        self._total.append(now)
        while self._total and now - self._total[0] > WINDOW_SECONDS:
            self._total.popleft()

    def note_success(self, name: str) -> None:
        """Forget the failed attempts of a name."""
        self._by_name.pop(name.casefold(), None)


def _wait(failed: deque[float], free: int, now: float) -> float:
    recent = sum(now - moment <= WINDOW_SECONDS for moment in failed)
    if recent < free:
        return 0.0
    return max(0.0, failed[-1] + min(2.0 ** (recent - free), LONGEST_WAIT_SECONDS) - now)
