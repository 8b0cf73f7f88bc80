"""Where files come from: packed in any usual way, in any encoding, and as columns, they hold the same rows."""

import bz2
import codecs
import gzip
import io
import json
import lzma
import zipfile
from collections.abc import Callable
from pathlib import Path

import pyarrow
import pyarrow.feather
import pyarrow.ipc
import pyarrow.parquet
import pytest

from srt_core.errors import DatasetError
from srt_core.importing.files import ImportRow, Options, detect, find_sources, read_rows
from srt_core.records import Pair

ROWS = [{"instruction": f"Nenne Käse {at}: 奶酪.", "output": f"Käse {at}."} for at in range(3)]
PAIRS = [Pair(row["instruction"], row["output"]) for row in ROWS]
LINES = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in ROWS)


def pairs_of(path: Path, options: Options | None = None) -> list[Pair]:
    """The pairs of a file of which every row is one."""
    rows = list(read_rows(path, options=options or Options()))
    return [row.original for row in rows if isinstance(row, ImportRow)]


def zipped(content: bytes, *names: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name in names or ("a.jsonl", "__MACOSX/._a.jsonl"):
            archive.writestr(name, content)
    return file.getvalue()


def zstandard(content: bytes) -> bytes:
    return bytes(pyarrow.compress(content, "zstd", asbytes=True))


PACKERS: list[Callable[[bytes], bytes]] = [gzip.compress, bz2.compress, lzma.compress, zstandard, zipped]


@pytest.mark.parametrize("pack", PACKERS)
def test_a_packed_file_is_read_as_what_is_in_it(tmp_path: Path, pack: Callable[[bytes], bytes]) -> None:
    """Whatever its name, a packed file is known by its content; Parquet in it too."""
    path = tmp_path / "data"
    path.write_bytes(pack(LINES.encode()))
    assert (detect(path), pairs_of(path)) == ("json", PAIRS)
    table = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(ROWS), table)
    path.write_bytes(pack(table.getvalue()))
    assert (detect(path), pairs_of(path)) == ("parquet", PAIRS)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (gzip.compress(LINES.encode() * 500)[:-60], "cannot be read to its end"),
        (b"\x1f\x8b\x08" + bytes(50), "cannot be read to its end"),
        (zipped(b"{}", "a.json", "b.json"), "holds 2 files: a.json, b.json"),
        (zipped(b"{}", "[Content_Types].xml"), "is an Excel or Word file"),
        (b"x" * 257 + b"ustar", "is a tar archive"),
    ],
)
def test_what_cannot_be_unpacked_says_why(tmp_path: Path, content: bytes, said: str) -> None:
    """A damaged archive, one of several files and one of another kind are errors with what to do."""
    (tmp_path / "data").write_bytes(content)
    with pytest.raises(DatasetError, match=said) as caught:
        pairs_of(tmp_path / "data")
    assert caught.value.hint


@pytest.mark.parametrize("encoding", ["gb18030", "utf-16-le", "utf-16-be"])
def test_an_encoding_is_named(tmp_path: Path, encoding: str) -> None:
    """Text that is not UTF-8 is refused with an option that reads it, as JSON and as a table."""
    (tmp_path / "a.jsonl").write_bytes(LINES.encode(encoding))
    with pytest.raises(DatasetError, match="--encoding"):
        pairs_of(tmp_path / "a.jsonl")
    assert pairs_of(tmp_path / "a.jsonl", Options(encoding=encoding)) == PAIRS
    table = "instruction,output\n" + "".join(f"{row['instruction']},{row['output']}\n" for row in ROWS)
    (tmp_path / "a.csv").write_bytes(table.encode(encoding))
    assert pairs_of(tmp_path / "a.csv", Options(encoding=encoding)) == PAIRS


@pytest.mark.parametrize("mark", [codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE])
def test_an_encoding_is_known_by_its_mark(tmp_path: Path, mark: bytes) -> None:
    """A byte order mark says the encoding."""
    encoding = {codecs.BOM_UTF8: "utf-8", codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}[mark]
    (tmp_path / "a.jsonl").write_bytes(mark + LINES.encode(encoding))
    assert pairs_of(tmp_path / "a.jsonl") == PAIRS


def test_arrow_is_read_as_a_file_and_as_a_stream(tmp_path: Path) -> None:
    """Feather, an Arrow file and an Arrow stream hold the same rows."""
    table = pyarrow.Table.from_pylist(ROWS)
    pyarrow.feather.write_feather(table, str(tmp_path / "a.feather"))
    with pyarrow.ipc.new_stream(str(tmp_path / "a.arrow"), table.schema) as stream:
        stream.write_table(table)
    for path in (tmp_path / "a.feather", tmp_path / "a.arrow"):
        assert (detect(path), pairs_of(path)) == ("arrow", PAIRS)


def test_a_folder_that_datasets_saved(tmp_path: Path) -> None:
    """Of a folder that save_to_disk wrote the files of its state are read; of several splits one is named."""
    table = pyarrow.Table.from_pylist(ROWS)
    for split in ("train", "test"):
        (tmp_path / split).mkdir()
        with pyarrow.ipc.new_stream(str(tmp_path / split / "data-00000-of-00001.arrow"), table.schema) as stream:
            stream.write_table(table)
        state = {"_data_files": [{"filename": "data-00000-of-00001.arrow"}]}
        (tmp_path / split / "state.json").write_text(json.dumps(state))
    (tmp_path / "dataset_dict.json").write_text(json.dumps({"splits": ["train", "test"]}))
    with pytest.raises(DatasetError, match="--split train"):
        find_sources(str(tmp_path))
    for sources in (find_sources(str(tmp_path), "test"), find_sources(str(tmp_path / "test"))):
        assert [source.name for source in sources] == [str(tmp_path / "test" / "data-00000-of-00001.arrow")]
