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
    """A trainer: what is installed of it, what its formatter imports beside what srt has, and how it is run.

    `folder`: how it reads a folder that srt exported; `template`: the one that was scored, of that folder.
    """

    package: str
    beside: tuple[str, ...]
    run: str
    folder: str = ""
    template: str = "alpaca"


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
        folder="""
import types
from importlib.machinery import ModuleSpec
sys.modules["torchaudio"] = types.ModuleType("torchaudio")
sys.modules["torchaudio"].__spec__ = ModuleSpec("torchaudio", None)
from datasets import load_dataset
from llamafactory.data.converter import get_dataset_converter
from llamafactory.data.parser import get_dataset_list
from llamafactory.data.template import TEMPLATES
for name in ("alpaca", "sharegpt", "messages"):
    (attr,) = get_dataset_list([name], folder)
    convert = get_dataset_converter(attr.formatting, attr, types.SimpleNamespace())
    for row in load_dataset("json", data_files=f"{folder}/{attr.dataset_name}", split="train", cache_dir=cache):
        made = convert(row)
        messages = made["_prompt"] + made["_response"]
        keep(name, row, *TEMPLATES["alpaca"].encode_oneturn(tokenizer, messages, made["_system"]))
""",
        template="alpaca-llamafactory",
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
        folder="""
import types, yaml
from axolotl.prompt_strategies.user_defined import UserDefinedDatasetConfig, load
from datasets import load_dataset
settings = yaml.safe_load(open(f"{folder}/axolotl.yml", encoding="utf-8"))
(data,) = settings["datasets"]
cfg = types.SimpleNamespace(train_on_inputs=settings["train_on_inputs"], sequence_len=settings["sequence_len"])
strategy = load(tokenizer, cfg, UserDefinedDatasetConfig(**data["type"]))
for row in load_dataset("json", data_files=f"{folder}/{data['path']}", split="train", cache_dir=cache):
    made = strategy.tokenize_prompt(row)
    first = next(place for place, label in enumerate(made["labels"]) if label != -100)
    keep("axolotl.yml", row, made["input_ids"][:first], made["input_ids"][first:])
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
        folder="""
from datasets import load_dataset
from torchtune.data import InputOutputToMessages
convert = InputOutputToMessages(column_map={"input": "prompt", "output": "completion"})
for row in load_dataset(folder, "prompt_completion", split="train", cache_dir=cache):
    texts = [message.text_content for message in convert(row)["messages"]]
    keep("prompt_completion", row, *(tokenizer(text, add_special_tokens=False)["input_ids"] for text in texts))
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


_BEGIN_FOLDER = """
import json, sys, tempfile
from transformers import AutoTokenizer
tokenizer, folder, cache = AutoTokenizer.from_pretrained(sys.argv[1]), sys.argv[2], tempfile.mkdtemp()
found = []
def keep(data, row, prompt_ids, response_ids):
    found.append({"data": data, "sample_id": row["sample_id"], "prompt_ids": list(prompt_ids),
                  "response_ids": list(response_ids)})
"""


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
    """Install a trainer, run its formatter and its reading of an exported folder; returns what came of it."""
    with tempfile.TemporaryDirectory() as folder:
        install = ["pip", "install", "--quiet", "--no-deps", "--target", folder, trainer.package, *trainer.beside]
        done = subprocess.run([sys.executable, "-m", *install], check=False, capture_output=True, text=True)
        if done.returncode:
            return f"unchecked, it cannot be installed: {done.stderr.strip().splitlines()[-1]}"
        made = _run(_BEGIN + trainer.run + _END, [str(tokenizer)], folder, json.dumps(PAIRS))
        if isinstance(made, str):
            return made
        read: list[object] | str = []
        if trainer.folder:
            exported = Path(folder) / "exported"
            export_hostile(exported, trainer.template)
            read = _run(_BEGIN_FOLDER + trainer.folder + _END, [str(tokenizer), str(exported)], folder)
            if isinstance(read, str):
                return read
    found = {
        "trainer": trainer.package,
        "command": " ".join(install).replace(folder, "FOLDER"),
        "formatter": trainer.run,
        "tokenizer": tokenizer.name,
        "versions": {package: version(package) for package in ("transformers", "tokenizers")},
        "records": made,
        "template": trainer.template,
        "reading": trainer.folder,
        "folder": read,
    }
    path = RECORDS / f"{name}.json"
    path.write_text(json.dumps(found, ensure_ascii=False, indent=None if read else 1) + "\n", encoding="utf-8")
    return f"{len(made)} records, and {len(read)} of an exported folder, in {path.relative_to(ROOT)}"


def export_hostile(folder: Path, template: str) -> None:
    """Export the pairs of tests/hostile_pairs.py, scored in name with a template."""
    from srt_core.export.export import export
    from tests.hostile_pairs import hostile_project

    with tempfile.TemporaryDirectory() as place, hostile_project(Path(place) / "p.srt", template) as store:
        export(store, folder, ["prompt_completion", "alpaca", "sharegpt", "messages"], by="records", max_length=2048)


def _run(code: str, arguments: list[str], folder: str, given: str = "") -> list[object] | str:
    """Run code beside a trainer that is installed in a folder; returns what it prints as JSON, or why there is none."""
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        check=False,
        input=given,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": folder, "HF_HUB_OFFLINE": "1"},
    )
    if done.returncode:
        return f"unchecked, its code cannot be run: {done.stderr.strip().splitlines()[-1]}"
    found: list[object] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    main()
