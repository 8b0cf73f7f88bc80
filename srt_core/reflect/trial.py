"""Try a teacher: ask it about a few samples and show what is sent and what comes back.

No candidate is made of it. The replies are paid for, so they are kept like any other, under the same caps and at the
same pace: a run with the same teacher and prompts finds them and does not ask again.
"""

from collections import deque
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from threading import Event
from typing import Final

from srt_core.errors import TeacherStopError
from srt_core.project.candidates import pair_of
from srt_core.project.progress import Progress
from srt_core.project.store import Store
from srt_core.records import Origin
from srt_core.reflect.asking import Asker, FormatChoice, look_up
from srt_core.reflect.keeping import Judgement, ReflectionTask, Request, StoredCall, find_failures, parse_call
from srt_core.reflect.prompts import ParsedReflection, Prompts, Refusal
from srt_core.reflect.run import USUAL_PLAN, Plan, calls_of, producer_of, running
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
    plan: Plan = USUAL_PLAN,
    count: int = TRIAL_SAMPLES,
    *,
    stop: Event | None = None,
) -> Generator[Progress, None, None]:
    """Ask for both reflections of the first `count` originals and keep the replies, which `tried` reads.

    Yields progress in replies. Raises TeacherStopError, with everything so far kept, when no further call can succeed,
    a cap is reached, or not one call brought a reply.
    """
    tasks = deque(task for _, task in _tasks(store, count))
    calls = calls_of(store, teacher, prompts, plan, stop or Event(), _make_nothing)
    progress = Progress("replies", total=len(tasks))
    last: Answer | None = None
    with running(calls, teacher) as runner:
        while not (calls.is_idle and (calls.is_ending or not tasks)):
            ended = runner.run(calls.move(tasks))
            failed = sum(not each.answer.is_reply for each in ended)
            last = ended[-1].answer if ended else last
            progress = progress.moved(len(ended), failed=failed, message=calls.message)
            yield progress
    if calls.failure:
        raise calls.failure
    if last is not None and progress.failed == progress.done:
        raise TeacherStopError(f"None of the {progress.done} calls brought a reply. {last.detail}", last.hint)


def tried(
    store: Store, teacher: Teacher, prompts: Prompts, plan: Plan = USUAL_PLAN, count: int = TRIAL_SAMPLES
) -> list[Trial]:
    """Read what a trial of so many samples brought: the calls that were made, in the order of the samples."""
    form = FormatChoice(store, producer_of(store, teacher, prompts), teacher, plan.reply_format)
    numbered = _tasks(store, count)
    tasks = [task for _, task in numbered]
    found = look_up(store, Asker(teacher, prompts), form.readable, tasks)
    failures = find_failures(store, [request.hash for request, kept in found if kept is None])
    calls = ((request, kept or failures.get(request.hash)) for request, kept in found)
    return [_shown(seq, task, request, kept)
            for (seq, task), (request, kept) in zip(numbered, calls, strict=True) if kept]  # fmt: skip


def _tasks(store: Store, count: int) -> list[tuple[int, ReflectionTask]]:
    rows = store.rows(
        f"""SELECT sample_id, seq, candidate_id, instruction, input, response, context
           FROM pair JOIN sample USING (sample_id) WHERE origin = '{Origin.ORIGINAL}' ORDER BY seq LIMIT ?""",
        [count],
    )
    return [(row["seq"], ReflectionTask(row["sample_id"], origin, row["candidate_id"], pair_of(row)))
            for row in rows for origin in (Origin.INSTRUCTION, Origin.RESPONSE)]  # fmt: skip


def _make_nothing(_store: Store, _producer: str, _judgements: Sequence[Judgement]) -> None:
    """Make no candidate: the replies are kept, and a run finds them."""


def _shown(seq: int, task: ReflectionTask, request: Request, kept: StoredCall) -> Trial:
    return Trial(seq, task, request, kept.answer, parse_call(task, kept).parsed)
