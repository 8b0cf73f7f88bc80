"""Every reply is kept raw with its facts before it is read, and the same request is never paid for twice."""

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from srt_core.errors import TeacherStopError
from srt_core.project.store import Store
from srt_core.reflect.parsing import parse_again
from srt_core.reflect.prices import Price, set_price
from srt_core.reflect.prompts import parse_prompts
from srt_core.reflect.run import Plan, reflect
from srt_core.reflect.trial import trial, tried
from tests.fault_server import FaultServer, running_fault_server
from tests.reflecting import PROMPTS, outcomes, project, run, teacher_at, walk
from tests.small_project import alpaca_rows

SAMPLES = 12


@pytest.fixture
def server() -> Iterator[FaultServer]:
    with running_fault_server() as server:
        yield server


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with project(tmp_path / "p.srt", SAMPLES) as store:
        yield store


def assert_paid_once(store: Store, server: FaultServer) -> None:
    """No request was answered twice: what the server wrote down, and what is stored."""
    requests = [entry.request for entry in server.ledger.entries() if entry.reply is not None]
    assert len(requests) == len(set(requests))
    stored = "SELECT count(*), count(DISTINCT request_hash) FROM teacher_call WHERE outcome = 'answered'"
    assert list(store.rows(stored)[0].values()) == [len(requests)] * 2


def test_a_call_is_kept_with_its_facts(store: Store, server: FaultServer) -> None:
    """A row has the raw reply, model, producer, stage, finish reason, tokens, cost, latency and status of its call."""
    server.refuses = False
    set_price(store, "m-1", Price(2.0, 4.0))
    run(store, server.url("teach"))
    rows = store.rows("SELECT * FROM teacher_call")
    assert sorted(row["raw"] for row in rows) == sorted(server.ledger.replies())
    assert {
        (row["model"], row["finish_reason"], row["prompt_tokens"], row["completion_tokens"], row["http_status"])
        for row in rows
    } == {("m-1", "stop", 7, 5, 200)}
    assert {row["producer"] for row in rows} == {f"m-1 at 127.0.0.1:{server.server_port}, prompts {PROMPTS.version}"}
    assert [row["cost"] for row in rows] == [pytest.approx((7 * 2 + 5 * 4) / 1e6)] * len(rows)
    assert all(row["latency_seconds"] > 0 for row in rows)


@pytest.mark.parametrize(
    ("behaviour", "model", "tokens", "finish_reason"),
    [
        ("no_usage", "m-1", (None, None), ""),
        ("odd_usage", "m-1", (None, None), "stop"),
        ("other_model", "some-other-model", (7, 5), "stop"),
        ("two_choices", "m-1", (7, 5), "stop"),
        ("gzip", "m-1", (7, 5), "stop"),
        ("parts", "m-1", (7, 5), "stop"),
        ("chunked", "m-1", (7, 5), "stop"),
    ],
)
def test_what_an_odd_endpoint_sends_is_kept_as_it_came(
    store: Store,
    server: FaultServer,
    behaviour: str,
    model: str,
    tokens: tuple[int | None, int | None],
    finish_reason: str,
) -> None:
    """Missing counts stay NULL and so does the cost, a model is named as the server does, the first choice counts."""
    server.refuses = False
    set_price(store, "m-1", Price(1.0, 1.0))
    run(store, server.url(behaviour), Plan(only=("1", *first(store, 2))))
    rows = store.rows("SELECT * FROM teacher_call")
    assert sorted(row["raw"] for row in rows) == sorted(server.ledger.replies())
    assert {(row["model"], row["prompt_tokens"], row["completion_tokens"]) for row in rows} == {(model, *tokens)}
    assert {row["finish_reason"] for row in rows} == {finish_reason}
    assert {row["cost"] is None for row in rows} == {tokens == (None, None)}
    assert {row["status"] for row in outcomes(store)} == {"accepted"}


def first(store: Store, count: int) -> list[str]:
    return [row["sample_id"] for row in store.rows(f"SELECT sample_id FROM sample ORDER BY seq LIMIT {count}")]


def test_a_reply_is_stored_before_it_is_judged(store: Store, server: FaultServer) -> None:
    """A run that dies between the two, as by a full disk, has every reply; the next judges them without a call."""
    server.refuses = False
    with store.transaction() as tx:
        tx.execute("DROP INDEX reflection_by_sample")
        tx.execute("ALTER TABLE reflection RENAME TO put_away")
    with pytest.raises(Exception, match="reflection"):
        run(store, server.url("teach"), Plan(concurrency=4))
    server.settle()
    assert server.ledger.replies() == []  # nothing is asked where nothing can be read
    with store.transaction() as tx:
        tx.execute("ALTER TABLE put_away RENAME TO reflection")
    run(store, server.url("teach"))
    with store.transaction() as tx:
        tx.execute("DELETE FROM reflection")
        tx.execute("DELETE FROM candidate WHERE origin <> 'ORIGINAL'")
    calls = server.attempts.total()
    run(store, server.url("teach"))
    assert server.attempts.total() == calls == 3 * SAMPLES
    assert {row["status"] for row in outcomes(store)} == {"accepted"}


@pytest.mark.parametrize("concurrency", [1, 16])
def test_equal_pairs_share_their_replies(tmp_path: Path, server: FaultServer, concurrency: int) -> None:
    """Samples with the same pair get the same replies, corrections too, each asked and paid for once."""
    rows = alpaca_rows(SAMPLES)
    with project(tmp_path / "twins.srt", [*rows, *rows, *reversed(rows)]) as store:
        run(store, server.url("teach"), Plan(concurrency=concurrency))
        assert_paid_once(store, server)
        by_pair = store.rows(
            """SELECT instruction, response, count(*) AS n FROM candidate WHERE origin = 'INSTRUCTION' GROUP BY ALL"""
        )
        assert {row["n"] for row in by_pair} == {3}
        assert {row["status"] for row in outcomes(store)} == {"accepted", "refused"}


def test_two_runs_and_a_trial_pay_once(store: Store, server: FaultServer) -> None:
    """A trial makes no candidate; a run after it asks only for what the trial did not; a second run asks nothing."""
    teacher = teacher_at(server.url("teach"))
    walk(trial(store, teacher, PROMPTS, count=4))
    assert len(tried(store, teacher, PROMPTS, count=4)) == server.attempts.total() == 8
    assert store.value("SELECT count(*) FROM candidate WHERE origin <> 'ORIGINAL'") == 0
    assert store.value("SELECT count(*) FROM reflection") == 0
    walk(trial(store, teacher, PROMPTS, count=4))
    assert server.attempts.total() == 8
    run(store, server.url("teach"))
    asked = server.attempts.total()
    run(store, server.url("teach"))
    assert server.attempts.total() == asked
    assert_paid_once(store, server)


@pytest.mark.parametrize("behaviour", ["schema_honoured", "schema_ignored", "schema_refused", "schema_refused_message"])
def test_a_trial_is_paid_for_in_whatever_form(store: Store, server: FaultServer, behaviour: str) -> None:
    """Whatever a trial finds out about the form of reply, a run after it asks no question of the trial again."""
    server.refuses = False
    teacher = teacher_at(server.url(behaviour))
    walk(trial(store, teacher, PROMPTS, count=2))
    assert [each.answer.is_reply for each in tried(store, teacher, PROMPTS, count=2)] == [True] * 4
    server.attempts.clear()
    run(store, server.url(behaviour))
    assert server.attempts.total() == 3 * SAMPLES - 4


def test_a_trial_keeps_each_reply_as_it_comes(store: Store, server: FaultServer) -> None:
    """A trial whose teacher gives out midway has kept every reply that was sent."""
    server.replies_left = 5
    with pytest.raises(TeacherStopError, match="refuses the key"):
        walk(trial(store, teacher_at(server.url("teach")), PROMPTS, count=SAMPLES))
    server.settle()
    kept = store.rows("SELECT raw FROM teacher_call WHERE outcome = 'answered'")
    assert sorted(row["raw"] for row in kept) == sorted(server.ledger.replies())
    assert len(kept) == 5


def test_replies_that_can_be_read_now_become_candidates(store: Store, server: FaultServer) -> None:
    """`parse_again` accepts refused replies that are good, also behind a bad later one, and calls nobody."""
    server.refuses = False
    run(store, server.url("teach"))
    before = store.rows("SELECT * FROM candidate WHERE origin <> 'INSTRUCTION' ORDER BY candidate_id")
    made = "SELECT sample_id, origin, producer, instruction, input, response, parent_id FROM candidate ORDER BY ALL"
    expected, calls = store.rows(made), server.attempts.total()
    with store.transaction() as tx:  # as an older parser would have left it: refused, and refused again
        tx.execute("DELETE FROM candidate WHERE origin = 'INSTRUCTION'")
        tx.execute("UPDATE reflection SET status = 'refused', reason = 'missing_section' WHERE origin = 'INSTRUCTION'")
        tx.execute(
            """INSERT INTO teacher_call (request_hash, producer, stage, outcome, raw, detail, finish_reason, model,
                                         latency_seconds)
               SELECT 'h', producer, 'instruction', 'answered', 'No.', '', 'stop', 'm-1', 1 FROM producer"""
        )
        tx.execute(
            """INSERT INTO reflection (sample_id, origin, parent_id, producer, call_id, status, reason, detail)
               SELECT sample_id, origin, parent_id, producer, (SELECT max(call_id) FROM teacher_call), 'refused',
                      'missing_section', '' FROM reflection WHERE origin = 'INSTRUCTION'"""
        )
    last = walk(parse_again(store))[-1]
    assert last.message == f"{SAMPLES} of {2 * SAMPLES} can be used now."
    assert store.rows(made) == expected
    assert store.rows("SELECT * FROM candidate WHERE origin <> 'INSTRUCTION' ORDER BY candidate_id") == before
    assert walk(parse_again(store))[-1].done == 0
    assert server.attempts.total() == calls


def test_replies_that_are_still_bad_stay_refused(store: Store, server: FaultServer) -> None:
    """What the parser refuses still adds nothing, and accepted replies are not looked at."""
    run(store, server.url("teach"))
    reflections = store.rows("SELECT * FROM reflection ORDER BY ALL")
    candidates = store.rows("SELECT * FROM candidate ORDER BY ALL")
    refused = sum(row["status"] == "refused" and row["sample_id"] is not None for row in reflections)
    last = walk(parse_again(store))[-1]
    assert 0 < last.done == last.failed <= refused
    assert store.rows("SELECT * FROM reflection ORDER BY ALL") == reflections
    assert store.rows("SELECT * FROM candidate ORDER BY ALL") == candidates


def test_two_producers_stand_side_by_side(store: Store, server: FaultServer) -> None:
    """Another model or other prompts make candidates of their own, and disturb none of the first; BOTH keeps to one."""
    server.refuses = False
    run(store, server.url("teach"))
    first_made = store.rows("SELECT * FROM candidate ORDER BY candidate_id")
    source = PROMPTS.source.replace("You are an experienced editor", "You are a patient editor")
    other = parse_prompts(source.replace(f'version = "{PROMPTS.version}"', 'version = "mine"', 1))
    assert (other.version, other.hash == PROMPTS.hash) == ("mine", False)
    for teacher, prompts in (
        (teacher_at(server.url("teach"), "m-2"), PROMPTS),
        (teacher_at(server.url("teach")), other),
    ):
        with closing(reflect(store, teacher, prompts)) as steps:
            walk(steps)
    assert (
        store.rows(
            f"SELECT * FROM candidate WHERE candidate_id <= {first_made[-1]['candidate_id']} ORDER BY candidate_id"
        )
        == first_made
    )
    by_producer = store.rows(
        "SELECT producer, origin, count(*) AS n FROM candidate WHERE origin <> 'ORIGINAL' GROUP BY ALL"
    )
    assert {row["n"] for row in by_producer} == {SAMPLES}
    assert len(by_producer) == 3 * 3
    parents = store.rows(
        """SELECT DISTINCT child.producer = parent.producer AS is_own, parent.origin FROM candidate AS child
           JOIN candidate AS parent ON parent.candidate_id = child.parent_id WHERE child.origin = 'BOTH'"""
    )
    assert parents == [{"is_own": True, "origin": "INSTRUCTION"}]


def test_the_key_is_nowhere(tmp_path: Path, server: FaultServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """A key that the server puts into replies and errors is in no file of the project and no message."""
    for number, key in enumerate(("sk-proj-0123456789abcdefghij", "token-abc123")):
        monkeypatch.setenv("OPENAI_API_KEY", key)
        folder = tmp_path / str(number)
        folder.mkdir()
        said = []
        with project(folder / "p.srt", 3) as store:
            for behaviour in ("answer_key", "echo_key", "long_echo_key"):
                try:
                    said += [repr(step) for step in reflect(store, teacher_at(server.url(behaviour)), PROMPTS)]
                except TeacherStopError as error:
                    said.append(repr(error) + str(error))
            said.append(json.dumps([list(map(str, row.values())) for row in store.rows("FROM teacher_call")]))
        assert "[key]" in "".join(said)
        assert key not in "".join(said)
        for path in folder.iterdir():
            assert key.encode() not in path.read_bytes()
