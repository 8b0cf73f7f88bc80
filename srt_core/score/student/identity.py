"""The fingerprint of a student: configuration, weights, dtype and tokenizer, but not its folder."""

import hashlib
import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

_BACKEND = "transformers-torch"
_NOT_IDENTITY = frozenset({"_name_or_path", "architectures", "dtype", "transformers_version", "use_cache"})
"""Configuration that does not affect the losses; dtype is taken from the model itself."""


def fingerprint(model: "PreTrainedModel", tokenizer: "PreTrainedTokenizerBase") -> str:
    """Return the SHA-256 hash (hex) of everything that a loss depends on; reads every weight once."""
    digest = hashlib.sha256(_BACKEND.encode())
    for part in (_config_text(model), str(model.dtype), _tokenizer_text(tokenizer)):
        digest.update(hashlib.sha256(part.encode()).digest())
    for name, tensor in sorted(model.state_dict().items()):
        digest.update(f"{name} {tuple(tensor.shape)} {tensor.dtype}".encode())
        digest.update(_bytes(tensor))
    return digest.hexdigest()


def tokenizer_fingerprint(tokenizer: "PreTrainedTokenizerBase") -> str:
    """Return the SHA-256 hash (hex) of everything that the token ids of a text depend on."""
    return hashlib.sha256(_tokenizer_text(tokenizer).encode()).hexdigest()


def _config_text(model: "PreTrainedModel") -> str:
    config = {key: value for key, value in model.config.to_diff_dict().items() if key not in _NOT_IDENTITY}
    return json.dumps(config, sort_keys=True, default=str)


def _tokenizer_text(tokenizer: "PreTrainedTokenizerBase") -> str:
    backend = getattr(tokenizer, "backend_tokenizer", None)
    rules = json.loads(backend.to_str()) if backend else {type(tokenizer).__name__: tokenizer.get_vocab()}
    # A tokenizer keeps the truncation and padding of its last call; scoring uses neither.
    rules.update(truncation=None, padding=None)
    special = [tokenizer.bos_token, tokenizer.eos_token, tokenizer.chat_template]
    return json.dumps([rules, special], sort_keys=True, default=str)


def _bytes(tensor: "torch.Tensor") -> memoryview:
    """Return the tensor's memory as bytes, whatever its dtype: numpy has no bfloat16."""
    import torch

    return tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data
