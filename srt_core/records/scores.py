"""Losses and the scores made of them."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal


class LossStatus(StrEnum):
    """Why a loss is what it is. Only OK and TRUNCATED carry a number."""

    OK = "ok"
    TRUNCATED = "truncated"
    """Max length cut the target; the loss runs over the kept tokens."""
    NO_TARGET = "no_target"
    """No target token is left to score: an empty text, or a prompt that fills max length."""
    CONTEXT_TOO_LONG = "context_too_long"
    """System text and earlier turns leave no room for a target; they are never cut."""
    NOT_CARRIED = "context_not_carried"
    """The template's prompt does not hold the system text, the earlier turns or all of the instruction."""
    NON_FINITE = "non_finite"
    """The student gave NaN or infinity."""
    OUT_OF_MEMORY = "out_of_memory"
    """The request did not fit in memory, even alone."""

    @property
    def has_number(self) -> bool:
        """Whether a loss with this status carries a number."""
        return self in (LossStatus.OK, LossStatus.TRUNCATED)


@dataclass(frozen=True, slots=True)
class Loss:
    """Mean negative log-likelihood of a target, in nats per token, and the number of tokens it runs over.

    `mean` is None exactly when `status.has_number` is false.
    """

    mean: float | None
    tokens: int
    status: LossStatus


@dataclass(frozen=True, slots=True)
class LossRequest:
    """Ask for the mean -log p (nats) over `ids[start:]`, each token given all before it; start >= 1."""

    ids: tuple[int, ...]
    start: int
    status: LossStatus
    """The status of the loss if it gets a number: OK, or TRUNCATED where max length cut the target."""
    before: int = field(default=0, compare=False)
    """How many of the ids are of the context of a pair: where packs are cut, requests that share them stay together."""


@dataclass(frozen=True, slots=True)
class AddedLoss:
    """One more loss that a method asks scoring for, and the measure made of it: a direct loss after a text.

    The measure is the conditioned loss of the same target, L(y|x) or L(x|y'), against this one.

    Attributes:
        name: what the loss is called where its numbers stand.
        target: the text whose loss it is.
        after: the name of the template's text that stands before the target, in place of the start token alone.
        measure: the measure, of source SCORING, that the method brings for it.
        ratio: of the two losses, or of their perplexities.
    """

    name: str
    target: Literal["response", "instruction"]
    after: str
    measure: str
    ratio: Literal["losses", "perplexities"]


@dataclass(frozen=True, slots=True)
class CandidateLosses:
    """The four losses of a candidate (METHOD, section 3): L(y), L(y|x), L(x), L(x|y'); and those that methods add."""

    y: Loss
    y_given_x: Loss
    x: Loss
    x_given_y: Loss
    added: tuple[Loss, ...] = field(default=(), kw_only=True)


@dataclass(frozen=True, slots=True)
class AddedScore:
    """The measure that is made of an added loss, with the worst status of its two losses."""

    value: float | None
    status: LossStatus


@dataclass(frozen=True, slots=True)
class Score:
    """What the student says of a candidate, derived from its losses.

    ifd = exp(L(y|x) - L(y)); r_ifd = exp(L(x|y') - L(x)); loss_ratio = L(y|x) / L(y); `added`: one for each loss that
    was added. No two of them are compared. Each is None when a loss it needs has no number.
    """

    losses: CandidateLosses
    ifd: float | None
    r_ifd: float | None
    loss_ratio: float | None
    status: LossStatus
    added: tuple[AddedScore, ...] = ()
