"""Train the tiny student on the demo's own text: python sample_data/train_student.py (some minutes).

The student is a Llama of less than a million parameters with a byte-level BPE of its own. It reads a part of the demo's
pairs in the alpaca template, a part of them the other way round, and a few texts alone. So it knows some candidates
better than others, and its scores differ. They show how the app works and say nothing about any other model.
"""

import json
import random
from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from srt_core.records import Pair, Stage
from srt_core.reflect.prompts import ParsedReflection, parse_reply
from srt_core.score.templates import load_template, prompt, reverse_prompt

FOLDER = Path(__file__).parent
TEMPLATE = load_template("alpaca")
VOCABULARY = 2048
MAX_LENGTH = 1024  # tokens
RESPONSE_CHARACTERS = 4_000  # one original repeats itself beyond all measure
EPOCHS = 10
BATCH_TOKENS = 4096
LEARNING_RATE = 3e-3
# What part of the candidates is read as a prompt with its response, as a reverse prompt with its instruction, and of
# the texts alone.
SHARES = {"forward": 0.6, "reverse": 0.8, "alone": 0.12}
SEED = 5


def main() -> None:
    """Train the tokenizer and the model, and save both to sample_data/student."""
    torch.manual_seed(SEED)
    torch.set_num_threads(1)
    chance = random.Random(SEED)
    pairs = read_candidates()
    tokenizer = train_tokenizer([*texts_of(pairs), *(forward(pair) for pair in pairs[:40])])
    model = train_model(tokenizer, choose_documents(pairs, chance), chance)
    out = FOLDER / "student"
    model.to(torch.bfloat16).save_pretrained(out)
    tokenizer.save_pretrained(out)
    print(f"{sum(parameter.numel() for parameter in model.parameters()):,} parameters in {out}")


def read_candidates() -> list[Pair]:
    """Read every original with the rewrites that its recorded replies hold, in the order of the samples."""
    replies = {}
    for line in (FOLDER / "replies.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        parent = Pair(instruction=row["instruction"], response=row["response"], input=row["input"])
        replies[row["stage"], parent] = parse_reply(Stage(row["stage"]), row["reply"], row["finish_reason"], parent)

    def rewritten(stage: Stage, parent: Pair) -> list[Pair]:
        parsed = replies.get((stage, parent))
        return [parsed.pair] if isinstance(parsed, ParsedReflection) else []

    pairs = []
    for name in ("pairs.json", "later.json"):
        for row in json.loads((FOLDER / name).read_text(encoding="utf-8")):
            original = Pair(instruction=row["instruction"], response=row["output"], input=row["input"])
            pairs += [original, *rewritten(Stage.RESPONSE, original)]
            for instruction in rewritten(Stage.INSTRUCTION, original):
                pairs += [instruction, *rewritten(Stage.RESPONSE, instruction)]
    return pairs


def instruction_of(pair: Pair) -> str:
    """Return the instruction with its input, as the scorer takes it for a target."""
    return f"{pair.instruction}\n{pair.input}" if pair.input else pair.instruction


def response_of(pair: Pair) -> str:
    """Return the response, cut where it is endless."""
    return pair.response[:RESPONSE_CHARACTERS]


def texts_of(pairs: list[Pair]) -> list[str]:
    """Return both texts of every pair."""
    return [text for pair in pairs for text in (instruction_of(pair), response_of(pair))]


def forward(pair: Pair) -> str:
    """Write a pair as it will be trained on: the prompt and its response."""
    return prompt(TEMPLATE, pair) + response_of(pair)


def reverse(pair: Pair) -> str:
    """Write a pair the other way round: the reverse prompt and the instruction."""
    return reverse_prompt(TEMPLATE, response_of(pair)) + instruction_of(pair)


def choose_documents(pairs: list[Pair], chance: random.Random) -> list[str]:
    """Choose what the student reads: parts of the candidates in both directions, and a few texts alone."""

    def part(texts: list[str], share: float) -> list[str]:
        return sorted(texts, key=lambda _: chance.random())[: round(len(texts) * share)]

    return [
        *part([forward(pair) for pair in pairs], SHARES["forward"]),
        *part([reverse(pair) for pair in pairs], SHARES["reverse"]),
        *part(list(dict.fromkeys(instruction_of(pair) for pair in pairs)), SHARES["alone"]),
        *part(list(dict.fromkeys(response_of(pair) for pair in pairs)), SHARES["alone"]),
    ]


def train_tokenizer(texts: list[str]) -> PreTrainedTokenizerFast:
    """Train a byte-level BPE that knows every byte and begins a text with BOS."""
    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=["<s>", "</s>", "<pad>"],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    bpe.train_from_iterator(texts, trainer)
    bpe.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 0)])
    return PreTrainedTokenizerFast(
        tokenizer_object=bpe, bos_token="<s>", eos_token="</s>", pad_token="<pad>", model_max_length=MAX_LENGTH
    )


def train_model(tokenizer: PreTrainedTokenizerFast, documents: list[str], chance: random.Random) -> LlamaForCausalLM:
    """Train the language model on the documents, each cut at max length."""
    config = LlamaConfig(
        vocab_size=VOCABULARY,
        hidden_size=128,
        intermediate_size=352,
        num_hidden_layers=3,
        num_attention_heads=4,
        max_position_embeddings=MAX_LENGTH,
        tie_word_embeddings=True,
        bos_token_id=0,
        eos_token_id=1,
        pad_token_id=2,
    )
    model = LlamaForCausalLM(config)
    ids = [[*tokenizer(text)["input_ids"], 1][:MAX_LENGTH] for text in documents]
    steps = EPOCHS * (len(batches(ids, chance)) + 1)
    optimiser = torch.optim.AdamW(model.parameters(), lr=LEARNING_RATE, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, LEARNING_RATE, total_steps=steps, pct_start=0.1)
    for epoch in range(EPOCHS):
        losses = []
        for batch in batches(ids, chance):
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


def batches(ids: list[list[int]], chance: random.Random) -> list[list[list[int]]]:
    """Put documents of like length together, at most BATCH_TOKENS tokens a batch, in random order."""
    found: list[list[list[int]]] = []
    batch: list[list[int]] = []
    for row in sorted(ids, key=lambda row: (len(row), chance.random())):
        if batch and (len(batch) + 1) * len(row) > BATCH_TOKENS:
            found.append(batch)
            batch = []
        batch.append(row)
    found.append(batch)
    chance.shuffle(found)
    return found


if __name__ == "__main__":
    main()
