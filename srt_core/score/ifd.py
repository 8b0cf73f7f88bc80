"""IFD and r-IFD: what they are, and the four losses behind them as requests to a student (METHOD, section 3).

With L the mean negative log-likelihood per target token in nats, and ppl = exp(L):

    IFD   = ppl(y given x)  / ppl(y) = exp(L(y|x)  - L(y))   how hard the response remains once the instruction is known
    r-IFD = ppl(x given y') / ppl(x) = exp(L(x|y') - L(x))   low when the response implies its instruction

(arXiv 2308.12032 for IFD, 2402.10110 section 3 for r-IFD.) As a context, x is the student's prompt template filled in
and y' the reverse prompt; as a target, x is the bare instruction, a newline and the input where there is one. Where
system text or earlier turns stand before a pair, all but L(y) are conditioned on them too: see `prompts`.
Nothing here runs a model: `plan` turns pairs into token ids, `score_of` turns losses into ratios.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Protocol, TypeAlias

from srt_core.records import AddedLoss, AddedScore, CandidateLosses, Loss, LossRequest, LossStatus, Pair, Score
from srt_core.score.prompts import ChatWriter, NotCarriedError, Prompts, prompts_of
from srt_core.score.templates import Template


class Convention(StrEnum):
    """How context and target become token ids. Scores of two conventions are never compared."""

    ALIGNED = "aligned"
    """Context and target are tokenised separately and joined after the start token: both losses are of equal tokens."""
    REFERENCE = "reference"
    """As in the authors' script: one tokenisation of the joined text, the target begins at len(encode(context))."""


class Tokenizer(ChatWriter, Protocol):
    """What planning needs of a student."""

    @property
    def start_ids(self) -> tuple[int, ...]:
        """The token that makes the first target token scorable: BOS, else EOS."""

    def encode(self, texts: Sequence[str], *, special: bool) -> list[list[int]]:
        """Return the token ids of each text, with the tokenizer's own special tokens around them or without."""


PlannedLoss: TypeAlias = LossRequest | Loss
"""A request, or the loss itself where it is known without the student: there is no token to score."""


@dataclass(frozen=True, slots=True)
class CandidatePlan:
    """The losses of a candidate, planned: L(y), L(y|x), L(x), L(x|y'), and those that are added.

    `response_read`, `instruction_read`: the part of the target's tokens over which the losses run; None for no token.
    """

    y: PlannedLoss
    y_given_x: PlannedLoss
    x: PlannedLoss
    x_given_y: PlannedLoss
    added: tuple[PlannedLoss, ...] = ()
    response_read: float | None = None
    instruction_read: float | None = None

    @property
    def slots(self) -> tuple[PlannedLoss, ...]:
        """All losses: the four, then those that are added."""
        return self.y, self.y_given_x, self.x, self.x_given_y, *self.added


_Ids: TypeAlias = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Span:
    """A target, and the texts before it: `direct` in the direct loss of its ratio, `context` in the conditioned one.

    `before` is T, what stands before the pair, with which the context begins; `direct` is T too, a text of the template
    that an added loss stands after, or nothing.
    """

    before: str
    direct: str
    context: str
    target: str

    def texts(self, convention: Convention) -> tuple[str, ...]:
        """Return the texts whose tokens the convention needs."""
        begins = (*filter(None, (self.before, self.direct)), self.context)
        if convention is Convention.ALIGNED:
            return *begins, self.target
        return *begins, self.direct + self.target, self.context + self.target


def plan(
    pairs: Sequence[Pair],
    template: Template,
    convention: Convention,
    tokenizer: Tokenizer,
    max_length: int,
    added: Sequence[AddedLoss] = (),
) -> list[CandidatePlan]:
    """Return the four losses of each pair, and those that are added, as requests of at most `max_length` tokens.

    Each distinct text is tokenised only once.

    Raises:
        StudentError: the template is `chat`, and the student's tokenizer has no chat template or one that fits no pair.
        TemplateError: the template lacks a text that an added loss stands after.
    """
    prompts = prompts_of(template, tokenizer)
    after = [(each.target, template.text(each.after)) for each in added]
    spans = [_spans(pair, prompts, convention, after) for pair in pairs]
    is_reference = convention is Convention.REFERENCE
    texts = list(dict.fromkeys(text for each in spans for span in each for text in span.texts(convention)))
    ids = dict(zip(texts, map(tuple, tokenizer.encode(texts, special=is_reference)), strict=True))
    doubled = tokenizer.start_ids * 2 if template.is_chat else ()
    planner = _Planner(ids, tokenizer.start_ids, doubled, max_length)
    ratio = planner.reference if is_reference else planner.aligned
    not_carried = CandidatePlan(*(_NOT_CARRIED,) * 4, added=(_NOT_CARRIED,) * len(added))
    return [_candidate(*map(ratio, each)) if each else not_carried for each in spans]


def plan_texts(
    texts: Sequence[tuple[str, str]], tokenizer: Tokenizer, max_length: int, *, is_chat: bool
) -> list[PlannedLoss]:
    """Return L(target|context) of each (context, target) as texts that a template was filled into: L(y|x) as `plan`.

    The convention is `aligned`: its ids are those that a student is trained on.
    """
    known = list(dict.fromkeys(text for pair in texts for text in pair))
    ids = dict(zip(known, map(tuple, tokenizer.encode(known, special=False)), strict=True))
    planner = _Planner(ids, tokenizer.start_ids, tokenizer.start_ids * 2 if is_chat else (), max_length)
    return [planner.aligned(_Span("", "", context, target)).conditioned for context, target in texts]


def _candidate(y: "_Ratio", x: "_Ratio", *added: "_Ratio") -> CandidatePlan:
    more = tuple(each.direct for each in added)
    return CandidatePlan(y.direct, y.conditioned, x.direct, x.conditioned, more, y.read, x.read)


def instruction_target(pair: Pair, convention: Convention) -> str:
    """Return x as a target: the instruction, a newline and the input; without the newline under `reference`."""
    separator = "\n" if pair.input and convention is Convention.ALIGNED else ""
    return pair.instruction + separator + pair.input


def _spans(pair: Pair, prompts: Prompts, convention: Convention, after: Sequence[tuple[str, str]]) -> Sequence[_Span]:
    """Return the response and the instruction, each with what stands before it; nothing where that is not carried.

    Each target of `after` comes once more: in its direct loss it stands after the text beside it.
    """
    try:
        before, forward, backward = prompts.before(pair.context), prompts.prompt(pair), prompts.reverse(pair)
    except NotCarriedError:
        return ()
    y = _Span(before, "", forward, pair.response)
    x = _Span(before, before, backward, instruction_target(pair, convention))
    return y, x, *(replace(y if target == "response" else x, direct=text) for target, text in after)


@dataclass(frozen=True, slots=True)
class _Ratio:
    """The two losses of a ratio, and the part of the target's tokens that they run over; None for no token."""

    direct: PlannedLoss
    conditioned: PlannedLoss
    read: float | None


@dataclass(frozen=True, slots=True)
class _Planner:
    """Makes the two losses of a ratio from token ids.

    `doubled`: two start tokens where the chat template and the tokenizer may both add one.
    """

    ids: Mapping[str, _Ids]
    start_ids: _Ids
    doubled: _Ids
    max_length: int

    def aligned(self, span: _Span) -> _Ratio:
        """Return direct and conditioned loss over the same target tokens: those that fit behind the context."""
        before, direct, context = map(self._started, (span.before, span.direct, span.context))
        target = self.ids[span.target]
        kept = target[: max(0, self.max_length - len(context))]
        shared = len(before) if span.before else 0
        if not kept:
            return self._nothing(len(context), shared, is_empty=not target)
        status = LossStatus.OK if len(kept) == len(target) else LossStatus.TRUNCATED
        return _Ratio(
            LossRequest(direct + kept, len(direct), status, shared if span.direct == span.before else 0),
            LossRequest(context + kept, len(context), status, shared),
            len(kept) / len(target),
        )

    def reference(self, span: _Span) -> _Ratio:
        """Return direct and conditioned loss as the authors' script computes them.

        The first token of a direct text with nothing before it is never scored, and where max length cuts it keeps one
        token more.
        """
        context, whole = self._of_template(span.context), self._of_template(span.context + span.target)
        shared = len(self._of_template(span.before)) if span.before else 0
        first = max(1, len(self._of_template(span.direct))) if span.direct else 1
        text = self._of_template(span.direct + span.target) if span.direct else self.ids[span.target]
        start = max(1, len(context))
        kept = whole[: self.max_length]
        length = len(whole) - start
        if len(kept) <= start:
            return self._nothing(len(context), shared, is_empty=not span.target)
        direct = text[: self.max_length - len(context) + first]
        is_cut = len(kept) < len(whole) or len(direct) < len(text)
        status = LossStatus.TRUNCATED if is_cut else LossStatus.OK
        hint = shared if span.direct == span.before else 0
        return _Ratio(
            LossRequest(direct, first, status, hint) if len(direct) > first else _NO_TARGET,
            LossRequest(kept, start, status, shared),
            min((len(kept) - start) / length, (len(direct) - first) / max(1, len(text) - first)),
        )

    def _started(self, text: str) -> _Ids:
        return self._undoubled(self.start_ids + self.ids[text]) if text else self.start_ids

    def _of_template(self, text: str) -> _Ids:
        return self._undoubled(self.ids[text])

    def _undoubled(self, ids: _Ids) -> _Ids:
        """Drop the first of two start tokens."""
        doubled = self.doubled
        return ids[len(doubled) // 2 :] if doubled and ids[: len(doubled)] == doubled else ids

    def _nothing(self, context: int, shared: int, *, is_empty: bool) -> _Ratio:
        """Return the losses where no target token is left: there is none, or the tokens before it fill max length."""
        has_room_alone = len(self.start_ids) + context - shared < self.max_length
        is_long = shared and has_room_alone and not is_empty
        loss = Loss(None, 0, LossStatus.CONTEXT_TOO_LONG) if is_long else _NO_TARGET
        return _Ratio(loss, loss, None if is_empty else 0.0)


_NO_TARGET = Loss(None, 0, LossStatus.NO_TARGET)
_NOT_CARRIED = Loss(None, 0, LossStatus.NOT_CARRIED)
_WORST_LAST = tuple(LossStatus)


def score_of(losses: CandidateLosses, added: Sequence[AddedLoss] = ()) -> Score:
    """Return the ratios of losses, None where not finite. The status is the worst of the four losses."""
    ifd = _ppl_ratio(losses.y_given_x, losses.y)
    r_ifd = _ppl_ratio(losses.x_given_y, losses.x)
    loss_ratio = _loss_ratio(losses.y_given_x, losses.y)
    status = _status((losses.y, losses.y_given_x, losses.x, losses.x_given_y), (ifd, r_ifd, loss_ratio))
    more = tuple(_added_score(each, losses, loss) for each, loss in zip(added, losses.added, strict=True))
    return Score(losses, ifd, r_ifd, loss_ratio, status, more)


def _added_score(asked: AddedLoss, losses: CandidateLosses, loss: Loss) -> AddedScore:
    conditioned = losses.y_given_x if asked.target == "response" else losses.x_given_y
    ratio = _loss_ratio if asked.ratio == "losses" else _ppl_ratio
    value = ratio(conditioned, loss)
    return AddedScore(value, _status((conditioned, loss), (value,)))


def _status(losses: Iterable[Loss], ratios: Iterable[float | None]) -> LossStatus:
    """Return the worst status of losses; where all have a number and a ratio of them is not finite, it says that."""
    worst = max((loss.status for loss in losses), key=_WORST_LAST.index)
    return LossStatus.NON_FINITE if worst.has_number and None in ratios else worst


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
