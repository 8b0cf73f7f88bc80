"""A project that went through all steps by command."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from srt_core.project.store import Store
from srt_core.records import Pair
from srt_core.reflect.prompts import load_prompts
from srt_core.review.status import status
from tests.command_line import (
    Finished,
    called,
    srt,
)
from tests.small_project import alpaca_rows, save_student, write_lines
from tests.teaching_server import record_replies

SAMPLES = 20


@dataclass(frozen=True)
class Walked:
    """A project that went through all steps by command, one of them in a process of its own, and what each gave."""

    project: Path
    student: Path
    init: Finished
    imported: Finished
    reflected: Finished
    scored: Finished
    selected: Finished


def walk(folder: Path) -> Walked:
    """Twenty samples and a row that cannot be read, reflected by replay, scored by a tiny student."""
    project, student = folder / "p.srt", save_student(folder / "student")
    rows = alpaca_rows(SAMPLES)
    data = write_lines(folder / "data.jsonl", [rows[0], {"instruction": "No answer."}, *rows[1:]])
    pairs = [Pair(row["instruction"], row["output"], row["input"]) for row in rows]
    replies = record_replies(folder / "replies.jsonl", load_prompts(), pairs)
    return Walked(
        project,
        student,
        called("init", project),
        called("import", project, data),
        called("reflect", project, "--replay", replies),
        srt("score", project, "--student", student, "--device", "cpu", "--max-length", 400),
        called("select", project, "--preset", "selective-paper"),
    )


def status_of(project: Path) -> dict[str, Any]:
    with Store.open(project) as store:
        return status(store)
