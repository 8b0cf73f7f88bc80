"""Runs among faults, kills and interrupts: nothing that was sent is lost, nothing is paid for twice."""

import asyncio
import random
import signal
from collections import Counter
from pathlib import Path
from threading import Event

import pytest

from srt_core.project.store import Store
from srt_core.reflect.event_loop import EventLoop
from srt_core.reflect.prompts import RefusalReason
from srt_core.reflect.run import Plan, reflect
from srt_core.reflect.teacher import CallOutcome
from tests.fault_server import read_ledger, running_fault_process, running_fault_server
from tests.killing import INTERRUPTED, worker
from tests.reflecting import PROMPTS, RUN, RUN_NEEDS, outcomes, project, run, teacher_at

SAMPLES = 60
CONCURRENCY = 8
KILLS = 5
REASONS = {*RefusalReason, *CallOutcome}


def kept_replies(store: Store) -> Counter[str]:
    return Counter(row["raw"] for row in store.rows("SELECT raw FROM teacher_call WHERE outcome = 'answered'"))


def assert_paid_once(store: Store) -> None:
    found = "SELECT count(*) - count(DISTINCT request_hash) FROM teacher_call WHERE outcome = 'answered'"
    assert store.value(found) == 0


def assert_complete(store: Store, samples: int) -> None:
    """Every sample has both reflections of its original and that of its new instruction, made or failed."""
    found = outcomes(store)
    ended = {(row["sample_id"], row["origin"]) for row in found}
    made = {(row["sample_id"], "BOTH") for row in store.rows("FROM candidate WHERE origin = 'INSTRUCTION'")}
    originals = {row["sample_id"] for row in store.rows("SELECT sample_id FROM sample")}
    assert len(originals) == samples
    assert ended == {(each, origin) for each in originals for origin in ("INSTRUCTION", "RESPONSE")} | made
    assert {row["reason"] for row in found if row["status"] != "accepted"} <= REASONS


def test_a_mixture_of_faults_and_five_kills_loses_only_calls_under_way(tmp_path: Path) -> None:
    """Among 30 % faults and five `kill -9` a kill loses at most the calls under way, and no reply is paid for twice."""
    path, written = tmp_path / "p.srt", tmp_path / "ledger.jsonl"
    project(path, SAMPLES).close()
    chance = random.Random(3)
    settings = ("--mixture", "0.3", "--seed", "3", "--latency", "0.05", "--never-refuses")
    with running_fault_process("--ledger", str(written), *settings) as url:
        with worker(RUN_NEEDS, RUN, path, url, CONCURRENCY) as work:
            for _ in range(KILLS):
                assert work.end_at(chance.randrange(1, 4), chance.uniform(0, 0.1)) == -signal.SIGKILL
        with Store.open(path) as store:
            before = store.value("SELECT count(*) FROM teacher_call")
            run(store, url, Plan(concurrency=CONCURRENCY))
            calls, distinct, kept = store.rows(
                """SELECT count(*), count(DISTINCT request_hash), count(*) FILTER (outcome = 'answered')
                   FROM teacher_call"""
            )[0].values()
            replies = kept_replies(store)
            assert 0 < before < calls
            assert_paid_once(store)
            assert_complete(store, SAMPLES)
    entries = read_ledger(written)
    sent = Counter(entry.reply for entry in entries if entry.reply is not None)
    assert replies - sent == Counter()
    assert 0 <= sent.total() - kept <= KILLS * CONCURRENCY
    assert calls <= 1.5 * distinct


def test_an_undisturbed_run_keeps_every_answer_that_was_sent(tmp_path: Path) -> None:
    """Among 30 % faults every answer that the server sent to its end is a row, with at most 1.5 calls a request."""
    with running_fault_server(ledger=tmp_path / "ledger") as server, project(tmp_path / "p.srt", SAMPLES) as store:
        run(store, server.url("mixture"), Plan(concurrency=CONCURRENCY))
        server.settle()
        sent = Counter(server.ledger.replies())
        assert kept_replies(store) == sent
        assert_paid_once(store)
        assert_complete(store, SAMPLES)
        whole = "SELECT count(*) FROM teacher_call WHERE http_status IS NOT NULL"
        assert store.value(whole) == len(server.ledger.entries())
        asked = store.value("SELECT count(DISTINCT request_hash) FROM teacher_call")
        assert server.attempts.total() == store.value("SELECT count(*) FROM teacher_call") <= 1.5 * asked


def test_an_interrupt_keeps_the_calls_under_way(tmp_path: Path) -> None:
    """Ctrl-C ends a run with KeyboardInterrupt once every reply that was asked for is stored."""
    path, written = tmp_path / "p.srt", tmp_path / "ledger.jsonl"
    project(path, SAMPLES).close()
    settings = ("--ledger", str(written), "--latency", "0.5", "--never-refuses")
    with running_fault_process(*settings) as url, worker(RUN_NEEDS, RUN, path, url, CONCURRENCY) as work:
        for lines in (1, 2, 4):
            assert work.end_at(lines, by=signal.SIGINT) == INTERRUPTED
    with Store.open(path) as store:
        kept = kept_replies(store)
    assert 0 < kept.total() < 3 * SAMPLES
    assert kept == Counter(entry.reply for entry in read_ledger(written))


def test_an_interrupt_while_a_step_starts_is_one_too() -> None:
    """A step that an interrupt cancelled ends as KeyboardInterrupt, though asyncio forgot that there was one."""

    async def cancelled() -> None:
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        await asyncio.sleep(0)

    with EventLoop() as loop, pytest.raises(KeyboardInterrupt):
        loop.run(cancelled())


def test_a_caller_that_leaves_keeps_the_calls_under_way(tmp_path: Path) -> None:
    """A run whose generator is closed, as by an error on the screen, stores every reply that was asked for."""
    with running_fault_server() as server, project(tmp_path / "p.srt", SAMPLES) as store:
        server.delay_seconds = 0.05
        steps = reflect(store, teacher_at(server.url("teach")), PROMPTS, Plan(concurrency=4))
        next(steps)
        steps.close()
        server.settle()
        assert 0 < server.attempts.total() < SAMPLES
        assert kept_replies(store) == Counter(server.ledger.replies())


def test_a_paused_run_keeps_the_calls_under_way_and_goes_on(tmp_path: Path) -> None:
    """After a stop nothing more is asked, what was asked for is stored, and the next run asks only for the rest."""
    with running_fault_server() as server, project(tmp_path / "p.srt", 20) as store:
        server.refuses = False
        server.delay_seconds = 0.5  # so long that a stop comes before the fifth round also on a busy machine
        stop = Event()
        for progress in reflect(store, teacher_at(server.url("teach")), PROMPTS, Plan(concurrency=4), stop=stop):
            if progress.done:
                stop.set()
        server.settle()
        assert kept_replies(store) == Counter(server.ledger.replies())
        assert 0 < server.attempts.total() < 20
        server.delay_seconds = 0.0
        run(store, server.url("teach"))
        assert server.attempts.total() == 3 * 20
        assert_complete(store, 20)
