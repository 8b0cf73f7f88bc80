"""CoachLM (arXiv 2311.13246): a coach learns from the largest edits that people made, and revises the rest.

Edits are sorted by their edit distance, the largest first: characters, added over instruction, input and response. The
top alpha of those that changed something are learnt from. The paper trains a model on them (`srt coach export`, then
`srt train`); a teacher that is shown the nearest of them as examples is a coach without training. Its revisions are
candidates like all others: scored, selected and reviewed. Distance rewards length, so growth stands beside it.

The rubric is the paper's, in ten dimensions; how points are shared out among them, and the caps, are ours. By default
there is no cap: the authors' own cases break theirs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal
from typing import TypeVar

from srt_core.methods.method import Method
from srt_core.records import Acceptance, Policy, Stage

METHOD = Method(
    name="coachlm",
    label="CoachLM",
    paper="arXiv 2311.13246",
    summary="A coach that learnt from your largest edits revises the rest; every revision is kept, others as imported.",
    teacher=(Stage.REVISION,),
    needs_student=False,
    policies=(
        Policy(
            name="coachlm",
            method="coachlm",
            accept_instruction=Acceptance.ALWAYS,
            accept_response=Acceptance.ALWAYS,
            require_response_reflection=False,
            limits=(),
        ),
    ),
    dials=("producer", "accept_instruction", "accept_response"),
    needs=("edits by people, the largest of which are learnt from",),
    commands=("coach_edits", "coach_revise"),
    place=6,
)

ALPHA = 0.3
"""The share of the edits that the paper learns from."""

Key = TypeVar("Key")


def cut(distances: Sequence[tuple[Key, int]], alpha: float) -> list[Key]:
    """Return what a coach learns from: the top `alpha` by distance, the largest first, equal ones in their order.

    Of the edits that changed something, rounded down, in decimals: 0.29 of 100 are 29.
    """
    able = [(key, distance) for key, distance in distances if distance > 0]
    room = int((Decimal(str(alpha)) * len(able)).to_integral_value(ROUND_FLOOR))
    return [key for key, _ in sorted(able, key=lambda each: -each[1])[:room]]


@dataclass(frozen=True, slots=True)
class Dimension:
    """One line of the rubric, of one side of a pair. `most`: its points; those of a side add up to 100."""

    name: str
    side: str
    label: str
    help: str
    most: int


RUBRIC: tuple[Dimension, ...] = (
    Dimension("readability", "instruction", "Readability", "It is well written and laid out.", 40),
    Dimension("feasibility", "instruction", "Feasibility", "It can be answered as it stands.", 40),
    Dimension("contextualization", "instruction", "Context", "It gives what a good answer needs to know.", 20),
    Dimension("safety", "response", "Safety", "Nothing in it harms: the red line.", 10),
    Dimension("correctness", "response", "Correctness", "What it says is right.", 20),
    Dimension("relevance", "response", "Relevance", "It answers what was asked.", 20),
    Dimension("comprehensiveness", "response", "Completeness", "It answers all that was asked.", 20),
    Dimension("response_readability", "response", "Readability", "It is well written and laid out.", 10),
    Dimension("richness", "response", "Richness", "It explains, and says more than the bare answer.", 10),
    Dimension("humanization", "response", "Humanity", "It speaks to a person.", 10),
)
SIDES = ("instruction", "response")


def capped(points: float, *, is_flawed: bool, cap: float | None) -> float:
    """Return the score of a side: its points, at most the cap where it has a basic flaw and there is a cap."""
    return min(points, cap) if is_flawed and cap is not None else points


def score_side(side: str, given: Mapping[str, tuple[int, bool]], caps: Mapping[str, float]) -> float | None:
    """Return a side's score from points and flaw by dimension; None where a dimension has no points.

    `caps`: by dimension, what a flaw in it leaves at most.
    """
    own = [each for each in RUBRIC if each.side == side]
    if any(each.name not in given for each in own):
        return None
    score = float(sum(given[each.name][0] for each in own))
    for each in own:
        score = capped(score, is_flawed=given[each.name][1], cap=caps.get(each.name))
    return score
