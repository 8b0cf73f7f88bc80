"""Reflecting: what it stores, that a second run asks nothing, and that a killed one loses nothing."""

import random
import signal
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from threading import Event

import pytest
import torch

from srt_core.errors import TeacherStopError
from srt_core.methods import PRESETS
from srt_core.project.candidates import pair_of
from srt_core.project.store import Row, Store
from srt_core.records import DERIVATIONS, Origin, Pair
from srt_core.reflect.missing import Missing, SettledBy
from srt_core.reflect.outcomes import failed_reflections
from srt_core.reflect.prompts import load_prompts
from srt_core.reflect.run import Plan, reflect
from srt_core.reflect.teacher import OpenAITeacher, ReplayTeacher, Teacher
from srt_core.review.status import status
from srt_core.score.run import score
from srt_core.score.student import Student
from srt_core.score.templates import load_template
from srt_core.select import selection
from srt_core.select.settled import settled_by_rule
from tests.empty_project import create_empty
from tests.killing import worker
from tests.pipeline import CONTENT, CountingStudent, counting_student, import_rows
from tests.reflecting import walk
from tests.small_project import alpaca_rows
from tests.teaching_server import TeachingServer, record_replies, running_teaching_server

ALPACA = load_template("alpaca")
PROMPTS = load_prompts()


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with create_empty(tmp_path / "p.srt") as store:
        yield store


@pytest.fixture(scope="module")
def server() -> Iterator[TeachingServer]:
    with running_teaching_server() as server:
        yield server


@pytest.fixture
def live(server: TeachingServer) -> Iterator[TeachingServer]:
    """The teaching server with nothing asked yet."""
    server.calls.clear()
    yield server
    server.replies_left, server.delay_seconds = 1_000_000, 0.0


@pytest.fixture(scope="module")
def student() -> CountingStudent:
    return counting_student()


def originals(store: Store, count: int) -> list[Pair]:
    """Import so many originals and return their pairs."""
    import_rows(store, alpaca_rows(count))
    return [pair_of(row) for row in store.rows("SELECT * FROM pair ORDER BY candidate_id")]


def live_teacher(server: TeachingServer) -> Teacher:
    return OpenAITeacher(server.url("any"), "m-1")


def calls_missing(store: Store, settled: SettledBy | None) -> int:
    """How many calls the only teacher of a project has before it."""
    producer = store.value("SELECT producer FROM producer WHERE kind = 'teacher'") or ""
    return Missing(store, producer, settled, attempts=2).total()


def decided_rows(store: Store) -> list[list[Row]]:
    """What the rule says of every sample, with and without ceilings."""
    policies = [PRESETS[name] for name in ("selective-code", "selective-paper")]
    wanted = ("sample_id", "winner", "origin", "reason")
    return [[{name: row[name] for name in wanted} for row in selection.select(store, policy)] for policy in policies]


TeacherOf = Callable[[Path, Sequence[Pair], TeachingServer], Teacher]


def replayed(folder: Path, pairs: Sequence[Pair], server: TeachingServer) -> Teacher:
    return ReplayTeacher(record_replies(folder / "replies.jsonl", PROMPTS, pairs))


def answering(folder: Path, pairs: Sequence[Pair], server: TeachingServer) -> Teacher:
    return live_teacher(server)


@pytest.mark.parametrize("teacher_of", [replayed, answering])
def test_both_modes_make_the_same_decisions(
    teacher_of: TeacherOf, tmp_path: Path, student: Student, live: TeachingServer
) -> None:
    """Sequential mode with its fewer calls picks for every sample what full mode picks, for the same reason."""
    with create_empty(tmp_path / "full.srt") as full, create_empty(tmp_path / "sequential.srt") as sequential:
        pairs = originals(full, 40)
        teacher = teacher_of(tmp_path, pairs, live)
        assert originals(sequential, 40) == pairs
        walk(reflect(full, teacher, PROMPTS))
        walk(score(full, student, ALPACA))
        first = walk(reflect(sequential, teacher, PROMPTS, Plan(settled_by_rule)))[-1]
        assert "samples wait for scores: score the project, then reflect again" in first.message
        walk(score(sequential, student, ALPACA))
        assert walk(reflect(sequential, teacher, PROMPTS, Plan(settled_by_rule)))[-1].message == ""
        walk(score(sequential, student, ALPACA))
        found = decided_rows(full)
        assert decided_rows(sequential) == found
        assert {row["winner"] for row in found[0]} == set(Origin)
        asked = sequential.value(
            "SELECT max(n) FROM (SELECT count(DISTINCT origin) AS n FROM reflection GROUP BY sample_id)"
        )
        assert asked == 2 < full.value("SELECT count(*) FROM candidate") / 40


def test_sequential_mode_asks_nothing_that_scores_decide(store: Store, live: TeachingServer) -> None:
    """Without scores only the instruction stage runs, and the response stage where that failed for good."""
    pairs = originals(store, 30)
    last = walk(reflect(store, live_teacher(live), PROMPTS, Plan(settled_by_rule)))[-1]
    made = store.rows("SELECT DISTINCT sample_id FROM candidate WHERE origin = 'INSTRUCTION'")
    assert 0 < len(made) < len(pairs)
    assert last.message.startswith(f"{len(made)} samples wait")
    assert store.value("SELECT count(*) FROM candidate WHERE origin = 'BOTH'") == 0
    asked_both = """SELECT count(*) FROM (SELECT sample_id FROM reflection WHERE origin = 'RESPONSE'
                    INTERSECT SELECT sample_id FROM candidate WHERE origin = 'INSTRUCTION')"""
    assert store.value(asked_both) == 0


def test_sequential_mode_does_not_wait_for_numbers_that_never_come(
    store: Store, student: Student, live: TeachingServer
) -> None:
    """What was scored without a number counts as scored: the response stage goes on from the original."""
    originals(store, 30)
    walk(reflect(store, live_teacher(live), PROMPTS, Plan(settled_by_rule)))
    assert calls_missing(store, settled_by_rule) == status(store)["candidates_by_origin"]["INSTRUCTION"]
    walk(score(store, student, ALPACA, max_length=8))
    last = walk(reflect(store, live_teacher(live), PROMPTS, Plan(settled_by_rule)))[-1]
    assert (last.message, last.failed > 0) == ("", True)
    assert calls_missing(store, settled_by_rule) == 0
    assert set(status(store)["candidates_by_origin"]) == {"INSTRUCTION", "ORIGINAL", "RESPONSE"}


def test_refused_replies_are_retried_within_the_bound(store: Store, live: TeachingServer) -> None:
    """A refused reply is asked for again, as often as allowed; then it stands as failed, each raw text kept."""
    originals(store, 30)
    walk(reflect(store, live_teacher(live), PROMPTS, Plan(attempts=3)))
    assert set(live.calls.values()) == {1, 2, 3}
    calls = store.rows(
        """SELECT sample_id, origin, list(status ORDER BY reflection_id) AS statuses,
                  list(raw ORDER BY reflection_id) AS raws FROM reflected GROUP BY ALL"""
    )
    found = {tuple(row["statuses"]) for row in calls}
    assert found == {("accepted",), ("refused", "accepted"), ("refused", "refused", "refused")}
    refused = [row for row in calls if "accepted" not in row["statuses"]]
    assert {tuple(row["raws"]) for row in refused} == {tuple(f"I would rather not, at attempt {n}." for n in (1, 2, 3))}
    standing = failed_reflections(store, 100, 0)
    assert {(failure.sample_id, failure.origin) for failure in standing} == {
        (r["sample_id"], r["origin"]) for r in refused
    }
    assert {failure.raw for failure in standing} == {"I would rather not, at attempt 3."}
    assert status(store)["failed_reflections"] == len(refused)


def test_a_failed_reflection_never_becomes_a_candidate(store: Store, live: TeachingServer) -> None:
    """A candidate is there exactly where a reply was accepted, with the pair of that reply."""
    originals(store, 30)
    walk(reflect(store, live_teacher(live), PROMPTS))
    made = "SELECT sample_id, origin FROM candidate WHERE origin <> 'ORIGINAL' ORDER BY ALL"
    assert store.rows(made) == store.rows(
        "SELECT sample_id, origin FROM reflection WHERE status = 'accepted' ORDER BY ALL"
    )
    assert status(store)["failed_reflections"] > 0


def test_a_second_run_asks_nothing(store: Store, live: TeachingServer) -> None:
    """What is made or refused for good is not asked again, unless the refused ones are asked for."""
    originals(store, 20)
    walk(reflect(store, live_teacher(live), PROMPTS))
    calls = live.calls.total()
    assert calls_missing(store, None) == 0
    walk(reflect(store, live_teacher(live), PROMPTS))
    assert live.calls.total() == calls
    refused = status(store)["failed_reflections"]
    walk(reflect(store, live_teacher(live), PROMPTS, Plan(retry_failed=True, attempts=1)))
    assert live.calls.total() == calls + refused


def test_calls_can_be_counted_before_they_are_made(store: Store, live: TeachingServer) -> None:
    """The estimate is three calls a sample in full mode and two in sequential mode."""
    originals(store, 10)
    assert calls_missing(store, None) == 30
    assert calls_missing(store, settled_by_rule) == 20


def test_a_run_that_a_teacher_ends_keeps_what_it_has(store: Store, live: TeachingServer) -> None:
    """When no further call can succeed the run stops; its replies are kept, the next run asks for the others only."""
    originals(store, 20)
    live.replies_left = 17
    with pytest.raises(TeacherStopError, match="refuses the key"):
        walk(reflect(store, live_teacher(live), PROMPTS, Plan(attempts=1, concurrency=4)))
    kept = store.rows("SELECT sample_id, origin, raw FROM reflected ORDER BY ALL")
    assert len(kept) == 17
    assert live.calls.total() <= 17 + 4
    assert store.value("SELECT count(*) FROM reflection WHERE status = 'failed'") == 0

    live.calls.clear()
    live.replies_left = 1_000_000
    walk(reflect(store, live_teacher(live), PROMPTS, Plan(attempts=1)))
    after = store.rows("SELECT sample_id, origin, raw FROM reflected ORDER BY ALL")
    assert [row for row in kept if row not in after] == []
    assert live.calls.total() == len(after) - 17


def test_a_stopped_run_keeps_the_calls_under_way(store: Store, live: TeachingServer) -> None:
    """A run that is asked to stop sends nothing more, and stores every reply that still comes."""
    originals(store, 20)
    live.delay_seconds = 0.02
    stop = Event()
    for _ in reflect(store, live_teacher(live), PROMPTS, Plan(attempts=1, concurrency=4), stop=stop):
        stop.set()
    assert store.value("SELECT count(*) FROM reflection") == live.calls.total() < 20


REFLECT_NEEDS = """
from pathlib import Path
from srt_core.reflect.run import reflect
from srt_core.reflect.prompts import load_prompts
from srt_core.project.store import Store
from srt_core.reflect.teacher import OpenAITeacher
"""
REFLECT = """
with Store.open(Path(sys.argv[1])) as store:
    for progress in reflect(store, OpenAITeacher(sys.argv[2], "m-1"), load_prompts()):
        print(progress.done, flush=True)
"""


def test_a_killed_reflection_goes_on(tmp_path: Path, live: TeachingServer) -> None:
    """`kill -9` among the calls, then the same run again: every reply is there once, none is lost or stored twice."""
    live.delay_seconds = 0.02
    with create_empty(tmp_path / "undisturbed.srt") as whole:
        originals(whole, 60)
        walk(reflect(whole, live_teacher(live), PROMPTS, Plan(attempts=1)))
        expected = whole.rows("SELECT sample_id, origin, status, raw FROM reflected ORDER BY ALL")
        candidates = whole.rows(CONTENT["candidate"])
    path = tmp_path / "killed.srt"
    with create_empty(path) as store:
        originals(store, 60)
    live.calls.clear()
    chance = random.Random(9)
    with worker(REFLECT_NEEDS, REFLECT, path, live.url("any")) as work:
        for _ in range(2):
            assert work.end_at(1, chance.uniform(0, 0.1)) == -signal.SIGKILL
    with Store.open(path) as killed:
        assert 0 < killed.value("SELECT count(*) FROM candidate") < len(candidates)
        walk(reflect(killed, live_teacher(live), PROMPTS))
        accepted = killed.rows("SELECT sample_id, origin FROM reflection WHERE status = 'accepted' ORDER BY ALL")
        made = [(row["sample_id"], row["origin"]) for row in accepted]
        assert len(made) == len(set(made))
        found = killed.rows("SELECT sample_id, origin, instruction, response FROM candidate ORDER BY ALL")
        assert len(found) == len(made) + 60
        first_tries = {(row["sample_id"], row["origin"]) for row in expected if row["status"] == "accepted"}
        assert first_tries <= set(made)
        assert killed.value("SELECT count(*) FROM teacher_call") <= live.calls.total()


def test_every_candidate_names_its_parent_stage(store: Store, live: TeachingServer) -> None:
    """A response reflection leaves instruction and input as they are; a new instruction stands without input."""
    originals(store, 30)
    walk(reflect(store, live_teacher(live), PROMPTS))
    pairs = {(row["sample_id"], row["origin"]): pair_of(row) for row in store.rows("SELECT * FROM pair")}
    for (sample, origin), pair in pairs.items():
        if origin in (Origin.RESPONSE, Origin.BOTH):
            parent = pairs[sample, str(DERIVATIONS[Origin(origin)].parent)]
            assert (pair.instruction, pair.input) == (parent.instruction, parent.input)
        if origin == Origin.INSTRUCTION:
            assert pair.input == ""
    assert any(origin == Origin.BOTH for _, origin in pairs)
