"""What ends a run: one clear error, nothing counted against a sample, and the same call goes on afterwards."""

import json
import socket
from collections import Counter
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from srt_core.errors import TeacherStopError
from srt_core.project.store import Store
from srt_core.reflect.prices import Price, set_price
from srt_core.reflect.run import Plan, reflect
from srt_core.reflect.spending import Caps
from tests.fault_server import FaultServer, Mixture, running_fault_server
from tests.reflecting import PROMPTS, outcomes, project, run, teacher_at

SAMPLES = 12


@pytest.fixture
def server() -> Iterator[FaultServer]:
    with running_fault_server() as server:
        server.refuses = False
        yield server


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with project(tmp_path / "p.srt", SAMPLES) as store:
        yield store


def assert_goes_on(store: Store, server: FaultServer) -> None:
    """Nothing has failed so far; the same call makes everything, and pays for nothing again."""
    assert [row for row in outcomes(store) if row["status"] != "accepted"] == []
    run(store, server.url("teach"))
    assert len(outcomes(store)) == 3 * SAMPLES
    answered = "SELECT count(*), count(DISTINCT request_hash) FROM teacher_call WHERE outcome = 'answered'"
    assert list(store.rows(answered)[0].values()) == [3 * SAMPLES, 3 * SAMPLES]


STOPS = [
    ("echo_key", "refuses the key", 1),
    ("forbidden", "refuses the key", 1),
    ("unknown_model", "does not know the model", 1),
    ("quota", "the quota is spent", 1),
    ("retry_long", "to be left alone for 60 minutes", 3),
    ("error_500", "The last 20 calls all failed", 36),
    ("html_200", "a web page titled 'Sign in'", 1),
    ("hang_up", "The last 20 calls all failed", 36),
    ("rate_limit", "The last 20 calls all failed", 80),
    ("detail_422", "The last 20 calls all failed", 36),
]


@pytest.mark.parametrize(("behaviour", "said", "most"), STOPS, ids=[name for name, *_ in STOPS])
def test_what_every_call_would_meet_ends_the_run(
    store: Store, server: FaultServer, behaviour: str, said: str, most: int
) -> None:
    """A cause that no call gets past ends the run with one sentence, after few calls, and fails no sample."""
    with pytest.raises(TeacherStopError, match=said) as error:
        run(store, server.url(behaviour))
    assert error.value.hint
    assert 0 < server.attempts.total() <= most
    assert_goes_on(store, server)


@pytest.mark.parametrize("behaviour", ["echo_key", "unknown_model", "quota", "retry_long", "error_500", "rate_limit"])
def test_what_came_before_the_end_is_kept(store: Store, server: FaultServer, behaviour: str) -> None:
    """A cause that sets in amid a run, with many calls under way, loses no reply and fails no sample."""
    server.delay_seconds = 0.05
    with pytest.raises(TeacherStopError):
        for progress in reflect(store, teacher_at(server.url("teach")), PROMPTS, Plan(concurrency=8)):
            if progress.done > 10:
                server.always = behaviour
    server.settle()
    answered = store.rows("SELECT raw FROM teacher_call WHERE outcome = 'answered'")
    assert len(answered) > 10
    assert Counter(row["raw"] for row in answered) == Counter(server.ledger.replies())
    server.always = None
    assert_goes_on(store, server)


def test_a_server_that_is_not_there_ends_the_run(store: Store, server: FaultServer) -> None:
    """Where nothing listens the run ends at once and says so; no sample has failed."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(TeacherStopError, match="cannot be reached"):
        run(store, f"http://127.0.0.1:{port}/v1")
    assert_goes_on(store, server)


def test_a_key_that_is_refused_midway_ends_the_run(store: Store, server: FaultServer) -> None:
    """Calls under way when the key is refused are kept; no more than those are sent after it."""
    server.replies_left = 17
    with pytest.raises(TeacherStopError, match="refuses the key"):
        run(store, server.url("teach"), Plan(concurrency=4))
    assert store.value("SELECT count(*) FROM teacher_call WHERE outcome = 'answered'") == 17
    assert server.attempts.total() <= 17 + 4
    server.replies_left = 1_000_000
    assert_goes_on(store, server)


@pytest.mark.parametrize("cap", [1, 7, 20])
def test_a_cap_in_calls_is_never_passed(store: Store, server: FaultServer, cap: int) -> None:
    """Over all runs the server sees exactly as many calls as the cap allows, faults counted."""
    for _ in range(2):
        with pytest.raises(TeacherStopError, match=f"cap of {cap} calls"):
            run(store, server.url("mixture"), Plan(caps=Caps(calls=cap)))
    assert server.attempts.total() == cap
    assert store.value("SELECT count(*) FROM teacher_call") == cap


def test_a_cap_that_is_just_enough_is_no_stop(store: Store, server: FaultServer) -> None:
    """A run that needs as many calls as its cap allows ends well."""
    run(store, server.url("teach"), Plan(caps=Caps(calls=3 * SAMPLES)))
    assert len(outcomes(store)) == 3 * SAMPLES


def test_a_cap_in_dollars_is_not_passed_by_more_than_one_reply(store: Store, server: FaultServer) -> None:
    """Spending ends within one reply of the cap, from either side, however many calls may be under way."""
    set_price(store, "m-1", Price(1.0, 1.0))  # 12 tokens a reply, as the server counts
    each, cap = 12e-6, 20.5 * 12e-6
    for _ in range(2):
        with pytest.raises(TeacherStopError, match="The cap of 0.000246 dollars is reached"):
            run(store, server.url("teach"), Plan(concurrency=16, caps=Caps(cost=cap)))
    spent = store.value("SELECT sum(cost) FROM teacher_call")
    assert cap - each <= spent <= cap + each
    assert server.attempts.total() == round(spent / each)
    assert_goes_on(store, server)


def test_a_cap_in_dollars_needs_a_price(store: Store, server: FaultServer) -> None:
    """Without a price a cap in dollars cannot be kept, so nothing is asked."""
    with pytest.raises(TeacherStopError, match="needs a price"):
        run(store, server.url("teach"), Plan(caps=Caps(cost=1.0)))
    assert server.attempts.total() == 0


PASSING = [
    "rate_limit", "retry_ms", "retry_absent", "retry_seconds", "retry_date", "retry_odd", "error_500", "empty_502",
    "html_503", "error_504", "overloaded", "timeout_408", "cut_body", "cut_chunks", "reset_before",
    "reset_after_headers", "hang_up", "html_200", "null", "a_list", "no_choices", "null_content", "empty_200",
    "broken_json", "error_with_200",
]  # fmt: skip


class DealtOut(Mixture):
    """Gives every third question the next fault of PASSING at its first attempt."""

    def __init__(self) -> None:
        super().__init__()
        object.__setattr__(self, "numbers", count())
        object.__setattr__(self, "dealt", {})

    numbers: Iterator[int]
    dealt: dict[str, str]

    def draw(self, question: str, attempt: int) -> str:
        number = next(self.numbers) if attempt == 1 else 1
        if number % 3:
            return "teach"
        self.dealt[question] = PASSING[number // 3 % len(PASSING)]
        return self.dealt[question]


def test_what_passes_is_tried_again(tmp_path: Path, server: FaultServer) -> None:
    """Each transient fault is one failed call, a wait and a second call that is answered; its outcome is kept."""
    server.mixture = mixture = DealtOut()
    with project(tmp_path / "more.srt", 30) as store:
        run(store, server.url("mixture"))
        assert {row["status"] for row in outcomes(store)} == {"accepted"}
        failed = store.value("SELECT count(*) FROM teacher_call WHERE outcome <> 'answered'")
    assert set(mixture.dealt.values()) == set(PASSING)
    assert failed == len(mixture.dealt)
    assert {question for question, number in server.attempts.items() if number == 2} == set(mixture.dealt)
    assert set(server.attempts.values()) == {1, 2}


@pytest.mark.parametrize("behaviour", ["too_long", "too_long_message", "filtered_prompt"])
def test_what_a_request_is_refused_for_is_not_tried_again(store: Store, server: FaultServer, behaviour: str) -> None:
    """Too long a context and a filtered prompt fail their sample at the first call, in this run and the next."""
    for _ in range(2):
        run(store, server.url(behaviour))
    assert server.attempts.total() == 2 * SAMPLES
    assert {(row["status"], row["reason"]) for row in outcomes(store)} <= {
        ("failed", "too_long"),
        ("failed", "content_filter"),
    }


def test_a_few_that_keep_failing_fail_alone(store: Store, server: FaultServer) -> None:
    """A request that fails every time has failed after its tries, for the reason of the last one; others are made."""
    server.mixture = Mixture(0.5, ("error_500",), 1)
    run(store, server.url("mixture"))
    found = outcomes(store)
    failed = [row for row in found if row["status"] == "failed"]
    assert 0 < len(failed) < len(found)
    assert {row["reason"] for row in failed} == {"server_error"}
    sent = Counter(json.dumps(asked, sort_keys=True) for asked in server.requests)
    assert max(sent.values()) <= 4


def test_one_long_wait_among_replies_fails_its_sample_alone(store: Store, server: FaultServer) -> None:
    """Where one call is told to come back in an hour and others are answered, the run goes on without that one."""
    server.refuses = False
    server.mixture = Mixture(0.1, ("retry_long",), seed=1)
    run(store, server.url("mixture"), Plan(concurrency=4))
    found = {(row["status"], row["reason"]) for row in outcomes(store)}
    assert found == {("accepted", ""), ("failed", "rate_limited")}
