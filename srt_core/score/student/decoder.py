"""The forward pass of a pack through a Llama-like decoder on a CPU, layer by layer with the modules' own weights.

It gives the same numbers as transformers' forward and is faster on a core: projections that read the same rows are one
product, rows go through them in blocks that stay in the cache, queries, keys and values are written where attention
wants them, and after the attention of the last layer only rows that predict a target are computed further.

The names of a model's modules show whether it has this structure. Whether its modules also compute what is computed
here is tested by the probe when a student is loaded; if not, the model's own layers are used.
"""

import threading
from math import prod
from typing import TYPE_CHECKING, Any

from srt_core.score.student.attention import attend_by_segment
from srt_core.score.student.packing import Layout
from srt_core.score.student.projection import blocks, copies_pay, projection_of

if TYPE_CHECKING:
    import torch

_LAYER = {"self_attn", "mlp", "input_layernorm", "post_attention_layernorm"}
_ATTENTION = {"q_proj", "k_proj", "v_proj", "o_proj"}
_MLP = {"gate_proj", "up_proj", "down_proj", "act_fn"}


def is_llama_like(model: Any) -> bool:
    """Return whether the model has the modules of Llama, Mistral, Qwen2, Qwen3 or Gemma, and is on a CPU."""
    base = model.base_model
    if model.device.type != "cpu" or not {"embed_tokens", "layers", "norm", "rotary_emb"} <= _names(base):
        return False
    return bool(len(base.layers)) and all(
        _names(layer) == _LAYER
        and _ATTENTION <= _names(layer.self_attn) <= _ATTENTION | {"q_norm", "k_norm"}
        and _names(layer.mlp) == _MLP
        for layer in base.layers
    )


class Decoder:
    """The layers of a student's base model. Safe to use from several threads: each has its own working memory."""

    def __init__(self, model: Any) -> None:
        """Take a model for which `is_llama_like` is true; the weights of its layers are joined in place."""
        self._base = model.base_model
        copied = copies_pay(model)
        self._layers = [_Layer(layer, copied=copied) for layer in self._base.layers]
        self._memory = threading.local()

    def target_states(self, layout: Layout) -> "torch.Tensor":
        """Return the final hidden states of the layout's target rows: [targets, features]."""
        import torch

        states = self._base.embed_tokens(torch.tensor(layout.ids))
        rotation = self._rotation(states, layout)
        targets = torch.tensor(layout.targets)
        *layers, last = self._layers
        for layer in layers:
            layer.finish(states, self._attended(layer, states, layout, rotation))
        # In the last layer every row still serves as key and value, but only target rows are needed after attention.
        attended = self._attended(last, states, layout, rotation)[targets]
        states = states[targets]  # a copy, in which a row that predicts several targets occurs several times
        last.finish(states, attended)
        found: torch.Tensor = self._base.norm(states)
        return found

    def _rotation(self, states: "torch.Tensor", layout: Layout) -> "tuple[torch.Tensor, torch.Tensor]":
        """Return cosine and sine of each row's position in its text: [rows, 1, 1, features of a head]."""
        import torch

        # Positions count within a text, not within the pack: a shared prefix has the same ones in all its texts, so its
        # keys and values serve every text that continues it.
        cosine, sine = self._base.rotary_emb(states[None], torch.tensor([layout.positions]))
        return cosine[0][:, None, None], sine[0][:, None, None]

    def _attended(
        self, layer: "_Layer", states: "torch.Tensor", layout: Layout, rotation: "tuple[torch.Tensor, torch.Tensor]"
    ) -> "torch.Tensor":
        """Return the attention of each row, before the output projection: [rows, heads x features]."""
        rows, heads, group, size = len(states), layer.key_heads, layer.group, layer.size
        query = self._buffer("query", states, heads, rows, group, size)
        key = self._buffer("key", states, heads, rows, 1, size)
        value = self._buffer("value", states, heads, rows, 1, size)
        for block in blocks(rows):
            into = [buffer[:, block].transpose(0, 1) for buffer in (query, key, value)]
            layer.place(states[block], [part[block] for part in rotation], into)
        out = self._buffer("attended", states, rows, heads * group, size)
        return attend_by_segment(query, key[:, :, 0], value[:, :, 0], layout.segments, layer.scaling, out).flatten(1)

    def _buffer(self, name: str, like: "torch.Tensor", *shape: int) -> "torch.Tensor":
        """Return working memory of this thread, its content undefined.

        It is kept by name and used again for the next layer and the next pack. A name must therefore not be asked for
        again while its content is needed.
        """
        import torch

        size = prod(shape)
        kept: torch.Tensor | None = getattr(self._memory, name, None)
        if kept is None or kept.numel() < size:
            kept = torch.empty(size, dtype=like.dtype)
            setattr(self._memory, name, kept)
        return kept[:size].view(shape)


class _Layer:
    """One layer: attention behind a norm, MLP behind a norm, both added to the residual stream."""

    def __init__(self, layer: Any, *, copied: bool) -> None:
        self._attention, self._mlp, attention, mlp = layer.self_attn, layer.mlp, layer.self_attn, layer.mlp
        self._norm, self._mlp_norm = layer.input_layernorm, layer.post_attention_layernorm
        self.size = int(attention.head_dim)
        self.key_heads = attention.k_proj.out_features // self.size
        self.group = attention.q_proj.out_features // attention.k_proj.out_features
        """Query heads that share a key head."""
        self.scaling: float = attention.scaling
        self._read = projection_of([attention.q_proj, attention.k_proj, attention.v_proj], copied=copied)
        self._write = projection_of([attention.o_proj], copied=copied)
        self._gate_and_up = projection_of([mlp.gate_proj, mlp.up_proj], copied=copied)
        self._down = projection_of([mlp.down_proj], copied=copied)

    def place(self, states: "torch.Tensor", rotation: "list[torch.Tensor]", into: "list[torch.Tensor]") -> None:
        """Write the rotated queries, rotated keys and values of some rows: [rows, key heads, 1 or more, size]."""
        made = self._read(_normed(self._norm, states)).view(len(states), -1, self.size)
        heads = [self.key_heads * self.group, self.key_heads, self.key_heads]
        query, key, value = (
            part.view(target.shape) for part, target in zip(made.split_with_sizes(heads, 1), into, strict=True)
        )
        norms = [getattr(self._attention, name, None) for name in ("q_norm", "k_norm")]
        query, key = (_normed(norm, part) if norm else part for norm, part in zip(norms, (query, key), strict=True))
        _rotate(query, rotation, into[0])
        _rotate(key, rotation, into[1])
        into[2].copy_(value)

    def finish(self, states: "torch.Tensor", attended: "torch.Tensor") -> None:
        """Add the outputs of attention and MLP to `states` (the residual stream), in place."""
        # Rows do not depend on each other here, so each block goes through all steps while it is in the cache.
        for block in blocks(len(states)):
            rows = states[block]
            rows += self._write(attended[block])
            gate, up = self._gate_and_up(_normed(self._mlp_norm, rows)).chunk(2, 1)
            rows += self._down(self._mlp.act_fn(gate).mul_(up))


def _rotate(states: "torch.Tensor", rotation: "list[torch.Tensor]", out: "torch.Tensor") -> None:
    """Write states [rows, key heads, heads of each, features] with rotary embedding.

    out = states * cosine + rotate_half(states) * sine, where rotate_half([a, b]) = [-b, a]. The two halves are added in
    place, so rotate_half never exists as a tensor of its own.
    """
    import torch

    cosine, sine = rotation
    half = states.shape[-1] // 2
    torch.mul(states, cosine, out=out)
    out[..., :half].addcmul_(states[..., half:], sine[..., :half], value=-1)
    out[..., half:].addcmul_(states[..., :half], sine[..., half:])


def _normed(module: Any, rows: "torch.Tensor") -> "torch.Tensor":
    """Return the module's RMS norm over the last dimension, in few passes over the rows where it is Llama's.

    Gemma's norm scales by 1 + weight and is left to the module; it is recognised by its other name for epsilon, `eps`.
    """
    import torch

    epsilon = getattr(module, "variance_epsilon", None)
    normed: torch.Tensor
    if epsilon is None or rows.dtype != torch.float32:
        normed = module(rows)
    else:
        squares = torch.linalg.vector_norm(rows, dim=-1, keepdim=True).square_()
        normed = (rows * squares.div_(rows.shape[-1]).add_(epsilon).rsqrt_()).mul_(module.weight)
    return normed


def _names(module: Any) -> set[str]:
    return {name for name, _ in module.named_children()}
