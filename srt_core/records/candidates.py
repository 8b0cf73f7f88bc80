"""A candidate: one version of a sample's pair, with what it measures."""

from collections.abc import Mapping
from dataclasses import dataclass

from srt_core.records.origins import Origin
from srt_core.records.pairs import Pair
from srt_core.records.scores import LossStatus


@dataclass(frozen=True, slots=True)
class Candidate:
    """One version of a sample's pair, with what it measures. `producer` names what made it: an import or a teacher."""

    candidate_id: int
    sample_id: str
    origin: Origin
    pair: Pair
    producer: str
    parent_id: int | None
    """The candidate that it rewrote; None for ORIGINAL, and where it is not known."""
    measures: Mapping[str, float | None]
    """By name, such as ifd or drift; None where it has no number."""
    status: LossStatus | None
    """Of its score under the scoring in use; None where it is not scored."""
