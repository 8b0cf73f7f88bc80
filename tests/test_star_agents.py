"""Star-Agents as it is worked by hand: draws, rewards, p by the log of steps, and how fast the better is found."""

import random

import pytest

from srt_core.methods.star_agents import (
    Step,
    draw,
    duals,
    joined,
    judged,
    replayed,
    split_by_memory,
    updated,
)
from srt_core.reflect.arms.drawing import draw_for

CHAIN = [("a", 1.0, 0.6), ("b", 0.5, 1.0), ("a", 1.0, 1.0), ("c", 0.0, 1.0)]
"""Who was judged, what was said, and the gap as a share of the largest: worked by hand in the notes on the method."""
P = {
    0.0: [(0.435028249, 0.282485876, 0.282485876), (0.378285434, 0.376074675, 0.245639892),
          (0.521758026, 0.289288211, 0.188953763), (0.521758026, 0.289288211, 0.188953763)],
    0.05: [(0.419774011, 0.290112994, 0.290112994), (0.360267747, 0.375300909, 0.264431344),
           (0.481713527, 0.295389056, 0.222897417), (0.459456498, 0.301080697, 0.239462804)],
}  # fmt: skip


@pytest.mark.parametrize("floor", P)
def test_rewards_move_p_as_worked_by_hand(floor: float) -> None:
    """Each step of the worked example, and the log played again, give its numbers."""
    steps = [Step(1, joins=3)]
    p = replayed(steps)
    for (arm, said, share), expected in zip(CHAIN, P[floor], strict=True):
        place = "abc".index(arm)
        p = updated(p, place, said * share, 0.3, floor)
        steps.append(Step(len(steps) + 1, place, said * share, 0.3, floor))
        assert p == pytest.approx(expected, abs=1e-9)
        assert replayed(steps) == p
    without_the_second = replayed([*steps, Step(6, corrects=3)])
    assert without_the_second == replayed([steps[0], steps[1], *steps[3:]])


def test_a_gap_below_0_counts_as_none() -> None:
    """Where the paper turns signs round or divides by 0, nothing is rewarded; an unknown gap stays unknown."""
    assert duals([0.2, 0.05, -0.1]) == pytest.approx([1.0, 0.25, 0.0], abs=1e-12)
    assert duals([-0.2, -0.05, -0.1]) == [0.0, 0.0, 0.0]
    assert duals([0.0, 0.0, 0.0]) == [0.0, 0.0, 0.0]
    assert duals([None, 0.4, 0.1]) == [None, 1.0, 0.25]
    with pytest.raises(ValueError, match="below 0"):
        updated([0.05, 0.95], 0, -1.0, 0.3)


def test_arms_that_won_near_by_are_drawn_apart() -> None:
    """p is of sum 1 among those that won near by, and among the rest, as in the worked example."""
    near, rest = split_by_memory({"a": 0.5, "b": 0.3, "c": 0.2}, ["a"])
    assert near == {"a": 1.0}
    assert rest == pytest.approx({"b": 0.6, "c": 0.4}, abs=1e-12)
    drawn = draw_for({"a": 0.5, "b": 0.3, "c": 0.2}, 2, random.Random(1), ["a"], 1)
    assert drawn[0] == ("a", True)
    assert drawn[1][0] in "bc"
    assert not drawn[1][1]


def test_a_draw_takes_none_twice_and_follows_p() -> None:
    """Of many draws the first is each arm about as often as p says, and one without probability comes last."""
    first = [draw({"a": 0.6, "b": 0.4, "c": 0.0}, 3, random.Random(seed)) for seed in range(2_000)]
    assert all(sorted(each) == ["a", "b", "c"] and each[2] == "c" for each in first)
    assert 0.56 < sum(each[0] == "a" for each in first) / len(first) < 0.64


def test_a_choice_says_who_won() -> None:
    """Chosen is 1, several as fine 0.5 each, and another's, the original's too, 0."""
    assert judged("a", ["a", "b"], ["a", "b"]) == {"a": 1.0, "b": 0.0}
    assert judged(None, ["a", "b"], ["a", "b", "c"]) == {"a": 0.5, "b": 0.5, "c": 0.0}
    assert judged(None, ["a", "a"], ["a", "b"]) == {"a": 1.0, "b": 0.0}
    assert judged("", [], ["a", "b"]) == {"a": 0.0, "b": 0.0}


QUALITY = {"good": 0.95, "fair": 0.3, "poor": 0.1}


def simulated(seed: int, floor: float, steps: int = 50) -> float:
    """The good arm's p after so many choices among 2 of 3 arms drawn, whose version is liked as often as QUALITY says.

    Of two that are liked the better teacher's is chosen; where neither is, the original is, and nobody is rewarded.
    """
    chance, p = random.Random(seed), joined([], len(QUALITY))
    for _ in range(steps):
        drawn = draw(dict(zip(QUALITY, p, strict=True)), 2, chance)
        liked = [name for name in drawn if chance.random() < QUALITY[name]]
        if liked:
            p = updated(p, list(QUALITY).index(max(liked, key=QUALITY.__getitem__)), 1.0, 0.3, floor)
    return p[0]


def test_the_better_teacher_is_found() -> None:
    """With a floor of 0.01 the good arm has more than 0.8 in at least 90 of 100 seeds; with 0.05 a median near 0.7."""
    shares = [simulated(seed, 0.01) for seed in range(100)]
    assert sum(share > 0.8 for share in shares) >= 90
    higher = sorted(simulated(seed, 0.05) for seed in range(100))
    assert (higher[49] + higher[50]) / 2 == pytest.approx(0.70, abs=0.05)
