"""Dials: the options and guards of a policy as data, for the screens and the command line to render."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from srt_core.records import GUARDS, Guard, Measure, Rounding, ShareOf


@dataclass(frozen=True, slots=True)
class Dial:
    """One option of a policy as data, for the screens and the command line to render.

    `low`, `high` and `step` bound a number; a limit is a number that can be off (None). A producer is "" or one of
    the project's producers of rewrites.
    """

    name: str
    label: str
    help: str
    kind: Literal["number", "limit", "switch", "choice", "producer"]
    low: float = 0.0
    high: float = 1.0
    step: float = 0.01
    choices: tuple[str, ...] = ()
    initial: float = 1.0
    """Where a limit stands when it is turned on."""


_ACCEPTANCE = ("improved", "always", "never")

_STAGES = (
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
)
"""What the two stages accept, which the rule looks at first."""

_AFTER = (
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
        "Keep this percentage, those with the highest score.",
        "number",
        1.0,
        100.0,
        1.0,
    ),
    Dial(
        "diverse_share",
        "Keep the diverse share (%)",
        "Of what the top share leaves keep this percentage, those that together cover the rest best. Ranks come from "
        "`srt cover`.",
        "number",
        0.5,
        100.0,
        0.5,
    ),
    Dial(
        "share_of",
        "Share of",
        "Of how many samples a percentage is: of those that everything before it leaves, or of all in the project.",
        "choice",
        choices=tuple(ShareOf),
    ),
    Dial(
        "share_rounding",
        "Share rounded",
        "How a percentage becomes a number of samples: to the nearest whole one, or down.",
        "choice",
        choices=tuple(Rounding),
    ),
)

SELECTIVE_DIALS = (
    *(dial.name for dial in _STAGES), *(guard.name for guard in GUARDS), *(dial.name for dial in _AFTER), "rank_by",
)  # fmt: skip
"""Every dial that no method brings."""


def dials(guards: Iterable[Guard], measures: Mapping[str, Measure]) -> dict[str, Dial]:
    """Return every option of a policy as a dial, in the order in which the rule looks at it."""
    ranking = tuple(measure.name for measure in measures.values() if measure.ranks)
    rank_by = Dial("rank_by", "Rank by", "The score by which the top share is taken.", "choice", choices=ranking)
    limits = [_limit(guard, measures[guard.measure]) for guard in guards]
    return {dial.name: dial for dial in (*_STAGES, *limits, *_AFTER, rank_by)}


def _limit(guard: Guard, measure: Measure) -> Dial:
    low, high, step, initial = (float(end) for end in (measure.low, measure.high, measure.step, guard.initial))
    return Dial(guard.name, guard.label, guard.help, "limit", low, high, step, initial=initial)
