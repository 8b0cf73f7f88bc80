"""The attention of a pack: each segment sees its own rows from the left and all rows of the spans before it.

`packed_attention` is what transformers' layers call; outside a pack it is transformers' own. On a CPU there is a call
a block of queries, on other devices, where calls are dear and arithmetic is cheap, one call with a mask for the pack.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from srt_core.score.student.packing import Layout, Segment

if TYPE_CHECKING:
    import torch

NAME = "srt_packed"
"""Under which transformers knows `packed_attention`."""
_QUERY_ROWS = 96
"""Queries attended at once: fewer and each call costs too much, more and too many pairs are computed in vain."""

_current = threading.local()
"""`layout`: the pack that this thread puts through the model; `calls`: layers that attended to it so far."""


class CannotPackError(Exception):
    """The model's attention does more than softmax(q k) v over what is to the left; says what."""


@contextmanager
def packing(layout: Layout) -> Iterator[None]:
    """Have `packed_attention` attend in this thread as the layout says.

    Raises:
        CannotPackError: nothing attended.
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
    """Attend as the current layout says: transformers' attention interface over one row of packed tokens.

    query: [1, heads, rows, features], key and value: [1, heads or fewer, rows, features] -> [1, rows, heads, features].
    Outside a pack this is transformers' own.
    """
    from transformers.integrations.sdpa_attention import sdpa_attention_forward

    layout: Layout | None = getattr(_current, "layout", None)
    if layout is None:
        return sdpa_attention_forward(module, query, key, value, attention_mask, scaling=scaling, **options)
    for name in ("softcap", "s_aux", "position_bias"):
        if options.get(name) is not None:
            raise CannotPackError(f"its attention has a {name}")
    _current.calls += 1
    attend = attend_by_segment if query.device.type == "cpu" else attend_by_mask
    key, value = (repeated(states[0], query.shape[1]) for states in (key, value))
    return attend(query[0], key, value, layout.segments, scaling)[None], None


def repeated(states: "torch.Tensor", heads: int) -> "torch.Tensor":
    """Repeat keys or values, [heads or fewer, rows, features], so that each query head has its own."""
    return states if len(states) == heads else states.repeat_interleave(heads // len(states), 0)


def attend_by_segment(
    query: "torch.Tensor",
    key: "torch.Tensor",
    value: "torch.Tensor",
    segments: list[Segment],
    scaling: float | None,
    out: "torch.Tensor | None" = None,
) -> "torch.Tensor":
    """One call a block of queries. [heads, rows, features] each -> [rows, heads, features], `out` where given."""
    import torch
    from torch.nn.functional import scaled_dot_product_attention as attend

    if out is None:
        out = torch.empty(query.shape[1], query.shape[0], value.shape[2], dtype=value.dtype)
    for segment in segments:
        begin, end = segment.rows
        keys, values = _seen(key, segment), _seen(value, segment)
        rows = end - begin
        if not segment.depth and rows <= 1.5 * _QUERY_ROWS:
            some = attend(query[None, :, begin:end], keys, values, is_causal=True, scale=scaling)
            out[begin:end] = some[0].transpose(0, 1)
            continue
        step = -(-rows // max(1, round(rows / _QUERY_ROWS)))
        for at in range(0, rows, step):
            last = min(rows, at + step)
            reach = segment.depth + last
            mask = _triangle(query.dtype, reach)[at - last :, -reach:]
            some = attend(query[None, :, begin + at : begin + last], keys[:, :, :reach], values[:, :, :reach],
                          attn_mask=mask, scale=scaling)  # fmt: skip
            out[begin + at : begin + last] = some[0].transpose(0, 1)
    return out


def _seen(states: "torch.Tensor", segment: Segment) -> "torch.Tensor":
    """The states that a segment's last row sees: [1, heads, depth + rows, features]."""
    import torch

    spans = [*segment.before, segment.rows]
    if len(spans) == 1:
        return states[None, :, spans[0][0] : spans[0][1]]
    return torch.cat([states[:, begin:end] for begin, end in spans], 1)[None]


def _triangle(dtype: "torch.dtype", reach: int) -> "torch.Tensor":
    """An additive mask whose last n rows and m columns are what n queries see of m keys, the last n their own.

    Kept by the thread that uses it, and at least `reach` columns wide.
    """
    import torch

    kept: dict[torch.dtype, torch.Tensor] = _current.__dict__.setdefault("triangles", {})
    mask = kept.get(dtype)
    if mask is None or mask.shape[1] < reach:
        rows, width = 2 * _QUERY_ROWS, max(1024, 2 * reach)
        mask = kept[dtype] = torch.full((rows, width), float("-inf"), dtype=dtype).triu_(width - rows + 1)
    return mask


def attend_by_mask(
    query: "torch.Tensor",
    key: "torch.Tensor",
    value: "torch.Tensor",
    segments: list[Segment],
    scaling: float | None,
) -> "torch.Tensor":
    """One call for the whole pack. [heads, rows, features] each -> [rows, heads, features]."""
    from torch.nn.functional import scaled_dot_product_attention as attend

    mask = _visible(segments, query.shape[1], query.device)
    return attend(query[None], key[None], value[None], attn_mask=mask, scale=scaling)[0].transpose(0, 1)


def _visible(segments: list[Segment], rows: int, device: "torch.device") -> "torch.Tensor":
    """Which row (first) sees which (second): bool [rows, rows]; kept for the layers of a pack."""
    import torch

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
