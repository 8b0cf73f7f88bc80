"""Maps of token losses in the project file: a text in spans, with the losses of the tokens that spell each.

A map depends only on the scoring and the text: it is computed once, when somebody asks for it (explain), then read.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal

from srt_core.errors import SRTError
from srt_core.project.candidates import pair_of
from srt_core.project.store import Row, Store
from srt_core.project.transaction import Transaction
from srt_core.records import Pair
from srt_core.score.ifd import Convention, instruction_target
from srt_core.score.scorings import scoring_in_use

_PAIRS = {
    "score": "SELECT instruction, input, response, context FROM pair WHERE candidate_id = ?",
    "edit_score": "SELECT instruction, input, response, context FROM edited_pair WHERE event_id = ?",
}
_STORED = (
    "status", "mean_alone", "mean_given", "tokens_alone", "tokens_given", "begins", "ends", "alone", "given",
)  # fmt: skip
_COLUMNS = ("scoring_id", "subject", "subject_id", "part", *_STORED)


class Part(StrEnum):
    """Which text of a pair is the target."""

    RESPONSE = "y"
    """The response, alone and given its instruction."""
    INSTRUCTION = "x"
    """The instruction with its input, alone and given the response."""


class MapStatus(StrEnum):
    """What a map holds, or why it has no spans: only OK and TRUNCATED have some."""

    OK = "ok"
    TRUNCATED = "truncated"
    """Max length cut the text: the spans cover what was kept."""
    NO_TARGET = "no_target"
    """No token is left to score."""
    CONTEXT_TOO_LONG = "context_too_long"
    """System text and earlier turns leave no room for the text."""
    NOT_CARRIED = "context_not_carried"
    """The template has no place for the system text or the earlier turns."""
    NON_FINITE = "non_finite"
    """The student gave NaN or infinity."""
    OTHER_TOKENS = "other_tokens"
    """The text becomes other tokens behind its context (reference convention): there is nothing to compare."""


@dataclass(frozen=True, slots=True)
class MapSubject:
    """What a map is of: a candidate (table `score`) or a person's edit (table `edit_score`, by its event)."""

    table: Literal["score", "edit_score"]
    id: int


@dataclass(frozen=True, slots=True)
class TokenSpan:
    """Characters of a text, from `begin` to `end` (exclusive), with the losses of the tokens that spell them, in nats.

    Usually one token; tokens that share a character form one span, their losses summed. A loss is None where there is
    none to compare: `reference` never scores the first token of a text without a BOS before it.
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
    """A target text in spans, in the order of the text, and its mean losses in nats per token, equal to the score's.

    `spans` may skip white space that no token spells, and end before the text does where it is TRUNCATED.
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
        """The share of the spans with both losses that became easier; None where there is none."""
        gains = [span.gain for span in self.compared]
        return sum(gain is not None and gain > 0 for gain in gains) / len(gains) if gains else None

    @property
    def ratio(self) -> float | None:
        """The IFD of a response, the r-IFD of an instruction."""
        if self.mean_alone is None or self.mean_given is None:
            return None
        return math.exp(min(self.mean_given - self.mean_alone, 700.0))


def stored_maps(store: Store, subject: MapSubject) -> dict[Part, TokenMap]:
    """Return the stored maps of a subject under the scoring in use; {} where none were computed yet."""
    scoring = scoring_in_use(store)
    if scoring is None:
        return {}
    rows = store.rows(
        "SELECT * FROM token_map WHERE scoring_id = ? AND subject = ? AND subject_id = ?",
        [scoring.scoring_id, subject.table, subject.id],
    )
    if not rows:
        return {}
    texts = target_texts(read_pair(store, subject), Convention(scoring.convention))
    maps = {part: map_of(part, row, texts[part]) for row in rows for part in [Part(row["part"])]}
    return {part: maps[part] for part in Part if part in maps}


def read_pair(store: Store, subject: MapSubject) -> Pair:
    """Return the pair of a subject. SRTError if it is not there any more."""
    rows = store.rows(_PAIRS[subject.table], [subject.id])
    if not rows:
        raise SRTError(f"There is no text {subject.id} of {subject.table}.", "Reload the page.")
    return pair_of(rows[0])


def target_texts(pair: Pair, convention: Convention) -> dict[Part, str]:
    """Return the target text of each part."""
    return {Part.RESPONSE: pair.response, Part.INSTRUCTION: instruction_target(pair, convention)}


def store_maps(tx: Transaction, scoring_id: int, maps: Mapping[MapSubject, Mapping[Part, TokenMap]]) -> None:
    """Store the maps of subjects; those that are stored already are left as they are."""
    kept = {
        tuple(row)
        for row in tx.execute(
            """SELECT subject, subject_id, part FROM token_map
               WHERE scoring_id = ? AND subject_id IN (SELECT unnest(?::BIGINT[]))""",
            [scoring_id, [subject.id for subject in maps]],
        )
    }
    tx.append(
        "token_map",
        _COLUMNS,
        [
            (scoring_id, subject.table, subject.id, str(part), *map_row(each).values())
            for subject, found in maps.items()
            for part, each in found.items()
            if (subject.table, subject.id, str(part)) not in kept
        ],
    )


def map_row(found: TokenMap) -> dict[str, Any]:
    """Return what is stored of a map, by column, from which `map_of` makes it again with its text."""
    numbers = (found.mean_alone, found.mean_given, found.tokens_alone, found.tokens_given)
    spans = [[getattr(span, name) for span in found.spans] for name in ("begin", "end", "alone", "given")]
    return dict(zip(_STORED, [str(found.status), *numbers, *spans], strict=True))


def map_of(part: Part, row: Row, text: str) -> TokenMap:
    """Return the map of a text from what is stored of it."""
    spans = zip(row["begins"], row["ends"], row["alone"], row["given"], strict=True)
    return TokenMap(
        part, text, MapStatus(row["status"]), tuple(TokenSpan(*span) for span in spans),
        row["mean_alone"], row["mean_given"], row["tokens_alone"], row["tokens_given"],
    )  # fmt: skip
