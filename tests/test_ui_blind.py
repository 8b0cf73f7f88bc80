"""The desk of a blind audit: what is recorded is what was painted, and nothing tells the versions apart."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from srt_core.project import events
from srt_core.project.appending import NewCandidate, append_candidates
from srt_core.project.events import EventFilter
from srt_core.records import Action, Decision, Origin, Pair
from srt_core.reflect.producers import register_producer
from srt_core.review import decisions
from srt_core.review.trust import audits, blind
from srt_core.review.trust.audits import Audit, Population
from srt_core.ui.server.runtime import Project
from tests.blind_reading import versions_of
from tests.desk_talk import Talk, press
from tests.rule_oracle import Case, Numbers
from tests.rule_project import create_project
from tests.screens import desk_of, open_screen, served

CASE = Case({origin: Numbers(0.5, 0.75 - place / 10) for place, origin in enumerate(Origin)})


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    """Ten samples with four versions each."""
    create_project(tmp_path / "own.srt", [CASE] * 10).close()
    with served(monkeypatch, tmp_path / "own.srt") as project:
        with project.store.transaction() as tx:
            tx.execute("UPDATE candidate SET response = 'Text ' || candidate_id")
        yield project


def open_audit(project: Project) -> tuple[Talk, Audit]:
    audit = audits.draw(project.store, Population(), "all", 5, "ann", seed="s")
    return Talk(project, queue="drawn", audit=audit), audit


def reading(card: dict[str, Any], *marked: int, **more: Any) -> dict[str, Any]:
    """A press that marks versions of a card by their places."""
    return press("read", card["sample"], shown=card["shown"], marked=list(marked), **more)


def test_what_is_recorded_is_what_was_shown(project: Project) -> None:
    """The texts are in the order of the record, which is the reader's own; marks and best are by place."""
    talk, audit = open_audit(project)
    name = audit.samples[0]
    assert talk.data["at"] == name
    shown = blind.shuffled(audit, name, "ann", versions_of(project.store, name))
    card = talk.cards[name]
    assert [each["parts"]["response"]["text"] for each in card["versions"]] == [f"Text {key}" for key in shown]
    talk.say(reading(card, 2, 4, best=2))
    (event,) = events.events(project.store, EventFilter(kind="reading"), 20)
    assert (event.sample_id, event.author) == (name, "ann")
    assert {key: value for key, value in event.context.items() if key != "press"} == {
        "audit": audit.event_id, "shown": list(shown), "marked": [shown[1], shown[3]], "best": shown[1],
    }  # fmt: skip
    assert decisions.standing(project.store, name) is None
    assert talk.data["ahead"] == list(audit.samples[1:])


def test_nothing_that_the_browser_gets_tells_the_versions_apart(project: Project) -> None:
    """Every version has the same fields in the same order; no origin, id, score, pick, critique or decision is sent."""
    for place in range(10):
        decision = Decision(f"s{place}", Action.APPROVE, "bob", Origin.BOTH)
        decisions.decide(project.store, decision, expected_event_id=None)
    audit = audits.draw(project.store, Population(), "all", 5, "ann", seed="s")
    told = desk_of(open_screen("pages/6_Review.py", queue="drawn", audit=str(audit.event_id), curator="ann"))
    for card in told["cards"].values():
        assert list(card) == ["sample", "seq", "blind", "shown", "context", "versions"]
        for version in card["versions"]:
            assert list(version) == ["place", "parts"]
            assert [list(part) for part in version["parts"].values()] == [["text"]] * 3
    said = json.dumps({name: value for name, value in told.items() if name not in ("queues", "reasons")})
    for telling in ("Original", "ORIGINAL", "Both", "IFD", "Keep", "bob", "pick", "wrong", "Kept", "candidate"):
        assert telling not in said
    assert ["audit", "Audit: 0 of 5 read blind"] in told["links"]
    talk = Talk(project, queue="drawn", audit=audit)
    answer = talk.say(drawer={"tab": "critique", "sample": talk.data["at"], "shown": "x"})
    assert answer["error"]["message"] == "What is read blind has no drawer."


def test_a_reading_of_versions_that_changed_meanwhile_is_refused(project: Project) -> None:
    """Places mean what was on screen: where a new version came since, nothing is recorded."""
    talk, audit = open_audit(project)
    name = audit.samples[0]
    card = talk.cards[name]
    producer = register_producer(project.store, "other", "1", "h", "{}")
    with project.store.transaction() as tx:
        tx.execute("DELETE FROM candidate WHERE sample_id = ? AND origin = 'BOTH'", [name])
        append_candidates(tx, [NewCandidate(name, Origin.BOTH, producer, Pair("Do it.", "New."), None)])
        tx.bump()
    late = reading(card, 1)
    talk.say(late)
    assert talk.answer_to(late)["refused"] == f"Sample {name} has other versions by now."
    beyond = reading(talk.cards[name], 5)
    talk.say(beyond)
    assert talk.answer_to(beyond)["refused"] == "The marks are not of the versions shown."


def test_all_none_and_undo(project: Project) -> None:
    """All versions or none may be marked; undo takes the last reading back, which asks for its sample again."""
    talk, audit = open_audit(project)
    first, second = (talk.cards[name] for name in audit.samples[:2])
    talk.say(reading(first, 1, 2, 3, 4), reading(second))
    sql = "SELECT sample_id, len(marked) AS marked FROM reading"
    found = {row["sample_id"]: row["marked"] for row in project.store.rows(sql)}
    assert found == {audit.samples[0]: 4, audit.samples[1]: 0}
    (last,) = talk.data["last"]
    assert last["sample"] == audit.samples[1]
    talk.say(press("undo", last["sample"], upon=last["event"]))
    assert project.store.value("SELECT count(*) FROM reading") == 1
    assert audit.samples[1] in talk.data["ahead"]


@pytest.mark.parametrize("answer", [{"decision_stands": True}, {}, None], ids=["decision", "reading", "later"])
def test_where_a_reading_contradicts_the_decision_the_reader_is_asked(
    project: Project, answer: dict[str, bool] | None
) -> None:
    """Only afterwards: the decision stands and becomes the evidence, the reading decides anew, or it is left open."""
    talk, audit = open_audit(project)
    name = audit.samples[0]
    decisions.decide(project.store, Decision(name, Action.APPROVE, "bob", Origin.RESPONSE), expected_event_id=None)
    sent = reading(talk.cards[name])
    talk.say(sent)
    asked = talk.answer_to(sent)["question"]
    assert (asked["marked"], asked["decided"], asked["by"]) == ([], "Kept: Response", "bob")
    assert [each["label"] for each in asked["versions"]] == ["Original", "Response", "Instruction", "Both"]
    if answer is not None:
        settled = press("settle", name, upon=asked["reading"], **answer)
        talk.say(settled)
        talk.say(settled)
        assert "event" in talk.answer_to(settled)
        again = press("settle", name, upon=asked["reading"], decision_stands=True)
        talk.say(again)
        assert "was said meanwhile" in talk.answer_to(again)["refused"]
    standing = decisions.standing(project.store, name)
    assert standing
    left_out = answer == {}
    assert standing.action is (Action.REJECT if left_out else Action.APPROVE)
    assert (standing.author == "bob") == (answer is None)
    reads = audits.result(project.store, audit).claim.reads
    assert (reads.right, reads.wrong) == ((1, 0) if answer == {"decision_stands": True} else (0, 1))
