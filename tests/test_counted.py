"""A number and its noun agree wherever one is written."""

import pytest

from srt_core.records import counted, plural


@pytest.mark.parametrize(
    ("number", "noun", "said"),
    [
        (0, "sample", "0 samples"),
        (1, "sample", "1 sample"),
        (1_200, "pair", "1,200 pairs"),
        (2, "query", "2 queries"),
        (2, "day", "2 days"),
        (1, "row| of a file", "1 row of a file"),
        (3, "row| of a file", "3 rows of a file"),
        (1, "sample| that is| parked", "1 sample that is parked"),
        (2, "sample| that is| parked", "2 samples that are parked"),
        (2, "person", "2 people"),
        (2, "random read", "2 random reads"),
    ],
)
def test_a_noun_is_plural_unless_there_is_one(number: int, noun: str, said: str) -> None:
    """The noun takes its plural after every number but one, and so does a verb that is marked."""
    assert counted(number, noun) == said
    assert plural(number, noun) == said.partition(" ")[2]
