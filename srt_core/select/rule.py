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

RULE_VERSION = "d4b509a38604"
"""Changes when the rule decides otherwise, not when its text alone changes: audits name the version they judged."""

_KINDS: Mapping[str, str] = {
    "accept_instruction": "VARCHAR",
    "accept_response": "VARCHAR",
    "instruction_margin": "DOUBLE",
    "response_margin": "DOUBLE",
    "require_response_reflection": "BOOLEAN",
    "require_reflection": "BOOLEAN",
    "rank_by": "VARCHAR",
}
"""The options that are columns of `policy`, with their types."""


def rule(policies: Sequence[Policy], tag: str = "") -> str:
    """Return the rule under some policies that share a top share: a row a policy and sample.

    It reads `panel` and the parameters of `parameters`, whose names end in `tag`. `policy` is a policy's place in
    `policies`. Only the guards that one of them has on are looked at, so that a measure which no policy uses costs
    nothing.
    """
    guards = [guard for guard in GUARDS.values() if any(policy.limit(guard.name) is not None for policy in policies)]
    distances = [f"if(reached_guards, abs(winner_{each.measure} - limit_{each.name}), NULL)" for each in guards]
    reached = ", ".join(f"'{reason}'" for reason in ("kept", *(guard.reason for guard in guards)))
    ranks = " ".join(f"WHEN '{name}' THEN winner_{name}" for name in sorted({policy.rank_by for policy in policies}))
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
           if(instruction_taken, has_both, has_response) AS has_child,
           if(instruction_taken, failed_both, failed_response) AS child_failed,
           if(instruction_taken, both_r_ifd, response_r_ifd) AS child_r_ifd,
           if(instruction_taken, instruction_r_ifd, original_r_ifd) AS parent_r_ifd,
           coalesce(has_child AND CASE accept_response
               WHEN 'always' THEN true
               WHEN 'improved' THEN child_r_ifd < parent_r_ifd - response_margin
           END, false) AS response_taken
    FROM instruction_stage
), walk AS (
    SELECT *,
           if(response_taken, if(instruction_taken, 'BOTH', 'RESPONSE'),
              if(instruction_taken, 'INSTRUCTION', 'ORIGINAL')) AS winner,
           {_of_winner("id", tuple(Origin))} AS winner_id,
           {_FIND_WINNERS},
           CASE rank_by {ranks} END AS rank_value,
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
        WHEN $top_share{tag} < 100 AND rank_value IS NULL THEN 'unscored'
        ELSE 'kept' END AS judgement,
        judgement IN ({reached}) AS reached_guards
    FROM walk
), cut AS (
    -- The first place that a top share leaves out; ties go by seq. As decimals: 64.6 % of 500 is 323 and no less.
    -- A quantile has to be a constant of the statement, which is why top_share is no column of `policy`.
    SELECT policy, quantile_disc((rank_value, -seq),
                                 CAST(1 - CAST($top_share{tag} AS DECIMAL(12, 6)) / 100 AS DECIMAL(12, 8))) AS first_out
    FROM judged WHERE $top_share{tag} < 100 AND judgement = 'kept' GROUP BY policy
)
SELECT policy, seq, sample_id, winner, winner_id,
       if($top_share{tag} < 100 AND judgement = 'kept' AND (rank_value, -seq) <= first_out,
          'below_top_share', judgement) AS reason,
       if(reason = 'kept', winner, NULL) AS origin,
       if(reason = 'kept', winner_id, NULL) AS candidate_id,
       {_WINNERS},
       least(if(accept_instruction = 'improved' AND has_instruction,
                abs(instruction_ifd - original_ifd - instruction_margin), NULL),
             if(accept_response = 'improved' AND has_child,
                abs(parent_r_ifd - child_r_ifd - response_margin), NULL)
             {"".join(f", {distance}" for distance in distances)}) AS closeness
FROM judged LEFT JOIN cut USING (policy)
"""


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
    return {f"policies{tag}": json.dumps(rows), f"top_share{tag}": policies[0].top_share}


def winner_of(measure: Measure) -> str:
    """Return the expression of the winner's number of a measure, over a relation with `winner` and the panel's columns.

    What a sample has is the same whatever wins.
    """
    return _of_winner(measure.name, measure.origins) if measure.origins else measure.name


def _of_winner(column: str, origins: Sequence[Origin]) -> str:
    cases = " ".join(f"WHEN '{origin}' THEN {origin.lower()}_{column}" for origin in origins)
    return f"CASE winner {cases} END"


_FIND_WINNERS = ", ".join(f"{winner_of(measure)} AS winner_{measure.name}" for measure in MEASURES.values())
_WINNERS = ", ".join(f"winner_{name}" for name in MEASURES)
"""The winner's number of every measure there is, as columns."""


def _policies(guards: Sequence[Guard], tag: str) -> str:
    """Return the SELECT of `policy`: one row a policy with its number, options and limits (NULL: off)."""
    columns = {"policy": "INTEGER", **_KINDS, **{f"limit_{guard.name}": "DOUBLE" for guard in guards}}
    return f"SELECT unnest(from_json($policies{tag}::JSON, '{json.dumps([columns])}'), recursive := true)"


_OUT: Mapping[tuple[str, bool], str] = {
    ("high", True): ">=",
    ("high", False): ">",
    ("low", True): "<=",
    ("low", False): "<",
}
"""How the winner's number stands to the limit of a guard that leaves it out: by side, and whether the end is open."""


def _guard(guard: Guard) -> str:
    return (
        f"WHEN limit_{guard.name} IS NOT NULL AND winner_{guard.measure} IS NULL THEN 'unscored' "
        f"WHEN winner_{guard.measure} {_OUT[guard.side, guard.is_open]} limit_{guard.name} THEN '{guard.reason}'"
    )


def check_columns(measures: Iterable[Measure]) -> None:
    """Raise a ValueError for a measure that needs a column of a name that the derived tables or the rule have taken."""
    statement = rule([Policy()]).replace(_FIND_WINNERS, "").replace(_WINNERS, "")
    taken = {*re.findall(r"\w+", statement), *panel_columns(()), *selection_columns(())}
    for measure in measures:
        name = measure.name
        columns = {f"winner_{name}", *(f"{origin.lower()}_{name}" for origin in measure.origins)}
        if found := taken & (columns if measure.origins else {*columns, name}):
            raise ValueError(f"{name!r} cannot name a measure: the rule has a column {min(found)} of its own.")


check_columns(measure for measure in MEASURES.values() if measure not in SHARED_MEASURES)
