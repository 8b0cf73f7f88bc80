"""A pair of an instruction and a response, with its optional input."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pair:
    """An instruction x, its optional input ("" for none) and a response y."""

    instruction: str
    response: str
    input: str = ""
