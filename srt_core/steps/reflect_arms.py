"""Reflect with several teachers: arms are drawn for samples, and each writes for those that it was drawn for."""

from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from threading import Event
from types import UnionType
from typing import Any, get_args

from srt_core.errors import TeacherStopError
from srt_core.project.progress import Progress
from srt_core.project.store import Store
from srt_core.records import counted
from srt_core.reflect.arms import (
    Arm,
    arm_states,
    draw_arms,
    drawn_samples,
    keep_up,
    read_arms,
    register_arms,
)
from srt_core.reflect.prompts import Prompts
from srt_core.reflect.run import Plan, producer_of, register
from srt_core.reflect.teacher import Teacher
from srt_core.steps.preparing import Prepared, prepare
from srt_core.steps.reflect_arguments import ARGUMENTS, BATCH, MONEY, TEACHER
from srt_core.steps.step import Arguments

Run = Callable[[Store, Teacher, Prompts, Plan, Arguments, Event], Generator[Progress, None, None]]
"""Runs one teacher, under a plan."""
_NOT_OF_ONE = {"arms", "draw", "draw_for", "seed", "estimate", "forget_settings", "forget_batch"}
_PACE = {"concurrency", "requests_per_minute", "tokens_per_minute"}
_OF_A_TEACHER = {
    each.name: each
    for each in ARGUMENTS
    if (each.group in (TEACHER, MONEY, BATCH) or each.name in _PACE) and each.name not in _NOT_OF_ONE
}
"""What a file of arms may say of each."""


def reflect_arms(store: Store, asked: Arguments, stop: Event, run: Run) -> Generator[Progress, None, None]:
    """Draw arms for the samples that have no draw, then have each arm write what is missing of its own.

    `run` runs one teacher. An arm that cannot go on does not hold up the others.

    Raises:
        TeacherStopError: the file of arms is none, or names no teacher; an arm could not go on: which, and why.
    """
    path = Path(asked["arms"]).expanduser()
    found = read_arms(path, frozenset(_OF_A_TEACHER))
    ready: dict[str, tuple[Arm, Arguments, Prepared]] = {}
    for arm in found.arms:
        own: Arguments = {**asked, "arms": None, **_checked(path, arm)}
        prepared = prepare(store, own)
        producer = producer_of(store, prepared[0], prepared[1])
        if producer in ready:
            raise TeacherStopError(
                f"The arms {ready[producer][0].name} and {arm.name} are one teacher with one file of prompts.",
                "Give one of them prompts of its own: their rewrites are told apart by these.",
            )
        ready[producer] = arm, own, prepared
    for _, _, (teacher, prompts, _) in ready.values():
        register(store, teacher, prompts)
    register_arms(
        store, {producer: arm for producer, (arm, _, _) in ready.items()}, found.settings, f"file {path.name}"
    )
    keep_up(store)
    drawn = draw_arms(
        store, list(ready), int(asked["draw"]), int(asked["seed"]), found.settings, asked["draw_for"], stop
    )
    progress = Progress("reflections", message=f"Teachers drawn for {counted(drawn, 'sample')}")
    yield progress
    failures: list[tuple[str, TeacherStopError]] = []
    for arm, own, (teacher, prompts, plan) in ready.values():
        if stop.is_set():
            return
        before = progress
        with closing(run(store, teacher, prompts, replace(plan, is_drawn=True), own, stop)) as steps:
            try:
                for each in steps:
                    progress = _added(before, each, arm.name)
                    yield progress
            except TeacherStopError as error:
                failures.append((arm.name, error))
    if failures:
        raise _failed(failures, len(ready))


def said_of_arms(asked: Arguments) -> Sequence[Arguments]:
    """Return what the file of arms says of each, as arguments; none where no file is named.

    Raises:
        TeacherStopError: the file is no file of arms.
    """
    if not asked["arms"]:
        return ()
    path = Path(asked["arms"]).expanduser()
    return [_checked(path, arm) for arm in read_arms(path, frozenset(_OF_A_TEACHER)).arms]


def arms_lines(store: Store) -> Sequence[str]:
    """Say how the arms stand: the probability of each, and what it rests on."""
    return [
        f"{each.name}: p {each.p:.3f}, drawn for {counted(each.drawn, 'sample')}, wrote for {each.written:,}, chosen "
        f"{counted(each.chosen, 'time')} (reward {each.reward:.2f})"
        for each in arm_states(store)
    ] + [f"{counted(drawn_samples(store), 'sample| has|')} teachers drawn."]


def _added(before: Progress, now: Progress, name: str) -> Progress:
    """Return the progress of one arm as that of all until now."""
    spent = None if before.spent is None and now.spent is None else (before.spent or 0.0) + (now.spent or 0.0)
    return replace(
        now, done=before.done + now.done, total=None if now.total is None else before.done + now.total,
        failed=before.failed + now.failed, spent=spent, message=f"{name}: {now.message}" if now.message else name,
        started=before.started,
    )  # fmt: skip


def _failed(failures: Sequence[tuple[str, TeacherStopError]], arms: int) -> TeacherStopError:
    said = " ".join(f"{name}: {error.message}" for name, error in failures)
    others = "" if len(failures) == arms else f" The other {counted(arms - len(failures), 'teacher| is|')} done."
    hint = failures[0][1].hint
    return TeacherStopError(f"{said}{others}", f"{hint} The same command goes on, and draws nothing anew.".strip())


def _checked(path: Path, arm: Arm) -> dict[str, Any]:
    """Return what an arm says, paths from the folder of its file; TeacherStopError for a value of another type."""
    values = dict(arm.asked)
    for name, value in values.items():
        wanted = _OF_A_TEACHER[name].type
        kinds = tuple(get_args(wanted)) if isinstance(wanted, UnionType) else (wanted,)
        is_path = Path in kinds
        fits = isinstance(value, str) if is_path or str in kinds else isinstance(value, kinds)
        is_number = float in kinds and isinstance(value, int)
        if bool not in kinds and isinstance(value, bool) or not (fits or is_number):
            raise TeacherStopError(f"Arm {arm.name} of {path} says {name} = {value!r}.", "Write it as the option is.")
        if is_path:
            values[name] = str(path.parent / Path(value).expanduser())
    return values
