"""Drift and growth of a rewrite, worked out by hand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from srt_core.project.drift import Ruler, TextChange, drift, growth, terms
from srt_core.records import Context, Origin, Pair
from tests.context_project import turns

METRES = Pair("Convert 45 kilometers to meters.", "45000 meters")
ESSAY = "Write an essay on the history of the metric system, its base units and prefixes."
STEPS = "Convert 45 kilometers to meters, then to miles, and explain every step."

TERMS = [
    ("", set()),
    ("The of AND, it's!", set()),
    ("Convert converted CONVERTING", {"conver"}),
    ("Don't list 3 cats.", {"don", "list", "3", "cats"}),
    ("Straße STRASSE", {"strass"}),
    ("学习 Python", {"学", "习", "python"}),
    ("東京abcdefgh", {"東", "京", "abcdef"}),
]

DRIFTS = [
    # Of the original's 5 terms (conver, 45, kilome, meters, 45000) none, four, and all.
    (METRES, Origin.INSTRUCTION, Pair(ESSAY, "Long ago."), 1.0),
    (METRES, Origin.INSTRUCTION, Pair(STEPS, "45000."), 0.2),
    (METRES, Origin.INSTRUCTION, Pair("Convert meters.", "Which?"), 0.0),
    (METRES, Origin.BOTH, Pair(ESSAY, "45000 meters"), 1.0),
    (METRES, Origin.INSTRUCTION, Pair("Do it.", "Done.", "45 kilometers"), 0.0),
    # A response reflection keeps the instruction: what counts is the new response.
    (METRES, Origin.RESPONSE, Pair(METRES.instruction, "45 kilometers are 45000 meters."), 0.0),
    (METRES, Origin.RESPONSE, Pair(METRES.instruction, "Bananas ripen."), 1.0),
    (METRES, Origin.RESPONSE, Pair(METRES.instruction, "45000 bananas"), 0.5),
    (Pair("Sum up.", "Cats sleep.", "Cats sleep all day long."), Origin.INSTRUCTION, Pair("Describe a day.", "x"), 0.5),
    (METRES, Origin.INSTRUCTION, Pair("What is it?", "That."), None),
    (Pair("What is it?", "It is that."), Origin.RESPONSE, Pair("What is it?", "A cat."), None),
]


@pytest.mark.parametrize(("text", "expected"), TERMS)
def test_terms_are_the_words_that_carry_a_topic(text: str, expected: set[str]) -> None:
    """Case, function words and endings fall away, and a Chinese or Japanese character is a term by itself."""
    assert terms(text) == expected


@pytest.mark.parametrize(("original", "origin", "candidate", "expected"), DRIFTS)
def test_drift_is_one_minus_the_overlap_of_terms(
    original: Pair, origin: Origin, candidate: Pair, expected: float | None
) -> None:
    """The share of the smaller text's terms that the other has, from 1 down; none where a text has no terms."""
    assert drift(original, origin, candidate) == (None if expected is None else pytest.approx(expected))


def test_growth_is_the_ratio_of_characters() -> None:
    """The new response's characters over the original's; none where the original has none."""
    assert growth(METRES, Pair("x", "45000 meters" * 3)) == 3
    assert growth(Pair("x", "é" * 4), Pair("x", "éé")) == 0.5
    assert growth(Pair("x", ""), Pair("x", "y")) is None


@given(st.text(), st.text(), st.text(), st.sampled_from(list(Origin)[1:]))
def test_drift_is_a_share_and_a_copy_has_none(one: str, two: str, three: str, origin: Origin) -> None:
    """Drift lies between 0 and 1, the original itself has none, and a ruler measures what the functions do."""
    original, candidate = Pair(one, two), Pair(two, three)
    found = drift(original, origin, candidate)
    assert found is None or 0 <= found <= 1
    assert drift(original, origin, original) in (None, 0)
    assert Ruler(original).change(origin, candidate) == TextChange(found, growth(original, candidate))


def test_what_was_said_before_is_part_of_the_topic() -> None:
    """A rewrite that takes up words of the context has not left the topic; without a context nothing changes."""
    told = Pair("And then?", "He slept.", context=Context("Speak of whales.", turns("Tell me of Jonah.", "He sailed.")))
    rewrite = Pair("What of the whale and of Jonah?", "x")
    assert drift(told, Origin.INSTRUCTION, rewrite) == drift(told, Origin.BOTH, rewrite) == 0.5
    assert drift(Pair("And then?", "He slept."), Origin.INSTRUCTION, rewrite) == 1.0
