"""How many calls may be under way, and when the next may start: additive increase, multiplicative decrease.

    start                              → the concurrency that was asked for
    a 429                              → half as many, and no call before the time that the server names
    no headroom left                   → no call before the limit is reset
    as many replies as concurrent calls → one more, up to the concurrency that was asked for

Limits of requests or tokens per minute are spread evenly over the minute. The caller passes the time, in seconds of any
monotonic clock.
"""

import math
from dataclasses import dataclass

from srt_core.reflect.teacher.ask import Answer
from srt_core.reflect.teacher.kinds import CallOutcome

FIRST_HOLD_SECONDS = 0.5
LONGEST_HOLD_SECONDS = 10.0
"""Used where the server names no time."""
LONGEST_RESET_SECONDS = 30.0
CATCH_UP_SECONDS = 0.1


@dataclass(slots=True)
class _RateLimit:
    """A rate limiter: at most `a_minute` units a minute, spread evenly, no bursts.

    `paid_until` is when the units taken so far are used up. A caller that came late may catch up by CATCH_UP_SECONDS,
    so that the delays of an event loop do not lower the rate.
    """

    a_minute: float
    paid_until: float | None = None

    def wait(self, now: float) -> float:
        return 0.0 if self.paid_until is None else max(self.paid_until - now, 0.0)

    def take(self, now: float, units: float) -> None:
        paid_until = now if self.paid_until is None else max(self.paid_until, now - CATCH_UP_SECONDS)
        self.paid_until = paid_until + units * 60 / self.a_minute


class Pace:
    """Adapts to the server's answers. `limit` is how many calls may be under way now, at most `concurrency`."""

    def __init__(
        self, concurrency: int, requests_per_minute: float | None = None, tokens_per_minute: float | None = None
    ) -> None:
        self.concurrency = concurrency
        self.in_flight = 0
        self._limit = float(concurrency)
        self._open_at = -math.inf
        self._refused_at = -math.inf
        self._refused_in_a_row = 0
        self._requests = _RateLimit(requests_per_minute) if requests_per_minute else None
        self._tokens = _RateLimit(tokens_per_minute) if tokens_per_minute else None

    @property
    def limit(self) -> int:
        """Calls that may be under way now."""
        return max(int(self._limit), 1)

    def wait(self, now: float) -> float:
        """Return the seconds until another call may start; infinite while too many are under way."""
        if self.in_flight >= self.limit:
            return math.inf
        limits = (limit.wait(now) for limit in (self._requests, self._tokens) if limit)
        return max(self._open_at - now, 0.0, *limits)

    def start(self, now: float, tokens: float) -> None:
        """Count a call that starts, with the tokens that it is expected to take."""
        self.in_flight += 1
        if self._requests:
            self._requests.take(now, 1)
        if self._tokens:
            self._tokens.take(now, tokens)

    def end(self, now: float, tokens: float, answer: Answer, began: float) -> bool:
        """Count a call that ended and adapt to its answer; `tokens` as in `start`, `began` when the call started.

        Returns False where it was refused by a rate limit that another call had already met when this one was under
        way: such a refusal says nothing new.
        """
        self.in_flight -= 1
        is_news = True
        taken = (answer.prompt_tokens or 0) + (answer.completion_tokens or 0)
        if self._tokens and taken:
            self._tokens.take(now, taken - tokens)
        if answer.outcome in (CallOutcome.RATE_LIMITED, CallOutcome.LOADING):
            is_news = began >= self._refused_at
            self._slow_down(now, answer, is_news=is_news)
        elif answer.is_reply:
            self._refused_in_a_row = 0
            self._limit = min(self._limit + 1 / max(self._limit, 1.0), float(self.concurrency))
        self._follow_headroom(now, answer)
        return is_news

    def _slow_down(self, now: float, answer: Answer, *, is_news: bool) -> None:
        # All calls under way at the first refusal are refused for the same reason; together they halve the limit once.
        if is_news:
            self._limit = max(self._limit / 2, 1.0)
            self._refused_in_a_row += 1
            self._refused_at = now
        hold = min(FIRST_HOLD_SECONDS * 2 ** (self._refused_in_a_row - 1), LONGEST_HOLD_SECONDS)
        asked = None if answer.asks_for_long else answer.retry_after_seconds
        self._open_at = max(self._open_at, now + (hold if asked is None else asked))

    def _follow_headroom(self, now: float, answer: Answer) -> None:
        """Delay calls that the server's headers say it would refuse."""
        room = answer.headroom
        for left, reset in ((room.requests, room.requests_reset_seconds), (room.tokens, room.tokens_reset_seconds)):
            if left is not None and left <= 0 and reset is not None:
                self._open_at = max(self._open_at, now + min(reset, LONGEST_RESET_SECONDS))
        if room.requests is not None and 0 < room.requests < self.in_flight:
            self._limit = max(min(self._limit, float(room.requests)), 1.0)
