"""Groups of unit vectors: mini-batch k-means, seeded, then the group whose centre has the largest cosine."""

from dataclasses import dataclass
from typing import Any

import numpy as np

_SEED = 0


@dataclass(frozen=True, slots=True)
class Clusters:
    """The centres of groups, the largest group first."""

    centres: Any
    """float64 [groups, dimensions], of unit length."""
    sizes: tuple[int, ...]
    """How many of the fitted vectors each group has."""

    def assign(self, points: Any) -> Any:
        """Return the group of each vector: int64 [texts]."""
        return np.argmax(points @ self.centres.T, axis=1)


def cluster(points: Any, groups: int) -> Clusters:
    """Group unit vectors, float64 [texts, dimensions], into at most so many groups; fewer where fewer differ."""
    from sklearn.cluster import MiniBatchKMeans

    groups = min(groups, len(np.unique(points.round(6), axis=0)))
    model = MiniBatchKMeans(groups, random_state=_SEED, batch_size=4096, n_init=3).fit(points)
    centres = model.cluster_centers_
    centres = centres / np.maximum(np.linalg.norm(centres, axis=1, keepdims=True), 1e-12)
    sizes = np.bincount(np.argmax(points @ centres.T, axis=1), minlength=groups)
    order = np.argsort(-sizes, kind="stable")
    return Clusters(centres[order], tuple(int(size) for size in sizes[order]))
