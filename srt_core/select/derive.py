"""Keep `panel` and `selection`, and counts of them, up to date with the candidates, failures, scores and policy."""

import hashlib
import json
from collections.abc import Callable
from typing import Concatenate, ParamSpec, TypeVar

from srt_core.errors import ProjectError
from srt_core.methods import MEASURES
from srt_core.project.derived import UNDEFINE, define, panel_columns, selection_columns
from srt_core.project.store import SCRATCH, Store
from srt_core.project.transaction import ANY, Transaction
from srt_core.records import Policy
from srt_core.select.panel import panel_of
from srt_core.select.policy import applied_policy, policy_in, policy_to_json
from srt_core.select.rule import parameters, rule

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


def refresh(store: Store, *, now: bool = False) -> None:
    """Bring `panel` and `selection` up to date with the candidates, failures, scores and policy, if anything changed.

    Where samples changed, theirs alone is computed again; the whole where the scoring, the producer or the policy did.
    While the store may lag, new candidates and scores wait for a call with `now`; a changed policy never does.
    ProjectError where something changed in a project that may only be read.
    """
    if _behind(store, now=now) is None:
        return
    if store.is_read_only:
        raise ProjectError(
            f"What the rule selects in {store.path} is older than its data, and the file may only be read.",
            f"Open a copy of it, in which it is selected again: srt copy '{store.path}' COPY.srt",
        )
    with store.deriving:
        if (keys := _behind(store, now=now)) is None:  # somebody else was faster
            return
        held, asked = keys
        if held[1] != asked[1] or _most_are_stale(store):
            _derive_all(store, applied_policy(store), asked)
        else:
            _derive_stale(store, applied_policy(store), asked, is_new_policy=held[2] != asked[2])


def remembered(
    count: Callable[Concatenate[Store, Arguments], Result],
    store: Store,
    *args: Arguments.args,
    **kwargs: Arguments.kwargs,
) -> Result:
    """Return count(store, ...), from memory where candidates, scores, policy in use and decisions are as they were.

    What it gives must be small, and is to be read only. The arguments are told apart by how they are written.
    """
    refresh(store)
    asked = f"{count.__module__}.{count.__qualname__}{args}{sorted(kwargs.items())}"
    state = store.meta("selection_key"), store.value("SELECT max(event_id) FROM event")
    return store.remember((asked, *state), lambda: count(store, *args, **kwargs))


def is_behind(store: Store) -> bool:
    """Return whether `panel` and `selection` are older than what they are computed from."""
    return _behind(store, now=True) is not None


_Key = list[str]
"""What the derived tables are computed from: the version of the data; scoring, producer and columns; the policy."""

_COLUMNS = hashlib.sha256(panel_of("scoring_id", "producer").encode()).hexdigest()[:16]
"""How the columns are computed: another one with a method's file that came or went, or where a release changed it."""


def _behind(store: Store, *, now: bool) -> tuple[_Key, _Key] | None:
    """Return what the derived tables stand for and what they should; None where there is nothing to do."""
    meta = store.metas("policy", "scoring_id", "encoding_id", "data_version", "selection_key")
    policy = policy_in(meta.get("policy"))
    source = f"{meta.get('scoring_id', 0)}|{meta.get('encoding_id', 0)}|{policy.producer}|{_COLUMNS}"
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
    """Compute both tables again, in the order of the samples' numbers."""
    with store.transaction() as tx:
        scoring_id, version = _source(tx)
        values = {"producer": policy.producer, "scoring_id": scoring_id}
        _define(tx)
        tx.execute("DELETE FROM panel")
        tx.execute(f"INSERT INTO panel BY NAME {panel_of('scoring_id', 'producer')} ORDER BY seq", values)
        _select_again(tx, policy, None)
        _note(tx, [version, *asked[1:]])


def _define(tx: Transaction) -> None:
    """Make the tables again where their columns are not those of the measures there are."""
    measures = tuple(MEASURES.values())
    found = tx.execute(
        """SELECT table_name, column_name FROM duckdb_columns()
           WHERE NOT internal AND schema_name = 'main' AND table_name IN ('panel', 'selection')"""
    )
    wanted = {"panel": panel_columns(measures), "selection": selection_columns(measures)}
    if set(found) != {(table, name) for table, columns in wanted.items() for name in columns}:
        tx.execute(UNDEFINE)
        tx.execute(define(measures))


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
        is_apart = not is_new_policy and not policy.takes_share
        _select_again(tx, policy, _FRESH if is_apart else None)
        _note(tx, [version, *asked[1:]])


def _select_again(tx: Transaction, policy: Policy, which: str | None) -> None:
    """Run the rule again, over the samples of a condition or over all (None)."""
    only = f"WITH panel AS (FROM main.panel WHERE {which})" if which else ""
    tx.execute(f"DELETE FROM selection WHERE {which or 'true'}")
    selected = rule([policy], with_closeness=True)
    tx.execute(
        f"INSERT INTO selection BY NAME {only} SELECT * EXCLUDE (policy) FROM ({selected}) ORDER BY seq",
        parameters([policy]),
    )


def _source(tx: Transaction) -> tuple[int, str]:
    """Read the scoring in use (0 for none) and the version of the data, as the transaction sees them."""
    found = dict(tx.execute("SELECT key, value FROM meta WHERE key IN ('scoring_id', 'data_version')"))
    return int(found.get("scoring_id", 0)), found.get("data_version", "0")


def _note(tx: Transaction, key: _Key) -> None:
    """Note what the derived tables stand for; what changed since that version is still stale."""
    tx.execute("DELETE FROM stale WHERE version <= ?", [int(key[0])])
    tx.set_meta("selection_key", json.dumps(key))
