"""Coverage ranks: what a policy leaves before its diverse share, in the order in which it covers itself best.

    what the rule leaves ─▶ vectors of the winners ─▶ blocks within groups ─▶ greedy facility location in each (gains)
                         ─▶ all blocks merged by gain: rank 1, 2, …

A sample is covered by those of its own block alone, so the merged order is the greedy one of that value, and no table
of all pairs is needed. What fits one block is ranked by the whole. Gains are kept a block at a time, so that what was
killed goes on; ranks replace those before once all are there.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from threading import Event
from typing import Any

from srt_core.errors import PolicyError
from srt_core.project.progress import Progress
from srt_core.project.store import Query, Store
from srt_core.project.transaction import Transaction
from srt_core.records import COVERAGE_GAIN, COVERAGE_RANK, Policy, encoding_source
from srt_core.select.derive import refresh
from srt_core.select.expressions import WHOLE
from srt_core.select.policy import applied_policy
from srt_core.select.selection import rule_of
from srt_core.vectors.encodings import encoding_in_use
from srt_core.vectors.facility import apart, blocks, locate
from srt_core.vectors.reading import Vectors, reading

BLOCK = 1_000
"""Samples of a block, at most."""
_COMMITTED = 20
"""Blocks a transaction."""


def cover(store: Store, policy: Policy, *, block: int = BLOCK, stop: Event | None = None) -> Iterator[Progress]:
    """Rank what a policy leaves before its diverse share, and store ranks and gains; yields progress in samples.

    A sample whose winner has no vector has no rank: its row says so, and it counts as failed.

    Raises:
        PolicyError: nothing was encoded, or the policy leaves nothing.
    """
    refresh(store, now=True)
    encoding = encoding_in_use(store)
    if encoding is None:
        raise PolicyError("No sample has a vector yet.", "`srt encode` computes them.")
    left = _left(store, policy)
    total = int(store.value(f"SELECT count(*) FROM ({left.sql})", left.values))
    if not total:
        raise PolicyError(f"The policy {policy.name} leaves no sample to rank.", "Score the project, or raise a limit.")
    progress = Progress("samples", total=total, message="Reading vectors")
    yield progress
    sql = f"""SELECT seq AS key, vector FROM ({left.sql}) AS kept JOIN vector USING (candidate_id)
              WHERE encoding_id = $encoding_id AND vector IS NOT NULL"""
    values = {**left.values, "encoding_id": encoding.encoding_id}
    with reading(store, sql, values, encoding.dimensions) as vectors:
        if not len(vectors.keys):
            raise PolicyError(
                f"None of the {total:,} samples that {policy.name} leaves has a vector.", "`srt encode` computes them."
            )
        part = _part(vectors, encoding.encoding_id, block)
        found = _gains(store, vectors, part, block, progress, stop)
        for progress in found:
            yield progress
            if stop and stop.is_set():
                return
        without = total - len(vectors.keys)
        with store.transaction() as tx:
            _rank(tx, part, encoding_source(encoding.encoding_id), left)
            tx.bump()
        said = f"{len(vectors.keys):,} samples ranked by {encoding.encoder}"
        yield progress.moved(without, failed=without, message=said)


def count_unranked(store: Store) -> int:
    """Count the samples that the policy in use leaves out for want of a coverage rank; 0 where it asks for none."""
    if applied_policy(store).diverse_share >= WHOLE:
        return 0
    sql = f"SELECT count(*) FROM selection WHERE reason = 'unscored' AND winner_{COVERAGE_RANK} IS NULL"
    return int(store.value(sql))


def _left(store: Store, policy: Policy) -> Query:
    """Return the samples that a policy keeps without its diverse share: seq and the candidate that is kept."""
    rule = rule_of(store, replace(policy, diverse_share=100.0))
    return Query(f"SELECT seq, candidate_id FROM ({rule.sql}) WHERE origin IS NOT NULL", rule.values)


def _part(vectors: Vectors, encoding_id: int, block: int) -> str:
    """Return the source under which gains stand until all are there: another one for other samples."""
    asked = hashlib.sha256(vectors.keys.tobytes()).hexdigest()[:16]
    return f"{encoding_source(encoding_id)} part {asked} {block}"


def _gains(
    store: Store, vectors: Vectors, part: str, block: int, progress: Progress, stop: Event | None
) -> Iterator[Progress]:
    """Compute the gains of all blocks, and store them some blocks at a time; what is there is not computed again."""
    size = len(vectors.keys)
    groups = vectors.groups(-(-2 * size // block)) if size > block else [0] * size
    rows = store.rows("SELECT subject_id FROM measurement WHERE measure = ? AND source = ?", [COVERAGE_GAIN, part])
    known = {row["subject_id"] for row in rows}
    waiting = blocks(groups, vectors.points, block)
    while some := list(islice(waiting, _COMMITTED)):
        fresh = [each for each in some if int(vectors.keys[each[0]]) not in known]
        found = [row for each in fresh for row in _of_block(vectors, each)]
        with store.transaction() as tx:
            tx.append(
                "measurement",
                ("subject", "subject_id", "measure", "source", "value", "status"),
                [("sample", seq, COVERAGE_GAIN, part, gain, "ok") for seq, gain in found],
            )
        progress = progress.moved(sum(map(len, some)), message="Ranking")
        yield progress
        if stop and stop.is_set():
            return


def _of_block(vectors: Vectors, members: Any) -> Iterator[tuple[int, float]]:
    located = locate(apart(vectors.points[members].astype(float)))
    last = float("inf")
    for place, gain in zip(located.order, located.gains, strict=True):
        last = max(0.0, min(last, gain))  # rounding alone makes a later gain larger
        yield int(vectors.keys[members[place]]), last


def _rank(tx: Transaction, part: str, source: str, left: Query) -> None:
    """Replace the ranks of an encoding by the order of the gains that were stored; gains of other runs go."""
    tx.execute(
        """DELETE FROM measurement
           WHERE measure IN (?, ?) AND source <> ? AND (source = ? OR source LIKE ? || ' part %')""",
        [COVERAGE_RANK, COVERAGE_GAIN, part, source, source],
    )
    add = "INSERT INTO measurement (subject, subject_id, measure, source, value, status)"
    tx.execute(
        f"""{add} SELECT 'sample', subject_id, '{COVERAGE_RANK}', $source,
                         row_number() OVER (ORDER BY value DESC, subject_id), 'ok'
                  FROM measurement WHERE measure = '{COVERAGE_GAIN}' AND source = $part""",
        {"source": source, "part": part},
    )
    tx.execute(
        f"""{add} SELECT 'sample', seq, '{COVERAGE_RANK}', $source, NULL, 'no vector' FROM ({left.sql}) AS kept
                  WHERE NOT EXISTS (FROM measurement WHERE measure = '{COVERAGE_GAIN}' AND source = $part
                                    AND subject_id = seq)""",
        {**left.values, "source": source, "part": part},
    )
    tx.execute("UPDATE measurement SET source = ? WHERE measure = ? AND source = ?", [source, COVERAGE_GAIN, part])
