"""Gold samples: samples with a known answer, mixed into queues unmarked, to see how far reviewers agree with it.

An owner says the answer, which is decided so too: the sample waits for nobody, and an export holds that answer. What a
reviewer does with one that was mixed in is an event of its own, a calibration: it decides nothing and changes no
export. Samples that an audit drew are never gold, so that random evidence stays what was read blind.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from srt_core.errors import DecisionError, SRTError
from srt_core.project import events
from srt_core.project.candidates import find_sample
from srt_core.project.intervals import Share
from srt_core.project.store import Store
from srt_core.project.transaction import Transaction
from srt_core.records import Action, Decision, Origin, counted
from srt_core.review import decisions
from srt_core.select.derive import refresh

MOST_PERCENT = 50.0
EXAMPLE = json.dumps({"sample": 12, "keep": Origin.RESPONSE})
"""A line of a file of answers."""
_RATE = "gold_percent"


@dataclass(frozen=True, slots=True)
class Answer:
    """The known answer of a sample: the version to keep, or None to leave it out."""

    sample: str
    keep: Origin | None


@dataclass(frozen=True, slots=True)
class Marked:
    """What came of answers: how many are gold now, how many were decided so, and which were refused and why."""

    gold: int
    decided: int
    refused: Sequence[tuple[str, str]]

    def described(self) -> str:
        """Say it in a sentence."""
        said = f"{self.gold:,} gold samples; {self.decided:,} of them were decided as their answer says."
        return said + (f" {len(self.refused):,} were refused." if self.refused else "")


def read_answers(store: Store, lines: Iterable[str]) -> list[Answer]:
    """Read answers, one JSON object a line: `sample` (id or number) and `keep` (an origin, or null to leave it out).

    SRTError for a line that says something else, with its number.
    """
    found: list[Answer] = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            said = json.loads(line)
            sample, keep = str(said["sample"]), said["keep"]
            origin = None if keep is None else Origin(str(keep).upper())
        except (ValueError, KeyError, TypeError) as error:
            hint = f'Write {EXAMPLE}, or "keep": null to leave it out.'
            raise SRTError(f"Line {number} holds no gold answer.", hint) from error
        found.append(Answer(find_sample(store, sample), origin))
    return found


def answers_of_tag(store: Store, tag: str) -> list[Answer]:
    """Return the decisions that stand on samples with a tag as answers; what is open, parked or edited is left out."""
    rows = store.rows(
        """SELECT sample_id, origin, action FROM standing
           WHERE action IN ('approve', 'choose', 'reject') AND sample_id IN (SELECT sample_id FROM tag WHERE tag = ?)
           ORDER BY seq""",
        [tag],
    )
    return [Answer(row["sample_id"], None if row["action"] == "reject" else Origin(row["origin"])) for row in rows]


def mark(store: Store, answers: Sequence[Answer], by: str) -> Marked:
    """Make samples gold, each with its answer, in one transaction; where another decision stands, or none, it is made.

    One that an audit drew, or that has no such version, is refused, and the others are taken.
    """
    refresh(store)
    decided, refused, taken = 0, [], 0
    with store.transaction() as tx:
        for answer in answers:
            try:
                decided += _mark(tx, answer, by)
                taken += 1
            except DecisionError as error:
                refused.append((answer.sample, error.message))
    return Marked(taken, decided, refused)


def _mark(tx: Transaction, answer: Answer, by: str) -> bool:
    """Mark one sample; returns whether that decided it."""
    sample = answer.sample
    if tx.execute("SELECT 1 FROM drawn WHERE sample_id = ?", [sample]):
        raise DecisionError(f"Sample {sample} was drawn by an audit, and is evidence there.", "Take another one.")
    stands = tx.execute("SELECT event_id, action, origin, candidate_id FROM standing WHERE sample_id = ?", [sample])
    event_id, action, origin, candidate = stands[0] if stands else (None, "", None, None)
    wanted = "reject" if answer.keep is None else answer.keep
    is_so = wanted == ("reject" if action == "reject" else origin if action in ("approve", "choose") else "")
    if not is_so:
        kind = Action.CHOOSE if answer.keep else Action.REJECT
        made = Decision(sample, kind, by, answer.keep, context={"gold": "yes"})
        decisions.decide_within(tx, made, expected_event_id=event_id)
        sql = "SELECT candidate_id FROM standing WHERE sample_id = ?"
        candidate = tx.execute(sql, [sample])[0][0]
    known = Decision(sample, Action.CHOOSE, by, answer.keep, candidate_id=candidate)
    events.append(tx, "gold", by, {"answer": wanted}, known)
    return not is_so


def unmark(store: Store, samples: Sequence[str], by: str) -> None:
    """Let samples be gold no more. What was decided on them stays."""
    with store.transaction() as tx:
        for sample in samples:
            events.append(tx, "ungold", by, {}, sample_id=sample)


@dataclass(frozen=True, slots=True)
class Gold:
    """A gold sample with its answer."""

    sample_id: str
    seq: int
    origin: Origin | None
    """What is to be kept; None: it is to be left out."""
    author: str


def golds(store: Store) -> list[Gold]:
    """List the gold samples by their numbers."""
    sql = "SELECT gold.sample_id, seq, origin, author FROM gold JOIN sample USING (sample_id) ORDER BY seq"
    return store.read(Gold, sql)


def percent(store: Store) -> float:
    """Return how many of 100 samples that a reviewer is shown are gold, on average; 0 while none are mixed in."""
    return float(store.meta(_RATE) or 0)


def described(store: Store) -> str:
    """Say how many gold samples there are, and how often they are shown."""
    found, shown = len(golds(store)), percent(store)
    often = f"on average {shown:g} of 100 that a reviewer is shown are gold" if shown else "none are mixed into queues"
    return f"{counted(found, 'gold sample')}; {often}."


def set_percent(store: Store, wanted: float, by: str) -> None:
    """Say how many of 100 samples are to be gold, and log it. SRTError where that is no such number."""
    if not 0 <= wanted <= MOST_PERCENT:
        raise SRTError(f"{wanted:g} % of samples cannot be gold.", f"Give 0 (none) to {MOST_PERCENT:g}.")
    with store.transaction() as tx:
        tx.set_meta(_RATE, f"{wanted:g}")
        events.append(tx, "gold_rate", by, {"percent": wanted})


def mix(store: Store, by: str, ahead: Sequence[str], met: Mapping[str, str]) -> dict[str, str]:
    """Choose the gold samples to show a reviewer among those ahead: each with the sample that it comes before.

    `met` are those of before, which keep their place. Chance decides, by a hash over reviewer and sample, so that a
    reload changes nothing. Nobody meets a gold sample twice, nor one whose answer is their own.
    """
    wanted = percent(store)
    if not wanted:
        return {}
    answered = _answered(store, by)
    places = {before: name for name, before in met.items() if name not in answered}
    spent = set(answered.values())
    free = [each.sample_id for each in golds(store) if each.author != by]
    free = [name for name in free if name not in answered and name not in met and name not in ahead]
    free.sort(key=lambda name: _chance(by, name))
    found: dict[str, str] = {}
    for name in ahead:
        if name in places:
            found[places[name]] = name
        elif free and name not in spent and _chance(name, by) * 100 < wanted / (1 - wanted / 100):
            found[free.pop(0)] = name
    return found


def _answered(store: Store, by: str) -> dict[str, str]:
    """Read which gold samples a reviewer answered, each with the sample that it came before."""
    rows = store.rows("SELECT sample_id, before FROM calibration WHERE author = ?", [by])
    return {row["sample_id"]: row["before"] or "" for row in rows}


def _chance(*names: str) -> float:
    """Return a number from 0 to 1 that names draw."""
    return int.from_bytes(hashlib.sha256(" ".join(names).encode()).digest()[:8]) / 2**64


def answer_within(tx: Transaction, decision: Decision, before: str) -> int:
    """Append what a reviewer did with a gold sample that was mixed in, in a transaction with others."""
    decision = decisions.checked(tx, decision)
    said = {**decision.context, "answer": str(decision.action), "before": before}
    return events.append(tx, "calibration", decision.by, said, decision)


def undo_answer_within(tx: Transaction, event_id: int, by: str, context: Mapping[str, object]) -> tuple[str, int]:
    """Undo such an answer; returns its sample and the undo's event. DecisionError if it does not stand."""
    found = tx.execute("SELECT sample_id FROM calibration WHERE event_id = ?", [event_id])
    if not found:
        raise DecisionError(f"Event {event_id} is no decision that stands.", "Choose a decision in the history.")
    sample = str(found[0][0])
    return sample, events.append(tx, "undo", by, context, sample_id=sample, undoes=event_id)


def answers(store: Store, by: str, samples: Iterable[str]) -> dict[str, decisions.Stood]:
    """Read what a reviewer did with gold samples that were mixed in, as decisions are read."""
    found = store.read(
        decisions.Stood,
        """SELECT sample_id, event_id, answer AS action, origin, author, made_at FROM calibration
           WHERE author = ? AND sample_id IN (SELECT unnest(?::VARCHAR[]))""",
        [by, list(samples)],
    )
    return {each.sample_id: each for each in found}


@dataclass(frozen=True, slots=True)
class Agreement:
    """How often a reviewer did with gold samples what their answers say."""

    by: str
    share: Share
    """Of those kept or left out."""
    edited: int
    parked: int

    def described(self) -> str:
        """Say it in a line, with the exact 95 % interval."""
        said, found = f"{self.by}: {self.share.hits:,} of {self.share.n:,} as the answer says", self.share.exact()
        if found:
            said += f" ({self.share.estimate:.0%}, {found.low:.0%} to {found.high:.0%})"
        return f"{said}; edited {self.edited:,}, parked {self.parked:,}"


def agreements(store: Store) -> list[Agreement]:
    """Compare each reviewer's last answers with the gold ones, those with the most first.

    Right is to keep the very version, or to leave out what is to be left out. An edit or a parked sample is no answer.
    """
    rows = store.rows(
        """SELECT calibration.author AS reviewer,
                  count(*) FILTER (answer IN ('approve', 'choose', 'reject')) AS n,
                  count(*) FILTER (answer = 'reject' AND gold.origin IS NULL
                                   OR answer IN ('approve', 'choose') AND calibration.candidate_id = gold.candidate_id)
                      AS hits,
                  count(*) FILTER (answer = 'edit') AS edited, count(*) FILTER (answer = 'park') AS parked
           FROM calibration JOIN gold USING (sample_id) GROUP BY reviewer ORDER BY n DESC, reviewer"""
    )
    return [Agreement(row["reviewer"], Share(row["hits"], row["n"]), row["edited"], row["parked"]) for row in rows]
