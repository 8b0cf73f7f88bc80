"""What a person decides about a sample."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from srt_core.records.origins import Origin
from srt_core.records.pairs import Pair


class Action(StrEnum):
    """What a human did with a sample."""

    APPROVE = "approve"
    CHOOSE = "choose"
    EDIT = "edit"
    REJECT = "reject"
    PARK = "park"
    RETRACT = "retract"
    """It must not be used any more, whatever anybody decides: see srt_core/review/retracting.py."""


@dataclass(frozen=True, slots=True)
class Decision:
    """One human decision. APPROVE, CHOOSE and EDIT carry an origin; EDIT also the edited pair.

    `candidate_id` is the very text it is for; None leaves it to the candidate that the applied policy may take.
    """

    sample_id: str
    action: Action
    by: str
    origin: Origin | None = None
    edited: Pair | None = None
    context: Mapping[str, str] = field(default_factory=dict)
    candidate_id: int | None = None
