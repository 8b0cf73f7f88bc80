"""In real project files the claim is made of exactly the readings meant: told again from the log in plain Python."""

import random
from pathlib import Path

import pytest

from srt_core.project import events
from srt_core.project.events import EventFilter
from srt_core.project.store import Store
from srt_core.records import Action, Decision, Origin, Pair, Policy
from srt_core.review import decisions, history
from srt_core.review.filter.filter import Filter
from srt_core.review.trust import audits, blind
from srt_core.review.trust.audits import Audit, Population
from srt_core.review.trust.audits.evidence import audit_of_all, claims, drawn, fit_of_all
from srt_core.review.trust.claims import claim
from srt_core.review.trust.readings import Later, Reading, count, outcome
from srt_core.select.selection import select
from tests.blind_reading import read_one, versions_of
from tests.deciding import create_decided_project

PROJECTS = 20
OTHER = Policy(name="other", response_margin=0.02, require_response_reflection=False).limited(max_ifd=0.8)
FEW = Policy(name="few", top_share=40.0)


def work(store: Store, audit: Audit, draw: random.Random) -> None:
    """Read, decide, edit, park, undo and go back on drawn samples and others, in a random order."""
    for _ in range(35):
        name = draw.choice(audit.samples)
        versions = versions_of(store, name)
        kind = draw.choice(["read", "read", "read", "decide", "decide", "undo", "unread", "back", "bulk"])
        if kind == "read":
            read_one(store, audit, name, [key for key in versions if draw.random() < 0.5], draw.choice(["ann", "bob"]))
        elif kind == "decide":
            _decide(store, name, draw)
        elif kind == "undo" and (last := decisions.last_decisions(store, "ann", 1)):
            decisions.undo(store, last[0].event_id, "ann")
        elif kind == "unread" and (reading := blind.last_reading(store, audit, "ann")):
            blind.undo_reading(store, reading, "ann")
        elif kind == "back":
            last_event = events.events(store, EventFilter(), 1)[0].event_id
            history.go_back(store, last_event - draw.randrange(1, 6), "cem")
        elif kind == "bulk":
            decisions.decide_all(store, "sample_id = $name", {"name": name}, Action.REJECT, "bob", "one")


def _decide(store: Store, name: str, draw: random.Random) -> None:
    action = draw.choice([Action.CHOOSE, Action.CHOOSE, Action.EDIT, Action.REJECT, Action.PARK])
    held = store.rows("SELECT origin FROM candidate WHERE sample_id = ?", [name])
    origin = None if action in (Action.REJECT, Action.PARK) else Origin(draw.choice(held)["origin"])
    found = decisions.standing(store, name)
    edited = Pair("Do it well.", "Done well.") if action is Action.EDIT else None
    decision = Decision(name, action, "ann", origin, edited)
    decisions.decide(store, decision, expected_event_id=found.event_id if found else None)


def meant(store: Store, sample: str) -> Reading | None:
    """The reading that stands for a sample with the decision after it, told from the log alone."""
    rows = list(reversed(events.events(store, EventFilter(sample_id=sample), limit=10_000)))
    undone = {row.undoes for row in rows}
    standing = [row for row in rows if row.event_id not in undone]
    readings = [row for row in standing if row.kind == "reading"]
    if not readings:
        return None
    last = readings[-1]
    decided = [row for row in standing if row.kind in events.DECISIONS]
    later = None
    if decided and "bulk" not in decided[-1].context:
        made = decided[-1].context.get("restores", decided[-1].event_id)  # as evidence it is as old as it was
        if made > last.event_id:
            later = Later(Action(decided[-1].kind), decided[-1].candidate_id)
    return Reading(tuple(last.context["shown"]), tuple(last.context["marked"]), later)


@pytest.mark.parametrize("seed", range(PROJECTS))
def test_the_claim_is_of_the_readings_meant(tmp_path: Path, seed: int) -> None:
    """Of each drawn sample it is the last reading that stands and the single decision after it, under any policy."""
    draw = random.Random(seed)
    with create_decided_project(tmp_path / "p.srt", 30, seed) as store:
        audit = audits.draw(store, Population(), "all", 14, "ann", seed=str(seed))
        work(store, audit, draw)
        found = drawn(store, audit)
        assert [each.sample_id for each in found] == list(audit.samples)
        assert [each.reading for each in found] == [meant(store, name) for name in audit.samples]
        for policy in (Policy(), OTHER, FEW):
            picks = {row["sample_id"]: row["candidate_id"] for row in select(store, policy)}
            outcomes = [outcome(meant(store, name), picks[name]) for name in audit.samples]
            kept = [each for name, each in zip(audit.samples, outcomes, strict=True) if picks[name] is not None]
            told = claims(store, policy)
            assert told
            assert told.of_all == claim(outcomes, 30)
            assert told.kept.reads == count(kept)
        assert {seq for seq, _ in fit_of_all(store)} <= {each.seq for each in found if each.reading}


def test_a_filters_audit_is_never_the_wholes(tmp_path: Path) -> None:
    """Reads of a filter, or of all samples before others came, are no random reads of the whole."""
    with create_decided_project(tmp_path / "p.srt", 20, seed=1) as store:
        assert claims(store, Policy()) is None
        with store.transaction() as tx:
            tx.execute("INSERT INTO kind SELECT sample_id, if(seq <= 9, 'a', 'b'), 'en', NULL FROM sample")
        audits.draw(store, Population(only=Filter(task=("a",))), "a", 5, "ann")
        assert audit_of_all(store) is None
        audit = audits.draw(store, Population(), "all", 5, "ann")
        assert audit_of_all(store) == audit
        with store.transaction() as tx:
            tx.execute("""INSERT INTO sample (sample_id, import_id, "row", extra) VALUES ('new', 1, 0, '{}')""")
            tx.execute(
                "INSERT INTO candidate (sample_id, origin, producer, instruction, input, response) "
                "VALUES ('new', 'ORIGINAL', 'test', 'Do it.', '', 'Done.')"
            )
            tx.bump()
        assert audit_of_all(store) is None
        assert claims(store, Policy()) is None
