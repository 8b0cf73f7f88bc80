"""Packs: which requests go through the student together, and where each of their tokens lies.

Sorted by their ids, requests with a common prefix are neighbours: the head of a template, an instruction before two
responses, a reverse prompt before two instructions. Within a pack such a prefix is computed once, as in a prefix tree
(trie). A later request adds only its own tokens, one segment, which attends to itself and to the spans of its prefix:

    request  <s> A B C | D E      pack   <s> A B C D E  F G H
             <s> A B C | F G H           └─ segment 1 ┘ └ 2 ┘   segment 2 sees the span "<s> A B C"

A new pack repeats the prefix that it begins with. What stands before a pair in its conversation may be most of its
tokens, so that packs end where as little of it as possible is shared with the next request.

A pack depends only on its requests, so every engine that computes the same pack gives the same losses. Nothing here
depends on torch.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import accumulate
from typing import TypeAlias

from srt_core.records import LossRequest, LossStatus

MIN_SHARED_TOKENS = 16
"""A shorter common prefix costs more to share than to compute again."""

Span: TypeAlias = tuple[int, int]
"""Rows of a pack: first and last (exclusive)."""


class Batching(StrEnum):
    """How requests share a forward pass, the fastest first."""

    PACKED = "packed"
    """One row of tokens, common prefixes only once."""
    PADDED = "padded"
    """One request a row, padded on the right to the longest."""
    SINGLE = "single"
    """One request at a time, through the model's own forward."""


Pack: TypeAlias = tuple[LossRequest, ...]
"""Requests computed together. No two are equal."""


@dataclass(frozen=True, slots=True)
class Segment:
    """Neighbouring rows of one text. Each attends to those before it in the segment, and to all rows of `before`."""

    rows: Span
    before: tuple[Span, ...]
    depth: int
    """Tokens in `before`; also the position of the first row in its text."""


@dataclass(frozen=True, slots=True)
class Layout:
    """A pack as one sequence of tokens, one per row.

    ids, positions: the token of each row, and its position in its own text. targets: the rows that predict a target
    token, request after request; wanted: those target tokens; counts: the number of targets of each request.

    A row may be in `targets` several times: where texts branch, the last common row predicts the next token of each.
    """

    ids: list[int]
    positions: list[int]
    segments: list[Segment]
    targets: list[int]
    wanted: list[int]
    counts: list[int]


def cut(requests: Iterable[LossRequest], token_budget: int, batching: Batching) -> list[Pack]:
    """Return requests in packs of at most `token_budget` computed tokens, but at least one request each.

    The context that a pack begins with may come on top, which is no longer than max length. Packs are about equally
    full; equal requests are taken once. For padding they are sorted by length, longest first.
    """
    longest_context_last = sorted(requests, key=lambda request: request.before)
    distinct = list({request: request for request in longest_context_last}.values())
    if batching is Batching.PADDED:
        return _cut_padded(sorted(distinct, key=lambda request: (-len(request.ids), *_order(request))), token_budget)
    ordered = sorted(distinct, key=_order)
    if batching is Batching.SINGLE:
        return [(request,) for request in ordered]
    return _cut_packed(ordered, token_budget)


def computed_tokens(pack: Pack, batching: Batching) -> int:
    """Return the number of tokens that a pack puts through the student: shared ones once, padding included."""
    if batching is Batching.PADDED:
        return len(pack) * max(len(request.ids) for request in pack)
    return sum(_added_tokens(pack))


def lay_out(pack: Pack) -> Layout:
    """Return the requests of a pack, sorted by their ids, as one sequence of tokens."""
    layout = Layout([], [], [], [], [], [])
    # The segments that spell the previous request: a path from the root of the prefix tree. As requests are sorted,
    # what the next one shares with any earlier request it shares with the previous one.
    path: list[Segment] = []
    previous: tuple[int, ...] = ()
    for request in pack:
        shared = _shared_tokens(previous, request.ids)
        path = _clipped(path, shared)
        if shared < len(request.ids):
            path.append(_append_segment(layout, request.ids, shared, path))
        _append_targets(layout, request, path)
        previous = request.ids
    return layout


def _order(request: LossRequest) -> tuple[tuple[int, ...], int, LossStatus]:
    return request.ids, request.start, request.status


def _cut_packed(ordered: Sequence[LossRequest], token_budget: int) -> list[Pack]:
    """Return as few packs as the budget allows, but an even number if several, so that two workers end together."""
    added = _added_tokens(ordered)
    fewest = max(1, -(-sum(added) // token_budget))
    for number in range(fewest, fewest + 3):  # each pack repeats the prefix it begins with, so more may be needed
        packs = _cut_at(ordered, added, sum(added) / number, token_budget)
        if len(packs) == 1 or len(packs) % 2 == 0:
            break
    return packs


def _cut_at(ordered: Sequence[LossRequest], added: Sequence[int], share: float, token_budget: int) -> list[Pack]:
    """End a pack where those so far have their share of all tokens, or the next request exceeds the budget.

    A share is no reason to end it where a context would be computed again.
    """
    done = list(accumulate(added, initial=0))
    repeated = [min(each.before, len(each.ids) - tokens) for each, tokens in zip(ordered, added, strict=True)]
    packs: list[Pack] = []
    begin = 0
    while begin < len(ordered):
        # The first request of a pack shares nothing; the context that it repeats is not counted.
        full = len(ordered[begin].ids) - repeated[begin]
        end = begin + 1
        while end < len(ordered) and full + added[end] <= token_budget:
            # Half of the tokens: a request belongs to the pack whose share its middle falls into.
            if done[end] + added[end] / 2 > share * (len(packs) + 1) and not repeated[end]:
                break
            full += added[end]
            end += 1
        if end < len(ordered):
            computed = list(accumulate(added[begin + 1 : end], initial=len(ordered[begin].ids)))
            end = begin + 1 + _best_end(computed, repeated[begin + 1 : end + 1])
        packs.append(tuple(ordered[begin:end]))
        begin = end
    return packs


def _best_end(computed: Sequence[int], repeated: Sequence[int]) -> int:
    """Return after which request the tokens that the next pack repeats are fewest for those that this one computes.

    The last one of equals: where no context is shared a pack is as full as it may be.
    """
    return min(reversed(range(len(computed))), key=lambda place: repeated[place] / computed[place])


def _cut_padded(longest_first: Sequence[LossRequest], token_budget: int) -> list[Pack]:
    packs: list[Pack] = []
    done = 0
    while done < len(longest_first):
        size = max(1, token_budget // len(longest_first[done].ids))  # the first is the longest: the width of the pack
        packs.append(tuple(longest_first[done : done + size]))
        done += size
    return packs


def _added_tokens(ordered: Sequence[LossRequest]) -> list[int]:
    """Return how many tokens each request adds to those before it."""
    before = [(), *(request.ids for request in ordered[:-1])]
    return [
        len(request.ids) - _shared_tokens(previous, request.ids)
        for previous, request in zip(before, ordered, strict=False)
    ]


def _shared_tokens(one: tuple[int, ...], other: tuple[int, ...]) -> int:
    """Return the length of the common prefix, 0 where it is too short to be worth sharing."""
    reach = min(len(one), len(other))
    # Comparing the first few tokens as slices settles most pairs without a loop.
    if one[:MIN_SHARED_TOKENS] != other[:MIN_SHARED_TOKENS] or reach < MIN_SHARED_TOKENS:
        return 0
    return next((place for place in range(reach) if one[place] != other[place]), reach)


def _clipped(path: Sequence[Segment], depth: int) -> list[Segment]:
    """Return the segments of a path down to `depth` tokens, the last one cut there."""
    kept = []
    for segment in path:
        if segment.depth >= depth:
            break
        begin, end = segment.rows
        # A new object: the layout keeps the whole segment, of which the new branch only sees the beginning.
        kept.append(Segment((begin, min(end, begin + depth - segment.depth)), segment.before, segment.depth))
    return kept


def _append_segment(layout: Layout, ids: tuple[int, ...], depth: int, path: Sequence[Segment]) -> Segment:
    """Append the tokens from `depth` on as a new segment behind the path, and return it."""
    begin = len(layout.ids)
    layout.ids.extend(ids[depth:])
    layout.positions.extend(range(depth, len(ids)))
    segment = Segment((begin, len(layout.ids)), _joined(step.rows for step in path), depth)
    layout.segments.append(segment)
    return segment


def _joined(spans: Iterable[Span]) -> tuple[Span, ...]:
    """Join spans without a gap between them: each span costs a slice and a copy in every layer."""
    joined: list[Span] = []
    for begin, end in spans:
        if joined and joined[-1][1] == begin:
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((begin, end))
    return tuple(joined)


def _append_targets(layout: Layout, request: LossRequest, path: Sequence[Segment]) -> None:
    """Append the rows that predict the request's target tokens, and these tokens."""
    # A token is predicted by the row before it, hence start - 1; the last row of a text predicts nothing we need.
    rows = [row for segment in path for row in range(*segment.rows)]
    layout.targets.extend(rows[request.start - 1 : len(request.ids) - 1])
    layout.wanted.extend(request.ids[request.start :])
    layout.counts.append(len(request.ids) - request.start)
