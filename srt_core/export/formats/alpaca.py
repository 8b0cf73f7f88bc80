"""Alpaca JSON: one list of {instruction, input, output}."""

from collections.abc import Iterable
from typing import BinaryIO

from srt_core.export.formats.writing import ExportRow, Format, encode


def columns(row: ExportRow) -> dict[str, str]:
    """Return a pair under the names of Alpaca's columns."""
    return {"instruction": row.pair.instruction, "input": row.pair.input, "output": row.pair.response}


def _write(file: BinaryIO, rows: Iterable[ExportRow]) -> int:
    count = 0
    for count, row in enumerate(rows, start=1):
        file.write(b"[\n" if count == 1 else b",\n")
        file.write(encode(columns(row), indent=2))
    file.write(b"\n]\n" if count else b"[]\n")
    return count


FORMAT = Format("alpaca", "Alpaca JSON", "One JSON list of instruction, input and output.", "alpaca.json", _write)
