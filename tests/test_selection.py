"""The rule in SQL against its plain-Python twin, and its invariants."""

import json
import random
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from srt_core.errors import PolicyError
from srt_core.methods import GUARDS, PRESETS
from srt_core.project.store import Store
from srt_core.records import OPTIONS, Acceptance, Origin, Policy, Reason, Rounding, ShareOf
from srt_core.select import selection
from srt_core.select.derive import refresh
from srt_core.select.policy import applied_policy, policy_from_json, policy_to_json, with_settings
from srt_core.select.rule import parameters
from tests import rule_oracle
from tests.rule_oracle import Case, Numbers
from tests.rule_project import create_project, kept, random_cases, read, sample_name

MARGINS = (0.0, 0.0, 0.125, 0.25, -0.125, -0.25, -10.0)
CEILINGS = (None, 1.0, 1.0, 0.75, 0.5, 0.25, 2.0)
RANKS = ("ifd", "loss_ratio")
"""The measures to rank by that a case has."""
SHARES = (100.0, 100.0, 50.0, 33.3, 25.0, 10.0, 2.0, 0.1)

FREE = Policy(require_response_reflection=False).limited(max_ifd=None, max_r_ifd=None)

POLICIES = st.builds(
    lambda max_ifd, max_r_ifd, **options: Policy(**options).limited(max_ifd=max_ifd, max_r_ifd=max_r_ifd),
    accept_instruction=st.sampled_from(Acceptance),
    accept_response=st.sampled_from(Acceptance),
    instruction_margin=st.sampled_from(MARGINS),
    response_margin=st.sampled_from(MARGINS),
    max_ifd=st.sampled_from(CEILINGS),
    max_r_ifd=st.sampled_from(CEILINGS),
    require_response_reflection=st.booleans(),
    require_reflection=st.booleans(),
    top_share=st.sampled_from(SHARES),
    diverse_share=st.sampled_from((100.0, 100.0, 50.0, 10.0)),
    rank_by=st.sampled_from(RANKS),
    share_of=st.sampled_from(ShareOf),
    share_rounding=st.sampled_from(Rounding),
)

many = settings(
    max_examples=40, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


CASES = random_cases(1_200, seed=20240210)


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A project of all random samples; tests only read it."""
    with create_project(tmp_path_factory.mktemp("drawn") / "drawn.duckdb", CASES) as store:
        yield store


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Store]:
    """A project of a few random samples, for tests that write."""
    with create_project(tmp_path / "small.duckdb", CASES[:200]) as store:
        yield store


def originals(tmp_path: Path, *numbers: Numbers) -> Store:
    """A project of samples that have nothing but an original."""
    return create_project(tmp_path / "originals.duckdb", [Case({Origin.ORIGINAL: n}) for n in numbers])


# The twin


@many
@given(policy=POLICIES)
def test_sql_and_oracle_select_the_same_on_every_sample(drawn: Store, policy: Policy) -> None:
    """Winner, pick and reason agree with the plain-Python rule on every random sample under every random policy."""
    found = [read(row) for row in selection.select(drawn, policy)]
    differing = [
        (case, sql, twin)
        for case, sql, twin in zip(CASES, found, rule_oracle.select(CASES, policy), strict=True)
        if sql != twin
    ]
    assert not differing[:3]


@many
@given(policy=POLICIES)
def test_scores_of_the_winner_and_closeness_are_those_of_the_oracle(drawn: Store, policy: Policy) -> None:
    """Each row carries its winner's two scores and the smallest distance of the comparisons that decide."""
    for case, row in zip(CASES, selection.select(drawn, policy), strict=True):
        winner = case.candidates[Origin(row["winner"])]
        assert (row["winner_ifd"], row["winner_r_ifd"]) == (winner.ifd, winner.r_ifd)
        if not policy.takes_share:
            assert row["closeness"] == rule_oracle.closeness(case, policy), case


ANY: dict[str, Any] = {"require_response_reflection": False}
CLOSENESS: list[tuple[dict[str, Any], dict[Origin, Numbers], float | None]] = [
    (ANY, {Origin.ORIGINAL: Numbers(0.5, 0.5)}, 0.5),
    (ANY, {Origin.ORIGINAL: Numbers(0.75, 0.5)}, 0.25),
    ({**ANY, "max_ifd": None}, {Origin.ORIGINAL: Numbers(0.75, 0.5)}, 0.5),
    ({**ANY, "max_ifd": None, "max_r_ifd": None}, {Origin.ORIGINAL: Numbers(0.75, 0.5)}, None),
    (ANY, {Origin.ORIGINAL: Numbers(None, None)}, None),
    # A winner that the policy leaves out for want of a reflection meets no ceiling.
    ({}, {Origin.ORIGINAL: Numbers(0.75, 0.5)}, None),
    ({}, {Origin.ORIGINAL: Numbers(0.5, 0.5), Origin.RESPONSE: Numbers(0.5, 0.375)}, 0.125),
    ({}, {Origin.ORIGINAL: Numbers(0.5, 0.5), Origin.RESPONSE: Numbers(0.5, 0.5)}, 0.0),
    ({"response_margin": 0.125}, {Origin.ORIGINAL: Numbers(0.5, 0.5), Origin.RESPONSE: Numbers(0.5, 0.375)}, 0.0),
    ({**ANY, "accept_response": "always"}, {Origin.ORIGINAL: Numbers(0.5, 0.5),
                                            Origin.RESPONSE: Numbers(0.5, 0.5)}, 0.5),
    (ANY, {Origin.ORIGINAL: Numbers(0.5, 0.5), Origin.INSTRUCTION: Numbers(0.4375, 0.5)}, 0.0625),
    # Taken or not, an instruction rewrite without a response rewrite is left out: no limit changes that.
    ({}, {Origin.ORIGINAL: Numbers(0.5, 0.5), Origin.INSTRUCTION: Numbers(0.4375, 0.5)}, None),
    # Two ceilings are in the way: moving one of them changes nothing.
    (ANY, {Origin.ORIGINAL: Numbers(1.25, 1.5)}, None),
    # The comparison of RESPONSE with the original does not decide where the instruction was taken: here it is a tie.
    ({}, {Origin.ORIGINAL: Numbers(0.25, 0.5), Origin.INSTRUCTION: Numbers(0.75, 0.5),
          Origin.RESPONSE: Numbers(0.25, 0.5), Origin.BOTH: Numbers(0.625, 0.125)}, 0.375),
    (ANY, {Origin.ORIGINAL: Numbers(0.5, 0.5), Origin.INSTRUCTION: Numbers(None, 0.5)}, 0.5),
]  # fmt: skip


def test_closeness_is_the_smallest_distance_that_decides(tmp_path: Path) -> None:
    """Cases by hand: comparisons that do not decide (another branch, a switch that is off, no score) do not count."""
    with create_project(tmp_path / "p.duckdb", [Case(candidates) for _, candidates, _ in CLOSENESS]) as store:
        for place, (options, _, expected) in enumerate(CLOSENESS):
            policy = with_settings(Policy(), options)
            assert selection.select(store, policy)[place]["closeness"] == expected, CLOSENESS[place]


NEAREST = 200


def random_policy(draw: random.Random) -> Policy:
    """A policy that somebody could dial, with a top share more often than not."""
    ceilings = {"max_ifd": draw.choice([None, 0.6, 0.9, 1.0]), "max_r_ifd": draw.choice([None, 0.4, 0.8, 1.0])}
    return Policy(
        accept_instruction=draw.choice([*Acceptance, Acceptance.IMPROVED]),
        accept_response=draw.choice([*Acceptance, Acceptance.IMPROVED]),
        instruction_margin=draw.choice([0.0, 0.05, -0.1]),
        response_margin=draw.choice([0.0, 0.05, -0.1]),
        require_response_reflection=draw.random() < 0.5,
        require_reflection=draw.random() < 0.3,
        top_share=draw.choice([100.0, 80.0, 37.5, 10.0, 5.0]),
        diverse_share=draw.choice([100.0, 100.0, 60.0]),
        rank_by=draw.choice(RANKS),
        share_of=draw.choice(list(ShareOf)),
        share_rounding=draw.choice(list(Rounding)),
    ).limited(**ceilings)


@pytest.fixture(scope="module")
def fine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """Samples with scores of many digits, as a student gives them."""
    draw = random.Random(5)

    def numbers() -> Numbers:
        return Numbers(*(round(draw.gammavariate(9, scale), 6) for scale in (0.08, 0.06, 0.08)))

    origins = [[*Origin][:size] for size in (1, 2, 3, 4, 4)]
    cases = [Case({origin: numbers() for origin in draw.choice(origins)}) for _ in range(500)]
    cases = [replace(case, coverage=draw.randint(1, 300)) for case in cases]
    with create_project(tmp_path_factory.mktemp("fine") / "p.srt", cases) as store:
        yield store


@pytest.mark.parametrize("seed", range(20))
def test_moving_a_limit_by_the_distance_shown_changes_what_is_kept(fine: Store, seed: int) -> None:
    """Of the nearest 200 each has another candidate, or none, once the limit named is moved by that and a billionth.

    The cut of a top share is at the lowest number kept.
    """
    policy = random_policy(random.Random(seed))
    rows = selection.select(fine, policy)
    near = sorted((row for row in rows if row["closest"]), key=lambda row: (row["closeness"], row["seq"]))[:NEAREST]
    left = [row for row in rows if row["reason"] in ("kept", "below_diverse_share")]
    lowest = min((row[f"winner_{policy.rank_by}"] for row in left), default=0.0)
    moves = [(row, sign) for row in near for sign in (1, -1) if row["closest"] != "top_share"]
    moved = [rule_oracle.moved(policy, row["closest"], sign * (row["closeness"] + 1e-9)) for row, sign in moves]
    then = moved_selections(fine, moved, [row["seq"] for row, _ in moves])
    changed = {row["seq"] for (row, _), pick in zip(moves, then, strict=True) if pick != row["candidate_id"]}
    for row in near:
        if row["closest"] == "top_share":
            assert abs(row[f"winner_{policy.rank_by}"] - lowest) == row["closeness"]
        else:
            assert row["seq"] in changed, (policy, row)


def moved_selections(store: Store, policies: list[Policy], seqs: list[int]) -> list[int | None]:
    """What each of some policies keeps of one sample each."""
    if not policies:
        return []
    rule = selection.rule_of_each(store, policies)
    rows = store.rows(
        f"""SELECT candidate_id FROM ({rule.sql}) AS rule
            JOIN (SELECT unnest($seqs::BIGINT[]) AS seq, generate_subscripts($seqs::BIGINT[], 1) - 1 AS policy) AS asked
            USING (policy, seq) ORDER BY policy""",
        {**rule.values, "seqs": seqs},
    )
    return [row["candidate_id"] for row in rows]


# Many policies at once


@settings(parent=many, max_examples=15)
@given(policies=st.lists(POLICIES, min_size=1, max_size=5))
def test_the_rule_of_each_selects_as_each_alone(drawn: Store, policies: list[Policy]) -> None:
    """Under many policies at once every sample is selected as under each of them alone, top share included."""
    refresh(drawn)
    rule = selection.rule_of_each(drawn, policies, with_closeness=True)
    rows = drawn.rows(f"SELECT * FROM ({rule.sql}) ORDER BY policy, seq", rule.values)
    alone = [{"policy": place, **row} for place, each in enumerate(policies) for row in selection.select(drawn, each)]
    assert rows == alone


def test_the_rule_of_each_wants_one_panel(small: Store) -> None:
    """Policies of several producers have no panel in common, and are refused together."""
    with pytest.raises(PolicyError):
        selection.rule_of_each(small, [Policy(), Policy(producer="test")])


def test_two_policies_stand_in_one_statement(small: Store) -> None:
    """Queries with a tag each keep their parameters apart."""
    refresh(small)
    one, other = (selection.rule_of(small, each, tag=tag) for each, tag in ((FREE, "_a"), (Policy(), "_b")))
    rows = small.rows(
        f"""SELECT a.origin AS one, b.origin AS other
            FROM ({one.sql}) AS a JOIN ({other.sql}) AS b USING (seq) ORDER BY seq""",
        one.values | other.values,
    )
    alone = zip(selection.select(small, FREE), selection.select(small, Policy()), strict=True)
    assert [(row["one"], row["other"]) for row in rows] == [(one["origin"], other["origin"]) for one, other in alone]


# Invariants


@many
@given(policy=POLICIES)
def test_every_sample_gets_one_selection_and_one_reason(drawn: Store, policy: Policy) -> None:
    """One row a sample in file order; KEPT goes with the winner as pick and every other reason with none."""
    rows = selection.select(drawn, policy)
    assert [row["sample_id"] for row in rows] == [sample_name(place) for place in range(len(CASES))]
    for found in map(read, rows):
        assert (found.reason == Reason.KEPT) == (found.origin is not None)
        assert found.origin in (None, found.winner)


@many
@given(policy=POLICIES, field=st.sampled_from(["max_ifd", "max_r_ifd"]))
def test_a_higher_ceiling_never_removes_a_sample(drawn: Store, policy: Policy, field: str) -> None:
    """Without a top share, what a low ceiling keeps a higher one keeps too, and no ceiling keeps most."""
    policy = replace(policy, top_share=100, diverse_share=100)
    series = [set(kept(drawn, with_settings(policy, {field: ceiling}))) for ceiling in (0.5, 0.75, 1.0, None)]
    for low, high in pairwise(series):
        assert low <= high


@many
@given(policy=POLICIES)
def test_a_missing_score_never_beats(drawn: Store, policy: Policy) -> None:
    """Where a stage compares, a child without a number, or over a parent without one, is never the winner."""
    policy = replace(policy, accept_instruction=Acceptance.IMPROVED, accept_response=Acceptance.IMPROVED)
    for case, row in zip(CASES, selection.select(drawn, policy), strict=True):
        if row["winner"] in (Origin.INSTRUCTION, Origin.BOTH):
            assert None not in (case.candidates[Origin.ORIGINAL].ifd, case.candidates[Origin.INSTRUCTION].ifd)
        if row["winner"] in (Origin.RESPONSE, Origin.BOTH):
            parent = Origin.ORIGINAL if row["winner"] == Origin.RESPONSE else Origin.INSTRUCTION
            assert None not in (case.candidates[parent].r_ifd, case.candidates[Origin(row["winner"])].r_ifd)


@many
@given(policy=POLICIES)
def test_a_ceiling_keeps_no_sample_without_a_score(drawn: Store, policy: Policy) -> None:
    """What is kept under a ceiling has a number, and it is below the ceiling."""
    for row in selection.select(drawn, policy):
        if row["origin"]:
            assert policy.limit("max_ifd") is None or row["winner_ifd"] < policy.limit("max_ifd")
            assert policy.limit("max_r_ifd") is None or row["winner_r_ifd"] < policy.limit("max_r_ifd")


# The top share


def test_the_top_share_keeps_the_highest_ifd(tmp_path: Path) -> None:
    """A top share keeps the samples with the highest IFD of the winner and says so of the rest."""
    with originals(tmp_path, *(Numbers(ifd, 0.5) for ifd in (0.25, 0.75, 0.5, 0.875, 0.125))) as store:
        policy = replace(FREE, top_share=40)
        assert kept(store, policy) == ["s1", "s3"]
        assert {row["reason"] for row in selection.select(store, policy) if not row["origin"]} == {"below_top_share"}


def test_ties_at_the_cut_go_to_the_earlier_sample(tmp_path: Path) -> None:
    """The share is exact: of equal scores at the cut the samples that came first are kept."""
    with originals(tmp_path, *(Numbers(ifd, 0.5) for ifd in (0.5, 0.5, 0.75, 0.5, 0.5))) as store:
        assert kept(store, replace(FREE, top_share=60)) == ["s0", "s1", "s2"]


@pytest.mark.parametrize(
    ("share", "down", "nearest"),
    [(100, 7, 7), (99.9, 6, 7), (50, 3, 4), (42.8, 2, 3), (28.5, 1, 2), (14.2, 0, 1), (0.1, 0, 0)],
)
def test_the_top_share_is_rounded_as_the_policy_says(tmp_path: Path, share: float, down: int, nearest: int) -> None:
    """A share of 7 samples that is no whole number keeps the whole part, or the nearest number, half to even."""
    with originals(tmp_path, *[Numbers(0.5, 0.5)] * 7) as store:
        for rounding, number in ((Rounding.FLOOR, down), (Rounding.ROUND, nearest)):
            assert len(kept(store, replace(FREE, top_share=share, share_rounding=rounding))) == number


@pytest.mark.parametrize(
    ("preset", "samples", "survivors", "number"),
    [("selective-paper", 60, 39, 20), ("cherry", 60, 39, 19), ("superfiltering", 60, 39, 30)],
)
def test_each_method_takes_its_share_as_published(
    tmp_path: Path, preset: str, samples: int, survivors: int, number: int
) -> None:
    """Half of 39 that are left of 60: 19.5 is rounded to 20, or cut to 19, and half of all 60 are 30."""
    left = Numbers(0.5, 0.5, 0.5)
    cases = [left] * survivors + [Numbers(1.5, 0.5, 1.5)] * (samples - survivors)
    with originals(tmp_path, *cases) as store:
        policy = replace(PRESETS[preset], top_share=50.0, rank_by="ifd", require_response_reflection=False)
        policy = policy.limited(max_ifd=1.0, max_r_ifd=None, max_cherry_ifd=None)
        assert len(kept(store, policy)) == number


@pytest.mark.parametrize(("samples", "share", "number"), [(500, 64.6, 323), (1000, 32.3, 323), (1000, 64.1, 641)])
def test_a_share_that_is_whole_is_not_rounded_by_the_machine(
    tmp_path: Path, samples: int, share: float, number: int
) -> None:
    """64.6 % of 500 samples are 323, though 500 * 64.6 / 100 is a little less in floating point."""
    with originals(tmp_path, *[Numbers(0.5, 0.5)] * samples) as store:
        assert len(kept(store, replace(FREE, top_share=share))) == number


def test_the_top_share_is_taken_of_what_is_left(tmp_path: Path) -> None:
    """Samples that the ceilings or a missing score leave out do not count, in the number or in the order."""
    numbers = [Numbers(0.25, 0.5), Numbers(1.5, 0.5), Numbers(0.5, 0.5), Numbers(None, 0.5), Numbers(0.75, 1.5)]
    with originals(tmp_path, *numbers) as store:
        policy = Policy(require_response_reflection=False, top_share=50, share_rounding=Rounding.FLOOR)
        reasons = [row["reason"] for row in selection.select(store, policy)]
        assert reasons == ["below_top_share", "ifd_ceiling", "kept", "unscored", "r_ifd_ceiling"]


def test_a_winner_without_a_score_has_no_place_in_a_top_share(tmp_path: Path) -> None:
    """Under a top share a winner that cannot be ranked is unscored, even without ceilings; it takes nobody's place."""
    with originals(tmp_path, Numbers(None, None), Numbers(0.25, None), Numbers(0.5, None)) as store:
        reasons = [row["reason"] for row in selection.select(store, replace(FREE, top_share=50))]
        assert reasons == ["unscored", "below_top_share", "kept"]
        assert kept(store, FREE) == ["s0", "s1", "s2"]


def test_the_share_can_be_ranked_by_the_ratio_of_losses(tmp_path: Path) -> None:
    """rank_by loss_ratio orders by Cherry's measure alone; who lacks it is unscored, whatever the IFD."""
    numbers = [Numbers(0.75, 0.5, 0.25), Numbers(0.25, 0.5, 0.75), Numbers(0.875, 0.5, None), Numbers(None, None, 0.5)]
    with originals(tmp_path, *numbers) as store:
        by_ratio = replace(FREE, top_share=67, rank_by="loss_ratio")
        assert kept(store, by_ratio) == ["s1", "s3"]
        assert selection.select(store, by_ratio)[2]["reason"] == "unscored"
        assert kept(store, replace(FREE, top_share=67)) == ["s0", "s2"]


@many
@given(
    policy=POLICIES,
    shares=st.tuples(st.sampled_from(SHARES), st.sampled_from(SHARES)),
    share=st.sampled_from(["top_share", "diverse_share"]),
)
def test_a_smaller_share_keeps_part_of_a_larger(
    drawn: Store, policy: Policy, shares: tuple[float, float], share: str
) -> None:
    """Shares are nested, each by itself, whatever the other options are."""
    small, large = sorted(shares)
    alone = replace(policy, top_share=100.0, diverse_share=100.0)
    few, most = (set(kept(drawn, with_settings(alone, {share: each}))) for each in (small, large))
    assert few <= most


# Policies as data


@many
@given(policy=POLICIES)
def test_a_policy_survives_json(policy: Policy) -> None:
    """A policy written as one line of JSON is read back equal."""
    text = policy_to_json(policy)
    assert "\n" not in text
    assert policy_from_json(text) == policy


def test_the_rule_is_bound_every_option_of_the_policy() -> None:
    """No option can be added to Policy without the rule being handed it; the producer says which panel it reads."""
    bound = parameters([Policy().limited(**dict.fromkeys(GUARDS, 1.0))])
    (row,) = json.loads(str(bound["policies"]))
    limits = {f"limit_{name}" for name in GUARDS}
    assert {*row} - {"policy"} == set(OPTIONS) - {"name", "method", "producer"} | limits


@pytest.mark.parametrize("ask", [selection.select, selection.rule_of, selection.apply])
def test_a_policy_out_of_range_is_refused_everywhere(small: Store, ask: Any) -> None:
    """No way to the rule takes a policy that is out of range, and a refused one is not stored."""
    bad = Policy(top_share=0)
    arguments = {"parameters": (bad,), "apply": (small, bad, "ann")}.get(ask.__name__, (small, bad))
    with pytest.raises(PolicyError):
        ask(*arguments)
    assert applied_policy(small) == Policy()
