"""In sequential mode: which samples' instruction stage the rule has settled, so that the response stage can follow."""

from srt_core.project.store import Query, Store
from srt_core.records import Acceptance, Origin, Policy
from srt_core.reflect.missing import Settled
from srt_core.select.panel import panel_of
from srt_core.select.policy import applied_policy
from srt_core.select.rule import parameters, rule

_SCORED = """(2 = (
    SELECT count(*) FROM score WHERE scoring_id = $scoring_id AND candidate_id IN (original_id, instruction_id)))"""

# The winner is sought among the producer's own rewrites, under the policy that is applied.
_IN_RANGE = "WHERE sample_id IN (SELECT sample_id FROM sample WHERE seq > $after AND seq <= $until)"


def _ready(policy: Policy) -> str:
    return f"""
    WITH panel AS ({panel_of("scoring_id", "producer", _IN_RANGE)}), rule AS ({rule([policy])})
    SELECT sample_id FROM rule JOIN panel USING (sample_id)
    WHERE CASE WHEN $origin = '{Origin.BOTH}' THEN winner IN ('{Origin.INSTRUCTION}', '{Origin.BOTH}')
               ELSE winner IN ('{Origin.ORIGINAL}', '{Origin.RESPONSE}') END
      AND CASE WHEN NOT has_instruction THEN sample_id IN (
                    SELECT sample_id FROM reflection
                    WHERE origin = '{Origin.INSTRUCTION}' AND producer = $producer AND status <> 'accepted')
               ELSE '{policy.accept_instruction}' <> 'improved' OR {_SCORED} END"""


_WAITING = f"""
    WITH panel AS ({panel_of("scoring_id", "producer")})
    SELECT count(*) FROM panel WHERE has_instruction AND NOT has_response AND NOT has_both AND NOT {_SCORED}
"""


def settled_by_rule(store: Store) -> Settled:
    """Return which samples the applied policy has settled, under the scoring in use."""
    policy = applied_policy(store)
    scoring: dict[str, object] = {"scoring_id": store.scoring_id()}
    waits = policy.accept_instruction is Acceptance.IMPROVED
    return Settled(
        Query(_ready(policy), {**parameters([policy]), **scoring}), Query(_WAITING, scoring) if waits else None
    )
