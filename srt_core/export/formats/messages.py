"""Conversations of a user and an assistant, one a line; `instruction` and `input` beside them for a re-import.

Where a file holds earlier turns, each assistant message has a weight, as OpenAI's fine-tuning reads it: 1 for an answer
that is trained on, 0 for others. What an imported message had beside role and content comes back with its text, and not
with a rewrite of it.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import BinaryIO

from srt_core.export.formats.lines import ExportRow, Layout, Line
from srt_core.export.formats.writing import Format, write_lines
from srt_core.importing.files.conversations import user_content
from srt_core.importing.files.shapes.names import MESSAGE_FIELDS
from srt_core.records import Origin, Pair, Role

WEIGHT = "weight"
_Message = dict[str, object]


def messages_of(pair: Pair) -> list[dict[str, str]]:
    """Return a pair in its context as chat messages."""
    user = {"role": str(Role.USER), "content": user_content(pair.instruction, pair.input)}
    return [*pair.context.messages, user, {"role": str(Role.ASSISTANT), "content": pair.response}]


def _fields(line: Line, layout: Layout) -> Mapping[str, object]:
    last = line.last
    found: dict[str, object] = {"messages": _messages(line, layout)}
    found |= {"instruction": last.pair.instruction, "input": last.pair.input, "sample_id": last.sample_id}
    if layout.is_joined:
        found["sample_ids"] = [row.sample_id for row in line.rows]
    return found | layout.own(last)


def _messages(line: Line, layout: Layout) -> list[_Message]:
    said = messages_of(line.last.pair)
    trained = {len(row.pair.context.messages) + 1 for row in line.rows}
    return [
        _message(message, beside, is_trained=place in trained, is_weighed=layout.has_turns)
        for place, (message, beside) in enumerate(zip(said, _kept(line.last, len(said)), strict=True))
    ]


def _message(
    message: Mapping[str, str], beside: Mapping[str, object], *, is_trained: bool, is_weighed: bool
) -> _Message:
    found: _Message = {**message, **{name: value for name, value in beside.items() if name not in message}}
    if message["role"] == Role.ASSISTANT and is_weighed:
        found[WEIGHT] = found.get(WEIGHT, 1) if is_trained else 0
    return found


def _kept(row: ExportRow, count: int) -> Sequence[Mapping[str, object]]:
    """Return what each message of a row had beside role and content, as far as it still has the text that it had."""
    beside = row.own.get(MESSAGE_FIELDS)
    if not isinstance(beside, list) or len(beside) != count:
        return [{}] * count
    is_edited = row.edit_id is not None
    has_its_user = row.origin in (Origin.ORIGINAL, Origin.RESPONSE) and not is_edited
    has_its_answer = row.origin == Origin.ORIGINAL and not is_edited
    return [*beside[:-2], beside[-2] if has_its_user else {}, beside[-1] if has_its_answer else {}]


def _write(file: BinaryIO, lines: Iterable[Mapping[str, object]], _layout: Layout) -> int:
    return write_lines(file, lines)


FORMAT = Format(
    "messages",
    "Messages, JSON Lines",
    "One conversation of a user and an assistant a line.",
    "messages.jsonl",
    _write,
    _fields,
    joins=True,
)
