"""What the desk writes and answers, spoken to as the browser does: each press once, refused ones with their reason."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from srt_core.errors import DecisionError
from srt_core.project import events
from srt_core.project.appending import NewCandidate, append_candidates
from srt_core.project.events import EventFilter
from srt_core.records import Action, Decision, Origin, Pair
from srt_core.reflect.producers import register_producer
from srt_core.review import decisions, notes, presses, queues, shares
from srt_core.review.filter.filter import Filter
from srt_core.review.shares import Share
from srt_core.ui.review.cards import compared
from srt_core.ui.review.telling import AHEAD
from srt_core.ui.server.runtime import Project
from tests.desk_talk import Talk, press
from tests.rule_oracle import Case, Numbers
from tests.rule_project import create_project
from tests.screens import served

# The rule keeps the response of s0 and s1 and leaves s2 out; the teacher's reply for s3 could not be used.
CASES = [
    Case({Origin.ORIGINAL: Numbers(0.5, 0.75), Origin.RESPONSE: Numbers(0.5, 0.5)}),
    Case({Origin.ORIGINAL: Numbers(0.5, 0.75), Origin.RESPONSE: Numbers(0.5, 0.625)}),
    Case({Origin.ORIGINAL: Numbers(0.5, 0.75), Origin.RESPONSE: Numbers(0.5, 0.875)}),
    Case({Origin.ORIGINAL: Numbers(0.5, 0.5)}, failed=frozenset({Origin.RESPONSE})),
]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    create_project(tmp_path / "p.srt", CASES).close()
    with served(monkeypatch, tmp_path / "p.srt") as project:
        yield project


def log(project: Project) -> list[events.Event]:
    """The events of the project, the oldest first."""
    return events.events(project.store, EventFilter(), limit=100)[::-1]


def decided(project: Project) -> list[tuple[str | None, str, str | None]]:
    return [(event.sample_id, event.kind, event.origin) for event in log(project)]


def keep(card: dict[str, Any], name: str = "") -> dict[str, Any]:
    """A press that keeps a version of a card by name, or the one that is pre-selected."""
    versions = {each["name"]: each["candidate"] for each in card["versions"]}
    candidate = versions[name] if name else card["pick"]["candidate"]
    return press("keep", card["sample"], candidate=candidate, upon=card["event"])


def test_the_rules_pick_is_pre_selected_and_kept_by_one_press(project: Project) -> None:
    """The card names the version that one key keeps; to keep it is an approval, any other version a choice."""
    talk = Talk(project)
    assert (talk.data["at"], talk.data["ahead"]) == ("s0", ["s1", "s2", "s3"])
    assert talk.cards["s0"]["pick"]["label"] == "Response"
    assert talk.cards["s2"]["pick"] is None
    talk.say(keep(talk.cards["s0"]), keep(talk.cards["s1"], "ORIGINAL"), at="s2")
    assert decided(project) == [("s0", "approve", "RESPONSE"), ("s1", "choose", "ORIGINAL")]
    assert log(project)[0].context["queue"] == "all"
    assert talk.data["ahead"] == ["s3"]


def test_a_number_is_not_written_as_the_limit_that_it_keeps_to(project: Project) -> None:
    """Beside a limit of 1 a score of 0.996 has a third digit; what is told apart by two digits has two."""
    with project.store.transaction() as tx:
        tx.execute("UPDATE score SET r_ifd = 0.996 WHERE candidate_id = 2")
        tx.bump()
    cards = Talk(project).cards
    assert [each["says"] for each in cards["s0"]["rule"]["numbers"]] == ["0.50 → 0.50", "0.750 → 0.996"]
    assert [each["says"] for each in cards["s1"]["rule"]["numbers"]] == ["0.50 → 0.50", "0.75 → 0.62"]


def test_to_agree_with_the_rule_on_leaving_out_says_so(project: Project) -> None:
    """A sample left out because the rule does so is marked; one that the rule keeps is not, whatever was sent."""
    talk = Talk(project)
    talk.say(press("leave_out", "s2", agrees=True), press("leave_out", "s0", agrees=True))
    assert [(event.sample_id, event.kind, event.context.get("agrees")) for event in log(project)] == [
        ("s2", "reject", "rule"),
        ("s0", "reject", None),
    ]


def test_a_press_that_comes_again_is_written_once(project: Project) -> None:
    """The whole unsaved list may be sent again: what is in the log already is answered with its event."""
    talk = Talk(project)
    first, second = keep(talk.cards["s0"]), press("park", "s1")
    talk.say(first)
    event = talk.answer_to(first)["event"]
    talk.say(first, second)
    assert talk.answer_to(first)["event"] == event
    assert decided(project) == [("s0", "approve", "RESPONSE"), ("s1", "park", None)]


def test_a_press_on_what_somebody_else_decided_is_refused_and_comes_back(project: Project) -> None:
    """The reason names who was first, the others of the message are saved, and a fresh card allows another decision."""
    talk = Talk(project)
    late, fine = keep(talk.cards["s0"]), press("leave_out", "s1")
    decisions.decide(project.store, Decision("s0", Action.REJECT, "bob"), expected_event_id=None)
    talk.say(late, fine)
    assert talk.answer_to(late) == {
        "refused": "Sample s0 was decided meanwhile: left out by bob.",
        "hint": "Look at it again, then decide.",
    }
    assert decided(project) == [("s0", "reject", None), ("s1", "reject", None)]
    assert "Left out, by bob" in talk.data["cards"]["s0"]["state"]
    talk.say(keep(talk.cards["s0"]))
    assert decided(project)[-1] == ("s0", "approve", "RESPONSE")


def test_a_press_upon_an_own_one_that_is_not_saved_yet_follows_it(project: Project) -> None:
    """Two presses on one sample in one message follow each other; where the first is refused, so is the second."""
    talk = Talk(project)
    first = press("park", "s0")
    second = press("leave_out", "s0", after=first["id"])
    talk.say(first, second)
    assert decided(project) == [("s0", "park", None), ("s0", "reject", None)]
    decisions.decide(project.store, Decision("s1", Action.PARK, "bob"), expected_event_id=None)
    first = press("park", "s1")
    second = press("leave_out", "s1", after=first["id"])
    talk.say(first, second)
    assert "refused" in talk.answer_to(first)
    assert talk.answer_to(second)["refused"] == "The press before this one was not saved."


def test_undo_takes_back_own_decisions_alone(project: Project) -> None:
    """By its press where it is not saved yet, else by its event; what stood before stands again; others' stay."""
    talk = Talk(project)
    parked, left = press("park", "s0"), press("leave_out", "s1")
    undone = press("undo", "s1", after=left["id"])
    again = press("leave_out", "s1", after=undone["id"])
    talk.say(parked, left, undone, again)
    assert decisions.standing(project.store, "s1") is not None
    talk.say(press("undo", "s0", upon=talk.answer_to(parked)["event"]))
    assert decisions.standing(project.store, "s0") is None
    event = decisions.decide(project.store, Decision("s3", Action.REJECT, "bob"), expected_event_id=None)
    theirs = press("undo", "s3", upon=event)
    talk.say(theirs)
    assert talk.answer_to(theirs)["refused"] == "That is no decision of yours."
    assert [each["sample"] for each in talk.data["last"]] == ["s1"]


def test_nobody_decides_under_another_name(project: Project) -> None:
    """What was pressed before the name changed is not written under the new one: it stays unsaved in the browser."""
    talk = Talk(project)
    talk.data["owner"] = "p bob"
    talk.say(press("leave_out", "s0"))
    assert (log(project), talk.data["answers"]) == ([], {})


def test_what_is_no_press_is_refused_whole(project: Project) -> None:
    """A message that holds something else than presses writes nothing, and says so."""
    talk = Talk(project)
    talk.say(keep(talk.cards["s0"]), {"id": "x", "kind": "explode", "sample": "s1"})
    assert talk.data["error"]["message"] == "The desk sent a press that is none."
    assert log(project) == []
    with pytest.raises(DecisionError, match="none"):
        presses.parse({"id": 3, "kind": "keep", "sample": "s0"})


def test_a_version_of_another_sample_cannot_be_kept(project: Project) -> None:
    """What a press names is looked up: a version that is not the sample's is refused."""
    talk = Talk(project)
    wrong = press("keep", "s0", candidate=talk.cards["s1"]["versions"][0]["candidate"])
    talk.say(wrong)
    assert "no ORIGINAL version of sample s0" in talk.answer_to(wrong)["refused"]
    assert log(project) == []


def test_a_missing_version_says_why_its_key_does_nothing(project: Project) -> None:
    """The card has the reason: there is none, or the teacher's reply could not be used."""
    talk = Talk(project)
    assert talk.cards["s0"]["missing"]["4"] == "There is no version Both of this sample."
    assert talk.cards["s3"]["missing"]["2"].startswith("Response failed")


def test_an_edit_is_stored_with_its_texts_upon_the_version_that_was_edited(project: Project) -> None:
    """The edited pair is the decision; it names the version that it was made of, and stands as one of the card."""
    talk = Talk(project)
    version = talk.cards["s1"]["versions"][1]
    texts = {"instruction": "Do it.", "input": "", "response": "Done well."}
    talk.say(press("edit", "s1", origin="RESPONSE", candidate=version["candidate"], edited=texts))
    (event,) = log(project)
    assert (event.kind, event.origin, event.candidate_id) == ("edit", "RESPONSE", version["candidate"])
    assert event.edited and event.edited.response == "Done well."
    edited = talk.data["cards"]["s1"]["versions"][-1]
    assert (edited["label"], edited["says"][:9]) == ("Edited", "no score.")
    empty = press("edit", "s0", origin="RESPONSE", edited={**texts, "response": "  "})
    talk.say(empty)
    assert "needs an instruction and a response" in talk.answer_to(empty)["refused"]


def test_a_draft_is_kept_by_reviewer_and_sample_until_it_is_saved(project: Project) -> None:
    """Another session of the same person finds it, nobody else does, and the saved edit ends it."""
    draft = {
        "sample": "s0",
        "of": "RESPONSE",
        "repairs": None,
        "instruction": "Do it.",
        "input": "",
        "response": "Half",
    }
    talk = Talk(project)
    talk.say(draft=draft)
    assert log(project) == []
    assert Talk(project).cards["s0"]["draft"]["response"] == "Half"
    assert Talk(project, by="bob").cards["s0"]["draft"] is None
    texts = {"instruction": "Do it.", "input": "", "response": "Whole."}
    talk.say(press("edit", "s0", origin="RESPONSE", edited=texts))
    assert Talk(project).cards["s0"]["draft"] is None
    talk.say(draft={**draft, "sample": "s1"})
    talk.say(draft={"sample": "s1", "drop": True})
    assert Talk(project).cards["s1"]["draft"] is None


def test_a_failed_reflection_is_repaired_by_hand(project: Project) -> None:
    """The drawer begins a repair from the pair that was to be rewritten; the edit says which version it stands for."""
    talk = Talk(project, queue="failed")
    data = talk.say(drawer={"tab": "failed", "sample": "s3", "shown": "ORIGINAL"})
    (repair,) = data["drawer"]["blocks"][0]["repairs"]
    assert (repair["label"], repair["repairs"], repair["response"]) == ("Repair from Original", "RESPONSE", "Done.")
    texts = {"instruction": "Do it.", "input": "", "response": "Done by hand."}
    talk.say(press("edit", "s3", origin=repair["of"], repairs=repair["repairs"], edited=texts))
    (event,) = log(project)
    assert (event.origin, event.candidate_id, event.context["repairs"]) == ("RESPONSE", None, "RESPONSE")


def test_a_reason_for_leaving_out_is_kept_and_offered_from_then_on(project: Project) -> None:
    """No reason is asked for; one that is new to the project is among its list for the next sample."""
    talk = Talk(project)
    assert talk.data["reasons"] == list(notes.REASONS)
    talk.say(press("leave_out", "s0", text="Out of date"), press("leave_out", "s1"))
    assert [event.context.get("because") for event in log(project)] == ["Out of date", None]
    assert talk.data["reasons"] == [*notes.REASONS, "Out of date"]


def test_notes_and_tags_stand_beside_a_sample(project: Project) -> None:
    """The last note counts, an empty one takes it away; a tag is put on and taken off; nothing of it decides."""
    talk = Talk(project)
    talk.say(press("note", "s0", text="Ask Bo."), press("note", "s0", text="Ask Cy."), press("tag", "s0", text="law"),
             press("tag", "s0", text="old"), press("untag", "s0", text="old"), press("note", "s1", text="x"),
             press("note", "s1", text=""))  # fmt: skip
    fresh = Talk(project, by="bob")
    assert (fresh.cards["s0"]["note"], fresh.cards["s0"]["tags"]) == ("Ask Cy.", ["law"])
    assert (fresh.cards["s1"]["note"], fresh.cards["s1"]["tags"]) == ("", [])
    assert fresh.data["tags"] == ["law"]
    assert decisions.standing(project.store, "s0") is None


def test_go_and_find_show_another_sample(project: Project) -> None:
    """By number or id; by a text within the queue, from the present sample on and then from the start."""
    with project.store.transaction() as tx:
        tx.execute("UPDATE candidate SET response = 'A wren.' WHERE sample_id IN ('s1', 's3')")
    talk = Talk(project)
    assert talk.say(go="#3")["at"] == "s2"
    assert talk.say(find="wren")["at"] == "s3"
    assert talk.say(find="wren")["at"] == "s1"
    assert talk.say(go="s0")["at"] == "s0"
    seat = talk.data["seat"]
    assert talk.say(go="nowhere")["error"]["message"] == "There is no sample nowhere."
    assert talk.say(find="albatross")["error"]["message"] == "No sample of this queue holds “albatross”."
    assert (talk.data["at"], talk.data["seat"]) == ("s0", seat)


def test_an_address_that_the_browser_had_a_moment_ago_takes_nobody_back(project: Project) -> None:
    """A page may be asked for with an address that the desk has left meanwhile; any other is followed."""
    talk = Talk(project)
    talk.desk.note_address()
    talk.say(press("park", "s0"), at="s1")
    talk.desk.note_address()
    talk.desk.arrive("s0", talk.seat)
    assert talk.desk.at == "s1"
    talk.desk.arrive("s3", talk.seat)
    assert talk.desk.at == "s3"


def test_nobody_is_told_what_others_decided_or_wrote_before_they_decide(project: Project) -> None:
    """Of a sample that each reviewer decides, neither card nor answer says anything until one's own decision."""
    talk = Talk(project)
    talk.say(keep(talk.cards["s0"]), press("note", "s0", text="Ann says no"), press("tag", "s0", text="bad"))
    share = Share("ben", (), shares.BUCKETS)
    ben = Talk(project, by="ben")
    ben.seat = replace(ben.seat, queue=queues.shared(ben.seat.queue, share), share=share)
    assert ben.say(press("tag", "s0", text="odd"), holds=[])["standing"] == {}
    assert (ben.cards["s0"]["note"], ben.cards["s0"]["tags"]) == ("", [])
    assert ben.say(press("park", "s0"), holds=[])["standing"]["s0"]["decided"]
    assert (ben.cards["s0"]["note"], ben.cards["s0"]["tags"]) == ("Ann says no", ["bad", "odd"])


def test_only_cards_that_the_browser_does_not_hold_are_sent(project: Project) -> None:
    """The sample on screen and the next ones come once; what changed comes again."""
    talk = Talk(project)
    assert set(talk.data["cards"]) == {"s0", "s1", "s2", "s3"}
    assert talk.say(press("park", "s0"), at="s1")["cards"] == {}
    assert talk.data["standing"]["s0"]["decided"]
    assert set(talk.say(press("undo", "s0", upon=talk.data["last"][0]["event"]))["cards"]) == {"s0"}
    assert AHEAD == 30


def test_a_brief_answer_tells_of_presses_alone_unless_one_is_refused(project: Project) -> None:
    """What is saved is said without the queue around it; a refusal, an error or another place brings all of it."""
    talk = Talk(project)
    parked = press("park", "s0")
    told = talk.say(parked, brief=True, at="s1")
    assert set(told) == {"owner", "seat", "at", "cards", "turn", "answers", "standing", "renewed"}
    assert (told["at"], told["cards"], told["standing"]["s0"]["state"][:14]) == ("s1", {}, "Parked, by ann")
    told = talk.say(press("undo", "s0", upon=talk.answer_to(parked)["event"]), brief=True)
    assert set(told["cards"]) == {"s0"} and "order" not in told
    decisions.decide(project.store, Decision("s1", Action.REJECT, "bob"), expected_event_id=None)
    assert talk.say(press("park", "s1"), brief=True)["order"] == ["s0", "s1", "s2", "s3"]
    assert "order" in talk.say({"kind": "explode"}, brief=True)
    assert talk.say(press("park", "s2"), brief=True, go="s3")["at"] == "s3"
    assert "order" in talk.data


def test_the_queue_of_a_filter_and_the_end_of_a_queue(project: Project) -> None:
    """A queue holds what its filter holds; with the last decision nothing is ahead."""
    only = Talk(project, over=queues.filter_queue(Filter(reason=("not_improved",))))
    assert (only.data["at"], only.data["ahead"], only.data["place"]["samples"]) == ("s2", [], 1)
    only.say(press("leave_out", "s2"))
    assert (only.data["ahead"], only.data["place"]["open"]) == ([], 0)


def test_a_decision_on_another_producers_text_is_shown_and_chosen_again(project: Project) -> None:
    """The text that was decided for stands in its place with its producer named; the pick is named by its own."""
    store = project.store
    teacher = register_producer(store, "B_B", "1", "h", "{}")
    with store.transaction() as tx:
        append_candidates(
            tx, [NewCandidate("s0", Origin.RESPONSE, teacher, Pair("Do it.", "Blue <b>sky</b>, done."), None)]
        )
        tx.bump()
    key = store.value("SELECT max(candidate_id) FROM candidate")
    decisions.decide(
        store, Decision("s0", Action.CHOOSE, "ann", Origin.RESPONSE, candidate_id=key), expected_event_id=None
    )
    talk = Talk(project)
    talk.say(go="s0")
    shown = talk.cards["s0"]["versions"][1]
    assert (shown["candidate"], shown["says"], shown["picked"]) == (key, "decided for, by B_B, prompts 1", False)
    assert "Drift 0.00 · 4.4 × as long" in talk.cards["s0"]["rule"]["why"]  # "done" is in both; 22 characters for 5
    assert talk.cards["s0"]["pick"]["label"] == "Response by test"
    talk.say(keep(talk.cards["s0"], "RESPONSE"))
    talk.say(go="s0")
    again = keep({**talk.cards["s0"], "event": talk.data["last"][0]["event"]})
    talk.say(again)
    assert [(event.kind, event.candidate_id) for event in log(project)][-2:] == [("choose", key), ("approve", 2)]


def test_differences_are_worked_out_and_little_alike_is_not_marked(project: Project) -> None:
    """Where a quarter is alike words are marked; a whole rewrite stands as it is; what is the same is sent once."""
    with project.store.transaction() as tx:
        tx.execute("UPDATE candidate SET response = 'One two three four.' WHERE origin = 'ORIGINAL'")
        tx.execute("UPDATE candidate SET response = 'One two five four.' WHERE sample_id = 's0' AND candidate_id = 2")
        tx.execute("UPDATE candidate SET response = 'Nothing of it.' WHERE sample_id = 's1' AND origin = 'RESPONSE'")
        tx.execute("UPDATE candidate SET response = repeat('word ', 10_000) WHERE sample_id = 's2'")
    talk = Talk(project)
    parts = talk.cards["s0"]["versions"][1]["parts"]
    assert parts["instruction"] == {"same": True}
    assert parts["response"]["spans"] == [[0, "One two "], [-1, "three"], [1, "five"], [0, " four."]]
    assert talk.cards["s1"]["versions"][1]["parts"]["response"] == {"text": "Nothing of it.", "apart": True}
    assert compared(Pair("Do it.", "Done.", "Input."), Pair("Do it.", "Done."))["input"] == {"spans": [[-1, "Input."]]}
    long = talk.cards["s2"]["versions"][0]["parts"]["response"]
    assert (len(long["text"]), long["cut"]) == (20_000, 50_000)
    assert len(talk.say(whole={"sample": "s2"})["whole"]["versions"][0]["response"]) == 50_000
