"""One sample as Review needs it, read in one place."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from srt_core.errors import DecisionError
from srt_core.project import candidates
from srt_core.project.store import Row, Store
from srt_core.records import Action, Origin, Policy
from srt_core.review import queues as review
from srt_core.review.filter import browse
from srt_core.select.policy import applied_policy
from srt_core.select.selection import taken_candidates
from srt_core.select.words import describe_walk
from srt_core.ui.sample.figures import StripRow


@dataclass(frozen=True, slots=True)
class Sample:
    """All that is shown of one sample."""

    selection: Row
    candidates: Mapping[Origin, Row]
    """Those that are shown: the policy's, and in their place the one that the standing decision is for."""
    walked: Mapping[Origin, Row]
    """Those that the applied policy may take, which the rule looked at."""
    failures: Mapping[Origin, Row]
    calls: Sequence[Row]
    policy: Policy
    edit: Row | None
    """The pair of the standing decision and its scores, where that is an edit."""

    @property
    def pick(self) -> Origin | None:
        """The candidate that the rule keeps; None where it leaves the sample out."""
        return Origin(self.selection["origin"]) if self.selection["origin"] else None

    @property
    def pick_id(self) -> int | None:
        """The very candidate that the rule keeps."""
        candidate_id: int | None = self.selection["candidate_id"]
        return candidate_id

    def is_pick(self, origin: Origin) -> bool:
        """Whether the candidate that is shown of an origin is the one that the rule keeps."""
        return self.pick_id is not None and self.candidate_id(origin) == self.pick_id

    def candidate_id(self, origin: Origin) -> int | None:
        """The candidate that is shown of an origin; None where there is none."""
        return self.candidates[origin]["candidate_id"] if origin in self.candidates else None

    def other_producer(self, origin: Origin) -> str:
        """Who made the candidate that is shown of an origin where that is not the policy's; "" where it is."""
        row, walked = self.candidates[origin], self.walked.get(origin)
        return "" if walked and walked["candidate_id"] == row["candidate_id"] else str(row["producer"])

    @property
    def in_question(self) -> Origin | None:
        """The rewrite that the rule took, else the last one that it looked at; None where there is none."""
        winner = Origin(self.selection["winner"])
        return next((each for each in (winner, *self.rewrites[::-1]) if each is not Origin.ORIGINAL), None)

    @property
    def rewrites(self) -> list[Origin]:
        """The candidates beside the original, in the order in which the rule looks at them."""
        walk = (Origin.BOTH, Origin.INSTRUCTION, Origin.RESPONSE)
        return [origin for origin in walk if origin in self.candidates]

    @property
    def event_id(self) -> int | None:
        """The event of the standing decision, which a new one names."""
        event_id: int | None = self.selection["event_id"]
        return event_id

    def walk(self) -> list[str]:
        """Say how the rule came to its selection."""
        return describe_walk(self.selection, self.walked, self.failures, self.policy)

    def strip(self) -> list[StripRow]:
        """Return the scores of the candidates for the strip; "●" marks the rule's pick."""
        return [
            StripRow(origin, row["ifd"], row["r_ifd"], is_picked=self.is_pick(origin))
            for origin, row in self.candidates.items()
        ]


def read_sample(store: Store, name: str) -> Sample:
    """Read a sample by its id; DecisionError where there is none."""
    selection = browse.row(store, name)
    if selection is None:
        raise DecisionError(f"There is no sample {name} in this project.", "Choose a queue to go on.")
    walked = candidates.candidates(store, name, taken_candidates(selection).values())
    return Sample(
        selection,
        _shown(store, selection, walked),
        walked,
        review.failures(store, name),
        candidates.reflections(store, name),
        applied_policy(store),
        candidates.edit(store, selection["event_id"]) if selection["action"] == Action.EDIT else None,
    )


def _shown(store: Store, selection: Row, walked: Mapping[Origin, Row]) -> Mapping[Origin, Row]:
    chosen = selection["verdict_id"]
    if chosen is None or any(row["candidate_id"] == chosen for row in walked.values()):
        return walked
    decided = {**walked, **candidates.candidates(store, selection["sample_id"], (chosen,))}
    return {origin: decided[origin] for origin in Origin if origin in decided}
