"""Withdrawal of pairs that a student was trained on (EUL, arXiv 2310.20150): the numbers of it.

The student stays frozen. A small adapter behind its MLPs is trained to answer like the student on what is kept, and
unlike it on what is withdrawn: in nats a token, with F the student and F_a the student with the adapter,

    alpha * KL(F, F_a on kept) - KL(F, F_a on forgotten) + weight * loss(kept) - gamma * loss(forgotten)

Neither of the terms that are taken away has a floor, so both are capped: the aim is a student as if it had never been
trained on these pairs, and not one as bad at them as can be. The adapter comes off, so nothing is erased by it.

Several adapters, or layers, become one by the Gram matrices of their inputs alone: (sum G_i)^-1 sum G_i W_i.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from srt_core.methods.method import Method

METHOD = Method(
    name="unlearning",
    label="Withdrawal (EUL)",
    paper="arXiv 2310.20150",
    summary="Take pairs out of use that must not be used any more: retract them, then have an adapter make a trained "
    "student answer as if it had not read them. Nothing is erased; you say whether the figures suffice.",
    teacher=(),
    needs_student=False,
    policies=(),
    dials=(),
    needs=("samples that were retracted (srt retract)", "a student that was trained on them (srt train)",
           "the extra train"),
    commands=("retract", "unlearn"),
    place=90,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Weights:
    """The weights of the parts of the loss, as in the paper, and the cap, which is ours."""

    alpha: float = 0.8
    """Of the divergence on kept pairs."""
    kept: float = 1.0
    """Of the loss of kept pairs."""
    gamma: float = 0.2
    """Of the loss of forgotten pairs."""
    cap: float | None = 2.0
    """Nats a token from which on a forgotten pair is driven no further; None: never."""


def divergence(frozen: Sequence[float], adapted: Sequence[float]) -> float:
    """Return KL(F, F_a) of two distributions over the same tokens, in nats; infinity where F_a has 0 and F has not."""
    return sum(
        p * (math.log(p) - math.log(q)) if q else math.inf
        for p, q in zip(frozen, adapted, strict=True) if p
    )  # fmt: skip


def capped(value: Any, cap: Any) -> Any:
    """Return the smaller of a number and its cap (None: itself), of floats or tensors, so that it has a gradient."""
    return value if cap is None else (value + cap - abs(value - cap)) / 2


def withdrawal_loss(
    kept_divergence: Any, forgotten_divergence: Any, kept_loss: Any, forgotten_loss: Any, frozen_loss: Any,
    weights: Weights,
) -> Any:  # fmt: skip
    """Return the loss of one kept and one forgotten pair, or of tensors with one each, in nats a token.

    `frozen_loss` is the student's own loss of the forgotten pair, above which the cap counts.
    """
    cap = weights.cap
    above = None if cap is None else frozen_loss + cap
    near = weights.alpha * kept_divergence - capped(forgotten_divergence, cap)
    return near + weights.kept * kept_loss - weights.gamma * capped(forgotten_loss, above)


def gram(inputs: Any) -> Any:
    """Return X'X of the inputs of a layer, float64 [features, features]: all that fusion needs to know of them."""
    import numpy as np

    rows = np.asarray(inputs, dtype=np.float64)
    return rows.T @ rows


def fuse(grams: Sequence[Any], weights: Sequence[Any], ridge: float = 0.0) -> Any:
    """Return the weights that come nearest to each layer's outputs on its own inputs, float64 [features, outputs].

    ValueError where the Gram matrices have together less than full rank and no ridge is added: fewer rows than
    features, or features that depend on each other.
    """
    import numpy as np

    whole: Any = sum(np.asarray(each, dtype=np.float64) for each in grams)
    right: Any = sum(np.asarray(g, dtype=np.float64) @ np.asarray(w, dtype=np.float64)
                for g, w in zip(grams, weights, strict=True))  # fmt: skip
    whole = whole + ridge * np.eye(len(whole))
    if np.linalg.matrix_rank(whole) < len(whole):
        raise ValueError("The Gram matrices are singular: add a ridge, such as 0.001.")
    return np.linalg.solve(whole, right)
