"""Training and validation: samples that belong together are put aside together.

Samples are of one group that share a conversation, or a parent, or the texts of their originals but for white space and
case, or that are known near-duplicates, and whatever is linked by several of these. A group is put aside by a hash of
its first sample's id, which is a hash of that sample's texts: the same samples are put aside in any project, and stay
so when others are added, unless these link two groups.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from srt_core.importing.marks.equals import plain
from srt_core.importing.marks.near_duplicates import OTHER
from srt_core.project.store import SCRATCH, Store
from srt_core.project.transaction import Transaction
from srt_core.records import Origin

SUGGESTED = 0.05
"""The share that is put aside where nobody said otherwise."""
_PARTS = 1_000_000
_CHUNK = 50_000

_TEXTS = f"[{plain('instruction')}, {plain('input')}, {plain('response')}, context_id::VARCHAR]::VARCHAR"
_KEYS = f"""
    CREATE TEMP TABLE linked AS
    SELECT seq, hash('text', {_TEXTS}) AS key
    FROM sample JOIN candidate USING (sample_id) WHERE origin = '{Origin.ORIGINAL}'
    UNION ALL SELECT seq, hash('conversation', conversation) FROM sample WHERE conversation IS NOT NULL
    UNION ALL SELECT seq, hash('parent', parent) FROM sample WHERE parent IS NOT NULL
    UNION ALL SELECT seq, hash('parent', sample_id) FROM sample
              WHERE sample_id IN (SELECT parent FROM sample WHERE parent IS NOT NULL)
    UNION ALL SELECT seq, hash('near', seq) FROM mark WHERE mark = 'near_duplicate'
    UNION ALL SELECT {OTHER}, hash('near', seq) FROM mark WHERE mark = 'near_duplicate'"""
"""What links samples: those with an equal key are of one group."""
_BEGIN = "CREATE TEMP TABLE grouped AS SELECT DISTINCT seq, seq AS first FROM linked"
_JOIN = """
    CREATE OR REPLACE TEMP TABLE joined AS
    WITH low AS (SELECT key, min(first) AS first FROM linked JOIN grouped USING (seq) GROUP BY key),
        step AS (SELECT seq, min(low.first) AS first FROM linked JOIN low USING (key) GROUP BY seq)
    SELECT step.seq, coalesce(further.first, step.first) AS first
    FROM step LEFT JOIN step AS further ON further.seq = step.first"""
"""One step towards the first sample of each group: over the keys, and from the sample that is found on to its own."""
_ASIDE = f"""
    CREATE TEMP TABLE aside AS
    SELECT grouped.seq FROM grouped JOIN sample ON sample.seq = grouped.first
    WHERE md5_number(sample.sample_id) % {_PARTS} < ?
      AND first NOT IN (SELECT first FROM grouped JOIN sample USING (seq)
                        WHERE sample_id IN (SELECT unnest(?::VARCHAR[])))"""


@contextmanager
def put_aside(store: Store, share: float, trained: Sequence[str] = ()) -> Iterator[str]:
    """Yield the name of a table with the number (`seq`) of every sample that is put aside for validation.

    Args:
        store: the project.
        share: of the groups, from 0 to 1.
        trained: ids of samples whose groups are trained on whatever their hash: they show a file's columns.
    """
    with store.scratch() as scratch:
        number = scratch.execute("SELECT epoch_us(get_current_timestamp()) || '_' || (random() * 1e9)::BIGINT")[0][0]
        name = f"{SCRATCH}.aside_{number}"
        scratch.execute(f"CREATE TABLE {name} (seq BIGINT)")
    try:
        if share:
            with store.workspace() as work:
                _group(work)
                work.execute(_ASIDE, [round(share * _PARTS), list(trained)])
                _copy(work, store, name)
        yield name
    finally:
        with store.scratch() as scratch:
            scratch.execute(f"DROP TABLE {name}")


_DRAWN = f"""
    WITH able AS (SELECT sample_id FROM candidate GROUP BY sample_id HAVING count(*) > 1),
         counted AS (SELECT grouped.first, count(*) AS samples
                     FROM grouped JOIN sample USING (seq) JOIN able USING (sample_id) GROUP BY grouped.first),
         drawn AS (SELECT counted.first FROM counted JOIN sample ON sample.seq = counted.first
                   QUALIFY sum(samples) OVER (ORDER BY md5_number(sample.sample_id) % {_PARTS}, sample.sample_id)
                           - samples < ?)
    SELECT sample_id FROM grouped JOIN sample USING (seq) WHERE grouped.first IN (FROM drawn) ORDER BY grouped.seq"""


def draw_groups(store: Store, number: int) -> list[str]:
    """Return the ids of samples of whole groups that hold at least `number` samples with a rewrite, or all there are.

    Groups come in the order of the hash by which `put_aside` takes them.
    """
    with store.workspace() as work:
        _group(work)
        return [sample for (sample,) in work.execute(_DRAWN, [number])]


def with_groups(store: Store, samples: Sequence[str]) -> set[str]:
    """Return the ids of samples with all that are of one group with any of them."""
    with store.workspace() as work:
        _group(work)
        rows = work.execute(
            """SELECT sample_id FROM grouped JOIN sample USING (seq) WHERE grouped.first IN (
                   SELECT grouped.first FROM grouped JOIN sample USING (seq)
                   WHERE sample_id IN (SELECT unnest(?::VARCHAR[])))""",
            [list(samples)],
        )
    return {sample for (sample,) in rows}


def _group(work: Transaction) -> None:
    """Make `grouped`: each sample with the first one of its group."""
    work.execute(_KEYS)
    work.execute(_BEGIN)
    while True:
        work.execute(_JOIN)
        changed = work.execute(
            "SELECT count(*) FROM joined JOIN grouped USING (seq) WHERE joined.first <> grouped.first"
        )
        work.execute("CREATE OR REPLACE TEMP TABLE grouped AS FROM joined")
        if not changed[0][0]:
            return


def _copy(work: Transaction, store: Store, name: str) -> None:
    """Copy what is put aside to where other reads find it."""
    total = work.execute("SELECT count(*) FROM aside")[0][0]
    for offset in range(0, total, _CHUNK):
        rows = work.execute("SELECT seq FROM aside WHERE rowid >= ? AND rowid < ?", [offset, offset + _CHUNK])
        values = ", ".join(f"({seq})" for (seq,) in rows)
        with store.scratch() as scratch:
            scratch.execute(f"INSERT INTO {name} VALUES {values}")
