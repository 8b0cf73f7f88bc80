"""The interface of a student, wherever its weights are: tokens, an identity, and the losses of packs.

`Student` computes in this process, `RayStudent` on a Ray cluster. Both tokenise in this process, so they plan alike.
"""

from abc import ABC, abstractmethod
from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass

from srt_core.records import Loss, LossRequest
from srt_core.score.student.packing import Batching, Pack, cut
from srt_core.score.student.tokens import Tokens


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


class Scorer(Tokens, ABC):
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
