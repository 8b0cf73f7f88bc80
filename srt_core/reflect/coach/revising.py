"""A coach's run: what it has not revised yet → calls → candidates of its own.

It revises originals, each once, whatever it changes; one that it leaves as it is gives no candidate. Samples whose edit
it learnt from are never asked about.
"""

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from threading import Event

from srt_core.errors import DecisionError
from srt_core.methods.coachlm import ALPHA
from srt_core.project.candidates import pairs
from srt_core.project.progress import Progress
from srt_core.project.store import Row, Store
from srt_core.records import Origin, ProducerKind, Stage
from srt_core.reflect.coach.edits import Edit, edits, learnt_from
from srt_core.reflect.coach.wording import VERSION, CoachAsker, request_text, wording_hash
from srt_core.reflect.keeping import Example, ReflectionTask
from srt_core.reflect.missing import CHUNK_TASKS, PAST_TRIES, SettledBy
from srt_core.reflect.prompts import ReplyFormat
from srt_core.reflect.run import Plan, calls_for, run_through
from srt_core.reflect.scoring import NoScoring
from srt_core.reflect.teacher import Teacher
from srt_core.vectors.nearest import Nearest


@dataclass(frozen=True, slots=True)
class Coach:
    """How a coach goes about it: the share of the edits that it learns from, and how many nearest ones it is shown.

    0 examples: the teacher was trained on them.
    """

    alpha: float = ALPHA
    examples: int = 4

    def name(self, teacher: Teacher) -> str:
        """Return the producer that its candidates name."""
        shown = f"{self.examples} examples" if self.examples else "trained"
        return f"{teacher.name}, coach {VERSION} ({shown}, alpha {self.alpha:g})"


def register_coach(store: Store, teacher: Teacher, coach: Coach, learnt: Sequence[Edit], name: str = "") -> str:
    """Note a coach and the edits that it learns from, and return its producer; what it learnt before stays noted."""
    producer = name or coach.name(teacher)
    shown = "" if not learnt else request_text(learnt[0].before, ReplyFormat.JSON)
    with store.transaction() as tx:
        tx.execute(
            """INSERT INTO producer (producer, kind, teacher, prompt_version, prompt_hash, prompt_texts)
               VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING""",
            [producer, str(ProducerKind.COACH), teacher.name, f"coach {VERSION}", wording_hash(), shown],
        )
        tx.execute(
            """INSERT INTO coach_edit SELECT $producer, unnest($events::BIGINT[]) AS event_id EXCEPT FROM coach_edit""",
            {"producer": producer, "events": [each.event_id for each in learnt]},
        )
    return producer


# Originals that a coach has not revised: neither is there a candidate of its own, nor did it leave one as it is.
_MISSING = f"""
    SELECT original.candidate_id AS parent_id, original.sample_id, seq,
           coalesce(past.refused, 0) AS refused, coalesce(past.failed, 0) AS failed,
           $attempts - coalesce(if($retry_failed, past.refused_now, past.refused), 0) AS tries_left,
           coalesce(past.reason, '') AS reason, coalesce(past.detail, '') AS detail
    FROM candidate AS original JOIN sample USING (sample_id)
    LEFT JOIN (
        SELECT sample_id, bool_or(status = 'accepted') AS is_done, {PAST_TRIES}
        FROM reflection WHERE producer = $producer GROUP BY sample_id
    ) AS past ON past.sample_id = original.sample_id
    WHERE original.origin = '{Origin.ORIGINAL}' AND seq > $last
      AND NOT coalesce(past.is_done OR past.failed_now, false) AND tries_left > 0
      AND original.sample_id NOT IN (
          SELECT sample_id FROM coach_edit JOIN event USING (event_id) WHERE coach_edit.producer = $producer)
      AND (NOT $with_vector OR original.candidate_id IN (
          SELECT candidate_id FROM vector WHERE encoding_id = $encoding_id AND vector IS NOT NULL))
      AND (len($only::VARCHAR[]) = 0 OR list_contains($only::VARCHAR[], original.sample_id))"""


@dataclass(frozen=True, slots=True)
class Revisions:
    """The revisions that a coach has not made yet, as a run asks for them (`missing.Missing` for reflections)."""

    store: Store
    producer: str
    shown: "Shown"
    attempts: int
    retry_failed: bool
    since: int
    only: tuple[str, ...]

    @property
    def order(self) -> tuple[Origin, ...]:
        """What a task is of until its reply says what was changed."""
        return (Origin.RESPONSE,)

    @property
    def settled(self) -> SettledBy | None:
        """Nothing waits for scores."""
        return None

    def total(self) -> int:
        """Return how many there are."""
        return int(self.store.value(f"SELECT count(*) FROM ({_MISSING})", self._values(0)))

    def waiting(self) -> int:
        """Return how many wait for scores: none."""
        return 0

    def chunk(self, origin: Origin, last: int, size: int = CHUNK_TASKS) -> tuple[list[ReflectionTask], int]:
        """Return the next tasks after sample number `last`, and the sample number that they end at."""
        rows = self.store.rows(f"{_MISSING} ORDER BY seq LIMIT $size", {**self._values(last), "size": size})
        if not rows:
            return [], last
        return self._tasks(rows, origin), rows[-1]["seq"]

    def _tasks(self, rows: Sequence[Row], origin: Origin) -> list[ReflectionTask]:
        ids = [row["parent_id"] for row in rows]
        texts, examples = pairs(self.store, ids), self.shown.to(ids)
        return [
            ReflectionTask(
                row["sample_id"], origin, row["parent_id"], texts[row["parent_id"]], row["refused"], row["tries_left"],
                row["reason"], row["detail"], row["failed"], Stage.REVISION, examples[row["parent_id"]],
            )
            for row in rows
        ]  # fmt: skip

    def _values(self, last: int) -> dict[str, object]:
        return {
            "producer": self.producer, "attempts": self.attempts, "retry_failed": self.retry_failed,
            "since": self.since, "last": last, "only": list(self.only), "with_vector": self.shown.needs_vectors,
            "encoding_id": self.store.encoding_id(),
        }  # fmt: skip


class Shown:
    """Which edits each pair is shown: those whose originals are nearest to it, by the vectors in use."""

    def __init__(self, store: Store, learnt: Sequence[Edit], examples: int) -> None:
        """Take the edits that are learnt from. DecisionError where vectors are needed and none are there."""
        self.needs_vectors = bool(examples)
        self._examples = examples
        self._edits = {each.candidate_id: each for each in learnt}
        self._nearest = Nearest.among(store, list(self._edits)) if examples else None
        if self._nearest is not None and not self._nearest.ids:
            raise DecisionError(
                "None of the edits has a vector, by which the nearest are found.",
                "`srt encode` computes them; with --examples 0 a coach that was trained needs none.",
            )

    def to(self, ids: Sequence[int]) -> dict[int, tuple[Example, ...]]:
        """Return the examples for each candidate, the nearest first; never an edit of the same candidate."""
        if self._nearest is None:
            return dict.fromkeys(ids, ())
        found = self._nearest.to(ids, self._examples)
        return {
            key: tuple(
                Example(each.event_id, each.before, each.after)
                for each in (self._edits[near] for near in found.get(key, ()))
            )
            for key in ids
        }


def revise(
    store: Store, teacher: Teacher, coach: Coach, plan: Plan, *, stop: Event | None = None
) -> Generator[Progress, None, None]:
    """Make the revisions that this coach has not made, and yield progress in outcomes; as `run.reflect`.

    Raises:
        DecisionError: there is no edit to learn from, alpha keeps none, or nothing was encoded.
        TeacherStopError: no further call can succeed, or a cap is reached.
    """
    stop = stop or Event()
    learnt = learnt_from(edits(store), coach.alpha)
    shown = Shown(store, learnt, coach.examples)
    producer = register_coach(store, teacher, coach, learnt)
    since = int(store.value("SELECT coalesce(max(reflection_id), 0) FROM reflection"))
    attempts = plan.attempts if teacher.is_live else 1
    missing = Revisions(store, producer, shown, attempts, plan.retry_failed, since, plan.only)
    calls = calls_for(store, teacher, CoachAsker(teacher, plan.note), producer, plan, stop)
    progress = yield from run_through(missing, calls, teacher, NoScoring(), stop)
    if not stop.is_set():
        yield progress.moved(0, message=_said(store, producer, shown))


def _said(store: Store, producer: str, shown: Shown) -> str:
    made = store.rows(
        """SELECT count(*) FILTER (status = 'accepted') AS used,
                  (SELECT count(*) FROM candidate WHERE producer = $producer) AS changed
           FROM reflection WHERE producer = $producer""",
        {"producer": producer},
    )[0]
    said = f"{producer}: {made['changed']:,} revisions, {made['used'] - made['changed']:,} left as they are"
    if not shown.needs_vectors:
        return said
    without = store.value(
        f"""SELECT count(*) FROM candidate WHERE origin = '{Origin.ORIGINAL}' AND candidate_id NOT IN (
                SELECT candidate_id FROM vector WHERE encoding_id = ? AND vector IS NOT NULL)""",
        [store.encoding_id()],
    )
    return f"{said}; {without:,} have no vector and were not asked about: `srt encode`" if without else said
