"""Adapters and GGUF files as students; and what is refused, each by its cause."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import LoraConfig, PeftModel, PromptTuningConfig, TaskType, get_peft_model
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, LlamaForSequenceClassification, T5Config, T5ForConditionalGeneration

from srt_core.errors import StudentError
from srt_core.records import LossRequest, LossStatus
from srt_core.score.student import Batching, files_stamp, load_chat_template, load_student, loading_message
from tests.tiny_gguf import write_gguf
from tests.tiny_students import byte_tokenizer, save, tiny_llama

pytestmark = pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing`:FutureWarning")  # transformers, to PEFT
TOKENIZER = byte_tokenizer(has_bos=True)
REQUESTS = [LossRequest((0, *range(5, 5 + size)), size // 3 + 1, LossStatus.OK) for size in (2, 9, 40, 120)]


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random Llama with its tokenizer."""
    return save(tmp_path_factory.mktemp("base"), tiny_llama(len(TOKENIZER)), TOKENIZER)


def adapter_of(base: Path, folder: Path, **options: Any) -> Path:
    """Save a LoRA adapter of random weights for a base, as PEFT does."""
    torch.manual_seed(4)
    wanted = {"r": 4, "lora_alpha": 16, "target_modules": ["q_proj", "v_proj", "down_proj"], **options}
    made: Any = get_peft_model(
        AutoModelForCausalLM.from_pretrained(base), LoraConfig(task_type=TaskType.CAUSAL_LM, **wanted)
    )
    for name, weight in made.named_parameters():
        if "lora_" in name:
            torch.nn.init.normal_(weight, std=0.2)
    made.save_pretrained(folder)
    return folder


def plain_losses(model: Any) -> list[float]:
    found = []
    for request in REQUESTS:
        ids = torch.tensor([request.ids])
        labels = ids.clone()
        labels[0, : request.start] = -100
        with torch.no_grad():
            found.append(float(model(input_ids=ids, labels=labels).loss))
    return found


def losses(folder: Path) -> list[float | None]:
    found = dict(load_student(folder, device="cpu").losses(REQUESTS))
    return [found[index].mean for index in range(len(REQUESTS))]


@pytest.mark.parametrize("options", [{}, {"use_dora": True}, {"modules_to_save": ["lm_head"]}, {"use_rslora": True}])
def test_an_adapter_is_a_student_together_with_its_base(base: Path, tmp_path: Path, options: dict[str, Any]) -> None:
    """Its losses are those of PEFT's own model, in packs; base, adapter and another adapter have three fingerprints."""
    adapter = adapter_of(base, tmp_path / "adapter", **options)
    with_adapter: Any = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(base), adapter)
    assert losses(adapter) == pytest.approx(plain_losses(with_adapter.eval()), abs=2e-5)
    assert losses(adapter) != pytest.approx(losses(base), abs=1e-2)
    student = load_student(adapter, device="cpu")
    assert (student.name, student.identity.batching) == (str(adapter), Batching.PACKED)
    other = adapter_of(base, tmp_path / "other", r=2)
    prints = {load_student(folder, device="cpu").fingerprint for folder in (base, adapter, other)}
    assert len(prints) == 3


def test_an_adapters_base_is_found_beside_it_and_counts_as_its_files(base: Path, tmp_path: Path) -> None:
    """A relative path begins at the adapter; another base is another stamp, and one that is gone is named."""
    copy = shutil.copytree(base, tmp_path / "base")
    adapter = adapter_of(copy, tmp_path / "adapter")
    edit(adapter / "adapter_config.json", base_model_name_or_path="../base")
    before = files_stamp(str(adapter))
    assert (
        load_student(adapter, device="cpu").identity.parameters == load_student(copy, device="cpu").identity.parameters
    )
    edit(copy / "config.json", rms_norm_eps=1e-3)
    assert len({"", before, files_stamp(str(adapter))}) == 3
    shutil.rmtree(copy)
    edit(adapter / "adapter_config.json", base_model_name_or_path=str(copy))
    with pytest.raises(StudentError, match="is an adapter, and its base cannot be used") as caught:
        load_student(adapter, device="cpu")
    assert str(copy) in caught.value.message and "base_model_name_or_path" in caught.value.hint


def test_an_adapter_that_does_not_fit_is_refused(base: Path, tmp_path: Path) -> None:
    """Weights without a counterpart, another task, learned prompts, no base, no weights, another's shapes."""
    adapter = adapter_of(base, tmp_path / "adapter")
    weights = load_file(adapter / "adapter_model.safetensors")
    part = {key: weight for key, weight in weights.items() if "layers.1" not in key}
    for changed in (part, {**weights, "odd": torch.zeros(2)}):
        save_file(changed, adapter / "adapter_model.safetensors")
        with pytest.raises(StudentError, match="does not fit its base"):
            load_student(adapter, device="cpu")
    (adapter / "adapter_model.safetensors").unlink()
    with pytest.raises(StudentError, match="no weights of an adapter"):
        load_student(adapter, device="cpu")
    save_file(weights, adapter / "adapter_model.safetensors")
    changed_configs: list[tuple[dict[str, object], str]] = [
        ({"task_type": "SEQ_CLS"}, "another task"),
        ({"base_model_name_or_path": None}, "which model"),
        ({"r": 2}, "shape"),
    ]
    for changes, said in changed_configs:
        kept = (adapter / "adapter_config.json").read_text("utf-8")
        edit(adapter / "adapter_config.json", **changes)
        with pytest.raises(StudentError, match=said):
            load_student(adapter, device="cpu")
        (adapter / "adapter_config.json").write_text(kept, "utf-8")
    prompts = PromptTuningConfig(task_type=TaskType.CAUSAL_LM, num_virtual_tokens=3)
    made: Any = get_peft_model(AutoModelForCausalLM.from_pretrained(base), prompts)
    made.save_pretrained(tmp_path / "prompts")
    with pytest.raises(StudentError, match="learned text before the prompt"):
        load_student(tmp_path / "prompts", device="cpu")


def test_an_adapter_beside_a_base_is_never_ignored(base: Path, tmp_path: Path) -> None:
    """A folder with both is not guessed at, and weights with an adapter inside are refused."""
    both = shutil.copytree(base, tmp_path / "both")
    adapter_of(base, tmp_path / "adapter")
    for file in (tmp_path / "adapter").glob("adapter_*"):
        shutil.copy(file, both)
    with pytest.raises(StudentError, match="holds a model and an adapter"):
        load_student(both, device="cpu")
    inside = shutil.copytree(base, tmp_path / "inside")
    weights = load_file(inside / "model.safetensors")
    weights["model.layers.0.self_attn.q_proj.lora_A.weight"] = torch.zeros(2, 32)
    save_file(weights, inside / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(StudentError, match="hold an adapter"):
        load_student(inside, device="cpu")


def test_a_gguf_file_is_a_student_and_converted_once(
    base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The losses are those of the model it was made from; the folder in the cache is used again, also for a copy."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    model: Any = AutoModelForCausalLM.from_pretrained(base)
    file = write_gguf(tmp_path / "tiny.gguf", model, TOKENIZER)
    assert "Converting" in loading_message(file)
    assert losses(file) == pytest.approx(plain_losses(model), abs=2e-5)
    student = load_student(file, device="cpu")
    texts = ["A spider has <s> eight legs.", "Le chat\n\tdort"]
    assert student.encode(texts, special=False) == TOKENIZER(texts, add_special_tokens=False)["input_ids"]
    assert student.start_ids == (TOKENIZER.bos_token_id,)
    assert "Converting" not in loading_message(file)
    made = {path: path.stat().st_mtime_ns for path in (tmp_path / "cache").rglob("*")}
    assert load_student(shutil.copy(file, tmp_path / "copy.gguf"), device="cpu").fingerprint == student.fingerprint
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "cache").rglob("*")} == made
    stamps = {files_stamp(str(file)), files_stamp(str(tmp_path / "copy.gguf"))}
    assert len(stamps) == 2 and "" not in stamps


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"GGUF" + b"\x00" * 40, "cannot read the GGUF file"), (b"PK\x03\x04", "is no GGUF file"),
     (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n", "pointer of Git LFS")],
)  # fmt: skip
def test_a_gguf_file_that_is_none_is_refused(
    tmp_path: Path, content: bytes, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cut off, something else, a pointer, not there: a sentence, and nothing is left in the cache."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "odd.gguf").write_bytes(content)
    with pytest.raises(StudentError, match=said):
        load_student(tmp_path / "odd.gguf", device="cpu")
    with pytest.raises(StudentError, match="There is no file"):
        load_student(tmp_path / "gone.gguf", device="cpu")
    assert not list((tmp_path / "cache").glob("srt-curator/gguf/*"))


def edit(file: Path, **changes: object) -> None:
    file.write_text(json.dumps({**json.loads(file.read_text("utf-8")), **changes}), "utf-8")


def pointer(name: str) -> Callable[[Path], object]:
    content = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12345\n"
    return lambda folder: (folder / name).write_text(content)


def into_parts(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "model-00001-of-00002.safetensors")
    names = {"lm_head.weight": "model-00002-of-00002.safetensors", "x": "model-00001-of-00002.safetensors"}
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": names}))


def into_parent(folder: Path) -> None:
    for name in ("checkpoint-900", "checkpoint-1000"):
        shutil.copytree(folder, folder.parent / "kept" / name)
    shutil.rmtree(folder)
    (folder.parent / "kept").rename(folder)


def into_encoder_decoder(folder: Path) -> None:
    config = T5Config(vocab_size=len(TOKENIZER), d_model=16, d_kv=4, d_ff=16, num_layers=1, num_heads=2)
    T5ForConditionalGeneration(config).save_pretrained(folder)


def into_classifier(folder: Path) -> None:
    config = tiny_llama(len(TOKENIZER)).config
    config.tie_word_embeddings = True
    make: Any = LlamaForSequenceClassification
    make(config).save_pretrained(folder)


def without(name: str) -> Callable[[Path], object]:
    def remove(folder: Path) -> None:
        for path in folder.glob(name):
            path.unlink()

    return remove


def with_config(**changes: object) -> Callable[[Path], object]:
    return lambda folder: edit(folder / "config.json", **changes)


CAUSES: dict[str, tuple[Callable[[Path], object], str, str]] = {
    "weights are a pointer": (pointer("model.safetensors"), "pointer of Git LFS", "git lfs pull"),
    "tokenizer is a pointer": (pointer("tokenizer.json"), "'tokenizer.json'", "git lfs pull"),
    "a part is missing": (into_parts, "lacks model-00002-of-00002.safetensors", "download"),
    "no weights": (without("*.safetensors"), "no weights", "model.safetensors"),
    "weights of another library": (
        lambda folder: (folder / "model.safetensors").rename(folder / "tf_model.h5"), "TensorFlow", "save_pretrained"),
    "no tokenizer": (without("tokenizer*"), "no tokenizer", "tokenizer.json"),
    "a parent of checkpoints": (into_parent, "2 students: checkpoint-900, checkpoint-1000", "checkpoint-1000"),
    "an encoder-decoder": (into_encoder_decoder, "encoder-decoder", "causal language model"),
    "a classifier, its embedding tied": (into_classifier, "is a classifier", "language model that it was made from"),
    "a masked model": (with_config(architectures=["LlamaForMaskedLM"]), "fills gaps", "continue text"),
    "quantised": (with_config(quantization_config={"quant_method": "gptq"}), "quantised .gptq", "made from"),
    "own code": (with_config(model_type="mine", auto_map={"AutoConfig": "mine.C"}), "own code", "architecture"),
    "unknown": (with_config(model_type="nonesuch"), "does not know the architecture 'nonesuch'", "pip install -U"),
    "of images": (with_config(model_type="clip"), "no causal language model", "continue text"),
    "config of no model": (lambda folder: (folder / "config.json").write_text("{}"), "no model_type", "whole folder"),
    "only GGUF": (lambda folder: (folder / "config.json").rename(folder / "x.gguf"), "GGUF", "x.gguf"),
}  # fmt: skip


@pytest.mark.parametrize("cause", CAUSES)
def test_the_sentence_fits_the_cause(base: Path, tmp_path: Path, cause: str) -> None:
    """Each kind of folder that is no student says which it is and what to do, before weights are read."""
    change, said, hint = CAUSES[cause]
    folder = shutil.copytree(base, tmp_path / "odd")
    change(folder)
    for load in (load_student, load_chat_template):
        with pytest.raises(StudentError, match=said) as caught:
            load(folder)
        assert "odd" in str(caught.value) and hint in caught.value.hint


@pytest.mark.parametrize("named", ["attn_implementation", "_attn_implementation", "experts_implementation"])
def test_a_student_does_not_choose_the_code_that_computes_it(base: Path, tmp_path: Path, named: str) -> None:
    """A configuration may name a function of the hub for its attention or experts: it is neither fetched nor tried."""
    folder = Path(shutil.copytree(base, tmp_path / "student"))
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, named: "kernels-community/flash-attn2"}))
    assert load_student(folder).fingerprint
    found = [load_student(each).losses(REQUESTS) for each in (base, folder)]
    assert list(found[0]) == list(found[1])
