"""Why a folder, or what its config.json says, is no student: one sentence for each cause, with what to do.

Nothing here reads weights. What is left over, such as weights that are cut off, is said by the library that reads them.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from srt_core.errors import StudentError
from srt_core.records import counted

_POINTER = b"version https://git-lfs"
_POINTER_BYTES = 1024
_WEIGHTS = ("*.safetensors", "pytorch_model*.bin")
_OTHER_WEIGHTS = {
    "tf_model.h5": "TensorFlow",
    "flax_model.msgpack": "Flax",
    "*.onnx": "ONNX",
    "*.pth": "the format of Llama's authors",
    "*.distcp": "parts of a distributed run",
    "global_step*": "parts of a DeepSpeed run (its zero_to_fp32.py joins them)",
}
_TOKENIZERS = ("tokenizer.json", "tokenizer.model", "vocab.json", "vocab.txt", "spiece.model", "*.tiktoken", "*.spm",
               "tekken.json", "sentencepiece*.model", "merges.txt")  # fmt: skip
_ADAPTER = "adapter_config.json"
_NO_HEAD_OVER_TOKENS = ("Classification", "QuestionAnswering", "MultipleChoice", "RewardModel", "Regression")


def is_adapter(folder: Path) -> bool:
    """Return whether a folder holds an adapter and no model.

    Raises:
        StudentError: it holds both, so that it is not clear which is meant.
    """
    if not (folder / _ADAPTER).is_file():
        return False
    if not _some(folder, *_WEIGHTS, without="adapter_model*"):
        return True
    message = f"The folder '{folder}' holds a model and an adapter, so it is not clear which is the student."
    raise StudentError(message, f"Move {_ADAPTER} and adapter_model.safetensors into a folder of their own.")


def has_tokenizer(folder: Path) -> bool:
    """Return whether a folder holds the files of a tokenizer."""
    return bool(_some(folder, *_TOKENIZERS))


def require_student(folder: Path) -> None:
    """Raise StudentError where the files of a folder show that it is no student."""
    _require_no_pointers(folder)
    if not (folder / "config.json").is_file():
        raise _without_config(folder)
    _require_weights(folder)
    if not has_tokenizer(folder):
        message = f"The folder '{folder}' holds a model and no tokenizer."
        raise StudentError(message, "Copy tokenizer.json and tokenizer_config.json of the model into it.")


def require_adapter(folder: Path) -> None:
    """Raise StudentError where the weights of an adapter's folder are missing or pointers."""
    _require_no_pointers(folder)
    if not _some(folder, "adapter_model.safetensors", "adapter_model.bin"):
        message = f"The folder '{folder}' holds {_ADAPTER} and no weights of an adapter."
        raise StudentError(message, "Copy adapter_model.safetensors into it.")


def require_causal(name: str, config: Mapping[str, Any]) -> None:
    """Raise StudentError where a config.json is of a model that does not continue text, or cannot be read exactly."""
    import transformers
    from transformers import CONFIG_MAPPING
    from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES

    kind = config.get("model_type")
    if not isinstance(kind, str):
        message = f"The config.json of the student '{name}' names no model_type."
        raise StudentError(message, "Copy the whole folder that save_pretrained wrote.")
    if kind not in CONFIG_MAPPING:
        if "auto_map" in config:
            message = f"The student '{name}' ({kind}) comes with its own code, which is never run."
            raise StudentError(message, "Choose a student whose architecture transformers has.")
        message = f"transformers {transformers.__version__} does not know the architecture '{kind}' of '{name}'."
        raise StudentError(message, "Update it with: pip install -U transformers. Or choose another student.")
    if quantisation := config.get("quantization_config"):
        method = quantisation.get("quant_method") if isinstance(quantisation, dict) else None
        message = f"The weights of the student '{name}' are quantised ({method or 'of some kind'})."
        raise StudentError(message, "Give the model that it was made from: the one that you will train.")
    is_encoder_decoder = config.get("is_encoder_decoder", getattr(CONFIG_MAPPING[kind], "is_encoder_decoder", False))
    if is_encoder_decoder is True or (kind not in MODEL_FOR_CAUSAL_LM_MAPPING_NAMES and _translates(kind)):
        message = f"The student '{name}' is an encoder-decoder ({kind}): it writes a text from another one."
        raise StudentError(message, "Choose a causal language model, which continues a text.")
    if kind not in MODEL_FOR_CAUSAL_LM_MAPPING_NAMES:
        message = (
            f"The student '{name}' ({kind}) is no causal language model: transformers cannot continue text with it."
        )
        raise StudentError(message, "Choose a model that was trained to continue text.")
    _require_head(name, config.get("architectures") or [])


def _require_head(name: str, architectures: Any) -> None:
    saved = [each for each in architectures if isinstance(each, str)] if isinstance(architectures, list) else []
    found = next((each for each in saved if any(part in each for part in _NO_HEAD_OVER_TOKENS)), None)
    if found:
        message = f"The student '{name}' is a classifier ({found}): it has no output over tokens."
        raise StudentError(message, "Choose the language model that it was made from.")
    masked = next((each for each in saved if each.endswith(("ForMaskedLM", "ForPreTraining"))), None)
    if masked:
        message = f"The student '{name}' is no causal language model ({masked}): it fills gaps in a text."
        raise StudentError(message, "Choose a model that was trained to continue text.")


def _translates(kind: str) -> bool:
    from transformers.models.auto.modeling_auto import MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING_NAMES

    return kind in MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING_NAMES


def _without_config(folder: Path) -> StudentError:
    """Return the error for a folder without config.json."""
    inside = sorted({str(path.parent.relative_to(folder)) for name in ("config.json", _ADAPTER)
                     for depth in ("*/", "*/*/") for path in folder.glob(depth + name)}, key=_by_number)  # fmt: skip
    if inside:
        shown = ", ".join(inside[:5]) + (", ..." if len(inside) > 5 else "")
        message = f"The folder '{folder}' holds {counted(len(inside), 'student')}: {shown}."
        return StudentError(message, f"Give the folder of one, such as '{folder / inside[-1]}'.")
    files = sorted(folder.glob("*.gguf"))
    if files:
        return StudentError(f"The folder '{folder}' holds GGUF files.", f"Give the file itself, such as '{files[0]}'.")
    message = f"The folder '{folder}' holds no student: it has no config.json."
    return StudentError(message, "Give the folder that save_pretrained wrote: config.json, weights, tokenizer.")


def _by_number(name: str) -> tuple[int, str]:
    """Order checkpoint-900 before checkpoint-1000."""
    digits = "".join(letter if letter.isdecimal() else " " for letter in name).split()
    return int(digits[-1]) if digits else -1, name


def _require_weights(folder: Path) -> None:
    for index in folder.glob("*.index.json"):
        missing = sorted(part for part in _parts(index) if not (folder / part).is_file())
        if missing:
            shown = ", ".join(missing[:3]) + (f" and {len(missing) - 3} more" if len(missing) > 3 else "")
            message = f"The folder '{folder}' lacks {shown}, which {index.name} names."
            raise StudentError(message, "Copy the whole folder, or download the model again.")
    if _some(folder, *_WEIGHTS):
        return
    for pattern, kind in _OTHER_WEIGHTS.items():
        if _some(folder, pattern):
            message = f"The folder '{folder}' has no weights in safetensors, but some in another form: {kind}."
            raise StudentError(message, "Save it with save_pretrained of transformers.")
    message = f"The folder '{folder}' holds config.json and no weights."
    raise StudentError(message, "Copy model.safetensors into it, or download the model again.")


def _parts(index: Path) -> set[str]:
    """Return the names of the files that an index lists, none where it cannot be read: its reader says why."""
    try:
        return {str(part) for part in json.loads(index.read_text("utf-8"))["weight_map"].values()}
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return set()


def _require_no_pointers(folder: Path) -> None:
    pointers = [path.name for path in sorted(folder.iterdir()) if is_pointer(path)]
    if pointers:
        message = f"'{pointers[0]}' in '{folder}' is a pointer of Git LFS and not the file itself."
        raise StudentError(message, "Fetch the files with: git lfs pull. Or download the model again.")


def is_pointer(path: Path) -> bool:
    """Return whether a file is what git stores in place of a large one."""
    if not path.is_file() or path.stat().st_size > _POINTER_BYTES:
        return False
    return path.read_bytes().startswith(_POINTER)


def _some(folder: Path, *patterns: str, without: str = "") -> list[Path]:
    """Return the paths in a folder that match one of the patterns, and not `without`."""
    found = [path for pattern in patterns for path in folder.glob(pattern)]
    return [path for path in found if not (without and path.match(without))]
