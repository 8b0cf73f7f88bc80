"""Sequential mode with a student beside the calls, and Reflection-Tuning V1 with none."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from srt_core.errors import SRTError, TeacherStopError
from srt_core.methods import PRESETS
from srt_core.project.progress import Progress
from srt_core.project.store import Row, Store
from srt_core.records import Origin
from srt_core.reflect.missing import SettledBy
from srt_core.reflect.run import Plan, reflect
from srt_core.reflect.spending import Caps
from srt_core.score.run import score
from srt_core.score.student import Student
from srt_core.score.templates import load_template
from srt_core.select.selection import apply, select
from srt_core.select.settled import settled_by_rule
from srt_core.steps.background_scoring import THREAD_NAME, BackgroundScoring
from tests.fault_server import FaultServer, Mixture, running_fault_server
from tests.reflecting import PROMPTS, project, run, teacher_at, walk
from tests.tiny_students import byte_tokenizer, tiny_llama

SAMPLES = 20
ALPACA = load_template("alpaca")
SEQUENTIAL = Plan(settled_by_rule)


@pytest.fixture(scope="module")
def student() -> Student:
    torch.set_num_threads(1)
    tokenizer = byte_tokenizer(has_bos=True)
    return Student(tiny_llama(len(tokenizer)), tokenizer, "tiny")


@pytest.fixture
def server() -> Iterator[FaultServer]:
    with running_fault_server() as server:
        yield server


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with project(tmp_path / "p.srt", SAMPLES) as store:
        yield store


def decisions(store: Store) -> list[list[Row]]:
    policies = [PRESETS[name] for name in ("selective-code", "selective-paper")]
    wanted = ("sample_id", "winner", "origin", "reason")
    return [[{name: row[name] for name in wanted} for row in select(store, policy)] for policy in policies]


@pytest.mark.parametrize("behaviour", ["teach", "mixture"])
def test_one_sequential_run_decides_as_full_mode_does(
    tmp_path: Path, store: Store, student: Student, server: FaultServer, behaviour: str
) -> None:
    """With scoring beside, one run makes all that the rule asks for: no second run, the decisions of full mode."""

    def scoring(stop: threading.Event) -> Iterator[Progress]:
        return score(store, student, ALPACA, stop=stop)

    server.delay_seconds = 0.01
    server.mixture = Mixture(0.3, ("error_500", "rate_limit", "hang_up"), 1)
    with BackgroundScoring(scoring) as beside:
        last = run(store, server.url(behaviour), SEQUENTIAL, scoring=beside)
    assert last.message == ""
    asked = len(server.requests)
    if behaviour == "teach":
        with BackgroundScoring(scoring) as beside:
            assert run(store, server.url(behaviour), SEQUENTIAL, scoring=beside).done == 0
        assert len(server.requests) == asked
    walk(score(store, student, ALPACA))
    with project(tmp_path / "full.srt", SAMPLES) as full:
        run(full, server.url("teach"), Plan(attempts=2))
        walk(score(full, student, ALPACA))
        expected = decisions(full)
        assert {row["winner"] for row in expected[0]} == set(Origin)
        assert decisions(store) == expected


@pytest.mark.parametrize("error", [SRTError("The student is gone.", "Get another."), RuntimeError("out of memory")])
@pytest.mark.parametrize("is_first", [True, False])
def test_an_error_of_the_scoring_ends_the_run(
    store: Store, student: Student, server: FaultServer, error: Exception, is_first: bool
) -> None:
    """Whatever goes wrong beside the calls, at once or later, ends the run with that error, its replies kept."""
    rounds = 0

    def scoring(stop: threading.Event) -> Iterator[Progress]:
        nonlocal rounds
        rounds += 1
        if is_first or rounds > 1:
            raise error
        yield from score(store, student, ALPACA, stop=stop)

    with pytest.raises(type(error)) as raised, BackgroundScoring(scoring) as beside:
        run(store, server.url("teach"), SEQUENTIAL, scoring=beside)
    assert raised.value is error
    server.settle()
    kept = store.value("SELECT count(*) FROM teacher_call WHERE outcome = 'answered'")
    assert kept == len(server.ledger.replies())


def test_a_stop_ends_the_scoring_too(store: Store, student: Student, server: FaultServer) -> None:
    """A run that is stopped while the student scores ends, and no thread of it goes on."""
    stop = threading.Event()
    has_begun = threading.Event()

    def scoring(told: threading.Event) -> Iterator[Progress]:
        has_begun.set()
        while not told.wait(0.01):  # a student that is never done
            yield Progress("candidates")

    with BackgroundScoring(scoring) as beside:
        for progress in reflect(store, teacher_at(server.url("teach")), PROMPTS, SEQUENTIAL, stop=stop, scoring=beside):
            if progress.message == "The student scores what has come":
                stop.set()
    assert has_begun.is_set()
    assert [each.name for each in threading.enumerate() if each.name.startswith(THREAD_NAME)] == []
    assert store.value("SELECT count(*) FROM candidate WHERE origin = 'INSTRUCTION'") > 0


def test_the_end_of_a_run_ends_the_scoring(store: Store, student: Student, server: FaultServer) -> None:
    """A cap that is reached ends the run with its error though the student has more to do."""

    def scoring(told: threading.Event) -> Iterator[Progress]:
        while not told.wait(0.01):
            yield Progress("candidates")

    plan = Plan(settled_by_rule, caps=Caps(calls=5))
    with pytest.raises(TeacherStopError, match="cap of 5 calls"), BackgroundScoring(scoring) as beside:
        run(store, server.url("teach"), plan, scoring=beside)
    assert [each.name for each in threading.enumerate() if each.name.startswith(THREAD_NAME)] == []


@pytest.mark.parametrize("settled", [None, settled_by_rule], ids=["full", "sequential"])
def test_reflection_tuning_v1_needs_no_student(store: Store, server: FaultServer, settled: SettledBy | None) -> None:
    """Every reflection that came is kept without a score: the best one of a sample is its selection."""
    apply(store, PRESETS["reflection-tuning-v1"], "ann")
    last = run(store, server.url("teach"), Plan(settled))
    assert last.message == ""
    made = {(row["sample_id"], row["origin"]) for row in store.rows("SELECT sample_id, origin FROM candidate")}
    best = (Origin.BOTH, Origin.INSTRUCTION, Origin.RESPONSE)
    for row in select(store, PRESETS["reflection-tuning-v1"]):
        wanted = next((each for each in best if (row["sample_id"], each) in made), Origin.ORIGINAL)
        assert row["winner"] == wanted
    assert store.value("SELECT count(*) FROM score") == 0
    assert {origin for _, origin in made} >= {"BOTH", "RESPONSE"}
    calls = server.attempts.total()
    run(store, server.url("teach"), Plan(settled))
    assert server.attempts.total() == calls
