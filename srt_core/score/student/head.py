"""The output head: from hidden states to the losses of the tokens that they predict.

It goes over the vocabulary in blocks, so that the logits of all rows never exist at once.
"""

from bisect import bisect_left
from collections.abc import Iterator
from typing import TYPE_CHECKING

from srt_core.score.student.projection import BLOCK_ROWS, Projection

if TYPE_CHECKING:
    import torch

_CPU_BLOCK = (1024, 1024)
"""Rows x vocabulary entries of logits computed at once on a CPU, for any vocabulary; with copies, BLOCK_ROWS rows."""
_GPU_BLOCK = (4096, 16384)


class Head:
    """logits = (hidden @ weight.T + bias) * scale, then softcap * tanh(logits / softcap) where there is one."""

    def __init__(
        self,
        weight: "torch.Tensor",
        bias: "torch.Tensor | None" = None,
        *,
        softcap: float | None = None,
        scale: float = 1.0,
        copied: bool = False,
    ) -> None:
        """Take the weight [vocabulary, features] and the bias [vocabulary]; `copied` as in `Projection`."""
        self._weight, self._bias, self._softcap, self._scale = weight, bias, softcap, scale
        self._rows, width = _CPU_BLOCK if weight.device.type == "cpu" else _GPU_BLOCK
        if copied:
            self._rows = BLOCK_ROWS
        self._blocks = [
            Projection(weight[at : at + width], None if bias is None else bias[at : at + width], copied=copied)
            for at in range(0, len(weight), width)
        ]

    def nlls(self, hidden: "torch.Tensor", wanted: "torch.Tensor") -> "torch.Tensor":
        """Return -log p of the token `wanted[i]` after the row `hidden[i]`: float32 [rows].

        Computed as log(1 + sum over other tokens v of exp(logit_v - logit_wanted)), which keeps the precision where p
        is almost 1 and the loss almost 0. It needs no pass for the maximum, but overflows at losses above 88 nats
        (float32); those rows are computed again by a log-sum-exp.
        """
        import torch

        order = wanted.argsort()  # so that the wanted tokens of neighbouring rows lie in few blocks of the vocabulary
        parts = zip(hidden[order].split(self._rows), wanted[order].split(self._rows), strict=True)  # type: ignore[no-untyped-call]
        found = [self._nlls_of_block(some, tokens) for some, tokens in parts]
        return torch.cat(found)[order.argsort()] if found else hidden.new_empty(0)

    def logits(self, hidden: "torch.Tensor") -> "torch.Tensor":
        """Return all logits of a few rows: float32 [rows, vocabulary]."""
        import torch

        return torch.cat([block for _, block in self._logit_blocks(hidden)], 1)

    def _nlls_of_block(self, hidden: "torch.Tensor", wanted: "torch.Tensor") -> "torch.Tensor":
        """Return the losses of some rows, sorted by their wanted tokens."""
        import torch

        of_wanted = self._logits_of(hidden, wanted)[:, None]
        others = torch.zeros_like(of_wanted)
        sorted_tokens: list[int] = wanted.tolist()
        for at, logits in self._logit_blocks(hidden):
            logits.sub_(of_wanted)
            first, last = (bisect_left(sorted_tokens, edge) for edge in (at, at + logits.shape[1]))
            if first < last:
                rows = torch.arange(first, last, device=hidden.device)
                logits[rows, wanted[first:last] - at] = float("-inf")
            others += logits.exp_().sum(1, keepdim=True)
        found = others.log1p()[:, 0]
        lost = found.isfinite().logical_not().nonzero()[:, 0]
        if len(lost):
            found[lost] = self._safe_nlls(hidden[lost], wanted[lost])
        return found

    def _safe_nlls(self, hidden: "torch.Tensor", wanted: "torch.Tensor") -> "torch.Tensor":
        import torch

        parts = [torch.logsumexp(logits, 1) for _, logits in self._logit_blocks(hidden)]
        return torch.logsumexp(torch.stack(parts), 0) - self._logits_of(hidden, wanted)

    def _logit_blocks(self, hidden: "torch.Tensor") -> "Iterator[tuple[int, torch.Tensor]]":
        """Yield the first vocabulary entry and the float32 logits [rows, block] of each block of the vocabulary."""
        at = 0
        for block in self._blocks:
            logits = self._capped(block(hidden).float())
            yield at, logits
            at += logits.shape[1]

    def _logits_of(self, hidden: "torch.Tensor", tokens: "torch.Tensor") -> "torch.Tensor":
        logits = (hidden.float() * self._weight[tokens].float()).sum(1)
        return self._capped(logits if self._bias is None else logits + self._bias[tokens].float())

    def _capped(self, logits: "torch.Tensor") -> "torch.Tensor":
        if self._scale != 1:
            logits = logits * self._scale
        return logits if self._softcap is None else (logits / self._softcap).tanh() * self._softcap
