"""Run the rule: under the applied policy for what stands in the project, under any other without storing anything."""

import json
from collections.abc import Sequence
from dataclasses import asdict, fields, replace
from typing import Any

from srt_core.errors import PolicyError
from srt_core.project.drift import Ruler
from srt_core.project.events import append
from srt_core.project.store import ANY, SCRATCH, Query, Row, Store, Transaction
from srt_core.records import Acceptance, Origin, Pair, Policy, RankBy
from srt_core.select.panel import panel_of, picks_of
from srt_core.select.rule import RULE, RULE_OF_EACH

DRIFT_CHUNK = 5_000
"""Rewrites of an older file whose drift is computed in one transaction."""


def panel_for(store: Store, policy: Policy, scoring_id: int | None = None) -> Query:
    """Return the panel for a policy: the stored one, refreshed before, or where that does not fit one made for it.

    The stored panel is that of the applied policy's producer under the scoring in use. `scoring_id` names another
    scoring. PolicyError for a producer that made none.
    """
    if scoring_id is None and policy.producer == applied_policy(store).producer:
        return Query("SELECT * FROM panel", {})
    _check_producer(store, policy.producer)
    if scoring_id is None:
        scoring_id = store.scoring_id()
    return Query(panel_of("scoring", "producer"), {"scoring": scoring_id, "producer": policy.producer})


def rule_of(store: Store, policy: Policy, scoring_id: int | None = None) -> Query:
    """Return the rule under a policy, over the panel of `panel_for`; PolicyError where a value is out of range."""
    values = parameters(policy)
    panel = panel_for(store, policy, scoring_id)
    if not panel.values:
        return Query(RULE, values)
    return Query(f"WITH panel AS ({panel.sql}) SELECT * FROM ({RULE})", {**values, **panel.values})


def rule_of_each(store: Store, policies: Sequence[Policy], among: Sequence[int] | None = None) -> Query:
    """Return the rule under several policies at once: a row a policy and sample; `policy` is its place in `policies`.

    `among` are the numbers of the samples that are looked at (None: all); a top share is one of these.
    They must share producer and top_share: PolicyError where they do not, or where a value is out of range.
    """
    if len({(policy.producer, policy.top_share) for policy in policies}) != 1:
        raise PolicyError("The policies differ in producer or top share.", "Ask for those of one of each at a time.")
    panel = panel_for(store, policies[0])
    options = [parameters(policy) for policy in policies]
    only = "" if among is None else "WHERE seq IN (SELECT unnest($among::BIGINT[]))"
    columns = ", ".join(f"unnest(${name}::{kind}[]) AS {name}" for name, kind in _OPTIONS.items())
    return Query(
        f"""WITH panel AS (SELECT * FROM ({panel.sql}) {only}),
                 policy AS (SELECT unnest(range(len($rank_by))) AS policy, {columns})
            SELECT * FROM ({RULE_OF_EACH})""",
        {
            **{name: [option[name] for option in options] for name in _OPTIONS},
            **panel.values,
            "top_share": policies[0].top_share,
            **({} if among is None else {"among": list(among)}),
        },
    )


_OPTIONS = {
    "accept_instruction": "VARCHAR",
    "accept_response": "VARCHAR",
    "instruction_margin": "DOUBLE",
    "response_margin": "DOUBLE",
    "max_ifd": "DOUBLE",
    "max_r_ifd": "DOUBLE",
    "require_response_reflection": "BOOLEAN",
    "require_reflection": "BOOLEAN",
    "rank_by": "VARCHAR",
}
"""The options that are columns of `policy` in RULE_OF_EACH, with their types."""


def parameters(policy: Policy) -> dict[str, object]:
    """Return the parameters of RULE for a policy; PolicyError where a value is out of range.

    The policy's producer is none of them: it says which candidates the panel holds.
    """
    _check(policy)
    values = asdict(policy)
    del values["name"], values["producer"]
    return values


def agrees(selected: str) -> str:
    """Return the condition that a selection is what people decided, over a relation that has the columns of `verdict`.

    `selected` names the relation with the selection's origin and candidate_id. A decision for another producer's text
    of the same origin is not the rule's pick; a repair is for no candidate.
    """
    same_text = f"coalesce({selected}.candidate_id = verdict_id, true)"
    return f"{selected}.origin IS NOT DISTINCT FROM verdict_origin AND {same_text}"


def picks(store: Store, policy: Policy, sample: str) -> dict[Origin, int]:
    """Return the candidates of a sample that a policy may take, by origin."""
    refresh(store)
    values = {"sample": sample}
    if policy.producer == applied_policy(store).producer:
        rows = store.rows("SELECT * FROM panel WHERE sample_id = $sample", values)
    else:
        sql = f"SELECT * FROM ({picks_of('producer')}) WHERE sample_id = $sample"
        rows = store.rows(sql, {**values, "producer": policy.producer})
    return picked(rows[0]) if rows else {}


def picked(row: Row) -> dict[Origin, int]:
    """Read the candidates by origin from a row that has the panel's ids, such as one of browse.row."""
    ids = {origin: row[f"{origin.lower()}_id"] for origin in Origin}
    return {origin: found for origin, found in ids.items() if found is not None}


def select(store: Store, policy: Policy) -> list[Row]:
    """Run the rule over the whole set under `policy` without storing anything: one row a sample, by seq."""
    refresh(store)
    rule = rule_of(store, policy)
    return store.rows(f"SELECT * FROM ({rule.sql}) ORDER BY seq", rule.values)


def counts(store: Store, policy: Policy) -> list[Row]:
    """Count samples by winner, origin (None: left out) and reason under `policy`, storing nothing."""
    refresh(store)
    rule = rule_of(store, policy)
    sql = f"SELECT winner, origin, reason, count(*) AS samples FROM ({rule.sql}) GROUP BY ALL ORDER BY ALL"
    return store.rows(sql, rule.values)


def applied_policy(store: Store) -> Policy:
    """Read the policy that the project's selections stand under."""
    return _policy_in(store.meta("policy"))


def _policy_in(text: str | None) -> Policy:
    return policy_from_json(text) if text else Policy()


def apply(store: Store, policy: Policy, author: str) -> None:
    """Make `policy` the one that selects, and log it with the one before. Human decisions stay as they are."""
    _check(policy)
    before = applied_policy(store)
    if policy != before:
        _check_producer(store, policy.producer)
        body = policy_to_json(policy)
        context = {**asdict(policy), "before": asdict(before)}
        with store.transaction() as tx:
            tx.set_meta("policy", body)
            append(tx, "policy", author, context)
    refresh(store)


def refresh(store: Store, *, now: bool = False) -> None:
    """Bring `panel` and `selection` up to date with the candidates, failures, scores and policy, if anything changed.

    Where samples changed, theirs alone is computed again; the whole where the scoring, the producer or the policy did.
    While the store may lag, new candidates and scores wait for a call with `now`; a changed policy never does.
    """
    if _behind(store, now=now) is None:
        return
    with store.deriving:
        if (keys := _behind(store, now=now)) is None:  # somebody else was faster
            return
        _fill_drift(store)
        held, asked = keys
        if held[1] != asked[1] or _most_are_stale(store):
            _derive_all(store, applied_policy(store), asked)
        else:
            _derive_stale(store, applied_policy(store), asked, is_new_policy=held[2] != asked[2])


_Key = list[str]
"""What the derived tables are a function of: the version of the data, scoring and producer, and the policy."""


def _behind(store: Store, *, now: bool) -> tuple[_Key, _Key] | None:
    """Return what the derived tables stand for and what they should; None where there is nothing to do."""
    meta = store.metas("policy", "scoring_id", "data_version", "selection_key")
    policy = _policy_in(meta.get("policy"))
    source = f"{meta.get('scoring_id', 0)}|{policy.producer}"
    asked = [meta.get("data_version", "0"), source, policy_to_json(policy)]
    held: _Key = json.loads(meta.get("selection_key", '["", "", ""]'))
    if held == asked or (store.may_lag and not now and held[1:] == asked[1:]):
        return None
    return held, asked


_WHOLE_SHARE = 0.3


def _most_are_stale(store: Store) -> bool:
    sql = "SELECT count(DISTINCT sample_id) AS stale, bool_or(sample_id = ?) AS is_any FROM stale"
    found = store.rows(sql, [ANY])[0]
    return bool(found["is_any"] or found["stale"] > _WHOLE_SHARE * store.value("SELECT count(*) FROM sample"))


def _derive_all(store: Store, policy: Policy, asked: _Key) -> None:
    """Compute both tables anew, in the order of the samples' numbers."""
    with store.transaction() as tx:
        scoring_id, version = _source(tx)
        values = {"producer": policy.producer, "scoring_id": scoring_id}
        tx.execute("DELETE FROM panel")
        tx.execute(f"INSERT INTO panel BY NAME {panel_of('scoring_id', 'producer')} ORDER BY seq", values)
        _select_again(tx, policy, None)
        _note(tx, [version, *asked[1:]])


_FRESH = f"seq IN (SELECT seq FROM {SCRATCH}.fresh)"


def _derive_stale(store: Store, policy: Policy, asked: _Key, *, is_new_policy: bool) -> None:
    """Compute the rows of the samples that changed. They are read beside the project, so that no writer waits."""
    with store.scratch() as scratch:
        scoring_id, version = _source(scratch)
        panel = panel_of("scoring_id", "producer", "WHERE sample_id IN (SELECT sample_id FROM stale)")
        values = {"producer": policy.producer, "scoring_id": scoring_id}
        scratch.execute(f"CREATE OR REPLACE TABLE {SCRATCH}.fresh AS {panel}", values)
    with store.transaction() as tx:
        tx.execute(f"DELETE FROM panel WHERE {_FRESH}")
        tx.execute(f"INSERT INTO panel BY NAME FROM {SCRATCH}.fresh")
        # What a top share leaves out hangs on every other sample.
        is_apart = not is_new_policy and policy.top_share >= 100
        _select_again(tx, policy, _FRESH if is_apart else None)
        _note(tx, [version, *asked[1:]])


def _select_again(tx: Transaction, policy: Policy, which: str | None) -> None:
    """Run the rule again, over the samples of a condition or over all (None)."""
    rule = RULE if which is None else f"WITH panel AS (FROM main.panel WHERE {which}) SELECT * FROM ({RULE})"
    tx.execute(f"DELETE FROM selection WHERE {which or 'true'}")
    tx.execute(f"INSERT INTO selection BY NAME SELECT * FROM ({rule}) ORDER BY seq", parameters(policy))


def _source(tx: Transaction) -> tuple[int, str]:
    """Read the scoring in use (0 for none) and the version of the data, as the transaction sees them."""
    found = dict(tx.execute("SELECT key, value FROM meta WHERE key IN ('scoring_id', 'data_version')"))
    return int(found.get("scoring_id", 0)), found.get("data_version", "0")


def _note(tx: Transaction, key: _Key) -> None:
    """Note what the derived tables stand for; what changed since that version is still stale."""
    tx.execute("DELETE FROM stale WHERE version <= ?", [int(key[0])])
    _set_key(tx, "selection_key", json.dumps(key))


def _fill_drift(store: Store) -> None:
    """Compute the drift of rewrites that a file of schema version 2 or less brought, once.

    `meta.drift_filled` is the candidate up to which that is done; it is there until all have it.
    """
    while store.meta("drift_filled") is not None:
        with store.transaction() as tx:
            _fill_drift_chunk(tx)


def _fill_drift_chunk(tx: Transaction) -> None:
    rows = tx.execute(
        """SELECT candidate_id, sample_id, origin, instruction, input, response FROM candidate
           WHERE candidate_id > (SELECT value::BIGINT FROM meta WHERE key = 'drift_filled') AND origin <> 'ORIGINAL'
           ORDER BY candidate_id LIMIT ?""",
        [DRIFT_CHUNK],
    )
    if not rows:
        tx.execute("DELETE FROM meta WHERE key = 'drift_filled'")
        return
    ids = tx.execute(  # apart from their texts, so that only the texts of the chunk are read
        "SELECT candidate_id FROM candidate WHERE origin = 'ORIGINAL' AND sample_id IN (SELECT unnest(?::VARCHAR[]))",
        [list({row[1] for row in rows})],
    )
    rulers = {
        name: Ruler(Pair(instruction=instruction, input=input_, response=response))
        for name, instruction, input_, response in tx.execute(
            """SELECT sample_id, instruction, input, response FROM candidate
               WHERE candidate_id IN (SELECT unnest(?::BIGINT[]))""",
            [[key for (key,) in ids]],
        )
    }
    drifts = [
        rulers[name].change(Origin(origin), Pair(instruction=instruction, input=input_, response=response)).drift
        for _, name, origin, instruction, input_, response in rows
    ]
    tx.execute(
        """UPDATE candidate SET drift = found.drift
           FROM (SELECT unnest(?::BIGINT[]) AS id, unnest(?::DOUBLE[]) AS drift) AS found
           WHERE candidate_id = found.id""",
        [[row[0] for row in rows], drifts],
    )
    _set_key(tx, "drift_filled", str(rows[-1][0]))


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
    """Return `policy` with the named options changed; PolicyError for an unknown one or a value out of range."""
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


def _check_producer(store: Store, producer: str) -> None:
    if producer and not store.rows("SELECT 1 FROM candidate WHERE producer = ? LIMIT 1", [producer]):
        raise PolicyError(f"There are no rewrites by {producer}.", "Choose a producer that made some, or '' for any.")


def _check_kinds(policy: Policy) -> None:
    if not isinstance(policy.producer, str):
        raise PolicyError(f"producer is {policy.producer}.", "Give the name of a producer, or '' for any.")
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
