"""What is claimed holds: the coverage of each rule's interval over thousands of synthetic projects, in arrays.

Each bound allows for the error of the simulation itself: a share that is 5 % is below 5 % plus three standard errors.
"""

import random
from collections.abc import Callable, Sequence
from itertools import accumulate
from math import sqrt

import pytest

from srt_core.project.intervals import needed
from srt_core.records import Action
from srt_core.review.trust.claims import Claim, Far, claim, confidence_of, suggest
from srt_core.review.trust.readings import Later, Outcome, Reading, Reads, fit_versions, outcome

PROJECTS = 2_000
SHOWN = (1, 2, 3, 4)


def most_misses(doubt: float, projects: int = PROJECTS) -> float:
    """The share of misses that a rule with this doubt stays below."""
    return doubt + 3 * sqrt(doubt * (1 - doubt) / projects)


def misses(project: Callable[[random.Random], tuple[Claim, float]], projects: int = PROJECTS) -> float:
    """The share of synthetic projects whose truth lies outside what is claimed."""
    missed = 0
    for seed in range(projects):
        found, truth = project(random.Random(seed))
        assert found.interval
        missed += not found.interval.low <= truth <= found.interval.high
    return missed / projects


class Population:
    """A synthetic project: what may be trained on of each sample, what a rule keeps, and how near a limit it is."""

    def __init__(self, draw: random.Random, samples: int, near_wrong: float = 0.5, far_wrong: float = 0.05) -> None:
        self.draw = draw
        self.closeness = [draw.random() for _ in range(samples)]
        self.picks: list[int | None] = []
        self.fit: list[tuple[int, ...]] = []
        for closeness in self.closeness:
            pick = None if draw.random() < 0.3 else draw.choice(SHOWN)
            is_wrong = draw.random() < near_wrong + (far_wrong - near_wrong) * closeness
            others = tuple(version for version in SHOWN if version != pick and draw.random() < 0.3)
            of_left_out = (others or (2,)) if is_wrong else ()
            of_kept = others if is_wrong or pick is None else (*others, pick)
            self.picks.append(pick)
            self.fit.append(of_left_out if pick is None else of_kept)

    @property
    def samples(self) -> range:
        return range(len(self.picks))

    def judge(self, place: int, reading: Reading | None) -> Outcome:
        return outcome(reading, self.picks[place])

    def read(self, place: int) -> Outcome:
        return self.judge(place, Reading(SHOWN, self.fit[place]))

    def truth(self, places: Sequence[int]) -> float:
        return sum(self.read(place) is Outcome.RIGHT for place in places) / len(places)


def test_a_draw_covers_the_truth_whatever_was_decided_before() -> None:
    """Closest first, audit later: a draw from all samples, decided or not, misses the truth in at most 5 %."""

    def project(draw: random.Random) -> tuple[Claim, float]:
        those = Population(draw, 160)
        drawn = draw.sample(those.samples, 40)
        return claim([those.read(place) for place in drawn], 160), those.truth(those.samples)

    assert misses(project) <= most_misses(0.05)


def test_the_undecided_alone_would_not_cover_it() -> None:
    """The test can tell: a draw from what is left after the closest were decided misses the truth of all far more."""

    def project(draw: random.Random) -> tuple[Claim, float]:
        those = Population(draw, 160)
        left = sorted(those.samples, key=those.closeness.__getitem__)[80:]
        return claim([those.read(place) for place in draw.sample(left, 60)], 160), those.truth(those.samples)

    assert misses(project, 200) > 0.3


@pytest.mark.parametrize("is_kept", [True, False])
def test_what_a_policy_keeps_or_leaves_out_is_covered_by_reads_of_all(is_kept: bool) -> None:
    """Of a draw from all, the samples that any policy keeps are a random sample of what it keeps; the rest likewise."""

    def project(draw: random.Random) -> tuple[Claim, float]:
        those = Population(draw, 150)
        part = [place for place in those.samples if (those.picks[place] is not None) == is_kept]
        drawn = {*draw.sample(those.samples, 45)}
        return claim([those.read(place) for place in part if place in drawn], 150), those.truth(part)

    assert misses(project) <= most_misses(0.05)


def test_passing_over_what_is_hard_does_not_flatter() -> None:
    """A reader who leaves most wrong samples unread, or parks them after reading, is covered: they count as wrong."""

    def project(draw: random.Random) -> tuple[Claim, float]:
        those = Population(draw, 150)
        outcomes = []
        for place in draw.sample(those.samples, 40):
            is_wrong = those.read(place) is Outcome.WRONG
            passed = is_wrong and draw.random() < 0.7
            later = Later(Action.PARK) if passed and draw.random() < 0.5 else None
            reading = None if passed and not later else Reading(SHOWN, those.fit[place], later)
            outcomes.append(those.judge(place, reading))
        return claim(outcomes, 150), those.truth(those.samples)

    assert misses(project) <= most_misses(0.05)


def test_stopping_when_it_pleases_does_not_flatter() -> None:
    """A reader who stops at the most pleasing moment is covered: what is drawn and unread counts at both ends."""

    def project(draw: random.Random) -> tuple[Claim, float]:
        those = Population(draw, 120)
        outcomes = [those.read(place) for place in draw.sample(those.samples, 30)]
        right = list(accumulate(each is Outcome.RIGHT for each in outcomes))
        best = max(range(10, 31), key=lambda n: right[n - 1] / n)
        return claim([*outcomes[:best], *[Outcome.OPEN] * (30 - best)], 120), those.truth(those.samples)

    assert misses(project) <= most_misses(0.05)


def test_drawing_more_until_it_pleases_keeps_the_stated_error() -> None:
    """Ten looks at a growing draw, each judged at its part of the doubt: any of them misses in at most 5 %."""
    missed = 0
    for seed in range(PROJECTS):
        draw = random.Random(seed)
        wrong = 0.1
        outcomes: list[Outcome] = []
        is_missed = False
        for look in range(1, 11):
            outcomes += [Outcome.WRONG if draw.random() < wrong else Outcome.RIGHT for _ in range(20)]
            interval = claim(outcomes, 10**6, look).interval
            assert interval
            is_missed |= not interval.low <= 1 - wrong <= interval.high
        missed += is_missed
    assert missed / PROJECTS <= most_misses(0.05)


def test_the_parts_of_the_doubt_sum_to_less_than_the_whole() -> None:
    """However many looks there are, the doubt that they spend stays below what was stated."""
    assert sum(1 - confidence_of(look) for look in range(1, 1_000)) < 0.05
    assert confidence_of(1, 0.9) == pytest.approx(0.95)


@pytest.mark.parametrize("share_wrong", [0.11, 0.2])
def test_up_to_ten_audits_of_overlapping_filters_pass_wrongly_in_five_percent(share_wrong: float) -> None:
    """Whoever fails, drops what was found wrong from the filter and draws again: ten tries keep the stated error."""
    passed_wrongly = 0
    for seed in range(PROJECTS):
        draw = random.Random(seed)
        wrong = {*draw.sample(range(500), round(500 * share_wrong))}
        there = list(range(500))
        for look in range(1, 11):
            drawn = draw.sample(there, SIZES[look])
            found = wrong.intersection(drawn)
            rest = set(there).difference(drawn)
            if not found:
                passed_wrongly += len(wrong & rest) > 0.1 * len(rest)
                break
            there = [place for place in there if place not in found]  # an almost equal filter
    assert passed_wrongly / PROJECTS <= most_misses(0.05)


SIZES = {look: needed(0.1, round(confidence_of(look), 9), 0, 500) for look in range(1, 11)}


def test_a_suggested_margin_is_judged_on_reads_that_did_not_choose_it() -> None:
    """The interval of the suggestion covers the truth from that margin on in at least 95 %."""
    suggested = missed = 0
    for seed in range(PROJECTS):
        those = Population(random.Random(seed), 200, near_wrong=0.4, far_wrong=0.02)
        drawn = those.draw.sample(those.samples, 60)
        far = [Far(those.closeness[place] / 5, those.read(place)) for place in drawn]
        found = suggest(far, 0.9, 200)
        if found is None or not found.judged.interval:
            continue
        suggested += 1
        beyond = [place for place in those.samples if those.closeness[place] / 5 >= found.closeness - 1e-9]
        missed += not found.judged.interval.low <= those.truth(beyond) <= found.judged.interval.high
    assert suggested > PROJECTS / 2
    assert missed / suggested <= most_misses(0.05, suggested)


def test_a_suggestion_is_the_smallest_margin_that_the_odd_places_reach() -> None:
    """It is chosen on every other read and counts the rest alone; samples that no limit decided have no margin."""
    far = [Far(place / 100, Outcome.WRONG if place < 10 else Outcome.RIGHT) for place in range(40)]
    far += [Far(None, Outcome.WRONG)] * 2
    found = suggest(far, 1.0, 1_000)
    assert found
    assert found.closeness == pytest.approx(0.085)
    assert (found.chosen, found.judged.reads) == (Reads(15, 0), Reads(15, 1))
    assert suggest(far[:9], 0.5, 1_000) is None
    assert suggest([], 0.5, 0) is None


APPROVE, CHOOSE, EDIT, REJECT, PARK = Action.APPROVE, Action.CHOOSE, Action.EDIT, Action.REJECT, Action.PARK


@pytest.mark.parametrize(
    ("marked", "later", "fit"),
    [
        ((1, 2), None, (1, 2)),
        ((), None, ()),
        ((1, 2), Later(APPROVE, 2), (1, 2)),
        ((1, 2), Later(CHOOSE, 3), (3,)),
        ((), Later(APPROVE, 1), (1,)),
        ((1, 2), Later(REJECT), ()),
        ((), Later(REJECT), ()),
        ((1, 2), Later(EDIT, 1), (2,)),
        ((1,), Later(EDIT, 1), ()),
        ((1,), Later(EDIT, 2), (1,)),
        ((1,), Later(EDIT), (1,)),
        ((1,), Later(PARK), None),
    ],
)
def test_a_later_decision_replaces_a_reading_that_it_contradicts(
    marked: tuple[int, ...], later: Later | None, fit: tuple[int, ...] | None
) -> None:
    """Agreeing leaves the marks; contradicting replaces them; an edit takes its own version away; parked is open."""
    assert fit_versions(Reading(SHOWN, marked, later)) == fit


@pytest.mark.parametrize(
    ("reading", "pick", "expected"),
    [
        (None, 1, Outcome.OPEN),
        (None, None, Outcome.OPEN),
        (Reading((1, 2), (1,)), 1, Outcome.RIGHT),
        (Reading((1, 2), (1,)), 2, Outcome.WRONG),
        (Reading((1, 2), (1,)), None, Outcome.WRONG),
        (Reading((1, 2), ()), None, Outcome.RIGHT),
        (Reading((1, 2), ()), 1, Outcome.WRONG),
        (Reading((1, 2), (1,)), 3, Outcome.OPEN),
        (Reading((1, 2), (1,), Later(CHOOSE, 3)), 3, Outcome.RIGHT),
        (Reading((1, 2), (1,), Later(PARK)), 1, Outcome.OPEN),
    ],
)
def test_the_rule_is_right_where_it_keeps_what_is_marked(
    reading: Reading | None, pick: int | None, expected: Outcome
) -> None:
    """Or where it leaves out what has no mark; a version that the reader did not see is not judged."""
    assert outcome(reading, pick) is expected


def test_a_claim_says_what_is_open_and_of_how_many() -> None:
    """The sentence names the interval, the reads, and what was drawn and is not read; nothing read claims nothing."""
    found = claim([Outcome.RIGHT] * 95 + [Outcome.WRONG] * 5, 1_000)
    assert found.sentence("all samples") == ("Of all samples, between 87 and 99 of 100 are right, by 100 random reads.")
    half = claim([Outcome.RIGHT, Outcome.OPEN], 1_000)
    assert "by 1 random read; 1 more drawn and not read" in half.sentence("all samples")
    assert half.reads.share == 1.0
    assert half.interval
    assert half.interval.low < 0.5
    assert claim([], 10).interval is None
    assert "nothing is known yet" in claim([Outcome.OPEN], 10).sentence("all samples")


def test_where_all_were_drawn_there_is_no_doubt_but_of_what_is_open() -> None:
    """A census has no sampling error: the ends are the shares with what is open as wrong, and as right."""
    found = claim([Outcome.RIGHT] * 6 + [Outcome.WRONG] * 2 + [Outcome.OPEN] * 2, 10)
    assert found.interval
    assert (found.interval.low, found.interval.high) == (0.6, 0.8)
