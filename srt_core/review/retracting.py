"""Retraction: samples that must not be used any more, whatever anybody decides of them later.

It is a decision in the log, above every other: the sample is in no later export, a file that brings its pair again
brings it retracted, and nobody decides on it until an event takes the retraction back. With a sample go all that hold
its pair: the same pair in another row, and later exchanges of its conversation, whose context it is. Nothing is erased.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from srt_core.errors import DecisionError
from srt_core.project import events
from srt_core.project.store import Store
from srt_core.project.tombstones import context_of, keep_tombstones
from srt_core.project.transaction import Transaction
from srt_core.records import Origin
from srt_core.review.decisions import undo_action
from srt_core.select.derive import refresh

IS_RETRACTED = "sample_id IN (SELECT sample_id FROM standing WHERE action = 'retract')"
"""The condition of a retracted sample."""

_SAME_PAIR = """sample_id IN (SELECT sample_id FROM import_row WHERE pair_hash IN (
    SELECT pair_hash FROM retraction JOIN event USING (event_id) WHERE action_id = $action_id))"""
_LATER_EXCHANGE = f"""sample_id IN (
    SELECT later.sample_id
    FROM sample AS later
    JOIN candidate AS its ON its.sample_id = later.sample_id AND its.origin = '{Origin.ORIGINAL}'
    JOIN context ON context.context_id = its.context_id
    JOIN (SELECT sample.conversation, min(length(coalesce(before.roles, ''))) AS roles
          FROM sample JOIN candidate AS first USING (sample_id)
              LEFT JOIN context AS before ON before.context_id = first.context_id
          WHERE first.origin = '{Origin.ORIGINAL}' AND sample.conversation IS NOT NULL
            AND sample_id IN (SELECT sample_id FROM event WHERE action_id = $action_id)
          GROUP BY sample.conversation) AS held ON held.conversation = later.conversation
    WHERE length(context.roles) > held.roles)"""


@dataclass(frozen=True, slots=True)
class Retracted:
    """What a retraction came to."""

    action_id: int
    asked: int
    """Samples that were named, without those retracted before."""
    same_pair: int
    """Others that hold the same pair."""
    later: int
    """Later exchanges of their conversations."""
    before: int
    """Samples that were named and are retracted already."""
    expanded: int
    """Samples that were made from these, and stay."""

    @property
    def samples(self) -> int:
        """All that are retracted now."""
        return self.asked + self.same_pair + self.later

    def lines(self) -> list[str]:
        """Say what came beside what was asked for, a sentence each."""
        said = {
            f"{self.same_pair:,} of them hold the same pair as one that was named.": self.same_pair,
            f"{self.later:,} of them are later exchanges of a conversation, whose context holds one.": self.later,
            f"{self.before:,} more were retracted before.": self.before,
            f"{self.expanded:,} samples were made from these. They stay: look at them, and retract them too where "
            "they hold what must go.": self.expanded,
        }
        return [sentence for sentence, number in said.items() if number]


def retract(store: Store, where: str, values: Mapping[str, object], reason: str, by: str) -> Retracted:
    """Retract the samples of a condition over the view `verdict`, and all that hold their pairs, as one action.

    DecisionError where no reason is given, or no sample of the condition is left to retract.
    """
    reason = reason.strip()
    if not reason:
        raise DecisionError("A retraction needs a reason.", "Say why: it stands in the history and beside the sample.")
    refresh(store)
    with store.transaction() as tx:
        action_id = events.start_action(tx)
        before = tx.execute(f"SELECT count(*) FROM verdict WHERE action = 'retract' AND ({where})", values)[0][0]
        asked = _append(tx, action_id, by, reason, f"FROM verdict WHERE ({where})", values)
        if not asked:
            held = f"All {before:,} samples of it are retracted already." if before else "No sample is in this choice."
            raise DecisionError(f"Nothing was retracted. {held}", "Give another filter, or a sample's id or number.")
        same_pair = _append(tx, action_id, by, reason, f"FROM sample WHERE {_SAME_PAIR}", {})
        later = _append(tx, action_id, by, reason, f"FROM sample WHERE {_LATER_EXCHANGE}", {})
        made = "FROM sample WHERE parent IN (SELECT sample_id FROM event WHERE action_id = $action_id)"
        left = f"SELECT count(*) {made} AND NOT {IS_RETRACTED}"
        expanded = tx.execute(left, {"action_id": action_id})[0][0]
    return Retracted(action_id, asked, same_pair, later, int(before), int(expanded))


def _append(tx: Transaction, action_id: int, by: str, reason: str, relation: str, values: Mapping[str, object]) -> int:
    """Retract what is not yet of a relation, with its tombstones, and return how many samples."""
    own = {"action_id": action_id} if "$action_id" in relation else {}
    tx.execute("CREATE OR REPLACE TEMP TABLE retracting (seq BIGINT, sample_id VARCHAR)")
    tx.execute(
        f"INSERT INTO retracting SELECT seq, sample_id {relation} AND NOT {IS_RETRACTED} ORDER BY seq",
        {**values, **own},
    )
    done = events.append_all(
        tx, action_id, by,
        """SELECT $action_id AS action_id, $made_by AS author, 'retract' AS kind, $context AS context, sample_id
           FROM retracting ORDER BY seq""",
        {"context": context_of(reason)},
    )  # fmt: skip
    tx.execute("DROP TABLE retracting")
    if done:
        keep_tombstones(tx, action_id)
        events.fold_action(tx, action_id)
    return done


def retracted_by(action_id: int | None) -> tuple[str, dict[str, object]]:
    """Return the SELECT of the samples that an action retracted and that still are (None: of all), and its values."""
    every = "SELECT sample_id FROM standing WHERE action = 'retract'"
    if action_id is None:
        return every, {}
    return f"{every} AND event_id IN (SELECT event_id FROM event WHERE action_id = $action)", {"action": action_id}


def take_back(store: Store, action_id: int, by: str) -> int:
    """Take a retraction back by its action: what was decided before stands again. Returns how many samples.

    DecisionError where no retraction of that number stands.
    """
    if not any(each.action_id == action_id for each in retractions(store)):
        raise DecisionError(f"There is no retraction {action_id} that stands.", "`srt retract` lists them.")
    return undo_action(store, action_id, by)


@dataclass(frozen=True, slots=True)
class Retraction:
    """A retraction that stands, of as many samples as are left of it."""

    action_id: int
    made_at: datetime
    """UTC."""
    author: str
    reason: str
    samples: int
    first: str
    """The sample with the lowest number."""


def retractions(store: Store) -> list[Retraction]:
    """List the retractions that stand, the newest first."""
    return store.read(
        Retraction,
        """SELECT action_id, min(event.made_at) AS made_at, any_value(event.author) AS author,
                  any_value(event.context ->> 'bulk') AS reason, count(*) AS samples,
                  min_by(standing.sample_id, standing.seq) AS first
           FROM standing JOIN event USING (event_id) WHERE action = 'retract'
           GROUP BY action_id ORDER BY action_id DESC""",
    )


def count_of(store: Store, where: str, values: Mapping[str, object]) -> int:
    """Count the samples of a condition over the view `verdict` that are not retracted yet."""
    refresh(store)
    sql = f"SELECT count(*) FROM verdict WHERE action IS DISTINCT FROM 'retract' AND ({where})"
    return int(store.value(sql, dict(values)))
