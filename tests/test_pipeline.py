"""The long steps: what they store, that a second run adds nothing, and that a killed one loses nothing."""

import json
import random
import shutil
import signal
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from pathlib import Path
from threading import Event
from typing import Any, cast

import pytest
import torch

from srt_core.errors import DatasetError, TeacherStopError
from srt_core.importing import imports
from srt_core.importing.files import ColumnMap
from srt_core.importing.run import import_file
from srt_core.methods import PRESETS
from srt_core.project import candidates
from srt_core.project.candidates import pair_of
from srt_core.project.progress import Progress
from srt_core.project.store import Row, Store
from srt_core.records import DERIVATIONS, Action, Decision, Loss, LossStatus, Origin, Pair
from srt_core.reflect.missing import Missing, SettledBy, count_missing
from srt_core.reflect.outcomes import failed_reflections
from srt_core.reflect.prompts import load_prompts
from srt_core.reflect.run import Plan, reflect
from srt_core.reflect.teacher import OpenAITeacher, ReplayTeacher, Teacher
from srt_core.review import decisions
from srt_core.review.status import status
from srt_core.score.ifd import Convention
from srt_core.score.run import is_scored, score
from srt_core.score.student import Pack, Student, files_stamp, load_student
from srt_core.score.templates import load_template
from srt_core.select import selection
from srt_core.select.settled import settled_by_rule
from tests.empty_project import create_empty
from tests.killing import worker
from tests.small_project import COLUMN_MAP, alpaca_rows, rows_with_candidates, save_student, write_lines
from tests.teaching_server import TeachingServer, record_replies, running_teaching_server
from tests.tiny_students import byte_tokenizer, tiny_llama

ALPACA = load_template("alpaca")
PROMPTS = load_prompts()

CONTENT = {
    "sample": 'SELECT sample_id, "row", duplicate_of, extra, conversation FROM sample ORDER BY seq',
    "candidate": "SELECT sample_id, origin, producer, instruction, input, response FROM candidate ORDER BY ALL",
    "import_row": 'SELECT import_id, "row", pair_hash, sample_id FROM import_row ORDER BY "row"',
    "reject": 'SELECT import_id, "row", line, lines, reason, detail, raw FROM reject ORDER BY "row"',
}
"""What an import brings, apart from times and numbers that count upwards."""


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


class CountingStudent(Student):
    """A real student that counts what it is asked."""

    requests = 0
    seen: frozenset[Pack] = frozenset()

    def run(self, packs: Iterable[Pack]) -> Generator[tuple[Pack, list[Loss]], None, None]:
        """Count, then answer."""

        def counted() -> Iterator[Pack]:
            for pack in packs:
                self.requests += len(pack)
                self.seen |= {pack}
                yield pack

        return super().run(counted())


def counting_student() -> CountingStudent:
    tokenizer = byte_tokenizer(has_bos=True)
    return CountingStudent(tiny_llama(len(tokenizer)), tokenizer, "tiny")


@pytest.fixture(scope="module")
def student() -> CountingStudent:
    return counting_student()


def walk(steps: Iterable[Progress]) -> list[Progress]:
    return list(steps)


def content(store: Store) -> dict[str, list[Row]]:
    return {table: store.rows(sql) for table, sql in CONTENT.items()}


def import_rows(store: Store, rows: Sequence[object], name: str = "data.jsonl", **options: Any) -> Progress:
    """Write rows as JSON Lines, a text as it is, and import them."""
    path = store.path.parent / name
    lines = (row if isinstance(row, str) else json.dumps(row) for row in rows)
    path.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    return walk(import_file(store, path, **options))[-1]


# ---- import


def test_the_same_file_twice_adds_nothing(store: Store) -> None:
    """A second import of a file leaves samples, candidates and rejects as they are, and says what it knew."""
    rows = [*rows_with_candidates(5), {"Raw Instruction": 3}]
    import_rows(store, rows, column_map=COLUMN_MAP)
    before = content(store)
    last = import_rows(store, rows, column_map=COLUMN_MAP)
    assert content(store) == before
    assert (len(before["candidate"]), len(before["reject"])) == (20, 1)
    assert "0 samples added, 0 rewrites, 6 known before" in last.message


def test_the_same_content_under_another_name_adds_nothing(store: Store) -> None:
    """A copy of an imported file is the same file."""
    import_rows(store, [*alpaca_rows(3), "{"])
    before = content(store)
    import_rows(store, [*alpaca_rows(3), "{"], name="copy.jsonl")
    assert content(store) == before


def test_a_grown_file_adds_only_its_new_rows(store: Store) -> None:
    """Of a file that has grown at its end only the new rows become samples; rows that were rejected stay one reject."""
    import_rows(store, [*alpaca_rows(3), "{", {"instruction": "Only this."}])
    before = content(store)
    last = import_rows(store, [*alpaca_rows(3), "{", {"instruction": "Only this."}, *alpaca_rows(5)[3:], "nothing"])
    after = content(store)
    assert after["sample"][:3] == before["sample"]
    assert [row["row"] for row in after["sample"]] == [1, 2, 3, 6, 7]
    assert [row["row"] for row in after["reject"]] == [4, 5, 8]
    assert last.message.startswith("2 samples added")


def test_a_grown_file_keeps_unusable_rewrites_once(store: Store) -> None:
    """A rewrite in a file that cannot be used stands once as a failed reflection, however often the file grows."""
    rows = rows_with_candidates(3)
    rows[1]["Better Response"] = ""
    import_rows(store, rows[:2], column_map=COLUMN_MAP)
    import_rows(store, rows, column_map=COLUMN_MAP)
    found = store.rows("SELECT origin, status, reason FROM reflection")
    assert found == [{"origin": "RESPONSE", "status": "refused", "reason": "unusable_in_file"}]
    assert status(store)["failed_reflections"] == 1


def test_duplicates_are_kept_counted_and_flagged(store: Store) -> None:
    """Equal pairs of one file stay samples of their own, each after the first naming the first."""
    one, two = alpaca_rows(2)
    last = import_rows(store, [one, two, one, one])
    found = store.rows("SELECT sample_id, duplicate_of FROM sample ORDER BY seq")
    first = found[0]["sample_id"]
    assert [row["duplicate_of"] for row in found] == [None, None, first, first]
    assert len({row["sample_id"] for row in found}) == 4
    assert "2 exact duplicates" in last.message
    assert status(store)["duplicates"] == 2


def test_a_later_mapping_adds_the_rewrites(store: Store) -> None:
    """The same file with more columns mapped adds candidates to the samples that are there."""
    rows = rows_with_candidates(4)
    originals = {target: column for target, column in COLUMN_MAP.items() if target.startswith("original.")}
    import_rows(store, rows, column_map=originals)
    import_rows(store, rows, column_map=COLUMN_MAP)
    assert status(store)["candidates_by_origin"] == {"BOTH": 4, "INSTRUCTION": 4, "ORIGINAL": 4, "RESPONSE": 4}
    assert status(store)["samples"] == 4


REFLECTED: ColumnMap = {
    "original.instruction": "a",
    "original.response": "b",
    "reflected.instruction": "c",
    "reflected.response": "d",
}


@pytest.mark.parametrize(
    ("rewritten", "origins"),
    [
        ({"c": "Do it well.", "d": "Well done."}, {"ORIGINAL", "INSTRUCTION"}),
        ({"c": "Do it.", "d": "Well done."}, {"ORIGINAL", "RESPONSE"}),
        ({"c": "Do it well.", "d": "Done."}, {"ORIGINAL", "INSTRUCTION"}),
        ({"c": "Do it.", "d": "Done."}, {"ORIGINAL"}),
    ],
)
def test_what_a_reflected_pair_becomes(store: Store, rewritten: dict[str, str], origins: set[str]) -> None:
    """Another instruction makes an INSTRUCTION candidate, another response alone a RESPONSE one, no difference none."""
    import_rows(store, [{"a": "Do it.", "b": "Done."} | rewritten], column_map=REFLECTED)
    assert {row["origin"] for row in store.rows("SELECT origin FROM candidate")} == origins


def test_a_file_without_rows_is_no_import(store: Store, tmp_path: Path) -> None:
    """A list without records is an error and leaves no trace."""
    path = tmp_path / "none.json"
    path.write_text("[]", encoding="utf-8")
    with pytest.raises(DatasetError, match="has no rows"):
        walk(import_file(store, path))
    assert imports.imports(store) == []


def test_a_stopped_import_goes_on(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """An import that was asked to stop keeps whole chunks; the same call adds the rest, rows in their order."""
    monkeypatch.setattr("srt_core.importing.run.CHUNK_ROWS", 4)
    stop = Event()
    stop.set()
    path = write_lines(store.path.parent / "data.jsonl", alpaca_rows(10))
    walk(import_file(store, path, stop=stop))
    assert status(store)["samples"] == 4
    assert [each.finished for each in imports.imports(store)] == [False]
    last = walk(import_file(store, path))[-1]
    assert [row["row"] for row in store.rows('SELECT "row" FROM sample ORDER BY seq')] == list(range(1, 11))
    assert last.message.startswith("6 samples added, 0 rewrites, 4 known")
    assert [each.finished for each in imports.imports(store)] == [True]


IMPORT_NEEDS = """
from pathlib import Path
from srt_core.importing.run import import_file
from srt_core.project.store import Store
"""
IMPORT = """
with Store.open(Path(sys.argv[1])) as store:
    for progress in import_file(store, Path(sys.argv[2])):
        print(progress.done, flush=True)
"""


def test_a_killed_import_goes_on(tmp_path: Path) -> None:
    """`kill -9` at any moment, then the same import again: the project equals one that was never disturbed."""
    seed = random.randrange(2**32)
    chance = random.Random(seed)
    rows: list[str] = [json.dumps(row) for row in alpaca_rows(12_000)]
    for place in range(0, len(rows), 7):
        rows[place] = chance.choice(["{", rows[0], rows[(place * 31) % 5000], '{"instruction": "No answer."}'])
    data = tmp_path / "big.jsonl"
    data.write_text("\n".join(rows) + "\n", encoding="utf-8")
    with create_empty(tmp_path / "undisturbed.srt") as whole:
        started = time.monotonic()
        walk(import_file(whole, data))
        chunk_seconds = (time.monotonic() - started) / 12
        expected = content(whole)

    path = tmp_path / "killed.srt"
    create_empty(path).close()
    with worker(IMPORT_NEEDS, IMPORT, path, data) as work:
        for _ in range(4):
            work.end_at(chance.randrange(3), chance.uniform(0, 3 * chunk_seconds))
    with Store.open(path) as killed:
        walk(import_file(killed, data))
        assert content(killed) == expected, seed
        assert len(imports.imports(killed)) == 1


# ---- reflect


def originals(store: Store, count: int) -> list[Pair]:
    """Import so many originals and return their pairs."""
    import_rows(store, alpaca_rows(count))
    return [pair_of(row) for row in store.rows("SELECT * FROM pair ORDER BY candidate_id")]


def live_teacher(server: TeachingServer) -> Teacher:
    return OpenAITeacher(server.url("any"), "m-1")


def calls_missing(store: Store, settled: SettledBy | None) -> int:
    """How many calls the only teacher of a project has before it."""
    producer = store.value("SELECT producer FROM producer WHERE kind = 'teacher'") or ""
    return count_missing(Missing(store, producer, settled, attempts=2))


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


# ---- score


def scores(store: Store) -> list[Row]:
    return store.rows("SELECT * FROM score ORDER BY scoring_id, candidate_id")


def test_each_distinct_loss_is_computed_once(store: Store) -> None:
    """Four candidates of two instructions need 14 losses of 16, two of one instruction 7 of 8, a duplicate none."""
    rows = rows_with_candidates(8)
    for row in rows[4:]:
        row["New Instruction"] = row["New Response"] = row["Best Response"] = ""
    import_rows(store, [*rows, rows[0]], column_map=COLUMN_MAP)
    student = counting_student()
    walk(score(store, student, ALPACA))
    assert status(store)["candidates"] == 4 * 4 + 4 * 2 + 4
    assert store.value("SELECT count(*) FROM loss") == student.requests == 4 * 14 + 4 * 7
    walk(score(store, student, ALPACA))
    assert student.requests == 4 * 14 + 4 * 7


def test_a_scored_project_scores_only_what_is_new(store: Store) -> None:
    """A second run computes what came since: losses that are kept are read, not computed."""
    rows = rows_with_candidates(4)
    student = counting_student()
    originals_only = {target: column for target, column in COLUMN_MAP.items() if target.startswith("original.")}
    import_rows(store, rows, column_map=originals_only)
    walk(score(store, student, ALPACA))
    assert student.requests == 4 * 4
    before = scores(store)
    import_rows(store, rows, column_map=COLUMN_MAP)
    assert status(store)["unscored"] == 4 * 3
    walk(score(store, student, ALPACA))
    assert student.requests == 4 * 14
    assert scores(store)[: len(before)] == before


def edit_response(store: Store, sample: str, response: str) -> int:
    """Edit the original of a sample by hand; returns the event."""
    pair = candidates.candidates(store, sample)[Origin.ORIGINAL].pair
    edited = Pair(pair.instruction, response, pair.input)
    return decisions.decide(
        store, Decision(sample, Action.EDIT, "ann", Origin.ORIGINAL, edited), expected_event_id=None
    )


def test_an_edited_response_computes_only_its_own_losses(store: Store) -> None:
    """Of an edit of one response three losses are new: alone, given x, and x given it; that of x is kept."""
    import_rows(store, rows_with_candidates(4), column_map=COLUMN_MAP)
    student = counting_student()
    walk(score(store, student, ALPACA))
    before, asked = scores(store), student.requests
    (first, second) = (row["sample_id"] for row in store.rows("SELECT sample_id FROM sample ORDER BY seq LIMIT 2"))
    event = edit_response(store, first, "A response that nobody wrote before.")
    undone = edit_response(store, second, "A response that nobody stands by.")
    decisions.undo(store, undone, "ann")
    assert walk(score(store, student, ALPACA))[-1].done == 1
    assert student.requests == asked + 3
    (found,) = store.rows("SELECT * FROM edit_score")
    assert (found["event_id"], found["status"]) == (event, "ok")
    original = candidates.candidates(store, first)[Origin.ORIGINAL].candidate_id
    assert found["loss_x"] == store.value("SELECT loss_x FROM score WHERE candidate_id = ?", [original])
    assert scores(store) == before
    walk(score(store, student, ALPACA))
    assert student.requests == asked + 3


def test_two_scorings_never_mix(store: Store, student: Student) -> None:
    """Another convention or max length scores everything again, and is the one in use once it is complete."""
    import_rows(store, rows_with_candidates(3), column_map=COLUMN_MAP)
    walk(score(store, student, ALPACA))
    aligned = scores(store)
    walk(score(store, student, ALPACA, convention=Convention.REFERENCE))
    assert store.meta("scoring_id") == "2"
    assert scores(store)[: len(aligned)] == aligned
    assert len(scores(store)) == 2 * len(aligned)
    assert scores(store)[len(aligned)]["r_ifd"] != aligned[0]["r_ifd"]  # glued to its input without a line break


def test_an_unfinished_scoring_is_not_in_use(store: Store, student: Student, monkeypatch: pytest.MonkeyPatch) -> None:
    """The scores in use stay the complete ones until another scoring is complete."""
    import_rows(store, rows_with_candidates(3), column_map=COLUMN_MAP)
    walk(score(store, student, ALPACA))
    before = status(store)
    stop = Event()
    for last in score(store, student, ALPACA, max_length=150, token_budget=64, stop=stop):
        if last.done:
            stop.set()
    assert (last.done, last.total) == (4, 12)
    assert status(store) == before
    assert walk(score(store, student, ALPACA, max_length=150))[-1].done == 8
    assert store.meta("scoring_id") == "2"


def test_what_has_no_number_has_a_status(store: Store, student: Student) -> None:
    """A target that max length leaves nothing of has no number and says so; one that is cut is flagged."""
    rows = alpaca_rows(2)
    rows[0]["output"] = "red " * 400
    rows[1]["instruction"] = "blue " * 500
    import_rows(store, rows)
    last = walk(score(store, student, ALPACA, max_length=200))[-1]
    first, second = scores(store)
    # the response of the first leaves no room for its instruction, the instruction of the second none for its response
    assert (first["status"], second["status"]) == ("no_target", "no_target")
    assert (first["ifd"] is None, first["r_ifd"], second["ifd"]) == (False, None, None)
    assert second["r_ifd"] is not None
    assert (first["loss_x"], first["loss_x_given_y"]) == (None, None)
    assert last.failed == 2
    assert status(store)["unscored"] == 2


def test_a_cut_target_has_numbers_and_a_flag(store: Store, student: Student) -> None:
    """Both losses of a cut target run over its kept tokens, and the score says that it was cut."""
    import_rows(store, alpaca_rows(1))
    walk(score(store, student, ALPACA, max_length=132))
    (found,) = scores(store)
    assert found["status"] == "truncated"
    assert found["ifd"] is not None


def test_a_student_that_gives_nan_gives_no_number(store: Store) -> None:
    """NaN never reaches a score: the number is NULL, the status says non_finite, nothing is selected."""
    tokenizer = byte_tokenizer(has_bos=True)
    model = tiny_llama(len(tokenizer))
    with torch.no_grad():
        cast("Any", model.lm_head).weight.fill_(float("nan"))
    import_rows(store, rows_with_candidates(2), column_map=COLUMN_MAP)
    walk(score(store, Student(model, tokenizer, "nan"), ALPACA))
    assert {(row["status"], row["ifd"], row["r_ifd"], row["loss_y"]) for row in scores(store)} == {
        (str(LossStatus.NON_FINITE), None, None, None)
    }
    found = status(store)
    assert (found["scored"], found["unscored"], found["selected"]["by_reason"]) == (0, 8, {"unscored": 2})


def test_the_same_student_under_another_path_computes_nothing(tmp_path: Path, store: Store) -> None:
    """A copy of the weights, saved again elsewhere, is the same student: its losses are kept, its scoring is found."""
    import_rows(store, rows_with_candidates(3), column_map=COLUMN_MAP)
    folder = save_student(tmp_path / "one")
    walk(score(store, load_student(folder, device="cpu"), ALPACA))
    shutil.copytree(folder, tmp_path / "two")
    with store.transaction() as tx:
        tx.execute("DELETE FROM score")  # the losses alone must do
    again = load_student(tmp_path / "two", device="cpu")
    assert walk(score(store, again, ALPACA))[-1].tokens == 0
    assert (len(scores(store)), store.value("SELECT count(*) FROM scoring")) == (12, 1)


def test_a_finished_scoring_is_known_by_its_stamp(tmp_path: Path, store: Store) -> None:
    """Nothing changed: no student is needed. A new candidate, another setting or a file touched: it is."""
    folder = save_student(tmp_path / "student")
    import_rows(store, rows_with_candidates(3), column_map=COLUMN_MAP)
    stamp = files_stamp(str(folder), "cpu")
    assert not is_scored(store, stamp)
    walk(score(store, load_student(folder, device="cpu"), ALPACA, stamp=stamp))
    walk(score(store, load_student(folder, device="cpu"), ALPACA, convention=Convention.REFERENCE))
    assert store.meta("scoring_id") == "2"
    assert is_scored(store, files_stamp(str(folder), "cpu"))
    assert store.meta("scoring_id") == "1"
    assert not is_scored(store, files_stamp(str(folder), "cuda"))
    (folder / "config.json").touch()
    assert not is_scored(store, files_stamp(str(folder), "cpu"))
    import_rows(store, rows_with_candidates(4)[3:], column_map=COLUMN_MAP, name="more.jsonl")
    assert not is_scored(store, stamp)


def test_a_paused_run_keeps_what_it_computed(store: Store) -> None:
    """Stopped within a chunk, a run has kept the losses of its packs; the next computes only the others."""
    import_rows(store, rows_with_candidates(8), column_map=COLUMN_MAP)
    student = counting_student()
    stop = Event()
    for progress in score(store, student, ALPACA, token_budget=1024, stop=stop):
        if progress.tokens:
            stop.set()
    assert progress.done == 0
    kept = store.value("SELECT count(*) FROM loss")
    assert 0 < kept < 8 * 14
    student.requests = 0
    walk(score(store, student, ALPACA, token_budget=1024))
    assert student.requests == 8 * 14 - kept
    assert status(store)["unscored"] == 0


def test_a_paused_run_goes_on_with_the_same_packs(tmp_path: Path) -> None:
    """Stopped anywhere within a chunk, a run goes on with the packs of an undisturbed one: equal bit for bit."""
    with create_empty(tmp_path / "whole.srt") as whole, create_empty(tmp_path / "paused.srt") as paused:
        for each in (whole, paused):
            import_rows(each, rows_with_candidates(8), column_map=COLUMN_MAP)
        undisturbed, disturbed = counting_student(), counting_student()
        walk(score(whole, undisturbed, ALPACA, token_budget=1024))
        for _ in range(3):
            stop = Event()
            for progress in score(paused, disturbed, ALPACA, token_budget=1024, stop=stop):
                if progress.tokens:
                    stop.set()
            assert paused.value("SELECT count(*) FROM score") == 0
        walk(score(paused, disturbed, ALPACA, token_budget=1024))
        assert disturbed.seen == undisturbed.seen
        losses = "SELECT * FROM loss ORDER BY key"
        assert (scores(paused), paused.rows(losses)) == (scores(whole), whole.rows(losses))


def test_progress_counts_tokens_towards_an_estimate(store: Store, student: Student) -> None:
    """Tokens only grow, end at what was computed, and the estimated total meets them at the end."""
    import_rows(store, rows_with_candidates(30), column_map=COLUMN_MAP)
    seen = walk(score(store, student, ALPACA, token_budget=512))
    tokens = [progress.tokens for progress in seen]
    assert tokens == sorted(tokens)
    assert seen[-1].total_tokens == tokens[-1] > 0
    middle = next(progress for progress in seen if 0 < progress.done < 60)
    assert middle.total_tokens == pytest.approx(tokens[-1], rel=0.3)


def test_a_request_that_does_not_fit_is_a_row_and_the_run_goes_on(store: Store) -> None:
    """Out of memory on one text gives its candidates a status and no number; another run tries them again."""
    rows = alpaca_rows(3)
    rows[1]["output"] = "red blue " * 150
    import_rows(store, rows)
    tokenizer = byte_tokenizer(has_bos=True)
    model = tiny_llama(len(tokenizer), positions=2048)
    student = Student(model, tokenizer, "small memory")
    inner = model.get_input_embeddings()
    narrow = NarrowEmbedding(cast("torch.nn.Embedding", inner))
    model.set_input_embeddings(narrow)
    walk(score(store, student, ALPACA, stamp="stamp"))
    assert [row["status"] for row in scores(store)] == ["ok", "out_of_memory", "ok"]
    assert [row["ifd"] is None for row in scores(store)] == [False, True, False]
    assert not is_scored(store, "stamp")
    model.set_input_embeddings(inner)
    walk(score(store, student, ALPACA))
    assert {row["status"] for row in scores(store)} == {"ok"}


class NarrowEmbedding(torch.nn.Module):
    """A token embedding on a machine with memory for 250 tokens."""

    def __init__(self, inner: torch.nn.Embedding) -> None:
        super().__init__()
        self.inner, self.weight = inner, inner.weight

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        if ids.numel() > 250:
            raise torch.OutOfMemoryError
        found: torch.Tensor = self.inner(ids)
        return found


SCORE_NEEDS = """
from pathlib import Path
import torch, transformers.models.llama.modeling_llama
torch.set_num_threads(1)
import srt_core.score.run as scoring
from srt_core.project.store import Store
from srt_core.score.student import load_student
from srt_core.score.templates import load_template
"""
SCORE = """
with Store.open(Path(sys.argv[1])) as store:
    student = load_student(sys.argv[2], device="cpu")
    for progress in scoring.score(store, student, load_template("alpaca"), token_budget=512):
        if progress.done:
            print(progress.done, flush=True)
"""


def test_a_killed_scoring_goes_on(tmp_path: Path) -> None:
    """`kill -9` five times at any moment, then the same scoring: equal to an undisturbed run bit for bit, all once."""
    seed = random.randrange(2**32)
    chance = random.Random(seed)
    folder = save_student(tmp_path / "student")
    paths = [tmp_path / name for name in ("undisturbed.srt", "killed.srt")]
    for path in paths:
        with create_empty(path) as store:
            import_rows(store, rows_with_candidates(150), column_map=COLUMN_MAP)
    with worker(SCORE_NEEDS, SCORE, paths[1], folder) as work:
        kills = [work.end_at(chance.randrange(1, 4), chance.uniform(0, 0.1)) for _ in range(5)]
    assert kills == [-signal.SIGKILL] * 5, seed
    found = []
    for path in paths:
        with Store.open(path) as store:
            assert (0 < store.value("SELECT count(*) FROM score") < 600) == (path != paths[0]), seed
            walk(score(store, load_student(folder, device="cpu"), ALPACA, token_budget=512))
            found.append((scores(store), store.rows("SELECT * FROM loss ORDER BY key")))
    assert found[1] == found[0], seed
    assert len(found[0][1]) == 150 * 14
