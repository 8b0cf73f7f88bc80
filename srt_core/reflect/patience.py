"""What a failed call means for its request and for the run: another try after a wait, no more tries, or the end."""

import random
from dataclasses import dataclass

from srt_core.errors import TeacherStopError
from srt_core.reflect.teacher import Answer, CallOutcome

MOST_TRIES = 4
"""Calls for one request, where what failed may pass."""
MOST_REFUSALS = 10
"""The same where the server asks for fewer calls."""
FREE_RETRIES = 3
RETRY_SHARE = 0.42
"""Further calls for requests whose first call failed: so many for each request, over the whole run."""
LONG_WAITS_IN_A_ROW = 3
"""So often a server asks to be left alone for long, with no reply in between, before the run pauses."""
FAILURES_IN_A_ROW = 20
MORE_THAN_AT_ONCE = 4
"""A hiccup of the server that fails all calls under way is not the end yet."""
UNSHARED = frozenset({CallOutcome.RATE_LIMITED, CallOutcome.SETTING_REFUSED, CallOutcome.UNREACHABLE})
"""No work of the teacher was lost on these: they take nothing of the share of further calls."""


@dataclass(slots=True)
class Patience:
    """How a teacher has failed so far in a run."""

    name: str
    concurrency: int
    is_live: bool = True
    requests: int = 0
    """Requests that were begun, each counted once."""
    _retries: int = 0
    _failed_in_a_row: int = 0
    _long_waits: int = 0
    _has_answered: bool = False

    def note(self, answer: Answer, *, is_news: bool = True) -> None:
        """Count a call that ended. It is no news where it was under way when another one heard the same refusal."""
        if answer.is_reply:
            self._has_answered = True
            self._failed_in_a_row = self._long_waits = 0
            return
        self._long_waits += answer.asks_for_long
        if is_news and not answer.outcome.is_about_one:
            self._failed_in_a_row += 1

    def end_of_run(self, answer: Answer, tries: int) -> TeacherStopError | None:
        """Say why no further call would succeed after this one at its so-manieth try; None where one may."""
        may_come_back = answer.outcome is CallOutcome.UNREACHABLE and self._has_answered and tries < MOST_TRIES
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
        """Whether a request gets another call: not too often itself, and no more than a share of all requests."""
        if not outcome.passes or tries >= (MOST_REFUSALS if outcome is CallOutcome.RATE_LIMITED else MOST_TRIES):
            return False
        if outcome in UNSHARED:
            return True
        if self._retries >= FREE_RETRIES + RETRY_SHARE * self.requests:
            return False
        self._retries += 1
        return True


def back_off(tries: int, answer: Answer) -> float:
    """Wait longer each time, up to 8 s, by a random share so that calls do not come in step; or as the server asks."""
    seconds: float = min(0.5 * 2.0 ** (tries - 1), 8.0) * random.uniform(0.5, 1.0)
    if answer.outcome is CallOutcome.SETTING_REFUSED:
        return 0.0
    return max(seconds, answer.retry_after_seconds) if answer.retry_after_seconds else seconds
