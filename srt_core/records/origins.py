"""Origins: the graph of a sample's candidates, as one table of data (paper, section 3)."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal


class Origin(StrEnum):
    """Where a candidate comes from; also its place in every list, key and chart."""

    ORIGINAL = "ORIGINAL"
    RESPONSE = "RESPONSE"
    INSTRUCTION = "INSTRUCTION"
    BOTH = "BOTH"


class Stage(StrEnum):
    """What a reflection rewrites: instruction (new x and new y) or response (new y, same x)."""

    INSTRUCTION = "instruction"
    RESPONSE = "response"


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

REWRITTEN_ORIGINS: tuple[Origin, ...] = tuple(DERIVATIONS)


def derived_by(stage: Stage) -> tuple[Origin, ...]:
    """Return the origins whose candidates a stage makes, in the order of Origin."""
    return tuple(origin for origin, made in DERIVATIONS.items() if made.stage is stage)
