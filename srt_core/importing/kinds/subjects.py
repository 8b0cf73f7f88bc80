"""Group texts by subject: hashed TF-IDF, 64 latent dimensions of it, and k-means in mini-batches, all seeded.

It is fitted on a share of the texts and then assigns any number of them in chunks, so memory does not grow with the
set. Words of more than every twentieth text say nothing of a subject and do not count, in whatever language.
"""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

LARGEST = 40
"""Groups at most: a curator reads through them all."""
_FEATURES = 2**14
_DIMENSIONS = 64
_COMMON_SHARE = 0.05
_COMMON_LEAST = 50
_LABEL_WORDS = 3
_WORD_CHARACTERS = 24
_LABEL_SHARE = 0.02
_SEED = 0
_TOKEN = r"(?u)\b[^\W\d_]{3,}\b"


@dataclass(frozen=True, slots=True)
class Subjects:
    """Groups of texts: what assigns a text to one of them, and the words that set each apart."""

    words: tuple[str, ...]
    """Of each group, in its order: up to three words, by commas. They come from the texts."""
    _weights: Any
    _directions: Any
    _centres: Any

    def assign(self, texts: Sequence[str]) -> list[int]:
        """Return the group of each text."""
        points = _project(_counted(texts), self._weights, self._directions)
        return [int(group) for group in np.argmax(points @ self._centres.T, axis=1)]


def group_count(samples: int) -> int:
    """Return the number of groups for so many samples: the root of their half, at most LARGEST."""
    return max(1, min(LARGEST, round(math.sqrt(samples / 2))))


def fit(texts: Sequence[str], samples: int) -> Subjects:
    """Find the groups of `texts` (at least one), which were drawn from so many samples."""
    from sklearn.cluster import MiniBatchKMeans
    from sklearn.utils.extmath import randomized_svd

    counts = _counted(texts)
    weights = _weigh(counts)
    weighted = _weighted(counts, weights)
    dimensions = min(_DIMENSIONS, len(texts))
    _, _, directions = randomized_svd(weighted, dimensions, random_state=_SEED)
    points = _project(counts, weights, directions)
    groups = min(group_count(samples), len(np.unique(points.round(6), axis=0)))
    model = MiniBatchKMeans(groups, random_state=_SEED, batch_size=4096, n_init=3).fit(points)
    centres = model.cluster_centers_
    centres = centres / np.maximum(np.linalg.norm(centres, axis=1, keepdims=True), 1e-12)
    found = np.argmax(points @ centres.T, axis=1)
    order = np.argsort(-np.bincount(found, minlength=groups), kind="stable")  # the largest group is number 0
    place = np.argsort(order)
    return Subjects(_label(texts, place[found], groups), weights, directions, centres[order])


def _counted(texts: Sequence[str]) -> Any:
    """Count the words of each text under their hashes: texts x 16,384, sparse, 1 + log of the count."""
    from sklearn.feature_extraction.text import HashingVectorizer

    hashing = HashingVectorizer(n_features=_FEATURES, alternate_sign=False, norm=None, token_pattern=_TOKEN)
    counts = hashing.transform(texts)
    counts.data = 1 + np.log(counts.data)
    return counts


def _weigh(counts: Any) -> Any:
    """Weigh each hash by how few texts have it; 0 where too many have."""
    texts = counts.shape[0]
    having = np.bincount(counts.indices, minlength=_FEATURES)
    weights = np.log((1 + texts) / (1 + having)) + 1
    weights[having > max(_COMMON_SHARE * texts, _COMMON_LEAST)] = 0
    return weights


def _weighted(counts: Any, weights: Any) -> Any:
    from sklearn.preprocessing import normalize

    return normalize(counts.multiply(weights).tocsr())


def _project(counts: Any, weights: Any, directions: Any) -> Any:
    """Return each text's place on the unit sphere: texts x dimensions; 0 for one without words that count."""
    points = _weighted(counts, weights) @ directions.T
    return points / np.maximum(np.linalg.norm(points, axis=1, keepdims=True), 1e-12)


def _label(texts: Sequence[str], groups: Any, number: int) -> tuple[str, ...]:
    """Find the words that are frequent in a group and rare elsewhere."""
    from sklearn.feature_extraction.text import HashingVectorizer

    split = HashingVectorizer(token_pattern=_TOKEN, stop_words="english").build_analyzer()
    within: list[Counter[str]] = [Counter() for _ in range(number)]
    sizes = np.bincount(groups, minlength=number)
    for text, group in zip(texts, groups, strict=True):
        within[group].update({word[:_WORD_CHARACTERS] for word in split(text)})
    whole: Counter[str] = Counter()
    for counted in within:
        whole.update(counted)
    return tuple(_apart(counted, int(size), whole, len(texts)) for counted, size in zip(within, sizes, strict=True))


def _apart(counted: Counter[str], size: int, whole: Counter[str], texts: int) -> str:
    least = max(1.0, _LABEL_SHARE * size)
    told = {
        word: count / size * math.log(count / size * texts / whole[word])
        for word, count in counted.items()
        if count >= least
    }
    best = sorted(told, key=lambda word: (-told[word], word))[:_LABEL_WORDS]
    return ", ".join(best)
