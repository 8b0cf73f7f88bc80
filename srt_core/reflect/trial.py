"""Try a teacher: ask it about a few samples and show what is sent and what comes back.

No candidate is made of it. The replies are paid for, so they are kept like any other: a run with the same teacher and
prompts finds them and does not ask again.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from srt_core.errors import TeacherStopError
from srt_core.project.candidates import pair_of
from srt_core.project.store import Store
from srt_core.records import Origin
from srt_core.reflect.asking import Asker, FormatChoice, look_up
from srt_core.reflect.keeping import ReflectionTask, Request, StoredCall, parse_call, store_calls
from srt_core.reflect.prices import price_of
from srt_core.reflect.prompts import ParsedReflection, Prompts, Refusal, ReplyFormat
from srt_core.reflect.run import producer_of
from srt_core.reflect.teacher import Answer, Teacher

TRIAL_SAMPLES: Final = 3


@dataclass(frozen=True, slots=True)
class Trial:
    """One call of a trial: what was sent, what came back, and what that was parsed to (None: it was no reply)."""

    seq: int
    task: ReflectionTask
    request: Request
    answer: Answer
    parsed: ParsedReflection | Refusal | None


def trial(
    store: Store,
    teacher: Teacher,
    prompts: Prompts,
    count: int = TRIAL_SAMPLES,
    reply_format: ReplyFormat | None = None,
) -> list[Trial]:
    """Ask for both reflections of the first `count` originals. TeacherStopError if no call can succeed."""
    producer = producer_of(store, teacher, prompts)
    form = FormatChoice(store, producer, teacher, reply_format)
    asker = Asker(teacher, prompts)
    rows = store.rows(
        """SELECT sample_id, seq, candidate_id, instruction, input, response
           FROM candidate JOIN sample USING (sample_id) WHERE origin = 'ORIGINAL' ORDER BY seq LIMIT ?""",
        [count],
    )
    tasks = [(row["seq"], ReflectionTask(row["sample_id"], origin, row["candidate_id"], pair_of(row)))
             for row in rows for origin in (Origin.INSTRUCTION, Origin.RESPONSE)]  # fmt: skip

    async def ask_all() -> list[Trial]:
        try:
            made: list[Trial] = []
            while len(made) < len(tasks):  # one at a time until it is known which form of reply the teacher keeps to
                some = tasks[len(made) :] if form.is_settled else tasks[len(made) : len(made) + 1]
                asked = form.current
                found = look_up(store, asker, form.readable, [task for _, task in some])
                requests = [request for request, _ in found]
                known = {request.hash: paid for request, paid in found if paid}
                kept = await _ask(store, teacher, producer, requests, known)
                for each in kept:
                    form.learn(asked, each.answer)
                if asked is ReplyFormat.JSON and form.current is ReplyFormat.SECTIONS and not kept[0].answer.is_reply:
                    continue  # refused for its form
                made += [_shown(seq, task, request, each)
                         for (seq, task), request, each in zip(some, requests, kept, strict=True)]  # fmt: skip
            return made
        finally:
            await teacher.close()

    return asyncio.run(ask_all())


async def _ask(
    store: Store, teacher: Teacher, producer: str, requests: Sequence[Request], known: dict[str, StoredCall]
) -> list[StoredCall]:
    """Ask what is not known yet, and keep each reply as it comes."""
    price = price_of(store, teacher.model)

    async def ask(request: Request) -> None:
        answer = await teacher.ask(request.ask)
        (known[request.hash],) = store_calls(store, producer, price, [(request.hash, request.ask.stage, answer)])

    new = {request.hash: request for request in requests if request.hash not in known}
    await asyncio.gather(*(ask(request) for request in new.values()))
    for kept in known.values():
        if kept.answer.outcome.stops:
            raise TeacherStopError(kept.answer.detail, kept.answer.hint)
    return [known[request.hash] for request in requests]


def _shown(seq: int, task: ReflectionTask, request: Request, kept: StoredCall) -> Trial:
    return Trial(seq, task, request, kept.answer, parse_call(task, kept).parsed)
