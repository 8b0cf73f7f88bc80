"""Files that are broken somewhere: what is whole goes in, what is not is kept with its place and its text."""

import csv
import io
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from srt_core.importing.files import ImportRow, Record, Reject, read_records, read_rows

Rows = list[dict[str, Any]]

ROWS: Rows = [
    {"id": f"n{at}", "instruction": f"Name sea {at}.", "input": "", "output": f'It is the "{at}.", {{north}}, [sea]'}
    for at in range(400)
]
CHATS: Rows = [
    {"messages": [{"role": "user", "content": f"Sea {at}?\nOr lake?"}, {"role": "assistant", "content": f"Sea {at}."}]}
    for at in range(400)
]


def as_lines(rows: Rows) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


def as_list(rows: Rows) -> str:
    return json.dumps(rows)


def as_list_of_lines(rows: Rows) -> str:
    return "[\n" + ",\n".join(json.dumps(row) for row in rows) + "\n]"


def as_indented_list(rows: Rows) -> str:
    return json.dumps(rows, indent=2)


def as_indented_objects(rows: Rows) -> str:
    return "\n".join(json.dumps(row, indent=4) for row in rows)


def as_table(rows: Rows) -> str:
    file = io.StringIO()
    table = csv.DictWriter(file, list(rows[0]), quoting=csv.QUOTE_ALL)
    table.writeheader()
    table.writerows(rows)
    return file.getvalue()


JSON_WRITERS = [as_lines, as_list, as_list_of_lines, as_indented_list, as_indented_objects]
BREAKS: list[Callable[[str], str]] = [
    lambda text: text.replace('": "', '": ', 1),
    lambda text: text[:-3] + text[-1:],
    lambda text: text[: len(text) // 2],
    lambda text: text.replace(": ", ' "', 1),
    lambda text: text.replace("Sea", 'S"ea').replace("sea", 's"ea'),
    lambda text: text + "}",
    lambda text: text.replace("{", "", 1),
]


def read(path: Path) -> tuple[list[ImportRow], list[Reject]]:
    items = list(read_rows(path))
    return [item for item in items if isinstance(item, ImportRow)], [item for item in items if isinstance(item, Reject)]


@pytest.mark.parametrize("kind", ["pairs", "chats"])
@pytest.mark.parametrize("write", JSON_WRITERS)
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=some.integers(0, 2**32))
def test_every_unbroken_record_of_a_broken_file_goes_in(
    tmp_path: Path, write: Callable[[Rows], str], kind: str, seed: int
) -> None:
    """Of a file that is broken in twenty records, however it is laid out, the others go in, each as it is."""
    rows = ROWS if kind == "pairs" else CHATS
    chance = random.Random(seed)
    broken = {*chance.sample(range(len(rows)), 20), *([0] if seed % 2 else [])}  # the first one tells the least
    marked = [row if at not in broken else {**row, "broken": f"<{at}>"} for at, row in enumerate(rows)]
    text = write(marked)
    for at in broken:
        end = text.index(f"<{at}>")
        start = text.rindex("{", 0, text.rindex('"instruction"' if rows is ROWS else '"messages"', 0, end))
        stop = text.index("}", end) + 1
        text = text[:start] + chance.choice(BREAKS)(text[start:stop]) + text[stop:]
    (tmp_path / "a.json").write_text(text)
    whole = {json.dumps(row) for at, row in enumerate(rows) if at not in broken}
    taken, rejected = read(tmp_path / "a.json")
    expected = {(pair[0], pair[1]) for row in whole for pair in [pair_of(json.loads(row))]}
    assert expected - {(row.original.instruction, row.original.response) for row in taken} == set()
    assert len(taken) <= len(rows)
    assert len(rejected) <= 3 * len(broken)


def pair_of(row: dict[str, Any]) -> tuple[str, str]:
    if "messages" in row:
        user, assistant = row["messages"]
        return str(user["content"]), str(assistant["content"])
    return str(row["instruction"]), str(row["output"])


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=some.integers(0, 2**32))
def test_every_unbroken_row_of_a_broken_table_goes_in(tmp_path: Path, seed: int) -> None:
    """A quote that is lost or too much costs its row, and not those up to the next quote or the end of the file."""
    chance = random.Random(seed)
    lines = as_table(ROWS).splitlines(keepends=True)
    broken = set(chance.sample(range(1, len(lines)), 20))
    for at in broken:
        quotes = [place for place, mark in enumerate(lines[at]) if mark == '"']
        place = chance.choice(quotes)
        lines[at] = lines[at][:place] + chance.choice(["", 'x"']) + lines[at][place + 1 :]
    (tmp_path / "a.csv").write_text("".join(lines), newline="")
    taken, rejected = read(tmp_path / "a.csv")
    expected = {row["instruction"] for at, row in enumerate(ROWS, start=1) if at not in broken}
    assert expected - {row.original.instruction for row in taken} == set()
    assert sum(reject.lines for reject in rejected) + len(taken) == len(ROWS)


def test_what_was_skipped_is_kept_whole(tmp_path: Path) -> None:
    """A reject says where its text begins, how many lines it has and why, and holds all of it."""
    bad = '{"instruction": "Name a pipe.",\n "output": "A 5" pipe, ' + "and on " * 1_000 + '"}'
    good = json.dumps(ROWS[0])
    (tmp_path / "a.jsonl").write_text(f"{good}\n{bad}\n{good}\n")
    taken, rejected = read(tmp_path / "a.jsonl")
    assert [row.line for row in taken] == [1, 4]
    assert [(each.row, each.line, each.lines, each.raw) for each in rejected] == [(2, 2, 2, bad)]
    assert (rejected[0].reason, rejected[0].detail) == (
        "The record is not valid JSON: Expecting ',' delimiter.", "line 3, column 18"
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "pairs"),
    [
        ('[{"prompt": "a", "completion": "b"}, {"prompt": "c", "completion": "d"},]', 2),
        ('[{"prompt": "a", "completion": "b"}\n{"prompt": "c", "completion": "d"}]', 2),
        ('{"prompt": "a", "completion": "b"}{"prompt": "c", "completion": "d"}', 2),
        ('{"prompt": "a", "completion": "b"},\n{"prompt": "c", "completion": "d"},\n', 2),
        ('[{"prompt": "a", "completion": "b"}]\n[{"prompt": "c", "completion": "d"}]', 2),
        ('[{"prompt": "a", "completion": "b"}', 1),
    ],
)
def test_what_stands_between_records_costs_none(tmp_path: Path, text: str, pairs: int) -> None:
    """Commas too many or too few, objects and lists one after another, and a list that is not closed cost no row."""
    (tmp_path / "a.json").write_text(text)
    taken, rejected = read(tmp_path / "a.json")
    assert (len(taken), rejected) == (pairs, [])


@pytest.mark.parametrize(
    ("bad", "advice"),
    [
        ('{"instruction": "a", "output": "b",}', "a comma stands before a closing bracket"),
        ("{'instruction': 'a', 'output': 'b'}", "its quotes are single"),
        ('// a comment\n{"instruction": "c"', "JSON has no comments"),
        ('{"instruction": "a\nb", "output": "c"}', "a line break in a text is not written as"),
    ],
)
def test_a_reason_says_what_to_change(tmp_path: Path, bad: str, advice: str) -> None:
    """Where it can be told what is wrong with a record the reason says it."""
    (tmp_path / "a.json").write_text(f"[{json.dumps(ROWS[0])},\n{bad},\n{json.dumps(ROWS[1])}]")
    taken, rejected = read(tmp_path / "a.json")
    assert len(taken) == 2
    assert advice in rejected[0].reason


# --- quotes after a backslash ----------------------------------------------------------------------------------------


def table(folder: Path, *lines: str) -> list[Record | Reject]:
    path = folder / "data.csv"
    path.write_text("\n".join(["instruction,output", *lines, ""]))
    return list(read_records(path))


def fields(items: list[Record | Reject]) -> list[tuple[object, ...]]:
    return [tuple(item.fields.values()) for item in items if isinstance(item, Record)]


def test_a_backslash_before_a_quote_is_read_as_its_writer_meant(tmp_path: Path) -> None:
    """Where a backslash escapes quotes it is taken off; two are one where all are written so, as pandas does."""
    wrote = [r'"say \"hi\", twice","a\\b \"c\""', r'"ends with \\","x"', r'"it said \"no\"","y"']
    assert fields(table(tmp_path, *wrote)) == [
        ('say "hi", twice', 'a\\b "c"'),
        ("ends with \\", "x"),
        ('it said "no"', "y"),
    ]
    spark = [r'"say \"hi\"","\frac{1}{2} \\ 3"', r'"line', r'\"two\"","z"']
    assert fields(table(tmp_path, *spark)) == [('say "hi"', r"\frac{1}{2} \\ 3"), ('line\n"two"', "z")]


def test_backslashes_of_another_table_stay(tmp_path: Path) -> None:
    """Where quotes are doubled a backslash is a character: before a quote that ends a field, and before any other."""
    doubled = [r'"C:\dir\","x"', r'"say ""hi""","\\"', r"a \"b,c", r'"{""a"": ""\""b\""""}","y"']
    found = fields(table(tmp_path, *doubled))
    assert found == [("C:\\dir\\", "x"), ('say "hi"', "\\\\"), (r"a \"b", "c"), (r'{"a": "\"b\""}', "y")]


def test_a_broken_row_among_backslashes_costs_itself(tmp_path: Path) -> None:
    """After a row that is none the next one goes on, whichever way quotes are written; its text is as in the file."""
    rows = [rf'"q{at} \"x\"","a{at}"' for at in range(50)]
    broken = [*rows[:20], r'"q20 \"x","a"20"', *rows[21:]]
    items = table(tmp_path, *broken)
    assert fields(items) == [(f'q{at} "x"', f"a{at}") for at in range(50) if at != 20]
    (reject,) = [item for item in items if isinstance(item, Reject)]
    assert (reject.row, reject.line, reject.raw) == (21, 22, broken[20])


def test_a_late_row_with_backslashes_is_read(tmp_path: Path) -> None:
    """A row that only makes sense with quotes after backslashes is read so, wherever it comes."""
    rows = [f'"question {at} {"long " * 50}","a ""b"""' for at in range(500)]
    items = table(tmp_path, *rows, r'"say \"hi\"","a"', rows[0])
    assert not [item for item in items if isinstance(item, Reject)]
    assert fields(items)[500] == ('say "hi"', "a")


def test_a_stray_zero_costs_its_record(tmp_path: Path) -> None:
    """One byte of zero among much text does not make a file binary."""
    rows = as_lines(ROWS[:40])
    (tmp_path / "data.jsonl").write_text(rows.replace("Name sea 7", "Name sea\0 7"))
    items = list(read_rows(tmp_path / "data.jsonl"))
    assert [item.row for item in items if isinstance(item, Reject)] == [8]
    assert len(items) == 40
