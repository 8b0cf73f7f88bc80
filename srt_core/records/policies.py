"""A policy: the options of the selection rule and its guards, as data; and what the rule says of a sample."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from typing import Literal

from srt_core.records.measures import INSTRUCTION_READ, RESPONSE_READ
from srt_core.records.origins import Origin


class ShareOf(StrEnum):
    """Of how many samples a top share is."""

    KEPT = "kept"
    """Of those that everything else leaves (the paper's few-data setting; Cherry)."""
    ALL = "all"
    """Of all samples; it is taken from those that are left (Superfiltering)."""


class Rounding(StrEnum):
    """How the number of samples of a top share becomes a whole one."""

    ROUND = "round"
    """To the nearest, half to even (the paper's few-data setting)."""
    FLOOR = "floor"
    """Down (Cherry, Superfiltering)."""


class Acceptance(StrEnum):
    """When a stage's reflection is accepted over its parent."""

    IMPROVED = "improved"
    """When the measure of what it rewrote improves by more than the margin (the paper)."""
    ALWAYS = "always"
    """Whenever it is there (Reflection-Tuning V1)."""
    NEVER = "never"
    """Never: originals only (Cherry, Superfiltering)."""


@dataclass(frozen=True, slots=True)
class Guard:
    """A limit on one measure of the winner: beyond it the sample is left out, for `reason`.

    A winner without the number is left out as unscored. `side` says which numbers are out: "high" those above the
    limit, "low" those below. Of an open end the limit itself is out too.

    Attributes:
        name: the policy's name for the limit, such as max_ifd.
        label, help: what the limit is called on screen, and one plain sentence of it.
        reason: why a sample is left out, as stored.
        reason_label: the same on screen.
        least: limits must be more than this; None: any number.
        initial: where the limit stands when it is turned on.
    """

    name: str
    measure: str
    side: Literal["high", "low"]
    is_open: bool
    reason: str
    label: str
    help: str
    reason_label: str
    least: float | None = None
    initial: float = 1.0


GUARDS: tuple[Guard, ...] = (
    Guard(
        "max_ifd",
        "ifd",
        "high",
        is_open=True,
        reason="ifd_ceiling",
        label="Highest IFD",
        help="Leave a sample out when its IFD is this or more. At 1 the instruction does not "
        "help the student to write the response at all.",
        reason_label="IFD too high",
        least=0.0,
    ),
    Guard(
        "max_r_ifd",
        "r_ifd",
        "high",
        is_open=True,
        reason="r_ifd_ceiling",
        label="Highest r-IFD",
        help="Leave a sample out when its r-IFD is this or more. At 1 the response says nothing about its instruction.",
        reason_label="r-IFD too high",
        least=0.0,
    ),
    Guard(
        "min_response_read",
        RESPONSE_READ,
        "low",
        is_open=False,
        reason="response_cut",
        label="Least of the response read",
        help="Leave a sample out when the student read less of its response than this. At 1 only whole ones stay.",
        reason_label="Response cut",
    ),
    Guard(
        "min_instruction_read",
        INSTRUCTION_READ,
        "low",
        is_open=False,
        reason="instruction_cut",
        label="Least of the instruction read",
        help="Leave a sample out when the student read less of its instruction than this. At 1 only whole ones stay.",
        reason_label="Instruction cut",
    ),
)
"""The guards of every project, in the order in which the rule looks at them; a method brings its own."""

Limits = tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True)
class Policy:
    """The options of the selection rule (METHOD, section 2), and the guards that are on, by name, with their limits.

    `top_share` is a percentage of the samples that `share_of` names, rounded by `share_rounding`; 100 keeps all.
    `diverse_share` is one, too, by `coverage_rank`, of what the top share leaves.
    """

    name: str = "selective-code"
    method: str = "selective_reflection"
    """The method that it belongs to: which limits are shown, and what is asked of teacher and student."""
    accept_instruction: Acceptance = Acceptance.IMPROVED
    accept_response: Acceptance = Acceptance.IMPROVED
    instruction_margin: float = 0.0
    response_margin: float = 0.0
    require_response_reflection: bool = True
    require_reflection: bool = False
    top_share: float = 100.0
    rank_by: str = "ifd"
    """The measure by which the top share is taken."""
    diverse_share: float = 100.0
    share_of: ShareOf = ShareOf.KEPT
    share_rounding: Rounding = Rounding.ROUND
    producer: str = ""
    """Whose rewrites may be taken. "": of each origin the earliest there is. A name: that producer's own, else one that
    came with a file, and never another teacher's. BOTH goes with the INSTRUCTION that it was made of."""
    limits: Limits = (("max_ifd", 1.0), ("max_r_ifd", 1.0))
    """The guards that are on, sorted by name."""

    @property
    def takes_share(self) -> bool:
        """Whether what it says of a sample hangs on the others, too."""
        return min(self.top_share, self.diverse_share) < 100

    def limit(self, guard: str) -> float | None:
        """Return the limit of a guard; None where it is off."""
        return dict(self.limits).get(guard)

    def limited(self, **limits: float | None) -> "Policy":
        """Return the policy with the limits of these guards; None turns one off."""
        kept = {**dict(self.limits), **limits}
        return replace(self, limits=tuple(sorted((name, limit) for name, limit in kept.items() if limit is not None)))

    def value(self, name: str) -> object:
        """Return an option, or the limit of a guard, by name."""
        return getattr(self, name) if name in OPTIONS else self.limit(name)

    def settings(self, guards: Mapping[str, Guard]) -> dict[str, object]:
        """Return every option and every limit by name, None for a guard of `guards` that is off."""
        options = {name: self.value(name) for name in OPTIONS}
        return {**options, **dict.fromkeys(guards), **dict(self.limits)}


OPTIONS: tuple[str, ...] = tuple(field.name for field in fields(Policy) if field.name != "limits")
"""What a policy says beside its limits."""


class Reason(StrEnum):
    """Why a selection is what it is. KEPT goes with a candidate, all others with nothing. Guards add theirs."""

    KEPT = "kept"
    UNSCORED = "unscored"
    NOT_REFLECTED = "not_reflected"
    REFLECTION_FAILED = "reflection_failed"
    NOT_IMPROVED = "not_improved"
    BELOW_TOP_SHARE = "below_top_share"
    BELOW_DIVERSE_SHARE = "below_diverse_share"


@dataclass(frozen=True, slots=True)
class Selection:
    """What the rule says of a sample: the candidate that won the walk, and the one kept (None: left out)."""

    winner: Origin
    origin: Origin | None
    reason: str
