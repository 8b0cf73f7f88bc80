"""The task type of a pair, by the table tasks.toml: the first row that fits decides.

The patterns are English. In other languages only patterns without words apply (code, formulas, question marks), so such
a pair is code, mathematics, a closed question or `other`.
"""

import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from functools import cache
from importlib import resources
from typing import Any

from srt_core.importing.kinds.normalise import NormalisedPair, normalise
from srt_core.importing.kinds.patterns import is_code, is_mathematics
from srt_core.records import Pair


class TaskType(StrEnum):
    """What a pair asks for, in the order of lists and charts."""

    MATHEMATICS = "mathematics"
    CODE = "code"
    TRANSLATION = "translation"
    CLASSIFICATION = "classification"
    EXTRACTION = "extraction"
    SUMMARISING = "summarising"
    REWRITING = "rewriting"
    CREATIVE_WRITING = "creative writing"
    IDEAS = "ideas and lists"
    CLOSED_QUESTION = "closed question"
    OPEN_QUESTION = "open question"
    OTHER = "other"


Matcher = Callable[[NormalisedPair], bool]

_SIGNS: Mapping[str, Matcher] = {
    "code": is_code,
    "mathematics": is_mathematics,
    "source": lambda pair: pair.has_source and bool(pair.input),
    "question mark": lambda pair: pair.instruction.rstrip("\"' ").endswith(("?", "？", "؟")),
}


def task_of(pair: Pair) -> TaskType:
    """Return what a pair asks for: the task type of the first row that fits it, else OTHER."""
    normalised = normalise(pair)
    return next((task for task, fits in _table() if fits(normalised)), TaskType.OTHER)


@cache
def _table() -> Sequence[tuple[TaskType, Matcher]]:
    text = resources.files(__package__).joinpath("tasks.toml").read_text(encoding="utf-8")
    table = tomllib.loads(text)
    words = {name: _any_of(listed) for name, listed in table["words"].items()}
    return [(TaskType(row["task"]), _test(row, words)) for row in table["row"]]


def _any_of(listed: str) -> str:
    return f"(?:{'|'.join(word.replace('_', ' ') for word in listed.split())})"


def _test(row: Mapping[str, Any], words: Mapping[str, str]) -> Matcher:
    if sign := row.get("sign"):
        return _SIGNS[sign]
    written = "|".join(rf"(?:{part})\b" for part in row["begins"])
    pattern = re.compile(re.sub(r"[A-Z]{3,}", lambda found: words[found[0]], written))
    if row.get("on_source"):
        return lambda pair: pair.has_source and bool(pattern.match(pair.instruction))
    return lambda pair: bool(pattern.match(pair.instruction))
