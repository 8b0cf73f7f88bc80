"""The nouns of the product, frozen: a pair, its candidates, their scores, a policy, a selection, a decision."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Origin(StrEnum):
    """Where a candidate comes from; also its place in every list, key and chart."""

    ORIGINAL = "ORIGINAL"
    RESPONSE = "RESPONSE"
    INSTRUCTION = "INSTRUCTION"
    BOTH = "BOTH"


class Stage(StrEnum):
    """What a reflection rewrites: instruction (new x and new y) or response (new y, same x)."""

    INSTRUCTION = "instruction"
    RESPONSE = "response"


@dataclass(frozen=True, slots=True)
class Derivation:
    """How a reflected candidate is made: from which parent, by which stage."""

    parent: Origin
    stage: Stage


DERIVATIONS: Mapping[Origin, Derivation] = {
    Origin.INSTRUCTION: Derivation(Origin.ORIGINAL, Stage.INSTRUCTION),
    Origin.RESPONSE: Derivation(Origin.ORIGINAL, Stage.RESPONSE),
    Origin.BOTH: Derivation(Origin.INSTRUCTION, Stage.RESPONSE),
}
"""The graph of candidates (paper, section 3): ORIGINAL has no derivation."""


@dataclass(frozen=True, slots=True)
class Pair:
    """An instruction x, its optional input ("" for none) and a response y."""

    instruction: str
    response: str
    input: str = ""


@dataclass(frozen=True, slots=True)
class Candidate:
    """One version of a sample's pair. `producer` names what made it: an import or a teacher."""

    candidate_id: int
    sample_id: str
    origin: Origin
    pair: Pair
    producer: str


class LossStatus(StrEnum):
    """Why a loss is what it is. Only OK and TRUNCATED carry a number."""

    OK = "ok"
    TRUNCATED = "truncated"
    """Max length cut the target; the loss runs over the kept tokens."""
    NO_TARGET = "no_target"
    """No target token is left to score: an empty text, or a context that fills max length."""
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


@dataclass(frozen=True, slots=True)
class CandidateLosses:
    """The four losses of a candidate (METHOD, section 3): L(y), L(y|x), L(x), L(x|y')."""

    y: Loss
    y_given_x: Loss
    x: Loss
    x_given_y: Loss


@dataclass(frozen=True, slots=True)
class Score:
    """What the student says of a candidate, derived from its four losses.

    ifd = exp(L(y|x) - L(y)); r_ifd = exp(L(x|y') - L(x)); loss_ratio = L(y|x) / L(y) (Cherry's IFD, never
    compared with the first). Each is None when a loss it needs has no number.
    """

    losses: CandidateLosses
    ifd: float | None
    r_ifd: float | None
    loss_ratio: float | None
    status: LossStatus


class Acceptance(StrEnum):
    """When a stage's reflection is accepted over its parent."""

    IMPROVED = "improved"
    """When the measure of what it rewrote improves by more than the margin (the paper)."""
    ALWAYS = "always"
    """Whenever it is there (Reflection-Tuning V1)."""
    NEVER = "never"
    """Never: originals only (Cherry, Superfiltering)."""


class RankBy(StrEnum):
    """The score by which a top share is taken."""

    IFD = "ifd"
    LOSS_RATIO = "loss_ratio"


@dataclass(frozen=True, slots=True)
class Policy:
    """The thresholds and options of the selection rule (METHOD, section 2). Ceilings of None are off.

    `top_share` is a percentage of the samples left by everything else, rounded down; 100 keeps all.
    """

    name: str = "selective-code"
    accept_instruction: Acceptance = Acceptance.IMPROVED
    accept_response: Acceptance = Acceptance.IMPROVED
    instruction_margin: float = 0.0
    response_margin: float = 0.0
    max_ifd: float | None = 1.0
    max_r_ifd: float | None = 1.0
    require_response_reflection: bool = True
    require_reflection: bool = False
    top_share: float = 100.0
    rank_by: RankBy = RankBy.IFD
    producer: str = ""
    """Whose rewrites may be taken. "": of each origin the earliest there is. A name: that producer's own, else one that
    came with a file, and never another teacher's. BOTH goes with the INSTRUCTION that it was made of."""


class Reason(StrEnum):
    """Why a selection is what it is, one for every sample. KEPT goes with a candidate, all others with nothing."""

    KEPT = "kept"
    UNSCORED = "unscored"
    NOT_REFLECTED = "not_reflected"
    REFLECTION_FAILED = "reflection_failed"
    NOT_IMPROVED = "not_improved"
    IFD_CEILING = "ifd_ceiling"
    R_IFD_CEILING = "r_ifd_ceiling"
    BELOW_TOP_SHARE = "below_top_share"


@dataclass(frozen=True, slots=True)
class Selection:
    """What the rule says of a sample: the candidate that won the walk, and the one kept (None: left out)."""

    winner: Origin
    origin: Origin | None
    reason: Reason


class Action(StrEnum):
    """What a human did with a sample."""

    APPROVE = "approve"
    CHOOSE = "choose"
    EDIT = "edit"
    REJECT = "reject"
    PARK = "park"


@dataclass(frozen=True, slots=True)
class Decision:
    """One human decision. APPROVE, CHOOSE and EDIT carry an origin; EDIT also the edited pair.

    `candidate_id` is the very text it is for; None leaves it to the candidate that the applied policy may take.
    """

    sample_id: str
    action: Action
    by: str
    origin: Origin | None = None
    edited: Pair | None = None
    context: Mapping[str, str] = field(default_factory=dict)
    candidate_id: int | None = None
