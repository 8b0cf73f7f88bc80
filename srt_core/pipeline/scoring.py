"""Score: the student's four losses for every candidate, each distinct loss computed once and kept."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from threading import Event

from srt_core.ifd import CandidatePlan, Convention, LossRequest, plan, request_key, score_of
from srt_core.pipeline.progress import Progress
from srt_core.records import CandidateLosses, Loss, LossStatus
from srt_core.samples import pair_of
from srt_core.store import Row, Store, Transaction
from srt_core.student import Student
from srt_core.templates import Template

CHUNK_CANDIDATES = 64

_UNSCORED = """
    FROM candidate JOIN sample USING (sample_id)
    WHERE NOT EXISTS (FROM score WHERE scoring_id = $scoring_id AND score.candidate_id = candidate.candidate_id)
"""


@dataclass(frozen=True, slots=True)
class _Run:
    """What all losses of a run are a function of, besides the texts."""

    student: Student
    template: Template
    convention: Convention
    max_length: int
    token_budget: int

    def key(self, request: LossRequest) -> str:
        return request_key(self.student.fingerprint, self.convention, self.max_length, request)


def score(
    store: Store,
    student: Student,
    template: Template,
    *,
    convention: Convention = Convention.ALIGNED,
    max_length: int = 2048,
    token_budget: int = 4096,
    stop: Event | None = None,
) -> Iterator[Progress]:
    """Score every candidate that has no score yet under this student, template, convention and max length.

    Max length is that or the model's own limit, whichever is less. Works and commits in chunks of candidates, so a
    killed run loses at most one chunk; yields progress in candidates, `failed` being those without IFD or r-IFD.
    Stops after the batch under way, and keeps the losses of the chunk that it did not finish.
    """
    run = _Run(student, template, convention, min(max_length, student.max_length_limit), token_budget)
    scoring_id = _begin_scoring(store, run)
    total = int(store.value(f"SELECT count(*) {_UNSCORED}", {"scoring_id": scoring_id}))
    progress = Progress("candidates", total=total)
    yield progress
    while rows := store.rows(
        f"SELECT candidate.* {_UNSCORED} ORDER BY seq, candidate_id LIMIT {CHUNK_CANDIDATES}",
        {"scoring_id": scoring_id},
    ):
        failed = _score_chunk(store, run, scoring_id, rows, stop or Event())
        if failed is None:
            return
        progress = progress.moved(len(rows), failed=failed)
        yield progress
    store.set_meta("scoring_id", str(scoring_id))
    yield progress.moved(0)


def _begin_scoring(store: Store, run: _Run) -> int:
    key = [run.student.fingerprint, run.template.hash, str(run.convention), run.max_length]
    texts = {"with_input": run.template.with_input, "no_input": run.template.no_input,
             "reverse_request": run.template.reverse_request}  # fmt: skip
    with store.transaction() as tx:
        found = tx.execute(
            """SELECT scoring_id FROM scoring
               WHERE fingerprint = ? AND template_hash = ? AND convention = ? AND max_length = ?""",
            key,
        ) or tx.execute(
            """INSERT INTO scoring (fingerprint, template_hash, convention, max_length, student, dtype, template,
                                    template_texts) VALUES (?, ?, ?, ?, ?, ?, ?, ?) RETURNING scoring_id""",
            [*key, run.student.name, run.student.dtype, run.template.name, json.dumps(texts)],
        )
        scoring_id = int(found[0][0])
        # What failed for want of memory may fit this time.
        tx.execute("DELETE FROM score WHERE scoring_id = ? AND status = 'out_of_memory'", [scoring_id])
        tx.bump()
    if store.meta("scoring_id") is None:
        store.set_meta("scoring_id", str(scoring_id))
    return scoring_id


def _score_chunk(store: Store, run: _Run, scoring_id: int, rows: Sequence[Row], stop: Event) -> int | None:
    """Score one chunk in one transaction; returns how many candidates lack an IFD or r-IFD, None when stopped."""
    plans = plan([pair_of(row) for row in rows], run.template, run.convention, run.student, run.max_length)
    requests = {run.key(slot): slot for each in plans for slot in each.slots if isinstance(slot, LossRequest)}
    kept = _kept_losses(store, list(requests))
    computed = _compute(run, {key: request for key, request in requests.items() if key not in kept}, stop)
    losses = {**kept, **computed}
    if len(losses) < len(requests):
        with store.transaction() as tx:
            _keep_losses(tx, computed)
        return None
    scores = [score_of(_losses_of(each, run, losses)) for each in plans]
    with store.transaction() as tx:
        _keep_losses(tx, computed)
        tx.append(
            "score",
            ["scoring_id", "candidate_id", "loss_y", "loss_y_given_x", "loss_x", "loss_x_given_y", "tokens_y",
             "tokens_x", "ifd", "r_ifd", "loss_ratio", "status"],
            [
                (scoring_id, row["candidate_id"], four.y.mean, four.y_given_x.mean, four.x.mean, four.x_given_y.mean,
                 four.y.tokens, four.x.tokens, each.ifd, each.r_ifd, each.loss_ratio, str(each.status))
                for row, each in zip(rows, scores, strict=True)
                for four in [each.losses]
            ],
        )  # fmt: skip
        tx.bump()
    return sum(each.ifd is None or each.r_ifd is None for each in scores)


def _losses_of(each: CandidatePlan, run: _Run, losses: dict[str, Loss]) -> CandidateLosses:
    def loss(slot: LossRequest | Loss) -> Loss:
        return slot if isinstance(slot, Loss) else losses[run.key(slot)]

    return CandidateLosses(*(loss(slot) for slot in each.slots))


def _compute(run: _Run, requests: dict[str, LossRequest], stop: Event) -> dict[str, Loss]:
    keys = list(requests)
    computed: dict[str, Loss] = {}
    for index, loss in run.student.losses(list(requests.values()), token_budget=run.token_budget):
        computed[keys[index]] = loss
        if stop.is_set():
            break
    return computed


def _kept_losses(store: Store, keys: list[str]) -> dict[str, Loss]:
    rows = store.rows("SELECT * FROM loss WHERE key IN (SELECT unnest(?::VARCHAR[]))", [keys])
    return {row["key"]: Loss(row["mean"], row["tokens"], LossStatus(row["status"])) for row in rows}


def _keep_losses(tx: Transaction, losses: dict[str, Loss]) -> None:
    kept = [(key, loss.mean, loss.tokens, str(loss.status)) for key, loss in losses.items()
            if loss.status is not LossStatus.OUT_OF_MEMORY]  # fmt: skip
    tx.append("loss", ["key", "mean", "tokens", "status"], kept)
