"""What a policy would do beside the applied one: counts, and samples that change.

Nothing is stored. Both policies are compared sample by sample, so every number here is a count of the same rows.
"""

from dataclasses import dataclass, field
from typing import Literal

from srt_core.errors import SRTError
from srt_core.methods import MEASURES
from srt_core.project.bins import count_bins, spread_bins
from srt_core.project.store import Row, Store
from srt_core.records import DERIVATIONS, Action, Origin, Policy, Reason, Selection, Stage, derived_by
from srt_core.select.derive import refresh
from srt_core.select.selection import panel_for, rule_of

Change = Literal["entering", "leaving", "switching"]

CHANGES: tuple[Change, ...] = ("entering", "leaving", "switching")

# `new` is the policy in question, `old` the applied one.
_CHANGE = """CASE WHEN old.candidate_id IS NULL THEN if(new.candidate_id IS NULL, NULL, 'entering')
                  WHEN new.candidate_id IS NULL THEN 'leaving'
                  WHEN new.candidate_id <> old.candidate_id THEN 'switching' END"""


def _gain(origin: Origin) -> str:
    """By how much a rewrite improved the measure of what it rewrote, over its parent (paper, section 3)."""
    made = DERIVATIONS[origin]
    child, parent = f"{origin.lower()}_{made.measure}", f"{made.parent.lower()}_{made.measure}"
    return f"{child} - {parent} AS {origin}" if made.direction > 0 else f"{parent} - {child} AS {origin}"


@dataclass(slots=True)
class Comparison:
    """What changes from the applied policy to another one.

    Outcomes are origins that are kept and reasons why nothing is; every sample counts once in `before` and in `after`.
    """

    before: dict[str, int] = field(default_factory=dict)
    after: dict[str, int] = field(default_factory=dict)
    changes: dict[Change, int] = field(default_factory=lambda: dict.fromkeys(CHANGES, 0))
    changes_decided: int = 0
    """Of the changes, those of samples that a person decided: their verdict stays."""
    exported_after: int = 0
    """Pairs that an export of the verdicts would hold under the policy in question."""
    parked_after: int = 0
    """Parked samples that it would keep, which an export leaves out."""

    @property
    def changed(self) -> int:
        """Samples whose candidate changes in any way."""
        return sum(self.changes.values())


def compare(store: Store, policy: Policy) -> Comparison:
    """Compare `policy` with the applied one over the whole set. PolicyError where a value is out of range."""
    refresh(store)
    rule = rule_of(store, policy)
    rows = store.rows(
        f"""WITH new AS MATERIALIZED (SELECT seq, winner, origin, reason, candidate_id FROM ({rule.sql}))
            SELECT NULL AS action, new.winner, new.reason, {_CHANGE} AS change, count(*) AS samples
            FROM new JOIN selection AS old USING (seq) GROUP BY ALL
            UNION ALL
            SELECT action, NULL, new.reason, {_CHANGE} AS change, count(*)
            FROM new JOIN (FROM verdict WHERE action IS NOT NULL) AS old USING (seq) GROUP BY ALL""",
        rule.values,
    )
    found = Comparison(before=_outcomes(store))
    for row in rows:
        _add(found, row)
    return found


def _outcomes(store: Store) -> dict[str, int]:
    """Count the samples by outcome under the applied policy."""
    rows = store.rows("SELECT coalesce(origin, reason) AS outcome, count(*) AS samples FROM selection GROUP BY ALL")
    return {row["outcome"]: row["samples"] for row in rows}


def _add(found: Comparison, row: Row) -> None:
    samples, change, is_kept = row["samples"], row["change"], row["reason"] == Reason.KEPT
    if row["action"]:
        _add_standing(found, row, is_kept=is_kept)
        return
    outcome = row["winner"] if is_kept else row["reason"]
    found.exported_after += samples * is_kept
    found.after[outcome] = found.after.get(outcome, 0) + samples
    if change:
        found.changes[change] += samples


def _add_standing(found: Comparison, row: Row, *, is_kept: bool) -> None:
    """Take in samples that a person decided or parked: what is exported of them is not up to the rule."""
    samples = row["samples"]
    found.exported_after -= samples * is_kept
    if row["action"] == Action.PARK:
        found.parked_after += samples * is_kept
        return
    found.exported_after += samples * (row["action"] not in (Action.REJECT, Action.RETRACT))
    found.changes_decided += samples if row["change"] else 0


@dataclass(frozen=True, slots=True)
class ChangedSample:
    """A sample that another policy would treat otherwise, with what the rule says under both."""

    seq: int
    sample_id: str
    before: Selection
    after: Selection
    candidate_before: int | None
    """The very candidate that is kept under the applied policy; None: none is."""
    candidate_after: int | None
    decided: bool
    """Whether a person decided it, so that the policy changes nothing."""

    @property
    def candidate_shown(self) -> int:
        """The candidate whose text stands for the sample: the one that would be kept, else the one that is."""
        shown = self.candidate_before if self.candidate_after is None else self.candidate_after
        assert shown is not None, "a sample that changes is kept before or after"
        return shown


def changes(store: Store, policy: Policy, change: Change, limit: int, offset: int = 0) -> list[ChangedSample]:
    """List samples that `policy` would bring in, leave out or give another candidate, by their number."""
    refresh(store)
    rule = rule_of(store, policy)
    return store.read(
        ChangedSample,
        f"""WITH page AS (
                SELECT seq, new.winner, new.origin, new.candidate_id, new.reason
                FROM ({rule.sql}) AS new JOIN selection AS old USING (seq)
                WHERE {_CHANGE} = $change ORDER BY seq LIMIT $limit OFFSET $offset
            )
            SELECT seq, old.sample_id, {_SELECTION.format("old")} AS before, {_SELECTION.format("page")} AS after,
                   old.candidate_id AS candidate_before, page.candidate_id AS candidate_after, old.decided
            FROM page JOIN verdict AS old USING (seq) ORDER BY seq""",
        {**rule.values, "change": change, "limit": limit, "offset": offset},
    )


_SELECTION = "{{'winner': {0}.winner, 'origin': {0}.origin, 'reason': {0}.reason}}"


Bins = tuple[list[float], dict[Origin, list[int]]]
"""The edges of bins, and a count per bin by origin; ([], {}) where nothing has a number."""


def gains(store: Store, stage: Stage, policy: Policy, bins: int = 50) -> Bins:
    """Count rewrites of a stage, of those that `policy` may take, by how much they improve on their parent.

    The rise of IFD for the instruction stage, the fall of r-IFD for the response stage.
    """
    return _distribution(store, ", ".join(map(_gain, derived_by(stage))), policy, bins)


def spread(store: Store, measure: str, policy: Policy, bins: int = 50) -> Bins:
    """Count the candidates that `policy` may take by a measure of MEASURES."""
    if measure not in MEASURES:
        raise SRTError(f"There is no measure {measure}.", f"Choose from: {', '.join(MEASURES)}.")
    origins = MEASURES[measure].origins
    columns = ", ".join(f"{each.lower()}_{measure} AS {each}" for each in origins)
    return _distribution(store, columns or f"{measure} AS {Origin.ORIGINAL}", policy, bins)


def _distribution(store: Store, columns: str, policy: Policy, bins: int) -> Bins:
    refresh(store)
    panel = panel_for(store, policy)
    numbers = f"SELECT {columns} FROM ({panel.sql})"
    edges = spread_bins(store, numbers, bins, panel.values)
    if not edges:
        return [], {}
    counts = count_bins(store, numbers, panel.values, edges)
    return edges, {origin: counts[origin] for origin in Origin if f" AS {origin}" in columns}
