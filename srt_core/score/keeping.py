"""What a scoring leaves in the project file: how it was scored, and the scores of candidates and edits.

Computed and recorded scores are kept by the same functions.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from srt_core.project.store import Store
from srt_core.project.transaction import Transaction
from srt_core.records import INSTRUCTION_READ, RESPONSE_READ, AddedLoss, LossStatus, Score, scoring_source
from srt_core.score.chunks import ID_COLUMNS
from srt_core.score.contexts import template_hash
from srt_core.score.ifd import Convention
from srt_core.score.templates import Template

UNFIT = "scoring_id = $scoring_id AND status = 'out_of_memory'"
"""Scores that ran out of memory: they are computed again in the next run, as they may fit another time."""


@dataclass(frozen=True, slots=True)
class ScoringSettings:
    """How a scoring was made. `batching`: how the student computed, why not faster, how near to float64."""

    fingerprint: str
    student: str
    dtype: str
    template: Template
    convention: Convention
    max_length: int
    batching: str
    added: Sequence[AddedLoss] = ()


@dataclass(frozen=True, slots=True)
class Scored:
    """The score of a candidate (`table` score) or an edit (edit_score), by its id, and how much of its texts was read.

    `response_read`, `instruction_read`: the part of the tokens over which the losses run; None for no token.
    """

    table: str
    id: int
    sample_id: str
    score: Score
    response_read: float | None
    instruction_read: float | None


def begin_scoring(store: Store, settings: ScoringSettings) -> int:
    """Return the id of the scoring with these settings, made where there is none; what did not fit is forgotten."""
    texts = template_hash(store, settings.template, settings.added)
    key = [settings.fingerprint, texts, str(settings.convention), settings.max_length]
    with store.transaction() as tx:
        found = tx.execute(
            """SELECT scoring_id FROM scoring
               WHERE fingerprint = ? AND template_hash = ? AND convention = ? AND max_length = ?""",
            key,
        ) or tx.execute(
            """INSERT INTO scoring (fingerprint, template_hash, convention, max_length, student, dtype, template,
                                    template_texts, batching)
               VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING scoring_id""",
            [*key, settings.student, settings.dtype, settings.template.name, settings.template.json, settings.batching],
        )
        scoring_id = int(found[0][0])
        _forget_unfit(tx, scoring_id)
    if store.meta("scoring_id") is None:
        store.set_meta("scoring_id", str(scoring_id))
    return scoring_id


def _forget_unfit(tx: Transaction, scoring_id: int) -> None:
    again = f"SELECT candidate_id FROM score WHERE {UNFIT}"
    retried = tx.execute(
        f"SELECT DISTINCT sample_id FROM candidate WHERE candidate_id IN ({again})", {"scoring_id": scoring_id}
    )
    tx.execute(
        f"DELETE FROM measurement WHERE source = $source AND subject = 'candidate' AND subject_id IN ({again})",
        {"scoring_id": scoring_id, "source": scoring_source(scoring_id)},
    )
    for table in ID_COLUMNS:
        tx.execute(f"DELETE FROM {table} WHERE {UNFIT}", {"scoring_id": scoring_id})
    tx.bump([name for (name,) in retried])


def end_scoring(store: Store, scoring_id: int, stamp: str) -> None:
    """Put a scoring in use, with the stamp by which the next run knows that it is complete."""
    with store.transaction() as tx:
        tx.set_meta("scoring_id", str(scoring_id))
        tx.execute("UPDATE scoring SET stamp = ? WHERE scoring_id = ?", [stamp, scoring_id])


def keep_scores(tx: Transaction, scoring_id: int, scored: Sequence[Scored], added: Sequence[AddedLoss] = ()) -> None:
    """Store scores that are not there yet, made with these losses beside the four."""
    for table in ID_COLUMNS:
        _append_scores(tx, table, scoring_id, [each for each in scored if each.table == table])
    _append_beside(tx, scoring_id, [each for each in scored if each.table == "score"], added)
    tx.bump({each.sample_id for each in scored})


def _append_scores(tx: Transaction, table: str, scoring_id: int, scored: Iterable[Scored]) -> None:
    tx.append(
        table,
        ["scoring_id", ID_COLUMNS[table], "loss_y", "loss_y_given_x", "loss_x", "loss_x_given_y", "tokens_y",
         "tokens_x", "ifd", "r_ifd", "loss_ratio", "status"],
        [
            (scoring_id, each.id, four.y.mean, four.y_given_x.mean, four.x.mean, four.x_given_y.mean,
             four.y.tokens, four.x.tokens, score.ifd, score.r_ifd, score.loss_ratio, str(score.status))
            for each in scored
            for score in [each.score]
            for four in [score.losses]
        ],
    )  # fmt: skip


def _append_beside(tx: Transaction, scoring_id: int, scored: Iterable[Scored], added: Sequence[AddedLoss]) -> None:
    """Store of candidates what few scores have: how much of a text was read where it was cut, and what was added."""
    source = scoring_source(scoring_id)
    tx.append(
        "measurement",
        ["subject", "subject_id", "measure", "source", "value", "status"],
        [
            ("candidate", each.id, name, source, value, str(status))
            for each in scored
            for name, value, status in (*_cut(each), *_of_added(added, each.score))
        ],
    )


_Number = tuple[str, float | None, LossStatus]
"""A number beside a score: its name, and a status that says why it is what it is."""


def _cut(scored: Scored) -> Iterator[_Number]:
    """Yield how much of the response and of the instruction was read where that is not all."""
    losses = scored.score.losses
    for name, part, loss in (
        (RESPONSE_READ, scored.response_read, losses.y_given_x),
        (INSTRUCTION_READ, scored.instruction_read, losses.x_given_y),
    ):
        if part is not None and part < 1 and loss.status is not LossStatus.OUT_OF_MEMORY:
            yield name, part, LossStatus.TRUNCATED


def _of_added(added: Sequence[AddedLoss], score: Score) -> Iterator[_Number]:
    for each, loss, made in zip(added, score.losses.added, score.added, strict=True):
        yield each.name, loss.mean, loss.status
        yield each.measure, made.value, made.status
