"""What has no score yet, in chunks of samples, and the plan of each chunk."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from srt_core.project.store import Row, Store
from srt_core.records import AddedLoss, CandidateLosses, Loss, LossRequest, Score
from srt_core.score.ifd import CandidatePlan, score_of

BLOCK_CHUNKS = 16
"""Chunks whose texts are read by one query."""
LAST_SEQ = 2**62
ID_COLUMNS = {"score": "candidate_id", "edit_score": "event_id"}
"""The tables of scores, and the column of each that identifies what was scored."""

# What is scored: candidates, and the pairs of edits whose decision stands.
_UNSCORED = """
    SELECT seq, sample_id, conversation, 'score' AS "table", candidate_id AS id, instruction, input, response, context
    FROM pair JOIN sample USING (sample_id)
    WHERE seq BETWEEN $first AND $last AND NOT EXISTS (
        FROM score WHERE scoring_id = $scoring_id AND score.candidate_id = pair.candidate_id)
    UNION ALL
    SELECT standing.seq, standing.sample_id, conversation, 'edit_score', event_id, instruction, input, response, context
    FROM standing JOIN edited_pair USING (event_id) JOIN sample ON sample.sample_id = standing.sample_id
    WHERE standing.action = 'edit' AND standing.seq BETWEEN $first AND $last AND NOT EXISTS (
        FROM edit_score WHERE scoring_id = $scoring_id AND edit_score.event_id = standing.event_id)
"""
# Only of candidates: there are few edits, and this is for an estimate.
_CHARACTERS = """
    SELECT coalesce(sum(length(instruction) + length(input) + length(response)), 0) FROM candidate
    WHERE candidate_id NOT IN (SELECT candidate_id FROM score WHERE scoring_id = ?)
"""


@dataclass(slots=True)
class Chunk:
    """A chunk: candidates and edits to score, their plans, the keys of their loss requests, the losses known so far."""

    rows: Sequence[Row]
    plans: Sequence[CandidatePlan]
    keys: dict[LossRequest, str]
    losses: dict[str, Loss] = field(default_factory=dict)
    tokens: int = 0
    """Tokens computed for the chunk."""

    @property
    def characters(self) -> int:
        """The characters of its pairs."""
        return sum(len(row["instruction"]) + len(row["input"]) + len(row["response"]) for row in self.rows)

    def scores(self, added: Sequence[AddedLoss]) -> list[Score]:
        """Return the scores of its rows, which were planned with these losses. KeyError while a loss is not known."""
        return [score_of(self._losses(each), added) for each in self.plans]

    def _losses(self, planned: CandidatePlan) -> CandidateLosses:
        losses = tuple(map(self._loss, planned.slots))
        return CandidateLosses(*losses[:4], added=losses[4:])

    def _loss(self, slot: LossRequest | Loss) -> Loss:
        return slot if isinstance(slot, Loss) else self.losses[self.keys[slot]]


@dataclass(frozen=True, slots=True)
class Unscored:
    """The candidates and edits that have no score under a scoring."""

    store: Store
    scoring_id: int

    def count(self) -> int:
        """Return how many there are."""
        return self._value("count(*)", 0) or 0

    def characters(self) -> int:
        """Return the characters of the candidates among them."""
        return int(self.store.value(_CHARACTERS, [self.scoring_id]))

    def chunks(self, samples: int) -> Iterator[list[Row]]:
        """Yield them in chunks, each of the samples whose numbers divided by `samples` are equal, until none is left.

        Exchanges of one conversation that follow each other are in one chunk: they share what stands before them. The
        borders of chunks are fixed, whatever is scored already: a run that continues another makes equal chunks.
        """
        chunk: list[Row] = []
        for row in self._rows(samples * BLOCK_CHUNKS):
            if chunk and row["seq"] // samples != chunk[0]["seq"] // samples and not _is_one(chunk[-1], row):
                yield chunk
                chunk = []
            chunk.append(row)
        if chunk:
            yield chunk

    def _rows(self, block: int) -> Iterator[Row]:
        """Yield them in the order of their samples, read in blocks of so many."""
        first = 0
        while True:
            rows = self.store.rows(
                f'SELECT * FROM ({_UNSCORED}) ORDER BY seq, "table" DESC, id',
                {"scoring_id": self.scoring_id, "first": first, "last": first + block - 1},
            )
            yield from rows
            first += block
            if not rows:  # an empty block: skip to the next one that has something, as after a finished run
                found = self._value("min(seq)", first)
                if found is None:
                    return
                first = found // block * block

    def _value(self, expression: str, first: int) -> int | None:
        values = {"scoring_id": self.scoring_id, "first": first, "last": LAST_SEQ}
        found = self.store.value(f"SELECT {expression} FROM ({_UNSCORED})", values)
        return None if found is None else int(found)


def _is_one(row: Row, other: Row) -> bool:
    """Return whether two rows are of one conversation."""
    return row["conversation"] is not None and row["conversation"] == other["conversation"]
