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
    is_chat: bool = False

    def score(self, instruction: str, model_input: str, response: str) -> PlainScore:
        if model_input:
            before, rest = self.with_input.split("{instruction}")
            middle, after = rest.split("{input}")
            forward = before + instruction + middle + model_input + after
        else:
            forward = instruction.join(self.no_input.split("{instruction}"))
        request = response.join(self.reverse_request.split("{response}"))
        backward = request.join(self.no_input.split("{instruction}"))
        return self.score_texts("", forward, backward, instruction, model_input, response)

    def score_texts(
        self, before: str, forward: str, backward: str, instruction: str, model_input: str, response: str
    ) -> PlainScore:
        """Score behind prompts that are filled in; both begin with what stands `before` the pair."""
        separator = "\n" if model_input and self.convention == "aligned" else ""
        ratio = self._aligned if self.convention == "aligned" else self._reference
        y, y_given_x = ratio("", forward, response)
        x, x_given_y = ratio(before, backward, instruction + separator + model_input)
        return PlainScore(y[0], y_given_x[0], x[0], x_given_y[0], (y[1], y_given_x[1], x[1], x_given_y[1]))

    def _aligned(self, direct: str, context: str, target: str) -> tuple[tuple[float | None, int], ...]:
        direct_ids, context_ids = self._started(direct), self._started(context)
        target_ids = self.tokenizer.encode(target, add_special_tokens=False)
        room = max(self.max_length - len(context_ids), 0)
        target_ids = target_ids[:room]
        return self._loss(direct_ids, target_ids), self._loss(context_ids, target_ids)

    def _started(self, text: str) -> list[int]:
        """One start token and the text; where the text has brought it, no second one."""
        tokenizer = self.tokenizer
        first = tokenizer.eos_token if tokenizer.bos_token is None else tokenizer.bos_token
        is_begun = self.is_chat and text.startswith(first)
        return list(tokenizer.encode(text if is_begun else first + text, add_special_tokens=False))

    def _reference(self, direct: str, context: str, target: str) -> tuple[tuple[float | None, int], ...]:
        conditioned_ids, start = self._joined(context, target)
        alone_ids, alone_start = self._joined(direct, target)
        kept = conditioned_ids[: self.max_length]
        alone_ids = alone_ids[: alone_start + self.max_length - start]
        conditioned = self._loss(kept[:start], kept[start:])
        alone = self._loss(alone_ids[:alone_start], alone_ids[alone_start:])
        return alone if conditioned[1] else (None, 0), conditioned

    def _joined(self, before: str, target: str) -> tuple[list[int], int]:
        """The ids of a text and where its target begins: behind as many tokens as the text before it has by itself."""
        is_begun = self.is_chat and before.startswith(self.tokenizer.bos_token or "\0")
        ids = self.tokenizer.encode(before + target, add_special_tokens=not is_begun)
        start = len(self.tokenizer.encode(before, add_special_tokens=not is_begun)) if before else 1
        return list(ids), start

    def _loss(self, before: list[int], target: list[int]) -> tuple[float | None, int]:
        if not target:
            return None, 0
        ids = torch.tensor([before + target])
        labels = torch.tensor([[-100] * len(before) + target])
        with torch.no_grad():
            return float(self.model(input_ids=ids, labels=labels).loss), len(target)
