"""Where a student is read from: a folder, a GGUF file, the local cache or the hub; of an adapter also its base."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from srt_core.errors import StudentError
from srt_core.score.student.failures import LOADING_ERRORS, is_out_of_memory, short_reason
from srt_core.score.student.folders import has_tokenizer, is_adapter, require_adapter, require_causal, require_student
from srt_core.score.student.gguf import SUFFIX, converted, is_gguf

_HUB_TIMEOUT_SECONDS = 5.0
_ADAPTER = "adapter_config.json"


@dataclass(frozen=True, slots=True)
class Source:
    """Where a student is read from.

    `place`: a folder or hub name. `base`: what an adapter at `place` is put on; None for a whole model. `absent`: why
    it may be missing, "" where it is known to be there.
    """

    name: str
    place: str
    is_local: bool
    absent: str
    base: "Source | None" = None

    @property
    def tokenizer(self) -> "Source":
        """Where its tokenizer is: an adapter may have none, then it is its base's."""
        if self.base is None or (Path(self.place).is_dir() and has_tokenizer(Path(self.place))):
            return self
        return self.base.tokenizer


def find(name: str) -> Source:
    """Return where a student is read from.

    Raises:
        StudentError: there is no such student, or it is none.
    """
    with loading_errors(name, "the name cannot be used"):
        path = Path(name).expanduser()
        if is_gguf(path):
            path = converted(path)
        elif path.suffix.lower() == SUFFIX and not path.exists():
            raise StudentError(
                f"There is no file '{path}'.", "Correct the path: a GGUF file has to be on this machine."
            )
        source = _in_folder(name, path) if path.exists() else on_hub(name)
    if source.base is None:
        with loading_errors(name, source.absent or "its config.json cannot be read"):
            require_causal(name, _config(source))
    return source


def is_here(name: str) -> bool:
    """Return whether a student is on this machine: at its path, or in the hub's local cache."""
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    if Path(name).expanduser().exists():
        return True
    try:
        return isinstance(try_to_load_from_cache(name, "config.json"), str)
    except HFValidationError:  # a path that is not there
        return False


@contextmanager
def loading_errors(name: str, problem: str) -> Iterator[None]:
    """Turn the many errors that transformers raises for a folder that is no student into a StudentError."""
    from huggingface_hub.errors import StrictDataclassError
    from safetensors import SafetensorError

    try:
        yield
    except (*LOADING_ERRORS, SafetensorError, StrictDataclassError) as error:
        if is_out_of_memory(error):
            raise StudentError(f"The student '{name}' does not fit in memory.", "Choose a smaller one.") from error
        raise _not_loaded(name, f"{problem} ({short_reason(error)})") from error


def base_name(folder: Path) -> str:
    """Return the base of the adapter in a folder: a folder, also one beside the adapter, or a hub name.

    Raises:
        StudentError: its adapter_config.json names none.
    """
    try:
        name = json.loads((folder / _ADAPTER).read_text("utf-8"))["base_model_name_or_path"]
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise _without_base(folder) from error
    if not isinstance(name, str) or not name:
        raise _without_base(folder)
    beside = folder / Path(name).expanduser()
    return str(beside) if beside.exists() else name


def _without_base(folder: Path) -> StudentError:
    message = f"The {_ADAPTER} in '{folder}' does not say which model the adapter is for."
    return StudentError(message, "Write the folder or hub name of the model into it as base_model_name_or_path.")


def _in_folder(name: str, folder: Path) -> Source:
    if not folder.is_dir():
        raise StudentError(f"'{folder}' is a file, not a student's folder.", "Give the folder it is in.")
    if is_adapter(folder):
        require_adapter(folder)
        return Source(name, str(folder), True, "", _base(name, base_name(folder)))
    require_student(folder)
    return Source(name, str(folder), True, "")


def _base(adapter: str, base: str) -> Source:
    """Return the source of the base that an adapter names."""
    try:
        return find(base)
    except StudentError as error:
        message = f"The student '{adapter}' is an adapter, and its base cannot be used: {error.message}"
        raise StudentError(
            message, f"{error.hint} The base stands in {_ADAPTER} as base_model_name_or_path."
        ) from error


def on_hub(name: str) -> Source:
    """Return the source for a hub name.

    The hub is asked once, with a short timeout: transformers retries an unreachable hub for each file, for minutes.
    """
    from huggingface_hub import get_hf_file_metadata, hf_hub_download, hf_hub_url
    from huggingface_hub.errors import (  # type: ignore[attr-defined]  # HTTPError: httpx or httpx2, as the hub has it
        EntryNotFoundError,
        HfHubHTTPError,
        HFValidationError,
        HTTPError,
    )

    problem = ""
    try:
        get_hf_file_metadata(hf_hub_url(name, "config.json"), timeout=_HUB_TIMEOUT_SECONDS)
    except HFValidationError as error:
        raise _not_loaded(name, "there is no such folder, and it is no hub name") from error
    except EntryNotFoundError:  # an adapter has no config.json
        pass
    except (HTTPError, OSError) as error:
        is_answer = isinstance(error, HfHubHTTPError)
        problem = f"the hub {'refused' if is_answer else 'was not reached'}: {short_reason(error)}"
    absent = problem and f"there is no such folder, it is not in the local cache, and {problem}"
    try:
        adapter = Path(hf_hub_download(name, _ADAPTER, local_files_only=bool(problem)))
    except (EntryNotFoundError, HTTPError, OSError):
        return Source(name, name, bool(problem), absent)
    return Source(name, name, bool(problem), absent, _base(name, base_name(adapter.parent)))


def _config(source: Source) -> dict[str, Any]:
    """Return the content of config.json."""
    from transformers import PreTrainedConfig

    read: Any = PreTrainedConfig.get_config_dict
    config, _ = read(source.place, local_files_only=source.is_local)
    if not config and not Path(source.place).is_dir():
        raise ValueError("it has no config.json")
    return dict(config)


def _not_loaded(name: str, reason: str) -> StudentError:
    hint = "Give a folder with config.json, weights and tokenizer, or a hub name while the hub can be reached."
    return StudentError(f"No student could be loaded from '{name}': {reason}.", hint)
