"""Samples whose originals are nearest to one, by the cosine of their vectors under the encoding in use."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from srt_core.errors import ProjectError
from srt_core.project.store import Store
from srt_core.records import Origin

HINT = "Compute vectors on the page Score, or by `srt encode`."


@dataclass(frozen=True, slots=True)
class Near:
    """A sample near another one."""

    seq: int
    sample_id: str
    instruction: str
    """Its beginning."""
    similarity: float
    """The cosine of the two originals' vectors, from -1 to 1."""


def nearest(store: Store, sample_id: str, limit: int = 20) -> list[Near]:
    """Return the samples nearest to one, the nearest first, without itself; equal ones in the order of the project.

    What was found is kept until vectors are computed again: one look at a million of them takes its time.

    Raises:
        ProjectError: nothing was encoded, or this sample has no vector.
    """
    encoding_id = store.encoding_id()
    if not encoding_id:
        raise ProjectError("No sample has a vector yet, so none is known to be similar.", HINT)
    vectors = store.value("SELECT count(*) FROM vector WHERE encoding_id = ?", [encoding_id])
    key = "nearest", sample_id, limit, encoding_id, vectors
    return store.remember(key, lambda: _nearest(store, encoding_id, sample_id, limit))


def _nearest(store: Store, encoding_id: int, sample_id: str, limit: int) -> list[Near]:
    vector = store.value(
        f"""SELECT vector FROM vector JOIN candidate USING (candidate_id)
            WHERE encoding_id = ? AND sample_id = ? AND origin = '{Origin.ORIGINAL}'""",
        [encoding_id, sample_id],
    )
    if vector is None:
        raise ProjectError(f"Sample {sample_id} has no vector.", HINT)
    found = store.rows(
        f"""SELECT candidate_id, list_cosine_similarity(vector, $vector::FLOAT[]) AS similarity
            FROM vector WHERE encoding_id = $encoding_id AND vector IS NOT NULL
                AND candidate_id IN (SELECT candidate_id FROM candidate
                                     WHERE origin = '{Origin.ORIGINAL}' AND sample_id <> $sample_id)
            ORDER BY similarity DESC, candidate_id LIMIT $limit""",
        {"encoding_id": encoding_id, "vector": vector, "sample_id": sample_id, "limit": limit},
    )
    return store.read(
        Near,
        """SELECT seq, sample_id, left(instruction, 200) AS instruction, similarity
           FROM (SELECT unnest(?::BIGINT[]) AS candidate_id, unnest(?::DOUBLE[]) AS similarity) AS near
           JOIN candidate USING (candidate_id) JOIN sample USING (sample_id) ORDER BY similarity DESC, candidate_id""",
        [[row["candidate_id"] for row in found], [row["similarity"] for row in found]],
    )


@dataclass(frozen=True, slots=True)
class Nearest:
    """Some candidates, among which the nearest to others are found by the vectors in use."""

    store: Store
    encoding_id: int
    ids: tuple[int, ...]
    """Those that have a vector."""
    points: Any
    """float64 [ids, dimensions], of unit length."""

    @classmethod
    def among(cls, store: Store, ids: Sequence[int]) -> Self:
        """Read the vectors of candidates; those without one are left out."""
        encoding_id = store.encoding_id()
        found = _vectors(store, encoding_id, ids)
        return cls(store, encoding_id, tuple(found), np.array(list(found.values())))

    def to(self, ids: Sequence[int], most: int) -> dict[int, tuple[int, ...]]:
        """Return the nearest to each candidate, without itself, the nearest first; none for one without a vector."""
        return {
            key: tuple(near for near in nearest_of(point, self.points, self.ids, most + 1) if near != key)[:most]
            for key, point in _vectors(self.store, self.encoding_id, ids).items()
        }


def nearest_of(point: Any, points: Any, ids: Sequence[int], most: int) -> list[int]:
    """Return which of `ids` are nearest to a point, by cosines of unit vectors; equal ones in their order."""
    cosines = points @ point
    return [ids[place] for place in np.argsort(-cosines.round(9), kind="stable")[:most]]


def _vectors(store: Store, encoding_id: int, ids: Sequence[int]) -> dict[int, Any]:
    rows = store.rows(
        """SELECT candidate_id, vector FROM vector WHERE encoding_id = ? AND vector IS NOT NULL
           AND candidate_id IN (SELECT unnest(?::BIGINT[]))""",
        [encoding_id, list(ids)],
    )
    found = {row["candidate_id"]: np.array(row["vector"], dtype=float) for row in rows}
    return {key: found[key] / max(float(np.linalg.norm(found[key])), 1e-12) for key in ids if key in found}
