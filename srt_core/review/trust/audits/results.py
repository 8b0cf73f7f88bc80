"""What an audit shows so far, and the approval that rests on it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from srt_core.errors import SRTError
from srt_core.project.intervals import most_wrong
from srt_core.project.store import Store
from srt_core.records import Action
from srt_core.review import decisions
from srt_core.review.filter.filter import Filter, is_empty
from srt_core.review.trust.audits.evidence import Drawn, drawn, make_claim, picks_of
from srt_core.review.trust.audits.log import MOST_ALLOWED, Audit, Part, audits
from srt_core.review.trust.audits.population import (
    WAS_UNDECIDED,
    are_apart,
    as_drawn,
    changed,
    holds,
    holds_whole,
    selected,
    standing_rule,
)
from srt_core.review.trust.claims import Claim, confidence_of
from srt_core.review.trust.readings import Outcome, Reads, count, outcome
from srt_core.select.derive import refresh
from srt_core.select.policy import applied_policy


@dataclass(frozen=True, slots=True)
class Result:
    """What an audit shows so far."""

    claim: Claim
    """Of its population, under the policy in use; where the population hangs on the rule, as of the draw."""
    unread: int
    parked: int
    """Of the open ones, those that somebody parked after they were read, or whose version came after the reading."""
    holds: bool
    """Whether the population, and what the rule keeps of it, are those of the draw."""
    rest: Reads = Reads()
    """Of those drawn, what nobody had decided at the draw: a random sample of all such."""
    remaining: int = 0
    """What can be approved unread: undecided at the draw and now, not parked, not drawn."""
    read_right: int = 0
    """What can be approved because it was drawn and found right: undecided at the draw and now, not parked."""
    limit: float | None = None
    """Upper limit of the share of the remaining that is wrong; None where nothing remains or nothing is to approve."""
    met: bool = False
    """Whether the remaining may be approved on this evidence."""
    more: int = 0
    """How many more to draw, to go on after more were wrong than allowed; 0 where there is no need or no sense."""


@dataclass(frozen=True, slots=True)
class Approval:
    """An approval that rested on an audit, and whether what was decided since breaks its evidence."""

    action_id: int
    made_at: datetime
    author: str
    samples: int
    evidence: Mapping[str, Any]
    limit_now: float
    """The upper limit of the share wrong of what was approved unread, by what stands now."""

    @property
    def is_broken(self) -> bool:
        """Whether the audit would no longer show what it was drawn for."""
        return self.limit_now > float(self.evidence["bound"])


def result(store: Store, audit: Audit) -> Result:
    """Say what an audit shows so far."""
    refresh(store)
    samples = drawn(store, audit)
    outcomes = _outcomes(store, audit, samples)
    unread = sum(each.reading is None for each in samples)
    claim = make_claim(audit, outcomes)
    found = Result(claim, unread, claim.reads.open - unread, holds(store, audit))
    if not audit.terms:
        return found
    rest = _of_rest(samples, outcomes)
    where, values = _approved(store, audit, samples, outcomes)
    sql = f"SELECT count(*) FROM verdict WHERE {where}"
    of_all = int(store.value(sql, values))
    remaining = int(store.value(f"{sql} AND sample_id NOT IN (SELECT unnest($drawn::VARCHAR[]))",
                                {**values, "drawn": list(audit.samples)}))  # fmt: skip
    limit = _limit(audit, rest, audit.look, remaining) if remaining else None
    passed = rest.wrong + rest.open <= audit.terms.allowed and (limit is None or limit <= audit.terms.bound)
    more = 0
    if not rest.open and audit.terms.allowed < rest.wrong <= MOST_ALLOWED:
        longer = replace(audit.terms, allowed=rest.wrong)
        more = max(0, longer.needed(audit.rest, next_look(store, audit.only)) - rest.drawn)
    met = passed and found.holds and of_all > 0
    return replace(
        found, rest=rest, remaining=remaining, read_right=of_all - remaining, limit=limit, met=met, more=more
    )


def claims_of_policy(store: Store) -> list[tuple[Audit, Claim]]:
    """Return what the audits show that drew from all that the policy in use keeps, or leaves out, and still hold."""
    found = []
    for audit in audits(store):
        if audit.is_blind and audit.part is not Part.ALL and is_empty(audit.only):
            shown = result(store, audit)
            if shown.holds and shown.claim.reads.read:
                found.append((audit, shown.claim))
    return found


def next_look(store: Store, only: Filter) -> int:
    """Return the how-manieth look at a filter's samples a draw would be: earlier ones may have had some of them."""
    return 1 + sum(len(each.looks) for each in audits(store) if each.is_blind and not are_apart(each.only, only))


def approve(store: Store, audit: Audit, by: str) -> int:
    """Approve what remains of an audit's population and what was drawn and found right; returns how many.

    Each event carries the evidence. Parked samples, and what was found wrong, are left as they are. SRTError where the
    audit does not show it, or where what the rule keeps of the population changed since the draw.
    """
    found = result(store, audit)
    before = selected(store)
    if not holds_whole(store, audit):
        raise changed()
    if not found.met or audit.terms is None:
        raise SRTError("The audit does not show what it was drawn for.", "Read all that was drawn, or draw more.")
    samples = drawn(store, audit)
    where, values = _approved(store, audit, samples, _outcomes(store, audit, samples))
    # The selection may not change between the check and the approval.
    guard = "(SELECT value FROM meta WHERE key = 'selection_key') = $selected"
    evidence = {
        "audit": audit.event_id, "population": audit.population, "rest": audit.rest, "n": found.rest.drawn,
        "wrong": found.rest.wrong, "open": found.rest.open, "unread": found.remaining, "bound": audit.terms.bound,
        "look": audit.look, "confidence": audit.terms.confidence, "limit": found.limit, **standing_rule(store),
    }  # fmt: skip
    values |= {"selected": before}
    note = f"audit {audit.event_id}: {audit.words}"
    done = decisions.decide_all(store, f"{where} AND {guard}", values, Action.APPROVE, by, note, evidence)
    if not done:
        raise changed()
    return done


_APPROVALS = """
    SELECT action_id, min(made_at) AS made_at, any_value(author) AS author, count(*) AS samples,
           any_value(context -> 'evidence') AS evidence
    FROM decision
    WHERE kind = 'approve' AND contains(context, '"evidence":') AND (context -> 'evidence' ->> 'audit')::BIGINT = ?
    GROUP BY action_id ORDER BY action_id DESC"""


def approvals(store: Store, audit: Audit) -> list[Approval]:
    """List the approvals that rest on an audit and were not undone, the newest first."""
    if audit.terms is None or not audit.is_blind:
        return []
    samples = drawn(store, audit)
    rest = _of_rest(samples, _outcomes(store, audit, samples))
    found = []
    for row in store.rows(_APPROVALS, [audit.event_id]):
        evidence: Mapping[str, Any] = json.loads(row["evidence"])
        now = _limit(audit, rest, int(evidence["look"]), max(1, int(evidence["unread"])))
        found.append(Approval(row["action_id"], row["made_at"], row["author"], row["samples"], evidence, now))
    return found


def broken_approvals(store: Store) -> dict[int, Approval]:
    """Find the approvals upon audits whose evidence was broken since, by the id of their action."""
    made = [approval for audit in audits(store) for approval in approvals(store, audit)]
    return {approval.action_id: approval for approval in made if approval.is_broken}


def _outcomes(store: Store, audit: Audit, samples: Sequence[Drawn]) -> list[Outcome]:
    if audit.part is not Part.ALL:
        return [outcome(each.reading, each.pick) for each in samples]
    picks = picks_of(store, applied_policy(store), [each.seq for each in samples])
    return [outcome(each.reading, picks[each.seq]) for each in samples]


def _of_rest(samples: Sequence[Drawn], outcomes: Sequence[Outcome]) -> Reads:
    return count(found for each, found in zip(samples, outcomes, strict=True) if not each.was_decided)


def _limit(audit: Audit, rest: Reads, look: int, remaining: int) -> float:
    """Return the most of the remaining that may be wrong: all that may be wrong in the rest, but what was found."""
    found = rest.wrong + rest.open
    confidence = audit.terms.confidence if audit.terms else 0.0
    most = most_wrong(found, rest.drawn, audit.rest, round(confidence_of(look, confidence), 9))
    return min(1.0, (most - found) / remaining)


def _approved(
    store: Store, audit: Audit, samples: Sequence[Drawn], outcomes: Sequence[Outcome]
) -> tuple[str, dict[str, object]]:
    """Return the condition over `verdict` of what is approved: what nobody read, and what was read and found right."""
    where, values = as_drawn(store, audit)
    others = [each.sample_id for each, found in zip(samples, outcomes, strict=True) if found is not Outcome.RIGHT]
    is_open = f"NOT decided AND action IS DISTINCT FROM 'park' AND {WAS_UNDECIDED}"
    apart = "sample_id NOT IN (SELECT unnest($others::VARCHAR[]))"
    return f"{where} AND {is_open} AND {apart}", {**values, "drawn_at": audit.event_id, "others": others}
