"""Run the rule: under the applied policy for what stands in the project, under any other without storing anything."""

import json
from collections.abc import Sequence

from srt_core.errors import PolicyError
from srt_core.project.events import append
from srt_core.project.store import Query, Row, Store
from srt_core.project.transaction import Transaction
from srt_core.records import Origin, Policy
from srt_core.select.derive import refresh
from srt_core.select.panel import candidates_of, panel_of
from srt_core.select.policy import applied_policy, check, policy_in, policy_to_json, settings_of
from srt_core.select.rule import parameters, rule


def panel_for(store: Store, policy: Policy, scoring_id: int | None = None, tag: str = "") -> Query:
    """Return the panel for a policy: the stored one, refreshed before, or where that does not fit one made for it.

    The stored panel is that of the applied policy's producer under the scoring in use. `scoring_id` names another
    scoring; the names of the parameters end in `tag`. PolicyError for a producer that made none.
    """
    if scoring_id is None and policy.producer == applied_policy(store).producer:
        return Query("SELECT * FROM panel", {})
    check_producer(store, policy.producer)
    if scoring_id is None:
        scoring_id = store.scoring_id()
    names = f"scoring{tag}", f"producer{tag}"
    return Query(panel_of(*names), dict(zip(names, (scoring_id, policy.producer), strict=True)))


def rule_of(
    store: Store, policy: Policy, scoring_id: int | None = None, tag: str = "", *, with_closeness: bool = False
) -> Query:
    """Return the rule under a policy, over the panel of `panel_for`; PolicyError where a value is out of range.

    The names of the parameters end in `tag`, so that several can stand in one statement.
    """
    check(policy)
    panel = panel_for(store, policy, scoring_id, tag)
    only = f"WITH panel AS ({panel.sql})" if panel.values else ""
    sql = f"{only} SELECT * EXCLUDE (policy) FROM ({rule([policy], tag, with_closeness=with_closeness)})"
    return Query(sql, {**parameters([policy], tag), **panel.values})


def rule_of_each(
    store: Store, policies: Sequence[Policy], among: Sequence[int] | None = None, *, with_closeness: bool = False
) -> Query:
    """Return the rule under several policies at once: a row a policy and sample; `policy` is its place in `policies`.

    `among` are the numbers of the samples that are looked at (None: all); a top share is one of these.
    They must share a producer: PolicyError where they do not, or where a value is out of range.
    """
    for policy in policies:
        check(policy)
    if len({policy.producer for policy in policies}) != 1:
        raise PolicyError("The policies differ in producer.", "Ask for those of one at a time.")
    panel = panel_for(store, policies[0])
    only = "" if among is None else "WHERE seq IN (SELECT unnest($among::BIGINT[]))"
    each = rule(policies, with_closeness=with_closeness)
    return Query(
        f"WITH panel AS (SELECT * FROM ({panel.sql}) {only}) SELECT * FROM ({each})",
        {**parameters(policies), **panel.values, **({} if among is None else {"among": list(among)})},
    )


def agrees(selected: str) -> str:
    """Return the condition that a selection is what people decided, over a relation that has the columns of `verdict`.

    `selected` names the relation with the selection's origin and candidate_id. A decision for another producer's text
    of the same origin is not the rule's pick; a repair is for no candidate.
    """
    same_text = f"coalesce({selected}.candidate_id = verdict_id, true)"
    return f"{selected}.origin IS NOT DISTINCT FROM verdict_origin AND {same_text}"


def candidates_taken(store: Store, policy: Policy, sample: str) -> dict[Origin, int]:
    """Return the candidates of a sample that a policy may take, by origin."""
    refresh(store)
    values = {"sample": sample}
    if policy.producer == applied_policy(store).producer:
        rows = store.rows("SELECT * FROM panel WHERE sample_id = $sample", values)
    else:
        sql = f"SELECT * FROM ({candidates_of('producer')}) WHERE sample_id = $sample"
        rows = store.rows(sql, {**values, "producer": policy.producer})
    return taken_candidates(rows[0]) if rows else {}


def taken_candidates(row: Row) -> dict[Origin, int]:
    """Read the candidates by origin from a row that has the panel's ids, such as one of browse.row."""
    ids = {origin: row[f"{origin.lower()}_id"] for origin in Origin}
    return {origin: found for origin, found in ids.items() if found is not None}


def select(store: Store, policy: Policy) -> list[Row]:
    """Run the rule over the whole set under `policy` without storing anything: one row a sample, by seq."""
    refresh(store)
    rule = rule_of(store, policy, with_closeness=True)
    return store.rows(f"SELECT * FROM ({rule.sql}) ORDER BY seq", rule.values)


def apply(store: Store, policy: Policy, author: str, *, upon: Policy | None = None) -> None:
    """Make `policy` the one that selects, and log it with the one before. Reviewers' decisions stay as they are.

    `upon` is the policy that was in use when this one was looked at: PolicyError where another is by now.
    """
    check(policy)
    if policy_to_json(policy) != _in_use(store.meta("policy")):
        check_producer(store, policy.producer)
        with store.transaction() as tx:
            if upon is not None and upon != (now := policy_in(tx.meta("policy"))):
                raise PolicyError(
                    f"Another policy was put in use meanwhile, {now.name}, so nothing was applied.",
                    "Look at what would change now, then apply.",
                )
            put_in_use(tx, policy, author)
    refresh(store)


def put_in_use(tx: Transaction, policy: Policy, author: str, undoes: int | None = None) -> None:
    """Have a policy select from the next refresh on, and log its values and those before; `undoes`: see `applied`."""
    before = _in_use(tx.meta("policy"))
    tx.set_meta("policy", policy_to_json(policy))
    append(tx, "policy", author, {**settings_of(policy), "before": json.loads(before)}, undoes=undoes)


def _in_use(held: str | None) -> str:
    """Return the policy in use as text: it may name a guard that is gone."""
    return held or policy_to_json(Policy())


def check_producer(store: Store, producer: str) -> None:
    """Raise PolicyError where a policy would take rewrites of a producer, or an order of some, and there are none."""
    sql = """SELECT 1 FROM candidate WHERE producer = $producer
             OR producer IN (SELECT ranked.producer FROM producer_order AS ranked WHERE name = $producer) LIMIT 1"""
    if producer and not store.rows(sql, {"producer": producer}):
        raise PolicyError(f"There are no rewrites by {producer}.", "Choose a producer that made some, or '' for any.")
