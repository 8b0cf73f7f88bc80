"""The folder of an export that is trained on: pairs as the texts that were scored, and which samples were put aside."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from srt_core.errors import ExportError
from srt_core.export.files import sha256_of

TRAIN, VALIDATION = "prompt_completion.train.jsonl", "prompt_completion.validation.jsonl"
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
    manifest = _manifest(folder)
    path = folder / TRAIN
    entry = _entry(manifest, TRAIN)
    if not path.is_file():
        raise ExportError(f"{folder} has no file {TRAIN}.", _AGAIN)
    sha256 = _checked(path, entry)
    pairs = _pairs(path)
    if not pairs:
        raise ExportError(f"{path} has no pair.", "Export what is to be trained on.")
    aside = folder / VALIDATION
    put_aside: tuple[str, ...] = ()
    if aside.is_file():
        _checked(aside, _entry(manifest, VALIDATION))
        put_aside = tuple(dict.fromkeys(each.sample_id for each in _pairs(aside)))
    source = {name: found for name in _SAID if (found := entry.get(name, manifest.get(name))) is not None}
    return TrainingSet(folder, sha256, pairs, put_aside, source)


def _manifest(folder: Path) -> Mapping[str, Any]:
    path = folder / "manifest.json"
    try:
        found = json.loads(path.read_text("utf-8"))
    except FileNotFoundError as error:
        raise ExportError(f"{folder} is no folder of an export: it has no manifest.json.", _AGAIN) from error
    except (OSError, ValueError) as error:
        raise ExportError(f"{path} cannot be read: {error}.", _AGAIN) from error
    if not isinstance(found, dict):
        raise ExportError(f"{path} is no manifest.", _AGAIN)
    return found


def _entry(manifest: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    files = manifest.get("files")
    found = files.get(name) if isinstance(files, dict) else None
    return found if isinstance(found, dict) else {}


def _checked(path: Path, entry: Mapping[str, Any]) -> str:
    """Return the hash of a file; ExportError where the manifest says another."""
    sha256, said = sha256_of(path), entry.get("sha256")
    if said is not None and said != sha256:
        raise ExportError(f"{path} was changed since it was exported.", "Export again, to a folder of its own.")
    return sha256


def _pairs(path: Path) -> tuple[TextPair, ...]:
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
