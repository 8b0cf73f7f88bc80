"""Drift and growth: how far a rewrite is from the topic of its original, and how much longer it became.

Both are computed once, when a candidate is stored, from its text and its sample's original, without any model.
"""

import re
from dataclasses import dataclass

from srt_core.records import Origin, Pair

STEM = 6
"""Words are compared by this many first letters, so that inflections of a word are equal."""

# Chinese and Japanese have no spaces between words, so a character is a term.
_CJK = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_WORDS = re.compile(r"\w+")
_WORDS_AND_CHARACTERS = re.compile(rf"[{_CJK}]|(?:(?![{_CJK}])\w)+")

_LISTED = """
    a about all also an and any are as at be been being both but by can could d did do does doing each for from
    had has have he her here him his how i if in into is it its just ll m may me might more most must my no nor not of
    on or other our out over re s shall she should so some such t than that the their them then there these they this
    those to too under up us ve very was we were what when where which while who whom whose why will with would you
    your
"""
FUNCTION_WORDS = frozenset(_LISTED.split())
"""English words that say nothing about a topic, and the letters that apostrophes separate."""


@dataclass(frozen=True, slots=True)
class TextChange:
    """How a rewrite differs from its sample's original; None where that is not defined."""

    drift: float | None
    growth: float | None


UNCHANGED = TextChange(None, None)
"""The change of an original, which was not rewritten."""


def terms(text: str) -> frozenset[str]:
    """Return the terms of a text: its words without case and function words, each cut to its first 6 letters.

    A Chinese or Japanese character is a term of its own.
    """
    words = (_WORDS if text.isascii() else _WORDS_AND_CHARACTERS).findall(text.casefold())
    return frozenset([word[:STEM] for word in set(words) - FUNCTION_WORDS])


def drift(original: Pair, origin: Origin, candidate: Pair) -> float | None:
    """Return how far a rewrite is from the topic of its sample, from 0 to 1.

    1 - |A ∩ B| / min(|A|, |B|) with A the terms of the original pair (instruction, input and response, and its context
    where it has one, since a rewrite may take up what was said before) and B those of what was rewritten: the new
    instruction with its input for INSTRUCTION and BOTH, the new response for RESPONSE.
    0: every term of the smaller text is also in the other. 1: no term in common. None where one of them has no terms.
    """
    return _distance(_terms_of(original), _rewritten(origin, candidate))


def growth(original: Pair, candidate: Pair) -> float | None:
    """Return the characters of a candidate's response over those of the original's; None where that is empty."""
    return len(candidate.response) / len(original.response) if original.response else None


class Ruler:
    """Measures the rewrites of one original, whose terms are determined only once."""

    def __init__(self, original: Pair) -> None:
        self._original = original
        self._terms = _terms_of(original)

    def change(self, origin: Origin, candidate: Pair) -> TextChange:
        """Return drift and growth of a rewrite."""
        return TextChange(_distance(self._terms, _rewritten(origin, candidate)), growth(self._original, candidate))


def _terms_of(original: Pair) -> frozenset[str]:
    said = (turn["content"] for turn in original.context.messages)
    return terms("\n".join((original.instruction, original.input, original.response, *said)))


def _rewritten(origin: Origin, candidate: Pair) -> frozenset[str]:
    if origin is Origin.RESPONSE:
        return terms(candidate.response)
    return terms(f"{candidate.instruction}\n{candidate.input}")


def _distance(one: frozenset[str], other: frozenset[str]) -> float | None:
    smaller = min(len(one), len(other))
    return 1 - len(one & other) / smaller if smaller else None
