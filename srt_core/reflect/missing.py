"""The candidates that a producer has not made yet: the tasks of a run, read in chunks."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from srt_core.project.candidates import pairs
from srt_core.project.store import Made, Query, Row, Store
from srt_core.records import DERIVATIONS, Origin, Pair
from srt_core.reflect.keeping import ReflectionTask

CHUNK_TASKS = 500
_LAST_SEQ = 2**62
ORDER = (Origin.INSTRUCTION, Origin.RESPONSE, Origin.BOTH)


@dataclass(frozen=True, slots=True)
class Settled:
    """The samples whose instruction stage is decided: what sequential mode waits for.

    `ready` selects the sample_id of those whose winner of that stage is the parent of a candidate of $origin; it may
    use $after and $until, the range of sample numbers, and $producer. `waiting` counts, for $producer, the samples that
    lack scores to decide it; None: the decision needs no scores.
    """

    ready: Query
    waiting: Query | None


SettledBy = Callable[[Store], Settled]
"""Called again for each query, because the policy may change during a run."""


class Tasks(Protocol):
    """What a run has yet to ask for."""

    @property
    def settled(self) -> SettledBy | None:
        """What says whose instruction stage is decided; None where nothing waits for that."""

    @property
    def order(self) -> tuple[Origin, ...]:
        """The origins whose candidates are asked for, in their order."""

    def total(self) -> int:
        """Return how many candidates a run will make, if every reply is accepted at the first attempt."""

    def chunk(self, origin: Origin, last: int, size: int = ...) -> tuple[list[ReflectionTask], int]:
        """Return the next tasks of an origin after sample number `last`, and the sample number that they end at."""

    def waiting(self) -> int:
        """Return the number of samples whose instruction stage still waits for scores."""


PAST_TRIES = """
    count(*) FILTER (status = 'refused') AS refused,
    count(*) FILTER (status = 'refused' AND reflection_id > $since) AS refused_now,
    count(*) FILTER (status = 'failed') AS failed,
    bool_or(status = 'failed' AND (reflection_id > $since
            OR NOT $retry_failed AND reason IN ('too_long', 'content_filter'))) AS failed_now,
    arg_max(reason, reflection_id) FILTER (status = 'refused') AS reason,
    arg_max(detail, reflection_id) FILTER (status = 'refused') AS detail"""
"""What became of the reflections of a sample so far, and in the run that began after reflection `$since`."""

# Parents without a child of this origin. A candidate that came with an imported file is not made again; of two parents
# the producer's own is used. After a refused reply the task stays missing while tries are left; after a call without a
# reply it is tried again in the next run; where the request itself is the reason (too long, content filter) only on
# $retry_failed.
_MISSING = f"""
    SELECT parent.candidate_id AS parent_id, parent.sample_id, sample.seq,
           parent.instruction, parent.input, parent.response, parent.context_id,
           coalesce(past.refused, 0) AS refused, coalesce(past.failed, 0) AS failed,
           $attempts - coalesce(if($retry_failed, past.refused_now, past.refused), 0) AS tries_left,
           coalesce(past.reason, '') AS reason, coalesce(past.detail, '') AS detail
    FROM candidate AS parent JOIN sample USING (sample_id)
    LEFT JOIN (
        SELECT sample_id, {PAST_TRIES}
        FROM reflection WHERE origin = $origin AND producer = $producer GROUP BY sample_id
    ) AS past ON past.sample_id = parent.sample_id
    WHERE parent.origin = $parent AND seq > $after AND seq <= $until
      AND (parent.producer = $producer OR parent.producer IN (SELECT producer FROM producer WHERE kind = 'file'))
      AND NOT EXISTS (FROM candidate WHERE sample_id = parent.sample_id AND origin = $origin
                      AND (producer = $producer OR producer IN (SELECT producer FROM producer WHERE kind = 'file')))
      AND (len($only::VARCHAR[]) = 0 OR list_contains($only::VARCHAR[], parent.sample_id))
      AND (NOT $drawn OR parent.sample_id IN (SELECT sample_id FROM arm_draw WHERE producer = $producer))
      AND tries_left > 0 AND NOT coalesce(past.failed_now, false)
    QUALIFY row_number() OVER (
        PARTITION BY parent.sample_id ORDER BY parent.producer = $producer DESC, parent.candidate_id) = 1
"""

# Equal pairs share one reply, also with pairs that were reflected on before. They are compared by a 64-bit hash: the
# texts of a large project do not fit in memory, and a rare collision does not matter in an estimate.
_REQUESTS = """
    SELECT count(*) AS count, coalesce(sum(characters), 0)::BIGINT AS characters, count(messages) AS contexts,
           coalesce(sum(length(messages)), 0)::BIGINT AS context_characters
    FROM (SELECT hash(instruction, input, response, context_id) AS pair, refused, any_value(context_id) AS context_id,
                 any_value(length(instruction) + length(input) + length(response)) AS characters
          FROM ({missing}) GROUP BY pair, refused)
    LEFT JOIN context USING (context_id)
    WHERE refused > 0 OR pair NOT IN (
        SELECT hash(asked.instruction, asked.input, asked.response, asked.context_id)
        FROM reflection JOIN candidate AS asked ON asked.candidate_id = reflection.parent_id
        WHERE reflection.origin = $origin AND reflection.producer = $producer AND status <> 'failed'
          AND call_id IS NOT NULL)
"""


@dataclass(frozen=True, slots=True)
class Requests:
    """Distinct requests that are to be made, the characters of their pairs, and how many have a context of how many."""

    count: int
    characters: int
    contexts: int
    context_characters: int


@dataclass(frozen=True, slots=True)
class Missing:
    """The candidates that a producer has not made yet. `since` is the id of the last reflection before the run."""

    store: Store
    producer: str
    settled: SettledBy | None = None
    """None: full mode, all four candidates, 3 calls a sample. Else sequential mode: the response reflection only for
    the winner of the instruction stage, 2 calls a sample, with the same selection (METHOD, section 2)."""
    attempts: int = 1
    retry_failed: bool = False
    since: int = 0
    only: tuple[str, ...] = ()
    """These samples alone; () for all."""
    is_drawn: bool = False
    """Whether those samples alone that the producer was drawn for, as one of several arms."""

    @property
    def order(self) -> tuple[Origin, ...]:
        """The origins whose candidates are asked for, in their order."""
        return ORDER

    def total(self) -> int:
        """Return how many candidates a run will make, if every reply is accepted at the first attempt."""
        instruction, response, both = (self.count(origin) for origin in self.order)
        # Each instruction candidate that is about to be made is a parent for the response stage.
        return instruction + response + both + instruction + self.waiting()

    def count(self, origin: Origin) -> int:
        """Return the number of missing candidates of an origin that can be asked for now."""
        sql, values = self._query(origin)
        return self._remembered("count", origin, lambda: int(self.store.value(f"SELECT count(*) FROM ({sql})", values)))

    def requests(self, origin: Origin) -> Requests:
        """Count the distinct requests needed for these candidates."""
        sql, values = self._query(origin)
        asked = _REQUESTS.format(missing=sql)
        return self._remembered("requests", origin, lambda: self.store.read(Requests, asked, values)[0])

    def chunk(self, origin: Origin, last: int, size: int = CHUNK_TASKS) -> tuple[list[ReflectionTask], int]:
        """Return the next tasks of an origin after sample number `last`, and the sample number that they end at.

        They are searched in ranges of samples that double in length: no query reads a large project whole, and few
        queries are needed where little is missing.
        """
        end = int(self.store.value("SELECT coalesce(max(seq), 0) FROM sample"))
        tasks: list[ReflectionTask] = []
        span = 2 * size
        while last < end and len(tasks) < size:
            sql, values = self._query(origin, last, last + span)
            rows = self.store.rows(
                f"SELECT * EXCLUDE (instruction, input, response, context_id) FROM ({sql}) ORDER BY seq LIMIT $size",
                {**values, "size": size - len(tasks)},
            )
            tasks += self._tasks(rows, origin)
            last = rows[-1]["seq"] if len(tasks) == size else min(last + span, end)
            span *= 2
        return tasks, last

    def _tasks(self, rows: Sequence[Row], origin: Origin) -> list[ReflectionTask]:
        """Return the tasks of rows; only their texts are read."""
        texts = pairs(self.store, [row["parent_id"] for row in rows])
        return [_task(row, texts[row["parent_id"]], origin) for row in rows]

    def _remembered(self, what: str, origin: Origin, make: Callable[[], Made]) -> Made:
        """Return a count, computed again only when the data, the scoring in use or the policy has changed."""
        store = self.store
        state = (store.meta("data_version"), store.meta("scoring_id"), store.meta("policy"))
        mine = (
            self.producer,
            self.settled is None,
            self.attempts,
            self.retry_failed,
            self.since,
            self.only,
            self.is_drawn,
        )
        return store.remember((what, origin, *state, *mine), make)

    def waiting(self) -> int:
        """Return the number of samples whose instruction stage still waits for scores; 0 in full mode."""
        settled = self.settled(self.store) if self.settled else None
        if settled is None or settled.waiting is None:
            return 0
        return int(self.store.value(settled.waiting.sql, {**settled.waiting.values, "producer": self.producer}))

    def _query(self, origin: Origin, after: int = 0, until: int = _LAST_SEQ) -> tuple[str, dict[str, object]]:
        values: dict[str, object] = {
            "parent": str(DERIVATIONS[origin].parent),
            "origin": str(origin),
            "producer": self.producer,
            "attempts": self.attempts,
            "retry_failed": self.retry_failed,
            "since": self.since,
            "only": list(self.only),
            "drawn": self.is_drawn,
            "after": after,
            "until": until,
        }
        if self.settled is None or origin is Origin.INSTRUCTION:
            return _MISSING, values
        settled = self.settled(self.store)
        return f"SELECT * FROM ({_MISSING}) WHERE sample_id IN ({settled.ready.sql})", {
            **values,
            **settled.ready.values,
        }


def _task(row: Row, pair: Pair, origin: Origin) -> ReflectionTask:
    return ReflectionTask(
        row["sample_id"], origin, row["parent_id"], pair, row["refused"], row["tries_left"], row["reason"],
        row["detail"], row["failed"],
    )  # fmt: skip
