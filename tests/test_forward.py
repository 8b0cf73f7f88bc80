"""Every way of batching gives the losses of one text at a time, and a model that cannot be packed says so."""

import random
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from transformers import (
    AutoModelForCausalLM,
    BloomConfig,
    CohereConfig,
    Gemma2Config,
    GemmaConfig,
    GPT2Config,
    GPTNeoXConfig,
    GraniteConfig,
    LlamaConfig,
    LlamaForCausalLM,
    MambaConfig,
    MistralConfig,
    OlmoConfig,
    OPTConfig,
    Phi3Config,
    PhiConfig,
    PreTrainedConfig,
    PreTrainedModel,
    Qwen2Config,
    Qwen2MoeConfig,
    Qwen3Config,
)

from srt_core.records import LossRequest, LossStatus
from srt_core.score.student import Batching, Student
from srt_core.score.student.attention import attend_by_mask, attend_by_segment
from srt_core.score.student.head import Head
from srt_core.score.student.packing import cut, lay_out
from tests.tiny_students import byte_tokenizer

OK = LossStatus.OK
POSITIONS = 300
TOKENIZER = byte_tokenizer(has_bos=True)
SMALL: dict[str, Any] = {
    "vocab_size": len(TOKENIZER),
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "max_position_embeddings": POSITIONS,
    "initializer_range": 0.3,
    "bos_token_id": 0,
    "eos_token_id": 1,
    "pad_token_id": 1,
}
GROUPED = {**SMALL, "num_key_value_heads": 2, "head_dim": 8}
GPT2 = {**SMALL, "n_embd": 32, "n_layer": 3, "n_head": 4, "n_positions": POSITIONS}

LONG_ROPE: dict[str, Any] = {
    **SMALL,
    "num_key_value_heads": 2,
    "original_max_position_embeddings": 64,
    "rope_parameters": {
        "rope_type": "longrope",
        "rope_theta": 10000.0,
        "short_factor": [1.0, 1.1, 1.2, 1.3],
        "long_factor": [4.0, 8.0, 16.0, 32.0],
        "original_max_position_embeddings": 64,
    },
}

PACKED: dict[str, PreTrainedConfig] = {
    "llama": LlamaConfig(**GROUPED),
    "llama with biases, tied": LlamaConfig(**GROUPED, attention_bias=True, mlp_bias=True, tie_word_embeddings=True),
    "llama 3 positions": LlamaConfig(
        **GROUPED,
        rope_parameters={
            "rope_type": "llama3",
            "rope_theta": 500.0,
            "factor": 8.0,
            "low_freq_factor": 1.0,
            "high_freq_factor": 4.0,
            "original_max_position_embeddings": 64,
        },
    ),
    "mistral without a window": MistralConfig(**GROUPED, sliding_window=None),
    "mistral with a window that is never reached": MistralConfig(**GROUPED, sliding_window=POSITIONS),
    "llama with positions by a length that is never reached": LlamaConfig(
        **GROUPED, rope_parameters={"rope_type": "dynamic", "rope_theta": 10000.0, "factor": 4.0}
    ),
    "phi3 with positions by the length of longer texts": Phi3Config(**LONG_ROPE),
    "qwen2": Qwen2Config(**GROUPED),
    "qwen3": Qwen3Config(**GROUPED),
    "gemma": GemmaConfig(**GROUPED),
    "granite": GraniteConfig(
        **GROUPED, residual_multiplier=0.5, attention_multiplier=0.2, embedding_multiplier=3.0, logits_scaling=3.0
    ),
    "cohere": CohereConfig(**GROUPED, logit_scale=0.25),
    "olmo, clipped where few numbers are large": OlmoConfig(**{**GROUPED, "initializer_range": 0.1}, clip_qkv=0.7),
    "qwen2-moe": Qwen2MoeConfig(**GROUPED, num_experts=4, moe_intermediate_size=16, shared_expert_intermediate_size=16),
    "gpt2": GPT2Config(**GPT2),
    "gpt-neox, partly rotated": GPTNeoXConfig(**SMALL),
    "phi, a head with biases": PhiConfig(**SMALL),
    "opt": OPTConfig(**SMALL, ffn_dim=48, word_embed_proj_dim=32),
}
SLOWER: dict[str, tuple[PreTrainedConfig, Batching, str]] = {
    "sliding window": (MistralConfig(**GROUPED, sliding_window=24), Batching.PADDED, "sliding window of 24 tokens"),
    "window in some layers": (
        Qwen2Config(**GROUPED, use_sliding_window=True, sliding_window=24, max_window_layers=1),
        Batching.PADDED,
        "sliding window of 24 tokens",
    ),
    "soft-capped": (Gemma2Config(**GROUPED, sliding_window=24), Batching.PADDED, "soft-capped"),
    "alibi": (BloomConfig(**{**GPT2, "hidden_size": 32}), Batching.PADDED, ""),
    "state space": (
        MambaConfig(
            vocab_size=len(TOKENIZER), hidden_size=32, num_hidden_layers=2, state_size=4, initializer_range=0.3
        ),
        Batching.PADDED,
        "",
    ),
}


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def student_of(config: PreTrainedConfig) -> tuple[Student, PreTrainedModel]:
    """A student with small random weights, and a second model with the same weights that nothing was done to."""
    torch.manual_seed(11)
    make: Any = AutoModelForCausalLM.from_config
    model: PreTrainedModel = make(config).eval()
    twin: PreTrainedModel = make(config).eval()
    twin.load_state_dict(model.state_dict())
    return Student(model, TOKENIZER, config.model_type), twin


def tree_requests(seed: int = 3) -> list[LossRequest]:
    """Texts that begin alike, branch and branch again, begin each other, and stand alone; all kinds of targets."""
    chance = random.Random(seed)

    def text(size: int) -> tuple[int, ...]:
        return tuple(chance.choices(range(2, len(TOKENIZER)), k=size))

    heads = [(0, *text(size)) for size in (17, 30, 40)]
    stems = [head + text(chance.randrange(0, 60)) for head in heads for _ in range(3)]
    texts = [stem + text(chance.randrange(1, 90)) for stem in stems for _ in range(3)] + stems
    texts += [(0, *text(size)) for size in (1, 2, 16, 150, 250, POSITIONS - 1)]
    found = [LossRequest(ids, chance.randrange(1, len(ids)), OK) for ids in texts]
    return found + [LossRequest(ids, len(ids) - 1, OK) for ids in texts[::4]]


def plain_losses(model: Any, requests: Sequence[LossRequest]) -> list[float]:
    """One text at a time, through the loss that the model itself returns."""
    found = []
    for request in requests:
        ids = torch.tensor([request.ids])
        labels = ids.clone()
        labels[0, : request.start] = -100
        with torch.no_grad():
            found.append(float(model(input_ids=ids, labels=labels).loss))
    return found


def assert_same_losses(student: Student, twin: PreTrainedModel) -> None:
    requests = tree_requests()
    expected = plain_losses(twin, requests)
    for token_budget in (64, 512, 8192):
        found = dict(student.losses(requests, token_budget=token_budget))
        for index, wanted in enumerate(expected):
            assert found[index].mean == pytest.approx(wanted, rel=1e-5)


@pytest.mark.parametrize("name", PACKED)
def test_packs_give_the_losses_of_one_text_at_a_time(name: str) -> None:
    """Every architecture that can be packed is, and its losses agree with batch 1 to 1e-5 at any token budget."""
    student, twin = student_of(PACKED[name])
    assert (student.identity.batching, student.identity.batching_reason) == (Batching.PACKED, "")
    assert_same_losses(student, twin)


@pytest.mark.parametrize("name", SLOWER)
def test_what_cannot_be_packed_goes_the_slower_way_and_says_why(name: str) -> None:
    """A window, a cap, ALiBi, a state space, positions by length: padded or alone, with a reason, to 1e-5."""
    config, batching, reason = SLOWER[name]
    student, twin = student_of(config)
    assert student.identity.batching is batching
    assert student.identity.batching_reason
    assert reason in student.identity.batching_reason
    assert_same_losses(student, twin)


@dataclass
class LaterConfig(LlamaConfig):  # type: ignore[no-untyped-call]
    """A configuration of a later version of transformers: one that declares more."""

    attention_decay: float | None = None


@pytest.mark.parametrize("decay", [None, 0.5])
def test_an_attribute_that_nobody_knows_keeps_a_model_out_of_packs(decay: float | None) -> None:
    """Only where it is switched on, and it is named: no test of a few texts can tell that it does nothing."""
    torch.manual_seed(11)
    model = LlamaForCausalLM(LaterConfig(**GROUPED, attention_decay=decay))
    identity = Student(model, TOKENIZER, "later").identity
    assert identity.batching is (Batching.PADDED if decay else Batching.PACKED)
    assert ("attention_decay = 0.5" in identity.batching_reason) is bool(decay)


def test_what_a_model_keeps_from_one_call_to_the_next_reaches_no_other_text() -> None:
    """Frequencies that follow the length of a text: many threads, in any order, give what each text gives by itself."""
    student, twin = student_of(PACKED["phi3 with positions by the length of longer texts"])
    requests = [LossRequest(request.ids, 1, OK) for request in tree_requests()]
    expected = plain_losses(twin, requests)
    for way in (Batching.SINGLE, Batching.PACKED):
        student._batching = way
        with ThreadPoolExecutor(8) as pool:
            found = list(pool.map(student.compute, [(request,) for request in requests * 4]))
        for (loss,), wanted in zip(found, expected * 4, strict=True):
            assert loss.mean == pytest.approx(wanted, rel=1e-5)


@pytest.mark.parametrize("name", ["llama", "qwen2", "qwen3", "gemma", "gpt2"])
def test_a_models_own_layers_take_packs_too(name: str) -> None:
    """The way through transformers' layers, which other shapes and devices take, returns the same losses."""
    student, twin = student_of(PACKED[name])
    student._forward.decoder = None
    student._forward.set_packing(on=True)
    assert_same_losses(student, twin)


def test_the_fast_forward_is_used_for_llamas_shape() -> None:
    """Llama, Mistral, Qwen2, Qwen3 and Gemma are taken apart; Granite looks alike, computes something else, is not."""
    taken = {name for name, config in PACKED.items() if student_of(config)[0]._forward.decoder}
    assert taken == {name for name in PACKED if name.split()[0] in ("llama", "mistral", "qwen2", "qwen3", "gemma")}


def test_one_call_with_a_mask_attends_like_a_call_a_segment() -> None:
    """The way for devices where calls are dear sees exactly what the way for CPUs sees."""
    for pack in cut(tree_requests(), 700, Batching.PACKED):
        layout = lay_out(pack)
        query, key, value = torch.randn(3, 2, len(layout.ids), 8).unbind()
        for group in (1, 2):  # each key head is asked by one query head, or by both
            asked, heads = query.view(2 // group, group, -1, 8).transpose(1, 2), slice(2 // group)
            by_segment, by_mask = (
                attend(asked, key[heads], value[heads], layout.segments, 0.5)
                for attend in (attend_by_segment, attend_by_mask)
            )
            assert torch.allclose(by_segment, by_mask, atol=1e-6)


@pytest.mark.parametrize("scale", [1e-3, 1.0, 30.0, 1e3])
@pytest.mark.parametrize("shift", [0.0, -500.0, 500.0])
def test_the_head_takes_logits_of_any_size(scale: float, shift: float) -> None:
    """Logits that overflow or vanish as exp(logit) give the same losses as a log softmax in float64."""
    torch.manual_seed(2)
    hidden, weight = torch.randn(700, 16), torch.randn(2500, 16) * scale
    bias = torch.full((2500,), shift)
    wanted = torch.randint(0, 2500, (700,))
    found = Head(weight, bias).nlls(hidden, wanted)
    logits = (hidden @ weight.T + bias).double()
    expected = torch.logsumexp(logits, 1) - logits[torch.arange(700), wanted]
    assert torch.allclose(found.double(), expected, rtol=1e-5, atol=2e-5 * (1 + scale + abs(shift) / 100))


def test_the_head_keeps_its_digits_where_a_token_is_almost_certain() -> None:
    """Losses down to 1e-6 nats agree with float64 to the last digit of 1, not to that of the logits."""
    torch.manual_seed(2)
    weight = torch.randn(2500, 64)
    wanted = torch.arange(600)
    hidden = weight[wanted] * torch.linspace(0.2, 0.5, 600)[:, None]
    found = Head(weight).nlls(hidden, wanted)
    logits = hidden.double() @ weight.double().T
    expected = torch.logsumexp(logits, 1) - logits[torch.arange(600), wanted]
    assert expected.min() < 1e-6
    assert torch.allclose(found.double(), expected, rtol=1e-4, atol=4e-7)
    assert found.min() >= 0


@pytest.mark.parametrize("poison", [float("nan"), float("inf")])
def test_the_head_never_turns_nonsense_into_a_number(poison: float) -> None:
    """A hidden state that is not finite gives a loss that is not finite, and spoils no other row."""
    hidden, weight = torch.randn(5, 8), torch.randn(40, 8)
    hidden[2] = poison
    found = Head(weight).nlls(hidden, torch.arange(5))
    assert found.isfinite().tolist() == [True, True, False, True, True]


def test_half_precision_is_labelled_and_close() -> None:
    """bfloat16 on a CPU is a preview: its own dtype, its own fingerprint, losses within two percent."""
    student, twin = student_of(PACKED["llama"])
    make: Any = AutoModelForCausalLM.from_config
    rough = make(PACKED["llama"])
    rough.load_state_dict(twin.state_dict())
    preview = Student(rough.to(torch.bfloat16), TOKENIZER, "preview")
    assert preview.identity.dtype == "bfloat16"
    assert preview.fingerprint != student.fingerprint
    requests = [request for request in tree_requests() if len(request.ids) - request.start > 10]
    exact, close = (dict(each.losses(requests)) for each in (student, preview))
    for index, loss in exact.items():
        assert close[index].mean == pytest.approx(loss.mean, rel=2e-2)
