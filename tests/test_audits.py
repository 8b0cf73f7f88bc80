"""A random audit is drawn once, decided samples too; it approves the rest only where its blind reads show enough."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from srt_core.errors import DecisionError, SRTError
from srt_core.importing.undo import undo_import
from srt_core.project import events
from srt_core.project.events import EventFilter
from srt_core.project.intervals import most_wrong, needed
from srt_core.project.store import Store
from srt_core.records import Action, Decision, Origin, Pair, Policy
from srt_core.review import decisions
from srt_core.review import queues as review
from srt_core.review.filter.filter import Filter
from srt_core.review.trust import audits, blind
from srt_core.review.trust.audits import Audit, Part, Population, Terms
from srt_core.review.trust.blind import Marks
from srt_core.review.trust.claims import confidence_of
from srt_core.review.trust.readings import Reads
from srt_core.select import selection
from tests.blind_reading import read_all, read_one, versions_of
from tests.rule_oracle import Case, Numbers
from tests.rule_project import add_scoring, create_project

TERMS = Terms(bound=0.2, confidence=0.9)
COUNT = 90
KEPT = Population(Part.KEPT)
ALL = Population()


def cases() -> list[Case]:
    """Every third is left out by the rule, so it keeps 60 of 90, each with the response."""
    kept = Case({Origin.ORIGINAL: Numbers(0.5, 0.75), Origin.RESPONSE: Numbers(0.5, 0.5)})
    refused = Case({Origin.ORIGINAL: Numbers(0.5, 0.5), Origin.RESPONSE: Numbers(0.5, 0.75)})
    return [refused if place % 3 == 0 else kept for place in range(COUNT)]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with create_project(tmp_path / "p.srt", cases()) as store:
        yield store


def draw(store: Store, plan: Terms | int = TERMS, population: Population = KEPT) -> Audit:
    return audits.draw(store, population, "words of the filter", plan, "ann", seed="5eed")


def decide(store: Store, name: str, action: Action = Action.APPROVE, origin: Origin = Origin.RESPONSE) -> int:
    found = decisions.standing(store, name)
    return decisions.decide(
        store,
        Decision(
            name, action, "ann", None if action in (Action.REJECT, Action.PARK) else origin,
            Pair("Do it.", "Better.") if action is Action.EDIT else None, {"queue": "closest"},
        ),
        expected_event_id=found.event_id if found else None,
    )  # fmt: skip


def response_of(store: Store, name: str) -> int:
    return versions_of(store, name)[1]


def read_right(store: Store, audit: Audit, wrong: int = 0, start: int = 0) -> None:
    """Read what was drawn from a place on: the first `wrong` samples have no version that is fit."""
    for place, name in enumerate(audit.samples[start:]):
        read_one(store, audit, name, [] if place < wrong else [response_of(store, name)])


def test_a_draw_can_be_drawn_again_from_the_log(store: Store) -> None:
    """What was drawn are the first n of what the rule keeps, by md5 of seed and sample id, so far that enough of them
    were undecided; decided ones are drawn like others."""
    decided = {f"s{place}" for place in (1, 2, 4, 5, 7, 8, 10, 11, 13, 14)}
    for name in decided:
        decide(store, name)
    audit = draw(store)
    context = events.events(store, EventFilter(kind="audit"), 1)[0].context
    kept = [f"s{place}" for place in range(COUNT) if place % 3]
    kept.sort(key=lambda name: hashlib.md5((context["seed"] + name).encode()).hexdigest())
    size = needed(0.2, 0.95, 0, 50)
    enough = next(n for n in range(60) if sum(name not in decided for name in kept[:n]) == size)
    assert (audit.population, audit.rest) == (60, 50)
    assert list(audit.samples) == kept[:enough]
    assert decided & set(audit.samples)
    rows = store.rows("SELECT * FROM drawn ORDER BY place")
    assert [row["candidate_id"] for row in rows] == [response_of(store, name) for name in audit.samples]
    assert [row["was_decided"] for row in rows] == [name in decided for name in audit.samples]


def test_the_log_says_what_was_drawn_from(store: Store) -> None:
    """The event holds seed, population, filter in words and as data, size, bound, confidence, look, policy and rule."""
    only = Filter(
        reason=("kept",),
        winner_ranges=(("ifd", 0.1, float("inf")),),
        origin_ranges=(("r_ifd", "RESPONSE", 0.0, 0.9),),
    )
    audit = draw(store, population=Population(Part.KEPT, only))
    event = events.events(store, EventFilter(kind="audit"), 1)[0]
    found = [event.context[name] for name in ("words", "part", "bound", "confidence", "allowed", "look", "population")]
    assert found == ["words of the filter", "kept", 0.2, 0.9, 0, 1, 60]
    assert event.context["size"] == audit.size
    assert event.context["policy"]["name"] == "selective-code"
    assert event.context["rule"]
    assert (event.author, event.event_id) == ("ann", audit.event_id)
    assert audit.only == only


def test_one_seed_draws_the_same_and_another_does_not(tmp_path: Path) -> None:
    """Two projects of the same data draw alike from one seed; without a seed every draw has its own."""
    drawn = []
    for number, seed in enumerate(("a", "a", "b", None, None)):
        with create_project(tmp_path / f"{number}.srt", cases()) as store:
            drawn.append(audits.draw(store, ALL, "", 20, "ann", seed=seed))
    assert drawn[0].samples == drawn[1].samples != drawn[2].samples
    assert len({audit.seed for audit in drawn}) == 4


def test_a_draw_of_all_is_of_all_decided_or_not(store: Store) -> None:
    """Closest first, audit later: the draw from all samples holds decided and undecided, kept and left out alike."""
    for place in range(0, 60):
        decide(store, f"s{place}")
    audit = draw(store, COUNT, ALL)
    assert sorted(audit.samples) == sorted(f"s{place}" for place in range(COUNT))
    assert (audit.population, audit.rest) == (COUNT, 30)
    assert store.value("SELECT count(*) FROM drawn WHERE was_decided") == 60


def test_there_is_no_second_draw_from_the_same(store: Store) -> None:
    """While an audit holds, drawing again is refused, also when all was read; it can be drawn from further."""
    audit = draw(store, 20, ALL)
    with pytest.raises(SRTError, match=f"Audit {audit.event_id} drew from these samples already"):
        draw(store, 30, ALL)
    read_all(store, audit, lambda name: versions_of(store, name))
    with pytest.raises(SRTError, match="already"):
        draw(store, 30, ALL)
    longer = audits.extend(store, audit, "ann", 15)
    assert longer.samples[:20] == audit.samples
    assert (longer.size, longer.looks) == (35, (1, 2))
    assert len(set(longer.samples)) == 35


def test_every_look_at_overlapping_samples_spends_its_part_of_the_doubt(store: Store) -> None:
    """An almost equal filter, or a longer draw, is another look and needs more; samples apart are a first look."""
    with store.transaction() as tx:
        tx.execute("INSERT INTO kind SELECT sample_id, if(seq <= 45, 'a', 'b'), 'en', NULL FROM sample")
    first = draw(store)
    almost = draw(store, population=Population(Part.KEPT, Filter(winner_ranges=(("ifd", 0.0, 0.9),))))
    assert (first.look, almost.look) == (1, 2)
    assert first.size == needed(0.2, 0.95, 0, 60) < almost.size == needed(0.2, round(confidence_of(2, 0.9), 9), 0, 60)
    one = draw(store, 5, Population(Part.ALL, Filter(task=("a",))))
    other = draw(store, 5, Population(Part.ALL, Filter(task=("b",))))
    assert one.look == other.look == 3


def test_a_filter_must_be_one_that_nothing_changes_later(store: Store) -> None:
    """Decisions never define a population; what the rule says defines none that is to stand for every policy."""
    with pytest.raises(SRTError, match="whatever was decided"):
        Population(Part.KEPT, Filter(state=("approved",)))
    with pytest.raises(SRTError, match="another policy changes"):
        Population(Part.ALL, Filter(reason=("kept",)))
    with pytest.raises(SRTError, match="Only what the rule keeps"):
        draw(store, TERMS, ALL)


def test_nothing_to_draw_from_is_said(store: Store) -> None:
    """A filter of which the rule keeps nothing has no audit, and terms that cannot be are refused."""
    with pytest.raises(SRTError, match="nothing to draw from"):
        draw(store, population=Population(Part.KEPT, Filter(reason=("not_improved",))))
    for terms in ({"bound": 0.0}, {"confidence": 1.0}, {"allowed": -1}):
        with pytest.raises(SRTError, match="cannot show"):
            Terms(**terms)
    with pytest.raises(SRTError, match="at least one"):
        draw(store, 0, ALL)
    with pytest.raises(SRTError, match="no audit 77"):
        audits.find_audit(store, 77)


def test_a_drawn_sample_stays_drawn_whoever_looks_again(store: Store) -> None:
    """A second look from another queue removes no disagreement; a bulk action judges nothing; parked is open."""
    audit = draw(store, 40, ALL)
    read_all(store, audit, lambda name: [response_of(store, name)])
    kept = [name for name in audit.samples if int(name[1:]) % 3]
    right = len(kept)
    assert audits.result(store, audit).claim.reads == Reads(right, 40 - right)
    decide(store, kept[0], Action.REJECT)  # contradicts the reading
    decide(store, kept[1], Action.APPROVE)  # says the same
    decide(store, kept[2], Action.EDIT)  # the text was not right
    parked = decide(store, kept[3], Action.PARK)
    found = audits.result(store, audit)
    assert (found.claim.reads, found.parked) == (Reads(right - 3, 40 - right + 2, 1), 1)
    decisions.decide_all(store, "sample_id = $name", {"name": kept[3]}, Action.REJECT, "bob", "one")
    assert audits.result(store, audit).claim.reads == Reads(right - 2, 40 - right + 2)
    decisions.undo_action(store, events.events(store, EventFilter(kind="reject"), 1)[0].action_id, "bob")
    decisions.undo(store, parked, "ann")
    read_one(store, audit, kept[0], [response_of(store, kept[0])], by="bob")  # the last reading counts
    assert audits.result(store, audit).claim.reads == Reads(right - 1, 40 - right + 1)


def test_an_audit_of_what_a_policy_keeps_stands_for_that_policy_alone(store: Store) -> None:
    """A policy that keeps the same leaves an audit as it was; one that keeps others ends it; reads of all stand on."""
    of_all, audit = draw(store, 30, ALL), draw(store)
    read_right(store, audit)
    read_all(store, of_all, lambda name: [response_of(store, name)])
    selection.apply(store, Policy(name="same picks").limited(max_ifd=0.9), "ann")
    assert audits.result(store, audit).met
    selection.apply(store, Policy(name="none").limited(max_ifd=0.4), "ann")
    found = audits.result(store, audit)
    assert (found.holds, found.met) == (False, False)
    with pytest.raises(SRTError, match="changed since the draw"):
        audits.approve(store, audit, "ann")
    found = audits.result(store, of_all)
    assert found.holds
    assert found.claim.reads == Reads(0, 30)  # every response is fit, and the policy leaves all out
    assert events.count_events(store, EventFilter(kind="approve")) == 0


def test_changed_scores_end_an_audit_of_what_is_kept(store: Store) -> None:
    """Where another student's scores change one pick of the population, the audit says nothing any more."""
    audit = draw(store)
    read_right(store, audit)
    changed = cases()
    left = next(place for place in range(COUNT) if place % 3 and f"s{place}" not in audit.samples)
    changed[left] = Case({Origin.ORIGINAL: Numbers(0.5, 0.5), Origin.RESPONSE: Numbers(0.5, 0.75)})
    store.set_meta("scoring_id", str(add_scoring(store, "other", changed)))
    with pytest.raises(SRTError, match="changed since the draw"):
        audits.approve(store, audit, "ann")
    assert draw(store).event_id != audit.event_id


def test_review_walks_the_draw_in_its_order(store: Store) -> None:
    """The queue holds the drawn samples alone, in the order of the draw; decided ones wait like others until read."""
    audit = draw(store)
    decide(store, audit.samples[1])
    read_one(store, audit, audit.samples[0], [])
    assert review.next_open(store, audit.queue, audit.samples[0]) == audit.samples[1]
    following = review.neighbours(store, audit.queue, audit.samples[0], audit.size)
    assert (audit.samples[0], *(each.sample_id for each in following)) == audit.samples
    place = review.place(store, audit.queue, audit.samples[1])
    assert (place.position, place.samples, place.open) == (2, audit.size, audit.size - 1)
    assert review.place(store, review.QUEUES["drawn"], None).samples == 0


def test_an_audit_that_finds_none_wrong_approves_what_it_says(store: Store) -> None:
    """The unread rest and what was read and found right are approved; parked and decided since are left as they are."""
    decide(store, "s1")
    audit = draw(store)
    read_right(store, audit)
    rest = [f"s{place}" for place in range(2, COUNT) if place % 3 and f"s{place}" not in audit.samples]
    decide(store, rest[0], Action.PARK)
    decide(store, rest[1], Action.REJECT)
    undecided = sum(name != "s1" for name in audit.samples)
    found = audits.result(store, audit)
    remaining = 59 - undecided - 2
    limit = most_wrong(0, undecided, 59, 0.95) / remaining
    assert (found.met, found.remaining, found.read_right, found.limit) == (True, remaining, undecided, limit)
    assert audits.approve(store, audit, "ann") == remaining + undecided
    standing = {name: decisions.standing(store, name) for name in (rest[0], rest[1], rest[2])}
    assert [each and each.action for each in standing.values()] == [Action.PARK, Action.REJECT, Action.APPROVE]
    last = events.events(store, EventFilter(kind="approve"), 1)[0]
    evidence = last.context["evidence"]
    names = ("audit", "population", "rest", "n", "wrong", "open", "unread", "bound", "look", "confidence", "limit")
    assert [evidence[name] for name in names] == [
        audit.event_id, 60, 59, undecided, 0, 0, remaining, 0.2, 1, 0.9, limit,
    ]  # fmt: skip
    assert evidence["policy"]["name"] == "selective-code"
    assert last.in_action == remaining + undecided
    assert not audits.result(store, audit).met
    assert [each.is_broken for each in audits.approvals(store, audit)] == [False]


def test_a_later_verdict_breaks_the_evidence_of_an_approval(store: Store) -> None:
    """A drawn sample that is found wrong after the approval is said, and no more once that is undone."""
    audit = draw(store)
    read_right(store, audit)
    audits.approve(store, audit, "ann")
    later = decide(store, audit.samples[0], Action.REJECT)
    (approval,) = audits.approvals(store, audit)
    assert approval.is_broken
    assert approval.limit_now > 0.2
    assert set(audits.broken_approvals(store)) == {approval.action_id}
    decisions.undo(store, later, "ann")
    assert audits.broken_approvals(store) == {}
    decisions.undo_action(store, approval.action_id, "ann")
    assert audits.approvals(store, audit) == []


def test_before_all_are_read_nothing_is_approved(store: Store) -> None:
    """What is not read counts as wrong: looking early, an audit shows less and approves nothing."""
    audit = draw(store)
    for name in audit.samples[:-1]:
        read_one(store, audit, name, [response_of(store, name)])
    found = audits.result(store, audit)
    assert (found.met, found.unread, found.rest.open) == (False, 1, 1)
    with pytest.raises(SRTError, match="does not show"):
        audits.approve(store, audit, "ann")


def test_wrong_ones_within_what_was_allowed_pass_and_are_not_approved(store: Store) -> None:
    """An audit that was drawn to allow one wrong passes with one, which stays open, and fails with two."""
    audit = draw(store, replace(TERMS, allowed=1))
    assert audit.size == needed(0.2, 0.95, 1, 60)
    read_right(store, audit, wrong=1)
    assert audits.result(store, audit).met
    again = read_one(store, audit, audit.samples[-1], [])
    assert not audits.result(store, audit).met
    blind.undo_reading(store, again, "ann")
    assert audits.approve(store, audit, "ann") == 59
    assert decisions.standing(store, audit.samples[0]) is None


def test_after_too_many_wrong_more_can_be_drawn_as_another_look(store: Store) -> None:
    """The next samples of the same order are added, as many as the smaller doubt of the second look takes."""
    audit = draw(store)
    read_right(store, audit, wrong=1)
    found = audits.result(store, audit)
    size = needed(0.2, round(confidence_of(2, 0.9), 9), 1, 60)
    assert (found.met, found.more) == (False, size - audit.size)
    longer = audits.extend(store, audit, "ann")
    assert longer.samples[: audit.size] == audit.samples
    assert (longer.size, longer.event_id, longer.looks) == (size, audit.event_id, (1, 2))
    read_right(store, longer, start=audit.size)
    done = audits.result(store, longer)
    assert (done.met, done.more) == (True, 0)
    with pytest.raises(SRTError, match="needs no more"):
        audits.extend(store, longer, "ann")
    assert audits.approve(store, longer, "ann") == 59


def test_with_very_many_wrong_nothing_more_is_drawn(store: Store) -> None:
    """Beyond 20 wrong an audit is not extended: it has shown that the picks are no good."""
    audit = draw(store, replace(TERMS, bound=0.01))
    read_right(store, audit, wrong=20)
    assert audits.result(store, audit).more > 0
    read_one(store, audit, audit.samples[-1], [])
    assert audits.result(store, audit).more == 0
    with pytest.raises(SRTError, match="needs no more"):
        audits.extend(store, audit, "ann")


def test_what_others_decided_meanwhile_counts_as_if_it_were_right(store: Store) -> None:
    """The limit is the wrong ones that may be left, over what is left: others may have decided only right ones."""
    audit = draw(store)
    read_right(store, audit)
    others = [f"s{place}" for place in range(COUNT) if place % 3 and f"s{place}" not in audit.samples][:10]
    for name in others:
        decide(store, name)
    found = audits.result(store, audit)
    assert found.remaining == 60 - audit.size - 10
    assert found.limit == most_wrong(0, audit.size, 60, 0.95) / found.remaining


def test_a_sample_of_later_is_not_of_the_population(store: Store) -> None:
    """What was decided at the draw and undone since is not approved on the audit's evidence."""
    event = decide(store, "s1")
    audit = draw(store)
    read_right(store, audit)
    decisions.undo(store, event, "ann")
    assert audits.approve(store, audit, "ann") == 59
    assert decisions.standing(store, "s1") is None


def test_what_an_audit_drew_is_not_taken_back_with_its_import(store: Store) -> None:
    """A sample that was drawn stays drawn: the undo of an import keeps it, and says why."""
    with store.transaction() as tx:
        tx.execute("INSERT INTO import (path, sha256, format, options) VALUES ('p', 's', 'f', '{}')")
    audit = draw(store, 20, ALL)
    found = undo_import(store, 1, "ann")
    assert (found.removed, found.kept["an audit drew it"]) == (COUNT - 20, 20)
    assert store.value("SELECT count(*) FROM sample") == audit.size


def test_marks_must_be_of_versions_that_were_shown(store: Store) -> None:
    """A reading of a sample that was not drawn, or that marks what was not on screen, is refused and stores nothing."""
    audit = draw(store, 20, ALL)
    name = audit.samples[0]
    other = next(f"s{place}" for place in range(COUNT) if f"s{place}" not in audit.samples)
    shown = tuple(versions_of(store, name))
    for sample, marks in (
        (other, Marks(tuple(versions_of(store, other)), ())),
        (name, Marks(shown, (999,))),
        (name, Marks(shown, (), shown[0])),
        (name, Marks(tuple(versions_of(store, other)), ())),
        (name, Marks((), ())),
    ):
        with pytest.raises(DecisionError), store.transaction() as tx:
            blind.read_within(tx, audit, sample, marks, "ann")
    assert events.count_events(store, EventFilter(kind="reading")) == 0


def test_a_reading_is_an_event_with_the_order_and_the_marks(store: Store) -> None:
    """Audit, sample, order shown, marks and best stand in the log; it decides nothing; undo restores the last."""
    audit = draw(store, 20, ALL)
    name = audit.samples[0]
    orders = {blind.shuffled(audit, name, by, versions_of(store, name)) for by in map(str, range(20))}
    assert len(orders) == 2  # of two versions, both orders are shown to some
    shown = blind.shuffled(audit, name, "ann", versions_of(store, name))
    with store.transaction() as tx:
        blind.read_within(tx, audit, name, Marks(shown, (shown[0],), shown[0]), "ann")
    event = events.events(store, EventFilter(kind="reading"), 1)[0]
    assert (event.sample_id, event.author) == (name, "ann")
    assert event.context == {
        "audit": audit.event_id, "shown": list(shown), "marked": [shown[0]], "best": shown[0],
    }  # fmt: skip
    assert decisions.standing(store, name) is None
    second = read_one(store, audit, name, shown)
    assert blind.last_reading(store, audit, "ann") == second
    blind.undo_reading(store, second, "ann")
    assert store.rows("SELECT event_id, marked FROM reading") == [{"event_id": event.event_id, "marked": [shown[0]]}]
    with pytest.raises(DecisionError):
        blind.undo_reading(store, second, "ann")


def test_a_contradicted_decision_is_asked_about_and_the_answer_is_the_evidence(store: Store) -> None:
    """Keeping the decision replaces the reading as evidence; keeping the reading decides anew."""
    audit = draw(store, COUNT, ALL)
    first, second, third = [name for name in audit.samples if int(name[1:]) % 3][:3]
    for name in (first, second, third):
        decide(store, name)
    read_one(store, audit, first, [])
    read_one(store, audit, second, [versions_of(store, second)[0]])
    read_one(store, audit, third, [response_of(store, third)])
    assert blind.question(store, third) is None
    asked = blind.question(store, first)
    assert asked
    assert audits.result(store, audit).claim.reads == Reads(1, 2, COUNT - 3)
    decisions.decide(store, blind.decision_again(asked, "bob"), expected_event_id=asked.event_id)
    assert audits.result(store, audit).claim.reads == Reads(2, 1, COUNT - 3)
    asked = blind.question(store, second)
    assert asked
    with pytest.raises(DecisionError):
        blind.decision_as_read(store, asked, None, "bob")
    as_read = blind.decision_as_read(store, asked, versions_of(store, second)[0], "bob")
    decisions.decide(store, as_read, expected_event_id=asked.event_id)
    standing = decisions.standing(store, second)
    assert standing
    assert (standing.action, standing.origin) == (Action.CHOOSE, Origin.ORIGINAL)
    assert blind.question(store, second) is None
    assert audits.result(store, audit).claim.reads == Reads(2, 1, COUNT - 3)


def test_audits_of_older_versions_were_open(store: Store) -> None:
    """What a file of schema version 6 drew keeps its draw, is not blind, and nothing is claimed or approved on it."""
    context = {
        "words": "all", "filter": {}, "bound": 0.2, "confidence": 0.9, "allowed": 0, "population": 60, "size": 2,
        "seed": "s", "last_seq": COUNT, "picks": "", "selected": "", "sample_ids": ["s1", "s2"],
        "candidate_ids": [4, 6],
    }  # fmt: skip
    old = events.record(store, "audit", "ann", context)
    more = {"extends": old, "allowed": 1, "size": 3, "sample_ids": ["s4"], "candidate_ids": [10]}
    events.record(store, "audit", "ann", more)
    script = (Path(audits.__file__).parents[3] / "project" / "migrate_6.sql").read_text("utf-8")
    with store.transaction() as tx:
        tx.execute("DROP TABLE drawn; DROP TABLE teacher_setting")
        tx.execute(script)
    (audit,) = audits.audits(store)
    assert (audit.samples, audit.is_blind, audit.is_of_all) == (("s1", "s2", "s4"), False, False)
    assert audits.approvals(store, audit) == []
    with pytest.raises(DecisionError):
        read_one(store, audit, "s1", [])
    assert draw(store).look == 1
    assert json.loads(store.value("SELECT context FROM event WHERE event_id = ?", [old])) == context
