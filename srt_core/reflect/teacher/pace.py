"""How many calls may be under way, and when the next may start.

    begin with the calls at once that were asked for
    a 429                           → half as many, and nothing starts before the time that the server names
    no headroom left                → nothing starts before there is more
    as many replies as calls at once → one more, up to what was asked for

Requests and tokens a minute, where they are set, are spread evenly: a call starts when the ones before it are paid
off, and a moment that was lost is caught up with. Time is given in, in seconds of any clock that only goes
forward.
"""

import math
from dataclasses import dataclass

from srt_core.reflect.teacher.ask import Answer, CallOutcome

FIRST_HOLD_SECONDS = 0.5
LONGEST_HOLD_SECONDS = 10.0
"""Where the server names no time."""
LONGEST_RESET_SECONDS = 30.0
CATCH_UP_SECONDS = 0.1


@dataclass(slots=True)
class _Spread:
    """So many units a minute, spread evenly: since the first one never more than the time that has passed pays for."""

    a_minute: float
    paid_until: float | None = None

    def wait(self, now: float) -> float:
        return 0.0 if self.paid_until is None else max(self.paid_until - now, 0.0)

    def take(self, now: float, units: float) -> None:
        paid_until = now if self.paid_until is None else max(self.paid_until, now - CATCH_UP_SECONDS)
        self.paid_until = paid_until + units * 60 / self.a_minute


class Pace:
    """Follows what the server says. `limit` is how many calls may be under way now, at most `concurrency`."""

    def __init__(
        self, concurrency: int, requests_per_minute: float | None = None, tokens_per_minute: float | None = None
    ) -> None:
        self.concurrency = concurrency
        self.in_flight = 0
        self._limit = float(concurrency)
        self._open_at = -math.inf
        self._refused_at = -math.inf
        self._refused_in_a_row = 0
        self._requests = _Spread(requests_per_minute) if requests_per_minute else None
        self._tokens = _Spread(tokens_per_minute) if tokens_per_minute else None

    @property
    def limit(self) -> int:
        """Calls that may be under way now."""
        return max(int(self._limit), 1)

    def wait(self, now: float) -> float:
        """Return the seconds until another call may start; infinite where one under way has to end first."""
        if self.in_flight >= self.limit:
            return math.inf
        spreads = (spread.wait(now) for spread in (self._requests, self._tokens) if spread)
        return max(self._open_at - now, 0.0, *spreads)

    def start(self, now: float, tokens: float) -> None:
        """Count a call that starts, with the tokens that it will probably take."""
        self.in_flight += 1
        if self._requests:
            self._requests.take(now, 1)
        if self._tokens:
            self._tokens.take(now, tokens)

    def end(self, now: float, tokens: float, answer: Answer, began: float) -> bool:
        """Count a call that ended and follow what its answer says; `tokens` as in `start`, `began` when that was.

        False where it was refused with others that were under way at the same time.
        """
        self.in_flight -= 1
        is_news = True
        taken = (answer.prompt_tokens or 0) + (answer.completion_tokens or 0)
        if self._tokens and taken:
            self._tokens.take(now, taken - tokens)
        if answer.outcome is CallOutcome.RATE_LIMITED:
            is_news = began >= self._refused_at
            self._slow_down(now, answer, is_news=is_news)
        elif answer.is_reply:
            self._refused_in_a_row = 0
            self._limit = min(self._limit + 1 / max(self._limit, 1.0), float(self.concurrency))
        self._heed(now, answer)
        return is_news

    def _slow_down(self, now: float, answer: Answer, *, is_news: bool) -> None:
        # Calls that were under way at the first refusal are refused for the same reason: they halve it once.
        if is_news:
            self._limit = max(self._limit / 2, 1.0)
            self._refused_in_a_row += 1
            self._refused_at = now
        hold = min(FIRST_HOLD_SECONDS * 2 ** (self._refused_in_a_row - 1), LONGEST_HOLD_SECONDS)
        asked = None if answer.asks_for_long else answer.retry_after_seconds
        self._open_at = max(self._open_at, now + (hold if asked is None else asked))

    def _heed(self, now: float, answer: Answer) -> None:
        """Start nothing that the server says it would refuse."""
        room = answer.headroom
        for left, reset in ((room.requests, room.requests_reset_seconds), (room.tokens, room.tokens_reset_seconds)):
            if left is not None and left <= 0 and reset is not None:
                self._open_at = max(self._open_at, now + min(reset, LONGEST_RESET_SECONDS))
        if room.requests is not None and 0 < room.requests < self.in_flight:
            self._limit = max(min(self._limit, float(room.requests)), 1.0)
