"""The forward pass of a pack through a Llama-like decoder on a CPU, layer by layer with the modules' own weights.

It gives the same numbers as transformers' forward and is faster on a core: rows go through each projection in blocks
that stay in the cache, results are written into reused memory, rotary embeddings are applied in place, and after the
attention of the last layer only rows that predict a target are computed further.

The names of a model's modules show whether it has this structure. Whether its modules also compute what is computed
here is tested by the probe when a student is loaded; if not, the model's own layers are used.
"""

import threading
from typing import TYPE_CHECKING, Any

from srt_core.score.student.attention import attend_by_segment, repeated
from srt_core.score.student.packing import Layout

if TYPE_CHECKING:
    import torch

_ROWS = 256
"""Rows per projection: their activations stay in a core's cache until the next projection reads them."""
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
        """Take a model for which `is_llama_like` is true."""
        self._base = model.base_model
        self._memory = threading.local()

    def target_states(self, layout: Layout) -> "torch.Tensor":
        """Return the final hidden states of the layout's target rows: [targets, features]."""
        import torch

        states = self._base.embed_tokens(torch.tensor(layout.ids))
        rotation = self._rotation(states, layout)
        targets = torch.tensor(layout.targets)
        *layers, last = self._base.layers
        for layer in layers:
            self._finish(layer, states, self._attended(layer, states, layout, rotation))
        # In the last layer every row still serves as key and value, but only target rows are needed after attention.
        attended = self._attended(last, states, layout, rotation)[targets]
        states = states[targets]  # a copy, in which a row that predicts several targets occurs several times
        self._finish(last, states, attended)
        found: torch.Tensor = self._base.norm(states)
        return found

    def _rotation(self, states: "torch.Tensor", layout: Layout) -> "tuple[torch.Tensor, torch.Tensor]":
        """Return cosine and sine of each row's position in its text: [rows, 1, features of a head]."""
        import torch

        # Positions count within a text, not within the pack: a shared prefix has the same ones in all its texts, so its
        # keys and values serve every text that continues it.
        cosine, sine = self._base.rotary_emb(states[None], torch.tensor([layout.positions]))
        return cosine[0][:, None], sine[0][:, None]

    def _attended(
        self, layer: Any, states: "torch.Tensor", layout: Layout, rotation: "tuple[torch.Tensor, torch.Tensor]"
    ) -> "torch.Tensor":
        """Return the attention of each row, before the output projection: [rows, heads x features]."""
        module = layer.self_attn
        size = module.head_dim
        parts = [module.q_proj, module.k_proj, module.v_proj]
        # Attention needs the keys and values of all rows, so these are whole; only the normalised rows are per block.
        made = [self._buffer(f"made{at}", states, part.out_features) for at, part in enumerate(parts)]
        for begin in range(0, len(states), _ROWS):
            rows = slice(begin, begin + _ROWS)
            normed = _normed(layer.input_layernorm, states[rows])
            for part, buffer in zip(parts, made, strict=True):
                _project(part, normed, buffer[rows])
        query, key, value = (buffer.view(len(states), -1, size) for buffer in made)
        query, key = (self._rotated(name, module, part, rotation) for name, part in (("q", query), ("k", key)))
        query, key, value = (part.transpose(0, 1) for part in (query, key, value))
        out = self._buffer("attended", states, query.shape[0] * size).view(len(states), -1, size)
        key, value = repeated(key, query.shape[0]), repeated(value, query.shape[0])
        return attend_by_segment(query, key, value, layout.segments, module.scaling, out).view(len(states), -1)

    def _rotated(
        self, name: str, module: Any, states: "torch.Tensor", rotation: "tuple[torch.Tensor, torch.Tensor]"
    ) -> "torch.Tensor":
        """Return states [rows, heads, features] with rotary embedding, normalised before where the model does so.

        rotated = states * cosine + rotate_half(states) * sine, where rotate_half([a, b]) = [-b, a]. The two halves are
        added in place, so rotate_half never exists as a tensor of its own.
        """
        import torch

        norm = getattr(module, f"{name}_norm", None)
        if norm is not None:
            states = norm(states)
        cosine, sine = rotation
        half = states.shape[2] // 2
        turned = torch.mul(states, cosine, out=self._buffer(name, states[:, 0], states[0].numel()).view(states.shape))
        turned[..., :half].addcmul_(states[..., half:], sine[..., :half], value=-1)
        turned[..., half:].addcmul_(states[..., :half], sine[..., half:])
        return turned

    def _finish(self, layer: Any, states: "torch.Tensor", attended: "torch.Tensor") -> None:
        """Add the outputs of attention and MLP to `states` (the residual stream), in place."""
        mlp = layer.mlp
        # Rows do not depend on each other here, so each block goes through all steps while it is in the cache.
        for begin in range(0, len(states), _ROWS):
            rows = states[begin : begin + _ROWS]
            _add_projected(layer.self_attn.o_proj, attended[begin : begin + _ROWS], rows)
            normed = _normed(layer.post_attention_layernorm, rows)
            gate = _project(mlp.gate_proj, normed, self._buffer("gate", rows, mlp.gate_proj.out_features))
            up = _project(mlp.up_proj, normed, self._buffer("up", rows, mlp.up_proj.out_features))
            _add_projected(mlp.down_proj, mlp.act_fn(gate).mul_(up), rows)

    def _buffer(self, name: str, like: "torch.Tensor", width: int) -> "torch.Tensor":
        """Return working memory of this thread with a row for each of `like`: [rows, width], its content undefined.

        It is kept by name and used again for the next layer and the next pack. A name must therefore not be asked for
        again while its content is needed.
        """
        import torch

        kept: torch.Tensor | None = getattr(self._memory, name, None)
        if kept is None or kept.numel() < len(like) * width:
            kept = torch.empty(len(like) * width, dtype=like.dtype)
            setattr(self._memory, name, kept)
        return kept[: len(like) * width].view(len(like), width)


def _normed(module: Any, rows: "torch.Tensor") -> "torch.Tensor":
    """Return the module's RMS norm of rows, by torch's fused function where it is Llama's.

    Gemma's norm scales by 1 + weight and is left to the module; it is recognised by its other name for epsilon, `eps`.
    """
    from torch.nn.functional import rms_norm

    epsilon = getattr(module, "variance_epsilon", None)
    if epsilon is None:
        normed: torch.Tensor = module(rows)
        return normed
    return rms_norm(rows, rows.shape[-1:], module.weight, epsilon)


def _project(layer: Any, rows: "torch.Tensor", into: "torch.Tensor") -> "torch.Tensor":
    import torch

    if layer.bias is None:
        return torch.mm(rows, layer.weight.t(), out=into)
    return torch.addmm(layer.bias, rows, layer.weight.t(), out=into)


def _add_projected(layer: Any, rows: "torch.Tensor", to: "torch.Tensor") -> None:
    to.addmm_(rows, layer.weight.t())
    if layer.bias is not None:
        to += layer.bias


def _names(module: Any) -> set[str]:
    return {name for name, _ in module.named_children()}
