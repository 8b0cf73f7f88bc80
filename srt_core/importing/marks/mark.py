"""What a quality mark is, as data, and what a function looks at: one sample's original pair with its context."""

import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from threading import Event

from srt_core.importing.kinds import TaskType
from srt_core.project.transaction import Transaction
from srt_core.records import Pair, Role

EXCERPT_CHARACTERS = 40


@dataclass(frozen=True)
class Original:
    """A sample as the functions look at it: its number, its original pair, and what is known of it."""

    seq: int
    pair: Pair
    task: TaskType = TaskType.OTHER
    left_aside: str = ""
    """What the import left aside, such as images, since it is no text."""
    synthetic: str = ""
    """By whom it was written, where a student wrote it."""

    @cached_property
    def texts(self) -> tuple[tuple[str, str], ...]:
        """Every text of the pair with what it is called, those of the context last; empty ones are left out."""
        pair = self.pair
        turns = [(f"earlier turn {number}", turn.text) for number, turn in enumerate(pair.context.turns, 1)]
        named = [("instruction", pair.instruction), ("input", pair.input), ("response", pair.response)]
        return tuple((name, text) for name, text in [*named, ("system text", pair.context.system), *turns] if text)

    @cached_property
    def asked(self) -> str:
        """What the response answers, in lower case: system text, what the user said before, instruction and input."""
        said = [turn.text for turn in self.pair.context.turns if turn.role is Role.USER]
        return "\n".join([self.pair.context.system, *said, self.pair.instruction, self.pair.input]).lower()


Function = Callable[[Original], str | None]
"""Returns why a sample has a mark, in a few words that name what was found and where; None where it has none."""

Relation = Callable[[Transaction, Event], Iterator[int]]
"""Finds a mark that samples have by their relation to others.

It works in a `Store.workspace` and leaves a temporary table `related` (seq, detail) there, a sample at most once. It
yields the number of samples that it has looked at since it yielded last, and stops soon after the event is set.
"""


@dataclass(frozen=True, slots=True)
class Mark:
    """One quality mark: something about a sample that may need a look before training.

    Attributes:
        name: its name in filters, addresses and tables.
        label, help: what it is called on screen, and one plain sentence of it.
        function, relation: what finds it, one of the two.
        version: of these; what was found by another version is found again.
    """

    name: str
    label: str
    help: str
    function: Function | None = None
    relation: Relation | None = None
    version: str = "1"


def say_found(found: str, part: str, place: int) -> str:
    """Say what was found in which text; `place` counts its characters from 0, the words from 1."""
    return f"{quote(found)} in the {part}, at character {place + 1:,}"


def quote(text: str, most: int = EXCERPT_CHARACTERS) -> str:
    """Quote the beginning of a text in one line; characters that nobody sees are written as their numbers."""
    line = " ".join(text[: 2 * most].split(" "))
    shown = "".join(_visible(letter) for letter in line[:most])
    return f"“{shown}{'…' if len(text) > most else ''}”"


def _visible(letter: str) -> str:
    if letter == " " or unicodedata.category(letter)[0] not in "CZ":
        return letter
    return {"\n": "\\n", "\t": "\\t"}.get(letter, f"U+{ord(letter):04X}")


_CODE = re.compile(r"```.*?(?:```|\Z)|~~~.*?(?:~~~|\Z)|`[^`\n]*`", re.DOTALL)


def without_code(text: str) -> str:
    """Return a text with spaces in the place of Markdown's code, so that every other character keeps its place."""
    if "`" not in text and "~~~" not in text:
        return text
    return _CODE.sub(lambda found: re.sub(r"[^\n]", " ", found[0]), text)
