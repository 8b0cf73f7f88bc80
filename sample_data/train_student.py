"""Train the demo's tiny student on the demo's own text: python sample_data/train_student.py (some minutes on two cores).

The student is a Llama of about a million parameters with a byte-level BPE of its own. It reads what a base model that is
about to be tuned might have read: pairs in the alpaca template, reverse prompts with their instruction, and plain texts,
of all originals and of a part of the rewrites. So it knows some candidates better than others, and its scores differ.
They show how the app works and say nothing about any other model.
"""

import json
import random
from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from srt_core.prompts import ParsedReflection, parse_reply
from srt_core.records import Pair, Stage
from srt_core.templates import load_template, prompt, reverse_prompt

FOLDER = Path(__file__).parent
SEED = 5
VOCABULARY = 4096
MAX_LENGTH = 1024
EPOCHS = 10
BATCH_TOKENS = 4096
LEARNING_RATE = 3e-3
SHARE_OF_ORIGINALS = 0.75
SHARE_OF_REWRITES = 0.45
SHARE_OF_PLAIN_TEXTS = 0.15


def main() -> None:
    """Train the tokenizer and the model, and save both to sample_data/student."""
    random.seed(SEED)
    torch.manual_seed(SEED)
    torch.set_num_threads(1)
    originals, rewrites = read_pairs()
    known = sorted(rewrites, key=lambda pair: random.random())[: round(len(rewrites) * SHARE_OF_REWRITES)]
    paired = sorted(originals, key=lambda pair: random.random())[: round(len(originals) * SHARE_OF_ORIGINALS)]
    documents = [text for pair in paired + known for text in in_context(pair)]
    plain = [text for pair in originals + rewrites for text in (pair.instruction, pair.response[:4_000])]
    documents += sorted(plain, key=lambda text: random.random())[: round(len(plain) * SHARE_OF_PLAIN_TEXTS)]
    tokenizer = train_tokenizer([text for pair in originals + rewrites for text in in_context(pair)])
    model = train_model(tokenizer, documents)
    out = FOLDER / "student"
    model.to(torch.bfloat16).save_pretrained(out)
    tokenizer.save_pretrained(out)
    print(f"{sum(p.numel() for p in model.parameters()):,} parameters, {len(documents)} documents")


def read_pairs() -> tuple[list[Pair], list[Pair]]:
    """Read the originals and every rewrite that the recorded replies hold."""
    originals = [
        Pair(instruction=row["instruction"], response=row["output"], input=row["input"])
        for name in ("pairs.json", "later.json")
        for row in json.loads((FOLDER / name).read_text(encoding="utf-8"))
    ]
    rewrites = []
    for line in (FOLDER / "replies.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        parent = Pair(instruction=row["instruction"], response=row["response"], input=row["input"])
        parsed = parse_reply(Stage(row["stage"]), row["reply"], row["finish_reason"], parent)
        if isinstance(parsed, ParsedReflection):
            rewrites.append(parsed.pair)
    return originals, rewrites


def in_context(pair: Pair) -> tuple[str, str]:
    """Give a pair as the student will be trained on it, and the other way round."""
    template = load_template("alpaca")
    x = f"{pair.instruction}\n{pair.input}" if pair.input else pair.instruction
    return prompt(template, pair) + pair.response[:4_000], reverse_prompt(template, pair.response[:4_000]) + x


def train_tokenizer(texts: list[str]) -> PreTrainedTokenizerFast:
    """Train a byte-level BPE that begins every text with BOS."""
    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    special = ["<s>", "</s>", "<pad>"]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    bpe.train_from_iterator(
        texts, trainers.BpeTrainer(vocab_size=VOCABULARY, special_tokens=special, initial_alphabet=alphabet)
    )
    bpe.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 0)])
    return PreTrainedTokenizerFast(
        tokenizer_object=bpe, bos_token="<s>", eos_token="</s>", pad_token="<pad>", model_max_length=MAX_LENGTH
    )


def train_model(tokenizer: PreTrainedTokenizerFast, documents: list[str]) -> LlamaForCausalLM:
    """Train the language model on the documents in random order, cut at max length."""
    config = LlamaConfig(
        vocab_size=VOCABULARY, hidden_size=128, intermediate_size=352, num_hidden_layers=4, num_attention_heads=4,
        max_position_embeddings=MAX_LENGTH, tie_word_embeddings=True, bos_token_id=0, eos_token_id=1, pad_token_id=2,
    )  # fmt: skip
    model = LlamaForCausalLM(config)
    ids = [(tokenizer(text)["input_ids"] + [1])[:MAX_LENGTH] for text in documents]
    total = EPOCHS * len(batches(ids))
    optimiser = torch.optim.AdamW(model.parameters(), lr=LEARNING_RATE, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, LEARNING_RATE, total_steps=total + EPOCHS, pct_start=0.1)
    for epoch in range(EPOCHS):
        losses = []
        for batch in batches(ids):
            width = max(map(len, batch))
            tokens = torch.tensor([row + [2] * (width - len(row)) for row in batch])
            loss = model(input_ids=tokens, labels=tokens.masked_fill(tokens == 2, -100)).loss
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimiser.step()
            schedule.step()
            optimiser.zero_grad()
            losses.append(loss.item())
        print(f"epoch {epoch + 1} of {EPOCHS}: loss {sum(losses) / len(losses):.3f}", flush=True)
    return model.eval()


def batches(ids: list[list[int]]) -> list[list[list[int]]]:
    """Put documents of like length together, about BATCH_TOKENS tokens a batch, in random order."""
    found: list[list[list[int]]] = []
    batch: list[list[int]] = []
    for row in sorted(ids, key=lambda row: (len(row), random.random())):
        if batch and (len(batch) + 1) * len(row) > BATCH_TOKENS:
            found.append(batch)
            batch = []
        batch.append(row)
    found.append(batch)
    random.shuffle(found)
    return found


if __name__ == "__main__":
    main()
