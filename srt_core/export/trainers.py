"""What trainers read about a folder: LLaMA-Factory's dataset_info.json, Axolotl's configuration, lines of the card."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from srt_core.export.files import Written
from srt_core.export.formats import FORMATS, Layout, Split
from srt_core.export.scored import Scored
from srt_core.score.templates import Template

LLAMAFACTORY_TEMPLATES: Mapping[str, str] = {
    "alpaca-llamafactory": "alpaca", "vicuna-llamafactory": "vicuna", "chatml": "chatml",
}  # fmt: skip
"""What LLaMA-Factory calls the template that was scored."""


def dataset_info(files: Sequence[Written]) -> str | None:
    """Return LLaMA-Factory's dataset_info.json: a data set each file that it can read; None where it can read none."""
    found = {}
    for each in files:
        entry = FORMATS[each.format].llamafactory
        if entry is not None and each.rows:
            columns: Any = entry["columns"]
            held = {role: column for role, column in columns.items() if column in each.columns}
            found[dataset_name(each)] = {"file_name": each.path.name, **entry, "columns": held}
    return json.dumps(found, indent=2) + "\n" if found else None


def dataset_name(file: Written) -> str:
    """Return what LLaMA-Factory calls the data of a file."""
    return file.format if file.split is Split.TRAIN else f"{file.format}_{file.split}"


def axolotl(files: Sequence[Written], scored: Scored | None, layout: Layout, max_length: int) -> str | None:
    """Return a configuration for Axolotl that writes the prompts that were scored; None where no file has them.

    Of alpaca with the texts of the template, where they can write all that stands before the pairs, else of
    prompt_completion, which has the prompts as they are.
    """
    if scored is None:
        return None
    by_name = {(each.format, each.split): each for each in files if each.rows}
    if ("alpaca", Split.TRAIN) in by_name and _fits(scored.template, layout):
        format, kind = "alpaca", _of_alpaca(scored.template, layout)
    elif ("prompt_completion", Split.TRAIN) in by_name:
        format, kind = "prompt_completion", _OF_PROMPTS
    else:
        return None
    named = json.dumps(scored.template.name)
    lines = [f"# Writes the prompts that were scored, in the template {named}. Run it in this folder; add the model."]
    for split, key in ((Split.TRAIN, "datasets"), (Split.VALIDATION, "test_datasets")):
        if file := by_name.get((format, split)):
            lines += [f"{key}:", f"  - path: {_quoted(file.path.name)}", "    ds_type: json", "    split: train",
                      "    type:"]  # fmt: skip
            lines += [f"      {name}: {_quoted(text)}" for name, text in kind.items()]
    lines += ["train_on_inputs: false", f"sequence_len: {max_length}"]
    return "\n".join(lines) + "\n"


def _fits(template: Template, layout: Layout) -> bool:
    """Whether Axolotl's texts for a user's own format can write the prompts: it has none for earlier turns."""
    has_system = bool(template.system) and not template.preamble
    return not template.is_chat and not layout.has_turns and (has_system or not layout.has_system)


def _of_alpaca(template: Template, layout: Layout) -> Mapping[str, str]:
    system = {"field_system": "system", "system_format": _braced(template.system)} if layout.has_system else {}
    fields = {"field_instruction": "instruction", "field_input": "input", "field_output": "output"}
    return {**system, **fields, "format": _braced(template.with_input), "no_input_format": _braced(template.no_input)}


_OF_PROMPTS = {
    "field_instruction": "prompt", "field_output": "completion", "format": "{instruction}",
    "no_input_format": "{instruction}",
}  # fmt: skip


def _braced(text: str) -> str:
    """Return a text of a template as Python's `str.format` takes it, which Axolotl calls."""
    found = text.replace("{", "{{").replace("}", "}}")
    for name in ("instruction", "input", "system"):
        found = found.replace("{{" + name + "}}", "{" + name + "}")
    return found


def _quoted(text: str) -> str:
    """Return a text as YAML: a string of JSON is one."""
    return json.dumps(text, ensure_ascii=False).replace("\x85", "\\N").replace("\u2028", "\\L").replace("\u2029", "\\P")


def how_to_train(
    files: Sequence[Written], scored: Scored | None, max_length: int, *, has_axolotl: bool
) -> list[tuple[str, str, str]]:
    """Return for each trainer its name, what to know, and the lines that train on these files, as they are run here."""
    has = {each.format for each in files if each.rows and each.split is Split.TRAIN}
    found = []
    if "prompt_completion" in has:
        found += [_trl(files, max_length, "prompt_completion"), _unsloth(files, max_length), _torchtune()]
    elif "messages" in has:
        found.append(_trl(files, max_length, "messages"))
    if has_axolotl:
        said = "`axolotl.yml` writes the prompts that were scored; add the model and how it is trained."
        found.append(("Axolotl", said, "axolotl train axolotl.yml"))
    if any(FORMATS[name].llamafactory for name in has):
        found.append(_llamafactory(has, scored, max_length))
    if "dpo" in has:
        found.append(("TRL, preferences", "", _PREFERENCES))
    return found


def _loading(files: Sequence[Written], format: str) -> str:
    has_validation = any(each.format == format and each.split is Split.VALIDATION and each.rows for each in files)
    evaluated = ', eval_dataset=data["validation"]' if has_validation else ""
    return f'data = load_dataset(".", "{format}")|train_dataset=data["train"]{evaluated}'


_TRL = {
    "prompt_completion": (
        "completion_only_loss",
        "Reads `prompt_completion` as it is, with loss on the completion alone.",
    ),
    "messages": (
        "assistant_only_loss",
        "Writes `messages` in the student's own chat template, which has to mark its answers.",
    ),
}
"""For each format that TRL reads how it is told where the loss runs, and what it does."""


def _trl(files: Sequence[Written], max_length: int, format: str) -> tuple[str, str, str]:
    load, given = _loading(files, format).split("|")
    loss, said = _TRL[format]
    code = f"""from datasets import load_dataset
from trl import SFTConfig, SFTTrainer

{load}
settings = SFTConfig(output_dir="out", {loss}=True, max_length={max_length})
SFTTrainer("YOUR-STUDENT", settings, {given}).train()"""
    return "TRL", said, code


def _unsloth(files: Sequence[Written], max_length: int) -> tuple[str, str, str]:
    load, given = _loading(files, "prompt_completion").split("|")
    code = f"""from unsloth import FastLanguageModel
from datasets import load_dataset
from trl import SFTConfig, SFTTrainer

{load}
model, tokenizer = FastLanguageModel.from_pretrained("YOUR-STUDENT", max_seq_length={max_length})
model = FastLanguageModel.get_peft_model(model)
settings = SFTConfig(output_dir="out", completion_only_loss=True, max_length={max_length})
SFTTrainer(model, settings, processing_class=tokenizer, {given}).train()"""
    return "Unsloth", "Trains by TRL. It needs a GPU, and these lines were not run.", code


def _torchtune() -> tuple[str, str, str]:
    lines = """dataset:
  _component_: torchtune.datasets.instruct_dataset
  source: json
  data_files: prompt_completion.train.jsonl
  split: train
  column_map: {input: prompt, output: completion}
  train_on_input: false"""
    return "torchtune", "In the recipe's configuration, with a tokenizer that has no prompt template of its own.", lines


def _llamafactory(has: set[str], scored: Scored | None, max_length: int) -> tuple[str, str, str]:
    template = LLAMAFACTORY_TEMPLATES.get(scored.template.name) if scored else None
    data = next(
        (name for name in ("alpaca", "sharegpt", "messages", "prompt_completion") if name in has), sorted(has)[0]
    )
    if template:
        said = "Its template is the one that was scored."
    elif scored and scored.template.is_chat:
        template, said = "YOUR-STUDENTS-TEMPLATE", "Take its template for your student, whose chat template was scored."
    elif scored:
        template = "YOUR-TEMPLATE"
        said = f"It has no template that writes what was scored ({code(scored.template.name)})."
    else:
        template, said = "YOUR-TEMPLATE", "Nothing was scored: any template will do."
    lines = f"""dataset_dir: .
dataset: {data}
template: {template}
mask_history: true
cutoff_len: {max_length}"""
    return "LLaMA-Factory", f"`dataset_info.json` names the files. {said}", lines


def code(text: str) -> str:
    """Return a text as inline code of Markdown, whatever it holds."""
    plain = " ".join(text.replace("`", "'").split())
    return f"`{plain}`"


_PREFERENCES = """from datasets import load_dataset
from trl import DPOConfig, DPOTrainer

data = load_dataset(".", "dpo")
DPOTrainer("YOUR-STUDENT", args=DPOConfig(output_dir="out"), train_dataset=data["train"]).train()"""
