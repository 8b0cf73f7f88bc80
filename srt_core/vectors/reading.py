"""The vectors of a query as one array, on disk, so that a million of them take no memory but what is in use."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from srt_core.project.store import Store
from srt_core.vectors.clusters import cluster

FITTED = 50_000
"""Vectors that groups are fitted on, drawn at random."""
_SEED = 0


@dataclass(frozen=True, slots=True)
class Vectors:
    """Vectors of unit length, float32 [rows, dimensions], and the key of each."""

    keys: Any
    """int64 [rows], ascending."""
    points: Any

    def groups(self, number: int) -> Any:
        """Return the group of each by k-means, int64 [rows]; at most so many groups, fewer where fewer differ."""
        draw = np.random.default_rng(_SEED)
        size = len(self.keys)
        fitted = np.arange(size) if size <= FITTED else np.sort(draw.choice(size, FITTED, replace=False))
        found = cluster(np.asarray(self.points[fitted], dtype=np.float64), number)
        chunks = (self.points[first : first + 10_000] for first in range(0, size, 10_000))
        return np.concatenate([found.assign(np.asarray(chunk, dtype=np.float64)) for chunk in chunks])


@contextmanager
def reading(store: Store, sql: str, values: Mapping[str, object], dimensions: int) -> Iterator[Vectors]:
    """Yield the vectors of a query with the columns `key` and `vector`, in the order of the keys, none of them NULL.

    They are of length 1, whatever they are stored as, and stand in a file that goes with the end of the block.
    """
    with TemporaryDirectory(prefix="srt-vectors-") as folder:
        path, keys = Path(folder) / "vectors", []
        with path.open("wb") as file:
            for batch in store.batches(sql, dict(values)):
                found = batch.column("vector").flatten().to_numpy(zero_copy_only=False).reshape(-1, dimensions)
                lengths = np.linalg.norm(found.astype(np.float64), axis=1, keepdims=True)
                file.write((found / np.maximum(lengths, 1e-12)).astype(np.float32).tobytes())
                keys.append(batch.column("key").to_numpy(zero_copy_only=False))
        if not keys:
            yield Vectors(np.empty(0, dtype=np.int64), np.empty((0, dimensions), dtype=np.float32))
            return
        found_keys = np.concatenate(keys)
        order = np.argsort(found_keys, kind="stable")
        held = np.memmap(path, dtype=np.float32, mode="r", shape=(len(order), dimensions))
        yield Vectors(found_keys[order], _Ordered(held, order))
        del held


@dataclass(frozen=True, slots=True)
class _Ordered:
    """An array whose rows are read in another order than they stand in."""

    held: Any
    order: Any

    def __getitem__(self, which: Any) -> Any:
        return self.held[self.order[which]]
