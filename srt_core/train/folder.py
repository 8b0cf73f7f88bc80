"""What a run's folder holds.

task.json        what the process that trains is told: settings, and the order of the pairs
pairs.jsonl      the token ids of each pair, and where its loss begins
checkpoint-N     a step from which a killed run goes on; whole once it has the file `whole`
steps.jsonl      what was said of each step, so that none is lost with whoever listened
student          the trained student, once the run is done
log.txt          what the libraries said
"""

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from srt_core.errors import StudentError
from srt_core.export.formats.writing import replacing
from srt_core.train.plan import Plan, Settings
from srt_core.train.tokens import TokenPair

WHOLE = "whole"


@dataclass(frozen=True, slots=True)
class RunFolder:
    """The folder of a run."""

    path: Path

    @property
    def task(self) -> Path:
        """The file with what is asked for."""
        return self.path / "task.json"

    @property
    def pairs(self) -> Path:
        """The file with the token ids."""
        return self.path / "pairs.jsonl"

    @property
    def steps(self) -> Path:
        """The file with what was said of each step."""
        return self.path / "steps.jsonl"

    def said_steps(self) -> list[Mapping[str, Any]]:
        """Return what was said of each step, in their order; of one that was computed twice, the last."""
        try:
            lines = self.steps.read_text("utf-8").split("\n")[:-1]  # behind the last line end is what was cut off
        except FileNotFoundError:
            return []
        said = {event["step"]: event for event in map(json.loads, lines)}
        return [said[step] for step in sorted(said)]

    @property
    def student(self) -> Path:
        """Where the trained student is, once it is."""
        return self.path / "student"

    @property
    def log(self) -> Path:
        """What the libraries said."""
        return self.path / "log.txt"

    def write(self, key: str, settings: Settings, plan: Plan, pairs: Sequence[TokenPair], save_every: int) -> None:
        """Write what the process that trains needs; what a run of the same key has written stays.

        StudentError where the folder is of another run, or of something else.
        """
        if self.path.exists() and any(self.path.iterdir()):
            if self._key() == key:
                return
            raise StudentError(f"{self.path} is there already, and not of this run.", "Give another --out.")
        self.path.mkdir(parents=True, exist_ok=True)
        with replacing(self.pairs) as file:
            for each in pairs:
                file.write(json.dumps({"ids": each.ids, "start": each.start}).encode() + b"\n")
        task = {"key": key, "settings": asdict(settings), "order": plan.order, "save_every": save_every}
        with replacing(self.task) as file:  # last: a folder with a task is whole
            file.write(json.dumps(task).encode())

    def read_task(self) -> Mapping[str, Any]:
        """Return what is asked for."""
        found: Mapping[str, Any] = json.loads(self.task.read_text("utf-8"))
        return found

    def _key(self) -> str | None:
        if self.task.is_file():
            return str(self.read_task()["key"])
        return None

    def last_checkpoint(self) -> Path | None:
        """Return the latest checkpoint that was written whole; those that were cut off are removed."""
        found: list[tuple[int, Path]] = []
        for path in self.path.glob("checkpoint-*"):
            if (path / WHOLE).is_file():
                found.append((int(path.name.rpartition("-")[2]), path))
            else:
                shutil.rmtree(path)
        return max(found)[1] if found else None

    def remove_checkpoints(self) -> None:
        """Remove what only a run that goes on needs."""
        for path in self.path.glob("checkpoint-*"):
            shutil.rmtree(path)

    def last_words(self) -> str:
        """Return the last line that the libraries wrote, which mostly says why a process ended; "" for none."""
        try:
            lines = self.log.read_text("utf-8", errors="replace").split("\n")
        except FileNotFoundError:
            return ""
        return next((line.strip() for line in reversed(lines) if line.strip()), "")
