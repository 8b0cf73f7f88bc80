"""Record what trainers make of fixed pairs: python scripts/trainer_records.py [TRAINER ...] [--tokenizer FOLDER].

Each trainer is installed into a folder that is thrown away, from the public index and without what it depends on (its
pins exclude ours), and its own formatter is run, unchanged, over PAIRS. The record holds the text, the ids, where the
response begins, versions and commands; tests/test_trainers.py holds the built-in templates to it. A trainer that cannot
be installed or run is named as unchecked.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).parent.parent
RECORDS = ROOT / "tests" / "data" / "trainers"
PAIRS = [
    {"instruction": "Name three colours of the rainbow.", "input": "", "output": "Red, green and blue."},
    {"instruction": "Translate the sentence.", "input": "The cat sleeps.", "output": "Le chat dort."},
    {"instruction": "Sum up the text.\n", "input": "Two lines:\n- one\n- two", "output": " Begins with a space."},
    {"instruction": "Was ist größer: π oder 3?", "input": "", "output": "π ist größer als 3.\n"},
]

_BEGIN = """
import json, sys
from transformers import AutoTokenizer
pairs, tokenizer = json.load(sys.stdin), AutoTokenizer.from_pretrained(sys.argv[1])
found = []
def add(template, pair, prompt_ids, response_ids):
    text = [tokenizer.decode(ids, clean_up_tokenization_spaces=False) for ids in (prompt_ids, response_ids)]
    found.append({"template": template, "pair": pair, "prompt": text[0], "response": text[1],
                  "prompt_ids": list(prompt_ids), "response_ids": list(response_ids)})
"""
_END = """
print(json.dumps(found))
"""
_BY_LABELS = """
def by_labels(template, pair, ids, labels):
    first = next(place for place, label in enumerate(labels) if label != -100)
    last = max(place for place, label in enumerate(labels) if label != -100) + 1
    add(template, pair, ids[:first], ids[first:last])
"""


@dataclass(frozen=True)
class Trainer:
    """A trainer: what is installed of it, what its formatter imports beside what srt has, and how it is run."""

    package: str
    beside: tuple[str, ...]
    run: str


TRAINERS: Mapping[str, Trainer] = {
    "llamafactory": Trainer(
        "llamafactory==0.9.5",
        (),
        """
import types
from importlib.machinery import ModuleSpec
sys.modules["torchaudio"] = types.ModuleType("torchaudio")  # imported for sounds, of which there are none
sys.modules["torchaudio"].__spec__ = ModuleSpec("torchaudio", None)
from llamafactory.data.converter import AlpacaDatasetConverter
from llamafactory.data.parser import DatasetAttr
from llamafactory.data.template import TEMPLATES
convert = AlpacaDatasetConverter(DatasetAttr("file", "pairs.json"), types.SimpleNamespace())
for name in ("alpaca", "vicuna", "chatml"):
    for pair in pairs:
        row = convert(pair)
        add(name, pair, *TEMPLATES[name].encode_oneturn(tokenizer, row["_prompt"] + row["_response"], row["_system"]))
""",
    ),
    "axolotl": Trainer(
        "axolotl==0.19.0",
        ("colorama",),
        _BY_LABELS
        + """
from axolotl.prompt_tokenizers import AlpacaPromptTokenizingStrategy
from axolotl.prompters import AlpacaPrompter
for name, style in (("alpaca", "instruct"), ("chatml", "chatml")):
    strategy = AlpacaPromptTokenizingStrategy(AlpacaPrompter(style), tokenizer, False, 2048)
    for pair in pairs:
        made = strategy.tokenize_prompt(pair)
        by_labels(name, pair, made["input_ids"], made["labels"])
""",
    ),
    "torchtune": Trainer(
        "torchtune==0.6.1",
        (
            "torchao==0.10.0",
            "omegaconf",
            "antlr4-python3-runtime==4.9.3",
            "sentencepiece",
            "tiktoken",
            "blobfile",
            "pycryptodomex",
            "lxml",
            "kagglehub",
        ),
        """
from torchtune.data import AlpacaToMessages
for pair in pairs:
    user, assistant = AlpacaToMessages(train_on_input=False)(pair)["messages"]
    ids = [tokenizer(message.text_content, add_special_tokens=False)["input_ids"] for message in (user, assistant)]
    add("alpaca", pair, *ids)
""",
    ),
    "trl": Trainer(
        "trl==1.16.0",
        (),
        _BY_LABELS
        + """
import tempfile
from datasets import Dataset
from transformers import AutoModelForCausalLM
from trl import SFTConfig, SFTTrainer
tokenizer.chat_template = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\\n{{ message.content }}<|im_end|>\\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\\n{% endif %}"
)
def asked(pair):
    return pair["instruction"] + ("\\n\\n" + pair["input"] if pair["input"] else "")
def message(role, content):
    return [{"role": role, "content": content}]
rows = {
    "chat": [{"prompt": message("user", asked(pair)), "completion": message("assistant", pair["output"])}
             for pair in pairs],
    "text": [{"prompt": f"Q: {asked(pair)}\\nA:", "completion": pair["output"]} for pair in pairs],
}
for name, examples in rows.items():
    with tempfile.TemporaryDirectory() as folder:
        settings = SFTConfig(folder, use_cpu=True, report_to="none", packing=False, completion_only_loss=True)
        trainer = SFTTrainer(AutoModelForCausalLM.from_pretrained(sys.argv[1]), settings,
                             train_dataset=Dataset.from_list(examples), processing_class=tokenizer)
        batches = [trainer.data_collator([row]) for row in trainer.train_dataset]
    for pair, batch in zip(pairs, batches):
        by_labels(name, pair, batch["input_ids"][0].tolist(), batch["labels"][0].tolist())
        found[-1]["chat_template"] = tokenizer.chat_template if name == "chat" else None
""",
    ),
    "fastchat": Trainer(
        "fschat==0.2.36",
        (),
        """
from fastchat.conversation import get_conv_template
for pair in pairs:
    # As fastchat.data.convert_alpaca joins an input, and fastchat.train.train cuts a turn where the answer begins.
    asked = pair["instruction"]
    if len(pair["input"].strip()) > 1:
        asked += "\\nInput:\\n" + pair["input"]
    conversation = get_conv_template("vicuna_v1.1")
    conversation.append_message(conversation.roles[0], asked)
    conversation.append_message(conversation.roles[1], pair["output"])
    begin = conversation.sep + conversation.roles[1] + ": "
    prompt, response = conversation.get_prompt().split(begin)
    ids = [tokenizer(text, add_special_tokens=False)["input_ids"] for text in (prompt + begin, response)]
    add("vicuna", pair, *ids)
""",
    ),
}


def main() -> None:
    """Record the trainers that were asked for, and say of each whether it could be."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("trainers", nargs="*", default=list(TRAINERS), metavar="TRAINER")
    parser.add_argument("--tokenizer", type=Path, default=ROOT / "sample_data" / "student")
    options = parser.parse_args()
    RECORDS.mkdir(parents=True, exist_ok=True)
    for name in options.trainers:
        print(f"{name}: {record(name, TRAINERS[name], options.tokenizer)}")


def record(name: str, trainer: Trainer, tokenizer: Path) -> str:
    """Install a trainer, run its formatter and write its record; returns what came of it."""
    with tempfile.TemporaryDirectory() as folder:
        install = ["pip", "install", "--quiet", "--no-deps", "--target", folder, trainer.package, *trainer.beside]
        done = subprocess.run([sys.executable, "-m", *install], check=False, capture_output=True, text=True)
        if done.returncode:
            return f"unchecked, it cannot be installed: {done.stderr.strip().splitlines()[-1]}"
        done = subprocess.run(
            [sys.executable, "-c", _BEGIN + trainer.run + _END, str(tokenizer)],
            check=False,
            input=json.dumps(PAIRS),
            capture_output=True,
            text=True,
            env={**os.environ, "PYTHONPATH": folder, "HF_HUB_OFFLINE": "1"},
        )
        if done.returncode:
            return f"unchecked, its formatter cannot be run: {done.stderr.strip().splitlines()[-1]}"
    found = {
        "trainer": trainer.package,
        "command": " ".join(install).replace(folder, "FOLDER"),
        "formatter": trainer.run,
        "tokenizer": tokenizer.name,
        "versions": {package: version(package) for package in ("transformers", "tokenizers")},
        "records": json.loads(done.stdout.strip().splitlines()[-1]),
    }
    path = RECORDS / f"{name}.json"
    path.write_text(json.dumps(found, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return f"{len(found['records'])} records in {path.relative_to(ROOT)}"


if __name__ == "__main__":
    main()
