"""What the configuration of a model says of the ways in which its losses can be computed.

A text may share a row with others where each token is computed by itself, but for attention that is softmax(q k) v over
the tokens before it and for a position that is counted within its text. That is tested when a student is loaded, but a
test is short: it cannot see a window of 4,096 tokens, or a clip that only large numbers reach. So a configuration is
taken for packs only if every attribute of it stands in attributes.toml; one that does not sends the model the slower
way, which needs no such knowledge. `Decoder`, which computes layers itself, knows fewer of them.
"""

import tomllib
from collections.abc import Iterator
from importlib import resources
from inspect import signature
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from transformers import PreTrainedConfig, PreTrainedModel, PreTrainedTokenizerBase

_DEFAULT_MAX_LENGTH = 2048
_NO_LIMIT = 10_000_000
"""Tokenizers without a limit say 10^30."""
_BY_LENGTH = ("dynamic", "longrope")
"""Rotary embeddings that depend on the length of the whole text."""
_WINDOWS = {
    "sliding_window": "sliding window",
    "attention_chunk_size": "chunked window",
    "window_size": "window",
    "attention_window_size": "window",
}
_LENGTHS = ("max_position_embeddings", "n_positions", "max_seq_len", "max_target_positions")
_PACKABLE_LAYERS = {"full_attention", "sliding_attention"}


_KNOWN = tomllib.loads(resources.files(__package__).joinpath("attributes.toml").read_text(encoding="utf-8"))
_FOR_DECODER = frozenset(_KNOWN["no_effect"] + _KNOWN["decoder"])
_FOR_PACKS = _FOR_DECODER | frozenset(_KNOWN["layers"])


def packing_obstacle(model: "PreTrainedModel", limit: int) -> str:
    """Return what packs do not support, by its configuration, for texts of up to `limit` tokens; "" for nothing."""
    config = model.config.get_text_config()
    if getattr(config, "attn_logit_softcapping", None) is not None:
        return "its attention is soft-capped"
    kinds = set(getattr(config, "layer_types", None) or ()) - _PACKABLE_LAYERS
    if kinds:
        return f"it has layers of {', '.join(sorted(kinds)).replace('_', ' ')}"
    for name, kind in _WINDOWS.items():
        window = getattr(config, name, None)
        if window and window < limit and _has_window(config, name):
            return f"its attention has a {kind} of {window} tokens"
    return next((_unknown(name, value) for name, value in _set_attributes(config) if name not in _FOR_PACKS), "")


def decoder_obstacle(model: "PreTrainedModel") -> str:
    """Return the feature of a configuration that `Decoder` does not compute; "" for none."""
    config = model.config.get_text_config()
    return next((_unknown(name, value) for name, value in _set_attributes(config) if name not in _FOR_DECODER), "")


def shared_length(model: "PreTrainedModel", limit: int) -> int:
    """Return the length of a text, in tokens and at most `limit`, above which it cannot share a row or a batch.

    Above it the position codes of a token depend on the length of the whole row.
    """
    config = model.config.get_text_config()
    kinds = _rope_kinds(config, getattr(config, "rope_parameters", None) or {})
    return min((length for kind, length in kinds if kind in _BY_LENGTH), default=limit)


def logit_scales(config: "PreTrainedConfig") -> list[float]:
    """Return the factors that a model of this configuration may put its logits by, 1 first.

    Families spell it in several ways, and two of them mean opposite things by one name, so which one holds is found by
    trying.
    """
    of_text: Any = config.get_text_config()
    found = [getattr(of_text, name, None) for name in ("logit_scale", "logits_scaling", "lm_head_multiplier")]
    if base := getattr(of_text, "dim_model_base", None):
        found.append(base / of_text.hidden_size)
    factors = [float(factor) for factor in found if isinstance(factor, int | float) and factor]
    return list(dict.fromkeys([1.0, *factors, *(1 / factor for factor in factors)]))


def max_length_limit(model: "PreTrainedModel", tokenizer: "PreTrainedTokenizerBase") -> int:
    """Return the longest text that the model and its tokenizer are made for, in tokens."""
    config = model.config.get_text_config()
    limits = [getattr(config, name, None) for name in _LENGTHS]
    known = [limit for limit in (*limits, tokenizer.model_max_length) if isinstance(limit, int)]
    return min((limit for limit in known if 0 < limit < _NO_LIMIT), default=_DEFAULT_MAX_LENGTH)


def _unknown(name: str, value: object) -> str:
    return f"it is not known what its {name} = {str(value)[:40]} does to texts that share a row"


def _set_attributes(config: Any) -> Iterator[tuple[str, object]]:
    """Yield the attributes that a class of configurations declares, except those that are switched off.

    A file may hold more. transformers' code, the only one that is run, reads what is declared.
    """
    from transformers import PreTrainedConfig

    common = signature(PreTrainedConfig).parameters
    for name in signature(type(config)).parameters:
        value = vars(config).get(name)  # an attribute that differs from layer to layer cannot be asked for
        is_off = not value or (value == 1 and "multiplier" in name)
        if name not in common and not is_off:
            yield name, value


def _has_window(config: Any, name: str) -> bool:
    """Return whether some layer has the window: a configuration may give its size and use it nowhere."""
    if name != "sliding_window" or not getattr(config, "layer_types", None):
        return True
    return "sliding_attention" in config.layer_types


def _rope_kinds(config: Any, parameters: Any) -> Iterator[tuple[str, int]]:
    """Yield each kind of rotary embedding and the length of a text above which it would depend on that length."""
    if "rope_type" in parameters:
        lengths = (parameters.get("original_max_position_embeddings"), getattr(config, "max_position_embeddings", None))
        yield parameters["rope_type"], min((length for length in lengths if length), default=0)
    for nested in parameters.values():
        if isinstance(nested, dict):
            yield from _rope_kinds(config, nested)
