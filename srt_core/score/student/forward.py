"""The forward pass of a pack: the losses of its target tokens, and nothing that they do not need.

    nll(token) = log sum_v exp(logit_v) - logit_token       nats, from the hidden state of the row before the token

There are three ways (`Batching`). Packed is the fast one: the model runs over one sequence of tokens in which a common
prefix is present once, and an attention function of ours lets each segment see its own tokens and its prefix. Only rows
that predict a target reach the output head, and the head goes over the vocabulary in blocks that stay in the cache, so
that the logits of all rows never exist at once. Padded and single are for models with any other attention.
"""

from inspect import signature
from typing import TYPE_CHECKING, Any

from srt_core.score.student.architecture import decoder_obstacle, logit_scales
from srt_core.score.student.attention import NAME, packed_attention, packing
from srt_core.score.student.decoder import Decoder, is_llama_like
from srt_core.score.student.head import Head
from srt_core.score.student.packing import Batching, Layout, Pack, lay_out
from srt_core.score.student.projection import copies_pay
from srt_core.score.student.replicas import Replicas

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

_HEAD_TOKENS = 8
"""Tokens on which the scale of the logits is found."""


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
        weight = layer.weight.detach()
        if hidden.shape[1] != weight.shape[1]:  # the model does something in between
            return None

        def off(scale: float) -> float:
            logits = Head(weight, bias, softcap=softcap, scale=scale).logits(hidden)
            return float((logits - expected).abs().max())

        scale = min(logit_scales(self._model.config), key=off)
        return Head(weight, bias, softcap=softcap, scale=scale, copied=copies_pay(self._model))

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
