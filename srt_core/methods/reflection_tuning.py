"""Reflection-Tuning V1 (arXiv 2310.11716): every reflection is kept; no student is asked."""

from srt_core.methods.method import Method
from srt_core.records import Acceptance, Policy, Stage

METHOD = Method(
    name="reflection_tuning",
    label="Reflection-Tuning V1",
    paper="arXiv 2310.11716",
    summary="Rewrite instruction and response; keep every rewrite. A sample without one is left out.",
    teacher=(Stage.INSTRUCTION, Stage.RESPONSE),
    needs_student=False,
    policies=(
        Policy(
            name="reflection-tuning-v1",
            method="reflection_tuning",
            accept_instruction=Acceptance.ALWAYS,
            accept_response=Acceptance.ALWAYS,
            require_response_reflection=False,
            require_reflection=True,
            limits=(),
        ),
    ),
    dials=("producer", "accept_instruction", "accept_response", "require_response_reflection", "require_reflection"),
    place=2,
)
