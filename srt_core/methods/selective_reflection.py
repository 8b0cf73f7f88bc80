"""Selective Reflection-Tuning (arXiv 2402.10110): the student keeps the reflections that improve its own measures."""

from srt_core.methods.dials import SELECTIVE_DIALS
from srt_core.methods.method import Method
from srt_core.records import Policy, Stage

METHOD = Method(
    name="selective_reflection",
    label="Selective Reflection-Tuning",
    paper="arXiv 2402.10110",
    summary="Rewrite instruction and response; keep a rewrite when the student's IFD rises or r-IFD falls.",
    teacher=(Stage.INSTRUCTION, Stage.RESPONSE),
    needs_student=True,
    policies=(
        Policy(name="selective-code"),
        Policy(name="selective-paper", limits=()),
    ),
    dials=SELECTIVE_DIALS,
    template="vicuna",
    place=1,
)
