"""Withdraws retracted pairs from a trained student by an adapter, and keeps what that came to (arXiv 2310.20150)."""

import hashlib
import json
import random
from collections.abc import Generator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from statistics import fmean
from threading import Event
from typing import Any

from srt_core.errors import StudentError
from srt_core.export.formats.writing import replacing
from srt_core.methods.unlearning import Weights
from srt_core.project.progress import Progress
from srt_core.project.store import Store
from srt_core.records import counted
from srt_core.score.scorings import scoring_in_use
from srt_core.score.student import files_stamp, find, load_tokens
from srt_core.train.runs import Run, runs
from srt_core.train.tokens import TokenPair, make_tokens
from srt_core.train.unlearner import Recipe, Unlearner
from srt_core.train.withdrawn import Parts, parts_of_folder, parts_of_run

UNIT = "steps"
MEASURED = 200
"""Kept pairs whose losses are computed, a fixed random draw where there are more."""
_TASK, FIGURES = "unlearning.json", "figures.json"


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked for. `files`: the folder with the two files; None: those of the run whose student it is."""

    student: str
    out: Path
    files: Path | None = None
    reference: str = ""
    recipe: Recipe = Recipe()
    weights: Weights = Weights()
    max_length: int | None = None
    device: str = "auto"


@dataclass(frozen=True, slots=True)
class Unlearning:
    """What a withdrawal came to. Losses are in nats a token, means over pairs; None where there is no reference."""

    unlearning_id: int
    made_at: datetime
    run_id: int | None
    student: str
    adapter: str
    reference: str
    settings: Mapping[str, Any]
    forgotten: int
    kept: int
    measured: int
    """Of the kept pairs."""
    steps: int
    forgotten_before: float
    forgotten_after: float
    forgotten_reference: float | None
    kept_before: float
    kept_after: float
    kept_reference: float | None

    def lines(self) -> list[str]:
        """Say what it came to, and what it does not say."""
        sides = [
            (f"Forgotten, {counted(self.forgotten, 'pair')}", self.forgotten_before, self.forgotten_after,
             self.forgotten_reference),
            (f"Kept, {self.measured:,} of {counted(self.kept, 'pair')}", self.kept_before, self.kept_after,
             self.kept_reference),
        ]  # fmt: skip
        said = []
        for name, before, after, reference in sides:
            retrained = "" if reference is None else f", {reference:.3f} by the student that was retrained without them"
            said.append(f"{name}: loss {before:.3f} nats a token before, {after:.3f} with the adapter{retrained}.")
        return [
            *said,
            "The student's own weights are the same bits as before, and without the adapter it answers as before: "
            "nothing is erased.",
            "The aim is a student as if it had never read the pairs. "
            + ("Without a retrained student (--reference) nothing here says how near that is."
               if self.forgotten_reference is None else "Compare with the retrained one: more is not better.")
            + " Whether it suffices is yours to say.",
            f"Score, or use, the student with it as {self.adapter}.",
        ]  # fmt: skip


def unlearnings(store: Store) -> list[Unlearning]:
    """List the withdrawals, the newest first."""
    rows = store.rows("SELECT * EXCLUDE (fingerprint) FROM unlearning ORDER BY unlearning_id DESC")
    return [Unlearning(**{**row, "settings": json.loads(row["settings"])}) for row in rows]


def unlearn(store: Store, asked: Asked, stop: Event) -> Generator[Progress, None, None]:
    """Train the adapter, measure what it changed, and keep both; the same command goes on with one that was killed.

    Raises:
        StudentError: no student, one whose layers are not known, nothing to forget or to keep, a folder of something
            else, or a loss that is no finite number.
        ExportError: what the student was trained on cannot be read.
    """
    run, parts = _parts(store, asked)
    kept, forgotten = _tokens(store, asked, run, parts, asked.student)
    if asked.reference and _tokens(store, asked, run, parts, asked.reference) != (kept, forgotten):
        raise StudentError(
            f"The reference {asked.reference} has another tokenizer than {asked.student}, so their losses say nothing "
            "of each other.", "Give a student that was retrained from the same parent.",
        )  # fmt: skip
    _begin(asked, parts)
    progress = Progress(UNIT, total=asked.recipe.steps, message="Loading the student")
    yield progress
    model = Unlearner(asked.student, asked.recipe, asked.device)
    longest = max(len(each.ids) for each in (*kept, *forgotten))
    if longest > model.limit:
        raise StudentError(f"A pair has {longest:,} tokens, and the student reads at most {model.limit:,}.",
                           f"Give --max-length {model.limit}.")  # fmt: skip
    measured = random.Random(asked.recipe.seed).sample(list(kept), min(MEASURED, len(kept)))
    logits = model.first_logits(forgotten)
    found = {"before": [fmean(model.losses(side, adapted=False)) for side in (forgotten, measured)]}
    for step, loss in model.train(kept, forgotten, asked.weights, asked.out):
        progress = progress.moved(step - progress.done, message=f"Loss {loss:.3f}")
        yield progress
        if stop.is_set():
            return
    model.check(forgotten, logits)
    found["after"] = [fmean(model.losses(side, adapted=True)) for side in (forgotten, measured)]
    model.save(asked.out)
    known = model.fingerprint
    del model
    if asked.reference:
        other = Unlearner(asked.reference, asked.recipe, asked.device)
        found["reference"] = [fmean(other.losses(side, adapted=False)) for side in (forgotten, measured)]
    _keep(store, asked, run, known, found, (len(forgotten), len(kept), len(measured)))


def _parts(store: Store, asked: Asked) -> tuple[Run | None, Parts]:
    """Return the run whose student it is, and what was read, in two parts."""
    if not asked.student:
        raise StudentError("No student is named.", "Give --student, the folder of one that was trained on the pairs.")
    here = Path(asked.student).expanduser().resolve()
    run = next((each for each in runs(store) if Path(each.trained).resolve() == here), None)
    if asked.files is not None:
        parts = parts_of_folder(asked.files)
    elif run is not None:
        parts = parts_of_run(store, run)
    else:
        raise StudentError(
            f"{asked.student} is the student of no run of this project, so nothing says what it has read.",
            "Give --files, a folder with keep.jsonl and forget.jsonl: srt retract PROJECT --files DIR writes them.",
        )
    if not parts.forget:
        raise StudentError("Nothing that the student has read is retracted.", "Retract samples first: srt retract.")
    if not parts.keep:
        raise StudentError("Nothing would be kept: all that the student has read is retracted.", "Do not use it.")
    if find(asked.student).base is not None:
        raise StudentError(
            f"{asked.student} is itself an adapter, and this one would stand on it.",
            "Train all weights (srt train without --lora), or merge the adapter into its base first.",
        )
    return run, parts


def _tokens(
    store: Store, asked: Asked, run: Run | None, parts: Parts, student: str
) -> tuple[tuple[TokenPair, ...], tuple[TokenPair, ...]]:
    """Make token ids of both parts as in training. StudentError where no token of a whole part fits."""
    scoring = scoring_in_use(store)
    usual = run.settings["max_length"] if run else scoring.max_length if scoring else 2048
    template = run.template if run else scoring.template if scoring else ""
    tokens = load_tokens(student)
    made = [make_tokens(side, tokens, template, asked.max_length or usual).pairs for side in (parts.keep, parts.forget)]
    if not all(made):
        raise StudentError("No pair fits: prompts fill the max length.", "Raise --max-length.")
    return made[0], made[1]


def _begin(asked: Asked, parts: Parts) -> None:
    """Make the folder, or go on in it where it is of the same task. StudentError where it is of another."""
    task = json.dumps(
        [files_stamp(asked.student), asdict(asked.recipe), asdict(asked.weights), asdict(parts)], sort_keys=True
    )
    key = hashlib.sha256(task.encode()).hexdigest()
    path = asked.out / _TASK
    if asked.out.exists() and any(asked.out.iterdir()):
        if path.is_file() and json.loads(path.read_text("utf-8"))["key"] == key:
            return
        raise StudentError(f"{asked.out} is there already, and not of this withdrawal.", "Give another --out.")
    asked.out.mkdir(parents=True, exist_ok=True)
    parts.write(asked.out)
    with replacing(path) as file:
        file.write(json.dumps({"key": key, "student": asked.student}).encode())


def _keep(
    store: Store, asked: Asked, run: Run | None, known: str, found: Mapping[str, Sequence[float]],
    sizes: tuple[int, int, int],
) -> None:  # fmt: skip
    settings = {**asdict(asked.recipe), **asdict(asked.weights)}
    reference = found.get("reference", (None, None))
    sides = zip(found["before"], found["after"], reference, strict=True)
    numbers = [number for side in sides for number in side]
    with replacing(asked.out / FIGURES) as file:
        told = {
            "settings": settings,
            "forgotten": sizes[0],
            "kept": sizes[1],
            "measured": sizes[2],
            "nats a token": found,
        }
        file.write(json.dumps(told, indent=2).encode())
    with store.transaction() as tx:
        tx.execute(
            """INSERT INTO unlearning (run_id, student, fingerprint, adapter, reference, settings, forgotten, kept,
                   measured, steps, forgotten_before, forgotten_after, forgotten_reference, kept_before, kept_after,
                   kept_reference)
               VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)""",
            [run.run_id if run else None, asked.student, known, str(asked.out), asked.reference, json.dumps(settings),
             *sizes, asked.recipe.steps, *numbers],
        )  # fmt: skip
