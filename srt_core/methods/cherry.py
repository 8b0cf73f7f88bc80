"""Cherry data selection (arXiv 2308.12032): originals only, the top share by the authors' own score.

That is L(y given x) / L(y), a ratio of losses, with L(y) after the words that open the response (`### Response:`) and
not after the start token, as in their code: a fifth loss, which is computed where this method is asked for. A score
above 1 is dropped, a response that max length cut is kept. Their "5 %" file is 6 % of what is left, rounded down.

Before, `srt warmup` lets the student read about a thousand pairs once: prompts are grouped by k-means, and of each
group those are taken whose prompt is neither easy nor hard for the student (`middle`). That student scores then.
"""

import math
from collections.abc import Sequence

from srt_core.methods.method import Method
from srt_core.records import Acceptance, AddedLoss, Guard, Measure, Policy, Rounding, ShareOf, Source

METHOD = Method(
    name="cherry",
    label="Cherry IFD",
    paper="arXiv 2308.12032",
    summary="No teacher: keep the originals with the highest of Cherry's scores that are not above 1.",
    teacher=(),
    needs_student=True,
    policies=(
        Policy(
            name="cherry",
            method="cherry",
            accept_instruction=Acceptance.NEVER,
            accept_response=Acceptance.NEVER,
            require_response_reflection=False,
            top_share=6.0,
            rank_by="cherry_ifd",
            share_of=ShareOf.KEPT,
            share_rounding=Rounding.FLOOR,
            limits=(("max_cherry_ifd", 1.0),),
        ),
    ),
    dials=("max_cherry_ifd", "top_share", "share_of", "share_rounding"),
    template="alpaca",
    convention="reference",
    max_length=512,
    losses=(AddedLoss("loss_y_after_prefix", "response", "direct_prefix", "cherry_ifd", "losses"),),
    measures=(
        Measure(
            "cherry_ifd",
            "Cherry's score",
            "The loss of the response given its instruction, divided by its loss after the template's prefix alone. "
            "There where Cherry was asked for in scoring; never compared with IFD.",
            "higher",
            source=Source.SCORING,
            low=0.1,
            high=2.0,
            ranks=True,
            example="1.4 given the instruction and 1.8 after the prefix alone: 0.78.",
        ),
    ),
    guards=(
        Guard(
            "max_cherry_ifd",
            "cherry_ifd",
            "high",
            is_open=False,
            reason="cherry_ceiling",
            label="Highest of Cherry's scores",
            help="Leave a sample out when Cherry's score of it is above this.",
            reason_label="Cherry's score too high",
            least=0.0,
        ),
    ),
    place=3,
)


def middle(numbers: Sequence[float], take: int) -> list[int]:
    """Return the places of a group that its warm-up takes, by the perplexities of its prompts.

    A group of fewer than `take` is taken whole. Of a larger one those from the 25th to the 75th percentile, both
    included, are thinned evenly in the order of their places to at most `take`.
    """
    if len(numbers) < take:
        return list(range(len(numbers)))
    ordered = sorted(numbers)
    low, high = _percentile(ordered, 0.25), _percentile(ordered, 0.75)
    found = [place for place, number in enumerate(numbers) if low <= number <= high]
    return found[:: max(1, len(found) // take)][:take]


def _percentile(ordered: Sequence[float], share: float) -> float:
    """Interpolate linearly between the two numbers around a share of the way."""
    at = share * (len(ordered) - 1)
    below = math.floor(at)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (at - below) * (ordered[above] - ordered[below])
