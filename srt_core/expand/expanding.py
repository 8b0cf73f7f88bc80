"""Rounds of harder samples: a teacher makes each instruction harder and answers it anew (LIFT, arXiv 2312.11508).

The set grows: each new pair is a sample with its parent and the round. What stands in the table `expansion` as made is
not asked for again, so a run that was killed goes on; what failed is asked again by the next run.
"""

from collections.abc import Generator
from dataclasses import dataclass, replace
from threading import Event

from srt_core.expand.asking import NoAnswerError, ask_for_object, check_failures, pair_text
from srt_core.importing.files import ImportRow
from srt_core.importing.imports import begin_import
from srt_core.importing.samples import add_rows, sample_id
from srt_core.project.candidates import pairs
from srt_core.project.progress import Progress
from srt_core.project.store import Row, Store
from srt_core.records import Context, Origin, Pair
from srt_core.reflect.event_loop import EventLoop
from srt_core.reflect.teacher import Teacher

FORMAT = "expanded"
_SYSTEM = (
    "You are given a pair of instruction, input and response as JSON. Write a harder version of the instruction: one "
    "that asks for more steps, more depth or one more condition, can be answered by itself, and stays on the subject. "
    "Then answer it fully and correctly. Reply with one JSON object alone, with the texts instruction, input (empty "
    "where none is needed) and response."
)


@dataclass(frozen=True, slots=True)
class Expanded:
    """What the rounds came to so far."""

    round: int
    made: int
    known: int
    """Whose pair another sample has already."""
    failed: int


def expand(
    store: Store, teacher: Teacher, rounds: int, most: int | None, *, stop: Event
) -> Generator[Progress, None, None]:
    """Make samples harder in rounds, the second of what the first made, and so on.

    `most`: originals of the first round, in the order of the project; None: all. Retracted samples are left alone.

    Raises:
        TeacherStopError: no further call can succeed.
        TeacherError: many calls failed, one after the other.
    """
    with EventLoop() as loop:
        try:
            progress, in_a_row = Progress("samples"), 0
            for number in range(1, rounds + 1):
                _note_made(store, teacher.name, number)
                waiting = _waiting(store, teacher.name, number, most)
                total = progress.done + len(waiting)
                progress = replace(progress, total=total, message=f"Round {number}")
                yield progress
                for row in waiting:
                    if stop.is_set():
                        return
                    why = _expand_one(store, loop, teacher, number, row)
                    said = f"Round {number}, {teacher.name}{why and f': {why}'}"
                    progress = progress.moved(1, failed=bool(why), message=said)
                    yield progress
                    in_a_row = in_a_row + 1 if why else 0
                    check_failures(in_a_row, why)
        finally:
            loop.run(teacher.close())


def _waiting(store: Store, teacher: str, number: int, most: int | None) -> list[Row]:
    """Return sample_id and candidate_id of what this round has yet to make harder."""
    of_round = (
        "sample.parent IS NULL"
        if number == 1
        else """sample_id IN (SELECT sample_id FROM expansion WHERE status = 'made' AND round = $round - 1
                              AND teacher = $teacher)"""
    )
    return store.rows(
        f"""SELECT sample_id, candidate_id FROM (
                SELECT sample.seq, sample_id, candidate_id FROM sample JOIN candidate USING (sample_id)
                WHERE origin = '{Origin.ORIGINAL}' AND {of_round} AND context_id IS NULL
                  AND sample_id NOT IN (SELECT sample_id FROM standing WHERE action = 'retract')
                ORDER BY sample.seq LIMIT $most)
            WHERE sample_id NOT IN (SELECT parent FROM expansion
                                    WHERE round = $round AND teacher = $teacher AND status <> 'failed')
            ORDER BY seq""",
        {"round": number, "teacher": teacher, "most": most if number == 1 and most is not None else 2**62},
    )


def _expand_one(store: Store, loop: EventLoop, teacher: Teacher, number: int, row: Row) -> str:
    """Ask for one sample and keep what came; returns why it failed, "" where it did not."""
    pair = pairs(store, [row["candidate_id"]])[row["candidate_id"]]
    try:
        made = _pair_of(ask_for_object(loop, teacher, _SYSTEM, pair_text(pair), pair), pair)
    except NoAnswerError as error:
        _note(store, row["sample_id"], number, teacher.name, None, "failed", str(error))
        return str(error)
    name = sample_id(made, 0)
    status = "known" if store.value("SELECT 1 FROM sample WHERE sample_id = ?", [name]) else "made"
    if status == "made":
        label = _label(teacher.name, number)
        import_id = begin_import(store, label, label, FORMAT, {})
        place = int(store.value('SELECT coalesce(max("row"), 0) FROM import_row WHERE import_id = ?', [import_id])) + 1
        new = ImportRow(place, None, made, extra={"round": number}, parent=row["sample_id"])
        add_rows(store, import_id, [new], label)
        with store.transaction() as tx:
            tx.execute("UPDATE import SET finished = true WHERE import_id = ?", [import_id])
    _note(store, row["sample_id"], number, teacher.name, name, status, "")
    return ""


def _pair_of(read: object, parent: Pair) -> Pair:
    given = read if isinstance(read, dict) else {}
    texts = [given.get(name, "") for name in ("instruction", "input", "response")]
    if not all(isinstance(text, str) for text in texts):
        raise NoAnswerError("a text of the reply is no text")
    instruction, input_, response = texts
    if not instruction.strip() or not response.strip():
        raise NoAnswerError("the reply has no instruction, or no response")
    made = Pair(instruction, response, input_, Context())
    if (made.instruction, made.input) == (parent.instruction, parent.input):
        raise NoAnswerError("the instruction is the same as before")
    return made


def _note(store: Store, parent: str, number: int, teacher: str, name: str | None, status: str, detail: str) -> None:
    with store.transaction() as tx:
        tx.execute(
            """INSERT OR REPLACE INTO expansion (parent, round, teacher, sample_id, status, detail)
               VALUES (?, ?, ?, ?, ?, ?)""",
            [parent, number, teacher, name, status, detail],
        )


def _label(teacher: str, number: int) -> str:
    return f"expanded by {teacher}, round {number}"


def _note_made(store: Store, teacher: str, number: int) -> None:
    """Note samples that were made by a run that was killed before it could."""
    with store.transaction() as tx:
        tx.execute(
            """INSERT INTO expansion (parent, round, teacher, sample_id, status)
               SELECT parent, $round, $teacher, any_value(sample_id), 'made'
               FROM sample JOIN import USING (import_id)
               WHERE path = $label AND sha256 = $label AND parent IS NOT NULL
                 AND sample_id NOT IN (SELECT sample_id FROM expansion WHERE sample_id IS NOT NULL)
                 AND parent NOT IN (SELECT parent FROM expansion WHERE round = $round AND teacher = $teacher)
               GROUP BY parent""",
            {"round": number, "teacher": teacher, "label": _label(teacher, number)},
        )


def expanded(store: Store) -> list[Expanded]:
    """Return what the rounds came to, the first one first."""
    return store.read(
        Expanded,
        """SELECT round, count(*) FILTER (status = 'made') AS made, count(*) FILTER (status = 'known') AS known,
                  count(*) FILTER (status = 'failed') AS failed
           FROM expansion GROUP BY round ORDER BY round""",
    )
