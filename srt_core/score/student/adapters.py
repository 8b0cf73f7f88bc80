"""An adapter of PEFT, such as LoRA, merged into the weights of its base: the student is what both compute together."""

import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from srt_core.errors import StudentError

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel


def require_peft(adapter: str) -> None:
    """Raise StudentError where PEFT is not installed."""
    try:
        import peft  # noqa: F401
    except ImportError as error:
        message = f"The student '{adapter}' is an adapter, and the package that reads it is not installed."
        raise StudentError(message, "Install it with: pip install 'srt-curator[peft]'.") from error


def merged(model: "PreTrainedModel", place: str, *, is_local: bool) -> "PreTrainedModel":
    """Return the base model with the adapter at `place`, a folder or hub name, in its weights.

    Raises:
        StudentError: the adapter is for another task or base, or of a kind that is no change of weights.
    """
    from peft import PeftConfig
    from peft.utils import load_peft_weights

    where: Any = {"local_files_only": is_local}
    config: Any = PeftConfig.from_pretrained(place, **where)
    if config.task_type not in (None, "CAUSAL_LM"):
        message = f"The adapter '{place}' is for another task ({config.task_type})."
        raise StudentError(message, "Choose one that was trained to continue text (CAUSAL_LM).")
    if config.is_prompt_learning:
        message = f"The adapter '{place}' is learned text before the prompt ({config.peft_type}), no change of weights."
        raise StudentError(message, "Choose a LoRA adapter, or score its base.")
    config.inference_mode = True
    _fit_vocabulary(model, load_peft_weights(place, device="cpu", **where))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # of transformers, to PEFT
        return _merged(model, config, place, where)


def _merged(model: Any, config: Any, place: str, where: Any) -> "PreTrainedModel":
    from peft import PeftModel

    wrapped: Any = PeftModel(model, config)
    report = wrapped.load_adapter(place, "default", torch_device=str(model.device), **where)
    unused = [*report.missing_keys, *report.unexpected_keys]
    if unused:
        message = f"The adapter '{place}' does not fit its base: {len(unused)} tensors have no counterpart"
        raise StudentError(f"{message} ({unused[0]}).", "Correct base_model_name_or_path in its adapter_config.json.")
    whole: PreTrainedModel = wrapped.merge_and_unload()
    return whole


def _fit_vocabulary(model: Any, weights: "Mapping[str, torch.Tensor]") -> None:
    """Give the model as many tokens as the adapter has an embedding for, where it brings the embedding itself."""
    embedding = model.get_input_embeddings()
    name = next(name for name, module in model.named_modules() if module is embedding)
    rows = [len(weight) for key, weight in weights.items() if key.endswith(f"{name}.weight")]
    if rows and rows[0] != len(embedding.weight):
        model.resize_token_embeddings(rows[0])
