"""Try a teacher: ask it about a few samples and show what comes back, storing nothing."""

import asyncio
from dataclasses import dataclass
from typing import Final

from srt_core.errors import TeacherError, TeacherStopError
from srt_core.prompts import ParsedReflection, Prompts, Refusal, parse_reply
from srt_core.records import Pair, Stage
from srt_core.samples import pair_of
from srt_core.store import Store
from srt_core.teacher import Ask, Reply, Teacher

TRIAL_SAMPLES: Final = 3


@dataclass(frozen=True, slots=True)
class Trial:
    """One call that is not stored: the reply and what it was parsed to, or the error that came instead."""

    sample_id: str
    seq: int
    stage: Stage
    pair: Pair
    reply: Reply | None
    parsed: ParsedReflection | Refusal | None
    error: TeacherError | None


def trial(store: Store, teacher: Teacher, prompts: Prompts, count: int = TRIAL_SAMPLES) -> list[Trial]:
    """Ask for both reflections of the first `count` originals at once, and return the calls without storing them.

    TeacherStopError if no call can succeed.
    """
    rows = store.rows(
        """SELECT sample_id, seq, instruction, input, response FROM candidate JOIN sample USING (sample_id)
           WHERE origin = 'ORIGINAL' ORDER BY seq LIMIT ?""",
        [count],
    )

    async def ask_all() -> list[Trial]:
        asked = [_ask(teacher, prompts, row["sample_id"], row["seq"], stage, pair_of(row))
                 for row in rows for stage in Stage]  # fmt: skip
        try:
            return await asyncio.gather(*asked)
        finally:
            await teacher.close()

    return asyncio.run(ask_all())


async def _ask(teacher: Teacher, prompts: Prompts, sample_id: str, seq: int, stage: Stage, pair: Pair) -> Trial:
    try:
        reply = await teacher.ask(Ask(prompts.messages(stage, pair), stage, pair))
    except TeacherStopError:
        raise
    except TeacherError as error:
        return Trial(sample_id, seq, stage, pair, None, None, error)
    parsed = parse_reply(stage, reply.text, reply.finish_reason, pair)
    return Trial(sample_id, seq, stage, pair, reply, parsed, None)
