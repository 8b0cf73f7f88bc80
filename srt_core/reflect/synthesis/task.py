"""A task that a student is to write samples of, as a file: TOML.

name = "sentiment"
instruction = "Is this review positive or negative?"
labels = ["positive", "negative"]     # of a classification; leave it out of any other task

[[demo]]
input = "A lovely film."
output = "positive"
"""

import hashlib
import json
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from srt_core.errors import DatasetError
from srt_core.methods.self_guide import label_of

_HINT = "See docs/methods.md for a task."
LEAST_LABELS, LEAST_DEMOS = 2, 2
_FIELDS = {"name", "instruction", "labels", "demo"}


@dataclass(frozen=True, slots=True)
class Demo:
    """An example of a task."""

    input: str
    output: str


@dataclass(frozen=True, slots=True)
class Task:
    """A task with its examples. `labels` are the classes of a classification, () of any other task."""

    name: str
    instruction: str
    demos: tuple[Demo, ...]
    labels: tuple[str, ...] = ()

    @property
    def body(self) -> str:
        """The task as JSON."""
        demos = [{"input": demo.input, "output": demo.output} for demo in self.demos]
        said = {"name": self.name, "instruction": self.instruction, "demos": demos, "labels": list(self.labels)}
        return json.dumps(said, ensure_ascii=False, sort_keys=True)

    @property
    def hash(self) -> str:
        """SHA-256 (hex) of all that is said of it."""
        return hashlib.sha256(self.body.encode()).hexdigest()


def read_task(path: Path) -> Task:
    """Read a task.

    Raises:
        DatasetError: the file is none, is empty, or says too little: what, and what to write.
    """
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DatasetError(f"The task {path} cannot be read: {error.strerror}.", _HINT) from error
    except ValueError as error:
        raise DatasetError(f"The task {path} is no TOML: {error}.", _HINT) from error
    if not found:
        raise DatasetError(f"The task {path} is empty.", "Write name, instruction and two tables [[demo]].")
    if unknown := sorted(set(found) - _FIELDS):
        raise DatasetError(f"The task {path} says {', '.join(unknown)}.", f"It may say {', '.join(sorted(_FIELDS))}.")
    labels = tuple(_texts(path, "labels", found.get("labels", [])))
    if "labels" in found and len(set(labels)) < LEAST_LABELS:
        raise DatasetError(
            f"The task {path} has {len(set(labels))} classes: a classification needs two.",
            "Name every class in labels, or leave labels out where there are none.",
        )
    tables = found.get("demo", [])
    if not isinstance(tables, list) or len(tables) < LEAST_DEMOS:
        raise DatasetError(f"The task {path} has fewer than two examples.", "Write two tables [[demo]] or more.")
    demos = tuple(_demo(path, place, table, labels) for place, table in enumerate(tables, start=1))
    return Task(_text(path, "name", found), _text(path, "instruction", found), demos, labels)


def _text(path: Path, name: str, found: dict[str, Any]) -> str:
    value = found.get(name)
    if not isinstance(value, str) or not value.strip():
        raise DatasetError(f"The task {path} has no {name}.", f'Write {name} = "…".')
    return value.strip()


def _texts(path: Path, name: str, found: object) -> Sequence[str]:
    if not isinstance(found, list) or not all(isinstance(each, str) and each.strip() for each in found):
        raise DatasetError(f"{name} of the task {path} is no list of texts.", f'Write {name} = ["…", "…"].')
    return found


def _demo(path: Path, place: int, table: object, labels: Sequence[str]) -> Demo:
    texts = [table.get(name) for name in ("input", "output")] if isinstance(table, dict) else []
    if len(texts) < 2 or not all(isinstance(text, str) and text.strip() for text in texts):
        raise DatasetError(f"Example {place} of the task {path} lacks an input or an output.", 'Write input = "…".')
    demo = Demo(str(texts[0]), str(texts[1]))
    if labels and label_of(demo.output, labels) is None:
        raise DatasetError(
            f"Example {place} of the task {path} has the output {demo.output!r}, which is no class of labels.",
            "Write one of them.",
        )
    return demo
