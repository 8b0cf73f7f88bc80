"""Which tokens of a text became easier once its context was known: losses token by token, on demand, and kept.

    gain(token) = -log p(token alone) + log p(token given the context)       nats; positive: easier with the context

For the response the context is its instruction (the tokens behind IFD), for the instruction it is the response (those
behind r-IFD). The numbers are of the very requests that `ifd.plan` gives the scoring in use, so their means are the
losses of the score. A map is a pure function of scoring and text: computed once, when somebody asks, then read.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import takewhile
from typing import Literal

from srt_core.errors import SRTError, StudentError
from srt_core.project.candidates import pair_of
from srt_core.project.store import Row, Store
from srt_core.records import LossRequest, Pair
from srt_core.score.ifd import CandidatePlan, Convention, PlannedLoss, instruction_target, plan
from srt_core.score.scorings import scoring_in_use
from srt_core.score.student import Student
from srt_core.score.templates import stored_template

_UNCUT = 2**40
"""A max length that cuts nothing."""
_PAIRS = {
    "score": "SELECT instruction, input, response FROM candidate WHERE candidate_id = ?",
    "edit_score": "SELECT instruction, input, response FROM event WHERE event_id = ? AND kind = 'edit'",
}
_COLUMNS = ("scoring_id", "subject", "subject_id", "part", "status", "mean_alone", "mean_given", "tokens_alone",
            "tokens_given", "begins", "ends", "alone", "given")  # fmt: skip


class Part(StrEnum):
    """Which text of a pair is the target."""

    RESPONSE = "y"
    """The response, alone and given its instruction."""
    INSTRUCTION = "x"
    """The instruction with its input, alone and given the response."""


class MapStatus(StrEnum):
    """Why a map is what it is. Only OK and TRUNCATED have spans."""

    OK = "ok"
    TRUNCATED = "truncated"
    """Max length cut the text: the spans cover what was kept."""
    NO_TARGET = "no_target"
    """No token is left to score."""
    NON_FINITE = "non_finite"
    """The student gave NaN or infinity."""
    OTHER_TOKENS = "other_tokens"
    """The text becomes other tokens behind its context (reference convention): there is nothing to compare."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What a map is of, as scores are: a candidate (table `score`) or a person's edit (`edit_score`, by its event)."""

    table: Literal["score", "edit_score"]
    id: int


@dataclass(frozen=True, slots=True)
class TokenSpan:
    """Whole characters of a text, from and to (not included), with the losses of the tokens that spell them, in nats.

    Mostly one token; tokens that share a character are one span, their losses summed. A loss is None where there is
    none to compare: `reference` never scores the first token of a text that has no BOS before it.
    """

    begin: int
    end: int
    alone: float | None
    given: float | None

    @property
    def gain(self) -> float | None:
        """How much easier the span is once the context is known, in nats; negative: harder."""
        return None if self.alone is None or self.given is None else self.alone - self.given


@dataclass(frozen=True, slots=True)
class TokenMap:
    """A target text in spans, in the order of the text, and its mean losses in nats a token, as the score has them.

    `spans` may leave white space out that no token spells, and end before the text does where it is TRUNCATED.
    """

    part: Part
    text: str
    status: MapStatus
    spans: tuple[TokenSpan, ...] = ()
    mean_alone: float | None = None
    mean_given: float | None = None
    tokens_alone: int = 0
    tokens_given: int = 0

    @property
    def compared(self) -> list[TokenSpan]:
        """The spans that have both losses."""
        return [span for span in self.spans if span.gain is not None]

    @property
    def easier_share(self) -> float | None:
        """Which share of the spans with both losses became easier; None where there is none."""
        gains = [span.gain for span in self.compared]
        return sum(gain is not None and gain > 0 for gain in gains) / len(gains) if gains else None

    @property
    def ratio(self) -> float | None:
        """The IFD of a response, the r-IFD of an instruction."""
        if self.mean_alone is None or self.mean_given is None:
            return None
        return math.exp(min(self.mean_given - self.mean_alone, 700.0))


def kept_maps(store: Store, subject: Subject) -> dict[Part, TokenMap]:
    """Read the maps of a subject that are kept under the scoring in use; empty where nobody asked yet."""
    scoring = scoring_in_use(store)
    if scoring is None:
        return {}
    rows = store.rows(
        "SELECT * FROM token_map WHERE scoring_id = ? AND subject = ? AND subject_id = ?",
        [scoring["scoring_id"], subject.table, subject.id],
    )
    if not rows:
        return {}
    texts = _texts(_pair(store, subject), Convention(scoring["convention"]))
    maps = {row["part"]: _read(row, texts[Part(row["part"])]) for row in rows}
    return {part: maps[part] for part in Part if part in maps}


def explain(store: Store, student: Student, subject: Subject) -> dict[Part, TokenMap]:
    """Compute the maps of a subject under the scoring in use, keep them and return them.

    Raises:
        StudentError: there is no scoring in use, the student is another than the scoring's, its tokenizer does not say
            which characters a token spells, or the texts do not fit in memory.
    """
    scoring = scoring_in_use(store)
    if scoring is None:
        raise StudentError("Nothing was scored in this project yet.", "Score it first.")
    _check_student(scoring, student)
    pair, convention = _pair(store, subject), Convention(scoring["convention"])
    template = stored_template(scoring["template"], scoring["template_texts"])
    asked, uncut = (
        plan([pair], template, convention, student, length)[0] for length in (scoring["max_length"], _UNCUT)
    )
    losses = _token_losses(student, asked)
    texts = _texts(pair, convention)
    maps = {part: _map(part, texts[part], student, _slots(asked, part), _slots(uncut, part), losses) for part in Part}
    _keep(store, scoring["scoring_id"], subject, maps)
    return maps


def _check_student(scoring: Row, student: Student) -> None:
    if student.fingerprint != scoring["fingerprint"]:
        message = f"The scores in use are of the student '{scoring['student']}' ({scoring['dtype']}) as it was then, "
        message += f"and '{student.name}' ({student.dtype}) is another one, or has changed since."
        raise StudentError(message, "Put that student back, or score again with the one that is there now.")


def _pair(store: Store, subject: Subject) -> Pair:
    rows = store.rows(_PAIRS[subject.table], [subject.id])
    if not rows:
        raise SRTError(f"There is no text {subject.id} of {subject.table}.", "Reload the page.")
    return pair_of(rows[0])


def _texts(pair: Pair, convention: Convention) -> dict[Part, str]:
    return {Part.RESPONSE: pair.response, Part.INSTRUCTION: instruction_target(pair, convention)}


def _slots(planned: CandidatePlan, part: Part) -> tuple[PlannedLoss, PlannedLoss]:
    """The target alone, and given its context."""
    return (planned.y, planned.y_given_x) if part is Part.RESPONSE else (planned.x, planned.x_given_y)


_Losses = Mapping[LossRequest, Sequence[float]]


def _token_losses(student: Student, asked: CandidatePlan) -> _Losses:
    """Ask for the distinct requests of a plan in one pack, in the order that shares their beginnings."""
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
        return TokenMap(part, text, MapStatus.NO_TARGET)
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
    """Pair the losses of equal tokens, counted from the end of the whole text; empty where no two are equal.

    Where the targets do not begin with the same token, what comes before the first equal one is a span without gain.
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
    """For each target token of the text alone, uncut, the characters that it spells; empty where it is not the text's.

    Special tokens that a tokenizer puts around a text spell nothing.
    """
    spelling = student.spell(text)
    if spelling is None:
        message = f"The tokenizer of the student '{student.name}' does not say which characters a token spells."
        raise StudentError(message, "Save it as a fast tokenizer (tokenizer.json).")
    own = tuple(student.encode([text], special=False)[0])
    before = next((at for at in range(direct.start + 1) if direct.ids[at : at + len(own)] == own), None)
    if before is None or len(spelling) != len(own):
        return []
    after = len(direct.ids) - before - len(own)
    end = len(text)
    return [*[(0, 0)] * before, *spelling, *[(end, end)] * after][direct.start :]


def _common_end(one: Sequence[int], other: Sequence[int]) -> int:
    """How many tokens at their ends are equal."""
    pairs = zip(reversed(one), reversed(other), strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


def _at(losses: Sequence[float], place: int) -> float | None:
    """The loss at a place; None beyond what max length kept."""
    return losses[place] if place < len(losses) else None


def _whole_characters(tokens: Iterable[TokenSpan]) -> list[TokenSpan]:
    """Join tokens that share a character, and those that spell nothing with a neighbour."""
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


def _keep(store: Store, scoring_id: int, subject: Subject, maps: Mapping[Part, TokenMap]) -> None:
    """Keep maps; those that are there stay as they are."""
    places = ", ".join("?" * len(_COLUMNS))
    with store.transaction() as tx:
        for each in maps.values():
            values = [
                scoring_id, subject.table, subject.id, str(each.part), str(each.status), each.mean_alone,
                each.mean_given, each.tokens_alone, each.tokens_given,
                *([getattr(span, name) for span in each.spans] for name in ("begin", "end", "alone", "given")),
            ]  # fmt: skip
            tx.execute(
                f"INSERT INTO token_map ({', '.join(_COLUMNS)}) VALUES ({places}) ON CONFLICT DO NOTHING", values
            )


def _read(row: Row, text: str) -> TokenMap:
    spans = zip(row["begins"], row["ends"], row["alone"], row["given"], strict=True)
    return TokenMap(
        Part(row["part"]), text, MapStatus(row["status"]), tuple(TokenSpan(*span) for span in spans),
        row["mean_alone"], row["mean_given"], row["tokens_alone"], row["tokens_given"],
    )  # fmt: skip
