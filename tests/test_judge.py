"""A judge: both orders are asked, only agreeing verdicts count, and lengths stand beside the rate."""

import json
import math
import random
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from threading import Event

import pytest

from srt_core.errors import TeacherStopError
from srt_core.project.intervals import rate_at_equal_length
from srt_core.project.store import Store
from srt_core.records import Origin
from srt_core.reflect.teacher import OpenAITeacher
from srt_core.train.benchmarks import read_results
from srt_core.train.exports import read_export
from srt_core.train.judging import judge, judgements
from srt_core.train.plan import Settings
from srt_core.train.runs import Run, RunState, begin, find_run, note
from srt_core.train.training import prepare
from tests.answering import answering
from tests.command_line import NOT_DONE, called
from tests.small_project import create_scored_project, save_student
from tests.tiny_students import byte_tokenizer, save, tiny_gpt2
from tests.training import write_export

ASIDE = 6


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with a run that is done: its trained student is another one, so that their answers differ."""
    folder = tmp_path_factory.mktemp("judge")
    student = save_student(folder / "student")
    with create_scored_project(folder / "p.srt", student, 10) as store:
        data = read_export(write_export(store, folder / "export", Origin.RESPONSE, ASIDE))
        prepared = prepare(store, data, Settings(str(student), max_length=200), "alpaca")
        run = begin(store, "k", data, prepared.settings, prepared.plan, folder / "run", "one", None, "alpaca")
        tokenizer = byte_tokenizer(has_bos=False)
        save(folder / "run" / "student", tiny_gpt2(len(tokenizer), positions=512), tokenizer)
        note(store, run.run_id, state=str(RunState.DONE))
        with store.transaction() as tx:
            tx.execute(
                """INSERT INTO evaluated
                   SELECT ?, candidate_id, sample_id, 'original', false, 5, 1, 1, 1, 1, 'ok' FROM candidate
                   WHERE origin = ? AND sample_id IN (SELECT unnest(?::VARCHAR[]))""",
                [run.run_id, str(Origin.ORIGINAL), list(data.put_aside)],
            )
    return folder


def judging(decide: Callable[[str, str], str]) -> AbstractContextManager[str]:
    """A server that answers chat requests with the letter that `decide` gives for two answers."""

    def reply(asked: str) -> str:
        first, _, second = asked.partition("\n\nAnswer A:\n")[2].partition("\n\nAnswer B:\n")
        return decide(first, second)

    return answering(reply)


def judged(store: Store, run: Run, url: str, model: str) -> None:
    teacher = OpenAITeacher(url, model, api_key_variable="")
    for _ in judge(store, run, None, teacher, ASIDE, stop=Event(), device="cpu"):
        pass


def test_only_verdicts_that_agree_count(made: Path) -> None:
    """A judge of length agrees with itself; one that always takes the first decides nothing."""
    with Store.open(made / "p.srt") as store:
        run = find_run(store, 1)
        with judging(lambda first, second: "A" if len(first) > len(second) else "B" if len(first) < len(second) else "T"
                     ) as url:  # fmt: skip
            judged(store, run, url, "long")
        with judging(lambda _first, _second: "Answer A.") as url:
            judged(store, run, url, "first")
        with judging(lambda _first, _second: "I cannot say") as url:
            judged(store, run, url, "mute")
        rows = store.rows("SELECT answer, other FROM judged WHERE starts_with(judge, 'long')")
        longs, firsts, mutes = sorted(judgements(store, 1), key=lambda each: "lfm".index(each.judge[0]))
    assert longs.wins.hits == sum(len(row["answer"]) > len(row["other"]) for row in rows)
    assert longs.wins.n + longs.ties == longs.asked == len(rows) == ASIDE and longs.disagreeing == 0
    assert (firsts.wins.n, firsts.disagreeing, firsts.interval) == (0, ASIDE, None)
    assert (mutes.failed, mutes.wins.n) == (ASIDE, 0)
    assert "in both orders" in longs.words("run 1", "its parent")[0]


def test_what_was_judged_is_not_asked_again(made: Path) -> None:
    """The same judge is asked nothing twice, so a run that was cut off goes on; a server that is gone is said."""
    calls: list[str] = []

    def decide(first: str, _second: str) -> str:
        calls.append(first)
        return "B"

    with Store.open(made / "p.srt") as store:
        with judging(decide) as url:
            judged(store, find_run(store, 1), url, "twice")
            number = len(calls)
            judged(store, find_run(store, 1), url, "twice")
        assert len(calls) == number == 2 * ASIDE
        with pytest.raises(TeacherStopError):
            judged(store, find_run(store, 1), url, "gone")


def test_at_equal_length_a_judge_of_length_is_told() -> None:
    """A judge that likes length alone is near one half at equal length; a fair one stays where it is."""
    draw = random.Random(4)
    lengths = [draw.gauss(0.5, 0.5) for _ in range(400)]
    of_length = [draw.random() < 1 / (1 + math.exp(-6 * length)) for length in lengths]
    fair = [draw.random() < 0.7 for _ in lengths]
    told, same = rate_at_equal_length(of_length, lengths), rate_at_equal_length(fair, lengths)
    assert told is not None and same is not None
    assert sum(of_length) / 400 > 0.75
    assert told.interval.low < 0.5 < told.interval.high
    assert same.interval.low < 0.7 < same.interval.high
    assert rate_at_equal_length([True, True], [1.0, 2.0]) is None


def test_benchmarks_say_where_lm_eval_is_missing(made: Path, tmp_path: Path) -> None:
    """Without lm_eval the command says what to install; a results file gives each metric with its standard error."""
    results = {"results": {"arc_easy": {"alias": "arc_easy", "acc,none": 0.5, "acc_stderr,none": 0.01,
                                        "acc_norm,none": 0.4, "acc_norm_stderr,none": "N/A"}}}  # fmt: skip
    (tmp_path / "results.json").write_text(json.dumps(results))
    found = list(read_results(tmp_path / "results.json"))
    assert found == [("arc_easy", "acc", 0.5, 0.01), ("arc_easy", "acc_norm", 0.4, None)]
    missing = called("evaluate", made / "p.srt", "1", "--lm-eval", "arc_easy", "--device", "cpu")
    assert missing.returncode == NOT_DONE and "pip install lm-eval" in missing.stderr
