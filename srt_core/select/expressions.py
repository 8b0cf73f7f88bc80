"""Expressions of SQL that the rule and the closeness to its limits share. Text alone: nothing is run here."""

from collections.abc import Mapping, Sequence

from srt_core.methods import MEASURES
from srt_core.records import Guard, Measure, Origin

WHOLE = 100.0
"""The top share that leaves nothing out."""
IS_SHARED = f"top_share < {WHOLE}"
"""The condition that a policy takes a top share."""
IS_DIVERSE = f"diverse_share < {WHOLE}"
"""The condition that a policy takes a diverse share of what that leaves."""


def walked(instruction_taken: str, response_taken: str) -> str:
    """Return who wins where the two stages came out as these conditions say."""
    return (
        f"if({response_taken}, if({instruction_taken}, '{Origin.BOTH}', '{Origin.RESPONSE}'), "
        f"if({instruction_taken}, '{Origin.INSTRUCTION}', '{Origin.ORIGINAL}'))"
    )


def of_origin(origin: str, column: str, origins: Sequence[Origin]) -> str:
    """Return the panel's number of the candidate that the column `origin` names; NULL where it is none of `origins`."""
    cases = " ".join(f"WHEN '{each}' THEN {each.lower()}_{column}" for each in origins)
    return f"CASE {origin} {cases} END"


def measured(measure: Measure, origin: str = "winner") -> str:
    """Return what the candidate measures that the column `origin` names; what a sample has is the same of all."""
    return of_origin(origin, measure.name, measure.origins) if measure.origins else measure.name


def ranked(measures: Sequence[str], origin: str = "winner") -> str:
    """Return the number by which a policy's top share is taken, one of `measures`."""
    cases = " ".join(f"WHEN '{name}' THEN {measured(MEASURES[name], origin)}" for name in measures)
    return f"CASE rank_by {cases} END"


def room(of: str, share: str = "top_share") -> str:
    """Return how many samples a share of so many is, rounded as the policy says (half to even).

    The share is a decimal: 64.6 % of 500 is 323 and no less.
    """
    number = f"CAST({share} AS DECIMAL(12, 6)) * ({of}) / 100"
    return f"CAST(if(share_rounding = 'round', round_even({number}, 0), floor({number})) AS BIGINT)"


OUT: Mapping[tuple[str, bool], str] = {
    ("high", True): ">=",
    ("high", False): ">",
    ("low", True): "<=",
    ("low", False): "<",
}
"""How a number stands to the limit of a guard that leaves it out: by side, and whether the end is open."""


def is_out(guard: Guard, value: str) -> str:
    """Return the condition that a number is beyond the limit of a guard; NULL where one of them is."""
    return f"{value} {OUT[guard.side, guard.is_open]} limit_{guard.name}"
