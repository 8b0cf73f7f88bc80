"""Gold samples: their answers, how reviewers meet them unmarked, and what a decision on one does."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from srt_core.errors import SRTError
from srt_core.export.contents import Scope, counts
from srt_core.project.intervals import Share
from srt_core.project.store import Store
from srt_core.records import Action, Decision, Origin
from srt_core.review import decisions, gold
from srt_core.review.gold import Agreement, Answer
from srt_core.review.trust import audits
from srt_core.review.trust.agreement import trust
from srt_core.review.trust.audits import Population
from srt_core.ui.server.runtime import Project
from tests.command_line import Command
from tests.desk_talk import Talk, press
from tests.rule_oracle import Case, Numbers
from tests.rule_project import create_project
from tests.screens import open_screen, served, words

CASE = Case({Origin.ORIGINAL: Numbers(0.5, 0.75), Origin.RESPONSE: Numbers(0.5, 0.5)})


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    create_project(tmp_path / "p.srt", [CASE] * 30).close()
    with served(monkeypatch, tmp_path / "p.srt") as project:
        yield project


ANSWERS = [Answer("s20", None), Answer("s21", Origin.RESPONSE), Answer("s22", Origin.ORIGINAL), Answer("s23", None)]


def pass_all(talk: Talk, *, stop_at: str = "") -> list[str]:
    """Leave out whatever comes next, until nothing does; the samples in their order."""
    met: list[str] = []
    while talk.data["at"] and talk.data["at"] != stop_at:
        sample = talk.data["at"]
        met.append(sample)
        order = talk.data["order"]
        after = [name for name in order[order.index(sample) + 1 :] if name in talk.data["ahead"]]
        following = next(iter([*after, *(name for name in talk.data["ahead"] if name != sample)]), None)
        told = talk.say(press("leave_out", sample), at=following)
        assert all("event" in answer for answer in told["answers"].values()), told
        if following is None:
            return met
    return met


def test_a_gold_sample_is_decided_as_its_answer_says_and_waits_for_nobody(project: Project) -> None:
    """Where another decision stands, or none, it is made, and counted; a wrong name or an audit's sample is refused."""
    store = project.store
    event = decisions.decide(store, Decision("s21", Action.CHOOSE, "own", Origin.RESPONSE), expected_event_id=None)
    decisions.decide(store, Decision("s22", Action.REJECT, "bob"), expected_event_id=None)
    audit = audits.draw(store, Population(), "all", 29, "own")
    (free,) = {f"s{place}" for place in range(30)} - set(audit.samples)
    marked = gold.mark(store, [Answer(free, None), Answer(audit.samples[0], None)], "own")
    assert (marked.gold, marked.decided, [sample for sample, _ in marked.refused]) == (1, 1, [audit.samples[0]])
    with store.transaction() as tx:
        tx.execute("DELETE FROM drawn")
    assert "no BOTH version" in gold.mark(store, [Answer("s5", Origin.BOTH)], "own").refused[0][1]
    marked = gold.mark(store, ANSWERS[1:3], "own")
    assert (marked.gold, marked.decided) == (2, 1)
    stands = [decisions.standing(store, name) for name in ("s21", "s22")]
    assert stands[0] and stands[0].event_id == event
    assert stands[1] and (stands[1].action, stands[1].origin, stands[1].author) == ("choose", "ORIGINAL", "own")
    assert {each.sample_id: each.origin for each in gold.golds(store)} == {
        free: None, "s21": "RESPONSE", "s22": "ORIGINAL"}  # fmt: skip
    gold.unmark(store, ["s22"], "own")
    assert len(gold.golds(store)) == 2 and decisions.standing(store, "s22") == stands[1]


def test_reviewers_meet_gold_samples_once_unmarked_and_decide_nothing_there(project: Project) -> None:
    """Each comes among the others as if nobody had decided it; the export and what stands are as they were."""
    store = project.store
    gold.mark(store, ANSWERS, "own")
    before, stood = counts(store, Scope.VERDICTS), store.rows("FROM standing ORDER BY seq")
    gold.set_percent(store, 30, "own")
    ann = Talk(project)
    plain = {f"s{place}" for place in range(30)} - {"s20", "s21", "s22", "s23"}
    met = pass_all(ann)
    answered = [name for name in met if name in ("s20", "s21", "s22", "s23")]
    assert sorted(answered) == ["s20", "s21", "s22", "s23"]  # 26 others at 30 %: more than enough places
    assert sorted(met) == sorted([*plain, *answered])
    cards = [ann.cards[name] for name in answered]
    assert {(card["event"], card["decided"], card["state"]) for card in cards} == {(None, False, "")}
    assert {key for card in cards for key in card} == {key for name in plain for key in ann.cards[name]}
    assert store.rows("FROM standing WHERE author = 'own' ORDER BY seq") == stood
    assert counts(store, Scope.VERDICTS)["by_decision"]["choose"] == before["by_decision"]["choose"]
    assert gold.agreements(store) == [Agreement("ann", Share(2, 4), 0, 0)]
    assert Talk(project).data["ahead"] == []  # not a second time
    assert "own" not in Talk(project, by="own").data["order"]


def test_the_same_reviewer_meets_the_same_samples_after_a_reload(project: Project) -> None:
    """Chance is a hash: another session has the same order; another reviewer another one; an owner none of theirs."""
    gold.mark(project.store, ANSWERS, "own")
    gold.set_percent(project.store, 30, "own")
    assert Talk(project).data["ahead"] == Talk(project).data["ahead"]
    assert Talk(project).data["ahead"] != Talk(project, by="bob").data["ahead"]
    assert set(Talk(project, by="own").data["ahead"]) & {each.sample for each in ANSWERS} == set()
    gold.set_percent(project.store, 0, "own")
    assert set(Talk(project).data["ahead"]) & {each.sample for each in ANSWERS} == set()


def test_an_answer_is_undone_and_given_again(project: Project) -> None:
    """Backspace takes it back as any decision; the last one counts; an edit is none; history shows one's own alone."""
    store = project.store
    gold.mark(store, ANSWERS, "own")
    gold.set_percent(store, 50, "own")
    talk = Talk(project)
    name = next(each for each in talk.data["ahead"] if each in ("s20", "s21", "s22", "s23"))
    pass_all(talk, stop_at=name)
    parked = press("park", name)
    talk.say(parked, at=name)
    assert talk.data["standing"][name]["state"].startswith("Parked, by ann")
    assert talk.data["last"][0]["sample"] == name
    talk.say(press("undo", name, after=parked["id"]), at=name)
    assert store.rows("FROM calibration") == []
    assert (talk.cards[name]["state"], talk.cards[name]["event"]) == ("", None)
    version = talk.cards[name]["versions"][0]
    texts = {"instruction": "Do it.", "input": "", "response": "Done well."}
    talk.say(press("edit", name, origin="ORIGINAL", candidate=version["candidate"], edited=texts), at=name)
    assert gold.agreements(store) == [Agreement("ann", Share(0, 0), 1, 0)]
    found = talk.say(drawer={"tab": "history", "sample": name, "shown": "ORIGINAL"}, at=name)["drawer"]["blocks"]
    assert "own" not in str(found)
    wrong = press("keep", name, candidate=1)
    talk.say(wrong, at=name)
    assert "refused" in talk.answer_to(wrong)


def test_answers_are_no_random_evidence_and_no_decision_of_the_reviewer(project: Project) -> None:
    """Trust counts the owner's decision among those that people chose, and nothing of what reviewers answered."""
    store = project.store
    gold.mark(store, ANSWERS, "own")
    gold.set_percent(store, 50, "own")
    found = trust(store)
    talk = Talk(project)
    name = next(each for each in talk.data["ahead"] if each in ("s20", "s21", "s22", "s23"))
    with store.transaction() as tx:
        gold.answer_within(tx, Decision(name, Action.REJECT, "ann"), "s3")
    assert trust(store).overall == found.overall
    assert store.value("SELECT count(*) FROM calibration") == 1


def test_the_command_line_and_the_screen_say_the_same(project: Project, tmp_path: Path) -> None:
    """Trust shows the shares of reviewers with their intervals; an owner sets how often gold is shown."""
    store = project.store
    gold.mark(store, ANSWERS, "own")
    with store.transaction() as tx:
        for name, keep in (("s20", None), ("s21", Origin.RESPONSE), ("s22", Origin.RESPONSE)):
            action = Action.CHOOSE if keep else Action.REJECT
            gold.answer_within(tx, Decision(name, action, "ann", keep), "")
    app = open_screen("pages/7_Trust.py")
    assert "66.7 % (9.43 % to 99.2 %)" in words(app)
    assert "4 gold samples; none are mixed into queues." in words(app)
    next(box for box in app.number_input if box.label == "Gold of 100 shown").set_value(5.0)
    app.run()
    assert gold.percent(store) == 5


def test_answers_come_from_a_file_or_a_tag_of_the_command_line(tmp_path: Path, command: Command) -> None:
    """Numbers and ids, versions and null; a line that says something else is refused with its number."""
    path, file = tmp_path / "p.srt", tmp_path / "gold.jsonl"
    with create_project(path, [CASE] * 4) as store:
        decisions.decide(store, Decision("s3", Action.REJECT, "ann"), expected_event_id=None)
        with store.transaction() as tx:
            tx.execute("""INSERT INTO event (action_id, author, kind, sample_id, context)
                          VALUES (99, 'ann', 'tag', 's3', '{"tag": "sure"}')""")
    lines = [{"sample": 1, "keep": "response"}, {"sample": "s1", "keep": None}]
    file.write_text("\n".join(map(json.dumps, lines)), "utf-8")
    said = command("gold", path, "--import", file, "--tag", "sure", "--percent", "10", "--by", "own").stdout
    assert "2 gold samples; 2 of them were decided as their answer says." in said
    assert "3 gold samples; on average 10 of 100 that a reviewer is shown are gold." in said
    assert "1 gold sample;" in command("gold", path, "--remove", "1", "--remove", "s1").stdout
    with Store.open(path) as store:
        assert [(each.sample_id, each.origin) for each in gold.golds(store)] == [("s3", None)]
        with pytest.raises(SRTError, match="Line 2 holds no gold answer"):
            gold.read_answers(store, ["", '{"sample": 1, "keep": "yes"}'])
        with pytest.raises(SRTError, match="60 % of samples"):
            gold.set_percent(store, 60, "own")
