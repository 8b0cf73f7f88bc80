"""Conversations of a user and an assistant, one a line; `instruction` and `input` beside them for a re-import."""

from collections.abc import Iterable
from typing import BinaryIO

from srt_core.export.formats.writing import ExportRow, Format, write_lines
from srt_core.importing.files.conversations import user_content


def _write(file: BinaryIO, rows: Iterable[ExportRow]) -> int:
    return write_lines(file, map(_conversation, rows))


def _conversation(row: ExportRow) -> dict[str, object]:
    user = {"role": "user", "content": user_content(row.pair.instruction, row.pair.input)}
    assistant = {"role": "assistant", "content": row.pair.response}
    return {"messages": [user, assistant], "instruction": row.pair.instruction, "input": row.pair.input}


FORMAT = Format(
    "messages", "Messages, JSON Lines", "One conversation of a user and an assistant a line.", "messages.jsonl", _write
)
