"""Exports to train on, with the texts that a project's scoring asked for."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

from srt_core.project.candidates import pairs
from srt_core.project.store import Store
from srt_core.records import Origin
from srt_core.score.prompts import prompts_of
from srt_core.score.templates import load_template
from srt_core.train.exports import TRAIN, VALIDATION


def write_export(store: Store, folder: Path, origin: Origin, put_aside: int, template: str = "alpaca") -> Path:
    """Write the versions of one origin as an export does, all but the first so many samples for training."""
    rows = store.rows(
        "SELECT candidate_id, sample_id FROM candidate WHERE origin = ? ORDER BY candidate_id", [str(origin)]
    )
    texts = pairs(store, [row["candidate_id"] for row in rows])
    prompts = prompts_of(load_template(template))
    lines = [
        {"prompt": prompts.prompt(pair), "completion": pair.response, "sample_id": row["sample_id"]}
        for row in rows
        for pair in [texts[row["candidate_id"]]]
    ]
    student = {"template": template, "max_length": 512}
    return write_folder(folder, lines[put_aside:], lines[:put_aside], student)


def write_folder(folder: Path, train: Sequence[object], validation: Sequence[object], student: object) -> Path:
    """Write the two files of an export, and its manifest."""
    folder.mkdir(parents=True)
    files = {}
    for name, lines in ((TRAIN, train), (VALIDATION, validation)):
        text = "".join(json.dumps(line) + "\n" for line in lines)
        (folder / name).write_text(text, encoding="utf-8")
        files[name] = {"sha256": hashlib.sha256(text.encode()).hexdigest(), "rows": len(lines)}
    manifest = {"files": files, "student": student, "policy": {"name": "selective-code"}}
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    return folder
