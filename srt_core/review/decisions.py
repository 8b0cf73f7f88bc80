"""Decisions on samples: append-only, undo as an event, the standing state as a fold.

A decision names the standing event that the person saw. If somebody decided the sample in between, it is refused, and
the error says who.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from srt_core.errors import DecisionError
from srt_core.project import events
from srt_core.project.events import IS_BULK
from srt_core.project.store import Store
from srt_core.project.transaction import Transaction
from srt_core.records import Action, Decision, Origin


@dataclass(frozen=True, slots=True)
class Standing:
    """The decision that stands for a sample: its event, what it was, whose, and the candidate that it is for."""

    event_id: int
    action: Action
    origin: Origin | None
    author: str
    candidate_id: int | None


def standing(store: Store, sample: str) -> Standing | None:
    """Read the decision that stands for a sample; None where nobody decided or all was undone."""
    sql = "SELECT event_id, action, origin, author, candidate_id FROM standing WHERE sample_id = ?"
    return store.find(Standing, sql, [sample])


@dataclass(frozen=True, slots=True)
class Stood:
    """A decision that stands, by its sample, and when it was made (UTC)."""

    sample_id: str
    event_id: int
    action: Action
    origin: Origin | None
    author: str
    made_at: datetime


def standings(store: Store, samples: Sequence[str]) -> dict[str, Stood]:
    """Read the decisions that stand for some samples; those that nobody decided are not in it."""
    found = store.read(
        Stood,
        """SELECT sample_id, event_id, action, origin, author, made_at FROM standing
           WHERE sample_id IN (SELECT unnest(?::VARCHAR[]))""",
        [list(samples)],
    )
    return {each.sample_id: each for each in found}


def decide(store: Store, decision: Decision, *, expected_event_id: int | None, is_blind: bool = False) -> int:
    """Append one decision and return its event id.

    `expected_event_id` is of the standing decision that the person saw (None: an undecided sample). Where the decision
    names no candidate, it is for the one of its origin that the applied policy may take, else for the only one there
    is. DecisionError if the sample or candidate is not there, if the sample is retracted, or if somebody else decided
    in between; `is_blind` takes it whatever others decided, as where several reviewers decide a sample to be compared.
    """
    with store.transaction() as tx:
        return decide_within(tx, decision, expected_event_id=expected_event_id, is_blind=is_blind)


def decide_within(tx: Transaction, decision: Decision, *, expected_event_id: int | None, is_blind: bool = False) -> int:
    """Append one decision, as `decide` does, in a transaction with others; one that is refused writes nothing."""
    decision = checked(tx, decision)
    check_not_retracted(tx, decision.sample_id)
    if not is_blind:
        _check_unchanged(tx, decision.sample_id, expected_event_id)
    event_id = events.append(tx, decision.action, decision.by, decision.context, decision)
    events.fold_sample(tx, decision.sample_id)
    return event_id


def decide_all(
    store: Store, where: str, values: Mapping[str, object], action: Action, by: str, note: str,
    evidence: Mapping[str, object] | None = None,
) -> int:  # fmt: skip
    """Approve, reject or park every open sample that matches a filter, as one action with one undo.

    `where` is a condition over the view `verdict`, as filter.membership returns it. Approve takes the rule's pick and
    passes over samples for which there is none. `evidence` is what the action rests on; each event carries it.
    Returns how many decisions were made. DecisionError where samples that a student wrote would be approved without
    evidence, and no random audit of them was read.
    """
    if action not in (Action.APPROVE, Action.REJECT, Action.PARK):
        raise DecisionError(f"{action} cannot be done to many samples at once.", "Use approve, reject or park.")
    pick = "origin, candidate_id" if action is Action.APPROVE else "NULL AS origin, NULL AS candidate_id"
    only = "AND origin IS NOT NULL" if action is Action.APPROVE else ""
    with store.transaction() as tx:
        if action is Action.APPROVE and not evidence:
            _check_synthetic(tx, where, values)
        action_id = events.start_action(tx)
        context = json.dumps({"bulk": note, **({"evidence": dict(evidence)} if evidence else {})})
        done = events.append_all(
            tx, action_id, by,
            f"""SELECT $action_id AS action_id, $made_by AS author, $kind AS kind, $context AS context, sample_id,
                       {pick}
                FROM verdict WHERE NOT decided {only} AND ({where}) ORDER BY seq""",
            {**values, "kind": str(action), "context": context},
        )  # fmt: skip
        events.fold_action(tx, action_id)
        return done


LEAST_READ = 10
"""Samples of a synthetic import, or all it has, that were drawn at random and read blind before a bulk approval."""


def _check_synthetic(tx: Transaction, where: str, values: Mapping[str, object]) -> None:
    """DecisionError where the samples include ones of a synthetic import of which too few were read blind."""
    found = tx.execute(
        f"""SELECT import_id, path, read, needed FROM (
                SELECT import_id, any_value(path) AS path, least(count(*), {LEAST_READ}) AS needed,
                       count(*) FILTER (sample_id IN (
                           SELECT drawn.sample_id FROM drawn JOIN reading USING (sample_id))) AS read
                FROM import JOIN sample USING (import_id) WHERE format = 'synthetic' GROUP BY import_id)
            WHERE read < needed AND import_id IN (
                SELECT import_id FROM sample WHERE sample_id IN (
                    SELECT sample_id FROM verdict WHERE NOT decided AND origin IS NOT NULL AND ({where})))
            ORDER BY import_id LIMIT 1""",
        values,
    )
    if found:
        number, path, read, needed = found[0]
        raise DecisionError(
            f"Among these are samples that a student wrote ({path}), of which {read:,} were read blind.",
            f"Draw a random audit of {needed:,} of them on Trust, or by `srt audit PROJECT --import {number} "
            f"--reads {needed}`, and read it first.",
        )


def undo(store: Store, event_id: int, by: str) -> str:
    """Undo one decision by an event of its own; returns its sample id. DecisionError if it stands no more."""
    with store.transaction() as tx:
        sample, _ = undo_within(tx, event_id, by)
        return sample


def undo_within(
    tx: Transaction, event_id: int, by: str, context: Mapping[str, object] | None = None
) -> tuple[str, int]:
    """Undo one decision, as `undo` does, in a transaction with others; returns its sample and the undo's event."""
    found = tx.execute("SELECT sample_id FROM decision WHERE event_id = ?", [event_id])
    if not found:
        raise DecisionError(f"Event {event_id} is no decision that stands.", "Choose a decision in the history.")
    sample = str(found[0][0])
    undone = events.append(tx, "undo", by, context or {}, sample_id=sample, undoes=event_id)
    events.fold_sample(tx, sample)
    return sample, undone


def undo_action(store: Store, action_id: int, by: str) -> int:
    """Undo every decision of a bulk action that still stands; returns how many."""
    with store.transaction() as tx:
        return _append_undo(tx, "action_id", action_id, by)


@dataclass(frozen=True, slots=True)
class RecentDecision:
    """A decision that a person may want to see or undo."""

    event_id: int
    sample_id: str
    seq: int
    """The sample's number."""
    action: Action
    origin: Origin | None


def last_decisions(store: Store, by: str, limit: int = 10) -> list[RecentDecision]:
    """Read a person's latest decisions on single samples that were not undone, the newest first; on gold ones too."""
    found = store.rows(
        f"""SELECT event_id, sample_id, kind, origin FROM decision
            WHERE author = $by AND NOT {IS_BULK} AND NOT is_restored(context)
            UNION ALL SELECT event_id, sample_id, answer, origin FROM calibration WHERE author = $by
            ORDER BY event_id DESC LIMIT $most""",
        {"by": by, "most": limit},
    )
    # By the index: a join would read the number of every sample.
    names = [row["sample_id"] for row in found]
    numbers = store.rows("SELECT sample_id, seq FROM sample WHERE sample_id IN (SELECT unnest(?::VARCHAR[]))", [names])
    seqs = {row["sample_id"]: row["seq"] for row in numbers}
    return [
        RecentDecision(row["event_id"], row["sample_id"], seqs[row["sample_id"]], Action(row["kind"]),
                       Origin(row["origin"]) if row["origin"] else None)
        for row in found
    ]  # fmt: skip


def _append_undo(tx: Transaction, which: str, key: int, by: str) -> int:
    action_id = events.start_action(tx)
    done = events.append_all(
        tx, action_id, by,
        f"""SELECT $action_id AS action_id, $made_by AS author, 'undo' AS kind, sample_id, event_id AS undoes,
                   '{{}}' AS context
            FROM decision WHERE {which} = $key""",
        {"key": key},
    )  # fmt: skip
    if done:
        events.fold_action(tx, action_id)
    return done


def checked(tx: Transaction, decision: Decision) -> Decision:
    """Check that a decision's sample and candidate are there, and give it with the candidate filled in."""
    sample = decision.sample_id
    if not tx.execute("SELECT 1 FROM sample WHERE sample_id = ?", [sample]):
        raise DecisionError(f"There is no sample {sample}.", "Reload the list of samples.")
    if decision.action is Action.EDIT:  # it brings its own texts, so it can stand for a candidate that failed
        _check_edit(decision)
    held = dict(tx.execute("SELECT candidate_id, origin FROM candidate WHERE sample_id = ?", [sample]))
    if decision.candidate_id is not None:
        if held.get(decision.candidate_id) != decision.origin:
            raise DecisionError(
                f"Version {decision.candidate_id} is no {decision.origin} version of sample {sample}.",
                "Look at the sample again, then decide.",
            )
        return decision
    if decision.action in (Action.REJECT, Action.PARK) or "repairs" in decision.context:
        return decision
    found = _candidate_of(tx, decision, held)
    if found is None and decision.action is not Action.EDIT:
        raise _no_candidate(decision, held)
    return replace(decision, candidate_id=found)


def _candidate_of(tx: Transaction, decision: Decision, held: Mapping[int, str]) -> int | None:
    """Find the candidate of a decision's origin that the applied policy may take, else the only one there is."""
    if decision.origin is None:
        return None
    column = f"{Origin(decision.origin).lower()}_id"
    rows = tx.execute(f"SELECT {column} FROM panel WHERE sample_id = ?", [decision.sample_id])
    if rows and rows[0][0] is not None:
        return int(rows[0][0])
    ids = [key for key, origin in held.items() if origin == decision.origin]
    return ids[0] if len(ids) == 1 else None


def _no_candidate(decision: Decision, held: Mapping[int, str]) -> DecisionError:
    sample, origin = decision.sample_id, decision.origin
    if origin in held.values():
        return DecisionError(
            f"Sample {sample} has several {origin} versions, and the policy takes none of them.",
            "Apply a policy that takes the rewrites of their producer, then choose.",
        )
    return DecisionError(f"Sample {sample} has no {origin} version.", f"It has: {', '.join(sorted(held.values()))}.")


def _check_edit(decision: Decision) -> None:
    edited = decision.edited
    if decision.origin is None:
        raise DecisionError("An edit needs the version that it is made of.", "Choose one first.")
    if edited is None or not edited.response.strip() or not (edited.instruction + edited.input).strip():
        raise DecisionError(
            "An edited pair needs an instruction and a response.", "Fill in both, or leave the sample out."
        )


def check_not_retracted(tx: Transaction, sample: str) -> None:
    """DecisionError where a sample is retracted: then nobody decides on it."""
    found = tx.execute(
        """SELECT standing.author, event.context ->> 'bulk', event.action_id
           FROM standing JOIN event USING (event_id) WHERE standing.sample_id = ? AND action = 'retract'""",
        [sample],
    )
    if found:
        author, reason, action_id = found[0]
        raise DecisionError(
            f"Sample {sample} was retracted by {author}: {reason}",
            f"It stays out of every export. To take that back: the History, or srt retract --undo {action_id}.",
        )


def _check_unchanged(tx: Transaction, sample: str, expected_event_id: int | None) -> None:
    rows = tx.execute("SELECT event_id, author, action FROM standing WHERE sample_id = ?", [sample])
    found, author, action = rows[0] if rows else (None, "", "")
    if found == expected_event_id:
        return
    if found is None:
        raise DecisionError(f"The decision on sample {sample} was undone meanwhile.", "Look at it again, then decide.")
    raise DecisionError(
        f"Sample {sample} was decided meanwhile: {_DONE[Action(action)]} by {author}.", "Look at it again, then decide."
    )


_DONE = {
    Action.APPROVE: "kept", Action.CHOOSE: "kept", Action.EDIT: "edited", Action.REJECT: "left out",
    Action.PARK: "parked", Action.RETRACT: "retracted",
}  # fmt: skip
