"""The pace of the calls: given times and answers, when the next may start; once, against a server that counts."""

import math
import time
from pathlib import Path

import pytest

from srt_core.reflect.run import Plan
from srt_core.reflect.teacher import Answer, CallOutcome, Headroom, Pace
from tests.fault_server import running_fault_server
from tests.reflecting import outcomes, project, run

REPLY = Answer(CallOutcome.ANSWERED, "Hello.", prompt_tokens=60, completion_tokens=40)
REFUSED = Answer(CallOutcome.RATE_LIMITED)


def refused(seconds: float) -> Answer:
    return Answer(CallOutcome.RATE_LIMITED, retry_after_seconds=seconds)


def fill(pace: Pace, now: float) -> int:
    """Start all that may start now."""
    started = 0
    while pace.wait(now) == 0:
        pace.start(now, 100)
        started += 1
    return started


def test_as_many_calls_as_asked_for_are_under_way_at_most() -> None:
    """Calls start at once up to the concurrency; then one has to end first."""
    pace = Pace(5)
    assert fill(pace, 0.0) == 5
    assert pace.wait(0.0) == math.inf
    assert pace.end(1.0, 100, REPLY, 0.0)
    assert fill(pace, 1.0) == 1


def test_a_429_halves_the_limit_once_for_all_under_way() -> None:
    """Of calls that were under way together one refusal halves the limit; one that began later halves it again."""
    pace = Pace(16)
    fill(pace, 0.0)
    news = [pace.end(1.0, 100, REFUSED, 0.0) for _ in range(16)]
    assert news == [True] + [False] * 15
    assert pace.limit == 8
    assert 0 < pace.wait(1.0) < math.inf
    pace.start(20.0, 100)
    assert pace.end(21.0, 100, REFUSED, 20.0)
    assert pace.limit == 4


def test_the_limit_never_falls_below_one_call() -> None:
    """However often a server refuses, one call at a time may go."""
    pace = Pace(3)
    for now in range(0, 1000, 100):
        pace.start(now, 100)
        pace.end(now, 100, REFUSED, now)
    assert pace.limit == 1
    assert fill(pace, 2000.0) == 1


def test_the_limit_grows_again_up_to_what_was_asked_for() -> None:
    """As many replies as calls at once make one more call at once, until the concurrency is reached."""
    pace = Pace(8)
    for now in (0.0, 100.0):
        pace.start(now, 100)
        pace.end(now, 100, REFUSED, now)
    limits = [pace.limit]
    for _ in range(60):
        pace.start(200.0, 100)
        pace.end(200.0, 100, REPLY, 200.0)
        limits.append(pace.limit)
    assert limits == sorted(limits)
    assert set(limits) == set(range(2, 9))
    assert limits.count(2) <= 3
    assert limits.count(7) in (7, 8)


def test_waits_without_a_named_time_double() -> None:
    """Where the server names no time, each refusal in a row closes the gate for twice as long, to a bound."""
    pace = Pace(1)
    waits, now = [], 0.0
    for _ in range(7):
        pace.start(now, 100)
        pace.end(now, 100, REFUSED, now)
        waits.append(pace.wait(now))
        now += waits[-1]
    assert waits == [0.5, 1.0, 2.0, 4.0, 8.0, 10.0, 10.0]
    pace.start(now, 100)
    pace.end(now, 100, REPLY, now)
    pace.start(now, 100)
    pace.end(now, 100, REFUSED, now)
    assert pace.wait(now) == 0.5


def test_a_named_time_is_waited_for() -> None:
    """Retry-After closes the gate for exactly as long; the longest of several counts."""
    pace = Pace(4)
    fill(pace, 0.0)
    for seconds in (3.0, 7.0, 5.0):
        pace.end(1.0, 100, refused(seconds), 0.0)
    assert pace.wait(1.0) == 7.0
    assert pace.wait(8.0) == 0.0


@pytest.mark.parametrize("room", [Headroom(0, 2.5), Headroom(tokens=0, tokens_reset_seconds=2.5)])
def test_nothing_starts_without_headroom(room: Headroom) -> None:
    """A reply that says that no requests or tokens are left closes the gate until there are more."""
    pace = Pace(4)
    pace.start(0.0, 100)
    pace.end(1.0, 100, Answer(CallOutcome.ANSWERED, "", headroom=room), 0.0)
    assert pace.wait(1.0) == 2.5
    assert pace.wait(3.5) == 0.0


def test_fewer_requests_left_than_calls_under_way_lower_the_limit() -> None:
    """Where two more requests are all that is left, two calls at once are enough."""
    pace = Pace(8)
    fill(pace, 0.0)
    pace.end(1.0, 100, Answer(CallOutcome.ANSWERED, "", headroom=Headroom(2, 60.0)), 0.0)
    assert pace.limit == 2


def starts(pace: Pace, until: float, step: float, answer: Answer, tokens: float) -> list[float]:
    """Start whenever it may, looking every `step` seconds; calls end at once."""
    found = []
    for tick in range(int(until / step)):
        now = tick * step
        while pace.wait(now) <= 1e-9:
            found.append(now)
            pace.start(now, tokens)
            pace.end(now, tokens, answer, now)
    return found


@pytest.mark.parametrize("step", [0.01, 0.08])
@pytest.mark.parametrize("a_minute", [30, 120, 600])
def test_requests_a_minute_are_kept_and_used(a_minute: int, step: float) -> None:
    """From the start on no more calls begin than the time that has passed allows, and hardly fewer."""
    found = starts(Pace(64, requests_per_minute=a_minute), 120.0, step, REPLY, 100)
    assert all(number <= now * a_minute / 60 + 1 + 1e-6 for number, now in enumerate(found, 1))
    assert len(found) >= 2 * a_minute * 0.98


def test_time_that_was_not_used_is_not_saved_up() -> None:
    """After a long pause no more than a moment's worth of calls catch up."""
    pace = Pace(64, requests_per_minute=1200)
    pace.start(0.0, 100)
    assert fill(pace, 100.0) in (2, 3)


@pytest.mark.parametrize("guess", [50, 100, 400])
def test_tokens_a_minute_are_kept_by_what_was_counted(guess: float) -> None:
    """Whatever was guessed, the tokens that the server counts stay within the limit a minute."""
    found = starts(Pace(64, tokens_per_minute=6000), 120.0, 0.01, REPLY, guess)  # 100 tokens each, one a second
    assert 118 <= len(found) <= 122


def test_a_limit_that_is_given_is_kept(tmp_path: Path) -> None:
    """A run that is told the server's requests a minute begins no call before it may, and makes everything."""
    a_second = 20
    with running_fault_server() as server, project(tmp_path / "p.srt", 20) as store:
        server.refuses = False
        began = time.time()
        run(store, server.url("teach"), Plan(requests_per_minute=60 * a_second))
        assert {row["status"] for row in outcomes(store)} == {"accepted"}
        server.settle()
        answered = sorted(entry.time for entry in server.ledger.entries())
    assert len(answered) == 60
    assert all(at - began >= place / a_second - 0.001 for place, at in enumerate(answered))


def test_a_server_that_counts_is_found_out(tmp_path: Path) -> None:
    """A run that knows no limit follows what the server's 429s and headers say, and every sample is made."""
    with running_fault_server() as server, project(tmp_path / "p.srt", 20) as store:
        server.refuses = False
        server.requests_per_minute, server.window_seconds = 20, 1.0
        run(store, server.url("teach"), Plan(concurrency=8))
        assert {row["status"] for row in outcomes(store)} == {"accepted"}
        assert server.attempts.total() <= 1.5 * 60
