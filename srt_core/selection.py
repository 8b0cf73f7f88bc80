"""The rule: one SQL statement over the panel of scores, the policy bound as parameters.

A reflection is accepted over its parent when the measure of what it rewrote improves (paper, section 3):

    instruction stage:  IFD(child)   > IFD(parent)   + instruction_margin
    response stage:     r-IFD(child) < r-IFD(parent) - response_margin

Walk from the original through both stages; ties, missing candidates and missing scores never accept. The options of
the policy then keep the winner or leave the sample out. Every sample gets one selection and one reason.
"""

import json
from dataclasses import asdict, fields, replace
from typing import Any

from srt_core.errors import PolicyError
from srt_core.records import Acceptance, Origin, Policy, RankBy
from srt_core.store import Row, Store, Transaction

# `panel` is the only relation the rule reads.
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
           CASE winner WHEN 'ORIGINAL' THEN original_ifd WHEN 'RESPONSE' THEN response_ifd
                       WHEN 'INSTRUCTION' THEN instruction_ifd ELSE both_ifd END AS winner_ifd,
           CASE winner WHEN 'ORIGINAL' THEN original_r_ifd WHEN 'RESPONSE' THEN response_r_ifd
                       WHEN 'INSTRUCTION' THEN instruction_r_ifd ELSE both_r_ifd END AS winner_r_ifd,
           CASE $rank_by WHEN 'ifd' THEN winner_ifd ELSE
                CASE winner WHEN 'ORIGINAL' THEN original_loss_ratio WHEN 'RESPONSE' THEN response_loss_ratio
                            WHEN 'INSTRUCTION' THEN instruction_loss_ratio ELSE both_loss_ratio END
           END AS rank_value,
           $accept_response = 'improved' AND (child_r_ifd IS NULL OR parent_r_ifd IS NULL) AS response_unscored,
           $accept_instruction = 'improved' AND (instruction_ifd IS NULL OR original_ifd IS NULL)
               AS instruction_unscored
    FROM response_stage
), judged AS (
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
), ranked AS (
    SELECT *,
           row_number() OVER (PARTITION BY judgement = 'kept' ORDER BY rank_value DESC NULLS LAST, seq) AS place,
           count(*) OVER (PARTITION BY judgement = 'kept') AS places
    FROM judged
)
SELECT seq, sample_id, winner,
       -- as a decimal: 64.6 % of 500 is 323 and no less
       if(judgement = 'kept' AND place > floor(places * CAST($top_share AS DECIMAL(12, 6)) / 100),
          'below_top_share', judgement) AS reason,
       if(reason = 'kept', winner, NULL) AS origin,
       winner_ifd, winner_r_ifd,
       least(if($accept_instruction = 'improved' AND has_instruction,
                abs(instruction_ifd - original_ifd - $instruction_margin), NULL),
             if($accept_response = 'improved' AND has_child,
                abs(parent_r_ifd - child_r_ifd - $response_margin), NULL),
             if(meets_ceilings, abs(winner_ifd - $max_ifd), NULL),
             if(meets_ceilings, abs(winner_r_ifd - $max_r_ifd), NULL)) AS closeness
FROM ranked
"""


def rule_of(scoring: str) -> str:
    """Give the rule under another scoring than the one in use, whose id the parameter `scoring` holds."""
    return f"WITH panel AS ({_panel_of(scoring)}) SELECT * FROM ({RULE})"


def parameters(policy: Policy) -> dict[str, object]:
    """Give the parameters of RULE for a policy; PolicyError where a value is out of range."""
    _check(policy)
    values = asdict(policy)
    del values["name"]
    return values


def select(store: Store, policy: Policy) -> list[Row]:
    """Run the rule over the whole set under `policy` without storing anything: one row a sample, by seq."""
    refresh_panel(store)
    return store.rows(f"{RULE} ORDER BY seq", parameters(policy))


def counts(store: Store, policy: Policy) -> list[Row]:
    """Count samples by winner, origin (None: left out) and reason under `policy`, storing nothing."""
    refresh_panel(store)
    sql = f"SELECT winner, origin, reason, count(*) AS samples FROM ({RULE}) GROUP BY ALL ORDER BY ALL"
    return store.rows(sql, parameters(policy))


def flips(store: Store, policy: Policy, *, entering: bool, limit: int, offset: int = 0) -> list[Row]:
    """List samples that `policy` would keep and the applied one does not (`entering`), or the other way round."""
    refresh(store)
    kept, left_out = ("new", "old") if entering else ("old", "new")
    return store.rows(
        f"""SELECT sample_id, seq, old.origin AS origin_before, old.reason AS reason_before,
                   new.origin AS origin_after, new.reason AS reason_after
            FROM ({RULE}) AS new JOIN selection AS old USING (sample_id, seq)
            WHERE {kept}.origin IS NOT NULL AND {left_out}.origin IS NULL ORDER BY seq LIMIT $limit OFFSET $offset""",
        {**parameters(policy), "limit": limit, "offset": offset},
    )


def applied_policy(store: Store) -> Policy:
    """Read the policy that the project's selections stand under."""
    text = store.meta("policy")
    return policy_from_json(text) if text else Policy()


def apply(store: Store, policy: Policy, author: str) -> None:
    """Make `policy` the one that selects, and log it. Human decisions stay as they are."""
    _check(policy)
    if policy != applied_policy(store):
        body = policy_to_json(policy)
        with store.transaction() as tx:
            tx.execute("INSERT INTO meta VALUES ('policy', ?) ON CONFLICT DO UPDATE SET value = excluded.value", [body])
            tx.execute(
                "INSERT INTO event (action_id, author, kind, context) VALUES (nextval('event_ids'), ?, 'policy', ?)",
                [author, body],
            )
    refresh(store)


def refresh(store: Store) -> None:
    """Bring `panel` and `selection` up to date with the candidates, scores and policy, if anything changed."""
    panel_key = refresh_panel(store)
    policy = applied_policy(store)
    key = f"{panel_key}|{policy_to_json(policy)}"
    if store.meta("selection_key") == key:
        return
    with store.transaction() as tx:
        tx.execute("DELETE FROM selection")
        tx.execute(f"INSERT INTO selection BY NAME {RULE}", parameters(policy))
        _set_key(tx, "selection_key", key)


def refresh_panel(store: Store) -> str:
    """Bring `panel` up to date with the candidates, failures and scores, if anything changed; returns its version."""
    scoring_id = store.meta("scoring_id") or "0"
    key = f"{store.meta('data_version')}|{scoring_id}"
    if store.meta("panel_key") == key:
        return key
    with store.transaction() as tx:
        tx.execute("DELETE FROM panel")
        tx.execute(f"INSERT INTO panel BY NAME {_panel_of('scoring_id')}", {"scoring_id": int(scoring_id)})
        _set_key(tx, "panel_key", key)
    return key


def policy_to_json(policy: Policy) -> str:
    """Write a policy as one line of JSON."""
    return json.dumps(asdict(policy))


def policy_from_json(text: str) -> Policy:
    """Read a policy from JSON; PolicyError for an unknown option or a value out of range."""
    try:
        values = json.loads(text)
    except json.JSONDecodeError as error:
        raise PolicyError(f"The policy is no JSON: {error}.", "Give an object of options and values.") from error
    if not isinstance(values, dict):
        raise PolicyError("The policy is no JSON object.", "Give an object of options and values.")
    return with_settings(Policy(), values)


def with_settings(policy: Policy, settings: dict[str, Any]) -> Policy:
    """Give `policy` with the named options changed; PolicyError for an unknown one or a value out of range."""
    known = {field.name for field in fields(Policy)}
    if unknown := sorted(set(settings) - known):
        raise PolicyError(f"The policy has no option {', '.join(unknown)}.", f"It has: {', '.join(sorted(known))}.")
    try:
        typed = {name: _ENUMS[name](value) if name in _ENUMS else value for name, value in settings.items()}
    except ValueError as error:
        raise PolicyError(f"{error}.", "Take improved, always or never; rank_by is ifd or loss_ratio.") from error
    changed = replace(policy, **typed)
    _check(changed)
    return changed


_ENUMS: dict[str, Any] = {"accept_instruction": Acceptance, "accept_response": Acceptance, "rank_by": RankBy}


def _check_kinds(policy: Policy) -> None:
    for name in ("require_response_reflection", "require_reflection"):
        if not isinstance(getattr(policy, name), bool):
            raise PolicyError(f"{name} is {getattr(policy, name)}.", "Give true or false.")
    for name in ("instruction_margin", "response_margin", "max_ifd", "max_r_ifd", "top_share"):
        value = getattr(policy, name)
        off = value is None and name in ("max_ifd", "max_r_ifd")
        if not off and (isinstance(value, bool) or not isinstance(value, int | float)):
            raise PolicyError(f"{name} is {value}.", "Give a number.")


def _check(policy: Policy) -> None:
    _check_kinds(policy)
    if not 0 < policy.top_share <= 100:
        raise PolicyError(f"top_share is {policy.top_share}.", "Give a percentage above 0 and up to 100.")
    for name in ("max_ifd", "max_r_ifd"):
        ceiling = getattr(policy, name)
        if ceiling is not None and not 0 < ceiling < float("inf"):
            raise PolicyError(f"{name} is {ceiling}.", "Give a positive number, or none for no ceiling.")
    for name in ("instruction_margin", "response_margin"):
        if not -10 <= getattr(policy, name) <= 10:
            raise PolicyError(f"{name} is {getattr(policy, name)}.", "Give a number between -10 and 10.")


def _set_key(tx: Transaction, name: str, value: str) -> None:
    tx.execute("INSERT INTO meta VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value", [name, value])


def _panel_of(scoring: str) -> str:
    """Give the SELECT of `panel` under a scoring: one row a sample, what each candidate of the walk measures.

    `scoring` names the parameter that holds the scoring's id.
    """
    return f"""
SELECT sample.seq, sample.sample_id,
       bool_or(origin = 'RESPONSE') AS has_response, bool_or(origin = 'INSTRUCTION') AS has_instruction,
       bool_or(origin = 'BOTH') AS has_both,
       coalesce(any_value(failure.response), false) AS failed_response,
       coalesce(any_value(failure.instruction), false) AS failed_instruction,
       coalesce(any_value(failure.both_), false) AS failed_both,
       {_by_origin("ifd", "ifd")},
       {_by_origin("r_ifd", "r_ifd")},
       {_by_origin("loss_ratio", "loss_ratio")},
       {_by_origin("length(candidate.response)", "characters")},
       count(*) FILTER (ifd IS NULL OR r_ifd IS NULL) AS unscored,
       coalesce(bool_or(score.status = 'truncated'), false) AS truncated
FROM sample
JOIN candidate USING (sample_id)
LEFT JOIN score ON score.candidate_id = candidate.candidate_id AND score.scoring_id = ${scoring}
LEFT JOIN (
    SELECT sample_id, bool_or(origin = 'RESPONSE') AS response, bool_or(origin = 'INSTRUCTION') AS instruction,
           bool_or(origin = 'BOTH') AS both_
    FROM reflection WHERE status <> 'accepted' GROUP BY sample_id
) AS failure USING (sample_id)
GROUP BY sample.seq, sample.sample_id
"""


def _by_origin(number: str, name: str) -> str:
    return ", ".join(f"max({number}) FILTER (origin = '{origin}') AS {origin.lower()}_{name}" for origin in Origin)
