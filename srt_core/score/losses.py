"""Kept losses: each is stored once, under what it is a function of, and never computed again.

    key = SHA-256(student fingerprint, convention, max length, token ids, start, status)

The fingerprint is of weights, tokenizer, dtype and backend, so the same student under another path has the same keys.
The status is part of it because the same ids can be one text whole and another text cut. Scores are derived from
losses; two candidates, runs or edits that need the same loss share it.
"""

import hashlib
from collections.abc import Mapping, Sequence

from srt_core.project.store import Store, Transaction
from srt_core.records import Loss, LossRequest, LossStatus


def request_key(fingerprint: str, convention: str, max_length: int, request: LossRequest) -> str:
    """Return the key under which a loss is kept: 32 hex digits."""
    ids = ",".join(map(str, request.ids))
    parts = (fingerprint, convention, str(max_length), ids, str(request.start), request.status)
    return hashlib.sha256("|".join(parts).encode()).hexdigest()[:32]


def kept_losses(store: Store, keys: Sequence[str]) -> dict[str, Loss]:
    """Read those of the losses that are kept."""
    rows = store.rows(f"SELECT * FROM loss WHERE key IN ({_places(keys)})", keys) if keys else []
    return {row["key"]: Loss(row["mean"], row["tokens"], LossStatus(row["status"])) for row in rows}


def keep_losses(tx: Transaction, losses: Mapping[str, Loss]) -> None:
    """Keep losses that are not there yet. What failed for want of memory is not kept: it may fit another time."""
    lasting = {key: loss for key, loss in losses.items() if loss.status is not LossStatus.OUT_OF_MEMORY}
    rows = [(key, loss.mean, loss.tokens, str(loss.status)) for key, loss in lasting.items()]
    tx.append("loss", ["key", "mean", "tokens", "status"], rows)


def _places(keys: Sequence[str]) -> str:
    """A place in the statement for each key: DuckDB takes the index for a list, and reads the table for a join."""
    return ", ".join("?" * len(keys))
