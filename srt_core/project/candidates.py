"""Samples and candidates in the project file: append candidates, read one sample whole."""

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from srt_core.errors import DecisionError
from srt_core.project.store import Row, Store
from srt_core.project.transaction import Transaction
from srt_core.records import MEASURES, Candidate, Context, LossStatus, Measure, Origin, Pair, Source


def pair_hash(pair: Pair) -> str:
    """Hash a pair by content, with its context where it has one: 16 hexadecimal characters."""
    text = json.dumps(parts(pair), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def parts(pair: Pair) -> list[str]:
    """Return the texts that identify a pair; without a context they are what they were before there were contexts."""
    texts = [pair.instruction, pair.input, pair.response]
    return [*texts, pair.context.json] if pair.context.json else texts


def texts(tx: Transaction, ids: Sequence[int]) -> list[tuple[str, str, Pair]]:
    """Read the sample, origin and pair of candidates."""
    rows = tx.execute(
        """SELECT sample_id, origin, instruction, response, input, context FROM pair
           WHERE candidate_id IN (SELECT unnest(?::BIGINT[]))""",
        [list(ids)],
    )
    return [
        (name, origin, Pair(instruction, response, input_, Context.from_json(context)))
        for name, origin, instruction, response, input_, context in rows
    ]


def pairs(store: Store, ids: Sequence[int]) -> dict[int, Pair]:
    """Read the pairs of candidates by their ids: no text of another candidate is read."""
    rows = store.rows(
        """SELECT candidate_id, instruction, input, response, context FROM pair
           WHERE candidate_id IN (SELECT unnest(?::BIGINT[]))""",
        [list(ids)],
    )
    return {row["candidate_id"]: pair_of(row) for row in rows}


DRAWN = f"""(SELECT candidate_id FROM candidate WHERE origin = '{Origin.ORIGINAL}'
             ORDER BY hash(sample_id), candidate_id LIMIT ?)"""
"""So many originals, a fixed random draw for what is fitted on them: equal in every run over the same samples."""


def count_samples(store: Store) -> int:
    """Count the samples of the project."""
    return int(store.value("SELECT count(*) FROM sample"))


BEGINNING = 160
"""Characters of a text that say which sample it is."""


@dataclass(frozen=True, slots=True)
class Beginning:
    """By what a person knows a sample again: its number, and the beginning of its original instruction."""

    seq: int
    text: str


def beginnings(store: Store, samples: Sequence[str]) -> dict[str, Beginning]:
    """Read number and beginning of samples by their ids; white space is a single space in it."""
    rows = store.rows(
        f"""SELECT sample_id, seq, left(instruction, {2 * BEGINNING}) AS text
            FROM candidate JOIN sample USING (sample_id)
            WHERE origin = '{Origin.ORIGINAL}' AND sample_id IN (SELECT unnest(?::VARCHAR[]))""",
        [list(samples)],
    )
    return {row["sample_id"]: Beginning(row["seq"], " ".join(row["text"].split())[:BEGINNING]) for row in rows}


def find_sample(store: Store, name: str) -> str:
    """Find a sample by its id, or by its number in the project; DecisionError if there is none."""
    sql = "SELECT sample_id FROM sample WHERE sample_id = ? OR seq = try_cast(? AS BIGINT)"
    found: str | None = store.value(sql, [name, name])
    if found is None:
        raise DecisionError(
            f"There is no sample {name}.", "Give an id or number as shown on the screens or in scores.jsonl."
        )
    return found


PAIR = "{'instruction': instruction, 'input': input, 'response': response, 'context': context} AS pair"
"""The pair of a row of the view `pair`, as one column."""
_COLUMNS = {
    Source.SCORE: "{0}", Source.CANDIDATE: "{0}", Source.LENGTH: "length(response)",
}  # fmt: skip
"""Where a measure stands that comes with a candidate and its score."""


def _measures(*sources: Source) -> str:
    """Return the measures of some sources as one column."""
    held = {each.name: _COLUMNS[each.source].format(each.name) for each in MEASURES if each.source in sources}
    return "{" + ", ".join(f"'{name}': {column}" for name, column in held.items()) + "} AS measures"


def candidates(
    store: Store, sample: str, ids: Collection[int] | None = None, computed: Iterable[Measure] = ()
) -> dict[Origin, Candidate]:
    """Read a sample's candidates with their scores under the scoring in use, in the order of Origin.

    Of each origin the one among `ids`; where these are not given, the earliest. `computed` are the measures to read
    beside those of every project.
    """
    found = store.rows("SELECT candidate_id FROM candidate WHERE sample_id = ?", [sample])
    held = [row["candidate_id"] for row in found if ids is None or row["candidate_id"] in ids]
    return candidates_by_sample(store, held, computed).get(sample, {})


def candidates_by_sample(
    store: Store, ids: Collection[int], computed: Iterable[Measure] = ()
) -> dict[str, dict[Origin, Candidate]]:
    """Read candidates by their ids, as `candidates` does, and put those of each sample together."""
    by_sample: dict[str, dict[Origin, Candidate]] = {}
    for candidate in reversed(read_all(store, ids, computed)):
        by_sample.setdefault(candidate.sample_id, {})[candidate.origin] = candidate
    return {name: {origin: held[origin] for origin in Origin if origin in held} for name, held in by_sample.items()}


def read_all(store: Store, ids: Collection[int], computed: Iterable[Measure] = ()) -> list[Candidate]:
    """Read candidates by their ids, as `candidates` does, the earliest first."""
    if not ids:
        return []
    # By their ids and one by one: a join with all scores would read them all.
    marks, scoring_id = ", ".join("?" * len(ids)), store.scoring_id()
    read = store.read(
        Candidate,
        f"""SELECT pair.candidate_id, sample_id, origin, {PAIR}, producer, parent_id, {_measures(*_COLUMNS)},
                   score.status
            FROM pair LEFT JOIN score ON score.candidate_id = pair.candidate_id AND score.scoring_id = ?
            WHERE pair.candidate_id IN ({marks}) ORDER BY pair.candidate_id""",
        [scoring_id, *ids],
    )
    for measure in computed:
        rows = store.rows(
            f"""SELECT subject_id, value FROM measurement
                WHERE measure = ? AND source = ? AND subject = 'candidate' AND subject_id IN ({marks})""",
            [measure.name, measure.rows_of(scoring_id, store.encoding_id()), *ids],
        )
        values = {row["subject_id"]: row["value"] for row in rows}
        read = [_with_measure(each, measure, values) for each in read]
    return read


def _with_measure(candidate: Candidate, measure: Measure, values: Mapping[int, float | None]) -> Candidate:
    usual = None if candidate.measures.get(measure.usual_with) is None else measure.usual
    number = values.get(candidate.candidate_id, usual)
    return replace(candidate, measures={**candidate.measures, measure.name: number})


@dataclass(frozen=True, slots=True)
class Edited:
    """The pair that a person wrote, by the event that holds it, with its score under the scoring in use."""

    event_id: int
    pair: Pair
    measures: Mapping[str, float | None]
    status: LossStatus | None
    """None where it is not scored."""


def edit(store: Store, event_id: int) -> Edited | None:
    """Read the pair that an edit wrote; None where the event is no edit."""
    return store.find(
        Edited,
        f"""SELECT edited_pair.event_id, {PAIR}, {_measures(Source.SCORE)}, edit_score.status
            FROM edited_pair LEFT JOIN edit_score ON edit_score.event_id = edited_pair.event_id
                AND edit_score.scoring_id = (FROM scoring_in_use)
            WHERE edited_pair.event_id = ?""",
        [event_id],
    )


def pair_of(row: Row) -> Pair:
    """Return the pair in a row that has instruction, input, response and context."""
    return Pair(row["instruction"], row["response"], row["input"], Context.from_json(row["context"]))
