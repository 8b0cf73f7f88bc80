"""The forward pass of a pack: the losses of its target tokens, and nothing that they do not need.

    nll(token) = log sum_v exp(logit_v) - logit_token       nats, from the hidden state of the row before the token

There are three ways (`Batching`). Packed is the fast one: the model runs over one sequence of tokens in which a common
prefix is present once, and an attention function of ours lets each segment see its own tokens and its prefix. Only rows
that predict a target reach the output head, and the head goes over the vocabulary in blocks that stay in the cache, so
that the logits of all rows never exist at once. Padded and single are for models with any other attention.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from inspect import signature
from typing import TYPE_CHECKING, Any

from srt_core.score.student.architecture import decoder_obstacle, logit_scales
from srt_core.score.student.attention import NAME, packed_attention, packing
from srt_core.score.student.decoder import Decoder, is_llama_like
from srt_core.score.student.packing import Batching, Layout, Pack, lay_out
from srt_core.score.student.replicas import Replicas

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

_CPU_BLOCK = (1024, 512)
"""Rows x vocabulary entries of logits computed at once: 2 MiB for any vocabulary; the fastest of the shapes tried."""
_GPU_BLOCK = (4096, 16384)
_HEAD_TOKENS = 8
"""Tokens on which the scale of the logits is found."""


@dataclass(frozen=True)
class Head:
    """The output head: logits = (hidden @ weight.T + bias) * scale, capped to softcap * tanh(logits / softcap) if any.

    weight: [vocabulary, features]; bias: [vocabulary] or None.
    """

    weight: "torch.Tensor"
    bias: "torch.Tensor | None"
    softcap: float | None
    scale: float = 1.0

    def nlls(self, hidden: "torch.Tensor", wanted: "torch.Tensor") -> "torch.Tensor":
        """Return -log p of the token `wanted[i]` after the row `hidden[i]`: float32 [rows].

        Computed as log sum_v exp(logit_v - logit_wanted): subtracting first keeps the precision where p is almost 1 and
        the loss almost 0. It needs no pass for the maximum, but overflows at losses above 88 nats (float32); those rows
        are computed again by a log-sum-exp.
        """
        import torch

        rows, _ = _block(hidden)
        parts = zip(hidden.split(rows), wanted.split(rows), strict=True)  # type: ignore[no-untyped-call]
        return torch.cat([self._nlls_of_block(some, tokens) for some, tokens in parts])

    def _nlls_of_block(self, hidden: "torch.Tensor", wanted: "torch.Tensor") -> "torch.Tensor":
        import torch

        # The wanted logit, but for rounding: a dot product rounds differently from the blocked matrix product below.
        # Subtracted from all logits it cancels, and `exact` picks up the difference that rounding leaves.
        about = self._logits_of(hidden, wanted)[:, None]
        total, exact = torch.zeros_like(about), torch.zeros_like(about)
        for at, block in self._logit_blocks(hidden):
            logits = block.sub_(about)
            place = wanted[:, None] - at
            is_here = (place >= 0) & (place < logits.shape[1])
            exact += torch.where(is_here, logits.gather(1, place.clamp(0, logits.shape[1] - 1)), 0.0)
            total += logits.exp_().sum(1, keepdim=True)
        found = (total.log() - exact)[:, 0].clamp_(min=0.0)  # rounding may give a loss below 0
        lost = found.isfinite().logical_not().nonzero()[:, 0]
        if len(lost):
            found[lost] = self._safe_nlls(hidden[lost], wanted[lost])
        return found

    def _safe_nlls(self, hidden: "torch.Tensor", wanted: "torch.Tensor") -> "torch.Tensor":
        import torch

        parts = [torch.logsumexp(logits, 1) for _, logits in self._logit_blocks(hidden)]
        return torch.logsumexp(torch.stack(parts), 0) - self._logits_of(hidden, wanted)

    def _logit_blocks(self, hidden: "torch.Tensor") -> "Iterator[tuple[int, torch.Tensor]]":
        """Yield the first vocabulary entry and the float32 logits [rows, block] of each block of the vocabulary.

        All blocks share one buffer: each is overwritten by the next, and the caller may change it.
        """
        import torch

        _, width = _block(hidden)
        buffer = torch.empty(len(hidden), width, dtype=hidden.dtype, device=hidden.device)
        for at in range(0, len(self.weight), width):
            weight = self.weight[at : at + width]
            logits = torch.mm(hidden, weight.t(), out=buffer[:, : len(weight)])
            if self.bias is not None:
                logits += self.bias[at : at + width]
            yield at, self._capped(logits.float())

    def _logits_of(self, hidden: "torch.Tensor", tokens: "torch.Tensor") -> "torch.Tensor":
        logits = (hidden.float() * self.weight[tokens].float()).sum(1)
        return self._capped(logits if self.bias is None else logits + self.bias[tokens].float())

    def logits(self, hidden: "torch.Tensor") -> "torch.Tensor":
        """Return all logits of a few rows: float32 [rows, vocabulary]."""
        import torch

        return torch.cat([block.clone() for _, block in self._logit_blocks(hidden)], 1)

    def _capped(self, logits: "torch.Tensor") -> "torch.Tensor":
        if self.scale != 1:
            logits = logits * self.scale
        return logits if self.softcap is None else (logits / self.softcap).tanh() * self.softcap


class Forward:
    """A causal language model that computes the token losses of packs."""

    def __init__(self, model: "PreTrainedModel", filler: int) -> None:
        """Take a model; `filler` is the token to pad with."""
        self._model: Any = model  # transformers leaves much of its interface without types
        self._filler = filler
        self._attention = self._model.config._attn_implementation
        self._keeps_logits = "logits_to_keep" in signature(self._model.forward).parameters
        self._replicas = Replicas(self._model)
        self.head = self._head()
        is_known = is_llama_like(self._model) and not decoder_obstacle(self._model)
        self.decoder = Decoder(self._model) if self.head and is_known else None
        """A faster forward pass for packs; None: they go through the model's own layers."""

    @property
    def device(self) -> "torch.device":
        """The device of the weights."""
        device: torch.device = self._model.device
        return device

    def set_packing(self, *, on: bool) -> None:
        """Let the model's layers call our attention function, or their original one."""
        from transformers import AttentionInterface

        AttentionInterface.register(NAME, packed_attention)
        self._model.set_attn_implementation(NAME if on else self._attention)
        self._replicas = Replicas(self._model)

    def nlls(self, pack: Pack, batching: Batching) -> "list[torch.Tensor]":
        """Return for each request a float32 tensor [target tokens] of -log p, on the CPU.

        Raises:
            CannotPackError: `batching` is PACKED and the model's attention is of another kind.
        """
        import torch

        with torch.inference_mode():
            if batching is Batching.SINGLE or self.head is None:
                return [self._nlls_of_own_forward(request.ids, request.start) for request in pack]
            if batching is Batching.PADDED:
                hidden, wanted, counts = self._padded(pack)
            else:
                layout = lay_out(pack)
                hidden, counts = self._packed(layout), layout.counts
                wanted = self._tensor(layout.wanted)
            return list(self.head.nlls(hidden, wanted).cpu().split_with_sizes(counts))

    def own_logits(self, ids: tuple[int, ...]) -> "torch.Tensor":
        """Return the logits of the model's own forward: [tokens, vocabulary]."""
        import torch

        with torch.inference_mode(), self._replicas.one() as model:
            logits: torch.Tensor = model(input_ids=self._tensor([ids]), use_cache=False).logits[0]
            return logits

    def hidden(self, sequences: list[tuple[int, ...]]) -> "torch.Tensor":
        """Run the model without its head over right-padded sequences: [sequences, width, features].

        A causal model never looks to the right, so the padding changes nothing and needs no mask.
        """
        import torch

        width = max(map(len, sequences))
        rows = [ids + (self._filler,) * (width - len(ids)) for ids in sequences]
        with torch.inference_mode():
            return self._run(input_ids=self._tensor(rows))

    def _head(self) -> Head | None:
        """Return the output head where it is a linear layer on top of a separate base model, scaled; else None."""
        import torch

        layer = self._model.get_output_embeddings()
        if not isinstance(layer, torch.nn.Linear) or self._model.base_model is self._model:
            return None
        bias = layer.bias.detach() if layer.bias is not None else None
        softcap = getattr(self._model.config.get_text_config(), "final_logit_softcapping", None)
        ids = tuple(number % len(layer.weight) for number in range(3, 3 + _HEAD_TOKENS))
        hidden, expected = self.hidden([ids])[0], self.own_logits(ids).float()
        heads = [Head(layer.weight.detach(), bias, softcap, scale) for scale in logit_scales(self._model.config)]
        off = [float((head.logits(hidden) - expected).abs().max()) for head in heads]
        return heads[off.index(min(off))]

    def _run(self, **inputs: "torch.Tensor") -> "torch.Tensor":
        with self._replicas.one() as model:
            hidden: torch.Tensor = model.base_model(**inputs, use_cache=False).last_hidden_state
            return hidden

    def _packed(self, layout: Layout) -> "torch.Tensor":
        """Return the hidden states of the layout's target rows: [targets, features]."""
        if self.decoder:
            return self.decoder.target_states(layout)
        with packing(layout):
            ids, positions = self._tensor([layout.ids]), self._tensor([layout.positions])
            hidden = self._run(input_ids=ids, position_ids=positions)[0]
        return hidden[self._tensor(layout.targets)]

    def _padded(self, pack: Pack) -> "tuple[torch.Tensor, torch.Tensor, list[int]]":
        import torch

        hidden = self.hidden([request.ids for request in pack])
        # The row before a token predicts it, so the rows are shifted by one against the target tokens.
        rows = [row[request.start - 1 : len(request.ids) - 1] for row, request in zip(hidden, pack, strict=True)]
        wanted = [token for request in pack for token in request.ids[request.start :]]
        return torch.cat(rows), self._tensor(wanted), [len(row) for row in rows]

    def _nlls_of_own_forward(self, ids: tuple[int, ...], start: int) -> "torch.Tensor":
        from torch.nn.functional import cross_entropy

        kept = len(ids) - start + 1  # one row more than targets: the last row predicts what follows the text
        keep = {"logits_to_keep": kept} if self._keeps_logits else {}
        with self._replicas.one() as model:
            logits = model(input_ids=self._tensor([ids]), use_cache=False, **keep).logits[0, -kept:-1]
        return cross_entropy(logits.float(), self._tensor(ids[start:]), reduction="none").cpu()

    def _tensor(self, numbers: object) -> "torch.Tensor":
        import torch

        return torch.tensor(numbers, device=self.device)


def _block(hidden: "torch.Tensor") -> tuple[int, int]:
    return _CPU_BLOCK if hidden.device.type == "cpu" else _GPU_BLOCK
