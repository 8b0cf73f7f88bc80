"""Score: the student's four losses for every candidate and every standing edit, each distinct loss computed once.

    chunk of samples → plan → which losses are kept → packs of the others → student → losses and scores, committed

Chunks are fixed ranges of sample numbers, packs a pure function of what a chunk needs, and a pack is kept whole or not
at all, so a run that was killed or paused goes on with the very packs that the undisturbed run would have computed, and
its numbers are the same bit for bit.
"""

import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from itertools import groupby
from threading import Event

from srt_core.project.candidates import pair_of
from srt_core.project.progress import Progress
from srt_core.project.store import Row, Store, Transaction
from srt_core.records import CandidateLosses, Loss, LossRequest, Score
from srt_core.score.ifd import CandidatePlan, Convention, plan, score_of
from srt_core.score.losses import keep_losses, kept_losses, request_key
from srt_core.score.student import Batching, Pack, Scorer, computed_tokens
from srt_core.score.templates import Template

COMMIT_SECONDS = 2.0
"""Losses of a chunk that takes longer than this are kept before it is complete."""
BLOCK_CHUNKS = 16
"""Chunks whose texts are read at once."""
_TOKENS_A_SAMPLE = 128
"""A chunk has so many fewer samples than a pack has tokens: some ten packs."""

# What is scored: candidates, and pairs that a person edited while their decision stands.
_SUBJECTS = """
    SELECT seq, sample_id, 'score' AS "table", candidate_id AS id, instruction, input, response
    FROM candidate JOIN sample USING (sample_id)
    WHERE seq BETWEEN $first AND $last AND NOT EXISTS (
        FROM score WHERE scoring_id = $scoring_id AND score.candidate_id = candidate.candidate_id)
    UNION ALL
    SELECT seq, standing.sample_id, 'edit_score', event_id, event.instruction, event.input, event.response
    FROM standing JOIN event USING (event_id)
    WHERE standing.action = 'edit' AND seq BETWEEN $first AND $last AND NOT EXISTS (
        FROM edit_score WHERE scoring_id = $scoring_id AND edit_score.event_id = standing.event_id)
"""
# Of candidates without a score; edits, which are few, only shorten the estimate that this is for.
_CHARACTERS = """
    SELECT coalesce(sum(length(instruction) + length(input) + length(response)), 0) FROM candidate
    WHERE candidate_id NOT IN (SELECT candidate_id FROM score WHERE scoring_id = ?)
"""
_ID_COLUMNS = {"score": "candidate_id", "edit_score": "event_id"}
_UNFIT = "scoring_id = $scoring_id AND status = 'out_of_memory'"
"""What failed for want of memory may fit another time."""
_LAST_SEQ = 2**62


@dataclass(slots=True)
class _Chunk:
    """Some samples' subjects with their plans, and the losses that are known of those they need."""

    rows: Sequence[Row]
    plans: Sequence[CandidatePlan]
    keys: dict[LossRequest, str]
    losses: dict[str, Loss] = field(default_factory=dict)
    tokens: int = 0

    @property
    def characters(self) -> int:
        return sum(len(row["instruction"]) + len(row["input"]) + len(row["response"]) for row in self.rows)

    def scores(self) -> list[Score]:
        return [score_of(CandidateLosses(*map(self._loss, each.slots))) for each in self.plans]

    def _loss(self, slot: LossRequest | Loss) -> Loss:
        return slot if isinstance(slot, Loss) else self.losses[self.keys[slot]]


def score(
    store: Store,
    student: Scorer,
    template: Template,
    *,
    convention: Convention = Convention.ALIGNED,
    max_length: int = 2048,
    token_budget: int | None = None,
    stop: Event | None = None,
    stamp: str = "",
) -> Iterator[Progress]:
    """Score what has no score yet under this student, template, convention and max length.

    Max length is that or the model's own limit, whichever is less; `token_budget` the tokens of a pack (None: the
    student's own). Commits as it goes: a killed run loses at most the chunk in flight. Yields progress in candidates
    and tokens, `failed` being those without IFD or r-IFD. Asked to stop, it begins no other pack and keeps what it has.
    `stamp` is remembered for `is_scored` once everything is scored.
    """
    max_length = min(max_length, student.max_length_limit)
    stop = stop or Event()
    scoring_id = _begin_scoring(store, student, template, convention, max_length)
    run = _Run(store, student, template, convention, max_length, token_budget, scoring_id, stop)
    yield run.progress
    with closing(student.run(run.packs())) as computed:
        for pack, losses in computed:
            run.take(pack, losses)
            yield run.progress
            if stop.is_set():
                run.keep()
                return
    if run.is_stopped:
        return
    _end_scoring(store, scoring_id, stamp)
    yield run.progress.moved(0, message=_said_of(student))


def is_scored(store: Store, stamp: str) -> bool:
    """Whether a scoring of this stamp has scored all there is; it is then put in use.

    A stamp is of a student's files and of everything else that a scoring is asked with. With it a second run needs no
    student: `score` remembers the one it is given once it has scored everything.
    """
    found = store.value("SELECT scoring_id FROM scoring WHERE stamp = ?", [stamp]) if stamp else None
    if found is None:
        return False
    values = {"scoring_id": found, "first": 0, "last": _LAST_SEQ}
    unfit = " + ".join(f"(SELECT count(*) FROM {table} WHERE {_UNFIT})" for table in _ID_COLUMNS)
    if store.value(f"SELECT count(*) + {unfit} FROM ({_SUBJECTS})", values):
        return False
    _end_scoring(store, int(found), stamp)
    return True


def _end_scoring(store: Store, scoring_id: int, stamp: str) -> None:
    store.set_meta("scoring_id", str(scoring_id))
    with store.transaction() as tx:
        tx.execute("UPDATE scoring SET stamp = ? WHERE scoring_id = ?", [stamp, scoring_id])


class _Run:
    """One run: it plans chunks ahead of the student, and takes the student's losses in the same order."""

    def __init__(
        self,
        store: Store,
        student: Scorer,
        template: Template,
        convention: Convention,
        max_length: int,
        token_budget: int | None,
        scoring_id: int,
        stop: Event,
    ) -> None:
        self._store, self._student, self._template = store, student, template
        self._convention, self._max_length, self._token_budget = convention, max_length, token_budget
        self._scoring_id, self._stop = scoring_id, stop
        self._chunk_samples = max(1, (token_budget or student.identity.token_budget) // _TOKENS_A_SAMPLE)
        self._open: deque[_Chunk] = deque()
        self._handed: deque[bool] = deque()
        """For each pack that the student has: whether it is the last of its chunk."""
        self._uncommitted: dict[str, Loss] = {}
        self._committed_at = time.monotonic()
        self._characters = int(store.value(_CHARACTERS, [scoring_id]))
        self._finished_characters = self._finished_tokens = 0
        self.is_stopped = False
        self.progress = Progress("candidates", total=self._ask("count(*)"), message=_said_of(student))

    def packs(self) -> Iterator[Pack]:
        """Plan chunk after chunk as the student asks for more; each has a pack at least, empty if it lacks nothing."""
        for rows in self._chunks():
            chunk = self._planned(rows)
            packs = self._packs_of(chunk) or [()]
            self._open.append(chunk)
            for place, pack in enumerate(packs, 1):
                if self._stop.is_set():
                    self.is_stopped = True
                    return
                self._handed.append(place == len(packs))
                yield pack

    def _packs_of(self, chunk: _Chunk) -> list[Pack]:
        """Cut all that the chunk needs, then leave out what it has: packs that were kept move no other pack's edges."""
        lacking = set(self._lacking(chunk))
        whole = self._student.packs(chunk.keys, self._token_budget)
        return [left for pack in whole if (left := tuple(request for request in pack if request in lacking))]

    def take(self, pack: Pack, losses: Sequence[Loss]) -> None:
        """Take the losses of the pack that was handed out first, and commit where it is time to."""
        tokens = computed_tokens(pack, self._student.identity.batching) if pack else 0
        self._open[0].tokens += tokens
        for request, loss in zip(pack, losses, strict=True):
            key = self._open[0].keys[request]
            self._uncommitted[key] = loss
            for chunk in self._open:
                chunk.losses[key] = loss
        is_last = self._handed.popleft()
        failed = self._finish() if is_last else 0
        if time.monotonic() - self._committed_at > COMMIT_SECONDS:
            self.keep()
        done = len(self._open.popleft().rows) if is_last else 0
        self.progress = self.progress.moved(
            done, failed=failed, tokens=tokens, total_tokens=self._total_tokens(), message=self.progress.message
        )

    def _chunks(self) -> Iterator[list[Row]]:
        """Read what has no score, in chunks of so many sample numbers, until nothing is left."""
        block = self._chunk_samples * BLOCK_CHUNKS
        first = 0
        while True:
            rows = self._store.rows(
                f'SELECT * FROM ({_SUBJECTS}) ORDER BY seq, "table" DESC, id',
                {"scoring_id": self._scoring_id, "first": first, "last": first + block - 1},
            )
            for _, chunk in groupby(rows, key=lambda row: row["seq"] // self._chunk_samples):
                yield list(chunk)
            first += block
            if not rows:
                found = self._ask("min(seq)", first)
                if found is None:
                    return
                first = found // block * block

    def _ask(self, expression: str, first: int = 0) -> int | None:
        """Ask something about all that has no score, from a sample number on."""
        values = {"scoring_id": self._scoring_id, "first": first, "last": _LAST_SEQ}
        found = self._store.value(f"SELECT {expression} FROM ({_SUBJECTS})", values)
        return None if found is None else int(found)

    def _planned(self, rows: Sequence[Row]) -> _Chunk:
        pairs = [pair_of(row) for row in rows]
        plans = plan(pairs, self._template, self._convention, self._student, self._max_length)
        requests = {slot for each in plans for slot in each.slots if isinstance(slot, LossRequest)}
        key = (self._student.fingerprint, str(self._convention), self._max_length)
        return _Chunk(rows, plans, {request: request_key(*key, request) for request in requests})

    def _lacking(self, chunk: _Chunk) -> list[LossRequest]:
        """Return the chunk the losses that are kept; return what is neither kept nor with the student already."""
        known = kept_losses(self._store, list(chunk.keys.values()))
        asked: set[str] = set()
        for earlier in self._open:
            known |= earlier.losses
            asked.update(earlier.keys.values())
        chunk.losses = {key: known[key] for key in chunk.keys.values() if key in known}
        return [request for request, key in chunk.keys.items() if key not in known and key not in asked]

    def keep(self) -> None:
        """Commit the losses that came so far."""
        with self._store.transaction() as tx:
            self._commit_losses(tx)

    def _finish(self) -> int:
        """Commit the losses and scores of the first open chunk; return how many lack an IFD or r-IFD."""
        chunk = self._open[0]
        scores = chunk.scores()
        with self._store.transaction() as tx:
            self._commit_losses(tx)
            for table in _ID_COLUMNS:
                _append_scores(tx, table, self._scoring_id, _of_table(table, chunk.rows, scores))
            tx.bump({row["sample_id"] for row in chunk.rows})
        self._finished_characters += chunk.characters
        self._finished_tokens += chunk.tokens
        return sum(each.ifd is None or each.r_ifd is None for each in scores)

    def _commit_losses(self, tx: Transaction) -> None:
        keep_losses(tx, self._uncommitted)
        self._uncommitted = {}
        self._committed_at = time.monotonic()

    def _total_tokens(self) -> int | None:
        """Estimate the tokens of the whole run from its characters and those of the chunks that are done."""
        if not self._finished_characters:
            return None
        return max(self._finished_tokens, self._finished_tokens * self._characters // self._finished_characters)


def _begin_scoring(store: Store, student: Scorer, template: Template, convention: Convention, max_length: int) -> int:
    identity = student.identity
    key = [identity.fingerprint, template.hash, str(convention), max_length]
    with store.transaction() as tx:
        found = tx.execute(
            """SELECT scoring_id FROM scoring
               WHERE fingerprint = ? AND template_hash = ? AND convention = ? AND max_length = ?""",
            key,
        ) or tx.execute(
            """INSERT INTO scoring (fingerprint, template_hash, convention, max_length, student, dtype, template,
                                    template_texts, batching)
               VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING scoring_id""",
            [*key, identity.name, identity.dtype, template.name, template.json, _said_of(student)],
        )
        scoring_id = int(found[0][0])
        again = f"SELECT candidate_id FROM score WHERE {_UNFIT}"
        retried = tx.execute(
            f"SELECT DISTINCT sample_id FROM candidate WHERE candidate_id IN ({again})", {"scoring_id": scoring_id}
        )
        for table in _ID_COLUMNS:
            tx.execute(f"DELETE FROM {table} WHERE {_UNFIT}", {"scoring_id": scoring_id})
        tx.bump([name for (name,) in retried])
    if store.meta("scoring_id") is None:
        store.set_meta("scoring_id", str(scoring_id))
    return scoring_id


def _said_of(student: Scorer) -> str:
    """Say how the student computes where it is not the fast way, or not the exact one."""
    way = {Batching.PACKED: "", Batching.PADDED: "In padded batches", Batching.SINGLE: "One text at a time"}
    identity = student.identity
    said = [way[identity.batching] and f"{way[identity.batching]}, which is slower: {identity.batching_reason}."]
    if identity.device == "cpu" and identity.dtype != "float32":
        said.append(f"A preview in {identity.dtype}: score in float32 before you decide by it.")
    return " ".join(filter(None, said))


def _of_table(table: str, rows: Sequence[Row], scores: Sequence[Score]) -> list[tuple[int, Score]]:
    return [(row["id"], each) for row, each in zip(rows, scores, strict=True) if row["table"] == table]


def _append_scores(tx: Transaction, table: str, scoring_id: int, scores: Iterable[tuple[int, Score]]) -> None:
    tx.append(
        table,
        ["scoring_id", _ID_COLUMNS[table], "loss_y", "loss_y_given_x", "loss_x", "loss_x_given_y", "tokens_y",
         "tokens_x", "ifd", "r_ifd", "loss_ratio", "status"],
        [
            (scoring_id, subject_id, four.y.mean, four.y_given_x.mean, four.x.mean, four.x_given_y.mean,
             four.y.tokens, four.x.tokens, each.ifd, each.r_ifd, each.loss_ratio, str(each.status))
            for subject_id, each in scores
            for four in [each.losses]
        ],
    )  # fmt: skip
