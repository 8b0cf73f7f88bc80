"""The rule: one SQL statement over the panel of scores, the policy bound as parameters. Nothing is run here.

A reflection is accepted over its parent when the measure of what it rewrote improves (paper, section 3):

    instruction stage:  IFD(child)   > IFD(parent)   + instruction_margin
    response stage:     r-IFD(child) < r-IFD(parent) - response_margin

Walk from the original through both stages; ties, missing candidates and missing scores never accept. The options of
the policy then keep the winner or leave the sample out. Every sample gets one selection and one reason.
"""

import re

# `panel` is the only relation the rule reads. `judged` is read twice where there is a top share.
RULE = """
WITH instruction_stage AS (
    SELECT *,
           coalesce(has_instruction AND CASE $accept_instruction
               WHEN 'always' THEN true
               WHEN 'improved' THEN instruction_ifd > original_ifd + $instruction_margin
           END, false) AS instruction_taken
    FROM panel
), response_stage AS (
    SELECT *,
           if(instruction_taken, has_both, has_response) AS has_child,
           if(instruction_taken, failed_both, failed_response) AS child_failed,
           if(instruction_taken, both_r_ifd, response_r_ifd) AS child_r_ifd,
           if(instruction_taken, instruction_r_ifd, original_r_ifd) AS parent_r_ifd,
           coalesce(has_child AND CASE $accept_response
               WHEN 'always' THEN true
               WHEN 'improved' THEN child_r_ifd < parent_r_ifd - $response_margin
           END, false) AS response_taken
    FROM instruction_stage
), walk AS (
    SELECT *,
           if(response_taken, if(instruction_taken, 'BOTH', 'RESPONSE'),
              if(instruction_taken, 'INSTRUCTION', 'ORIGINAL')) AS winner,
           CASE winner WHEN 'ORIGINAL' THEN original_id WHEN 'RESPONSE' THEN response_id
                       WHEN 'INSTRUCTION' THEN instruction_id ELSE both_id END AS winner_id,
           CASE winner WHEN 'ORIGINAL' THEN original_ifd WHEN 'RESPONSE' THEN response_ifd
                       WHEN 'INSTRUCTION' THEN instruction_ifd ELSE both_ifd END AS winner_ifd,
           CASE winner WHEN 'ORIGINAL' THEN original_r_ifd WHEN 'RESPONSE' THEN response_r_ifd
                       WHEN 'INSTRUCTION' THEN instruction_r_ifd ELSE both_r_ifd END AS winner_r_ifd,
           CASE winner WHEN 'RESPONSE' THEN response_drift WHEN 'INSTRUCTION' THEN instruction_drift
                       WHEN 'BOTH' THEN both_drift END AS winner_drift,
           CASE winner WHEN 'RESPONSE' THEN response_growth WHEN 'INSTRUCTION' THEN instruction_growth
                       WHEN 'BOTH' THEN both_growth END AS winner_growth,
           CASE $rank_by WHEN 'ifd' THEN winner_ifd ELSE
                CASE winner WHEN 'ORIGINAL' THEN original_loss_ratio WHEN 'RESPONSE' THEN response_loss_ratio
                            WHEN 'INSTRUCTION' THEN instruction_loss_ratio ELSE both_loss_ratio END
           END AS rank_value,
           $accept_response = 'improved' AND (child_r_ifd IS NULL OR parent_r_ifd IS NULL) AS response_unscored,
           $accept_instruction = 'improved' AND (instruction_ifd IS NULL OR original_ifd IS NULL)
               AS instruction_unscored
    FROM response_stage
), judged AS MATERIALIZED (
    SELECT *, CASE
        WHEN $require_response_reflection AND NOT response_taken THEN CASE
            WHEN NOT has_child THEN if(child_failed, 'reflection_failed', 'not_reflected')
            WHEN response_unscored THEN 'unscored'
            ELSE 'not_improved' END
        WHEN $require_reflection AND winner = 'ORIGINAL' THEN CASE
            WHEN NOT has_instruction AND NOT has_response
                THEN if(failed_instruction OR failed_response, 'reflection_failed', 'not_reflected')
            WHEN has_instruction AND instruction_unscored OR has_response AND response_unscored THEN 'unscored'
            ELSE 'not_improved' END
        WHEN $max_ifd IS NOT NULL AND winner_ifd IS NULL THEN 'unscored'
        WHEN winner_ifd >= $max_ifd THEN 'ifd_ceiling'
        WHEN $max_r_ifd IS NOT NULL AND winner_r_ifd IS NULL THEN 'unscored'
        WHEN winner_r_ifd >= $max_r_ifd THEN 'r_ifd_ceiling'
        WHEN $top_share < 100 AND rank_value IS NULL THEN 'unscored'
        ELSE 'kept' END AS judgement,
        judgement IN ('kept', 'ifd_ceiling', 'r_ifd_ceiling') AS meets_ceilings
    FROM walk
), cut AS (
    -- The first place that a top share leaves out; ties go by seq. As decimals: 64.6 % of 500 is 323 and no less.
    SELECT quantile_disc((rank_value, -seq), CAST(1 - CAST($top_share AS DECIMAL(12, 6)) / 100 AS DECIMAL(12, 8)))
           AS first_out
    FROM judged WHERE $top_share < 100 AND judgement = 'kept'
)
SELECT seq, sample_id, winner, winner_id,
       if($top_share < 100 AND judgement = 'kept' AND (rank_value, -seq) <= first_out, 'below_top_share', judgement)
           AS reason,
       if(reason = 'kept', winner, NULL) AS origin,
       if(reason = 'kept', winner_id, NULL) AS candidate_id,
       winner_ifd, winner_r_ifd, winner_drift, winner_growth,
       least(if($accept_instruction = 'improved' AND has_instruction,
                abs(instruction_ifd - original_ifd - $instruction_margin), NULL),
             if($accept_response = 'improved' AND has_child,
                abs(parent_r_ifd - child_r_ifd - $response_margin), NULL),
             if(meets_ceilings, abs(winner_ifd - $max_ifd), NULL),
             if(meets_ceilings, abs(winner_r_ifd - $max_r_ifd), NULL)) AS closeness
FROM judged, cut
"""

# What differs where the options are columns of `policy`, a relation with one row a policy, and not parameters.
_OF_EACH = (
    ("FROM panel", "FROM panel CROSS JOIN policy"),
    ("SELECT quantile_disc", "SELECT policy, quantile_disc"),
    ("judgement = 'kept'\n)", "judgement = 'kept' GROUP BY policy\n)"),
    ("SELECT seq,", "SELECT policy, seq,"),
    ("FROM judged, cut", "FROM judged LEFT JOIN cut USING (policy)"),
)


def _of_each(rule: str) -> str:
    for one, each in _OF_EACH:
        if rule.count(one) != 1:
            raise AssertionError(f"the rule has {rule.count(one)} times: {one}")
        rule = rule.replace(one, each)
    return re.sub(r"\$(?!top_share\b)(\w+)", r"\1", rule)


RULE_OF_EACH = _of_each(RULE)
"""The same rule under many policies at once: a row a policy and sample, with the policy's number as `policy`.

It reads `panel` and `policy`, which has the number and a column for each option but `top_share`: that is a parameter
still, and the same for all.
"""
