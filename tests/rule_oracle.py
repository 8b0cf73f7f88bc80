"""The selection rule once more in plain Python, for comparison: written from the paper's rule, not from the SQL.

A sample is a `Case`: the numbers of the candidates it has (an origin that is not in the mapping is a candidate that is
not there) and the origins whose reflection failed.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction

from srt_core.records import Acceptance, Origin, Policy, Reason, Selection


@dataclass(frozen=True)
class Numbers:
    """The scores of one candidate; None: no number."""

    ifd: float | None
    r_ifd: float | None
    loss_ratio: float | None = None


@dataclass(frozen=True)
class Case:
    """A sample as the rule sees it."""

    candidates: Mapping[Origin, Numbers]
    failed: frozenset[Origin] = field(default_factory=frozenset)
    coverage: int | None = None
    """Its coverage rank."""


RESPONSE_CHILD = {Origin.ORIGINAL: Origin.RESPONSE, Origin.INSTRUCTION: Origin.BOTH}


def select(cases: Sequence[Case], policy: Policy) -> list[Selection]:
    """Select for all cases, in their order: walk and limits one by one, then the top share of what is left, then
    the diverse share of that.
    """
    walked = [walk(case, policy) for case in cases]
    reasons = [refusal(case, winner, policy) for case, winner in zip(cases, walked, strict=True)]
    left = [place for place, reason in enumerate(reasons) if reason is None]
    if policy.top_share < 100:
        room = share_of(policy, policy.top_share, len(cases), len(left))
        ranked = sorted(left, key=lambda place: (-(rank(cases[place], walked[place], policy) or 0), place))
        for place in ranked[room:]:
            reasons[place] = Reason.BELOW_TOP_SHARE
    if policy.diverse_share < 100:
        left = [place for place, reason in enumerate(reasons) if reason is None]
        for place in left:
            if cases[place].coverage is None:
                reasons[place] = Reason.UNSCORED
        covered = sorted((place for place in left if reasons[place] is None), key=lambda at: (cases[at].coverage, at))
        for place in covered[share_of(policy, policy.diverse_share, len(cases), len(covered)) :]:
            reasons[place] = Reason.BELOW_DIVERSE_SHARE
    return [
        Selection(winner, winner if reason is None else None, reason or Reason.KEPT)
        for winner, reason in zip(walked, reasons, strict=True)
    ]


def share_of(policy: Policy, share: float, samples: int, left: int) -> int:
    """How many samples a share of all, or of those that are left, is: rounded half to even, or down."""
    exact = Fraction(str(share)) * (samples if policy.share_of == "all" else left) / 100
    return round(exact) if policy.share_rounding == "round" else int(exact)


def walk(case: Case, policy: Policy) -> Origin:
    """Walk from the original: the instruction stage, then the response stage on its winner."""
    here = after_instruction(case, policy)
    child = RESPONSE_CHILD[here]
    return child if accepts_response(case, here, child, policy) else here


def after_instruction(case: Case, policy: Policy) -> Origin:
    """The winner of the instruction stage."""
    taken = _accepts(
        policy.accept_instruction, case, Origin.INSTRUCTION, instruction_gain(case), policy.instruction_margin
    )
    return Origin.INSTRUCTION if taken else Origin.ORIGINAL


def accepts_response(case: Case, parent: Origin, child: Origin, policy: Policy) -> bool:
    """Whether the response stage takes the child."""
    gain = response_gain(case, parent, child)
    return _accepts(policy.accept_response, case, child, gain, policy.response_margin)


def _accepts(when: Acceptance, case: Case, child: Origin, gain: float | None, margin: float) -> bool:
    if child not in case.candidates or when is Acceptance.NEVER:
        return False
    return when is Acceptance.ALWAYS or (gain is not None and gain > margin)


def instruction_gain(case: Case) -> float | None:
    """How much IFD rises from the original to INSTRUCTION; None where one of them has no number."""
    if Origin.INSTRUCTION not in case.candidates:
        return None
    return _difference(case.candidates[Origin.INSTRUCTION].ifd, case.candidates[Origin.ORIGINAL].ifd)


def response_gain(case: Case, parent: Origin, child: Origin) -> float | None:
    """How much r-IFD falls from parent to child; None where one of them has no number."""
    if child not in case.candidates:
        return None
    return _difference(case.candidates[parent].r_ifd, case.candidates[child].r_ifd)


def refusal(case: Case, winner: Origin, policy: Policy) -> str | None:
    """Why a winner is left out before the top share is taken; None where nothing speaks against it.

    The paper does not order its reasons. Here they follow the walk: first what kept a reflection from being taken,
    then the limits of the winner (IFD before r-IFD, no score before the ceiling), then the score to rank by.
    """
    if policy.require_response_reflection and winner in RESPONSE_CHILD:
        return _why_not([(RESPONSE_CHILD[winner], policy.accept_response)], case, winner)
    if policy.require_reflection and winner is Origin.ORIGINAL:
        stages = [(Origin.INSTRUCTION, policy.accept_instruction), (Origin.RESPONSE, policy.accept_response)]
        return _why_not(stages, case, winner)
    return _over_limit(case, winner, policy)


def _over_limit(case: Case, winner: Origin, policy: Policy) -> str | None:
    scores = case.candidates[winner]
    limits = [
        (scores.ifd, policy.limit("max_ifd"), "ifd_ceiling"),
        (scores.r_ifd, policy.limit("max_r_ifd"), "r_ifd_ceiling"),
    ]
    for score, ceiling, reason in limits:
        if ceiling is not None and score is None:
            return Reason.UNSCORED
        if ceiling is not None and score is not None and score >= ceiling:
            return reason
    return Reason.UNSCORED if policy.top_share < 100 and rank(case, winner, policy) is None else None


def _why_not(stages: Sequence[tuple[Origin, Acceptance]], case: Case, winner: Origin) -> Reason:
    """Why none of the children was taken over the winner: of several reasons the one that stands first here."""
    found = {_why_not_one(child, when, case, winner) for child, when in stages}
    order = (Reason.UNSCORED, Reason.NOT_IMPROVED, Reason.REFLECTION_FAILED, Reason.NOT_REFLECTED)
    return next(reason for reason in order if reason in found)


def _why_not_one(child: Origin, when: Acceptance, case: Case, winner: Origin) -> Reason:
    if child not in case.candidates:
        return Reason.REFLECTION_FAILED if child in case.failed else Reason.NOT_REFLECTED
    gain = instruction_gain(case) if child is Origin.INSTRUCTION else response_gain(case, winner, child)
    return Reason.UNSCORED if when is Acceptance.IMPROVED and gain is None else Reason.NOT_IMPROVED


def rank(case: Case, winner: Origin, policy: Policy) -> float | None:
    """The score of the winner by which a top share is taken."""
    scores = case.candidates[winner]
    return scores.ifd if policy.rank_by == "ifd" else scores.loss_ratio


def closeness(case: Case, policy: Policy) -> float | None:
    """The smallest change of one limit that gives the sample another candidate, or none; None where none does.

    By trying: each limit is put just beyond the number that it is held against. Of policies without a top share.
    """
    (now,) = select([case], policy)
    distances = []
    for name, distance in distances_of(case, policy):
        for past in (distance + 1e-9, -distance - 1e-9):
            (then,) = select([case], moved(policy, name, past))
            if then.origin != now.origin:
                distances.append(distance)
    return min(distances, default=None)


def distances_of(case: Case, policy: Policy) -> Iterator[tuple[str, float]]:
    """How far each limit is from the number that it is held against."""
    winner = case.candidates[walk(case, policy)]
    here = after_instruction(case, policy)
    held = {
        "instruction_margin": _difference(instruction_gain(case), policy.instruction_margin),
        "response_margin": _difference(response_gain(case, here, RESPONSE_CHILD[here]), policy.response_margin),
        "max_ifd": _difference(winner.ifd, policy.limit("max_ifd")),
        "max_r_ifd": _difference(winner.r_ifd, policy.limit("max_r_ifd")),
    }
    yield from ((name, abs(distance)) for name, distance in held.items() if distance is not None)


def moved(policy: Policy, limit: str, by: float) -> Policy:
    """The policy with one limit moved; whatever it comes to."""
    if limit.endswith("margin"):
        return replace(policy, **{limit: getattr(policy, limit) + by})
    return policy.limited(**{limit: (policy.limit(limit) or 0.0) + by})


def _difference(left: float | None, right: float | None) -> float | None:
    return None if left is None or right is None else left - right
