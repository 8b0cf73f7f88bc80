"""Recorded scores in place of a student: what a student once computed, put in as if it were computed now.

A recording is a JSON Lines file. Its first line says how it was scored and how it was made; each other line has the
finished rows of one pair, found by the pair's hash: four losses with their keys, and the maps of its token losses.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Any, TypeVar

from srt_core.errors import StudentError
from srt_core.project.candidates import pair_hash, pair_of
from srt_core.project.progress import Progress
from srt_core.project.store import Row, Store
from srt_core.records import CandidateLosses, Loss, LossStatus, Pair, Score
from srt_core.score.chunks import Unscored
from srt_core.score.ifd import Convention, score_of
from srt_core.score.keeping import Scored, ScoringSettings, begin_scoring, end_scoring, keep_scores
from srt_core.score.losses import store_losses, stored_losses
from srt_core.score.templates import stored_template
from srt_core.score.token_maps import MapSubject, Part, TokenMap, map_of, map_row, store_maps

CHUNK_SAMPLES = 1_000
SPAN_DECIMALS = 4
"""Of the loss of a token, in nats."""
Made = TypeVar("Made")
FOUR = ("y", "y_given_x", "x", "x_given_y")
"""The losses of every candidate, in the order of `CandidateLosses`."""
_HINT = "Give a file that scripts/record_scores.py wrote."


@dataclass(frozen=True, slots=True)
class RecordedScore:
    """The finished rows of one pair.

    `keys`: under which a loss is stored; None where it needed no student. `maps` are without their texts, which a
    recording does not hold and a project file keeps but once.
    """

    keys: Mapping[str, str | None]
    losses: Mapping[str, Loss]
    response_read: float | None
    instruction_read: float | None
    maps: Mapping[Part, TokenMap]

    @property
    def keyed(self) -> dict[str, Loss]:
        """The losses that a student computed, by their keys."""
        return {key: self.losses[name] for name, key in self.keys.items() if key}

    @property
    def score(self) -> Score:
        """The score that is made of its losses."""
        return score_of(CandidateLosses(*(self.losses[name] for name in FOUR)))


@dataclass(frozen=True, slots=True)
class Recording:
    """The scores of a file, by the hashes of their pairs. `made`: by which command, when, from which weights."""

    settings: ScoringSettings
    made: Mapping[str, str]
    scores: Mapping[str, RecordedScore]


def replay_scores(store: Store, recording: Recording, stop: Event | None = None) -> Iterator[Progress]:
    """Store the recorded scores of what has none yet under the recording's settings; the rest is left without.

    Yields progress in candidates, where `failed` counts those without IFD or r-IFD, and says at the end how many the
    recording does not hold.
    """
    stop = stop or Event()
    scoring_id = begin_scoring(store, recording.settings)
    unscored = Unscored(store, scoring_id)
    progress = Progress("versions", total=unscored.count(), message="From a recording.")
    yield progress
    for rows in unscored.chunks(CHUNK_SAMPLES):
        recorded = [(row, recording.scores.get(pair_hash(pair_of(row)))) for row in rows]
        found = [(row, score) for row, score in recorded if score]
        failed = _keep(store, scoring_id, found)
        progress = progress.moved(len(found), failed=failed)
        yield progress
        if stop.is_set():
            return
    end_scoring(store, scoring_id, "")
    left = unscored.count()
    yield progress.moved(0, message=f"{left:,} are not in the recording and have no score." if left else "")


def _keep(store: Store, scoring_id: int, found: Sequence[tuple[Row, RecordedScore]]) -> int:
    """Commit the losses, scores and maps of pairs; return how many of these lack an IFD or r-IFD."""
    losses = {key: loss for _, each in found for key, loss in each.keyed.items()}
    known = stored_losses(store, list(losses))
    scored = [
        Scored(row["table"], row["id"], row["sample_id"], each.score, each.response_read, each.instruction_read)
        for row, each in found
    ]
    maps = {MapSubject(row["table"], row["id"]): each.maps for row, each in found}
    with store.transaction() as tx:
        store_losses(tx, {key: loss for key, loss in losses.items() if key not in known})
        keep_scores(tx, scoring_id, scored)
        store_maps(tx, scoring_id, maps)
    return sum(each.score.ifd is None or each.score.r_ifd is None for each in scored)


def settings_line(settings: ScoringSettings, made: Mapping[str, str]) -> dict[str, Any]:
    """Return the first line of a recording (serialise it with json.dumps)."""
    return {
        "made": dict(made),
        "student": settings.student,
        "fingerprint": settings.fingerprint,
        "dtype": settings.dtype,
        "template": settings.template.name,
        "template_texts": json.loads(settings.template.json),
        "convention": str(settings.convention),
        "max_length": settings.max_length,
        "batching": settings.batching,
    }


def score_line(pair: Pair, score: RecordedScore) -> dict[str, Any]:
    """Return the rows of a pair as a line of a recording (serialise it with json.dumps)."""
    losses = {
        name: {"key": score.keys[name], "mean": loss.mean, "tokens": loss.tokens, "status": str(loss.status)}
        for name, loss in score.losses.items()
    }
    read = {"response_read": score.response_read, "instruction_read": score.instruction_read}
    maps = {str(part): {name: _rounded(value) for name, value in map_row(found).items()}
            for part, found in score.maps.items()}  # fmt: skip
    return {"pair": pair_hash(pair), "losses": losses, **read, "maps": maps}


def _rounded(value: object) -> object:
    if isinstance(value, list):
        return [round(each, SPAN_DECIMALS) if isinstance(each, float) else each for each in value]
    return value


def read_recording(path: Path) -> Recording:
    """Read a recording.

    Raises:
        StudentError: the file cannot be read, or a line of it is no recorded score.
    """
    try:
        lines = path.read_text("utf-8").split("\n")
    except (OSError, UnicodeError) as error:
        raise StudentError(f"The recorded scores {path} cannot be read: {error}.", _HINT) from error
    rows = [(number, line) for number, line in enumerate(lines, 1) if line.strip()]
    if not rows:
        raise StudentError(f"{path} holds no recorded score.", _HINT)
    settings, made = _made(path, *rows[0], lambda head: (_settings(head), dict(head["made"])))
    scores = dict(_made(path, number, line, lambda row: (str(row["pair"]), _score(row))) for number, line in rows[1:])
    return Recording(settings, made, scores)


def _made(path: Path, number: int, line: str, make: Callable[[Row], Made]) -> Made:
    """Return what is made of a line; StudentError where it cannot be."""
    try:
        return make(_object(line))
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise StudentError(f"Line {number} of {path} is no recorded score: {error!r}.", _HINT) from error


def _object(line: str) -> Row:
    found = json.loads(line, parse_constant=_refuse_constant)
    if not isinstance(found, dict):
        raise TypeError("it is no JSON object")
    return found


def _refuse_constant(name: str) -> object:
    raise ValueError(f"{name} is no JSON")


def _settings(head: Row) -> ScoringSettings:
    return ScoringSettings(
        head["fingerprint"], head["student"], head["dtype"],
        stored_template(head["template"], json.dumps(head["template_texts"])),
        Convention(head["convention"]), int(head["max_length"]), head["batching"],
    )  # fmt: skip


def _score(row: Row) -> RecordedScore:
    four = {name: row["losses"][name] for name in FOUR}
    return RecordedScore(
        {name: each["key"] for name, each in four.items()},
        {name: _loss(each) for name, each in four.items()},
        row["response_read"],
        row["instruction_read"],
        {part: map_of(part, found, "") for name, found in row["maps"].items() for part in [Part(name)]},
    )


def _loss(row: Row) -> Loss:
    status = LossStatus(row["status"])
    if status.has_number != isinstance(row["mean"], float):
        raise ValueError(f"a loss that is {status} has the mean {row['mean']}")
    return Loss(row["mean"], int(row["tokens"]), status)
