"""The mark of a response that repeats its instruction."""

import re

from srt_core.importing.kinds import TaskType
from srt_core.importing.marks.mark import Mark, Original, quote

LEAST_CHARACTERS = 20
"""A shorter instruction, such as "Hello" or a title, may well begin its response."""
LEAST_DENSE = 8
"""The same of Chinese, Japanese or Korean characters."""

_EDGE = " \t\n\"'“”‘’«»*_#>:.?!。？！-"
_ECHO = re.compile(
    r"\b(?:repeat|echo|copy|say|spell|quote|type|print|recite|reverse|capitali[sz]e|restate|begin|start)\b"
)
_DENSE = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")


def repeats_instruction(sample: Original) -> str | None:
    """Find a response that begins with the whole instruction, or is nothing else."""
    instruction, response = sample.pair.instruction, sample.pair.response
    if sample.task is TaskType.CODE:  # it may begin with a comment that says what it does
        return None
    asked = _plain(instruction)
    answered = _plain(response[: 2 * len(instruction) + LEAST_CHARACTERS])
    if not asked or not answered.startswith(asked):
        return None
    rest = answered[len(asked) :].strip(_EDGE)
    if rest and _may_begin_so(sample, asked):
        return None
    said = "begins with the instruction" if rest else "is the instruction again"
    return f"the response {said}: {quote(response.strip())}"


def _may_begin_so(sample: Original, asked: str) -> bool:
    """Whether a response may well begin so: with a few words, an echo that was asked for, a beginning to complete."""
    is_short = len(asked) < LEAST_CHARACTERS and len(_DENSE.findall(asked)) < LEAST_DENSE
    is_beginning = sample.pair.instruction.rstrip()[-1:] not in ".?!。？！:"
    return is_short or is_beginning or bool(_ECHO.search(sample.asked))


def _plain(text: str) -> str:
    return " ".join(text.lower().split()).strip(_EDGE)


MARKS = (
    Mark(
        "repeats_instruction",
        "Repeats its instruction",
        "The response begins with the whole instruction, or is nothing else.",
        repeats_instruction,
    ),
)
