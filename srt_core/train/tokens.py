"""A pair as the token ids that are trained on: those that were scored, and the token that ends a response.

    start · prompt · completion · end        the loss runs over completion and end

Prompt and completion become tokens apart, as in the convention `aligned`; TRL by itself makes tokens of both together,
which may merge over the border. They are given to it as ids, so that nothing is made of them again.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from srt_core.records import Loss, LossRequest, LossStatus
from srt_core.score.ifd import plan_texts
from srt_core.score.student import Tokens
from srt_core.train.exports import TextPair

CHAT = "chat"
"""The template that a tokenizer writes, which may have put the start token in front already."""


@dataclass(frozen=True, slots=True)
class TokenPair:
    """A pair to train on. The loss runs over `ids[start:]`; `request` is the loss that scoring asks for of it."""

    sample_id: str
    ids: tuple[int, ...]
    start: int
    request: LossRequest

    @property
    def is_cut(self) -> bool:
        """Whether max length cut its completion."""
        return self.request.status is LossStatus.TRUNCATED


@dataclass(frozen=True, slots=True)
class TokenPairs:
    """The pairs that can be trained on, and the samples of those that cannot: no token of theirs fits."""

    pairs: tuple[TokenPair, ...]
    without: tuple[str, ...]


def make_tokens(pairs: Sequence[TextPair], tokens: Tokens, template: str, max_length: int) -> TokenPairs:
    """Make token ids of pairs; of what is too long the completion is cut, as in scoring, and has no end."""
    planned = plan_texts(
        [(each.prompt, each.completion) for each in pairs], tokens, max_length, is_chat=template == CHAT
    )
    made, without = [], []
    for pair, request in zip(pairs, planned, strict=True):
        if isinstance(request, Loss):
            without.append(pair.sample_id)
            continue
        has_end = request.status is LossStatus.OK and len(request.ids) < max_length
        ids = request.ids + (tokens.end_ids if has_end else ())
        made.append(TokenPair(pair.sample_id, ids, request.start, request))
    return TokenPairs(tuple(made), tuple(without))
