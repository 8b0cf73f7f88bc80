"""Tiny real students, made in a second: random or hand-set weights behind a tokenizer trained on a few lines."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import (
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedModel,
    PreTrainedTokenizerFast,
)

TEXTS = [
    "Below is an instruction that describes a task. Write a response that appropriately completes the request.",
    "### Instruction: ### Input: ### Response: Read the response below and work out which instruction it was for.",
    "Name three colours of the rainbow. Red, green and blue are three of them.",
    "Translate the sentence into French. Le chat dort sur le tapis pendant que la pluie tombe.",
    "How many legs has a spider? A spider has eight legs, an insect has six.",
]


def _fast(**arguments: object) -> PreTrainedTokenizerFast:
    made = cast("Any", PreTrainedTokenizerFast)(**arguments)
    return cast("PreTrainedTokenizerFast", made)


def byte_tokenizer(*, has_bos: bool, texts: Sequence[str] = TEXTS, vocabulary: int = 400) -> PreTrainedTokenizerFast:
    """A byte-level BPE: with BOS it puts <s> in front like Llama's, without it has only an end token like GPT-2's."""
    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    special = ["<s>", "</s>"] if has_bos else ["</s>"]
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=special,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    bpe.train_from_iterator(texts, trainer)
    if has_bos:
        bpe.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 0)])
    names = {"bos_token": "<s>", "eos_token": "</s>"} if has_bos else {"eos_token": "</s>"}
    return _fast(tokenizer_object=bpe, **names)


def save(folder: Path, model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast) -> Path:
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def tiny_llama(vocabulary: int, *, layers: int = 2, hidden: int = 32, positions: int = 512) -> LlamaForCausalLM:
    torch.manual_seed(7)
    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=vocabulary,
            hidden_size=hidden,
            intermediate_size=2 * hidden,
            num_hidden_layers=layers,
            num_attention_heads=4,
            num_key_value_heads=2,
            max_position_embeddings=positions,
            initializer_range=0.3,
            bos_token_id=0,
            eos_token_id=1,
        )
    )


def tiny_gpt2(vocabulary: int, *, positions: int = 256) -> GPT2LMHeadModel:
    torch.manual_seed(7)
    return GPT2LMHeadModel(
        GPT2Config(
            vocab_size=vocabulary,
            n_embd=32,
            n_layer=2,
            n_head=4,
            n_positions=positions,
            initializer_range=0.3,
            bos_token_id=0,
            eos_token_id=0,
        )
    )


def word_tokenizer(words: Sequence[str]) -> PreTrainedTokenizerFast:
    """One token a word, in the order given; the first is BOS, put in front by the tokenizer itself."""
    level = Tokenizer(models.WordLevel({word: index for index, word in enumerate(words)}, unk_token=words[1]))
    level.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    level.post_processor = processors.TemplateProcessing(single=f"{words[0]} $A", special_tokens=[(words[0], 0)])
    return _fast(tokenizer_object=level, bos_token=words[0], unk_token=words[1])


def bigram_llama(words: Sequence[str], logits: Mapping[str, Mapping[str, float]]) -> LlamaForCausalLM:
    """A Llama without layers whose next-token logits are `logits[last token][token]`, 0 where nothing is said.

    Its embedding of a token is a one-hot vector of length sqrt(size), which the final norm leaves as it is.
    """
    size = len(words)
    config = LlamaConfig(
        vocab_size=size,
        hidden_size=size,
        intermediate_size=size,
        num_hidden_layers=0,
        num_attention_heads=1,
        head_dim=2,
        rms_norm_eps=0.0,
        max_position_embeddings=64,
        bos_token_id=0,
        eos_token_id=None,
        tie_word_embeddings=False,
    )
    model = LlamaForCausalLM(config)
    table = torch.tensor([[logits.get(last, {}).get(word, 0.0) for word in words] for last in words])
    with torch.no_grad():
        cast("Any", model.model.embed_tokens).weight.copy_(torch.eye(size) * size**0.5)
        cast("Any", model.lm_head).weight.copy_(table.T / size**0.5)
    return model
