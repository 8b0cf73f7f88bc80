"""How close each sample is to another outcome: the smallest change of one limit of the policy that gives it one.

The outcome is the candidate that is kept, or none. The limits are both margins, the guards that are on and the cut of a
top share: the lowest number kept. A limit counts only where moving it by that distance and a billionth changes the
outcome while the others stand: a rewrite that would be taken and then left out by a ceiling is close to nothing.

Where a top share is taken, whoever comes in must rank among what is kept, and the same move takes others along. It
counts where it is certain: were all of these to rank higher, the sample would still have a place. Where a diverse share
is taken, coming in is never certain, and only what is kept is close to anything. Text alone: nothing is run here.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from srt_core.methods import MEASURES
from srt_core.records import Guard, Origin
from srt_core.select.expressions import IS_DIVERSE, IS_SHARED, is_out, measured, ranked, room, walked

TOP_SHARE = "top_share"
"""What `closest` says where the cut of the top share is nearest; else a margin, or a guard's name."""
_DIGITS = 9
"""Distances are told apart to a billionth, by which a limit is moved beyond them."""


@dataclass(frozen=True, slots=True)
class _Move:
    """One limit and what moving it past a sample's number does, as SQL.

    `side`: on which side of the limit the number is; `winner`: who wins after the move; `enters`: whether a sample that
    is not kept comes in.
    """

    limit: str
    distance: str
    side: str
    winner: str
    enters: str


def closeness(
    carried: str, guards: Sequence[Guard], ranks: Sequence[str], *, has_share: bool, has_diverse: bool = False
) -> str:
    """Return the tables that add `closeness` and `closest` to columns of `selected`; the last one is `nearest`.

    Args:
        carried: the columns; no others are, since rows are sorted once for each limit.
        guards: those that some policy has on.
        ranks: the measures by which some policy takes a top share.
        has_share: whether some policy takes one.
        has_diverse: whether some policy takes a diverse share.
    """
    moves = [*_stages(guards, ranks, has_share=has_share), *_guards(guards, ranks, has_share=has_share)]
    columns = ", ".join(
        f"{each.distance} AS by_{each.limit}, {each.side} AS side_{each.limit}, {each.enters} AS enters_{each.limit}"
        f"{f', {ranked(ranks, each.winner)} AS rank_{each.limit}' if has_share else ''}"
        for each in moves
    )
    can_enter = f"NOT {IS_DIVERSE} AND" if has_diverse else ""
    counted = {
        each.limit: f"if(reason = 'kept' OR {can_enter} {_comes_in(each, has_share)}, by_{each.limit}, NULL)"
        for each in moves
    }
    if has_share:
        counted[TOP_SHARE] = (
            f"if({IS_SHARED} AND (reason = 'kept' OR {can_enter} judgement = 'kept'), abs(rank_value - lowest), NULL)"
        )
    nearest = " ".join(f"WHEN near_{name} THEN '{name}'" for name in counted)
    return f"""otherwise AS (
    SELECT *, {walked("NOT instruction_taken", "if(instruction_taken, alone_taken, both_taken)")} AS by_instruction,
           {walked("instruction_taken", "NOT response_taken")} AS by_response
    FROM selected
), moved AS (
    SELECT {carried}, {_OF_SHARE if has_share else ""} {"diverse_share," if has_diverse else ""}
           {columns}
    FROM otherwise
), {_places(moves) if has_share else ""} counted AS (
    SELECT *, {", ".join(f"{distance} AS near_{name}" for name, distance in counted.items())}
    FROM {"placed" if has_share else "moved"}
), nearest AS (
    SELECT *, least({", ".join(f"near_{name}" for name in counted)}, NULL) AS closeness,
           CASE closeness {nearest} END AS closest
    FROM counted
)"""


def _stages(guards: Sequence[Guard], ranks: Sequence[str], *, has_share: bool) -> list[_Move]:
    def enters(winner: str) -> str:
        return " AND ".join(
            [*_demands(winner, ranks, has_share=has_share), *(_passes(each, winner) for each in guards)]
        )

    return [
        _Move(
            "instruction_margin",
            "if(accept_instruction = 'improved', abs(instruction_ifd - original_ifd - instruction_margin), NULL)",
            "instruction_taken",
            "by_instruction",
            enters("by_instruction"),
        ),
        _Move(
            "response_margin",
            "if(accept_response = 'improved', abs(parent_r_ifd - child_r_ifd - response_margin), NULL)",
            "response_taken",
            "by_response",
            enters("by_response"),
        ),
    ]


def _guards(guards: Sequence[Guard], ranks: Sequence[str], *, has_share: bool) -> list[_Move]:
    moves = []
    for guard in guards:
        value = f"winner_{guard.measure}"
        others = [_passes(each, "winner") for each in guards if each is not guard]
        demands = [*_demands("winner", ranks, has_share=has_share), *others, f"NOT {_passes(guard, 'winner')}"]
        distance = f"abs({value} - limit_{guard.name})"
        moves.append(_Move(guard.name, distance, _passes(guard, "winner"), "winner", " AND ".join(demands)))
    return moves


def _demands(winner: str, ranks: Sequence[str], *, has_share: bool) -> list[str]:
    """Return what a winner has to be, its numbers apart."""
    new = f"'{Origin.RESPONSE}', '{Origin.BOTH}'"
    demands = [
        f"(NOT require_response_reflection OR {winner} IN ({new}))",
        f"(NOT require_reflection OR {winner} <> '{Origin.ORIGINAL}')",
    ]
    return [*demands, f"(NOT {IS_SHARED} OR {ranked(ranks, winner)} IS NOT NULL)"] if has_share else demands


def _passes(guard: Guard, winner: str) -> str:
    out = is_out(guard, measured(MEASURES[guard.measure], winner))
    return f"(limit_{guard.name} IS NULL OR coalesce(NOT {out}, false))"


def _comes_in(move: _Move, has_share: bool) -> str:
    return f"(enters_{move.limit} AND is_sure_{move.limit})" if has_share else f"enters_{move.limit}"


_OF_SHARE = "judgement, rank_value, lowest, top_share, share_of, share_rounding, left_of, survivors,"
"""The columns of `selected` that tell how a top share was taken."""

_FEWER = "left_of - if(share_of = 'all', 0, along_{})"
"""Of how many a share is at least, once the samples of a move may have left."""


def _places(moves: Sequence[_Move]) -> str:
    """Return the tables that say of each move whether a sample that comes in by it would surely rank among the kept.

    With it move `along_*` others at most. Were all of them to come in above it, or to leave, `first_out_*` would be the
    place of the first that is then left out; the sample ranks higher than who has that place now.
    """
    along = ", ".join(  # rounded, and no range of a billionth: DuckDB takes three times as long to find its ends
        f"""count(*) OVER (PARTITION BY policy, side_{each.limit} ORDER BY round(by_{each.limit}, {_DIGITS}))
            AS along_{each.limit}"""
        for each in moves
    )
    first_out = ", ".join(
        f"{room(_FEWER.format(each.limit))} - along_{each.limit} + 1 AS first_out_{each.limit}" for each in moves
    )
    sure = ", ".join(
        f"""NOT {IS_SHARED} OR first_out_{each.limit} >= 1 AND coalesce(at_{each.limit}.kept_value < rank_{each.limit},
            first_out_{each.limit} > survivors) AS is_sure_{each.limit}"""
        for each in moves
    )
    joins = " ".join(
        f"""LEFT JOIN places AS at_{each.limit}
            ON at_{each.limit}.policy = bounded.policy AND at_{each.limit}.place = first_out_{each.limit}"""
        for each in moves
    )
    return f"""bounded AS (
    SELECT *, {first_out} FROM (SELECT *, {along} FROM moved)
), placed AS (
    SELECT bounded.*, {sure}
    FROM bounded {joins}
), """
