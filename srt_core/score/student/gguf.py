"""A GGUF file as a student: read by transformers' own reader, once, and kept as a folder in the user's cache.

Its weights are kept in float32, which holds what any quantisation stands for without rounding it again.
"""

import hashlib
import os
import shutil
import tempfile
from functools import lru_cache
from pathlib import Path
from typing import Any

from srt_core.errors import StudentError
from srt_core.score.student.cache import cache_folder
from srt_core.score.student.failures import LOADING_ERRORS, is_out_of_memory, short_reason
from srt_core.score.student.folders import is_pointer

SUFFIX = ".gguf"
_MAGIC = b"GGUF"
_SIZE_FACTOR = 9
"""Bytes of the folder for each byte of the file: 4 bits of a weight become 32, and the vocabulary is written out."""


def is_gguf(path: Path) -> bool:
    """Return whether this is the name of a GGUF file that is there."""
    return path.suffix.lower() == SUFFIX and os.path.isfile(path)  # noqa: PTH113  # False for a name that is too long


def is_converted(path: Path) -> bool:
    """Return whether a GGUF file was converted before, so that it need not be now."""
    return _place(path).is_dir()


def converted(path: Path) -> Path:
    """Return the folder that a GGUF file was converted to; convert it if that has not been done.

    Raises:
        StudentError: the file is none that transformers reads, `gguf` is not installed, or the disk is full.
    """
    place = _place(path)
    if place.is_dir():
        return place
    _require_readable(path)
    place.parent.mkdir(parents=True, exist_ok=True)
    needed, free = path.stat().st_size * _SIZE_FACTOR, shutil.disk_usage(place.parent).free
    if needed > free:
        message = f"Converting '{path}' may take {needed / 1e9:.1f} GB in '{place.parent}', which has {free / 1e9:.1f}."
        raise StudentError(message, "Free some space, or set XDG_CACHE_HOME to a folder on another disk.")
    with tempfile.TemporaryDirectory(dir=place.parent) as draft:
        try:
            _convert(path, Path(draft) / "student")
        except (*LOADING_ERRORS, NotImplementedError) as error:
            if is_out_of_memory(error):
                raise StudentError(f"The student '{path}' does not fit in memory.", "Choose a smaller one.") from error
            message = f"transformers cannot read the GGUF file '{path}': {short_reason(error)}."
            raise StudentError(message, "Give the folder of the model that it was made from.") from error
        _moved(Path(draft) / "student", place)
    return place


def _convert(path: Path, folder: Path) -> None:
    """Write a GGUF file as a folder with config.json, float32 weights and tokenizer."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    read_tokenizer: Any = AutoTokenizer.from_pretrained
    read_model: Any = AutoModelForCausalLM.from_pretrained
    where = {"gguf_file": path.name, "local_files_only": True, "trust_remote_code": False}
    tokenizer = read_tokenizer(path.parent, **where)
    read, report = read_model(path.parent, **where, dtype=torch.float32, output_loading_info=True)
    missing = set(report["missing_keys"]) - {"lm_head.weight"}  # tied to the embedding where the file has none
    if missing or report["mismatched_keys"]:
        raise ValueError(f"{len(missing) + len(report['mismatched_keys'])} tensors are missing or have another shape")
    # What was read from GGUF counts as quantised, and transformers does not save that: the same weights in a model that
    # was made from its configuration alone do.
    options = read.config.to_dict()
    for name in ("quantization_config", "architectures", "model_type"):
        options.pop(name, None)
    plain = type(read)(type(read.config)(**options))
    plain.load_state_dict(read.state_dict())
    plain.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def _moved(draft: Path, place: Path) -> None:
    """Move a finished folder into place at once, unless another process has been faster."""
    try:
        draft.rename(place)
    except OSError:
        if not place.is_dir():
            raise


def _place(path: Path) -> Path:
    """Return the folder in the user's cache that a file of this content is converted to."""
    stat = path.stat()
    return cache_folder() / "gguf" / _digest(path, stat.st_size, stat.st_mtime_ns)


@lru_cache(maxsize=8)
def _digest(path: Path, _size: int, _changed: int) -> str:
    """Return the SHA-256 hash (hex) of a file; reads it once for as long as its size and time stay."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _require_readable(path: Path) -> None:
    if is_pointer(path):
        message = f"'{path}' is a pointer of Git LFS and not the file itself."
        raise StudentError(message, "Fetch it with: git lfs pull. Or download it again.")
    with path.open("rb") as file:
        if file.read(4) != _MAGIC:
            raise StudentError(f"'{path}' is no GGUF file, whatever its name.", "Download it again.")
    try:
        import gguf  # noqa: F401
    except ImportError as error:
        message = f"'{path}' is a GGUF file, and the package that reads it is not installed."
        raise StudentError(message, "Install it with: pip install 'srt-curator[gguf]'.") from error
