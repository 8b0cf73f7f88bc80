"""The coach: edits by distance, what is learnt from them, revisions as candidates, and judging on unseen edits."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from srt_core.errors import DecisionError
from srt_core.methods import PRESETS
from srt_core.methods.coachlm import RUBRIC, capped, cut, score_side
from srt_core.project.store import Store
from srt_core.records import Action, Decision, Origin, Pair, Stage
from srt_core.reflect.coach.coaches import coaches
from srt_core.reflect.coach.edits import Distance, edits, growth, learnt_from
from srt_core.reflect.coach.judging import Result, judge
from srt_core.reflect.coach.revising import Coach, revise
from srt_core.reflect.coach.wording import reply_text, request_text
from srt_core.reflect.prompts import ParsedReflection, ReplyFormat, parse_reply
from srt_core.reflect.run import Plan
from srt_core.review import decisions
from srt_core.select import selection
from srt_core.train.exports import read_export
from srt_core.vectors.encodings import Recipe
from srt_core.vectors.fitting import open_tfidf
from srt_core.vectors.keeping import encode
from tests.coaching_server import Coaching, coaching
from tests.command_line import DONE, called, refused
from tests.reflecting import project, teacher_at, walk

SAMPLES = 12
DISTANCES = [
    (Pair("kitten", "sitting"), Pair("sitting", "kitten"), (3, 0, 3), 0),
    (Pair("Name three natural elements.", "Water, air, and fire."),
     Pair("Name three natural elements.", "Water, air and fire are three natural elements."), (0, 0, 28), 26),
    (Pair("Translate.", "Guten Tag", "Good day"), Pair("Translate: Good day", "Guten Tag"), (10, 8, 0), 1),
    (Pair("Add 2 and 2.", "4"), Pair("Add 2 and 2.", "4"), (0, 0, 0), 0),
    (Pair("caf\u00e9", "na\u00efve"), Pair("cafe\u0301", "nai\u0308ve"), (2, 0, 2), 2),
]  # fmt: skip


@pytest.mark.parametrize(("before", "after", "parts", "grown"), DISTANCES)
def test_distances_are_those_of_the_worked_examples(
    before: Pair, after: Pair, parts: tuple[int, int, int], grown: int
) -> None:
    """Characters of each text by itself, never of the texts joined; a composed letter is not a decomposed one."""
    found = Distance.of(before, after)
    assert (found.ins, found.inp, found.res) == parts
    assert found.sum == sum(parts)
    assert growth(before, after) == grown


CUT = {"e1": 40, "e2": 400, "e3": 0, "e4": 120, "e5": 400, "e6": 33, "e7": 77, "e8": 900, "e9": 12, "e10": 61}


def test_the_largest_edits_are_learnt_from() -> None:
    """Of nine that changed something, two: the largest first, of equal ones the earlier."""
    assert cut(list(CUT.items()), 0.3) == ["e8", "e2"]


@pytest.mark.parametrize(
    ("number", "alpha", "room"), [(2301, 0.3, 690), (100, 0.29, 29), (10, 0.3, 3), (500, 0.646, 323), (3, 0.3, 0)]
)
def test_a_share_is_rounded_down_in_decimals(number: int, alpha: float, room: int) -> None:
    """0.29 of 100 are 29, which floating point makes 28."""
    assert len(cut([(place, 1) for place in range(number)], alpha)) == room


@pytest.mark.parametrize(
    ("points", "is_flawed", "cap", "score"),
    [(93, False, None, 93), (93, True, 80, 80), (55, True, 80, 55), (93, True, None, 93)],
)
def test_a_flaw_caps_a_side_where_there_is_a_cap(points: int, is_flawed: bool, cap: int | None, score: int) -> None:
    """The worked examples: at most the cap with a flaw, and nothing without a cap."""
    assert capped(points, is_flawed=is_flawed, cap=cap) == score


def test_a_side_has_a_score_once_every_dimension_has_points() -> None:
    """The points of a side add up to 100; a flaw counts by the cap of its dimension; one lacking is no score."""
    for side in ("instruction", "response"):
        full = {each.name: (each.most, False) for each in RUBRIC if each.side == side}
        assert score_side(side, full, {}) == 100
        name = next(iter(full))
        assert score_side(side, full | {name: (full[name][0], True)}, {name: 80.0}) == 80
        del full[name]
        assert score_side(side, full, {}) is None


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """Originals with vectors, none of them edited."""
    with project(tmp_path / "p.srt", SAMPLES) as store:
        walk(encode(store, open_tfidf(store, Recipe.PAIR)))
        yield store


def original(store: Store, seq: int) -> tuple[str, Pair]:
    row = store.rows(
        """SELECT sample_id, instruction, input, response FROM candidate JOIN sample USING (sample_id)
           WHERE seq = ? AND origin = 'ORIGINAL'""",
        [seq],
    )[0]
    return row["sample_id"], Pair(row["instruction"], row["response"], row["input"])


def edit(store: Store, seq: int, change: Callable[[Pair], Pair], by: str = "ann") -> int:
    """Edit the original of a sample."""
    name, pair = original(store, seq)
    stood = decisions.standing(store, name)
    decision = Decision(name, Action.EDIT, by, Origin.ORIGINAL, change(pair))
    return decisions.decide(store, decision, expected_event_id=stood.event_id if stood else None)


def longer(words: int) -> Callable[[Pair], Pair]:
    return lambda pair: replace(pair, response=pair.response + " more" * words)


def better(pair: Pair) -> Pair:
    """What the coach of the tests makes of a pair."""
    return replace(pair, response=pair.response + " more more more")


def test_only_edits_that_stand_are_learnt_from(store: Store) -> None:
    """The largest first; one that was undone or that another decision replaced is gone, and comes back with an undo."""
    small, large, gone, replaced = (edit(store, seq, longer(seq)) for seq in (1, 5, 3, 2))
    decisions.undo(store, gone, "ann")
    name, _ = original(store, 2)
    left_out = decisions.decide(store, Decision(name, Action.REJECT, "ann"), expected_event_id=replaced)
    assert [each.event_id for each in edits(store)] == [large, small]
    assert [each.distance.res for each in edits(store)] == [25, 5]
    stored = "SELECT event_id, ins, inp, res FROM edit_distance ORDER BY event_id"
    held = store.rows(stored)
    assert [tuple(row.values()) for row in held] == [(small, 0, 0, 5), (large, 0, 0, 25)]
    assert edits(store) == edits(store) and store.rows(stored) == held
    decisions.undo(store, left_out, "ann")
    assert [each.event_id for each in edits(store)] == [large, replaced, small]


def test_nothing_to_learn_from_is_a_sentence(store: Store) -> None:
    """No edit, an alpha that keeps none, no vector: each says what to do."""
    with pytest.raises(DecisionError, match="Nobody has edited"):
        learnt_from(edits(store), 0.3)
    edit(store, 1, longer(1))
    with pytest.raises(DecisionError, match="keeps none"):
        learnt_from(edits(store), 0.3)
    assert len(learnt_from(edits(store), 1.0)) == 1
    with store.transaction() as tx:
        tx.execute("DELETE FROM vector")
    with pytest.raises(DecisionError, match="has a vector"):
        walk(revise(store, teacher_at("http://127.0.0.1:9/v1"), Coach(1.0), Plan()))


def test_revisions_are_read_as_json_or_sections_and_may_change_nothing() -> None:
    """What only white space sets apart is unchanged; the input stays apart; an empty one is no fault."""
    pair = Pair("Translate.", "Guten Tag", "Good day")
    replies = {
        reply_text(Pair("Translate to German.", "Guten Tag!", "Good day")): Pair(
            "Translate to German.", "Guten Tag", "Good day"
        ),
        reply_text(Pair("Translate: Good day", "Guten Tag.", "")): Pair("Translate: Good day", "Guten Tag"),
        reply_text(replace(pair, response=" guten tag ")): pair,
        "<new_instruction>\nTranslate.\n</new_instruction>\n<new_input>\n\n</new_input>\n"
        "<new_response>\nEinen guten Tag.\n</new_response>": Pair("Translate.", "Einen guten Tag."),
    }
    for reply, expected in replies.items():
        found = parse_reply(Stage.REVISION, reply, "stop", pair)
        assert isinstance(found, ParsedReflection), (reply, found)
        got = found.pair
        assert (got.instruction, got.input) == (expected.instruction, expected.input)
        assert got.response.rstrip("!.") == expected.response.rstrip("!.")
    assert not isinstance(parse_reply(Stage.REVISION, "I cannot do that.", "stop", pair), ParsedReflection)


@pytest.fixture
def coach() -> Iterator[Coaching]:
    with coaching(better) as found:
        yield found


def test_a_coach_revises_what_it_did_not_learn_from(store: Store, coach: Coaching) -> None:
    """Its revisions are candidates of its own, by what they changed; the nearest edits are shown; asked once."""
    shown = [edit(store, seq, longer(seq)) for seq in (1, 2, 3)]
    edit(store, 4, lambda pair: pair)  # changed nothing
    teacher = teacher_at(coach.url, reply := "c-1")
    last = walk(revise(store, teacher, Coach(1.0, 2), Plan()))[-1]
    assert (last.done, last.failed) == (SAMPLES - 3, 0), reply
    made = store.rows("SELECT * FROM candidate WHERE origin <> 'ORIGINAL'")
    assert {row["origin"] for row in made} == {"RESPONSE"}
    assert all(row["response"].endswith(" more more more") for row in made)
    (producer,) = {row["producer"] for row in made}
    assert store.value("SELECT kind FROM producer WHERE producer = ?", [producer]) == "coach"
    assert {row["event_id"] for row in store.rows("SELECT event_id FROM coach_edit")} == set(shown)
    learnt = {original(store, seq)[1].instruction for seq in (1, 2, 3)}
    assert not learnt & set(coach.pairs())
    assert all(text.count("\nAfter: ") == 2 for text in coach.asked)
    number = len(coach.asked)
    assert walk(revise(store, teacher_at(coach.url, "c-1"), Coach(1.0, 2), Plan()))[-1].done == 0
    assert len(coach.asked) == number


def test_the_events_of_examples_are_part_of_the_request(store: Store, coach: Coaching) -> None:
    """The same text shown from another event is another request: who learnt from it can be told."""
    first = edit(store, 1, longer(1))
    teacher = teacher_at(coach.url, "c-1")
    walk(revise(store, teacher, Coach(1.0, 1), Plan()))
    hashes = {row["request_hash"] for row in store.rows("SELECT request_hash FROM teacher_call")}
    decisions.undo(store, first, "ann")
    edit(store, 1, longer(1), "bob")
    with store.transaction() as tx:
        tx.execute("DELETE FROM reflection")
        tx.execute("DELETE FROM candidate WHERE origin <> 'ORIGINAL'")
    walk(revise(store, teacher_at(coach.url, "c-1"), Coach(1.0, 1), Plan()))
    assert len(hashes) == SAMPLES - 1
    assert len({row["request_hash"] for row in store.rows("SELECT request_hash FROM teacher_call")}) == 2 * len(hashes)


def test_a_pair_that_is_left_as_it_is_gives_no_version_and_is_not_asked_again(store: Store) -> None:
    """Unchanged is no failure; a reply that cannot be used is one, and is asked for again on demand."""
    edit(store, 1, longer(1))
    odd = original(store, 2)[1].instruction

    def some(pair: Pair) -> Pair | str:
        return "Sorry, I cannot help with that." if pair.instruction == odd else pair

    with coaching(some) as server:
        last = walk(revise(store, teacher_at(server.url, "c-1"), Coach(1.0, 1), Plan()))[-1]
        assert last.failed == 1
        assert store.value("SELECT count(*) FROM candidate WHERE origin <> 'ORIGINAL'") == 0
        assert store.value("SELECT count(*) FROM failed_reflection") == 1
        (made,) = coaches(store)
        assert (made.learnt, made.revisions, made.unchanged, made.failed) == (1, 0, SAMPLES - 2, 1)
        asked = len(server.asked)
        walk(revise(store, teacher_at(server.url, "c-1"), Coach(1.0, 1), Plan()))
        assert len(server.asked) == asked


def changed(pair: Pair) -> Pair:
    return replace(better(pair), instruction="Please: " + pair.instruction)


def test_a_revision_goes_through_rule_and_review_like_all_others(store: Store) -> None:
    """Under CoachLM's policy every revision is kept; people decide over it; statistics leave out what was learnt."""
    edit(store, 1, longer(4))
    with coaching(changed) as server:
        walk(revise(store, teacher_at(server.url, "c-1"), Coach(1.0, 1), Plan()))
    assert {row["origin"] for row in store.rows("SELECT origin FROM candidate WHERE origin <> 'ORIGINAL'")} == {
        "INSTRUCTION"
    }
    selection.apply(store, PRESETS["coachlm"], "ann")
    rows = selection.select(store, PRESETS["coachlm"])
    assert [row["origin"] for row in rows] == ["ORIGINAL", *["INSTRUCTION"] * (SAMPLES - 1)]
    inputs = "SELECT count(*) FROM candidate WHERE origin = 'INSTRUCTION' AND input <> ''"
    assert store.value(inputs) == store.value(inputs.replace("'INSTRUCTION'", "'ORIGINAL' AND parent_id IS NULL")) - 1
    for row, action in zip(rows[1:4], (Action.APPROVE, Action.EDIT, Action.REJECT), strict=True):
        origin = None if action is Action.REJECT else Origin.INSTRUCTION
        edited = Pair("Mine.", "Mine too.") if action is Action.EDIT else None
        decisions.decide(store, Decision(row["sample_id"], action, "bob", origin, edited), expected_event_id=None)
    (made,) = coaches(store)
    assert (made.learnt, made.revisions, made.kept, made.edited, made.otherwise) == (1, SAMPLES - 1, 1, 1, 1)
    assert made.growth == pytest.approx(len("Please: ") + len(" more more more"))


def take(steps: Iterator[object]) -> Result:
    """Run a trial to its end and return what it came to."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            assert isinstance(end.value, Result)
            return end.value


def test_a_coach_is_judged_on_edits_that_it_never_saw(store: Store, coach: Coaching) -> None:
    """Put aside at random and never shown; a perfect coach comes to 0; nothing is made; again asks nothing."""
    for seq in range(1, SAMPLES + 1):
        edit(store, seq, better if seq % 2 else longer(6))
    teacher = teacher_at(coach.url, "c-1")
    result = take(judge(store, teacher, Coach(0.5, 1), Plan(), put_aside=6, seed=3))
    assert (len(result.judged), result.of, result.learnt) == (6, 6, 3)
    for each in result.judged:
        expected = 0 if each.edit.seq % 2 else 15
        assert (each.without, each.with_coach) == (15 if each.edit.seq % 2 else 30, expected)
        assert each.status == "revised" and each.grown == 15
    aside = {each.edit.before.instruction for each in result.judged}
    assert set(coach.pairs()) == aside
    examples = "".join(text[: text.rindex("The pair to revise: ")] for text in coach.asked)
    assert not any(json.dumps(text)[1:-1] in examples for text in aside)
    assert store.value("SELECT count(*) FROM candidate WHERE origin <> 'ORIGINAL'") == 0
    assert "nearer with the coach" in " ".join(result.lines)
    number = len(coach.asked)
    again = take(judge(store, teacher_at(coach.url, "c-1"), Coach(0.5, 1), Plan(), put_aside=6, seed=3))
    assert again == result and len(coach.asked) == number
    with pytest.raises(DecisionError, match="are to be put aside"):
        take(judge(store, teacher, Coach(0.5, 1), Plan(), put_aside=SAMPLES))


def test_a_coach_on_the_command_line(store: Store, coach: Coaching, tmp_path: Path) -> None:
    """Edits listed, written to train on, revised and judged; what a coach is trained on is what it is asked."""
    for seq in range(1, 9):
        edit(store, seq, longer(seq))
    path = store.path
    store.close()
    listed = called("coach", "edits", path, "--alpha", "0.3", "--most", "3")
    assert listed.stdout.startswith("2 of 8 edits are learnt from"), listed
    assert [line[:11] for line in listed.stdout.splitlines()[2:]] == ["*      40  ", "*      35  ", "       30  "]
    folder = tmp_path / "coach"
    done = called("coach", "export", path, folder, "--alpha", "0.3")
    assert done.returncode == DONE and "2 edits written" in done.stdout, done
    data = read_export(folder)
    with Store.open(path) as again:
        (first, second) = learnt_from(edits(again), 0.3)
    assert [each.sample_id for each in data.pairs] == [first.sample_id, second.sample_id]
    assert data.pairs[0].completion == reply_text(first.after)
    assert request_text(first.before, ReplyFormat.JSON) in data.pairs[0].prompt
    assert "is there already" in refused(called("coach", "export", path, folder))
    assert "keeps none" in refused(called("coach", "export", path, tmp_path / "none", "--alpha", "0.1"))
    at = ("--base-url", coach.url, "--model", "c-1")
    done = called("coach", "revise", path, *at, "--examples", "0")
    assert done.returncode == DONE and "10 revisions" in done.stdout, done
    assert all("After: " not in text for text in coach.asked)
    done = called("coach", "trial", path, *at, "--put-aside", "3", "--alpha", "0.5")
    assert done.returncode == DONE and "judged on 3 others, drawn at random" in done.stdout, done
    assert "No teacher was given" in refused(called("coach", "revise", path))
