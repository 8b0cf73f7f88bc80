"""The attention of a pack: a row attends to the rows before it in its segment, and to all rows of the segment's prefix.

transformers' layers call `packed_attention`; outside a pack it does what transformers does. On a CPU attention is
computed in blocks of queries, so that no pairs of unrelated texts are computed. On other devices, where calls are
expensive and arithmetic is cheap, there is one call for the whole pack with a mask.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from srt_core.score.student.packing import Layout, Segment

if TYPE_CHECKING:
    import torch

NAME = "srt_packed"
"""The name under which transformers knows `packed_attention`."""
_QUERY_ROWS = 64
"""Queries per call. With fewer the overhead of the calls dominates, with more too many masked pairs are computed."""

_current = threading.local()
"""`layout`: the pack that this thread puts through the model; `calls`: the layers that used it so far.

transformers passes no argument of ours through a model's layers, so the layout reaches the attention function by way
of the thread that runs the forward pass.
"""


class CannotPackError(Exception):
    """The model's attention does more than causal softmax(q k) v; the message says what."""


@contextmanager
def packing(layout: Layout) -> Iterator[None]:
    """Let `packed_attention` follow this layout in this thread for as long as the block lasts.

    Raises:
        CannotPackError: no layer called it, so the pack was computed as if it were one text.
    """
    _current.layout, _current.calls = layout, 0
    try:
        yield
    finally:
        _current.layout = None
    if not _current.calls:
        raise CannotPackError("its attention is not to be reached")


def packed_attention(
    module: "torch.nn.Module",
    query: "torch.Tensor",
    key: "torch.Tensor",
    value: "torch.Tensor",
    attention_mask: "torch.Tensor | None" = None,
    scaling: float | None = None,
    **options: Any,
) -> "tuple[torch.Tensor, None]":
    """Compute attention over one sequence of packed tokens: transformers' attention interface.

    query: [1, heads, rows, features], key and value: [1, heads or fewer, rows, features] -> [1, rows, heads, features].
    Outside a pack this is transformers' own function. `attention_mask` is ignored in a pack: it knows of one text.
    """
    import torch
    from transformers.integrations.sdpa_attention import sdpa_attention_forward

    layout: Layout | None = getattr(_current, "layout", None)
    if layout is None:
        return sdpa_attention_forward(module, query, key, value, attention_mask, scaling=scaling, **options)
    for name in ("softcap", "s_aux", "position_bias"):
        if options.get(name) is not None:
            raise CannotPackError(f"its attention has a {name}")
    _current.calls += 1
    attend = attend_by_segment if query.device.type == "cpu" else attend_by_mask
    grouped = torch.unflatten(query[0], 0, (key.shape[1], -1)).transpose(1, 2)
    return attend(grouped, key[0], value[0], layout.segments, scaling)[None], None


def attend_by_segment(
    query: "torch.Tensor",
    key: "torch.Tensor",
    value: "torch.Tensor",
    segments: list[Segment],
    scaling: float | None,
    out: "torch.Tensor | None" = None,
) -> "torch.Tensor":
    """Compute attention by blocks of queries.

    Args:
        query: [key heads, rows, query heads of each, features]. Those that share a key head are rows of one product.
        key: [key heads, rows, features]
        value: [key heads, rows, features]
        segments: which rows attend to which
        scaling: of the product of query and key; None for torch's own
        out: where to write, [rows, query heads, features]

    Returns:
        [rows, query heads, features]; each block attends only to the keys up to its last row: with one call for a long
        segment half of all pairs would be masked ones, computed in vain.
    """
    import torch
    from torch.nn.functional import scaled_dot_product_attention as attend

    heads, length, group, _ = query.shape
    if out is None:
        out = torch.empty(length, heads * group, value.shape[2], dtype=value.dtype)
    queries, grouped_out = query.flatten(1, 2)[None], torch.unflatten(out, 1, (heads, group))
    for segment in segments:
        begin, end = segment.rows
        keys, values = _seen(key, segment), _seen(value, segment)
        rows = end - begin
        step = -(-rows // max(1, round(rows / _QUERY_ROWS)))  # equal blocks of about _QUERY_ROWS
        for at in range(0, rows, step):
            last = min(rows, at + step)
            reach = segment.depth + last
            # The last query of the block sees all `reach` keys, each one before it one key less.
            mask = _triangle(query.dtype, group, reach)[(at - last) * group :, -reach:]
            block = queries[:, :, (begin + at) * group : (begin + last) * group]
            some = attend(block, keys[:, :, :reach], values[:, :, :reach], attn_mask=mask, scale=scaling)
            grouped_out[begin + at : begin + last] = torch.unflatten(some[0], 1, (-1, group)).transpose(0, 1)
    return out


def _seen(states: "torch.Tensor", segment: Segment) -> "torch.Tensor":
    """Return the keys or values of a segment's prefix and of its own rows: [1, key heads, depth + rows, features]."""
    import torch

    spans = [*segment.before, segment.rows]
    if len(spans) == 1:
        return states[None, :, spans[0][0] : spans[0][1]]
    return torch.cat([states[:, begin:end] for begin, end in spans], 1)[None]


def _triangle(dtype: "torch.dtype", group: int, reach: int) -> "torch.Tensor":
    """Return an additive causal mask at least `reach` columns wide, of which every block uses the bottom right corner.

    Its last n x group rows and m columns are the mask of n queries over m keys, of which the last n are the queries'
    own, where `group` heads ask at each. So one mask serves blocks of every size; each thread keeps one of a kind.
    """
    import torch

    kept: dict[tuple[torch.dtype, int], torch.Tensor] = _current.__dict__.setdefault("triangles", {})
    mask = kept.get((dtype, group))
    if mask is None or mask.shape[1] < reach:
        rows, width = 2 * _QUERY_ROWS, max(1024, 2 * reach)
        mask = torch.full((rows, width), float("-inf"), dtype=dtype).triu_(width - rows + 1)
        mask = kept[dtype, group] = mask.repeat_interleave(group, 0)
    return mask


def attend_by_mask(
    query: "torch.Tensor",
    key: "torch.Tensor",
    value: "torch.Tensor",
    segments: list[Segment],
    scaling: float | None,
) -> "torch.Tensor":
    """Compute attention in one call for the whole pack; shapes as in `attend_by_segment`."""
    from torch.nn.functional import scaled_dot_product_attention as attend

    mask = _visible(segments, query.shape[1], query.device)
    heads = query.transpose(1, 2).flatten(0, 1)[None]
    key, value = (states.repeat_interleave(query.shape[2], 0)[None] for states in (key, value))
    return attend(heads, key, value, attn_mask=mask, scale=scaling)[0].transpose(0, 1)


def _visible(segments: list[Segment], rows: int, device: "torch.device") -> "torch.Tensor":
    """Return which row (first index) attends to which (second): bool [rows, rows]."""
    import torch

    # All layers of a pack pass the same list of segments, so the mask is built once a pack.
    kept: tuple[list[Segment], torch.Tensor] | None = getattr(_current, "visible", None)
    if kept is not None and kept[0] is segments:
        return kept[1]
    mask = torch.zeros(rows, rows, dtype=torch.bool)
    for segment in segments:
        begin, end = segment.rows
        for first, last in segment.before:
            mask[begin:end, first:last] = True
        mask[begin:end, begin:end] = torch.ones(end - begin, end - begin, dtype=torch.bool).tril()
    mask = mask.to(device)
    _current.visible = (segments, mask)
    return mask
