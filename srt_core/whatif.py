"""What a policy would do beside the applied one: counts, samples that change, agreement with what people decided.

Nothing is stored. Both policies are compared sample by sample, so every number here is a count of the same rows.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from srt_core.bins import count_bins, spread_bins
from srt_core.methods import METHODS, Method
from srt_core.records import Origin, Policy, Stage
from srt_core.selection import RULE, parameters, refresh
from srt_core.store import Row, Store

Change = Literal["entering", "leaving", "switching"]

# `new` is the policy in question, `old` the applied one with the standing decisions.
_CHANGES: Mapping[Change, str] = {
    "entering": "old.origin IS NULL AND new.origin IS NOT NULL",
    "leaving": "old.origin IS NOT NULL AND new.origin IS NULL",
    "switching": "old.origin <> new.origin",
}

# By how much a rewrite improved the measure of what it rewrote, over its parent (paper, section 3).
_GAINS: Mapping[Stage, str] = {
    Stage.INSTRUCTION: "SELECT instruction_ifd - original_ifd AS INSTRUCTION FROM panel",
    Stage.RESPONSE: "SELECT original_r_ifd - response_r_ifd AS RESPONSE, instruction_r_ifd - both_r_ifd AS BOTH "
    "FROM panel",
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
    rows = store.rows(
        f"""SELECT coalesce(old.origin, old.reason) AS before, coalesce(new.origin, new.reason) AS after, decided,
                   decided AND old.origin IS NOT DISTINCT FROM verdict_origin AS agrees_before,
                   decided AND new.origin IS NOT DISTINCT FROM verdict_origin AS agrees_after,
                   {flags}, count(*) AS samples
            FROM ({RULE}) AS new JOIN verdict AS old USING (sample_id) GROUP BY ALL""",
        parameters(policy),
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

    Each row is the selection under `policy` (as in browse.row) with origin_before, winner_before and reason_before of
    the applied one, and whether a person decided the sample.
    """
    refresh(store)
    return store.rows(
        f"""SELECT new.*, old.origin AS origin_before, old.winner AS winner_before, old.reason AS reason_before,
                   old.decided
            FROM ({RULE}) AS new JOIN verdict AS old USING (sample_id)
            WHERE {_CHANGES[change]} ORDER BY new.seq LIMIT $limit OFFSET $offset""",
        {**parameters(policy), "limit": limit, "offset": offset},
    )


def gains(store: Store, stage: Stage, bins: int = 50) -> tuple[list[float], dict[Origin, list[int]]]:
    """Count rewrites of a stage by how much they improve on their parent: the bins' edges, and a count per bin.

    The rise of IFD for the instruction stage, the fall of r-IFD for the response stage. ([], {}) where none is scored.
    """
    refresh(store)
    edges = spread_bins(store, _GAINS[stage], bins)
    if not edges:
        return [], {}
    counts = count_bins(store, _GAINS[stage], {}, edges)
    return edges, {origin: counts[origin] for origin in Origin if f" AS {origin}" in _GAINS[stage]}


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
    values = parameters(other)
    return {name for name, value in parameters(one).items() if values[name] != value}
