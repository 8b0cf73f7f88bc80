"""Group texts by subject: hashed TF-IDF, reduced to 64 latent dimensions, then mini-batch k-means, all seeded.

The model is fitted on a part of the texts and then assigns any number of them in chunks, so memory does not grow with
the set. Words in more than one text of twenty say nothing about a subject and are ignored, whatever the language.
"""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

LARGEST = 40
"""The largest number of groups, so that a curator can read through all of them."""
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
    """A fitted model that assigns texts to groups, with the words that characterise each group."""

    words: tuple[str, ...]
    """For each group, in order: up to three words of its texts, separated by commas."""
    _weights: Any
    _directions: Any
    _centres: Any

    def assign(self, texts: Sequence[str]) -> list[int]:
        """Return the group of each text."""
        points = _project(_counted(texts), self._weights, self._directions)
        return [int(group) for group in np.argmax(points @ self._centres.T, axis=1)]


def group_count(samples: int) -> int:
    """Return the number of groups for a number of samples: sqrt(samples / 2), at most LARGEST."""
    return max(1, min(LARGEST, round(math.sqrt(samples / 2))))


def fit(texts: Sequence[str], samples: int) -> Subjects:
    """Return the groups of `texts` (at least one), which were drawn from this number of samples."""
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


@dataclass(frozen=True, slots=True)
class Near:
    """A text that is like another: its place in the list, a cosine (0 to 1), and the shared words that count most."""

    place: int
    cosine: float
    words: tuple[str, ...]


def nearest(text: str, others: Sequence[str], most: int) -> list[Near]:
    """Return the `most` of `others` that are most like a text by their words, weighted as groups are over them all."""
    from sklearn.feature_extraction.text import HashingVectorizer

    counts = _counted([text, *others])
    weights = _weigh(counts)
    weighted = _weighted(counts, weights)
    cosines = (weighted[1:] @ weighted[0].T).toarray().ravel()
    split = HashingVectorizer(token_pattern=_TOKEN, stop_words="english").build_analyzer()
    words = sorted(set(split(text)))
    of_words = _counted(words) @ weights if words else []
    telling = [word for weight, word in sorted(zip(of_words, words, strict=True), reverse=True) if weight > 0]

    def near(place: int) -> Near:
        held = set(split(others[place]))
        shared = [word[:_WORD_CHARACTERS] for word in telling if word in held]
        return Near(place, float(cosines[place]), tuple(shared[:_LABEL_WORDS]))

    return [near(int(place)) for place in np.argsort(-cosines, kind="stable")[:most]]


def _counted(texts: Sequence[str]) -> Any:
    """Return the hashed word counts of each text as 1 + log(count): texts x 16,384, sparse."""
    from sklearn.feature_extraction.text import HashingVectorizer

    hashing = HashingVectorizer(n_features=_FEATURES, alternate_sign=False, norm=None, token_pattern=_TOKEN)
    counts = hashing.transform(texts)
    counts.data = 1 + np.log(counts.data)
    return counts


def _weigh(counts: Any) -> Any:
    """Return the inverse document frequency of each hash; 0 for those in too many texts."""
    texts = counts.shape[0]
    having = np.bincount(counts.indices, minlength=_FEATURES)
    weights = np.log((1 + texts) / (1 + having)) + 1
    weights[having > max(_COMMON_SHARE * texts, _COMMON_LEAST)] = 0
    return weights


def _weighted(counts: Any, weights: Any) -> Any:
    from sklearn.preprocessing import normalize

    return normalize(counts.multiply(weights).tocsr())


def _project(counts: Any, weights: Any, directions: Any) -> Any:
    """Return each text as a unit vector: texts x dimensions; 0 for a text without words that count."""
    points = _weighted(counts, weights) @ directions.T
    return points / np.maximum(np.linalg.norm(points, axis=1, keepdims=True), 1e-12)


def _label(texts: Sequence[str], groups: Any, number: int) -> tuple[str, ...]:
    """Return for each group the words that are frequent in it and rare elsewhere."""
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
    weights = {
        word: count / size * math.log(count / size * texts / whole[word])
        for word, count in counted.items()
        if count >= least
    }
    best = sorted(weights, key=lambda word: (-weights[word], word))[:_LABEL_WORDS]
    return ", ".join(best)
