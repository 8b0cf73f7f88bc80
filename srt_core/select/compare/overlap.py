"""What several policies keep of the same samples: how much of each kind, and how many versions two of them share.

Each rule is worked out once, and all that is said of them together comes from one statement. Nothing is stored.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from srt_core.errors import PolicyError
from srt_core.project.store import Query, Store
from srt_core.records import Policy
from srt_core.select.derive import refresh
from srt_core.select.policy import applied_policy, policy_to_json
from srt_core.select.selection import rule_of


@dataclass(frozen=True, slots=True)
class Kind:
    """How many samples of a task there are, and of how many each policy keeps a version."""

    samples: int
    kept: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Overlap:
    """What policies keep, in the order asked for.

    Attributes:
        kinds: by task, the most frequent first; "" where it was not found.
        both: under policies i and j the same version is kept of so many samples.
        picks: the version that each policy keeps of the samples asked for, by number; None: it leaves it out.
    """

    kinds: Mapping[str, Kind]
    both: tuple[tuple[int, ...], ...]
    picks: Mapping[int, tuple[int | None, ...]]

    @property
    def samples(self) -> int:
        """All of them."""
        return sum(kind.samples for kind in self.kinds.values())

    @property
    def kept(self) -> tuple[int, ...]:
        """Of how many samples each policy keeps a version."""
        return tuple(row[place] for place, row in enumerate(self.both))


def obstacle(store: Store, policy: Policy) -> str:
    """Say why a policy cannot select here yet; "" where it can."""
    try:
        rule_of(store, policy)
    except PolicyError as error:
        return error.message
    return ""


def _picks(store: Store, policy: Policy, tag: str) -> Query:
    """Return what the rule keeps under a policy: as it is stored, of the one in use."""
    is_in_use = policy_to_json(policy) == policy_to_json(applied_policy(store))
    return Query("SELECT * FROM selection", {}) if is_in_use else rule_of(store, policy, tag=tag)


def overlap(store: Store, policies: Sequence[Policy], seqs: Sequence[int] = ()) -> Overlap:
    """Set policies side by side over the whole set; `seqs` are samples whose picks are wanted.

    PolicyError where one of the policies cannot select here.
    """
    refresh(store)
    rules = [_picks(store, policy, f"_{place}") for place, policy in enumerate(policies)]
    places = range(len(rules))
    pairs = [(i, j) for i in places for j in places if i <= j]
    joined = " ".join(
        f"JOIN (SELECT seq, candidate_id AS pick_{place} FROM ({rule.sql})) USING (seq)"
        for place, rule in enumerate(rules)
    )
    shared = ", ".join(f"count(*) FILTER (pick_{i} = pick_{j}) AS both_{i}_{j}" for i, j in pairs)
    picked = ", ".join(f"pick_{place}" for place in places)
    rows = store.rows(
        f"""SELECT coalesce(task, '') AS task, count(*) AS samples, {shared},
                   list({{'seq': seq, 'picks': [{picked}]}}) FILTER (is_wanted) AS wanted
            FROM (SELECT seq, sample_id FROM selection) LEFT JOIN (SELECT sample_id, task FROM kind) USING (sample_id)
                LEFT JOIN (SELECT unnest($wanted::BIGINT[]) AS seq, true AS is_wanted) USING (seq) {joined}
            GROUP BY ALL ORDER BY samples DESC, task""",
        {"wanted": list(seqs), **{name: value for rule in rules for name, value in rule.values.items()}},
    )
    both = [[sum(row[f"both_{min(i, j)}_{max(i, j)}"] for row in rows) for j in places] for i in places]
    kinds = {row["task"]: Kind(row["samples"], tuple(row[f"both_{i}_{i}"] for i in places)) for row in rows}
    picks = {each["seq"]: tuple(each["picks"]) for row in rows for each in row["wanted"] or ()}
    return Overlap(kinds, tuple(map(tuple, both)), picks)
