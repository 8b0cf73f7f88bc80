"""The folder of an export that is trained on: pairs as the texts that were scored, and which samples were put aside."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from srt_core.errors import ExportError
from srt_core.export.formats import Split, find_format
from srt_core.export.written import is_there, is_unchanged, read_manifest

_FORMAT = find_format("prompt_completion")
TRAIN, VALIDATION = _FORMAT.file_of(Split.TRAIN), _FORMAT.file_of(Split.VALIDATION)
_SAID = ("policy", "student", "teachers", "scope", "filter", "arm")
"""What of a manifest a run remembers."""
_AGAIN = "Export again with --format prompt_completion, or give the folder of such an export."


@dataclass(frozen=True, slots=True)
class TextPair:
    """A pair as the texts that a trainer reads."""

    sample_id: str
    prompt: str
    completion: str


@dataclass(frozen=True, slots=True)
class TrainingSet:
    """What is trained on. `sha256` is of the file of pairs; `put_aside` are the samples of the part for validation."""

    folder: Path
    sha256: str
    pairs: tuple[TextPair, ...]
    put_aside: tuple[str, ...]
    source: Mapping[str, Any]

    @property
    def template(self) -> str:
        """The template whose texts the prompts are; "" where the manifest names none."""
        return str((self.source.get("student") or {}).get("template") or "")

    @property
    def max_length(self) -> int | None:
        """The max length of the scoring; None where the manifest names none."""
        found = (self.source.get("student") or {}).get("max_length")
        return found if isinstance(found, int) else None


def read_export(folder: Path) -> TrainingSet:
    """Read the folder of an export.

    Raises:
        ExportError: the folder, its manifest or the file of pairs is missing, is another file than the manifest says,
            or a line is no pair.
    """
    folder = folder.expanduser().resolve()
    manifest = read_manifest(folder)
    files: Mapping[str, Mapping[str, Any]] = manifest["files"]
    if TRAIN not in files:
        raise ExportError(f"{folder} has no file {TRAIN}.", _AGAIN)
    path = _checked(folder, TRAIN, files[TRAIN])
    pairs = read_pairs(path)
    if not pairs:
        raise ExportError(f"{path} has no pair.", "Export what is to be trained on.")
    put_aside: tuple[str, ...] = ()
    if VALIDATION in files:
        aside = read_pairs(_checked(folder, VALIDATION, files[VALIDATION]))
        put_aside = tuple(dict.fromkeys(each.sample_id for each in aside))
    source = {name: found for name in _SAID if (found := manifest.get(name)) is not None}
    return TrainingSet(folder, str(files[TRAIN]["sha256"]), pairs, put_aside, source)


def _checked(folder: Path, name: str, entry: Mapping[str, Any]) -> Path:
    """Return the path of a file; ExportError where it is not there, or the manifest says another."""
    if not is_there(folder, name):
        raise ExportError(f"{folder} has no file {name}.", _AGAIN)
    if not is_unchanged(folder, name, entry):
        raise ExportError(
            f"{folder / name} was changed since it was exported.", "Export again, to a folder of its own."
        )
    return folder / name


def read_pairs(path: Path) -> tuple[TextPair, ...]:
    """Read the lines of a file of pairs; ExportError for one that is no pair."""
    with path.open(encoding="utf-8") as lines:
        return tuple(_pair(path, number, line) for number, line in enumerate(lines, 1))


def _pair(path: Path, number: int, line: str) -> TextPair:
    try:
        row = json.loads(line)
        found = TextPair(row["sample_id"], row["prompt"], row["completion"])
    except (ValueError, LookupError, TypeError) as error:
        raise ExportError(
            f"Line {number} of {path} is no pair with prompt, completion and sample_id.", _AGAIN
        ) from error
    if not all(isinstance(text, str) for text in (found.sample_id, found.prompt, found.completion)):
        raise ExportError(f"Line {number} of {path} has something that is no text.", _AGAIN)
    return found
