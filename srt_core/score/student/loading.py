"""Load a student from a folder, the local cache or the hub, with a clear error where that fails."""

import pickle
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from srt_core.errors import StudentError
from srt_core.score.student.chat import ChatTemplate
from srt_core.score.student.model import Student, is_out_of_memory, short_reason

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

_HUB_TIMEOUT_SECONDS = 5.0
_LOADING_ERRORS = (
    *(OSError, EOFError, ImportError, MemoryError, RuntimeError),
    *(ValueError, TypeError, LookupError, AttributeError, pickle.UnpicklingError),
)
_DTYPES = ("float32", "bfloat16", "float16")


def load_student(name_or_path: str | Path, *, device: str = "auto", dtype: str = "auto") -> Student:
    """Load a Hugging Face causal language model from a local folder, the local cache or the hub.

    Args:
        name_or_path: a folder with config.json, weights and tokenizer, or a hub name such as "gpt2".
        device: "auto" (a GPU where there is one), "cpu", "cuda", "cuda:1", ...
        dtype: "auto" (float32 on a CPU, bfloat16 on a GPU), "float32", "bfloat16" or "float16".

    Raises:
        StudentError: there is no such student here or on the hub, or what is there cannot be scored with. Code that
            comes with a model is never run.
    """
    name = str(name_or_path)
    _silence_libraries()
    chosen_device = _chosen_device(device)
    chosen_dtype = _chosen_dtype(dtype, chosen_device)
    source = _found(name)
    tokenizer = _tokenizer_at(source)
    with _loading_errors(name, source.absent or "it is no causal language model that can be read"):
        model = _read_model(source.place, chosen_dtype, chosen_device, source.is_local)
        return Student(model, tokenizer, name)


def load_tokenizer(name_or_path: str | Path) -> "PreTrainedTokenizerBase":
    """Load a student's tokenizer without its weights, which is enough for planning.

    Raises:
        StudentError: as `load_student`.
    """
    _silence_libraries()
    return _tokenizer_at(_found(str(name_or_path)))


def load_chat_template(name_or_path: str | Path) -> ChatTemplate:
    """Load a student's chat template without its weights.

    Raises:
        StudentError: as `load_student`.
    """
    return ChatTemplate(load_tokenizer(name_or_path), str(name_or_path))


@dataclass(frozen=True, slots=True)
class _Source:
    """Where a student is read from. `absent`: why it may be missing, "" where it is known to be there."""

    name: str
    place: str
    is_local: bool
    absent: str


def _found(name: str) -> _Source:
    with _loading_errors(name, "the name cannot be used"):
        place, hub_problem = _source(name)
    absent = hub_problem and f"there is no such folder, it is not in the local cache, and {hub_problem}"
    return _Source(name, place, bool(hub_problem) or Path(place).is_dir(), absent)


def _tokenizer_at(source: _Source) -> "PreTrainedTokenizerBase":
    with _loading_errors(source.name, source.absent or "its tokenizer cannot be read"):
        return _read_tokenizer(source.place, source.is_local)


@contextmanager
def _loading_errors(name: str, problem: str) -> Iterator[None]:
    """Turn the many errors that transformers raises for a folder that is no student into a StudentError."""
    from huggingface_hub.errors import StrictDataclassError
    from safetensors import SafetensorError

    try:
        yield
    except (
        *_LOADING_ERRORS,
        SafetensorError,
        StrictDataclassError,
    ) as error:
        if is_out_of_memory(error):
            raise StudentError(f"The student '{name}' does not fit in memory.", "Choose a smaller one.") from error
        raise _not_loaded(name, f"{problem} ({short_reason(error)})") from error


def _read_tokenizer(source: str, is_local: bool) -> "PreTrainedTokenizerBase":
    from transformers import AutoTokenizer

    read: Any = AutoTokenizer.from_pretrained
    tokenizer: PreTrainedTokenizerBase = read(source, trust_remote_code=False, local_files_only=is_local)
    return tokenizer


def _read_model(source: str, dtype: "torch.dtype", device: "torch.device", is_local: bool) -> "PreTrainedModel":
    """Return the model. StudentError where weights are missing: transformers would fill them with random numbers."""
    from transformers import AutoModelForCausalLM

    read: Any = AutoModelForCausalLM.from_pretrained
    where = {"trust_remote_code": False, "local_files_only": is_local}
    loaded, report = read(source, dtype=dtype, output_loading_info=True, ignore_mismatched_sizes=True, **where)
    unfit = len(report["missing_keys"]) + len(report["mismatched_keys"])
    if unfit:
        message = f"{unfit} tensors that the config.json of '{source}' asks for are missing or have another shape."
        raise StudentError(message, "Save the model again, or copy the whole folder.")
    model: PreTrainedModel = loaded.to(device)
    return model


def _silence_libraries() -> None:
    """Switch off progress bars and warnings: what matters is raised as an error."""
    import transformers
    from huggingface_hub.utils.tqdm import disable_progress_bars

    logging: Any = transformers.logging
    disable_progress_bars()
    logging.disable_progress_bar()
    logging.set_verbosity_error()


def _chosen_device(device: str) -> "torch.device":
    import torch

    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        chosen = torch.device(device)
    except RuntimeError as error:
        raise StudentError(f"There is no device '{device}'.", "Use auto, cpu or cuda.") from error
    if chosen.type == "cuda" and not torch.cuda.is_available():
        raise StudentError("No CUDA device can be used on this machine.", "Use auto or cpu.")
    return chosen


def _chosen_dtype(dtype: str, device: "torch.device") -> "torch.dtype":
    import torch

    if dtype == "auto":
        return torch.float32 if device.type == "cpu" else torch.bfloat16
    if dtype not in _DTYPES:
        raise StudentError(f"There is no dtype '{dtype}'.", f"Use auto, {', '.join(_DTYPES)}.")
    chosen: torch.dtype = getattr(torch, dtype)
    return chosen


def _source(name: str) -> tuple[str, str]:
    """Return where to load from, and why the hub is not used ("" when it is, or for a folder).

    The hub is asked once, with a short timeout: transformers retries an unreachable hub for each file, for minutes.
    """
    from huggingface_hub import get_hf_file_metadata, hf_hub_url
    from huggingface_hub.errors import (  # type: ignore[attr-defined]  # HTTPError: httpx or httpx2, as the hub has it
        HfHubHTTPError,
        HFValidationError,
        HTTPError,
    )

    folder = Path(name).expanduser()
    if folder.exists():
        return _checked_folder(folder), ""
    try:
        get_hf_file_metadata(hf_hub_url(name, "config.json"), timeout=_HUB_TIMEOUT_SECONDS)
    except HFValidationError as error:
        raise _not_loaded(name, "there is no such folder, and it is no hub name") from error
    except (HTTPError, OSError) as error:
        is_answer = isinstance(error, HfHubHTTPError)
        return name, f"the hub {'refused' if is_answer else 'was not reached'}: {short_reason(error)}"
    return name, ""


def _checked_folder(folder: Path) -> str:
    if not folder.is_dir():
        raise StudentError(f"'{folder}' is a file, not a student's folder.", "Give the folder it is in.")
    if not (folder / "config.json").is_file():
        message = f"The folder '{folder}' holds no student: it has no config.json."
        raise StudentError(message, "Give the folder that save_pretrained wrote: config.json, weights, tokenizer.")
    return str(folder)


def _not_loaded(name: str, reason: str) -> StudentError:
    hint = "Give a folder with config.json, weights and tokenizer, or a hub name while the hub can be reached."
    return StudentError(f"No student could be loaded from '{name}': {reason}.", hint)
