"""The shapes in which data sets hold pairs: each is read by the names of its own columns, record by record."""

import json
import shlex
from pathlib import Path
from typing import Any

import pytest

from srt_core.errors import DatasetError
from srt_core.importing.files import Account, ImportRow, Options, Placeholders, Reject, Turns, parse_map, read_rows
from srt_core.records import Context, Pair, Role, Turn

U, A = Role.USER, Role.ASSISTANT


def said(*texts: str) -> list[dict[str, Any]]:
    """Messages of user and assistant in turn."""
    return [{"role": ("user", "assistant")[at % 2], "content": text} for at, text in enumerate(texts)]


def context(*texts: str, system: str = "") -> Context:
    """The context of turns of user and assistant."""
    return Context(system, tuple(Turn((U, A)[at % 2], text) for at, text in enumerate(texts)))


def items_of(folder: Path, *records: object, **options: Any) -> list[ImportRow | Reject]:
    account, column_map = options.pop("account", None), options.pop("column_map", None)
    path = folder / "data.jsonl"
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return list(read_rows(path, None, column_map, Options(**options), account=account))


def rows_of(folder: Path, *records: object, **options: Any) -> list[ImportRow]:
    items = items_of(folder, *records, **options)
    rows = [item for item in items if isinstance(item, ImportRow)]
    assert len(rows) == len(items), items
    return rows


def pair_of(folder: Path, record: object, **options: Any) -> Pair:
    (row,) = rows_of(folder, record, **options)
    return row.original


def reason_of(folder: Path, record: object, **options: Any) -> str:
    good = {"instruction": "i", "output": "o"}
    (reject,) = [item for item in items_of(folder, good, record, **options) if isinstance(item, Reject)]
    return reject.reason


@pytest.mark.parametrize(
    ("record", "pair"),
    [
        ({"instruction": "i", "context": "c", "response": "r"}, Pair("i", "r", "c")),
        ({"Prompt": "p", "Completion": "c"}, Pair("p", "c")),
        ({"query": "q", "response": "r", "original_question": "o"}, Pair("q", "r")),
        ({"question": "q", "answer": "a"}, Pair("q", "a")),
        ({"problem": "p", "solution": "s"}, Pair("p", "s")),
        ({"input": "i", "target": "t", "kind": "k"}, Pair("i", "t")),
        ({"instruction": "i", "input": "", "chosen": "c", "rejected": "r"}, Pair("i", "c")),
        ({"system_prompt": "s", "question": "q", "response": "r"}, Pair("q", "r", context=Context("s"))),
        (
            {"instruction": "i", "input": "z", "output": "o", "system": "s", "history": [["q", "a"]]},
            Pair("i", "o", "z", context("q", "a", system="s")),
        ),
        ({"instruction": "i", "output": 42}, Pair("i", "42")),
        ({"instruction": "i", "output": 0.5}, Pair("i", "0.5")),
        ({"instruction": "i", "output": False}, Pair("i", "false")),
        ({"instruction": "i", "input": 7, "output": ["o"]}, Pair("i", "o", "7")),
        ({"prompt": said("p"), "completion": [said("", "c")[1]]}, Pair("p", "c")),
        ({"prompt": "p", "chosen": said("p", "c"), "rejected": said("p", "r")}, Pair("p", "c")),
        ({"chosen": said("p", "c"), "rejected": said("p", "r")}, Pair("p", "c")),
        ({"conversations": said("p"), "chosen": said("", "c")[1], "rejected": said("", "r")[1]}, Pair("p", "c")),
        ({"conversation": said("q", "a")}, Pair("q", "a")),
        ({"messages": json.dumps(said("q", "a"))}, Pair("q", "a")),
        ({"conversations": ["q", "a", "q2", "a2"]}, Pair("q2", "a2", context=context("q", "a"))),
        ({"conversation": [{"human": "q", "assistant": "a"}]}, Pair("q", "a")),
        ({"conversation": [{"input": "q", "output": "a"}, {"input": "r", "output": "b"}]},
         Pair("r", "b", context=context("q", "a"))),
        ([["Human", "q"], ["GPT", "a"]], Pair("q", "a")),
        (["q", "a"], Pair("q", "a")),
        (said("q", "a"), Pair("q", "a")),
        ({"definition": "d", "inputs": "i", "targets": "t"}, Pair("d", "t", "i")),
        ({"inputs": [1], "inputs_pretokenized": "i", "targets": [2], "targets_pretokenized": "t"}, Pair("i", "t")),
        ({"user_prompt": "p", "assistant_response": "r", "system_prompt": "s"}, Pair("p", "r", context=Context("s"))),
        ({"instruction": "i", "generation": "g", "model_name": "m"}, Pair("i", "g")),
        ({"input": "i", "reasoning_content": "t", "content": "c"}, Pair("i", "c")),
        ({"source": "s", "target": "t"}, Pair("s", "t")),
        ({"Q": "q", "A": "a"}, Pair("q", "a")),
        ({"question": "q", "context": "c", "answers": {"text": ["a"], "answer_start": [0]}}, Pair("q", "a", "c")),
        ({"instruction": "i", "input": "", "context": "c", "output": "o"}, Pair("i", "o", "c")),
        ({"instruction": "i", "input": "nan", "context": "c", "output": "o"}, Pair("i", "o", "c")),
        ({"instruction": "i", "input": " ", "context": "", "output": "o"}, Pair("i", "o", " ")),
        ({"instruction": "i", "input": "", "context": ["c"], "output": "o"}, Pair("i", "o")),
        ({"id": "1", "items": [{"from": "human", "value": "q"}, {"from": "gpt", "value": "a"}]}, Pair("q", "a")),
        ({"chat_messages": [{"sender": "human", "text": "q"}, {"sender": "assistant", "text": "a"}]}, Pair("q", "a")),
        ({"contents": [{"role": "user", "parts": [{"text": "q"}]}, {"role": "model", "parts": [{"text": "a"}]}],
          "systemInstruction": {"parts": [{"text": "s"}]}}, Pair("q", "a", context=Context("s"))),
        ({"system": [{"text": "s"}], "messages": [{"role": "user", "content": [{"text": "q"}]},
                                                  {"role": "assistant", "content": [{"text": "a"}]}]},
         Pair("q", "a", context=Context("s"))),
        ({"input": {"messages": said("q")}, "preferred_output": [said("", "a")[1]], "non_preferred_output": []},
         Pair("q", "a")),
        ({"chat": {"turn_2": {"Human": "r", "MOSS": "b"}, "turn_1": {"Human": "q", "MOSS": "a"}}},
         Pair("r", "b", context=context("q", "a"))),
        ({"chat": json.dumps({f"turn_{at}": {"Human": f"q{at}", "MOSS": f"a{at}"} for at in range(9, 11)})},
         Pair("q10", "a10", context=context("q9", "a9"))),
        ({"Definition": ["d"], "Instances": [{"input": "i", "output": ["o"]}]}, Pair("d", "o", "i")),
    ],
)  # fmt: skip
def test_a_shape_is_known_by_its_names(tmp_path: Path, record: object, pair: Pair) -> None:
    """Without a word about columns each of the common shapes gives the pair that its owner means."""
    assert [row.original for row in rows_of(tmp_path, record, record)] == [pair, pair]


def test_the_best_replies_of_a_tree_are_a_conversation(tmp_path: Path) -> None:
    """Of the replies to a message the one of the lowest rank is taken; the others are counted."""

    def message(text: str, *replies: object, role: str = "assistant", **more: object) -> dict[str, object]:
        return {"role": role, "text": text, "replies": list(replies), **more}

    again = message("q2", message("a2"), role="prompter")
    tree = message("q", message("b", rank=1), message("a", again, rank=0), message("c"), role="prompter")
    account = Account()
    row = rows_of(tmp_path, {"message_tree_id": "1", "prompt": tree}, account=account)[0]
    assert row.original == Pair("q2", "a2", context=context("q", "a"))
    assert list(account.notes.values()) == [2]
    flat = {"message_id": "2", "parent_id": "1", "role": "assistant", "text": "a"}
    assert "one message of a conversation" in reason_of(tmp_path, flat)


def test_what_stands_in_an_object_of_speakers_is_kept(tmp_path: Path) -> None:
    """Beside what the speakers say an object may hold more, which stays with its last turn."""
    turn = {"Human": "q", "Inner Thoughts": "None", "Commands": None, "MOSS": "a"}
    account = Account()
    (row,) = rows_of(tmp_path, {"meta_instruction": "s", "chat": {"turn_1": turn}}, account=account)
    assert row.original == Pair("q", "a", context=Context("s"))
    assert row.extra == {"message_fields": [{}, {}, {"Inner Thoughts": "None"}]}


def test_the_input_that_was_taken_is_said(tmp_path: Path) -> None:
    """Where another column is the input of some records the account says of how many."""
    account = Account()
    records = [{"instruction": "i", "input": each, "context": "c", "output": "o"} for each in ("x", "", "")]
    rows = rows_of(tmp_path, *records, account=account)
    assert [row.original.input for row in rows] == ["x", "c", "c"]
    assert [row.extra for row in rows] == [{"context": "c"}, {}, {}]
    assert 'input: "input"; input: "context" (2)' in account.lines()[0]


def test_a_system_text_within_messages_is_said(tmp_path: Path) -> None:
    """What is used as the system text is named wherever it stands."""
    account = Account()
    talk = [{"role": "system", "content": "s"}, *said("q", "a")]
    rows_of(tmp_path, {"messages": talk}, {"messages": said("q", "b")}, account=account)
    assert account.lines() == ['Used as system: "messages" (1); turns: "messages".']


@pytest.mark.parametrize(
    ("text", "separators"),
    [
        ("<s>[INST] q [/INST] a </s>", ["[INST]", "[/INST]", "<s>", "</s>"]),
        ("### Instruction:\nq\n### Response:\na", ["### Instruction:", "### Response:"]),
        ("\n\nHuman: q\n\nAssistant: a", ["Human:", "Assistant:"]),
        ("<|im_start|>user\nq<|im_end|>\n<|im_start|>assistant\na<|im_end|>",
         ["<|im_start|>user", "<|im_start|>assistant", "<|im_end|>"]),
        ("q and a", ["### Human:", "### Assistant:"]),
    ],
)  # fmt: skip
def test_the_separators_of_common_texts_are_proposed(tmp_path: Path, text: str, separators: list[str]) -> None:
    """The refusal of a text that holds both names the separators in it; with these it is read."""
    with pytest.raises(DatasetError) as refused:
        items_of(tmp_path, {"text": text})
    written = shlex.split(refused.value.hint.split("response: ")[1].split("; a third")[0])
    assert written[1::2] == separators
    if separators[0] in text:
        assert pair_of(tmp_path, {"text": text}, separators=tuple(separators)) == Pair("q", "a")


def test_a_file_may_mix_shapes(tmp_path: Path) -> None:
    """Each record is read by its own columns; what cannot be read has its own reason; late columns are told."""
    account = Account()
    records = [{"instruction": "i", "output": "o"}] * 30
    mixed = [{"messages": said("q", "a")}, {"question": "q", "answer": "a"}, {"note": "n"}, *records[:1],
             {"instruction": "i", "input": "z", "output": "o"}]  # fmt: skip
    items = items_of(tmp_path, *records, *mixed, account=account)
    assert [type(item) for item in items[30:]] == [ImportRow, ImportRow, Reject, ImportRow, ImportRow]
    assert items[32].reason == 'No column is known as an instruction with a response; the columns are "note".'  # type: ignore[union-attr]
    assert items[34].original == Pair("i", "o", "z")  # type: ignore[union-attr]
    assert account.late == {"messages": 31, "question": 32, "answer": 32, "note": 33, "input": 35}
    assert account.used["instruction", "instruction"] == 32


def test_a_mapped_column_may_come_late(tmp_path: Path) -> None:
    """A mapped name is accepted wherever it first appears, and refused where it never does."""
    records = [{"q": "q", "a": "a"}] * 1_200 + [{"q": "q", "a": "a", "c": "c"}]
    column_map = parse_map(["instruction=q", "response=a", "input=c"])
    assert rows_of(tmp_path, *records, column_map=column_map)[-1].original == Pair("q", "a", "c")
    with pytest.raises(DatasetError, match='no column "c"'):
        items_of(tmp_path, *records[:-1], column_map=column_map)


def test_what_is_found_can_be_overruled(tmp_path: Path) -> None:
    """A column that is known by its name is used as it is mapped, or not at all."""
    record = {"instruction": "i", "output": "o", "system": "s", "talk": said("q", "a")}
    assert pair_of(tmp_path, record).context == Context("s")
    assert pair_of(tmp_path, record, column_map=parse_map(["system="])) == Pair("i", "o")
    assert pair_of(tmp_path, record, column_map=parse_map(["messages=talk", "system="])) == Pair("q", "a")


@pytest.mark.parametrize(
    ("layout", "pairs"),
    [
        ({"version": 1, "rows": [{"question": "q", "answer": "a"}] * 2}, 2),
        ({"question": ["q", "r"], "answer": ["a", "b"]}, 2),
        ({"question": {"0": "q", "1": "r"}, "answer": {"0": "a", "1": "b"}}, 2),
        ({"columns": ["question", "answer"], "index": [0], "data": [["q", "a"]]}, 1),
        ({"0": {"question": "q", "answer": "a"}, "1": {"question": "r", "answer": "b"}}, 2),
        ({"question": "q", "answer": "a"}, 1),
        ([["q", "a"], ["r", "b"]], 2),
        ([said("q", "a"), said("r", "b")], 2),
        (said("q", "a"), 1),
    ],
)
@pytest.mark.parametrize("indent", [None, 2])
def test_records_are_found_wherever_they_stand(tmp_path: Path, layout: object, pairs: int, indent: int | None) -> None:
    """A list under any key, an object of columns, a single record and bare lists are read as what they hold."""
    (tmp_path / "a.json").write_text(json.dumps(layout, indent=indent))
    items = list(read_rows(tmp_path / "a.json"))
    assert [type(item) for item in items] == [ImportRow] * pairs


def test_of_several_lists_one_is_named(tmp_path: Path) -> None:
    """Where an object holds several lists of records it is asked which, with an option that exists."""
    rows = [{"question": "q", "answer": "a"}]
    (tmp_path / "a.json").write_text(json.dumps({"train": rows * 2, "test": rows}))
    with pytest.raises(DatasetError, match='under "train", "test".*--key train'):
        list(read_rows(tmp_path / "a.json"))
    assert len(list(read_rows(tmp_path / "a.json", options=Options(key="test")))) == 1


@pytest.mark.parametrize(
    ("text", "separators", "pair"),
    [
        ("Why?\n### A: So.", ("### A:",), Pair("Why?", "So.")),
        ("### H: Why?### A: So.", ("### H:", "### A:"), Pair("Why?", "So.")),
        ("Be kind.\n<u>Why?<e><a>So.<e><u>And?<e><a>Thus.<e>", ("<u>", "<a>", "<e>"),
         Pair("And?", "Thus.", context=context("Why?", "So.", system="Be kind."))),
    ],
)  # fmt: skip
def test_one_text_is_cut_at_separators(tmp_path: Path, text: str, separators: tuple[str, ...], pair: Pair) -> None:
    """Instruction and response in one text are told apart by what stands before them, which is asked for."""
    with pytest.raises(DatasetError, match="--separator"):
        items_of(tmp_path, {"text": text})
    assert pair_of(tmp_path, {"text": text}, separators=separators) == pair


def test_instances_are_samples(tmp_path: Path) -> None:
    """Several inputs and outputs of one instruction are as many rows of one record, and no conversation."""
    rows = rows_of(tmp_path, {"instruction": "i", "instances": [{"input": "a", "output": "b"}, {"output": "c"}]})
    assert [(row.row, row.original, row.is_exchange) for row in rows] == [
        (1, Pair("i", "b", "a"), False), (1, Pair("i", "c"), False)
    ]  # fmt: skip


# --- conversations ----------------------------------------------------------------------------------------------------


def test_which_exchanges_are_taken(tmp_path: Path) -> None:
    """The last answer in the context of all before it, every answer each in its own, or the first."""
    record = {"id": 7, "messages": [{"role": "system", "content": "s"}, *said("a", "b", "c", "d", "e", "f")]}
    assert pair_of(tmp_path, record) == Pair("e", "f", context=context("a", "b", "c", "d", system="s"))
    assert pair_of(tmp_path, record, turns=Turns.FIRST) == Pair("a", "b", context=Context("s"))
    rows = rows_of(tmp_path, record, turns=Turns.EVERY)
    assert [row.original for row in rows] == [
        Pair("a", "b", context=Context("s")),
        Pair("c", "d", context=context("a", "b", system="s")),
        Pair("e", "f", context=context("a", "b", "c", "d", system="s")),
    ]
    assert {(row.row, row.is_exchange, row.extra["id"]) for row in rows} == {(1, True, 7)}


@pytest.mark.parametrize(
    ("messages", "pair"),
    [
        ([said("", "Hi.")[1], *said("q", "a")], Pair("q", "a", context=Context("", (Turn(A, "Hi."),)))),
        ([*said("q"), *said("r"), said("", "a")[1]], Pair("q\n\nr", "a")),
        ([*said("q", "a"), said("", "b")[1]], Pair("q", "a\n\nb")),
        ([{"role": "system", "content": "s"}, {"role": "developer", "content": "t"}, *said("q", "a")],
         Pair("q", "a", context=Context("s\n\nt"))),
        ([{"role": "system", "content": " "}, *said("q", "a")], Pair("q", "a")),
        ([{"role": "user", "content": [{"text": "q"}, {"type": "text", "text": "r"}]}, said("", "a")[1]],
         Pair("q\n\nr", "a")),
    ],
)  # fmt: skip
def test_turns_are_taken_as_they_are_meant(tmp_path: Path, messages: list[object], pair: Pair) -> None:
    """A greeting is context, turns of one speaker are one, a blank system text is none, parts stay apart."""
    assert pair_of(tmp_path, {"messages": messages}) == pair


def test_a_turn_without_an_answer_is_left_off_and_counted(tmp_path: Path) -> None:
    """What the user says last and nobody answers is no part of a pair; how often that was is told."""
    account = Account()
    assert pair_of(tmp_path, {"messages": said("q", "a", "Thanks")}, account=account) == Pair("q", "a")
    assert account.lines()[-1] == "Conversations that ended with a turn of the user, which was left off: 1."


@pytest.mark.parametrize(
    ("messages", "reason"),
    [
        (said("q"), "no assistant turn"),
        (said("", "a")[1:], "no user turn"),
        ([said("", "a")[1], *said("q")], "no assistant turn after its user turn"),
        ([], "is empty"),
        (None, "are null, not a list"),
        ("q", "are text, not a list"),
        (said("q", " "), "assistant turn is empty (message 2)"),
        ([{"role": "user", "content": None}], "user turn is null"),
        ([*said("q"), {"role": "system", "content": "s"}, said("", "a")[1]], "system turn stands in the middle"),
        ([{"role": "poet", "content": "q"}], 'unknown role "poet". Say what it is: --role "poet=user"'),
        ([*said("q"), {"role": "assistant", "content": None, "tool_calls": [{}]}], "calls tools"),
        ([*said("q"), {"from": "observation", "value": "f"}], "calls tools"),
        ([{"role": "user", "content": [{"type": "image_url"}]}], "holds an image"),
        ([{"role": "user", "content": [{"type": "input_audio"}]}], "holds a sound"),
        ([{"role": "user", "content": [{"type": "map"}]}], 'a part of the type "map"'),
        ([5], "Message 1 is a number"),
    ],
)
def test_a_conversation_that_is_no_pair_says_why(tmp_path: Path, messages: object, reason: str) -> None:
    """What cannot be trained on as text is a reject whose reason fits exactly what is wrong."""
    assert reason in reason_of(tmp_path, {"messages": messages})


def test_the_first_exchange_is_taken_whatever_follows(tmp_path: Path) -> None:
    """Where the first answer is asked for, nothing after it is looked at."""
    more = [*said("q", "a", "q2"), {"role": "tool", "content": "x"}, {"role": "poet"}]
    assert pair_of(tmp_path, {"messages": more}, turns=Turns.FIRST) == Pair("q", "a")


def test_roles_are_known_in_any_case_or_said(tmp_path: Path) -> None:
    """The usual names of speakers are known; others, and those of tools, are what the person says."""
    usual = [("Human", "GPT"), ("prompter", "Bot"), ("user", "bard"), ("USER", "model")]
    for user, assistant in usual:
        talk = {"conversations": [{"from": user, "value": "q"}, {"from": assistant, "value": "a"}]}
        assert pair_of(tmp_path, talk) == Pair("q", "a")
    odd = {"conversations": [{"from": "Reader", "value": "q"}, {"from": "observation", "value": "a"}]}
    assert pair_of(tmp_path, odd, roles={"reader": "user", "observation": "assistant"}) == Pair("q", "a")


def test_what_messages_carry_is_kept(tmp_path: Path) -> None:
    """Weights, reasoning and names stand in the order of context, user and answer; nothing where no message has any."""
    messages = [{"role": "system", "content": "s", "name": "n"}, *said("a", "b", "c", "d")]
    messages[2] |= {"weight": 0, "tool_calls": None}
    messages[4] |= {"reasoning_content": "r"}
    (row,) = rows_of(tmp_path, {"messages": messages})
    assert row.extra == {"message_fields": [{"name": "n"}, {}, {"weight": 0}, {}, {"reasoning_content": "r"}]}
    assert rows_of(tmp_path, {"messages": said("a", "b")})[0].extra == {}
    account = Account()
    assert [row.original.response for row in rows_of(tmp_path, {"messages": messages}, turns=Turns.EVERY,
                                                     account=account)] == ["d"]  # fmt: skip
    assert account.notes == {"Answers with the weight 0, taken as context only": 1}


# --- texts that say nothing -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("word", ["nan", "<noinput>", "Noinput", "None", "N/A", " null "])
def test_a_word_for_nothing_is_an_empty_input(tmp_path: Path, word: str) -> None:
    """Such a word in an input counts as empty, with a count, unless it is to be kept; a response can be refused."""
    account = Account()
    record = {"instruction": "i", "input": word, "output": "o"}
    assert pair_of(tmp_path, record, account=account) == Pair("i", "o")
    assert sum(account.notes.values()) == 1
    assert pair_of(tmp_path, record, placeholders=Placeholders.KEEP) == Pair("i", "o", word)
    answer = {"instruction": "i", "output": word}
    assert pair_of(tmp_path, answer) == Pair("i", word)
    assert "only says that there is none" in reason_of(tmp_path, answer, placeholders=Placeholders.REFUSE)


def test_characters_of_no_width_are_blank(tmp_path: Path) -> None:
    """A response of characters that show nothing is as empty as one of blanks."""
    assert "response is empty" in reason_of(tmp_path, {"instruction": "i", "output": "\u200b \u2060"})


def test_what_messages_have_beside_their_text_is_kept_and_told(tmp_path: Path) -> None:
    """Fields of single messages stand with the sample, one object a message, and the account names them."""
    account = Account()
    chat = [{"role": "user", "content": "Two and two?"}, {"role": "assistant", "content": "4", "thinking": "Add."}]
    (row,) = items_of(tmp_path, {"messages": chat}, account=account)
    assert isinstance(row, ImportRow)
    assert row.extra == {"message_fields": [{}, {"thinking": "Add."}]}
    assert account.lines() == ['Used as turns: "messages".', 'Kept: "thinking of messages".']


def test_a_second_content_of_a_message_is_kept(tmp_path: Path) -> None:
    """Where a message has its content twice the second is kept unless it says the same."""
    talk = [
        {"role": "user", "content": "q", "text": "q", "author": "Bo"},
        {"role": "assistant", "content": "a", "parts": ["b"]},
    ]
    (row,) = rows_of(tmp_path, {"messages": talk})
    assert row.original == Pair("q", "a")
    assert row.extra == {"message_fields": [{"author": "Bo"}, {"parts": ["b"]}]}


def test_messages_that_python_printed_are_refused_by_that_name(tmp_path: Path) -> None:
    """A list in single quotes is no JSON; the refusal says how to write it."""
    (reject,) = items_of(tmp_path, {"messages": "[{'role': 'user', 'content': 'Hi.'}]"})
    assert isinstance(reject, Reject)
    assert "json.dumps" in reject.reason
