"""What a run will probably take: calls, tokens, money, from the texts and from what the teacher has written so far."""

from dataclasses import dataclass

from srt_core.project.store import Store
from srt_core.records import DERIVATIONS, Origin, Pair, Stage
from srt_core.reflect.asking import Asker, prompt_characters
from srt_core.reflect.keeping import ReflectionTask
from srt_core.reflect.missing import ORDER, Missing
from srt_core.reflect.prices import price_of
from srt_core.reflect.prompts import Prompts, ReplyFormat
from srt_core.reflect.run import Plan, missing_of
from srt_core.reflect.spending import CHARACTERS_A_TOKEN, FIRST_REPLY_TOKENS
from srt_core.reflect.teacher import Teacher


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a run will probably take. `cost` in US dollars is None where no price is known.

    `is_measured`: replies of this teacher with these prompts say how long they are; else that is a guess.
    """

    calls: int
    prompt_tokens: int
    completion_tokens: int
    cost: float | None
    is_measured: bool


@dataclass(frozen=True, slots=True)
class _Means:
    """What a call of a stage has taken so far, in tokens; None where there was none."""

    prompt: float | None
    completion: float | None


def estimate(store: Store, teacher: Teacher, prompts: Prompts, plan: Plan, *, is_batch: bool = False) -> Estimate:
    """Estimate a run as if every reply were accepted at the first attempt. It writes nothing.

    What a trial or a twin has paid for is not counted. Tokens of prompts are their characters by four until replies
    say otherwise. The response reflection of an instruction that is yet to be written counts with a pair and a context
    of average length.
    """
    missing, asker = missing_of(store, teacher, prompts, plan), Asker(teacher, prompts)
    calls = prompt_tokens = completion_tokens = 0.0
    means = {stage: _means(missing, stage) for stage in Stage}
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
        known = means[stage]
        calls += count
        prompt_tokens += guessed if known.prompt is None else known.prompt * count
        completion_tokens += count * (FIRST_REPLY_TOKENS if known.completion is None else known.completion)
    price = price_of(store, teacher.model)
    return Estimate(
        int(calls),
        round(prompt_tokens),
        round(completion_tokens),
        price.cost(prompt_tokens, completion_tokens, is_batch=is_batch) if price else None,
        is_measured=all(each.completion is not None for each in means.values()),
    )


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


def _means(missing: Missing, stage: Stage) -> _Means:
    row = missing.store.rows(
        """SELECT avg(prompt_tokens) AS prompt, avg(completion_tokens) AS completion FROM teacher_call
           WHERE producer = ? AND stage = ? AND outcome = 'answered'""",
        [missing.producer, str(stage)],
    )[0]
    return _Means(row["prompt"], row["completion"])
