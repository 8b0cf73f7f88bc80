"""Logistic regression on a few labels: the probability of a label from a vector of numbers."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

_STRENGTH = 1.0
"""The inverse of the penalty on standardised features, scikit-learn's C."""
_LEAST_SPREAD = 1e-6
"""The least deviation of a feature, as a share of the largest: below it a feature is constant but for rounding."""


@dataclass(frozen=True, slots=True)
class Logistic:
    """A fitted model: p = 1 / (1 + exp(-(intercept + weights · x))), in the features' own units."""

    intercept: float
    weights: tuple[float, ...]

    @property
    def fingerprint(self) -> str:
        """A hash of its numbers."""
        return hashlib.sha256(np.array([self.intercept, *self.weights]).tobytes()).hexdigest()[:32]

    def predict(self, features: Any) -> Any:
        """Return the probability of label 1 of each row of float64 [rows, features]."""
        return 1 / (1 + np.exp(-(self.intercept + np.asarray(features) @ np.array(self.weights))))


def fit_logistic(features: Any, labels: Sequence[int]) -> Logistic:
    """Fit on float64 [rows, features] with labels 0 and 1, both of them there; a constant feature has weight 0."""
    from sklearn.linear_model import LogisticRegression

    points = np.asarray(features, dtype=float)
    middle, spread = points.mean(axis=0), points.std(axis=0)
    varies = spread > _LEAST_SPREAD * spread.max()
    scale = np.where(varies, 1 / np.where(varies, spread, 1), 0)
    model = LogisticRegression(C=_STRENGTH, max_iter=1_000).fit((points - middle) * scale, labels)
    weights = model.coef_[0] * scale
    return Logistic(float(model.intercept_[0] - weights @ middle), tuple(float(each) for each in weights))
