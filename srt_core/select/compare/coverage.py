"""Coverage: how much of each kind of sample a policy keeps, against the whole. Exact counts, one statement each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from srt_core.errors import SRTError
from srt_core.project.store import Store
from srt_core.records import Policy
from srt_core.select.derive import refresh
from srt_core.select.selection import rule_of

LEAST_SAMPLES = 20
"""A kind with fewer says little of a policy: it is listed last and never pointed out."""
FAR = 0.5
"""A kind is pointed out where the share kept is at most this part of the whole's."""

BANDS: Sequence[tuple[int, int]] = ((0, 50), (51, 200), (201, 500), (501, 1000), (1001, 2000))
"""Characters of the original's response, both ends included; beyond the last is a band without end."""
LAST_BAND = BANDS[-1][1] + 1
_BAND = " ".join(f"WHEN original_characters <= {high} THEN '{low}'" for low, high in BANDS)

# By name: the kind of a sample as text, NULL where it is not known, over `kind` and `panel`.
_GROUPINGS: Mapping[str, str] = {
    "task": "kind.task",
    "length": f"CASE {_BAND} ELSE '{LAST_BAND}' END",
    "language": "kind.language",
    "cluster": "kind.cluster::VARCHAR",
}
GROUPINGS = tuple(_GROUPINGS)


@dataclass(frozen=True, slots=True)
class Covered:
    """How many samples of a kind there are and how many are kept; `beside` by the policy set beside, if there is one.

    `kind` is a task, the first number of a length band, a language or the number of a cluster; None: not found yet.
    """

    kind: str | None
    samples: int
    kept: int
    beside: int | None = None

    @property
    def share(self) -> float:
        """The share kept, from 0 to 1."""
        return self.kept / self.samples if self.samples else 0.0

    @property
    def share_beside(self) -> float | None:
        """The same under the policy set beside."""
        return None if self.beside is None else self.beside / self.samples


@dataclass(frozen=True, slots=True)
class Coverage:
    """The kinds of a grouping, those whose share kept lies farthest from the whole's first."""

    whole: Covered
    kinds: tuple[Covered, ...]

    @property
    def thin(self) -> tuple[Covered, ...]:
        """The kinds that the policy keeps far less of than of the whole, the thinnest first."""
        far = [kind for kind in self.kinds if kind.samples >= LEAST_SAMPLES and kind.share <= FAR * self.whole.share]
        return tuple(sorted(far, key=lambda kind: kind.share)) if self.whole.kept else ()


def coverage(store: Store, grouping: str, beside: Policy | None = None) -> Coverage:
    """Count what the applied policy keeps of each kind (a grouping of GROUPINGS), and `beside` what another would."""
    if grouping not in _GROUPINGS:
        raise SRTError(f"There is no grouping by {grouping}.", f"Choose from: {', '.join(GROUPINGS)}.")
    refresh(store)
    rule = rule_of(store, beside) if beside else None
    other = f"JOIN ({rule.sql}) AS other USING (seq)" if rule else ""
    counted = "count(other.origin)" if rule else "NULL"
    rows = store.rows(
        f"""SELECT {_GROUPINGS[grouping]} AS kind, count(*) AS samples, count(selection.origin) AS kept,
                   {counted} AS beside
            FROM selection {_joined(grouping)} {other} GROUP BY 1""",
        rule.values if rule else {},
    )
    kinds = [Covered(**row) for row in rows]
    whole = _sum(kinds, rule is not None)
    return Coverage(whole, tuple(sorted(kinds, key=lambda kind: _rank(kind, whole))))


def _joined(grouping: str) -> str:
    if grouping == "length":
        return "JOIN (SELECT seq, original_characters FROM panel) AS measured USING (seq)"
    return "LEFT JOIN kind USING (sample_id)"


def _sum(kinds: Sequence[Covered], is_beside: bool) -> Covered:
    return Covered(
        None,
        sum(kind.samples for kind in kinds),
        sum(kind.kept for kind in kinds),
        sum(kind.beside or 0 for kind in kinds) if is_beside else None,
    )


def _rank(kind: Covered, whole: Covered) -> tuple[bool, bool, float, str]:
    distance = abs(kind.share - whole.share)
    return kind.kind is None, kind.samples < LEAST_SAMPLES, -distance, kind.kind or ""


def band_of(kind: str) -> tuple[int, int | None]:
    """Return the ends of a length band by its first number; None where it has no end."""
    low = int(kind)
    return next(((first, last) for first, last in BANDS if first == low), (low, None))
