"""A pair in the form in which the patterns of kinds are matched."""

import re
from dataclasses import dataclass

from srt_core.records import Pair

READ_CHARACTERS = 400
"""How much of an instruction and of an input is used."""
RESPONSE_CHARACTERS = 1_000
SOURCE_CHARACTERS = 40
"""From this length on an input is a text to work on; a shorter one may be a mere topic such as "Rain"."""


@dataclass(frozen=True, slots=True)
class NormalisedPair:
    """A pair cut short, in lower case, without openings such as "please" and "given a list,".

    `has_source`: whether there is a text to work on, as input or within the instruction.
    """

    instruction: str
    input: str
    response: str
    has_source: bool


_ON_TEXT = re.compile(
    r"\b(?:sentences?|texts?|paragraphs?|passage|articles?|phrases?|words|strings?|statements?|lists?)\b"
)
_OPENING = re.compile(
    r"""(?:\W+|(?:please|kindly|now|then|hi|hello)\b,?|(?:can|could|would|will)\s+you(?:\s+please)?\b
        |(?:i\s+(?:want|need|would\s+like)|i'd\s+like)\s+(?:you\s+)?to\b|your\s+task\s+is\s+to\b|help\s+me(?:\s+to)?\b
        |you\s+(?:will\s+be|are|have\s+been)\s+(?:given|provided)\s[^.:]{0,120}[.:]|you\s+(?:need|have)\s+to\b
        |(?:given|for|using|based\s+on|from|in|with|considering|read|suppose|imagine|assume)\s[^,.?!:]{2,80},\s+
        |(?:automatically|briefly|also|quickly|correctly)\b)+""",
    re.VERBOSE,
)
_NO_INPUT = re.compile(r"\W*(?:(?:no|none|not|n/?a|nil|empty)\W*(?:input|applicable|required|needed|necessary)*)?\W*")


def normalise(pair: Pair) -> NormalisedPair:
    """Return a pair in the form in which patterns are matched."""
    instruction, source = (text[:READ_CHARACTERS].strip().lower() for text in (pair.instruction, pair.input))
    if source and _NO_INPUT.fullmatch(source):
        source = ""
    if not instruction:
        instruction, source = source, ""
    if opening := _OPENING.match(instruction):
        instruction = instruction[opening.end() :].lstrip() or instruction
    return NormalisedPair(
        instruction, source, pair.response[:RESPONSE_CHARACTERS].lower(), _has_source(instruction, source)
    )


def _has_source(instruction: str, source: str) -> bool:
    if len(source) >= SOURCE_CHARACTERS or len(instruction) >= 4 * SOURCE_CHARACTERS:
        return True
    return bool(source or ":" in instruction) and bool(_ON_TEXT.search(instruction))
