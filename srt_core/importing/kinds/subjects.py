"""Group texts by subject: hashed TF-IDF in latent dimensions, then k-means, all seeded.

The model is fitted on a part of the texts and then assigns any number of them in chunks, so memory does not grow with
the set.
"""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from srt_core.vectors.clusters import Clusters, cluster
from srt_core.vectors.tfidf import Tfidf, fit_tfidf, word_splitter

LARGEST = 40
"""The largest number of groups, so that a curator can read through all of them."""
_LABEL_WORDS = 3
_WORD_CHARACTERS = 24
_LABEL_SHARE = 0.02


@dataclass(frozen=True, slots=True)
class Subjects:
    """A fitted model that assigns texts to groups, with the words that characterise each group."""

    words: tuple[str, ...]
    """For each group, in order: up to three words of its texts, separated by commas."""
    _tfidf: Tfidf
    _clusters: Clusters

    def assign(self, texts: Sequence[str]) -> list[int]:
        """Return the group of each text."""
        return [int(group) for group in self._clusters.assign(self._tfidf.encode(texts))]


def group_count(samples: int) -> int:
    """Return the number of groups for a number of samples: sqrt(samples / 2), at most LARGEST."""
    return max(1, min(LARGEST, round(math.sqrt(samples / 2))))


def fit(texts: Sequence[str], samples: int) -> Subjects:
    """Return the groups of `texts` (at least one), which were drawn from this number of samples."""
    tfidf = fit_tfidf(texts)
    points = tfidf.encode(texts)
    clusters = cluster(points, group_count(samples))
    groups = [int(group) for group in clusters.assign(points)]
    return Subjects(_label(texts, groups, clusters.sizes), tfidf, clusters)


def _label(texts: Sequence[str], groups: Sequence[int], sizes: Sequence[int]) -> tuple[str, ...]:
    """Return for each group the words that are frequent in it and rare elsewhere."""
    split = word_splitter()
    within: list[Counter[str]] = [Counter() for _ in sizes]
    for text, group in zip(texts, groups, strict=True):
        within[group].update({word[:_WORD_CHARACTERS] for word in split(text)})
    whole: Counter[str] = Counter()
    for counted in within:
        whole.update(counted)
    return tuple(_apart(counted, size, whole, len(texts)) for counted, size in zip(within, sizes, strict=True))


def _apart(counted: Counter[str], size: int, whole: Counter[str], texts: int) -> str:
    least = max(1.0, _LABEL_SHARE * size)
    weights = {
        word: count / size * math.log(count / size * texts / whole[word])
        for word, count in counted.items()
        if count >= least
    }
    best = sorted(weights, key=lambda word: (-weights[word], word))[:_LABEL_WORDS]
    return ", ".join(best)
