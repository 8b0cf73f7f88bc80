"""Parquet: the columns instruction, input, output, sample_id, origin."""

import itertools
from collections.abc import Iterable
from typing import TYPE_CHECKING, BinaryIO

from srt_core.export.formats.alpaca import columns
from srt_core.export.formats.writing import ExportRow, Format, unwritable

if TYPE_CHECKING:
    import pyarrow

_BATCH_ROWS = 1024
_COLUMNS = ("instruction", "input", "output", "sample_id", "origin")


def _write(file: BinaryIO, rows: Iterable[ExportRow]) -> int:
    import pyarrow
    import pyarrow.parquet

    schema = pyarrow.schema([(name, pyarrow.string()) for name in _COLUMNS])
    records = (columns(row) | {"sample_id": row.sample_id, "origin": str(row.origin)} for row in rows)
    count = 0
    with pyarrow.parquet.ParquetWriter(file, schema, compression="zstd") as writer:
        while batch := list(itertools.islice(records, _BATCH_ROWS)):
            writer.write_table(_table(batch, schema))
            count += len(batch)
    return count


def _table(batch: list[dict[str, str]], schema: "pyarrow.Schema") -> "pyarrow.Table":
    import pyarrow

    try:
        return pyarrow.Table.from_pylist(batch, schema=schema)
    except UnicodeEncodeError as error:
        raise unwritable(error) from error


FORMAT = Format(
    "parquet", "Parquet", "Columns instruction, input and output, with sample and origin.", "pairs.parquet", _write
)
