"""The rule's walk through a sample in words: what each stage compared, and why the outcome is what it is.

The numbers are those of the candidates; the outcome is the stored selection, so words and selection cannot disagree.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from srt_core.methods import GUARDS, MEASURES
from srt_core.records import (
    DERIVATIONS,
    Acceptance,
    Candidate,
    Guard,
    Origin,
    Policy,
    Reason,
    Selection,
    ShareOf,
    Stage,
)
from srt_core.reflect.outcomes import Failure
from srt_core.score.scorings import COMPARED


def describe_walk(
    selection: Selection, candidates: Mapping[Origin, Candidate], failures: Mapping[Origin, Failure], policy: Policy
) -> list[str]:
    """Say how the rule came to its selection: one sentence for each stage, then the outcome.

    Args:
        selection: what the rule says of the sample.
        candidates: the sample's candidates that the policy may take.
        failures: the failed reflections of missing candidates.
        policy: the policy that the selection stands under.
    """
    walk = _Walk(selection.winner, selection.reason, candidates, failures, policy)
    return [walk.instruction_stage(), walk.response_stage(), walk.outcome()]


@dataclass(frozen=True, slots=True)
class _Walk:
    winner: Origin
    reason: str
    candidates: Mapping[Origin, Candidate]
    failures: Mapping[Origin, Failure]
    policy: Policy

    @property
    def took_instruction(self) -> bool:
        return self.winner in (Origin.INSTRUCTION, Origin.BOTH)

    @property
    def took_response(self) -> bool:
        return self.winner in (Origin.RESPONSE, Origin.BOTH)

    @property
    def response_child(self) -> Origin:
        return Origin.BOTH if self.took_instruction else Origin.RESPONSE

    def instruction_stage(self) -> str:
        policy = self.policy
        demand = policy.instruction_margin
        return self._stage(Origin.INSTRUCTION, policy.accept_instruction, demand, self.took_instruction)

    def response_stage(self) -> str:
        policy = self.policy
        demand = policy.response_margin
        return self._stage(self.response_child, policy.accept_response, demand, self.took_response)

    def _stage(self, child: Origin, acceptance: Acceptance, margin: float, is_taken: bool) -> str:
        made = DERIVATIONS[child]
        stage, parent, measure = self._rewritten(child).capitalize(), made.parent, made.measure
        if acceptance is Acceptance.NEVER:
            return f"{stage} unchanged: the policy takes no new one."
        if child not in self.candidates:
            return f"{stage} unchanged: {self._absence(child)}."
        if acceptance is Acceptance.ALWAYS:
            return f"{stage} taken: the policy takes every new one."
        for origin in (parent, child):
            if self._number(origin, measure) is None:
                return f"{stage} refused: {self._no_number(origin, measure)}."
        change = describe_change(measure, self._number(parent, measure), self._number(child, measure))
        verb = "rise" if made.direction > 0 else "fall"
        needs = f"; it must {verb} by more than {margin:g}" if margin and not is_taken else ""
        return f"{stage} {'taken' if is_taken else 'refused'}: {change}{needs}."

    def _rewritten(self, child: Origin) -> str:
        """Name what a rewrite changed: an instruction's input may be all of it."""
        made = DERIVATIONS[child]
        new, old = self.candidates.get(child), self.candidates.get(made.parent)
        if made.stage is Stage.INSTRUCTION and new and old and new.pair.instruction == old.pair.instruction:
            return "input" if new.pair.input != old.pair.input else made.stage
        return made.stage

    def outcome(self) -> str:
        if self.reason == Reason.KEPT:
            return f"Kept: {self.winner.capitalize()}."
        guard = next((guard for guard in GUARDS.values() if guard.reason == self.reason), None)
        return f"Left out: {self._guarded(guard) if guard else _WHY[self.reason](self)}."

    def unscored(self) -> str:
        needed = dict.fromkeys((*COMPARED, *(GUARDS[name].measure for name, _ in self.policy.limits)))
        if self.policy.top_share < 100:
            needed[self.policy.rank_by] = None
        missing = [
            self._no_number(origin, measure)
            for origin in self.candidates
            for measure in needed
            if self._number(origin, measure) is None
        ]
        if not missing and self.policy.diverse_share < 100:
            return "it has no coverage rank: `srt cover` ranks what the policy leaves"
        if not missing:  # while a job scores, the selections are brought up to date now and then
            return "the rule looked before the scores came, and looks again soon"
        return f"the rule needs a score that is not there ({'; '.join(missing)})"

    def not_reflected(self) -> str:
        return f"the policy asks for a rewrite of the {self._asked}, and {self._absence(self.response_child)}"

    def reflection_failed(self) -> str:
        failed = next((origin for origin in (self.response_child, *self.failures) if origin in self.failures), None)
        return f"the policy asks for a rewrite of the {self._asked}, and {self._absence(failed or self.response_child)}"

    def not_improved(self) -> str:
        return f"the policy asks for a rewrite of the {self._asked}, and none was taken"

    @property
    def _asked(self) -> Stage | str:
        return Stage.RESPONSE if self.policy.require_response_reflection else "instruction or response"

    def _guarded(self, guard: Guard) -> str:
        value, limit = self._number(self.winner, guard.measure), self.policy.limit(guard.name)
        label = _label(guard.measure)
        beyond = _BEYOND[guard.side, guard.is_open]
        if value is None or limit is None:
            return f"its {label} is {beyond} the limit"
        digits = digits_apart(value, limit)
        return f"its {label} of {value:.{digits}f} is {beyond} the limit of {limit:.{digits}f}"

    def below_top_share(self) -> str:
        measure = self.policy.rank_by
        value = self._number(self.winner, measure)
        shown = "" if value is None else f" of {value:.3f}"
        share = f"{self.policy.top_share:g} %"
        of = "all samples" if self.policy.share_of is ShareOf.ALL else "what is left"
        return f"its {_label(measure)}{shown} is below the highest {share} of {of}, which the policy keeps"

    def below_diverse_share(self) -> str:
        share = f"{self.policy.diverse_share:g} %"
        of = "all samples" if self.policy.share_of is ShareOf.ALL else "what is left"
        return f"others cover what is left better: the policy keeps {share} of {of}, in the order of coverage"

    def _absence(self, origin: Origin) -> str:
        made = DERIVATIONS[origin]
        failure = self.failures.get(origin)
        if failure:
            return f"the teacher's new {made.stage} could not be used ({failure.reason.replace('_', ' ')})"
        of_parent = "" if made.parent is Origin.ORIGINAL else f" of {made.parent.capitalize()}"
        return f"there is no {made.stage} rewrite{of_parent}"

    def _no_number(self, origin: Origin, measure: str) -> str:
        status = self.candidates[origin].status
        cause = "not scored yet" if status is None else status.replace("_", " ")
        return f"{origin.capitalize()} has no {_label(measure)}, {cause}"

    def _number(self, origin: Origin, measure: str) -> float | None:
        candidate = self.candidates.get(origin)
        return candidate.measures.get(measure) if candidate else None


_BEYOND: Mapping[tuple[str, bool], str] = {
    ("high", True): "not below",
    ("high", False): "above",
    ("low", True): "not above",
    ("low", False): "below",
}

_WHY: Mapping[str, Callable[[_Walk], str]] = {
    Reason.UNSCORED: _Walk.unscored,
    Reason.NOT_REFLECTED: _Walk.not_reflected,
    Reason.REFLECTION_FAILED: _Walk.reflection_failed,
    Reason.NOT_IMPROVED: _Walk.not_improved,
    Reason.BELOW_TOP_SHARE: _Walk.below_top_share,
    Reason.BELOW_DIVERSE_SHARE: _Walk.below_diverse_share,
}


def describe_change(measure: str, before: float | None, after: float | None) -> str:
    """Write how a measure moved, with digits enough to show that it did: "IFD 0.61 → 0.74 (+0.13)"."""
    if before is None or after is None:
        return f"{_label(measure)} unknown"
    digits = digits_apart(before, after)
    # Of the rounded numbers, so that what is shown adds up.
    sign = f"{round(after, digits) - round(before, digits):+.{digits}f}".replace("-", "−")
    return f"{_label(measure)} {before:.{digits}f} → {after:.{digits}f} ({sign})"


def _label(measure: str) -> str:
    label = MEASURES[measure].label
    return label if label.isupper() or "-" in label else label.lower()


def digits_apart(one: float, other: float) -> int:
    """Return the fewest digits, 2 to 6, that tell two numbers apart; 2 where they are equal."""
    return next((digits for digits in range(2, 7) if f"{one:.{digits}f}" != f"{other:.{digits}f}"), 2)
