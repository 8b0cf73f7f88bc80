"""Triage (IterSelectTune, arXiv 2410.13464): from single decisions, which samples would be kept, and which tell most.

    label      1: a reviewer kept the sample (approve, choose, edit), 0: left it out; bulk actions are no labels
    p          the probability of label 1, by logistic regression on the vectors of the original and of the rule's pick
               (of the original where it picks none), and on their scores
    r          how like the kept samples the original is: the mean, or the largest, of its cosines to theirs
    q          alpha p + (1 - alpha) r

A round is fitted on what is decided by then and ranks every sample. Nothing is decided by it: it orders a queue. How
well it predicts is said by decisions that came after the round that predicted them, beside what always saying the more
frequent label would have got; these samples are no random ones, so there is no interval.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from threading import Event

from srt_core.errors import DecisionError
from srt_core.project.events import IS_BULK
from srt_core.project.progress import Progress
from srt_core.project.store import Row, Store
from srt_core.project.transaction import Transaction
from srt_core.select.derive import refresh
from srt_core.vectors.encodings import encoding_in_use
from srt_core.vectors.nearest import HINT
from srt_core.vectors.regression import Logistic, fit_logistic

LEAST = 2
"""Labels of each kind that a round needs."""
CAP = 5
"""Samples of one subject that come before the sixth of it waits for those of the others."""
EXEMPLARS = 64
"""Kept samples that the largest cosine is taken over: the last ones decided."""
NUMBERS = ("original_ifd", "original_r_ifd", "winner_ifd", "winner_r_ifd", "winner_drift", "winner_growth")
"""Columns of `selection` among the features; one that is NULL counts as the mean of the labelled ones."""


class Relevance(StrEnum):
    """What `r` is of the cosines to the kept samples."""

    MEAN = "mean"
    MAX = "max"


@dataclass(frozen=True, slots=True)
class Accuracy:
    """How well rounds predicted the decisions that came after them."""

    right: int
    majority: int
    """How many always saying the label that was more frequent by the round would have got."""
    decided: int


_LABELLED = f"""
    SELECT standing.seq, standing.event_id, (standing.action <> 'reject')::INTEGER AS label
    FROM standing JOIN event USING (event_id)
    WHERE standing.action IN ('approve', 'choose', 'edit', 'reject') AND NOT {IS_BULK}"""
# Every sample with the vectors of its original and of the rule's pick.
_SAMPLES = f"""
    SELECT panel.seq, panel.sample_id, old.vector AS original_vector, coalesce(pick.vector, old.vector) AS pick_vector,
           {", ".join(NUMBERS)}
    FROM panel JOIN selection USING (seq)
    JOIN vector AS old ON old.encoding_id = $encoding_id AND old.candidate_id = panel.original_id
    LEFT JOIN vector AS pick ON pick.encoding_id = $encoding_id AND pick.candidate_id = selection.candidate_id
    WHERE old.vector IS NOT NULL"""


def triage(
    store: Store, *, alpha: float = 0.5, relevance: Relevance = Relevance.MEAN, stop: Event | None = None
) -> Iterator[Progress]:
    """Fit a round on the single decisions, rank every sample, and store both; yields progress in samples.

    Raises:
        DecisionError: nothing was encoded, or there are fewer than LEAST decisions of a kind.
    """
    refresh(store, now=True)
    encoding = encoding_in_use(store)
    if encoding is None:
        raise DecisionError("No sample has a vector yet.", HINT)
    labelled = _labelled(store, encoding.encoding_id)
    kept = [row for row in labelled if row["label"]]
    _require_both(len(kept), len(labelled) - len(kept))
    progress = Progress("samples", total=int(store.value("SELECT count(*) FROM sample")), message="Ranking")
    yield progress
    if stop and stop.is_set():
        return
    means = {name: _mean([row[name] for row in labelled]) for name in NUMBERS}
    model = fit_logistic([_features(row, means) for row in labelled], [row["label"] for row in labelled])
    ranked = _store(store, encoding.encoding_id, alpha, relevance, model, means, labelled, kept)
    yield progress.moved(ranked, message=f"Round {last_round(store)}: {len(labelled):,} decisions, {len(kept):,} kept")


def last_round(store: Store) -> int | None:
    """Return the number of the last round; None where there was none."""
    found: int | None = store.value("SELECT max(round) FROM triage_round")
    return found


def accuracy(store: Store) -> Accuracy:
    """Return how the decisions since came out against the last round before each of them (prequential)."""
    row = store.rows(
        f"""SELECT count(*) AS decided, count(*) FILTER ((p >= 0.5)::INTEGER = label) AS "right",
                   count(*) FILTER ((2 * kept >= labels)::INTEGER = label) AS majority
            FROM ({_LABELLED}) AS labelled JOIN triage USING (seq) JOIN triage_round USING (round)
            WHERE event_id > last_event
              AND round = (SELECT max(round) FROM triage_round AS earlier WHERE earlier.last_event < event_id)"""
    )[0]
    return Accuracy(row["right"], row["majority"], row["decided"])


def _labelled(store: Store, encoding_id: int) -> list[Row]:
    """Read the decided samples with their features, in the order of the decisions."""
    return store.rows(
        f"SELECT * FROM ({_SAMPLES}) JOIN ({_LABELLED}) AS labelled USING (seq) ORDER BY event_id",
        {"encoding_id": encoding_id},
    )


def _require_both(kept: int, left_out: int) -> None:
    if min(kept, left_out) < LEAST:
        raise DecisionError(
            f"There are {kept} single decisions to keep and {left_out} to leave out of samples that have a vector; "
            f"a round needs {LEAST} of each.",
            "Decide more samples on Review. Actions on many at once do not count.",
        )


def _mean(values: Sequence[float | None]) -> float:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else 0.0


def _features(row: Row, means: dict[str, float]) -> list[float]:
    numbers = [means[name] if row[name] is None else row[name] for name in NUMBERS]
    return [*row["original_vector"], *row["pick_vector"], *numbers]


def _store(
    store: Store, encoding_id: int, alpha: float, relevance: Relevance, model: Logistic, means: dict[str, float],
    labelled: Sequence[Row], kept: Sequence[Row],
) -> int:  # fmt: skip
    """Store a round and its ranking; of earlier rounds stays what they said of samples decided since."""
    size = len(labelled[0]["original_vector"])
    likeness, likeness_values = _likeness(relevance, [row["original_vector"] for row in kept])
    linear = " + ".join(
        f"coalesce({name}, {means[name]!r}) * {weight!r}"
        for name, weight in zip(NUMBERS, model.weights[2 * size :], strict=True)
    )
    body = {"intercept": model.intercept, "weights": model.weights, "means": means, "relevance": relevance}
    with store.transaction() as tx:
        tx.execute(
            f"""DELETE FROM triage WHERE NOT EXISTS (
                    SELECT 1 FROM ({_LABELLED}) AS labelled JOIN triage_round ON triage_round.round = triage.round
                    WHERE labelled.seq = triage.seq AND labelled.event_id > last_event)"""
        )
        number = int(
            tx.execute(
                """INSERT INTO triage_round (encoding_id, scoring_id, model_hash, body, alpha, labels, kept, last_event)
                   VALUES (?, ?, ?, ?, ?, ?, ?, (SELECT coalesce(max(event_id), 0) FROM event)) RETURNING round""",
                [encoding_id, store.scoring_id(), model.fingerprint, json.dumps(body), alpha, len(labelled), len(kept)],
            )[0][0]
        )
        tx.execute(
            f"""INSERT INTO triage (round, seq, p, r, q)
                SELECT $round, seq, p, r, $alpha * p + (1 - $alpha) * r FROM (
                    SELECT seq, 1 / (1 + exp(-($intercept + list_dot_product(original_vector, $original::FLOAT[])
                               + list_dot_product(pick_vector, $pick::FLOAT[]) + {linear}))) AS p, {likeness} AS r
                    FROM ({_SAMPLES}))""",
            {
                "round": number, "alpha": alpha, "intercept": model.intercept, "encoding_id": encoding_id,
                "original": model.weights[:size], "pick": model.weights[size : 2 * size], **likeness_values,
            },
        )  # fmt: skip
        _order(tx, number)
        return int(tx.execute("SELECT count(*) FROM triage WHERE round = ?", [number])[0][0])


def _likeness(relevance: Relevance, kept: Sequence[Sequence[float]]) -> tuple[str, dict[str, object]]:
    """Return `r` as an expression over `original_vector`, and its parameters.

    The mean of cosines to many vectors is one dot product, with the mean of these at length 1.
    """
    unit = [_unit(vector) for vector in kept]
    length = "sqrt(list_dot_product(original_vector, original_vector))"
    if relevance is Relevance.MEAN:
        unit = [[sum(column) / len(unit) for column in zip(*unit, strict=True)]]
    values: dict[str, object] = {f"kept_{place}": vector for place, vector in enumerate(unit[-EXEMPLARS:])}
    cosines = [f"list_dot_product(original_vector, ${name}::FLOAT[])" for name in values]
    return f"greatest({', '.join(cosines)}) / {length}", values


def _unit(vector: Sequence[float]) -> list[float]:
    length = sum(each * each for each in vector) ** 0.5
    return [each / length for each in vector]


def _order(tx: Transaction, number: int) -> None:
    """Place what is undecided: by turns the sample nearest 0.5 and that of highest q, CAP of a subject at a time."""
    tx.execute(
        f"""UPDATE triage SET place = found.place FROM (
                SELECT seq, row_number() OVER (ORDER BY (number - 1) // {CAP}, turn, seq) AS place FROM (
                    SELECT seq, turn,
                           row_number() OVER (PARTITION BY coalesce(cluster, -seq) ORDER BY turn, seq) AS number
                    FROM (
                        SELECT seq, least(2 * row_number() OVER (ORDER BY abs(p - 0.5), seq) - 1,
                                          2 * row_number() OVER (ORDER BY q DESC, seq)) AS turn
                        FROM triage WHERE round = $round AND seq NOT IN (SELECT seq FROM standing)
                    ) JOIN sample USING (seq) LEFT JOIN kind USING (sample_id))
            ) AS found
            WHERE triage.round = $round AND triage.seq = found.seq""",
        {"round": number},
    )
