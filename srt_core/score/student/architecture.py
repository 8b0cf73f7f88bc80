"""What the configuration of a model says of the ways in which its losses can be computed.

A text may share a row with others where each token is computed by itself, but for attention that is softmax(q k) v over
the tokens before it and for a position that is counted within its text. That is tested when a student is loaded, but a
test is short: it cannot see a window of 4,096 tokens, or a clip that only large numbers reach. So a configuration is
taken for packs only if every attribute of it is known here; one that is not sends the model the slower way, which
needs no such knowledge. `Decoder`, which computes layers itself, knows fewer of them.
"""

from collections.abc import Iterator
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
_PACKABLE_LAYERS = {"full_attention", "sliding_attention"}


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


_NO_EFFECT = _names("""
    bos_token_id eos_token_id pad_token_id sep_token_id cls_token_id unk_token_id mask_token_id eod_token_id im_start_id
    image_token_id im_end_id decoder_start_token_id forced_eos_token_id forced_bos_token_id name_or_path tokenizer_class
    torch_dtype auto_map use_cache pretraining_tp task_specific_params prefix finetuning_task transformers_js_config
    gradient_checkpointing use_return_dict unsloth_version unsloth_fixed model_name slow_but_exact ignore_keys_at_rope_validation
    initializer_range initializer_factor init_std embedding_initializer_range std_scale rescale_prenorm_residual
    attention_dropout hidden_dropout embd_pdrop embd_pdrop resid_pdrop attn_pdrop emb_pdrop resid_dropout embed_dropout
    embedding_dropout residual_dropout dropout activation_dropout ffn_dropout layerdrop classifier_dropout hidden_dropout_prob
    attention_probs_dropout_prob summary_first_dropout summary_last_dropout ffn_dropout_rate
    summary_activation summary_proj_to_labels summary_type summary_use_proj classifier_activation classifier_bias
    output_router_logits router_aux_loss_coef router_z_loss_coef router_jitter_noise input_jitter_noise aux_loss_coef
    aux_loss_alpha moe_loss_weight z_loss_coefficient seq_aux num_nextn_predict_layers mtp_loss_scaling_factor num_logits_to_keep
    scale_attention_softmax_in_fp32 attention_softmax_in_fp32 reorder_and_upcast_attn max_window_layers cache_implementation
    sliding_window_pattern layer_types attn_implementation keys_to_ignore_at_inference enable_moe_fp32_combine head_dtype
""")
"""Of training, generation or bookkeeping; or said by another attribute again, as `layer_types` says where windows are."""

_SIZES = _names("""
    vocab_size hidden_size intermediate_size num_hidden_layers num_attention_heads num_key_value_heads head_dim
    max_position_embeddings original_max_position_embeddings n_embd n_layer n_head n_positions n_inner n_ctx ffn_dim d_model
    word_embed_proj_dim tie_word_embeddings
""")
_OF_DECODER = _names("""
    rope_parameters rope_theta rope_scaling partial_rotary_factor default_theta rms_norm_eps layer_norm_eps norm_eps
    hidden_act hidden_activation attention_bias attention_out_bias mlp_bias use_bias use_qkv_bias qkv_bias sliding_window
    use_sliding_window use_qk_norm attention_multiplier embedding_multiplier final_logit_softcapping logits_scaling
    logit_scale query_pre_attn_scalar use_bidirectional_attention
""")
"""What `Decoder` computes, or takes from the modules that it calls, or `obstacle` looks at."""

_TOKEN_BY_TOKEN = _names("""
    clip_qkv residual_multiplier embedding_scale scale_emb scale_depth dim_model_base mup_enabled lm_head_multiplier key_multiplier
    mlp_multipliers layer_norm_epsilon layer_norm_elementwise_affine norm_epsilon norm_bias norm_type activation_function activation
    hidden_act_param do_layer_norm_before enable_bias scale_embedding qk_layernorm qk_norm use_parallel_residual parallel_attn
    rotary_pct rotary_emb_base rotary_dim rotary_value attn_scale_by_inverse_layer_idx scale_attn_weights
    scale_attn_by_inverse_layer_idx multi_query num_ln_in_parallel_attn position_embedding_type rope_interleave
    use_post_norm no_rope_layers no_rope_layer_interval lambda_std_dev num_kv_shared_layers
    kv_lora_rank q_lora_rank qk_nope_head_dim qk_rope_head_dim qk_head_dim v_head_dim kv_channels
    num_experts num_local_experts num_experts_per_tok num_experts_per_token n_routed_experts n_shared_experts num_shared_experts
    moe_intermediate_size shared_expert_intermediate_size shared_intermediate_size moe_num_shared_experts moe_num_experts
    moe_k moe_topk moe_capacity moe_layer_interval moe_layer_start_index moe_layer_end_index moe_norm_min moe_use_bias
    first_k_dense_replace moe_layer_freq decoder_sparse_step mlp_only_layers mlp_layer_types interleave_moe_layer_step moe_layers
    norm_topk_prob scoring_func topk_method topk_group n_group routed_scaling_factor route_scale route_norm router_scaling_factor
    use_shared_expert score_func use_expert_bias moe_router_enable_expert_bias shared_expert_combination_strategy expert_selection_fn
    enable_lm_head_fp32 swiglu_limit swiglu_alpha
""")
"""Each token by itself, in the model's own layers."""

_FOR_DECODER = _NO_EFFECT | _SIZES | _OF_DECODER
_FOR_PACKS = _FOR_DECODER | _TOKEN_BY_TOKEN


def packing_obstacle(model: "PreTrainedModel", limit: int) -> str:
    """Return the feature of a configuration that packs do not support, for texts of up to `limit` tokens; "" for none."""
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
    limits = [getattr(config, name, None) for name in ("max_position_embeddings", "n_positions", "max_seq_len")]
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
        value = getattr(config, name, None)
        is_off = value is None or value is False or value in ("", [], (), {}) or (value == 1 and "multiplier" in name)
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
        lengths = (parameters.get("original_max_position_embeddings"), config.max_position_embeddings)
        yield parameters["rope_type"], min(length for length in lengths if length)
    for nested in parameters.values():
        if isinstance(nested, dict):
            yield from _rope_kinds(config, nested)
