"""The interface of a student, wherever its weights are: tokens, an identity, and the losses of packs.

`Student` computes in this process, `RayStudent` on a Ray cluster. Both tokenise in this process, so they plan alike.
"""

from abc import ABC, abstractmethod
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from srt_core.errors import StudentError
from srt_core.records import Loss, LossRequest
from srt_core.score.student.chat import ChatTemplate
from srt_core.score.student.identity import tokenizer_fingerprint
from srt_core.score.student.packing import Batching, Pack, cut

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

Spelling = list[tuple[int, int]]
"""For each token the characters of the text that it spells: begin and end (exclusive)."""


@dataclass(frozen=True, slots=True)
class Identity:
    """The properties of a student besides its tokenizer.

    `fingerprint`: part of the key of a stored loss, see `identity`. `max_length_limit`: the model's context, in tokens.
    `batching`: how requests share a forward pass; `batching_reason`: why not in a faster way ("" for the fastest).
    `agreement`: how near token losses came to float64 in the trial, a sentence.
    """

    name: str
    fingerprint: str
    dtype: str
    device: str
    parameters: int
    max_length_limit: int
    token_budget: int
    batching: Batching
    batching_reason: str
    agreement: str


class Encoder:
    """The tokenizer of a student, which is enough for planning."""

    def __init__(self, tokenizer: "PreTrainedTokenizerBase", name: str) -> None:
        """Take the tokenizer. StudentError if it has neither BOS nor EOS."""
        self.name = name
        self.start_ids = _start_ids(tokenizer, name)
        """The token that makes the first target token scorable: BOS, else EOS."""
        self.has_chat_template = tokenizer.chat_template is not None
        self._tokenizer = tokenizer
        self._chat = ChatTemplate(tokenizer, name)

    @property
    def end_ids(self) -> tuple[int, ...]:
        """The token that ends a response in training, which no scoring has: EOS; none where there is none."""
        found = self._tokenizer.eos_token_id
        return (found,) if isinstance(found, int) else ()

    @property
    def tokenizer_fingerprint(self) -> str:
        """A hash that is equal for two tokenizers that give the same ids for every text."""
        return tokenizer_fingerprint(self._tokenizer)

    def encode(self, texts: Sequence[str], *, special: bool) -> list[list[int]]:
        """Return the token ids of each text, with the tokenizer's own special tokens around them or without."""
        if not texts:
            return []
        encoded = self._tokenizer(
            list(texts), add_special_tokens=special, return_attention_mask=False, truncation=False, verbose=False
        )
        return [list(ids) for ids in encoded["input_ids"]]

    def spell(self, text: str) -> Spelling | None:
        """Return which characters each token of `text` spells, without special tokens.

        None where the tokenizer does not say (those that are written in Python).
        """
        if not self._tokenizer.is_fast:
            return None
        encoded = self._tokenizer(text, add_special_tokens=False, return_offsets_mapping=True, verbose=False)
        return [(int(begin), int(end)) for begin, end in encoded["offset_mapping"]]

    def chat_text(self, messages: Sequence[Mapping[str, str]], *, opened: bool) -> str:
        """Return the text of a conversation in the tokenizer's own template, as `ChatTemplate.chat_text`."""
        return self._chat.chat_text(messages, opened=opened)


class Scorer(Encoder, ABC):
    """A student that can be asked for losses."""

    @property
    @abstractmethod
    def identity(self) -> Identity:
        """The properties of this student that a scoring stores."""

    @abstractmethod
    def run(self, packs: Iterable[Pack]) -> Generator[tuple[Pack, list[Loss]], None, None]:
        """Yield each pack with one loss per request, in the order of the packs.

        Packs are taken from the iterable when a worker is free, a few ahead of what is yielded. Closing the iterator
        drops packs that were not begun. A request that does not fit in memory even alone gives OUT_OF_MEMORY, numbers
        that are not finite give NON_FINITE.

        Raises:
            StudentError: a request does not fit the student's vocabulary or limit, or the model fails.
        """

    @property
    def fingerprint(self) -> str:
        """The hash of everything that this student's losses depend on."""
        return self.identity.fingerprint

    @property
    def max_length_limit(self) -> int:
        """The model's context, in tokens."""
        return self.identity.max_length_limit

    @property
    def dtype(self) -> str:
        """The type of its weights, such as float32."""
        return self.identity.dtype

    def packs(self, requests: Iterable[LossRequest], token_budget: int | None = None) -> list[Pack]:
        """Cut requests into packs of at most `token_budget` tokens (None: the student's own)."""
        return cut(requests, token_budget or self.identity.token_budget, self.identity.batching)

    def losses(self, requests: Sequence[LossRequest], *, token_budget: int | None = None) -> Iterator[tuple[int, Loss]]:
        """Yield (index of the request, its loss), pack by pack; equal requests are computed once.

        Raises:
            StudentError: as `run`.
        """
        askers: dict[LossRequest, list[int]] = {}
        for index, request in enumerate(requests):
            askers.setdefault(request, []).append(index)
        for pack, losses in self.run(self.packs(requests, token_budget)):
            for request, loss in zip(pack, losses, strict=True):
                yield from ((index, loss) for index in askers[request])


def _start_ids(tokenizer: "PreTrainedTokenizerBase", name: str) -> tuple[int, ...]:
    for token in (tokenizer.bos_token_id, tokenizer.eos_token_id):
        if isinstance(token, int):
            return (token,)
    message = f"The tokenizer of the student '{name}' has neither a BOS nor an EOS token."
    raise StudentError(message, "Add bos_token to its tokenizer_config.json: without it no first token can be scored.")
