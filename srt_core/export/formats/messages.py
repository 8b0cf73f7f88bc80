"""Conversations of a user and an assistant, one a line; `instruction` and `input` beside them for a re-import.

Where a file holds earlier turns or calls of tools, each assistant message has a weight, as OpenAI's fine-tuning reads
it: 1 for an answer that is trained on, 0 for others. What an imported message had beside its text comes back with that
text, and not with a rewrite of it: fields, images, and the messages of tools around it. Where any content is a list of
parts, all are, so that a file is one table.
"""

from collections.abc import Mapping, Sequence

from srt_core.export.formats.lines import ExportRow, Layout, Line
from srt_core.export.formats.writing import Format, write_lines
from srt_core.importing.files.conversations import user_content
from srt_core.importing.files.shapes.asides import AFTER, BEFORE, CONTENT
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
    found: list[_Message] = []
    for place, (message, beside) in enumerate(zip(said, _kept(line.last, len(said)), strict=True)):
        fields = {name: value for name, value in beside.items() if name not in (*message, BEFORE, AFTER)}
        content = beside.get(CONTENT, message["content"])
        own = _message({**message, CONTENT: content, **fields}, layout, is_trained=place in trained)
        found += [*_around(beside, BEFORE, layout), own, *_around(beside, AFTER, layout)]
    return found


def _message(fields: Mapping[str, object], layout: Layout, *, is_trained: bool) -> _Message:
    found = dict(fields)
    if layout.has_parts and isinstance(found[CONTENT], str):
        found[CONTENT] = [{"type": "text", "text": found[CONTENT]}]
    if found["role"] == Role.ASSISTANT and (layout.has_turns or layout.has_calls):
        found[WEIGHT] = found.get(WEIGHT, 1) if is_trained else 0
    return found


def _around(beside: Mapping[str, object], side: str, layout: Layout) -> list[_Message]:
    """Return the messages without text that stood before or after one, as of calls of tools."""
    held = beside.get(side)
    return [_message(each, layout, is_trained=False) for each in held] if isinstance(held, list) else []


def _kept(row: ExportRow, count: int) -> Sequence[Mapping[str, object]]:
    """Return what each message of a row had beside role and content, as far as it still has the text that it had."""
    beside = row.own.get(MESSAGE_FIELDS)
    if not isinstance(beside, list) or len(beside) != count:
        return [{}] * count
    is_edited = row.edit_id is not None
    has_its_user = row.origin in (Origin.ORIGINAL, Origin.RESPONSE) and not is_edited
    has_its_answer = row.origin == Origin.ORIGINAL and not is_edited
    return [*beside[:-2], beside[-2] if has_its_user else {}, beside[-1] if has_its_answer else {}]


FORMAT = Format(
    "messages",
    "Messages, JSON Lines",
    "One conversation of a user and an assistant a line.",
    "messages.{split}.jsonl",
    _fields,
    write_lines,
    joins=True,
    llamafactory={
        "formatting": "sharegpt",  # its "openai" puts a system text before that nobody gave
        "columns": {"messages": "messages"},
        "tags": {
            "role_tag": "role",
            "content_tag": "content",
            "user_tag": "user",
            "assistant_tag": "assistant",
            "system_tag": "system",
        },
    },
)
