"""Alpaca JSON: one list of {instruction, input, output}, with system and history where pairs have a context.

`history` is a list of [user, assistant], as LLaMA-Factory reads it. It trains on the answers there as well, unless told
`mask_history: true`: the format has no place to say so.
"""

from collections.abc import Mapping

from srt_core.export.formats.lines import Layout, LeftOut, Line
from srt_core.export.formats.writing import Format, write_list
from srt_core.records import Context, Role

UNEVEN = LeftOut("the format has no place for earlier turns that do not go from user to assistant and back")


def columns(line: Line, layout: Layout) -> dict[str, object] | LeftOut:
    """Return a pair and its context under the names of Alpaca's columns."""
    pair = line.last.pair
    history = exchanges(pair.context)
    if history is None:
        return UNEVEN
    found: dict[str, object] = {"instruction": pair.instruction, "input": pair.input, "output": pair.response}
    if layout.has_system:
        found["system"] = pair.context.system
    if layout.has_turns:
        found["history"] = history
    return found | {"sample_id": line.last.sample_id}


def exchanges(context: Context) -> list[list[str]] | None:
    """Return the earlier turns as [user, assistant]; None where they do not come in such pairs."""
    turns = context.turns
    if [turn.role for turn in turns] != [Role.USER, Role.ASSISTANT] * (len(turns) // 2):
        return None
    return [[user.text, assistant.text] for user, assistant in zip(turns[::2], turns[1::2], strict=True)]


def _fields(line: Line, layout: Layout) -> Mapping[str, object] | LeftOut:
    found = columns(line, layout)
    return found if isinstance(found, LeftOut) else found | layout.own(line.last)


FORMAT = Format(
    "alpaca",
    "Alpaca JSON",
    "One JSON list of instruction, input and output, with system and history where there are any.",
    "alpaca.{split}.json",
    _fields,
    write_list,
    llamafactory={
        "columns": {
            "prompt": "instruction",
            "query": "input",
            "response": "output",
            "system": "system",
            "history": "history",
        }
    },
)
