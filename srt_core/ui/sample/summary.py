"""Samples as Review and Explore need them, read in one place."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from srt_core.errors import DecisionError
from srt_core.importing.marks import Found, marks_of
from srt_core.project import candidates
from srt_core.project.candidates import Edited
from srt_core.project.store import Store
from srt_core.records import Action, Candidate, Origin, Pair, Policy
from srt_core.reflect.arms import rivals
from srt_core.reflect.outcomes import Failure, failures_by_sample
from srt_core.review.verdicts import Verdict, read_verdicts
from srt_core.select.panel import COMPUTED_LATER
from srt_core.select.policy import applied_policy
from srt_core.select.words import describe_walk


@dataclass(frozen=True, slots=True)
class Sample:
    """All that is shown of one sample."""

    verdict: Verdict
    candidates: Mapping[Origin, Candidate]
    """Those that are shown: the policy's, and in their place the one that the standing decision is for."""
    walked: Mapping[Origin, Candidate]
    """Those that the applied policy may take, which the rule looked at."""
    failures: Mapping[Origin, Failure]
    policy: Policy
    own: Mapping[str, object]
    """The curator's own columns."""
    marks: Sequence[Found]
    """What may be wrong with the original pair."""
    edit: Edited | None
    """The pair of the standing decision and its scores, where that is an edit."""
    rivals: Sequence[Candidate] = ()
    """Versions to choose from beside those: what other teachers wrote that were drawn for the sample."""

    @property
    def readings(self) -> Mapping[int, Candidate]:
        """The versions that a blind reader is shown, by their ids."""
        return {each.candidate_id: each for each in (*self.walked.values(), *self.rivals)}

    @property
    def by_name(self) -> Mapping[str, Candidate]:
        """All versions that are shown, by what a card calls each."""
        own = {str(origin): each for origin, each in self.candidates.items()}
        return own | {f"{each.origin} {each.candidate_id}": each for each in self.rivals}

    @property
    def in_card(self) -> Sequence[Pair]:
        """The pairs of all versions in the order in which its card has them."""
        held = [each.pair for each in self.by_name.values()]
        return [*held, self.edit.pair] if self.edit else held

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

    def walk(self) -> list[str]:
        """Say how the rule came to its selection."""
        return describe_walk(self.verdict.selection, self.walked, self.failures, self.policy)

    def said_of_marks(self) -> str:
        """Say the quality marks of the original with their reasons, which may quote it; "" for none."""
        return " · ".join(f"{found.mark.label}: {found.detail}" for found in self.marks)


def read_sample(store: Store, name: str) -> Sample:
    """Read a sample by its id; DecisionError where there is none."""
    found = read_samples(store, [name])
    if name not in found:
        raise DecisionError(f"There is no sample {name} in this project.", "Choose a queue to go on.")
    return found[name]


def read_samples(store: Store, names: Sequence[str]) -> dict[str, Sample]:
    """Read samples by their ids, each kind of thing in one statement; those that are not there are not in it."""
    verdicts = read_verdicts(store, names)
    taken = {key for verdict in verdicts.values() for key in verdict.takes.values() if key is not None}
    chosen = {verdict.candidate_id for verdict in verdicts.values() if verdict.candidate_id is not None}
    walked = candidates.candidates_by_sample(store, taken, COMPUTED_LATER)
    decided = candidates.candidates_by_sample(store, chosen - taken, COMPUTED_LATER)
    failed = failures_by_sample(store, names)
    policy = applied_policy(store)
    own = store.rows("SELECT sample_id, extra FROM sample WHERE sample_id IN (SELECT unnest(?::VARCHAR[]))", [[*names]])
    beside = _rivals(store, names, taken | chosen)
    extra = {row["sample_id"]: json.loads(row["extra"]) for row in own}
    marks = marks_of(store, [verdict.seq for verdict in verdicts.values()])
    return {
        name: Sample(
            verdict, _shown(walked.get(name, {}), decided.get(name, {})), walked.get(name, {}), failed.get(name, {}),
            policy, extra[name], marks.get(verdict.seq, []), _edit(store, verdict),
            beside.get(name, ()),
        )
        for name, verdict in verdicts.items()
    }  # fmt: skip


def _shown(walked: Mapping[Origin, Candidate], decided: Mapping[Origin, Candidate]) -> Mapping[Origin, Candidate]:
    """Put the version that was decided for in the place of the policy's."""
    both = {**walked, **decided}
    return {origin: both[origin] for origin in Origin if origin in both}


def _rivals(store: Store, names: Sequence[str], shown: Collection[int]) -> dict[str, list[Candidate]]:
    """Read what arms drawn for samples wrote beside the versions that are shown, by sample."""
    ids = [key for key in rivals(store, names) if key not in shown]
    found: dict[str, list[Candidate]] = {}
    places = list(Origin)
    for each in sorted(candidates.read_all(store, ids), key=lambda each: places.index(each.origin)):
        found.setdefault(each.sample_id, []).append(each)
    return found


def _edit(store: Store, verdict: Verdict) -> Edited | None:
    is_edit = verdict.action is Action.EDIT and verdict.event_id is not None
    return candidates.edit(store, verdict.event_id) if is_edit and verdict.event_id else None
