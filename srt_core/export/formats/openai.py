"""OpenAI's format for fine-tuning: messages and nothing beside them, as the published checks want it.

The checks know role, content, name, weight and calls of functions in a message, want a text in each, and an answer.
"""

from collections.abc import Mapping

from srt_core.export.formats.lines import Layout, LeftOut, Line
from srt_core.export.formats.messages import WEIGHT, messages_of
from srt_core.export.formats.writing import Format, write_lines
from srt_core.records import Role

_EMPTY = LeftOut("a message has no text, which OpenAI's checks refuse")


def _fields(line: Line, layout: Layout) -> Mapping[str, object] | LeftOut:
    said: list[dict[str, object]] = [{**message} for message in messages_of(line.last.pair)]
    if not all(message["content"] for message in said):
        return _EMPTY
    trained = {len(row.pair.context.messages) + 1 for row in line.rows}
    if layout.has_turns:
        for place, message in enumerate(said):
            if message["role"] == Role.ASSISTANT:
                message[WEIGHT] = int(place in trained)
    return {"messages": said}


FORMAT = Format(
    "openai",
    "OpenAI fine-tuning",
    "Messages alone, as OpenAI's published checks want them: no sample ids, no columns of your own.",
    "openai.{split}.jsonl",
    _fields,
    write_lines,
    joins=True,
    has_ids=False,
)
