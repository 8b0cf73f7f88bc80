"""Read the original pairs of samples in the order of their numbers, a chunk at a time, with the kind of their task."""

from collections.abc import Sequence

from srt_core.importing.files import LEFT_ASIDE
from srt_core.importing.kinds import TaskType
from srt_core.importing.marks.mark import Original
from srt_core.project.transaction import Transaction
from srt_core.records import Context, Origin, Pair

_LIST = f"""
    CREATE OR REPLACE TEMP TABLE listed AS
    SELECT sample.seq, candidate_id, coalesce(kind.task, '{TaskType.OTHER}') AS task,
        CASE WHEN contains(extra, '"{LEFT_ASIDE}"') THEN json_extract_string(extra, '$.{LEFT_ASIDE}') END AS left_aside,
        CASE WHEN import.format = 'synthetic' THEN concat_ws(
            ', ', json_extract_string(extra, '$.synthetic'),
            'agreement ' || nullif(json_extract_string(extra, '$.agreement'), '')) END AS synthetic
    FROM sample LEFT JOIN import USING (import_id) JOIN candidate USING (sample_id) LEFT JOIN kind USING (sample_id)
    WHERE origin = '{Origin.ORIGINAL}' AND sample.seq > $after AND sample.seq <= coalesce($until, sample.seq)
        AND NOT ($without_duplicates AND duplicate_of IS NOT NULL)
    ORDER BY sample.seq"""


def list_originals(
    work: Transaction, after: int = 0, until: int | None = None, *, without_duplicates: bool = False
) -> int:
    """List the samples after a number, and up to another, in a temporary table for `read_originals`; count them."""
    work.execute(_LIST, {"after": after, "until": until, "without_duplicates": without_duplicates})
    return int(work.execute("SELECT count(*) FROM listed")[0][0])


def read_originals(work: Transaction, offset: int, limit: int) -> Sequence[Original]:
    """Read a chunk of the samples that were listed."""
    found = work.execute(
        "SELECT seq, candidate_id, task, left_aside, synthetic FROM listed WHERE rowid >= ? AND rowid < ? ORDER BY seq",
        [offset, offset + limit],
    )
    rows = work.execute(  # by their ids: no text of another candidate is read
        """SELECT candidate_id, instruction, response, input, context FROM pair
           WHERE candidate_id BETWEEN ? AND ? AND candidate_id IN (SELECT unnest(?::BIGINT[]))""",
        [min(row[1] for row in found), max(row[1] for row in found), [row[1] for row in found]],
    ) if found else []  # fmt: skip
    pairs = {key: Pair(instruction, response, input_, Context.from_json(messages))
             for key, instruction, response, input_, messages in rows}  # fmt: skip
    return [Original(seq, pairs[key], TaskType(task), aside or "", synthetic or "")
            for seq, key, task, aside, synthetic in found]  # fmt: skip
