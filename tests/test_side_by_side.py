"""Policies side by side: every number is one that the plain-Python rule gives for each policy alone."""

import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from statistics import fmean

import pytest

from srt_core.methods import REASONS
from srt_core.project.store import Store
from srt_core.records import Origin, Policy
from srt_core.select.compare.side_by_side import side_by_side
from tests import rule_oracle
from tests.rule_oracle import Case, Numbers
from tests.rule_project import create_project

DRAW = random.Random(7)
POLICIES = [
    Policy(),
    Policy(name="wide", response_margin=0.125, require_response_reflection=False).limited(max_ifd=None, max_r_ifd=0.9),
    Policy(name="few", top_share=30.0, require_response_reflection=False),
]


def draw_case() -> Case:
    """A sample with some of its candidates, at scores coarse enough for ties, some missing."""

    def number() -> float | None:
        return None if DRAW.random() < 0.1 else DRAW.randrange(2, 10) / 8

    origins = [Origin.ORIGINAL, *(origin for origin in list(Origin)[1:] if DRAW.random() < 0.7)]
    return Case({origin: Numbers(number(), number()) for origin in origins})


CASES = [draw_case() for _ in range(150)]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A project of these samples."""
    with create_project(tmp_path_factory.mktemp("beside") / "p.srt", CASES) as store:
        yield store


def test_each_policy_is_counted_as_alone(store: Store) -> None:
    """Kept by origin, left out by reason and means of what is kept are those of the rule under it."""
    found = side_by_side(store, POLICIES)
    assert [outcome.policy for outcome in found.outcomes] == POLICIES
    assert found.samples == len(CASES)
    for policy, outcome in zip(POLICIES, found.outcomes, strict=True):
        rule = rule_oracle.select(CASES, policy)
        assert outcome.by_origin == {origin: sum(each.origin == origin for each in rule) for origin in Origin}
        assert outcome.by_reason == {reason: sum(each.reason == reason for each in rule) for reason in REASONS}
        kept = [case.candidates[each.origin] for case, each in zip(CASES, rule, strict=True) if each.origin]
        assert outcome.ifd.value == pytest.approx(fmean(n.ifd for n in kept if n.ifd is not None))
        assert outcome.r_ifd.value == pytest.approx(fmean(n.r_ifd for n in kept if n.r_ifd is not None))


def test_two_policies_agree_where_the_outcome_is_the_same(store: Store) -> None:
    """The table of pairs counts samples with the same candidate or none under both, and is symmetric."""
    rules = [rule_oracle.select(CASES, policy) for policy in POLICIES]
    expected = [
        [sum(a.origin == b.origin for a, b in zip(one, other, strict=True)) for other in rules] for one in rules
    ]
    assert side_by_side(store, POLICIES).same == expected


def test_where_nothing_is_kept_there_is_no_mean(store: Store) -> None:
    """Means of nothing are None, never 0."""
    outcome = side_by_side(store, [Policy().limited(max_ifd=0.01)]).outcomes[0]
    assert (outcome.kept, outcome.ifd.value, outcome.r_ifd.value, outcome.growth.value) == (0, None, None, None)


def test_growth_is_that_of_kept_rewrites(tmp_path: Path) -> None:
    """An original that is kept has no growth and does not pull the mean."""
    cases = [
        Case({Origin.ORIGINAL: Numbers(0.5, 0.75), Origin.RESPONSE: Numbers(0.5, r_ifd)}) for r_ifd in (0.5, 0.5, 1.0)
    ]
    with create_project(tmp_path / "p.srt", cases) as store:
        with store.transaction() as tx:
            tx.execute("UPDATE candidate SET growth = candidate_id WHERE origin = 'RESPONSE'")
            tx.bump()
        free = replace(Policy(), require_response_reflection=False)
        outcome = side_by_side(store, [free]).outcomes[0]
    assert (outcome.kept, outcome.growth.value) == (3, 3.0)
