"""A causal language model in this process that is asked for losses.

    loss = mean over ids[start:] of -log p(token | all tokens before it)      nats per token, softmax in float32

When a student is loaded, a trial compares the losses of packs with those of float64. A model whose losses are off in
packs is scored in padded batches or, if those are off too, one request at a time, with the reason.
"""

import math
import os
from collections import deque
from collections.abc import Generator, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

from srt_core.errors import StudentError
from srt_core.records import Loss, LossRequest, LossStatus
from srt_core.score.student import probe
from srt_core.score.student.architecture import max_length_limit, packing_obstacle, shared_length
from srt_core.score.student.failures import is_out_of_memory, short_reason
from srt_core.score.student.forward import Forward
from srt_core.score.student.identity import fingerprint
from srt_core.score.student.packing import Batching, Pack, computed_tokens
from srt_core.score.student.scorer import Identity, Scorer
from srt_core.score.student.trial import tried

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

_CPU_TOKENS, _GPU_TOKENS = 2048, 4096
"""Tokens in a pack: more is no faster, and takes more memory. On a GPU attention is over a pack's square."""
_AHEAD = 2
"""Packs queued for each worker, so that no worker waits for the next one to be planned."""


class Student(Scorer):
    """A causal language model with its tokenizer, ready to score."""

    def __init__(self, model: "PreTrainedModel", tokenizer: "PreTrainedTokenizerBase", name: str) -> None:
        """Probe the model with short inputs.

        Raises:
            StudentError: the tokenizer has neither BOS nor EOS, or the model attends to later tokens.
        """
        super().__init__(tokenizer, name)
        model.train(False)
        self._model = cast("Any", model)  # transformers leaves much of its interface without types
        self._forward = Forward(model, self.start_ids[0])
        self._limit = max_length_limit(model, tokenizer)
        self._vocabulary = int(self._model.get_input_embeddings().weight.shape[0])
        self._shared_length = shared_length(model, self._limit)
        self._tokens_that_fit: int | None = None
        texts = self._probe()
        self._check(texts)
        self._require_causal(texts[0].ids[:8])
        self._trial = tried(model, self._forward, texts, packing_obstacle(model, self._limit))
        self._batching = self._trial.batching

    @cached_property
    def identity(self) -> Identity:
        """The properties of this student that a scoring stores; reads every weight once."""
        return Identity(
            name=self.name,
            fingerprint=fingerprint(self._model, self._tokenizer),
            dtype=str(self._model.dtype).removeprefix("torch."),
            device=str(self._forward.device),
            parameters=sum(parameter.numel() for parameter in self._model.parameters()),
            max_length_limit=self._limit,
            token_budget=_CPU_TOKENS if self._forward.device.type == "cpu" else _GPU_TOKENS,
            batching=self._batching,
            batching_reason=self._trial.reason,
            agreement=self._trial.agreement,
        )

    def packs(self, requests: Iterable[LossRequest], token_budget: int | None = None) -> list[Pack]:
        """Cut requests into packs; after a pack ran out of memory, into smaller ones than that."""
        fitting = [budget for budget in (token_budget, self._tokens_that_fit) if budget]
        return super().packs(requests, min(fitting, default=None))

    def run(self, packs: Iterable[Pack]) -> Generator[tuple[Pack, list[Loss]], None, None]:
        """Yield packs with their losses; on a CPU each core computes a pack of its own.

        A pack spread over all cores would wait at every layer for the slowest core, for example one that another
        program uses.
        """
        import torch

        threads = torch.get_num_threads()
        workers = _cores() if self._forward.device.type == "cpu" else 1
        pool = ThreadPoolExecutor(workers, "srt-student", initializer=_use_one_thread if workers > 1 else None)
        waiting: deque[tuple[Pack, Future[list[Loss]]]] = deque()
        try:
            for pack in packs:
                waiting.append((pack, pool.submit(self.compute, pack)))
                if len(waiting) >= _AHEAD * workers + 1:
                    done, losses = waiting.popleft()
                    yield done, losses.result()
            while waiting:
                done, losses = waiting.popleft()
                yield done, losses.result()
        finally:
            pool.shutdown(cancel_futures=True)
            torch.set_num_threads(threads)  # a worker's setting also affects threads other than its own

    def compute(self, pack: Pack) -> list[Loss]:
        """Return the losses of one pack, which may be empty, computed in this thread.

        Raises:
            StudentError: as `run`.
        """
        if not pack:
            return []
        self._check(pack)
        return [_loss(request, nlls) for request, nlls in zip(pack, self._nlls_in_parts(pack), strict=True)]

    def token_losses(self, requests: Sequence[LossRequest]) -> list[list[float]]:
        """Return for each request the loss of each target token, -log p in nats, in order.

        Raises:
            StudentError: a request does not fit the student or the memory.
        """
        pack = tuple(requests)
        self._check(pack)
        found = self._nlls_in_parts(pack)
        for request, nlls in zip(pack, found, strict=True):
            if nlls is None:
                message = f"A text of {len(request.ids)} tokens does not fit in memory."
                raise StudentError(message, "Lower the max length.")
        return [nlls.tolist() for nlls in found if nlls is not None]

    def hidden(self, sequences: "list[tuple[int, ...]]") -> "torch.Tensor":
        """Return the last hidden states of right-padded sequences of token ids: [sequences, width, features]."""
        return self._forward.hidden(sequences)

    def _nlls_in_parts(self, pack: Pack) -> "list[torch.Tensor | None]":
        """Return the token losses of each request, None where it does not fit in memory even alone.

        A pack that does not fit is halved.
        """
        try:
            return list(self._nlls(pack))
        except (MemoryError, RuntimeError) as error:
            if not is_out_of_memory(error):
                longest = max(len(request.ids) for request in pack)
                message = f"The student '{self.name}' failed on a text of {longest} tokens: {short_reason(error)}."
                raise StudentError(message, "Try it on the CPU, or choose another student.") from error
        if len(pack) == 1:
            return [None]
        self._tokens_that_fit = max(1, computed_tokens(pack, self._batching) // 2)
        half = len(pack) // 2
        return [*self._nlls_in_parts(pack[:half]), *self._nlls_in_parts(pack[half:])]

    def _nlls(self, pack: Pack) -> "list[torch.Tensor]":
        """Return the token losses of each request; texts whose length affects their positions are computed alone."""
        alone = [request for request in pack if len(request.ids) > self._shared_length]
        if not alone:
            return self._forward.nlls(pack, self._batching)
        together = [request for request in pack if len(request.ids) <= self._shared_length]
        found = dict(zip(alone, self._forward.nlls(tuple(alone), Batching.SINGLE), strict=True))
        if together:
            found |= zip(together, self._forward.nlls(tuple(together), self._batching), strict=True)
        return [found[request] for request in pack]

    def _check(self, pack: Pack) -> None:
        """Raise StudentError for requests that would give an index error in the model, or have no target."""
        for request in pack:
            ids, start = request.ids, request.start
            if not 1 <= start < len(ids):
                raise StudentError(f"A target from token {start} of {len(ids)} cannot be scored.", "Plan it with srt.")
            if len(ids) > self._limit:
                message = f"A text of {len(ids)} tokens is longer than the student's {self._limit}."
                raise StudentError(message, f"Set the max length to at most {self._limit}.")
            if max(ids) >= self._vocabulary:
                message = f"Token {max(ids)} is not among the {self._vocabulary} tokens of the student '{self.name}'."
                raise StudentError(message, "Its tokenizer belongs to another model: put the right one in its folder.")

    def _probe(self) -> Pack:
        text = self.encode([probe.TEXT], special=False)[0]
        return probe.requests(self.start_ids + tuple(text), self._shared_length)

    def _require_causal(self, ids: tuple[int, ...]) -> None:
        """Raise StudentError if logits change when later tokens are removed: the model is not causal."""
        whole, part = self._forward.own_logits(ids), self._forward.own_logits(ids[:-3])
        if not _agree(whole[:-3], part, 1e-4 if self._is_exact else 5e-2):
            message = f"The student '{self.name}' is no causal language model: its tokens see those after them."
            raise StudentError(message, "Choose a model that was trained to continue text.")

    @property
    def _is_exact(self) -> bool:
        return str(self._model.dtype) == "torch.float32"


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _use_one_thread() -> None:
    import torch

    torch.set_num_threads(1)


def _loss(request: LossRequest, nlls: "torch.Tensor | None") -> Loss:
    """Return the mean loss, computed in float64, or the status that says why there is none."""
    tokens = len(request.ids) - request.start
    if nlls is None:
        return Loss(None, tokens, LossStatus.OUT_OF_MEMORY)
    mean = float(nlls.double().mean())
    return Loss(mean, tokens, request.status) if math.isfinite(mean) else Loss(None, tokens, LossStatus.NON_FINITE)


def _agree(found: "torch.Tensor", expected: "torch.Tensor", tolerance: float) -> bool:
    """Return whether numbers agree up to `tolerance` times the largest; NaN counts as 0 and is found in scoring."""
    found, expected = (numbers.float().nan_to_num(0, 0, 0) for numbers in (found, expected))
    return bool((found - expected).abs().max() <= tolerance * expected.abs().max())
