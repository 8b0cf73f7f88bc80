"""Trains a student on an export: plans, measures a few steps, trains, and keeps how far it is in the project."""

import time
from collections.abc import Generator
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event
from typing import Any

from srt_core.errors import SRTError
from srt_core.export.affected import check_samples
from srt_core.project.progress import Progress
from srt_core.project.store import Store
from srt_core.score.losses import request_key, stored_losses
from srt_core.score.student import files_stamp, load_tokens
from srt_core.train.exports import TrainingSet
from srt_core.train.folder import RunFolder
from srt_core.train.plan import Plan, Settings, key_of, make_plan, save_every
from srt_core.train.process import walk_worker
from srt_core.train.runs import Run, RunState, begin, find_run, keep_step, losses, note
from srt_core.train.tokens import TokenPairs, make_tokens

UNIT = "steps"


@dataclass(frozen=True, slots=True)
class Prepared:
    """All of a run before it starts. `scored`: pairs whose very token ids have a stored loss, of those there are."""

    data: TrainingSet
    settings: Settings
    template: str
    tokens: TokenPairs
    plan: Plan
    scored: int

    def lines(self) -> list[str]:
        """Say what the run will be."""
        plan, size = self.plan, self.settings.batch_size
        said = [
            f"{plan.pairs:,} pairs, read {plan.epochs:.3g} times: {plan.tokens:,} tokens, {plan.loss_tokens:,} of them "
            f"of responses, over which the loss runs; {plan.steps:,} steps of {size:,} pairs.",
            f"{self.scored:,} of {plan.pairs:,} pairs have the token ids that were scored; a start token stands in "
            "front and an end token behind.",
        ]
        if plan.cut:
            said.append(
                f"{plan.cut:,} are longer than {self.settings.max_length:,} tokens: their response is cut there."
            )
        if plan.without:
            names = ", ".join(self.tokens.without[:5]) + (", …" if plan.without > 5 else "")
            said.append(f"{plan.without:,} are left out, for their prompt fills the max length: {names}.")
        return said


def prepare(store: Store, data: TrainingSet, settings: Settings, template: str) -> Prepared:
    """Make tokens and the plan of a run.

    Raises:
        ExportError: the export holds a sample that is retracted.
        StudentError: the student's tokenizer cannot be read, or nothing can be trained on.
    """
    check_samples(store, [each.sample_id for each in data.pairs], str(data.folder))
    tokens = make_tokens(data.pairs, load_tokens(settings.student), template, settings.max_length)
    return Prepared(data, settings, template, tokens, make_plan(tokens, settings), _scored(store, tokens))


def _scored(store: Store, tokens: TokenPairs) -> int:
    """Count pairs whose loss is stored under any scoring of the project: the same ids, to the last token."""
    scorings = store.rows("SELECT DISTINCT fingerprint, convention, max_length FROM scoring")
    found: set[int] = set()
    for row in scorings:
        keys = {
            request_key(row["fingerprint"], row["convention"], row["max_length"], each.request): place
            for place, each in enumerate(tokens.pairs)
        }
        names = list(keys)
        for first in range(0, len(names), 1000):
            found.update(keys[key] for key in stored_losses(store, names[first : first + 1000]))
    return len(found)


def train(
    store: Store,
    prepared: Prepared,
    *,
    stop: Event,
    folder: Path | None = None,
    arm: str = "",
    experiment: int | None = None,
    hours: float | None = None,
    is_measured: bool = True,
    launcher: str = "",
    every: int | None = None,
) -> Generator[Progress, None, Run]:
    """Train, or go on with the run of the same key, and return it. Yields how far it is, in steps and tokens.

    `hours` ends it after that time with a checkpoint; `every`: steps from one checkpoint to the next.

    Raises:
        StudentError: it failed; what was done until the last checkpoint is kept.
    """
    settings, plan = prepared.settings, prepared.plan
    key = key_of(prepared.data.sha256, files_stamp(settings.student), settings)
    run = begin(store, key, prepared.data, settings, plan, folder, arm or "by itself", experiment, prepared.template)
    if run.state is RunState.DONE:
        yield Progress(UNIT, total=0, message=f"Trained before: {run.name}, {run.trained}.")
        return run
    known = {row["step"] for row in losses(store, run.run_id)}
    for said in run.folder.said_steps():  # of steps whose word was lost with the process that was killed
        if said["step"] not in known:
            keep_step(store, run.run_id, said)
    if run.folder.student.is_dir():  # it ended between its last word and ours
        note(store, run.run_id, state="done")
    else:
        try:
            yield from _walk(store, run, prepared, stop, hours, launcher, every, is_measured=is_measured)
        except SRTError as error:
            note(store, run.run_id, state="failed", message=str(error))
            raise
    return find_run(store, run.run_id, is_live=True)


def measure(prepared: Prepared, stop: Event, launcher: str = "") -> Generator[Progress, None, list[str]]:
    """Time a few steps without keeping anything, and return what was measured, a sentence. StudentError as `train`."""
    with TemporaryDirectory(prefix="srt-plan-") as place:
        folder = RunFolder(Path(place) / "run")
        folder.write("", prepared.settings, prepared.plan, prepared.tokens.pairs, 1)
        for event in walk_worker(folder, stop.is_set, launcher=launcher, is_measured=True):
            if event["event"] == "measured":
                return [said_of_measure({**prepared.plan.summary(), **event})]
            yield Progress(UNIT, message="Measuring a few steps")
    return []


def _walk(
    store: Store, run: Run, prepared: Prepared, stop: Event, hours: float | None, launcher: str, every: int | None,
    *, is_measured: bool,
) -> Generator[Progress, None, None]:  # fmt: skip
    plan = prepared.plan
    known: dict[str, Any] = dict(run.plan)
    seconds = known.get("seconds_a_step")
    run.folder.write(run.key, prepared.settings, plan, prepared.tokens.pairs, every or save_every(plan.steps, seconds))
    progress = Progress(UNIT, total=plan.steps, total_tokens=plan.tokens, message="Loading the student")
    yield progress
    if is_measured and seconds is None:
        yield Progress(UNIT, message="Measuring a few steps")
        for event in walk_worker(run.folder, stop.is_set, launcher=launcher, is_measured=True):
            if event["event"] == "measured":
                known |= {"seconds_a_step": event["seconds_a_step"], "memory": event["memory"]}
                note(store, run.run_id, plan=known)
                yield Progress(UNIT, message=said_of_measure(known))
        if stop.is_set():
            note(store, run.run_id, state="paused")
            return
    yield from _follow(store, run, progress, stop, hours, launcher)


def said_of_measure(plan: dict[str, Any]) -> str:
    """Say what was measured: "1.9 s a step, about 12 min in all, at most 1.2 GB of memory."."""
    seconds = plan["seconds_a_step"]
    whole = seconds * plan["steps"]
    total = f"{whole / 3600:.1f} h" if whole >= 5400 else f"{whole / 60:.0f} min" if whole >= 90 else f"{whole:.0f} s"
    return f"{seconds:.3g} s a step, about {total} in all, at most {plan['memory'] / 1e9:.1f} GB of memory."


def _follow(
    store: Store, run: Run, progress: Progress, stop: Event, hours: float | None, launcher: str
) -> Generator[Progress, None, None]:
    began = time.monotonic()

    def is_over() -> bool:
        return hours is not None and time.monotonic() - began > hours * 3600

    read: int | None = None
    for event in walk_worker(run.folder, lambda: stop.is_set() or is_over(), launcher=launcher):
        if event["event"] == "loaded":
            versions = {**event["versions"], **{name: event[name] for name in ("device", "dtype", "threads")}}
            note(store, run.run_id, fingerprint=event["fingerprint"], versions=versions)
        elif event["event"] == "step":
            if read is None:  # steps of before a kill took no time now
                done = event["step"] - 1
                read = next((row["tokens"] for row in losses(store, run.run_id) if row["step"] == done), 0)
                whole = run.plan["tokens"] - read
                progress = replace(progress, total=run.plan["steps"] - done, total_tokens=whole)
            keep_step(store, run.run_id, event)
            said = f"Loss {event['loss']:.4f} at step {event['step']:,} of {run.plan['steps']:,}"
            progress = progress.moved(1, tokens=event["tokens"] - read, message=said)
            read = event["tokens"]
            yield progress
        elif event["event"] == "done":
            note(store, run.run_id, state="done", message=f"{event['memory'] / 1e9:.1f} GB of memory at most")
            yield progress.moved(0, message=f"The trained student is in {run.trained}")
            return
    why = f"Stopped after {hours:g} h, as asked" if is_over() else "Paused"
    note(store, run.run_id, state="paused", message=f"{why}; the same command goes on from the last checkpoint.")
    yield progress.moved(0, message=f"{why}; the same command goes on from the last checkpoint.")
