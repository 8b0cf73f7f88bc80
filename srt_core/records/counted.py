"""A number with its noun, the same on screens, on the command line and in files."""

from collections.abc import Mapping

_PLURALS: Mapping[str, str] = {"is": "are", "was": "were", "has": "have", "waits": "wait", "person": "people"}


def counted(number: int, noun: str) -> str:
    """Write a number with a noun, which is plural unless there is one: "1 sample", "1,200 random reads".

    `noun` is singular. Its last word takes the plural, or each word before a |: "sample| that is| parked".
    """
    return f"{number:,} {plural(number, noun)}"


def plural(number: int, noun: str) -> str:
    """Return a noun as it stands after a number, as `counted` does."""
    *inflected, rest = noun.split("|") if "|" in noun else (noun, "")
    return "".join([*(part if number == 1 else _plural(part) for part in inflected), rest])


def _plural(words: str) -> str:
    before, space, last = words.rpartition(" ")
    ending = f"{last[:-1]}ies" if last.endswith("y") and last[-2:-1] not in "aeiou" else f"{last}s"
    return f"{before}{space}{_PLURALS.get(last, ending)}"
