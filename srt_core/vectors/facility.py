"""Facility location: which few points stand nearest to all of them (Superfiltering.D, arXiv 2402.00530).

The value of a choice is the sum over all points of their likeness to the nearest chosen one. The greedy choice takes
next what adds most, ties to the lowest index; its value is at least 63 % of the best one's, and often not the best.
Here likeness is `top` minus how far two points are apart: of the paper's kernel exp(-distance / dimensions) it is 1
minus `apart`, which keeps its digits where likenesses are all near 1.
"""

import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True, slots=True)
class Located:
    """Points in the order in which they were chosen, and by how much each raised the value of the choice."""

    order: tuple[int, ...]
    gains: tuple[float, ...]


def apart(points: Any) -> Any:
    """Return 1 - exp(-distance / dimensions) of each two points of float64 [points, dimensions]: [points, points]."""
    squares = (points * points).sum(axis=1)
    squared = np.maximum(squares[:, None] + squares[None, :] - 2 * points @ points.T, 0)
    np.fill_diagonal(squared, 0)
    return -np.expm1(-np.sqrt(squared) / points.shape[1])


def locate(far: Any, most: int | None = None, *, top: float = 1.0) -> Located:
    """Choose greedily, all points or at most so many.

    Args:
        far: float64 [points, points], symmetric: how far each two are apart, `top` minus their likeness.
        most: how many are chosen; None: all, so that they are ranked.
        top: the likeness of what is not apart.

    Bounds of gains only fall while more is chosen, so only points whose bound is highest are looked at again.
    """
    size = len(far)
    most = size if most is None else min(most, size)
    if not most:
        return Located((), ())
    alone = size * top - far.sum(axis=1)
    first = int(np.argmax(alone))
    order, gains = [first], [float(alone[first])]
    near = far[first].copy()
    bounds = np.maximum(near - far, 0).sum(axis=1)
    heap = [(-bound, place) for place, bound in enumerate(bounds.tolist()) if place != first]
    heapq.heapify(heap)
    looked_at = np.ones(size, dtype=int)
    while heap and len(order) < most:
        bound, place = heap[0]
        if looked_at[place] < len(order):
            fresh = float(np.maximum(near - far[place], 0).sum())
            looked_at[place] = len(order)
            heapq.heapreplace(heap, (-fresh, place))
            continue
        heapq.heappop(heap)
        order.append(place)
        gains.append(-bound)
        np.minimum(near, far[place], out=near)
    return Located(tuple(order), tuple(gains))


def blocks(groups: Any, points: Any, largest: int) -> Iterator[Any]:
    """Yield the places of each block: the points of a group, cut across its longest extent where it is too large.

    Args:
        groups: the group of each point, int.
        points: [points, dimensions], read a block at a time.
        largest: points that a block has at most.
    """
    groups = np.asarray(groups)
    by_group = np.argsort(groups, kind="stable")
    ends = np.flatnonzero(np.diff(groups[by_group])) + 1
    for members in np.split(by_group, ends):
        parts = -(-len(members) // largest)
        if parts == 1:
            yield members
            continue
        held = np.asarray(points[members], dtype=np.float64)
        middle = held.mean(axis=0)
        axis = held[np.argmax(((held - middle) ** 2).sum(axis=1))] - middle
        across = members[np.argsort(held @ axis, kind="stable")]
        yield from (np.sort(part) for part in np.array_split(across, parts))
