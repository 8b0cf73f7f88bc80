"""Marks: a measure that is not defined for some texts and not finite for others, and one of samples."""

import math

from srt_core.methods.method import Method
from srt_core.records import Measure, Pair, Policy, Subject


def letters_a_mark(original: Pair, pair: Pair) -> float | None:
    """Divide the letters of a response by its full stops: infinite without a stop, undefined without a letter."""
    letters, stops = sum(map(str.isalpha, pair.response)), pair.response.count(".")
    if not letters:
        return None
    return letters / stops if stops else math.inf


def pair_length(original: Pair, pair: Pair) -> float:
    """Count the characters of a sample's original pair."""
    return float(len(original.instruction) + len(original.response))


METHOD = Method(
    name="marks",
    label="Marks",
    paper="a test",
    summary="Keep everything.",
    teacher=(),
    needs_student=False,
    measures=(
        Measure("letters_a_mark", "Letters a mark", "Letters by full stop.", "", high=100, function=letters_a_mark),
        Measure("pair_length", "Pair", "Characters of the pair.", "", Subject.SAMPLE, high=100, function=pair_length),
    ),
    policies=(Policy(name="marks", method="marks", require_response_reflection=False, limits=()),),
    dials=(),
)
