"""Have a student write a task's inputs and answers. A try is committed raw as its batch comes, and made once.

Inputs are written in rounds: those of a round are shown inputs of the rounds before, as what to differ from, so a round
begins when the one before is judged. What a try is shown hangs on the seed and on what was written by then alone.
"""

import asyncio
import random
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from threading import Event

from srt_core.errors import TeacherStopError
from srt_core.project.progress import Progress
from srt_core.project.store import Store
from srt_core.records import Pair, Stage
from srt_core.reflect.event_loop import EventLoop
from srt_core.reflect.patience import ask_patiently
from srt_core.reflect.synthesis.judging import answers, inputs, is_taken, judge_answers, judge_inputs
from srt_core.reflect.synthesis.task import Task
from srt_core.reflect.teacher import Answer, Ask, Teacher

MOST_SHOWN = 10
_INPUT = "Write one new input for the task. Reply with the input alone, without a word about it."
_POOR = "These inputs were written before and are not wanted again. Write one that is not like them:"
_NO_PAIR = Pair("", "")


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is written: `rounds` times `inputs` inputs, `tries` answers to each that is taken."""

    rounds: int = 40
    inputs: int = 10
    tries: int = 10
    least: float = 0.3
    """The share of all tries that has to agree on an answer."""
    seed: int = 0
    concurrency: int = 8


@dataclass(frozen=True, slots=True)
class _Try:
    step: str
    parent: int | None
    round: int
    number: int
    asked: str
    messages: tuple[Mapping[str, str], ...]


def synthesize(
    store: Store, task: Task, writer: Teacher, answerer: Teacher, plan: Plan, *, stop: Event
) -> Generator[Progress, None, None]:
    """Write what is missing of a task, and yield progress in tries; `writer` and `answerer` are one student.

    A run that was killed goes on with the same call. Raises TeacherStopError, with all that came kept, where no further
    call can succeed.
    """
    with store.transaction() as tx:
        sql = "INSERT INTO task (task_hash, name, body) VALUES (?, ?, ?) ON CONFLICT DO NOTHING"
        tx.execute(sql, [task.hash, task.name, task.body])
    progress = Progress("tries", total=plan.rounds * plan.inputs)
    with EventLoop() as loop:
        try:
            for number in range(1, plan.rounds + 1):
                missing = _missing_inputs(store, task, writer.name, plan, number)
                said = progress.moved(0, message=f"Inputs, round {number} of {plan.rounds}")
                progress = yield from _write_all(store, loop, task, writer, missing, plan, said, stop)
                if stop.is_set():
                    return
                judge_inputs(store, task, writer.name)
            asked = _missing_answers(store, task, writer.name, plan)
            said = replace(progress, total=progress.done + len(asked), message="Answers")
            progress = yield from _write_all(store, loop, task, answerer, asked, plan, said, stop)
            if stop.is_set():
                return
        finally:
            for each in (writer, answerer):
                loop.run(each.close())
    judge_answers(store, task, writer.name, plan.tries, plan.least)
    yield progress


def _missing_inputs(store: Store, task: Task, student: str, plan: Plan, number: int) -> list[_Try]:
    """Return the tries of a round that brought nothing yet."""
    before = [row for row in inputs(store, task.hash, student) if row["round"] < number and is_taken(row)]
    held = {row["number"] for row in inputs(store, task.hash, student) if row["round"] == number}
    return [
        _input_try(
            task, [row["raw"].strip() for row in before], number, each, random.Random(f"{plan.seed} {number} {each}")
        )
        for each in range(1, plan.inputs + 1)
        if each not in held
    ]


def _input_try(task: Task, before: Sequence[str], number: int, each: int, chance: random.Random) -> _Try:
    label = chance.choice(task.labels) if task.labels else ""
    shown = [f"Input: {demo.input}\nOutput: {demo.output}" for demo in task.demos]
    parts = [f"A task: {task.instruction}", "Examples:", *shown]
    if before:
        poor = chance.sample(before, min(chance.randint(1, MOST_SHOWN), len(before)))
        parts += [_POOR, *(f"- {text}" for text in poor)]
    parts.append(f"{_INPUT} Its output is to be: {label}" if label else _INPUT)
    message = {"role": "user", "content": "\n\n".join(parts)}
    return _Try("input", None, number, each, label, (message,))


def _missing_answers(store: Store, task: Task, student: str, plan: Plan) -> list[_Try]:
    held = answers(store, task.hash, student)
    shown = [
        message
        for demo in task.demos
        for message in (
            {"role": "user", "content": f"{task.instruction}\n\n{demo.input}"},
            {"role": "assistant", "content": demo.output},
        )
    ]
    missing = []
    for row in inputs(store, task.hash, student):
        if is_taken(row):
            there = {each["number"] for each in held.get(row["generation_id"], ())}
            question = {"role": "user", "content": f"{task.instruction}\n\n{row['raw'].strip()}"}
            missing += [
                _Try("answer", row["generation_id"], 0, number, "", (*shown, question))
                for number in range(1, plan.tries + 1)
                if number not in there
            ]
    return missing


def _write_all(
    store: Store, loop: EventLoop, task: Task, student: Teacher, missing: Sequence[_Try], plan: Plan,
    progress: Progress, stop: Event,
) -> Generator[Progress, None, Progress]:  # fmt: skip
    """Make tries, `concurrency` at a time, and commit what came of each batch before the next is asked for."""
    yield progress
    for start in range(0, len(missing), plan.concurrency):
        if stop.is_set():
            break
        batch = missing[start : start + plan.concurrency]
        came = loop.run(_ask_all(student, batch))
        _keep(store, task, student, batch, came)
        ended = [answer for answer in came if answer.outcome.stops]
        failed = [answer for answer in came if not answer.is_reply]
        if ended or len(failed) == len(came):
            answer = (ended or failed)[0]
            raise TeacherStopError(answer.detail, f"{answer.hint} The same command goes on.".strip())
        progress = progress.moved(len(batch), failed=len(failed), message=progress.message)
        yield progress
    return progress


async def _ask_all(student: Teacher, batch: Sequence[_Try]) -> list[Answer]:
    return list(await asyncio.gather(*(ask_patiently(student, _question(each)) for each in batch)))


def _question(each: _Try) -> Ask:
    return Ask(each.messages, Stage.RESPONSE, _NO_PAIR)


_COLUMNS = ["task_hash", "student", "step", "parent_id", "round", "number", "asked", "request_hash", "outcome", "raw",
            "detail", "finish_reason", "prompt_tokens", "completion_tokens", "latency_seconds"]  # fmt: skip


def _keep(store: Store, task: Task, student: Teacher, batch: Sequence[_Try], came: Sequence[Answer]) -> None:
    with store.transaction() as tx:
        tx.append(
            "generation",
            _COLUMNS,
            [
                (task.hash, student.name, each.step, each.parent, each.round, each.number, each.asked,
                 student.request_hash(_question(each)), str(answer.outcome), answer.text,
                 answer.detail, answer.finish_reason, answer.prompt_tokens, answer.completion_tokens,
                 answer.latency_seconds)
                for each, answer in zip(batch, came, strict=True)
            ],
        )  # fmt: skip
