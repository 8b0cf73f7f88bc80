"""Load a student from a folder, a GGUF file, the local cache or the hub, with a clear error where that fails."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from srt_core.errors import StudentError
from srt_core.score.student.adapters import merged, require_peft
from srt_core.score.student.chat import ChatTemplate
from srt_core.score.student.gguf import is_converted, is_gguf
from srt_core.score.student.model import Student
from srt_core.score.student.sources import Source, find, loading_errors
from srt_core.score.student.tokens import Tokens

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

_DTYPES = ("float32", "bfloat16", "float16")
_SHOWN = 3
"""Names of tensors in an error."""


def load_student(name_or_path: str | Path, *, device: str = "auto", dtype: str = "auto") -> Student:
    """Load a Hugging Face causal language model from a local folder, a GGUF file, the local cache or the hub.

    Args:
        name_or_path: a folder with config.json, weights and tokenizer; one with an adapter of PEFT; a GGUF file; or a
            hub name such as "gpt2".
        device: "auto" (a GPU where there is one), "cpu", "cuda", "cuda:1", ...
        dtype: "auto" (float32 on a CPU, bfloat16 on a GPU), "float32", "bfloat16" or "float16".

    Raises:
        StudentError: there is no such student here or on the hub, or what is there cannot be scored with. Code that
            comes with a model is never run.
    """
    model, tokenizer = load_model(name_or_path, device=device, dtype=dtype)
    with loading_errors(str(name_or_path), "it is no causal language model that can be read"):
        return Student(model, tokenizer, str(name_or_path))


def load_tokenizer(name_or_path: str | Path) -> "PreTrainedTokenizerBase":
    """Load a student's tokenizer without its weights, which is enough for planning.

    Raises:
        StudentError: as `load_student`.
    """
    _silence_libraries()
    return _tokenizer_of(find(str(name_or_path)))


def load_tokens(name_or_path: str | Path) -> Tokens:
    """Load a student's tokenizer without its weights, as planning and exports use it.

    Raises:
        StudentError: as `load_student`.
    """
    return Tokens(load_tokenizer(name_or_path), str(name_or_path))


def load_model(
    name_or_path: str | Path, *, device: str = "auto", dtype: str = "auto"
) -> tuple["PreTrainedModel", "PreTrainedTokenizerBase"]:
    """Load a student as a model to be trained, with its tokenizer; an adapter is merged into its base.

    Raises:
        StudentError: as `load_student`.
    """
    name = str(name_or_path)
    _silence_libraries()
    chosen_device = _chosen_device(device)
    chosen_dtype = _chosen_dtype(dtype, chosen_device)
    source = find(name)
    tokenizer = _tokenizer_of(source)
    with loading_errors(name, source.absent or "it is no causal language model that can be read"):
        return _read_model(source, chosen_dtype, chosen_device), tokenizer


def load_chat_template(name_or_path: str | Path) -> ChatTemplate:
    """Load a student's chat template without its weights.

    Raises:
        StudentError: as `load_student`.
    """
    return ChatTemplate(load_tokenizer(name_or_path), str(name_or_path))


def loading_message(name_or_path: str | Path) -> str:
    """Return what to tell a user who waits for a student to be loaded."""
    path = Path(name_or_path).expanduser()
    if is_gguf(path) and not is_converted(path):
        return "Converting the GGUF file, which is done once and takes minutes"
    return "Loading the student"


def _tokenizer_of(source: Source) -> "PreTrainedTokenizerBase":
    from transformers import AutoTokenizer

    place = source.tokenizer
    read: Any = AutoTokenizer.from_pretrained
    with loading_errors(source.name, source.absent or "its tokenizer cannot be read"):
        tokenizer: PreTrainedTokenizerBase = read(place.place, trust_remote_code=False, local_files_only=place.is_local)
        return tokenizer


def _read_model(source: Source, dtype: "torch.dtype", device: "torch.device") -> "PreTrainedModel":
    """Return the model. StudentError where weights are missing: transformers would fill them with random numbers."""
    from transformers import AutoConfig, AutoModelForCausalLM

    if source.base is not None:
        require_peft(source.name)
        return merged(_read_model(source.base, dtype, device), source.place, is_local=source.is_local)
    read: Any = AutoModelForCausalLM.from_pretrained
    where = {"trust_remote_code": False, "local_files_only": source.is_local}
    config: Any = AutoConfig.from_pretrained(source.place, **where)
    # A configuration may name a function of the hub, which is code, and wins over an argument: transformers chooses.
    config._attn_implementation = config._experts_implementation = None
    asked = {"config": config, "dtype": dtype, "output_loading_info": True, "ignore_mismatched_sizes": True}
    loaded, report = read(source.place, attn_implementation=None, **asked, **where)
    _require_all_weights(source.place, report)
    model: PreTrainedModel = loaded.to(device)
    return model


def _require_all_weights(place: str, report: Any) -> None:
    mismatched = [each if isinstance(each, str) else each[0] for each in report["mismatched_keys"]]
    unfit = sorted([*report["missing_keys"], *mismatched])
    if unfit:
        shown = ", ".join(unfit[:_SHOWN]) + (", ..." if len(unfit) > _SHOWN else "")
        message = f"{len(unfit)} tensors that the config.json of '{place}' asks for are missing or have another shape"
        raise StudentError(f"{message}: {shown}.", "Save the model again, or copy the whole folder.")
    if any("lora_" in key for key in report["unexpected_keys"]):
        message = f"The weights of '{place}' hold an adapter, which would be left out."
        raise StudentError(message, "Merge it into the model, or save it with save_pretrained of PEFT.")


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
