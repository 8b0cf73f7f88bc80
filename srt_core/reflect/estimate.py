"""What a run will probably take: calls, tokens, money, from the texts and from what the teacher has written so far."""

from dataclasses import dataclass
from typing import Final

from srt_core.project.store import Store
from srt_core.records import DERIVATIONS, REFLECTIONS, Origin, Pair, Stage
from srt_core.reflect.asking import Asker, prompt_characters
from srt_core.reflect.keeping import ReflectionTask
from srt_core.reflect.missing import ORDER, Missing
from srt_core.reflect.prices import MILLION, Price, price_of
from srt_core.reflect.prompts import Prompts, ReplyFormat
from srt_core.reflect.run import Plan, missing_of
from srt_core.reflect.spending import CHARACTERS_A_TOKEN, FIRST_REPLY_TOKENS
from srt_core.reflect.teacher import Teacher

ENOUGH: Final = 30
"""Finished calls of a stage from which on their tokens are the range; fewer only widen the guess."""
GUESS_SPREAD: Final = 2.5
"""Factor, either way, by which a guess may be wrong: teachers that think write several times as much."""
MARGIN: Final = 0.1
"""Share by which what is left may differ from what was asked first, beyond chance."""


@dataclass(frozen=True, slots=True)
class Range:
    """A number that is not known yet: probably `likely`, and hardly below `low` or above `high`."""

    low: float
    likely: float
    high: float

    def __add__(self, other: "Range") -> "Range":
        return Range(self.low + other.low, self.likely + other.likely, self.high + other.high)

    def times(self, factor: float) -> "Range":
        """Return the range of so many of these."""
        return Range(self.low * factor, self.likely * factor, self.high * factor)


NOTHING: Final = Range(0, 0, 0)


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a run will probably take. `cost` in US dollars is None where no price is known.

    `is_measured`: enough replies of this teacher with these prompts say how long they are; else that is a guess.
    `listed`: when the list had the price, "" for one that the curator gave.
    """

    calls: int
    prompt_tokens: Range
    completion_tokens: Range
    cost: Range | None
    is_measured: bool
    listed: str = ""


@dataclass(frozen=True, slots=True)
class _Measured:
    """Tokens of one kind in the finished calls of a stage: how many calls, their mean and its standard error."""

    calls: int
    mean: float
    error: float

    def around(self, guess: float) -> Range:
        """Return the range for one call. Few calls leave the guess where it is, and can only widen its range."""
        low, high = guess / GUESS_SPREAD, guess * GUESS_SPREAD
        if self.calls >= ENOUGH:
            half = 2 * self.error + MARGIN * self.mean
            return Range(max(self.mean - half, 0.0), self.mean, self.mean + half)
        if not self.calls:
            return Range(low, guess, high)
        likely = (self.calls * self.mean + ENOUGH * guess) / (self.calls + ENOUGH)
        return Range(min(low, self.mean / GUESS_SPREAD), likely, max(high, self.mean * GUESS_SPREAD))


def estimate(store: Store, teacher: Teacher, prompts: Prompts, plan: Plan, *, is_batch: bool = False) -> Estimate:
    """Estimate a run as if every reply were accepted at the first attempt. It writes nothing.

    What a trial or a twin has paid for is not counted. Tokens are ranges: by stage from the finished calls, where there
    are enough; before that, of prompts their characters by four, and of replies a guess. The response reflection of an
    instruction that is yet to be written counts with a pair and a context of average length.
    """
    missing, asker = missing_of(store, teacher, prompts, plan), Asker(teacher, prompts)
    calls, prompt_tokens, completion_tokens = 0, NOTHING, NOTHING
    measured = {stage: _measured(missing, stage) for stage in REFLECTIONS}
    to_come, context = 0, 0.0
    for origin in ORDER:
        stage = DERIVATIONS[origin].stage
        found = missing.requests(origin)
        count, in_contexts = found.count, found.context_characters + found.contexts * len(prompts.context_text)
        characters = found.characters + in_contexts
        if origin is Origin.INSTRUCTION:
            to_come = count + missing.waiting()
            context = in_contexts / max(count, 1)
        if origin is Origin.BOTH:
            count += to_come
            characters += int(to_come * (FIRST_REPLY_TOKENS * CHARACTERS_A_TOKEN / 2 + context))
        else:
            paid = min(_paid(missing, stage), count)
            characters -= characters * paid // max(count, 1)
            count -= paid
        frame = prompt_characters(asker.request(ReflectionTask("", origin, 0, Pair("", "")), ReplyFormat.SECTIONS))
        guessed = (count * frame + characters) / CHARACTERS_A_TOKEN
        prompt, completion = measured[stage]
        calls += count
        prompt_tokens += prompt.around(guessed / max(count, 1)).times(count)
        completion_tokens += completion.around(FIRST_REPLY_TOKENS).times(count)
    price = price_of(store, teacher.model)
    return Estimate(
        calls,
        prompt_tokens,
        completion_tokens,
        _cost(price, prompt_tokens, completion_tokens, is_batch=is_batch) if price else None,
        is_measured=all(completion.calls >= ENOUGH for _, completion in measured.values()),
        listed=price.listed if price else "",
    )


def _cost(price: Price, prompt: Range, completion: Range, *, is_batch: bool) -> Range:
    share = price.batch_share if is_batch else 1.0
    return prompt.times(price.input * share / MILLION) + completion.times(price.output * share / MILLION)


def _paid(missing: Missing, stage: Stage) -> int:
    """Count replies that are in the project and were not used yet, as a trial leaves them."""
    return int(
        missing.store.value(
            """SELECT count(DISTINCT request_hash) FROM teacher_call WHERE producer = ? AND stage = ?
               AND outcome = 'answered' AND call_id NOT IN (
                   SELECT call_id FROM reflection WHERE call_id IS NOT NULL)""",
            [missing.producer, str(stage)],
        )
    )


def _measured(missing: Missing, stage: Stage) -> tuple[_Measured, _Measured]:
    """Return what the finished calls of a stage took: tokens sent, tokens written."""
    row = missing.store.rows(
        """SELECT count(prompt_tokens) AS sent, avg(prompt_tokens) AS sent_mean, stddev_samp(prompt_tokens) AS sent_sd,
                  count(completion_tokens) AS written, avg(completion_tokens) AS written_mean,
                  stddev_samp(completion_tokens) AS written_sd
           FROM teacher_call WHERE producer = ? AND stage = ? AND outcome = 'answered'""",
        [missing.producer, str(stage)],
    )[0]
    sent, written = (
        _Measured(row[what], row[f"{what}_mean"] or 0.0, (row[f"{what}_sd"] or 0.0) / max(row[what], 1) ** 0.5)
        for what in ("sent", "written")
    )
    return sent, written
