"""Edits from a file: each row names a sample and gives texts of its own, and becomes a decision.

A row has `sample_id` (or `sample`: its id or number), perhaps `version` (which one is edited; the one that stands where
not given), and any of `instruction`, `input`, `response` (or `output`); a text that is not given stays as it is.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from srt_core.errors import DecisionError, SRTError
from srt_core.importing.files import Reject, read_records
from srt_core.project.candidates import candidates, edit, find_sample
from srt_core.project.store import Store
from srt_core.records import Action, Candidate, Decision, Origin, Pair
from srt_core.review.decisions import Standing, decide_within, standing

_TEXTS = {"instruction": "instruction", "input": "input", "response": "response", "output": "response"}
_PARTS = ("instruction", "input", "response")
_SAMPLE = ("sample_id", "sample")


@dataclass(frozen=True, slots=True)
class EditsMade:
    """What a file of edits came to. Those that were taken were written in one transaction."""

    edited: int
    replaced: int
    """How many of them stand in the place of a decision that stood."""
    refused: Sequence[str]
    """Of each row that changed nothing a sentence: where it stands, the sample, and why."""


def edit_from_file(store: Store, path: Path, by: str) -> EditsMade:
    """Take each row of a file as an edit of its sample; rows that cannot be taken are returned by name.

    All that can be taken is written together: a file that cannot be read to its end, or a command that is killed,
    leaves nothing. DatasetError where the file cannot be read.
    """
    made: list[tuple[str, Decision, Standing | None]] = []
    refused: list[str] = []
    seen: dict[str, int] = {}
    for record in read_records(path):
        place = f"Row {record.row}"
        if isinstance(record, Reject):
            refused.append(f"{place}: {record.reason}")
            continue
        try:
            row = {name.strip().lower(): value for name, value in record.fields.items() if value is not None}
            sample = _sample(store, row)
            if (before := seen.setdefault(sample, record.row)) != record.row:
                raise DecisionError(f"Sample {sample} stands in row {before} already.")
            decision, stood = _decision(store, sample, row, by, {"file": path.name, "row": str(record.row)})
        except SRTError as error:
            refused.append(f"{place}: {error.message}")
        else:
            made.append((place, decision, stood))
    return _write(store, made, refused)


def _write(store: Store, made: Iterable[tuple[str, Decision, Standing | None]], refused: list[str]) -> EditsMade:
    edited = replaced = 0
    with store.transaction() as tx:
        for place, decision, stood in made:
            try:
                decide_within(tx, decision, expected_event_id=stood.event_id if stood else None)
            except DecisionError as error:
                refused.append(f"{place}: {error.message}")
            else:
                edited += 1
                replaced += stood is not None
    return EditsMade(edited, replaced, refused)


def _sample(store: Store, row: Mapping[str, object]) -> str:
    named = next((str(row[name]) for name in _SAMPLE if name in row), "")
    if not named:
        raise DecisionError(f"It names no sample: {_SAMPLE[0]} is missing.")
    return find_sample(store, named)


def _decision(
    store: Store, sample: str, row: Mapping[str, object], by: str, context: Mapping[str, str]
) -> tuple[Decision, Standing | None]:
    """Return the decision that a row asks for, and the one that stands; DecisionError where it cannot be taken."""
    texts = {part: row[name] for name, part in _TEXTS.items() if name in row}
    if not texts or not all(isinstance(text, str) for text in texts.values()):
        raise DecisionError(f"Sample {sample} has no text here: give instruction, input or response as text.")
    stood = standing(store, sample)
    written = edit(store, stood.event_id) if stood else None
    version = str(row.get("version", "")).upper()
    found = _edited_version(store, sample, version, stood)
    pair = written.pair if written and not version else found.pair
    edited = Pair(**{part: str(texts.get(part, getattr(pair, part))) for part in _PARTS}, context=pair.context)
    if edited == (written.pair if written else found.pair):
        raise DecisionError(f"Sample {sample} has these texts already.")
    return Decision(sample, Action.EDIT, by, found.origin, edited, context, found.candidate_id), stood


def _edited_version(store: Store, sample: str, version: str, stood: Standing | None) -> Candidate:
    """Return the version that is edited: the one that is named, else the one that stands, else the rule's."""
    panel = store.rows("SELECT * FROM panel WHERE sample_id = ?", [sample])[0]
    ids = {origin: panel[f"{origin.lower()}_id"] for origin in Origin}
    if stood and stood.origin and stood.candidate_id is not None and version in ("", stood.origin):
        ids[stood.origin] = stood.candidate_id
    held = candidates(store, sample, [each for each in ids.values() if each is not None])
    winner = store.value("SELECT winner FROM selection WHERE sample_id = ?", [sample])
    asked = version or (stood.origin if stood and stood.origin else winner) or Origin.ORIGINAL
    if asked not in held:
        raise DecisionError(f"Sample {sample} has no version {asked}: it has {', '.join(held)}.")
    return held[Origin(asked)]
