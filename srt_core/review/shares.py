"""Shares: a queue parted among reviewers by the hash of each sample's id, so that no two are given the same one.

An id is 12 letters of a hash in base 32 (samples.sample_id), as good as drawn at random. Its first six letters put a
sample into a bucket, which never changes and needs no table: shares are ranges of buckets, thus ranges of ids, stable
when samples are added. Its last six draw the overlap, which everybody with a share decides, each without seeing what
the others did.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

from srt_core.errors import PeopleError
from srt_core.people import clean_name
from srt_core.project.events import append
from srt_core.project.store import Store

BUCKETS = 10_000
"""Shares are whole numbers of these: hundredths of a percent."""

_LETTERS = "234567abcdefghijklmnopqrstuvwxyz"  # of base 32, in the order in which texts sort
_WIDTH = 6
_IS_DRAWN = f"substr(sample_id, {_WIDTH + 1}) < $share_overlap"

Ranges = tuple[tuple[int, int], ...]
"""Ranges of buckets, each from its first to before its second."""


@dataclass(frozen=True, slots=True)
class Share:
    """What of a queue is one person's: `parts` are theirs alone; of `overlap`, in buckets, everybody has the whole."""

    name: str
    parts: Ranges
    overlap: int

    def condition(self) -> tuple[str, dict[str, object]]:
        """Return the SQL condition over `sample_id` that a sample is in the share, and its values."""
        values: dict[str, object] = {"share_overlap": _edge(self.overlap)}
        terms = [_IS_DRAWN]
        for place, (first, end) in enumerate(self.parts):
            values |= {f"share_from_{place}": _edge(first), f"share_to_{place}": _edge(end)}
            terms.append(f"sample_id >= $share_from_{place} AND sample_id < $share_to_{place}")
        return f"({' OR '.join(terms)})", values

    def goal(self, goal: str) -> tuple[str, dict[str, object]]:
        """Return the condition that a sample of the share asks for a decision, and its values.

        `goal` is what does so elsewhere. A sample of the overlap waits for this person, whatever others decided.
        """
        if not self.overlap:
            return goal, {}
        return (
            f"CASE WHEN {_IS_DRAWN} THEN sample_id NOT IN ({_OWN}) ELSE {goal} END",
            {"share_overlap": _edge(self.overlap), "share_name": self.name},
        )


# The samples that a person decided or parked, by decisions that were not undone.
_OWN = "SELECT sample_id FROM decision WHERE decided_by(author, context) = $share_name"


@dataclass(frozen=True, slots=True)
class Assignment:
    """How a queue is parted: ranges of buckets by name, and the overlap in buckets. What is left is open to all."""

    parts: Mapping[str, Ranges]
    overlap: int = 0

    def share(self, name: str) -> Share | None:
        """Return a person's share; None for somebody without one."""
        return Share(name, self.parts[name], self.overlap) if name in self.parts else None

    def percents(self) -> dict[str, float]:
        """Return each person's share in percent of what is not overlap."""
        return {name: _size(parts) * 100 / BUCKETS for name, parts in self.parts.items()}


EMPTY = Assignment({})


def assign(old: Assignment, percents: Sequence[tuple[str, float]], overlap: float) -> Assignment:
    """Part a queue again, moving no more than must move: who had a bucket keeps it as long as the new share has room.

    `percents` are by name and of what is not overlap, `overlap` is in percent of all. PeopleError if they are more
    than all, or if a name stands twice.
    """
    edges = [round(total * BUCKETS / 100) for total in accumulate((percent for _, percent in percents), initial=0.0)]
    wanted = {clean_name(name): end - first for (name, _), (first, end) in zip(percents, pairwise(edges), strict=True)}
    drawn = round(overlap * BUCKETS / 100)
    if len(wanted) < len(percents):
        raise PeopleError("A name stands twice.", "Give each person one share.")
    if not 0 <= drawn <= BUCKETS or any(size < 0 for size in wanted.values()) or sum(wanted.values()) > BUCKETS:
        raise PeopleError("The shares are more than there is.", "Let them sum to at most 100 %, none below 0 %.")
    kept = {name: _first(old.parts.get(name, ()), size) for name, size in wanted.items()}
    free = _without(BUCKETS, [part for parts in kept.values() for part in parts])
    parts: dict[str, Ranges] = {}
    for name, size in wanted.items():
        more = _first(free, size - _size(kept[name]))
        free = _without(BUCKETS, [*_without(BUCKETS, free), *more])
        parts[name] = _joined([*kept[name], *more])
    return Assignment(parts, drawn)


def read_assignment(store: Store, queue: str) -> Assignment:
    """Read how a queue is shared out; EMPTY where it is not."""
    return _read(store.meta(_key(queue)))


def share_out(store: Store, queue: str, percents: Sequence[tuple[str, float]], overlap: float, by: str) -> Assignment:
    """Share a queue out as `assign` does, from how it is shared out now, and log who did that."""
    # Read and written in one transaction, so that nobody shares out meanwhile what this moves buckets from.
    with store.transaction() as tx:
        assignment = assign(_read(tx.meta(_key(queue))), percents, overlap)
        tx.set_meta(_key(queue), json.dumps({"parts": dict(assignment.parts), "overlap": assignment.overlap}))
        said = {"queue": queue, "shares": assignment.percents(), "overlap": assignment.overlap * 100 / BUCKETS}
        append(tx, "assign", by, said)
    return assignment


def _key(queue: str) -> str:
    return f"assign:{queue}"


def _read(text: str | None) -> Assignment:
    if not text:
        return EMPTY
    found = json.loads(text)
    return Assignment({name: _ranges(parts) for name, parts in found["parts"].items()}, found["overlap"])


def is_blind(store: Store, share: Share, sample: str) -> bool:
    """Whether a sample is of the overlap and the person has not decided it yet: others' decisions are not shown."""
    if not share.overlap:
        return False
    found = store.value(
        f"SELECT {_IS_DRAWN} AND sample_id NOT IN ({_OWN}) FROM sample WHERE sample_id = $sample",
        {"share_overlap": _edge(share.overlap), "share_name": share.name, "sample": sample},
    )
    return bool(found)


def _edge(bucket: int) -> str:
    """Return the text that the ids of a bucket begin at: below it in sorting are all ids of the buckets before."""
    if bucket >= BUCKETS:
        return "~"  # after every letter
    place = -(-bucket * len(_LETTERS) ** _WIDTH // BUCKETS)
    letters = [_LETTERS[place // len(_LETTERS) ** power % len(_LETTERS)] for power in range(_WIDTH - 1, -1, -1)]
    return "".join(letters) if bucket else ""


def _size(parts: Iterable[tuple[int, int]]) -> int:
    return sum(end - first for first, end in parts)


def _first(parts: Sequence[tuple[int, int]], size: int) -> Ranges:
    """Return the first `size` buckets of some ranges, or all where they hold fewer."""
    taken: list[tuple[int, int]] = []
    for first, end in parts:
        room = size - _size(taken)
        if room > 0:
            taken.append((first, min(end, first + room)))
    return tuple(taken)


def _without(buckets: int, parts: Iterable[tuple[int, int]]) -> Ranges:
    """Return the ranges between some that do not overlap."""
    edges = [0, *(edge for part in sorted(parts) for edge in part), buckets]
    return tuple((first, end) for first, end in zip(edges[::2], edges[1::2], strict=True) if first < end)


def _joined(parts: Iterable[tuple[int, int]]) -> Ranges:
    """Join ranges that touch."""
    return _without(BUCKETS, _without(BUCKETS, parts))


def _ranges(parts: Iterable[Sequence[int]]) -> Ranges:
    return tuple((int(first), int(end)) for first, end in parts)
