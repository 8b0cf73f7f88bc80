"""The rule's walk in words: every outcome is a sentence, and every number in it is the sample's."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from srt_core.records import Acceptance, Candidate, LossStatus, Origin, Pair, Policy, Reason, Selection
from srt_core.reflect.outcomes import Failure
from srt_core.select.words import describe_change, describe_walk

PAPER = Policy(require_response_reflection=False)


def candidate(origin: Origin, ifd: float | None, r_ifd: float | None, status: LossStatus | None) -> Candidate:
    measures = {"ifd": ifd, "r_ifd": r_ifd, "loss_ratio": 0.875}
    return Candidate(1, "s0", origin, Pair("x", "y"), "somebody", None, measures, status)


def candidates(**numbers: tuple[float | None, float | None]) -> dict[Origin, Candidate]:
    origins = {Origin(name.upper()): scores for name, scores in numbers.items()}
    return {origin: candidate(origin, *scores, LossStatus.OK) for origin, scores in origins.items()}


def failure(origin: Origin, reason: str) -> dict[Origin, Failure]:
    return {origin: Failure(1, "s0", origin, "somebody", 1, "refused", reason, "", None)}


def said(
    found: Mapping[Origin, Candidate], winner: Origin, reason: Reason, policy: Policy = PAPER,
    failed: Mapping[Origin, Failure] | None = None,
) -> list[str]:  # fmt: skip
    return describe_walk(
        Selection(winner, winner if reason is Reason.KEPT else None, reason), found, failed or {}, policy
    )


def test_a_stage_says_what_it_compared() -> None:
    """Taken and refused stages both show the measure before and after, with its change."""
    found = candidates(original=(0.61, 0.5), instruction=(0.74, 0.52), both=(0.7, 0.58))
    assert said(found, Origin.INSTRUCTION, Reason.KEPT) == [
        "Instruction taken: IFD 0.61 → 0.74 (+0.13).",
        "Response refused: r-IFD 0.52 → 0.58 (+0.06).",
        "Kept: Instruction.",
    ]


def test_a_margin_is_named_where_it_refuses() -> None:
    """A stage that improves, but by too little, says by how much it must."""
    found = candidates(original=(0.6, 0.5), response=(0.6, 0.48))
    policy = Policy(require_response_reflection=False, response_margin=0.05)
    assert said(found, Origin.ORIGINAL, Reason.KEPT, policy)[1] == (
        "Response refused: r-IFD 0.50 → 0.48 (−0.02); it must fall by more than 0.05."
    )


def test_a_change_shows_the_digits_that_make_it_one() -> None:
    """Two numbers that differ never look equal, and what is shown adds up."""
    assert describe_change("ifd", 0.61001, 0.61004) == "IFD 0.61001 → 0.61004 (+0.00003)"
    assert describe_change("r_ifd", 2.384, 1.956) == "r-IFD 2.38 → 1.96 (−0.42)"
    assert describe_change("ifd", 0.5, 0.5) == "IFD 0.50 → 0.50 (+0.00)"


def test_a_missing_rewrite_is_said() -> None:
    """A stage without a candidate says whether there is none or the teacher's reply failed."""
    found = candidates(original=(0.6, 0.5))
    failed = failure(Origin.RESPONSE, "cut_off")
    assert said(found, Origin.ORIGINAL, Reason.KEPT, PAPER, failed)[:2] == [
        "Instruction unchanged: there is no instruction rewrite.",
        "Response unchanged: the teacher's new response could not be used (cut off).",
    ]


def test_words_of_a_revision_of_the_input_are_true() -> None:
    """A rewrite of the input alone is called that, and what is missing is a rewrite of its response, not a response."""
    found = candidates(original=(0.61, 0.5), instruction=(0.74, 0.52))
    revised = Pair("x", "another y", "a clearer input")
    found[Origin.INSTRUCTION] = replace(found[Origin.INSTRUCTION], pair=revised)
    assert said(found, Origin.INSTRUCTION, Reason.NOT_REFLECTED, Policy()) == [
        "Input taken: IFD 0.61 → 0.74 (+0.13).",
        "Response unchanged: there is no response rewrite of Instruction.",
        "Left out: the policy asks for a rewrite of the response, and there is no response rewrite of Instruction.",
    ]


def test_a_missing_score_is_said_with_its_cause() -> None:
    """A stage that cannot compare names the candidate, the measure and the status."""
    found = candidates(original=(0.6, 0.5), response=(0.6, None))
    found[Origin.RESPONSE] = candidate(Origin.RESPONSE, 0.6, None, LossStatus.OUT_OF_MEMORY)
    words = said(found, Origin.ORIGINAL, Reason.UNSCORED)
    assert words[1] == "Response refused: Response has no r-IFD, out of memory."
    assert words[2] == "Left out: the rule needs a score that is not there (Response has no r-IFD, out of memory)."


def test_scores_that_came_after_the_rule_looked_are_not_called_missing() -> None:
    """While a job scores, a selection may be older than the scores beside it; the words say so."""
    found = candidates(original=(0.6, 0.5), response=(0.6, 0.4))
    assert said(found, Origin.ORIGINAL, Reason.UNSCORED)[2] == (
        "Left out: the rule looked before the scores came, and looks again soon."
    )


@pytest.mark.parametrize(
    ("acceptance", "sentence"),
    [
        (Acceptance.ALWAYS, "Response taken: the policy takes every new one."),
        (Acceptance.NEVER, "Response unchanged: the policy takes no new one."),
    ],
)
def test_a_stage_without_comparison_says_so(acceptance: Acceptance, sentence: str) -> None:
    """Where the policy does not compare, no numbers are claimed to have decided."""
    found = candidates(original=(0.6, 0.5), response=(0.6, 0.4))
    winner = Origin.RESPONSE if acceptance is Acceptance.ALWAYS else Origin.ORIGINAL
    assert said(found, winner, Reason.KEPT, Policy(accept_response=acceptance))[1] == sentence


NO_RESPONSE = "Left out: the policy asks for a rewrite of the response, and there is no response rewrite."
OUTCOMES = {
    Reason.KEPT: "Kept: Original.",
    Reason.UNSCORED: "Left out: the rule needs a score that is not there (Both has no IFD, not scored yet).",
    Reason.NOT_REFLECTED: NO_RESPONSE,
    Reason.REFLECTION_FAILED: NO_RESPONSE,
    Reason.NOT_IMPROVED: "Left out: the policy asks for a rewrite of the response, and none was taken.",
    "ifd_ceiling": "Left out: its IFD of 1.004 is not below the limit of 1.000.",
    "r_ifd_ceiling": "Left out: its r-IFD of 1.25 is not below the limit of 1.00.",
    Reason.BELOW_TOP_SHARE: "Left out: its loss ratio of 0.875 is below the highest 10 % of what is left, "
    "which the policy keeps.",
    Reason.BELOW_DIVERSE_SHARE: "Left out: others cover what is left better: the policy keeps 5 % of what is left, in "
    "the order of coverage.",
}


@pytest.mark.parametrize("reason", Reason)
def test_every_outcome_is_a_sentence(reason: Reason) -> None:
    """Each reason of the rule has its words, with the number and the limit that it met."""
    policy = Policy(top_share=10, diverse_share=5, rank_by="loss_ratio")
    found = candidates(original=(1.004, 1.25), both=(None, 0.5))
    found[Origin.BOTH] = candidate(Origin.BOTH, None, 0.5, None)
    assert said(found, Origin.ORIGINAL, reason, policy)[2] == OUTCOMES[reason]
