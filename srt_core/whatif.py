"""What a policy would do beside the applied one: counts, samples that change, agreement with what people decided.

Nothing is stored. Both policies are compared sample by sample, so every number here is a count of the same rows.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Literal

from srt_core.bins import count_bins, spread_bins
from srt_core.errors import SRTError
from srt_core.methods import METHODS, Method
from srt_core.records import Origin, Policy, Stage
from srt_core.scorings import MEASURES
from srt_core.selection import panel_for, refresh, rule_of
from srt_core.store import Row, Store

Change = Literal["entering", "leaving", "switching"]

# `new` is the policy in question, `old` the applied one with the standing decisions.
_CHANGES: Mapping[Change, str] = {
    "entering": "old.origin IS NULL AND new.origin IS NOT NULL",
    "leaving": "old.origin IS NOT NULL AND new.origin IS NULL",
    "switching": "old.candidate_id <> new.candidate_id",
}

# A decision for another producer's text of the same origin is not the rule's pick; a repair is for no candidate.
AGREES = "{0}.origin IS NOT DISTINCT FROM verdict_origin AND coalesce({0}.candidate_id = verdict_id, true)"

# By how much a rewrite improved the measure of what it rewrote, over its parent (paper, section 3).
_GAINS: Mapping[Stage, str] = {
    Stage.INSTRUCTION: "instruction_ifd - original_ifd AS INSTRUCTION",
    Stage.RESPONSE: "original_r_ifd - response_r_ifd AS RESPONSE, instruction_r_ifd - both_r_ifd AS BOTH",
}


@dataclass(slots=True)
class Comparison:
    """What changes from the applied policy to another one.

    Outcomes are origins that are kept and reasons why nothing is; every sample counts once in `before` and in `after`.
    """

    before: dict[str, int] = field(default_factory=dict)
    after: dict[str, int] = field(default_factory=dict)
    changes: dict[Change, int] = field(default_factory=lambda: dict.fromkeys(_CHANGES, 0))
    changes_decided: int = 0
    """Of the changes, those of samples that a person decided: their verdict stays."""
    decided: int = 0
    agrees_before: int = 0
    """Decided samples for which the applied policy has the same outcome: the same candidate, or none."""
    agrees_after: int = 0

    @property
    def changed(self) -> int:
        """Samples whose candidate changes in any way."""
        return sum(self.changes.values())


def compare(store: Store, policy: Policy) -> Comparison:
    """Compare `policy` with the applied one over the whole set. PolicyError where a value is out of range."""
    refresh(store)
    flags = ", ".join(f"{condition} AS {name}" for name, condition in _CHANGES.items())
    rule = rule_of(store, policy)
    rows = store.rows(
        f"""SELECT coalesce(old.origin, old.reason) AS before, coalesce(new.origin, new.reason) AS after, decided,
                   decided AND {AGREES.format("old")} AS agrees_before,
                   decided AND {AGREES.format("new")} AS agrees_after,
                   {flags}, count(*) AS samples
            FROM ({rule.sql}) AS new JOIN verdict AS old USING (sample_id) GROUP BY ALL""",
        rule.values,
    )
    found = Comparison()
    for row in rows:
        _add(found, row)
    return found


def _add(found: Comparison, row: Row) -> None:
    samples = row["samples"]
    for outcomes, outcome in ((found.before, row["before"]), (found.after, row["after"])):
        outcomes[outcome] = outcomes.get(outcome, 0) + samples
    for name in _CHANGES:
        if row[name]:
            found.changes[name] += samples
            found.changes_decided += samples * row["decided"]
    found.decided += samples * row["decided"]
    found.agrees_before += samples * row["agrees_before"]
    found.agrees_after += samples * row["agrees_after"]


def changes(store: Store, policy: Policy, change: Change, limit: int, offset: int = 0) -> list[Row]:
    """List samples that `policy` would bring in, leave out or give another candidate, by their number.

    Each row is the selection under `policy` (as in browse.row) with origin_before, winner_before, reason_before,
    candidate_before and winner_id_before of the applied one, and whether a person decided the sample.
    """
    refresh(store)
    rule = rule_of(store, policy)
    return store.rows(
        f"""SELECT new.*, old.origin AS origin_before, old.winner AS winner_before, old.reason AS reason_before,
                   old.candidate_id AS candidate_before, old.winner_id AS winner_id_before, old.decided
            FROM ({rule.sql}) AS new JOIN verdict AS old USING (sample_id)
            WHERE {_CHANGES[change]} ORDER BY new.seq LIMIT $limit OFFSET $offset""",
        {**rule.values, "limit": limit, "offset": offset},
    )


Bins = tuple[list[float], dict[Origin, list[int]]]
"""The edges of bins, and a count per bin by origin; ([], {}) where nothing has a number."""


def gains(store: Store, stage: Stage, policy: Policy, bins: int = 50) -> Bins:
    """Count rewrites of a stage, of those that `policy` may take, by how much they improve on their parent.

    The rise of IFD for the instruction stage, the fall of r-IFD for the response stage.
    """
    return _distribution(store, _GAINS[stage], policy, bins)


def spread(store: Store, measure: str, policy: Policy, bins: int = 50) -> Bins:
    """Count the candidates that `policy` may take by a measure of MEASURES."""
    if measure not in MEASURES:
        raise SRTError(f"There is no measure {measure}.", f"Choose from: {', '.join(MEASURES)}.")
    return _distribution(store, ", ".join(f"{each.lower()}_{measure} AS {each}" for each in Origin), policy, bins)


def _distribution(store: Store, columns: str, policy: Policy, bins: int) -> Bins:
    refresh(store)
    panel = panel_for(store, policy)
    numbers = f"SELECT {columns} FROM ({panel.sql})"
    edges = spread_bins(store, numbers, bins, panel.values)
    if not edges:
        return [], {}
    counts = count_bins(store, numbers, panel.values, edges)
    return edges, {origin: counts[origin] for origin in Origin if f" AS {origin}" in columns}


def method_of(policy: Policy) -> Method:
    """Find the method that a policy belongs to: of those whose dials reach it, the one with the nearest policy."""
    near = [
        (len(changed), method)
        for method in METHODS.values()
        for changed in (differing(policy, own) for own in method.policies)
        if changed <= set(method.dials)
    ]
    return min(near, key=lambda found: found[0])[1]


def differing(one: Policy, other: Policy) -> set[str]:
    """Name the options in which two policies differ; their names do not count."""
    values = asdict(other)
    return {name for name, value in asdict(one).items() if name != "name" and values[name] != value}
