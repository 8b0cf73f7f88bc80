"""What became of a task's tries, guard by guard; and what a person takes though a guard held it back."""

from collections.abc import Sequence
from dataclasses import dataclass

from srt_core.errors import DecisionError
from srt_core.project import events
from srt_core.project.store import Store
from srt_core.reflect.synthesis.judging import TRIES


@dataclass(frozen=True, slots=True)
class Synthesis:
    """A task that a student wrote samples of."""

    task: str
    """Its hash."""
    name: str
    student: str
    tries: int


@dataclass(frozen=True, slots=True)
class Tally:
    """How many tries of a step came to a guard, how many it held back, and how many of these a person took."""

    step: str
    guard: str
    looked_at: int
    held_back: int
    restored: int


@dataclass(frozen=True, slots=True)
class Held:
    """A try that a guard held back: which, why, and whether a person took it."""

    generation_id: int
    step: str
    guard: str
    detail: str
    raw: str
    input: str
    """Of an answer: what it answers."""
    is_restored: bool


def syntheses(store: Store) -> list[Synthesis]:
    """List the tasks with the students that wrote samples of them, the newest first."""
    return store.read(
        Synthesis,
        """SELECT task_hash AS task, name, student, count(*) AS tries FROM generation JOIN task USING (task_hash)
           GROUP BY ALL ORDER BY max(generation_id) DESC""",
    )


def funnel(store: Store, task: str, student: str) -> list[Tally]:
    """Count what each guard looked at and held back, in their order; first the tries that brought no reply."""
    return store.read(
        Tally,
        f"""SELECT step, guard, looked_at, held_back, restored FROM (
                SELECT step, 'reply' AS guard, count(*) AS looked_at,
                       count(*) FILTER (outcome <> 'answered') AS held_back, 0 AS restored, 0 AS place
                FROM generation WHERE task_hash = $task AND student = $student GROUP BY step
                UNION ALL
                SELECT step, guard.name, count(*), count(*) FILTER (NOT guard.passed),
                       count(*) FILTER (NOT guard.passed AND is_restored), max(guard.place)
                FROM ({TRIES}) AS tried JOIN guard USING (generation_id) GROUP BY step, guard.name)
            ORDER BY step DESC, place""",
        {"task": task, "student": student},
    )


def held_back(store: Store, task: str, student: str, limit: int = 20, guard: str = "") -> list[Held]:
    """Read tries that a guard held back, those of one guard or all, the latest first."""
    return store.read(
        Held,
        f"""SELECT tried.generation_id, tried.step, guard.name AS guard, guard.detail, tried.raw,
                   coalesce(asked.raw, '') AS input, is_restored
            FROM ({TRIES}) AS tried JOIN guard USING (generation_id)
            LEFT JOIN generation AS asked ON asked.generation_id = tried.parent_id
            WHERE NOT guard.passed AND $guard IN ('', guard.name) ORDER BY tried.generation_id DESC LIMIT $most""",
        {"task": task, "student": student, "most": limit, "guard": guard},
    )


def restore(store: Store, tries: Sequence[int], by: str) -> int:
    """Take tries though a guard held them back, each by an event; returns how many. The next run goes on with them.

    DecisionError for one that no guard held back, or that was taken before.
    """
    with store.transaction() as tx:
        for number in tries:
            found = tx.execute(
                """SELECT guard.name, guard.detail, generation_id IN (SELECT generation_id FROM restored)
                   FROM guard WHERE generation_id = ? AND NOT passed""",
                [number],
            )
            if not found or found[0][2]:
                what = "is taken already" if found else "is none that a guard held back"
                raise DecisionError(f"Try {number} {what}.", "`srt synthesize PROJECT --held` lists them.")
            events.append(tx, "restore", by, {"generation": number, "guard": found[0][0], "detail": found[0][1]})
    return len(tries)


def taken_back(store: Store, number: int, by: str) -> None:
    """Undo that a try was taken, by an event; a sample made of it stays until its import is taken back."""
    with store.transaction() as tx:
        found = tx.execute("SELECT event_id FROM restored WHERE generation_id = ?", [number])
        if not found:
            raise DecisionError(f"Try {number} was not taken by hand.", "Only that can be undone.")
        events.append(tx, "undo", by, {}, undoes=int(found[0][0]))
