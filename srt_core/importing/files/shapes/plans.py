"""Which columns of a record are which part of its pair: as they were mapped, or by their names."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from srt_core.importing.files.shapes.names import (
    CHOSEN,
    HISTORY,
    INSTANCE_INSTRUCTIONS,
    INSTANCES,
    MAYBE_MESSAGES,
    MESSAGES,
    PAIRS,
    SYSTEM,
    TEXT,
    TREES,
    folded,
)


class Shape(StrEnum):
    """What holds the pair."""

    PAIR = "pair"
    MESSAGES = "messages"
    INSTANCES = "instances"
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class Plan:
    """The columns of a record by part; "" where there is none."""

    shape: Shape
    instruction: str = ""
    input: str = ""
    other_inputs: tuple[str, ...] = ()
    """Columns that are the input of a record in which that one is empty."""
    response: str = ""
    whole: str = ""
    """The column of the messages, the instances or the text."""
    system: str = ""
    history: str = ""
    answer: str = ""
    """The preferred answer to a conversation that ends with the user."""

    columns: Mapping[str, str] = field(init=False, compare=False)
    """Part by column, of those that are there."""

    def __post_init__(self) -> None:
        """Note the columns once: a plan is used for many records."""
        word = {Shape.MESSAGES: "turns", Shape.INSTANCES: "instances", Shape.TEXT: "text"}.get(self.shape, "")
        parts = (
            (self.instruction, "instruction"), (self.input, "input"), (self.response, "response"), (self.whole, word),
            (self.system, "system"), (self.history, "history"), (self.answer, "response"),
        )  # fmt: skip
        object.__setattr__(self, "columns", {column: part for column, part in parts if column})


def mapped_plan(parts: Mapping[str, str], names: Iterable[str]) -> Plan:
    """Return the plan of a mapping of the original; system and history are found by their names where not mapped."""
    found = _by_folded(names)
    system = parts.get("system", _first(found, SYSTEM))
    history = parts.get("history", _first(found, HISTORY))
    for part, shape in (("messages", Shape.MESSAGES), ("text", Shape.TEXT)):
        if parts.get(part):
            return Plan(shape, whole=parts[part], system=system, history=history)
    used = {parts.get(part, "") for part in ("instruction", "input", "response")}
    return Plan(
        Shape.PAIR,
        parts["instruction"],
        parts.get("input", ""),
        response=parts["response"],
        system="" if system in used and "system" not in parts else system,
        history="" if history in used and "history" not in parts else history,
    )


def find_plan(names: Sequence[str], lists: Sequence[str], fixed: Mapping[str, str]) -> Plan | None:
    """Return the plan for a record with values under these names, of which `lists` may hold messages; None for none.

    `fixed` are the parts that were mapped: a system, a history, an input.
    """
    found = _by_folded(names)
    system = fixed.get("system", _first(found, SYSTEM))
    history = fixed.get("history", _first(found, HISTORY))
    pair = _find_pair(found)
    messages = _first(_by_folded(lists), (*MESSAGES, *([] if pair else [*MAYBE_MESSAGES, *TREES, CHOSEN])))
    if messages and (pair is None or folded(pair.instruction) != "instruction"):
        answer = found.get(CHOSEN, "") if messages != found.get(CHOSEN) else ""
        return Plan(Shape.MESSAGES, whole=messages, system=system, history=history, answer=answer)
    if pair:
        mapped = fixed.get("input")
        input, *others = pair.inputs if mapped is None else [mapped]
        return Plan(Shape.PAIR, pair.instruction, input, tuple(others), pair.response, system=system, history=history)
    instances, definition = _first(found, INSTANCES), _first(found, INSTANCE_INSTRUCTIONS)
    if instances and definition:
        return Plan(Shape.INSTANCES, definition, whole=instances, system=system)
    text = _first(found, TEXT)
    return Plan(Shape.TEXT, whole=text, system=system) if text else None


class _Pair(NamedTuple):
    """The columns of a pair; one input at least, "" for none."""

    instruction: str
    inputs: Sequence[str]
    response: str


def _find_pair(found: Mapping[str, str]) -> _Pair | None:
    for pair in PAIRS:
        response = _first(found, pair.responses)
        if pair.instruction in found and response:
            inputs = [found[name] for name in pair.inputs if name in found]
            return _Pair(found[pair.instruction], inputs or [""], response)
    return None


def _by_folded(names: Iterable[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name in names:
        found.setdefault(folded(name), name)
    return found


def _first(found: Mapping[str, str], names: Iterable[str]) -> str:
    return next((found[name] for name in names if name in found), "")
