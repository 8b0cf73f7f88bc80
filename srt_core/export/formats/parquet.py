"""Parquet: Alpaca's columns, then sample_id, origin and the curator's own; lists and objects among these as JSON."""

import itertools
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, BinaryIO

from srt_core.export.formats.alpaca import columns
from srt_core.export.formats.lines import Kind, Layout, LeftOut, Line
from srt_core.export.formats.writing import Format, unwritable

if TYPE_CHECKING:
    import pyarrow

_BATCH_ROWS = 1024


def _fields(line: Line, layout: Layout) -> Mapping[str, object] | LeftOut:
    found = columns(line, layout)
    if isinstance(found, LeftOut):
        return found
    return found | {"origin": str(line.last.origin)} | layout.own(line.last, is_flat=True)


def _write(file: BinaryIO, lines: Iterable[Mapping[str, object]], layout: Layout) -> int:
    import pyarrow.parquet

    schema = _schema(layout)
    lines = iter(lines)
    count = 0
    with pyarrow.parquet.ParquetWriter(file, schema, compression="zstd") as writer:
        while batch := list(itertools.islice(lines, _BATCH_ROWS)):
            writer.write_table(_table(batch, schema))
            count += len(batch)
    return count


def _schema(layout: Layout) -> "pyarrow.Schema":
    import pyarrow

    text = pyarrow.string()
    held = {"instruction": text, "input": text, "output": text}
    if layout.has_system:
        held["system"] = text
    if layout.has_turns:
        held["history"] = pyarrow.list_(pyarrow.list_(text))
    held |= {"sample_id": text, "origin": text}
    types = {Kind.INTEGER: pyarrow.int64(), Kind.NUMBER: pyarrow.float64(), Kind.BOOLEAN: pyarrow.bool_()}
    own = {name: types.get(layout.columns[column], text) for column, name in layout.names.items()}
    return pyarrow.schema([*held.items(), *own.items()])


def _table(batch: list[Mapping[str, object]], schema: "pyarrow.Schema") -> "pyarrow.Table":
    import pyarrow

    try:
        return pyarrow.Table.from_pylist(batch, schema=schema)
    except UnicodeEncodeError as error:
        raise unwritable(error) from error


FORMAT = Format(
    "parquet",
    "Parquet",
    "Columns instruction, input and output, system and history where there are any, with sample and origin.",
    "pairs.{split}.parquet",
    _fields,
    _write,
)
