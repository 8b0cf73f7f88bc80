"""Star-Agents (arXiv 2411.14497): several teachers write, people's choices say which of them is drawn more often.

    draw       M of the teachers for each sample, by p, without drawing one twice
    dual       how much harder a version is for the small student than for the large one, beside its sample's hardest
    reward     what people said (1 chosen, 0.5 as fine as another, 0 another was chosen) times dual
    update     p of the teacher + beta * reward, then all divided by their sum, then p = e + (1 - K e) p

The paper's dual divides by the largest gap whatever its sign, so that where all are negative the worst wins; here a gap
below 0 counts as 0. Its p can reach 0, from which none returns; the floor e keeps every teacher in the draw. In the
paper a pair of writers, of the instruction and of the response, is drawn; here a teacher with its prompts, which does
both. Which of the drawn ones is updated, and whether pairs alike are looked up, is not known of it: both are settings.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from srt_core.methods.method import Method
from srt_core.records import Acceptance, Policy, Stage

BEST_BY_REWARD = "best by reward"
"""The order of producers that a policy may name: of the teachers that wrote a version, the one of highest p."""

METHOD = Method(
    name="star_agents",
    label="Star-Agents",
    paper="arXiv 2411.14497",
    summary="Several teachers, some drawn for each sample; what people choose says which are drawn more, and whose "
    "version is taken.",
    teacher=(Stage.INSTRUCTION, Stage.RESPONSE),
    needs_student=True,
    policies=(
        Policy(name="best-by-reward", method="star_agents", producer=BEST_BY_REWARD),
        Policy(
            name="best-by-reward-unscored",
            method="star_agents",
            producer=BEST_BY_REWARD,
            accept_instruction=Acceptance.NEVER,
            accept_response=Acceptance.ALWAYS,
            limits=(),
        ),
    ),
    dials=("producer", "accept_instruction", "accept_response", "max_ifd", "max_r_ifd", "require_response_reflection"),
    place=5,
)


def duals(gaps: Sequence[float | None]) -> list[float | None]:
    """Return each gap of a sample's versions as a share of the largest: 0 where it, or all of them, are not above 0.

    A gap is IFD under the small student minus IFD under the large one; None where one of them is not defined.
    """
    largest = max((gap for gap in gaps if gap is not None), default=0.0)
    if largest <= 0.0:
        return [None if gap is None else 0.0 for gap in gaps]
    return [None if gap is None else max(gap, 0.0) / largest for gap in gaps]


def updated(p: Sequence[float], arm: int, reward: float, beta: float, floor: float = 0.0) -> list[float]:
    """Return the probabilities after a reward of one arm, by its place. ValueError for a reward below 0."""
    if reward < 0:
        raise ValueError("a reward below 0 would make a probability negative")
    raised = [each + beta * reward * (place == arm) for place, each in enumerate(p)]
    total = sum(raised)
    return [floor + (1 - len(p) * floor) * each / total for each in raised]


def joined(p: Sequence[float], more: int) -> list[float]:
    """Return the probabilities once `more` arms came in: each of these has its equal share, the others what is left."""
    number = len(p) + more
    return [each * len(p) / number for each in p] + [1 / number] * more


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the log of arms: a reward, arms that came in (`joins`), or the correction of an earlier step."""

    step: int
    arm: int = 0
    reward: float = 0.0
    beta: float = 0.0
    floor: float = 0.0
    joins: int = 0
    corrects: int | None = None


def replayed(steps: Sequence[Step]) -> list[float]:
    """Return the probabilities after all steps, those that were corrected left out."""
    corrected = {each.corrects for each in steps}
    p: list[float] = []
    for each in steps:
        if each.joins:
            p = joined(p, each.joins)
        elif each.corrects is None and each.step not in corrected:
            p = updated(p, each.arm, each.reward, each.beta, each.floor)
    return p


def draw(p: Mapping[str, float], number: int, chance: random.Random) -> list[str]:
    """Draw arms by their probabilities, none twice; all of them where there are no more."""
    left, drawn = dict(p), list[str]()
    while left and len(drawn) < number:
        name = chance.choices(list(left), list(left.values()))[0] if sum(left.values()) > 0 else min(left)
        drawn.append(name)
        del left[name]
    return drawn


def split_by_memory(p: Mapping[str, float], near: Sequence[str]) -> tuple[dict[str, float], dict[str, float]]:
    """Return p among the arms that won near by, and among the rest, each with the sum 1; {} where it has none."""
    return _of_sum_1({name: each for name, each in p.items() if name in near}), _of_sum_1(
        {name: each for name, each in p.items() if name not in near}
    )


def _of_sum_1(p: dict[str, float]) -> dict[str, float]:
    total = sum(p.values())
    return {name: each / total for name, each in p.items()}


def judged(best: str | None, fit: Sequence[str], arms: Sequence[str]) -> dict[str, float]:
    """Return what a person said of each arm: 1 chosen, 0.5 as fine as another's version, 0 another was chosen.

    `best` wrote the version that was chosen and `fit` those that are fine; a name that is no arm (the original) counts
    as another.
    """
    among = [best] if best is not None else list(dict.fromkeys(fit))
    return {arm: (1.0 if len(among) == 1 else 0.5) if arm in among else 0.0 for arm in arms}
