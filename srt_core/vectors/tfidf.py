"""Hashed TF-IDF, reduced to 64 latent dimensions, seeded: vectors of texts by the words they share, without any model.

Words in more than one text of twenty say nothing about a subject and are ignored, whatever the language.
"""

import hashlib
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

_FEATURES = 2**14
_DIMENSIONS = 64
_COMMON_SHARE = 0.05
_COMMON_LEAST = 50
_SEED = 0
_SHARED_WORDS = 3
_WORD_CHARACTERS = 24
_TOKEN = r"(?u)\b[^\W\d_]{3,}\b"


@dataclass(frozen=True, slots=True)
class Tfidf:
    """A fitted model: the weight of each hashed word, and the latent directions."""

    weights: Any
    """float64 [16,384]: inverse document frequency; 0 for words in too many texts."""
    directions: Any
    """float64 [dimensions, 16,384]."""

    @property
    def dimensions(self) -> int:
        """The length of its vectors: 64, or the number of texts it was fitted on where that is less."""
        return len(self.directions)

    @property
    def fingerprint(self) -> str:
        """A hash of all that its vectors depend on besides the text."""
        return hashlib.sha256(self.weights.tobytes() + self.directions.tobytes()).hexdigest()[:32]

    def encode(self, texts: Sequence[str]) -> Any:
        """Return each text as a unit vector, float64 [texts, dimensions]; zeros for a text without words that count."""
        return _project(_counted(texts), self)

    def to_bytes(self) -> bytes:
        """Return the model as `from_bytes` reads it."""
        held = io.BytesIO()
        np.savez_compressed(held, weights=self.weights, directions=self.directions)
        return held.getvalue()

    @classmethod
    def from_bytes(cls, held: bytes) -> "Tfidf":
        """Return a model that `to_bytes` wrote."""
        with np.load(io.BytesIO(held), allow_pickle=False) as arrays:
            return cls(arrays["weights"], arrays["directions"])


def fit_tfidf(texts: Sequence[str]) -> Tfidf:
    """Return the model of these texts (at least one); equal for equal texts in equal order."""
    from sklearn.utils.extmath import randomized_svd

    counts = _counted(texts)
    weights = _weigh(counts)
    _, _, directions = randomized_svd(_weighted(counts, weights), min(_DIMENSIONS, len(texts)), random_state=_SEED)
    return Tfidf(weights, directions)


@dataclass(frozen=True, slots=True)
class Alike:
    """A text that is like another: its place in the list, a cosine (0 to 1), and the shared words that count most."""

    place: int
    cosine: float
    words: tuple[str, ...]


def most_alike(text: str, others: Sequence[str], most: int) -> list[Alike]:
    """Return the `most` of `others` that are most like a text by their words, weighted over them all."""
    counts = _counted([text, *others])
    weights = _weigh(counts)
    weighted = _weighted(counts, weights)
    cosines = (weighted[1:] @ weighted[0].T).toarray().ravel()
    split = word_splitter()
    words = sorted(set(split(text)))
    of_words = _counted(words) @ weights if words else []
    telling = [word for weight, word in sorted(zip(of_words, words, strict=True), reverse=True) if weight > 0]

    def alike(place: int) -> Alike:
        held = set(split(others[place]))
        shared = [word[:_WORD_CHARACTERS] for word in telling if word in held]
        return Alike(place, float(cosines[place]), tuple(shared[:_SHARED_WORDS]))

    return [alike(int(place)) for place in np.argsort(-cosines, kind="stable")[:most]]


def word_splitter() -> Callable[[str], list[str]]:
    """Return the function that splits a text into the words that count, without English stop words."""
    from sklearn.feature_extraction.text import HashingVectorizer

    split: Callable[[str], list[str]] = HashingVectorizer(token_pattern=_TOKEN, stop_words="english").build_analyzer()
    return split


def _project(counts: Any, model: Tfidf) -> Any:
    """Return hashed word counts as unit vectors, float64 [texts, dimensions]."""
    points = _weighted(counts, model.weights) @ model.directions.T
    return points / np.maximum(np.linalg.norm(points, axis=1, keepdims=True), 1e-12)


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
