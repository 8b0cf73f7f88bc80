"""What a policy would change is counted by the rule itself, sample by sample, and changes nothing."""

import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from srt_core.errors import SRTError
from srt_core.export.contents import Scope, counts
from srt_core.methods import METHODS, Method, scoring_settings
from srt_core.project.store import Store
from srt_core.records import Acceptance, Action, Decision, Origin, Policy, Selection, Stage
from srt_core.review import decisions
from srt_core.score.templates import TEMPLATE_NAMES
from srt_core.select import selection
from srt_core.select.compare.whatif import Change, changes, compare, gains
from srt_core.select.derive import refresh
from srt_core.select.policy import applied_policy
from tests import rule_oracle
from tests.exporting import export_one
from tests.rule_oracle import Case, Numbers
from tests.rule_project import create_project, sample_name

OTHER = Policy(name="other", response_margin=0.25, require_response_reflection=False).limited(
    max_ifd=None, max_r_ifd=0.875
)
KINDS: tuple[Change, ...] = ("entering", "leaving", "switching")


def draw_case(draw: random.Random) -> Case:
    """A sample with some of its candidates, at scores coarse enough for ties."""
    origins = [Origin.ORIGINAL, *(origin for origin in list(Origin)[1:] if draw.random() < 0.7)]
    return Case({origin: Numbers(draw.randrange(2, 10) / 8, draw.randrange(2, 10) / 8) for origin in origins})


DRAW = random.Random(20)
CASES = [draw_case(DRAW) for _ in range(200)]


def kept(policy: Policy) -> list[Selection]:
    return rule_oracle.select(CASES, policy)


def outcome(found: Selection) -> str:
    return str(found.origin or found.reason)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A project that tests only look at."""
    with create_project(tmp_path_factory.mktemp("whatif") / "p.srt", CASES) as store:
        yield store


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Store]:
    """A project to decide in."""
    with create_project(tmp_path / "p.srt", CASES) as store:
        yield store


def decide(store: Store, place: int, action: Action, origin: Origin | None = None) -> None:
    decisions.decide(store, Decision(sample_name(place), action, "ann", origin), expected_event_id=None)


def kind_of(before: Selection, after: Selection) -> Change | None:
    if before.origin == after.origin:
        return None
    return "entering" if before.origin is None else "leaving" if after.origin is None else "switching"


def test_outcomes_are_those_of_the_rule_under_both_policies(store: Store) -> None:
    """Every sample counts once in before and once in after, under what the rule says of it."""
    found = compare(store, OTHER)
    assert found.before == Counter(map(outcome, kept(Policy())))
    assert found.after == Counter(map(outcome, kept(OTHER)))


@pytest.mark.parametrize("kind", KINDS)
def test_changes_are_counted_and_listed_alike(store: Store, kind: Change) -> None:
    """The samples listed for a direction are those whose outcome moves that way, as many as were counted."""
    pairs = list(zip(kept(Policy()), kept(OTHER), strict=True))
    expected = [sample_name(place) for place, (old, new) in enumerate(pairs) if kind_of(old, new) == kind]
    listed = [each.sample_id for each in changes(store, OTHER, kind, limit=len(CASES))]
    assert expected
    assert listed == expected
    assert compare(store, OTHER).changes[kind] == len(expected)


def test_changes_come_in_pages(store: Store) -> None:
    """Pages of a direction joined are the whole list."""
    whole = [each.sample_id for each in changes(store, OTHER, "entering", limit=len(CASES))]
    pages = [changes(store, OTHER, "entering", limit=4, offset=at) for at in range(0, len(whole), 4)]
    assert [each.sample_id for page in pages for each in page] == whole


def test_a_change_names_both_outcomes(store: Store) -> None:
    """A listed sample carries what the rule said before and what it says under the policy."""
    before, after = kept(Policy()), kept(OTHER)
    for each in changes(store, OTHER, "leaving", limit=len(CASES)):
        place = int(each.sample_id[1:])
        assert (each.before, each.after) == (before[place], after[place])


def test_the_applied_policy_changes_nothing(store: Store) -> None:
    """Compared with itself a policy changes no sample."""
    found = compare(store, applied_policy(store))
    assert found.changed == 0
    assert found.before == found.after


def originals_only() -> Policy:
    """Keeps the original of every sample."""
    return Policy(
        accept_instruction=Acceptance.NEVER, accept_response=Acceptance.NEVER, require_response_reflection=False
    ).limited(max_ifd=None, max_r_ifd=None)


def test_a_comparison_counts_what_an_export_would_hold(fresh: Store, tmp_path: Path) -> None:
    """Pairs to be exported are people's decisions and the rule's picks of the rest; what is parked is told apart."""
    picks = [place for place, found in enumerate(kept(Policy())) if found.origin]
    for place, action in zip(picks, (Action.APPROVE, Action.REJECT, *[Action.PARK] * 8), strict=False):
        decide(fresh, place, action, kept(Policy())[place].origin if action is Action.APPROVE else None)
    found = compare(fresh, OTHER)
    selection.apply(fresh, OTHER, "ann")
    held = counts(fresh, Scope.VERDICTS)["total"]
    assert {"pairs": found.exported_after, "parked": found.parked_after, "retracted": 0} == held
    assert export_one(fresh, tmp_path, "alpaca", by="ann").rows == found.exported_after > 0 < found.parked_after


def test_changes_of_decided_samples_are_counted_apart(fresh: Store) -> None:
    """Of the changes, those whose verdict a person fixed are known."""
    (changed,) = changes(fresh, OTHER, "leaving", limit=1)
    decide(fresh, int(changed.sample_id[1:]), Action.REJECT)
    assert compare(fresh, OTHER).changes_decided == 1
    assert changes(fresh, OTHER, "leaving", limit=1)[0].decided


def test_looking_stores_nothing(store: Store) -> None:
    """A comparison leaves policy, selections and log as they were."""
    refresh(store)
    before = store.rows("SELECT * FROM selection ORDER BY seq")
    compare(store, OTHER)
    changes(store, OTHER, "entering", limit=5)
    assert store.rows("SELECT * FROM selection ORDER BY seq") == before
    assert applied_policy(store) == Policy()
    assert not store.rows("FROM event")


def test_gains_are_the_improvement_over_the_parent(tmp_path: Path) -> None:
    """A stage's gain is the rise of IFD or the fall of r-IFD against what it rewrote."""
    case = Case(
        {
            Origin.ORIGINAL: Numbers(0.5, 0.75),
            Origin.RESPONSE: Numbers(0.5, 0.5),
            Origin.INSTRUCTION: Numbers(0.625, 0.75),
            Origin.BOTH: Numbers(0.5, 1.0),
        }
    )
    with create_project(tmp_path / "p.srt", [case]) as store:
        assert gains(store, Stage.INSTRUCTION, Policy(), bins=1) == ([0.1, 0.15], {Origin.INSTRUCTION: [1]})
        edges, counts = gains(store, Stage.RESPONSE, Policy(), bins=10)
    assert (edges[0], edges[-1]) == (-0.25, 0.25)
    assert counts == {Origin.RESPONSE: [0] * 9 + [1], Origin.BOTH: [1] + [0] * 9}


def test_without_scores_there_are_no_gains(tmp_path: Path) -> None:
    """Where no rewrite is scored there is nothing to bin."""
    with create_project(tmp_path / "p.srt", [Case({Origin.ORIGINAL: Numbers(None, None)})]) as store:
        assert gains(store, Stage.RESPONSE, Policy()) == ([], {})


@pytest.mark.parametrize("method", METHODS.values(), ids=lambda method: method.name)
def test_a_method_can_be_scored_as_its_paper_does(method: Method) -> None:
    """A template that a method names is one of ours, and a method that asks no student names none."""
    assert method.template in ("", *TEMPLATE_NAMES)
    assert method.needs_student or not (method.student or method.template)


NOT_GIVEN = {"student": "", "template": "", "convention": None, "max_length": None, "cherry_ifd": False}


def test_a_method_fills_in_what_was_not_given() -> None:
    """What the curator names stands; the rest is the method's; without either it is as usual."""
    paper = scoring_settings("superfiltering", NOT_GIVEN)
    assert paper == {
        "student": "gpt2", "template": "plain", "convention": "reference", "max_length": 1024, "cherry_ifd": False,
    }  # fmt: skip
    own = {"student": "own", "template": "vicuna", "convention": "aligned", "max_length": 64, "cherry_ifd": False}
    assert scoring_settings("superfiltering", own) == own
    assert scoring_settings("cherry", own) == {**own, "cherry_ifd": True}
    cherry = scoring_settings("cherry", {**NOT_GIVEN, "student": "own"})
    assert list(cherry.values()) == ["own", "alpaca", "reference", 512, True]
    usual = scoring_settings("", {**NOT_GIVEN, "student": "own"})
    assert list(usual.values()) == ["own", "alpaca", "aligned", 2048, False]
    with pytest.raises(SRTError, match="No student"):
        scoring_settings("cherry", NOT_GIVEN)
