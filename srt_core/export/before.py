"""What an export would hold, counted before it is written: one record for the page, the command and the manifest."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

from srt_core.errors import ChatRefusedError
from srt_core.export.concerns import BOUNDARY, CONCERNS, EARLIER, NO_ROOM, SPECIAL, TOO_LONG, Concern
from srt_core.export.contents import Contents, counts, layout, rows
from srt_core.export.formats import LeftOut, Line, Source, Split, find_format
from srt_core.export.lines import make_lines
from srt_core.export.scored import Scored, open_scored
from srt_core.export.splits import put_aside
from srt_core.importing.marks.tokens import TOKEN
from srt_core.project.store import Store
from srt_core.records import Pair, Role, counted
from srt_core.score.prompts import NotCarriedError
from srt_core.select.derive import refresh

DEFAULT_MAX_LENGTH = 2048
"""Tokens, where nothing was scored."""
SHOWN = 5
"""Samples that are named of each kind."""
_CHUNK = 256


@dataclass(frozen=True, slots=True)
class Counted:
    """How many lines there is one concern of, and the first of their samples."""

    name: str
    label: str
    lines: int
    samples: Sequence[str]
    does: Mapping[str, str]
    """What each trainer does with them."""

    @property
    def said(self) -> str:
        """What trainers do, those that do the same together."""
        by_deed: dict[str, list[str]] = {}
        for who, what in self.does.items():
            by_deed.setdefault(what, []).append(who)
        return "; ".join(f"{', '.join(who)}: {what}" for what, who in by_deed.items())


@dataclass(frozen=True, slots=True)
class Before:
    """What an export would hold, and what trainers would make of it."""

    lines: int
    trained: int
    aside: int
    parked: int
    """What is parked of what the rule keeps."""
    retracted: int
    """Samples of the filter that are retracted: no scope takes them."""
    max_length: int
    """Tokens."""
    template: str | None
    """The template that was scored; None where nothing was."""
    tokenizer: str | None
    """The student whose tokenizer counted; None where none did."""
    why: str
    """Why nothing was counted in tokens; "" where it was."""
    concerns: Sequence[Counted]
    """Those that are counted, also where there are none of them."""
    left_out: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    """By format, lines that it has no place for, by reason."""

    def described(self) -> Iterator[str]:
        """Say what may surprise, a sentence each."""
        if self.retracted:
            yield f"{counted(self.retracted, 'sample| is|')} retracted, and left out."
        for each in self.concerns:
            if each.lines:
                yield f"{each.lines:,} {each.label}: {each.said}."
        if self.why:
            yield f"Nothing was counted in tokens: {self.why}"
        for name, reasons in self.left_out.items():
            yield from (f"{name} leaves out {count:,}: {reason}." for reason, count in reasons.items())


def look_before(store: Store, contents: Contents, formats: Sequence[str], max_length: int | None = None) -> Before:
    """Count what an export of these formats would hold; nothing is written. Reads every text once.

    `max_length` is that of the training, in tokens; None: that of the scoring in use.
    ExportError for an unknown format, or where a chat template is needed that is not on this machine.
    """
    refresh(store)
    asked = [find_format(name) for name in formats]
    scored = open_scored(store, is_filled=any(format.is_filled for format in asked))
    shared = layout(store, contents, scored)
    counting = Counting(store, contents, scored, max_length)
    left_out: dict[str, Counter[str]] = {format.name: Counter() for format in asked if format.source is Source.PAIRS}
    with put_aside(store, contents.validation, shared.first) as aside:
        lines = make_lines(rows(store, contents, shared, aside), contents.conversations)
        for line, _ in counting.passing(lines):
            for name, counted in left_out.items():
                made = line if isinstance(line, LeftOut) else find_format(name).fields(line, shared)
                if isinstance(made, LeftOut):
                    counted[made.reason] += 1
    return counting.found(left_out)


class Counting:
    """Counts lines as they pass."""

    def __init__(self, store: Store, contents: Contents, scored: Scored | None, max_length: int | None) -> None:
        self.max_length = max_length or (scored.scoring.max_length if scored else DEFAULT_MAX_LENGTH)
        self._left_out = counts(store, contents.scope, contents.only)["total"]
        self._scored = scored
        special = scored.tokens.special_texts if scored and scored.tokens else ()
        self._special = re.compile("|".join(map(re.escape, special))) if special else TOKEN
        self._lines: Counter[Split] = Counter()
        self._counts: Counter[str] = Counter()
        self._samples: dict[str, list[str]] = {each.name: [] for each in CONCERNS}

    def passing(self, lines: Iterable[tuple[Line | LeftOut, Split]]) -> Iterator[tuple[Line | LeftOut, Split]]:
        """Pass lines on, having counted them."""
        lines = iter(lines)
        while chunk := list(islice(lines, _CHUNK)):
            made = [(line, split) for line, split in chunk if isinstance(line, Line)]
            self._lines.update(split for _, split in made)
            self._count([line for line, _ in made])
            yield from chunk

    def found(self, left_out: Mapping[str, Counter[str]]) -> Before:
        """Return what was counted, with the lines that each format has no place for."""
        scored, tokens = self._scored, self._scored.tokens if self._scored else None
        counted = [each for each in CONCERNS if tokens or each in (SPECIAL, EARLIER)]
        return Before(
            lines=self._lines.total(),
            trained=self._lines[Split.TRAIN],
            aside=self._lines[Split.VALIDATION],
            parked=self._left_out["parked"],
            retracted=self._left_out["retracted"],
            max_length=self.max_length,
            template=scored.template.name if scored else None,
            tokenizer=tokens.name if tokens else None,
            why="" if tokens else (scored.why if scored else "nothing was scored, so there is no prompt to count."),
            concerns=[
                Counted(each.name, each.label, self._counts[each.name], self._samples[each.name], each.does)
                for each in counted
            ],
            left_out={name: dict(reasons) for name, reasons in left_out.items() if reasons},
        )

    def _count(self, lines: Sequence[Line]) -> None:
        for line in lines:
            pair = line.last.pair
            if any(self._special.search(text) for text in _texts(pair)):
                self._add(SPECIAL, line)
            if any(turn.role is Role.ASSISTANT for turn in pair.context.turns):
                self._add(EARLIER, line)
        if self._scored and self._scored.tokens:
            self._count_tokens(lines)

    def _count_tokens(self, lines: Sequence[Line]) -> None:
        assert self._scored and self._scored.tokens
        filled = [(line, prompt) for line in lines if (prompt := self._prompt(line.last.pair)) is not None]
        prompts = [prompt for _, prompt in filled]
        responses = [line.last.pair.response for line, _ in filled]
        encode = self._scored.tokens.encode
        own = len(encode([""], special=True)[0])
        before, alone = encode(prompts, special=False), encode(responses, special=False)
        whole = encode([prompt + response for prompt, response in zip(prompts, responses, strict=True)], special=False)
        for (line, _), first, second, both in zip(filled, before, alone, whole, strict=True):
            if own + len(first) >= self.max_length:
                self._add(NO_ROOM, line)
                continue
            if own + len(both) + 1 > self.max_length:  # with the end token that a trainer adds
                self._add(TOO_LONG, line)
            if both != first + second:
                self._add(BOUNDARY, line)

    def _prompt(self, pair: Pair) -> str | None:
        assert self._scored
        try:
            return self._scored.prompt(pair)
        except (NotCarriedError, ChatRefusedError):  # which the format that needs it counts by name
            return None

    def _add(self, concern: Concern, line: Line) -> None:
        self._counts[concern.name] += 1
        if len(self._samples[concern.name]) < SHOWN:
            self._samples[concern.name].append(line.last.sample_id)


def _texts(pair: Pair) -> list[str]:
    return [pair.instruction, pair.input, pair.response, *(each["content"] for each in pair.context.messages)]
