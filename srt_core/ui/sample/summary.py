"""One sample as Review needs it, read in one place."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from srt_core.errors import DecisionError
from srt_core.importing.marks import Found, marks_of
from srt_core.project import candidates
from srt_core.project.candidates import Edited
from srt_core.project.store import Store
from srt_core.records import Action, Candidate, Origin, Policy
from srt_core.reflect.outcomes import Failure, Reflection, failures, reflections
from srt_core.review.verdicts import Verdict, read_verdict
from srt_core.select.panel import COMPUTED_LATER
from srt_core.select.policy import applied_policy
from srt_core.select.words import describe_walk
from srt_core.ui.sample.figures import StripRow


@dataclass(frozen=True, slots=True)
class Sample:
    """All that is shown of one sample."""

    verdict: Verdict
    candidates: Mapping[Origin, Candidate]
    """Those that are shown: the policy's, and in their place the one that the standing decision is for."""
    walked: Mapping[Origin, Candidate]
    """Those that the applied policy may take, which the rule looked at."""
    failures: Mapping[Origin, Failure]
    reflections: Sequence[Reflection]
    policy: Policy
    own: Mapping[str, object]
    """The curator's own columns."""
    marks: Sequence[Found]
    """What may be wrong with the original pair."""
    edit: Edited | None
    """The pair of the standing decision and its scores, where that is an edit."""

    @property
    def pick(self) -> Origin | None:
        """The candidate that the rule keeps; None where it leaves the sample out."""
        return self.verdict.selection.origin

    @property
    def pick_id(self) -> int | None:
        """The very candidate that the rule keeps."""
        return self.verdict.pick_id

    def is_pick(self, origin: Origin) -> bool:
        """Whether the candidate that is shown of an origin is the one that the rule keeps."""
        return self.pick_id is not None and self.candidate_id(origin) == self.pick_id

    def candidate_id(self, origin: Origin) -> int | None:
        """The candidate that is shown of an origin; None where there is none."""
        return self.candidates[origin].candidate_id if origin in self.candidates else None

    def other_producer(self, origin: Origin) -> str:
        """Who made the candidate that is shown of an origin where that is not the policy's; "" where it is."""
        shown, walked = self.candidates[origin], self.walked.get(origin)
        return "" if walked and walked.candidate_id == shown.candidate_id else shown.producer

    @property
    def in_question(self) -> Origin | None:
        """The rewrite that the rule took, else the last one that it looked at; None where there is none."""
        winner = self.verdict.selection.winner
        return next((each for each in (winner, *self.rewrites[::-1]) if each is not Origin.ORIGINAL), None)

    @property
    def rewrites(self) -> list[Origin]:
        """The candidates beside the original, in the order in which the rule looks at them."""
        walk = (Origin.BOTH, Origin.INSTRUCTION, Origin.RESPONSE)
        return [origin for origin in walk if origin in self.candidates]

    @property
    def event_id(self) -> int | None:
        """The event of the standing decision, which a new one names."""
        return self.verdict.event_id

    def walk(self) -> list[str]:
        """Say how the rule came to its selection."""
        return describe_walk(self.verdict.selection, self.walked, self.failures, self.policy)

    def said_of_marks(self) -> str:
        """Say the quality marks of the original with their reasons, which may quote it; "" for none."""
        return " · ".join(f"{found.mark.label}: {found.detail}" for found in self.marks)

    def strip(self) -> list[StripRow]:
        """Return the scores of the candidates for the strip; "●" marks the rule's pick."""
        return [
            StripRow(origin, shown.measures["ifd"], shown.measures["r_ifd"], is_picked=self.is_pick(origin))
            for origin, shown in self.candidates.items()
        ]


def read_sample(store: Store, name: str) -> Sample:
    """Read a sample by its id; DecisionError where there is none."""
    verdict = read_verdict(store, name)
    if verdict is None:
        raise DecisionError(f"There is no sample {name} in this project.", "Choose a queue to go on.")
    taken = [key for key in verdict.takes.values() if key is not None]
    walked = candidates.candidates(store, name, taken, COMPUTED_LATER)
    edited = verdict.event_id if verdict.action is Action.EDIT else None
    return Sample(
        verdict,
        _shown(store, verdict, walked),
        walked,
        failures(store, name),
        reflections(store, name),
        applied_policy(store),
        json.loads(store.value("SELECT extra FROM sample WHERE sample_id = ?", [name])),
        marks_of(store, verdict.seq),
        candidates.edit(store, edited) if edited is not None else None,
    )


def _shown(store: Store, verdict: Verdict, walked: Mapping[Origin, Candidate]) -> Mapping[Origin, Candidate]:
    chosen = verdict.candidate_id
    if chosen is None or any(candidate.candidate_id == chosen for candidate in walked.values()):
        return walked
    decided = {**walked, **candidates.candidates(store, verdict.sample_id, (chosen,), COMPUTED_LATER)}
    return {origin: decided[origin] for origin in Origin if origin in decided}
