"""The process that trains: `python -m srt_core.train.worker FOLDER [--measure] [--watched]`.

Accelerate's launcher starts several of it. It alone imports torch, transformers, peft and trl here. What it has to say
it says in lines of JSON on stdout, one an event: loaded, measured, step, saved, stopped, done, failed. SIGTERM makes it
write a checkpoint and end. `--watched` ends it at once when whoever started it has gone, so that no two processes train
in one folder.
"""

import json
import math
import os
import resource
import signal
import sys
import threading
import time
from collections.abc import Sequence
from importlib.metadata import version
from itertools import accumulate
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from srt_core.errors import SRTError, StudentError
from srt_core.score.student import find, fingerprint, load_model, max_length_limit
from srt_core.train.config import trainer_arguments
from srt_core.train.folder import WHOLE, RunFolder
from srt_core.train.plan import Settings

PACKAGES = ("srt-curator", "torch", "transformers", "trl", "peft", "accelerate")
MEASURED = 3
"""Steps that are timed; the first only warms up."""
IGNORED = -100
"""The label of a token that the loss does not run over, as TRL has it."""


class Lines:
    """What is said to whoever started the process; all else that is printed goes to stderr."""

    def __init__(self) -> None:
        self._out = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
        self._is_first = int(os.environ.get("RANK", "0")) == 0

    def say(self, event: str, **values: object) -> None:
        """Say one thing; of several processes only the first does."""
        if self._is_first:
            print(json.dumps({"event": event, **values}), file=self._out, flush=True)


def main(arguments: Sequence[str]) -> int:
    """Train, or measure a few steps; returns the exit code."""
    folder, lines = RunFolder(Path(arguments[0])), Lines()
    if "--watched" in arguments:
        threading.Thread(target=_end_with_parent, daemon=True).start()
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    try:
        _Run(folder, lines, stop).run(is_measured="--measure" in arguments)
    except SRTError as error:
        lines.say("failed", message=error.message, hint=error.hint)
        return 1
    return 0


def _end_with_parent() -> None:
    sys.stdin.buffer.read()
    os._exit(1)


class _Run:
    """One run of the trainer."""

    def __init__(self, folder: RunFolder, lines: Lines, stop: threading.Event) -> None:
        task = folder.read_task()
        self.folder, self.lines, self.stop = folder, lines, stop
        self.settings = Settings(**task["settings"])
        self.order: list[int] = task["order"]
        self.save_every: int = task["save_every"]
        with folder.pairs.open(encoding="utf-8") as rows:
            self.pairs = [json.loads(row) for row in rows]

    def run(self, *, is_measured: bool) -> None:
        """Load the student and train it, or measure."""
        import torch

        if self.settings.threads:
            torch.set_num_threads(self.settings.threads)
        model, tokenizer = load_model(self.settings.student, device=self.settings.device, dtype=self._dtype())
        self._check_length(max_length_limit(model, tokenizer))
        known = "" if is_measured else fingerprint(model, tokenizer)
        versions = {name: version(name) for name in PACKAGES}
        threads = torch.get_num_threads() if model.device.type == "cpu" else None
        self.lines.say("loaded", fingerprint=known, versions=versions, device=str(model.device), threads=threads,
                       dtype=str(model.dtype).removeprefix("torch."))  # fmt: skip
        if is_measured:
            self._measure(model, tokenizer)
        else:
            self._train(model, tokenizer)

    def _dtype(self) -> str:
        """Weights that are trained are float32, computed in bfloat16 on a GPU; under an adapter they may be that."""
        if self.settings.dtype != "auto":
            return self.settings.dtype
        return "auto" if self.settings.lora else "float32"

    def _check_length(self, limit: int) -> None:
        longest = max(len(each["ids"]) for each in self.pairs)
        if longest > limit:
            message = f"A pair has {longest:,} tokens, and the student reads at most {limit:,}."
            raise StudentError(message, f"Give --max-length {limit}.")

    def _train(self, model: Any, tokenizer: Any) -> None:
        last = self.folder.last_checkpoint()
        told = _Told(self, self.order, self.folder.path)
        trainer = self._trainer(model, tokenizer, self.folder.path, told, save_steps=self.save_every)
        trainer.train(resume_from_checkpoint=str(last) if last else None)
        if trainer.state.global_step < trainer.state.max_steps:
            self.lines.say("stopped", step=trainer.state.global_step)
            return
        if trainer.is_world_process_zero():
            self._save(trainer, tokenizer)
        self.lines.say("done", step=trainer.state.global_step, memory=_peak_memory())

    def _save(self, trainer: Any, tokenizer: Any) -> None:
        """Save the trained student whole or not at all: an adapter by itself where its base is a folder or hub name."""
        part = self.folder.path / "student.part"
        model = trainer.accelerator.unwrap_model(trainer.model)
        source = find(self.settings.student)
        if self.settings.lora:
            if source.base is None:
                place = Path(source.place)
                model.peft_config["default"].base_model_name_or_path = str(place.resolve() if place.exists() else place)
            else:
                model = model.merge_and_unload()
        model.save_pretrained(part)
        tokenizer.save_pretrained(part)
        part.rename(self.folder.student)
        self.folder.remove_checkpoints()

    def _measure(self, model: Any, tokenizer: Any) -> None:
        """Time a few steps: first the one with the longest pair, which also takes the most memory, then usual ones."""
        size = self.settings.batch_size
        batches = [self.order[place : place + size] for place in range(0, len(self.order), size)]
        longest = max(batches, key=lambda batch: max(len(self.pairs[place]["ids"]) for place in batch))
        usual = [batches[len(batches) * place // MEASURED] for place in range(1, MEASURED)]
        order = [place for batch in (longest, *usual) for place in (batch * size)[:size]]
        with TemporaryDirectory() as folder:
            told = _Told(self, order, None)
            self._trainer(model, tokenizer, Path(folder), told, save_strategy="no").train()
        seconds, tokens = told.seconds[1:], told.read[size - 1 :: size][-1] - told.read[size - 1]
        whole = sum(len(self.pairs[place]["ids"]) for place in self.order) / len(batches)
        self.lines.say("measured", seconds_a_step=sum(seconds) * whole / max(1, tokens), memory=_peak_memory())

    def _trainer(self, model: Any, tokenizer: Any, folder: Path, told: "_Told", **more: Any) -> Any:
        import torch
        import trl
        from accelerate import PartialState
        from datasets import Dataset
        from peft import LoraConfig

        has_bf16 = model.device.type == "cuda" and torch.cuda.is_bf16_supported()
        own = trainer_arguments(self.settings, processes=PartialState().num_processes, has_bf16=has_bf16)
        data = Dataset.from_dict(
            {
                "input_ids": [each["ids"] for each in self.pairs],
                "labels": [[IGNORED] * each["start"] + each["ids"][each["start"] :] for each in self.pairs],
            }
        ).select(told.order)
        lora = LoraConfig(
            r=self.settings.lora, lora_alpha=self.settings.alpha, lora_dropout=0.0, target_modules="all-linear",
            task_type="CAUSAL_LM",
        ) if self.settings.lora else None  # fmt: skip
        library: Any = trl  # which does not say what it exports
        return library.SFTTrainer(
            model=model,
            args=library.SFTConfig(output_dir=str(folder), use_cpu=model.device.type == "cpu", **{**own, **more}),
            train_dataset=data,
            processing_class=tokenizer,
            peft_config=lora,
            callbacks=[told.made()],
        )


class _Told:
    """Tells of each step, and stops where that is asked for."""

    def __init__(self, run: _Run, order: Sequence[int], folder: Path | None) -> None:
        self.run, self.order, self.folder = run, order, folder
        self.seconds: list[float] = []
        self.read = list(accumulate(len(run.pairs[place]["ids"]) for place in order))
        """Tokens read, up to each pair."""
        self._begun = 0.0

    def made(self) -> Any:
        """Return it as transformers' own kind, whose methods these are."""
        from transformers import TrainerCallback

        kind = type("Told", (TrainerCallback,), {
            "on_step_begin": lambda _, *given, **more: self._begin(),
            "on_step_end": lambda _, args, state, control, **more: self._end(state, control),
            "on_log": lambda _, args, state, control, logs, **more: self._log(state, logs),
            "on_save": lambda _, args, state, control, **more: self._saved(state),
        })  # fmt: skip
        return kind()

    def _begin(self) -> None:
        self._begun = time.monotonic()

    def _end(self, state: Any, control: Any) -> None:
        self.seconds.append(time.monotonic() - self._begun)
        if self.run.stop.is_set() and self.folder is not None and state.global_step < state.max_steps:
            control.should_save = control.should_training_stop = True

    def _log(self, state: Any, logs: dict[str, float]) -> None:
        if "loss" not in logs or self.folder is None:
            return
        if not math.isfinite(logs["loss"]):
            raise StudentError(
                f"The loss of step {state.global_step} is no finite number.", "Lower the learning rate, or use float32."
            )
        last = min(state.global_step * self.run.settings.batch_size, len(self.order)) - 1
        said = {"step": state.global_step, "steps": state.max_steps, "loss": logs["loss"], "seconds": self.seconds[-1],
                "learning_rate": logs["learning_rate"], "tokens": self.read[last]}  # fmt: skip
        if state.is_world_process_zero:
            with self.run.folder.steps.open("a", encoding="utf-8") as file:
                file.write(f"{json.dumps(said)}\n")
        self.run.lines.say("step", **said)

    def _saved(self, state: Any) -> None:
        if self.folder is not None:
            (self.folder / f"checkpoint-{state.global_step}" / WHOLE).touch()
            self.run.lines.say("saved", step=state.global_step)


def _peak_memory() -> int:
    """Return the most memory that was in use, in bytes: of the GPU where one is used, else of this process."""
    import torch

    if torch.cuda.is_available():
        return int(torch.cuda.max_memory_allocated())
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
