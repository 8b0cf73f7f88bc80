"""What belongs together is put aside together, and what is counted before is what is written."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from srt_core.errors import ExportError
from srt_core.export.before import look_before
from srt_core.export.contents import Contents, Scope
from srt_core.export.export import export, rebuild
from srt_core.export.formats import Split
from srt_core.export.splits import draw_groups, put_aside
from srt_core.project import events
from srt_core.project.store import Store
from srt_core.records import Action, Context, Decision, Origin, Pair
from srt_core.review import decisions
from tests.context_project import create_project, exchanges, join_conversations, keep, sample_ids
from tests.hostile_pairs import HOSTILE, hostile_project, put_scoring

MANY = [Pair(f"Add {place} and {place * 7}.", str(place * 8)) for place in range(60)]


def aside(store: Store, share: float, trained: Sequence[str] = ()) -> set[str]:
    """The samples that are put aside."""
    with put_aside(store, share, trained) as table:
        return {row["sample_id"] for row in store.rows(f"SELECT sample_id FROM sample WHERE seq IN (FROM {table})")}


def test_a_group_is_put_aside_whole(tmp_path: Path) -> None:
    """Equal texts but for case and blanks, a conversation, a parent, near-duplicates, and what these link."""
    talk = exchanges("", "Name a bird.", "A wren.", "Another?", "A tit.", "One more?", "A rook.")
    like = Pair("ADD 3  and 21.", " 24")
    child = Pair("Something else.", "From the fourth.")
    with create_project(tmp_path / "p.srt", [(pair, {}) for pair in (*MANY, *talk, like, child)]) as store:
        names = sample_ids(store)
        join_conversations(store, names[60:63])
        with store.transaction() as tx:
            tx.execute("UPDATE sample SET parent = ? WHERE sample_id = ?", [names[3], names[64]])
            detail = "about 93 % the same words as sample 62"
            tx.append("mark", ["seq", "mark", "version", "detail"], [(10, "near_duplicate", "1", detail)])
        groups = [{names[3], names[63], names[64]}, {names[9], *names[60:63]}]
        for share in (0.05, 0.2, 0.5, 0.8):
            found = aside(store, share)
            assert all(group <= found or not group & found for group in groups)
            assert aside(store, share) == found
            for group in groups:
                assert not group & aside(store, share, [min(group)])
        assert not aside(store, 0.0)
        assert 10 < len(aside(store, 0.5)) < 55


def test_arms_put_whole_groups_aside(tmp_path: Path) -> None:
    """As many samples with a rewrite as were asked for, the same each time, and with each all that is of its group."""
    like = Pair("ADD 3  and 21.", " 24")
    rewrites = {place: {Origin.RESPONSE: Pair(MANY[place].instruction, "Longer.")} for place in range(0, 60, 2)}
    with create_project(tmp_path / "p.srt", [(pair, {}) for pair in (*MANY, like)], rewrites) as store:
        names = sample_ids(store)
        with store.transaction() as tx:
            detail = "about 93 % the same words as sample 6"
            tx.append("mark", ["seq", "mark", "version", "detail"], [(5, "near_duplicate", "1", detail)])
        able = {names[place] for place in rewrites}
        groups = [{names[3], names[60]}, {names[4], names[5]}]
        before: set[str] = set()
        for number in (1, 5, 20, 30):
            found = set(draw_groups(store, number))
            assert found == set(draw_groups(store, number))
            assert before <= found and len(found & able) == number
            assert all(group <= found or not group & found for group in groups)
            before = found
        assert set(draw_groups(store, 1_000)) == before == able | {names[5]}


def test_a_sample_stays_where_it_is_when_others_are_added(tmp_path: Path) -> None:
    """The same samples are put aside in a project that has more of them, and of a larger share all of a smaller."""
    with create_project(tmp_path / "a.srt", [(pair, {}) for pair in MANY[:30]]) as few:
        before = aside(few, 0.4)
    with create_project(tmp_path / "b.srt", [(pair, {}) for pair in reversed(MANY)]) as many:
        after, more = aside(many, 0.4), aside(many, 0.7)
    assert before and before == after & {*before, *(after - (after - before))} and before <= after < more


def test_what_is_counted_before_is_what_is_written(tmp_path: Path) -> None:
    """Lines, parts, what is parked, too long or has special tokens, what a format has no place for: all as written."""
    begun = Pair("Why?", "So.", context=Context("Only a system text."))
    contents = Contents(validation=0.3)
    asked = ["prompt_completion", "alpaca", "openai"]
    with hostile_project(tmp_path / "p.srt", "alpaca", [*HOSTILE, begun]) as store:
        found = look_before(store, contents, asked, 1024)
        assert store.value("SELECT count(*) FROM exported") == 0
        written = export(store, tmp_path / "out", asked, contents, by="ann", max_length=1024)
    assert written.before == found
    rows = {(each.format, each.split): each.rows for each in written.files}
    assert (rows["alpaca", Split.TRAIN], rows["alpaca", Split.VALIDATION]) == (found.trained, found.aside)
    assert found.lines == len(HOSTILE) + 1
    assert found.left_out == {"prompt_completion": {"the template alpaca has no place for a system text": 1}}
    counted = {each.name: each.lines for each in found.concerns}
    assert (counted["too_long"], counted["no_room"], counted["special_tokens"]) == (1, 1, 1)
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text("utf-8"))
    assert {each["name"]: each["lines"] for each in manifest["before"]["concerns"]} == counted
    said = " ".join(found.described())
    assert "1 with a special token within a text" in said and "Axolotl: leaves the pair out" in said


def test_without_a_tokenizer_nothing_is_counted_in_tokens_and_that_is_said(tmp_path: Path) -> None:
    """A student that is not on this machine gives no numbers; special tokens are those of common chat templates."""
    with hostile_project(tmp_path / "p.srt", "alpaca") as store:
        put_scoring(store, "alpaca", student=tmp_path / "gone")
        found = look_before(store, Contents(), ["prompt_completion"])
        assert found.tokenizer is None and "is not on this machine" in found.why
        assert {each.name for each in found.concerns} == {"special_tokens", "earlier_answers"}
        put_scoring(store, "chat", student=tmp_path / "gone")
        with pytest.raises(ExportError, match="written by the chat template"):
            look_before(store, Contents(), ["prompt_completion"])
        assert look_before(store, Contents(), ["messages"]).lines == len(HOSTILE)


def test_prompts_need_a_scoring(tmp_path: Path) -> None:
    """Where nothing was scored there is no template to fill in: said before anything is written."""
    with create_project(tmp_path / "p.srt", [(MANY[0], {})]) as store:
        keep(store, sample_ids(store)[0])
        with pytest.raises(ExportError, match="Nothing was scored"):
            export(store, tmp_path / "out", ["prompt_completion"], by="ann")
    assert not (tmp_path / "out").exists()


def test_a_past_export_comes_again_with_its_parts(tmp_path: Path) -> None:
    """The same bytes of both parts, though samples came since that link groups."""
    with hostile_project(tmp_path / "p.srt", "alpaca") as store:
        written = export(store, tmp_path / "out", ["prompt_completion", "alpaca"], Contents(validation=0.4), by="ann")
        with store.transaction() as tx:
            tx.execute("UPDATE sample SET parent = (SELECT min(sample_id) FROM sample)")
        again = rebuild(store, written.export_id, tmp_path / "again")
    assert again.sha256 == written.sha256
    assert {each.path.name: each.rows for each in again.files} == {each.path.name: each.rows for each in written.files}


def preferring_project(path: Path) -> Store:
    """Six samples with two responses each: approved, approved in bulk, left out, edited, parked, decided by nobody."""
    pairs = [Pair(f"Name {place}.", f"Old {place}.") for place in range(6)]
    rewrites = {place: {Origin.RESPONSE: Pair(f"Name {place}.", f"New {place}.")} for place in range(6)}
    store = create_project(path, [(pair, {}) for pair in pairs], rewrites)
    put_scoring(store, "alpaca")
    names = sample_ids(store)
    keep(store, names[0], Origin.RESPONSE)
    keep(store, names[3], Origin.RESPONSE, Pair("Name 3.", "Edited 3."))
    context = {"because": "not true"}
    decisions.decide(store, Decision(names[2], Action.REJECT, "Ann", context=context), expected_event_id=None)
    with store.transaction() as tx:
        tx.execute(
            """INSERT INTO event BY NAME SELECT nextval('event_ids') AS action_id, 'Bo' AS author, 'approve' AS kind,
                   sample_id, origin, candidate_id, '{"bulk": "all"}' AS context
               FROM candidate WHERE sample_id = ? AND origin = 'RESPONSE'""",
            [names[1]],
        )
        events.fold_action(tx, tx.execute("SELECT max(action_id) FROM event")[0][0])
    return store


def test_preferences_say_whose_they_are(tmp_path: Path) -> None:
    """Only versions of the same prompt; by a person is what was decided alone, in bulk or by the rule is the rule's."""
    with preferring_project(tmp_path / "p.srt") as store:
        names = sample_ids(store)
        asked = ["dpo", "dpo_chat", "ranking", "kto", "left_out", "edits"]
        written = export(store, tmp_path / "out", asked, Contents(Scope.VERDICTS), by="ann")
    lines = {
        each.format: json.loads(each.path.read_text("utf-8"))
        if each.path.suffix == ".json"
        else [json.loads(line) for line in each.path.read_text("utf-8").splitlines()]
        for each in written.files
    }
    found = {(row["sample_id"], row["chosen"], row["rejected"]): row["by"] for row in lines["dpo"]}
    assert found == {
        (names[0], "New 0.", "Old 0."): "person",
        (names[1], "New 1.", "Old 1."): "rule",
        (names[3], "Edited 3.", "Old 3."): "person",
        (names[3], "Edited 3.", "New 3."): "person",
    }
    for row, chat, flat in zip(lines["dpo"], lines["dpo_chat"], lines["ranking"], strict=True):
        number = names.index(row["sample_id"])
        assert f"### Instruction:\nName {number}." in row["prompt"] and row["prompt"].endswith("### Response:")
        assert chat["prompt"] == [{"role": "user", "content": f"Name {number}."}]
        assert (chat["chosen"][0]["content"], chat["rejected"][0]["content"]) == (row["chosen"], row["rejected"])
        assert (flat["instruction"], flat["chosen"], flat["rejected"]) == (
            f"Name {number}.", row["chosen"], row["rejected"],
        )  # fmt: skip
    left = [(row["completion"], row["label"], row["by"]) for row in lines["kto"] if row["sample_id"] == names[2]]
    assert left == [("Old 2.", False, "person")]
    (out,), (edit,) = lines["left_out"], lines["edits"]
    assert (out["sample_id"], out["because"], out["reviewer"]) == (names[2], "not true", "Ann")
    assert (edit["before_output"], edit["after_output"]) == ("New 3.", "Edited 3.")
