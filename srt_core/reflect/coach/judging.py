"""How near a coach comes to what people wrote, on edits that it never saw.

Edits are put aside at random; the coach learns from the top alpha of the others, and revises what the edits that were
put aside were made of. Of each the distance from its revision to what the person wrote is held against the distance
without a coach, from what the person began with. Where there is no reply that can be used, the version stays as it was:
the difference is 0, and counted. Nothing is made of the replies; they are kept, and found again.
"""

import random
from collections import deque
from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from statistics import fmean, median
from threading import Event

from srt_core.errors import DecisionError
from srt_core.project.intervals import Interval, Share, paired
from srt_core.project.progress import Progress
from srt_core.project.store import Store
from srt_core.records import Origin, Stage, counted
from srt_core.reflect.coach.edits import Distance, Edit, edits, growth, learnt_from
from srt_core.reflect.coach.revising import Coach, Shown, register_coach
from srt_core.reflect.coach.wording import CoachAsker
from srt_core.reflect.keeping import Judgement, ReflectionTask
from srt_core.reflect.prompts import ParsedReflection
from srt_core.reflect.run import Plan, calls_for, running
from srt_core.reflect.teacher import Teacher

PUT_ASIDE = 100


@dataclass(frozen=True, slots=True)
class Judged:
    """One edit that was put aside: distances to what the person wrote, and how much each made the pair longer."""

    edit: Edit
    without: int
    """Without a coach: the edit's own distance."""
    with_coach: int
    grown: int
    status: str
    """revised, unchanged, or why no reply could be used."""


@dataclass(frozen=True, slots=True)
class Result:
    """What a trial came to. Means and the interval are over the edits that were put aside, all of them."""

    judged: tuple[Judged, ...]
    learnt: int
    of: int
    """The edits that were left to learn from."""

    @property
    def lines(self) -> list[str]:
        """Say it in sentences."""
        number = len(self.judged)
        found = paired([[each.with_coach - each.without] for each in self.judged])
        revised = sum(each.status == "revised" for each in self.judged)
        unchanged = sum(each.status == "unchanged" for each in self.judged)
        nearer = Share(sum(each.with_coach < each.without for each in self.judged), number)
        further = sum(each.with_coach > each.without for each in self.judged)
        between = nearer.exact()
        medians = [median(each) for each in zip(*((one.without, one.with_coach) for one in self.judged), strict=True)]
        return [
            f"A coach that learnt from {self.learnt:,} of {self.of:,} edits, judged on {number:,} others, drawn at "
            "random.",
            f"Distance to what the person wrote: {fmean(each.without for each in self.judged):.1f} characters without "
            f"a coach, {fmean(each.with_coach for each in self.judged):.1f} with it; medians "
            f"{medians[0]:g} and {medians[1]:g}.",
            f"Mean difference {found.mean:+.1f}{_between(found.over_units)}: "
            + ("nearer with the coach." if found.is_found and found.mean < 0 else
               "further away with the coach." if found.is_found else "no difference found."),
            f"{revised:,} revised, {unchanged:,} left as they are, {number - revised - unchanged:,} without a reply "
            "that can be used (they count as unchanged).",
            f"Nearer {nearer.hits:,}, further {further:,}, equal {number - nearer.hits - further:,}"
            + (f"; nearer in {100 * between.low:.0f} to {100 * between.high:.0f} of 100." if between else "."),
            f"The coach made pairs {fmean(each.grown for each in self.judged):+.1f} characters longer, people "
            f"{fmean(each.edit.growth for each in self.judged):+.1f}: distance rewards length.",
        ]  # fmt: skip


def _between(interval: Interval | None) -> str:
    return f" (95 %: {interval.low:+.1f} to {interval.high:+.1f})" if interval else ""


def judge(
    store: Store, teacher: Teacher, coach: Coach, plan: Plan, *, put_aside: int = PUT_ASIDE, seed: int = 0,
    stop: Event | None = None,
) -> Generator[Progress, None, Result | None]:  # fmt: skip
    """Judge a coach on edits put aside at random, and return what it came to; None where it was stopped.

    Raises:
        DecisionError: there are too few edits, alpha keeps none of the rest, or nothing was encoded.
        TeacherStopError: no further call can succeed, or a cap is reached; what came is kept.
    """
    stop = stop or Event()
    aside, rest = _drawn(edits(store), put_aside, seed)
    learnt = learnt_from(rest, coach.alpha)
    shown = Shown(store, learnt, coach.examples)
    producer = register_coach(store, teacher, coach, learnt, f"{coach.name(teacher)}, trial of seed {seed}")
    examples = shown.to([each.candidate_id for each in aside])
    tasks = [
        ReflectionTask(
            each.sample_id, Origin.RESPONSE, each.candidate_id, each.before, tries_left=plan.attempts,
            asked=Stage.REVISION, examples=examples[each.candidate_id],
        )
        for each in aside
    ]  # fmt: skip
    ended: dict[str, Judgement] = {}
    calls = calls_for(store, teacher, CoachAsker(teacher), producer, plan, stop, _make_nothing)
    progress = Progress("revisions", total=len(tasks))
    waiting = deque(tasks)
    with running(calls, teacher) as runner:
        while not (calls.is_idle and (calls.is_ending or not waiting)):
            found = runner.run(calls.move(waiting))
            ended |= {each.task.sample_id: each for each in found}
            failed = sum(not each.is_accepted for each in found)
            progress = progress.moved(len(found), failed=failed, message=calls.message)
            yield progress
    if calls.failure:
        raise calls.failure
    if stop.is_set():
        return None
    return Result(tuple(_judged(each, ended[each.sample_id]) for each in aside), len(learnt), len(rest))


def _drawn(found: Sequence[Edit], put_aside: int, seed: int) -> tuple[list[Edit], list[Edit]]:
    able = sorted((each for each in found if each.distance.sum), key=lambda each: each.event_id)
    if len(able) <= put_aside:
        raise DecisionError(
            f"There are {counted(len(able), 'edit')} that changed something, and {put_aside:,} are to be put aside.",
            "Give a smaller --put-aside, or edit more versions.",
        )
    aside = random.Random(seed).sample(range(len(able)), put_aside)
    places = set(aside)
    return [able[place] for place in aside], [each for place, each in enumerate(able) if place not in places]


def _make_nothing(_store: Store, _producer: str, _judgements: Sequence[Judgement]) -> None:
    """Make no candidate: a trial's revisions are of samples that people have edited."""


def _judged(edit: Edit, judgement: Judgement) -> Judged:
    parsed = judgement.parsed
    if not isinstance(parsed, ParsedReflection):
        return Judged(edit, edit.distance.sum, edit.distance.sum, 0, judgement.reason)
    distance = Distance.of(parsed.pair, replace(edit.after, context=parsed.pair.context)).sum
    status = "unchanged" if parsed.pair == edit.before else "revised"
    return Judged(edit, edit.distance.sum, distance, growth(edit.before, parsed.pair), status)
