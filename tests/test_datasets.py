import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest

from srt_core.errors import DatasetError
from srt_core.export.formats import ExportRow, find_format, write_file
from srt_core.importing import files as datasets
from srt_core.importing.files import Account, ImportRow, Options, Placeholders, Record, Reject
from srt_core.records import Origin, Pair
from tests.exporting import fields_of, write_rows

GOOD = {"instruction": "Name a colour.", "input": "", "output": "Blue."}
GOOD_PAIR = Pair("Name a colour.", "Blue.")


def save(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def save_lines(path: Path, *objects: object) -> Path:
    return save(path, "".join(json.dumps(item) + "\n" for item in objects))


def save_table(path: Path, **columns: list[Any]) -> Path:
    pyarrow.parquet.write_table(pyarrow.table(columns), path)
    return path


def read(
    path: Path, format: str | None = None, column_map: datasets.ColumnMap | None = None, **options: Any
) -> tuple[list[ImportRow], list[Reject]]:
    items = list(datasets.read_rows(path, format, column_map, Options(**options)))
    rows = [item for item in items if isinstance(item, ImportRow)]
    return rows, [item for item in items if isinstance(item, Reject)]


def pairs_of(path: Path, **options: Any) -> list[Pair]:
    rows, rejects = read(path, **options)
    assert not rejects
    return [row.original for row in rows]


def only_reason(path: Path) -> str:
    rows, rejects = read(path)
    assert not rows
    assert len(rejects) == 1
    return rejects[0].reason


# --- formats ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "content", "format"),
    [
        ("a.json", json.dumps([GOOD]), "json"),
        ("a.json", "\ufeff \n" + json.dumps([GOOD], indent=2), "json"),
        ("a.json", json.dumps({"data": [GOOD]}), "json"),
        ("a.json", json.dumps({"meta": {"data": [1]}, "note": '"data": [', "data": [GOOD], "end": [1]}), "json"),
        ("a.json", json.dumps(GOOD) + "\n", "json"),
        ("a.txt", "\ufeff\n" + json.dumps(GOOD), "json"),
        ("a.csv", "instruction,input,output\nName a colour.,,Blue.\n", "csv"),
        ("a.csv", "\ufeffinstruction;input;output\r\nName a colour.;;Blue.\r\n", "csv"),
        ("a.tsv", "Instruction\tOutput\n\nName a colour.\tBlue.\n", "csv"),
        ("a.txt", "output,instruction\nBlue.,Name a colour.\n", "csv"),
        ("a.txt", "output\tinstruction\nBlue.\tName a colour.\n", "csv"),
        ("a.csv", "sep=;\r\ninstruction;output\r\nName a colour.;Blue.\r\n", "csv"),
        ("a.json", json.dumps({"version": 2, "data": {"train": [GOOD]}}), "json"),
        ("a.json", json.dumps([{**GOOD, "response": "not this"}]), "json"),
        ("a.json", json.dumps([{"Instruction": "Name a colour.", "RESPONSE": "Blue."}]), "json"),
    ],
)
def test_every_format_is_detected_and_gives_its_pair(tmp_path: Path, name: str, content: str, format: str) -> None:
    """A file is what its content says, whatever its name, and `output` or `response` is the response."""
    path = save(tmp_path / name, content)
    assert datasets.detect(path) == format
    assert pairs_of(path) == [GOOD_PAIR]


def test_parquet_is_read_with_its_nulls_and_other_columns(tmp_path: Path) -> None:
    """A null input is an empty one; other columns are kept as JSON has them, nulls are not."""
    path = save_table(
        tmp_path / "a.bin",
        instruction=["Name a colour.", "Add."],
        input=[None, "1 1"],
        output=["Blue.", None],
        score=[0.5, None],
        tags=[["a"], []],
    )
    assert datasets.detect(path) == "parquet"
    assert datasets.columns(path, "parquet") == ["instruction", "input", "output", "score", "tags"]
    rows, rejects = read(path)
    assert [(row.original, row.extra) for row in rows] == [(GOOD_PAIR, {"score": 0.5, "tags": ["a"]})]
    assert [(reject.row, reject.reason) for reject in rejects] == [(2, 'response is missing (column "output").')]


def test_rows_and_lines_say_where_a_record_is(tmp_path: Path) -> None:
    """Both count from 1: rows with rejected records and without blank lines, lines as an editor, also in a list."""
    lines = save(tmp_path / "a.jsonl", f"\n{json.dumps(GOOD)}\n\nbad\n{json.dumps(GOOD)}")
    assert [(item.row, item.line) for item in datasets.read_records(lines, "jsonl")] == [(1, 2), (2, 4), (3, 5)]
    listed = save(tmp_path / "a.json", '\n[\n  {"a": 1},\n\n  {"a":\n 2}, 7,\n  {"a": 3}\n]\n')
    assert [(item.row, item.line) for item in datasets.read_records(listed, "alpaca")] == [
        (1, 3),
        (2, 5),
        (3, 6),
        (4, 7),
    ]
    table = save(tmp_path / "a.csv", 'a,b\n"1\n1",2\n\n3,4\n')
    assert [(item.row, item.line) for item in datasets.read_records(table, "csv")] == [(1, 2), (2, 5)]


def test_preview_and_columns_read_only_the_start(tmp_path: Path) -> None:
    """A screen sees the first good records, and the columns of the first thousand in the order they are met."""
    path = save_lines(tmp_path / "a.jsonl", {"a": 1}, 5, {"b": 2, "a": 1}, *[{}] * 1000, {"c": 3})
    assert datasets.columns(path) == ["a", "b"]
    assert [record.row for record in datasets.preview(path, limit=2)] == [1, 3]


def test_progress_rises_to_one(tmp_path: Path) -> None:
    """Progress is the share of the file that has been read."""
    path = save_lines(tmp_path / "a.jsonl", *[{**GOOD, "output": "x" * 2000}] * 1200)
    shares: list[float] = []
    assert len(list(datasets.read_rows(path, progress=shares.append))) == 1200
    assert shares == sorted(shares)
    assert 0 < shares[0] < 0.5
    assert shares[-1] == 1


# --- files that cannot be read at all ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.json", b"", "is empty"),
        ("a.json", b"\xef\xbb\xbf \n\n", "is empty"),
        ("a.json", b"\x89PNG\r\n\x1a\n\0\0", "binary file: byte 8"),
        ("a.csv", "instruction,output\na,b\n".encode("utf-16-le"), "--encoding utf-16-le"),
        ("a.json", '[{"output": "é"}]'.encode("latin-1"), "byte 13 is 0xe9. Name its encoding: --encoding cp1252"),
        ("a.csv", "instruction,output\nOù,b\n".encode("cp1252"), "byte 20 is 0xf9"),
        ("a.json", '[{"output": "中文字"}]'.encode("gb18030"), "--encoding gb18030"),
        ("a.json", b"hello", "format of"),
        ("a.txt", b"Once upon a time.\nThere, was, a thing.\n", "format of"),
        ("a.parquet", b"PAR1 and no more", "no Parquet file"),
        ("a.arrow", b"ARROW1 and no more", "no Arrow file"),
        ("a.csv", b"output,output\na,b\n", 'two columns named "output"'),
        ("a.csv", b'instruction,"output\na,b\n', "header"),
    ],
)
def test_a_file_that_is_no_data_set_is_refused_with_the_reason(
    tmp_path: Path, name: str, content: bytes, said: str
) -> None:
    """Empty, binary, wrongly encoded and unknown files are errors before anything is imported."""
    path = save(tmp_path / name, content)
    with pytest.raises(DatasetError) as caught:
        datasets.read_rows(path)
    assert said in str(caught.value)
    assert caught.value.hint


def test_a_path_that_cannot_be_opened_says_so(tmp_path: Path) -> None:
    """A missing file and a folder are named."""
    with pytest.raises(DatasetError, match="No such file"):
        datasets.read_rows(tmp_path / "none.json")
    with pytest.raises(DatasetError, match="Is a directory"):
        datasets.read_rows(tmp_path)


def test_a_format_that_is_none_is_refused(tmp_path: Path) -> None:
    """Formats are known by name; those of our exports are such names too."""
    lines = save_lines(tmp_path / "a.jsonl", GOOD)
    assert [len(read(lines, format)[0]) for format in ("json", "jsonl", "alpaca", "messages")] == [1, 1, 1, 1]
    with pytest.raises(DatasetError, match="is no format"):
        list(datasets.read_records(lines, "yaml"))


# --- records that cannot be read --------------------------------------------------------------------------------------


BAD_RECORDS = [
    (b'{"instruction": "x"', "not valid JSON"),
    (b'{"instruction": "say "b"", "output": "c"}', "not valid JSON"),
    (b"[1, 2]", "is a number, not an object"),
    (b'"text"', "text, not an object"),
    (b"17", "a number, not an object"),
    (b"null", "null, not an object"),
    (b'{"output": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "nested too deeply"),
    (b'{"instruction": "x", "output": "\\ud800"}', "surrogate"),
    (b'{"\\udc00": "x", "output": "y"}', "surrogate"),
    (b'{"instruction": "x", "output": ' + b"9" * 5000 + b"}", "cannot be read"),
    (b'{"instruction": "x", "output": "\xff"}', "is not UTF-8"),
]


@pytest.mark.parametrize(("bad", "said"), BAD_RECORDS)
def test_a_bad_line_costs_itself_only(tmp_path: Path, bad: bytes, said: str) -> None:
    """A line that cannot be read is a reject with line, reason and excerpt; the lines around it go in."""
    good = json.dumps(GOOD).encode()
    rows, rejects = read(save(tmp_path / "a.jsonl", b"\n".join([good, bad, good])))
    assert [row.row for row in rows] == [1, 3]
    assert [(reject.row, reject.line) for reject in rejects] == [(2, 2)]
    assert said in rejects[0].reason
    assert rejects[0].raw.startswith(bad.decode("utf-8", "replace")) or bad.startswith(b"[")


@pytest.mark.parametrize(("bad", "said"), BAD_RECORDS[1:-1])
def test_a_bad_element_of_a_list_costs_itself_only(tmp_path: Path, bad: bytes, said: str) -> None:
    """The list is split before it is parsed, so the elements after a bad one go in."""
    good = json.dumps(GOOD).encode()
    rows, rejects = read(save(tmp_path / "a.json", b"[" + b",\n".join([good, bad, good]) + b"]"))
    assert [row.row for row in rows] == [1, 3]
    assert [(reject.row, reject.line) for reject in rejects] == [(2, 2)]
    assert said in rejects[0].reason


def test_a_lost_quote_spoils_its_own_line_only(tmp_path: Path) -> None:
    """No JSON string holds a line break, so in an indented list the records after a lost quote go in."""
    text = json.dumps([GOOD, {**GOOD, "output": "lost"}, GOOD], indent=1).replace('"lost"', '"lost')
    rows, rejects = read(save(tmp_path / "a.json", text))
    assert [row.row for row in rows] == [1, 3]
    assert [(reject.row, "not valid JSON" in reject.reason) for reject in rejects] == [(2, True)]


def test_a_wrong_byte_far_into_a_list_is_named(tmp_path: Path) -> None:
    """A byte that is not UTF-8 after the part that is checked first costs its record, and is said."""
    good = json.dumps(GOOD).encode()
    before = b"[" + b",".join([good] * 2000) + b","
    bad = b'{"output": "\xe9"}'
    rows, rejects = read(save(tmp_path / "a.json", before + bad + b"," + good + b"]"))
    assert len(rows) == 2001
    assert rejects[0].reason.startswith("The byte 0xe9 is not UTF-8.")


@pytest.mark.parametrize(
    ("end", "rejected"),
    [
        (',\n{"instruction": "x", "outp', ["ends in the middle"]),
        (',\n{"instruction": "an \\', ["ends in the middle"]),
        (",\n", []),
        ("", []),
        (']\n{"instruction": "x"}', ["response is missing"]),
    ],
)
@pytest.mark.parametrize("start", ["[", '{"data": ['])
def test_a_list_that_is_cut_off_keeps_what_came_before(
    tmp_path: Path, start: str, end: str, rejected: list[str]
) -> None:
    """The records before the cut go in; one in its middle is a reject, and a list that is not closed is noted."""
    path = save(tmp_path / "a.json", start + ",\n".join([json.dumps(GOOD)] * 57) + end)
    account = Account()
    items = list(datasets.read_rows(path, account=account))
    assert len([item for item in items if isinstance(item, ImportRow)]) == 57
    reasons = [item.reason for item in items if isinstance(item, Reject)]
    assert [said in reason for said, reason in zip(rejected, reasons, strict=True)] == [True] * len(rejected)
    assert bool(account.notes) == ("]" not in end)


def test_a_list_splits_the_same_at_every_chunk_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Brackets, quotes and escapes in strings do not split a record, wherever a chunk ends."""
    objects: list[dict[str, Any]] = [
        {"a": 'a "quoted" \\ [x], {y}', "b": [1, {"c": "]"}]},
        {},
        {"a": "\\"},
        {"é": "\n,}"},
    ]
    path = save(tmp_path / "a.json", " " + json.dumps(objects, ensure_ascii=False))
    for size in range(1, 40):
        monkeypatch.setattr("srt_core.importing.files.readers.json_stream.CHUNK_CHARACTERS", size)
        records = list(datasets.read_records(path, "alpaca"))
        assert [record.fields for record in records if isinstance(record, Record)] == objects


def test_empty_lists_have_no_rows(tmp_path: Path) -> None:
    """A list of nothing and a table of a header only give no row and no reject."""
    for name, content in [("a.json", "[]"), ("b.json", '{"data": [ ]}'), ("a.csv", "instruction,output\n")]:
        assert read(save(tmp_path / name, content)) == ([], [])


def test_bad_csv_rows_are_rejected(tmp_path: Path) -> None:
    """A row of another length, with a broken quote or cut within quotes is a reject; the rest goes in."""
    text = 'instruction,output\na,b\nc\nd,e,f\n"g"h,i\nj,"k ""l""\nm"\nn,"o\n'
    rows, rejects = read(save(tmp_path / "a.csv", text))
    assert [row.original for row in rows] == [Pair("a", "b"), Pair("j", 'k "l"\nm')]
    assert [(reject.row, reject.line) for reject in rejects] == [(2, 3), (3, 4), (4, 5), (6, 8)]
    assert "1 fields" in rejects[0].reason
    late = b"instruction,output\n" + b"a,b\n" * 20_000 + b"c,\xe9\n" + b"d,e\n"
    rows, rejects = read(save(tmp_path / "b.csv", late))
    assert len(rows) == 20_001
    assert [(reject.row, "not UTF-8" in reject.reason) for reject in rejects] == [(20_001, True)]


# --- pairs ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"output": None}, 'response is missing (column "output").'),
        ({"output": float("nan")}, 'response is missing (column "output").'),
        ({"output": " \n"}, 'response is empty (column "output").'),
        ({"output": "\u200b \ufeff"}, 'response is empty (column "output").'),
        ({"output": ["a", "b"]}, 'response is a list of 2, not text (column "output").'),
        ({"output": {}}, 'response is an object, not text (column "output").'),
        ({"input": [1, 2]}, 'input is a list of 2, not text (column "input").'),
        ({"instruction": []}, 'instruction is a list of 0, not text (column "instruction").'),
        ({"instruction": None}, "instruction is missing or empty."),
        ({"instruction": " ", "input": " "}, "instruction is missing or empty."),
    ],
)
def test_a_pair_without_text_is_rejected(tmp_path: Path, change: dict[str, Any], reason: str) -> None:
    """A pair needs an instruction or an input, and a response, all text; the reason names what was found."""
    path = save_lines(tmp_path / "a.jsonl", {**GOOD, **change})
    assert only_reason(path).startswith(reason)


def test_a_column_that_a_later_record_lacks_is_a_missing_value(tmp_path: Path) -> None:
    """Only the file as a whole has to have a column."""
    rows, rejects = read(save_lines(tmp_path / "a.jsonl", GOOD, {"instruction": "x"}))
    assert len(rows) == 1
    assert [reject.row for reject in rejects] == [2]


@pytest.mark.parametrize(
    "pair",
    [
        Pair("", "Three.", "How many?"),
        Pair(" x ", "\n y\t"),
        Pair("x", "long " * 40_000),
        Pair("مرحبا", "😀\u2028\x85\x00"),
    ],
)
def test_texts_are_taken_as_they_are(tmp_path: Path, pair: Pair) -> None:
    """Nothing is stripped or cut: blanks, 200,000 characters, an instruction that stands in the input."""
    fields = {"instruction": pair.instruction, "input": pair.input, "output": pair.response}
    assert pairs_of(save_lines(tmp_path / "a.jsonl", fields)) == [pair]


def test_other_columns_keep_their_type(tmp_path: Path) -> None:
    """The curator's own columns keep their JSON type; null and NaN, also within them, are left out or null."""
    other = {"id": 7, "ok": True, "tag": "t", "none": None, "nan": float("nan"), "list": [1, float("inf")], "map": {}}
    rows, _ = read(save_lines(tmp_path / "a.jsonl", {**GOOD, **other}))
    assert rows[0].extra == {"id": 7, "ok": True, "tag": "t", "list": [1, None], "map": {}}


# --- mapping ----------------------------------------------------------------------------------------------------------


def test_assignments_are_read_as_a_mapping() -> None:
    """A bare part is the original's, `output` is the response, a column may hold "=" and blanks."""
    given = ["instruction=Raw Instruction", "reflected.output=a=b", "original.response= R "]
    assert datasets.parse_map(given) == {
        "original.instruction": "Raw Instruction",
        "reflected.response": "a=b",
        "original.response": " R ",
    }


def test_quotes_around_a_column_are_taken_off() -> None:
    """A column in quotes that no shell took off is the column without them."""
    assert datasets.parse_map(['instruction="Raw Instruction"']) == {"original.instruction": "Raw Instruction"}


@pytest.mark.parametrize("bad", [["x"], ["=x"], ["revised.input=x"], ["original.whole=x"], ["a.b.c=x"]])
def test_a_bad_assignment_is_refused(bad: list[str]) -> None:
    """An unknown target or nothing to map to is an error with a hint."""
    with pytest.raises(DatasetError) as caught:
        datasets.parse_map(bad)
    assert caught.value.hint


def test_a_target_is_mapped_once() -> None:
    """Two columns for one target, also under its short name, are an error."""
    with pytest.raises(DatasetError, match="twice"):
        datasets.parse_map(["input=a", "original.input=b"])


@pytest.mark.parametrize(
    ("column_map", "said"),
    [
        (None, 'the columns are "x", "y", "r". Say which: --map instruction=x --map response=y.'),
        ({"original.instruction": "x", "original.response": "answer"}, 'no column "answer"'),
        ({"original.instruction": "x"}, "original.response is not mapped"),
        ({"original.response": "y"}, "original.instruction is not mapped"),
        ({"instruction": "x", "output": "y", "reflected.input": "r"}, "reflected.response is not mapped"),
        ({"instruction": "x", "output": "y", "instruction.response": "r"}, "instruction.instruction is not mapped"),
        ({"instruction": "x", "output": "y", "reflected.response": "r", "response.response": "r"}, "same version"),
        ({"reflected.response": "r"}, 'the columns are "x", "y", "r"'),
    ],
)
def test_a_mapping_that_does_not_fit_is_refused(tmp_path: Path, column_map: dict[str, str] | None, said: str) -> None:
    """A mapping is checked against the file before any row is read; the error lists the columns there are."""
    path = save_lines(tmp_path / "a.jsonl", {"x": "Q", "y": "A", "r": "R"})
    with pytest.raises(DatasetError) as caught:
        datasets.read_rows(path, column_map=column_map)
    assert said in str(caught.value)


def candidates_of(tmp_path: Path, fields: dict[str, Any], *assignments: str) -> ImportRow:
    path = save_lines(tmp_path / "a.jsonl", {"instruction": "q", "input": "i", "output": "a", **fields})
    rows, rejects = read(path, column_map=datasets.parse_map(assignments))
    assert not rejects
    assert rows[0].original == Pair("q", "a", "i")
    return rows[0]


@pytest.mark.parametrize(
    ("fields", "candidates"),
    [
        (("q", "i", "A"), {Origin.RESPONSE: Pair("q", "A", "i")}),
        (("Q", "i", "A"), {Origin.INSTRUCTION: Pair("Q", "A", "i")}),
        (("q", "", "a"), {Origin.INSTRUCTION: Pair("q", "a")}),
        (("Q", None, "A"), {Origin.INSTRUCTION: Pair("Q", "A")}),
        (("q", "i", "a"), {}),
    ],
)
def test_a_reflected_pair_is_what_it_changes(
    tmp_path: Path, fields: tuple[Any, Any, Any], candidates: dict[Origin, Pair]
) -> None:
    """INSTRUCTION where instruction or input differ, RESPONSE where only the response does, none where nothing does."""
    given = dict(zip(("x", "z", "y"), fields, strict=True))
    row = candidates_of(tmp_path, given, "reflected.instruction=x", "reflected.input=z", "reflected.response=y")
    assert row.candidates == candidates
    assert row.refused == {}


def test_parts_that_are_not_mapped_have_defaults(tmp_path: Path) -> None:
    """response.* takes the original's instruction and input, instruction.* stands alone, both.* follows it."""
    maps = ["response.response=r", "instruction.instruction=x", "instruction.response=y", "both.response=b"]
    row = candidates_of(tmp_path, {"r": "R", "x": "X", "y": "Y", "b": "B"}, *maps)
    assert row.candidates == {
        Origin.INSTRUCTION: Pair("X", "Y"),
        Origin.RESPONSE: Pair("q", "R", "i"),
        Origin.BOTH: Pair("X", "B"),
    }
    assert candidates_of(tmp_path, {"r": "R"}, "reflected.response=r").candidates == {
        Origin.RESPONSE: Pair("q", "R", "i")
    }


@pytest.mark.parametrize(
    ("fields", "maps", "origin", "reason"),
    [
        ({"y": " "}, ["reflected.response=y"], Origin.RESPONSE, "reflected.response is empty"),
        ({"x": "Q", "y": ""}, ["reflected.instruction=x", "reflected.response=y"], Origin.INSTRUCTION, "is empty"),
        ({"x": {}, "y": "A"}, ["reflected.instruction=x", "reflected.response=y"], Origin.RESPONSE, "is an object"),
        ({"y": ["A", "B"]}, ["response.response=y"], Origin.RESPONSE, "is a list"),
        ({"y": "B"}, ["both.response=y"], Origin.BOTH, "no INSTRUCTION version"),
        ({"x": "Q", "y": "A"}, ["response.instruction=x", "response.response=y"], Origin.RESPONSE, "another instruct"),
        (
            {"x": "q", "z": "i", "y": "A"},
            ["instruction.instruction=x", "instruction.input=z", "instruction.response=y"],
            Origin.INSTRUCTION,
            "the original's instruction",
        ),
    ],
)
def test_a_candidate_that_cannot_be_used_is_refused_and_the_original_goes_in(
    tmp_path: Path, fields: dict[str, Any], maps: list[str], origin: Origin, reason: str
) -> None:
    """A refused candidate leaves its reason under the origin it would have had."""
    row = candidates_of(tmp_path, fields, *maps)
    assert row.candidates == {}
    assert list(row.refused) == [origin]
    assert reason in row.refused[origin]


# --- real data, large files -------------------------------------------------------------------------------------------


@pytest.mark.skipif("SRT_SHARED" not in os.environ, reason="SRT_SHARED names no folder of shared data")
def test_expert_revisions_import_as_pairs_of_pairs() -> None:
    """All 1,500 real rows go in: 1,067 rewrote the response only, 433 the instruction or the input."""
    given = [
        f"{group}.{part}={word} {part.title()}"
        for group, word in (("original", "Raw"), ("reflected", "Revised"))
        for part in ("instruction", "input", "response")
    ]
    path = Path(os.environ["SRT_SHARED"]) / "data" / "expert_revisions.json"
    rows, rejects = read(path, column_map=datasets.parse_map(given), placeholders=Placeholders.KEEP)
    assert len(rows) == 1500
    assert not rejects
    assert not any(row.refused for row in rows)
    origins = Counter(origin for row in rows for origin in row.candidates)
    assert origins == {Origin.RESPONSE: 1067, Origin.INSTRUCTION: 433}
    assert rows[0].extra == {"Distance": 640}


MEASURE = """
import resource, sys
from srt_core.importing import files as datasets
def peak_mb(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
list(datasets.read_rows(sys.argv[1]))
before = peak_mb()
count = sum(1 for _ in datasets.read_rows(sys.argv[2]))
print(count, peak_mb() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss is in kilobytes on Linux only")
@pytest.mark.parametrize("format", ["alpaca", "jsonl", "messages", "parquet"])
def test_a_large_file_is_read_in_bounded_memory(tmp_path: Path, format: str) -> None:
    """Sixty megabytes cost less than forty of memory, in every format."""
    rows = (ExportRow(Pair(f"Question {n}", os.urandom(1500).hex()), str(n), "ORIGINAL") for n in range(20_000))
    for name, some in (("large", rows), ("small", [ExportRow(GOOD_PAIR, "0", "ORIGINAL")])):
        if format == "jsonl":
            write_file(tmp_path / name, find_format("scores"), (fields_of("alpaca", row) for row in some))
        else:
            write_rows(tmp_path / name, format, some)
    command = [sys.executable, "-c", MEASURE, str(tmp_path / "small"), str(tmp_path / "large")]
    count, growth_mb = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    assert int(count) == 20_000
    assert float(growth_mb) < 40


def test_a_hint_names_the_columns_that_sound_like_the_parts(tmp_path: Path) -> None:
    """Of a file whose names are not known the hint maps the columns whose names have a part's word in them."""
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps({"Raw Input": "", "Raw Instruction": "Say it.", "Raw Response": "It."}) + "\n")
    with pytest.raises(DatasetError) as found:
        list(datasets.read_rows(path))
    assert found.value.hint == "Say which: --map 'instruction=Raw Instruction' --map 'response=Raw Response'."


def test_lists_within_an_object_are_named_with_a_dot(tmp_path: Path) -> None:
    """Of splits under one key the list is taken that is asked for; unasked, the refusal names them."""
    path = tmp_path / "a.json"
    path.write_text(json.dumps({"data": {"train": [GOOD], "test": [{**GOOD, "output": "Red."}]}}))
    with pytest.raises(DatasetError, match='lists of records under "data.train", "data.test"'):
        datasets.detect(path)
        list(datasets.read_rows(path))
    (row,) = datasets.read_rows(path, options=datasets.Options(key="data.test"))
    assert isinstance(row, datasets.ImportRow)
    assert row.original.response == "Red."
