"""Judgements of versions in four parts, by people or by a judge behind an endpoint, and the quality that follows.

What a person says stands above what a judge says; of several people, or of several judges, the mean counts. A judge
that failed leaves a row with a status and no number.
"""

from collections.abc import Generator, Mapping
from threading import Event

from srt_core.errors import DecisionError
from srt_core.expand.asking import NoAnswerError, ask_for_object, check_failures, pair_text
from srt_core.methods.lift import JUDGE_WEIGHT, LENGTH_WEIGHT, LONGEST, PARTS, QUALITY, total_of
from srt_core.project.candidates import pairs
from srt_core.project.progress import Progress
from srt_core.project.store import Store
from srt_core.project.transaction import Transaction
from srt_core.records import Origin
from srt_core.reflect.event_loop import EventLoop
from srt_core.reflect.teacher import Teacher

PERSON, JUDGE = "person", "judge"
_SYSTEM = (
    "You rate a pair of instruction, input and response for training, given as JSON. Reply with one JSON object alone, "
    "of four numbers: clarity, 0 to 15: is the instruction clear and can it be answered; difficulty, 0 to 25: how much "
    "does it take to answer; explanation, 0 to 25: does the response explain what it does; accuracy, 0 to 35: is the "
    "response right and complete. Length alone earns nothing."
)
_CHARACTERS = "length(replace(replace(instruction || input || response, chr(9), ''), chr(10), ''))"


def judge_by_hand(store: Store, candidate_id: int, by: str, parts: Mapping[str, float]) -> float:
    """Keep what a person says of a version, in the place of what they said before, and return its points.

    DecisionError where there is no such version, or a part is missing or out of its bounds.
    """
    if not store.value("SELECT 1 FROM candidate WHERE candidate_id = ?", [candidate_id]):
        raise DecisionError(f"There is no version {candidate_id}.", "Look at the sample again.")
    try:
        total = total_of(dict(parts))
    except ValueError as error:
        raise DecisionError(f"That is no judgement: {error}.", f"Give points up to {bounds()}.") from error
    with store.transaction() as tx:
        _put(tx, candidate_id, by, PERSON, parts, total, "")
        keep_quality(tx)
    return total


def bounds() -> str:
    """Say how many points each part can give."""
    return ", ".join(f"{most} for {name}" for name, most in PARTS.items())


def judge_by_endpoint(
    store: Store, teacher: Teacher, most: int | None, *, stop: Event
) -> Generator[Progress, None, None]:
    """Have a judge rate the originals that it has not rated, in the order of the project, and compute the quality.

    A judgement that failed is asked for again by the next run. TeacherStopError where no further call can succeed,
    TeacherError where many fail, one after the other.
    """
    rater = f"judge {teacher.name}"
    waiting = store.rows(
        f"""SELECT candidate_id FROM candidate JOIN sample USING (sample_id)
            WHERE origin = '{Origin.ORIGINAL}'
              AND sample_id NOT IN (SELECT sample_id FROM standing WHERE action = 'retract')
              AND candidate_id NOT IN (SELECT candidate_id FROM judgement WHERE rater = $rater AND status = 'ok')
            ORDER BY seq LIMIT $most""",
        {"rater": rater, "most": 2**62 if most is None else most},
    )
    progress, in_a_row = Progress("judgements", total=len(waiting)), 0
    yield progress
    with EventLoop() as loop:
        try:
            for row in waiting:
                if stop.is_set():
                    break
                why = _judge_one(store, loop, teacher, rater, row["candidate_id"])
                progress = progress.moved(1, failed=bool(why), message=f"{rater}{why and f': {why}'}")
                yield progress
                in_a_row = in_a_row + 1 if why else 0
                check_failures(in_a_row, why)
        finally:
            loop.run(teacher.close())
            with store.transaction() as tx:
                keep_quality(tx)


def _judge_one(store: Store, loop: EventLoop, teacher: Teacher, rater: str, candidate_id: int) -> str:
    pair = pairs(store, [candidate_id])[candidate_id]
    parts: Mapping[str, float] = {}
    total: float | None = None
    why = ""
    try:
        found = ask_for_object(loop, teacher, _SYSTEM, pair_text(pair), pair)
        parts = {name: float(value) for name, value in found.items() if name in PARTS}
        total = total_of(dict(parts))
    except (NoAnswerError, ValueError, TypeError) as error:
        parts, why = {}, str(error) or "no answer"
    with store.transaction() as tx:
        _put(tx, candidate_id, rater, JUDGE, parts, total, why)
    return why


def _put(
    tx: Transaction, candidate_id: int, rater: str, kind: str, parts: Mapping[str, float], total: float | None, why: str
) -> None:
    tx.execute(
        """INSERT OR REPLACE INTO judgement
               (candidate_id, rater, kind, clarity, difficulty, explanation, accuracy, total, status, detail)
           VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)""",
        [candidate_id, rater, kind, *(parts.get(name) for name in PARTS), total, "failed" if why else "ok", why],
    )


def keep_quality(tx: Transaction) -> None:
    """Compute the quality of every version that has points; one that has none any more has no row."""
    tx.execute("DELETE FROM measurement WHERE measure = ?", [QUALITY])
    tx.execute(
        f"""INSERT INTO measurement (subject, subject_id, measure, source, value, status)
            WITH said AS (
                SELECT candidate_id, coalesce(avg(total) FILTER (kind = '{PERSON}'), avg(total)) AS total
                FROM judgement WHERE status = 'ok' GROUP BY candidate_id),
            lengths AS (SELECT candidate_id, {_CHARACTERS} AS characters FROM candidate
                        WHERE origin = '{Origin.ORIGINAL}' OR candidate_id IN (SELECT candidate_id FROM said))
            SELECT 'candidate', candidate_id, '{QUALITY}', '1',
                   {JUDGE_WEIGHT} * total
                   + {100 * LENGTH_WEIGHT} * least(1, characters / longest), 'ok'
            FROM said JOIN lengths USING (candidate_id),
                (SELECT quantile_cont(characters, {LONGEST}) AS longest FROM lengths)"""
    )
    tx.bump()
