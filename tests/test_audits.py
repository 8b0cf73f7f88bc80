"""A random audit is drawn once, can be drawn again from the log, and approves the rest only where it shows enough."""

import hashlib
import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from srt_core.errors import SRTError
from srt_core.project import events
from srt_core.project.events import EventFilter
from srt_core.project.intervals import doubt_of, most_wrong, needed
from srt_core.project.store import Store
from srt_core.records import Action, Decision, Origin, Pair, Policy
from srt_core.review import decisions
from srt_core.review import queues as review
from srt_core.review.filter import facets
from srt_core.review.filter.filter import Filter
from srt_core.review.trust import audits
from srt_core.review.trust.audits import Audit, Terms
from srt_core.select import selection
from srt_core.select.derive import refresh
from tests.rule_oracle import Case, Numbers
from tests.rule_project import add_scoring, create_project

TERMS = Terms(bound=0.2, confidence=0.9)
COUNT = 90
ALL = Filter()


def cases() -> list[Case]:
    """Every third is left out by the rule, so it keeps 60 of 90, each with the response."""
    kept = Case({Origin.ORIGINAL: Numbers(0.5, 0.75), Origin.RESPONSE: Numbers(0.5, 0.5)})
    refused = Case({Origin.ORIGINAL: Numbers(0.5, 0.5), Origin.RESPONSE: Numbers(0.5, 0.75)})
    return [refused if place % 3 == 0 else kept for place in range(COUNT)]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with create_project(tmp_path / "p.srt", cases()) as store:
        yield store


def draw(store: Store, terms: Terms = TERMS, only: Filter = ALL) -> Audit:
    return audits.draw(store, only, "words of the filter", terms, "ann", seed="5eed")


def judge(store: Store, name: str, action: Action = Action.APPROVE) -> int:
    origin = None if action in (Action.REJECT, Action.PARK) else Origin.RESPONSE
    edited = Pair("Do it.", "Better.") if action is Action.EDIT else None
    found = decisions.standing(store, name)
    return decisions.decide(
        store,
        Decision(name, action, "ann", origin, edited, {"queue": "drawn"}),
        expected_event_id=found.event_id if found else None,
    )


def judge_all(store: Store, audit: Audit, wrong: int = 0, start: int = 0) -> None:
    for place, name in enumerate(audit.samples[start:]):
        judge(store, name, Action.REJECT if place < wrong else Action.APPROVE)


def test_a_draw_can_be_drawn_again_from_the_log(store: Store) -> None:
    """The first n of the undecided samples that the rule keeps, by md5 of seed and sample id, are what was drawn."""
    judge(store, "s1")
    judge(store, "s2", Action.PARK)
    audit = draw(store)
    context = events.events(store, EventFilter(kind="audit"), 1)[0].context
    kept = [f"s{place}" for place in range(COUNT) if place % 3 and place != 1]
    kept.sort(key=lambda name: hashlib.md5((context["seed"] + name).encode()).hexdigest())
    assert context["population"] == audit.population == len(kept) == 59
    assert list(audit.samples) == kept[: needed(0.2, 0.9, 0, 59)] == context["sample_ids"]
    assert audit.candidates == tuple(
        store.value("SELECT candidate_id FROM selection WHERE sample_id = ?", [name]) for name in audit.samples
    )


def test_the_log_says_what_was_drawn_from(store: Store) -> None:
    """The event holds seed, population, filter in words and as data, size, bound, confidence, policy and rule."""
    only = Filter(
        reason=("kept",),
        own=(),
        winner_ranges=(("ifd", 0.1, float("inf")),),
        origin_ranges=(("r_ifd", "RESPONSE", 0.0, 0.9),),
    )
    audit = draw(store, only=only)
    event = events.events(store, EventFilter(kind="audit"), 1)[0]
    context = event.context
    assert (context["words"], context["bound"], context["confidence"], context["allowed"]) == (
        "words of the filter",
        0.2,
        0.9,
        0,
    )
    assert context["size"] == audit.size
    assert context["policy"]["name"] == "selective-code"
    assert context["rule"]
    assert (event.author, event.event_id) == ("ann", audit.event_id)
    assert audit.only == only


def test_one_seed_draws_the_same_and_another_does_not(tmp_path: Path) -> None:
    """Two projects of the same data draw alike from one seed; without a seed every draw has its own."""
    drawn = []
    for number, seed in enumerate(("a", "a", "b", None, None)):
        with create_project(tmp_path / f"{number}.srt", cases()) as store:
            drawn.append(audits.draw(store, ALL, "", TERMS, "ann", seed=seed))
    assert drawn[0].samples == drawn[1].samples != drawn[2].samples
    assert len({audit.seed for audit in drawn}) == 4


def test_a_draw_is_simple_random(tmp_path: Path) -> None:
    """Over 200 seeds each of 60 samples is drawn about as often as any other (chi square below its 0.1 % point)."""
    with create_project(tmp_path / "p.srt", cases()) as store:
        refresh(store)
        names = [row["sample_id"] for row in store.rows("SELECT sample_id FROM selection WHERE origin IS NOT NULL")]
    times = dict.fromkeys(names, 0)
    for seed in range(200):
        key = random.Random(seed).randbytes(8).hex()
        for name in sorted(names, key=lambda name: hashlib.md5((key + name).encode()).hexdigest())[:10]:
            times[name] += 1
    expected = 200 * 10 / 60
    assert sum((number - expected) ** 2 / expected for number in times.values()) < 98.3


def test_there_is_no_second_draw_from_the_same(store: Store) -> None:
    """While an audit holds and something of its population remains, drawing again is refused."""
    audit = draw(store)
    with pytest.raises(SRTError, match=f"Audit {audit.event_id} drew from these samples already"):
        draw(store, replace(TERMS, bound=0.3))
    draw(store, only=Filter(winner_ranges=(("ifd", 0.0, 0.9),)))
    assert len(audits.audits(store)) == 2


def test_nothing_to_draw_from_is_said(store: Store) -> None:
    """A filter of which the rule keeps nothing, or one of decided samples, has no audit."""
    with pytest.raises(SRTError, match="nothing to draw from"):
        draw(store, only=Filter(reason=("not_improved",)))
    with pytest.raises(SRTError, match="nobody decided"):
        draw(store, only=Filter(state=("approved",)))
    for terms in ({"bound": 0.0}, {"confidence": 1.0}, {"allowed": -1}):
        with pytest.raises(SRTError, match="cannot show"):
            Terms(**terms)
    with pytest.raises(SRTError, match="no audit 77"):
        audits.find_audit(store, 77)


def test_progress_counts_what_was_judged(store: Store) -> None:
    """Approving the pick is right; rejecting, choosing another and editing are wrong; parked and bulk judge nothing."""
    audit = draw(store)
    for name, action in zip(audit.samples, (Action.APPROVE, Action.REJECT, Action.EDIT, Action.PARK), strict=False):
        judge(store, name, action)
    other = Decision(audit.samples[4], Action.CHOOSE, "bob", Origin.ORIGINAL)
    undone = decisions.decide(store, other, expected_event_id=None)
    assert audits.progress(store, audit) == audits.AuditProgress(4, 3, 1, 0)
    decisions.undo(store, undone, "bob")
    decisions.decide_all(store, "sample_id = $name", {"name": audit.samples[5]}, Action.APPROVE, "bob", "one")
    assert audits.progress(store, audit) == audits.AuditProgress(3, 2, 1, 1)


def test_review_walks_the_draw_in_its_order(store: Store) -> None:
    """The queue holds the drawn samples alone, in the order of the draw, decided or not."""
    audit = draw(store)
    judge(store, audit.samples[0])
    walked = [review.next_open(store, audit.queue, None)]
    while (name := review.neighbour(store, audit.queue, str(walked[-1]))) is not None:
        walked.append(name)
    assert tuple(walked) == audit.samples[1:]
    place = review.place(store, audit.queue, audit.samples[1])
    assert (place.position, place.samples, place.open) == (2, audit.size, audit.size - 1)
    assert review.place(store, review.QUEUES["drawn"], None).samples == 0


def test_an_audit_that_finds_none_wrong_approves_the_rest(store: Store) -> None:
    """Judged whole with none wrong it meets its bound; the rest is approved with the evidence, as one action."""
    judge(store, "s1")
    audit = draw(store)
    judge_all(store, audit)
    found = audits.result(store, audit)
    remaining = 59 - audit.size
    limit = most_wrong(0, audit.size, 59, 0.9) / remaining
    assert (found.met, found.remaining, found.limit) == (True, remaining, limit)
    assert limit <= 0.2
    assert audits.approve(store, audit, "ann") == remaining
    last = events.events(store, EventFilter(kind="approve"), 1)[0]
    evidence = last.context["evidence"]
    assert {name: evidence[name] for name in ("audit", "n", "wrong", "bound", "confidence", "limit", "population")} == {
        "audit": audit.event_id,
        "n": audit.size,
        "wrong": 0,
        "bound": 0.2,
        "confidence": 0.9,
        "limit": limit,
        "population": 59,
    }
    assert evidence["policy"]["name"] == "selective-code"
    assert evidence["rule"]
    assert last.in_action == remaining
    assert audits.result(store, audit).remaining == 0
    assert facets.count_undecided(store, ALL).picks == 0
    assert facets.count(store, Filter(state=("open",))) == 30


def test_before_all_are_judged_nothing_is_approved(store: Store) -> None:
    """An audit is as large as it was drawn: looking early, it shows nothing and approves nothing."""
    audit = draw(store)
    for name in audit.samples[:-1]:
        judge(store, name)
    found = audits.result(store, audit)
    assert (found.met, found.limit) == (False, None)
    with pytest.raises(SRTError, match="does not show"):
        audits.approve(store, audit, "ann")


def test_wrong_ones_within_what_was_allowed_pass(store: Store) -> None:
    """An audit that was drawn to allow one wrong passes with one and fails with two."""
    audit = draw(store, replace(TERMS, allowed=1))
    assert audit.size == needed(0.2, 0.9, 1, 60)
    judge_all(store, audit, wrong=1)
    assert audits.result(store, audit).met
    judge(store, audit.samples[-1], Action.REJECT)
    assert not audits.result(store, audit).met


def test_after_too_many_wrong_more_can_be_drawn_at_less_confidence(store: Store) -> None:
    """The next samples of the same order are added; what passes then is said at the confidence of both looks."""
    audit = draw(store)
    judge_all(store, audit, wrong=1)
    found = audits.result(store, audit)
    looks = [(needed(0.2, 0.9, wrong, 60), wrong) for wrong in range(2)]
    assert (found.met, found.more) == (False, looks[1][0] - looks[0][0])
    longer = audits.extend(store, audit, "ann")
    assert longer.samples[: audit.size] == audit.samples
    assert longer.size == looks[1][0]
    assert longer.event_id == audit.event_id
    judge_all(store, longer, start=audit.size)
    done = audits.result(store, longer)
    assert (done.met, done.more) == (True, 0)
    assert done.confidence == pytest.approx(1 - doubt_of(looks, 0.2, 60))
    assert done.confidence < 0.9
    with pytest.raises(SRTError, match="needs no more"):
        audits.extend(store, longer, "ann")
    assert audits.approve(store, longer, "ann") == 60 - longer.size


def test_with_very_many_wrong_nothing_more_is_drawn(store: Store) -> None:
    """Beyond 20 wrong an audit is not extended: it has shown that the picks are no good."""
    audit = draw(store, replace(TERMS, bound=0.01))
    judge_all(store, audit, wrong=20)
    assert audits.result(store, audit).more > 0
    judge(store, audit.samples[-1], Action.REJECT)
    assert audits.result(store, audit).more == 0
    with pytest.raises(SRTError, match="needs no more"):
        audits.extend(store, audit, "ann")


def test_a_changed_policy_ends_the_evidence_where_it_changes_a_pick(store: Store) -> None:
    """A policy that picks the same leaves an audit as it was; one that picks otherwise makes the approval refused."""
    audit = draw(store)
    judge_all(store, audit)
    selection.apply(store, Policy(name="same picks").limited(max_ifd=0.9), "ann")
    assert audits.result(store, audit).met
    selection.apply(store, Policy(name="none").limited(max_ifd=0.4), "ann")
    found = audits.result(store, audit)
    assert (found.holds, found.met) == (False, False)
    with pytest.raises(SRTError, match="changed since the draw"):
        audits.approve(store, audit, "ann")
    assert events.count_events(store, EventFilter(kind="approve")) == audit.size


def test_changed_scores_end_the_evidence(store: Store) -> None:
    """Where another student's scores change one pick of the population, the audit says nothing any more."""
    audit = draw(store)
    judge_all(store, audit)
    changed = cases()
    left = next(place for place in range(COUNT) if place % 3 and f"s{place}" not in audit.samples)
    changed[left] = Case({Origin.ORIGINAL: Numbers(0.5, 0.5), Origin.RESPONSE: Numbers(0.5, 0.75)})
    store.set_meta("scoring_id", str(add_scoring(store, "other", changed)))
    with pytest.raises(SRTError, match="changed since the draw"):
        audits.approve(store, audit, "ann")
    assert draw(store).event_id != audit.event_id


def test_what_others_decided_meanwhile_counts_as_if_it_were_right(store: Store) -> None:
    """The limit is the wrong ones that may be left, over what is left: others may have decided only right ones."""
    audit = draw(store)
    judge_all(store, audit)
    others = [f"s{place}" for place in range(COUNT) if place % 3 and f"s{place}" not in audit.samples][:10]
    for name in others:
        judge(store, name)
    found = audits.result(store, audit)
    assert found.remaining == 60 - audit.size - 10
    assert found.limit == most_wrong(0, audit.size, 60, 0.9) / found.remaining


def test_a_sample_of_later_is_not_of_the_population(store: Store) -> None:
    """What was decided at the draw and undone since, or imported since, is not approved on the audit's evidence."""
    event = judge(store, "s1")
    audit = draw(store)
    judge_all(store, audit)
    decisions.undo(store, event, "ann")
    assert audits.approve(store, audit, "ann") == 59 - audit.size
    assert decisions.standing(store, "s1") is None
