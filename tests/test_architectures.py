"""Every causal architecture of the installed transformers, tiny and random: its losses are exact, or it says why not.

Slow: `make test-all` runs it. What is representative is in test_forward.
"""

import copy
import random
from inspect import signature
from typing import Any

import pytest
import torch
from huggingface_hub.errors import StrictDataclassError
from transformers import CONFIG_MAPPING, AutoModelForCausalLM
from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES

from srt_core.errors import StudentError
from srt_core.records import LossRequest, LossStatus
from srt_core.score.student import Student
from tests.tiny_students import byte_tokenizer

pytestmark = [
    pytest.mark.slow,
    pytest.mark.thorough,
    pytest.mark.filterwarnings("ignore"),  # of the many models of transformers
]

TOKENIZER = byte_tokenizer(has_bos=True)
POSITIONS = 480
LARGEST = 60_000_000
"""Parameters: architectures that these sizes do not make small are left out."""
SIZES: dict[int, str] = {
    len(TOKENIZER): "vocab_size vocab_size_per_layer_input",
    32: "hidden_size d_model n_embd embedding_size word_embed_proj_dim lru_width attention_hidden_size",
    48: "intermediate_size ffn_dim n_inner ffn_hidden_size decoder_ffn_dim intermediate_size_mlp "
    "shared_intermediate_size",
    4: "num_hidden_layers n_layer num_layers decoder_layers num_attention_heads n_head num_heads "
    "decoder_attention_heads num_experts num_local_experts n_routed_experts moe_num_experts linear_num_value_heads "
    "rotary_dim state_size",
    2: "num_key_value_heads num_kv_heads num_experts_per_tok moe_k moe_topk linear_num_key_heads mamba_expand",
    8: "head_dim v_head_dim linear_key_head_dim linear_value_head_dim mamba_d_state mamba_d_head mamba_n_heads "
    "hidden_size_per_layer_input",
    16: "moe_intermediate_size shared_expert_intermediate_size kv_lora_rank",
    1: "eos_token_id pad_token_id n_group topk_group n_shared_experts first_k_dense_replace mamba_n_groups",
    POSITIONS: "max_position_embeddings n_positions n_ctx",
    128: "sliding_window window_size attention_window_size attention_chunk_size",
    64: "mamba_d_ssm",
    0: "bos_token_id num_kv_shared_layers",
}
UNFIT = (StrictDataclassError, ArithmeticError, AssertionError, AttributeError, ImportError, LookupError, RuntimeError,
         TypeError, ValueError)  # fmt: skip
"""What a configuration raises whose sizes do not fit together."""
WANTED = {name: size for size, names in SIZES.items() for name in names.split()}


def tiny_model(kind: str) -> Any:
    """Return a small random model, or skip where these sizes do not make one."""
    config_class: Any = CONFIG_MAPPING[kind]
    from_config: Any = AutoModelForCausalLM.from_config
    try:
        names = set(signature(config_class).parameters)
        config = config_class(**{name: size for name, size in WANTED.items() if name in names})
        with torch.device("meta"):
            empty = from_config(copy.deepcopy(config))
        size = sum(weight.numel() for weight in empty.parameters())
        if size > LARGEST:
            pytest.skip(f"{size / 1e6:.0f} million parameters")
        from_config(copy.deepcopy(config)).eval()(input_ids=torch.tensor([[0, 5, 6]]))
        torch.manual_seed(1)
        model = from_config(config).eval()
        model.config.use_cache = False  # a cache of a window is too short for a text that is given at once
    except UNFIT as error:
        pytest.skip(f"not made small: {error}")
    for weight in model.parameters():
        if weight.dim() > 1:
            weight.data.normal_(0, 0.6 / min(weight.shape[-1], 64) ** 0.5)
    return model


def requests() -> list[LossRequest]:
    """Texts that share beginnings, and texts of many lengths."""
    chance = random.Random(3)

    def text(size: int) -> tuple[int, ...]:
        return tuple(chance.choices(range(2, len(TOKENIZER)), k=size))

    heads = [(0, *text(size)) for size in (17, 40, 120)]
    texts = [head + text(chance.randrange(1, 120)) for head in heads for _ in range(3)]
    texts += [(0, *text(size)) for size in (1, 2, 16, 63, 129, 300, POSITIONS - 1)]
    return [LossRequest(ids, chance.randrange(1, len(ids)), LossStatus.OK) for ids in texts]


def plain_loss(model: Any, request: LossRequest) -> float:
    with torch.no_grad():
        logits = model(input_ids=torch.tensor([request.ids])).logits[0].float()
    rows = torch.arange(request.start - 1, len(request.ids) - 1)
    return -float(torch.log_softmax(logits, 1)[rows, torch.tensor(request.ids[request.start :])].double().mean())


@pytest.mark.parametrize("kind", sorted(MODEL_FOR_CAUSAL_LM_MAPPING_NAMES))
def test_an_architecture_is_exact_or_refused_by_name(kind: str) -> None:
    """Whatever way a student is computed, each loss is within 2e-5 nats a token of transformers' own forward."""
    torch.set_num_threads(1)
    model = tiny_model(kind)
    twin = copy.deepcopy(model)
    try:
        student = Student(model, TOKENIZER, kind)
    except StudentError as error:
        assert kind in error.message and error.hint
        return
    asked = [request for request in requests() if len(request.ids) <= student.max_length_limit]
    found = dict(student.losses(asked))
    for index, request in enumerate(asked):
        plain = plain_loss(copy.deepcopy(twin), request)  # some keep something from one call to the next
        assert found[index].mean == pytest.approx(plain, abs=2e-5), request
