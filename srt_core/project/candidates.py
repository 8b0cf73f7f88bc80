"""Samples and candidates in the project file: append candidates, read one sample whole."""

import hashlib
import json
from collections.abc import Collection, Sequence

from srt_core.errors import DecisionError
from srt_core.project.store import Row, Store, Transaction
from srt_core.records import Origin, Pair


def pair_hash(pair: Pair) -> str:
    """Hash a pair by content: 16 hexadecimal characters."""
    text = json.dumps([pair.instruction, pair.input, pair.response], ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def texts(tx: Transaction, ids: Sequence[int]) -> list[tuple[str, str, Pair]]:
    """Read the sample, origin and pair of candidates."""
    rows = tx.execute(
        """SELECT sample_id, origin, instruction, input, response FROM candidate
           WHERE candidate_id IN (SELECT unnest(?::BIGINT[]))""",
        [list(ids)],
    )
    return [
        (name, origin, Pair(instruction=instruction, input=input_, response=response))
        for name, origin, instruction, input_, response in rows
    ]


def count_samples(store: Store) -> int:
    """Count the samples of the project."""
    return int(store.value("SELECT count(*) FROM sample"))


def find_sample(store: Store, name: str) -> str:
    """Find a sample by its id, or by its number in the project; DecisionError if there is none."""
    sql = "SELECT sample_id FROM sample WHERE sample_id = ? OR seq = try_cast(? AS BIGINT)"
    found: str | None = store.value(sql, [name, name])
    if found is None:
        raise DecisionError(
            f"There is no sample {name}.", "Give an id or number as shown on the screens or in scores.jsonl."
        )
    return found


def candidates(store: Store, sample: str, ids: Collection[int] | None = None) -> dict[Origin, Row]:
    """Read a sample's candidates with their scores under the scoring in use, in the order of Origin.

    Of each origin the one among `ids`; where these are not given, the earliest.
    """
    found = store.rows("SELECT candidate_id FROM candidate WHERE sample_id = ?", [sample])
    held = [row["candidate_id"] for row in found if ids is None or row["candidate_id"] in ids]
    if not held:
        return {}
    # By their ids and one by one: a join with all scores would read them all.
    rows = store.rows(
        f"""SELECT candidate.*, score.* EXCLUDE (candidate_id) FROM candidate
            LEFT JOIN score ON score.candidate_id = candidate.candidate_id AND score.scoring_id = ?
            WHERE candidate.candidate_id IN ({", ".join("?" * len(held))}) ORDER BY candidate.candidate_id DESC""",
        [store.scoring_id(), *held],
    )
    by_origin = {row["origin"]: row for row in rows}
    return {origin: by_origin[origin] for origin in Origin if origin in by_origin}


def edit(store: Store, event_id: int) -> Row | None:
    """Read the pair that an edit wrote, with its score under the scoring in use; None where the event is no edit."""
    rows = store.rows(
        """SELECT event.instruction, event.input, event.response, event.event_id, edit_score.* EXCLUDE (event_id)
           FROM event LEFT JOIN edit_score ON edit_score.event_id = event.event_id
               AND edit_score.scoring_id = (FROM scoring_in_use)
           WHERE event.event_id = ? AND kind = 'edit'""",
        [event_id],
    )
    return rows[0] if rows else None


def reflections(store: Store, sample: str) -> list[Row]:
    """Read every reflection of a sample with the call behind it, the newest first."""
    return store.rows("SELECT * FROM reflected WHERE sample_id = ? ORDER BY reflection_id DESC", [sample])


def pair_of(row: Row) -> Pair:
    """Return the pair in a row that has instruction, input and response."""
    return Pair(instruction=row["instruction"], response=row["response"], input=row["input"])
