"""The scores once more, the plain way, for comparison: one text at a time through transformers' own loss.

Written from the definitions, not from srt_core.score.ifd: its own template filling, its own joining of ids, `labels`
with -100 before the target, and the loss that the model itself returns. A number that does not exist is None.
"""

from dataclasses import dataclass
from math import exp
from typing import Any

import torch


@dataclass(frozen=True)
class PlainScore:
    """The four losses in nats per token, and how many tokens each runs over."""

    y: float | None
    y_given_x: float | None
    x: float | None
    x_given_y: float | None
    tokens: tuple[int, int, int, int]

    @property
    def ifd(self) -> float | None:
        return None if self.y is None or self.y_given_x is None else exp(self.y_given_x - self.y)

    @property
    def r_ifd(self) -> float | None:
        return None if self.x is None or self.x_given_y is None else exp(self.x_given_y - self.x)


@dataclass(frozen=True)
class PlainScorer:
    """Scores under one convention: "aligned" or "reference"."""

    model: Any
    tokenizer: Any
    with_input: str
    no_input: str
    reverse_request: str
    convention: str
    max_length: int

    def score(self, instruction: str, model_input: str, response: str) -> PlainScore:
        if model_input:
            before, rest = self.with_input.split("{instruction}")
            middle, after = rest.split("{input}")
            forward = before + instruction + middle + model_input + after
        else:
            forward = instruction.join(self.no_input.split("{instruction}"))
        request = response.join(self.reverse_request.split("{response}"))
        backward = request.join(self.no_input.split("{instruction}"))
        separator = "\n" if model_input and self.convention == "aligned" else ""
        ratio = self._aligned if self.convention == "aligned" else self._reference
        y, y_given_x = ratio(forward, response)
        x, x_given_y = ratio(backward, instruction + separator + model_input)
        return PlainScore(y[0], y_given_x[0], x[0], x_given_y[0], (y[1], y_given_x[1], x[1], x_given_y[1]))

    def _aligned(self, context: str, target: str) -> tuple[tuple[float | None, int], tuple[float | None, int]]:
        first = [
            self.tokenizer.bos_token_id if self.tokenizer.bos_token_id is not None else self.tokenizer.eos_token_id
        ]
        context_ids = first + self.tokenizer.encode(context, add_special_tokens=False)
        target_ids = self.tokenizer.encode(target, add_special_tokens=False)
        room = max(self.max_length - len(context_ids), 0)
        target_ids = target_ids[:room]
        return self._loss(first, target_ids), self._loss(context_ids, target_ids)

    def _reference(self, context: str, target: str) -> tuple[tuple[float | None, int], tuple[float | None, int]]:
        whole = self.tokenizer.encode(context + target, truncation=True, max_length=self.max_length)
        context_length = len(self.tokenizer.encode(context, truncation=True, max_length=self.max_length))
        room = self.max_length - context_length + 1
        alone = self.tokenizer.encode(target)[:room]
        conditioned = self._loss(whole[:context_length], whole[context_length:])
        return self._loss(alone[:1], alone[1:]) if conditioned[1] else (None, 0), conditioned

    def _loss(self, before: list[int], target: list[int]) -> tuple[float | None, int]:
        if not target:
            return None, 0
        ids = torch.tensor([before + target])
        labels = torch.tensor([[-100] * len(before) + target])
        with torch.no_grad():
            return float(self.model(input_ids=ids, labels=labels).loss), len(target)
