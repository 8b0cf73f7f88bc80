"""Stored losses: each is stored once, under a hash of all its inputs, and never computed again.

    key = SHA-256(student fingerprint, convention, max length, token ids, start, status)

The fingerprint covers weights, tokenizer, dtype and backend, so the same student in another folder has the same keys.
The status is part of the key because the same ids can be one text whole and another text truncated. Scores are derived
from losses; candidates, runs and edits that need the same loss share it.
"""

import hashlib
from collections.abc import Mapping, Sequence

from srt_core.project.store import Store
from srt_core.project.transaction import Transaction
from srt_core.records import Loss, LossRequest, LossStatus


def request_key(fingerprint: str, convention: str, max_length: int, request: LossRequest) -> str:
    """Return the key under which a loss is stored: 32 hex digits."""
    ids = ",".join(map(str, request.ids))
    parts = (fingerprint, convention, str(max_length), ids, str(request.start), request.status)
    return hashlib.sha256("|".join(parts).encode()).hexdigest()[:32]


def stored_losses(store: Store, keys: Sequence[str]) -> dict[str, Loss]:
    """Return the stored losses among `keys`."""
    rows = store.rows(f"SELECT * FROM loss WHERE key IN ({_marks(keys)})", keys) if keys else []
    return {row["key"]: Loss(row["mean"], row["tokens"], LossStatus(row["status"])) for row in rows}


def store_losses(tx: Transaction, losses: Mapping[str, Loss]) -> None:
    """Store losses that are not there yet, except those that ran out of memory: they may fit another time."""
    lasting = {key: loss for key, loss in losses.items() if loss.status is not LossStatus.OUT_OF_MEMORY}
    rows = [(key, loss.mean, loss.tokens, str(loss.status)) for key, loss in lasting.items()]
    tx.append("loss", ["key", "mean", "tokens", "status"], rows)


def _marks(keys: Sequence[str]) -> str:
    """Return a parameter mark for each key: DuckDB uses the index for a list, but scans the table for a join."""
    return ", ".join("?" * len(keys))
