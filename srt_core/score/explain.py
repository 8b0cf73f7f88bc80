"""Which tokens of a text became easier once its context was known: losses token by token, computed on demand.

    gain(token) = -log p(token alone) + log p(token given the context)       nats; positive: easier with the context

For the response the context is its instruction (the tokens behind IFD), for the instruction it is the response (those
behind r-IFD); system text and earlier turns stand before them as in the score. The losses are of the same requests that
`ifd.plan` makes for the scoring in use, so their means are the losses of the score.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import takewhile

from srt_core.errors import StudentError
from srt_core.project.store import Store
from srt_core.records import Loss, LossRequest
from srt_core.score.ifd import CandidatePlan, Convention, PlannedLoss, plan
from srt_core.score.scorings import Scoring, scoring_in_use
from srt_core.score.student import Student
from srt_core.score.templates import stored_template
from srt_core.score.token_maps import (
    MapStatus,
    MapSubject,
    Part,
    TokenMap,
    TokenSpan,
    read_pair,
    store_maps,
    target_texts,
)

_UNCUT = 2**40
"""A max length that truncates nothing."""


def explain(store: Store, student: Student, subject: MapSubject) -> dict[Part, TokenMap]:
    """Compute the maps of a subject under the scoring in use, store them and return them.

    Raises:
        StudentError: there is no scoring in use, the student is not the scoring's, its tokenizer does not report which
            characters a token spells, or the texts do not fit in memory.
    """
    scoring = scoring_in_use(store)
    if scoring is None:
        raise StudentError("Nothing was scored in this project yet.", "Score it first.")
    _check_student(scoring, student)
    pair, convention = read_pair(store, subject), Convention(scoring.convention)
    template = stored_template(scoring.template, scoring.template_texts)
    # Tokens are paired from the end of the whole text, which max length may cut off, so the pair is planned twice.
    asked, uncut = (plan([pair], template, convention, student, length)[0] for length in (scoring.max_length, _UNCUT))
    losses = _token_losses(student, asked)
    texts = target_texts(pair, convention)
    maps = {part: _map(part, texts[part], student, _slots(asked, part), _slots(uncut, part), losses) for part in Part}
    with store.transaction() as tx:
        store_maps(tx, scoring.scoring_id, {subject: maps})
    return maps


def _check_student(scoring: Scoring, student: Student) -> None:
    if student.fingerprint != scoring.fingerprint:
        message = f"The scores in use are of the student '{scoring.student}' ({scoring.dtype}) as it was then, "
        message += f"and '{student.name}' ({student.dtype}) is another one, or has changed since."
        raise StudentError(message, "Put that student back, or score again with the one that is there now.")


def _slots(planned: CandidatePlan, part: Part) -> tuple[PlannedLoss, PlannedLoss]:
    """Return the direct and the conditioned loss of a part, planned."""
    return (planned.y, planned.y_given_x) if part is Part.RESPONSE else (planned.x, planned.x_given_y)


_Losses = Mapping[LossRequest, Sequence[float]]


def _token_losses(student: Student, asked: CandidatePlan) -> _Losses:
    """Return the losses of the distinct requests of a plan, computed in one pack.

    Sorted by ids, requests with a common beginning are neighbours and share it.
    """
    requests = sorted({slot for slot in asked.slots if isinstance(slot, LossRequest)}, key=lambda each: each.ids)
    return dict(zip(requests, student.token_losses(requests), strict=True)) if requests else {}


def _map(
    part: Part,
    text: str,
    student: Student,
    slots: tuple[PlannedLoss, PlannedLoss],
    uncut: tuple[PlannedLoss, PlannedLoss],
    losses: _Losses,
) -> TokenMap:
    direct, conditioned = slots
    if not isinstance(direct, LossRequest) or not isinstance(conditioned, LossRequest):
        return TokenMap(part, text, MapStatus(next(slot.status for slot in slots if isinstance(slot, Loss))))
    alone, given = losses[direct], losses[conditioned]
    if not all(map(math.isfinite, [*alone, *given])):
        return TokenMap(part, text, MapStatus.NON_FINITE)
    spans = _paired_spans(text, student, uncut, alone, given)
    return TokenMap(
        part, text, MapStatus(direct.status) if spans else MapStatus.OTHER_TOKENS, tuple(spans),
        math.fsum(alone) / len(alone), math.fsum(given) / len(given), len(alone), len(given),
    )  # fmt: skip


def _paired_spans(
    text: str,
    student: Student,
    uncut: tuple[PlannedLoss, PlannedLoss],
    alone: Sequence[float],
    given: Sequence[float],
) -> list[TokenSpan]:
    """Return spans that pair the losses of equal tokens, aligned at the end of the whole text; [] where none are equal.

    Behind a context the first tokens of a text may differ (reference convention: a token may reach over the border).
    What comes before the first equal token is then one span that has a loss on one side only, and so no gain.
    """
    direct, conditioned = (slot for slot in uncut if isinstance(slot, LossRequest))
    spans = _token_characters(text, student, direct)
    shared = _common_end(direct.ids[direct.start :], conditioned.ids[conditioned.start :])
    if not spans or not shared:
        return []
    lead_alone, lead_given = len(spans) - shared, len(conditioned.ids) - conditioned.start - shared
    tokens = [
        TokenSpan(*span, _at(alone, lead_alone + place), _at(given, lead_given + place))
        for place, span in enumerate(spans[lead_alone:])
    ]
    if lead_given:
        tokens.insert(0, TokenSpan(0, tokens[0].begin, None, math.fsum(given[:lead_given])))
    elif lead_alone:
        tokens.insert(0, TokenSpan(0, tokens[0].begin, math.fsum(alone[:lead_alone]), None))
    return _whole_characters(token for token in tokens if (token.alone, token.given) != (None, None))


def _token_characters(text: str, student: Student, direct: LossRequest) -> list[tuple[int, int]]:
    """Return the characters that each target token of the direct request spells; [] if these are not the text's tokens.

    Special tokens that a tokenizer adds around a text spell nothing: (0, 0) before it, (end, end) after it.
    """
    spelling = student.spell(text)
    if spelling is None:
        message = f"The tokenizer of the student '{student.name}' does not say which characters a token spells."
        raise StudentError(message, "Save it as a fast tokenizer (tokenizer.json).")
    own = tuple(student.encode([text], special=False)[0])
    places = (direct.start, direct.start - 1)  # the first token of a text with nothing before it has no loss
    before = next((at for at in places if direct.ids[at : at + len(own)] == own), None)
    if before is None or len(spelling) != len(own):
        return []
    after = len(direct.ids) - before - len(own)
    end = len(text)
    return [*[(0, 0)] * before, *spelling, *[(end, end)] * after][direct.start :]


def _common_end(one: Sequence[int], other: Sequence[int]) -> int:
    """Return how many tokens at the ends of two sequences are equal."""
    pairs = zip(reversed(one), reversed(other), strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


def _at(losses: Sequence[float], place: int) -> float | None:
    """Return the loss at an index; None beyond what max length kept."""
    return losses[place] if place < len(losses) else None


def _whole_characters(tokens: Iterable[TokenSpan]) -> list[TokenSpan]:
    """Join tokens that share a character, and tokens that spell nothing with their neighbour."""
    spans: list[TokenSpan] = []
    for token in tokens:
        last = spans[-1] if spans else None
        if last and (token.begin < last.end or token.begin == token.end or last.begin == last.end):
            spans[-1] = _joined(last, token)
        else:
            spans.append(token)
    return spans


def _joined(one: TokenSpan, other: TokenSpan) -> TokenSpan:
    return TokenSpan(
        min(one.begin, other.begin),
        max(one.end, other.end),
        None if one.alone is None or other.alone is None else one.alone + other.alone,
        None if one.given is None or other.given is None else one.given + other.given,
    )
