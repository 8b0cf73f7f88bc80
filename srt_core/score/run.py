"""Score: the student's losses for every candidate and every standing edit, each distinct loss computed once.

    chunk of samples → plan → which losses are stored → packs of the others → student → losses and scores, committed

Chunks are fixed ranges of sample numbers, packs depend only on what a chunk needs, and a pack is stored whole or not at
all. So a run that was killed or paused continues with exactly the packs that the undisturbed run would have computed,
and its numbers are the same bit for bit.
"""

import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import closing
from threading import Event

from srt_core.project.candidates import pair_of
from srt_core.project.progress import Progress
from srt_core.project.store import Row, Store
from srt_core.project.transaction import Transaction
from srt_core.records import AddedLoss, Loss, LossRequest
from srt_core.score.chunks import ID_COLUMNS, Chunk, Unscored
from srt_core.score.ifd import Convention, plan
from srt_core.score.keeping import UNFIT, Scored, ScoringSettings, begin_scoring, end_scoring, keep_scores
from srt_core.score.losses import request_key, store_losses, stored_losses
from srt_core.score.student import Batching, Pack, Scorer, computed_tokens
from srt_core.score.templates import Template

COMMIT_SECONDS = 2.0
"""Losses of a chunk that takes longer than this are stored before the chunk is complete."""
_TOKENS_A_SAMPLE = 128
"""A chunk has as many samples as a pack has tokens, divided by this: some ten packs."""


def score(
    store: Store,
    student: Scorer,
    template: Template,
    *,
    convention: Convention = Convention.ALIGNED,
    max_length: int = 2048,
    added: Sequence[AddedLoss] = (),
    token_budget: int | None = None,
    stop: Event | None = None,
    stamp: str = "",
) -> Iterator[Progress]:
    """Score what has no score yet under this student, template, convention, max length and losses that are added.

    Max length is that or the model's own limit, whichever is less; `token_budget` is the tokens of a pack (None: the
    student's own). Commits as it goes: a killed run loses at most the chunk under way. Yields progress in candidates
    and tokens, where `failed` counts those without IFD or r-IFD. Asked to stop, it begins no other pack and stores what
    it has. `stamp` is stored for `is_scored` once everything is scored.
    """
    max_length = min(max_length, student.max_length_limit)
    stop = stop or Event()
    identity, note = student.identity, _batching_note(student)
    settings = ScoringSettings(
        identity.fingerprint, identity.name, identity.dtype, template, convention, max_length, note, added
    )
    scoring_id = begin_scoring(store, settings)
    run = _Run(store, student, settings, token_budget, scoring_id, stop)
    yield run.progress
    with closing(student.run(run.packs())) as computed:
        for pack, losses in computed:
            run.receive(pack, losses)
            yield run.progress
            if stop.is_set():
                run.save()  # the losses of a chunk that is not complete; the next run finds them
                return
    if run.is_stopped:  # before any pack came back
        return
    end_scoring(store, scoring_id, stamp)
    yield run.progress.moved(0, message=note)


def is_scored(store: Store, stamp: str) -> bool:
    """Return whether a scoring with this stamp has scored everything; if so, put it in use.

    A stamp identifies a student's files and all settings of a scoring. With it a second run need not load the student:
    `score` stores its stamp once everything is scored.
    """
    found = store.value("SELECT scoring_id FROM scoring WHERE stamp = ?", [stamp]) if stamp else None
    if found is None:
        return False
    unfit = " + ".join(f"(SELECT count(*) FROM {table} WHERE {UNFIT})" for table in ID_COLUMNS)
    if store.value(f"SELECT {unfit}", {"scoring_id": found}) or Unscored(store, int(found)).count():
        return False
    end_scoring(store, int(found), stamp)
    return True


class _Run:
    """One run: plans chunks ahead of the student, and receives the student's losses in the same order.

    The student computes several packs at a time, so several chunks are open: planned, handed out, not complete.
    """

    def __init__(
        self,
        store: Store,
        student: Scorer,
        settings: ScoringSettings,
        token_budget: int | None,
        scoring_id: int,
        stop: Event,
    ) -> None:
        self._store, self._student, self._settings = store, student, settings
        self._token_budget, self._scoring_id, self._stop = token_budget, scoring_id, stop
        self._unscored = Unscored(store, scoring_id)
        self._chunk_samples = max(1, (token_budget or student.identity.token_budget) // _TOKENS_A_SAMPLE)
        self._open: deque[Chunk] = deque()
        self._handed_out: deque[bool] = deque()
        """For each pack that the student has, oldest first: whether it is the last of its chunk."""
        self._uncommitted: dict[str, Loss] = {}
        self._committed_at = time.monotonic()
        self._characters = self._unscored.characters()
        self._finished_characters = self._finished_tokens = 0
        self.is_stopped = False
        self.progress = Progress("versions", total=self._unscored.count(), message=settings.batching)

    def packs(self) -> Iterator[Pack]:
        """Yield packs, planning chunk after chunk as the student asks for more.

        A chunk whose losses are all known gets one empty pack, so that it is completed in its turn like any other.
        """
        for rows in self._unscored.chunks(self._chunk_samples):
            chunk = self._planned(rows)
            packs = self._packs_of(chunk) or [()]
            self._open.append(chunk)  # only now: until here `_open` must hold the earlier chunks only
            for place, pack in enumerate(packs, 1):
                if self._stop.is_set():
                    self.is_stopped = True
                    return
                self._handed_out.append(place == len(packs))
                yield pack

    def _packs_of(self, chunk: Chunk) -> list[Pack]:
        """Return the packs of a chunk without the requests that need not be computed.

        All that the chunk needs is cut into packs first and only then reduced, so that stored losses never move the
        border of a pack: the same pack gives the same numbers to the last bit, another grouping may not.
        """
        lacking = set(self._lacking(chunk))
        whole = self._student.packs(chunk.keys, self._token_budget)
        return [left for pack in whole if (left := tuple(request for request in pack if request in lacking))]

    def receive(self, pack: Pack, losses: Sequence[Loss]) -> None:
        """Receive the losses of the oldest pack that was handed out, and commit where it is time to."""
        # Packs come back in the order in which they were handed out, so this one is of the oldest open chunk.
        tokens = computed_tokens(pack, self._student.identity.batching) if pack else 0
        self._open[0].tokens += tokens
        for request, loss in zip(pack, losses, strict=True):
            key = self._open[0].keys[request]
            self._uncommitted[key] = loss
            for chunk in self._open:  # a later chunk may need the same loss, and did not ask for it again
                chunk.losses[key] = loss
        is_last = self._handed_out.popleft()
        failed = self._finish() if is_last else 0
        if time.monotonic() - self._committed_at > COMMIT_SECONDS:
            self.save()
        done = len(self._open.popleft().rows) if is_last else 0
        self.progress = self.progress.moved(
            done, failed=failed, tokens=tokens, total_tokens=self._total_tokens(), message=self.progress.message
        )

    def _planned(self, rows: Sequence[Row]) -> Chunk:
        pairs = [pair_of(row) for row in rows]
        how = self._settings
        plans = plan(pairs, how.template, how.convention, self._student, how.max_length, how.added)
        requests = {slot for each in plans for slot in each.slots if isinstance(slot, LossRequest)}
        key = (how.fingerprint, str(how.convention), how.max_length)
        return Chunk(rows, plans, {request: request_key(*key, request) for request in requests})

    def _lacking(self, chunk: Chunk) -> list[LossRequest]:
        """Add the known losses to the chunk; return the requests that are neither known nor at the student already."""
        known = stored_losses(self._store, list(chunk.keys.values()))
        asked: set[str] = set()
        for earlier in self._open:  # what these have asked for reaches this chunk too, through `receive`
            known |= earlier.losses
            asked.update(earlier.keys.values())
        chunk.losses = {key: known[key] for key in chunk.keys.values() if key in known}
        return [request for request, key in chunk.keys.items() if key not in known and key not in asked]

    def save(self) -> None:
        """Commit the losses that have come so far."""
        with self._store.transaction() as tx:
            self._commit_losses(tx)

    def _finish(self) -> int:
        """Commit the losses and scores of the oldest open chunk; return how many lack an IFD or r-IFD."""
        chunk = self._open[0]
        scored = [
            Scored(row["table"], row["id"], row["sample_id"], score, planned.response_read, planned.instruction_read)
            for row, planned, score in zip(chunk.rows, chunk.plans, chunk.scores(self._settings.added), strict=True)
        ]
        with self._store.transaction() as tx:
            self._commit_losses(tx)
            keep_scores(tx, self._scoring_id, scored, self._settings.added)
        self._finished_characters += chunk.characters
        self._finished_tokens += chunk.tokens
        return sum(each.score.ifd is None or each.score.r_ifd is None for each in scored)

    def _commit_losses(self, tx: Transaction) -> None:
        store_losses(tx, self._uncommitted)
        self._uncommitted = {}
        self._committed_at = time.monotonic()

    def _total_tokens(self) -> int | None:
        """Estimate the tokens of the whole run: its characters, times the tokens a character of the finished chunks."""
        if not self._finished_characters:
            return None
        return max(self._finished_tokens, self._finished_tokens * self._characters // self._finished_characters)


def _batching_note(student: Scorer) -> str:
    """Return how the student computes, why not in the fastest way, and how near its losses are to exact ones."""
    way = {Batching.PACKED: "In packs", Batching.PADDED: "In padded batches", Batching.SINGLE: "One text at a time"}
    identity = student.identity
    slower = f", which is slower: {identity.batching_reason}" if identity.batching_reason else ""
    notes = [f"{way[identity.batching]}{slower}.", identity.agreement]
    if identity.device == "cpu" and identity.dtype != "float32":
        notes.append(f"A preview in {identity.dtype}: score in float32 before you decide by it.")
    return " ".join(notes)
