"""The rule: one SQL statement over the panel of scores and a relation of policies. Nothing is run here.

A reflection is accepted over its parent when the measure of what it rewrote improves (paper, section 3):

    instruction stage:  IFD(child)   > IFD(parent)   + instruction_margin
    response stage:     r-IFD(child) < r-IFD(parent) - response_margin

Walk from the original through both stages; ties, missing candidates and missing scores never accept. The guards and
options of the policy then keep the winner or leave the sample out. Every sample gets one selection and one reason.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence

from srt_core.methods import GUARDS, MEASURES
from srt_core.project.derived import panel_columns, selection_columns
from srt_core.records import MEASURES as SHARED_MEASURES
from srt_core.records import Guard, Measure, Origin, Policy
from srt_core.select.closeness import closeness
from srt_core.select.expressions import (
    IS_DIVERSE,
    IS_SHARED,
    WHOLE,
    is_out,
    measured,
    of_origin,
    ranked,
    room,
    walked,
)

RULE_VERSION = "2f81c60e97ab"
"""Changes when the rule decides otherwise, not when its text alone changes: audits name the version they judged."""

_KINDS: Mapping[str, str] = {
    "accept_instruction": "VARCHAR",
    "accept_response": "VARCHAR",
    "instruction_margin": "DOUBLE",
    "response_margin": "DOUBLE",
    "require_response_reflection": "BOOLEAN",
    "require_reflection": "BOOLEAN",
    "top_share": "DOUBLE",
    "diverse_share": "DOUBLE",
    "rank_by": "VARCHAR",
    "share_of": "VARCHAR",
    "share_rounding": "VARCHAR",
}
"""The options that are columns of `policy`, with their types."""


def rule(policies: Sequence[Policy], tag: str = "", *, with_closeness: bool = False) -> str:
    """Return the rule under some policies: a row a policy and sample.

    It reads `panel` and the parameters of `parameters`, whose names end in `tag`. `policy` is a policy's place in
    `policies`. Only the guards that one of them has on are looked at, so that a measure which no policy uses costs
    nothing; nothing is ranked where none takes a top share. How close each sample is to another outcome costs several
    times as much as the rest: it is left out where nobody reads it.
    """
    guards = [guard for guard in GUARDS.values() if any(policy.limit(guard.name) is not None for policy in policies)]
    names = sorted({policy.rank_by for policy in policies})
    has_share = any(policy.top_share < WHOLE for policy in policies)
    has_diverse = any(policy.diverse_share < WHOLE for policy in policies)
    return f"""
WITH policy AS ({_policies(guards, tag)}), instruction_stage AS (
    SELECT *,
           coalesce(has_instruction AND CASE accept_instruction
               WHEN 'always' THEN true
               WHEN 'improved' THEN instruction_ifd > original_ifd + instruction_margin
           END, false) AS instruction_taken
    FROM panel CROSS JOIN policy
), response_stage AS (
    SELECT *,
           {_response_taken("response", "original")} AS alone_taken,
           {_response_taken("both", "instruction")} AS both_taken,
           if(instruction_taken, both_taken, alone_taken) AS response_taken,
           if(instruction_taken, has_both, has_response) AS has_child,
           if(instruction_taken, failed_both, failed_response) AS child_failed,
           if(instruction_taken, both_r_ifd, response_r_ifd) AS child_r_ifd,
           if(instruction_taken, instruction_r_ifd, original_r_ifd) AS parent_r_ifd
    FROM instruction_stage
), walk AS (
    SELECT *,
           {walked("instruction_taken", "response_taken")} AS winner,
           {of_origin("winner", "id", tuple(Origin))} AS winner_id,
           {_FIND_WINNERS},
           {ranked(names)} AS rank_value,
           accept_response = 'improved' AND (child_r_ifd IS NULL OR parent_r_ifd IS NULL) AS response_unscored,
           accept_instruction = 'improved' AND (instruction_ifd IS NULL OR original_ifd IS NULL)
               AS instruction_unscored
    FROM response_stage
), judged AS MATERIALIZED (
    SELECT *, CASE
        WHEN require_response_reflection AND NOT response_taken THEN CASE
            WHEN NOT has_child THEN if(child_failed, 'reflection_failed', 'not_reflected')
            WHEN response_unscored THEN 'unscored'
            ELSE 'not_improved' END
        WHEN require_reflection AND winner = 'ORIGINAL' THEN CASE
            WHEN NOT has_instruction AND NOT has_response
                THEN if(failed_instruction OR failed_response, 'reflection_failed', 'not_reflected')
            WHEN has_instruction AND instruction_unscored OR has_response AND response_unscored THEN 'unscored'
            ELSE 'not_improved' END
        {" ".join(map(_guard, guards))}
        {f"WHEN {IS_SHARED} AND rank_value IS NULL THEN 'unscored'" if has_share else ""}
        ELSE 'kept' END AS judgement
    FROM walk
), {_CUT if has_share else ""}{"topped" if has_diverse else "selected"} AS (
    SELECT *, {_BELOW_CUT if has_share else "judgement"} AS {"left_by_top" if has_diverse else "reason"}
    FROM {"ranked" if has_share else "judged"}
){_DIVERSE if has_diverse else ""}
{f", {closeness(_PICK, guards, names, has_share=has_share, has_diverse=has_diverse)}" if with_closeness else ""}
SELECT {_PICK},
       if(reason = 'kept', winner, NULL) AS origin,
       if(reason = 'kept', winner_id, NULL) AS candidate_id
       {", closeness, closest FROM nearest" if with_closeness else "FROM selected"}
"""


def _response_taken(child: str, parent: str) -> str:
    """Return the condition that the response stage takes a child over its parent."""
    return f"""coalesce(has_{child} AND CASE accept_response
               WHEN 'always' THEN true
               WHEN 'improved' THEN {child}_r_ifd < {parent}_r_ifd - response_margin
           END, false)"""


_CUT = f"""shared AS (
    SELECT policy, survivors, if(share_of = 'all', samples, survivors) AS left_of, {room("left_of")} AS room
    FROM (SELECT policy, top_share, share_of, share_rounding, count(*) AS samples,
                 count(*) FILTER (judgement = 'kept') AS survivors
          FROM judged GROUP BY ALL)
), places AS (
    SELECT policy, seq, rank_value AS kept_value,
           row_number() OVER (PARTITION BY policy ORDER BY rank_value DESC, seq) AS place
    FROM judged WHERE judgement = 'kept'
), cut AS (
    SELECT policy, min(kept_value) AS lowest FROM places JOIN shared USING (policy) WHERE place <= room GROUP BY policy
), ranked AS (
    FROM judged JOIN shared USING (policy) LEFT JOIN places USING (policy, seq) LEFT JOIN cut USING (policy)
), """
"""The tables of the top share: of how many it is, and the place of each sample that is left; ties go by its number."""

_BELOW_CUT = f"if({IS_SHARED} AND judgement = 'kept' AND place > room, 'below_top_share', judgement)"

_DIVERSE = f""", spread AS (
    SELECT policy, {room("if(share_of = 'all', samples, covered)", "diverse_share")} AS diverse_room
    FROM (SELECT policy, diverse_share, share_of, share_rounding, count(*) AS samples,
                 count(coverage_rank) FILTER (left_by_top = 'kept') AS covered
          FROM topped GROUP BY ALL)
), covering AS (
    SELECT policy, seq, row_number() OVER (PARTITION BY policy ORDER BY coverage_rank, seq) AS coverage_place
    FROM topped WHERE left_by_top = 'kept' AND coverage_rank IS NOT NULL
), selected AS (
    SELECT *, CASE
        WHEN NOT {IS_DIVERSE} OR left_by_top <> 'kept' THEN left_by_top
        WHEN coverage_place IS NULL THEN 'unscored'
        WHEN coverage_place > diverse_room THEN 'below_diverse_share'
        ELSE 'kept' END AS reason
    FROM topped JOIN spread USING (policy) LEFT JOIN covering USING (policy, seq)
)"""
"""The tables of the diverse share: it is taken of what the top share leaves, in the order of the coverage ranks."""


def parameters(policies: Sequence[Policy], tag: str = "") -> dict[str, object]:
    """Return the parameters of `rule` for checked policies.

    A policy's producer is none of them: it says which candidates the panel holds.
    """
    rows = [
        {
            "policy": place,
            **{name: policy.value(name) for name in _KINDS},
            **{f"limit_{name}": limit for name, limit in policy.limits},
        }
        for place, policy in enumerate(policies)
    ]
    return {f"policies{tag}": json.dumps(rows)}


_FIND_WINNERS = ", ".join(f"{measured(measure)} AS winner_{measure.name}" for measure in MEASURES.values())
_WINNERS = ", ".join(f"winner_{name}" for name in MEASURES)
"""The winner's number of every measure there is, as columns."""
_PICK = f"policy, seq, sample_id, winner, winner_id, reason, {_WINNERS}"


def _policies(guards: Sequence[Guard], tag: str) -> str:
    """Return the SELECT of `policy`: one row a policy with its number, options and limits (NULL: off)."""
    columns = {"policy": "INTEGER", **_KINDS, **{f"limit_{guard.name}": "DOUBLE" for guard in guards}}
    return f"SELECT unnest(from_json($policies{tag}::JSON, '{json.dumps([columns])}'), recursive := true)"


def _guard(guard: Guard) -> str:
    value = f"winner_{guard.measure}"
    return (
        f"WHEN limit_{guard.name} IS NOT NULL AND {value} IS NULL THEN 'unscored' "
        f"WHEN {is_out(guard, value)} THEN '{guard.reason}'"
    )


def check_columns(measures: Iterable[Measure]) -> None:
    """Raise a ValueError for a measure that needs a column of a name that the derived tables or the rule have taken."""
    statement = rule([Policy()], with_closeness=True).replace(_FIND_WINNERS, "").replace(_WINNERS, "")
    taken = {*re.findall(r"\w+", statement), *panel_columns(()), *selection_columns(())}
    for measure in measures:
        name = measure.name
        columns = {f"winner_{name}", *(f"{origin.lower()}_{name}" for origin in measure.origins)}
        if found := taken & (columns if measure.origins else {*columns, name}):
            raise ValueError(f"{name!r} cannot name a measure: the rule has a column {min(found)} of its own.")


check_columns(measure for measure in MEASURES.values() if measure not in SHARED_MEASURES)
