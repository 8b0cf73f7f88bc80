"""A causal language model that is asked for losses.

    loss = mean over ids[start:] of -log p(token | all tokens before it)      nats per token, softmax in float32

Distinct requests are sorted longest first and padded on the right into buckets of at most `token_budget` tokens.
A causal model never looks to the right, so the padding changes nothing and needs no mask; that is tried on a short
input when a student is loaded. Only the rows that predict a target token go through the output head.
"""

import math
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from inspect import signature
from textwrap import shorten
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, cast

from srt_core.errors import StudentError
from srt_core.records import Loss, LossStatus
from srt_core.student.identity import fingerprint

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

_DEFAULT_MAX_LENGTH = 2048
_NO_LIMIT = 10_000_000
"""Tokenizers without a limit say 10^30."""
_LOGITS_AT_ONCE = 2**23
"""Logits held at once by the output head, 32 MiB in float32."""
_PROBE_TEXT = "The quick brown fox jumps over the lazy dog."
_PROBE_TOKENS = 8

_Target: TypeAlias = tuple[tuple[int, ...], int]
"""Token ids and the index of the first target token."""


class Request(Protocol):
    """What a student is asked: the mean loss over `ids[start:]`, start >= 1."""

    @property
    def ids(self) -> tuple[int, ...]:
        """All tokens, context and target."""

    @property
    def start(self) -> int:
        """Index of the first target token."""

    @property
    def status(self) -> LossStatus:
        """The status of a loss with a number: OK, or TRUNCATED where max length cut the target."""


class Student:
    """A causal language model with its tokenizer, ready to score.

    name: as it was asked for. parameters: their number. start_ids: BOS, else EOS. max_length_limit: tokens the model
    can see at once. has_chat_template: whether the `chat` template can be used.
    """

    def __init__(self, model: "PreTrainedModel", tokenizer: "PreTrainedTokenizerBase", name: str) -> None:
        """Try the model on a short input.

        Raises:
            StudentError: the tokenizer has neither BOS nor EOS, or the model looks at tokens to the right.
        """
        self.name = name
        self.start_ids = _start_ids(tokenizer, name)
        self.max_length_limit = _max_length_limit(model, tokenizer)
        self.dtype = str(model.dtype).removeprefix("torch.")
        self.parameters = sum(parameter.numel() for parameter in model.parameters())
        self.has_chat_template = tokenizer.chat_template is not None
        # transformers leaves much of its interface without types
        self._model = cast("Any", model)
        self._tokenizer = tokenizer
        self._vocabulary = int(self._model.get_input_embeddings().weight.shape[0])
        self._model.eval()
        self._keeps_logits = "logits_to_keep" in signature(self._model.forward).parameters
        self._head = self._tried_head()

    @cached_property
    def fingerprint(self) -> str:
        """What a stored loss remembers of this student: see `identity`."""
        return fingerprint(self._model, self._tokenizer)

    def encode(self, texts: Sequence[str], *, special: bool) -> list[list[int]]:
        """Return the token ids of each text, with the tokenizer's own special tokens around them or without."""
        if not texts:
            return []
        encoded = self._tokenizer(
            list(texts), add_special_tokens=special, return_attention_mask=False, truncation=False, verbose=False
        )
        return [list(ids) for ids in encoded["input_ids"]]

    def chat_prompt(self, user_text: str) -> str:
        """Return the text of a conversation with this one user message, up to where the answer begins.

        Raises:
            StudentError: the tokenizer has no chat template, or its template refuses the message.
        """
        from jinja2 import TemplateError as ChatTemplateError

        if not self.has_chat_template:
            raise StudentError(f"The student '{self.name}' has no chat template.", "Choose another template: alpaca.")
        messages = [{"role": "user", "content": user_text}]
        try:
            return str(self._tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True))
        except ChatTemplateError as error:
            message = f"The chat template of the student '{self.name}' refuses a user message: {error}."
            raise StudentError(message, "Choose another template: alpaca.") from error

    def decode_tokens(self, ids: Sequence[int]) -> list[str]:
        """Return the text of each token by itself; a token that is a part of a character gives U+FFFD."""
        return [str(self._tokenizer.decode([token])) for token in ids]

    def token_losses(self, request: Request) -> list[float]:
        """Return -log p in nats of each target token of `ids[start:]`, in order.

        Raises:
            StudentError: the request does not fit the student, or memory.
        """
        target = (request.ids, request.start)
        self._check([target])
        nlls = self._nlls_if_they_fit([target])
        if nlls is None:
            raise StudentError(f"A text of {len(request.ids)} tokens does not fit in memory.", "Lower the max length.")
        return [float(nll) for nll in nlls[0]]

    def losses(self, requests: Sequence[Request], *, token_budget: int = 4096) -> Iterator[tuple[int, Loss]]:
        """Yield (index of the request, its loss), bucket by bucket, longest first; equal requests are computed once.

        Where memory runs out a bucket is halved, down to one request at a time; one that does not fit alone gives
        OUT_OF_MEMORY, and numbers that are not finite give NON_FINITE.

        Raises:
            StudentError: a request does not fit the student's vocabulary or limit, or the model fails.
        """
        askers: dict[_Target, list[int]] = {}
        for index, request in enumerate(requests):
            askers.setdefault((request.ids, request.start), []).append(index)
        targets = sorted(askers, key=lambda target: len(target[0]), reverse=True)
        self._check(targets)
        for target, nlls in self._scored(targets, token_budget):
            for index in askers[target]:
                yield index, _loss(target, nlls, requests[index].status)

    def _scored(self, targets: Sequence[_Target], token_budget: int) -> Iterator[tuple[_Target, "torch.Tensor | None"]]:
        """Yield each target with its token losses, None where it does not fit in memory.

        On a CPU each core works on a bucket of its own: a bucket spread over all cores would wait at every layer for
        whichever core another program has just taken.
        """
        pool = ThreadPoolExecutor(_cores() if self._model.device.type == "cpu" else 1, initializer=_use_one_thread)
        try:
            buckets = _buckets(targets, token_budget)
            for bucket, nlls in zip(buckets, pool.map(self._nlls_in_parts, buckets), strict=True):
                yield from zip(bucket, nlls, strict=True)
        finally:
            pool.shutdown(cancel_futures=True)

    def _nlls_in_parts(self, bucket: Sequence[_Target]) -> "list[torch.Tensor | None]":
        """Return the losses of each target's tokens; a bucket that does not fit in memory is halved, down to one."""
        nlls = self._nlls_if_they_fit(bucket)
        if nlls is not None:
            return list(nlls)
        if len(bucket) == 1:
            return [None]
        half = len(bucket) // 2
        return [*self._nlls_in_parts(bucket[:half]), *self._nlls_in_parts(bucket[half:])]

    def _check(self, targets: Sequence[_Target]) -> None:
        """Refuse what the model would answer with an index error, or with a loss of nothing."""
        for ids, start in targets:
            if not 1 <= start < len(ids):
                raise StudentError(f"A target from token {start} of {len(ids)} cannot be scored.", "Plan it with srt.")
            if len(ids) > self.max_length_limit:
                message = f"A text of {len(ids)} tokens is longer than the student's {self.max_length_limit}."
                raise StudentError(message, f"Set the max length to at most {self.max_length_limit}.")
            if max(ids) >= self._vocabulary:
                message = f"Token {max(ids)} is not among the {self._vocabulary} tokens of the student '{self.name}'."
                raise StudentError(message, "Its tokenizer belongs to another model: put the right one in its folder.")

    def _nlls_if_they_fit(self, bucket: Sequence[_Target]) -> "list[torch.Tensor] | None":
        """Return the losses of each target's tokens, or None when memory runs out."""
        try:
            return self._token_nlls(bucket)
        except (MemoryError, RuntimeError) as error:
            if is_out_of_memory(error):
                return None
            message = f"The student '{self.name}' failed on a text of {len(bucket[0][0])} tokens: {short_reason(error)}"
            raise StudentError(message, "Try it on the CPU, or choose another student.") from error

    def _token_nlls(self, bucket: Sequence[_Target]) -> "list[torch.Tensor]":
        """Return for each target a float32 tensor [target tokens] of -log p, on the CPU."""
        import torch

        with torch.inference_mode():
            if self._head is None:
                return [self._nlls_of_own_forward(target) for target in bucket]
            hidden = self._hidden([ids for ids, _ in bucket])  # [requests, width, features]
            rows = torch.cat([row[start - 1 : len(ids) - 1] for row, (ids, start) in zip(hidden, bucket, strict=True)])
            wanted = torch.tensor([token for ids, start in bucket for token in ids[start:]], device=rows.device)
            step = max(1, _LOGITS_AT_ONCE // self._vocabulary)
            parts = zip(torch.split(rows, step), torch.split(wanted, step), strict=True)
            nlls = torch.cat([_nlls(self._head(part), tokens) for part, tokens in parts])
            return list(torch.split(nlls.cpu(), [len(ids) - start for ids, start in bucket]))

    def _hidden(self, sequences: Sequence[tuple[int, ...]]) -> "torch.Tensor":
        """Run the model without its head over right-padded sequences: [sequences, width, features]."""
        output = self._model.base_model(input_ids=self._padded(sequences), use_cache=False)
        hidden: torch.Tensor = output.last_hidden_state
        return hidden

    def _padded(self, sequences: Sequence[tuple[int, ...]]) -> "torch.Tensor":
        import torch

        width = max(map(len, sequences))
        rows = [ids + (self.start_ids[0],) * (width - len(ids)) for ids in sequences]
        return torch.tensor(rows, device=self._model.device)

    def _nlls_of_own_forward(self, target: _Target) -> "torch.Tensor":
        """The slow way, one request through the model's whole forward: for heads that do more than multiply."""
        ids, start = target
        kept = len(ids) - start + 1
        keep = {"logits_to_keep": kept} if self._keeps_logits else {}
        logits = self._model(input_ids=self._padded([ids]), use_cache=False, **keep).logits[0, -kept:-1]
        return _nlls(logits, self._padded([ids[start:]])[0]).cpu()

    def _tried_head(self) -> "torch.nn.Module | None":
        """Return the output head if head(base model) is what the model's own forward gives, else None.

        Raises:
            StudentError: the first tokens' logits change with the tokens after them.
        """
        import torch

        ids = ((self.start_ids + tuple(self.encode([_PROBE_TEXT], special=False)[0])) * _PROBE_TOKENS)[:_PROBE_TOKENS]
        self._check([(ids, 1)])
        is_exact = self._model.dtype == torch.float32
        with torch.inference_mode():
            whole, part = (
                self._model(input_ids=self._padded([seen]), use_cache=False).logits[0] for seen in (ids, ids[:-3])
            )
            if not _agree(whole[:-3], part, 1e-4 if is_exact else 5e-2):
                message = f"The student '{self.name}' is no causal language model: its tokens see those after them."
                raise StudentError(message, "Choose a model that was trained to continue text.")
            head = self._model.get_output_embeddings()
            has_softcap = getattr(self._model.config.get_text_config(), "final_logit_softcapping", None) is not None
            if head is None or has_softcap or self._model.base_model is self._model:
                return None
            return head if _agree(head(self._hidden([ids])[0]), whole, 1e-5 if is_exact else 1e-2) else None


def _start_ids(tokenizer: "PreTrainedTokenizerBase", name: str) -> tuple[int, ...]:
    for token in (tokenizer.bos_token_id, tokenizer.eos_token_id):
        if isinstance(token, int):
            return (token,)
    message = f"The tokenizer of the student '{name}' has neither a BOS nor an EOS token."
    raise StudentError(message, "Add bos_token to its tokenizer_config.json: without it no first token can be scored.")


def _max_length_limit(model: "PreTrainedModel", tokenizer: "PreTrainedTokenizerBase") -> int:
    config = model.config.get_text_config()
    limits = [getattr(config, name, None) for name in ("max_position_embeddings", "n_positions", "max_seq_len")]
    known = [limit for limit in (*limits, tokenizer.model_max_length) if isinstance(limit, int)]
    return min((limit for limit in known if 0 < limit < _NO_LIMIT), default=_DEFAULT_MAX_LENGTH)


def _nlls(logits: "torch.Tensor", tokens: "torch.Tensor") -> "torch.Tensor":
    """-log softmax(logits)[token] in float32; logits [n, vocabulary], tokens [n]."""
    from torch.nn.functional import cross_entropy

    return cross_entropy(logits.float(), tokens, reduction="none")


def _buckets(targets: Sequence[_Target], token_budget: int) -> list[Sequence[_Target]]:
    """Cut targets, the longest first, into buckets that hold at most the budget when padded, and at least one each."""
    buckets: list[Sequence[_Target]] = []
    done = 0
    while done < len(targets):
        size = max(1, token_budget // len(targets[done][0]))
        buckets.append(targets[done : done + size])
        done += size
    return buckets


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _use_one_thread() -> None:
    import torch

    torch.set_num_threads(1)


def _loss(target: _Target, nlls: "torch.Tensor | None", status: LossStatus) -> Loss:
    """The mean in float64, or the status that says why there is none."""
    tokens = len(target[0]) - target[1]
    if nlls is None:
        return Loss(None, tokens, LossStatus.OUT_OF_MEMORY)
    mean = float(nlls.double().mean())
    return Loss(mean, tokens, status) if math.isfinite(mean) else Loss(None, tokens, LossStatus.NON_FINITE)


def _agree(found: "torch.Tensor", expected: "torch.Tensor", tolerance: float) -> bool:
    """Whether logits are equal up to a share of the largest; weights that give NaN are found when scoring."""
    found, expected = (logits.float().nan_to_num(0, 0, 0) for logits in (found, expected))
    return bool((found - expected).abs().max() <= tolerance * expected.abs().max())


def is_out_of_memory(error: Exception) -> bool:
    """A GPU has an error class for it; the CPU allocator only says so in words."""
    import torch

    is_named = isinstance(error, MemoryError | torch.OutOfMemoryError)
    return is_named or any(words in str(error) for words in ("can't allocate memory", "not enough memory"))


def short_reason(error: Exception) -> str:
    """Return what an error says, in one line."""
    return shorten(str(error), 200).rstrip(".") or type(error).__name__
