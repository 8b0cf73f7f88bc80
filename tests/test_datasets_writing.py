import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from srt_core.errors import ExportError
from srt_core.export.formats import ExportRow, find_format, write_file
from srt_core.importing import files as datasets
from srt_core.importing.files import ImportRow
from srt_core.records import Pair
from tests.exporting import write_rows

TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=40)
FILLED = TEXTS.filter(lambda text: bool(text.strip()))
PAIRS = st.builds(Pair, FILLED, FILLED, TEXTS) | st.builds(Pair, TEXTS, FILLED, FILLED)
READ_BACK = ("alpaca", "messages", "parquet")
ROWS = [
    ExportRow(Pair("Name a colour.", "Blue."), "s1", "ORIGINAL"),
    ExportRow(Pair("Übersetze.", 'Er sagte: "ja"\nund ging.', "He said yes"), "s2", "BOTH"),
]


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("format", READ_BACK)
@given(pairs=st.lists(PAIRS, min_size=1, max_size=6))
@settings(deadline=None, max_examples=60)
def test_what_is_written_reads_back_the_same(format: str, pairs: list[Pair]) -> None:
    """Every pair of any text comes back as it was, in every format."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "out"
        assert write_rows(path, format, (ExportRow(pair, "s", "ORIGINAL") for pair in pairs)) == len(pairs)
        rows = list(datasets.read_rows(path, options=datasets.AS_WRITTEN))
    assert [row.original for row in rows if isinstance(row, ImportRow)] == pairs
    assert len(rows) == len(pairs)


def test_files_are_byte_for_byte_what_they_should_be(tmp_path: Path) -> None:
    """Alpaca is an indented list of three keys, in UTF-8; messages keeps instruction and input beside the turns."""
    write_rows(tmp_path / "a.json", "alpaca", ROWS)
    assert (tmp_path / "a.json").read_text("utf-8") == (
        "[\n"
        '{\n  "instruction": "Name a colour.",\n  "input": "",\n  "output": "Blue.",\n  "sample_id": "s1"\n},\n'
        '{\n  "instruction": "Übersetze.",\n  "input": "He said yes",\n'
        '  "output": "Er sagte: \\"ja\\"\\nund ging.",\n  "sample_id": "s2"\n}\n'
        "]\n"
    )
    write_rows(tmp_path / "a.jsonl", "messages", ROWS[1:])
    assert (tmp_path / "a.jsonl").read_text("utf-8") == (
        '{"messages": [{"role": "user", "content": "Übersetze.\\n\\nHe said yes"}, '
        '{"role": "assistant", "content": "Er sagte: \\"ja\\"\\nund ging."}], '
        '"instruction": "Übersetze.", "input": "He said yes", "sample_id": "s2"}\n'
    )


def test_parquet_names_sample_and_origin(tmp_path: Path) -> None:
    """Beside the pair, Parquet has the columns sample_id and origin."""
    write_rows(tmp_path / "a.parquet", "parquet", ROWS)
    assert datasets.preview(tmp_path / "a.parquet", "parquet")[1].fields == {
        "instruction": "Übersetze.",
        "input": "He said yes",
        "output": 'Er sagte: "ja"\nund ging.',
        "sample_id": "s2",
        "origin": "BOTH",
    }


@pytest.mark.parametrize("format", READ_BACK)
def test_nothing_to_write_is_a_file_of_nothing(tmp_path: Path, format: str) -> None:
    """No rows make a file without rows, which is a valid one where the format allows that."""
    assert write_rows(tmp_path / "a", format, []) == 0
    if format in ("alpaca", "parquet"):
        assert list(datasets.read_records(tmp_path / "a", format)) == []


def test_objects_are_written_a_line_each_and_never_nan(tmp_path: Path) -> None:
    """scores.jsonl holds JSON numbers and null; NaN is an error and leaves no file."""
    path = tmp_path / "scores.jsonl"
    assert write_file(path, find_format("scores"), [{"ifd": 0.5, "r_ifd": None}, {"ifd": 1}]) == 2
    assert [json.loads(line) for line in path.read_text().splitlines()] == [{"ifd": 0.5, "r_ifd": None}, {"ifd": 1}]
    with pytest.raises(ExportError, match="cannot be written as JSON"):
        write_file(tmp_path / "nan.jsonl", find_format("scores"), [{"ifd": float("nan")}])
    assert names_in(tmp_path) == ["scores.jsonl"]


@pytest.mark.parametrize("format", READ_BACK)
def test_a_text_that_is_no_unicode_is_named(tmp_path: Path, format: str) -> None:
    """Half of a surrogate pair cannot be written; the error shows the text around it and no file is left."""
    with pytest.raises(ExportError, match="surrogate pair, near .*half"):
        write_rows(tmp_path / "a", format, [ExportRow(Pair("half \ud800", "y"), "s", "ORIGINAL")])
    assert names_in(tmp_path) == []


def test_a_failure_leaves_the_old_file_as_it_was(tmp_path: Path) -> None:
    """A run that stops in the middle changes nothing: the old file stays, and no half one beside it."""

    def broken() -> Iterator[ExportRow]:
        yield ROWS[0]
        raise KeyboardInterrupt

    path = tmp_path / "a.json"
    write_rows(path, "alpaca", ROWS)
    before = path.read_bytes()
    with pytest.raises(KeyboardInterrupt):
        write_rows(path, "alpaca", broken())
    assert path.read_bytes() == before
    assert names_in(tmp_path) == ["a.json"]


def test_a_place_that_cannot_be_written_is_an_error_with_a_hint(tmp_path: Path) -> None:
    """A missing folder, a file in place of a folder, a folder in place of the file, an unknown format."""
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    for path, hint in [("none/a.json", "no such folder"), ("file/a.json", "no such folder"), ("folder", "a folder of")]:
        with pytest.raises(ExportError, match=hint):
            write_rows(tmp_path / path, "alpaca", ROWS)
    with pytest.raises(ExportError, match="no export format"):
        find_format("csv")
    assert names_in(tmp_path) == ["file", "folder"]


FULL_DISK = """
import resource, sys
from pathlib import Path
from srt_core.errors import ExportError
from srt_core.export.formats import ExportRow
from srt_core.records import Pair
from tests.exporting import write_rows
import os
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
rows = (ExportRow(Pair("x", os.urandom(500).hex()), str(n), "ORIGINAL") for n in range(3000))
try:
    write_rows(Path(sys.argv[1]) / "out", sys.argv[2], rows)
except ExportError as error:
    print(error)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="limits of file size are a POSIX thing")
@pytest.mark.parametrize("format", READ_BACK)
def test_a_full_disk_leaves_no_half_file(tmp_path: Path, format: str) -> None:
    """When there is no room for the file, the error says so and nothing is left behind."""
    command = [sys.executable, "-c", FULL_DISK, str(tmp_path), format]
    said = subprocess.run(command, check=True, capture_output=True, text=True)
    assert "could not be written: File too large. The disk" in said.stdout
    assert said.stderr == ""
    assert names_in(tmp_path) == []
