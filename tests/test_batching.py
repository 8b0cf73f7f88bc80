"""Reflection by the Batch API: the same as by live calls, left and picked up at any moment, ended whatever happens."""

import json
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from srt_core.errors import TeacherStopError
from srt_core.project.progress import Progress
from srt_core.project.store import Store
from srt_core.reflect.batch import sending
from srt_core.reflect.batch.run import reflect_batch
from srt_core.reflect.batch.stored import forget_batches
from srt_core.reflect.prices import Price, set_price
from srt_core.reflect.prompts import ReplyFormat, load_prompts
from srt_core.reflect.run import Plan, producer_of, reflect
from srt_core.reflect.spending import Caps
from srt_core.reflect.teacher import OpenAITeacher
from srt_core.score.run import score
from srt_core.score.student import load_student
from srt_core.score.templates import load_template
from srt_core.select.settled import settled_by_rule
from tests.command_line import DONE_WITH_FAILURES, Command
from tests.reflecting import place_project, project
from tests.servers.answers import Answer, complete, refuse
from tests.servers.batches import BATCH_FAULTS, BatchDesk, Posted
from tests.servers.lessons import ALWAYS_REFUSED, REFUSED_ONCE, read_question, user_text
from tests.servers.server import running
from tests.small_project import save_student
from tests.teaching_server import TeachingServer

PROMPTS = load_prompts()
SAMPLES = 6
POLL = 0.01
PLAN = Plan()
ROOT = Path(__file__).parent.parent

Row = tuple[str, ...]
LineFault = Callable[[Mapping[str, object], int], Answer | None]


class Desk(BatchDesk):
    """Holds the answer to one kind of request back: it was done, and nobody hears of it."""

    def __init__(self, answer_line: Callable[[Mapping[str, object]], Answer]) -> None:
        super().__init__(answer_line)
        self.hold_at = ("", "")
        self.reached, self.released = threading.Event(), threading.Event()

    def serve(self, method: str, fault: str, steps: list[str], query: Mapping[str, str], posted: Posted) -> Answer:
        served = super().serve(method, fault, steps, query, posted)
        if (method, steps[-1]) == self.hold_at:
            self.reached.set()
            self.released.wait(240)
        return served


class BatchServer(TeachingServer):
    """Teaches by live calls and by batches; `line_fault` answers lines of a batch in another way."""

    def __init__(self) -> None:
        super().__init__()
        self.desk = self.batches = Desk(self._answer_line)
        self.line_fault: LineFault = lambda asked, attempt: None

    def _answer_line(self, asked: Mapping[str, object]) -> Answer:
        usual = super()._answer_line(asked)
        question = read_question(user_text(asked.get("messages")))
        return self.line_fault(asked, self.attempts[question.key]) or usual

    def lines(self) -> Counter[str]:
        """How often a batch that was not refused asked each request."""
        return Counter(
            line.custom_id for batch in self.desk.batches.values() if not batch.errors for line in batch.lines
        )


@pytest.fixture
def server() -> Iterator[BatchServer]:
    """A server of a test's own."""
    with running(BatchServer()) as found:
        yield found


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A project of a few originals."""
    with closing(project(tmp_path / "p.srt", SAMPLES)) as found:
        yield found


def teacher_at(server: BatchServer, behaviour: str = "batch") -> OpenAITeacher:
    return OpenAITeacher(server.url(behaviour), "m-1", deadline_seconds=20)


def run(
    store: Store,
    server: BatchServer,
    behaviour: str = "batch",
    plan: Plan = PLAN,
    *,
    wait: bool = True,
    patience_seconds: float = 60,
) -> Progress:
    """Walk a run in a process of its own, as far as a teacher's memory goes; give its last progress."""
    steps = reflect_batch(
        store,
        teacher_at(server, behaviour),
        PROMPTS,
        plan,
        wait=wait,
        poll_seconds=POLL,
        patience_seconds=patience_seconds,
    )
    last = Progress("")
    for last in steps:
        assert last.done <= (last.total or 0)
    return last


def refused_run(store: Store, server: BatchServer, behaviour: str = "batch", plan: Plan = PLAN) -> str:
    """Walk a run that ends with an error; give what it says."""
    with pytest.raises(TeacherStopError) as raised:
        run(store, server, behaviour, plan)
    assert raised.value.hint
    return raised.value.message


def candidates(store: Store) -> list[Row]:
    rows = store.rows(
        """SELECT sample_id, origin, instruction, input, response FROM candidate
           WHERE origin <> 'ORIGINAL' ORDER BY ALL"""
    )
    return [tuple(row.values()) for row in rows]


def reflections(store: Store) -> list[Row]:
    rows = store.rows("SELECT sample_id, origin, status, reason FROM reflection ORDER BY ALL")
    return [tuple(row.values()) for row in rows]


def has_each_once(store: Store) -> bool:
    """Whether no line of a batch is stored twice, and no request was answered twice."""
    return not store.rows(
        """SELECT request_hash FROM teacher_call GROUP BY request_hash, batch_id HAVING count(*) > 1
           UNION ALL
           SELECT request_hash FROM teacher_call WHERE outcome = 'answered' GROUP BY ALL HAVING count(*) > 1"""
    )


@pytest.fixture(scope="module")
def by_calls(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Row], list[Row]]:
    """The candidates and reflections that live calls make of the same originals."""
    path = tmp_path_factory.mktemp("live") / "p.srt"
    with running(BatchServer()) as server, closing(project(path, SAMPLES)) as store:
        for _ in reflect(store, teacher_at(server), PROMPTS):
            pass
        return candidates(store), reflections(store)


# ---- a run that goes well


def test_a_batch_makes_what_live_calls_make(
    store: Store, server: BatchServer, by_calls: tuple[list[Row], list[Row]]
) -> None:
    """Candidates, refusals and corrections are those of live calls, and no request is asked twice."""
    last = run(store, server)
    assert (candidates(store), reflections(store)) == by_calls
    assert {status for _, _, status, _ in by_calls[1]} == {"accepted", "refused"}
    assert has_each_once(store)
    assert set(server.lines().values()) == {1}
    assert 1 <= len(server.requests) <= 3, "a call or a few say in which form of reply to ask"
    assert last.done == len({row[:2] for row in by_calls[1]})
    assert last.failed == last.done - len(by_calls[0])
    assert store.value("SELECT count(*) FROM batch WHERE state <> 'fetched'") == 0


def test_a_batch_after_all_is_done_sends_nothing(store: Store, server: BatchServer) -> None:
    """Where nothing is missing no batch is made and no call."""
    run(store, server)
    sent = len(server.desk.batches), len(server.requests)
    assert run(store, server).done == 0
    assert (len(server.desk.batches), len(server.requests)) == sent


def test_the_response_reflection_of_a_rewrite_waits_for_it(store: Store, server: BatchServer) -> None:
    """The first batch asks for both rewrites of the originals, the second for those of the new instructions."""
    server.refuses = False
    run(store, server)
    first, second = server.desk.batches.values()
    made = {row[2] for row in candidates(store) if row[1] == "INSTRUCTION"}
    about = [sum(any(one in user_text(line.body["messages"]) for one in made) for line in batch.lines)
             for batch in (first, second)]  # fmt: skip
    assert about == [1, SAMPLES - 1], "the first is of the rewrite that the one call brought"
    assert [len(first.lines), len(second.lines)] == [2 * SAMPLES, SAMPLES - 1]


def test_a_refused_reply_is_asked_for_again_with_its_correction(store: Store, server: BatchServer) -> None:
    """What was refused is in the next batch, where the request says why; at most `attempts` times in all."""
    run(store, server, plan=Plan(attempts=3))
    tries = Counter((sample, origin) for sample, origin, status, _ in reflections(store) if status == "refused")
    assert set(tries.values()) == {1, 3}, "refused once, or always"
    texts = [user_text(line.body["messages"]) for batch in server.desk.batches.values() for line in batch.lines]
    texts += [user_text(asked["messages"]) for asked in server.requests]
    corrected = [text for text in texts if "This is try " in text]
    assert len(corrected) == sum(min(number, 2) for number in tries.values())
    assert all(read_question(text).kind in (ALWAYS_REFUSED, REFUSED_ONCE) for text in corrected)


@pytest.mark.parametrize("honours", [True, False])
def test_one_call_decides_the_form_of_reply(store: Store, server: BatchServer, honours: bool) -> None:
    """A batch asks by a schema where the one call before it was answered by it, else for sections."""
    server.honours_schema, server.refuses = honours, False
    run(store, server)
    lines = [line for batch in server.desk.batches.values() for line in batch.lines]
    assert {"response_format" in line.body for line in lines} == {honours}
    assert len(server.requests) == 1


def test_a_reply_counts_in_whichever_form_it_was_asked_for(store: Store, server: BatchServer) -> None:
    """A batch that asked for sections is judged by a run that would ask by a schema: nothing is paid twice."""
    run(store, server, plan=Plan(reply_format=ReplyFormat.SECTIONS), wait=False)
    before = len(server.desk.batches)
    while store.value("SELECT count(*) FROM batch WHERE state = 'sent'"):
        list(run_steps(store, server, Plan(reply_format=ReplyFormat.JSON)))
    assert before == 1
    sample = "SELECT count(*) FROM reflection WHERE origin IN ('INSTRUCTION', 'RESPONSE') AND status = 'accepted'"
    first = next(iter(server.desk.batches.values()))
    asked = Counter(user_text(line.body["messages"]) for batch in server.desk.batches.values() for line in batch.lines)
    assert store.value(sample) > 0
    assert all(asked[user_text(line.body["messages"])] == 1 for line in first.lines)


def run_steps(store: Store, server: BatchServer, plan: Plan) -> Iterator[Progress]:
    return reflect_batch(store, teacher_at(server), PROMPTS, plan, wait=False, poll_seconds=POLL)


def test_many_requests_go_as_several_batches_at_once(
    store: Store, server: BatchServer, monkeypatch: pytest.MonkeyPatch, by_calls: tuple[list[Row], list[Row]]
) -> None:
    """What does not fit into one batch goes into others beside it."""
    monkeypatch.setattr(sending, "MOST_REQUESTS", 4)
    run(store, server, wait=False)
    assert len(server.desk.batches) == 3
    assert store.value("SELECT count(*) FROM batch WHERE state = 'sent'") == 3
    run(store, server)
    assert candidates(store) == by_calls[0]
    assert set(server.lines().values()) == {1}


def test_what_the_teacher_does_not_take_at_once_goes_later(
    store: Store, server: BatchServer, monkeypatch: pytest.MonkeyPatch, by_calls: tuple[list[Row], list[Row]]
) -> None:
    """A batch that is refused beside others that are taken is sent once those are done."""
    monkeypatch.setattr(sending, "MOST_REQUESTS", 4)
    serve = server.desk.serve

    def one_at_once(method: str, fault: str, steps: list[str], query: Mapping[str, str], posted: Posted) -> Answer:
        busy = [batch for batch in server.desk.batches.values() if batch.status != "completed"]
        return serve(method, "batch_create_refused" if busy else fault, steps, query, posted)

    monkeypatch.setattr(server.desk, "serve", one_at_once)
    run(store, server)
    assert candidates(store) == by_calls[0]
    assert set(server.lines().values()) == {1}


def test_sequential_mode_says_what_it_waits_for(store: Store, server: BatchServer, tmp_path: Path) -> None:
    """In sequential mode the response stage follows once the instruction stage is scored: 2 calls a sample."""
    plan = Plan(settled_by_rule)
    last = run(store, server, plan=plan)
    assert "wait for scores" in last.message
    assert {origin for _, origin, *_ in candidates(store)} <= {"INSTRUCTION", "RESPONSE"}
    student = load_student(save_student(tmp_path / "student"), device="cpu")
    for _ in score(store, student, load_template("alpaca")):
        pass
    last = run(store, server, plan=plan)
    assert last.message == ""
    reflected = {(sample, origin) for sample, origin, *_ in reflections(store)}
    assert Counter(sample for sample, _ in reflected) == dict.fromkeys((sample for sample, _ in reflected), 2)
    assert len({sample for sample, _ in reflected}) == SAMPLES


# ---- a batch that goes wrong


COMPLETED = [
    "batch_failing_lines", "batch_lost_lines", "batch_duplicates", "batch_foreign_lines", "batch_bad_line",
    "batch_cut_output", "batch_expired", "batch_no_output", "batch_poll_500",
]  # fmt: skip
STOPPING = {
    "batch_failed": "refused the batch: The file cannot be used",
    "batch_upload_refused": "Files are not taken today",
    "batch_create_refused": "Enqueued token limit reached",
    "batch_unknown": "has no Batch API",
}


def test_every_behaviour_is_covered() -> None:
    """Every behaviour of the server's Batch API has a test here."""
    assert {*COMPLETED, *STOPPING, "batch_stuck"} == set(BATCH_FAULTS)


@pytest.mark.parametrize("behaviour", COMPLETED)
def test_what_a_batch_did_not_bring_goes_into_the_next(store: Store, server: BatchServer, behaviour: str) -> None:
    """Lines that are lost, broken or in error are asked again, at most 4 times; the next run completes the rest."""
    server.refuses = False
    run(store, server, behaviour)
    failed = [row for row in reflections(store) if row[2] == "failed"]
    tries = (
        "SELECT max(n) FROM (SELECT count(*) AS n FROM teacher_call WHERE batch_id IS NOT NULL GROUP BY request_hash)"
    )
    assert has_each_once(store)
    if behaviour == "batch_no_output":
        assert (len(failed), store.value(tries), len(server.desk.batches)) == (2 * SAMPLES, 4, 4)
    elif behaviour in ("batch_bad_line", "batch_cut_output", "batch_expired"):  # a batch of one line never brings it
        assert 1 <= len(failed) <= 2
    else:
        assert failed == []
    if failed:
        run(store, server)
    assert len(candidates(store)) == 3 * SAMPLES
    assert has_each_once(store)


def test_of_two_lines_for_a_request_the_first_counts(store: Store, server: BatchServer) -> None:
    """A second line of the same request, and lines that nobody asked for, are left out."""
    run(store, server, "batch_duplicates")
    assert store.value("SELECT count(*) FROM teacher_call WHERE raw LIKE 'A second reply%'") == 0
    assert store.value("SELECT count(*) FROM teacher_call WHERE request_hash = 'nobody-asked'") == 0


def test_a_batch_that_is_cut_short_is_no_try_of_what_it_left(tmp_path: Path, server: BatchServer) -> None:
    """Batches that expire half done follow each other until one brings nothing, however many that takes."""
    server.refuses = False
    with closing(project(tmp_path / "many.srt", 24)) as store:
        run(store, server, "batch_expired")
        assert len(candidates(store)) == 3 * 24 - 1, "of a batch of one line nothing is half"
        assert max(server.lines().values()) > 4
        assert has_each_once(store)


@pytest.mark.parametrize("behaviour", STOPPING)
def test_a_batch_that_is_refused_is_no_failure_of_its_requests(
    store: Store, server: BatchServer, behaviour: str, by_calls: tuple[list[Row], list[Row]]
) -> None:
    """A refused batch ends each run with one sentence; however often, no request counts as tried, nothing is lost."""
    for _ in range(5 if behaviour == "batch_failed" else 2):
        assert STOPPING[behaviour] in refused_run(store, server, behaviour)
    assert store.value("SELECT count(*) FROM reflection WHERE status = 'failed'") == 0
    run(store, server)
    assert candidates(store) == by_calls[0]
    assert set(server.lines().values()) == {1}


def test_a_batch_that_is_stuck(store: Store, server: BatchServer) -> None:
    """Without waiting a run says how the batch stands; one that waits loses patience; given up it is sent again."""
    for _ in range(4):
        last = run(store, server, "batch_stuck", wait=False)
    assert last.message == f"The batch is in_progress: 0 of {2 * SAMPLES} requests done"
    with pytest.raises(TeacherStopError, match="in_progress.* hours after it was sent") as raised:
        run(store, server, "batch_stuck", patience_seconds=0)
    assert "--forget-batch" in raised.value.hint
    assert len(server.desk.batches) == 1
    assert forget_batches(store, producer_of(store, teacher_at(server), PROMPTS)) == 1
    run(store, server)
    assert store.value("SELECT count(*) FROM batch WHERE state = 'fetched'") == len(server.desk.batches) - 1


def test_a_batch_that_the_teacher_does_not_know(store: Store, server: BatchServer) -> None:
    """A batch that is unknown, perhaps to another key, is not sent again by itself: it may be paid for."""
    run(store, server, wait=False)
    (batch_id,) = server.desk.batches
    batch = server.desk.batches.pop(batch_id)
    for _ in range(2):
        assert f"does not know the batch {batch_id}" in refused_run(store, server)
    assert not server.desk.batches
    server.desk.batches[batch_id] = batch
    run(store, server)
    assert set(server.lines().values()) == {1}


def test_a_batch_that_was_cancelled(store: Store, server: BatchServer, by_calls: tuple[list[Row], list[Row]]) -> None:
    """What a cancelled batch brought is judged, and another one waits until somebody starts it."""
    run(store, server, wait=False)
    (batch,) = server.desk.batches.values()
    run(store, server, wait=False)
    batch.status = "cancelling"
    assert "was cancelled" in refused_run(store, server)
    assert len(server.desk.batches) == 1
    assert 0 < len(candidates(store)) < len(by_calls[0])
    run(store, server)
    assert candidates(store) == by_calls[0]


def answer_some(given: Answer, only: Callable[[int], bool] = lambda attempt: True) -> LineFault:
    """Answer one question in four like this."""

    def fault(asked: Mapping[str, object], attempt: int) -> Answer | None:
        question = read_question(user_text(asked.get("messages")))
        return given if int(question.key[-1], 16) % 4 == 1 and only(attempt) else None

    return fault


def outcomes(store: Store) -> dict[str, set[int]]:
    """How often each request of a batch was asked, by what came of it last."""
    rows = store.rows(
        """SELECT arg_max(outcome, call_id) AS outcome, count(*) AS tries FROM teacher_call
           WHERE batch_id IS NOT NULL GROUP BY request_hash"""
    )
    found: dict[str, set[int]] = {}
    for row in rows:
        found.setdefault(row["outcome"], set()).add(row["tries"])
    return found


@pytest.mark.parametrize(
    ("given", "outcome", "tries", "again"),
    [
        (refuse(400, "context_length_exceeded", "Too many tokens."), "too_long", {1}, False),
        (refuse(400, "content_filter", "No."), "content_filter", {1}, False),
        (refuse(400, "odd", "Odd."), "request_refused", {1}, True),
        (refuse(500, "server", "Oops."), "server_error", {4}, True),
    ],
)
def test_how_often_a_failing_request_is_asked(
    store: Store, server: BatchServer, given: Answer, outcome: str, tries: set[int], again: bool
) -> None:
    """What fails for what it is is asked once, what may pass 4 times; a later run asks again unless it is in vain."""
    server.refuses = False
    server.line_fault = answer_some(given)
    last = run(store, server)
    assert outcomes(store) == {"answered": {1}, outcome: tries}
    failed = [row for row in reflections(store) if row[2] == "failed"]
    assert {row[3] for row in failed} == {outcome}
    assert last.failed == len(failed) > 0
    sent = len(server.desk.batches)
    server.line_fault = lambda asked, attempt: None
    run(store, server)
    assert (len(server.desk.batches) > sent) is again
    run(store, server, plan=Plan(retry_failed=True))
    assert len(candidates(store)) == 3 * SAMPLES


def test_a_spent_quota_ends_the_run_and_fails_no_request(
    store: Store, server: BatchServer, by_calls: tuple[list[Row], list[Row]]
) -> None:
    """Lines that say what every request would meet end the run, what came is judged, and later all is asked again."""
    server.line_fault = answer_some(refuse(429, "insufficient_quota", "Spent."))
    for _ in range(5):
        assert "quota is spent" in refused_run(store, server)
    assert 0 < len(candidates(store)) < len(by_calls[0])
    assert store.value("SELECT count(*) FROM reflection WHERE status = 'failed'") == 0
    server.line_fault = lambda asked, attempt: None
    run(store, server)
    assert len(candidates(store)) >= len(by_calls[0])


def old_words(asked: Mapping[str, object], attempt: int) -> Answer | None:
    refusal = refuse(400, "unsupported_parameter", "Unsupported parameter: max_tokens. Use 'max_completion_tokens'.")
    return refusal if "max_tokens" in asked else None


def test_the_words_that_a_server_takes_are_remembered(store: Store, server: BatchServer) -> None:
    """Where lines are refused for a setting's name, all later batches of any process have the other one."""
    server.line_fault = old_words
    run(store, server, wait=False)
    for _ in range(4):
        run(store, server, wait=False)
    first, second, *_ = server.desk.batches.values()
    assert store.value("SELECT count(*) FROM reflection WHERE status = 'failed'") == 0
    run(store, server)
    assert all("max_tokens" in line.body for line in first.lines)
    others = [batch for batch in server.desk.batches.values() if batch is not first]
    assert len(second.lines) == len(first.lines) and len(others) > 1
    assert all("max_completion_tokens" in line.body for batch in others for line in batch.lines)


# ---- money


def test_a_batch_costs_its_share_of_the_price(store: Store, server: BatchServer) -> None:
    """A line of a batch costs the batch share of what a call of as many tokens costs."""
    set_price(store, "m-1", Price(1_000_000, 2_000_000, 0.5))
    last = run(store, server)
    rows = store.rows("SELECT DISTINCT batch_id IS NULL AS is_call, cost FROM teacher_call ORDER BY ALL")
    assert [tuple(row.values()) for row in rows] == [(False, (7 + 2 * 5) / 2), (True, 7.0 + 2 * 5)]
    assert last.spent == store.value("SELECT sum(cost) FROM teacher_call")


def test_a_cap_in_calls_holds(store: Store, server: BatchServer, by_calls: tuple[list[Row], list[Row]]) -> None:
    """Live calls and lines of batches together never pass the cap; a higher one goes on."""
    for cap in (1, 5, 20):
        assert f"The cap of {cap} calls" in refused_run(store, server, plan=Plan(caps=Caps(calls=cap)))
        asked = len(server.requests) + server.lines().total()
        assert asked == cap == store.value("SELECT count(*) FROM teacher_call")
    run(store, server, plan=Plan(caps=Caps(calls=10_000)))
    assert candidates(store) == by_calls[0]


def test_a_cap_in_dollars_holds(tmp_path: Path, server: BatchServer) -> None:
    """No batch is sent that might pass the cap: before replies are measured each may be as long as a reply can be."""
    server.refuses = False
    with closing(project(tmp_path / "many.srt", 24)) as store:
        set_price(store, "m-1", Price(0, 1_000_000, 0.5))  # a reply of 5 tokens costs 5 dollars, in a batch the half
        assert "The cap of 2,000.00 dollars" in refused_run(store, server, plan=Plan(caps=Caps(cost=2_000)))
        assert not server.requests, "2048 tokens would be dearer"
        assert "calls" in refused_run(store, server, plan=Plan(caps=Caps(calls=31, cost=1_000_000)))
        assert "The cap of 120.00 dollars" in refused_run(store, server, plan=Plan(caps=Caps(cost=120)))
        assert 100 < store.value("SELECT sum(cost) FROM teacher_call") <= 120
        assert server.lines().total() + 1 == store.value("SELECT count(*) FROM teacher_call")


# ---- several processes


def test_a_campaign_of_many_processes_counts_as_one_run(store: Store, server: BatchServer) -> None:
    """However many processes take part, what was refused before gets `attempts` more replies and not more."""
    run(store, server)
    before = Counter(row[:2] for row in reflections(store) if row[2] == "refused")
    plan = Plan(retry_failed=True, note="Write it out.")
    for _ in range(40):
        if "wait" not in run(store, server, plan=plan, wait=False).message and not store.value(
            "SELECT count(*) FROM batch WHERE state = 'sent'"
        ):
            break
    after = Counter(row[:2] for row in reflections(store) if row[2] == "refused")
    always = {key for key, number in before.items() if number == 2}
    assert {after[key] - before[key] for key in always} == {2}
    texts = [user_text(line.body["messages"]) for batch in server.desk.batches.values() for line in batch.lines]
    assert sum("Write it out." in text for text in texts) == 2 * len(always)


WORKER = """
import os, signal, sys
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import openai, httpx2
from srt_core.reflect.batch import fetching
from srt_core.reflect.batch.run import reflect_batch
from srt_core.reflect.prompts import load_prompts
from srt_core.project.store import Store
from srt_core.reflect.teacher import OpenAITeacher

project, url, before = Path(sys.argv[1]), sys.argv[2], sys.argv[3] == "before"
whole, fetching.STORED_AT_ONCE = Store.transaction, 3


def work(limit):
    done = 0

    @contextmanager
    def counted(store):
        nonlocal done
        with whole(store) as transaction:
            yield transaction
            done += 1
            if before and done == limit:
                os.kill(os.getpid(), signal.SIGKILL)
        if done == limit:
            os.kill(os.getpid(), signal.SIGKILL)

    Store.transaction = counted
    with Store.open(project) as store:
        for _ in reflect_batch(store, OpenAITeacher(url, "m-1"), load_prompts(), poll_seconds=0.01):
            pass


for limit in count(1):
    if (child := os.fork()) == 0:
        work(limit)
        os._exit(0)
    if os.WIFEXITED(state := os.waitpid(child, 0)[1]):
        print(limit)
        sys.exit(os.WEXITSTATUS(state))
"""


@pytest.mark.parametrize("moment", ["before", "after"])
def test_killed_at_every_commit(
    tmp_path: Path, server: BatchServer, moment: str, by_calls: tuple[list[Row], list[Row]]
) -> None:
    """Processes that are killed at their first, second, third ... commit end with what one process makes.

    No batch is paid for twice, and no line is lost or stored twice.
    """
    path = place_project(tmp_path / "p.srt", SAMPLES)
    finished = subprocess.run(
        [sys.executable, "-c", WORKER, str(path), server.url("batch"), moment],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert finished.returncode == 0, finished.stderr
    assert int(finished.stdout) > 6, "it was killed"
    with closing(Store.open(path)) as store:
        assert candidates(store) == by_calls[0]
        assert has_each_once(store)
        known = store.value("SELECT count(*) FROM batch WHERE state = 'fetched'")
    assert set(server.lines().values()) == {1}
    assert known == len(server.desk.batches)


def reflecting_words(project: Path, url: str) -> list[str]:
    """The words of a command that reflects by a batch."""
    return ["reflect", str(project), "--base-url", url, "--model", "m-1", "--batch", "--poll-seconds", "0.05"]


@contextmanager
def reflecting(project: Path, url: str) -> Iterator["subprocess.Popen[str]"]:
    """Run that command in a process of its own, and kill it at the end."""
    command = [sys.executable, "-m", "srt_core", *reflecting_words(project, url)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("moment", [("POST", "files"), ("POST", "batches"), ("GET", "content")])
def test_killed_before_the_answer_is_heard(
    tmp_path: Path,
    server: BatchServer,
    moment: tuple[str, str],
    by_calls: tuple[list[Row], list[Row]],
    command: Command,
) -> None:
    """Killed when a file was uploaded, a batch made or an output sent, before it hears of it, the command goes on."""
    path = place_project(tmp_path / "p.srt", SAMPLES)
    server.desk.hold_at = moment
    with reflecting(path, server.url("batch")):
        assert server.desk.reached.wait(120)
    server.desk.hold_at = ("", "")
    server.desk.released.set()
    finished = command(*reflecting_words(path, server.url("batch")))
    assert finished.returncode == DONE_WITH_FAILURES, finished.stderr
    assert "reflections used" in finished.stdout
    with closing(Store.open(path)) as store:
        assert candidates(store) == by_calls[0]
        assert has_each_once(store)
    assert set(server.lines().values()) == {1}


def test_no_word_of_a_batch_holds_the_key(
    store: Store, server: BatchServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A key that a batch's errors or lines repeat is taken out before anything is stored."""
    key = "sk-0123456789abcdefghij"
    monkeypatch.setenv("OPENAI_API_KEY", key)
    server.line_fault = lambda asked, attempt: (
        complete(f"It is {key}.") if attempt == 1 else refuse(401, "odd", f"Incorrect key: {key}")
    )
    with pytest.raises(TeacherStopError) as raised:
        run(store, server)
    assert key not in str(raised.value)
    texts = [json.dumps(list(row.values()), default=str)
             for table in ("teacher_call", "reflection", "batch") for row in store.rows(f"FROM {table}")]  # fmt: skip
    assert any("[key]" in text for text in texts)
    assert not any(key[:12] in text for text in texts)


def test_a_run_can_be_left_and_gone_on_with(
    store: Store, server: BatchServer, by_calls: tuple[list[Row], list[Row]]
) -> None:
    """A run that is stopped leaves its batch at the teacher, and the next one fetches it."""
    stop = threading.Event()
    steps = reflect_batch(store, teacher_at(server), PROMPTS, replace(PLAN), poll_seconds=POLL, stop=stop)
    for _ in steps:
        if server.desk.batches:
            stop.set()
    assert len(server.desk.batches) == 1
    run(store, server)
    assert candidates(store) == by_calls[0]
    assert set(server.lines().values()) == {1}
