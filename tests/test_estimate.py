"""What a run will take, said before: counted as the run then counts, and no number where none is known."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from srt_core.errors import TeacherStopError
from srt_core.project.candidates import pair_of
from srt_core.project.store import Store
from srt_core.reflect.estimate import Estimate, estimate
from srt_core.reflect.prices import Price, price_of, set_price
from srt_core.reflect.producers import producers
from srt_core.reflect.run import Plan, producer_of, reflect
from srt_core.reflect.spending import Caps, spent_by
from srt_core.reflect.teacher import ReplayTeacher
from srt_core.reflect.trial import trial
from srt_core.score.run import score
from srt_core.score.student import Student
from srt_core.score.templates import load_template
from srt_core.select.settled import settled_by_rule
from tests.fault_server import FaultServer, running_fault_server
from tests.reflecting import PROMPTS, project, run, teacher_at, walk
from tests.small_project import alpaca_rows
from tests.teaching_server import record_replies
from tests.tiny_students import byte_tokenizer, tiny_llama

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


def estimated(store: Store, server: FaultServer, plan: Plan | None = None) -> Estimate:
    return estimate(store, teacher_at(server.url("teach")), PROMPTS, plan or Plan())


def assert_foretold(store: Store, server: FaultServer, calls: int) -> None:
    """The estimate is so many calls, and a run makes them."""
    before = server.attempts.total()
    assert estimated(store, server).calls == calls
    run(store, server.url("teach"))
    assert server.attempts.total() - before == calls
    assert estimated(store, server).calls == 0


def test_a_fresh_project_takes_three_calls_a_sample(store: Store, server: FaultServer) -> None:
    """In full mode each sample takes three calls."""
    assert_foretold(store, server, 3 * SAMPLES)


def test_a_trial_is_taken_off(store: Store, server: FaultServer) -> None:
    """What a trial has paid for is in no estimate."""
    walk(trial(store, teacher_at(server.url("teach")), PROMPTS, count=3))
    assert_foretold(store, server, 3 * SAMPLES - 6)


def test_twins_are_counted_once(tmp_path: Path, server: FaultServer) -> None:
    """Equal pairs take the calls of one, whether their twin is still to be asked or was."""
    rows = alpaca_rows(SAMPLES)
    with project(tmp_path / "twins.srt", [*rows, *rows]) as store:
        first = store.value("SELECT sample_id FROM sample ORDER BY seq LIMIT 1")
        run(store, server.url("teach"), Plan(only=(first,)))
        assert server.attempts.total() == 3
        assert estimated(store, server).calls == 3 * (SAMPLES - 1)
        before = server.attempts.total()
        run(store, server.url("teach"))
        assert server.attempts.total() - before == 3 * (SAMPLES - 1)


def test_the_rest_of_a_capped_run_is_counted(store: Store, server: FaultServer) -> None:
    """After a run that a cap ended the estimate is what is left."""
    with pytest.raises(TeacherStopError, match="cap of 10 calls"):
        run(store, server.url("teach"), Plan(caps=Caps(calls=10)))
    assert_foretold(store, server, 3 * SAMPLES - 10)


def test_chosen_samples_alone_are_counted(store: Store, server: FaultServer) -> None:
    """An estimate for some samples is of these."""
    some = tuple(row["sample_id"] for row in store.rows("SELECT sample_id FROM sample ORDER BY seq LIMIT 4"))
    assert estimated(store, server, Plan(only=some)).calls == 12
    run(store, server.url("teach"), Plan(only=some))
    assert server.attempts.total() == 12
    assert {row["sample_id"] for row in store.rows("SELECT sample_id FROM reflection")} == set(some)


def test_sequential_mode_takes_two_calls_a_sample(store: Store, server: FaultServer) -> None:
    """In sequential mode each sample takes two calls, before the instruction stage, after it and once it is scored."""
    plan = Plan(settled_by_rule)
    assert estimated(store, server, plan).calls == 2 * SAMPLES
    run(store, server.url("teach"), plan)
    assert (server.attempts.total(), estimated(store, server, plan).calls) == (SAMPLES, SAMPLES)
    tokenizer = byte_tokenizer(has_bos=True)
    walk(score(store, Student(tiny_llama(len(tokenizer)), tokenizer, "tiny"), load_template("alpaca")))
    assert estimated(store, server, plan).calls == SAMPLES
    run(store, server.url("teach"), plan)
    assert server.attempts.total() == 2 * SAMPLES


def test_no_price_is_no_cost(store: Store, server: FaultServer) -> None:
    """Where no price is known the cost is None in the estimate and NULL in every call, and never 0."""
    assert estimated(store, server).cost is None
    run(store, server.url("teach"))
    assert store.value("SELECT count(*) FROM teacher_call WHERE cost IS NOT NULL") == 0


def test_a_recording_has_no_cost(tmp_path: Path, store: Store) -> None:
    """Replayed replies cost nothing that anybody knows."""
    pairs = [pair_of(row) for row in store.rows("FROM pair")]
    teacher = ReplayTeacher(record_replies(tmp_path / "r.jsonl", PROMPTS, pairs))
    found = estimate(store, teacher, PROMPTS, Plan())
    assert (found.calls, found.cost) == (3 * SAMPLES, None)


def test_after_a_finished_replay_nothing_is_missing(tmp_path: Path, store: Store) -> None:
    """A recording holds one reply for a request: what it refused once is no call that a run would still make."""
    pairs = [pair_of(row) for row in store.rows("FROM pair")]
    teacher = ReplayTeacher(record_replies(tmp_path / "r.jsonl", PROMPTS, pairs))
    walk(reflect(store, teacher, PROMPTS))
    assert store.value("SELECT count(*) FROM reflection WHERE status = 'refused'") > 0
    assert estimate(store, teacher, PROMPTS, Plan()).calls == 0


def test_a_question_registers_nobody(store: Store, server: FaultServer) -> None:
    """An estimate for a teacher that was never asked, such as a mistyped one, leaves no producer behind."""
    teacher = teacher_at(server.url("teach"), "mistyped")
    assert estimate(store, teacher, PROMPTS, Plan()).calls == 3 * SAMPLES
    assert producers(store) == []
    walk(trial(store, teacher, PROMPTS, count=1))
    assert [row["producer"] for row in producers(store)] == [producer_of(store, teacher, PROMPTS)]


def test_a_trial_narrows_nothing(store: Store, server: FaultServer) -> None:
    """Three replies leave every range at least as wide as the guess, and move what is likely by little."""
    set_price(store, "m-1", Price(3.0, 5.0))
    guessed = estimated(store, server)
    walk(trial(store, teacher_at(server.url("teach")), PROMPTS, count=3))
    found = estimated(store, server)
    share = found.calls / guessed.calls
    assert guessed.cost is not None and found.cost is not None
    for before, after in (
        (guessed.completion_tokens, found.completion_tokens), (guessed.cost, found.cost),
    ):  # fmt: skip
        assert after.low <= before.low * share < before.likely * share < before.high * share <= after.high
        assert after.likely == pytest.approx(before.likely * share, rel=0.15)
    assert not found.is_measured


def test_a_price_makes_a_cost_by_hand(tmp_path: Path, server: FaultServer) -> None:
    """After enough replies the estimate is their mean tokens times what is left times the price, within its range."""
    rows = alpaca_rows(40)
    with project(tmp_path / "more.srt", rows) as store:
        set_price(store, "m-1", Price(3.0, 5.0))
        some = tuple(row["sample_id"] for row in store.rows("SELECT sample_id FROM sample ORDER BY seq LIMIT 30"))
        run(store, server.url("teach"), Plan(only=some))
        found = estimated(store, server)
        assert found.is_measured and found.calls == 30
        assert (found.prompt_tokens.likely, found.completion_tokens.likely) == (7 * 30, 5 * 30)
        assert found.cost is not None
        assert found.cost.likely == pytest.approx(30 * (7 * 3 + 5 * 5) / 1e6)
        assert found.cost.low < found.cost.likely < found.cost.high < 1.5 * found.cost.likely
        run(store, server.url("teach"))
        spent = spent_by(store, producer_of(store, teacher_at(server.url("teach")), PROMPTS))
        assert spent.cost == pytest.approx(120 * (7 * 3 + 5 * 5) / 1e6)


def test_what_was_paid_before_a_price_was_known_is_not_free(store: Store, server: FaultServer) -> None:
    """Replies whose cost nobody knew count against a cap in dollars as the others cost."""
    run(store, server.url("teach"), Plan(only=(store.value("SELECT min(sample_id) FROM sample"),)))
    set_price(store, "m-1", Price(1.0, 1.0))
    with pytest.raises(TeacherStopError, match="dollars is reached"):
        run(store, server.url("teach"), Plan(concurrency=1, caps=Caps(cost=10.5 * 12e-6)))
    assert server.attempts.total() == 10


@pytest.mark.parametrize("model", ["gpt-4o-mini", "gpt-4o-mini-2024-07-18"])
def test_a_dated_model_has_the_price_of_its_name(store: Store, model: str) -> None:
    """A date behind a known name changes no price; the project's own price comes first."""
    assert price_of(store, model) == price_of(store, "gpt-4o-mini") is not None
    set_price(store, model, Price(1.0, 2.0, 0.5))
    assert price_of(store, model) == Price(1.0, 2.0, 0.5)


@pytest.mark.parametrize(
    ("tokens", "cost", "batch"), [((1_000_000, 0), 1.0, 0.5), ((0, 1_000_000), 2.0, 1.0), ((None, 5), None, None)]
)
def test_a_price_is_of_a_million_tokens(
    tokens: tuple[int | None, int | None], cost: float | None, batch: float | None
) -> None:
    """A million tokens cost what the price says, a batch its share; without a count there is no cost."""
    price = Price(1.0, 2.0, 0.5)
    assert (price.cost(*tokens), price.cost(*tokens, is_batch=True)) == (cost, batch)
