"""Exports carry contexts and own columns, and say which answers are trained on."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.json
import pyarrow.parquet
import pytest

from srt_core.errors import ExportError
from srt_core.export.export import rebuild
from srt_core.export.formats.lines import Kind, Layout, kind_of
from srt_core.export.lines import Conversations
from srt_core.export.past import past_exports
from srt_core.importing.files import AS_WRITTEN, Turns
from srt_core.importing.run import import_file
from srt_core.project.candidates import pair_of
from srt_core.project.store import Store
from srt_core.records import Context, Origin, Pair, Role, Turn
from tests.command_line import Command
from tests.context_project import Row, create_project, exchanges, join_conversations, keep, sample_ids
from tests.empty_project import create_empty
from tests.exporting import export_one

BIRDS = exchanges("Be brief.", "Name a bird.", "A wren.", "Another?", "A tit.", "One more?", "A rook.")
ALONE = Pair("Add.", "4", "2 and 2")
OWN = {"source": "web", "score": 0.5, "votes": 3, "checked": True, "tags": ["a", "b"], "of": {"page": 7}}
PAIR_FORMATS = ("alpaca", "messages", "parquet")


def read(path: Path) -> list[dict[str, Any]]:
    """The lines of an exported file, by another reader than ours."""
    if path.suffix == ".parquet":
        found: list[dict[str, Any]] = pyarrow.parquet.read_table(path).to_pylist()
        return found
    text = path.read_text("utf-8")
    return list(json.loads(text)) if path.suffix == ".json" else [json.loads(line) for line in text.splitlines()]


def exported(store: Store, folder: Path, format: str, **more: Any) -> list[dict[str, Any]]:
    return read(export_one(store, folder, format, by="Ann", **more).path)


def kept_project(path: Path, rows: Sequence[Row]) -> Store:
    """A project of which every original is kept."""
    store = create_project(path, rows)
    for sample in sample_ids(store):
        keep(store, sample)
    return store


def weights(line: Mapping[str, Any]) -> list[int | None]:
    return [message.get("weight") for message in line["messages"]]


def test_a_line_of_messages_has_its_context_and_trains_on_the_last_answer(tmp_path: Path) -> None:
    """System and earlier turns stand before the pair as they were given; earlier answers have weight 0."""
    with kept_project(tmp_path / "p.srt", [(BIRDS[1], {}), (ALONE, {})]) as store:
        talk, alone = exported(store, tmp_path, "messages")
        first, second = sample_ids(store)
    assert talk["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Name a bird."},
        {"role": "assistant", "content": "A wren.", "weight": 0},
        {"role": "user", "content": "Another?"},
        {"role": "assistant", "content": "A tit.", "weight": 1},
    ]
    assert (talk["instruction"], talk["input"], talk["sample_id"]) == ("Another?", "", first)
    assert weights(alone) == [None, 1]
    assert (alone["input"], alone["sample_id"]) == ("2 and 2", second)


@pytest.mark.parametrize("format", ["alpaca", "parquet"])
def test_a_table_has_system_and_history(tmp_path: Path, format: str) -> None:
    """Every row has the same columns: a system text, and the earlier turns in pairs of user and assistant."""
    with kept_project(tmp_path / "p.srt", [(BIRDS[2], {}), (ALONE, {})]) as store:
        talk, alone = exported(store, tmp_path, format)
        assert [talk["sample_id"], alone["sample_id"]] == sample_ids(store)
    assert (talk["system"], talk["history"]) == ("Be brief.", [["Name a bird.", "A wren."], ["Another?", "A tit."]])
    assert (talk["instruction"], talk["input"], talk["output"]) == ("One more?", "", "A rook.")
    assert (alone["system"], alone["history"], alone["output"]) == ("", [], "4")


@pytest.mark.parametrize("format", ["alpaca", "parquet"])
def test_turns_that_do_not_alternate_are_left_out_of_a_table_and_counted(tmp_path: Path, format: str) -> None:
    """History has no place for two turns of one side, nor for a conversation that the assistant begins."""
    twice = Context(turns=(Turn(Role.USER, "Hi."), Turn(Role.USER, "You there?")))
    begun = Context(turns=(Turn(Role.ASSISTANT, "How can I help?"),))
    rows: list[Row] = [(Pair("Why?", "So.", context=context), {}) for context in (twice, begun)]
    rows.append((ALONE, {}))
    with kept_project(tmp_path / "p.srt", rows) as store:
        written = export_one(store, tmp_path, format, by="Ann")
        assert written.rows == len(read(written.path)) == 1
        assert list(written.left_out.values()) == [2]
        assert "do not go from user to assistant" in written.described()[0]
        entry = json.loads((tmp_path / "manifest.json").read_text("utf-8"))["files"][written.path.name]
        assert (entry["rows"], entry["left_out"]) == (1, written.left_out)
        assert store.value("SELECT count(*) FROM exported") == 1
        assert len(exported(store, tmp_path, "messages")) == 3


@pytest.mark.parametrize("format", PAIR_FORMATS)
def test_own_columns_come_out_as_they_are(tmp_path: Path, format: str) -> None:
    """Text, numbers and truth values keep their type, and a row without a value has null."""
    with kept_project(tmp_path / "p.srt", [(ALONE, OWN), (BIRDS[0], {"source": "book"})]) as store:
        first, second = exported(store, tmp_path, format)
    nested = {"tags": '["a", "b"]', "of": '{"page": 7}'} if format == "parquet" else {}
    assert {name: first[name] for name in OWN} == OWN | nested
    assert {name: second[name] for name in OWN} == dict.fromkeys(OWN) | {"source": "book"}
    if format == "parquet":
        schema = pyarrow.parquet.read_schema(tmp_path / "pairs.train.parquet")
        assert [str(schema.field(name).type) for name in OWN] == [
            "string",
            "double",
            "int64",
            "bool",
            "string",
            "string",
        ]


@pytest.mark.parametrize("format", PAIR_FORMATS)
def test_an_own_column_never_takes_the_place_of_another(tmp_path: Path, format: str) -> None:
    """A name that a trainer reads as something else gets a prefix, also where the prefixed name is taken."""
    own = {"prompt": "p", "Output": "o", "sample_id": "mine", "own_prompt": "q", 'odd~/"\\name': 1}
    with kept_project(tmp_path / "p.srt", [(ALONE, own)]) as store:
        (line,) = exported(store, tmp_path, format)
        (sample,) = sample_ids(store)
    assert (line["sample_id"], line["own_sample_id"], line["own_Output"]) == (sample, "mine", "o")
    assert (line["own_prompt"], line["own_own_prompt"]) == ("q", "p")
    assert line['odd~/"\\name'] == 1
    assert "prompt" not in line


@pytest.mark.parametrize("format", PAIR_FORMATS)
def test_a_column_of_mixed_values_is_text(tmp_path: Path, format: str) -> None:
    """Whatever loads a file wants one type a column, so a column of several is written as text throughout."""
    rows: list[Row] = [
        (Pair(f"Add {place}.", "1"), {"id": value}) for place, value in enumerate((7, "x7", None, [1], 2**64))
    ]
    with kept_project(tmp_path / "p.srt", rows) as store:
        lines = exported(store, tmp_path, format)
    assert [line["id"] for line in lines] == ["7", "x7", None, "[1]", str(2**64)]


@pytest.mark.parametrize(
    ("types", "kind"),
    [
        (["INTEGER", "BIGINT", "NULL"], Kind.INTEGER),
        (["INTEGER", "DOUBLE"], Kind.NUMBER),
        (["BIGINT", "DOUBLE"], Kind.MIXED),
        (["ARRAY"], Kind.NESTED),
        (["ARRAY", "OBJECT"], Kind.MIXED),
        (["BOOLEAN", "VARCHAR"], Kind.MIXED),
        (["HUGEINT"], Kind.MIXED),
        (["NULL"], None),
    ],
)
def test_the_kind_of_a_column_is_that_of_all_its_values(types: list[str], kind: Kind | None) -> None:
    """Whole and other numbers are numbers; anything else of two types is mixed."""
    assert kind_of(types) is kind


def test_what_a_message_had_comes_back_with_its_text(tmp_path: Path) -> None:
    """Fields of a message stay with the text that they came with: a rewrite of it does not get them."""
    fields = [{}, {"name": "Bo"}, {"weight": 1}, {"name": "Bo"}, {"reasoning_content": "Small ones.", "weight": 0}]
    pair = BIRDS[1]
    rewrites = {
        1: {Origin.RESPONSE: Pair(pair.instruction, "A robin.", context=pair.context)},
        2: {Origin.INSTRUCTION: Pair("Which else?", "A jay.", context=pair.context)},
    }
    rows = [(pair, {"message_fields": fields, "place": place}) for place in range(4)]
    with create_project(tmp_path / "p.srt", rows, rewrites) as store:
        names = sample_ids(store)
        for name, origin in zip(names, (Origin.ORIGINAL, Origin.RESPONSE, Origin.INSTRUCTION), strict=False):
            keep(store, name, origin)
        keep(store, names[3], Origin.ORIGINAL, Pair(pair.instruction, "A gull.", context=pair.context))
        lines = exported(store, tmp_path, "messages")
        assert "message_fields" not in exported(store, tmp_path, "alpaca")[0]
    last = [[{k: v for k, v in m.items() if k not in ("role", "content")} for m in each["messages"]] for each in lines]
    before = [{}, {"name": "Bo"}, {"weight": 0}]
    assert last == [
        [*before, {"name": "Bo"}, {"reasoning_content": "Small ones.", "weight": 0}],
        [*before, {"name": "Bo"}, {"weight": 1}],
        [*before, {}, {"weight": 1}],
        [*before, {}, {"weight": 1}],
    ]


def test_a_file_is_one_table_for_other_readers(tmp_path: Path) -> None:
    """Arrow's own reader, which takes a file in blocks, finds the same columns with the same types in each of them."""
    bare = BIRDS[1], {"size": 1, "message_fields": [{}, {}, {"name": "Bo"}, {}, {}]}
    rows: list[Row] = [(Pair(f"Add {place}.", "1" * 300), {"size": 1}) for place in range(40)]
    rows += [(BIRDS[2], {**OWN, "size": 2**53}), (ALONE, {"source": "book", "size": 0.5, "tags": []}), bare]
    with kept_project(tmp_path / "p.srt", rows) as store:
        path = export_one(store, tmp_path, "messages", by="Ann").path
    assert len({tuple(json.loads(line)) for line in path.read_text("utf-8").splitlines()}) == 1
    blocks = list(pyarrow.json.open_json(path, pyarrow.json.ReadOptions(block_size=4096)))
    assert len(blocks) > 2
    found = [row for block in blocks for row in block.to_pylist()]
    assert sorted(row["size"] for row in found) == [0.5, *[1.0] * 41, 2.0**53]
    assert [row["votes"] for row in found].count(3) == 1


def test_the_first_lines_have_a_value_in_every_column(tmp_path: Path) -> None:
    """The lines that show a column come first, each group in its order; a file written again has the same order."""
    rows: list[Row] = [(Pair(f"Add {place}.", "1"), {"a": place}) for place in range(4)]
    rows += [(Pair("Add 4.", "1"), {"b": []}), (Pair("Add 5.", "1"), {"b": [1]}), (Pair("Add 6.", "1"), {"b": [2]})]
    with kept_project(tmp_path / "p.srt", rows) as store:
        for format in PAIR_FORMATS:
            lines = exported(store, tmp_path, format)
            assert [line["instruction"][4] for line in lines] == list("0512346")
        again = rebuild(store, past_exports(store)[0].export_id, tmp_path / "again")
        assert read(again.files[0].path) == lines


def joined(store: Store, folder: Path) -> list[dict[str, Any]]:
    return exported(store, folder, "messages", conversations=Conversations.JOINED)


def test_a_joined_conversation_trains_on_the_answers_that_are_kept(tmp_path: Path) -> None:
    """A line goes up to the last kept exchange: kept answers have weight 1, others 0; samples are named in order."""
    with create_project(
        tmp_path / "p.srt", [(pair, {"id": "c1"}) for pair in BIRDS] + [(ALONE, {"id": "c2"})]
    ) as store:
        names = sample_ids(store)
        join_conversations(store, names[:3])
        for name in (names[2], names[0], names[3]):
            keep(store, name)
        talk, alone = joined(store, tmp_path)
    assert [message["content"] for message in talk["messages"]][1::2] == ["Name a bird.", "Another?", "One more?"]
    assert weights(talk) == [None, None, 1, None, 0, None, 1]
    assert (talk["sample_id"], talk["sample_ids"], talk["id"]) == (names[2], [names[0], names[2]], "c1")
    assert (weights(alone), alone["sample_ids"]) == ([None, 1], [names[3]])


def test_a_rewrite_before_another_kept_exchange_is_left_out_with_its_count(tmp_path: Path) -> None:
    """A later context holds the original, so it would contradict the rewrite; a rewrite at the end is written."""
    rewrites = {place: {Origin.RESPONSE: Pair(BIRDS[place].instruction, "A robin.", context=BIRDS[place].context)}
                for place in (1, 2)}  # fmt: skip
    with create_project(tmp_path / "p.srt", [(pair, {}) for pair in BIRDS], rewrites) as store:
        names = sample_ids(store)
        join_conversations(store, names)
        keep(store, names[0])
        keep(store, names[1], Origin.RESPONSE)
        (line,) = joined(store, tmp_path)
        assert [message["content"] for message in line["messages"]][2::2] == ["A wren.", "A robin."]
        assert weights(line) == [None, None, 1, None, 1]
        keep(store, names[2])
        written = export_one(store, tmp_path, "messages", conversations=Conversations.JOINED, by="Ann")
        assert (written.rows, list(written.left_out.values())) == (0, [1])
        assert "1 left out: a kept rewrite stands before" in written.described()[0]
        manifest = json.loads((tmp_path / "manifest.json").read_text("utf-8"))
        assert manifest["conversations"] == "joined"
        assert manifest["files"]["messages.train.jsonl"]["left_out"] == written.left_out
        assert len(exported(store, tmp_path, "messages")) == 3


def imported_again(store: Store, path: Path, turns: Turns = Turns.LAST) -> list[tuple[Pair, dict[str, Any]]]:
    """The samples of a new project that a file is imported into, each with its own columns."""
    for _ in import_file(store, path, options=replace(AS_WRITTEN, turns=turns)):
        pass
    assert store.value("SELECT count(*) FROM reject") == 0
    rows = store.rows("SELECT pair.*, extra FROM pair JOIN sample USING (sample_id) ORDER BY seq")
    return [(pair_of(row), json.loads(row["extra"])) for row in rows]


@pytest.mark.parametrize("format", PAIR_FORMATS)
def test_a_re_import_gives_the_same_samples(tmp_path: Path, format: str) -> None:
    """Texts, contexts and own columns come back as they were, whatever the own columns are called."""
    begun = Pair("Why?", "So.", context=Context(turns=(Turn(Role.ASSISTANT, "How can I help?"),)))
    own = OWN | {"answer": "a", "Context": "c", "system prompt": "s", "chosen": "d", "turns": 3, "data": "e"}
    rows: list[Row] = [(BIRDS[2], own), (ALONE, {}), (BIRDS[0], {"source": "book"}), (BIRDS[1], own)]
    rows += [(begun, {})] if format == "messages" else []
    with kept_project(tmp_path / "p.srt", rows) as store:
        path = export_one(store, tmp_path, format, by="Ann").path
        names = sample_ids(store)
    with create_empty(tmp_path / "again.srt") as again:
        found = imported_again(again, path)
        assert sample_ids(again) == names
    assert [pair for pair, _ in found] == [pair for pair, _ in rows]
    assert [extra["sample_id"] for _, extra in found] == names
    flat = ("tags", "of") if format == "parquet" else ()
    for (_, wanted), (_, extra) in zip(rows, found, strict=True):
        kept = {name: value for name, value in wanted.items() if name in OWN and name not in flat}
        assert {name: extra.get(name) for name in kept} == kept
    assert (found[0][1]["own_answer"], found[0][1]["own_Context"], found[0][1]["turns"]) == ("a", "c", 3)


def test_a_re_import_of_joined_conversations_gives_the_kept_exchanges(tmp_path: Path) -> None:
    """Imported exchange by exchange, a joined line gives the samples that it trains on, again of one conversation."""
    with create_project(tmp_path / "p.srt", [(pair, {}) for pair in (*BIRDS, ALONE)]) as store:
        names = sample_ids(store)
        join_conversations(store, names[:3])
        for name in (names[0], names[2], names[3]):
            keep(store, name)
        path = export_one(store, tmp_path, "messages", conversations=Conversations.JOINED, by="Ann").path
    with create_empty(tmp_path / "again.srt") as again:
        found = imported_again(again, path, Turns.EVERY)
        assert sample_ids(again) == [names[0], names[2], names[3]]
        assert [pair for pair, _ in found] == [BIRDS[0], BIRDS[2], ALONE]
        conversations = [row["conversation"] for row in again.rows("SELECT conversation FROM sample ORDER BY seq")]
        assert conversations == [names[2], names[2], None]


def test_a_past_export_of_conversations_is_written_again(tmp_path: Path) -> None:
    """The same bytes come again whatever was decided since, joined or apart, own columns and contexts too."""
    with kept_project(tmp_path / "p.srt", [(pair, OWN) for pair in BIRDS] + [(ALONE, {})]) as store:
        names = sample_ids(store)
        join_conversations(store, names[:3])
        for conversations in Conversations:
            folder = tmp_path / conversations
            written = export_one(store, folder, "messages", conversations=conversations, by="Ann")
            past = past_exports(store, names[1])[0]
            assert (past.conversations, past.rows) == (conversations, written.rows)
            again = rebuild(store, past.export_id, tmp_path / "again").file("messages")
            assert (again.rows, again.sha256) == (written.rows, written.sha256)
        assert [each.rows for each in past_exports(store)] == [2, 4]


@pytest.mark.parametrize("format", ["alpaca", "parquet"])
def test_only_messages_can_be_joined(tmp_path: Path, format: str) -> None:
    """A format that cannot say which answers are trained on does not join, and nothing is written."""
    with kept_project(tmp_path / "p.srt", [(pair, {}) for pair in BIRDS]) as store:
        with pytest.raises(ExportError, match="cannot say which of its answers") as error:
            export_one(store, tmp_path / "out", format, conversations=Conversations.JOINED, by="Ann")
        assert "messages" in error.value.hint
    assert not (tmp_path / "out").exists()


def test_the_command_line_joins_conversations_and_says_what_is_left_out(tmp_path: Path, command: Command) -> None:
    """`srt export --conversations joined` writes a line a conversation; what cannot be written stands below it."""
    rewrite = {0: {Origin.RESPONSE: Pair(BIRDS[0].instruction, "A robin.", context=BIRDS[0].context)}}
    with create_project(tmp_path / "p.srt", [(pair, {}) for pair in (*BIRDS, ALONE)], rewrite) as store:
        names = sample_ids(store)
        join_conversations(store, names[:3])
        for name, origin in zip(names, (Origin.RESPONSE, *[Origin.ORIGINAL] * 3), strict=True):
            keep(store, name, origin)
    out = command("export", tmp_path / "p.srt", tmp_path, "--format", "messages", "--conversations", "joined").stdout
    assert "messages.train.jsonl: 1 rows" in out
    assert "  messages leaves out 1: a kept rewrite stands before" in out
    assert f"{tmp_path}: 1 conversations by" in command("exports", tmp_path / "p.srt").stdout


def test_scores_name_the_file_of_each_row(tmp_path: Path) -> None:
    """Beside the row of a sample stands the file that it came with."""
    with kept_project(tmp_path / "p.srt", [(ALONE, {})]) as store:
        (line,) = exported(store, tmp_path, "scores")
    assert (line["file"], line["row"]) == (str(tmp_path / "p.jsonl"), 1)


def test_names_are_told_apart_whatever_their_order() -> None:
    """The own column that has the prefixed name keeps it, also where it comes later."""
    layout = Layout({"prompt": Kind.TEXT, "own_prompt": Kind.TEXT})
    assert layout.names == {"own_prompt": "own_prompt", "prompt": "own_own_prompt"}
