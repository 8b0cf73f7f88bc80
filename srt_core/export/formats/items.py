"""What the formats of decisions make lines of: preferences, single judged versions, what was left out, edits."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from srt_core.export.formats.lines import ExportRow
from srt_core.records import Origin, Pair


class By(StrEnum):
    """Who preferred one version to another. What nobody looked at is never called a person's."""

    PERSON = "person"
    """A reviewer decided this very sample."""
    RULE = "rule"
    """The rule picked it, or many were approved at once."""


@dataclass(frozen=True, slots=True)
class Preference:
    """Two responses to the same prompt, of which one stands and the other does not."""

    chosen: ExportRow
    rejected: Pair
    rejected_origin: Origin
    by: By
    reason: str
    """The rule's, of this sample."""
    ifd_margin: float | None
    """IFD of the chosen minus that of the other one, under the scoring in use; None where either has none."""
    r_ifd_margin: float | None
    """r-IFD of the other one minus that of the chosen: the rule prefers what is easier to tell its instruction from."""

    @property
    def beside(self) -> dict[str, object]:
        """What every format of preferences says beside the texts."""
        return {
            "sample_id": self.chosen.sample_id,
            "by": str(self.by),
            "chosen_version": self.chosen.version,
            "rejected_version": str(self.rejected_origin),
            "reason": self.reason,
            "ifd_margin": self.ifd_margin,
            "r_ifd_margin": self.r_ifd_margin,
        }


@dataclass(frozen=True, slots=True)
class Judged:
    """One version of a sample: whether it may be trained on."""

    row: ExportRow
    label: bool
    by: By
    reason: str
    because: str | None
    """What a reviewer wrote when leaving the sample out."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A sample that a reviewer left out: its original, what the rule says of it, and why it was left out."""

    row: ExportRow
    """The version that the rule keeps, else the original."""
    reason: str
    because: str | None
    author: str


@dataclass(frozen=True, slots=True)
class Edit:
    """A pair as a reviewer wrote it, and the version that it was made of; None where it was written from nothing."""

    row: ExportRow
    before: Pair | None
    author: str


def texts_of(pair: Pair, prefix: str = "") -> Mapping[str, object]:
    """Return a pair's texts under Alpaca's names, each behind a prefix."""
    texts = {"instruction": pair.instruction, "input": pair.input, "output": pair.response}
    return {prefix + name: text for name, text in texts.items()}
