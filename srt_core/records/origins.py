"""Origins: the graph of a sample's candidates, as one table of data (paper, section 3)."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from srt_core.records.pairs import Pair


class Origin(StrEnum):
    """Where a candidate comes from; also its place in every list, key and chart."""

    ORIGINAL = "ORIGINAL"
    RESPONSE = "RESPONSE"
    INSTRUCTION = "INSTRUCTION"
    BOTH = "BOTH"


class Stage(StrEnum):
    """What a reply rewrites: instruction (new x and new y) or response (new y, same x), or any of both.

    The last is a coach's revision: what it changed says which candidate it made.
    """

    INSTRUCTION = "instruction"
    RESPONSE = "response"
    REVISION = "revision"


@dataclass(frozen=True, slots=True)
class Derivation:
    """How a reflected candidate is made: from which parent, by which stage.

    It is accepted over its parent when `measure` improves, which is in `direction`: 1 where more is better, -1 where
    less is.
    """

    parent: Origin
    stage: Stage
    measure: str
    direction: Literal[1, -1]


def _derived(parent: Origin, stage: Stage) -> Derivation:
    if stage is Stage.INSTRUCTION:
        return Derivation(parent, stage, "ifd", 1)
    return Derivation(parent, stage, "r_ifd", -1)


ORIGINS: Mapping[Origin, Derivation | None] = {
    Origin.ORIGINAL: None,
    Origin.RESPONSE: _derived(Origin.ORIGINAL, Stage.RESPONSE),
    Origin.INSTRUCTION: _derived(Origin.ORIGINAL, Stage.INSTRUCTION),
    Origin.BOTH: _derived(Origin.INSTRUCTION, Stage.RESPONSE),
}
"""Every origin and how its candidates are made; None: they are imported."""

DERIVATIONS: Mapping[Origin, Derivation] = {origin: made for origin, made in ORIGINS.items() if made}
"""The origins whose candidates are rewrites."""

REFLECTIONS: tuple[Stage, ...] = tuple(dict.fromkeys(made.stage for made in DERIVATIONS.values()))[::-1]
"""The stages of the graph, that of the instruction first."""

REWRITTEN_ORIGINS: tuple[Origin, ...] = tuple(DERIVATIONS)


def revised_origin(before: Pair, after: Pair) -> Origin:
    """Return which candidate a revision of an original is: INSTRUCTION where it changed instruction or input."""
    is_same = (before.instruction, before.input) == (after.instruction, after.input)
    return Origin.RESPONSE if is_same else Origin.INSTRUCTION


def derived_by(stage: Stage) -> tuple[Origin, ...]:
    """Return the origins whose candidates a stage makes, in the order of Origin."""
    return tuple(origin for origin, made in DERIVATIONS.items() if made.stage is stage)
