"""What a failed call means for its request and for the run: a retry after a wait, no more retries, or the end."""

import asyncio
import random
from collections.abc import Mapping
from dataclasses import dataclass

from srt_core.errors import TeacherStopError
from srt_core.reflect.teacher import Answer, Ask, CallOutcome, Teacher

MOST_TRIES = 4
"""Calls for one request whose failures are temporary."""
MOST_REFUSALS = 10
"""Calls for one request that is refused by rate limits."""
FREE_RETRIES = 3
RETRY_SHARE = 0.42
"""Retries allowed in a run, as a share of its requests, beyond FREE_RETRIES: a retry budget."""
LONG_WAITS_IN_A_ROW = 3
"""Long waits that a server may ask for, with no reply in between, before the run pauses."""
FAILURES_IN_A_ROW = 20
MORE_THAN_AT_ONCE = 4
"""Added to the concurrency, so that one short outage that fails all calls under way does not end the run."""
TRIES: Mapping[CallOutcome, int] = {CallOutcome.RATE_LIMITED: MOST_REFUSALS, CallOutcome.LOADING: 75}
"""Where more are made than MOST_TRIES: a large model takes ten minutes to load."""
TRIES_OF_ONE = 3
FIRST_WAIT, LONGEST_WAIT = 0.5, 20.0
"""Seconds before a question that is asked by itself is asked again: doubled each time, or as the server says."""
UNSHARED = frozenset({
    CallOutcome.RATE_LIMITED, CallOutcome.LOADING, CallOutcome.SETTING_REFUSED, CallOutcome.UNREACHABLE,
    CallOutcome.WRONG_ADDRESS,
})  # fmt: skip
"""Failures that cost the teacher no work: retries after them do not count against RETRY_SHARE."""


@dataclass(slots=True)
class Patience:
    """Counts how calls have failed in a run, and decides on retries and on the end of the run."""

    name: str
    concurrency: int
    is_live: bool = True
    requests: int = 0
    """Requests that were called for at least once."""
    _retries: int = 0
    _failed_in_a_row: int = 0
    _long_waits: int = 0
    _has_answered: bool = False

    def note(self, answer: Answer, *, is_news: bool = True) -> None:
        """Count a call that ended; not `is_news`: it was refused together with others that ran at the same time."""
        if answer.is_reply:
            self._has_answered = True
            self._failed_in_a_row = self._long_waits = 0
            return
        self._long_waits += answer.asks_for_long
        if is_news and not (answer.outcome.is_about_one or answer.outcome is CallOutcome.LOADING):
            self._failed_in_a_row += 1

    def end_of_run(self, answer: Answer, tries: int) -> TeacherStopError | None:
        """Return the error that ends the run, or None; `tries` is the number of calls made for this request."""
        is_alone = tries < MOST_TRIES or self._failed_in_a_row < MOST_TRIES
        may_come_back = answer.outcome.passes and self._has_answered and is_alone
        if answer.outcome.stops and not may_come_back:
            return TeacherStopError(answer.detail, answer.hint)
        if self._long_waits >= LONG_WAITS_IN_A_ROW and answer.asks_for_long:
            minutes = (answer.retry_after_seconds or 0.0) / 60
            return TeacherStopError(
                f"The teacher {self.name} asks to be left alone for {minutes:,.0f} minutes.",
                "Go on after that; all that came is kept.",
            )
        if self.is_live and self._failed_in_a_row >= max(FAILURES_IN_A_ROW, self.concurrency + MORE_THAN_AT_ONCE):
            return TeacherStopError(
                f"The last {self._failed_in_a_row} calls all failed. {answer.detail}",
                "See to the teacher, then go on; all that came is kept.",
            )
        return None

    def grants(self, outcome: CallOutcome, tries: int) -> bool:
        """Return whether a request is retried, and count it against the retry budget of the run where it counts."""
        if not outcome.passes or tries >= TRIES.get(outcome, MOST_TRIES):
            return False
        if outcome in UNSHARED:
            return True
        if self._retries >= FREE_RETRIES + RETRY_SHARE * self.requests:
            return False
        self._retries += 1
        return True


def back_off(tries: int, answer: Answer) -> float:
    """Return the seconds to wait before a retry: exponential backoff with jitter up to 8 s, or more if the server asks.

    The jitter keeps calls that failed together from being retried together.
    """
    seconds: float = min(0.5 * 2.0 ** (tries - 1), 8.0) * random.uniform(0.5, 1.0)
    if answer.outcome is CallOutcome.SETTING_REFUSED:
        return 0.0
    return max(seconds, answer.retry_after_seconds) if answer.retry_after_seconds else seconds


async def ask_patiently(teacher: Teacher, ask: Ask) -> Answer:
    """Return the answer to one question beside any run, which is asked again where what failed passes."""
    answer = await teacher.ask(ask)
    for turn in range(TRIES_OF_ONE - 1):
        if answer.is_reply or not answer.outcome.passes:
            break
        await asyncio.sleep(min(answer.retry_after_seconds or FIRST_WAIT * 2**turn, LONGEST_WAIT))
        answer = await teacher.ask(ask)
    return answer
