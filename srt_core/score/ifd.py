"""IFD and r-IFD: what they are, and the four losses behind them as requests to a student (METHOD, section 3).

With L the mean negative log-likelihood per target token in nats, and ppl = exp(L):

    IFD   = ppl(y given x)  / ppl(y) = exp(L(y|x)  - L(y))   how hard the response remains once the instruction is known
    r-IFD = ppl(x given y') / ppl(x) = exp(L(x|y') - L(x))   low when the response implies its instruction

(arXiv 2308.12032 for IFD, 2402.10110 section 3 for r-IFD.) As a context, x is the student's prompt template filled in
and y' the reverse prompt; as a target, x is the bare instruction, a newline and the input where there is one.
Nothing here runs a model: `plan` turns pairs into token ids, `score_of` turns losses into ratios.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, TypeAlias

from srt_core.records import CandidateLosses, Loss, LossRequest, LossStatus, Pair, Score
from srt_core.score.templates import Template, prompt, reverse_prompt


class Convention(StrEnum):
    """How context and target become token ids. Scores of two conventions are never compared."""

    ALIGNED = "aligned"
    """Context and target are tokenised separately and joined after the start token: both losses are of equal tokens."""
    REFERENCE = "reference"
    """As in the authors' script: one tokenisation of the joined text, the target begins at len(encode(context))."""


class Tokenizer(Protocol):
    """What planning needs of a student."""

    @property
    def start_ids(self) -> tuple[int, ...]:
        """The token that makes the first target token scorable: BOS, else EOS."""

    def encode(self, texts: Sequence[str], *, special: bool) -> list[list[int]]:
        """Return the token ids of each text, with the tokenizer's own special tokens around them or without."""

    def chat_prompt(self, user_text: str) -> str:
        """Return the text of a conversation with this one user message, up to where the answer begins."""


PlannedLoss: TypeAlias = LossRequest | Loss
"""A request, or the loss itself where it is known without the student: there is no token to score."""


@dataclass(frozen=True, slots=True)
class CandidatePlan:
    """The four losses of a candidate, planned: L(y), L(y|x), L(x), L(x|y')."""

    y: PlannedLoss
    y_given_x: PlannedLoss
    x: PlannedLoss
    x_given_y: PlannedLoss

    @property
    def slots(self) -> tuple[PlannedLoss, PlannedLoss, PlannedLoss, PlannedLoss]:
        """The four losses in the order of `CandidateLosses`."""
        return self.y, self.y_given_x, self.x, self.x_given_y


@dataclass(frozen=True, slots=True)
class _Span:
    """A target text and the context it is conditioned on: the texts of the two losses of one ratio."""

    context: str
    target: str

    @property
    def whole(self) -> str:
        return self.context + self.target


_NO_TARGET = Loss(None, 0, LossStatus.NO_TARGET)


def plan(
    pairs: Sequence[Pair], template: Template, convention: Convention, tokenizer: Tokenizer, max_length: int
) -> list[CandidatePlan]:
    """Return the four losses of each pair as requests of at most `max_length` tokens.

    Each distinct text is tokenised only once.

    Raises:
        StudentError: the template is `chat` and the student's tokenizer has no chat template.
    """
    spans = [(_y_span(pair, template, tokenizer), _x_span(pair, template, convention, tokenizer)) for pair in pairs]
    ids = _encode_once((span for both in spans for span in both), convention, tokenizer)
    doubled = tokenizer.start_ids * 2 if template.is_chat else ()

    def planned(span: _Span) -> tuple[PlannedLoss, PlannedLoss]:
        target = ids[span.target]
        if convention is Convention.REFERENCE:
            context, whole = (_undoubled(ids[text], doubled) for text in (span.context, span.whole))
            return _reference(context, target, whole, max_length)
        context = _undoubled(tokenizer.start_ids + ids[span.context], doubled)
        return _aligned(tokenizer.start_ids, context, target, max_length)

    return [CandidatePlan(*planned(y), *planned(x)) for y, x in spans]


def instruction_target(pair: Pair, convention: Convention) -> str:
    """Return x as a target: the instruction, a newline and the input; without the newline under `reference`."""
    separator = "\n" if pair.input and convention is Convention.ALIGNED else ""
    return pair.instruction + separator + pair.input


def _y_span(pair: Pair, template: Template, tokenizer: Tokenizer) -> _Span:
    """Return the response, with the instruction in the template as its context."""
    context = prompt(template, pair)
    return _Span(tokenizer.chat_prompt(context) if template.is_chat else context, pair.response)


def _x_span(pair: Pair, template: Template, convention: Convention, tokenizer: Tokenizer) -> _Span:
    """Return the instruction (and input), with the response in the reverse prompt as its context."""
    context = reverse_prompt(template, pair.response)
    target = instruction_target(pair, convention)
    return _Span(tokenizer.chat_prompt(context) if template.is_chat else context, target)


def _encode_once(spans: Iterable[_Span], convention: Convention, tokenizer: Tokenizer) -> dict[str, tuple[int, ...]]:
    """Return the token ids of each distinct text that the convention needs."""
    is_reference = convention is Convention.REFERENCE
    texts = list(
        dict.fromkeys(
            text
            for span in spans
            for text in ((span.context, span.target, span.whole) if is_reference else (span.context, span.target))
        )
    )
    encoded = tokenizer.encode(texts, special=is_reference)
    return {text: tuple(ids) for text, ids in zip(texts, encoded, strict=True)}


def _undoubled(ids: tuple[int, ...], doubled: tuple[int, ...]) -> tuple[int, ...]:
    """Drop the first of two start tokens: the chat template and the tokenizer may both add one."""
    return ids[len(doubled) // 2 :] if doubled and ids[: len(doubled)] == doubled else ids


def _aligned(
    start_ids: tuple[int, ...], context: tuple[int, ...], target: tuple[int, ...], max_length: int
) -> tuple[PlannedLoss, PlannedLoss]:
    """Return direct and conditioned loss over the same target tokens: those that fit behind the context."""
    kept = target[: max(0, max_length - len(context))]
    if not kept:
        return _NO_TARGET, _NO_TARGET
    status = LossStatus.OK if len(kept) == len(target) else LossStatus.TRUNCATED
    return (
        LossRequest(start_ids + kept, len(start_ids), status),
        LossRequest(context + kept, len(context), status),
    )


def _reference(
    context: tuple[int, ...], target: tuple[int, ...], whole: tuple[int, ...], max_length: int
) -> tuple[PlannedLoss, PlannedLoss]:
    """Return direct and conditioned loss as the authors' script computes them.

    The first token of the direct text is never scored; where max length cuts, the direct text keeps one token more.
    """
    start = max(1, len(context))
    kept = whole[:max_length]
    if len(kept) <= start:
        return _NO_TARGET, _NO_TARGET
    direct = target[: max_length - len(context) + 1]
    is_cut = len(kept) < len(whole) or len(direct) < len(target)
    status = LossStatus.TRUNCATED if is_cut else LossStatus.OK
    return (
        LossRequest(direct, 1, status) if len(direct) > 1 else _NO_TARGET,
        LossRequest(kept, start, status),
    )


_WORST_LAST = tuple(LossStatus)


def score_of(losses: CandidateLosses) -> Score:
    """Return the ratios of four losses. The status is the worst of theirs; a ratio without a finite value is None."""
    ifd = _ppl_ratio(losses.y_given_x, losses.y)
    r_ifd = _ppl_ratio(losses.x_given_y, losses.x)
    loss_ratio = _loss_ratio(losses.y_given_x, losses.y)
    four = (losses.y, losses.y_given_x, losses.x, losses.x_given_y)
    status = max((loss.status for loss in four), key=_WORST_LAST.index)
    if status.has_number and None in (ifd, r_ifd, loss_ratio):
        status = LossStatus.NON_FINITE
    return Score(losses, ifd, r_ifd, loss_ratio, status)


def _ppl_ratio(conditioned: Loss, direct: Loss) -> float | None:
    """Return exp(L(target|context) - L(target))."""
    if conditioned.mean is None or direct.mean is None:
        return None
    try:
        return _finite(math.exp(conditioned.mean - direct.mean))
    except OverflowError:
        return None


def _loss_ratio(conditioned: Loss, direct: Loss) -> float | None:
    """Return L(target|context) / L(target), a plain ratio of losses."""
    if conditioned.mean is None or not direct.mean:
        return None
    return _finite(conditioned.mean / direct.mean)


def _finite(number: float) -> float | None:
    return number if math.isfinite(number) else None
