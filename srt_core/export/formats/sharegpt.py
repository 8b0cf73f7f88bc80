"""ShareGPT: turns of `human` and `gpt`, the first of which may be of `system`; for LLaMA-Factory and Axolotl."""

from collections.abc import Mapping

from srt_core.export.formats.alpaca import UNEVEN, exchanges
from srt_core.export.formats.lines import Layout, LeftOut, Line
from srt_core.export.formats.messages import messages_of
from srt_core.export.formats.writing import Format, write_lines
from srt_core.records import Role

_FROM = {Role.SYSTEM: "system", Role.USER: "human", Role.ASSISTANT: "gpt"}


def _fields(line: Line, layout: Layout) -> Mapping[str, object] | LeftOut:
    last = line.last
    if exchanges(last.pair.context) is None:
        return UNEVEN
    turns = [{"from": _FROM[Role(each["role"])], "value": each["content"]} for each in messages_of(last.pair)]
    return {"conversations": turns, "sample_id": last.sample_id} | layout.own(last)


FORMAT = Format(
    "sharegpt",
    "ShareGPT, JSON Lines",
    "One conversation a line as turns of human and gpt, with system text and earlier turns.",
    "sharegpt.{split}.jsonl",
    _fields,
    write_lines,
    llamafactory={"formatting": "sharegpt", "columns": {"messages": "conversations"}},
)
