"""What the teacher's replies came to: of one sample, of all calls, and what failed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from srt_core.project.store import Store
from srt_core.records import Origin


@dataclass(frozen=True, slots=True)
class Reflection:
    """What a reply came to for a sample: accepted, refused or failed; `raw` is what came, None for no reply."""

    reflection_id: int
    origin: Origin
    producer: str
    status: str
    reason: str
    detail: str
    critique: Mapping[str, str] | None
    """By criterion; None where the reply had none."""
    raw: str | None
    made_at: datetime


def reflections(store: Store, sample: str) -> list[Reflection]:
    """Read every reflection of a sample, the newest first."""
    return store.read(
        Reflection,
        """SELECT reflection_id, origin, producer, status, reason, detail, critique, raw, made_at
           FROM reflected WHERE sample_id = ? ORDER BY reflection_id DESC""",
        [sample],
    )


@dataclass(frozen=True, slots=True)
class Failure:
    """A reflection that failed and whose candidate is still missing, with its latest reply (None: there was none)."""

    seq: int
    """The sample's number."""
    sample_id: str
    origin: Origin
    producer: str
    reflection_id: int
    status: str
    reason: str
    detail: str
    raw: str | None


def failures(store: Store, sample: str) -> dict[Origin, Failure]:
    """Read the last failed reflection for each candidate of a sample that is missing because of it."""
    return failures_by_sample(store, [sample]).get(sample, {})


def failures_by_sample(store: Store, samples: Sequence[str]) -> dict[str, dict[Origin, Failure]]:
    """Read the failures of samples, as `failures` does; samples without any are not in it."""
    if not samples:
        return {}
    marks = ", ".join("?" * len(samples))  # a list of values is looked up in the index, a join would scan the table
    found = store.read(
        Failure,
        f"""SELECT sample.seq, failed_reflection.* FROM failed_reflection JOIN sample USING (sample_id)
            WHERE sample_id IN ({marks})""",
        list(samples),
    )
    by_sample: dict[str, dict[Origin, Failure]] = {}
    for failure in found:
        by_sample.setdefault(failure.sample_id, {})[failure.origin] = failure
    return {name: {origin: held[origin] for origin in Origin if origin in held} for name, held in by_sample.items()}


def failed_reflections(store: Store, limit: int, offset: int) -> list[Failure]:
    """Read one page of the failed reflections that stand, by the sample's number."""
    return store.read(
        Failure,
        """SELECT sample.seq, failed_reflection.* FROM failed_reflection JOIN sample USING (sample_id)
           ORDER BY sample.seq, origin LIMIT ? OFFSET ?""",
        [limit, offset],
    )


@dataclass(frozen=True, slots=True)
class ReplyCount:
    """Calls by what became of them.

    `status` is accepted, refused or kept (a reply that is yet to be used), or failed where a call brought no reply;
    `reason` says why one was refused or failed. `cost` is in US dollars, None where no price is known.
    """

    status: str
    reason: str
    replies: int
    cost: float | None


def reply_outcomes(store: Store) -> list[ReplyCount]:
    """Count the teachers' calls by what became of them."""
    return store.read(
        ReplyCount,
        """SELECT status, reason, count(*) AS replies, sum(cost) AS cost FROM (
               SELECT cost,
                      CASE WHEN outcome <> 'answered' THEN 'failed' ELSE coalesce(judged.status, 'kept') END AS status,
                      CASE WHEN outcome <> 'answered' THEN outcome ELSE coalesce(judged.reason, '') END AS reason
               FROM teacher_call LEFT JOIN (
                   SELECT call_id, arg_max(status, reflection_id) AS status, arg_max(reason, reflection_id) AS reason
                   FROM reflection WHERE call_id IS NOT NULL GROUP BY call_id) AS judged USING (call_id))
           GROUP BY status, reason
           ORDER BY list_position(['accepted', 'kept', 'refused', 'failed'], status), replies DESC, reason""",
    )
