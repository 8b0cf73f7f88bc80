"""A judge, any teacher, says which of two students answers better: a trained one, and its parent or another run.

Both are asked what was put aside, and write their likeliest tokens. The judge sees each pair of answers in both
orders; only verdicts that agree count. A judge likes long answers, so lengths stand beside the rate, with what the rate
would be at equal length.
"""

import math
import re
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from threading import Event

from srt_core.errors import TeacherError, TeacherStopError
from srt_core.project.candidates import pairs
from srt_core.project.intervals import Interval, Rate, Share, rate_at_equal_length
from srt_core.project.progress import Progress
from srt_core.project.store import Row, Store
from srt_core.records import LossRequest, Pair, Stage
from srt_core.reflect.event_loop import EventLoop
from srt_core.reflect.patience import TRIES_OF_ONE, ask_patiently
from srt_core.reflect.teacher import Ask, Teacher
from srt_core.score.ifd import Convention, plan
from srt_core.score.student import load_student
from srt_core.train.evaluating import Side, template_of
from srt_core.train.runs import Run

MOST_TOKENS = 256
"""That an answer may have."""
RUN, AGAINST, TIE, FAILED = "run", "against", "tie", "failed"
_SYSTEM = (
    "You compare two answers to one instruction: which helps more, is right, and says what was asked? "
    "Length is no merit. Reply with one letter alone: A, B, or T where neither is better."
)
_LETTER = re.compile(r"\W*(?:answer\s+)?([ABT])(?:ie)?\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a judge says of a run against another student. `wins`: where both orders agree on a winner."""

    judge: str
    asked: int
    ties: int
    disagreeing: int
    failed: int
    wins: Share
    interval: Interval | None
    length: float
    """Mean characters of an answer, of the run and of the other."""
    other_length: float
    at_equal_length: Rate | None

    def words(self, name: str, other: str) -> list[str]:
        """Say it in sentences."""
        said = [
            f"{self.judge}, {self.asked:,} instructions in both orders: {name} wins {self.wins.hits:,} of "
            f"{self.wins.n:,} against {other}; {self.ties:,} ties, {self.disagreeing:,} where the order decided, "
            f"{self.failed:,} without a verdict."
        ]
        if self.interval and self.wins.estimate is not None:
            ends = f"{self.interval.low:.0%} to {self.interval.high:.0%}"
            said.append(
                f"That is {self.wins.estimate:.0%} ({ends}, exact, over instructions; one judge, these students)."
            )
        said.append(f"Answers have {self.length:,.0f} characters on average, the others {self.other_length:,.0f}.")
        if self.at_equal_length:
            rate = self.at_equal_length
            ends = f"{rate.interval.low:.0%} to {rate.interval.high:.0%}"
            said.append(f"At equal length it would be {rate.estimate:.0%} ({ends}).")
        return said


def judge(
    store: Store, run: Run, against: Run | None, teacher: Teacher, number: int, *, stop: Event, device: str = "auto"
) -> Generator[Progress, None, None]:
    """Have `number` pairs of answers judged, and keep answers and verdicts; those that are there are not asked again.

    Raises:
        StudentError: a student cannot be loaded; TeacherStopError: no further call can succeed.
    """
    rows = _questions(store, run, number)
    texts = pairs(store, [row["candidate_id"] for row in rows])
    given = [texts[row["candidate_id"]] for row in rows]
    place = against.run_id if against else 0
    known = {row["sample_id"] for row in store.rows(
        "SELECT sample_id FROM judged WHERE run_id = ? AND against = ? AND judge = ?",
        [run.run_id, place, teacher.name])}  # fmt: skip
    asked = [(row, pair) for row, pair in zip(rows, given, strict=True) if row["sample_id"] not in known]
    progress = Progress("verdicts", total=len(asked))
    if not asked:
        yield progress
        return
    own = yield from _answers(store, run, run.trained, [pair for _, pair in asked], device, progress, stop)
    rival = against.trained if against else run.student
    others = yield from _answers(store, run, rival, [pair for _, pair in asked], device, progress, stop)
    if stop.is_set():
        return
    with EventLoop() as loop:
        try:
            for (row, pair), answer, other in zip(asked, own, others, strict=True):
                if stop.is_set():
                    return
                first = _verdict(loop, teacher, pair, answer, other, {"A": RUN, "B": AGAINST})
                second = _verdict(loop, teacher, pair, other, answer, {"A": AGAINST, "B": RUN})
                with store.transaction() as tx:
                    tx.append(
                        "judged",
                        ["run_id", "against", "judge", "sample_id", "answer", "other", "first", "second"],
                        [(run.run_id, place, teacher.name, row["sample_id"], answer, other, first, second)],
                    )
                progress = progress.moved(1, failed=FAILED in (first, second), message=f"Asking {teacher.name}")
                yield progress
        finally:
            loop.run(teacher.close())


def _questions(store: Store, run: Run, number: int) -> list[Row]:
    return store.rows(
        """SELECT candidate_id, sample_id FROM evaluated WHERE run_id = ? AND side = ? AND NOT seen
           ORDER BY hash(sample_id), sample_id LIMIT ?""",
        [run.run_id, str(Side.ORIGINAL), number],
    )


def _answers(
    store: Store, run: Run, student: str, given: Sequence[Pair], device: str, progress: Progress, stop: Event
) -> Generator[Progress, None, list[str]]:
    """Return what a student answers to each instruction, in the template that it was trained with."""
    yield progress.moved(0, message="Loading the student")
    loaded = load_student(student, device=device)
    length = int(run.settings["max_length"])
    planned = plan(given, template_of(store, run.template), Convention.ALIGNED, loaded, length)
    answers = []
    for each in planned:
        if stop.is_set():
            break
        request = each.y_given_x
        ids = request.ids[: request.start] if isinstance(request, LossRequest) else ()
        answers.append(loaded.answer(ids, MOST_TOKENS) if ids else "")
        yield progress.moved(0, message=f"{student} answers, {len(answers):,} of {len(given):,}")
    return answers


def _verdict(loop: EventLoop, teacher: Teacher, pair: Pair, first: str, second: str, names: Mapping[str, str]) -> str:
    """Ask which of two answers is better; TeacherStopError where no further call can succeed."""
    question = "\n".join(filter(None, (pair.instruction, pair.input)))
    text = f"Instruction:\n{question}\n\nAnswer A:\n{first}\n\nAnswer B:\n{second}"
    messages = ({"role": "system", "content": _SYSTEM}, {"role": "user", "content": text})
    answer = loop.run(ask_patiently(teacher, Ask(messages, Stage.RESPONSE, pair)))
    if answer.is_reply:
        found = _LETTER.match((answer.text or "").strip())
        return FAILED if not found else names.get(found[1].upper(), TIE)
    if answer.outcome.stops:
        raise TeacherStopError(answer.detail, answer.hint)
    if not answer.outcome.passes:
        return FAILED
    raise TeacherError(f"{teacher.name} did not answer {TRIES_OF_ONE} times.", "Give the command again: it goes on.")


def judgements(store: Store, run_id: int, against: int = 0) -> list[Judgement]:
    """Return what each judge says of a run, counted anew from the verdicts that are kept."""
    rows = store.rows(
        "SELECT * FROM judged WHERE run_id = ? AND against = ? ORDER BY judge, sample_id", [run_id, against]
    )
    return [_judgement(name, [row for row in rows if row["judge"] == name])
            for name in dict.fromkeys(row["judge"] for row in rows)]  # fmt: skip


def _judgement(name: str, rows: Sequence[Row]) -> Judgement:
    failed = sum(FAILED in (row["first"], row["second"]) for row in rows)
    agreeing = [row for row in rows if row["first"] == row["second"] != FAILED]
    decided = [row for row in agreeing if row["first"] != TIE]
    wins = [row["first"] == RUN for row in decided]
    ratios = [math.log((len(row["answer"]) + 1) / (len(row["other"]) + 1)) for row in decided]
    share = Share(sum(wins), len(wins))
    return Judgement(
        name, len(rows), len(agreeing) - len(decided), len(rows) - failed - len(agreeing), failed, share,
        share.exact(), fmean(len(row["answer"]) for row in rows), fmean(len(row["other"]) for row in rows),
        rate_at_equal_length(wins, ratios),
    )  # fmt: skip
