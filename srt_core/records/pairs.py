"""A pair of an instruction and a response, with its optional input, in the context of its conversation."""

from dataclasses import dataclass

from srt_core.records.contexts import NO_CONTEXT, Context


@dataclass(frozen=True, slots=True)
class Pair:
    """An instruction x, its optional input ("" for none) and a response y; `context` is what stands before them."""

    instruction: str
    response: str
    input: str = ""
    context: Context = NO_CONTEXT
