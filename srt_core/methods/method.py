"""What a method is: one frozen record of what it asks the teacher and the student, its policies and its dials."""

from dataclasses import dataclass
from typing import Literal

from srt_core.records import Policy, Stage


@dataclass(frozen=True, slots=True)
class Dial:
    """One option of a policy as data, for the screens and the command line to render.

    `low`, `high` and `step` bound a number; a ceiling is a number that can be off (None). A producer is "" or one of
    the project's producers of rewrites.
    """

    name: str
    label: str
    help: str
    kind: Literal["number", "ceiling", "switch", "choice", "producer"]
    low: float = 0.0
    high: float = 1.0
    step: float = 0.01
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Method:
    """A way to curate: its source, what it needs, and its policies, the first being its default."""

    name: str
    label: str
    paper: str
    summary: str
    stages: tuple[Stage, ...]
    needs_student: bool
    policies: tuple[Policy, ...]
    dials: tuple[str, ...]
    student: str = ""
    """The student that its paper uses, by hub name; "" leaves it to the curator: the model to be trained."""
    template: str = ""
    """The template that its paper uses; "" leaves it to the curator."""


_ACCEPTANCE = ("improved", "always", "never")

DIALS = {
    dial.name: dial
    for dial in (
        Dial(
            "producer",
            "Whose rewrites",
            "Which teacher's rewrites may be taken. Where it made none, one that came with a file may. "
            "What people approved keeps its text.",
            "producer",
        ),
        Dial(
            "accept_instruction",
            "Take the new instruction",
            "When the rewritten instruction replaces the original: "
            "when it is harder for the student (its IFD rises), always, or never.",
            "choice",
            choices=_ACCEPTANCE,
        ),
        Dial(
            "instruction_margin",
            "IFD must rise by more than",
            "How much harder the new instruction must be.",
            "number",
            -0.5,
            0.5,
        ),
        Dial(
            "accept_response",
            "Take the new response",
            "When the rewritten response replaces its parent: when the "
            "instruction is easier to guess from it (its r-IFD falls), always, or never.",
            "choice",
            choices=_ACCEPTANCE,
        ),
        Dial(
            "response_margin",
            "r-IFD must fall by more than",
            "How much better the new response must imply its instruction.",
            "number",
            -0.5,
            0.5,
        ),
        Dial(
            "max_ifd",
            "Highest IFD",
            "Leave a sample out when its IFD is this or more. At 1 the instruction does not "
            "help the student to write the response at all.",
            "ceiling",
            0.1,
            2.0,
        ),
        Dial(
            "max_r_ifd",
            "Highest r-IFD",
            "Leave a sample out when its r-IFD is this or more. At 1 the response says nothing about its instruction.",
            "ceiling",
            0.1,
            2.0,
        ),
        Dial(
            "require_response_reflection",
            "Only rewritten responses",
            "Leave a sample out unless the response that won was rewritten by a response reflection.",
            "switch",
        ),
        Dial("require_reflection", "Only rewritten samples", "Leave a sample out when its original won.", "switch"),
        Dial(
            "top_share",
            "Keep the top share (%)",
            "Of what is left keep this percentage with the highest score.",
            "number",
            1.0,
            100.0,
            1.0,
        ),
        Dial(
            "rank_by", "Rank by", "The score by which the top share is taken.", "choice", choices=("ifd", "loss_ratio")
        ),
    )
}
"""Every option of a policy, in the order in which the rule looks at it."""
