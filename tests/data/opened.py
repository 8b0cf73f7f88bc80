"""Opened: how hard an instruction is once the response is known, against behind the words that open a response."""

from srt_core.methods.method import Method
from srt_core.records import AddedLoss, Measure, Policy, Source

METHOD = Method(
    name="opened",
    label="Opened",
    paper="a test",
    summary="The rule as it is, with one more score.",
    teacher=(),
    needs_student=True,
    losses=(AddedLoss("loss_x_opened", "instruction", "direct_prefix", "opened_ifd", "perplexities"),),
    measures=(
        Measure("opened_ifd", "Opened IFD", "A ratio of perplexities.", "lower", source=Source.SCORING, high=9.0),
    ),
    policies=(Policy(name="opened", method="opened"),),
    dials=(),
    template="vicuna",
)
